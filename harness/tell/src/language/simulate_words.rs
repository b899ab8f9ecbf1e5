//! The words of `harness simulate`: what was simulated, how far it may be trusted, what came of it.
//!
//! The command and its page use them. No figure is computed here.

use super::cloud_words::time;
use super::fleet_words::{bare, compressed, cost};
use super::{Counted, Decimal, InWords as _, Language, Milliseconds, Noun, Percent};
use crate::{messages, say, words};
use fake_backends::behavior::Distribution;
use harness_model::fleet::{Bears, Breaks, Distance, Forecast, Impossible, Overhead};
use harness_model::plan::{FleetPlan, Level, Policy};

/// A heading of the table, or of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum SimulateLabel {
    Simulation,
    Model,
    Time,
    Load,
    Instances,
    Occupancy,
    Median,
    Slow,
    Lost,
    Decisions,
    Died,
}

words!(SimulateLabel {
    SimulateLabel::Simulation => { en: "Simulation, not a measurement", es: "Simulación, no una medición" },
    SimulateLabel::Model => { en: "The model", es: "El modelo" },
    SimulateLabel::Time => { en: "time", es: "tiempo" },
    SimulateLabel::Load => { en: "requests/min", es: "peticiones/min" },
    SimulateLabel::Instances => { en: "instances", es: "instancias" },
    SimulateLabel::Occupancy => { en: "occupancy", es: "ocupación" },
    SimulateLabel::Median => { en: "p50", es: "p50" },
    SimulateLabel::Slow => { en: "p99", es: "p99" },
    SimulateLabel::Lost => { en: "lost", es: "perdidas" },
    SimulateLabel::Decisions => { en: "decisions", es: "decisiones" },
    SimulateLabel::Died => { en: "an instance dies", es: "se cae una instancia" },
});

messages! {
    /// What the model cannot know.
    pub fn left_out() {
        en: "Requests go round robin to the healthy instances; the proxy itself, its CPU, its connections and its cache are not in the model.",
        es: "Las peticiones van por Round Robin a las instancias activas; el proxy mismo, su CPU, sus conexiones y su caché no están en el modelo.",
    }
    /// No run was given to calibrate it.
    pub fn not_calibrated() {
        en: "Not calibrated: timers, network and proxy add no time here. `--calibrate RUN_DIR` takes what they add from a real run of a fleet, and says how far the model was from that run.",
        es: "Sin calibrar: los temporizadores, la red y el proxy no agregan tiempo aquí. `--calibrate CARPETA` toma lo que agregan de una ejecución real de una flota, y dice qué tan lejos quedó el modelo de ella.",
    }
    /// The model was close to the run.
    pub fn trusted() {
        en: "The model was close to that run: at most 1 instance outside a control period, p99 within 25%, and as many lost as far as chance tells.",
        es: "El modelo quedó cerca de esa ejecución: a lo sumo 1 instancia fuera de un período de control, el p99 dentro del 25 %, y otras tantas perdidas hasta donde el azar lo dice.",
    }
    /// The model was not close to the run.
    pub fn not_trusted() {
        en: "NOT TO BE TRUSTED: the model was further from that run than 1 instance outside a control period, 25% of its p99, or what chance tells of its losses. Repeat the run on a quiet machine; if that does not help, the model does not fit this system.",
        es: "NO ES CONFIABLE: el modelo quedó más lejos de esa ejecución que 1 instancia fuera de un período de control, que el 25 % de su p99, o que lo que el azar explica de sus pérdidas. Repita la ejecución en una máquina sin otra carga; si no ayuda, el modelo no le sirve a este sistema.",
    }
    /// A scenario without a fleet.
    pub fn no_fleet(file: &str) {
        en: "{file} has no `fleet` step, so there is nothing to simulate: scenarios/cloud/autoscaling.yaml has one",
        es: "{file} no tiene un paso `fleet`, así que no hay nada que simular: scenarios/cloud/autoscaling.yaml tiene uno",
    }
    /// A name that no fleet step has.
    pub fn no_such_step(file: &str, name: &str, known: &str) {
        en: "{file} has no fleet step `{name}`; it has: {known}",
        es: "{file} no tiene un paso de flota `{name}`; tiene: {known}",
    }
    /// A folder that cannot be read as a run.
    pub fn cannot_calibrate(folder: &str, why: &str) {
        en: "cannot calibrate with {folder}: {why}; give the folder of a run, such as reports/autoscaling/pibl/latest",
        es: "no se puede calibrar con {folder}: {why}; indique la carpeta de una ejecución, como reports/autoscaling/pibl/latest",
    }
    /// A run without a fleet that came to its end.
    pub fn no_fleet_in_run(folder: &str) {
        en: "cannot calibrate with {folder}: no fleet step of that run came to its end; run a scenario such as scenarios/cloud/autoscaling.yaml first",
        es: "no se puede calibrar con {folder}: ningún paso de flota de esa ejecución llegó a su fin; ejecute antes un escenario como scenarios/cloud/autoscaling.yaml",
    }
    /// Where the page lies.
    pub fn page_at(path: &str) { en: "Page: {path}", es: "Página: {path}" }
    /// Further decisions of a row that are not shown.
    pub fn and_more(count: usize) { en: "and {count} more", es: "y {count} más" }
}

