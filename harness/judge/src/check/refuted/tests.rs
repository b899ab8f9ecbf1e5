//! Causes beside what the same run shows: each must go where something refutes it, and stay where nothing does.
//!
//! The records are those of `testkit`, a few lines each.

use std::time::Duration;

use crate::check::testkit::{Ask, Kit};
use crate::check::{Cause, ConfigFinding, Finding, evaluate};
use harness_model::catalogue::CheckId;
use harness_model::history::{
    BinaryBody, ContentSeen, EventKind, ExchangeEnd, HowLetGo, KeptOpen, LetGo, LogExcerpt, Look, ProxyExit,
    Purpose, Stuck,
};
use harness_model::plan::{
    Batches, ClientKind, Connections, Fill, Overtake, Reread, Serial, StepKind, samples,
};

fn cause(kit: &mut Kit, check: CheckId) -> Option<Cause> {
    kit.record.plan.checks.clear();
    kit.check(check);
    let verdict = evaluate(&kit.record).remove(0);
    assert_eq!(verdict.outcome, crate::check::Outcome::Fail, "{:?}", verdict.finding);
    verdict.cause
}

/// A fast request that waits for a slow one.
fn waiting(kit: &mut Kit, intended_late: f64) {
    let slow_takes = Duration::from_millis(500);
    let plan = Overtake { slow: "/slow".into(), slow_takes, fast: "/f/{n}".into(), requests: 1 };
    kit.step(1_000.0, StepKind::Overtake(plan));
    kit.ask(Ask::get(Purpose::Slow, "/slow", 1_000.0).by("b1").taking(556.0));
    let mut fast = Ask::get(Purpose::Fast, "/f/0", 1_050.0 + intended_late).by("b2").taking(600.0);
    fast.late = intended_late;
    kit.ask(fast);
}

#[test]
fn who_had_two_in_the_backends_at_once_serves_nobody_one_after_the_other() {
    let mut kit = Kit::new(3);
    waiting(&mut kit, 0.0);
    // Both are inside together here, so something else held the fast one up.
    assert_eq!(cause(&mut kit, CheckId::ConcurrencySlowFast), None);
    assert_eq!(one_after_the_other(&mut Kit::new(3)), Some(Cause::ServedOneByOne));
}

fn one_after_the_other(kit: &mut Kit) -> Option<Cause> {
    let slow_takes = Duration::from_millis(500);
    let plan = Overtake { slow: "/slow".into(), slow_takes, fast: "/f/{n}".into(), requests: 1 };
    kit.step(1_000.0, StepKind::Overtake(plan));
    kit.ask(Ask::get(Purpose::Slow, "/slow", 1_000.0).by("b1").taking(556.0));
    let mut fast = Ask::get(Purpose::Fast, "/f/0", 1_600.0).by("b2");
    fast.late = 550.0;
    kit.ask(fast);
    cause(kit, CheckId::ConcurrencySlowFast)
}

#[test]
fn of_a_pool_whose_workers_are_parked_nothing_is_said_until_it_is_started_again() {
    let mut kit = Kit::new(3);
    let how = HowLetGo::PutOff { because: Stuck::Holds { connections: 1 } };
    kit.event(900.0, EventKind::LetGo(LetGo { unanswered: 1, how }));
    assert_eq!(one_after_the_other(&mut kit), None);
    let mut again = Kit::new(3);
    again.event(
        900.0,
        EventKind::LetGo(LetGo { unanswered: 1, how: HowLetGo::PutOff { because: Stuck::Silent } }),
    );
    again.start(950.0, 2);
    assert_eq!(one_after_the_other(&mut again), Some(Cause::ServedOneByOne));
}

#[test]
fn a_connection_that_nobody_took_shows_a_short_queue() {
    let mut kit = Kit::new(3);
    let plan = Batches { count: 1, size: 3, path: "/b/{n}".into(), connections: Connections::Each };
    kit.step(0.0, StepKind::Batches(plan));
    kit.ask(Ask::get(Purpose::Batch, "/b/0", 10.0).by("b1"));
    let mut late = Ask::get(Purpose::Batch, "/b/1", 1_030.0).by("b2");
    late.late = 1_020.0;
    kit.ask(late);
    kit.ask(Ask::get(Purpose::Batch, "/b/2", 10.0).taking(5_000.0).ending(ExchangeEnd::TimedOut));
    assert_eq!(cause(&mut kit, CheckId::ConcurrencyOwnAnswers), Some(Cause::BacklogTooShort));
}

