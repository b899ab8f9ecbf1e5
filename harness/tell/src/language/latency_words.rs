//! The sentences of the latency family: one clause a threshold.
//!
//! `finding_words` hands these findings on. A percentile that could not be measured is said to be so, never printed.

use super::profile_words::no_latency;
use super::{Counted, InWords, Language, Milliseconds, Noun, Percent, Quantile, Span};
use crate::say;
use harness_judge::check::{Judgement, ThresholdSeen};

impl InWords for ThresholdSeen {
    fn in_words(&self, language: Language) -> String {
        let what = format!("{} {}", self.tag, Quantile(self.quantile).in_words(language));
        let limit = Span(self.limit_ms);
        let samples = Counted(self.samples, Noun::Sample);
        let observed =
            self.observed_ms.map_or_else(|| "n/a".to_owned(), |ms| Milliseconds(ms).in_words(language));
        match self.judgement {
            Judgement::Within => say!(language,
                en: "{what} {observed} (limit {limit}, {samples}, {errors} errors)",
                es: "{what} {observed} (límite {limit}, {samples}, {errors} de errores)",
                what = what, observed = observed, limit = limit, samples = samples, errors = Percent(self.error_rate)),
            Judgement::Exceeded => say!(language,
                en: "{what} {observed}, past its limit of {limit} ({samples})",
                es: "{what} {observed}, más allá de su límite de {limit} ({samples})",
                what = what, observed = observed, limit = limit, samples = samples),
            Judgement::TooManyErrors => say!(language,
                en: "{what}: {errors} of the requests ended in an error, at most {most} may",
                es: "{what}: {errors} de las peticiones terminaron en error; se admite a lo sumo {most}",
                what = what, errors = Percent(self.error_rate), most = Percent(self.error_limit)),
            Judgement::NoMeans => say!(language,
                en: "{what}: not measurable here, this host gave the harness no descriptors, ports or memory for a part of the requests",
                es: "{what}: no se puede medir aquí, este equipo no le dio al banco de pruebas descriptores, puertos o memoria para una parte de las peticiones",
                what = what),
            Judgement::NothingMeasured => say!(language,
                en: "{what}: nothing was measured", es: "{what}: no se midió nada", what = what),
            Judgement::TooFewSamples => say!(language,
                en: "{what}: {samples}, and {needed} are needed", es: "{what}: {samples}, y se necesitan {needed}",
                what = what, samples = samples, needed = self.samples_needed),
            Judgement::SentTooLate => say!(language,
                en: "{what} {observed}: not measurable here, requests left up to {lag} late, more than a fifth of the limit of {limit}",
                es: "{what} {observed}: no se puede medir aquí, las peticiones salieron hasta {lag} tarde, más de un quinto del límite de {limit}",
                what = what, observed = observed, lag = Milliseconds(self.send_lag_ms.unwrap_or_default()), limit = limit),
            Judgement::HostTooNoisy => say!(language,
                en: "{what} {observed} (limit {limit}): this host wakes threads up to {noise} late, more than the margin",
                es: "{what} {observed} (límite {limit}): este equipo despierta los hilos hasta {noise} tarde, más que el margen",
                what = what, observed = observed, limit = limit, noise = Milliseconds(self.host_noise_ms.unwrap_or_default())),
            Judgement::SmallHost => say!(language,
                en: "{what} {observed} (limit {limit}): not judged, {why}",
                es: "{what} {observed} (límite {limit}): no se juzga, {why}",
                what = what, observed = observed, limit = limit, why = no_latency(language)),
        }
    }
}

/// All thresholds of a check in one line.
pub(super) fn thresholds(seen: &[ThresholdSeen], language: Language) -> String {
    seen.iter().map(|one| one.in_words(language)).collect::<Vec<_>>().join("; ")
}
