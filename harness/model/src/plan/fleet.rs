//! A fleet under load, resolved: levels parsed, times and rates in those of the case.
//!
//! `fleet` decides and simulates by it, `conductor` drives real instances by it. It holds data alone, and says what becomes of
//! a time or a rate in a run that lets a second stand for minutes and a request for many.

use std::time::Duration;

use fake_backends::behavior::{Distribution, Span};
use serde::{Deserialize, Serialize};

use super::duration_ns;
use super::resolve_load::MOST_PER_SECOND;
use crate::scenario::{FleetStep, PolicyFile};

/// A time is shown by a run where one of its requests takes less than this share of it: of exponential service times one in
/// twenty thousand is so long.
const GRAINS: f64 = 10.0;
/// Requests of a run of which the backends keep a journal.
const MOST_JOURNALLED: f64 = 20_000.0;
/// A client of a run that cannot show patience waits so long at least.
const UNLIMITED: Duration = Duration::from_secs(30);
/// Least control period, in real time: nothing that is looked at more often than a timer ticks is looked at.
const LEAST_PERIOD: Duration = Duration::from_millis(1);

/// A fleet under load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetPlan {
    /// Seconds of the case in one second of the run.
    pub scale: f64,
    /// Requests of the case for which one of the run stands; `None`: as many as `scale`.
    #[serde(default)]
    pub stands_for: Option<f64>,
    /// Fewest instances.
    pub least: usize,
    /// Most instances.
    pub most: usize,
    /// Instances at the beginning; `None`: the fewest.
    #[serde(default)]
    pub start: Option<usize>,
    /// From the decision to the first request, in seconds of the case.
    pub provisioning: f64,
    /// Requests that an instance serves at a time.
    pub places: u32,
    /// How long it serves one, in the time of the case.
    pub service: Distribution,
    /// Seconds of the case between two looks.
    pub period: f64,
    /// What decides how many there are.
    pub policies: Vec<Policy>,
    /// The load.
    pub load: Vec<Stage>,
    /// When an instance dies, in seconds of the case.
    pub fails: Vec<f64>,
    /// Whose answer takes longer, in the time of the case, has given up.
    #[serde(with = "duration_ns")]
    pub timeout: Duration,
}

/// A stage of the load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Requests per second of the case at its end.
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
    /// Mean time that a request stays at an instance, in milliseconds of the case.
    StayMs(f64),
    /// Requests that are inside each healthy instance, the mean over the period: each holds a connection to it.
    Connections(f64),
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
        /// Time after it has added before it adds again; until then what is on its way counts.
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
        /// For how long it must be too low before that.
        #[serde(default)]
        in_lasting: f64,
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
        let stands_for = written.stands_for;
        if stands_for.is_some_and(|requests| !(requests.is_finite() && requests >= 1.0)) {
            return Err(
                "`stands_for` is at least 1: requests of the case for which one of the run stands".into()
            );
        }
        let start = instances.start;
        if start.is_some_and(|start| start < instances.least || start > instances.most) {
            return Err("`start` is at least `least` and at most `most`".into());
        }
        if instances.least > instances.most {
            return Err("`least` is at least 1 and at most `most`".into());
        }
        if instances.most > backends {
            let why = format!(
                "{} instances need as many backends: `backends: {{count: {}}}`",
                instances.most, instances.most
            );
            return Err(why);
        }
        if seconds(written.period) / written.scale < LEAST_PERIOD.as_secs_f64() {
            let (period, least) = (written.period.0, LEAST_PERIOD.mul_f64(written.scale.min(1e9)));
            return Err(format!("{period:?} between two of them is too short: at least {least:?}"));
        }
        let policies: Result<Vec<Policy>, String> = written.policies.iter().map(policy).collect();
        let stage = |stage: &crate::scenario::StageFile| {
            let per_minute = || rate(&stage.to, "/min").map(|rate| rate / 60.0);
            let to_per_second = rate(&stage.to, "/s").or_else(per_minute).ok_or_else(|| {
                format!(
                    "`{}` is no rate: write requests of the case, such as `120/s` or `7200/min`",
                    stage.to
                )
            })?;
            let in_the_run = to_per_second * written.scale / stands_for.unwrap_or(written.scale);
            if in_the_run > MOST_PER_SECOND {
                return Err(format!("`{}` is too many: at most {MOST_PER_SECOND}/s", stage.to));
            }
            Ok(Stage { to_per_second, over: seconds(stage.over) })
        };
        let load: Result<Vec<Stage>, String> = written.load.iter().map(stage).collect();
        Ok(FleetPlan {
            scale: written.scale,
            stands_for,
            least: instances.least,
            most: instances.most,
            start,
            provisioning: seconds(instances.provisioning),
            places: instances.places,
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

    /// Requests of the whole load in the run, about; those of the case are so many times as many as one stands for.
    pub fn requests(&self) -> f64 {
        let starts = std::iter::once(0.0).chain(self.load.iter().map(|stage| stage.to_per_second));
        let area = |(from, stage): (f64, &Stage)| (from + stage.to_per_second) / 2.0 * stage.over;
        starts.zip(&self.load).map(area).sum::<f64>() / self.weight()
    }

    /// The highest rate of the load, in requests per second of the case.
    pub fn peak(&self) -> f64 {
        self.load.iter().map(|stage| stage.to_per_second).fold(0.0, f64::max)
    }

    /// Whether the backends keep a journal of every request; of very many they keep numbers only.
    pub fn is_journalled(&self) -> bool {
        self.requests() <= MOST_JOURNALLED
    }

    /// Requests of the case for which one of the run stands.
    pub fn weight(&self) -> f64 {
        self.stands_for.unwrap_or(self.scale)
    }

    /// Instances at the beginning.
    pub fn beginning(&self) -> usize {
        self.start.unwrap_or(self.least).clamp(self.least, self.most)
    }

    /// What a rate of the case is in the run, in requests per real second.
    pub fn in_the_run(&self, per_second: f64) -> f64 {
        per_second * self.scale / self.weight()
    }

    /// How long an instance of the run serves a request, in real time: as long as the requests for which it stands.
    pub fn service_in_the_run(&self) -> Distribution {
        let factor = self.weight() / self.scale;
        if (factor - 1.0).abs() < 1e-12 { self.service } else { self.service.times(factor) }
    }

    /// How long a client of the run waits, in real time. A wait that the run cannot show is not imitated: requests that are
    /// slow because each stands for many would be lost.
    pub fn patience_in_the_run(&self) -> Duration {
        if self.shows(self.timeout) { self.timeout.div_f64(self.scale) } else { self.timeout.max(UNLIMITED) }
    }

    /// Whether a run can show that answers take longer than a time of the case, or not: only where a single request of it,
    /// which takes as long as all those for which it stands, is small beside that time, or where each stands for itself.
    pub fn shows(&self, time: Duration) -> bool {
        self.weight() <= 1.0 || time.as_secs_f64() >= GRAINS * self.weight() * self.service.mean_seconds()
    }

    /// The same in the time of its owner: a second is a second, and every request stands for itself.
    #[must_use]
    pub fn in_the_owners_time(&self) -> FleetPlan {
        FleetPlan { scale: 1.0, stands_for: None, ..self.clone() }
    }

    /// Instances that a rate of the case keeps busy all the time: fewer have queues that grow.
    pub fn needed(&self, per_second: f64) -> f64 {
        per_second * self.service.mean_seconds() / f64::from(self.places)
    }

    /// Requests per second of the case at a moment of it.
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
        PolicyFile::Target { keep, out_cooldown, in_cooldown, in_for } => Policy::Target {
            keep: proportional(level(keep)?, keep)?,
            out_cooldown: time(out_cooldown),
            in_cooldown: time(in_cooldown),
            in_lasting: time(in_for),
        },
        PolicyFile::Schedule { at, lasting, instances } => {
            Policy::Schedule { at: seconds(*at), lasting: seconds(*lasting), instances: *instances }
        }
    })
}

