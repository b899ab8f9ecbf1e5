//! A fleet under load, resolved: levels parsed, times in seconds of the case.
//!
//! `fleet` decides and simulates by it, `conductor` drives real instances by it. It holds data alone.

use std::time::Duration;

use fake_backends::behavior::{Distribution, Span};
use serde::{Deserialize, Serialize};

use super::duration_ns;
use crate::scenario::{FleetStep, PolicyFile};

/// A fleet under load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetPlan {
    /// Seconds of the case in one second of the run.
    pub scale: f64,
    /// Fewest instances, and as many as there are at the beginning.
    pub least: usize,
    /// Most instances.
    pub most: usize,
    /// From the decision to the first request, in seconds of the case.
    pub provisioning: f64,
    /// Requests that an instance serves at a time.
    pub places: u32,
    /// How long it serves one, in real time.
    pub service: Distribution,
    /// Seconds of the case between two looks.
    pub period: f64,
    /// What decides how many there are.
    pub policies: Vec<Policy>,
    /// The load.
    pub load: Vec<Stage>,
    /// When an instance dies, in seconds of the case.
    pub fails: Vec<f64>,
    /// A request that takes longer (in real time) is lost.
    #[serde(with = "duration_ns")]
    pub timeout: Duration,
}

/// A stage of the load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Requests per real second at its end.
    pub to_per_second: f64,
    /// Its length in seconds of the case.
    pub over: f64,
}

/// What a policy looks at, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Share of the places that were taken, between 0 and 1, the mean over the healthy instances.
    Occupancy(f64),
    /// Requests per healthy instance and minute of the case.
    RequestsPerMinute(f64),
}

/// One policy; times in seconds of the case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Adds instances once a level was exceeded for a time.
    Out {
        /// The level.
        above: Level,
        /// For how long.
        lasting: f64,
        /// How many.
        add: usize,
        /// Time after it before it acts again.
        cooldown: f64,
    },
    /// Takes instances away once a level was undercut for a time.
    In {
        /// The level.
        below: Level,
        /// For how long.
        lasting: f64,
        /// How many.
        remove: usize,
        /// Time after any change before it acts.
        cooldown: f64,
    },
    /// Keeps a level.
    Target {
        /// The level.
        keep: Level,
        /// Time after it has added before it adds again.
        out_cooldown: f64,
        /// Time after any change before it takes away.
        in_cooldown: f64,
    },
    /// At least so many for a while.
    Schedule {
        /// From the beginning of the step.
        at: f64,
        /// For how long.
        lasting: f64,
        /// How many.
        instances: usize,
    },
}

