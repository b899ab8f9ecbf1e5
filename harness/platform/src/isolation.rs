//! What keeps a program under control: process namespace, subreaper, sessions and limits.
//!
//! Only the guard calls it, on itself and before it starts the program. Nothing here starts or kills a process of its own
//! choice, except that a namespace's first process may end everything in it. Outside Linux namespaces are impossible
//! and limits are the portable ones.

use std::io;

/// Limits of the program and of everything it starts. `None`: no limit beyond the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// CPU time per process, in whole seconds.
    pub cpu_seconds: Option<u64>,
    /// Length of any file that it writes.
    pub file_bytes: Option<u64>,
    /// Open descriptors per process.
    pub open_files: Option<u64>,
    /// Private memory per process, stacks of threads included.
    pub data_bytes: Option<u64>,
    /// The CPUs that it may use, a bit for each of the first 64.
    #[serde(default)]
    pub cpus: Option<u64>,
}

/// Sets the limits for this process and all that it will start; a limit above the host's stays at the host's, but for the open files
/// of root.
///
/// # Errors
/// What the kernel says.
pub fn limit_this_process(limits: &Limits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = [
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
        (Resource::Data, limits.data_bytes),
        // A program that crashes by the dozen must not fill the disk with images of its memory.
        (Resource::Core, Some(0)),
    ];
    for (resource, limit) in wanted {
        let Some(limit) = limit else { continue };
        // Root may have more open files than the shell that it was started from allows: what a program runs out of is then its own.
        let whole = Rlimit { current: Some(limit), maximum: Some(limit) };
        if resource == Resource::Nofile && setrlimit(resource, whole).is_ok() {
            continue;
        }
        let allowed = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
        setrlimit(resource, Rlimit { current: Some(allowed), maximum: Some(allowed) })?;
    }
    match limits.cpus {
        Some(cpus) => super::pin_this_thread((0..64).filter(|cpu| cpus >> cpu & 1 == 1)),
        None => Ok(()),
    }
}

/// Leaves the session of the harness, so that Ctrl-C at its terminal reaches the harness alone.
pub fn start_session() {
    // The only error is that this process already leads a group, which serves the purpose as well.
    let _ = rustix::process::setsid();
}

