//! Defects of age: an entry that lives too long, or whose age is not its own.
//!
//! The cache asks at every look-up. The honest rule: fresh until its age reaches the TTL, whatever happens to it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use super::Defect;

/// What the freshness of an entry depends on.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When it was stored.
    pub stored: Duration,
    /// When this process started.
    pub started: Duration,
    /// Now.
    pub now: Duration,
    /// What was handed over at launch.
    pub ttl: Duration,
}

/// Whether an entry may still be served.
pub fn is_fresh(defect: Defect, times: Times) -> bool {
    let Times { stored, started, now, ttl } = times;
    let age = now.saturating_sub(stored);
    match defect {
        Defect::NeverExpires => true,
        Defect::ExpiresAtTwiceTtl => age < 2 * ttl,
        Defect::TtlConstant => age < Duration::from_secs(2),
        Defect::TtlInMinutes => age < 60 * ttl,
        Defect::RestartRenews => now.saturating_sub(stored.max(started)) < ttl,
        Defect::SweptAtOnce => {
            let sweep = |at: Duration| at.saturating_sub(started).as_nanos() / ttl.as_nanos().max(1);
            sweep(now) == sweep(stored)
        }
        _ => age < ttl,
    }
}

/// Whether a hit makes the entry as good as new.
pub fn hit_renews(defect: Defect) -> bool {
    defect == Defect::Sliding
}

/// Whether an expired entry is served all the same: once for each target.
pub fn served_once_more(defect: Defect, target: &str) -> bool {
    static SERVED: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    if defect != Defect::StaleOnce {
        return false;
    }
    let mut served = SERVED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    served.get_or_insert_default().insert(target.to_owned())
}
