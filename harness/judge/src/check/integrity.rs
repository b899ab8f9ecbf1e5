//! Whether answers are right: their bytes, their length, whose they are.
//!
//! `evaluate` asks for the whole run, the other families for one exchange. The generated bodies carry their own checksum
//! and the target that they were made for, so a wrong byte is proven without trusting anyone.

use std::collections::BTreeMap;

use fake_backends::journal::Outcome as BackendOutcome;

use super::judged::Judged;
use super::ledger::{Arrived, Asked, Ledger, Origin, is_of, origin_form};
use super::seen::{Samples, Wrong};
use super::{Finding, IntegrityFinding};
use harness_model::history::{ContentSeen, EventKind, Exchange, ExchangeEnd, Purpose};

/// Answers of the backends that are enough whatever else came: with fewer, those that no backend gave must not outnumber them.
const ENOUGH: u64 = 10;

/// What the answers of a run are worth as a proof of their bytes.
pub(super) struct Given {
    /// Answers of backends, or of the cache, that could have been wrong and were not.
    right: u64,
    /// Bytes of their bodies.
    bytes: u64,
    /// Complete answers that no backend gave: words of the proxy's own.
    of_nobody: u64,
    /// Wrong ones, with their lines; those of a load that are only counted have none.
    wrong: Vec<(usize, String, Wrong)>,
    /// Wrong ones under load beyond those.
    only_counted: u64,
}

impl Given {
    /// Whether so many could have been wrong that their being right says something.
    pub(super) fn is_enough(&self) -> bool {
        self.right >= ENOUGH || (self.right > 0 && self.right > self.of_nobody)
    }
}

/// `integrity.bodies`: every answer of the run.
pub(super) fn bodies(ledger: &Ledger<'_>) -> Judged {
    let given = given(ledger);
    let count = given.wrong.len() as u64 + given.only_counted;
    let exchanges = given.right + count;
    let lines = || given.wrong.iter().map(|(line, ..)| *line).collect();
    match given.wrong.first().cloned() {
        Some((_, target, wrong)) => Judged::fail(
            Finding::Integrity(IntegrityFinding::WrongBody { target, wrong, count, exchanges }),
            lines(),
        ),
        None if count > 0 => {
            let wrong = Wrong::Damaged { how: "counted under load".to_owned() };
            Judged::fail(
                Finding::Integrity(IntegrityFinding::WrongBody {
                    target: "–".to_owned(),
                    wrong,
                    count,
                    exchanges,
                }),
                lines(),
            )
        }
        None if given.is_enough() => {
            Judged::pass(Finding::Integrity(IntegrityFinding::BodiesRight { exchanges, bytes: given.bytes }))
        }
        None if given.of_nobody > 0 => {
            let (right, of_nobody) = (given.right, given.of_nobody);
            Judged::inconclusive(Finding::Integrity(IntegrityFinding::FewOfBackends { right, of_nobody }))
        }
        None => Judged::too_few(Samples::Requests, 0, 1),
    }
}

/// Sorts the answers of a run. Whether a load or a single request brought them makes no difference.
pub(super) fn given(ledger: &Ledger<'_>) -> Given {
    let mut given = Given { right: 0, bytes: 0, of_nobody: 0, wrong: Vec::new(), only_counted: 0 };
    // Wrong answers of a load: those in the sample or kept as anomalies, by their number, and how many were counted.
    let (mut under_load, mut counted) = (BTreeMap::new(), 0u64);
    for asked in &ledger.asked {
        let of_load = asked.exchange.purpose == Purpose::Load;
        if let Some(found) = wrong_bytes(ledger, asked) {
            let wrong = (asked.line, asked.exchange.target.clone(), found);
            if of_load {
                under_load.insert(asked.exchange.id, wrong);
            } else {
                given.wrong.push(wrong);
            }
        } else if !of_load {
            // Those of a load are a sample: its counters speak for all of them.
            match worth(ledger, asked) {
                Worth::Right(bytes) => {
                    given.right += 1;
                    given.bytes += bytes;
                }
                Worth::OfNobody => given.of_nobody += 1,
                Worth::Nothing => {}
            }
        }
    }
    for (line, event) in ledger.events.iter().enumerate() {
        match &event.event {
            EventKind::LoadCounters { good, corrupt, engine, .. } => {
                given.right += good;
                given.bytes += engine.body_bytes;
                given.of_nobody += engine.wrong_status;
                counted += corrupt;
            }
            EventKind::Anomaly(anomaly) => {
                if let Some(exchange) = anomaly.exchange.as_deref()
                    && let Some(found) = wrong_content(exchange)
                {
                    // The same exchange may be in the ledger too, and need not be of a load.
                    let known = ledger.asked.iter().any(|asked| asked.exchange.id == exchange.id);
                    if !known {
                        under_load.insert(exchange.id, (line, exchange.target.clone(), found));
                    }
                }
            }
            _ => {}
        }
    }
    // Those of the warm-up are kept and not counted, and of too many some are counted and not kept.
    given.only_counted = counted.saturating_sub(under_load.len() as u64);
    given.wrong.extend(under_load.into_values());
    given
}

