//! How quiet the host is: the overshoot of short sleeps, stolen time and CPU pressure.
//!
//! The conductor starts one sentinel per run and takes a figure per interval; a latency gate whose margin is below it is
//! inconclusive. Nothing is judged here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use hdrhistogram::Histogram;

use super::Timer;

/// How quiet the host was over an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    /// Largest overshoot of a sleep of 1 ms.
    pub worst_overshoot: Duration,
    /// Its 99th percentile.
    pub p99_overshoot: Duration,
    /// Share of CPU time stolen by the hypervisor, between 0 and 1; zero where it is not known.
    pub steal: f64,
    /// Share of time in which runnable tasks waited for a CPU, between 0 and 1, where known.
    pub cpu_pressure: Option<f64>,
}

/// A thread that sleeps 1 ms at a time and notes how late it wakes.
#[derive(Debug)]
pub struct NoiseSentinel {
    overshoots: Arc<Mutex<Histogram<u64>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    clock: RunClock,
    last: Counters,
}

const SLEEP: Duration = Duration::from_millis(1);

impl NoiseSentinel {
    /// Starts the thread; it ends when the sentinel is dropped.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(clock: RunClock) -> std::io::Result<NoiseSentinel> {
        let overshoots = Arc::new(Mutex::new(empty_histogram()));
        let stop = Arc::new(AtomicBool::new(false));
        let (sink, ended) = (overshoots.clone(), stop.clone());
        let thread = std::thread::Builder::new().name("noise-sentinel".into()).spawn(move || {
            Timer::make_this_thread_punctual();
            while !ended.load(Ordering::Relaxed) {
                let before = clock.now();
                Timer::block(SLEEP);
                let late = clock.now().since(before).saturating_sub(SLEEP);
                let nanoseconds = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX).max(1);
                sink.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(nanoseconds);
            }
        })?;
        Ok(NoiseSentinel { overshoots, stop, thread: Some(thread), clock, last: Counters::read(&clock) })
    }

    /// The figures since the start or the last call.
    pub fn take(&mut self) -> Noise {
        let histogram = {
            let mut shared = self.overshoots.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *shared, empty_histogram())
        };
        let now = Counters::read(&self.clock);
        let noise = Noise {
            worst_overshoot: Duration::from_nanos(histogram.max()),
            p99_overshoot: Duration::from_nanos(histogram.value_at_quantile(0.99)),
            steal: now.steal_since(&self.last),
            cpu_pressure: now.pressure_since(&self.last),
        };
        self.last = now;
        noise
    }
}

impl Drop for NoiseSentinel {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within a sleep; its panic, if any, has been printed and concerns no verdict.
            let _ = thread.join();
        }
    }
}

/// One nanosecond to one hour, as every histogram of the harness.
fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("constant bounds are valid")
}

/// Counters of the host at an instant.
#[derive(Clone, Copy, Debug)]
struct Counters {
    at: Moment,
    /// Ticks in all and stolen, all CPUs.
    ticks: Option<(u64, u64)>,
    /// Microseconds in which some task waited for a CPU.
    waited_us: Option<u64>,
}

impl Counters {
    fn read(clock: &RunClock) -> Counters {
        let read = |path| std::fs::read_to_string(path).ok();
        Counters {
            at: clock.now(),
            ticks: read("/proc/stat").as_deref().and_then(ticks_of),
            waited_us: read("/proc/pressure/cpu").as_deref().and_then(waited_of),
        }
    }

    fn steal_since(&self, earlier: &Counters) -> f64 {
        let (Some((all, stolen)), Some((all_before, stolen_before))) = (self.ticks, earlier.ticks) else {
            return 0.0;
        };
        let all = all.saturating_sub(all_before);
        if all == 0 { 0.0 } else { stolen.saturating_sub(stolen_before) as f64 / all as f64 }
    }

    fn pressure_since(&self, earlier: &Counters) -> Option<f64> {
        let waited = self.waited_us?.saturating_sub(earlier.waited_us?);
        let elapsed_us = self.at.since(earlier.at).as_micros().max(1);
        Some((waited as f64 / elapsed_us as f64).min(1.0))
    }
}

/// First line of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal guest guest_nice` (proc(5)); guest
/// time is already part of user time.
fn ticks_of(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    Some((fields.iter().take(8).sum(), *fields.get(7)?))
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`, microseconds.
fn waited_of(pressure: &str) -> Option<u64> {
    pressure.lines().find_map(|line| line.strip_prefix("some ")?.split("total=").nth(1)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{NoiseSentinel, ticks_of, waited_of};

    #[test]
    fn stolen_time_is_the_eighth_figure_and_guests_are_not_counted_twice() {
        assert_eq!(ticks_of("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1"), Some((36, 8)));
        assert_eq!(ticks_of("cpu  1 2 3"), None);
    }

    #[test]
    fn pressure_is_read_from_the_line_of_some() {
        assert_eq!(waited_of("some avg10=0.00 avg60=0.00 avg300=0.00 total=42\nfull total=7\n"), Some(42));
    }

    #[test]
    fn a_sentinel_sees_some_overshoot() {
        let mut sentinel = NoiseSentinel::start(fake_backends::clock::RunClock::start()).unwrap();
        // Enough sleeps of 1 ms for the 99th percentile to mean something.
        std::thread::sleep(Duration::from_millis(150));
        let noise = sentinel.take();
        assert!(noise.worst_overshoot > Duration::ZERO);
        assert!(noise.p99_overshoot <= noise.worst_overshoot);
        assert!((0.0..=1.0).contains(&noise.steal));
    }
}
