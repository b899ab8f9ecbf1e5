//! The program `harness`: its guard when asked to be one, otherwise its command line.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::process::ExitCode;

use harness_model::exit_code;

fn main() -> ExitCode {
    // First of all, while there is a single thread: the guard of a proxy is this same program.
    if let Some(code) = harness_run::proxy_under_test::guard::run_if_asked(std::env::args_os()) {
        return code;
    }
    // Who prints into a pipe that is closed or a disk that is full breaks off; that is no bug, and is told in a sentence.
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        if unwritten(panic.payload()).is_none() {
            usual(panic);
        }
    }));
    // A panic has been printed by then; what remains is a code that nobody takes for a verdict.
    let code = catch_unwind(AssertUnwindSafe(|| harness::cli::run(std::env::args_os())));
    code.unwrap_or_else(|panic| match unwritten(&*panic) {
        Some(why) => harness::cli::could_not_print(why),
        None => exit_code::ExitCode::Bug,
    })
    .into()
}

/// Why something could not be printed, where a panic is one of `println!` and its like.
fn unwritten(panic: &(dyn Any + Send)) -> Option<&str> {
    let said = panic.downcast_ref::<String>()?;
    said.strip_prefix("failed printing to ")?.split_once(": ").map(|(_, why)| why)
}
