//! A fleet under load in virtual time: the same arrivals, the same control, queues that are computed.
//!
//! `conductor` puts it beside each real run, so that the model can be judged; for spans of days and fleets of hundreds it is
//! all there is; and in the time of the owner it shows what a run that lets a request stand for many cannot. Requests go round robin to the healthy instances; each has so many places and one queue. What timers and
//! the way add is taken from a real run, or left out.

use fake_backends::applications::service_time;
use fake_backends::behavior::Distribution;
use serde::Serialize;

use super::{Arrivals, Control, Group, Measured};
use crate::history::{FleetRun, FleetTick};
use crate::plan::FleetPlan;
use crate::statistics::quantile_of_sorted;

/// What a machine adds to the times of a model, in seconds; nothing where no real run is to be compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Overhead {
    /// To each service time, while the place is taken: timers wake late.
    pub in_place: f64,
    /// To each answer, while no place is taken: client, network, proxy.
    pub on_the_way: f64,
}

impl Overhead {
    /// What it was in a real run.
    pub fn of(real: &FleetRun) -> Overhead {
        Overhead {
            in_place: (real.in_place_ms / 1e3).max(0.0),
            on_the_way: (real.on_the_way_ms / 1e3).max(0.0),
        }
    }

    /// What of it is left where a second is a second: no instance of the owner waits for a timer of this machine.
    #[must_use]
    pub fn in_the_owners_time(self) -> Overhead {
        Overhead { in_place: 0.0, ..self }
    }
}

struct Simulation<'a> {
    plan: &'a FleetPlan,
    control: Control<'a>,
    /// What a real run decided, in place of the control: one entry a period.
    decided: Option<&'a [FleetTick]>,
    desired: usize,
    group: Group,
    /// For each instance, when each of its places is free, in real seconds.
    free_at: Vec<Vec<f64>>,
    /// For each instance, its requests in flight or done: when they arrived and when they are done.
    inside: Vec<Vec<(f64, f64)>>,
    /// Time for which places are taken, by control period.
    taken: Vec<f64>,
    /// Requests that reached each instance in this period.
    arrived: Vec<u64>,
    /// The same since it was launched, and how often it was launched: its service times are those of a real one.
    lives: Vec<(u64, u64)>,
    overhead: Overhead,
    seed: u64,
    /// How long a request takes, and how long its client waits, in real time.
    service: Distribution,
    patience: f64,
    latencies: Vec<f64>,
    run: FleetRun,
    tick: FleetTick,
    healthy_before: Vec<usize>,
    /// Those that died in this period.
    dead: Vec<usize>,
    /// Of each place.
    names: Vec<String>,
}

/// A simulation of the same plan as a real run, with what the machine added to that. The same seed draws the same service
/// times for the same request of an instance, so that the two differ by what the model leaves out, and not by chance.
pub fn simulate_beside(plan: &FleetPlan, real: &FleetRun, seed: u64) -> FleetRun {
    simulate(plan, Overhead::of(real), seed)
}

/// The same with the decisions of the real run in the place of its own. Near saturation one that falls a control period
/// later doubles the tail, and a period is what the two may differ by; only with the same instances at the same time do the
/// queues say whether the model of latency is right.
pub fn replay(plan: &FleetPlan, real: &FleetRun, seed: u64) -> FleetRun {
    carry_out(plan, Overhead::of(real), seed, Some(&real.ticks))
}

/// The same in the time of its owner, with the instances that the real run had at each moment of the case. Timers of this
/// machine are no part of it; what client, network and proxy add to an answer is.
pub fn owners_replay(plan: &FleetPlan, real: &FleetRun, seed: u64) -> FleetRun {
    let overhead = Overhead::of(real).in_the_owners_time();
    carry_out(&plan.in_the_owners_time(), overhead, seed, Some(&real.ticks))
}

/// Carries out a plan in virtual time.
pub fn simulate(plan: &FleetPlan, overhead: Overhead, seed: u64) -> FleetRun {
    carry_out(plan, overhead, seed, None)
}

