//! The words of comparisons: names and units of figures, what follows for a threshold, what a comparison covers and what not.
//!
//! The report of `harness compare` prints them, on the terminal and in its pages.

use super::{Bytes, Counted, Decimal, InWords, Language, Milliseconds, Noun, Percent, Quantile};
use crate::{messages, say, words};
use harness_judge::compare::{Doubt, Gated, Middle, Pair, Ruling, Shows, Subject};
use harness_model::exit_code::ExitCode;
use harness_model::plan::{Gate, Metric, Versus};

messages! {
    /// What a comparison is a statement about.
    pub fn covers() {
        en: "It covers HTTP/1.1 in clear text over the loopback of this host, at the load of the scenario; clients, backends and proxy share its CPUs. It says nothing of TLS, HTTP/2, HTTP/3 or a real network.",
        es: "Cubre HTTP/1.1 en texto claro por el loopback de este computador, con la carga del escenario; clientes, backends y proxy comparten sus CPU. No dice nada de TLS, HTTP/2, HTTP/3 ni de una red real.",
    }
    /// What a ratio is.
    pub fn how_to_read(level: Percent) {
        en: "Each round starts every side anew, in an order that flips. A figure is the median of the rounds in which every side has it; a ratio is the median of the ratios of those rounds, the first side over the other. In brackets stands an interval of {level}; one of a ratio that contains 1 shows no difference. Fewer than eight rounds make no interval: only how far they go apart is shown.",
        es: "Cada ronda arranca de nuevo todos los lados, en un orden que se alterna. Una cifra es la mediana de las rondas en que se midió en todos los lados; una razón es la mediana de las razones de esas rondas, el primer lado sobre el otro. Entre corchetes va un intervalo del {level}; si el de una razón contiene 1, no se ve diferencia. Con menos de ocho rondas no hay intervalo: solo se muestra de dónde a dónde van.",
    }
    /// CPU is the figure that noise spoils least.
    pub fn noise(ms: Milliseconds) {
        en: "Noise of the host: a sleep of 1 ms overshot by {ms} (worst p99, median of the rounds). The busier the host, the more the CPU time per request is to be trusted rather than latencies.",
        es: "Ruido del computador: una espera (sleep) de 1 ms se alargó {ms} (peor p99, mediana de las rondas). Mientras más ocupado esté, más confiable es el tiempo de CPU por petición que las latencias.",
    }
    /// Title.
    pub fn compared(first: &str, others: &str) {
        en: "{first} compared with {others}", es: "{first} comparado con {others}",
    }
    /// Title of a plot.
    pub fn overlay_title(tag: &str, samples: Counted) {
        en: "Latency by percentile, “{tag}” ({samples}, milliseconds)",
        es: "Latencia por percentil, «{tag}» ({samples}, milisegundos)",
    }
    /// Before the first round.
    pub fn announced(rounds: u64, sides: u64, time: super::Span) {
        en: "{rounds} rounds of {sides} sides, about {time}", es: "{rounds} rondas de {sides} lados, unos {time}",
    }
    /// It would take longer than allowed.
    pub fn too_long(rounds: u64, time: super::Span, most: super::Span) {
        en: "{rounds} rounds would take about {time}, and {most} are allowed: choose a shorter scenario or fewer sides, or allow more (--max-duration 10m)",
        es: "{rounds} rondas tomarían unos {time}, y se permiten {most}: elija un escenario más corto o menos lados, o permita más (--max-duration 10m)",
    }
    /// One measurement is over.
    pub fn round_of(round: u64, rounds: u64, side: &str, left: super::Span) {
        en: "round {round} of {rounds}: {side} (about {left} left)",
        es: "ronda {round} de {rounds}: {side} (faltan unos {left})",
    }
    /// Too few rounds were asked for, or there is the time for.
    pub fn few_rounds(needed: u64, option: &str) {
        en: "fewer than {needed} rounds give no intervals; {option} allows more",
        es: "con menos de {needed} rondas no hay intervalos; `{option}` permite más",
    }
    /// A required check failed in one of the rounds.
    pub fn side_wrong(side: &str) {
        en: "{side} failed a required check in a round: what answers wrongly is not compared for speed. `harness report` on the folder of that run shows it.",
        es: "{side} no cumplió una verificación obligatoria en una ronda: la velocidad de lo que responde mal no se compara. `harness report` con la carpeta de esa corrida lo muestra.",
    }
    /// A proxy did not start.
    pub fn side_not_ready(side: &str) {
        en: "{side} did not get ready in a round: `harness run` with the same scenario and --sut says why",
        es: "{side} no llegó a estar listo en una ronda: `harness run` con el mismo escenario y el mismo proxy dice por qué",
    }
    /// Two sides of one name.
    pub fn same_name(name: &str) {
        en: "two sides are called {name}: name them with --sut NAME=ADAPTER, such as --sut base=pibl --sut head=pibl",
        es: "dos lados se llaman {name}: póngales nombre como NOMBRE=PERFIL, por ejemplo base=pibl y head=pibl",
    }
    /// Nothing but `direct`.
    pub fn no_proxy() {
        en: "`direct` is what a proxy is compared with: add --sut pibl",
        es: "`direct` es con lo que se compara un proxy: agregue un proxy, como pibl",
    }
    /// A threshold compares with a side that is not there.
    pub fn absent_side(threshold: &str, side: &str) {
        en: "the threshold `{threshold}` compares with {side}, which is not measured: add --sut {side}",
        es: "el umbral `{threshold}` compara con {side}, que no se mide: agregue {side} a los lados",
    }
    /// More rounds are needed.
    pub fn look_again(rounds: u64) {
        en: "not decided yet: going on to {rounds} rounds", es: "aún sin decidir: se sigue hasta {rounds} rondas",
    }
    /// Where the pages lie.
    pub fn written_to(path: &str) {
        en: "Report: {path}", es: "Informe: {path}",
    }
    /// The user ended it.
    pub fn rounds_interrupted(had: u64, wanted: u64) {
        en: "It was interrupted after {had} of {wanted} rounds.", es: "Se interrumpió tras {had} de {wanted} rondas.",
    }
    /// The time allowed was over.
    pub fn rounds_out_of_time(had: u64, wanted: u64) {
        en: "The time allowed was over after {had} of {wanted} rounds: --max-duration allows more.",
        es: "El tiempo permitido se acabó tras {had} de {wanted} rondas: `--max-duration` permite más.",
    }
    /// A name of a side that would be no folder.
    pub fn side_name(name: &str) {
        en: "`{name}` cannot be the name of a side, which is a folder of reports: letters, digits, `-`, `_` and `.` only, and no dot first",
        es: "`{name}` no puede ser el nombre de un lado, que es una carpeta de informes: solo letras, dígitos, `-`, `_` y `.`, y sin punto al comienzo",
    }
    /// `direct` has no proxy that could cost anything.
    pub fn no_cost_of_direct(threshold: &str) {
        en: "the threshold `{threshold}` compares with direct, where there is no proxy whose CPU or memory could be measured",
        es: "el umbral `{threshold}` compara con direct, donde no hay un proxy cuya CPU o memoria se pueda medir",
    }
    /// A scenario of `capacity` alone.
    pub fn capacity_alone(scenario: &str) {
        en: "{scenario} searches for a capacity, which is not compared in rounds: `harness run` with each proxy gives it as an interval",
        es: "{scenario} busca una capacidad, que no se compara por rondas: `harness run` con cada proxy la da como intervalo",
    }
    /// Only one side.
    pub fn two_sides() {
        en: "a comparison needs two sides: --sut A --sut B; the first is the one under test",
        es: "una comparación necesita dos lados, como pibl y nginx; el primero es el evaluado",
    }
    /// Nothing to compare.
    pub fn no_load(scenario: &str) {
        en: "{scenario} has no load step, so there is nothing to compare",
        es: "{scenario} no tiene una etapa de carga, así que no hay nada que comparar",
    }
    /// Pages of one language refer to the other.
    pub fn rounds_measured(rounds: u64) {
        en: "{rounds} rounds", es: "{rounds} rondas",
    }
}

