//! The checks of HTTP/2 on records made by hand.

use super::super::testkit::{Ask, Kit, moment};
use super::super::{Finding, Http2Finding, Outcome, Verdict};
use harness_model::adapter::Setting;
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, HostNoise, MisuseEnd, Misused, NoConnection, Purpose, Second};
use harness_model::plan::{Misuse, StepKind, samples};

/// A record with one step of a check, in which these backends answered these targets.
fn kit(check: CheckId, misuse: Option<Misuse>, asked: &[(&str, &str)]) -> Kit {
    let mut kit = Kit::new(2);
    kit.capabilities().settings = vec![Setting::Tls, Setting::Http2];
    kit.start(0.0, 1);
    let mut exact = samples::exact(check, "/{n}", asked.len() as u32);
    exact.misuse = misuse;
    kit.step(10.0, StepKind::Exact(exact));
    kit.connection = Some(1);
    for (place, (target, backend)) in asked.iter().enumerate() {
        kit.ask_as(place as u32, Ask::get(Purpose::Exact, target, 20.0 + 10.0 * place as f64).by(backend));
    }
    kit
}

fn misused(misuse: Misuse, variant: Option<Second>, bytes: u64, end: MisuseEnd) -> EventKind {
    let (began, ended) = (moment(11.0), moment(12.0));
    EventKind::Misused(Box::new(Misused { misuse, variant, frames: 2, bytes, began, ended, end }))
}

fn finding(verdict: &Verdict) -> &Http2Finding {
    let Finding::Http2(finding) = &verdict.finding else { panic!("{verdict:?}") };
    finding
}

#[test]
fn streams_of_one_connection_take_their_turns() {
    let in_turn = [("/0", "b1"), ("/1", "b2"), ("/2", "b1"), ("/3", "b2")];
    let verdict = kit(CheckId::Http2Streams, None, &in_turn).judge(CheckId::Http2Streams);
    assert_eq!(verdict.outcome, Outcome::Pass, "{:?}", verdict.finding);
    let first_alone = in_turn.map(|(target, _)| (target, "b1"));
    let verdict = kit(CheckId::Http2Streams, None, &first_alone).judge(CheckId::Http2Streams);
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert!(matches!(finding(&verdict), Http2Finding::StreamsUneven { spread: 4, allowed: 1, .. }));
}

#[test]
fn a_connection_that_ends_in_good_order_is_gone_on_from_and_one_for_each_stream_shows_nothing() {
    let of = |connections: [u64; 4]| {
        let mut kit = kit(CheckId::Http2Streams, None, &[]);
        for (place, connection) in connections.into_iter().enumerate() {
            kit.connection = Some(connection);
            let backend = ["b1", "b2"][place % 2];
            let target = format!("/{place}");
            let ask = Ask::get(Purpose::Exact, &target, 20.0 + 10.0 * place as f64).by(backend);
            kit.ask_as(place as u32, ask);
        }
        kit.judge(CheckId::Http2Streams)
    };
    let two = of([1, 1, 2, 2]);
    assert_eq!(two.outcome, Outcome::Pass, "{:?}", two.finding);
    assert!(matches!(finding(&two), Http2Finding::StreamsInTurn { streams: 4, connections: 2, .. }));
    let apart = of([1, 2, 3, 4]);
    assert_eq!(apart.outcome, Outcome::Inconclusive);
    assert_eq!(finding(&apart), &Http2Finding::StreamsApart { streams: 4 });
}

#[test]
fn a_head_without_an_end_must_be_ended() {
    let of = |bytes: u64, end: MisuseEnd| {
        let misuse = Misuse::EndlessHead;
        let mut kit = kit(CheckId::Http2Continuation, Some(misuse), &[("/0", "b1")]);
        kit.event(50.0, misused(misuse, None, bytes, end));
        kit.judge(CheckId::Http2Continuation)
    };
    for end in [
        MisuseEnd::GoAway(11),
        MisuseEnd::Reset(1),
        MisuseEnd::Closed,
        MisuseEnd::Answered { status: 431 },
        MisuseEnd::StoppedReading,
    ] {
        assert_eq!(of(32_000_000, end.clone()).outcome, Outcome::Pass, "{end:?}");
    }
    assert_eq!(
        finding(&of(32_000_000, MisuseEnd::StillOpen)),
        &Http2Finding::HeadTaken { bytes: 32_000_000 }
    );
    // So much may lie in the systems between.
    let few = of(8_000_000, MisuseEnd::StillOpen);
    assert_eq!(few.outcome, Outcome::Inconclusive);
    assert_eq!(finding(&few), &Http2Finding::HeadUnderWay { bytes: 8_000_000 });
    let refused = MisuseEnd::Failed(NoConnection::Refused);
    assert_eq!(of(32_000_000, refused).outcome, Outcome::Inconclusive);
}

