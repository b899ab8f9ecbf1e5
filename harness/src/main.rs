//! The program `harness`: its guard when asked to be one, otherwise its command line.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use harness_model::exit_code;

fn main() -> ExitCode {
    // First of all, while there is a single thread: the guard of a proxy is this same program.
    if let Some(code) = harness_run::proxy_under_test::guard::run_if_asked(std::env::args_os()) {
        return code;
    }
    // The panic has been printed by then; what remains is a code that nobody takes for a verdict.
    let code = catch_unwind(AssertUnwindSafe(|| harness::cli::run(std::env::args_os())));
    code.unwrap_or(exit_code::ExitCode::Bug).into()
}