/// Why a plan cannot be simulated, and the way out.
pub fn impossible(reason: Impossible, language: Language) -> String {
    match reason {
        Impossible::Scale(scale) => say!(language,
            en: "--scale {scale}: it is at least 1, seconds of the case in one second; 1 is the time of the owner",
            es: "--scale {scale}: es al menos 1, segundos del caso en un segundo; 1 es el tiempo del dueño",
            scale = Decimal(scale, 3)),
        Impossible::Factor(factor) => say!(language,
            en: "--load-factor {factor}: it is more than 0, such as 10 for ten times the load",
            es: "--load-factor {factor}: es mayor que 0, como 10 para diez veces la carga",
            factor = Decimal(factor, 3)),
        Impossible::Span { period } => say!(language,
            en: "--span is shorter than a control period, which is {period}: give at least that, such as 8h",
            es: "--span es más corto que un período de control, que es de {period}: indique al menos eso, como 8h",
            period = time(period, language)),
        Impossible::Bounds { least, most } => say!(language,
            en: "{least} instances at least and {most} at most: --minimum is at least 1, and --maximum is not below it",
            es: "al menos {least} instancias y a lo sumo {most}: --minimum es al menos 1, y --maximum no es menor",
            least = least, most = most),
        Impossible::Requests { requests, scale } => say!(language,
            en: "this would be {requests} requests, more than are simulated at once: let one request stand for more with --scale {scale}, or take a shorter --span",
            es: "serían {requests} peticiones, más de las que se simulan de una vez: haga que una represente más con --scale {scale}, o use un --span más corto",
            requests = Decimal(requests, 0), scale = Decimal(scale, 0)),
        Impossible::Periods { periods, instances } => say!(language,
            en: "this would be {periods} control periods of up to {instances} instances, more than are simulated at once: take a shorter --span",
            es: "serían {periods} períodos de control de hasta {instances} instancias, más de los que se simulan de una vez: use un --span más corto",
            periods = Decimal(periods, 0), instances = instances),
    }
}

/// How long the service of a request takes, as it is said and not as it is written in a scenario.
fn service(drawn: &Distribution, language: Language) -> String {
    let span = |span: &fake_backends::behavior::Span| super::Span(span.0.as_secs_f64() * 1e3);
    match drawn {
        Distribution::Constant(always) => {
            say!(language, en: "{always} each", es: "{always} cada una", always = span(always))
        }
        Distribution::Uniform(least, most) => say!(language,
            en: "{least} to {most}, all equally likely", es: "de {least} a {most}, todas igual de probables",
            least = span(least), most = span(most)),
        Distribution::Normal(mean, deviation) => say!(language,
            en: "{mean} on average (normal, standard deviation {deviation})",
            es: "{mean} en promedio (normal, desviación estándar {deviation})",
            mean = span(mean), deviation = span(deviation)),
        Distribution::LogNormal(median, sigma) => say!(language,
            en: "{median} in the median (log-normal, sigma {sigma})", es: "{median} de mediana (lognormal, sigma {sigma})",
            median = span(median), sigma = Decimal(*sigma, 2)),
        Distribution::Exponential(mean) => {
            say!(language, en: "{mean} on average (exponential)", es: "{mean} en promedio (exponencial)", mean = span(mean))
        }
        Distribution::Pareto(least, shape) => say!(language,
            en: "at least {least} (Pareto, shape {shape})", es: "al menos {least} (Pareto, forma {shape})",
            least = span(least), shape = Decimal(*shape, 2)),
    }
}

