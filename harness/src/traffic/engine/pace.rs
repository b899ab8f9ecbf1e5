//! When arrivals are due: schedules of an open loop as pure sequences of offsets from the start.
//!
//! The worker asks for the next due offset and sends at that instant; latency counts from it. Nothing here waits,
//! reads a clock or knows of connections.

use crate::statistics::Generator;

/// How the arrivals of a stage are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// At equal distances.
    Uniform,
    /// At exponentially distributed distances, as independent users arrive.
    Poisson,
}

/// A stretch of a schedule in which the rate moves in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Arrivals per second at its beginning.
    pub from_per_second: f64,
    /// Arrivals per second at its end.
    pub to_per_second: f64,
    /// Its length in nanoseconds.
    pub length_ns: u64,
}

impl Stage {
    /// A stage of constant rate.
    pub fn constant(rate_per_second: f64, length_ns: u64) -> Stage {
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

/// The due offsets of an open loop, in order.
#[derive(Clone, Debug)]
pub struct Schedule {
    stages: Vec<Stage>,
    spacing: Spacing,
    random: Generator,
    stage: usize,
    stage_start_ns: u64,
    /// Expected arrivals of this stage up to the last one handed out.
    position: f64,
}

impl Schedule {
    /// A schedule over these stages; `seed` decides the Poisson distances.
    pub fn new(stages: Vec<Stage>, spacing: Spacing, seed: u64) -> Schedule {
        Schedule { stages, spacing, random: Generator::new(seed), stage: 0, stage_start_ns: 0, position: 0.0 }
    }

    /// Its whole length in nanoseconds.
    pub fn length_ns(&self) -> u64 {
        self.stages.iter().map(|stage| stage.length_ns).sum()
    }
}

impl Iterator for Schedule {
    type Item = u64;

    /// The next due offset in nanoseconds from the start.
    fn next(&mut self) -> Option<u64> {
        // A unit-rate process in "expected arrivals" is stretched by the inverse of the integrated rate, which is exact
        // for uniform and for Poisson arrivals at any rate (inversion method for non-homogeneous processes).
        let mut step = match self.spacing {
            Spacing::Uniform => 1.0,
            Spacing::Poisson => -(1.0 - self.random.unit()).ln(),
        };
        // The first uniform arrival is due at the start itself.
        if self.spacing == Spacing::Uniform && self.stage == 0 && self.position == 0.0 && self.stage_start_ns == 0 {
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

#[cfg(test)]
mod tests {
    use super::{Schedule, Spacing, Stage};

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn uniform_arrivals_are_at_equal_distances_and_complete() {
        let due: Vec<u64> = Schedule::new(vec![Stage::constant(1000.0, SECOND)], Spacing::Uniform, 1).collect();
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
        let due: Vec<u64> = Schedule::new(vec![Stage::constant(5000.0, 10 * SECOND)], Spacing::Poisson, 7).collect();
        assert!((due.len() as f64 - 50_000.0).abs() < 1000.0, "{}", due.len());
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "the standard deviation of an exponential is its mean");
    }

    #[test]
    fn a_stage_without_arrivals_is_silence() {
        let stages = vec![Stage::constant(10.0, SECOND), Stage::constant(0.0, SECOND), Stage::constant(10.0, SECOND)];
        let due: Vec<u64> = Schedule::new(stages, Spacing::Uniform, 1).collect();
        assert!(due.len().abs_diff(20) <= 1);
        assert!(!due.iter().any(|&at| at > SECOND + SECOND / 5 && at < 2 * SECOND - SECOND / 5));
    }
}
