//! The harness's end of a guard: start one, tell it what to do, hear what happens.
//!
//! `process` holds one handle per launch. Dropping it ends the guard and everything beneath, and waits for that, so that
//! an error anywhere in the harness leaves no process behind.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::inside::{PLAIN, TRIAL};
use super::{ARGUMENT, FromGuard, Isolation, MainExit, Order, ToGuard, Wish};
use harness_platform::{self, Signal};

/// What the harness knows of a guard and of the program beneath it.
#[derive(Clone, Debug, Default)]
pub struct GuardState {
    /// Pid of the program in its own namespace, once it runs.
    pub pid: Option<i32>,
    /// How it is kept.
    pub isolation: Option<Isolation>,
    /// Whether it is kept to the files that its order names.
    pub fenced: bool,
    /// Whether the private folders that its order names are its own.
    pub private: bool,
    /// Why it could not be executed.
    pub refused: Option<String>,
    /// How the program ended.
    pub exit: Option<MainExit>,
    /// Whether the guard itself has ended, and with it everything beneath.
    pub gone: bool,
}

impl GuardState {
    /// Whether the program, or what it left in the background with a success, still runs or is about to.
    pub fn lives(&self) -> bool {
        !self.gone && self.refused.is_none() && (self.exit.is_none() || self.in_background())
    }

    /// Whether the program has put itself into the background: it ended with a success and left processes behind.
    pub fn in_background(&self) -> bool {
        !self.gone && self.exit.is_some_and(|exit| exit.code == Some(0) && exit.left > 0)
    }
}

/// A running guard.
#[derive(Debug)]
pub struct GuardHandle {
    control: Mutex<Option<ChildStdin>>,
    state: watch::Receiver<GuardState>,
    pid: i32,
}

/// How long the end of everything beneath may take: SIGKILL is prompt except in the depths of a driver.
const END_WITHIN: Duration = Duration::from_secs(10);

impl GuardHandle {
    /// Starts a guard in the network namespace of the calling thread and gives it its order. `on_change` is called from a
    /// thread of the handle with every new state, before anybody else sees it.
    ///
    /// # Errors
    /// The guard's program cannot be executed, or no threads or descriptors are left.
    pub fn start(
        program: &Path,
        wish: Wish,
        output: OwnedFd,
        order: Order,
        on_change: impl FnMut(&GuardState) + Send + 'static,
    ) -> io::Result<GuardHandle> {
        let mut command = Command::new(program);
        command
            .arg(ARGUMENT)
            .args((wish == Wish::WithoutNamespace).then_some(PLAIN))
            // A program that finds its guard in the list of processes could read it.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output);
        if harness_platform::may_administer() && !rustix::process::geteuid().is_root() {
            // SAFETY: it neither allocates nor locks.
            unsafe { command.pre_exec(harness_platform::hand_rights_on) };
        }
        let mut child = command.spawn()?;
        // The writing end of the output lives in `command` too: it must close here, or its reader never sees the end.
        drop(command);
        let missing = || io::Error::other("a pipe that was asked for is missing");
        let mut control = child.stdin.take().ok_or_else(missing)?;
        let reports = child.stdout.take().ok_or_else(missing)?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        write_line(&mut control, &ToGuard::Start(Box::new(order)))?;
        let (sender, state) = watch::channel(GuardState::default());
        std::thread::Builder::new()
            .name("guard-reports".into())
            .spawn(move || listen(child, BufReader::new(reports), &sender, on_change))?;
        Ok(GuardHandle { control: Mutex::new(Some(control)), state, pid })
    }

    /// Pid of the guard itself: the root of the tree that the program lives in.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// What is known now.
    pub fn state(&self) -> GuardState {
        self.state.borrow().clone()
    }

    /// Everything that will be known: waits until `enough` says so, or until the guard has ended.
    pub async fn wait_until(&self, mut enough: impl FnMut(&GuardState) -> bool) -> GuardState {
        let mut state = self.state.clone();
        // An error means that the listening thread has ended, and its last word was `gone`.
        let _ = state.wait_for(|now| now.gone || enough(now)).await;
        state.borrow().clone()
    }

    /// Pid of the program in the harness's own namespace, while it lives.
    pub fn program_pid(&self) -> Option<i32> {
        let state = self.state.borrow().clone();
        let inner = state.pid.filter(|_| state.exit.is_none())?;
        match state.isolation? {
            Isolation::ProcessNamespace => harness_platform::pid_seen_from_here(self.pid, inner),
            Isolation::Subreaper | Isolation::ProcessGroup => Some(inner),
        }
    }

    /// Living processes of the program, without the guard's own.
    pub fn program_processes(&self) -> Vec<i32> {
        let mut pids = harness_platform::beneath_quickly(self.pid);
        if let Some(inner) = self.inner_guard() {
            pids.retain(|&pid| pid != inner);
        }
        pids
    }

