//! The time: wall clock, because the age of what is on disk must outlive a restart.
//!
//! Cache and balancer ask here. Nothing else in this program reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the module that reads the time")]
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
