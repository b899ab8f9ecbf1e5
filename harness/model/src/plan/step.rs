//! The steps that a run can take, resolved: no units left to parse, no names left to look up.
//!
//! The conductor has one arm per kind and the estimate one figure per kind. A step says what is done, never what is
//! expected of it: expectations are checks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CapacitySearch, CaseStep, ClientKind, CloudStep, Connections, Load, ProxySettings, SourceLine,
    duration_ns,
};
use crate::catalogue::{CheckId, StepName};
use crate::terms::{Beside, Cut, Misuse, Over};

/// One step with its place in the scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Position in the unrolled plan; events and verdicts refer to it.
    pub index: usize,
    /// Name that later steps and checks refer to (`as:`), such as `stored`.
    pub label: Option<String>,
    /// Cycle number where the step comes from a `repeat`, from zero.
    pub cycle: u32,
    /// Where the scenario says so.
    pub line: SourceLine,
    /// What is done.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// GET each key once so that it is cached; then again, for those to be confirmed as hits.
    Fill(Fill),
    /// One GET per filled key at a planned age.
    Probe(Probe),
    /// GET the same keys over and over, to see whether hits prolong their life.
    Sliding(Sliding),
    /// GET filled keys once more, now, and compare.
    Reread(Reread),
    /// Requests one after the other.
    Serial(Serial),
    /// Batches of simultaneous requests with quiescence after each.
    Batches(Batches),
    /// k requests that the backends hold until all k are inside.
    Overlap(Overlap),
    /// A slow request, and fast ones that must not wait for it.
    Overtake(Overtake),
    /// Traffic by an executor; its latencies are recorded as histograms.
    Load(Load),
    /// Traffic of rising rate, in search of the highest that is kept.
    Capacity(CapacitySearch),
    /// Ends the proxy with SIGKILL, optionally in the middle of traffic that writes to its cache.
    Crash(CrashLoad),
    /// Starts the proxy again (after a crash), or stops it in an orderly way first.
    Restart(Restart),
    /// Takes backends down or brings them back.
    Backends(BackendChange),
    /// A step of a cloud case.
    Cloud(CloudStep),
    /// A step of a case about the balancer.
    Case(CaseStep),
    /// One request exactly as written, once or several times.
    Exact(Exact),
    /// Handshakes of every kind, and a request after each.
    Handshakes(Handshakes),
    /// Lets time pass.
    Wait {
        /// For how long.
        #[serde(with = "duration_ns")]
        duration: Duration,
    },
}

impl StepKind {
    /// Its name, without what it does.
    pub const fn name(&self) -> StepName {
        match self {
            StepKind::Fill(_) => StepName::Fill,
            StepKind::Probe(_) => StepName::Probe,
            StepKind::Sliding(_) => StepName::Sliding,
            StepKind::Reread(_) => StepName::Reread,
            StepKind::Serial(_) => StepName::Serial,
            StepKind::Batches(_) => StepName::Batches,
            StepKind::Overlap(_) => StepName::Overlap,
            StepKind::Overtake(_) => StepName::Overtake,
            StepKind::Load(_) => StepName::Load,
            StepKind::Capacity(_) => StepName::Capacity,
            StepKind::Crash(_) => StepName::Crash,
            StepKind::Restart(_) => StepName::Restart,
            StepKind::Backends(_) => StepName::Backends,
            StepKind::Cloud(CloudStep::Fleet(_)) => StepName::Fleet,
            StepKind::Cloud(CloudStep::Users(_) | CloudStep::Deliveries(_)) => StepName::Cloud,
            StepKind::Case(_) => StepName::Case,
            StepKind::Exact(_) => StepName::Exchange,
            StepKind::Handshakes(_) => StepName::Handshakes,
            StepKind::Wait { .. } => StepName::Wait,
        }
    }

    /// What its requests travel over.
    pub const fn over(&self) -> Over {
        match self {
            StepKind::Exact(exact) => exact.over,
            StepKind::Handshakes(_) => Over::Tls,
            _ => Over::Plain,
        }
    }

    /// Whether it changes the state of the proxy or of its backends and asks nothing.
    pub const fn changes_state(&self) -> bool {
        matches!(
            self,
            StepKind::Crash(_) | StepKind::Restart(_) | StepKind::Backends(_) | StepKind::Wait { .. }
        )
    }

    /// Whether the backends keep a journal of what reaches them during it; of much they keep numbers only.
    pub fn is_journalled(&self) -> bool {
        match self {
            StepKind::Load(load) => load.shape.journal,
            StepKind::Cloud(CloudStep::Fleet(plan)) => plan.is_journalled(),
            StepKind::Capacity(_) | StepKind::Case(CaseStep::Overload(_)) => false,
            _ => true,
        }
    }
}