/// The parameters of the model.
pub fn model(plan: &FleetPlan, seed: u64, language: Language) -> String {
    let each = 1.0 / plan.needed(1.0);
    say!(language,
        en: "{least} to {most} instances, {start} at the beginning (--minimum and --maximum for others), with {places} places each, service time {service}, hence at most {minute} requests a minute each ({each} a second); setting one up takes {provisioning}; measured every {period}; a client waits {patience}; {length} of the case; {compressed}; seed {seed}",
        es: "de {least} a {most} instancias, {start} al comienzo (con --minimum y --maximum, otras), con {places} puestos cada una, tiempo de servicio {service}, es decir a lo sumo {minute} peticiones por minuto cada una ({each} por segundo); alistar una toma {provisioning}; se mide cada {period}; un cliente espera {patience}; {length} del caso; {compressed}; semilla {seed}",
        least = plan.least, most = plan.most, start = plan.beginning(), places = plan.places, service = service(&plan.service, language),
        minute = Decimal(each * 60.0, 0), each = Decimal(each, 1), provisioning = time(plan.provisioning, language),
        period = time(plan.period, language), patience = time(plan.timeout.as_secs_f64(), language),
        length = time(plan.length(), language), compressed = compressed(plan, language), seed = seed.to_string())
}

/// A policy in one sentence.
pub fn policy(policy: &Policy, language: Language) -> String {
    let time = |seconds: f64| time(seconds, language);
    match policy {
        Policy::Out { above, lasting, add, cooldown } => say!(language,
            en: "above {level} for {lasting}: {add} more, then a pause of {cooldown}",
            es: "por encima de {level} durante {lasting}: {add} más, luego una pausa de {cooldown}",
            level = level(*above, language), lasting = time(*lasting), add = *add, cooldown = time(*cooldown)),
        Policy::In { below, lasting, remove, cooldown } => say!(language,
            en: "below {level} for {lasting}: {remove} fewer, not sooner than {cooldown} after a change",
            es: "por debajo de {level} durante {lasting}: {remove} menos, no antes de {cooldown} tras un cambio",
            level = level(*below, language), lasting = time(*lasting), remove = *remove, cooldown = time(*cooldown)),
        Policy::Target { keep, out_cooldown, in_cooldown, in_lasting } => say!(language,
            en: "keeps {level}; adds again after {out}, takes away after {lasting} below it, not sooner than {inside} after a change",
            es: "mantiene {level}; vuelve a agregar tras {out}, retira tras {lasting} por debajo, no antes de {inside} tras un cambio",
            level = level(*keep, language), out = time(*out_cooldown), inside = time(*in_cooldown), lasting = time(*in_lasting)),
        Policy::Schedule { at, lasting, instances } => say!(language,
            en: "at least {instances} from {at} on, for {lasting}", es: "al menos {instances} desde {at}, durante {lasting}",
            instances = Counted(*instances as u64, Noun::Instance), at = time(*at), lasting = time(*lasting)),
    }
}

/// A level with its unit.
fn level(level: Level, language: Language) -> String {
    let figure = bare(level, language);
    match level {
        Level::Occupancy(_) => {
            say!(language, en: "an occupancy of {figure}", es: "una ocupación de {figure}", figure = figure)
        }
        Level::RequestsPerMinute(_) => say!(language,
            en: "{figure} requests per minute and instance", es: "{figure} peticiones por minuto e instancia", figure = figure),
        Level::StayMs(_) => say!(language,
            en: "{figure} at the instance", es: "{figure} en la instancia", figure = figure),
        Level::Connections(_) => say!(language,
            en: "{figure} open connections for each instance", es: "{figure} conexiones abiertas por instancia", figure = figure),
    }
}

/// With what it was calibrated.
pub fn calibrated(folder: &str, overhead: Overhead, language: Language) -> String {
    say!(language,
        en: "Calibrated with {folder}: timers kept a place {in_place} longer, client, network and proxy added {on_the_way} to each answer.",
        es: "Calibrado con {folder}: los temporizadores ocuparon un puesto {in_place} más, y cliente, red y proxy agregaron {on_the_way} a cada respuesta.",
        folder = folder, in_place = Milliseconds(overhead.in_place * 1e3), on_the_way = Milliseconds(overhead.on_the_way * 1e3))
}

