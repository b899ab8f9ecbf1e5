//! The words around the thresholds of a single run: what each came to, why, and what follows for the whole.
//!
//! Terminal, pages and machine outputs of a run use them; a comparison over rounds has its own in `compare_words`.

use super::compare_words::value;
use super::{Counted, InWords as _, Language, Milliseconds, Noun, Percent};
use crate::{messages, say};
use harness_judge::compare::{Limited, Reason};
use harness_model::plan::Metric;

messages! {
    /// Heading of the table.
    pub fn heading() {
        en: "Thresholds", es: "Umbrales",
    }
    /// How figures of one run are to be read.
    pub fn how_to_read() {
        en: "Figures of this one run; in brackets where they lie with a confidence of 95 % at each end, as far as a single run can tell. `harness compare` measures over rounds.",
        es: "Cifras de esta única corrida; entre corchetes, dónde están con una confianza del 95 % en cada extremo, hasta donde una sola corrida puede decirlo. `harness compare` mide por rondas.",
    }
    /// Everything but thresholds passed.
    pub fn missed(names: &str) {
        en: "Required checks passed, but a threshold is not met: {names}",
        es: "Las verificaciones obligatorias cumplen, pero un umbral no se cumple: {names}",
    }
    /// The same beside other failures.
    pub fn missed_too(names: &str) {
        en: "Thresholds not met: {names}", es: "Umbrales que no se cumplen: {names}",
    }
    /// Everything passed, but a threshold is open.
    pub fn open(names: &str) {
        en: "Required checks passed, but a threshold could not be decided: {names}",
        es: "Las verificaciones obligatorias cumplen, pero un umbral no se pudo decidir: {names}",
    }
    /// Open beside others, or only a warning.
    pub fn open_too(names: &str) {
        en: "Thresholds not decided: {names}", es: "Umbrales sin decidir: {names}",
    }
    /// What follows from a threshold that is not met.
    pub fn missed_meaning() {
        en: "a threshold is not met", es: "un umbral no se cumple",
    }
    /// What follows from one that is open.
    pub fn open_meaning() {
        en: "a threshold could not be decided; with --on-inconclusive warn that is a warning",
        es: "un umbral no se pudo decidir; con `--on-inconclusive warn` eso es una advertencia",
    }
    /// Said before a run of a scenario whose thresholds need another side.
    pub fn not_by_one_run(thresholds: &str, side: &str, command: &str) {
        en: "a single run does not measure {side}, so what compares with it will stay inconclusive ({thresholds}); this measures both: {command}",
        es: "una sola corrida no mide {side}, así que lo que se compara con él quedará no concluyente ({thresholds}); esto mide ambos: {command}",
    }
}

/// What a threshold came to in a run.
pub fn limited(language: Language, it: &Limited) -> String {
    let show = |figure: f64| value(language, it.gate.metric, Some(figure));
    let seen = match (it.observed, it.interval) {
        (Some(observed), Some((low, high))) if low != high => {
            format!("{} [{}; {}]", show(observed), show(low), show(high))
        }
        (Some(observed), _) => show(observed),
        (None, _) => String::new(),
    };
    let seen = match it.gate.metric {
        Metric::MemoryPerConnection | Metric::RssPeak | Metric::RrSpread => seen,
        _ if seen.is_empty() => seen,
        _ => format!("{seen} ({})", Counted(it.samples, Noun::Request).in_words(language)),
    };
    match (&it.reason, seen.is_empty()) {
        (None, _) => seen,
        (Some(reason), true) => why(language, reason),
        (Some(reason), false) => format!("{seen}: {}", why(language, reason)),
    }
}

fn why(language: Language, reason: &Reason) -> String {
    match reason {
        Reason::NeedsComparison { side } => say!(language,
            en: "a single run does not measure {side}; `harness compare` with both sides does",
            es: "una sola corrida no mide {side}; `harness compare` con ambos lados sí", side = side.as_str()),
        Reason::SmallHost => say!(language,
            en: "not judged, {why}", es: "no se juzga, {why}", why = super::profile_words::no_latency(language)),
        Reason::NotMeasured => say!(language,
            en: "nothing was measured of it: the load step did not run to its end, or this system does not tell",
            es: "no se midió nada: la etapa de carga no llegó a su fin, o este sistema no da ese dato"),
        Reason::TooFewSamples { have, needed } => say!(language,
            en: "{have} samples are too few for this percentile, {needed} are needed: a higher rate or a longer step gives them",
            es: "{have} muestras son muy pocas para este percentil, se necesitan {needed}: una tasa mayor o una etapa más larga las dan",
            have = *have, needed = *needed),
        Reason::NoMeans { requests } => say!(language,
            en: "not measurable here, this host gave the harness no descriptors, ports or memory for {requests} (`ulimit -n`)",
            es: "no se puede medir aquí, este equipo no le dio al banco de pruebas descriptores, puertos o memoria para {requests} (`ulimit -n`)",
            requests = Counted(*requests, Noun::Request)),
        Reason::Straddles => say!(language,
            en: "the limit lies within the interval; more requests narrow it",
            es: "el límite está dentro del intervalo; más peticiones lo estrechan"),
        Reason::SentTooLate(ms) => say!(language,
            en: "not measurable here, requests left {ms} late, more than a fifth of the limit",
            es: "no se puede medir aquí, las peticiones salieron {ms} tarde, más de un quinto del límite",
            ms = Milliseconds(*ms)),
        Reason::HostTooNoisy(ms) => say!(language,
            en: "this host wakes threads {ms} late, more than the margin",
            es: "este computador despierta los hilos {ms} tarde, más que el margen", ms = Milliseconds(*ms)),
        Reason::TooManyErrors { share, limit } => say!(language,
            en: "{share} of the requests went wrong, more than {limit}: what is left says nothing of speed",
            es: "{share} de las peticiones terminaron mal, más que {limit}: lo que queda no dice nada de la velocidad",
            share = Percent(*share), limit = Percent(*limit)),
    }
}

/// How long a run will take, and when it is ended.
pub fn will_take(language: Language, what: &str, takes: super::Span, most: super::Span) -> String {
    say!(language,
        en: "{what}: about {takes}; ended after {most} (--max-duration)",
        es: "{what}: unos {takes}; se termina a los {most} (--max-duration)",
        what = what, takes = takes, most = most)
}

#[cfg(test)]
mod tests {
    use super::limited;
    use crate::language::Language;
    use harness_judge::compare::{Limited, Reason, Ruling};

    #[test]
    fn a_figure_comes_with_its_interval_its_samples_and_the_reason() {
        let mut it = Limited {
            gate: "hits: latency p(99) < 5ms".parse().unwrap(),
            observed: Some(4.5),
            interval: Some((4.25, 5.5)),
            samples: 1_200,
            ruling: Ruling::Inconclusive,
            reason: Some(Reason::Straddles),
        };
        assert_eq!(
            limited(Language::En, &it),
            "4.5 ms [4.25 ms; 5.5 ms] (1,200 requests): the limit lies within the interval; more requests narrow it"
        );
        it.reason = Some(Reason::NeedsComparison { side: "nginx".into() });
        (it.observed, it.interval) = (None, None);
        assert!(limited(Language::Es, &it).starts_with("una sola corrida no mide nginx"));
    }
}
