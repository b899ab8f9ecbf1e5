//! Waits for many sockets and for an instant at the same time: epoll with a timerfd beside it.
//!
//! Each thread of the load engine owns one. It reports readiness once a change (edge-triggered), is late by tens of
//! microseconds at most, and never reads a socket or a clock. Without epoll (not Linux) it cannot be made, and says so.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
pub use linux::{Poller, thread_cpu_time};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Poller, thread_cpu_time};

/// A socket about which something has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The number that it was added with.
    pub token: usize,
    /// There is something to read, its end or an error.
    pub readable: bool,
    /// It can be written to.
    pub writable: bool,
}

/// Longer waits are cut: whoever waits looks at flags and deadlines in between.
const LONGEST: Duration = Duration::from_millis(20);

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

    use super::{Duration, LONGEST, Ready, io};

    /// The token of the timer.
    const TIMER: u64 = u64::MAX;
    /// Changes taken at a time.
    const AT_A_TIME: usize = 256;

    /// Waits for sockets and instants.
    pub struct Poller {
        epoll: OwnedFd,
        timer: OwnedFd,
        events: Vec<epoll::Event>,
    }

    /// The events of the kernel have no `Debug` of their own.
    impl std::fmt::Debug for Poller {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Poller")
                .field("epoll", &self.epoll)
                .field("timer", &self.timer)
                .finish_non_exhaustive()
        }
    }

    impl Poller {
        /// A poller without sockets.
        ///
        /// # Errors
        /// No descriptors are left.
        pub fn new() -> io::Result<Poller> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // Edge-triggered: setting the timer anew makes it ready again, so it need not be read.
            epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
            Ok(Poller { epoll, timer, events: Vec::with_capacity(AT_A_TIME) })
        }

        /// Watches a socket until it is closed.
        ///
        /// # Errors
        /// The kernel has no room for another.
        pub fn add(&self, socket: impl AsFd, token: usize) -> io::Result<()> {
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token as u64), flags)?)
        }

        /// Waits until something changes, or for `wait` at most (cut to 20 ms), and says what has changed.
        ///
        /// # Errors
        /// What the kernel says; an interruption by a signal is none.
        pub fn wait(&mut self, wait: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
            ready.clear();
            self.events.clear();
            let timeout = if wait.is_zero() || wait >= LONGEST {
                wait.min(LONGEST)
            } else {
                self.set(wait)?;
                LONGEST
            };
            let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(timeout.subsec_nanos()) };
            let room = rustix::buffer::spare_capacity(&mut self.events);
            match epoll::wait(&self.epoll, room, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &self.events {
                let (data, flags) = (event.data.u64(), event.flags);
                if data != TIMER {
                    let readable = EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
                    ready.push(Ready {
                        // It was made from a usize.
                        token: data as usize,
                        readable: flags.intersects(readable),
                        writable: flags.contains(EventFlags::OUT),
                    });
                }
            }
            Ok(())
        }

        fn set(&self, wait: Duration) -> io::Result<()> {
            let value = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }
    }

    /// CPU time that the calling thread has used so far.
    pub fn thread_cpu_time() -> Option<Duration> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Duration, Ready, io};

    /// The stand-in: it cannot be made.
    #[derive(Debug)]
    pub struct Poller(std::convert::Infallible);

    impl Poller {
        /// Says that there is none.
        ///
        /// # Errors
        /// Always.
        pub fn new() -> io::Result<Poller> {
            Err(io::Error::new(io::ErrorKind::Unsupported, "load is generated on Linux only"))
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn add<S>(&self, _socket: S, _token: usize) -> io::Result<()> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn wait(&mut self, _wait: Duration, _ready: &mut Vec<Ready>) -> io::Result<()> {
            match self.0 {}
        }
    }

    /// Unknown here.
    pub fn thread_cpu_time() -> Option<Duration> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::Poller;

    #[test]
    fn it_tells_of_what_came_and_returns_when_nothing_does() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let mut poller = Poller::new().unwrap();
        poller.add(&near, 7).unwrap();
        let mut ready = Vec::new();
        poller.wait(Duration::ZERO, &mut ready).unwrap();
        assert!(ready.iter().any(|r| r.token == 7 && r.writable && !r.readable), "{ready:?}");
        poller.wait(Duration::from_millis(2), &mut ready).unwrap();
        assert!(ready.is_empty(), "the timer is nobody's business: {ready:?}");
        far.write_all(b"x").unwrap();
        for _ in 0..100 {
            poller.wait(Duration::from_millis(10), &mut ready).unwrap();
            if ready.iter().any(|r| r.token == 7 && r.readable) {
                return;
            }
        }
        panic!("never told");
    }
}
