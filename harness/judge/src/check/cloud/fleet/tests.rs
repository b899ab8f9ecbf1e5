//! The checks of fleets on records that a simulation leaves: right policies pass, guilty ones fail where they should.

use std::time::Duration;

use crate::check::testkit::Kit;
use crate::check::{CloudFinding, Finding, FleetFinding, Outcome, RestsOn, Verdict};
use harness_model::catalogue::CheckId;
use harness_model::fleet::{Overhead, replay, simulate};
use harness_model::history::{EventKind, FleetRun, HostNoise};
use harness_model::plan::samples::{fleet, fleet_policies};
use harness_model::plan::{CloudStep, FleetPlan, Level, Policy, Stage, StepKind};

fn judged(plan: &FleetPlan, run: FleetRun, id: CheckId, at_most: u64, count: Option<u64>) -> Verdict {
    let mut kit = Kit::new(plan.most);
    kit.reloads();
    kit.step(0.0, StepKind::Cloud(CloudStep::Fleet(plan.clone())));
    kit.event(1.0, EventKind::Fleet(Box::new(run)));
    kit.judge_within(id, Duration::from_secs(at_most), count)
}

fn outcome(policies: Vec<Policy>, id: CheckId, at_most: u64) -> Outcome {
    let plan = fleet(policies);
    let run = simulate(&plan, Overhead::default(), 1);
    judged(&plan, run, id, at_most, None).outcome
}

#[test]
fn the_policies_of_the_case_pass_every_check() {
    for (id, at_most) in [
        (CheckId::FleetLostRequests, 1),
        (CheckId::FleetEven, 1),
        (CheckId::FleetLatency, 1),
        (CheckId::FleetScaled, 600),
        (CheckId::FleetSimulation, 1),
    ] {
        assert_eq!(outcome(fleet_policies(180.0), id, at_most), Outcome::Pass, "{}", id.name());
    }
}

#[test]
fn a_late_policy_is_too_small_for_too_long_and_too_slow() {
    let mut late = fleet_policies(180.0);
    late[0] = Policy::Out { above: Level::Occupancy(0.65), lasting: 900.0, add: 2, cooldown: 60.0 };
    assert_eq!(outcome(late.clone(), CheckId::FleetScaled, 300), Outcome::Fail);
    assert_eq!(outcome(late, CheckId::FleetLatency, 1), Outcome::Fail);
}

#[test]
fn a_policy_that_flaps_changes_its_direction_too_often() {
    let flapping = vec![
        Policy::Out { above: Level::Occupancy(0.5), lasting: 30.0, add: 3, cooldown: 0.0 },
        Policy::In { below: Level::Occupancy(0.45), lasting: 30.0, remove: 3, cooldown: 0.0 },
    ];
    assert_eq!(outcome(flapping, CheckId::FleetScaled, 3600), Outcome::Fail);
}

#[test]
fn a_host_that_oversleeps_makes_no_failure_of_time() {
    let mut late = fleet_policies(180.0);
    late[0] = Policy::Out { above: Level::Occupancy(0.65), lasting: 900.0, add: 2, cooldown: 60.0 };
    let plan = fleet(late);
    let mut kit = Kit::new(plan.most);
    kit.reloads();
    kit.step(0.0, StepKind::Cloud(CloudStep::Fleet(plan.clone())));
    kit.event(1.0, EventKind::Fleet(Box::new(simulate(&plan, Overhead::default(), 1))));
    let noise = HostNoise { p99_overshoot: Duration::from_millis(300), ..HostNoise::default() };
    kit.event(2.0, EventKind::HostNoise(noise));
    let verdict = kit.judge_within(CheckId::FleetScaled, Duration::from_secs(300), None);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    // What is computed does not oversleep.
    let verdict = kit.judge_within(CheckId::FleetLatency, Duration::from_secs(1), None);
    assert_eq!(verdict.outcome, Outcome::Fail);
}

#[test]
fn a_loss_in_scale_in_fails_and_one_at_a_death_only_beyond_what_is_tolerated() {
    let mut plan = fleet(fleet_policies(180.0));
    plan.fails = vec![2_000.0];
    let mut run = simulate(&plan, Overhead::default(), 1);
    let death = run.ticks.iter().position(|tick| tick.died.is_some()).unwrap();
    (run.ticks[death].lost, run.lost) = (3, 3);
    assert_eq!(judged(&plan, run.clone(), CheckId::FleetLostRequests, 1, None).outcome, Outcome::Fail);
    assert_eq!(judged(&plan, run.clone(), CheckId::FleetLostRequests, 1, Some(3)).outcome, Outcome::Pass);
    let quiet = run.ticks.len() - 2;
    run.ticks[quiet].lost = 1;
    run.lost += 1;
    assert_eq!(judged(&plan, run, CheckId::FleetLostRequests, 1, Some(3)).outcome, Outcome::Fail);
}

