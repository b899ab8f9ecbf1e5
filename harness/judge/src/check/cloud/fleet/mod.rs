//! `fleet.*`: instances come and go under load; nothing is lost, the load is spread, capacity comes in time.
//!
//! Each check reads the one entry that a fleet step leaves, and the plan. The simulation is a function of the plan, so it is
//! made here anew and is no part of the record. A run that lets a request stand for many cannot show how long one of them
//! waits, nor who gives up: such a verdict rests on the simulation in the time of the owner, with the instances that the run
//! had, if that was close to the run at the scale of the run, and is left open otherwise. It says on which it rests.

mod finding;
#[cfg(test)]
mod tests;

pub use finding::{
    BreakSeen, Breaks, EvenSeen, FleetFinding, LostSeen, RestsOn, ScaledSeen, SimulatedSeen, SlowSeen,
};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::CloudFinding;
use crate::check::judged::Judged;
use crate::check::ledger::{Ledger, ms};
use crate::check::seen::Samples;
use crate::check::{Finding, Outcome};
use harness_model::fleet::{Distance, Losses, Objective, Overhead, first_over, healthy_in, owners_replay};
use harness_model::history::{EventKind, FleetRun};
use harness_model::plan::{CheckPlan, CloudStep, FleetPlan, StepKind};
use harness_model::statistics::samples_needed;

/// Fewer requests could not have shown a loss at the changes of the set.
const LEAST_REQUESTS: u64 = 100;
/// Requests per instance that an epoch needs, so that a random choice would be seen.
const LEAST_PER_INSTANCE: u64 = 40;
/// Share of the mean by which instances of an epoch may differ: a reload begins the rotation anew.
const UNEVEN_SHARE: f64 = 0.05;
/// So many real seconds a proxy may take to follow its files: a master starts a worker, and a busy host takes its time. A
/// proxy that never learns is caught by what comes after.
const LEARNING_SECONDS: f64 = 1.0;
/// Changes of direction in an hour of the case, where the scenario says nothing: up, down and once more.
const TURNS_PER_HOUR: u64 = 3;
/// A fleet that breaks below this share of its capacity breaks early: something else than its instances is in the way.
const EARLY_SHARE: f64 = 0.75;
/// Share of a control period by which the host may be late.
const NOISE_SHARE: f64 = 0.2;
/// What client, network and proxy add, so many times as much in the time of the case, may be this share of what is shown.
const OVERHEAD_SHARE: f64 = 0.1;
/// A host whose sentinel woke so late in one of a hundred cases is quiet: what was added then was added by the proxy.
const QUIET_MS: f64 = 5.0;
/// Requests in the time of the owner that are simulated for a verdict.
const MOST_SIMULATED: f64 = 3e6;

/// One fleet step.
struct Seen<'a> {
    /// Line of the record.
    line: usize,
    name: String,
    plan: &'a FleetPlan,
    run: &'a FleetRun,
    /// How late the host's sentinel woke, where that is too late for a control period.
    noise_ms: Option<f64>,
    /// How late it woke at worst, whether that matters for a period or not.
    host_late_ms: f64,
    /// Whether the check is about it; others are told beside it.
    judged: bool,
}

/// A run in which waits can be told, and its plan.
struct Told<'a> {
    basis: RestsOn,
    plan: Cow<'a, FleetPlan>,
    run: Cow<'a, FleetRun>,
}

impl<'a> Seen<'a> {
    /// Whichever of run and simulation is honest about waits so long.
    fn told(&self, time: Duration, seed: u64) -> Told<'a> {
        let (plan, run) = (self.plan, self.run);
        let ours = run.on_the_way_ms * plan.scale <= OVERHEAD_SHARE * ms(time);
        let shown = plan.scale <= 1.0 || (plan.shows(time) && ours);
        if shown {
            return Told { basis: RestsOn::Run, plan: Cow::Borrowed(plan), run: Cow::Borrowed(run) };
        }
        let owners = plan.in_the_owners_time();
        if owners.requests() > MOST_SIMULATED {
            return Told { basis: RestsOn::Neither, plan: Cow::Borrowed(plan), run: Cow::Borrowed(run) };
        }
        let close = Distance::of(plan, run, seed).is_close();
        // What a busy host adds to every answer is none of the owner's, nor of the proxy.
        let believed = run.on_the_way_ms <= OVERHEAD_SHARE * ms(time) || self.host_late_ms <= QUIET_MS;
        Told {
            basis: if close && believed { RestsOn::Simulation } else { RestsOn::Neither },
            run: Cow::Owned(owners_replay(plan, run, seed)),
            plan: Cow::Owned(owners),
        }
    }
}

