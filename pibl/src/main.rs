//! The entry of the command `pibl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pibl::cli::run(std::env::args_os()) as u8)
}
