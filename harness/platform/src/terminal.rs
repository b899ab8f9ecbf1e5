//! The two ends through which a program's output is caught: a pseudo-terminal or a pipe.
//!
//! `proxy_under_test` keeps the reading end and gives the writing end to the guard. A program in C buffers what it
//! writes to a pipe by blocks and loses it at SIGKILL; to a terminal it writes line by line. Nothing is read here.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pty::OpenptFlags;

/// Both ends of a captured output.
#[derive(Debug)]
pub struct Capture {
    /// Where the harness reads.
    pub reader: File,
    /// What the program gets as its standard output and error.
    pub writer: OwnedFd,
    /// Whether it is a terminal: a pseudo-terminal was asked for and could be had.
    pub terminal: bool,
}

/// Opens a pseudo-terminal, or a pipe where `terminal` is false or the host has no pseudo-terminals left.
///
/// # Errors
/// No descriptors are left.
pub fn capture_pair(terminal: bool) -> io::Result<Capture> {
    if terminal && let Ok((reader, writer)) = pseudo_terminal() {
        return Ok(Capture { reader: File::from(reader), writer, terminal: true });
    }
    let (reader, writer) = io::pipe()?;
    Ok(Capture { reader: File::from(OwnedFd::from(reader)), writer: OwnedFd::from(writer), terminal: false })
}

/// Bytes that a program has written and the harness has not read yet.
pub fn unread_bytes(reader: &File) -> u64 {
    rustix::io::ioctl_fionread(reader).unwrap_or(0)
}

fn pseudo_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let controller = rustix::pty::openpt(flags)?;
    rustix::pty::grantpt(&controller)?;
    rustix::pty::unlockpt(&controller)?;
    let program_end = open_program_end(controller.as_fd(), flags)?;
    make_raw(program_end.as_fd())?;
    Ok((controller, program_end))
}

#[cfg(target_os = "linux")]
fn open_program_end(controller: std::os::fd::BorrowedFd<'_>, flags: OpenptFlags) -> io::Result<OwnedFd> {
    // By descriptor and not by name: `/dev/pts` may not be mounted where the harness runs.
    Ok(rustix::pty::ioctl_tiocgptpeer(controller, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn open_program_end(controller: std::os::fd::BorrowedFd<'_>, _flags: OpenptFlags) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let name = rustix::pty::ptsname(controller, Vec::new())?;
    Ok(rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

/// No translation of line ends and no echo: `proxy.stdout` holds the bytes that the program wrote.
fn make_raw(terminal: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    let mut settings = rustix::termios::tcgetattr(terminal)?;
    settings.make_raw();
    Ok(rustix::termios::tcsetattr(terminal, rustix::termios::OptionalActions::Now, &settings)?)
}

#[cfg(test)]
mod tests {
    use std::io::{IsTerminal, Read};
    use std::process::Command;

    use super::capture_pair;

    #[test]
    fn a_program_sees_a_terminal_and_its_bytes_arrive_unchanged() {
        let mut pair = capture_pair(true).unwrap();
        assert!(pair.terminal && pair.writer.is_terminal());
        let mut child = Command::new("sh")
            .args(["-c", "test -t 1 && printf 'a\\nb'"])
            .stdout(pair.writer)
            .spawn()
            .unwrap();
        assert!(child.wait().unwrap().success());
        let mut bytes = [0; 16];
        let length = pair.reader.read(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"a\nb");
    }

    #[test]
    fn a_pipe_is_no_terminal() {
        let pair = capture_pair(false).unwrap();
        assert!(!pair.terminal && !pair.writer.is_terminal());
    }
}