fn asked_twice(kit: &mut Kit) {
    let spread = Duration::ZERO;
    kit.step(0.0, StepKind::Fill(Fill { keys: 1, path: "/k/{key}".into(), vus: 1, confirm: 1, spread }));
    kit.ask(Ask::get(Purpose::Fill, "/k/0", 10.0).by("b1"));
    kit.ask(Ask::get(Purpose::Confirm, "/k/0", 100.0).by("b1"));
}

fn waits_for_close(kit: &mut Kit) {
    let seen = KeptOpen::AnswerWaited { after_close: Duration::from_millis(2) };
    kit.event(1.0, EventKind::Look(Look::KeptOpen { kept_for: Duration::from_secs(1), seen }));
}

#[test]
fn who_stores_at_the_end_of_the_connection_does_store() {
    let mut kit = Kit::new(3);
    asked_twice(&mut kit);
    assert_eq!(cause(&mut kit, CheckId::CacheHit), Some(Cause::NothingCached));
    kit.ask(Ask::get(Purpose::Exact, "/k/0", 9_000.0));
    assert_eq!(cause(&mut kit, CheckId::CacheHit), None, "a later one was answered from the cache");
    let mut kit = Kit::new(3);
    waits_for_close(&mut kit);
    asked_twice(&mut kit);
    assert_eq!(cause(&mut kit, CheckId::CacheHit), Some(Cause::WaitsForClose));
}

#[test]
fn a_line_that_comes_late_was_written() {
    let run = |waits: bool, later: Option<&str>| {
        let mut kit = Kit::new(3);
        if waits {
            waits_for_close(&mut kit);
        }
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::LogFile, "/logged/1", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/logged/1", 10.0).by("b1"));
        let log = |text: &str| LogExcerpt { file: Some(text.to_owned()), screen: None };
        kit.event(20.0, EventKind::ProxyLogged(log("")));
        if let Some(later) = later {
            kit.step(30.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/x", 1)));
            kit.event(40.0, EventKind::ProxyLogged(log(later)));
        }
        cause(&mut kit, CheckId::LogFile)
    };
    assert_eq!(run(false, None), Some(Cause::LogNotWritten));
    assert_eq!(run(false, Some("GET /logged/1 200\n")), None);
    assert_eq!(run(true, None), Some(Cause::WaitsForClose));
}

#[test]
fn nothing_is_shared_by_clients_who_got_no_answer_or_that_of_nobody_beside_them() {
    let run = |ask: &dyn Fn(Ask) -> Ask| {
        let mut kit = Kit::new(3);
        let plan = Batches { count: 1, size: 2, path: "/b/{n}".into(), connections: Connections::Each };
        kit.ask(Ask::get(Purpose::Fill, "/long/ago", 1.0).by("b1"));
        kit.step(100.0, StepKind::Batches(plan));
        kit.ask(Ask::get(Purpose::Batch, "/b/0", 110.0).by("b1").taking(20.0));
        kit.ask(ask(Ask::get(Purpose::Batch, "/b/1", 110.0).by("b2").taking(20.0)));
        cause(&mut kit, CheckId::ConcurrencyOwnAnswers)
    };
    let of = |key: &str| ContentSeen::Whole { key: key.to_owned(), version: 1 };
    assert_eq!(run(&|ask| ask.with_content(of("/b/0"))), Some(Cause::SharedState));
    assert_eq!(run(&|ask| ask.with_content(of("/long/ago"))), None);
    assert_eq!(run(&|ask| ask.arriving_as("/")), Some(Cause::RequestRebuilt));
    assert_eq!(run(&|ask| ask.ending(ExchangeEnd::ClosedWithoutAnswer)), None);
    assert_eq!(run(&|ask| ask.ending(ExchangeEnd::TimedOut)), None, "both were inside at once");
}

#[test]
fn a_body_that_ends_at_its_first_nul_or_grows_was_treated_as_text() {
    let run = |arrived: u64| {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardBody, "/post", 1)));
        kit.ask(
            Ask::get(Purpose::Exact, "/post", 10.0).by("b1").with_method("POST").carrying(3_072, arrived),
        );
        cause(&mut kit, CheckId::ForwardBody)
    };
    let bytes = fake_backends::content::Content::new("/post", 0, 3_072, fake_backends::content::Kind::Binary);
    let bytes = bytes.to_vec();
    let nul = bytes.iter().position(|&byte| byte == 0).unwrap() as u64;
    assert_eq!(run(nul), Some(Cause::TreatedAsText));
    assert_eq!(run(String::from_utf8_lossy(&bytes).len() as u64), Some(Cause::TreatedAsText));
    assert_eq!(run(1_024), Some(Cause::FirstReadOnly));
    assert_eq!(run(4_000), None, "no read is longer than what was sent");
}