/// `fleet.lost_requests`
pub(in crate::check) fn lost_requests(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let all = steps(ledger, check);
    let allowed = check.parameters.count.unwrap_or(0);
    let runs: Vec<LostSeen> = all.iter().map(|seen| lost(seen, allowed, ledger.plan.seed)).collect();
    let judged = || runs.iter().filter(|run| run.judged);
    let Some(sent) = judged().map(|run| run.sent).min() else { return Judged::not_reached() };
    let turned_away = judged().any(|run| run.elsewhere > 0 || run.at_deaths > run.allowed);
    let gave_up = |basis: RestsOn| judged().any(|run| run.late > 0 && run.basis == basis);
    let failed = turned_away || gave_up(RestsOn::Run) || gave_up(RestsOn::Simulation);
    // Who gave up in the run did so for want of time alone, which a host that stood still explains too.
    let rests_on_time = !turned_away && !gave_up(RestsOn::Simulation);
    let open = judged().any(|run| run.basis == RestsOn::Neither);
    if !failed && sent < LEAST_REQUESTS {
        return Judged::too_few(Samples::Requests, sent, LEAST_REQUESTS);
    }
    let judged = unless_open(open, conclude(&all, failed, FleetFinding::Lost { runs }));
    if rests_on_time { unless_noisy(&all, judged) } else { judged }
}

fn lost(seen: &Seen<'_>, allowed: u64, seed: u64) -> LostSeen {
    let ticks = &seen.run.ticks;
    let turned_away = Losses::turned_away(seen.run);
    let decisions = ticks.iter().filter_map(|tick| tick.decision.as_ref());
    let told = seen.told(seen.plan.timeout, seed);
    LostSeen {
        step: seen.name.clone(),
        sent: seen.run.sent,
        deaths: ticks.iter().filter(|tick| tick.died.is_some()).count() as u64,
        at_deaths: turned_away.at_deaths,
        allowed,
        elsewhere: turned_away.elsewhere,
        late: told.run.late,
        late_of: told.run.sent,
        basis: told.basis,
        patience_ms: ms(seen.plan.timeout) as u64,
        judged: seen.judged,
        taken_away: decisions.filter(|decision| decision.to < decision.from).count() as u64,
    }
}

/// `fleet.even`
pub(in crate::check) fn even(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let all = judged_steps(ledger, check);
    if all.is_empty() {
        return Judged::not_reached();
    }
    let rotations = u64::from(ledger.plan.adapter.capabilities.rotations);
    let runs: Vec<EvenSeen> = all.iter().map(|seen| evenness(seen, rotations)).collect();
    let failed = runs.iter().any(|run| run.most - run.fewest > run.tolerated);
    // Where the host stood still requests are counted in the epoch after theirs; that takes half of them from nobody.
    let certain = runs.iter().any(|run| run.most - run.fewest > run.tolerated && 2 * run.fewest < run.most);
    let judged = match runs.iter().map(|run| run.epochs).min() {
        Some(0) | None if !failed => Judged::too_few(Samples::Requests, 0, LEAST_PER_INSTANCE),
        _ => conclude(&all, failed, FleetFinding::Even { runs }),
    };
    if certain { judged } else { unless_noisy(&all, judged) }
}

