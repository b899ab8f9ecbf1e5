//! What the guard process does: the code behind `harness __guard`.
//!
//! `main` calls [`run_if_asked`] before anything else. It reads orders from standard input, writes reports to standard
//! output and gives its standard error to the program; it never opens a socket and knows nothing of a run.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use rustix::process::{Gid, Uid};

use super::handle::user_namespace_is_allowed;
use super::{ARGUMENT, FromGuard, Isolation, MainExit, Order, ToGuard};
use harness_platform::{self, Doomed, Fence, Reach, Signal};

/// The role, as second argument, of the first process of a process namespace.
const FIRST: &str = "first";
/// The role of a throw-away process that tries whether a user namespace is allowed.
pub(super) const TRIAL: &str = "trial";

/// The role of a guard that must not use a process namespace.
pub(super) const PLAIN: &str = "plain";

/// Whether the pipe from the harness has ended.
static PIPE_ENDED: AtomicBool = AtomicBool::new(false);
/// Whether the harness said before that it would.
static FAREWELL: AtomicBool = AtomicBool::new(false);

/// Pid of the program while it lives, zero otherwise, so that no signal ever reaches a pid that was given away again.
static PROGRAM: AtomicI32 = AtomicI32::new(0);

/// Runs the guard and says how to exit, if the command line asks for it; `None` for every ordinary command line.
///
/// `main` must call it while the process has a single thread: threads would keep namespaces from being entered.
pub fn run_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let role = arguments.next().unwrap_or_default();
    Some(if role == TRIAL {
        trial()
    } else if role == FIRST {
        first_of_namespace()
    } else {
        outer(role != PLAIN)
    })
}

fn trial() -> ExitCode {
    match harness_platform::enter_user_and_process_namespace() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn outer(namespace: bool) -> ExitCode {
    harness_platform::start_session();
    harness_platform::keep_descriptors_to_this_process();
    if namespace
        && enter_namespace()
        && let Some(code) = run_first_of_namespace()
    {
        return code;
    }
    let isolation = match harness_platform::become_subreaper() {
        Ok(()) => Isolation::Subreaper,
        Err(_) => Isolation::ProcessGroup,
    };
    keep(isolation)
}

fn enter_namespace() -> bool {
    if harness_platform::enter_process_namespace().is_ok() {
        return true;
    }
    user_namespace_is_allowed() && harness_platform::enter_user_and_process_namespace().is_ok()
}

/// `None` if it could not be started: then this process must do the work itself.
fn run_first_of_namespace() -> Option<ExitCode> {
    let mut first = Command::new(own_program()).args([ARGUMENT, FIRST]).spawn().ok()?;
    // While it lives this process only waits, with one thread: the inner guard dies with that thread.
    first.wait().ok()?;
    Some(ExitCode::SUCCESS)
}

/// By the kernel's link and not by its path: the file may have been replaced by a new build meanwhile.
fn own_program() -> OsString {
    if cfg!(target_os = "linux") {
        return "/proc/self/exe".into();
    }
    std::env::current_exe().map_or_else(|_| std::env::args_os().next().unwrap_or_default(), OsString::from)
}

fn first_of_namespace() -> ExitCode {
    // If either fails the harness is still watching by the pipe, and the program sees the host's process list.
    let _ = harness_platform::die_with_parent();
    let _ = harness_platform::own_process_view();
    keep(Isolation::ProcessNamespace)
}

/// Starts the program, passes signals on and reaps until no process is left beneath.
fn keep(isolation: Isolation) -> ExitCode {
    // A program of the same user is not to look into this process, nor at the pipe that it reports through.
    harness_platform::hide_this_process();
    // Through a descriptor of its own, because the lock of the standard one cannot move to another thread.
    let Ok(input) = std::io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::FAILURE };
    let mut orders = BufReader::new(File::from(input)).lines();
    let Some(Ok(ToGuard::Start(order))) =
        orders.next().and_then(Result::ok).map(|line| serde_json::from_str(&line))
    else {
        return ExitCode::FAILURE;
    };
    // Found before the program gets folders of its own, in which its path leads elsewhere.
    let orphans = Orphans::of(&order);
    match start(&order) {
        Ok(Started { pid, fenced, private }) => {
            PROGRAM.store(pid, Ordering::SeqCst);
            report(&FromGuard::Started { pid, isolation, fenced, private });
        }
        Err(error) => {
            report(&FromGuard::NotStarted { error: error.to_string() });
            return ExitCode::FAILURE;
        }
    }
    std::thread::spawn(move || {
        for line in orders.map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(ToGuard::Signal(signal)) => pass_on(signal),
                Ok(ToGuard::KillAll) => kill_all(isolation),
                Ok(ToGuard::Farewell) => FAREWELL.store(true, Ordering::SeqCst),
                Ok(ToGuard::Start(_)) | Err(_) => {}
            }
        }
        // End of the pipe: the harness has closed it or is no more.
        PIPE_ENDED.store(true, Ordering::SeqCst);
        kill_all(isolation);
    });
    reap_until_alone();
    if PIPE_ENDED.load(Ordering::SeqCst) && !FAREWELL.load(Ordering::SeqCst) {
        orphans.remove();
    }
    ExitCode::SUCCESS
}

