//! The live display of a run: one bar on a terminal, plain lines elsewhere.
//!
//! The conductor starts it with a listener of the recorder. It runs on a thread of its own, so that a slow terminal never
//! holds up the run, and ends when the record is closed or when it is told to.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::track::Track;
use crate::language::Language;
use harness_model::history::Listener;
use harness_model::plan::Plan;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// A bar that is drawn again and again.
    Bar,
    /// A line every ten seconds, for logs.
    Lines,
    /// A line when a step begins, too.
    Steps,
    /// Nothing.
    None,
}

/// The live display of one run.
#[derive(Debug)]
pub struct Progress {
    stop: Arc<AtomicBool>,
    /// What is done before the first step.
    preparing: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

/// How often the bar is drawn while nothing happens.
const TICK: Duration = Duration::from_millis(120);
/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The bar has this many parts.
const PARTS: u64 = 1000;

impl Display {
    /// What standard error is fit for; where everything is wanted, each step keeps its line.
    pub fn detect(verbose: bool) -> Display {
        if verbose {
            Display::Steps
        } else if std::io::stderr().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        {
            Display::Bar
        } else {
            Display::Lines
        }
    }
}

impl Progress {
    /// Shows the events of a run as they come.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn follow(
        listener: Listener,
        plan: &Plan,
        language: Language,
        display: Display,
    ) -> std::io::Result<Progress> {
        let track = Track::new(plan, language);
        let stop = Arc::new(AtomicBool::new(false));
        let preparing = Arc::default();
        let (told, prepares) = (stop.clone(), Arc::clone(&preparing));
        let thread = std::thread::Builder::new()
            .name("progress".into())
            .spawn(move || show(&listener, track, display, &told, &prepares))?;
        Ok(Progress { stop, preparing, thread: Some(thread) })
    }

    /// Names what is done until the first step begins, such as a build.
    pub fn preparing(&self, what: String) {
        *self.preparing.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// Shows what has come so far, clears the bar and ends.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A display that panicked has shown it by then, and nothing else depends on it.
            let _ = thread.join();
        }
    }
}

fn show(
    listener: &Listener,
    mut track: Track,
    display: Display,
    stop: &AtomicBool,
    preparing: &Mutex<Option<String>>,
) {
    let bar = match display {
        Display::Bar => ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr_with_hz(12)),
        Display::Lines | Display::Steps | Display::None => {
            ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::hidden())
        }
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:20.cyan/dim} {wide_msg}") {
        bar.set_style(style.progress_chars("━━─"));
    }
    let mut next_line = LINE_EVERY;
    loop {
        let ended = match listener.recv_timeout(TICK) {
            Ok(event) => {
                if let Some(line) = track.see(&event).filter(|_| display == Display::Steps) {
                    anstream::eprintln!("{line}");
                }
                // What has queued up is taken in at once: drawing is slower than recording.
                for event in listener.try_iter().take(10_000) {
                    if let Some(line) = track.see(&event).filter(|_| display == Display::Steps) {
                        anstream::eprintln!("{line}");
                    }
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => stop.load(Ordering::Relaxed),
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if ended {
            break;
        }
        let elapsed = bar.elapsed();
        let line = || {
            let preparing = preparing.lock().unwrap_or_else(PoisonError::into_inner);
            track.line(elapsed, preparing.as_deref())
        };
        if display == Display::Bar {
            bar.set_position((track.share(elapsed) * PARTS as f64) as u64);
            bar.set_message(line());
        } else if display != Display::None && elapsed >= next_line {
            anstream::eprintln!("{}", line());
            next_line = elapsed + LINE_EVERY;
        }
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::{Display, Progress};
    use crate::language::Language;
    use crate::report::testkit::RunBuilder;

    #[test]
    fn the_display_ends_when_the_record_is_closed() {
        let run = RunBuilder::new("ttl").ready().build();
        let (sender, listener) = std::sync::mpsc::channel();
        let progress = Progress::follow(listener, &run.record.plan, Language::En, Display::None).unwrap();
        for event in &run.record.events {
            sender.send(std::sync::Arc::new(event.clone())).unwrap();
        }
        drop(sender);
        progress.finish();
    }
}
