//! The proxy under test as the conductor sees it: prepare, start, kill, stop, look.
//!
//! The conductor owns one per run (`preparing` makes it, `launching` starts it) and `fault` acts through it. Every start, signal and end goes to the history through the
//! sink that it was given. It never sends a request but the one of [`readiness`](super::readiness).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::platform::Network;

use super::confinement::{Confinement, Enforced};
use super::directory::WorkingDirectory;
use super::guard::{GuardState, Isolation, MainExit, Wish};
use super::limit_guard::LimitGuard;
use super::process::{Ended, LAST_LINES, Process};
use super::{OutputLog, Preparation, StartProblem};
use crate::watch::Watch;
use harness_model::adapter::{Adapter, OwnCommands};
use harness_model::history::{EventKind, NotWatched, ProxyExit, ResourceSample, SourceTree, Watched};
use harness_platform::{self, ControlGroup, Reach, Signal};

/// Takes every event of the proxy; called from several threads.
pub type EventSink = Arc<dyn Fn(EventKind) + Send + Sync>;

/// How an orderly stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopOutcome {
    /// From the signal to the end of everything.
    pub took: Duration,
    /// Whether it did not end in the time that its adapter allows, and was killed.
    pub hung: bool,
    /// Exit status, where it ended by itself.
    pub code: Option<i32>,
    /// Signal, where one ended it.
    pub signal: Option<i32>,
    /// Processes that it left behind, which were killed.
    pub left: u32,
}

/// A proxy, prepared, perhaps running.
pub struct ProxyUnderTest {
    pub(super) adapter: Adapter,
    pub(super) directory: WorkingDirectory,
    pub(super) program: PathBuf,
    pub(super) guard_program: PathBuf,
    pub(super) clock: RunClock,
    pub(super) network: Network,
    pub(super) output: OutputLog,
    pub(super) sink: EventSink,
    pub(super) confinement: Confinement,
    pub(super) enforced: Enforced,
    /// What the last launch is kept to, or was.
    pub(super) limits: Arc<LimitGuard>,
    pub(super) group: Option<Arc<ControlGroup>>,
    pub(super) reach: Option<Reach>,
    /// The user that it runs as; `None`: that of the harness.
    pub(super) user: Option<u32>,
    pub(super) wish: Wish,
    pub(super) launches: u32,
    /// When the last launch was ended by the harness.
    pub(super) ended_at: Option<Moment>,
    pub(super) process: Arc<Mutex<Option<Arc<Process>>>>,
    /// Its main process, where a command of its own says that it is not beneath the guard.
    pub(super) outside: Arc<Mutex<Option<i32>>>,
    /// Commands of its own, as rendered for the last launch.
    pub(super) commands: OwnCommands,
    /// Patched files as they were last written.
    pub(super) patched: BTreeMap<String, String>,
    /// The sources in its folders, as the last launch found them.
    pub(super) sources: SourceTree,
    /// How long its first start took to listen.
    pub(super) usual_start: Option<Duration>,
    /// Whether it says for a moment after its start that it cannot serve yet; `None` where it never said so.
    pub(super) warms_up: Option<bool>,
    /// Whether it has bound its port while connections of an earlier life lingered there.
    pub(super) rebinds: bool,
    /// Watches it, where that was asked for.
    pub(super) watch: Option<Watch>,
    /// The command of the last launch.
    pub(super) argv: Vec<String>,
    pub(super) announce: Arc<dyn Fn(&Preparation) + Send + Sync>,
}

/// Reads what the proxy uses, from any thread, whichever launch is running.
#[derive(Clone, Debug)]
pub struct ResourceProbe {
    process: Arc<Mutex<Option<Arc<Process>>>>,
    outside: Arc<Mutex<Option<i32>>>,
}

impl ResourceProbe {
    /// What its processes use now; `None` while none runs.
    pub fn sample(&self) -> Option<ResourceSample> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let lives = process.guard().state().lives();
        let outside = *self.outside.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = lives.then(|| match outside {
            Some(pid) => harness_platform::usage_from(pid),
            None => process.guard().usage(),
        })?;
        Some(ResourceSample {
            cpu: usage.cpu,
            resident_bytes: usage.resident_bytes,
            processes: usage.processes,
            threads: usage.threads,
            open_files: usage.open_files,
            context_switches: usage.context_switches,
        })
    }
}