/// GET each key once, `vus` at a time, and confirm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fill {
    /// Number of keys.
    pub keys: u32,
    /// Target of each, `{key}` replaced by its number and `{cycle}` by the cycle; unique per run.
    pub path: String,
    /// Requests in flight at a time.
    pub vus: u32,
    /// How many of the keys are asked for a second time, to see that they are served without a backend.
    pub confirm: u32,
    /// Time over which the fills are spread, so that ages differ (`ttl.per_resource`); zero: as fast as they go.
    #[serde(with = "duration_ns")]
    pub spread: Duration,
}

/// When a probe of a key is sent, relative to the instant its filling answer was complete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbeTime {
    /// The age around which probes are placed: the TTL in force.
    #[serde(with = "duration_ns")]
    pub ttl: Duration,
    /// Earliest probe: this much before the TTL.
    #[serde(with = "duration_ns")]
    pub before: Duration,
    /// Latest probe: this much after the TTL.
    #[serde(with = "duration_ns")]
    pub after: Duration,
    /// So much of `before` decides nothing, by the proxy's resolution.
    #[serde(default, with = "duration_ns")]
    pub undecided_before: Duration,
    /// The same of `after`.
    #[serde(default, with = "duration_ns")]
    pub undecided_after: Duration,
}

impl ProbeTime {
    /// A window of the same width on either side, all of which decides.
    pub fn around(ttl: Duration, window: Duration) -> ProbeTime {
        let none = Duration::ZERO;
        ProbeTime { ttl, before: window, after: window, undecided_before: none, undecided_after: none }
    }

    /// The age at which the probe of a share of all is sent, from 0 to 1. Evenly over the window; where a part of it decides nothing, a
    /// quarter of the probes draws the curve there and the others lie on either side.
    pub fn age(&self, share: f64) -> Duration {
        let earliest = self.ttl.saturating_sub(self.before);
        let middle = self.undecided_before.min(self.before) + self.undecided_after.min(self.after);
        if middle.is_zero() {
            return earliest + (self.before + self.after).mul_f64(share);
        }
        let before = self.before.saturating_sub(self.undecided_before);
        let after = self.after.saturating_sub(self.undecided_after);
        match share {
            // On a busy host a probe comes late: none lies so near to the middle that it would be lost in it.
            early if early < 0.375 => earliest + before.mul_f64(early / 0.375 * 0.75),
            late if late >= 0.625 => earliest + before + middle + after.mul_f64((late - 0.625) / 0.375),
            between => earliest + before + middle.mul_f64((between - 0.375) / 0.25),
        }
    }
}

/// One GET per filled key, spread over a window around the TTL.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// The step whose keys are probed.
    pub of: usize,
    /// When.
    pub at: ProbeTime,
}

/// The same keys over and over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sliding {
    /// Number of keys.
    pub keys: u32,
    /// Target of each.
    pub path: String,
    /// Pause between two requests for a key.
    #[serde(with = "duration_ns")]
    pub every: Duration,
    /// How long in all.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
    /// The TTL in force.
    #[serde(with = "duration_ns")]
    pub ttl: Duration,
}

/// Filled keys, once more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reread {
    /// The step whose keys are read again.
    pub of: usize,
    /// Only keys that were confirmed as hits (what "kept" may be judged on); otherwise every key that was ever asked for.
    pub confirmed_only: bool,
    /// Also every key that the last crash load wrote.
    pub crash_keys: bool,
    /// Requests in flight at a time.
    pub vus: u32,
}

/// Requests one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Serial {
    /// How many.
    pub requests: u32,
    /// Method.
    pub method: String,
    /// Target, `{n}` replaced by the number of the request.
    pub path: String,
    /// Length of a request body in bytes, zero for none.
    pub body_bytes: u64,
    /// How they are laid on connections.
    pub connections: Connections,
    /// Who sends.
    pub client: ClientKind,
}

/// Batches of simultaneous requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batches {
    /// Number of batches.
    pub count: u32,
    /// Requests of a batch, sent together on as many connections.
    pub size: u32,
    /// Target, `{n}` replaced by the running number, `{batch}` by the batch.
    pub path: String,
    /// Persistent connections kept over the batches, or new ones each time.
    pub connections: Connections,
}

/// k requests inside the backends at the same instant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overlap {
    /// k.
    pub requests: u32,
    /// Target, `{n}` replaced; its route in the backends' script holds a barrier of k.
    pub path: String,
    /// How long the backends wait for the k-th before they answer all the same.
    #[serde(with = "duration_ns")]
    pub deadline: Duration,
}