fn evenness(seen: &Seen<'_>, rotations: u64) -> EvenSeen {
    let mut found = EvenSeen { step: seen.name.clone(), ..EvenSeen::default() };
    let mut worst = f64::NEG_INFINITY;
    for counts in epochs(seen) {
        let (most, fewest) = (counts.values().copied().max(), counts.values().copied().min());
        let (Some(most), Some(fewest)) = (most, fewest) else { continue };
        let mean = counts.values().sum::<u64>() as f64 / counts.len() as f64;
        if counts.len() < 2 || mean < LEAST_PER_INSTANCE as f64 {
            continue;
        }
        found.epochs += 1;
        // The periods end while requests are on their way, hence one more.
        let tolerated = rotations + 1 + (UNEVEN_SHARE * mean) as u64;
        let excess = (most - fewest) as f64 / tolerated as f64;
        if excess > worst {
            worst = excess;
            found = EvenSeen { instances: counts.len() as u64, most, fewest, tolerated, ..found };
        }
    }
    found
}

/// Requests by instance over each stretch in which the same ones were up, without the time in which the proxy learned it
/// and without the periods in which one died.
fn epochs<'a>(seen: &Seen<'a>) -> Vec<BTreeMap<&'a str, u64>> {
    let (plan, run) = (seen.plan, seen.run);
    let mut all: Vec<BTreeMap<&str, u64>> = Vec::new();
    let mut open = false;
    let mut changed = f64::NEG_INFINITY;
    for pair in run.ticks.windows(2) {
        let [before, tick] = pair else { continue };
        // A period whose instances were all up before and after, and whose predecessor had the same.
        let settled = before.arrived.keys().eq(tick.arrived.keys()) && before.healthy == tick.arrived.len();
        if !settled || tick.died.is_some() || before.died.is_some() {
            open = false;
            changed = tick.at;
            continue;
        }
        if tick.at - plan.period - changed < LEARNING_SECONDS * plan.scale {
            continue;
        }
        if !open {
            all.push(BTreeMap::new());
            open = true;
        }
        let Some(epoch) = all.last_mut() else { continue };
        for (name, count) in &tick.arrived {
            *epoch.entry(name.as_str()).or_default() += count;
        }
    }
    all
}

/// `fleet.latency`
pub(in crate::check) fn latency(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let all = steps(ledger, check);
    let Some(limit) = check.parameters.at_most else { return Judged::not_reached() };
    let runs: Vec<SlowSeen> = all.iter().map(|seen| slow(seen, limit, ledger.plan.seed)).collect();
    let needed = samples_needed(0.99);
    let judged = || runs.iter().filter(|run| run.judged);
    let open = judged().any(|run| run.basis == RestsOn::Neither);
    match judged().map(|run| run.samples).min() {
        None => Judged::not_reached(),
        Some(samples) if samples < needed => Judged::too_few(Samples::Requests, samples, needed),
        Some(_) => {
            let failed = judged().any(|run| run.basis != RestsOn::Neither && run.p99_ms > run.limit_ms);
            let measured = judged().any(|run| run.basis == RestsOn::Run);
            let judged = unless_open(open, conclude(&all, failed, FleetFinding::Slow { runs }));
            // A simulation is not slower because the host was.
            if measured { unless_noisy(&all, judged) } else { judged }
        }
    }
}

/// `fleet.breaks`
pub(in crate::check) fn breaks(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let all = judged_steps(ledger, check);
    let Some(limit) = check.parameters.at_most else { return Judged::not_reached() };
    let runs: Vec<BreakSeen> = all.iter().map(|seen| broken(seen, limit, ledger.plan.seed)).collect();
    // A load that the fleet can carry says nothing of where it breaks.
    let tried = runs.iter().all(|run| run.tried_per_second >= EARLY_SHARE * run.full_per_second);
    if runs.is_empty() || !tried {
        return Judged::not_reached();
    }
    let early = |run: &BreakSeen| {
        run.breaks.is_some_and(|breaks| breaks.per_second < EARLY_SHARE * run.full_per_second)
    };
    let failed = runs.iter().any(|run| early(run) && run.basis != RestsOn::Neither);
    let open = runs.iter().any(|run| run.basis == RestsOn::Neither);
    let measured = runs.iter().any(|run| run.basis == RestsOn::Run);
    let judged = unless_open(open, conclude(&all, failed, FleetFinding::Broken { runs }));
    if measured { unless_noisy(&all, judged) } else { judged }
}