#[test]
fn an_answer_that_only_text_survives_was_treated_as_text() {
    for (text_only, expected) in [(false, Cause::PassedOnIncompletely), (true, Cause::TreatedAsText)] {
        let mut kit = Kit::new(3);
        if text_only {
            let seen = BinaryBody::Altered { status: 200, bytes: 300 };
            kit.event(1.0, EventKind::Look(Look::BinaryBody { bytes: 200, seen }));
        }
        kit.ask(
            Ask::get(Purpose::Serial, "/b", 20.0).by("b2").with_content(ContentSeen::Damaged("x".into())),
        );
        assert_eq!(cause(&mut kit, CheckId::IntegrityBodies), Some(expected));
    }
}

#[test]
fn who_lives_died_of_nothing_and_who_ends_in_order_neither() {
    let run = |dies: Option<i32>| {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ConnectionsClientLeaves, "/after", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/after", 10.0).ending(ExchangeEnd::TimedOut));
        if let Some(code) = dies {
            let (code, signal, last_lines) = (Some(code), None, Vec::new());
            kit.event(
                20.0,
                EventKind::ProxyExited(ProxyExit { launch: 1, code, signal, expected: false, last_lines }),
            );
        }
        cause(&mut kit, CheckId::ConnectionsClientLeaves)
    };
    assert_eq!(run(None), None);
    assert_eq!(run(Some(1)), Some(Cause::UnhandledEvent));
    assert_eq!(run(Some(0)), None);
}

#[test]
fn a_list_is_in_the_source_where_another_one_changes_nothing() {
    use harness_model::plan::{ClientKind, ProxySettings, Restart, Serial};
    let run = |of_three: &[&str], of_four: &[&str]| {
        let mut kit = Kit::new(4);
        kit.record.plan.proxy.backends = Some(3);
        for (at, visits) in [(0.0, of_three), (1_000.0, of_four)] {
            if at > 0.0 {
                let settings = Some(ProxySettings { backends: Some(4), ..ProxySettings::default() });
                let downtime = Duration::ZERO;
                kit.step(
                    at,
                    StepKind::Restart(Restart { stop_first: true, wipe: false, settings, downtime }),
                );
            }
            let serial = Serial {
                requests: 12,
                method: "GET".into(),
                path: "/l/{n}".into(),
                body_bytes: 0,
                connections: Connections::Each,
                client: ClientKind::Raw,
            };
            kit.step(at + 10.0, StepKind::Serial(serial));
            for n in 0..12 {
                let at = at + 20.0 + n as f64 * 10.0;
                kit.ask(Ask::get(Purpose::Serial, &format!("/l/{at}"), at).by(visits[n % visits.len()]));
            }
        }
        kit.record.plan.checks.clear();
        kit.check(CheckId::ConfigBackends);
        let verdict = evaluate(&kit.record).remove(0);
        assert!(
            matches!(verdict.finding, Finding::Config(ConfigFinding::ListIgnored { .. })),
            "{:?}",
            verdict.finding
        );
        verdict.cause
    };
    assert_eq!(run(&["b1", "b2", "b3"], &["b1", "b2", "b3"]), Some(Cause::ListInSource));
    assert_eq!(run(&["b1", "b2"], &["b1", "b2", "b3"]), Some(Cause::PartOfTheList));
    assert_eq!(run(&["b1"], &["b1"]), Some(Cause::PartOfTheList));
}