/// What nobody would remove any more if the harness were killed.
struct Orphans {
    directories: Vec<Doomed>,
    groups: Vec<PathBuf>,
}

impl Orphans {
    fn of(order: &Order) -> Orphans {
        let groups = order.doors.iter().filter_map(|door| Some(door.parent()?.to_path_buf())).collect();
        let directories = order.orphans.iter().filter(|path| is_ours(path));
        Orphans { directories: directories.filter_map(|path| Doomed::new(path).ok()).collect(), groups }
    }

    fn remove(self) {
        for directory in self.directories {
            let _ = directory.remove();
        }
        for group in self.groups.iter().filter(|path| is_ours(path)) {
            let _ = std::fs::remove_dir(group);
        }
    }
}

/// Whether it can be nothing else than what the harness has made.
fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"harness-"))
}

/// A program that has been started.
struct Started {
    pid: i32,
    fenced: bool,
    private: bool,
}

/// Called while this process has a single thread.
fn start(order: &Order) -> std::io::Result<Started> {
    let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "an empty command");
    let (program, arguments) = order.argv.split_first().ok_or_else(invalid)?;
    if let Some(hosts) = &order.hosts {
        harness_platform::own_mounts()?;
        harness_platform::own_file("/etc/hosts", hosts)?;
    }
    let (reach, private) = match &order.reach {
        Some(reach) => with_own_folders(reach.clone(), order)?,
        None => (None, false),
    };
    let fence = reach.as_ref().map(Fence::around).transpose()?.flatten();
    let fenced = fence.is_some();
    let output = std::io::stderr().as_fd().try_clone_to_owned()?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&order.environment).current_dir(&order.directory).stdout(output);
    let (reader, writer) = std::io::pipe()?;
    if let Some(user) = order.user {
        // Or `/dev/stdout` and its like, which are opened anew by their names, would be somebody else's.
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(user)));
        rustix::fs::fchown(std::io::stderr(), user, group)?;
        rustix::fs::fchown(&reader, user, group)?;
    }
    command.stdin(if order.stdin.is_some() { Stdio::from(reader) } else { Stdio::null() });
    command.process_group(0);
    confine(&mut command, order, fence)?;
    // Its end is seen by `reap_until_alone`, which waits for any child: `child.wait` must not compete.
    let child = command.spawn()?;
    // The reading end lives in `command` too.
    drop(command);
    if let (mut stdin, Some(text)) = (writer, order.stdin.clone()) {
        std::thread::spawn(move || {
            // A program that does not read is its own affair. The pipe stays open after the script: to a menu the end
            // of its input is an error, or an endless loop.
            let _ = stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush());
            std::mem::forget(stdin);
        });
    }
    let pid = i32::try_from(child.id()).map_err(std::io::Error::other)?;
    Ok(Started { pid, fenced, private })
}

