//! Measured beside allowed: the figures of a finding as rows of a small table.
//!
//! Reports print them below the sentence of a verdict. A finding without a limit has no rows; nothing is computed here but
//! differences of figures that the finding holds.

use super::{Counted, InWords, Language, Milliseconds, Noun, Percent, Quantile, Span};
use crate::say;
use harness_judge::check::{
    ConcurrencyFinding, ExpirySeen, Finding, HitsFinding, IntegrityFinding, PersistenceFinding,
    RotationFinding, ThresholdSeen, TtlFinding,
};
use harness_model::adapter::Resolution;

/// One row: what, how much it was, how much it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredRow {
    /// The quantity.
    pub what: String,
    /// As measured.
    pub measured: String,
    /// As allowed, or as it was asked for.
    pub allowed: String,
}

/// The rows of a finding, in the order in which they matter; `resolution` is what the adapter declares of its TTL.
pub fn measured_rows(finding: &Finding, resolution: Resolution, language: Language) -> Vec<MeasuredRow> {
    let l = language;
    let late_ms = resolution.late.as_secs_f64() * 1000.0;
    match finding {
        Finding::Hits(finding) => hits_rows(finding, l),
        Finding::Ttl(finding) => ttl_rows(finding, late_ms, l),
        Finding::Persistence(finding) => persistence_rows(finding, l),
        Finding::Concurrency(finding) => concurrency_rows(finding, l),
        Finding::Integrity(finding) => integrity_rows(finding, l),
        Finding::Rotation(finding) => rotation_rows(finding, l),
        Finding::TooFew { of, have, needed } => vec![row(of.in_words(l), have, at_least(needed, l), l)],
        Finding::Latencies { thresholds } => thresholds.iter().flat_map(|seen| threshold(seen, l)).collect(),
        Finding::PassedOnSecondTry { first, .. } => measured_rows(first, resolution, l),
        Finding::BusyHost { found, .. } => measured_rows(found, resolution, l),
        Finding::DependsOn { .. }
        | Finding::NoControl { .. }
        | Finding::DeclaredUnsupported { .. }
        | Finding::Attached
        | Finding::ForAPerson
        | Finding::NotReached
        | Finding::StepProblem { .. }
        | Finding::NotSent { .. }
        | Finding::CutOffByUs { .. }
        | Finding::CutShort { .. }
        | Finding::Cloud(_)
        | Finding::Case(_)
        | Finding::Proxy(_)
        | Finding::Exchange(_)
        | Finding::Config(_)
        | Finding::Https(_)
        | Finding::Http2(_)
        | Finding::Log(_) => Vec::new(),
    }
}

fn hits_rows(finding: &HitsFinding, l: Language) -> Vec<MeasuredRow> {
    match finding {
        HitsFinding::HitsProven { keys } => vec![hits(*keys, *keys, l)],
        HitsFinding::NoHits { keys, .. } => vec![hits(0, *keys, l)],
        HitsFinding::SomeMisses { keys, missed, .. } => vec![hits(keys - missed, *keys, l)],
        HitsFinding::HitDiffers { .. }
        | HitsFinding::PostsReachedBackends { .. }
        | HitsFinding::PostFromCache { .. }
        | HitsFinding::PostNotForwarded { .. } => Vec::new(),
    }
}

fn ttl_rows(finding: &TtlFinding, late_ms: f64, l: Language) -> Vec<MeasuredRow> {
    match finding {
        TtlFinding::Expiry(seen)
        | TtlFinding::ServedPastTtl { seen, .. }
        | TtlFinding::ExpiredEarly { seen, .. }
        | TtlFinding::AgeGoesOnOverRestart { seen, .. }
        | TtlFinding::RestartMayProlong { seen, .. }
        | TtlFinding::RestartProlongs { seen, .. }
        | TtlFinding::RestartForgets { seen, .. } => expiry(seen, l),
        TtlFinding::TwoValues { first, second } | TtlFinding::OneAgeForTwoValues { first, second } => {
            [of_ttl(first, l), of_ttl(second, l)].concat()
        }
        TtlFinding::TooFewProbes { before, after, needed, .. } => vec![
            row(
                say!(l, en: "probes surely before the TTL", es: "sondeos con certeza antes del TTL"),
                before,
                at_least(needed, l),
                l,
            ),
            row(
                say!(l, en: "probes surely after the TTL", es: "sondeos con certeza después del TTL"),
                after,
                at_least(needed, l),
                l,
            ),
        ],
        TtlFinding::HitsProlong { age_ms, ttl_ms, .. } => vec![oldest(*age_ms, *ttl_ms + late_ms, l)],
        TtlFinding::HitsDoNotProlong { oldest_ms, ttl_ms, .. } => {
            vec![oldest(*oldest_ms, *ttl_ms + late_ms, l)]
        }
        TtlFinding::ResolutionTooCoarse { .. }
        | TtlFinding::ResourcesExpireApart { .. }
        | TtlFinding::ResourcesExpireTogether { .. } => Vec::new(),
    }
}

