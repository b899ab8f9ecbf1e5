//! Waits until nothing is under way any more at the backends.
//!
//! Batches, fills and the conductor call it: counts are judged at quiescent points only. It reads the journal and never
//! waits longer than it is told.

use std::time::Duration;

use fake_backends::journal::Journal;

/// Waits until no attempt is open and there are at least `count` in all, for at most `patience`; says whether that was so.
pub async fn settle(journal: &Journal, count: usize, patience: Duration) -> bool {
    if journal.open_count() == 0 && journal.count() >= count {
        return true;
    }
    let clock = journal.clock();
    let deadline = clock.instant_of(clock.now() + patience);
    let journal = journal.clone();
    let wait = move || journal.wait_for_count(count, deadline) && journal.wait_until_quiet(deadline);
    tokio::task::spawn_blocking(wait).await.unwrap_or(false)
}