/// The reach of a program that has its private folders to itself, where the host allows that.
fn with_own_folders(mut reach: Reach, order: &Order) -> std::io::Result<(Option<Reach>, bool)> {
    if let Some(user) = order.user {
        // Programs ask who they are, and where their home is.
        let home = reach.home.as_deref().and_then(Path::to_str).unwrap_or("/");
        harness_platform::own_mounts()?;
        for (file, line) in [
            ("/etc/passwd", format!("submission:x:{user}:{user}:submission:{home}:/bin/sh\n")),
            ("/etc/group", format!("submission:x:{user}:\n")),
        ] {
            if let Ok(known) = std::fs::read_to_string(file) {
                harness_platform::own_file(file, &format!("{}\n{line}", known.trim_end()))?;
            }
        }
    }
    harness_platform::share_no_memory_and_no_keys();
    let private = harness_platform::own_folders(&reach, &order.aside, &order.directory, order.user)?;
    if private {
        reach.writable.append(&mut reach.private.clone());
    }
    Ok((Some(reach), private))
}

/// Has the program join its control groups, take its limits and step behind its fence before it is executed. The guard
/// itself does none of it: it must be able to see and to kill.
fn confine(command: &mut Command, order: &Order, mut fence: Option<Fence>) -> std::io::Result<()> {
    let doors = order.doors.iter().map(|door| OpenOptions::new().write(true).open(door));
    let mut doors = doors.collect::<std::io::Result<Vec<File>>>()?;
    let (limits, confined, user) = (order.limits, order.reach.is_some(), order.user);
    let before_execution = move || {
        // "0" means the process that writes.
        doors.iter_mut().try_for_each(|door| door.write_all(b"0"))?;
        harness_platform::limit_this_process(&limits)?;
        if confined {
            harness_platform::give_up_rights(user)?;
            // A kernel without such filters is told of in `docs/trust.md`.
            let _ = harness_platform::refuse_keys();
        } else {
            harness_platform::keep_rights_to_this_process()?;
        }
        fence.take().map_or(Ok(()), Fence::enclose_this_thread)
    };
    // SAFETY: what runs between fork and exec in a process with several threads must not allocate or lock, because another
    // thread may have held a lock at the fork. The guard has a single thread here (`keep` starts the others later).
    unsafe { command.pre_exec(before_execution) };
    Ok(())
}

fn report(message: &FromGuard) {
    let Ok(mut line) = serde_json::to_string(message) else { return };
    line.push('\n');
    // Nobody listens any more only when the harness is dead; the end of the other pipe tells what to do then.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

fn pass_on(signal: Signal) {
    let program = PROGRAM.load(Ordering::SeqCst);
    if program != 0 {
        let _ = harness_platform::send_signal(program, signal);
        return;
    }
    for pid in harness_platform::beneath(own_pid_in_process_list()) {
        let _ = harness_platform::send_signal(pid, signal);
    }
}

fn kill_all(isolation: Isolation) {
    match isolation {
        Isolation::ProcessNamespace => {
            // Refused only where this process is not the first of its namespace, which is what this isolation means.
            let _ = harness_platform::kill_everything_in_namespace();
        }
        Isolation::Subreaper => kill_until_nothing_is_left(),
        Isolation::ProcessGroup => {
            let group = rustix::process::Pid::from_raw(PROGRAM.load(Ordering::SeqCst));
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
        }
    }
}

/// Kills what is beneath, again and again: while the list is read a process may fork. Two empty lists in a row mean the
/// end; the bound is for processes that hang in the kernel and cannot die.
fn kill_until_nothing_is_left() {
    let me = own_pid_in_process_list();
    let mut empty = 0;
    for _ in 0..5_000 {
        let left = harness_platform::beneath(me);
        for &pid in &left {
            let _ = harness_platform::send_signal(pid, Signal::KILL);
        }
        empty = if left.is_empty() { empty + 1 } else { 0 };
        if empty == 2 {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// In a namespace without its own process list this process has another number in the list than it knows itself by.
fn own_pid_in_process_list() -> i32 {
    std::fs::read_link("/proc/self")
        .ok()
        .and_then(|link| link.to_str()?.parse().ok())
        .unwrap_or_else(|| rustix::process::getpid().as_raw_pid())
}

fn reap_until_alone() {
    loop {
        match rustix::process::wait(rustix::process::WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_pid() == PROGRAM.load(Ordering::SeqCst) => {
                PROGRAM.store(0, Ordering::SeqCst);
                let left = u32::try_from(harness_platform::beneath(own_pid_in_process_list()).len())
                    .unwrap_or(u32::MAX);
                let exit = MainExit { code: status.exit_status(), signal: status.terminating_signal(), left };
                report(&FromGuard::MainExited(exit));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // No child is left.
            Err(_) => return,
        }
    }
}
