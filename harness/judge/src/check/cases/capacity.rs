//! `capacity.scaling`: with more instances more is served, until something that is not the proxy is full.
//!
//! A search found, for each number of instances, the highest rate that was kept and the lowest that was refused. Each size is
//! judged by itself, against what its instances can serve by their own model: a single one that fails at a quarter of that is
//! a finding, and never the measure of the others. Without a model so many single ones are the measure, and a size that a
//! larger one outgrows is a finding all the same. Why is read from how busy everything was when a rate was refused. Full
//! places behind the proxy are no fault of it; an idle instance is, and so are errors while nothing is full.

use std::collections::BTreeMap;

use super::{Bottleneck, CapacitySeen, CaseFinding, SizeSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Ledger, ms};
use harness_model::history::{CapacityRung, EventKind, RungJudged};
use harness_model::plan::{CapacitySearch, CheckPlan, Step, StepKind};

/// Share of what so many single instances would serve, where the scenario says nothing.
const SHARE: f64 = 0.75;
/// From this share of their time on, places are full: with service times that vary the line grows long before they are.
const FULL: f64 = 0.8;
/// An instance that works less than this share of what the busiest one does is left idle.
const IDLE: f64 = 0.6;
/// Share of a CPU from which a proxy of one thread cannot do more.
const PROXY_FULL: f64 = 0.9;
/// Standard deviations of the number of arrivals by which a rung may be lucky.
const DEVIATIONS: f64 = 3.0;

/// See the module.
pub(in crate::check) fn scaling(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut searches = Vec::new();
    let mut evidence = Vec::new();
    for step in ledger.steps_of(check) {
        let StepKind::Capacity(search) = &step.kind else { continue };
        let rungs = rungs_of(ledger, step);
        if rungs.is_empty() {
            continue;
        }
        evidence.extend(rungs.iter().map(|(line, _)| *line));
        searches.push(seen(ledger, step, search, &rungs));
    }
    searches.sort_by_key(|seen| seen.instances);
    let Some(first) = searches.first().cloned() else { return Judged::not_reached() };
    let share = check.parameters.share.unwrap_or(SHARE);
    let single = first.kept.map(|kept| kept / first.instances.max(1) as f64);
    for seen in &mut searches {
        seen.stopped = falls_short(seen, single.map(|single| single * seen.instances as f64 * share));
        seen.size = match seen.modelled {
            Some(most) if seen.kept.is_some_and(|kept| kept > most * seen.leeway) => SizeSeen::Beyond,
            Some(most) if falls_short(seen, Some(most * share)) => SizeSeen::Below,
            None if seen.stopped => SizeSeen::Below,
            _ => SizeSeen::AsModelled,
        };
    }
    let per_instance = |rate: f64, seen: &CapacitySeen| rate / seen.instances.max(1) as f64;
    for index in 0..searches.len() {
        let seen = &searches[index];
        let most = seen.refused.or(seen.kept).map_or(0.0, |rate| per_instance(rate, seen));
        let outgrown = searches[index + 1..]
            .iter()
            .any(|larger| larger.kept.is_some_and(|kept| per_instance(kept, larger) > most * larger.leeway));
        if outgrown {
            searches[index].size = SizeSeen::Outgrown;
        }
    }
    let worst = searches.iter().map(verdict_on).max().unwrap_or(Verdictlet::Open);
    let finding = Finding::Case(CaseFinding::Capacity { searches, share });
    match worst {
        Verdictlet::Fine => Judged::pass(finding),
        Verdictlet::Open => Judged::inconclusive(finding).with_evidence(evidence),
        Verdictlet::Wrong => Judged::fail(finding, evidence),
    }
}

/// In the order in which they outweigh each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdictlet {
    Fine,
    Open,
    Wrong,
}

/// Whether what was found is less than what is wanted; nothing is known to be enough.
fn falls_short(seen: &CapacitySeen, wanted: Option<f64>) -> bool {
    match (wanted, seen.refused) {
        (Some(wanted), Some(refused)) => refused < wanted,
        // Nothing was refused: the search ended at its lid, or where the engine could not follow.
        (Some(wanted), None) => seen.kept.is_none_or(|kept| kept < wanted),
        (None, _) => true,
    }
}

