//! The rotation checks on hand-made sequences of visits.
//!
//! Exact, broken, random, racy, per connection: each must be told from the others.

use std::time::Duration;

use crate::check::testkit::{Ask, Kit};
use crate::check::{Cause, Finding, Outcome, RotationFinding, RotationPattern};
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, ExchangeEnd, Purpose};
use harness_model::plan::{Batches, ClientKind, Connections, Serial, StepKind};
use harness_model::statistics::Generator;

fn serial(kit: &mut Kit, connections: Connections, visits: &[Option<usize>]) {
    let serial = Serial {
        requests: visits.len() as u32,
        method: "GET".into(),
        path: "/s/{n}".into(),
        body_bytes: 0,
        connections,
        client: ClientKind::Raw,
    };
    let from = kit.record.events.len() as f64 * 1_000.0;
    let step = kit.step(from, StepKind::Serial(serial));
    kit.connection = (connections == Connections::One).then_some(1_000_000 + step as u64);
    for (n, visit) in visits.iter().enumerate() {
        let at = from + n as f64 * 10.0;
        match visit {
            Some(backend) => {
                kit.ask(
                    Ask::get(Purpose::Serial, &format!("/s/{step}/{n}"), at).by(&format!("b{}", backend + 1)),
                );
            }
            None => kit.ask(Ask::get(Purpose::Serial, "/hit", at)),
        }
    }
    kit.connection = None;
}

fn cycle(length: usize, start: usize) -> Vec<Option<usize>> {
    (0..length).map(|n| Some((n + start) % 3)).collect()
}

fn batches(kit: &mut Kit, count: u32, mut pick: impl FnMut() -> usize) {
    let plan = Batches { count, size: 12, path: "/b/{n}".into(), connections: Connections::Each };
    let from = kit.record.events.len() as f64 * 1_000.0;
    kit.step(from, StepKind::Batches(plan));
    for batch in 0..count {
        kit.group = batch;
        for n in 0..12 {
            let target = format!("/b/{batch}/{n}");
            kit.ask(
                Ask::get(Purpose::Batch, &target, from + f64::from(batch) * 10.0)
                    .by(&format!("b{}", pick() + 1)),
            );
        }
    }
}

