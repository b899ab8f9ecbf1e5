//! What an adapter declares of its proxy, so that "cannot" becomes *unsupported* and not a false failure.
//!
//! The checks read these and the report names them beside the verdicts they excused. A declaration never excuses
//! anything under `--strict`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::terms::duration_ns;

/// What the proxy can do, by its adapter's word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Where its cache lies.
    pub cache: CacheMedium,
    /// How it learns its TTL.
    pub ttl: TtlSource,
    /// How exactly it keeps to it.
    pub ttl_resolution: Resolution,
    /// The smallest TTL that it can be told, of which every other is a multiple: a minute where it counts minutes.
    #[serde(with = "duration_ns", default = "a_millisecond")]
    pub ttl_step: Duration,
    /// How many independent rotations it runs (workers, threads); one for an exact rotation over the whole process.
    pub rotations: u32,
    /// How long after the last byte an answer may still be missing from the cache.
    #[serde(with = "duration_ns")]
    pub store_lag: Duration,
    /// What else it can be told.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// Source of these declarations, such as the chapter of its manual.
    pub reference: Option<String>,
}

impl Capabilities {
    /// The TTL that it is told for a wanted one: the next multiple of its step, its constant, or the wanted one where it has
    /// none at all.
    pub fn ttl_for(&self, wanted: Option<Duration>) -> Option<Duration> {
        match self.ttl {
            TtlSource::Fixed { ttl } => Some(ttl),
            TtlSource::Arguments | TtlSource::Configuration | TtlSource::None => wanted.map(|ttl| {
                let step = self.ttl_step.as_millis().max(1);
                let steps = ttl.as_millis().div_ceil(step);
                u64::try_from(steps * step).map_or(ttl, Duration::from_millis)
            }),
        }
    }
}

fn a_millisecond() -> Duration {
    Duration::from_millis(1)
}

/// A setting that not every proxy has. One that an adapter does not declare is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The next backend is the one with the fewest open requests.
    LeastConnections,
    /// A limit on the requests of each client address in a second.
    Throttle,
    /// Only some client addresses are let in.
    Allow,
    /// It asks its backends by itself, now and then, whether they are well.
    HealthChecks,
    /// Clients may come by HTTPS: its templates ask `{% if tls_port %}`.
    Tls,
    /// The same by HTTP/2.
    Http2,
    /// The port may be left out: its templates ask `{% if port %}`.
    DefaultPort,
}

impl Setting {
    /// As adapters write it.
    pub const fn name(self) -> &'static str {
        match self {
            Setting::LeastConnections => "least_connections",
            Setting::Throttle => "throttle",
            Setting::Allow => "allow",
            Setting::HealthChecks => "health_checks",
            Setting::Tls => "tls",
            Setting::Http2 => "http2",
            Setting::DefaultPort => "default_port",
        }
    }
}

/// Where a cache lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheMedium {
    /// In files: survives a crash.
    Disk,
    /// In memory: lost at the end of the process.
    Memory,
    /// There is none.
    None,
}

/// How the proxy learns its TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TtlSource {
    /// On its command line, as the assignment asks.
    Arguments,
    /// In its configuration file.
    Configuration,
    /// It is a constant of the program.
    Fixed {
        /// Which.
        #[serde(with = "duration_ns")]
        ttl: Duration,
    },
    /// It has none.
    None,
}

/// How far from the TTL an entry may expire by design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// This much before it.
    #[serde(with = "duration_ns")]
    pub early: Duration,
    /// This much after it.
    #[serde(with = "duration_ns")]
    pub late: Duration,
}

impl Resolution {
    /// What a TTL that is told in such steps is kept to where nothing is declared: a clock of whole seconds is up to a second early
    /// or late, whichever way it compares.
    pub fn of_step(step: Duration) -> Resolution {
        let second = Duration::from_secs(1);
        if step < second { Resolution::default() } else { Resolution { early: second, late: second } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_rounded_up_to_what_the_proxy_can_be_told() {
        let with = |ttl, ttl_step| Capabilities {
            cache: CacheMedium::Disk,
            ttl,
            ttl_resolution: Resolution::default(),
            ttl_step: Duration::from_millis(ttl_step),
            rotations: 1,
            store_lag: Duration::ZERO,
            settings: Vec::new(),
            reference: None,
        };
        let wanted = Some(Duration::from_millis(2_500));
        assert_eq!(with(TtlSource::Arguments, 1).ttl_for(wanted), wanted);
        assert_eq!(with(TtlSource::Arguments, 1_000).ttl_for(wanted), Some(Duration::from_secs(3)));
        assert_eq!(with(TtlSource::Configuration, 60_000).ttl_for(wanted), Some(Duration::from_secs(60)));
        let fixed = TtlSource::Fixed { ttl: Duration::from_secs(30) };
        assert_eq!(with(fixed, 1).ttl_for(wanted), Some(Duration::from_secs(30)));
    }
}
