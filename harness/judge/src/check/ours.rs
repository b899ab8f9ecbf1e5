//! What our own side did, before anybody is accused of it: requests that our client could not send, and answers that a busy host cut off.
//!
//! `evaluate` asks about every conclusion. A failure that may be ours becomes inconclusive and says so, with the place in the record; one
//! that cannot be ours stays.

use std::time::Duration;

use super::fidelity::Amiss;
use super::judged::Judged;
use super::ledger::{Asked, Ledger, ms};
use super::seen::{Difference, Wrong};
use super::strain::{self, BUSY, UNDER_WAY};
use super::{ConcurrencyFinding, ExchangeFinding, Finding, HitsFinding, Outcome};
use harness_model::history::{EventKind, ExchangeEnd};
use harness_model::plan::{CheckPlan, StepKind};

/// Where nobody was answered for longer than this, a queue stands still.
const STILL_MOVING: Duration = Duration::from_millis(1_500);

/// A conclusion after what our own side had to do with it.
pub(super) fn excused(ledger: &Ledger<'_>, check: &CheckPlan, judged: Judged) -> Judged {
    let open = matches!(judged.finding, Finding::NotReached | Finding::TooFew { .. });
    // Fewer than were to be sent are never inside together.
    let too_few_at_once =
        matches!(judged.finding, Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce { .. }));
    if (open || too_few_at_once)
        && let Some((finding, lines)) = unsent(ledger, check)
    {
        return Judged::inconclusive(finding).with_evidence(lines);
    }
    match cut_off(ledger, &judged) {
        Some(finding) => Judged { outcome: Outcome::Inconclusive, finding, evidence: judged.evidence },
        None => strain::explained(ledger, check, judged),
    }
}

/// Requests for this check that our client could not send.
fn unsent(ledger: &Ledger<'_>, check: &CheckPlan) -> Option<(Finding, Vec<usize>)> {
    let exact =
        ledger.steps_of(check).any(|step| matches!(&step.kind, StepKind::Exact(e) if e.asks == check.id));
    let asks = |kind: &StepKind| match kind {
        StepKind::Exact(exact) => exact.asks == check.id,
        _ => !exact,
    };
    let own: Vec<usize> =
        ledger.steps_of(check).filter(|step| asks(&step.kind)).map(|step| step.index).collect();
    let of_check = |step: Option<usize>| step.is_some_and(|step| own.contains(&step));
    let unsent = ledger.events.iter().enumerate().filter_map(|(line, event)| match &event.event {
        EventKind::Exchange(exchange) if of_check(event.step) => match &exchange.end {
            ExchangeEnd::Ours { said, .. } => Some((line, said)),
            _ => None,
        },
        _ => None,
    });
    let unsent: Vec<(usize, &String)> = unsent.collect();
    let (_, said) = unsent.first()?;
    let finding = Finding::NotSent { requests: unsent.len() as u64, said: (*said).clone() };
    Some((finding, unsent.iter().map(|(line, _)| *line).collect()))
}

/// An answer that was on its way when its time was up, on a host that was busy; and what was kept of it after our client had left.
fn cut_off(ledger: &Ledger<'_>, judged: &Judged) -> Option<Finding> {
    let about_time = match &judged.finding {
        Finding::Exchange(ExchangeFinding::Amiss {
            amiss: Amiss::Answer { wrong: Wrong::TimedOut }, ..
        })
        | Finding::Hits(HitsFinding::HitDiffers {
            difference: Difference::End { wrong: Wrong::TimedOut },
            ..
        })
        | Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer { wrong: Wrong::TimedOut, .. }) => true,
        Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::Differs { difference }, .. })
        | Finding::Hits(HitsFinding::HitDiffers { difference, .. }) => {
            matches!(difference, Difference::Length { .. } | Difference::End { .. })
        }
        Finding::Exchange(ExchangeFinding::Amiss {
            amiss: Amiss::Answer { wrong: Wrong::CutShort { .. } },
            ..
        }) => true,
        _ => false,
    };
    if judged.outcome != Outcome::Fail || !about_time {
        return None;
    }
    let named = |asked: &&Asked<'_>| judged.evidence.contains(&asked.line);
    let targets: Vec<&str> =
        ledger.asked.iter().filter(named).map(|asked| asked.exchange.target.as_str()).collect();
    let of_target = ledger.asked.iter().filter(|asked| targets.contains(&asked.exchange.target.as_str()));
    let on_its_way = |asked: &Asked<'_>| {
        let came = asked.exchange.response.as_ref().map_or(0, |response| response.body.bytes);
        // A proxy may take the whole before it gives any of it.
        let given = ledger.attempts_during(asked).map(|arrived| arrived.attempt.response_bytes).max();
        came.max(given.unwrap_or_default()) >= UNDER_WAY
    };
    let queued = matches!(judged.finding, Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer { .. }))
        && ledger.asked.iter().filter(named).all(|asked| asked.exchange.end == ExchangeEnd::TimedOut);
    let cut = of_target.filter(|asked| {
        let in_time = || on_its_way(asked) || queued && queue_moved(ledger, asked);
        asked.exchange.end == ExchangeEnd::TimedOut && in_time()
    });
    cut.into_iter().find_map(|asked| {
        let pressure = ledger.pressure_during(asked.step?, asked.attempt_of_step);
        let longer = asked.exchange.patience.filter(|patience| patience.given > patience.planned);
        (longer.is_some() || pressure.is_some_and(|share| share >= BUSY)).then(|| Finding::CutOffByUs {
            target: asked.exchange.target.clone(),
            bytes: asked.exchange.response.as_ref().map_or(0, |response| response.body.bytes),
            given_ms: asked.exchange.patience.map(|patience| ms(patience.given)),
            pressure,
        })
    })
}

