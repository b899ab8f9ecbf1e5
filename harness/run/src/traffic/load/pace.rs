//! When requests are due: the schedule of an open loop as a pure sequence of offsets, the crowd of a closed one.
//!
//! The worker asks for the next due offset and sends at that instant, or for the number of users there may be now. Nothing
//! here waits, reads a clock or knows of connections.

use std::time::Duration;

use harness_model::plan::{Executor, LoadShape, Spacing};
use harness_model::statistics::Generator;

/// A stretch of a schedule in which the rate moves in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stage {
    /// Arrivals per second at its beginning.
    from_per_second: f64,
    /// Arrivals per second at its end.
    to_per_second: f64,
    /// Its length in nanoseconds.
    length_ns: u64,
}

impl Stage {
    /// A stage of constant rate.
    pub(super) fn constant(rate_per_second: f64, length_ns: u64) -> Stage {
        Stage { from_per_second: rate_per_second, to_per_second: rate_per_second, length_ns }
    }

    /// Arrivals expected within the first `t` seconds: the integral of the rate.
    fn arrivals_until(&self, t: f64) -> f64 {
        let length = self.length_ns as f64 / 1e9;
        let slope = if length > 0.0 { (self.to_per_second - self.from_per_second) / length } else { 0.0 };
        self.from_per_second * t + slope * t * t / 2.0
    }

    /// The instant, in seconds from the beginning, by which `count` arrivals are expected: the inverse of the integral.
    fn instant_of(&self, count: f64) -> f64 {
        let length = self.length_ns as f64 / 1e9;
        let slope = (self.to_per_second - self.from_per_second) / length;
        if slope.abs() < 1e-9 {
            return count / self.from_per_second;
        }
        // slope/2 t² + from t - count = 0; this form of the root stays exact when the slope is small.
        let discriminant = (self.from_per_second * self.from_per_second + 2.0 * slope * count).max(0.0);
        2.0 * count / (self.from_per_second + discriminant.sqrt())
    }
}

/// The due offsets of an open loop, in order: one worker's share of them.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    stages: Vec<Stage>,
    spacing: Spacing,
    random: Generator,
    stage: usize,
    stage_start_ns: u64,
    /// Expected bursts of this stage up to the last one handed out.
    position: f64,
    /// Arrivals at the same instant, and how many of them are still to be handed out, at which offset.
    burst: u32,
    left: u32,
    at: u64,
    /// Every how many-th arrival is ours.
    stride: u64,
    skip: u64,
}

/// The number of virtual users of a closed loop over time.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    start: u32,
    stages: Vec<(u32, u64)>,
}

/// What decides when a worker sends.
#[derive(Clone, Debug)]
pub(super) enum Pace {
    /// Arrivals are due at fixed instants, whatever happened before.
    Open(Schedule),
    /// Each user sends its next request when it has had its answer and a pause, in nanoseconds.
    Closed { crowd: Crowd, think_ns: u64, iterations: u64 },
}

impl Pace {
    /// The share of worker `index` of `workers` in what an executor asks for. Users are dealt out by the worker itself.
    pub(super) fn of(executor: &Executor, shape: &LoadShape, seed: u64, index: u64, workers: u64) -> Pace {
        let mut from = match executor {
            Executor::RampingArrivalRate { start_per_second, .. } => *start_per_second,
            _ => 0.0,
        };
        let burst = f64::from(shape.burst.max(1));
        let stages = match executor {
            Executor::ConstantArrivalRate { rate_per_second, duration, .. } => {
                vec![Stage::constant(*rate_per_second / burst, nanoseconds(*duration))]
            }
            Executor::RampingArrivalRate { stages, .. } => stages
                .iter()
                .map(|stage| {
                    let from = std::mem::replace(&mut from, stage.to_per_second);
                    Stage {
                        from_per_second: from / burst,
                        to_per_second: stage.to_per_second / burst,
                        length_ns: nanoseconds(stage.duration),
                    }
                })
                .collect(),
            Executor::ConstantVus { vus, duration, iterations } => {
                let crowd = Crowd { start: *vus, stages: vec![(*vus, nanoseconds(*duration))] };
                return Pace::Closed { crowd, think_ns: nanoseconds(shape.think), iterations: *iterations };
            }
            Executor::RampingVus { start, stages } => {
                let stages = stages.iter().map(|stage| (stage.to, nanoseconds(stage.duration))).collect();
                let crowd = Crowd { start: *start, stages };
                return Pace::Closed { crowd, think_ns: nanoseconds(shape.think), iterations: 0 };
            }
        };
        let mut schedule = Schedule::new(stages, shape.spacing, seed).in_bursts(shape.burst);
        (schedule.stride, schedule.skip) = (workers.max(1), index);
        Pace::Open(schedule)
    }