/// A slow request and fast ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overtake {
    /// Target of the slow request.
    pub slow: String,
    /// Target of the fast ones, `{n}` replaced.
    pub fast: String,
    /// Number of fast ones, one after the other while the slow one is in the backend.
    pub requests: u32,
    /// How long the backend takes for the slow one.
    #[serde(with = "duration_ns")]
    pub slow_takes: Duration,
}

/// SIGKILL, optionally under write load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CrashLoad {
    /// Clients that ask for new keys all the time until the kill; zero: none.
    pub vus: u32,
    /// Target of those keys, `{n}` and `{cycle}` replaced.
    pub path: String,
    /// Earliest instant of the kill after the load began.
    #[serde(with = "duration_ns")]
    pub after_least: Duration,
    /// Latest; the instant is drawn by the seed.
    #[serde(with = "duration_ns")]
    pub after_most: Duration,
}

/// The proxy, again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Restart {
    /// Whether a proxy that still runs is stopped in an orderly way first; otherwise it must have crashed.
    pub stop_first: bool,
    /// Whether its cache is wiped before.
    pub wipe: bool,
    /// Other settings from now on.
    pub settings: Option<ProxySettings>,
    /// Time that must have passed since it ended.
    #[serde(with = "duration_ns")]
    pub downtime: Duration,
}

/// Backends go down or come back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackendChange {
    /// Indices of the backends concerned.
    pub which: Vec<usize>,
    /// Whether they answer from now on; otherwise connections to them are refused.
    pub up: bool,
}

/// One request exactly as written; the check that it belongs to knows what should come of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exact {
    /// The check that judges it.
    pub asks: CheckId,
    /// Method.
    pub method: String,
    /// Target, `{n}` replaced by the number of the request.
    pub path: String,
    /// More fields, `Name: value`, in this order.
    pub fields: Vec<String>,
    /// Length in bytes of a field that makes the head long; zero: none.
    pub long_head_bytes: u64,
    /// Length of the body in bytes, zero for none.
    pub body_bytes: u64,
    /// Whether the body is sent in chunks.
    pub chunked: bool,
    /// Where the request is cut into segments.
    pub cut: Vec<Cut>,
    /// Pause between segments.
    #[serde(with = "duration_ns")]
    pub pause: Duration,
    /// Whether the client speaks HTTP/1.0.
    pub http10: bool,
    /// How often it is sent.
    pub times: u32,
    /// How many of them at the same instant.
    pub at_once: u32,
    /// Whether they share a connection.
    pub keep: bool,
    /// Whether they are sent without waiting for answers, on one connection.
    pub pipelined: bool,
    /// The client breaks off after so many bytes of a body; after none it closes as soon as it has asked.
    pub leaves_after: Option<u64>,
    /// What it travels over.
    #[serde(default)]
    pub over: Over,
    /// Whether the proxy is given another certificate in the middle of the first ones.
    #[serde(default)]
    pub renews_certificate: bool,
    /// What somebody does with HTTP/2 meanwhile.
    #[serde(default)]
    pub misuse: Option<Misuse>,
    /// What other clients do meanwhile.
    pub beside: Option<Beside>,
    /// An answer that takes longer is none.
    #[serde(with = "duration_ns")]
    pub within: Duration,
    /// All of it once more each second, for so long at most, until a whole round was answered and every backend asked that is up.
    #[serde(default, with = "duration_ns::option")]
    pub keep_asking: Option<Duration>,
    /// Where nothing came within `within`: waited for on, for so long at most, while the proxy has left no backend that says nothing.
    #[serde(default, with = "duration_ns::option")]
    pub keep_waiting: Option<Duration>,
}

/// Handshakes of every kind: each version of TLS alone, each offer of protocols.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handshakes {
    /// What is asked for on each connection that is made so, `{n}` replaced.
    pub path: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_spent_where_they_decide() {
        let second = Duration::from_secs(1);
        let even = ProbeTime::around(2 * second, second);
        assert_eq!((even.age(0.0), even.age(0.5), even.age(1.0)), (second, 2 * second, 3 * second));
        let coarse = ProbeTime {
            before: 2 * second,
            after: 2 * second,
            undecided_before: second,
            undecided_after: second,
            ..ProbeTime::around(4 * second, second)
        };
        let ages: Vec<f64> =
            (0..100).map(|n| coarse.age((f64::from(n) + 0.5) / 100.0).as_secs_f64()).collect();
        assert!(ages.is_sorted() && ages[0] >= 2.0 && ages[99] <= 6.0, "{ages:?}");
        assert!(ages.iter().filter(|&&age| age < 3.0).count() >= 37);
        assert!(ages.iter().filter(|&&age| age > 5.0).count() >= 37);
    }
}