    /// What the processes of the program use.
    pub fn usage(&self) -> harness_platform::Usage {
        harness_platform::usage(self.pid, &self.inner_guard().into_iter().collect::<Vec<i32>>())
    }

    /// Has the guard pass a signal on to the program.
    ///
    /// # Errors
    /// The guard has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.tell(&ToGuard::Signal(signal))
    }

    /// Has the guard kill everything beneath, at once.
    pub fn kill_all(&self) {
        // A guard that has ended has nothing beneath.
        let _ = self.tell(&ToGuard::KillAll);
    }

    /// Kills everything beneath and waits until it is gone; the guard itself is killed if that takes too long.
    pub async fn end(&self) -> GuardState {
        self.kill_all();
        let gone = tokio::time::timeout(END_WITHIN, self.wait_until(|_| false)).await;
        if gone.is_err() {
            self.kill_guard();
        }
        self.state()
    }

    fn tell(&self, message: &ToGuard) -> io::Result<()> {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        match control.as_mut() {
            Some(pipe) => write_line(pipe, message),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn inner_guard(&self) -> Option<i32> {
        let namespaced = self.state.borrow().isolation == Some(Isolation::ProcessNamespace);
        // The outer guard has exactly one child then.
        namespaced.then(|| harness_platform::beneath_quickly(self.pid).first().copied()).flatten()
    }

    fn kill_guard(&self) {
        if !self.state.borrow().gone {
            let _ = harness_platform::send_signal(self.pid, Signal::KILL);
        }
    }
}

impl Drop for GuardHandle {
    fn drop(&mut self) {
        let _ = self.tell(&ToGuard::Farewell);
        // The end of the pipe makes the guard kill everything; this works in any thread, also during a panic.
        *self.control.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let steps = END_WITHIN.as_millis() / 2;
        for _ in 0..steps {
            if self.state.borrow().gone {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.kill_guard();
    }
}

/// Moves an ordinary user's harness into a user namespace, where the host allows one: there it can have networks of its own, and
/// its guards mounts and process lists. From then on nobody else sees what it mounts, root's neither. Where the host does not allow
/// it, all stays as it is.
///
/// Must be called while the process has a single thread.
pub fn enter_namespaces_if_allowed() {
    if !harness_platform::may_administer() && user_namespace_is_allowed() {
        // It was allowed a moment ago.
        let _ = harness_platform::enter_user_namespace();
    }
    // Who may not has no disks to give; what it starts is watched instead.
    let _ = harness_platform::keep_mounts_to_this_process();
}

/// Tried by a process of its own: one that is confined may lose its name there.
pub(super) fn user_namespace_is_allowed() -> bool {
    let Ok(program) = guard_program() else { return false };
    let mut trial = Command::new(program);
    trial.args([ARGUMENT, TRIAL]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    trial.status().is_ok_and(|status| status.success())
}

/// The program that can be executed as a guard: this one; for a test binary the harness beside it.
///
/// # Errors
/// The system does not say which program this process runs.
pub fn guard_program() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let directory = own.parent().filter(|parent| parent.ends_with("deps")).and_then(Path::parent);
    let beside =
        directory.map(|directory| directory.join(format!("harness{}", std::env::consts::EXE_SUFFIX)));
    if let Some(harness) = beside.filter(|path| path.is_file()) {
        return Ok(harness);
    }
    // The kernel's link stays right when the file is replaced by a new build in mid-run.
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { Ok(own) }
}

fn write_line(pipe: &mut ChildStdin, message: &ToGuard) -> io::Result<()> {
    let mut line = serde_json::to_string(message).map_err(io::Error::other)?;
    line.push('\n');
    pipe.write_all(line.as_bytes())
}

fn listen(
    mut guard: Child,
    reports: impl BufRead,
    shared: &watch::Sender<GuardState>,
    mut on_change: impl FnMut(&GuardState),
) {
    let mut state = GuardState::default();
    for line in reports.lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(FromGuard::Started { pid, isolation, fenced, private }) => {
                state.private = private;
                state.pid = Some(pid);
                state.fenced = fenced;
                state.isolation = Some(isolation);
            }
            Ok(FromGuard::NotStarted { error }) => state.refused = Some(error),
            Ok(FromGuard::MainExited(exit)) => state.exit = Some(exit),
            Err(_) => continue,
        }
        on_change(&state);
        shared.send_replace(state.clone());
    }
    // Without its guard reaped there would be a zombie, and its pid could not be trusted to be dead.
    let _ = guard.wait();
    if state.pid.is_some() && state.exit.is_none() {
        // Somebody killed the guard: the program went with it.
        state.exit = Some(MainExit { code: None, signal: Some(Signal::KILL.number()), left: 0 });
    }
    state.gone = true;
    on_change(&state);
    shared.send_replace(state);
}
