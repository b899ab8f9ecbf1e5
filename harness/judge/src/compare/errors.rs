//! Whether so much of a load went wrong that the rest says nothing of speed or cost: fast errors must not look like speed.
//!
//! `one_run` and `gates` ask it before they judge a latency, a cost or a share of memory.

use harness_model::plan::{Gate, Metric};
use harness_model::statistics::clopper_pearson;

/// Largest share of errors beside a limit on speed or cost, where no threshold gives another.
const ERROR_RATE: f64 = 0.01;
/// Confidence of each end of an interval.
pub(super) const BOUND: f64 = 0.95;

/// The share of errors and the limit that it is past with certainty; `None` where there is no such doubt.
pub(super) fn too_many(gate: &Gate, all: &[Gate], sent: u64, good: u64) -> Option<(f64, f64)> {
    if !matches!(gate.metric, Metric::Latency(_) | Metric::CpuPerRequest | Metric::MemoryPerConnection) {
        return None;
    }
    let of_tag = |other: &&Gate| {
        other.tag == gate.tag && other.metric == Metric::ErrorRate && other.versus.is_none() && other.below
    };
    let limit = all.iter().find(of_tag).map_or(ERROR_RATE, |other| other.limit);
    let errors = sent - good.min(sent);
    let certain = clopper_pearson(errors, sent, 2.0 * BOUND - 1.0).low > limit;
    certain.then_some((errors as f64 / sent.max(1) as f64, limit))
}