words!(Ruling {
    Ruling::Pass => { en: "pass", es: "cumple" },
    Ruling::Fail => { en: "fail", es: "no cumple" },
    Ruling::Inconclusive => { en: "inconclusive", es: "no concluyente" },
});

messages! {
    /// Two comparisons beside each other.
    pub fn since_heading(side: &str, saved: &str) {
        en: "{side} since {saved}", es: "{side} desde {saved}",
    }
    /// How the baseline's intervals are to be read.
    pub fn since_note() {
        en: "Rounds of different days are no pairs: an interval here goes from the least of one to the most of the other.",
        es: "Las rondas de días distintos no forman pares: aquí un intervalo va de lo mínimo de una a lo máximo de la otra.",
    }
    /// It comes from another host.
    pub fn since_other_host() {
        en: "The baseline comes from another host: latencies and rates are not compared with it, CPU, memory and counts are.",
        es: "La referencia guardada viene de otro computador: no se comparan con ella latencias ni tasas; sí CPU, memoria y conteos.",
    }
    /// A baseline of something else.
    pub fn baseline_of_other_load(path: &str, scenario: &str) {
        en: "{path} is of another load than {scenario} asks for now: save it again with --save-baseline",
        es: "{path} es de otra carga que la que pide ahora {scenario}: guárdela de nuevo con --save-baseline",
    }
    /// A baseline cannot be read.
    pub fn baseline_unreadable(path: &str, why: &str) {
        en: "{path} is no baseline: {why}; --save-baseline writes one",
        es: "{path} no es una referencia guardada: {why}; --save-baseline escribe una",
    }
    /// What went wrong or was cut short is no reference.
    pub fn baseline_kept(path: &str) {
        en: "no baseline was saved, since not every round was measured; {path} is as it was",
        es: "no se guardó una referencia, porque no se midieron todas las rondas; {path} quedó como estaba",
    }
    /// `--baseline` was measured with CPUs shared out, or this is.
    pub fn baseline_of_other_pin(path: &str) {
        en: "{path} was measured with --pin and this is not, or the other way round: give both or neither",
        es: "{path} se midió con `--pin` y esto no, o al revés: use ambos o ninguno",
    }
    /// It lies there now.
    pub fn baseline_saved(path: &str) {
        en: "Baseline: {path}", es: "Referencia guardada: {path}",
    }
    /// It could not be written.
    pub fn baseline_unwritable(path: &str, why: &str) {
        en: "{path} could not be written: {why}", es: "no se pudo escribir {path}: {why}",
    }
    /// `{vs:baseline}` without one.
    pub fn no_baseline(threshold: &str) {
        en: "the threshold `{threshold}` compares with an earlier run: add --baseline FILE, written by --save-baseline FILE",
        es: "el umbral `{threshold}` compara con una corrida anterior: agregue --baseline ARCHIVO, que escribe --save-baseline ARCHIVO",
    }
    /// `baseline` is taken.
    pub fn reserved_name(name: &str) {
        en: "no side may be called {name}: in thresholds that is the file of --baseline",
        es: "ningún lado puede llamarse {name}: en los umbrales ese es el archivo de --baseline",
    }
}

