//! Whether the proxy lived as long as it should.
//!
//! `evaluate` calls it. Only the end of the process counts here, for `proxy.alive` and for the check in whose step it came; what its end
//! did to requests is for the other families.

use super::judged::Judged;
use super::ledger::Ledger;
use super::seen::Samples;
use super::{Finding, Outcome, ProxyFinding};
use harness_model::catalogue::{CheckId, Control};
use harness_model::history::{EventKind, LimitReached, ProxyExit, Purpose};
use harness_model::plan::{CheckPlan, StepKind};

/// `proxy.alive`: no end but those that the harness brought about.
pub(super) fn alive(ledger: &Ledger<'_>) -> Judged {
    if let Some((finding, evidence)) = deaths(ledger).next().map(|(line, exit)| death(ledger, line, exit)) {
        return Judged::fail(finding, evidence);
    }
    // Of what is counted a few are kept one by one, too.
    let one_by_one = ledger.asked.iter().filter(|asked| asked.exchange.purpose != Purpose::Load).count();
    let exchanges = (one_by_one as u64 + load(ledger)).max(ledger.asked.len() as u64);
    if exchanges == 0 {
        return Judged::too_few(Samples::Requests, 0, 1);
    }
    Judged::pass(Finding::Proxy(ProxyFinding::Lived { launches: ledger.launches(), exchanges }))
}

/// What a check concludes where the proxy ended by itself in a step that asks for nothing but this check: what was asked there ended
/// it, however soon it was started again and however well the next request was answered.
///
/// Who keeps nothing, or loses its turn, because it died has shown nothing of what it keeps or whose turn it is.
pub(super) fn outlived(ledger: &Ledger<'_>, check: &CheckPlan, judged: Judged) -> Judged {
    let own: Vec<usize> = ledger
        .steps_of(check)
        .filter(|step| match &step.kind {
            StepKind::Exact(exact) => exact.asks == check.id,
            StepKind::Serial(_) | StepKind::Batches(_) => is_about_turns(check.id),
            _ => false,
        })
        .map(|step| step.index)
        .collect();
    let in_own = |line: usize| ledger.events[line].step.is_some_and(|step| own.contains(&step));
    let Some((line, exit)) = deaths(ledger).find(|(line, _)| in_own(*line)) else { return judged };
    let (finding, evidence) = death(ledger, line, exit);
    let stopped = matches!(finding, Finding::Proxy(ProxyFinding::StoppedByLimit { .. }));
    let says_nothing = stopped || check.id.control() == Some(Control::Hits) || is_about_turns(check.id);
    match (says_nothing, judged.outcome) {
        (true, Outcome::Pass | Outcome::Fail) => Judged::inconclusive(finding).with_evidence(evidence),
        (false, Outcome::Pass | Outcome::Fail | Outcome::Inconclusive) => Judged::fail(finding, evidence),
        _ => judged,
    }
}

fn is_about_turns(check: CheckId) -> bool {
    matches!(check, CheckId::RotationSerialCycle | CheckId::RotationSpread)
}