fn persistence_rows(finding: &PersistenceFinding, l: Language) -> Vec<MeasuredRow> {
    match finding {
        PersistenceFinding::KeptAfterKill { keys, .. } => vec![kept(*keys, *keys, l)],
        PersistenceFinding::LostAfterKill { keys, lost, .. } => {
            vec![kept(keys.saturating_sub(*lost), *keys, l)]
        }
        PersistenceFinding::OddNamesKept { keys, .. } => vec![kept(*keys, *keys, l)],
        PersistenceFinding::OddNameLost { keys, lost, .. } => {
            vec![kept(keys.saturating_sub(*lost), *keys, l)]
        }
        PersistenceFinding::WholeAfterKill { reread, .. } => vec![wrong(0, *reread, l)],
        PersistenceFinding::WrongAfterKill { count, reread, .. } => vec![wrong(*count, *reread, l)],
        PersistenceFinding::DidNotStartAgain { .. }
        | PersistenceFinding::ExpiredBeforeReread { .. }
        | PersistenceFinding::CacheFiles { .. }
        | PersistenceFinding::NoCacheFiles { .. }
        | PersistenceFinding::ReboundAtOnce { .. }
        | PersistenceFinding::ReboundLate { .. } => Vec::new(),
    }
}

fn concurrency_rows(finding: &ConcurrencyFinding, l: Language) -> Vec<MeasuredRow> {
    match finding {
        ConcurrencyFinding::FastOvertook { slowest_ms, slow_ms, .. } => {
            vec![slowest_fast(*slowest_ms, *slow_ms, l)]
        }
        ConcurrencyFinding::FastWaited { waited_ms, slow_ms, .. } => {
            vec![slowest_fast(*waited_ms, *slow_ms, l)]
        }
        ConcurrencyFinding::InsideAtOnce { asked, inside }
        | ConcurrencyFinding::NotInsideAtOnce { asked, inside } => vec![row(
            say!(l, en: "requests inside the backends at one instant", es: "peticiones dentro de los backends en un instante"),
            inside,
            asked.in_words(l),
            l,
        )],
        ConcurrencyFinding::SlowWentWrong { .. }
        | ConcurrencyFinding::OwnAnswers { .. }
        | ConcurrencyFinding::NotOwnAnswer { .. }
        | ConcurrencyFinding::ClientKindsServed { .. }
        | ConcurrencyFinding::ClientKindUnserved { .. }
        | ConcurrencyFinding::ColdKey { .. } => Vec::new(),
    }
}

fn integrity_rows(finding: &IntegrityFinding, l: Language) -> Vec<MeasuredRow> {
    match finding {
        IntegrityFinding::BodiesRight { exchanges, .. } => vec![wrong(0, *exchanges, l)],
        IntegrityFinding::WrongBody { count, exchanges, .. } => vec![wrong(*count, *exchanges, l)],
        IntegrityFinding::FewOfBackends { .. } => Vec::new(),
    }
}

fn rotation_rows(finding: &RotationFinding, l: Language) -> Vec<MeasuredRow> {
    match finding {
        RotationFinding::EvenBatches { spread, allowed, .. }
        | RotationFinding::UnevenBatches { spread, allowed, .. } => {
            vec![row(
                say!(l, en: "largest difference between two backends", es: "mayor diferencia entre dos backends"),
                spread,
                at_most(allowed, l),
                l,
            )]
        }
        RotationFinding::EvenWithinRotations { spread, rotations, .. } => vec![row(
            say!(l, en: "largest difference between two backends", es: "mayor diferencia entre dos backends"),
            spread,
            at_most(rotations, l),
            l,
        )],
        RotationFinding::ExactCycle { .. }
        | RotationFinding::CycleBroken { .. }
        | RotationFinding::TurnPerConnection { .. }
        | RotationFinding::BackendsLeftOut { .. }
        | RotationFinding::DoubledAttempts { .. }
        | RotationFinding::NotForwarded { .. }
        | RotationFinding::RotationScope { .. }
        | RotationFinding::HitsAndTurns { .. } => Vec::new(),
    }
}

fn row(what: String, measured: &impl InWords, allowed: String, language: Language) -> MeasuredRow {
    MeasuredRow { what, measured: measured.in_words(language), allowed }
}

fn at_least(value: &impl InWords, language: Language) -> String {
    format!("≥ {}", value.in_words(language))
}

fn at_most(value: &impl InWords, language: Language) -> String {
    format!("≤ {}", value.in_words(language))
}