fn carry_out(plan: &FleetPlan, overhead: Overhead, seed: u64, decided: Option<&[FleetTick]>) -> FleetRun {
    let ticks = (plan.length() / plan.period).ceil() as usize;
    let mut simulation = Simulation {
        plan,
        control: Control::new(plan),
        decided,
        desired: plan.beginning(),
        group: Group::new(plan.beginning(), plan.most),
        free_at: vec![vec![0.0; plan.places as usize]; plan.most],
        inside: vec![Vec::new(); plan.most],
        taken: vec![0.0; ticks + 2],
        arrived: vec![0; plan.most],
        lives: (0..plan.most).map(|place| (0, u64::from(place < plan.beginning()))).collect(),
        overhead,
        seed,
        service: plan.service_in_the_run(),
        patience: plan.patience_in_the_run().as_secs_f64(),
        latencies: Vec::new(),
        run: FleetRun::default(),
        tick: FleetTick::default(),
        healthy_before: (0..plan.beginning()).collect(),
        dead: Vec::new(),
        names: (0..plan.most).map(name_of).collect(),
    };
    let mut deaths: Vec<f64> = plan.fails.iter().map(|at| at / plan.scale).collect();
    deaths.sort_by(|a, b| b.total_cmp(a));
    let mut next_tick = 1;
    for (turn, at) in Arrivals::new(plan).enumerate() {
        while at * plan.scale >= next_tick as f64 * plan.period {
            simulation.end_period(next_tick, &mut deaths);
            next_tick += 1;
        }
        simulation.die_until(at, &mut deaths);
        simulation.arrive(at, turn);
    }
    while next_tick <= ticks {
        simulation.end_period(next_tick, &mut deaths);
        next_tick += 1;
    }
    simulation.finish()
}

