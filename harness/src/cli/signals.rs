//! Ctrl-C, SIGTERM and SIGHUP end all runs in good order; a second one ends the harness at once.
//!
//! The run command starts it before the first run. It only sets the flag that the conductor watches. Ended at once, the
//! guards of the proxies see their pipes close and kill everything beneath them.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::conductor::{Cause, Interruption};
use harness_platform::{self, send_signal};

/// Listens on a thread of its own from now on.
///
/// # Errors
/// The system has no thread or no signal handler left.
pub(super) fn listen(interruption: Interruption) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        // Handlers belong to the runtime that they are made in.
        let _inside = runtime.enter();
        [
            (Cause::Keyboard, signal(SignalKind::interrupt())?),
            (Cause::Terminated, signal(SignalKind::terminate())?),
            (Cause::Terminated, signal(SignalKind::hangup())?),
        ]
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            interruption.set(next(&mut signals).await);
            next(&mut signals).await;
            let own = i32::try_from(std::process::id()).unwrap_or_default();
            // Where even that does not work there is nothing left to try.
            let _ = send_signal(own, harness_platform::Signal::KILL);
        });
    })?;
    Ok(())
}

async fn next(signals: &mut [(Cause, Signal); 3]) -> Cause {
    let [(first, one), (second, two), (third, three)] = signals;
    tokio::select! {
        _ = one.recv() => *first,
        _ = two.recv() => *second,
        _ = three.recv() => *third,
    }
}