fn verdict_on(seen: &CapacitySeen) -> Verdictlet {
    match (seen.size, &seen.reason) {
        // Nothing was full, and yet requests failed: that is no capacity, however high the rate was.
        (_, Some(Bottleneck::Errors { .. })) => Verdictlet::Wrong,
        (SizeSeen::AsModelled, _) => Verdictlet::Fine,
        (SizeSeen::Below | SizeSeen::Outgrown, Some(Bottleneck::Uneven { .. })) => Verdictlet::Wrong,
        // Full places say enough where nobody knows how much they should serve; where that is known they contradict it.
        (SizeSeen::Below, Some(Bottleneck::Shared { .. } | Bottleneck::Instances { .. }))
            if seen.kept.is_some() && seen.modelled.is_none() =>
        {
            Verdictlet::Fine
        }
        _ => Verdictlet::Open,
    }
}

fn rungs_of<'a>(ledger: &Ledger<'a>, step: &Step) -> Vec<(usize, &'a CapacityRung)> {
    let rungs = ledger.events.iter().enumerate().filter_map(|(line, event)| match &event.event {
        EventKind::CapacityRung(rung) if event.step == Some(step.index) => Some((line, &**rung)),
        _ => None,
    });
    rungs.collect()
}

fn seen(
    ledger: &Ledger<'_>,
    step: &Step,
    search: &CapacitySearch,
    rungs: &[(usize, &CapacityRung)],
) -> CapacitySeen {
    let of =
        |judged: RungJudged| rungs.iter().map(|(_, rung)| *rung).filter(move |rung| rung.judged == judged);
    let by_rate = |a: &&CapacityRung, b: &&CapacityRung| a.rate_per_second.total_cmp(&b.rate_per_second);
    let kept = of(RungJudged::Kept).max_by(by_rate);
    let above = |rung: &&CapacityRung| kept.is_none_or(|kept| rung.rate_per_second > kept.rate_per_second);
    let refused = of(RungJudged::Refused).filter(above).min_by(by_rate);
    let start = ledger.start_of_try(step.index, 0).unwrap_or_default();
    let up = ledger.backends_up_at(start);
    CapacitySeen {
        tag: search.load.tag.clone(),
        instances: up.len() as u64,
        quantile: search.quantile,
        limit_ms: ms(search.limit),
        kept: kept.map(|rung| rung.rate_per_second),
        kept_latency_ms: kept.and_then(|rung| rung.at_quantile).map(ms),
        refused: refused.map(|rung| rung.rate_per_second),
        unmeasured: of(RungJudged::Unknown).map(|rung| rung.rate_per_second).min_by(f64::total_cmp),
        modelled: ledger.plan.backends.most_per_second(&search.load.path, &up),
        leeway: kept.map_or(1.0, |rung| leeway(rung, search)),
        stopped: false,
        size: SizeSeen::default(),
        reason: refused.map(|rung| reason(rung, search, &up)),
    }
}

/// By which factor a brief rung may be kept above what can be served for ever: a line that grows to the limit is seen by
/// nobody, and arrivals come at random.
fn leeway(rung: &CapacityRung, search: &CapacitySearch) -> f64 {
    let seconds = (rung.sent as f64 / rung.rate_per_second).max(f64::MIN_POSITIVE);
    1.0 + search.limit.as_secs_f64() / seconds + DEVIATIONS / (rung.sent.max(1) as f64).sqrt()
}

