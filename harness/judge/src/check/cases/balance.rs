//! `balance.least_busy`: the next request goes to the instance with the fewest open requests.
//!
//! What was open at each instance when a request arrived is read from their journals. A proxy learns of the end of an
//! answer a little later than the instance that gave it, so one open request more than the fewest is as good.

use std::collections::{BTreeMap, BTreeSet};

use super::{BalanceSeen, CaseFinding, InstanceShare};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Arrived, Ledger};
use crate::check::seen::Samples;
use harness_model::history::{Histograms, Measure};
use harness_model::plan::{CheckPlan, StepKind};
use harness_model::statistics::samples_needed;

/// Share of requests that must have gone to one of the least busy, where the scenario says nothing.
const SHARE: f64 = 0.9;
/// Open requests beyond the fewest that are as good.
const SLACK: u64 = 1;
/// Fewer requests show no policy.
const LEAST_REQUESTS: u64 = 200;
/// The quantile that is shown beside.
const QUANTILE: f64 = 0.99;

/// See the module.
pub(in crate::check) fn least_busy(
    ledger: &Ledger<'_>,
    histograms: &Histograms,
    check: &CheckPlan,
) -> Judged {
    let confined: BTreeSet<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let wanted = check.parameters.share.unwrap_or(SHARE);
    let (mut loads, mut evidence) = (Vec::new(), Vec::new());
    for step in &ledger.plan.steps {
        let StepKind::Load(load) = &step.kind else { continue };
        let arrived: Vec<Arrived<'_>> = ledger
            .arrived
            .iter()
            .filter(|arrived| ledger.events[arrived.line].step == Some(step.index))
            .copied()
            .collect();
        if !load.shape.journal || arrived.is_empty() {
            continue;
        }
        let judged = confined.contains(&step.index);
        let (seen, wrong) = seen(ledger, &arrived, &load.tag, judged, histograms);
        if judged {
            evidence.extend(wrong);
        }
        loads.push(seen);
    }
    let of_judged = || loads.iter().filter(|seen| seen.judged);
    if of_judged().next().is_none() {
        return Judged::not_reached();
    }
    let fewest = of_judged().map(|seen| seen.requests).min().unwrap_or(0);
    if fewest < LEAST_REQUESTS {
        return Judged::too_few(Samples::Requests, fewest, LEAST_REQUESTS);
    }
    let fails = of_judged().any(|seen| seen.to_least_busy < wanted);
    let finding = Finding::Case(CaseFinding::Balance { loads, wanted });
    if fails { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

/// What a load shows, and where requests went to a busier instance.
fn seen(
    ledger: &Ledger<'_>,
    arrived: &[Arrived<'_>],
    tag: &str,
    judged: bool,
    histograms: &Histograms,
) -> (BalanceSeen, Vec<usize>) {
    let mut open: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let names: Vec<String> = (1..=ledger.plan.backends.count).map(|number| format!("b{number}")).collect();
    let mut shares: Vec<InstanceShare> =
        names.iter().map(|name| InstanceShare { name: name.clone(), requests: 0, median_ms: 0.0 }).collect();
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let (mut good, mut wrong) = (0, Vec::new());
    for arrived in arrived {
        let attempt = arrived.attempt;
        let now = attempt.arrived.0;
        let mut count = |name: &str| {
            let ends = names.iter().find(|known| *known == name).map(|known| open.entry(known).or_default());
            ends.map_or(0, |ends| {
                ends.retain(|end| *end > now);
                ends.len() as u64
            })
        };
        let own = count(&attempt.backend);
        let fewest = names.iter().map(|name| count(name)).min().unwrap_or(0);
        if own <= fewest + SLACK {
            good += 1;
        } else {
            wrong.push(arrived.line);
        }
        if let Some(share) = shares.iter_mut().find(|share| share.name == attempt.backend) {
            share.requests += 1;
        }
        if let Some(known) = names.iter().find(|name| **name == attempt.backend) {
            open.entry(known).or_default().push(attempt.finished.0);
            let took = attempt.finished.since(attempt.arrived).as_secs_f64() * 1e3;
            times.entry(known).or_default().push(took);
        }
    }
    for share in &mut shares {
        if let Some(times) = times.get_mut(share.name.as_str()) {
            times.sort_by(f64::total_cmp);
            share.median_ms = times[times.len() / 2];
        }
    }
    let latencies = histograms.total(tag, Measure::Intended);
    let latency_ms = latencies
        .filter(|values| values.len() >= samples_needed(QUANTILE))
        .map(|values| values.value_at_quantile(QUANTILE) as f64 / 1e6);
    let requests = arrived.len() as u64;
    let to_least_busy = f64::from(good) / requests.max(1) as f64;
    let seen = BalanceSeen { tag: tag.to_owned(), judged, requests, to_least_busy, latency_ms, shares };
    (seen, wrong)
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{CaseFinding, Finding, Outcome, evaluate};
    use harness_model::adapter::Setting;
    use harness_model::catalogue::CheckId;
    use harness_model::history::Purpose;
    use harness_model::plan::StepKind;
    use harness_model::plan::samples::{clients, load_with_journal};

    /// A request every 10 ms; `b2` takes 95 ms and `b1` takes 5.
    fn judged(backend: impl Fn(u64) -> &'static str) -> Outcome {
        let mut kit = Kit::new(2);
        kit.capabilities().settings = vec![Setting::LeastConnections];
        kit.step(0.0, StepKind::Load(load_with_journal("busy", clients(1, 1))));
        for number in 0..300 {
            let name = backend(number);
            let took = if name == "b2" { 95.0 } else { 5.0 };
            kit.ask(
                Ask::get(Purpose::Load, &format!("/{number}"), number as f64 * 10.0).by(name).taking(took),
            );
        }
        kit.check(CheckId::BalanceLeastBusy);
        let verdict = evaluate(&kit.record).remove(0);
        if let Finding::Case(CaseFinding::Balance { loads, .. }) = &verdict.finding {
            assert_eq!(loads[0].shares.iter().map(|share| share.requests).sum::<u64>(), 300);
        }
        verdict.outcome
    }

    #[test]
    fn turns_without_a_look_at_what_is_open_are_caught() {
        assert_eq!(judged(|number| if number % 2 == 0 { "b1" } else { "b2" }), Outcome::Fail);
    }

    #[test]
    fn going_where_less_is_open_passes() {
        assert_eq!(judged(|number| if number % 10 == 0 { "b2" } else { "b1" }), Outcome::Pass);
    }
}
