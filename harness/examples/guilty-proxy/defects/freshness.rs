//! Defects of age: an entry that lives too long.
//!
//! The cache asks at every look-up. The honest rule: fresh until its age reaches the TTL, whatever happens to it.

use std::time::Duration;

use super::Defect;

/// Whether an entry may still be served.
pub fn is_fresh(defect: Defect, stored: Duration, now: Duration, ttl: Duration) -> bool {
    let age = now.saturating_sub(stored);
    match defect {
        Defect::NeverExpires => true,
        Defect::ExpiresAtTwiceTtl => age < 2 * ttl,
        _ => age < ttl,
    }
}

/// Whether a hit makes the entry as good as new.
pub fn hit_renews(defect: Defect) -> bool {
    defect == Defect::Sliding
}
