//! What the operating system tells the program: end, read the configuration again, reopen the log.
//!
//! `cli` waits here while the workers serve. It only listens to signals; the drain itself is `run`'s.

/// A signal after which the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGHUP.
    Reload,
    /// SIGUSR1.
    ReopenLog,
}

/// Returns at SIGTERM or SIGINT; hands every other event to the function.
#[cfg(unix)]
pub async fn until_asked_to_end(mut on_event: impl FnMut(Event)) {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        signal(kind).inspect_err(|error| tracing::error!("a signal cannot be listened to: {error}")).ok()
    };
    let mut terminate = listen(SignalKind::terminate());
    let mut interrupt = listen(SignalKind::interrupt());
    let mut hang_up = listen(SignalKind::hangup());
    let mut user = listen(SignalKind::user_defined1());
    loop {
        tokio::select! {
            () = next(&mut terminate) => return,
            () = next(&mut interrupt) => return,
            () = next(&mut hang_up) => on_event(Event::Reload),
            () = next(&mut user) => on_event(Event::ReopenLog),
        }
    }
}

#[cfg(unix)]
async fn next(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns at Ctrl-C, the only thing that this system says.
#[cfg(not(unix))]
pub async fn until_asked_to_end(_on_event: impl FnMut(Event)) {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