#[test]
fn a_head_that_a_busy_host_had_no_time_to_end_is_left_open() {
    let of = |pressure: f64| {
        let misuse = Misuse::EndlessHead;
        let mut kit = kit(CheckId::Http2Continuation, Some(misuse), &[]);
        let mut event = misused(misuse, None, 32_000_000, MisuseEnd::StillOpen);
        if let EventKind::Misused(misused) = &mut event {
            misused.ended = moment(6_000.0);
        }
        kit.event(6_000.0, event);
        // A tenth of it is beyond the backend.
        kit.ask(Ask::get(Purpose::Exact, "/0", 20.0).by("b1").taking(20_000.0));
        kit.event(
            21_000.0,
            EventKind::HostNoise(HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() }),
        );
        kit.judge(CheckId::Http2Continuation).outcome
    };
    assert_eq!(of(0.9), Outcome::Inconclusive);
    assert_eq!(of(0.1), Outcome::Fail);
}

#[test]
fn whoever_is_beside_a_misuse_is_served() {
    let misuse = Misuse::RapidResets;
    let of = |status: u16| {
        let mut kit = kit(CheckId::Http2RapidReset, Some(misuse), &[]);
        kit.ask(Ask::get(Purpose::Exact, "/0", 20.0).by("b1").with_status(status));
        kit.event(50.0, misused(misuse, None, 9, MisuseEnd::StillOpen));
        kit.judge(CheckId::Http2RapidReset)
    };
    assert!(matches!(finding(&of(200)), Http2Finding::ResetsBorne { streams: 1, reached: 0, .. }));
    assert_eq!(of(502).outcome, Outcome::Fail);
}

/// A record of all requests that mean two, each with its end.
fn of_two(end: impl Fn(Second) -> Option<MisuseEnd>, second: Option<&str>) -> Verdict {
    let misuse = Misuse::TwoInOne;
    let mut kit = kit(CheckId::Http2Downgrade, Some(misuse), &[("/0", "b1")]);
    for variant in Second::ALL {
        if let Some(end) = end(variant) {
            kit.event(50.0, misused(misuse, Some(variant), 9, end));
        }
    }
    if let Some(target) = second {
        kit.ask(Ask::get(Purpose::Readiness, target, 60.0).by("b2"));
    }
    kit.judge(CheckId::Http2Downgrade)
}

#[test]
fn a_second_request_that_nobody_sent_is_a_failure_and_one_that_was_mended_none() {
    let refused = |_| Some(MisuseEnd::Reset(1));
    assert_eq!(finding(&of_two(refused, None)), &Http2Finding::TwoRefused { requests: 7 });
    let answered = |status: u16| of_two(move |_| Some(MisuseEnd::Answered { status }), None);
    assert_eq!(finding(&answered(400)), &Http2Finding::TwoRefused { requests: 7 });
    let mended = answered(200);
    assert_eq!(mended.outcome, Outcome::Pass);
    assert!(matches!(finding(&mended), Http2Finding::TwoTakenForOne { .. }));
    let second = of_two(refused, Some("/second/path"));
    let path = Http2Finding::SecondArrived { variant: Second::Path, arrived: "GET /second/path".into() };
    assert_eq!((second.outcome, finding(&second)), (Outcome::Fail, &path));
}

#[test]
fn a_request_that_means_two_and_to_which_nothing_is_said_is_left_open_by_itself() {
    for nothing in [
        None,
        Some(MisuseEnd::StillOpen),
        Some(MisuseEnd::StoppedReading),
        Some(MisuseEnd::Answered { status: 0 }),
        Some(MisuseEnd::Failed(NoConnection::NotInTime)),
    ] {
        let end = |variant: Second| match variant {
            Second::FieldValue => nothing.clone(),
            _ => Some(MisuseEnd::Reset(1)),
        };
        let verdict = of_two(end, None);
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{nothing:?}");
        let open = Http2Finding::TwoLeftOpen { variants: vec![Second::FieldValue], requests: 7 };
        assert_eq!(finding(&verdict), &open);
        // What arrived has arrived, whatever else is open.
        assert_eq!(of_two(end, Some("/second/path")).outcome, Outcome::Fail);
    }
}

#[test]
fn a_reload_at_which_no_stream_was_open_shows_nothing_of_a_drain() {
    let of = |told: f64| {
        let mut kit = kit(CheckId::Http2Drain, None, &[("/0", "b1")]);
        kit.reloads();
        kit.event(told, EventKind::ProxyReloaded { launch: 1, backends: Vec::new() });
        kit.judge(CheckId::Http2Drain).outcome
    };
    assert_eq!(of(21.0), Outcome::Pass);
    assert_eq!(of(500.0), Outcome::Inconclusive);
}