messages! {
    /// Rounds of several machines together.
    pub fn pooled_over(shards: u64) {
        en: "pooled over {shards} shards", es: "suma de {shards} partes",
    }
    /// A shard is over.
    pub fn shard_written(path: &str) {
        en: "This is one shard: its thresholds are judged by `harness merge`, given {path} and the folders of the others.",
        es: "Esta es una parte: sus umbrales los juzga `harness merge`, con {path} y las carpetas de las demás.",
    }
    /// What was printed is for a scheduler.
    pub fn scheduled(path: &str) {
        en: "Nothing was started. When all parts are done: harness merge {path}",
        es: "No se inició nada. Cuando todas las partes terminen: harness merge {path}",
    }
    /// A command that has no parts.
    pub fn shards_of_what() {
        en: "only `grade …` and `compare …` can be shared out among machines: harness schedule slurm --shards 4 -- grade RUBRIC SUBMISSIONS",
        es: "solo `grade …` y `compare …` se pueden repartir entre máquinas: harness schedule slurm --shards 4 -- grade RÚBRICA ENTREGAS",
    }
    /// A command that says which part it is.
    pub fn shard_is_told() {
        en: "leave `--shard` out of the command: each machine finds its part by itself",
        es: "deje `--shard` fuera del comando: cada máquina encuentra su parte por sí misma",
    }
    /// No shard anywhere.
    pub fn no_shards() {
        en: "there is no shard in these folders: `harness compare … --shard 1/4` leaves a shard.json in each, `harness grade … --shard 1/4` a grade-shard.json",
        es: "no hay ninguna parte en estas carpetas: `harness compare … --shard 1/4` deja un shard.json en cada una, `harness grade … --shard 1/4` un grade-shard.json",
    }
    /// One of the shards is not there.
    pub fn shard_missing(index: u64, of: u64) {
        en: "shard {index} of {of} is missing: run it again with --shard {index}/{of}, a verdict without it would be of something else",
        es: "falta la parte {index} de {of}: córrala de nuevo con --shard {index}/{of}, un veredicto sin ella sería sobre otra cosa",
    }
    /// Two folders of the same shard.
    pub fn shard_twice(index: u64, of: u64) {
        en: "shard {index} of {of} is there twice: leave one of its folders out",
        es: "la parte {index} de {of} está dos veces: deje fuera una de sus carpetas",
    }
    /// It ended before its rounds were done.
    pub fn shard_cut_short(path: &str, had: u64, wanted: u64) {
        en: "{path} has {had} of its {wanted} rounds: it was cut short, run it again",
        es: "{path} tiene {had} de sus {wanted} rondas: se interrumpió, córrala de nuevo",
    }
    /// Another load, other sides, other thresholds, another number.
    pub fn shard_of_another(path: &str) {
        en: "{path} is a shard of another comparison: scenario, sides and their adapters, --pin, thresholds, rounds and number of shards must be the same",
        es: "{path} es parte de otra comparación: escenario, lados y sus perfiles, `--pin`, umbrales, rondas y número de partes deben ser los mismos",
    }
    /// A file of a shard is not what was measured.
    pub fn shard_damaged(path: &str) {
        en: "{path} is not the file that was written when it was measured: copy the whole folder of the shard again, or run it again",
        es: "{path} no es el archivo que se escribió al medir: copie de nuevo toda la carpeta de la parte, o córrala de nuevo",
    }
    /// A shard cannot be read.
    pub fn shard_unreadable(path: &str, why: &str) {
        en: "{path} cannot be read: {why}; copy the whole folder of the shard, or run it again",
        es: "no se puede leer {path}: {why}; copie toda la carpeta de la parte, o córrala de nuevo",
    }
}

