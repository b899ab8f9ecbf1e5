//! Thresholds with units on any metric and tag: `hits: latency p(99) < 50ms`, `misses: cpu_per_request{vs:nginx} < 1.5x`.
//!
//! A scenario lists them under `thresholds`, and they are parsed before anything runs; `harness run` judges them by its one run,
//! `harness compare` over its rounds. Nothing is measured here.
//!
//! ```text
//! threshold = [tag ":"] metric ["{vs:" side "}"] [statistic] ("<" | ">") limit
//! ```

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Fewer connections open at the end of a load step say more of a proxy's buffers than of a connection.
pub const FEWEST_HELD: u64 = 500;

/// Why a limit on the memory of a connection is refused: connections would take the memory that earlier ones left, or be too few.
pub const TOO_FEW_HELD: &str = "memory per connection is measured on a proxy that was just started: its load must be the first step and keep at least 500 connections open (so many users, `spread: true`, `connections: one`)";

/// A limit on a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// As written.
    pub text: String,
    /// The load step's tag; `None` where the metric belongs to the proxy as a whole.
    pub tag: Option<String>,
    /// What is limited.
    pub metric: Metric,
    /// The side that it is compared with.
    pub versus: Option<Versus>,
    /// Whether the figure must stay below the limit, or above it.
    pub below: bool,
    /// Whether the limit itself is within: `<=` or `>=`.
    #[serde(default)]
    pub inclusive: bool,
    /// In the metric's own unit (milliseconds, microseconds, bytes, requests a second, a share), or a factor.
    pub limit: f64,
}

impl Gate {
    /// Whether a figure is on the right side of the limit.
    pub fn holds(&self, figure: f64) -> bool {
        (if self.below { figure < self.limit } else { figure > self.limit })
            || (self.inclusive && figure == self.limit)
    }
}

/// What an inconclusive threshold does to the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// Exit code 2.
    #[default]
    Fail,
    /// Exit code 0, and a warning.
    Warn,
}

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// A quantile (between 0 and 1) of the latency from the intended instant, in milliseconds.
    Latency(f64),
    /// Share of the requests that did not end well.
    ErrorRate,
    /// Requests that ended well, a second.
    Rate,
    /// CPU time of the proxy, in microseconds a request.
    CpuPerRequest,
    /// Resident memory by which the proxy grew over the first step, in bytes for each connection open at its end.
    MemoryPerConnection,
    /// Most resident memory, in bytes.
    RssPeak,
    /// Largest minus smallest number of requests that a backend got.
    RrSpread,
}

/// How two sides are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versus {
    /// Ours divided by theirs.
    Ratio(String),
    /// Ours minus theirs.
    Difference(String),
}

impl Metric {
    /// Its name in a threshold.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Latency(_) => "latency",
            Metric::ErrorRate => "error_rate",
            Metric::Rate => "rate",
            Metric::CpuPerRequest => "cpu_per_request",
            Metric::MemoryPerConnection => "memory_per_connection",
            Metric::RssPeak => "rss_peak",
            Metric::RrSpread => "rr.spread",
        }
    }
}

impl Versus {
    /// The other side.
    pub fn side(&self) -> &str {
        match self {
            Versus::Ratio(side) | Versus::Difference(side) => side,
        }
    }
}