/// Serial requests that go to these backends, over one connection or over one each.
fn turns(kit: &mut Kit, backends: &[&str], on_one: bool) {
    let connections = if on_one { Connections::One } else { Connections::Each };
    let plan = Serial {
        requests: backends.len() as u32,
        method: "GET".into(),
        path: "/s/{n}".into(),
        body_bytes: 0,
        connections,
        client: ClientKind::Raw,
    };
    kit.step(0.0, StepKind::Serial(plan));
    kit.connection = on_one.then_some(77);
    for (n, backend) in backends.iter().enumerate() {
        kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), 10.0 + n as f64 * 10.0).by(backend));
    }
    kit.connection = None;
}

#[test]
fn a_turn_that_moves_every_second_request_is_none_of_connections_where_each_request_has_its_own() {
    let mut kit = Kit::new(3);
    turns(&mut kit, &["b1", "b1", "b2", "b2", "b3", "b3", "b1", "b1", "b2", "b2", "b3", "b3"], false);
    assert_eq!(cause(&mut kit, CheckId::RotationSerialCycle), None);
}

#[test]
fn a_turn_that_moves_by_two_leaves_out_every_second_of_four() {
    let mut kit = Kit::new(4);
    turns(&mut kit, &["b4", "b2", "b4", "b2", "b4", "b2", "b4", "b2", "b4", "b2", "b4", "b2"], false);
    assert_eq!(cause(&mut kit, CheckId::RotationSerialCycle), Some(Cause::TurnTakenTwice));
    let mut kit = Kit::new(4);
    turns(&mut kit, &["b1", "b2", "b1", "b2", "b1", "b2", "b1", "b2", "b1", "b2", "b1", "b2"], false);
    assert_ne!(cause(&mut kit, CheckId::RotationSerialCycle), Some(Cause::TurnTakenTwice));
}

fn damaged(how: &str) -> ContentSeen {
    ContentSeen::Damaged(how.to_owned())
}

#[test]
fn what_is_whole_from_a_backend_and_cut_from_the_cache_was_cut_in_the_cache() {
    let page = |first: ContentSeen, second: ContentSeen| {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::PageLargeFile, "/large", 2)));
        kit.ask(Ask::get(Purpose::Exact, "/large", 10.0).by("b1").with_content(first));
        kit.ask(Ask::get(Purpose::Exact, "/large", 50.0).with_content(second).with_stamp("b1", 1));
        cause(&mut kit, CheckId::PageLargeFile)
    };
    let whole = ContentSeen::Whole { key: "/large".into(), version: 1 };
    assert_eq!(page(whole.clone(), damaged("short")), Some(Cause::StoredIncompletely));
    assert_eq!(page(damaged("short"), damaged("short")), Some(Cause::PassedOnIncompletely));
}

#[test]
fn answers_that_are_damaged_in_company_alone_share_something() {
    let run = |together: bool| {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/alone", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/alone", 10.0).by("b1"));
        let plan = Batches { count: 1, size: 2, path: "/b/{n}".into(), connections: Connections::Each };
        kit.step(100.0, StepKind::Batches(plan));
        let torn = Ask::get(Purpose::Batch, "/b/0", 110.0).by("b1").taking(50.0);
        kit.ask(torn.with_content(damaged("byte 3 is 0x00 instead of 0x61")));
        kit.ask(Ask::get(Purpose::Batch, "/b/1", if together { 120.0 } else { 200.0 }).by("b2").taking(50.0));
        cause(&mut kit, CheckId::ConcurrencyOwnAnswers)
    };
    assert_eq!(run(true), Some(Cause::SharedState));
    assert_eq!(run(false), Some(Cause::PassedOnIncompletely));
}

#[test]
fn nobody_stores_together_where_nothing_came_from_the_cache() {
    let run = |ask: Ask| {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::CacheRush, "/rush", 2)));
        kit.ask(Ask::get(Purpose::Exact, "/rush", 10.0).by("b1"));
        kit.ask(ask);
        cause(&mut kit, CheckId::CacheRush)
    };
    let second = || Ask::get(Purpose::Exact, "/rush", 11.0);
    assert_eq!(run(second().taking(3_000.0).ending(ExchangeEnd::TimedOut)), None);
    assert_eq!(run(second().with_status(502).of_the_proxy_itself()), None);
    let torn = second().with_content(damaged("short")).with_stamp("b1", 1);
    assert_eq!(run(torn), Some(Cause::StoredTogether));
}