fn broken(seen: &Seen<'_>, limit: Duration, seed: u64) -> BreakSeen {
    let plan = seen.plan;
    let tried = seen.run.ticks.iter().map(|tick| plan.rate_at(tick.at)).fold(0.0, f64::max);
    let told = seen.told(limit, seed);
    BreakSeen {
        step: seen.name.clone(),
        limit_ms: ms(limit),
        basis: told.basis,
        breaks: first_over(&told.plan, &told.run, ms(limit)),
        full_per_second: plan.most as f64 / plan.needed(1.0),
        tried_per_second: tried,
    }
}

fn slow(seen: &Seen<'_>, limit: Duration, seed: u64) -> SlowSeen {
    let limit_ms = ms(limit);
    let told = seen.told(limit, seed);
    SlowSeen {
        step: seen.name.clone(),
        samples: told.run.sent,
        p50_ms: told.run.p50_ms * told.plan.scale,
        p99_ms: told.run.p99_ms * told.plan.scale,
        limit_ms,
        basis: told.basis,
        run_p99_ms: seen.run.p99_ms,
        judged: seen.judged,
        breaks: first_over(&told.plan, &told.run, limit_ms),
        noise_ms: seen.noise_ms,
    }
}

/// `fleet.scaled`
pub(in crate::check) fn scaled(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let all = judged_steps(ledger, check);
    let Some(tolerated) = check.parameters.at_most else { return Judged::not_reached() };
    if all.is_empty() {
        return Judged::not_reached();
    }
    let turns = check.parameters.count.unwrap_or(TURNS_PER_HOUR);
    let runs: Vec<ScaledSeen> = all.iter().map(|seen| followed(ledger, seen, tolerated, turns)).collect();
    let failed = runs.iter().any(|run| {
        run.short_for > run.tolerated
            || run.turns > run.turns_tolerated
            || run.seen.0 < run.allowed.0
            || run.seen.1 > run.allowed.1
    });
    unless_noisy(&all, conclude(&all, failed, FleetFinding::Scaled { runs }))
}

fn followed(ledger: &Ledger<'_>, seen: &Seen<'_>, tolerated: Duration, turns_per_hour: u64) -> ScaledSeen {
    let (plan, ticks) = (seen.plan, &seen.run.ticks);
    let hours = plan.length() / 3600.0;
    let present = |tick: &harness_model::history::FleetTick| (tick.healthy + tick.launching) as u64;
    let (mut short, mut short_for) = (0.0f64, 0.0f64);
    for (index, tick) in ticks.iter().enumerate() {
        let demand = plan.needed(plan.rate_at((tick.at - plan.period / 2.0).max(0.0)));
        short = if demand > healthy_in(plan, seen.run, index) as f64 { short + plan.period } else { 0.0 };
        short_for = short_for.max(short);
    }
    let directions: Vec<bool> = ticks
        .iter()
        .filter_map(|tick| tick.decision.as_ref())
        .map(|decision| decision.to > decision.from)
        .collect();
    let peak = ticks.iter().map(|tick| plan.rate_at(tick.at)).fold(0.0, f64::max);
    let objective = Objective::of(ledger.plan, &seen.name);
    // What this machine was late by is no reason for the owner to pay for another instance.
    let smallest = objective.smallest_fixed(plan, Overhead::default(), ledger.plan.seed);
    ScaledSeen {
        step: seen.name.clone(),
        seen: (ticks.iter().map(present).min().unwrap_or(0), ticks.iter().map(present).max().unwrap_or(0)),
        allowed: (plan.least as u64, plan.most as u64),
        short_for,
        tolerated: tolerated.as_secs_f64(),
        turns: directions.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64,
        turns_tolerated: turns_per_hour * (hours.ceil() as u64).max(1),
        instance_hours: seen.run.instance_hours,
        smallest_fixed: smallest.map(|size| size as u64),
        fixed_hours: smallest.map(|size| size as f64 * hours),
        limit_ms: objective.limit_ms,
        peak_share: plan.needed(peak) / plan.most as f64,
        noise_ms: seen.noise_ms,
    }
}