const FORM: &str = "write `[TAG:] METRIC [p(99)] < LIMIT`, such as `hits: latency p(99) < 50ms`";

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Gate, String> {
        let wrong = |why: String| format!("`{text}` is not a threshold: {why}");
        let place = text.find(['<', '>']).ok_or_else(|| wrong(FORM.to_owned()))?;
        let (left, right) = (&text[..place], &text[place + 1..]);
        let (inclusive, right) = match right.strip_prefix('=') {
            Some(right) => (true, right.trim()),
            None => (false, right.trim()),
        };
        let below = text.as_bytes()[place] == b'<';
        // The colon of `{vs:…}` is none of a tag.
        let head = left.split('{').next().unwrap_or(left);
        let (tag, rest) = match head.find(':') {
            Some(colon) => (Some(left[..colon].trim().to_owned()), &left[colon + 1..]),
            None => (None, left),
        };
        let (name, versus, statistic) = parts(rest.trim()).map_err(wrong)?;
        let quantile = || quantile(statistic).map_err(wrong);
        let (metric, versus) = match (name, versus) {
            ("latency", None) => (Metric::Latency(quantile()?), None),
            ("latency", Some(side)) => (Metric::Latency(quantile()?), Some(Versus::Ratio(side))),
            ("added_latency", Some(side)) => (Metric::Latency(quantile()?), Some(Versus::Difference(side))),
            ("added_latency", None) => {
                return Err(wrong("say beside what latency is added: `added_latency{vs:direct}`".to_owned()));
            }
            // `ratio{vs:nginx} cpu_per_request` is the long form of `cpu_per_request{vs:nginx}`.
            ("ratio", Some(side)) => {
                let (name, rest) = statistic.split_once(' ').unwrap_or((statistic, ""));
                (plain(name, rest).map_err(wrong)?, Some(Versus::Ratio(side)))
            }
            (name, versus) => (plain(name, statistic).map_err(wrong)?, versus.map(Versus::Ratio)),
        };
        let per_tag = !matches!(metric, Metric::RssPeak | Metric::RrSpread);
        if per_tag != tag.is_some() {
            return Err(wrong(match per_tag {
                true => format!("say of which load step: `TAG: {}`", metric.name()),
                false => format!("`{}` belongs to the proxy, not to a tag", metric.name()),
            }));
        }
        let limit = match versus {
            Some(Versus::Ratio(_)) => factor(right),
            _ => absolute(metric, right),
        };
        let limit = limit.map_err(wrong)?;
        Ok(Gate { text: text.trim().to_owned(), tag, metric, versus, below, inclusive, limit })
    }
}

/// `latency{vs:nginx} p(99)`: name, side, the rest.
fn parts(text: &str) -> Result<(&str, Option<String>, &str), String> {
    let end = text.find(['{', ' ']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(inside) = rest.strip_prefix('{') else { return Ok((name, None, rest.trim())) };
    let (inside, statistic) = inside.split_once('}').ok_or("a brace is not closed")?;
    let side = inside.trim().strip_prefix("vs:").map(str::trim).filter(|side| !side.is_empty());
    let side = side.ok_or_else(|| format!("`{{{inside}}}` names no side: write `{{vs:nginx}}`"))?;
    Ok((name, Some(side.to_owned()), statistic.trim()))
}

fn plain(name: &str, statistic: &str) -> Result<Metric, String> {
    let metric = match name {
        "latency" => return quantile(statistic).map(Metric::Latency),
        "error_rate" => Metric::ErrorRate,
        "rate" => Metric::Rate,
        "cpu_per_request" => Metric::CpuPerRequest,
        "memory_per_connection" => Metric::MemoryPerConnection,
        "rss_peak" => Metric::RssPeak,
        "rr.spread" => Metric::RrSpread,
        _ => {
            return Err(format!(
                "`{name}` is no metric; there are latency, added_latency, error_rate, rate, cpu_per_request, memory_per_connection, rss_peak, rr.spread and ratio"
            ));
        }
    };
    if statistic.is_empty() { Ok(metric) } else { Err(format!("`{statistic}` does not belong to `{name}`")) }
}

fn quantile(text: &str) -> Result<f64, String> {
    let inside = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
    match inside.and_then(|inside| inside.trim().parse::<f64>().ok()) {
        Some(percentile) if percentile > 0.0 && percentile < 100.0 => Ok(percentile / 100.0),
        _ => Err("a latency needs its percentile, such as `p(99)`".to_owned()),
    }
}

/// `1.5x`, `110%` or `1.5`.
fn factor(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.strip_suffix(['x', '×']).unwrap_or(text).trim().parse::<f64>(),
    };
    number
        .ok()
        .filter(|factor| factor.is_finite() && *factor > 0.0)
        .ok_or_else(|| format!("a ratio has a factor for a limit, such as `1.5x` or `110%`, not `{text}`"))
}