fn level(text: &str) -> Result<Level, String> {
    let occupancy = text.strip_suffix('%').and_then(|share| share.trim().parse::<f64>().ok());
    let stay = || text.parse::<Span>().ok().map(|span| Level::StayMs(seconds(span) * 1e3));
    let found = match occupancy {
        Some(percent) => Some(Level::Occupancy(percent / 100.0)),
        None => rate(text, "/min")
            .map(Level::RequestsPerMinute)
            .or_else(|| rate(text, "connections").map(Level::Connections))
            .or_else(stay),
    };
    let is_sound = |level: &Level| level.value().is_finite() && level.value() > 0.0;
    found.filter(is_sound).ok_or_else(|| {
        format!(
            "`{text}` is no level: write an occupancy such as `65%`, requests per instance such as `1000/min`, the time that they stay such as `3ms`, or `280 connections`"
        )
    })
}

/// A level that is halved by twice the instances, so that it tells how many are needed.
fn proportional(level: Level, text: &str) -> Result<Level, String> {
    match level {
        Level::StayMs(_) => {
            Err(format!("`{text}` cannot be kept by a number of instances: use `out` and `in` for it"))
        }
        level => Ok(level),
    }
}

impl Level {
    /// The figure, in its own unit.
    pub fn value(self) -> f64 {
        match self {
            Level::Occupancy(value)
            | Level::RequestsPerMinute(value)
            | Level::StayMs(value)
            | Level::Connections(value) => value,
        }
    }
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
    fn a_run_stands_for_the_case_and_shows_what_is_long_beside_its_requests() {
        let mut plan = crate::plan::samples::fleet(Vec::new());
        plan.service = "exponential(40ms)".parse().unwrap();
        (plan.scale, plan.stands_for, plan.timeout) = (120.0, Some(40.0), Duration::from_secs(10));
        // 50 requests per second and instance are 150 in the run, of 13.3 ms each.
        assert_eq!(plan.in_the_run(50.0), 150.0);
        assert!((plan.service_in_the_run().mean_seconds() - 0.04 / 3.0).abs() < 1e-9);
        // One of the run takes 1.6 s of the case.
        assert!(!plan.shows(plan.timeout) && plan.shows(Duration::from_secs(16)));
        assert_eq!(plan.patience_in_the_run(), Duration::from_secs(30));
        plan.timeout = Duration::from_secs(60);
        assert_eq!(
            plan.patience_in_the_run(),
            Duration::from_millis(500),
            "ten seconds of a person are ten of the case"
        );
        let owners = plan.in_the_owners_time();
        assert_eq!((owners.weight(), owners.patience_in_the_run()), (1.0, plan.timeout));
        assert!(owners.shows(Duration::from_millis(400)) && owners.requests() == 40.0 * plan.requests());
    }

    #[test]
    fn levels_have_units() {
        assert_eq!(level("65%"), Ok(Level::Occupancy(0.65)));
        assert_eq!(level("1000/min"), Ok(Level::RequestsPerMinute(1000.0)));
        assert_eq!(level("3ms"), Ok(Level::StayMs(3.0)));
        assert_eq!(level("280 connections"), Ok(Level::Connections(280.0)));
        for wrong in ["65", "0%", "-3/min", "x%", "1000/s", "0ms", "3 parsecs", "x connections"] {
            assert!(level(wrong).is_err(), "{wrong}");
        }
        assert!(proportional(Level::StayMs(3.0), "3ms").is_err());
    }
}