    /// Its whole length in nanoseconds.
    pub(super) fn length_ns(&self) -> u64 {
        match self {
            Pace::Open(schedule) => schedule.stages.iter().map(|stage| stage.length_ns).sum(),
            Pace::Closed { crowd, .. } => crowd.stages.iter().map(|(_, length)| length).sum(),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Crowd {
    /// Users that there may be at an offset: on a straight line through each stage.
    pub(super) fn at(&self, offset_ns: u64) -> usize {
        let (mut from, mut begin) = (self.start, 0);
        for &(to, length) in &self.stages {
            if offset_ns < begin + length {
                let share = (offset_ns - begin) as f64 / length as f64;
                let users = f64::from(from) + (f64::from(to) - f64::from(from)) * share;
                return users.round() as usize;
            }
            (from, begin) = (to, begin + length);
        }
        0
    }
}

impl Schedule {
    /// A schedule over these stages; `seed` decides the Poisson distances.
    pub(super) fn new(stages: Vec<Stage>, spacing: Spacing, seed: u64) -> Schedule {
        let random = Generator::new(seed);
        Schedule {
            stages,
            spacing,
            random,
            stage: 0,
            stage_start_ns: 0,
            position: 0.0,
            burst: 1,
            left: 0,
            at: 0,
            stride: 1,
            skip: 0,
        }
    }

    fn in_bursts(mut self, burst: u32) -> Schedule {
        self.burst = burst.max(1);
        self
    }

    /// The offset of the next burst.
    fn next_burst(&mut self) -> Option<u64> {
        // A unit-rate process in "expected arrivals" is stretched by the inverse of the integrated rate, which is exact
        // for uniform and for Poisson arrivals at any rate (inversion method for non-homogeneous processes).
        let mut step = match self.spacing {
            Spacing::Uniform => 1.0,
            Spacing::Poisson => -(1.0 - self.random.unit()).ln(),
        };
        // The first uniform arrival is due at the start itself.
        if self.spacing == Spacing::Uniform
            && self.stage == 0
            && self.position == 0.0
            && self.stage_start_ns == 0
        {
            step = f64::MIN_POSITIVE;
        }
        loop {
            let stage = self.stages.get(self.stage)?;
            let total = stage.arrivals_until(stage.length_ns as f64 / 1e9);
            if self.position + step < total {
                self.position += step;
                let within = (stage.instant_of(self.position) * 1e9) as u64;
                return Some(self.stage_start_ns + within.min(stage.length_ns));
            }
            step -= total - self.position;
            self.position = 0.0;
            self.stage_start_ns += stage.length_ns;
            self.stage += 1;
        }
    }
}

impl Iterator for Schedule {
    type Item = u64;

    /// The next due offset in nanoseconds from the start.
    fn next(&mut self) -> Option<u64> {
        loop {
            if self.left == 0 {
                self.at = self.next_burst()?;
                self.left = self.burst;
            }
            self.left -= 1;
            if self.skip == 0 {
                self.skip = self.stride - 1;
                return Some(self.at);
            }
            self.skip -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn uniform_arrivals_are_at_equal_distances_and_complete() {
        let due: Vec<u64> =
            Schedule::new(vec![Stage::constant(1000.0, SECOND)], Spacing::Uniform, 1).collect();
        assert_eq!(due.len(), 1000);
        assert_eq!(due[0], 0);
        assert!(due.windows(2).all(|pair| (pair[1] - pair[0]).abs_diff(1_000_000) < 10), "{:?}", &due[..4]);
    }

    #[test]
    fn a_ramp_sends_the_area_under_its_line() {
        let ramp = Stage { from_per_second: 0.0, to_per_second: 2000.0, length_ns: 2 * SECOND };
        let due: Vec<u64> = Schedule::new(vec![ramp], Spacing::Uniform, 1).collect();
        assert!(due.len().abs_diff(2000) <= 1, "{}", due.len());
        let first_half = due.iter().filter(|&&at| at < SECOND).count();
        assert!(first_half.abs_diff(500) <= 1, "{first_half}");
        assert!(due.is_sorted());
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_scatter_of_the_exponential() {
        let due: Vec<u64> =
            Schedule::new(vec![Stage::constant(5000.0, 10 * SECOND)], Spacing::Poisson, 7).collect();
        assert!((due.len() as f64 - 50_000.0).abs() < 1000.0, "{}", due.len());
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.03,
            "the standard deviation of an exponential is its mean"
        );
    }

    #[test]
    fn a_stage_without_arrivals_is_silence() {
        let stages =
            vec![Stage::constant(10.0, SECOND), Stage::constant(0.0, SECOND), Stage::constant(10.0, SECOND)];
        let due: Vec<u64> = Schedule::new(stages, Spacing::Uniform, 1).collect();
        assert!(due.len().abs_diff(20) <= 1);
        assert!(!due.iter().any(|&at| at > SECOND + SECOND / 5 && at < 2 * SECOND - SECOND / 5));
    }

    #[test]
    fn bursts_come_together_and_workers_share_them_without_loss() {
        let executor = Executor::ConstantArrivalRate {
            rate_per_second: 1000.0,
            duration: Duration::from_secs(1),
            max_in_flight: 1,
        };
        let shape = LoadShape { burst: 10, ..LoadShape::default() };
        let due = |index, workers| match Pace::of(&executor, &shape, 1, index, workers) {
            Pace::Open(schedule) => schedule.collect::<Vec<u64>>(),
            Pace::Closed { .. } => unreachable!(),
        };
        let all = due(0, 1);
        assert_eq!(all.len(), 1000);
        assert!(all.chunks(10).all(|burst| burst.iter().all(|at| *at == burst[0])));
        let mut shared: Vec<u64> = (0..3).flat_map(|index| due(index, 3)).collect();
        shared.sort_unstable();
        assert_eq!(shared, all);
    }

    #[test]
    fn a_crowd_moves_in_straight_lines_and_goes_home() {
        let crowd = Crowd { start: 0, stages: vec![(10, SECOND), (10, SECOND), (0, SECOND)] };
        let seen: Vec<usize> = [0, SECOND / 2, SECOND, 2 * SECOND - 1, 5 * SECOND / 2, 3 * SECOND]
            .into_iter()
            .map(|at| crowd.at(at))
            .collect();
        assert_eq!(seen, [0, 5, 10, 10, 5, 0]);
    }
}