/// What was full when a rate was refused.
fn reason(rung: &CapacityRung, search: &CapacitySearch, up: &[String]) -> Bottleneck {
    let mut instances: BTreeMap<&str, f64> = up.iter().map(|name| (name.as_str(), 0.0)).collect();
    let mut shared: Option<(&str, f64)> = None;
    for place in &rung.places {
        if let Some(busy) = instances.get_mut(place.name.as_str()) {
            *busy = place.busy;
        } else if !is_backend(&place.name) && shared.is_none_or(|(_, busy)| place.busy > busy) {
            shared = Some((place.name.as_str(), place.busy));
        }
    }
    let busiest = instances.values().copied().fold(0.0, f64::max);
    let idlest = instances.values().copied().fold(1.0, f64::min);
    let mean = instances.values().sum::<f64>() / instances.len().max(1) as f64;
    if let Some((name, busy)) = shared.filter(|(_, busy)| *busy >= FULL) {
        return Bottleneck::Shared { name: name.to_owned(), busy };
    }
    if busiest >= FULL && idlest < busiest * IDLE {
        return Bottleneck::Uneven { busiest, idlest };
    }
    if mean >= FULL {
        return Bottleneck::Instances { busy: mean };
    }
    if let Some(cpu) = rung.proxy_cpu.filter(|cpu| *cpu >= PROXY_FULL) {
        return Bottleneck::Proxy { cpu };
    }
    let error_rate = rung.errors as f64 / rung.sent.max(1) as f64;
    if error_rate > search.error_rate {
        return Bottleneck::Errors { share: error_rate };
    }
    Bottleneck::Unexplained { busy: busiest }
}

