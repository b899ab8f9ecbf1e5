//! How long a request is given: less where nothing has been answered for long, more where the host is busy.
//!
//! All kinds of clients wait through [`Deadline`]. What was given in the end stands in the exchange beside what was planned, so
//! that a time-out of ours is not taken for a fault of theirs. Whether the host is busy is told from outside.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use harness_model::history::{ExchangeEnd, Patience, Purpose};

/// A proxy that has not answered so many requests in a row is given less time for each, or a run on one that hangs
/// everywhere would last for hours. Its next answer restores its time.
const MUTE_AFTER: u64 = 4;
const MUTE_PATIENCE: Duration = Duration::from_secs(1);
/// The same after so many: what has answered nothing for so long is hardly about to.
const LONG_MUTE_AFTER: u64 = 40;
const LONG_MUTE_PATIENCE: Duration = Duration::from_millis(300);

/// A share of time, in percent, in which tasks waited for a CPU, below which a host counts as quiet: two of three CPUs in use.
const QUIET_BELOW: u32 = 30;
/// On a host on which some task always waits, a request gets so many times as long, but never so much more.
const LONGEST: u32 = 3;
const AT_MOST_MORE: Duration = Duration::from_secs(5);
/// What a connection says that was not made in time.
pub(super) const NO_ANSWER_TO_CONNECT: &str = "no answer to the connection request in time";

/// How busy the host is, as whoever watches it says now and then. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Strain {
    percent: Arc<AtomicU32>,
}

impl Strain {
    /// Says in which share of the last moments tasks waited for a CPU, between 0 and 1.
    pub fn set(&self, share: f64) {
        self.percent.store((share.clamp(0.0, 1.0) * 100.0) as u32, Ordering::Relaxed);
    }

    /// So long is given right now for what takes so long on a host with a CPU to spare.
    pub fn stretched(&self, planned: Duration) -> Duration {
        planned * self.stretch() / 100
    }

    /// So many times as long as planned is right now, in percent.
    fn stretch(&self) -> u32 {
        match self.percent.load(Ordering::Relaxed) {
            ..QUIET_BELOW => 100,
            percent => 100 + (LONGEST - 1) * percent,
        }
    }
}

/// Requests that were left without an answer.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    in_a_row: AtomicU64,
    all: AtomicU64,
    /// Those whose connection ended before their answer did.
    broken: AtomicU64,
    /// Whether anything was ever answered.
    answered: AtomicBool,
    /// Those in a row within a step that ended in the same way: without a byte, or in the middle of an answer.
    alike: Mutex<Alike>,
    /// Of each purpose whether anything was ever answered, and how many requests were left so.
    purposes: Mutex<Vec<(Purpose, bool, u32)>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Alike {
    count: u32,
    begun: bool,
}

/// After so many alike a third would tell nothing new.
const ENOUGH: u32 = 2;

impl Unanswered {
    /// Counts an end.
    pub(super) fn note(&self, purpose: Purpose, end: &ExchangeEnd, begun: bool) {
        self.note_purpose(purpose, is_unanswered(end), begun);
        if matches!(
            end,
            ExchangeEnd::NotConnected(_) | ExchangeEnd::ClosedWithoutAnswer | ExchangeEnd::CutShort(_)
        ) {
            self.broken.fetch_add(1, Ordering::Relaxed);
        }
        let mut alike = self.alike.lock().unwrap_or_else(PoisonError::into_inner);
        if is_unanswered(end) {
            let count = if alike.begun == begun { alike.count + 1 } else { 1 };
            *alike = Alike { count, begun };
            self.in_a_row.fetch_add(1, Ordering::Relaxed);
            self.all.fetch_add(1, Ordering::Relaxed);
        } else if !end.is_ours() {
            self.in_a_row.store(0, Ordering::Relaxed);
            self.answered.store(true, Ordering::Relaxed);
            alike.count = 0;
        }
    }

    /// How many there were where nothing else ever came; none where anything did.
    pub(super) fn never_answered(&self) -> u64 {
        if self.answered.load(Ordering::Relaxed) { 0 } else { self.all() }
    }

    /// Forgets what was alike.
    pub(super) fn begin_step(&self) {
        self.alike.lock().unwrap_or_else(PoisonError::into_inner).count = 0;
    }

