//! Where requests meet: barriers that open when enough requests are inside at the same instant, at whichever backend.
//!
//! `perform` waits here; the harness shares one set of meeting points among all backends of a run. Who leaves before it
//! opens is not counted; it never opens later than its deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Barriers by name. Clones mean the same barriers.
#[derive(Clone, Debug, Default)]
pub struct MeetingPoints {
    inner: Arc<Mutex<Points>>,
}

#[derive(Debug, Default)]
struct Points {
    groups: HashMap<String, Group>,
    /// Number of the next group: a barrier of the same name is another one after it has opened.
    next: u64,
}

#[derive(Debug)]
struct Group {
    number: u64,
    inside: u32,
    deadline: Instant,
    opened: watch::Sender<Option<u32>>,
}

/// Leaves the group when the request does not wait any more.
struct Waiting<'a> {
    points: &'a MeetingPoints,
    name: &'a str,
    number: u64,
}

impl MeetingPoints {
    /// Waits until `wanted` requests are inside, or until the first of them has waited for `deadline`; says how many
    /// were inside when it opened, this one included.
    pub(super) async fn meet(&self, name: &str, wanted: u32, deadline: Duration) -> u32 {
        let (mut opened, number, deadline) = {
            let mut points = self.lock();
            let fresh = points.next;
            let group = points.groups.entry(name.to_owned()).or_insert_with(|| Group {
                number: fresh,
                inside: 0,
                deadline: Instant::now() + deadline,
                opened: watch::Sender::new(None),
            });
            group.inside += 1;
            let (number, due) = (group.number, group.deadline);
            let receiver = group.opened.subscribe();
            if number == fresh {
                points.next += 1;
            }
            if let Some(inside) =
                points.groups.get(name).map(|group| group.inside).filter(|inside| *inside >= wanted)
            {
                points.open(name, number);
                return inside;
            }
            (receiver, number, due)
        };
        let _waiting = Waiting { points: self, name, number };
        let in_time = tokio::time::timeout_at(deadline, opened.wait_for(Option::is_some)).await;
        // The value is copied out at once: it must not stay borrowed.
        let in_time = in_time.ok().and_then(Result::ok).and_then(|inside| *inside);
        if let Some(inside) = in_time {
            return inside;
        }
        // The time is over for all of the group, unless it has opened this very moment.
        self.lock().open(name, number).or_else(|| *opened.borrow()).unwrap_or(1)
    }

    fn lock(&self) -> MutexGuard<'_, Points> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Points {
    /// Lets everybody of a group go; how many they were, where it had not opened before.
    fn open(&mut self, name: &str, number: u64) -> Option<u32> {
        if self.groups.get(name)?.number != number {
            return None;
        }
        let group = self.groups.remove(name)?;
        group.opened.send_replace(Some(group.inside));
        Some(group.inside)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut points = self.points.lock();
        if let Some(group) = points.groups.get_mut(self.name)
            && group.number == self.number
        {
            group.inside -= 1;
            if group.inside == 0 {
                points.groups.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn it_opens_when_enough_are_inside_and_closes_again() {
        let points = MeetingPoints::default();
        for _ in 0..2 {
            let three =
                tokio::join!(points.meet("a", 3, LONG), points.meet("a", 3, LONG), points.meet("a", 3, LONG));
            assert_eq!(three, (3, 3, 3));
        }
    }

    #[tokio::test]
    async fn it_opens_at_the_deadline_of_the_first_for_those_who_are_there() {
        let points = MeetingPoints::default();
        // Joined in this order, the second arrives while the first waits, and its own deadline is far away.
        let short = Duration::from_millis(30);
        assert_eq!(tokio::join!(points.meet("a", 3, short), points.meet("a", 3, LONG)), (2, 2));
    }

    #[tokio::test]
    async fn who_leaves_is_not_counted() {
        let points = MeetingPoints::default();
        let short = Duration::from_millis(10);
        assert!(tokio::time::timeout(short, points.meet("a", 2, LONG)).await.is_err());
        assert_eq!(points.meet("a", 2, short).await, 1);
        assert!(points.lock().groups.is_empty());
    }
}