/// How far the model was from one step of a real run.
pub fn distance(step: &str, distance: &Distance, language: Language) -> String {
    let share = distance.p99_share().map_or_else(
        || "–".to_owned(),
        |share| format!("{}{}", if share < 0.0 { "−" } else { "+" }, Percent(share.abs()).in_words(language)),
    );
    say!(language,
        en: "{step}: {apart} apart at most; p99 {real} in the real run, {simulated} in the model of the same instances ({share}); lost {lost} and {modelled}",
        es: "{step}: a lo sumo {apart} de diferencia; p99 {real} en la ejecución real, {simulated} en el modelo de las mismas instancias ({share}); perdidas {lost} y {modelled}",
        step = step, apart = Counted(distance.apart, Noun::Instance), real = Milliseconds(distance.real_p99_ms),
        simulated = Milliseconds(distance.simulated_p99_ms), share = share, lost = distance.real_lost,
        modelled = distance.simulated_lost)
}

/// What came of it, a sentence each.
pub fn outcome(forecast: &Forecast, language: Language) -> Vec<String> {
    let Forecast { run, plan, objective, .. } = forecast;
    let fixed = forecast.smallest_fixed.map(|size| size as u64).zip(forecast.fixed_hours);
    let mut said = vec![
        say!(language,
            en: "p50 {p50}, p99 {p99} of {sent}; {lost} lost, of which {late} gave up",
            es: "p50 {p50}, p99 {p99} de {sent}; {lost} perdidas, de ellas {late} desistieron",
            p50 = Milliseconds(run.p50_ms * plan.scale), p99 = Milliseconds(run.p99_ms * plan.scale),
            sent = Counted(run.sent, Noun::Request), lost = run.lost, late = run.late),
        say!(language,
            en: "{fewest} to {most} instances: {cost}", es: "de {fewest} a {most} instancias: {cost}",
            fewest = forecast.instances.0, most = forecast.instances.1,
            cost = cost(run.instance_hours, fixed, objective.limit_ms, language)),
    ];
    said.push(say!(language,
        en: "the highest rate, {peak} requests a minute, keeps {share} of the largest fleet busy",
        es: "la tasa más alta, {peak} peticiones por minuto, ocupa {share} de la flota más grande",
        peak = Decimal(forecast.peak_per_second * 60.0, 0), share = Percent(forecast.peak_share)));
    if !forecast.shows_limit {
        said.push(say!(language,
            en: "at this scale a request stands for {weight}, so nothing can be said of waits of {limit}, nor of where it breaks: leave --scale out",
            es: "a esta escala una petición representa {weight}, así que nada se puede decir de esperas de {limit} ni de dónde se quiebra: omita --scale",
            weight = Decimal(plan.weight(), 0), limit = Milliseconds(objective.limit_ms)));
        return said;
    }
    said.push(broken(forecast.breaks, objective.limit_ms, language));
    said.push(bears(forecast.bears, language));
    said
}

fn broken(breaks: Option<Breaks>, limit_ms: f64, language: Language) -> String {
    match breaks {
        None => say!(language,
            en: "no period had a p99 over {limit}", es: "ningún período tuvo un p99 sobre {limit}",
            limit = Milliseconds(limit_ms)),
        Some(breaks) => say!(language,
            en: "breaks: p99 over {limit} for the first time at {at}, with {rate} requests a minute on {healthy}",
            es: "se quiebra: p99 sobre {limit} por primera vez a los {at}, con {rate} peticiones por minuto en {healthy}",
            limit = Milliseconds(limit_ms), at = time(breaks.at, language), rate = Decimal(breaks.per_second * 60.0, 0),
            healthy = Counted(breaks.healthy, Noun::Instance)),
    }
}

fn bears(bears: Bears, language: Language) -> String {
    match (bears.holds, bears.breaks) {
        (Some(holds), Some(breaks)) => say!(language,
            en: "headroom: it holds {holds} times this load and breaks at {breaks} times",
            es: "margen: aguanta {holds} veces esta carga y se quiebra con {breaks} veces",
            holds = Decimal(holds, 2), breaks = Decimal(breaks, 2)),
        (Some(holds), None) => say!(language,
            en: "headroom: it holds {holds} times this load; more was not tried",
            es: "margen: aguanta {holds} veces esta carga; no se probó más", holds = Decimal(holds, 2)),
        (None, Some(breaks)) => say!(language,
            en: "headroom: none, it breaks even at {breaks} times this load",
            es: "margen: ninguno, se quiebra incluso con {breaks} veces esta carga", breaks = Decimal(breaks, 3)),
        (None, None) => String::new(),
    }
}

/// Title of the figure.
pub fn figure_title(name: &str, sent: u64, language: Language) -> String {
    say!(language,
        en: "Simulated fleet: {name}, {sent}", es: "Flota simulada: {name}, {sent}",
        name = name, sent = Counted(sent, Noun::Request))
}