messages! {
    /// `--pin` on a single CPU, or where the system cannot.
    pub fn cannot_pin() {
        en: "--pin needs two CPUs that this process may use, on Linux",
        es: "--pin necesita dos CPU que este proceso pueda usar, en Linux",
    }
    /// What `--pin` has chosen.
    pub fn pinned(proxy: &str, others: &str) {
        en: "proxy on CPU {proxy}; load and backends on CPU {others}",
        es: "proxy en la CPU {proxy}; carga y backends en la CPU {others}",
    }
}

/// Which CPUs a plan gives to whom, in words.
pub fn pin_words(language: Language, pin: &harness_model::plan::Pin) -> String {
    let list = |cpus: &[usize]| cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    pinned(language, &list(&pin.proxy), &list(&pin.others))
}

/// Heading words of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareLabel {
    /// Column.
    Figure,
    /// Section.
    HowMeasured,
    /// Fact.
    ExitCode,
    /// Column.
    Rounds,
    /// Section.
    Thresholds,
    /// Section.
    Percentiles,
    /// The plots' note.
    Medians,
    /// Column.
    Now,
    /// Column.
    Then,
}

words!(CompareLabel {
    CompareLabel::Figure => { en: "Figure", es: "Cifra" },
    CompareLabel::HowMeasured => { en: "How it was measured", es: "Cómo se midió" },
    CompareLabel::ExitCode => { en: "Exit code", es: "Código de salida" },
    CompareLabel::Rounds => { en: "Rounds and interval", es: "Rondas e intervalo" },
    CompareLabel::Thresholds => { en: "Thresholds", es: "Umbrales" },
    CompareLabel::Percentiles => { en: "Latency by percentile", es: "Latencia por percentil" },
    CompareLabel::Now => { en: "now", es: "ahora" },
    CompareLabel::Then => { en: "then", es: "antes" },
    CompareLabel::Medians => { en: "All rounds of a side together.", es: "Todas las rondas de un lado en conjunto." },
});