/// Whether a name is that of a backend of the run: `b` and a number.
fn is_backend(name: &str) -> bool {
    name.strip_prefix('b')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::check::testkit::Kit;
    use crate::check::{Bottleneck, CapacitySeen, CaseFinding, Finding, Outcome, SizeSeen, evaluate};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{CapacityRung, EventKind, PlaceUse, RungJudged};
    use harness_model::plan::samples::{load, rate};
    use harness_model::plan::{BackendChange, CapacitySearch, StepKind};

    fn search(tag: &str) -> StepKind {
        StepKind::Capacity(CapacitySearch {
            load: load(tag, rate(100.0, 1)),
            from_per_second: 100.0,
            to_per_second: 5_000.0,
            quantile: 0.99,
            limit: Duration::from_millis(60),
            error_rate: 0.01,
            precision: 0.1,
        })
    }

    fn rung(tag: &str, rate: f64, judged: RungJudged, busy: &[(&str, f64)]) -> EventKind {
        let places =
            busy.iter().map(|(name, busy)| PlaceUse { name: (*name).into(), busy: *busy, waiting: 0 });
        EventKind::CapacityRung(Box::new(CapacityRung {
            tag: tag.into(),
            rate_per_second: rate,
            good_per_second: rate,
            sent: 1_000,
            errors: 0,
            p50: Some(Duration::from_millis(11)),
            at_quantile: Some(Duration::from_millis(30)),
            send_lag: None,
            judged,
            proxy_cpu: Some(0.1),
            places: places.collect(),
        }))
    }

    /// The second instance goes, and the first one is searched alone.
    fn one_is_left(kit: &mut Kit) {
        kit.step(10.0, StepKind::Backends(BackendChange { which: vec![1], up: false }));
        kit.event(11.0, EventKind::BackendDown { backend: "b2".into() });
        kit.step(20.0, search("one"));
    }

    fn concluded(mut kit: Kit) -> (Outcome, Vec<CapacitySeen>) {
        kit.check(CheckId::CapacityScaling);
        let verdict = evaluate(&kit.record).remove(0);
        let Finding::Case(CaseFinding::Capacity { searches, .. }) = verdict.finding else {
            panic!("{verdict:?}")
        };
        (verdict.outcome, searches)
    }

    /// Two instances keep `two`; then one keeps 400/s.
    fn judged(two: f64, busy: &[(&str, f64)]) -> (Outcome, Vec<CapacitySeen>) {
        let mut kit = Kit::new(2);
        kit.step(0.0, search("two"));
        kit.event(1.0, rung("two", two, RungJudged::Kept, busy));
        kit.event(2.0, rung("two", two * 1.1, RungJudged::Refused, busy));
        one_is_left(&mut kit);
        kit.event(21.0, rung("one", 400.0, RungJudged::Kept, &[("b1", 0.8)]));
        kit.event(22.0, rung("one", 440.0, RungJudged::Refused, &[("b1", 0.95)]));
        concluded(kit)
    }

    #[test]
    fn twice_as_much_with_two_is_scaling() {
        let (outcome, searches) = judged(780.0, &[("b1", 0.9), ("b2", 0.9)]);
        assert_eq!((outcome, searches[1].stopped), (Outcome::Pass, false));
        assert_eq!((searches[0].instances, searches[1].instances), (1, 2));
        assert_eq!(searches[0].reason, Some(Bottleneck::Instances { busy: 0.95 }));
    }

    #[test]
    fn a_full_database_is_no_fault_of_the_proxy_and_an_idle_instance_is() {
        let (outcome, searches) = judged(420.0, &[("b1", 0.5), ("b2", 0.5), ("database", 0.97)]);
        assert_eq!((outcome, searches[1].stopped), (Outcome::Pass, true));
        let (outcome, searches) = judged(400.0, &[("b1", 0.95), ("b2", 0.1)]);
        assert_eq!(outcome, Outcome::Fail);
        assert_eq!(searches[1].reason, Some(Bottleneck::Uneven { busiest: 0.95, idlest: 0.1 }));
    }

    #[test]
    fn what_nothing_explains_is_left_open() {
        assert_eq!(judged(400.0, &[("b1", 0.4), ("b2", 0.4)]).0, Outcome::Inconclusive);
    }

    /// Two instances keep 447/s; one keeps so much, and the next rung is refused for these errors.
    fn beside_two(kept: f64, busy: f64, errors: u64, modelled: bool) -> (Outcome, Vec<CapacitySeen>) {
        let mut kit = Kit::new(2);
        if modelled {
            let script = r#"{"otherwise": {"occupied": {"places": 2, "service": "10ms"}}}"#;
            kit.record.plan.backends.script = serde_json::from_str(script).unwrap();
        }
        kit.step(0.0, search("two"));
        kit.event(1.0, rung("two", 400.0, RungJudged::Kept, &[("b1", 0.95), ("b2", 0.95)]));
        kit.event(2.0, rung("two", 440.0, RungJudged::Refused, &[("b1", 0.99), ("b2", 0.99)]));
        one_is_left(&mut kit);
        kit.event(21.0, rung("one", kept, RungJudged::Kept, &[("b1", busy * 0.9)]));
        let EventKind::CapacityRung(mut refused) =
            rung("one", kept * 1.08, RungJudged::Refused, &[("b1", busy)])
        else {
            panic!()
        };
        refused.errors = errors;
        kit.event(22.0, EventKind::CapacityRung(refused));
        concluded(kit)
    }

    #[test]
    fn a_single_instance_that_fails_is_no_measure_for_the_others_and_a_failure_itself() {
        for modelled in [true, false] {
            let (outcome, searches) = beside_two(52.0, 0.28, 37, modelled);
            assert_eq!(outcome, Outcome::Fail, "{searches:?}");
            assert_eq!(searches[0].reason, Some(Bottleneck::Errors { share: 0.037 }));
            assert_eq!(searches[0].size, SizeSeen::Outgrown);
            assert!(!searches[1].stopped && searches[1].size == SizeSeen::AsModelled);
        }
    }

    #[test]
    fn more_than_twice_with_two_is_never_a_pass() {
        for (busy, modelled) in [(0.5, true), (0.95, true), (0.95, false)] {
            assert_eq!(beside_two(120.0, busy, 0, modelled).0, Outcome::Inconclusive);
        }
        assert_eq!(beside_two(190.0, 0.95, 0, true).0, Outcome::Pass);
    }

    #[test]
    fn a_size_is_held_against_its_model_and_not_against_a_smaller_one_alone() {
        let (outcome, searches) = beside_two(190.0, 0.95, 0, true);
        assert_eq!((outcome, searches[1].modelled), (Outcome::Pass, Some(400.0)));
        let beyond = beside_two(300.0, 0.95, 0, true);
        assert_eq!((beyond.0, beyond.1[0].size), (Outcome::Inconclusive, SizeSeen::Beyond));
    }
}