/// `fleet.simulation`
pub(in crate::check) fn simulation(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let all = judged_steps(ledger, check);
    if all.is_empty() {
        return Judged::not_reached();
    }
    let seed = ledger.plan.seed;
    let distances: Vec<Distance> = all.iter().map(|seen| Distance::of(seen.plan, seen.run, seed)).collect();
    let failed = distances.iter().any(|distance| !distance.is_close());
    let runs = all.iter().zip(distances).map(|(seen, distance)| SimulatedSeen {
        step: seen.name.clone(),
        apart: distance.apart,
        real_p99_ms: distance.real_p99_ms,
        simulated_p99_ms: distance.simulated_p99_ms,
        real_lost: distance.real_lost,
        simulated_lost: distance.simulated_lost,
        noise_ms: seen.noise_ms,
    });
    let runs = runs.collect();
    unless_noisy(&all, conclude(&all, failed, FleetFinding::Simulated { runs }))
}

fn conclude(all: &[Seen<'_>], failed: bool, finding: FleetFinding) -> Judged {
    let finding = Finding::Cloud(CloudFinding::Fleet(finding));
    let lines = all.iter().map(|seen| seen.line);
    if failed { Judged::fail(finding, lines.collect()) } else { Judged::pass(finding).with_evidence(lines) }
}

/// A host that oversleeps this long in one of a hundred cases says more of itself than of the fleet, in milliseconds.
fn most_noise_ms(plan: &FleetPlan) -> f64 {
    NOISE_SHARE * plan.period / plan.scale * 1e3
}

/// What neither run nor simulation can tell is left open; what has failed all the same has.
fn unless_open(open: bool, judged: Judged) -> Judged {
    if open && judged.outcome == Outcome::Pass {
        return Judged { outcome: Outcome::Inconclusive, ..judged };
    }
    judged
}

/// What rests on time is a failure only where the host kept time; what was lost is lost.
fn unless_noisy(all: &[Seen<'_>], judged: Judged) -> Judged {
    let noisy = all.iter().any(|seen| seen.judged && seen.noise_ms.is_some());
    if noisy && judged.outcome == Outcome::Fail {
        return Judged { outcome: Outcome::Inconclusive, ..judged };
    }
    judged
}

/// The fleet steps that a check is confined to.
fn judged_steps<'a>(ledger: &Ledger<'a>, check: &CheckPlan) -> Vec<Seen<'a>> {
    steps(ledger, check).into_iter().filter(|seen| seen.judged).collect()
}

/// All fleet steps as far as they came to their end, those that a check is confined to marked.
fn steps<'a>(ledger: &Ledger<'a>, check: &CheckPlan) -> Vec<Seen<'a>> {
    let labels = &check.parameters.steps;
    let mut found = Vec::new();
    for (line, event) in ledger.events.iter().enumerate() {
        let EventKind::Fleet(run) = &event.event else { continue };
        let Some(step) = event.step.and_then(|step| ledger.plan.steps.get(step)) else { continue };
        let StepKind::Cloud(CloudStep::Fleet(plan)) = &step.kind else { continue };
        let judged = labels.is_empty() || step.label.as_ref().is_some_and(|label| labels.contains(label));
        let noises = ledger.events.iter().filter(|other| other.step == event.step).filter_map(|other| {
            match &other.event {
                EventKind::HostNoise(noise) => Some(ms(noise.p99_overshoot)),
                _ => None,
            }
        });
        let host_late_ms = noises.fold(0.0, f64::max);
        found.push(Seen {
            line,
            name: step.label.clone().unwrap_or_else(|| (found.len() + 1).to_string()),
            plan,
            run,
            judged,
            noise_ms: Some(host_late_ms).filter(|noise| *noise > most_noise_ms(plan)),
            host_late_ms,
        });
    }
    found
}
