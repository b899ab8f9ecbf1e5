//! Times that vary: distributions as people write them, and draws from them that a seed repeats.
//!
//! `slow` draws its delays here, the command line reads them, the harness may too. The generator is our own, so that a
//! seed means the same in every version.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::quantity::{BadQuantity, Span, written_as_text};

/// No draw is longer than this, however heavy the tail: a test that waits for hours shows nothing more.
const LONGEST: Duration = Duration::from_secs(3600);

/// A distribution of durations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same: `20ms` or `constant(20ms)`.
    Constant(Span),
    /// Between the two, all equally likely: `uniform(10ms, 50ms)`.
    Uniform(Span, Span),
    /// Mean and standard deviation, cut at zero: `normal(20ms, 5ms)`.
    Normal(Span, Span),
    /// Median and sigma of the logarithm: `lognormal(20ms, 0.5)`.
    LogNormal(Span, f64),
    /// Mean: `exponential(20ms)`.
    Exponential(Span),
    /// Least value and shape; the smaller the shape, the heavier the tail: `pareto(10ms, 1.5)`.
    Pareto(Span, f64),
}

/// A generator of numbers that a seed repeats (splitmix64).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator; equal seeds make equal numbers.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.state;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of the standard normal distribution (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

impl Distribution {
    /// The mean of many draws, in seconds; a normal one that is cut at zero counts as if it were not.
    pub fn mean_seconds(&self) -> f64 {
        match self {
            Distribution::Constant(span)
            | Distribution::Exponential(span)
            | Distribution::Normal(span, _) => span.0.as_secs_f64(),
            Distribution::Uniform(low, high) => (low.0.as_secs_f64() + high.0.as_secs_f64()) / 2.0,
            Distribution::LogNormal(median, sigma) => median.0.as_secs_f64() * (sigma * sigma / 2.0).exp(),
            // Without a finite mean, as long as a draw can be.
            Distribution::Pareto(_, shape) if *shape <= 1.0 => LONGEST.as_secs_f64(),
            Distribution::Pareto(least, shape) => least.0.as_secs_f64() * shape / (shape - 1.0),
        }
    }

    /// The same with every draw so many times as long.
    #[must_use]
    pub fn times(&self, factor: f64) -> Distribution {
        let longer = |span: &Span| {
            Span(Duration::try_from_secs_f64(span.0.as_secs_f64() * factor).unwrap_or(LONGEST).min(LONGEST))
        };
        match self {
            Distribution::Constant(span) => Distribution::Constant(longer(span)),
            Distribution::Uniform(low, high) => Distribution::Uniform(longer(low), longer(high)),
            Distribution::Normal(mean, deviation) => Distribution::Normal(longer(mean), longer(deviation)),
            Distribution::LogNormal(median, sigma) => Distribution::LogNormal(longer(median), *sigma),
            Distribution::Exponential(mean) => Distribution::Exponential(longer(mean)),
            Distribution::Pareto(least, shape) => Distribution::Pareto(longer(least), *shape),
        }
    }

    /// A draw.
    pub fn draw(&self, random: &mut Random) -> Duration {
        let seconds = match self {
            Distribution::Constant(span) => return span.0,
            Distribution::Uniform(low, high) => {
                let (low, high) = (low.0.as_secs_f64(), high.0.as_secs_f64());
                low + (high - low) * random.unit()
            }
            Distribution::Normal(mean, deviation) => {
                mean.0.as_secs_f64() + deviation.0.as_secs_f64() * random.normal()
            }
            Distribution::LogNormal(median, sigma) => {
                median.0.as_secs_f64() * (sigma * random.normal()).exp()
            }
            Distribution::Exponential(mean) => -mean.0.as_secs_f64() * (1.0 - random.unit()).ln(),
            Distribution::Pareto(least, shape) => {
                least.0.as_secs_f64() / (1.0 - random.unit()).powf(1.0 / shape)
            }
        };
        Duration::from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64()))
    }
}

