//! Gives way to others.
//!
//! What shows a run while it lasts stands on this, so that it takes only what the run leaves. Where nothing can be had, threads are as
//! important as all others, and that is no error.

/// A thread of the ordinary value has nine times its share. Of the most (19) it has seventy times: then a page is silent on a host that is busy
/// with anything else.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// From now on this thread, and those that it starts, get little CPU time where others want it too.
#[cfg(target_os = "linux")]
pub fn give_way() {
    // A thread has a nice value of its own on Linux, and its number is what the call takes. Refused, it changes nothing.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

/// Nothing here.
#[cfg(not(target_os = "linux"))]
pub fn give_way() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{NICE, give_way};

    #[test]
    fn only_the_thread_that_asks_and_those_it_starts_give_way() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = nice();
        let seen = std::thread::spawn(move || {
            give_way();
            (nice(), std::thread::spawn(nice).join().unwrap())
        });
        assert_eq!(seen.join().unwrap(), (NICE, NICE));
        assert_eq!(nice(), before);
    }
}