impl ProxyUnderTest {
    /// The program, absolute: what `{{ program }}` means in an adapter.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The ways into its control group, where it has one.
    pub(super) fn doors(&self) -> Vec<PathBuf> {
        self.group.as_ref().map(|group| group.doors()).unwrap_or_default()
    }

    /// The limits of what is about to start.
    pub(super) fn limits_of_a_start(&self) -> Arc<LimitGuard> {
        limits_of_a_start(&self.confinement, &self.directory, self.group.as_ref())
    }

    /// What of its confinement is enforced by a launch.
    pub(super) fn enforced_by(&self, state: &GuardState) -> Enforced {
        let disk = self.directory.disk().map(|disk| &**disk);
        self.confinement.enforced(self.group.as_deref(), self.user, disk, state)
    }

    /// The working directory, absolute: what `{{ directory }}` means in an adapter.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A regular file of its directory, to be read; what leads out of it is refused.
    ///
    /// # Errors
    /// It is not there, is no regular file, or leads out (`harness_platform::leads_out`).
    pub fn open(&self, relative: &str) -> std::io::Result<std::fs::File> {
        self.directory.open(relative)
    }

    /// The adapter.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Number of the last launch; zero before the first.
    pub fn launches(&self) -> u32 {
        self.launches
    }

    /// SIGKILL to everything beneath the guard, at once; returns when all of it is dead.
    pub async fn kill(&mut self) {
        let Some(process) = self.take_process() else { return };
        process.expect_end();
        self.record_signal(Signal::KILL);
        self.run_own(&self.commands.kill).await;
        process.guard().end().await;
        self.forget_outside();
        self.ended_at = Some(self.clock.now());
        self.wait_for_end(&process).await;
    }

    /// Asks it to end as its adapter says, waits as long as the adapter allows, then kills what is left.
    ///
    /// `None` if it was not running.
    pub async fn stop(&mut self) -> Option<StopOutcome> {
        let process = self.take_process()?;
        let signal = self.adapter.stop_signal.parse().unwrap_or(Signal::TERMINATE);
        let began = self.clock.now();
        process.expect_end();
        self.record_signal(signal);
        if self.commands.stop.is_empty() {
            // An error means that the guard has ended, which the state tells as well.
            let _ = process.guard().signal(signal);
        } else {
            self.run_own(&self.commands.stop).await;
        }
        let within = self.adapter.stop_within;
        let in_time = tokio::time::timeout(within, process.guard().wait_until(|state| !state.lives())).await;
        let hung = in_time.is_err();
        if !hung {
            // Helpers of a proxy that has ended usually follow within milliseconds.
            let _ = tokio::time::timeout(
                within.min(Duration::from_secs(1)),
                process.guard().wait_until(|_| false),
            )
            .await;
        }
        let left = process.guard().program_processes().len();
        if hung {
            self.record(EventKind::ProxyHungAtStop {
                launch: self.launches,
                signal: signal.to_string(),
                waited: within,
            });
            self.record_signal(Signal::KILL);
            self.run_own(&self.commands.kill).await;
        }
        self.forget_outside();
        let state = process.guard().end().await;
        self.ended_at = Some(self.clock.now());
        self.wait_for_end(&process).await;
        Some(StopOutcome {
            took: self.clock.now().since(began),
            hung,
            code: state.exit.and_then(|exit| exit.code),
            signal: state.exit.and_then(|exit| exit.signal),
            left: if hung { 0 } else { u32::try_from(left).unwrap_or(u32::MAX) },
        })
    }

