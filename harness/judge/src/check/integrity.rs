//! Whether answers are right: their bytes, their length, whose they are.
//!
//! `evaluate` asks for the whole run, the other families for one exchange. The generated bodies carry their own checksum
//! and the target that they were made for, so a wrong byte is proven without trusting anyone.

use fake_backends::journal::Outcome as BackendOutcome;

use super::Finding;
use super::judged::Judged;
use super::ledger::{Asked, Ledger, origin_form};
use super::seen::{Samples, Wrong};
use harness_model::history::{ContentSeen, EventKind, Exchange, ExchangeEnd, Purpose};

/// `integrity.bodies`: every answer of the run.
pub(super) fn bodies(ledger: &Ledger<'_>) -> Judged {
    let (mut judged, mut bytes, mut wrong) = (0u64, 0u64, Vec::new());
    for asked in &ledger.asked {
        // Those of a load are a sample: its counters speak for all of them.
        if let Some(response) =
            asked.exchange.response.as_ref().filter(|_| asked.exchange.purpose != Purpose::Load)
        {
            judged += 1;
            bytes += response.body.bytes;
        }
        if let Some(found) = wrong_bytes(ledger, asked) {
            wrong.push((asked.line, asked.exchange.target.clone(), found));
        }
    }
    let mut unseen = 0;
    for (line, event) in ledger.events.iter().enumerate() {
        match &event.event {
            EventKind::LoadCounters { good, corrupt, engine, .. } => {
                judged += good + corrupt;
                bytes += engine.body_bytes;
                unseen += corrupt;
            }
            EventKind::Anomaly(anomaly) => {
                let known =
                    |exchange: &Exchange| ledger.asked.iter().any(|asked| asked.exchange.id == exchange.id);
                if let Some(exchange) = anomaly.exchange.as_deref().filter(|exchange| !known(exchange))
                    && let Some(found) = wrong_content(exchange)
                {
                    unseen = unseen.saturating_sub(1);
                    wrong.push((line, exchange.target.clone(), found));
                }
            }
            _ => {}
        }
    }
    let count = wrong.len() as u64 + unseen;
    match wrong.first().cloned() {
        Some((_, target, found)) => Judged::fail(
            Finding::WrongBody { target, wrong: found, count, exchanges: judged },
            wrong.iter().map(|(line, ..)| *line).collect(),
        ),
        None if count > 0 => {
            let found = Wrong::Damaged { how: "counted under load".to_owned() };
            Judged::fail(
                Finding::WrongBody { target: "–".to_owned(), wrong: found, count, exchanges: judged },
                Vec::new(),
            )
        }
        None if judged == 0 => Judged::too_few(Samples::Requests, 0, 1),
        None => Judged::pass(Finding::BodiesRight { exchanges: judged, bytes }),
    }
}

/// What is provably wrong with the bytes of an answer. No answer at all is none of that, and an answer that was cut short
/// counts only where neither the backend nor a kill of the proxy cut it.
pub(super) fn wrong_bytes(ledger: &Ledger<'_>, asked: &Asked<'_>) -> Option<Wrong> {
    if let Some(wrong) = wrong_content(asked.exchange) {
        return Some(wrong);
    }
    let cut = match &asked.exchange.end {
        ExchangeEnd::CutShort(how) => {
            Wrong::CutShort { received: received(asked.exchange), how: how.clone() }
        }
        ExchangeEnd::Malformed(how) => Wrong::Malformed { how: how.clone() },
        _ => return None,
    };
    let excused = asked.exchange.purpose == Purpose::Leaving
        || ledger.disturbed_between(asked.sent(), asked.exchange.finished)
        || ledger.attempts_during(asked).any(|arrived| misbehaved(&arrived.attempt.outcome));
    (!excused).then_some(cut)
}

/// What is wrong with an exchange as its client sees it: anything but the complete and right answer of success.
pub(super) fn wrong_answer(asked: &Asked<'_>) -> Option<Wrong> {
    if let Some(wrong) = wrong_content(asked.exchange) {
        return Some(wrong);
    }
    match &asked.exchange.end {
        ExchangeEnd::Complete => {
            let status = asked.status().unwrap_or(0);
            (!(200..300).contains(&status)).then_some(Wrong::Status { status })
        }
        ExchangeEnd::NotConnected(how) => Some(Wrong::NotConnected { how: how.clone() }),
        ExchangeEnd::ClosedWithoutAnswer => Some(Wrong::NoAnswer),
        ExchangeEnd::CutShort(how) => {
            Some(Wrong::CutShort { received: received(asked.exchange), how: how.clone() })
        }
        ExchangeEnd::TimedOut => Some(Wrong::TimedOut),
        ExchangeEnd::Malformed(how) => Some(Wrong::Malformed { how: how.clone() }),
    }
}