#[test]
fn one_instance_that_gets_more_than_its_share_is_seen() {
    let plan = fleet(fleet_policies(180.0));
    let mut run = simulate(&plan, Overhead::default(), 1);
    for tick in &mut run.ticks {
        if let Some(count) = tick.arrived.get_mut("b1") {
            *count = *count * 3 / 2;
        }
    }
    assert_eq!(judged(&plan, run, CheckId::FleetEven, 1, None).outcome, Outcome::Fail);
}

#[test]
fn a_host_that_stood_still_leaves_open_who_gave_up_and_who_had_a_little_less() {
    let mut plan = fleet(fleet_policies(180.0));
    (plan.stands_for, plan.timeout) = (Some(1.0), Duration::from_secs(600));
    let of_noisy_host = |share: (u64, u64), late: u64, id: CheckId| {
        let mut run = simulate(&plan, Overhead::default(), 1);
        for tick in &mut run.ticks {
            if let Some(count) = tick.arrived.get_mut("b1") {
                *count = *count * share.0 / share.1;
            }
        }
        let last = run.ticks.len() - 1;
        (run.ticks[last].lost, run.ticks[last].late) = (late, late);
        (run.lost, run.late) = (late, late);
        let mut kit = Kit::new(plan.most);
        kit.reloads();
        kit.step(0.0, StepKind::Cloud(CloudStep::Fleet(plan.clone())));
        kit.event(1.0, EventKind::Fleet(Box::new(run)));
        let noise = HostNoise { p99_overshoot: Duration::from_millis(300), ..HostNoise::default() };
        kit.event(2.0, EventKind::HostNoise(noise));
        kit.judge_within(id, Duration::from_secs(1), None).outcome
    };
    assert_eq!(of_noisy_host((4, 3), 0, CheckId::FleetEven), Outcome::Inconclusive);
    assert_eq!(of_noisy_host((1, 3), 0, CheckId::FleetEven), Outcome::Fail, "no host takes so much from one");
    assert_eq!(of_noisy_host((1, 1), 7, CheckId::FleetLostRequests), Outcome::Inconclusive);
}

#[test]
fn a_proxy_may_take_a_second_to_learn_and_not_for_ever() {
    let plan = fleet(fleet_policies(180.0));
    let grown = |periods: usize| {
        let mut run = simulate(&plan, Overhead::default(), 1);
        let first = run.ticks.iter().position(|tick| tick.arrived.contains_key("b3")).unwrap();
        for tick in run.ticks.iter_mut().skip(first).take(periods) {
            tick.arrived.entry("b3".into()).and_modify(|count| *count = 0);
        }
        judged(&plan, run, CheckId::FleetEven, 1, None).outcome
    };
    // Two periods of half a second each.
    assert_eq!((grown(2), grown(1_000)), (Outcome::Pass, Outcome::Fail));
}

#[test]
fn a_simulation_that_is_two_instances_apart_fails_and_one_period_does_not_count() {
    let plan = fleet(fleet_policies(180.0));
    let run = simulate(&plan, Overhead::default(), 1);
    let mut apart = run.clone();
    apart.ticks.iter_mut().for_each(|tick| tick.healthy += 2);
    assert_eq!(judged(&plan, apart, CheckId::FleetSimulation, 1, None).outcome, Outcome::Fail);
    let mut slower = run.clone();
    slower.p99_ms *= 2.0;
    assert_eq!(judged(&plan, slower, CheckId::FleetSimulation, 1, None).outcome, Outcome::Fail);
    let mut later = run;
    let first = later.ticks[0].clone();
    later.ticks.insert(0, first);
    later.ticks.pop();
    // With the latencies that come of it.
    let later = replay(&plan, &later, 1);
    let verdict = judged(&plan, later, CheckId::FleetSimulation, 1, None);
    assert_eq!(verdict.outcome, Outcome::Pass, "{:?}", verdict.finding);
}

#[test]
fn the_instance_hours_and_the_share_of_the_peak_are_told() {
    let plan = fleet(fleet_policies(180.0));
    let run = simulate(&plan, Overhead::default(), 1);
    let verdict = judged(&plan, run, CheckId::FleetScaled, 600, None);
    let Finding::Cloud(CloudFinding::Fleet(FleetFinding::Scaled { runs })) = verdict.finding else {
        panic!()
    };
    assert!(runs[0].instance_hours > 2.0, "{runs:?}");
    // Against the smallest fixed fleet that would have done, not the largest: three of a hundred each bear 260.
    assert_eq!(runs[0].smallest_fixed, Some(3));
    assert_eq!(runs[0].fixed_hours, Some(3.0 * plan.length() / 3600.0));
    // 260 requests per second on six instances of a hundred each.
    assert!((runs[0].peak_share - 260.0 / 600.0).abs() < 0.01, "{runs:?}");
}

