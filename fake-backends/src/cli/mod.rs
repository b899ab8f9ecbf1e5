//! The command line: backends for people, on addresses that they choose, with a line for each request.
//!
//! `main` calls [`run`]. It turns arguments or a file into scripts, starts backends, prints what the journal tells, and
//! ends on Ctrl-C with a summary. It has no behaviour of its own: all it can do, a script can.

mod answer;
mod arguments;
mod control;
mod file;
mod output;
mod session;

use std::process::ExitCode;

use clap::Parser;

/// Ended by Ctrl-C or SIGTERM.
pub const ENDED: u8 = 0;
/// Could not listen, or could not write the journal.
pub const WORLD_REFUSED: u8 = 1;
/// Bad command line or file; the same number that the argument parser uses.
pub const BAD_REQUEST: u8 = 2;

/// Why the program ends otherwise than it should: a message that reads well after "error: ", and an exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Complaint {
    message: String,
    code: u8,
}

impl Complaint {
    fn request(message: impl Into<String>) -> Complaint {
        Complaint { message: message.into(), code: BAD_REQUEST }
    }

    fn world(message: impl Into<String>) -> Complaint {
        Complaint { message: message.into(), code: WORLD_REFUSED }
    }
}

/// Runs the program with the arguments of the process; what it ends with.
pub fn run() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match session::run(arguments) {
        Ok(()) => ExitCode::from(ENDED),
        Err(complaint) => {
            eprintln!("error: {complaint}");
            ExitCode::from(complaint.code)
        }
    }
}
