//! A timer that is late by tens of microseconds and not, like tokio's, by up to a millisecond.
//!
//! `traffic` paces arrivals and probes with it, one per pacing thread or task. It waits for a duration and reads no clock:
//! the caller subtracts its own `now` from the moment that is due.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
pub use linux::Timer;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::Timer;

/// Waits shorter than this are not worth a system call.
const NOTHING: Duration = Duration::from_micros(1);

#[cfg(target_os = "linux")]
mod linux {
    use std::num::NonZeroU64;
    use std::os::fd::OwnedFd;

    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Duration, NOTHING, io};

    /// A timer of the kernel (`timerfd`), for tasks ([`Timer::wait`]) and, by [`Timer::block`], for threads.
    #[derive(Debug)]
    pub struct Timer {
        descriptor: AsyncFd<OwnedFd>,
    }

    impl Timer {
        /// A timer for tasks of the current tokio runtime.
        ///
        /// # Errors
        /// No descriptors are left.
        ///
        /// # Panics
        /// Outside a tokio runtime with its I/O driver on.
        pub fn new() -> io::Result<Timer> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let descriptor = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: the descriptor is owned by the `AsyncFd`, which alone can close it, and an `OwnedFd` always names the
            // same descriptor.
            let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
            Ok(Timer { descriptor })
        }

        /// Waits for a duration. Cancelling it is harmless: the next wait sets the timer anew.
        ///
        /// # Errors
        /// What the kernel says; in practice never.
        pub async fn wait(&mut self, duration: Duration) -> io::Result<()> {
            if duration < NOTHING {
                return Ok(());
            }
            self.set(duration)?;
            loop {
                let mut ready = self.descriptor.readable().await?;
                let expirations = ready.try_io(|descriptor| {
                    let mut count = [0; 8];
                    Ok(rustix::io::read(descriptor.get_ref(), &mut count)?)
                });
                // `Err` is a readiness left over from an earlier, cancelled wait.
                if let Ok(result) = expirations {
                    return result.map(drop);
                }
            }
        }

        fn set(&self, duration: Duration) -> io::Result<()> {
            let value = Timespec {
                tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: duration.subsec_nanos().into(),
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            rustix::time::timerfd_settime(self.descriptor.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }

        /// Blocks the calling thread for a duration, as exactly as the host can.
        pub fn block(duration: Duration) {
            if duration >= NOTHING {
                std::thread::sleep(duration);
            }
        }

        /// Makes the calling thread wake up as exactly as it asked: the kernel's habit is to add up to 50 µs in order to
        /// wake several sleepers at once. For pacing threads, once.
        pub fn make_this_thread_punctual() {
            // A kernel without the call keeps its habit; the send-lag histogram shows it.
            let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Duration, NOTHING, io};

    /// The portable stand-in: as exact as tokio.
    #[derive(Debug)]
    pub struct Timer;

    impl Timer {
        /// A timer for tasks.
        ///
        /// # Errors
        /// None.
        pub fn new() -> io::Result<Timer> {
            Ok(Timer)
        }

        /// Waits for a duration.
        ///
        /// # Errors
        /// None.
        pub async fn wait(&mut self, duration: Duration) -> io::Result<()> {
            if duration >= NOTHING {
                tokio::time::sleep(duration).await;
            }
            Ok(())
        }

        /// Blocks the calling thread for a duration.
        pub fn block(duration: Duration) {
            if duration >= NOTHING {
                std::thread::sleep(duration);
            }
        }

        /// Nothing to do here.
        pub fn make_this_thread_punctual() {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timer;

    #[tokio::test]
    async fn a_cancelled_wait_does_not_shorten_the_next_one() {
        let mut timer = Timer::new().unwrap();
        let long = Duration::from_secs(600);
        assert!(tokio::time::timeout(Duration::from_millis(5), timer.wait(long)).await.is_err());
        let clock = fake_backends::clock::RunClock::start();
        timer.wait(Duration::from_millis(20)).await.unwrap();
        // The sleep of 20 ms is the subject: it may be late on a busy host and never early.
        assert!(Duration::from_nanos(clock.now().0) >= Duration::from_millis(20));
    }
}
