//! Whether the proxy lived as long as it should.
//!
//! `evaluate` calls it. Only the end of the process counts here; what its end did to requests is for the other families.

use super::Finding;
use super::judged::Judged;
use super::ledger::Ledger;
use super::seen::Samples;
use harness_model::history::{EventKind, LimitReached};

/// `proxy.alive`: no end but those that the harness brought about.
pub(super) fn alive(ledger: &Ledger<'_>) -> Judged {
    for (line, event) in ledger.events.iter().enumerate() {
        let EventKind::ProxyExited(exit) = &event.event else { continue };
        if exit.expected {
            continue;
        }
        let before = ledger.asked.iter().rev().find(|asked| asked.sent() <= event.at);
        let after = before.map(|asked| asked.exchange.target.clone());
        let finding = match limit_reached(ledger) {
            Some(limit) => Finding::StoppedByLimit { limit, after },
            None => Finding::Died {
                code: exit.code,
                signal: exit.signal,
                after,
                last_lines: exit.last_lines.clone(),
            },
        };
        return Judged::fail(finding, std::iter::once(line).chain(before.map(|asked| asked.line)).collect());
    }
    let exchanges = ledger.asked.len() as u64 + load(ledger);
    if exchanges == 0 {
        return Judged::too_few(Samples::Requests, 0, 1);
    }
    Judged::pass(Finding::Lived { launches: ledger.launches(), exchanges })
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
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, Outcome};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, LimitReached, ProxyExit, Purpose};

    #[test]
    fn an_end_that_the_harness_brought_about_is_no_death() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        kit.kill(20.0, 1);
        let verdict = kit.judge(CheckId::ProxyAlive);
        assert_eq!(verdict.finding, Finding::Lived { launches: 1, exchanges: 1 });
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
        assert_eq!(verdict.finding, Finding::StoppedByLimit { limit, after: Some("/a".to_owned()) });
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
        let Finding::Died { signal: Some(11), after: Some(after), .. } = &verdicts[0].finding else {
            panic!()
        };
        assert_eq!(after, "/deadly");
        assert_eq!(verdicts[1].outcome, Outcome::Blocked);
    }
}
