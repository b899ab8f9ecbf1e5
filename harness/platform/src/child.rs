//! Waits for a program that we started ourselves, up to a limit.
//!
//! `cli` prints by a browser and `grade` reads imports by Python; both may hang. The proxy under test is not waited for
//! here: a guard keeps that.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// How a child ended; `None` where it had not ended after `most`, and then it is killed. It is looked at once every `pause`.
///
/// # Errors
/// The kernel does not tell whether it has ended.
pub fn wait_at_most(child: &mut Child, most: Duration, pause: Duration) -> io::Result<Option<ExitStatus>> {
    for _ in 0..most.as_nanos().div_ceil(pause.as_nanos().max(1)) {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(pause);
    }
    // One that has just ended by itself is dead as well.
    let _ = child.kill();
    let _ = child.wait();
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_ends_says_how_and_what_hangs_is_killed() {
        let (most, pause) = (Duration::from_secs(20), Duration::from_millis(5));
        let mut quick = Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
        assert_eq!(wait_at_most(&mut quick, most, pause).unwrap().and_then(|status| status.code()), Some(3));
        let mut hangs = Command::new("sleep").arg("600").spawn().unwrap();
        assert!(wait_at_most(&mut hangs, pause * 3, pause).unwrap().is_none());
        assert!(hangs.try_wait().unwrap().is_some_and(|status| !status.success()), "it is gone");
    }
}
