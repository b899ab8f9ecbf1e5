//! Whether a proxy says so when it closes a connection after an answer (RFC 9112 §9.3): `Connection: close`, or a client sends its next
//! request into nothing.
//!
//! `evaluate` calls it. What counts are connections that our client meant to go on with: an idle one may be closed at any time, so only
//! those count that were gone right after their answer.

use std::time::Duration;

use super::judged::Judged;
use super::ledger::{Asked, Ledger};
use super::seen::Samples;
use super::{ExchangeFinding, Finding};
use harness_model::history::FoundGone;
use harness_model::plan::CheckPlan;

/// A connection that was used until then is not idle: no proxy of sense lets one go for that.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Fewer may be a restart of a worker, or the end of a life that was over.
const ENOUGH: u64 = 3;

/// `connections.says_close`.
pub(super) fn says_close(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let steps: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let of_steps = |asked: &&Asked<'_>| asked.step.is_some_and(|step| steps.contains(&step));
    let all: Vec<&Asked<'_>> = ledger.asked.iter().filter(of_steps).collect();
    let gone: Vec<&Asked<'_>> = all.iter().copied().filter(|asked| was_gone(ledger, asked)).collect();
    let went_on = all.iter().filter(|asked| asked.exchange.request_on_connection > 1).count() as u64;
    let said = all.iter().filter(|asked| says_so(asked)).count() as u64;
    match gone.first() {
        Some(first) if gone.len() as u64 >= ENOUGH => {
            let finding = Finding::Exchange(ExchangeFinding::ClosesUnsaid {
                target: first.exchange.target.clone(),
                closed: gone.len() as u64,
                went_on,
            });
            Judged::fail(finding, gone.iter().map(|asked| asked.line).collect())
        }
        _ if went_on + said >= ENOUGH => {
            Judged::pass(Finding::Exchange(ExchangeFinding::ClosesAsSaid { went_on, said }))
        }
        _ => Judged::too_few(Samples::Requests, went_on + said, ENOUGH),
    }
}

/// Whether the connection on which a request was to go was gone right after its last answer, though nothing had said so. Who sends
/// several requests ahead is told by an answer that none of them had to wait for.
fn was_gone(ledger: &Ledger<'_>, asked: &Asked<'_>) -> bool {
    let Some(reconnected) = &asked.exchange.reconnected else { return false };
    let on_it = |other: &&Asked<'_>| other.exchange.connection == reconnected.connection;
    if reconnected.connection.is_some() && ledger.asked.iter().filter(on_it).any(says_so) {
        return false;
    }
    let closed = !matches!(reconnected.found, FoundGone::Spoke { .. });
    let idle = reconnected.idle.unwrap_or_default();
    let from = fake_backends::clock::Moment(asked.sent().0.saturating_sub(idle.as_nanos() as u64));
    closed && idle < AT_ONCE && !ledger.disturbed_between(from, asked.exchange.finished)
}

fn says_so(asked: &Asked<'_>) -> bool {
    let Some(response) = &asked.exchange.response else { return false };
    // A server of HTTP/1.0 keeps no connection unless it says so (RFC 9112 §9.3).
    let old = response.head.0.starts_with(b"HTTP/1.0 ");
    old || String::from_utf8_lossy(&response.head.0).lines().filter_map(|line| line.split_once(':')).any(
        |(name, value)| {
            name.trim().eq_ignore_ascii_case("connection")
                && value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close"))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::check::testkit::{Ask, Kit};
    use crate::check::{ExchangeFinding, Finding, Outcome};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, FoundGone, Purpose, Reconnected};
    use harness_model::plan::{ClientKind, Connections, Serial, StepKind};

    /// Requests over one connection, each of which found it gone after so many milliseconds, or went on with it.
    fn run(idle_ms: Option<u64>) -> (Outcome, Finding) {
        run_of("HTTP/1.1", idle_ms)
    }

    fn run_of(version: &str, idle_ms: Option<u64>) -> (Outcome, Finding) {
        run_with(&format!("{version} 200 OK"), idle_ms, Some(7))
    }

    /// Answers with this head, and a connection of this number that was found gone.
    fn run_with(head: &str, idle_ms: Option<u64>, gone: Option<u64>) -> (Outcome, Finding) {
        let mut kit = Kit::new(3);
        let serial = Serial {
            requests: 8,
            method: "GET".into(),
            path: "/s/{n}".into(),
            body_bytes: 0,
            connections: Connections::One,
            client: ClientKind::Raw,
        };
        kit.step(0.0, StepKind::Serial(serial));
        for n in 0..8 {
            let at = 20_000.0 + f64::from(n) * 6_000.0;
            let mut ask = Ask::get(Purpose::Serial, &format!("/s/{n}"), at).by("b1");
            ask.reconnected = idle_ms.filter(|_| n > 0).map(|idle| Reconnected {
                connection: gone,
                answered: 1,
                idle: Some(Duration::from_millis(idle)),
                found: FoundGone::Idle,
            });
            ask.on_connection = if idle_ms.is_none() && head.starts_with("HTTP/1.1") { n + 1 } else { 1 };
            kit.ask(ask);
        }
        for event in &mut kit.record.events {
            if let EventKind::Exchange(exchange) = &mut event.event
                && let Some(response) = &mut exchange.response
            {
                response.head.0 = format!("{head}\r\n\r\n").into();
            }
        }
        let verdict = kit.judge(CheckId::ConnectionsSaysClose);
        (verdict.outcome, verdict.finding)
    }

    /// Five requests were sent ahead and the answer to the first says `Connection: close`: the others go over connections of
    /// their own (issue 21, http-proxy of Node).
    #[test]
    fn who_says_so_in_the_first_of_several_answers_is_believed() {
        let said = "HTTP/1.1 200 OK\r\nConnection: close";
        // The first exchange of the kit has the connection 1.
        let (outcome, finding) = run_with(said, Some(2), Some(1));
        assert_eq!(outcome, Outcome::Pass, "{finding:?}");
        assert_eq!(run_with("HTTP/1.1 200 OK", Some(2), Some(1)).0, Outcome::Fail, "nothing said so");
    }

    #[test]
    fn who_closes_after_each_answer_and_does_not_say_so_is_named_once() {
        let (outcome, finding) = run(Some(2));
        assert_eq!(outcome, Outcome::Fail);
        assert!(
            matches!(finding, Finding::Exchange(ExchangeFinding::ClosesUnsaid { closed: 7, went_on: 0, .. })),
            "{finding:?}"
        );
        assert_eq!(run(Some(5_000)).0, Outcome::Inconclusive, "who is idle may be closed");
        // The same by a server of HTTP/1.0, whose connections end with each answer.
        assert_eq!(run_of("HTTP/1.0", None).0, Outcome::Pass);
        assert_eq!(
            run(None),
            (Outcome::Pass, Finding::Exchange(ExchangeFinding::ClosesAsSaid { went_on: 7, said: 0 }))
        );
    }
}
