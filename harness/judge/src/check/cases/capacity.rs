//! `capacity.scaling`: with more instances more is served, until something that is not the proxy is full.
//!
//! A search found, for each number of instances, the highest rate that was kept and the lowest that was refused. Where the
//! refused rate is below the share asked for of so many single instances, the scaling has stopped there; why is read from
//! how busy everything was when it was refused. Full places behind the proxy are no fault of it; an idle instance is.

use std::collections::BTreeMap;

use super::{Bottleneck, CapacitySeen, CaseFinding};
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

/// See the room.
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
    let mut worst = Verdictlet::Fine;
    for seen in &mut searches {
        let wanted = single.map(|single| single * seen.instances as f64 * share);
        seen.stopped = match (wanted, seen.kept, seen.refused) {
            (Some(wanted), _, Some(refused)) => refused < wanted,
            // Nothing was refused: the search ended at its lid, or where the engine could not follow.
            (Some(wanted), kept, None) => kept.is_none_or(|kept| kept < wanted),
            (None, ..) => true,
        };
        worst = worst.max(verdict_on(seen));
    }
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

fn verdict_on(seen: &CapacitySeen) -> Verdictlet {
    if !seen.stopped {
        return Verdictlet::Fine;
    }
    match &seen.reason {
        Some(Bottleneck::Shared { .. } | Bottleneck::Instances { .. }) if seen.kept.is_some() => {
            Verdictlet::Fine
        }
        Some(Bottleneck::Uneven { .. } | Bottleneck::Errors { .. }) => Verdictlet::Wrong,
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
        stopped: false,
        reason: refused.map(|rung| reason(rung, search, &up)),
    }
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
    use crate::check::{Bottleneck, CapacitySeen, CaseFinding, Finding, Outcome, evaluate};
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

    /// Two instances keep `two`; then one keeps 400/s.
    fn judged(two: f64, busy: &[(&str, f64)]) -> (Outcome, Vec<CapacitySeen>) {
        let mut kit = Kit::new(2);
        kit.step(0.0, search("two"));
        kit.event(1.0, rung("two", two, RungJudged::Kept, busy));
        kit.event(2.0, rung("two", two * 1.1, RungJudged::Refused, busy));
        kit.step(10.0, StepKind::Backends(BackendChange { which: vec![1], up: false }));
        kit.event(11.0, EventKind::BackendDown { backend: "b2".into() });
        kit.step(20.0, search("one"));
        kit.event(21.0, rung("one", 400.0, RungJudged::Kept, &[("b1", 0.8)]));
        kit.event(22.0, rung("one", 440.0, RungJudged::Refused, &[("b1", 0.95)]));
        kit.check(CheckId::CapacityScaling);
        let verdict = evaluate(&kit.record).remove(0);
        let Finding::Case(CaseFinding::Capacity { searches, .. }) = verdict.finding else {
            panic!("{verdict:?}")
        };
        (verdict.outcome, searches)
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
}