#[test]
fn an_index_in_memory_loses_all_and_what_comes_instead_is_of_nobody() {
    let lost = |second: Ask| {
        let mut kit = Kit::new(3);
        let spread = Duration::ZERO;
        let fill = Fill { keys: 2, path: "/k/{key}".into(), vus: 1, confirm: 2, spread };
        let of = kit.step(0.0, StepKind::Fill(fill));
        for (n, at) in [(0, 10.0), (1, 20.0)] {
            kit.ask(Ask::get(Purpose::Fill, &format!("/k/{n}"), at).by("b1"));
            kit.ask(Ask::get(Purpose::Confirm, &format!("/k/{n}"), at + 100.0).with_stamp("b1", 1));
        }
        kit.kill(300.0, 1);
        kit.start(310.0, 2);
        kit.step(390.0, StepKind::Reread(Reread { of, confirmed_only: true, crash_keys: false, vus: 1 }));
        kit.ask(Ask::get(Purpose::Reread, "/k/0", 400.0).with_status(502).of_the_proxy_itself());
        kit.ask(second);
        cause(&mut kit, CheckId::PersistenceSurvivesKill)
    };
    let gone = Ask::get(Purpose::Reread, "/k/1", 410.0).with_status(502).of_the_proxy_itself();
    assert_eq!(lost(gone), Some(Cause::IndexInMemory));
    let there = Ask::get(Purpose::Reread, "/k/1", 410.0).with_stamp("b1", 2);
    assert_eq!(lost(there), None, "who finds some has an index");
}

#[test]
fn nobody_knows_which_of_two_requests_arrived_as_the_other() {
    let run = |beside: bool| {
        let mut kit = Kit::new(3);
        let plan = Batches { count: 1, size: 2, path: "/b/{n}".into(), connections: Connections::Each };
        kit.step(0.0, StepKind::Batches(plan));
        kit.ask(Ask::get(Purpose::Batch, "/b/0", 10.0).by("b1").taking(50.0).arriving_as("/b/1"));
        kit.ask(Ask::get(Purpose::Batch, "/b/1", if beside { 12.0 } else { 200.0 }).by("b2").taking(50.0));
        cause(&mut kit, CheckId::ConcurrencyOwnAnswers)
    };
    assert_ne!(run(true), Some(Cause::RequestRebuilt));
}

#[test]
fn a_length_that_only_one_spelling_announces_is_no_question_of_reading_once() {
    // Each body and how much of it arrives: announced as usual, and in lower case.
    let run = |usual: u64, lower: u64| {
        let mut kit = Kit::new(3);
        for (number, (name, arrived)) in
            [("Content-Length", usual), ("content-length", lower)].iter().enumerate()
        {
            let (at, path) = (number as f64 * 100.0, format!("/post/{number}"));
            kit.step(at, StepKind::Exact(samples::exact(CheckId::ForwardBodyInSegments, &path, 1)));
            let ask = Ask::get(Purpose::Exact, &path, at + 10.0).by("b1").with_method("POST");
            kit.ask(ask.carrying(1_024, *arrived));
            if let Some(EventKind::Exchange(exchange)) =
                kit.record.events.last_mut().map(|event| &mut event.event)
            {
                exchange.request_head.0 = format!("POST {path} HTTP/1.1\r\n{name}: 1024\r\n\r\n").into();
            }
            let bytes =
                fake_backends::content::Content::new(&path, 0, 1_024, fake_backends::content::Kind::Binary);
            for event in &mut kit.record.events {
                if let EventKind::Attempt(attempt) = &mut event.event
                    && attempt.target == path
                    && *arrived == 1_024
                {
                    attempt.body_hash = xxhash_rust::xxh3::xxh3_64(&bytes.to_vec());
                }
            }
        }
        cause(&mut kit, CheckId::ForwardBodyInSegments)
    };
    assert_eq!(run(1_024, 0), Some(Cause::SpellingOfNames));
    assert_eq!(run(0, 0), Some(Cause::FirstReadOnly), "any spelling");
    assert_eq!(run(0, 1_024), Some(Cause::FirstReadOnly));
}