impl InWords for Metric {
    fn in_words(&self, language: Language) -> String {
        match self {
            Metric::Latency(quantile) => Quantile(*quantile).in_words(language),
            Metric::ErrorRate => say!(language, en: "errors", es: "errores"),
            Metric::Rate => say!(language, en: "answers per second", es: "respuestas por segundo"),
            Metric::CpuPerRequest => say!(language, en: "CPU per request", es: "CPU por petición"),
            Metric::MemoryPerConnection => {
                say!(language, en: "memory per connection", es: "memoria por conexión")
            }
            Metric::RssPeak => say!(language, en: "most memory", es: "memoria máxima"),
            Metric::RrSpread => {
                say!(language, en: "spread over the backends", es: "dispersión entre backends")
            }
        }
    }
}

impl InWords for Subject {
    fn in_words(&self, language: Language) -> String {
        match &self.tag {
            Some(tag) => format!("{tag} · {}", self.metric.in_words(language)),
            None => self.metric.in_words(language),
        }
    }
}

/// A value of a metric with its unit; a dash where there is none.
pub fn value(language: Language, metric: Metric, value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match metric {
        Metric::Latency(_) => Milliseconds(value).in_words(language),
        Metric::ErrorRate => Percent(value).in_words(language),
        Metric::Rate => format!("{}/s", Decimal(value, if value < 100.0 { 1 } else { 0 }).in_words(language)),
        Metric::CpuPerRequest => format!("{} µs", Decimal(value, 1).in_words(language)),
        // A kibibyte is the usual limit, so single bytes count.
        Metric::MemoryPerConnection => format!("{} B", Decimal(value, 0).in_words(language)),
        Metric::RssPeak if value >= 0.0 => Bytes(value as u64).in_words(language),
        Metric::RssPeak | Metric::RrSpread => Decimal(value, 0).in_words(language),
    }
}

/// A figure of a side over the rounds: `12.3 ms [11.9 ms; 12.8 ms]`, or from where to where the rounds go, where they are too few.
pub fn middle(language: Language, metric: Metric, middle: Option<Middle>) -> String {
    let show = |figure: f64| value(language, metric, Some(figure));
    match middle {
        None => "–".to_owned(),
        Some(Middle { median, interval: Some((low, high)), .. }) => {
            format!("{} [{}; {}]", show(median), show(low), show(high))
        }
        Some(Middle { range: (low, high), .. }) => {
            let (low, high) = (show(low), show(high));
            // What is told alike is said once.
            if low == high {
                return low;
            }
            say!(language, en: "{low} to {high}", es: "{low} a {high}", low = low, high = high)
        }
    }
}

/// `×0.92 [0.90; 0.95]`; without an interval it is no estimate, and no ratio is given.
pub fn ratio(language: Language, pair: Option<&Pair>) -> String {
    match pair.and_then(|pair| Some((pair.ratio, pair.interval?))) {
        // Semicolons, since Spanish decimals have commas.
        Some((ratio, (low, high))) => {
            let figure = |value| times(language, value);
            format!("×{} [{}; {}]", figure(ratio), figure(low), figure(high))
        }
        None => "–".to_owned(),
    }
}

/// A factor, as exactly as a tenth of a percent.
fn times(language: Language, factor: f64) -> String {
    Decimal(factor, if factor < 10.0 { 3 } else { 1 }).in_words(language)
}

/// What a ratio shows, in a word or two.
pub fn shown(language: Language, pair: Option<&Pair>) -> String {
    match pair.map(Pair::shows) {
        None => "–".to_owned(),
        Some(Shows::More) => say!(language, en: "more", es: "más"),
        Some(Shows::Less) => say!(language, en: "less", es: "menos"),
        Some(Shows::NoDifference) => say!(language, en: "no difference shown", es: "no se ve diferencia"),
        Some(Shows::TooFewRounds) => say!(language, en: "not decided", es: "sin decidir"),
    }
}

/// What the exit code of a comparison means.
pub fn compare_meaning(language: Language, exit: ExitCode) -> String {
    match exit {
        ExitCode::Passed => say!(language, en: "no threshold is missed", es: "ningún umbral se incumple"),
        ExitCode::Failed => say!(language,
            en: "a threshold is missed, or the first side answered wrongly",
            es: "un umbral se incumple, o el primer lado respondió mal"),
        ExitCode::Inconclusive => say!(language,
            en: "a threshold is not decided, or rounds are missing",
            es: "un umbral está sin decidir, o faltan rondas"),
        other => super::report_words::exit_meaning(other, language),
    }
}