#[test]
fn an_exact_cycle_passes_wherever_it_begins() {
    let mut kit = Kit::new(3);
    serial(&mut kit, Connections::Each, &cycle(12, 2));
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    let Finding::Rotation(RotationFinding::ExactCycle { requests: 12, order, chance }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!(order, ["b3", "b1", "b2"]);
    assert!(chance < 1e-4);
}

#[test]
fn a_broken_cycle_names_the_first_request_that_went_elsewhere() {
    let mut kit = Kit::new(3);
    let mut visits = cycle(12, 0);
    visits[7] = Some(0);
    serial(&mut kit, Connections::Each, &visits);
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    let Finding::Rotation(RotationFinding::CycleBroken { position: 8, expected, saw, .. }) = verdict.finding
    else {
        panic!()
    };
    assert_eq!((expected.as_str(), saw.as_str()), ("b2", "b1"));
}

#[test]
fn a_turn_taken_for_a_request_that_was_given_up_breaks_no_cycle() {
    let skipping: Vec<Option<usize>> = (0..12).map(|n| Some((n + usize::from(n > 5)) % 3)).collect();
    let mut kit = Kit::new(3);
    kit.ask(Ask::get(Purpose::Exact, "/hangs", 1.0).by("b3").ending(ExchangeEnd::TimedOut));
    serial(&mut kit, Connections::Each, &skipping);
    assert_eq!(kit.judge(CheckId::RotationSerialCycle).outcome, Outcome::Fail);
    // Tried again at another backend while the requests of the cycle come: between the sixth and the seventh.
    let attempts = kit.record.events.iter().filter_map(|event| match &event.event {
        EventKind::Attempt(attempt) => Some(attempt.clone()),
        _ => None,
    });
    let attempts: Vec<_> = attempts.collect();
    let (mut again, sixth) = (attempts[0].clone(), &attempts[6]);
    (again.backend, again.arrived) = ("b1".to_owned(), sixth.arrived + Duration::from_millis(1));
    kit.event(9_000.0, EventKind::Attempt(again));
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    assert_eq!(verdict.outcome, Outcome::Pass, "{:?}", verdict.finding);
}

#[test]
fn random_picks_fail_both_checks_and_are_named() {
    let mut generator = Generator::new(5);
    let visits: Vec<_> = (0..30).map(|_| Some(generator.below(3) as usize)).collect();
    let mut kit = Kit::new(3);
    serial(&mut kit, Connections::Each, &visits);
    batches(&mut kit, 25, || generator.below(3) as usize);
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    assert_eq!((verdict.outcome, verdict.cause), (Outcome::Fail, Some(Cause::PickedAtRandom)));
    assert!(matches!(
        kit.judge(CheckId::RotationSpread).finding,
        Finding::Rotation(RotationFinding::UnevenBatches { .. })
    ));
    let scope = kit.judge(CheckId::RotationScope).finding;
    assert!(
        matches!(
            scope,
            Finding::Rotation(RotationFinding::RotationScope { pattern: RotationPattern::Random, .. })
        ),
        "{scope:?}"
    );
}

#[test]
fn a_counter_that_loses_a_turn_is_racy_and_caught_at_a_barrier() {
    let mut kit = Kit::new(3);
    serial(&mut kit, Connections::Each, &cycle(12, 0));
    let mut picks = 0;
    batches(&mut kit, 25, || {
        picks += 1;
        // One update in fifty is lost: the same backend twice running.
        (picks - picks / 50) % 3
    });
    let verdict = kit.judge(CheckId::RotationSpread);
    let Finding::Rotation(RotationFinding::UnevenBatches {
        pattern: RotationPattern::Racy, allowed: 1, ..
    }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!(verdict.cause, Some(Cause::UnlockedCounter));
    let scope = kit.judge(CheckId::RotationScope).finding;
    assert!(
        matches!(
            scope,
            Finding::Rotation(RotationFinding::RotationScope { pattern: RotationPattern::Racy, .. })
        ),
        "{scope:?}"
    );
}

#[test]
fn even_batches_pass_with_their_power_stated() {
    let mut kit = Kit::new(3);
    let mut picks = 0;
    batches(&mut kit, 25, || {
        picks += 1;
        picks % 3
    });
    let verdict = kit.judge(CheckId::RotationSpread);
    let Finding::Rotation(RotationFinding::EvenBatches { batches: 25, power, spread: 0, .. }) =
        verdict.finding
    else {
        panic!()
    };
    assert!((0.85..0.91).contains(&power));
}

#[test]
fn two_rotations_are_granted_only_where_they_are_declared() {
    let visits: Vec<Option<usize>> = [0, 0, 1, 1, 2, 0, 2, 0, 1, 2, 1, 2].map(Some).to_vec();
    for (rotations, outcome) in [(2, Outcome::Pass), (1, Outcome::Fail)] {
        let mut kit = Kit::new(3);
        kit.capabilities().rotations = rotations;
        serial(&mut kit, Connections::Each, &visits);
        assert_eq!(kit.judge(CheckId::RotationSerialCycle).outcome, outcome);
    }
}

#[test]
fn a_backend_that_is_never_visited_is_named() {
    let mut kit = Kit::new(3);
    let visits: Vec<_> = (0..12).map(|n| Some(n % 2)).collect();
    serial(&mut kit, Connections::Each, &visits);
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    let Finding::Rotation(RotationFinding::BackendsLeftOut { names, .. }) = verdict.finding else { panic!() };
    assert_eq!(names, ["b3"]);
}

#[test]
fn a_request_that_reaches_two_healthy_backends_fails() {
    let mut kit = Kit::new(3);
    let step = StepKind::Serial(Serial {
        requests: 1,
        method: "GET".into(),
        path: "/d/{n}".into(),
        body_bytes: 0,
        connections: Connections::Each,
        client: ClientKind::Raw,
    });
    kit.step(0.0, step);
    kit.ask(Ask::get(Purpose::Serial, "/d/0", 0.0).by("b1").by("b2"));
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    assert!(
        matches!(verdict.finding, Finding::Rotation(RotationFinding::DoubledAttempts { attempts: 2, .. })),
        "{:?}",
        verdict.finding
    );
}

#[test]
fn a_turn_per_connection_is_told_from_one_per_request_and_from_a_list_of_one() {
    let run = |on_one: usize, each: Vec<Option<usize>>| {
        let mut kit = Kit::new(3);
        serial(&mut kit, Connections::One, &[Some(on_one); 12]);
        serial(&mut kit, Connections::Each, &each);
        kit
    };
    let mut kit = run(1, cycle(12, 0));
    let verdict = kit.judge(CheckId::RotationSerialCycle);
    let Finding::Rotation(RotationFinding::TurnPerConnection {
        requests: 12,
        connections: 1,
        over: 13,
        backends,
    }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!((verdict.outcome, backends.len()), (Outcome::Fail, 3));
    assert_eq!(verdict.cause, Some(Cause::TurnPerConnection));
    let scope = kit.judge(CheckId::RotationScope).finding;
    assert!(
        matches!(
            scope,
            Finding::Rotation(RotationFinding::RotationScope { pattern: RotationPattern::PerConnection, .. })
        ),
        "{scope:?}"
    );
    // Who asks one backend whatever the connection knows no other.
    let verdict = run(1, vec![Some(1); 12]).judge(CheckId::RotationSerialCycle);
    assert!(
        matches!(verdict.finding, Finding::Rotation(RotationFinding::BackendsLeftOut { .. })),
        "{:?}",
        verdict.finding
    );
}

#[test]
fn whether_hits_take_a_turn_follows_from_the_next_miss() {
    for (take_turn, next) in [(false, 1), (true, 0)] {
        let mut kit = Kit::new(3);
        // b1 b2 b3 b1, two hits, then b2 where hits take no turn and b1 where they do.
        let mut visits = cycle(4, 0);
        visits.extend([None, None]);
        visits.extend(cycle(3, next));
        // The cached target was fetched before.
        kit.ask(Ask::get(Purpose::Fill, "/hit", 0.0).by("b1"));
        serial(&mut kit, Connections::Each, &visits);
        let verdict = kit.judge(CheckId::RotationHitsTakeTurn);
        assert_eq!(verdict.finding, Finding::Rotation(RotationFinding::HitsAndTurns { take_turn, hits: 2 }));
    }
}

#[test]
fn too_few_requests_prove_no_cycle() {
    let mut kit = Kit::new(3);
    serial(&mut kit, Connections::Each, &cycle(6, 0));
    assert_eq!(kit.judge(CheckId::RotationSerialCycle).outcome, Outcome::Inconclusive);
}

#[test]
fn a_second_try_that_the_cache_answers_changes_nothing() {
    let mut kit = Kit::new(3);
    let mut picks = 0;
    batches(&mut kit, 6, || {
        picks += 1;
        picks % 3
    });
    kit.again(900_000.0, 0);
    for n in 0..12 {
        kit.ask(Ask::get(Purpose::Batch, &format!("/b/0/{n}"), 900_000.0));
    }
    assert_eq!(kit.judge(CheckId::RotationSpread).outcome, Outcome::Pass);
}