/// Whether a wrong answer may be due to lack of time: nothing certain, so a second try may classify it.
pub(super) fn rests_on_time(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::TimedOut | Wrong::NotConnected { .. } | Wrong::NoAnswer | Wrong::Status { .. })
}

/// Damaged, another's, or followed by bytes that belong to nobody.
fn wrong_content(exchange: &Exchange) -> Option<Wrong> {
    let response = exchange.response.as_ref().filter(|_| exchange.end == ExchangeEnd::Complete)?;
    if response.body.extra_bytes > 0 {
        return Some(Wrong::ExtraBytes { extra: response.body.extra_bytes });
    }
    if !(200..300).contains(&response.status) || exchange.method == "HEAD" {
        return None;
    }
    match response.body.content.as_ref()? {
        ContentSeen::Damaged(how) => Some(Wrong::Damaged { how: how.clone() }),
        ContentSeen::Whole { key, .. } if origin_form(key) != origin_form(&exchange.target) => {
            Some(Wrong::Foreign { of: key.clone() })
        }
        ContentSeen::Whole { .. } => None,
    }
}

fn received(exchange: &Exchange) -> u64 {
    exchange.response.as_ref().map_or(0, |response| response.body.bytes)
}

/// Whether a backend did, on purpose, what would cut an answer short.
fn misbehaved(outcome: &BackendOutcome) -> bool {
    !matches!(outcome, BackendOutcome::Answered | BackendOutcome::ClientLeft | BackendOutcome::Malformed(_))
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, Outcome, Wrong};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{ContentSeen, ExchangeEnd, Purpose};

    fn judged(change: impl Fn(Ask) -> Ask) -> (Outcome, Finding) {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        kit.ask(change(Ask::get(Purpose::Serial, "/b", 20.0).by("b2")));
        let verdict = kit.judge(CheckId::IntegrityBodies);
        (verdict.outcome, verdict.finding)
    }

    fn wrong(change: impl Fn(Ask) -> Ask) -> Wrong {
        match judged(change) {
            (Outcome::Fail, Finding::WrongBody { target, wrong, count: 1, exchanges: 2 })
                if target == "/b" =>
            {
                wrong
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn right_answers_pass() {
        assert_eq!(judged(|ask| ask), (Outcome::Pass, Finding::BodiesRight { exchanges: 2, bytes: 2_000 }));
    }

    #[test]
    fn a_damaged_byte_and_anothers_content_are_certain() {
        let how = "checksum".to_owned();
        assert_eq!(
            wrong(|ask| ask.with_content(ContentSeen::Damaged(how.clone()))),
            Wrong::Damaged { how: how.clone() }
        );
        let foreign = ContentSeen::Whole { key: "/c".into(), version: 1 };
        assert_eq!(wrong(|ask| ask.with_content(foreign.clone())), Wrong::Foreign { of: "/c".into() });
    }

    #[test]
    fn an_answer_cut_short_counts_unless_the_proxy_was_killed_meanwhile() {
        let cut = |ask: Ask| ask.ending(ExchangeEnd::CutShort("closed".into()));
        assert!(matches!(wrong(cut), Wrong::CutShort { received: 1_000, .. }));
        let mut kit = Kit::new(3);
        kit.ask(cut(Ask::get(Purpose::Serial, "/b", 20.0).by("b2")));
        kit.kill(21.0, 1);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        assert_eq!(kit.judge(CheckId::IntegrityBodies).outcome, Outcome::Pass);
    }

    #[test]
    fn an_error_page_of_the_proxy_is_no_damaged_content() {
        let page = |ask: Ask| ask.with_status(502).with_content(ContentSeen::Damaged("not ours".into()));
        assert_eq!(judged(page).0, Outcome::Pass);
    }

    #[test]
    fn a_target_in_absolute_form_is_the_same_resource() {
        let absolute = ContentSeen::Whole { key: "http://backend:80/b".into(), version: 1 };
        assert_eq!(judged(|ask| ask.with_content(absolute.clone())).0, Outcome::Pass);
    }

    #[test]
    fn nothing_asked_is_nothing_proven() {
        assert_eq!(Kit::new(3).judge(CheckId::IntegrityBodies).outcome, Outcome::Inconclusive);
    }
}