/// Ends that nobody had asked for, with their lines.
fn deaths<'a>(ledger: &Ledger<'a>) -> impl Iterator<Item = (usize, &'a ProxyExit)> + use<'a> {
    ledger.events.iter().enumerate().filter_map(|(line, event)| match &event.event {
        EventKind::ProxyExited(exit) if !exit.expected => Some((line, exit)),
        _ => None,
    })
}

/// One of them, with the lines that show it.
fn death(ledger: &Ledger<'_>, line: usize, exit: &ProxyExit) -> (Finding, Vec<usize>) {
    let at = ledger.events[line].at;
    let before = ledger.asked.iter().rev().find(|asked| asked.sent() <= at);
    let after = before.map(|asked| asked.exchange.target.clone());
    let finding = match limit_reached(ledger) {
        Some(limit) => Finding::Proxy(ProxyFinding::StoppedByLimit { limit, after }),
        None => Finding::Proxy(ProxyFinding::Died {
            code: exit.code,
            signal: exit.signal,
            after,
            last_lines: exit.last_lines.clone(),
        }),
    };
    (finding, std::iter::once(line).chain(before.map(|asked| asked.line)).collect())
}

/// Who is over a limit is ended once and not started again, so there is one at most.
fn limit_reached(ledger: &Ledger<'_>) -> Option<LimitReached> {
    ledger.events.iter().find_map(|event| match event.event {
        EventKind::LimitReached(limit) => Some(limit),
        _ => None,
    })
}

/// Requests of load steps whose exchanges are only counted.
fn load(ledger: &Ledger<'_>) -> u64 {
    let counted = ledger.events.iter().filter_map(|event| match &event.event {
        EventKind::LoadCounters { sent, .. } => Some(*sent),
        EventKind::CapacityRung(rung) => Some(rung.sent),
        _ => None,
    });
    counted.sum()
}

#[cfg(test)]
mod tests {
    use crate::check::cause::Cause;
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, Outcome, ProxyFinding};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, LimitReached, ProxyExit, Purpose};
    use harness_model::plan::{ClientKind, Connections, Serial, StepKind, samples};

    #[test]
    fn an_end_that_the_harness_brought_about_is_no_death() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        kit.kill(20.0, 1);
        let verdict = kit.judge(CheckId::ProxyAlive);
        assert_eq!(verdict.finding, Finding::Proxy(ProxyFinding::Lived { launches: 1, exchanges: 1 }));
    }

    #[test]
    fn an_end_at_a_limit_is_not_told_as_one_of_its_own() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        kit.event(20.0, EventKind::LimitReached(LimitReached::Written(48_000_000)));
        let (code, signal, last_lines) = (None, Some(9), Vec::new());
        kit.event(
            21.0,
            EventKind::ProxyExited(ProxyExit { launch: 1, code, signal, expected: false, last_lines }),
        );
        let verdict = kit.judge(CheckId::ProxyAlive);
        assert_eq!(verdict.outcome, Outcome::Fail);
        let limit = LimitReached::Written(48_000_000);
        assert_eq!(
            verdict.finding,
            Finding::Proxy(ProxyFinding::StoppedByLimit { limit, after: Some("/a".to_owned()) })
        );
    }

    #[test]
    fn a_program_that_aborts_itself_is_at_fault_for_what_it_said() {
        let cause = |said: &str| {
            let mut kit = Kit::new(3);
            kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
            kit.record.beside.printed = said.as_bytes().to_vec();
            kit.event(12.0, EventKind::Printed { until: said.len() as u64 });
            let (code, signal, last_lines) = (None, Some(6), Vec::new());
            kit.event(
                13.0,
                EventKind::ProxyExited(ProxyExit { launch: 1, code, signal, expected: false, last_lines }),
            );
            kit.judge(CheckId::ProxyAlive).cause
        };
        let thrown =
            "terminate called after throwing an instance of 'std::invalid_argument'\n  what():  stoi\n";
        assert_eq!(cause(thrown), Some(Cause::ExceptionUncaught));
        assert_eq!(cause("free(): invalid pointer\n"), Some(Cause::MemoryFault));
        for unknown in ["", "proxy: cache.c:17: store: Assertion `n > 0' failed.\n"] {
            assert_ne!(cause(unknown), Some(Cause::MemoryFault), "{unknown}");
        }
    }

    #[test]
    fn an_end_of_its_own_names_the_request_before_it_and_leaves_the_rest_blocked() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/deadly", 10.0).by("b1"));
        let last_lines = vec!["segmentation fault".to_owned()];
        kit.event(
            20.0,
            EventKind::ProxyExited(ProxyExit {
                launch: 1,
                code: None,
                signal: Some(11),
                expected: false,
                last_lines,
            }),
        );
        kit.check(CheckId::ProxyAlive);
        kit.check(CheckId::RotationSpread);
        let verdicts = crate::check::evaluate(&kit.record);
        let Finding::Proxy(ProxyFinding::Died { signal: Some(11), after: Some(after), .. }) =
            &verdicts[0].finding
        else {
            panic!()
        };
        assert_eq!(after, "/deadly");
        assert_eq!(verdicts[1].outcome, Outcome::Blocked);
    }

    fn dies(kit: &mut Kit, at: f64) {
        let (code, signal, last_lines) = (None, Some(13), Vec::new());
        kit.event(
            at,
            EventKind::ProxyExited(ProxyExit { launch: 1, code, signal, expected: false, last_lines }),
        );
        kit.start(at + 1.0, 2);
    }

    #[test]
    fn what_ends_the_proxy_fails_though_it_is_back_for_the_next_request() {
        let run = |check: CheckId, dies_of_it: bool| {
            let mut kit = Kit::new(3);
            kit.ask(Ask::get(Purpose::Fill, "/k", 1.0).by("b1"));
            kit.ask(Ask::get(Purpose::Confirm, "/k", 5.0));
            kit.step(10.0, StepKind::Exact(samples::exact(check, "/large", 1)));
            kit.ask(Ask::get(Purpose::Leaving, "/large", 11.0).by("b1"));
            if dies_of_it {
                dies(&mut kit, 20.0);
            }
            kit.step(100.0, StepKind::Exact(samples::exact(check, "/after", 1)));
            kit.ask(Ask::get(Purpose::Exact, "/after", 101.0).by("b1"));
            if !dies_of_it {
                kit.step(110.0, StepKind::Exact(samples::exact(CheckId::ForwardHeadMethod, "/head", 1)));
                dies(&mut kit, 120.0);
            }
            kit.judge(check)
        };
        let verdict = run(CheckId::ConnectionsClientLeaves, true);
        assert_eq!(verdict.outcome, Outcome::Fail);
        let Finding::Proxy(ProxyFinding::Died { signal: Some(13), after: Some(after), .. }) = verdict.finding
        else {
            panic!()
        };
        assert_eq!(after, "/large");
        assert_eq!(run(CheckId::ConnectionsClientLeaves, false).outcome, Outcome::Pass, "another killed it");
        // That nothing is kept over a death is no proof that it would not be kept.
        assert_eq!(run(CheckId::CacheNoStore, true).outcome, Outcome::Inconclusive);
        assert_eq!(run(CheckId::CacheNoStore, false).outcome, Outcome::Pass);
    }

    #[test]
    fn a_turn_that_is_lost_with_the_process_is_no_fault_of_the_rotation() {
        let mut kit = Kit::new(3);
        let serial = Serial {
            requests: 12,
            method: "GET".into(),
            path: "/s/{n}".into(),
            body_bytes: 0,
            connections: Connections::Each,
            client: ClientKind::Raw,
        };
        kit.step(0.0, StepKind::Serial(serial));
        for n in 0..12 {
            if n == 4 {
                dies(&mut kit, 40.0);
            }
            let backend = format!("b{}", if n < 4 { n } else { n - 4 } % 3 + 1);
            kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), f64::from(n) * 10.0 + 5.0).by(&backend));
        }
        kit.check(CheckId::RotationSerialCycle);
        kit.check(CheckId::ProxyAlive);
        let verdicts = crate::check::evaluate(&kit.record);
        assert_eq!((verdicts[0].outcome, verdicts[1].outcome), (Outcome::Blocked, Outcome::Fail));
        assert_eq!(verdicts[0].finding, Finding::DependsOn { check: CheckId::ProxyAlive });
    }
}