    /// It answers again: what comes next gets its whole time.
    pub(super) fn end_of_silence(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// How many were alike, where that is enough.
    pub(super) fn enough(&self) -> Option<u32> {
        let count = self.alike.lock().unwrap_or_else(PoisonError::into_inner).count;
        (count >= ENOUGH).then_some(count)
    }

    fn note_purpose(&self, purpose: Purpose, unanswered: bool, begun: bool) {
        let mut purposes = self.purposes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = purposes.iter().position(|(known, ..)| *known == purpose);
        let place = known.unwrap_or_else(|| {
            purposes.push((purpose, false, 0));
            purposes.len() - 1
        });
        purposes[place].1 |= begun && !unanswered;
        purposes[place].2 += u32::from(unanswered);
    }

    /// Whether all that was asked for this purpose so far came to nothing, and enough of it by silence.
    fn is_in_vain(&self, purpose: Purpose) -> bool {
        let purposes = self.purposes.lock().unwrap_or_else(PoisonError::into_inner);
        purposes.iter().any(|(known, answered, silent)| *known == purpose && !answered && *silent >= ENOUGH)
    }

    /// How many there were so far.
    pub(super) fn all(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// How many connections ended before their answer did.
    pub(super) fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    /// The same counts, for clients that go on elsewhere.
    pub(super) fn again(&self) -> Unanswered {
        let now = |count: &AtomicU64| AtomicU64::new(count.load(Ordering::Relaxed));
        let answered = AtomicBool::new(self.answered.load(Ordering::Relaxed));
        Unanswered {
            answered,
            in_a_row: now(&self.in_a_row),
            all: now(&self.all),
            broken: now(&self.broken),
            alike: Mutex::default(),
            purposes: Mutex::default(),
        }
    }

    /// What a request is given of the time that its step plans.
    pub(super) fn leave(&self, purpose: Purpose, planned: Duration) -> Duration {
        if self.is_in_vain(purpose) {
            return planned.min(MUTE_PATIENCE);
        }
        match self.in_a_row.load(Ordering::Relaxed) {
            LONG_MUTE_AFTER.. => planned.min(LONG_MUTE_PATIENCE),
            MUTE_AFTER.. => planned.min(MUTE_PATIENCE),
            _ => planned,
        }
    }
}

/// Whether an end means that nothing came in time.
pub(in crate::traffic) fn is_unanswered(end: &ExchangeEnd) -> bool {
    match end {
        ExchangeEnd::TimedOut => true,
        ExchangeEnd::NotConnected(why) => why == NO_ANSWER_TO_CONNECT,
        _ => false,
    }
}

/// The instant at which a request is given up. It moves once, where the host turns out to be busy when it comes.
#[derive(Debug)]
pub(super) struct Deadline {
    from: Instant,
    patience: Patience,
    /// `None` where lateness is what is measured.
    strain: Option<Strain>,
    /// Ends it before its time.
    given_up: CancellationToken,
}

impl Deadline {
    pub(super) fn new(
        from: Instant,
        patience: Patience,
        strain: Option<Strain>,
        given_up: CancellationToken,
    ) -> Deadline {
        Deadline { from, patience, strain, given_up }
    }

    /// Waits for something until the deadline; `None`: it did not come.
    pub(super) async fn keep<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(future);
        loop {
            let given = self.patience.given;
            tokio::select! {
                biased;
                came = timeout_at(self.from + given, &mut future) => {
                    if let Ok(came) = came {
                        return Some(came);
                    }
                }
                () = self.given_up.cancelled() => {
                    self.patience.given = self.from.elapsed();
                    return None;
                }
            }
            let stretch = self.strain.take()?.stretch();
            self.patience.given = (given * stretch / 100).min(given + AT_MOST_MORE);
            if self.patience.given == given {
                return None;
            }
        }
    }

    /// What was planned, and what was given so far.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(strain: &Strain) -> Deadline {
        let planned = Duration::from_millis(40);
        let patience = Patience { planned, given: planned };
        Deadline::new(Instant::now(), patience, Some(strain.clone()), CancellationToken::new())
    }

    #[tokio::test]
    async fn a_busy_host_gives_longer_once_and_says_how_long() {
        let strain = Strain::default();
        let mut quiet = deadline(&strain);
        assert_eq!(quiet.keep(std::future::pending::<()>()).await, None);
        assert_eq!(quiet.patience().given, Duration::from_millis(40));
        strain.set(1.0);
        let mut busy = deadline(&strain);
        assert_eq!(busy.keep(std::future::pending::<()>()).await, None);
        assert_eq!(busy.patience().given, Duration::from_millis(120));
        let late = tokio::time::sleep(Duration::from_millis(60));
        assert_eq!(deadline(&strain).keep(late).await, Some(()));
    }

    #[test]
    fn silence_costs_time_and_an_answer_restores_it() {
        let (silent, planned) = (Unanswered::default(), Duration::from_secs(5));
        (0..4).for_each(|_| silent.note(Purpose::Exact, &ExchangeEnd::TimedOut, false));
        assert_eq!(silent.leave(Purpose::Exact, planned), MUTE_PATIENCE);
        assert_eq!(silent.leave(Purpose::Batch, planned), MUTE_PATIENCE);
        silent.end_of_silence();
        assert_eq!(silent.leave(Purpose::Batch, planned), planned, "between two steps it has answered");
        silent.note(Purpose::Exact, &ExchangeEnd::Complete, true);
        assert_eq!((silent.leave(Purpose::Exact, planned), silent.all()), (planned, 4));
    }

    #[test]
    fn what_was_asked_in_vain_for_one_purpose_costs_another_no_time() {
        let (asked, planned) = (Unanswered::default(), Duration::from_secs(5));
        for end in [ExchangeEnd::TimedOut, ExchangeEnd::ClosedWithoutAnswer, ExchangeEnd::TimedOut] {
            asked.note(Purpose::Reread, &end, false);
        }
        assert_eq!(asked.leave(Purpose::Reread, planned), MUTE_PATIENCE);
        assert_eq!(asked.leave(Purpose::Fill, planned), planned);
        asked.note(Purpose::Reread, &ExchangeEnd::Complete, true);
        assert_eq!(asked.leave(Purpose::Reread, planned), planned);
    }

    #[test]
    fn two_alike_in_a_step_are_enough() {
        let step = Unanswered::default();
        step.note(Purpose::Exact, &ExchangeEnd::TimedOut, false);
        step.note(Purpose::Exact, &ExchangeEnd::TimedOut, true);
        assert_eq!(step.enough(), None);
        step.note(Purpose::Exact, &ExchangeEnd::TimedOut, true);
        assert_eq!(step.enough(), Some(2));
        step.begin_step();
        assert_eq!(step.enough(), None);
    }
}