/// Whether others of the same crowd were still answered when the time of this one was up: it stood in a queue, and nobody was lost.
fn queue_moved(ledger: &Ledger<'_>, asked: &Asked<'_>) -> bool {
    let until = asked.exchange.finished;
    ledger.asked.iter().any(|other| {
        (other.step, other.attempt_of_step) == (asked.step, asked.attempt_of_step)
            && other.exchange.end == ExchangeEnd::Complete
            && other.exchange.finished <= until
            && until.since(other.exchange.finished) <= STILL_MOVING
    })
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, Outcome, Verdict};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, ExchangeEnd, HostNoise, Purpose, Trouble};
    use harness_model::plan::{Batches, ClientKind, Connections, Overlap, Serial, StepKind, samples};

    fn ours() -> ExchangeEnd {
        ExchangeEnd::Ours { trouble: Trouble::Inexpressible, said: "invalid port number".into() }
    }

    #[test]
    fn what_our_client_could_not_send_is_ours_and_has_its_place() {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/p", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/p", 10.0).ending(ours()));
        let verdict = kit.judge(CheckId::ForwardOnce);
        assert_eq!(verdict.outcome, Outcome::Inconclusive);
        assert_eq!(verdict.finding, Finding::NotSent { requests: 1, said: "invalid port number".into() });
        assert_eq!(verdict.evidence.len(), 1);
        let mut kit = Kit::new(3);
        for (client, end) in [(ClientKind::Raw, ExchangeEnd::Complete), (ClientKind::Reqwest, ours())] {
            let serial = Serial {
                requests: 1,
                method: "GET".into(),
                path: "/c".into(),
                body_bytes: 0,
                connections: Connections::Each,
                client,
            };
            kit.step(100.0, StepKind::Serial(serial));
            kit.ask(Ask::get(Purpose::Serial, "/c", 110.0).by("b1").ending(end));
        }
        let verdict = kit.judge(CheckId::ConcurrencyClientKinds);
        assert!(matches!(verdict.finding, Finding::NotSent { .. }), "{:?}", verdict.finding);
    }

    #[test]
    fn those_who_were_never_sent_are_not_missed_inside() {
        let mut kit = Kit::new(3);
        let deadline = std::time::Duration::from_secs(1);
        kit.step(0.0, StepKind::Overlap(Overlap { requests: 2, path: "/o/{n}".into(), deadline }));
        kit.ask(Ask::get(Purpose::Overlap, "/o/0", 10.0).by("b1"));
        kit.ask(Ask::get(Purpose::Overlap, "/o/1", 10.0).ending(ours()));
        assert_eq!(kit.judge(CheckId::ConcurrencyOverlap).outcome, Outcome::Inconclusive);
    }

    fn late(pressure: f64, bytes: u64) -> Verdict {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Fill, "/k", 1.0).by("b1"));
        kit.ask(Ask::get(Purpose::Confirm, "/k", 5.0));
        let step = samples::exact(CheckId::CacheSizes, "/size/5m", 2);
        kit.step(10.0, StepKind::Exact(step));
        let mut first = Ask::get(Purpose::Exact, "/size/5m", 20.0).by("b1").taking(5_000.0);
        (first.bytes, first.end, first.seen_of_it) = (bytes, ExchangeEnd::TimedOut, true);
        kit.ask(first);
        let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
        kit.event(5_100.0, EventKind::HostNoise(noise));
        kit.judge(CheckId::CacheSizes)
    }

    #[test]
    fn an_answer_that_was_on_its_way_on_a_busy_host_was_cut_off_by_us() {
        let verdict = late(0.9, 3 << 20);
        assert_eq!(verdict.outcome, Outcome::Inconclusive);
        let Finding::CutOffByUs { pressure: Some(0.9), .. } = verdict.finding else { panic!() };
        assert_eq!(late(0.0, 3 << 20).outcome, Outcome::Fail, "the host was at rest");
        assert_eq!(late(0.9, 1_000).outcome, Outcome::Fail, "nothing was on its way");
    }

    #[test]
    fn who_still_stood_in_a_moving_queue_on_a_busy_host_was_given_up_by_us() {
        let crowd = |pressure: f64, last_answer: f64| {
            let mut kit = Kit::new(3);
            let plan = Batches { count: 1, size: 3, path: "/b/{n}".into(), connections: Connections::Each };
            kit.step(0.0, StepKind::Batches(plan));
            kit.ask(Ask::get(Purpose::Batch, "/b/0", 10.0).by("b1").taking(1_000.0));
            kit.ask(Ask::get(Purpose::Batch, "/b/1", 10.0).by("b2").taking(last_answer));
            let late = Ask::get(Purpose::Batch, "/b/2", 10.0).taking(10_000.0);
            kit.ask(late.ending(ExchangeEnd::TimedOut));
            let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
            kit.event(9_000.0, EventKind::HostNoise(noise));
            kit.judge(CheckId::ConcurrencyOwnAnswers).outcome
        };
        assert_eq!(crowd(0.9, 9_500.0), Outcome::Inconclusive);
        assert_eq!(crowd(0.0, 9_500.0), Outcome::Fail, "the host was at rest");
        assert_eq!(crowd(0.9, 2_000.0), Outcome::Fail, "nobody was served any more");
    }
}