/// What one answer with nothing wrong about it is worth.
enum Worth {
    /// It could have been wrong; bytes of its body.
    Right(u64),
    /// No backend gave it.
    OfNobody,
    /// It is no answer, or has nothing that could be wrong, or the proxy had to answer by itself.
    Nothing,
}

fn worth(ledger: &Ledger<'_>, asked: &Asked<'_>) -> Worth {
    let (Some(response), Some(origin)) = (&asked.exchange.response, ledger.origin(asked)) else {
        return Worth::Nothing;
    };
    let whole = matches!(response.body.content, Some(ContentSeen::Whole { .. }));
    // What the applications of the backends answer is no generated content; its framing could have been wrong.
    let of_backend = matches!(origin, Origin::Backend(_)) || response.stamp.is_some();
    if whole || (of_backend && response.body.bytes > 0) {
        return Worth::Right(response.body.bytes);
    }
    let told = ledger.plan.proxy.backends.unwrap_or(ledger.plan.backends.count);
    let had_to = ledger.backends_up_at(asked.sent()).len() < told
        || ledger.disturbed_between(asked.sent(), asked.exchange.finished);
    if of_backend || had_to { Worth::Nothing } else { Worth::OfNobody }
}

/// What is provably wrong with the bytes of an answer. No answer at all is none of that, and an answer that was cut short
/// counts only where neither the backend nor a kill of the proxy cut it.
pub(super) fn wrong_bytes(ledger: &Ledger<'_>, asked: &Asked<'_>) -> Option<Wrong> {
    if is_of_a_head(ledger, asked) {
        return Some(Wrong::OfAHead);
    }
    if let Some(wrong) = wrong_content(asked.exchange) {
        let of_nobody = matches!(wrong, Wrong::Damaged { .. })
            && asked.exchange.purpose != Purpose::Load
            && ledger.attempts_for(&asked.exchange.target).next().is_none();
        return Some(if of_nobody { Wrong::OfNobody } else { wrong });
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
        || was_cut_by_its_backend(ledger, asked);
    (!excused).then_some(cut)
}

/// Whether a backend cut the answer that arrived short, at this time or when it was kept: that is the finding of `cache.truncated`.
/// The stamp says whose answer it was; without one, it may have been that of anybody who was asked meanwhile, or else of the last one before.
fn was_cut_by_its_backend(ledger: &Ledger<'_>, asked: &Asked<'_>) -> bool {
    let until = |arrived: &Arrived<'_>| arrived.attempt.arrived <= asked.exchange.finished;
    let attempts = || ledger.attempts_for(&asked.exchange.target).take_while(until);
    let stamp = asked.exchange.response.as_ref().and_then(|response| response.stamp.as_ref());
    if let Some(of) = stamp.and_then(|stamp| attempts().find(|arrived| is_of(arrived.attempt, stamp))) {
        return misbehaved(&of.attempt.outcome);
    }
    let (before, meanwhile): (Vec<_>, Vec<_>) =
        attempts().partition(|arrived| arrived.attempt.finished < asked.sent());
    let whose = if meanwhile.is_empty() {
        before.last().into_iter().collect()
    } else {
        meanwhile.iter().collect::<Vec<_>>()
    };
    whose.into_iter().any(|arrived| misbehaved(&arrived.attempt.outcome))
}

/// Whether a GET was answered without a body, and backends were only ever asked for the head of its target.
pub(super) fn is_of_a_head(ledger: &Ledger<'_>, asked: &Asked<'_>) -> bool {
    let empty = asked.exchange.response.as_ref().is_some_and(|response| response.body.bytes == 0);
    let mut methods =
        ledger.attempts_for(&asked.exchange.target).map(|arrived| arrived.attempt.method.as_str());
    empty
        && asked.status() == Some(200)
        && asked.exchange.method == "GET"
        && methods.next().is_some_and(|first| first == "HEAD")
        && methods.all(|method| method == "HEAD")
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
        // The ledger holds none of these.
        ExchangeEnd::Ours { .. } => None,
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
    use crate::check::{Finding, IntegrityFinding, Outcome, Wrong};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{ContentSeen, Cut, EngineCounters, EventKind, ExchangeEnd, Purpose};

    fn judged(change: impl Fn(Ask) -> Ask) -> (Outcome, Finding) {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        kit.ask(change(Ask::get(Purpose::Serial, "/b", 20.0).by("b2")));
        let verdict = kit.judge(CheckId::IntegrityBodies);
        (verdict.outcome, verdict.finding)
    }

    fn wrong(change: impl Fn(Ask) -> Ask) -> Wrong {
        match judged(change) {
            (
                Outcome::Fail,
                Finding::Integrity(IntegrityFinding::WrongBody { target, wrong, count: 1, exchanges: 2 }),
            ) if target == "/b" => wrong,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn right_answers_pass() {
        assert_eq!(
            judged(|ask| ask),
            (Outcome::Pass, Finding::Integrity(IntegrityFinding::BodiesRight { exchanges: 2, bytes: 2_000 }))
        );
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
        let cut = |ask: Ask| ask.ending(ExchangeEnd::CutShort(Cut::Said("closed".into())));
        assert!(matches!(wrong(cut), Wrong::CutShort { received: 1_000, .. }));
        let mut kit = Kit::new(3);
        kit.ask(cut(Ask::get(Purpose::Serial, "/b", 20.0).by("b2")));
        kit.kill(21.0, 1);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        assert_eq!(kit.judge(CheckId::IntegrityBodies).outcome, Outcome::Pass);
    }

    #[test]
    fn what_a_backend_cut_short_and_the_proxy_kept_is_no_second_finding() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        let cut = |at| {
            Ask::get(Purpose::Exact, "/cut", at).ending(ExchangeEnd::CutShort(Cut::Said("closed".into())))
        };
        kit.ask(cut(20.0).by("b2").truncated_there());
        kit.ask(cut(30.0));
        assert_eq!(kit.judge(CheckId::IntegrityBodies).outcome, Outcome::Pass);
    }

    #[test]
    fn a_good_answer_that_the_proxy_cuts_is_one_also_where_a_backend_has_cut_another() {
        let cut = |at| {
            Ask::get(Purpose::Exact, "/cut", at).ending(ExchangeEnd::CutShort(Cut::Said("closed".into())))
        };
        let outcome = |stamps: bool, last: Ask| {
            let mut kit = Kit::new(3);
            kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
            kit.ask(cut(20.0).by("b2").truncated_there());
            kit.ask(last);
            if !stamps {
                kit.without_stamps();
            }
            kit.judge(CheckId::IntegrityBodies).outcome
        };
        for stamps in [true, false] {
            // Asked anew, and the other backend gave all of it; or kept, as the first one gave it.
            assert_eq!(outcome(stamps, cut(30.0).by("b1")), Outcome::Fail, "{stamps}");
            assert_eq!(outcome(stamps, cut(30.0).with_stamp("b2", 1)), Outcome::Pass);
        }
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
    fn a_proxy_that_forwards_one_request_and_answers_all_others_itself_has_proven_nothing() {
        for (status, outcome) in [(502, Outcome::Inconclusive), (200, Outcome::Fail)] {
            let mut kit = Kit::new(3);
            kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
            for n in 0..6 {
                let own = Ask::get(Purpose::Serial, &format!("/s/{n}"), 20.0 + f64::from(n) * 10.0);
                let own = own.with_status(status).of_the_proxy_itself();
                kit.ask(if status == 200 {
                    own.with_content(ContentSeen::Damaged("oops".into()))
                } else {
                    own
                });
            }
            let verdict = kit.judge(CheckId::IntegrityBodies);
            assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
            if status == 200 {
                let Finding::Integrity(IntegrityFinding::WrongBody { wrong, count: 6, exchanges: 7, .. }) =
                    verdict.finding
                else {
                    panic!()
                };
                assert_eq!(wrong, Wrong::OfNobody, "no backend ever saw the request");
            } else {
                assert_eq!(
                    verdict.finding,
                    Finding::Integrity(IntegrityFinding::FewOfBackends { right: 1, of_nobody: 6 })
                );
            }
        }
    }

    #[test]
    fn answers_of_the_proxy_itself_are_no_doubt_where_backends_were_down_or_many_others_were_right() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1"));
        kit.event(15.0, EventKind::BackendDown { backend: "b1".into() });
        kit.ask(Ask::get(Purpose::Exact, "/b", 20.0).with_status(502).of_the_proxy_itself());
        assert_eq!(
            kit.judge(CheckId::IntegrityBodies).finding,
            Finding::Integrity(IntegrityFinding::BodiesRight { exchanges: 1, bytes: 1_000 })
        );
        let mut kit = Kit::new(3);
        for n in 0..30 {
            let ask = Ask::get(Purpose::Serial, &format!("/s/{n}"), 10.0 + f64::from(n) * 10.0);
            kit.ask(if n % 3 == 0 { ask.by("b1") } else { ask.with_status(503).of_the_proxy_itself() });
        }
        assert_eq!(kit.judge(CheckId::IntegrityBodies).outcome, Outcome::Pass);
    }

    /// A load: counters, and exchanges with wrong bytes that were kept of it.
    fn load(good: u64, wrong_status: u64, corrupt: u64, kept: u64) -> Finding {
        let mut kit = Kit::new(3);
        for id in 0..kept {
            kit.anomaly(
                Ask::get(Purpose::Load, &format!("/l/{id}"), 10.0)
                    .with_content(ContentSeen::Damaged("x".into())),
            );
        }
        kit.event(
            50.0,
            EventKind::LoadCounters {
                tag: "steady".into(),
                sent: good + wrong_status + corrupt,
                good,
                errors: wrong_status,
                corrupt,
                overloaded: false,
                seconds: 1.0,
                proxy_cpu: None,
                engine: EngineCounters {
                    wrong_status,
                    body_bytes: good * 1_000,
                    ..EngineCounters::default()
                },
            },
        );
        kit.judge(CheckId::IntegrityBodies).finding
    }

    #[test]
    fn under_load_the_same_counts_and_the_numbers_add_up() {
        assert_eq!(
            load(1, 300, 0, 0),
            Finding::Integrity(IntegrityFinding::FewOfBackends { right: 1, of_nobody: 300 })
        );
        assert_eq!(
            load(300, 40, 0, 0),
            Finding::Integrity(IntegrityFinding::BodiesRight { exchanges: 300, bytes: 300_000 })
        );
        // Those of the warm-up are kept and not counted; of very many some are counted and not kept.
        for (good, corrupt, kept, wrong, of) in
            [(0, 0, 6, 6, 6), (6, 50, 106, 106, 112), (50, 90, 20, 90, 140)]
        {
            let Finding::Integrity(IntegrityFinding::WrongBody { count, exchanges, .. }) =
                load(good, 0, corrupt, kept)
            else {
                panic!()
            };
            assert_eq!((count, exchanges), (wrong, of));
        }
    }

    #[test]
    fn nothing_asked_is_nothing_proven() {
        assert_eq!(Kit::new(3).judge(CheckId::IntegrityBodies).outcome, Outcome::Inconclusive);
    }
}
