//! The checks of fleets on records that a simulation leaves: right policies pass, guilty ones fail where they should.

use std::time::Duration;

use crate::check::testkit::Kit;
use crate::check::{CloudFinding, Finding, FleetFinding, Outcome, Verdict};
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
    assert_eq!(outcome(late.clone(), CheckId::FleetScaled, 600), Outcome::Fail);
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
    let verdict = kit.judge_within(CheckId::FleetLatency, Duration::from_secs(1), None);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
}

#[test]
fn a_loss_in_scale_in_fails_and_one_at_a_death_only_beyond_what_is_tolerated() {
    let mut plan = fleet(fleet_policies(180.0));
    plan.fails = vec![1_000.0];
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
    assert!(runs[0].instance_hours > 2.0 && runs[0].instance_hours < runs[0].fixed_hours, "{runs:?}");
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
    let mut early = run;
    early.ticks[8].p99_ms = Some(1_500.0);
    assert_eq!(limit(early).outcome, Outcome::Fail);
}

#[test]
fn a_proxy_that_cannot_learn_of_instances_is_unsupported() {
    let mut kit = Kit::new(2);
    kit.step(0.0, StepKind::Cloud(CloudStep::Fleet(fleet(Vec::new()))));
    assert_eq!(kit.judge(CheckId::FleetEven).outcome, Outcome::Unsupported);
}