impl FleetPlan {
    /// From the step as written, for so many backends.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn of(written: &FleetStep, backends: usize) -> Result<FleetPlan, String> {
        let instances = &written.instances;
        if !(written.scale.is_finite() && written.scale >= 1.0) {
            return Err("`scale` is at least 1: seconds of the case in one second of the run".into());
        }
        if instances.least == 0 || instances.least > instances.most {
            return Err("`least` is at least 1 and at most `most`".into());
        }
        if instances.most > backends {
            let why = format!(
                "{} instances need as many backends: `backends: {{count: {}}}`",
                instances.most, instances.most
            );
            return Err(why);
        }
        if written.period.0.is_zero() {
            return Err("`period` is longer than nothing, such as `30s`".into());
        }
        let policies: Result<Vec<Policy>, String> = written.policies.iter().map(policy).collect();
        let stage = |stage: &crate::scenario::StageFile| {
            let to_per_second = rate(&stage.to, "/s").ok_or_else(|| {
                format!("`{}` is no rate: write requests per real second, such as `120/s`", stage.to)
            })?;
            Ok(Stage { to_per_second, over: seconds(stage.over) })
        };
        let load: Result<Vec<Stage>, String> = written.load.iter().map(stage).collect();
        Ok(FleetPlan {
            scale: written.scale,
            least: instances.least,
            most: instances.most,
            provisioning: seconds(instances.provisioning),
            places: instances.places.max(1),
            service: instances.service,
            period: seconds(written.period),
            policies: policies?,
            load: load?,
            fails: written.fails.iter().map(|at| seconds(*at)).collect(),
            timeout: written.timeout.map_or(Duration::from_secs(10), |span| span.0),
        })
    }

    /// How long the load lasts, in seconds of the case.
    pub fn length(&self) -> f64 {
        self.load.iter().map(|stage| stage.over).sum()
    }

    /// How long it lasts in real time.
    pub fn real_time(&self) -> Duration {
        Duration::try_from_secs_f64(self.length() / self.scale).unwrap_or(Duration::MAX)
    }

    /// Requests of the whole load, about.
    pub fn requests(&self) -> f64 {
        let starts = std::iter::once(0.0).chain(self.load.iter().map(|stage| stage.to_per_second));
        let area =
            |(from, stage): (f64, &Stage)| (from + stage.to_per_second) / 2.0 * stage.over / self.scale;
        starts.zip(&self.load).map(area).sum()
    }

    /// Instances that a rate in requests per real second keeps busy all the time: fewer have queues that grow.
    pub fn needed(&self, per_second: f64) -> f64 {
        per_second * self.service.mean_seconds() / f64::from(self.places)
    }

    /// Requests per real second at a moment of the case.
    pub fn rate_at(&self, at: f64) -> f64 {
        let (mut begin, mut from) = (0.0, 0.0);
        for stage in &self.load {
            if at < begin + stage.over {
                return from + (stage.to_per_second - from) * ((at - begin) / stage.over);
            }
            (begin, from) = (begin + stage.over, stage.to_per_second);
        }
        from
    }
}

fn policy(written: &PolicyFile) -> Result<Policy, String> {
    let time = |span: &Option<Span>| span.map_or(0.0, seconds);
    Ok(match written {
        PolicyFile::Out { above, lasting, add, cooldown } => Policy::Out {
            above: level(above)?,
            lasting: seconds(*lasting),
            add: *add,
            cooldown: time(cooldown),
        },
        PolicyFile::In { below, lasting, remove, cooldown } => Policy::In {
            below: level(below)?,
            lasting: seconds(*lasting),
            remove: *remove,
            cooldown: time(cooldown),
        },
        PolicyFile::Target { keep, out_cooldown, in_cooldown } => Policy::Target {
            keep: level(keep)?,
            out_cooldown: time(out_cooldown),
            in_cooldown: time(in_cooldown),
        },
        PolicyFile::Schedule { at, lasting, instances } => {
            Policy::Schedule { at: seconds(*at), lasting: seconds(*lasting), instances: *instances }
        }
    })
}

fn level(text: &str) -> Result<Level, String> {
    let occupancy = text.strip_suffix('%').and_then(|share| share.trim().parse::<f64>().ok());
    let found = match occupancy {
        Some(percent) => Some(Level::Occupancy(percent / 100.0)),
        None => rate(text, "/min").map(Level::RequestsPerMinute),
    };
    let is_sound = |level: &Level| matches!(level, Level::Occupancy(v) | Level::RequestsPerMinute(v) if v.is_finite() && *v > 0.0);
    found.filter(is_sound).ok_or_else(|| {
        format!("`{text}` is no level: write an occupancy such as `65%`, or requests per instance such as `1000/min`")
    })
}

fn rate(text: &str, unit: &str) -> Option<f64> {
    let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn seconds(span: Span) -> f64 {
    span.0.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_units() {
        assert_eq!(level("65%"), Ok(Level::Occupancy(0.65)));
        assert_eq!(level("1000/min"), Ok(Level::RequestsPerMinute(1000.0)));
        for wrong in ["65", "0%", "-3/min", "x%", "1000/s"] {
            assert!(level(wrong).is_err(), "{wrong}");
        }
    }
}