    /// Sends a signal to its main process, such as SIGSTOP or SIGHUP.
    ///
    /// # Errors
    /// It is not running.
    pub fn signal(&self, signal: Signal) -> std::io::Result<()> {
        let process = self.current().ok_or(std::io::ErrorKind::NotFound)?;
        self.record_signal(signal);
        process.guard().signal(signal)
    }

    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        self.current().is_some_and(|process| process.guard().state().lives())
    }

    /// Waits until it ends by itself; for ever while none runs.
    pub async fn ended(&self) {
        match self.current() {
            Some(process) => drop(process.guard().wait_until(|state| !state.lives()).await),
            None => std::future::pending().await,
        }
    }

    /// How it ended, once it has ended by itself.
    pub fn last_exit(&self) -> Option<MainExit> {
        self.current()?.ended().map(|ended| ended.exit)
    }

    /// How long ago the harness ended it; `None` if it never has.
    pub fn down_for(&self) -> Option<Duration> {
        self.ended_at.map(|moment| self.clock.now().since(moment))
    }

    /// Pid of its main process in the harness's own namespace, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.current()?.guard().program_pid()
    }

    /// All its processes, in the harness's own namespace.
    pub fn processes(&self) -> Vec<i32> {
        self.current().map(|process| process.guard().program_processes()).unwrap_or_default()
    }

    /// Connections of clients to a port of its own that are closed at their other ends and still open at its own.
    pub fn held_after_the_end(&self, port: u16) -> u64 {
        harness_platform::held_after_the_end(&self.processes(), port)
    }

    /// How it is kept from outliving the harness, while it runs.
    pub fn isolation(&self) -> Option<Isolation> {
        self.current()?.guard().state().isolation
    }

    /// What really kept it within bounds at its last start.
    pub fn enforced(&self) -> Enforced {
        self.enforced.clone()
    }

    /// What reads its use of CPU, memory and descriptors; stays valid over restarts.
    pub fn probe(&self) -> ResourceProbe {
        ResourceProbe { process: self.process.clone(), outside: self.outside.clone() }
    }

    /// What its processes use now; `None` while none runs.
    pub fn resources(&self) -> Option<ResourceSample> {
        self.probe().sample()
    }

    /// What its watchers saw, and why nothing was seen, where nothing was; `None` where it was not watched. To be asked when it has ended.
    pub fn watched(&self) -> Option<(Vec<Watched>, Option<NotWatched>)> {
        Some(self.watch.as_ref()?.events(&self.clock, self.directory.path(), &self.argv))
    }

    /// The files beneath its directory: relative path and length.
    pub fn files(&self) -> Vec<(String, u64)> {
        self.directory.files()
    }

    /// The last lines that it printed in this launch.
    pub fn last_lines(&self) -> Vec<String> {
        self.output.last_lines(LAST_LINES)
    }

    /// Removes what its adapter says is left from one scenario to the next. Only while it does not run.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn wipe(&self) -> Result<(), StartProblem> {
        self.directory.wipe(&self.adapter.wipe)?;
        self.lay_out()
    }

    /// Ends it if it still runs, completes the file of its output and removes its directory.
    ///
    /// # Errors
    /// The output could not be written.
    pub async fn close(mut self) -> std::io::Result<()> {
        self.kill().await;
        self.output.finish()
    }

    pub(super) fn current(&self) -> Option<Arc<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn take_process(&self) -> Option<Arc<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends whatever runs, without an event: a start that failed, or one that was given up.
    pub(super) async fn end_quietly(&self) {
        if let Some(process) = self.take_process() {
            process.expect_end();
            self.run_own(&self.commands.kill).await;
            process.guard().end().await;
            self.forget_outside();
        }
    }

    /// Its end is in the history before the caller goes on.
    async fn wait_for_end(&self, process: &Process) {
        for _ in 0..200 {
            if process.ended().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) fn record(&self, event: EventKind) {
        (self.sink)(event);
    }

    fn record_signal(&self, signal: Signal) {
        self.record(EventKind::ProxySignalled { launch: self.launches, signal: signal.to_string() });
    }
}

impl Drop for ProxyUnderTest {
    fn drop(&mut self) {
        // A probe may live on; the process must not.
        drop(self.take_process());
    }
}

/// The limits of what is about to start in this directory and this group.
pub(super) fn limits_of_a_start(
    confinement: &Confinement,
    directory: &WorkingDirectory,
    group: Option<&Arc<ControlGroup>>,
) -> Arc<LimitGuard> {
    let written = (directory.folders(), directory.disk().cloned(), confinement.directory_bytes);
    LimitGuard::new(written, (group.cloned(), confinement.together.memory_bytes))
}

/// The end of a launch for the history.
pub(super) fn exit_event(launch: u32, ended: Ended) -> ProxyExit {
    ProxyExit {
        launch,
        code: ended.exit.code,
        signal: ended.exit.signal,
        expected: ended.expected,
        last_lines: ended.last_lines,
    }
}
