//! The checks of HTTP/2 on records made by hand.

use super::super::testkit::{Ask, Kit, moment};
use super::super::{Finding, Http2Finding, Outcome, Verdict};
use harness_model::adapter::Setting;
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, MisuseEnd, Misused, Purpose};
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

fn misused(misuse: Misuse, variant: Option<&str>, bytes: u64, end: MisuseEnd) -> EventKind {
    let variant = variant.map(str::to_owned);
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
fn a_head_without_an_end_must_be_ended() {
    let of = |end: MisuseEnd| {
        let misuse = Misuse::EndlessHead;
        let mut kit = kit(CheckId::Http2Continuation, Some(misuse), &[("/0", "b1")]);
        kit.event(50.0, misused(misuse, None, 32_000_000, end));
        kit.judge(CheckId::Http2Continuation)
    };
    for end in
        [MisuseEnd::GoAway(11), MisuseEnd::Reset(1), MisuseEnd::Closed, MisuseEnd::Answered { status: 431 }]
    {
        assert_eq!(of(end.clone()).outcome, Outcome::Pass, "{end:?}");
    }
    assert_eq!(finding(&of(MisuseEnd::StillOpen)), &Http2Finding::HeadTaken { bytes: 32_000_000 });
    assert_eq!(of(MisuseEnd::Failed("refused".into())).outcome, Outcome::Inconclusive);
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

#[test]
fn a_second_request_that_nobody_sent_is_a_failure_and_one_that_was_mended_none() {
    let misuse = Misuse::TwoInOne;
    let of = |second: bool, end: MisuseEnd| {
        let mut kit = kit(CheckId::Http2Downgrade, Some(misuse), &[("/0", "b1")]);
        kit.event(50.0, misused(misuse, Some("path"), 9, end));
        if second {
            kit.ask(Ask::get(Purpose::Readiness, "/second/path", 60.0).by("b2"));
        }
        kit.judge(CheckId::Http2Downgrade)
    };
    assert_eq!(finding(&of(false, MisuseEnd::Reset(1))), &Http2Finding::TwoRefused { requests: 1 });
    let mended = of(false, MisuseEnd::Answered { status: 200 });
    assert_eq!(mended.outcome, Outcome::Pass);
    assert!(matches!(finding(&mended), Http2Finding::TwoTakenForOne { .. }));
    let second = of(true, MisuseEnd::Reset(1));
    assert!(matches!(finding(&second), Http2Finding::SecondArrived { .. }), "{:?}", second.finding);
}
