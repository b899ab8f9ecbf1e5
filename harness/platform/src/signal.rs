//! Signals by name and by number.
//!
//! The guard and `proxy_under_test` send them, adapters name them. Nothing here chooses whom to send them to.

use std::fmt;
use std::str::FromStr;

/// A signal that the harness knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Signal(i32);

const NAMES: [(&str, rustix::process::Signal); 12] = [
    ("SIGTERM", rustix::process::Signal::TERM),
    ("SIGKILL", rustix::process::Signal::KILL),
    ("SIGINT", rustix::process::Signal::INT),
    ("SIGQUIT", rustix::process::Signal::QUIT),
    ("SIGHUP", rustix::process::Signal::HUP),
    ("SIGUSR1", rustix::process::Signal::USR1),
    ("SIGUSR2", rustix::process::Signal::USR2),
    ("SIGSTOP", rustix::process::Signal::STOP),
    ("SIGCONT", rustix::process::Signal::CONT),
    ("SIGWINCH", rustix::process::Signal::WINCH),
    ("SIGABRT", rustix::process::Signal::ABORT),
    ("SIGSEGV", rustix::process::Signal::SEGV),
];

/// Names of signals that only ever end a process, for messages about how it ended.
const NAMES_OF_ENDS: [(&str, rustix::process::Signal); 6] = [
    ("SIGPIPE", rustix::process::Signal::PIPE),
    ("SIGBUS", rustix::process::Signal::BUS),
    ("SIGFPE", rustix::process::Signal::FPE),
    ("SIGILL", rustix::process::Signal::ILL),
    ("SIGXCPU", rustix::process::Signal::XCPU),
    ("SIGXFSZ", rustix::process::Signal::XFSZ),
];

impl Signal {
    /// Asks a process to end.
    pub const TERMINATE: Signal = Signal(rustix::process::Signal::TERM.as_raw());
    /// Ends a process, whatever it thinks of it.
    pub const KILL: Signal = Signal(rustix::process::Signal::KILL.as_raw());
    /// Pauses a process.
    pub const STOP: Signal = Signal(rustix::process::Signal::STOP.as_raw());
    /// Lets a paused process go on.
    pub const CONTINUE: Signal = Signal(rustix::process::Signal::CONT.as_raw());

    /// The signal of this number, whether or not it has a name here.
    pub const fn from_number(number: i32) -> Signal {
        Signal(number)
    }

    /// Its number on this system.
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = NAMES.iter().chain(&NAMES_OF_ENDS).find(|(_, signal)| signal.as_raw() == self.0);
        match known {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl FromStr for Signal {
    type Err = ();

    /// Reads `SIGTERM`, `TERM` or `term`.
    fn from_str(text: &str) -> Result<Signal, ()> {
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES
            .iter()
            .find(|(name, _)| name.strip_prefix("SIG") == Some(bare))
            .map(|(_, signal)| Signal(signal.as_raw()))
            .ok_or(())
    }
}

/// Sends a signal to one process.
///
/// # Errors
/// What the kernel says: the process is gone (`ESRCH`) or not ours (`EPERM`); `InvalidInput` for a signal or process
/// that cannot exist.
pub fn send_signal(pid: i32, signal: Signal) -> std::io::Result<()> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidInput);
    let pid = rustix::process::Pid::from_raw(pid).filter(|_| pid > 1).ok_or_else(invalid)?;
    let signal = rustix::process::Signal::from_named_raw(signal.0).ok_or_else(invalid)?;
    Ok(rustix::process::kill_process(pid, signal)?)
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn names_are_read_with_and_without_their_prefix() {
        assert_eq!("SIGTERM".parse(), Ok(Signal::TERMINATE));
        assert_eq!("kill".parse(), Ok(Signal::KILL));
        assert_eq!("SIGNONSENSE".parse::<Signal>(), Err(()));
    }

    #[test]
    fn an_end_by_a_broken_pipe_has_its_name() {
        assert_eq!(Signal::from_number(13).to_string(), "SIGPIPE");
    }
}