impl Simulation<'_> {
    fn arrive(&mut self, at: f64, turn: usize) {
        self.run.sent += 1;
        self.tick.sent += 1;
        // As they were at the end of the last period, without those that died since.
        let healthy = &self.healthy_before;
        let Some(&place) = healthy.get(turn % healthy.len().max(1)) else {
            self.run.lost += 1;
            self.tick.lost += 1;
            return;
        };
        let (before, launches) = &mut self.lives[place];
        let service = service_time(&self.service, self.seed, &self.names[place], *launches, *before);
        let service = service.as_secs_f64() + self.overhead.in_place;
        *before += 1;
        let free = &mut self.free_at[place];
        // `places` is at least one.
        let first = (0..free.len()).min_by(|&a, &b| free[a].total_cmp(&free[b])).unwrap_or(0);
        let begin = free[first].max(at);
        let done = begin + service;
        free[first] = done;
        self.inside[place].push((at, done));
        self.count_taken(begin, done);
        self.arrived[place] += 1;
    }

    /// Spreads the time of a taken place over the control periods that it touches.
    fn count_taken(&mut self, begin: f64, done: f64) {
        let period = self.plan.period / self.plan.scale;
        let mut from = begin;
        while from < done {
            let index = (from / period) as usize;
            let until = done.min((index + 1) as f64 * period).max(from + 1e-9);
            if let Some(taken) = self.taken.get_mut(index) {
                *taken += until - from;
            }
            from = until;
        }
    }

    /// Whoever is due to die until a moment does: what was inside is lost, and nothing more goes there.
    fn die_until(&mut self, at: f64, deaths: &mut Vec<f64>) {
        while let Some(moment) = deaths.pop_if(|moment| *moment <= at) {
            if self.healthy_before.is_empty() {
                continue;
            }
            let place = self.healthy_before.remove(0);
            let inside = self.inside[place].len();
            self.inside[place].retain(|(_, done)| *done <= moment);
            let lost = (inside - self.inside[place].len()) as u64;
            self.tick.lost += lost;
            self.run.lost += lost;
            self.dead.push(place);
        }
    }

    /// Whose answer took longer than a client waits has not got it, and has waited so long at least.
    fn give_up(&mut self, ended: &mut [f64]) {
        let late = ended.iter_mut().filter(|latency| **latency >= self.patience);
        let late = late.map(|latency| *latency = self.patience).count() as u64;
        self.tick.late += late;
        self.tick.lost += late;
        self.run.late += late;
        self.run.lost += late;
    }

    fn end_period(&mut self, number: usize, deaths: &mut Vec<f64>) {
        let now = number as f64 * self.plan.period;
        let real_now = now / self.plan.scale;
        self.die_until(real_now, deaths);
        for place in std::mem::take(&mut self.dead) {
            self.group.end(place);
            self.tick.died = Some(self.names[place].clone());
        }
        let (mut ended, mut stayed) = (Vec::new(), 0.0);
        for inside in &mut self.inside {
            inside.retain(|&(arrived, done)| {
                if done <= real_now {
                    stayed += done - arrived;
                    ended.push(done - arrived + self.overhead.on_the_way);
                }
                done > real_now
            });
        }
        self.give_up(&mut ended);
        for place in self.group.draining() {
            if self.inside[place].is_empty() {
                self.group.end(place);
            }
        }
        let healthy = self.group.healthy();
        let places = (healthy.len() * self.plan.places as usize).max(1) as f64;
        let occupancy = self.taken[number - 1] / (places * self.plan.period / self.plan.scale);
        let measured = Measured {
            at: now,
            healthy: healthy.len(),
            occupancy: occupancy.min(1.0),
            requests_per_minute: self.tick.sent as f64 * self.plan.weight() / healthy.len().max(1) as f64
                * 60.0
                / self.plan.period,
            ..Measured::default()
        }
        .staying(self.plan, stayed, ended.len() as u64);
        let whole = healthy.iter().filter(|place| self.healthy_before.contains(place));
        self.tick.arrived = whole.map(|&place| (self.names[place].clone(), self.arrived[place])).collect();
        self.arrived.fill(0);
        self.tick.at = now;
        self.tick.occupancy = measured.occupancy;
        ended.sort_unstable_by(f64::total_cmp);
        self.tick.p50_ms = quantile_of_sorted(&ended, 0.5).map(|seconds| seconds * 1e3);
        self.tick.p99_ms = quantile_of_sorted(&ended, 0.99).map(|seconds| seconds * 1e3);
        self.latencies.extend(ended);
        self.tick.decision = match self.decided {
            Some(ticks) => ticks.get(number - 1).and_then(|tick| tick.decision.clone()),
            None => self.control.decide(&measured),
        };
        if let Some(decision) = &self.tick.decision {
            self.desired = decision.to;
        }
        self.group.reconcile(self.desired, now, self.plan.provisioning);
        let there = self.group.present();
        for place in self.group.ripen(now) {
            self.free_at[place].fill(real_now);
            self.lives[place] = (0, self.lives[place].1 + 1);
            self.inside[place].clear();
        }
        self.healthy_before = self.group.healthy();
        self.tick.healthy = self.healthy_before.len();
        self.tick.launching = self.group.launching();
        self.run.instance_hours += there as f64 * self.plan.period / 3600.0;
        self.run.ticks.push(std::mem::take(&mut self.tick));
    }

    fn finish(mut self) -> FleetRun {
        let left =
            self.inside.iter().flatten().map(|(arrived, done)| done - arrived + self.overhead.on_the_way);
        let mut left: Vec<f64> = left.collect();
        self.give_up(&mut left);
        // Those that ended badly after the last period belong to it, as in a real run.
        if let Some(last) = self.run.ticks.last_mut() {
            last.lost += self.tick.lost;
            last.late += self.tick.late;
        }
        self.latencies.extend(left);
        self.run.in_place_ms = self.overhead.in_place * 1e3;
        self.run.on_the_way_ms = self.overhead.on_the_way * 1e3;
        self.latencies.sort_unstable_by(f64::total_cmp);
        self.run.p50_ms = quantile_of_sorted(&self.latencies, 0.5).unwrap_or(0.0) * 1e3;
        self.run.p99_ms = quantile_of_sorted(&self.latencies, 0.99).unwrap_or(0.0) * 1e3;
        self.run
    }
}