#[test]
fn a_fleet_that_breaks_long_before_it_is_full_is_seen() {
    let mut plan = fleet(Vec::new());
    plan.least = 6;
    plan.load = vec![Stage { to_per_second: 700.0, over: 600.0 }];
    let run = simulate(&plan, Overhead::default(), 1);
    let limit = |run| judged(&plan, run, CheckId::FleetBreaks, 1, None);
    let Finding::Cloud(CloudFinding::Fleet(FleetFinding::Broken { runs })) = limit(run.clone()).finding
    else {
        panic!()
    };
    // Six instances of a hundred each.
    assert!(
        (runs[0].full_per_second - 600.0).abs() < 1e-6
            && runs[0].breaks.is_none_or(|at| at.per_second > 550.0)
    );
    // Something on the way that takes longer than the limit breaks it before anything is full.
    let slow = Overhead { on_the_way: 1.5, ..Overhead::default() };
    assert_eq!(limit(simulate(&plan, slow, 1)).outcome, Outcome::Fail);
}

#[test]
fn a_proxy_that_cannot_learn_of_instances_is_unsupported() {
    let mut kit = Kit::new(2);
    kit.step(0.0, StepKind::Cloud(CloudStep::Fleet(fleet(Vec::new()))));
    assert_eq!(kit.judge(CheckId::FleetEven).outcome, Outcome::Unsupported);
}

/// For eight minutes a tenth more than two instances serve: a run at sixty times the speed has no room for the line.
fn too_small() -> FleetPlan {
    let mut plan = fleet(Vec::new());
    plan.load = vec![Stage { to_per_second: 220.0, over: 1.0 }, Stage { to_per_second: 220.0, over: 480.0 }];
    plan
}

#[test]
fn what_the_run_is_too_quick_to_lose_is_lost_in_the_time_of_the_owner() {
    let plan = too_small();
    let run = simulate(&plan, Overhead::default(), 1);
    assert_eq!(run.lost, 0);
    let verdict = judged(&plan, run.clone(), CheckId::FleetLostRequests, 1, None);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let Finding::Cloud(CloudFinding::Fleet(FleetFinding::Lost { runs })) = verdict.finding else { panic!() };
    assert!(runs[0].basis == RestsOn::Simulation && runs[0].late > 10_000, "{runs:?}");
    let verdict = judged(&plan, run, CheckId::FleetLatency, 1, None);
    let Finding::Cloud(CloudFinding::Fleet(FleetFinding::Slow { runs })) = verdict.finding else { panic!() };
    assert_eq!((runs[0].basis, runs[0].p99_ms), (RestsOn::Simulation, 5_000.0));
}

#[test]
fn what_neither_run_nor_simulation_can_tell_is_left_open() {
    let plan = fleet(fleet_policies(180.0));
    let mut run = simulate(&plan, Overhead::default(), 1);
    run.p99_ms *= 2.0;
    for id in [CheckId::FleetLatency, CheckId::FleetLostRequests] {
        assert_eq!(judged(&plan, run.clone(), id, 1, None).outcome, Outcome::Inconclusive, "{}", id.name());
    }
}

#[test]
fn what_a_busy_host_adds_to_every_answer_is_no_failure_of_the_proxy() {
    let plan = fleet(fleet_policies(180.0));
    let slow = simulate(&plan, Overhead { on_the_way: 1.5, in_place: 0.0 }, 1);
    assert_eq!(judged(&plan, slow.clone(), CheckId::FleetLatency, 1, None).outcome, Outcome::Fail);
    let mut kit = Kit::new(plan.most);
    kit.reloads();
    kit.step(0.0, StepKind::Cloud(CloudStep::Fleet(plan)));
    kit.event(1.0, EventKind::Fleet(Box::new(slow)));
    let noise = HostNoise { p99_overshoot: Duration::from_millis(30), ..HostNoise::default() };
    kit.event(2.0, EventKind::HostNoise(noise));
    let verdict = kit.judge_within(CheckId::FleetLatency, Duration::from_secs(1), None);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
}

#[test]
fn a_wait_that_is_long_beside_a_request_of_the_run_rests_on_the_run() {
    let mut plan = too_small();
    plan.timeout = Duration::from_secs(20);
    let run = simulate(&plan, Overhead::default(), 1);
    // A request of the run is 1.2 s of the case; so a third of a second of the run is twenty of the case.
    assert!(run.late > 10, "{}", run.late);
    let verdict = judged(&plan, run, CheckId::FleetLostRequests, 1, None);
    let Finding::Cloud(CloudFinding::Fleet(FleetFinding::Lost { runs })) = verdict.finding else { panic!() };
    assert_eq!((verdict.outcome, runs[0].basis), (Outcome::Fail, RestsOn::Run));
}
