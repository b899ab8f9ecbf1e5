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

/// The signals that this program understands, listened to from the moment that this is made. Before, they
/// would end the process without a word.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    kinds: [Option<tokio::signal::unix::Signal>; 4],
    /// A limit on the size of files (`ulimit -f`) is a disk that is full, and must not end the program.
    #[cfg(unix)]
    _file_size: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Starts listening; it must be called inside a runtime.
    pub fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::user_defined1(),
        ];
        let listen = |kind| {
            signal(kind).inspect_err(|error| tracing::error!("a signal is not listened to: {error}")).ok()
        };
        let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Self { kinds: kinds.map(listen), _file_size: listen(file_size) }
    }

    /// Returns at SIGTERM or SIGINT; hands every other event to the function.
    pub async fn until_asked_to_end(mut self, mut on_event: impl FnMut(Event)) {
        let [terminate, interrupt, hang_up, user] = &mut self.kinds;
        loop {
            tokio::select! {
                () = next(terminate) => return,
                () = next(interrupt) => return,
                () = next(hang_up) => on_event(Event::Reload),
                () = next(user) => on_event(Event::ReopenLog),
            }
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

#[cfg(not(unix))]
impl Signals {
    /// Nothing has to be prepared on this system.
    pub fn listen() -> Self {
        Self {}
    }

    /// Returns at Ctrl-C, the only thing that this system says.
    pub async fn until_asked_to_end(self, _on_event: impl FnMut(Event)) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