impl FromStr for Distribution {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Distribution, BadQuantity> {
        let Some((name, rest)) = text.split_once('(') else {
            return text.parse().map(Distribution::Constant);
        };
        let inside = rest.trim_end().strip_suffix(')');
        let inside = inside.ok_or_else(|| BadQuantity(format!("`{text}` has no closing parenthesis")))?;
        let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
        match (name.trim(), parts.as_slice()) {
            ("constant", [value]) => Ok(Distribution::Constant(value.parse()?)),
            ("uniform", [low, high]) => {
                let (low, high) = (low.parse()?, high.parse()?);
                if low > high {
                    return Err(BadQuantity(format!("in `{text}` the first value is above the second")));
                }
                Ok(Distribution::Uniform(low, high))
            }
            ("normal", [mean, deviation]) => Ok(Distribution::Normal(mean.parse()?, deviation.parse()?)),
            ("lognormal", [median, sigma]) => {
                Ok(Distribution::LogNormal(median.parse()?, plain(sigma, text)?))
            }
            ("exponential", [mean]) => Ok(Distribution::Exponential(mean.parse()?)),
            ("pareto", [least, shape]) => Ok(Distribution::Pareto(least.parse()?, plain(shape, text)?)),
            _ => Err(BadQuantity(format!(
                "`{text}` is not one of 20ms, uniform(10ms, 50ms), normal(20ms, 5ms), lognormal(20ms, 0.5), \
                 exponential(20ms), pareto(10ms, 1.5)"
            ))),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distribution::Constant(value) => write!(f, "{value}"),
            Distribution::Uniform(low, high) => write!(f, "uniform({low}, {high})"),
            Distribution::Normal(mean, deviation) => write!(f, "normal({mean}, {deviation})"),
            Distribution::LogNormal(median, sigma) => write!(f, "lognormal({median}, {sigma})"),
            Distribution::Exponential(mean) => write!(f, "exponential({mean})"),
            Distribution::Pareto(least, shape) => write!(f, "pareto({least}, {shape})"),
        }
    }
}

written_as_text!(Distribution, "Distribution", "lognormal(20ms, 0.5)");

/// A plain number above zero.
fn plain(part: &str, text: &str) -> Result<f64, BadQuantity> {
    let number = part.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| BadQuantity(format!("`{part}` in `{text}` must be a plain number above zero")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(text: &str) -> Vec<f64> {
        let distribution: Distribution = text.parse().unwrap();
        let mut random = Random::new(1);
        let mut draws: Vec<f64> =
            (0..20_000).map(|_| distribution.draw(&mut random).as_secs_f64() * 1e3).collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    fn mean(draws: &[f64]) -> f64 {
        draws.iter().sum::<f64>() / draws.len() as f64
    }

    #[test]
    fn draws_have_the_mean_or_median_that_was_asked_for() {
        assert!(draws("20ms").iter().all(|&ms| ms == 20.0));
        let uniform = draws("uniform(10ms,50ms)");
        assert!((mean(&uniform) - 30.0).abs() < 0.5 && uniform[0] >= 10.0 && uniform[19_999] <= 50.0);
        assert!((mean(&draws("normal(20ms,5ms)")) - 20.0).abs() < 0.3);
        assert!((draws("lognormal(20ms, 0.5)")[10_000] - 20.0).abs() < 0.5);
        assert!((mean(&draws("exponential(20ms)")) - 20.0).abs() < 0.6);
        let pareto = draws("pareto(10ms,1.5)");
        assert!(pareto[0] >= 10.0 && (pareto[10_000] - 10.0 * 2f64.powf(1.0 / 1.5)).abs() < 0.4);
    }

    #[test]
    fn so_many_times_as_long_is_so_in_every_draw() {
        for text in
            ["20ms", "uniform(10ms,50ms)", "lognormal(20ms,0.5)", "exponential(20ms)", "pareto(10ms,1.5)"]
        {
            let one: Distribution = text.parse().unwrap();
            let (mut first, mut second) = (Random::new(7), Random::new(7));
            let (drawn, longer) = (one.draw(&mut first), one.times(2.5).draw(&mut second));
            assert!((longer.as_secs_f64() - 2.5 * drawn.as_secs_f64()).abs() < 1e-7, "{text}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        assert_eq!(draws("lognormal(20ms,0.5)"), draws("lognormal(20ms, 0.5)"));
    }

    #[test]
    fn distributions_survive_being_written_and_read() {
        for text in [
            "20ms",
            "uniform(1ms, 2s)",
            "normal(20ms, 5ms)",
            "lognormal(20ms, 0.5)",
            "exponential(1s)",
            "pareto(10ms, 1.5)",
        ] {
            let parsed: Distribution = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_distribution_is_refused_with_advice() {
        let said = "gauss(20ms)".parse::<Distribution>().unwrap_err().to_string();
        assert!(said.contains("lognormal(20ms, 0.5)"), "{said}");
        for wrong in [
            "20",
            "lognormal(20ms",
            "lognormal(20,0.5)",
            "lognormal(20ms,-1)",
            "uniform(2s,1s)",
            "normal(1ms)",
        ] {
            assert!(wrong.parse::<Distribution>().is_err(), "{wrong}");
        }
    }
}