/// The name of the backend at a place.
pub fn name_of(place: usize) -> String {
    format!("b{}", place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::{fleet, fleet_policies};
    use crate::plan::{Level, Policy, Stage};

    #[test]
    fn the_policy_of_the_case_follows_the_load_and_returns() {
        let run = simulate(&fleet(fleet_policies(180.0)), Overhead::default(), 1);
        let most = run.ticks.iter().map(|tick| tick.healthy).max().unwrap();
        assert!((4..=6).contains(&most), "{most}");
        assert!(run.ticks.last().unwrap().healthy < most, "it goes back");
        assert!(run.p99_ms < 1_000.0 && run.lost == 0, "{} {}", run.p99_ms, run.lost);
        assert!(run.instance_hours < 6.0 * 5160.0 / 3600.0);
        assert_eq!(
            simulate(&fleet(fleet_policies(180.0)), Overhead::default(), 1),
            run,
            "the same seed, the same run"
        );
    }

    #[test]
    fn every_request_is_in_one_account() {
        // Far too much for two instances, up to the last moment.
        let mut plan = fleet(Vec::new());
        plan.fails = vec![1_000.0];
        for plan in [plan.in_the_owners_time(), plan] {
            let run = simulate(&plan, Overhead::default(), 1);
            let rows = |of: fn(&FleetTick) -> u64| run.ticks.iter().map(of).sum::<u64>();
            assert_eq!(rows(|tick| tick.sent), run.sent);
            assert_eq!((rows(|tick| tick.lost), rows(|tick| tick.late)), (run.lost, run.late));
            assert!(run.lost >= run.late && (plan.scale > 1.0 || run.late > 10_000), "{}", run.late);
        }
    }

    #[test]
    fn the_time_of_the_owner_has_room_for_queues_that_a_compressed_run_has_not() {
        // For eight minutes a tenth more than two instances serve.
        let mut plan = fleet(Vec::new());
        plan.load =
            vec![Stage { to_per_second: 220.0, over: 1.0 }, Stage { to_per_second: 220.0, over: 480.0 }];
        let run = simulate(&plan, Overhead::default(), 1);
        assert_eq!(run.lost, 0, "the run cannot show that clients give up after five seconds");
        let owners = owners_replay(&plan, &run, 1);
        assert!(owners.late > 10_000 && owners.sent > 50 * run.sent, "{} of {}", owners.late, owners.sent);
        assert_eq!(owners.p99_ms, 5_000.0);
    }

    #[test]
    fn a_fleet_begins_with_what_it_is_told_to() {
        let mut plan = fleet(Vec::new());
        plan.start = Some(5);
        let run = simulate(&plan, Overhead::default(), 1);
        assert!(run.ticks.iter().all(|tick| tick.healthy == 5));
    }

    #[test]
    fn a_late_policy_costs_latency() {
        let late = simulate(&fleet(fleet_policies(900.0)), Overhead::default(), 1);
        assert!(late.p99_ms > 1_500.0, "{}", late.p99_ms);
    }

    #[test]
    fn nothing_is_decided_without_a_policy_and_a_dead_instance_is_replaced() {
        let mut plan = fleet(Vec::new());
        plan.fails = vec![100.0];
        let run = simulate(&plan, Overhead::default(), 1);
        assert!(run.ticks.iter().all(|tick| tick.decision.is_none() && tick.healthy <= 2));
        assert!(run.ticks.iter().any(|tick| tick.healthy == 1) && run.ticks.last().unwrap().healthy == 2);
    }

    #[test]
    fn a_fleet_of_hundreds_over_a_day_is_a_matter_of_moments() {
        let mut plan = fleet(vec![Policy::Target {
            keep: Level::Occupancy(0.5),
            out_cooldown: 60.0,
            in_cooldown: 300.0,
            in_lasting: 0.0,
        }]);
        (plan.most, plan.scale) = (200, 3600.0);
        plan.load = vec![
            Stage { to_per_second: 2_400.0, over: 43_200.0 },
            Stage { to_per_second: 100.0, over: 43_200.0 },
        ];
        let run = simulate(&plan, Overhead::default(), 1);
        let most = run.ticks.iter().map(|tick| tick.healthy).max().unwrap();
        assert!(most > 36, "{most}");
    }
}