fn expiry(seen: &ExpirySeen, l: Language) -> Vec<MeasuredRow> {
    let absent = || "–".to_owned();
    let age = |age: Option<f64>| age.map_or_else(absent, |ms| Milliseconds(ms).in_words(l));
    vec![
        MeasuredRow {
            what: say!(l, en: "oldest entry served from the cache", es: "lo más antiguo servido desde el caché"),
            measured: age(seen.last_served_ms),
            allowed: at_most(&Milliseconds(seen.ttl_ms + seen.late_ms), l),
        },
        MeasuredRow {
            what: say!(l, en: "youngest entry found gone", es: "lo más reciente que ya había expirado"),
            measured: age(seen.first_expired_ms),
            allowed: at_least(&Milliseconds(seen.ttl_ms - seen.early_ms), l),
        },
        MeasuredRow {
            what: say!(l, en: "probes before and after the TTL", es: "sondeos antes y después del TTL"),
            measured: format!("{} + {}", seen.before.in_words(l), seen.after.in_words(l)),
            allowed: "≥ 10 + 10".to_owned(),
        },
    ]
}

/// The rows of one of several TTLs: each says which.
fn of_ttl(seen: &ExpirySeen, l: Language) -> Vec<MeasuredRow> {
    let named = |row: MeasuredRow| MeasuredRow {
        what: format!("TTL {}: {}", Span(seen.ttl_ms).in_words(l), row.what),
        ..row
    };
    expiry(seen, l).into_iter().map(named).collect()
}

fn oldest(age_ms: f64, latest_ms: f64, l: Language) -> MeasuredRow {
    MeasuredRow {
        what: say!(l, en: "oldest entry served while in use", es: "lo más antiguo servido mientras se usaba"),
        measured: Milliseconds(age_ms).in_words(l),
        allowed: at_most(&Milliseconds(latest_ms), l),
    }
}

fn hits(hits: u64, keys: u64, l: Language) -> MeasuredRow {
    row(
        say!(l, en: "second requests that reached no backend", es: "segundas peticiones que no llegaron a ningún backend"),
        &hits,
        keys.in_words(l),
        l,
    )
}

fn kept(kept: u64, keys: u64, l: Language) -> MeasuredRow {
    row(
        say!(l, en: "cached resources served after the kill", es: "recursos del caché servidos tras la caída"),
        &kept,
        keys.in_words(l),
        l,
    )
}

fn wrong(wrong: u64, of: u64, l: Language) -> MeasuredRow {
    MeasuredRow {
        what: say!(l, en: "wrong answers", es: "respuestas erradas"),
        measured: say!(l, en: "{wrong} of {of}", es: "{wrong} de {of}", wrong = wrong, of = Counted(of, Noun::Answer)),
        allowed: "0".to_owned(),
    }
}

fn slowest_fast(slowest_ms: f64, slow_ms: f64, l: Language) -> MeasuredRow {
    MeasuredRow {
        what: say!(l, en: "slowest of the fast requests", es: "la más lenta de las peticiones rápidas"),
        measured: Milliseconds(slowest_ms).in_words(l),
        allowed: format!("< {}", Milliseconds(slow_ms).in_words(l)),
    }
}

fn threshold(seen: &ThresholdSeen, l: Language) -> Vec<MeasuredRow> {
    let missing = || "–".to_owned();
    vec![
        MeasuredRow {
            what: format!("{} {}", seen.tag, Quantile(seen.quantile).in_words(l)),
            measured: seen.observed_ms.map_or_else(missing, |ms| Milliseconds(ms).in_words(l)),
            allowed: format!("< {}", Span(seen.limit_ms).in_words(l)),
        },
        MeasuredRow {
            what: say!(l, en: "{tag}, errors", es: "{tag}, errores", tag = &seen.tag),
            measured: Percent(seen.error_rate).in_words(l),
            allowed: at_most(&Percent(seen.error_limit), l),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::measured_rows;
    use crate::language::Language;
    use harness_judge::check::{ExpirySeen, Finding, TtlFinding};
    use harness_model::adapter::Resolution;

    #[test]
    fn an_expiry_is_measured_against_its_ttl_and_resolution() {
        let seen = ExpirySeen {
            ttl_ms: 2_000.0,
            keys: 120,
            before: 50,
            after: 51,
            last_served_ms: Some(1_999.0),
            first_expired_ms: Some(2_004.0),
            early_ms: 0.0,
            late_ms: 1_000.0,
        };
        let rows =
            measured_rows(&Finding::Ttl(TtlFinding::Expiry(seen)), Resolution::default(), Language::Es);
        assert_eq!((rows[0].measured.as_str(), rows[0].allowed.as_str()), ("1999 ms", "≤ 3000 ms"));
        assert_eq!(rows[1].allowed, "≥ 2000 ms");
        assert!(measured_rows(&Finding::NotReached, Resolution::default(), Language::En).is_empty());
    }
}
