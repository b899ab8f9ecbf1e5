//! The checks of a plan from those of a scenario: names looked up, thresholds parsed, defaults filled in.
//!
//! Used by [`super::resolve`] alone, before anything runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ground::Source;
use super::{CheckParameters, CheckPlan, LatencyThreshold};
use crate::catalogue::{CheckId, Kind};
use crate::scenario::{CheckFile, CheckMap, NameKind, Place, Problem, Severity, What, find_key};

/// Largest share of errors beside a latency threshold, where the scenario says nothing.
const ERROR_RATE: f64 = 0.01;

pub(super) fn resolve_checks(
    checks: &CheckMap,
    source: &Source,
    labels: &BTreeMap<String, usize>,
    problems: &mut Vec<Problem>,
) -> Vec<CheckPlan> {
    let mut plans = Vec::new();
    for (name, file) in &checks.0 {
        let place = find_key(&source.text, &source.file, name);
        let Ok(id) = name.parse::<CheckId>() else {
            let known = CheckId::ALL.iter().map(|id| id.name().to_owned()).collect();
            let what = What::UnknownName { kind: NameKind::Check, name: name.clone(), known };
            problems.push(Problem::at(place, what));
            continue;
        };
        for step in file.steps.iter().filter(|step| !labels.contains_key(*step)) {
            let known = labels.keys().cloned().collect();
            let what = What::UnknownName { kind: NameKind::Label, name: step.clone(), known };
            problems.push(Problem::at(place.clone(), what));
        }
        let Some(kind) = kind(id, file.severity) else {
            problems.push(Problem::at(place, What::Weakened(name.clone())));
            continue;
        };
        let thresholds = thresholds(file, &place, labels, problems);
        if id == CheckId::LatencyThresholds && file.thresholds.is_empty() {
            problems.push(Problem::at(place.clone(), What::MissingKey("thresholds".into())));
        }
        if matches!(id, CheckId::FleetLatency | CheckId::FleetScaled | CheckId::FleetBreaks)
            && file.at_most.is_none()
        {
            problems.push(Problem::at(place.clone(), What::MissingKey("at_most".into())));
        }
        let parameters = CheckParameters {
            steps: file.steps.clone(),
            at_most: file.at_most.map(|span| span.0),
            count: file.count,
            at_least: file.at_least,
            share: file.share.map(|share| share.0),
            thresholds,
        };
        plans.push(CheckPlan { id, kind, line: source.line(&place), parameters });
    }
    if checks.0.is_empty() {
        problems.push(Problem::at(find_key(&source.text, &source.file, "checks"), What::NothingToRun));
    }
    plans
}

/// The kind that holds: never below the catalogue's. `None`: the scenario tried to weaken it.
fn kind(id: CheckId, severity: Option<Severity>) -> Option<Kind> {
    let wanted = match severity {
        None => return Some(id.kind()),
        Some(Severity::Required) => Kind::Required,
        Some(Severity::Optimal) => Kind::Optimal,
        Some(Severity::Check) => Kind::Check,
    };
    let weight = |kind| match kind {
        Kind::Required => 3,
        Kind::Optimal => 2,
        Kind::Check => 1,
        Kind::Manual => 0,
    };
    (weight(wanted) >= weight(id.kind())).then_some(wanted)
}

fn thresholds(
    file: &CheckFile,
    place: &Place,
    labels: &BTreeMap<String, usize>,
    problems: &mut Vec<Problem>,
) -> Vec<LatencyThreshold> {
    let mut parsed = Vec::new();
    if file.thresholds.is_empty() {
        return parsed;
    }
    let Some(tag) = file.tag.clone() else {
        problems.push(Problem::at(place.clone(), What::MissingKey("tag".into())));
        return parsed;
    };
    if !labels.contains_key(&tag) {
        let known = labels.keys().cloned().collect();
        problems
            .push(Problem::at(place.clone(), What::UnknownName { kind: NameKind::Label, name: tag, known }));
        return parsed;
    }
    let error_rate = file.error_rate.map_or(ERROR_RATE, |share| share.0);
    for text in &file.thresholds {
        match threshold(text) {
            Some((quantile, limit)) => {
                parsed.push(LatencyThreshold { tag: tag.clone(), quantile, limit, error_rate });
            }
            None => {
                let why = format!(
                    "`{text}` is not a threshold: write a percentile and a time, such as `p(99)<50ms`"
                );
                problems.push(Problem::at(place.clone(), What::BadValue(why)));
            }
        }
    }
    parsed
}

/// `p(99.9)<50ms`.
pub(super) fn threshold(text: &str) -> Option<(f64, Duration)> {
    let (percentile, limit) = text.split_once('<')?;
    let percentile: f64 = percentile.trim().strip_prefix("p(")?.strip_suffix(')')?.trim().parse().ok()?;
    let limit: fake_backends::behavior::Span = limit.trim().parse().ok()?;
    (percentile > 0.0 && percentile < 100.0).then_some((percentile / 100.0, limit.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_need_a_percentile_and_a_unit() {
        let (quantile, limit) = threshold("p(99.9) < 50ms").unwrap();
        assert!((quantile - 0.999).abs() < 1e-9);
        assert_eq!(limit, Duration::from_millis(50));
        for wrong in ["p(99)<50", "p99<50ms", "p(0)<1ms", "p(100)<1ms", "p(99)>50ms", ""] {
            assert_eq!(threshold(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_scenario_can_raise_the_severity_of_a_check_and_never_lower_it() {
        assert_eq!(kind(CheckId::TtlSliding, Some(Severity::Required)), Some(Kind::Required));
        assert_eq!(kind(CheckId::TtlExpiry, Some(Severity::Check)), None);
        assert_eq!(kind(CheckId::TtlExpiry, None), Some(Kind::Required));
    }
}