fn absolute(metric: Metric, text: &str) -> Result<f64, String> {
    let duration = || text.parse::<fake_backends::behavior::Span>().ok().map(|span| span.0);
    let (limit, unit) = match metric {
        Metric::Latency(_) => (duration().map(|d: Duration| d.as_secs_f64() * 1e3), "a time, such as `50ms`"),
        Metric::CpuPerRequest => {
            (duration().map(|d: Duration| d.as_secs_f64() * 1e6), "a time, such as `60us`")
        }
        Metric::ErrorRate => (
            text.strip_suffix('%')
                .and_then(|percent| percent.trim().parse::<f64>().ok())
                .map(|p| p / 100.0)
                .filter(|share| *share <= 1.0),
            "a share, such as `1%`",
        ),
        Metric::Rate => (super::resolve_load::per_second(text).ok(), "a rate, such as `500/s`"),
        Metric::MemoryPerConnection | Metric::RssPeak => (
            text.parse::<bytesize::ByteSize>()
                .ok()
                .filter(|_| text.ends_with('B'))
                .map(|size| size.as_u64() as f64),
            "a size, such as `64MiB`",
        ),
        Metric::RrSpread => (text.parse::<u32>().ok().map(f64::from), "a count, such as `1`"),
    };
    limit
        .filter(|limit| limit.is_finite() && *limit >= 0.0)
        .ok_or_else(|| format!("`{}` is limited by {unit}, not by `{text}`", metric.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(text: &str) -> Gate {
        text.parse().unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn every_metric_has_its_unit() {
        let parsed = gate("hits: latency p(99.9) < 50ms");
        assert_eq!((parsed.tag.as_deref(), parsed.below, parsed.limit), (Some("hits"), true, 50.0));
        assert!(matches!(parsed.metric, Metric::Latency(q) if (q - 0.999).abs() < 1e-9));
        assert_eq!(gate("hits: error_rate < 1%").limit, 0.01);
        assert_eq!(gate("hits: rate > 450/s").limit, 450.0);
        assert_eq!(gate("hits: cpu_per_request <= 60us").limit, 60.0);
        assert_eq!(gate("idle: memory_per_connection < 1KiB").limit, 1024.0);
        assert_eq!(gate("rss_peak < 64MiB").limit, f64::from(64 << 20));
        assert_eq!(gate("rr.spread < 2").limit, 2.0);
    }

    #[test]
    fn a_limit_may_be_within_or_not() {
        assert!(gate("rr.spread <= 1").holds(1.0) && !gate("rr.spread < 1").holds(1.0));
        assert!(gate("hits: rate >= 400/s").holds(400.0) && !gate("hits: rate > 400/s").holds(400.0));
    }

    #[test]
    fn sides_are_compared_by_ratio_or_difference() {
        let added = gate("hits: added_latency{vs:direct} p(50) < 1ms");
        assert_eq!(added.versus, Some(Versus::Difference("direct".into())));
        for same in ["hits: ratio{vs:nginx} cpu_per_request < 1.2x", "hits: cpu_per_request{vs:nginx} < 120%"]
        {
            let gate = gate(same);
            assert_eq!((gate.metric, gate.limit), (Metric::CpuPerRequest, 1.2));
            assert_eq!(gate.versus, Some(Versus::Ratio("nginx".into())));
        }
        assert_eq!(gate("rss_peak{vs:nginx} < 2x").limit, 2.0);
    }

    #[test]
    fn what_has_no_sense_is_refused_with_a_way_out() {
        for (wrong, hint) in [
            ("hits: latency p(99)", "write"),
            ("hits: latency < 50ms", "percentile"),
            ("hits: latency p(99) < 50", "50ms"),
            ("latency p(99) < 50ms", "TAG"),
            ("hits: rss_peak < 1MiB", "proxy"),
            ("hits: speed < 1ms", "no metric"),
            ("hits: added_latency p(50) < 1ms", "vs:direct"),
            ("hits: latency{nginx} p(50) < 1x", "vs:nginx"),
            ("hits: latency{vs:nginx p(50) < 1x", "brace"),
            ("hits: rate > 500", "500/s"),
            ("rss_peak < 64", "64MiB"),
            ("hits: cpu_per_request{vs:nginx} < 5us", "factor"),
            ("hits: cpu_per_request{vs:nginx} < 1.5xx", "factor"),
            ("hits: error_rate < 150%", "1%"),
        ] {
            let why = wrong.parse::<Gate>().unwrap_err();
            assert!(why.contains(hint), "{why}");
        }
    }
}