/// Keeps descriptors that this process was born with, standard ones excepted, from reaching what it starts: a job server of
/// `make` or a lock of somebody's shell is no business of a proxy, and would be counted among its open files.
pub fn keep_descriptors_to_this_process() {
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return };
    let numbers: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|&number| number > 2) {
        // SAFETY: the descriptor is borrowed for the length of two calls that neither close nor read it; if it has been
        // closed meanwhile, as that of the directory listing has, they fail with EBADF and change nothing.
        let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = rustix::io::fcntl_getfd(descriptor) {
            let _ = rustix::io::fcntl_setfd(descriptor, flags | rustix::io::FdFlags::CLOEXEC);
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::{
    become_subreaper, die_with_parent, enter_process_namespace, enter_user_and_process_namespace,
    hide_this_process, kill_everything_in_namespace, own_file, own_mounts, own_process_view,
    share_no_memory_and_no_keys,
};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    become_subreaper, die_with_parent, enter_process_namespace, enter_user_and_process_namespace,
    hide_this_process, kill_everything_in_namespace, own_file, own_mounts, own_process_view,
    share_no_memory_and_no_keys,
};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    use rustix::process::{Pid, Signal};
    use rustix::thread::UnshareFlags;

    /// Orphans beneath this process become its children instead of those of the host's first process.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn become_subreaper() -> io::Result<()> {
        // Any process id means "yes" here; the kernel only looks at whether it is zero.
        Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
    }

    /// This process is killed when the *thread* that started it ends: only for children of a single-threaded process.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn die_with_parent() -> io::Result<()> {
        Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
    }

    /// The next child of this process will be the first process of a new process namespace: when it ends, the kernel
    /// kills everything in it. Takes the right to administer the system.
    ///
    /// Must be called by a single-threaded process, which cannot start threads afterwards.
    ///
    /// # Errors
    /// What the kernel says, mostly that the host does not allow it; nothing has changed then.
    pub fn enter_process_namespace() -> io::Result<()> {
        unshare(UnshareFlags::NEWPID)
    }

    /// The same for everybody, by way of a user namespace, whose rights are handed on to that child.
    ///
    /// # Errors
    /// As [`enter_user_namespace`](crate::enter_user_namespace).
    pub fn enter_user_and_process_namespace() -> io::Result<()> {
        crate::enter_user_namespace()?;
        unshare(UnshareFlags::NEWPID)?;
        crate::hand_rights_on()
    }

    fn unshare(flags: UnshareFlags) -> io::Result<()> {
        // SAFETY: the one danger of unshare(2) to memory safety is CLONE_FILES (descriptors that other threads do not
        // see); the flags used here are namespaces only, and the guard that calls this is single-threaded.
        Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
    }

    /// Gives this process namespace its own `/proc`, so that a program which looks itself up by its pid finds itself.
    /// Needs privileges; hosts that mask parts of `/proc` (containers) refuse too. Then the host's stays.
    ///
    /// # Errors
    /// What the kernel says; nothing has changed for the program then.
    pub fn own_process_view() -> io::Result<()> {
        use rustix::mount::{MountFlags, mount};
        own_mounts()?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        Ok(mount("proc", "/proc", "proc", flags, None)?)
    }

    /// From now on what this process mounts is its own affair, and that of what it starts.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn own_mounts() -> io::Result<()> {
        use rustix::mount::{MountPropagationFlags, mount_change};
        unshare(UnshareFlags::NEWNS)?;
        Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
    }

    /// Keeps other processes of the same user from the memory and the descriptors of this one; what it executes is not meant.
    pub fn hide_this_process() {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // There is no reason for which the kernel would refuse.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }

    /// Takes this process, and all that it will start, away from the shared memory, the queues and the keys of whoever runs the
    /// harness, as far as the host lets it: they outlive programs, and no fence keeps from them.
    pub fn share_no_memory_and_no_keys() {
        const JOIN_SESSION_KEYRING: libc::c_int = 1;
        let _ = unshare(UnshareFlags::NEWIPC);
        // SAFETY: of the operations of keyctl(2) this one reads no memory where its name is null: it makes a keyring without one.
        let _ = unsafe {
            libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>())
        };
    }

    /// Gives this process, and all that it will start, a file of its own in place of the one at this path. Needs the right to
    /// mount, and mounts of its own ([`own_mounts`]).
    ///
    /// # Errors
    /// What the kernel says; nothing has changed for other processes in any case.
    pub fn own_file(path: &str, text: &str) -> io::Result<()> {
        use std::io::Write;
        let mut file = tempfile::Builder::new().prefix("harness-file-").tempfile()?;
        file.write_all(text.as_bytes())?;
        // Workers under another user look names up as well.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(everybody)?;
        // The mount keeps the file alive; its name goes at the end of this function.
        Ok(rustix::mount::mount_bind(file.path(), path)?)
    }

    /// Kills every process of this namespace but its first one, which is the caller.
    ///
    /// # Errors
    /// `PermissionDenied` when the caller is not the first process of a namespace: there it would mean *every* process
    /// of the host.
    pub fn kill_everything_in_namespace() -> io::Result<()> {
        if !rustix::process::getpid().is_init() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        // kill(-1): the kernel walks its list under a lock that forks take too, so nothing slips away.
        match rustix::process::kill_process_group(Pid::INIT, Signal::KILL) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => Ok(other?),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;

    fn impossible() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Impossible here: orphans escape.
    ///
    /// # Errors
    /// Always.
    pub fn become_subreaper() -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn die_with_parent() -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn enter_process_namespace() -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn enter_user_and_process_namespace() -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn own_file(_path: &str, _text: &str) -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    pub fn hide_this_process() {}

    /// Impossible here.
    pub fn share_no_memory_and_no_keys() {}

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn own_mounts() -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn own_process_view() -> io::Result<()> {
        impossible()
    }

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn kill_everything_in_namespace() -> io::Result<()> {
        impossible()
    }
}
