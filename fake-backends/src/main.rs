//! The program `fake-backends`: backends for people.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