messages! {
    /// What lies folded beneath the plot.
    pub fn rounds_apart() {
        en: "The ratio of each round", es: "La razón de cada ronda",
    }
}

/// A threshold with what was seen and what follows.
pub fn gated(language: Language, gated: &Gated) -> String {
    let Gate { metric, versus, .. } = &gated.gate;
    let show = |figure: f64| match versus {
        Some(Versus::Ratio(_)) => format!("×{}", times(language, figure)),
        _ => value(language, *metric, Some(figure)),
    };
    let seen = match (gated.observed, gated.interval) {
        (Some(observed), Some((low, high))) => format!("{} [{}; {}]", show(observed), show(low), show(high)),
        // Without an interval it is no estimate.
        (_, None) | (None, _) => "–".to_owned(),
    };
    let rounds = rounds_measured(language, gated.rounds as u64);
    match &gated.doubt {
        None => format!("{seen} ({rounds})"),
        Some(doubt) => format!("{seen} ({rounds}): {}", why(language, doubt)),
    }
}

fn why(language: Language, doubt: &Doubt) -> String {
    match doubt {
        Doubt::NoSuchSide => {
            say!(language, en: "that side was not measured, add it with --sut", es: "ese lado no se midió, agréguelo")
        }
        Doubt::NotInBaseline => {
            say!(language, en: "the baseline has no such figure", es: "la referencia guardada no tiene esa cifra")
        }
        Doubt::OtherHost => say!(language,
            en: "the baseline comes from another host, whose speeds say nothing here",
            es: "la referencia guardada viene de otro computador, cuyas velocidades no dicen nada aquí"),
        Doubt::TooFewRounds => say!(language,
            en: "measured in too few rounds for an interval (8 are needed)",
            es: "medido en muy pocas rondas para un intervalo (se necesitan 8)"),
        Doubt::Straddles => {
            say!(language, en: "the limit lies within the interval", es: "el límite está dentro del intervalo")
        }
        Doubt::WithinNoise => say!(language,
            en: "past the limit by less than the side differs from itself between rounds",
            es: "pasa del límite por menos de lo que el lado difiere de sí mismo entre rondas"),
        Doubt::SentTooLate(ms) => say!(language,
            en: "not measurable here, requests left {ms} late, more than a fifth of the limit",
            es: "no se puede medir aquí, las peticiones salieron {ms} tarde, más de un quinto del límite", ms = Milliseconds(*ms)),
        Doubt::LagsDiffer(ms) => say!(language,
            en: "requests to one side left {ms} later than those to the other, more than what is left to the limit",
            es: "las peticiones a un lado salieron {ms} más tarde que las del otro, más de lo que falta hasta el límite", ms = Milliseconds(*ms)),
        Doubt::HostTooNoisy(ms) => say!(language,
            en: "this host wakes threads {ms} late, more than the margin",
            es: "este computador despierta los hilos {ms} tarde, más que el margen", ms = Milliseconds(*ms)),
        Doubt::TooManyErrors { side, share, limit } => say!(language,
            en: "{share} of the requests to {side} went wrong, and {limit} may: what is left says nothing of speed or cost",
            es: "el {share} de las peticiones a {side} terminó mal, y se admite el {limit}: lo que queda no dice nada de velocidad ni de costo",
            side = side.as_str(), share = Percent(*share), limit = Percent(*limit)),
    }
}

/// What a plot shows, for those who do not see it.
pub fn overlay_description(language: Language, side: &str, p50: Option<f64>, p99: Option<f64>) -> String {
    let (p50, p99) =
        (value(language, Metric::Latency(0.5), p50), value(language, Metric::Latency(0.99), p99));
    say!(language, en: "{side}: p50 {p50}, p99 {p99}", es: "{side}: p50 {p50}, p99 {p99}", side = side, p50 = p50, p99 = p99)
}

/// How many samples a plot rests on.
pub fn samples(count: u64) -> Counted {
    Counted(count, Noun::Sample)
}
