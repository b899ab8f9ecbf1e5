//! Who a program of unknown intent is to the system, and what rights it has there.
//!
//! An ordinary user may mount folders and make networks in a user namespace, where the host allows one; root may give away what
//! it is. The guard and, before its first thread, the harness itself call it. Nothing here opens a file of anybody's.

#[cfg(target_os = "linux")]
pub use linux::{
    enter_user_namespace, give_up_rights, hand_rights_on, keep_rights_to_this_process, may_administer,
    user_of_its_own,
};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    enter_user_namespace, give_up_rights, hand_rights_on, keep_rights_to_this_process, may_administer,
    user_of_its_own,
};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Gid, Uid};
    use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

    /// Numbers that belong to nobody: such that no distribution gives away, and for containers with few of them those that are
    /// meant for users who come and go.
    const NOBODYS: [(u32, u32); 2] = [(1_880_000_000, 1 << 27), (61_184, 4_096)];
    /// Users at a time that one process may want.
    const AT_A_TIME: u32 = 32;

    /// Moves this process into a user namespace in which everybody keeps their number and it has every right over what it makes
    /// there: mounts, networks, process namespaces.
    ///
    /// Must be called by a single-threaded process.
    ///
    /// # Errors
    /// What the kernel says. Hosts that confine user namespaces can leave the process in one without a name for itself:
    /// try it in a throw-away process first.
    pub fn enter_user_namespace() -> io::Result<()> {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        // SAFETY: no CLONE_FILES, the one danger of unshare(2) to memory safety.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) }?;
        // Without CAP_SETGID the group map may only be written once setgroups(2) is given up (user_namespaces(7)).
        std::fs::write("/proc/self/setgroups", "deny")?;
        std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
    }

    /// Whether this thread may administer the namespace that it is in.
    pub fn may_administer() -> bool {
        has(CapabilitySet::SYS_ADMIN)
    }

    /// Lets what this thread executes have the rights that it has itself: those of an ordinary user in a user namespace would be
    /// lost otherwise. Does not allocate.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn hand_rights_on() -> io::Result<()> {
        let mut now = rustix::thread::capabilities(None)?;
        now.inheritable = now.permitted;
        rustix::thread::set_capabilities(None, now)?;
        for one in now.permitted {
            rustix::thread::configure_capability_in_ambient_set(one, true)?;
        }
        Ok(())
    }

    /// Has what this thread executes have no more rights than its user has anyhow. Does not allocate.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn keep_rights_to_this_process() -> io::Result<()> {
        match rustix::thread::clear_ambient_capability_set() {
            // A kernel without such a set.
            Err(rustix::io::Errno::INVAL) => Ok(()),
            other => Ok(other?),
        }
    }

    /// A user of its own for what a submission starts, whom no file of the host belongs to; `None` where this process may not
    /// become another one, or may not mount what that one needs in a home that is not its own.
    pub fn user_of_its_own() -> Option<u32> {
        static POSSIBLE: OnceLock<Option<(u32, u32)>> = OnceLock::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let range = POSSIBLE.get_or_init(|| {
            let rights = [CapabilitySet::SETUID, CapabilitySet::SETGID, CapabilitySet::CHOWN];
            let possible =
                rustix::process::geteuid().is_root() && rights.into_iter().all(has) && mounts_are_allowed();
            NOBODYS.into_iter().find(|&range| possible && is_known(range))
        });
        let &(first, count) = range.as_ref()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % AT_A_TIME;
        Some(first + (std::process::id().wrapping_mul(AT_A_TIME) + number) % count)
    }

    fn has(right: CapabilitySet) -> bool {
        rustix::thread::capabilities(None).is_ok_and(|now| now.effective.contains(right))
    }

    /// Tried in a thread of its own, which ends with what it has made.
    fn mounts_are_allowed() -> bool {
        let trial = || {
            use rustix::mount::{MountPropagationFlags, mount_change};
            // SAFETY: no CLONE_FILES; the thread alone has another list of mounts for the rest of its life.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.is_ok()
                && mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).is_ok()
        };
        let thread = std::thread::Builder::new().spawn(trial);
        thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(false)
    }

    /// Whether this user namespace knows all of these users and groups.
    fn is_known((first, count): (u32, u32)) -> bool {
        let known = |map: &str| {
            let text = std::fs::read_to_string(map).unwrap_or_default();
            text.lines().any(|line| {
                let numbers: Vec<u64> =
                    line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                matches!(numbers[..], [begin, _, length]
                    if begin <= u64::from(first) && u64::from(first + count) <= begin + length)
            })
        };
        known("/proc/self/uid_map") && known("/proc/self/gid_map")
    }

    /// Gives up every right but that to bind low ports, for good, for this thread and all that it executes, and becomes this user
    /// where one is named. Does not allocate.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn give_up_rights(user: Option<u32>) -> io::Result<()> {
        let kept = CapabilitySet::NET_BIND_SERVICE;
        for number in 0..64 {
            let one = CapabilitySet::from_bits_retain(1 << number);
            // An error means that there is no such right, or that this process may give away none because it has none.
            if one != kept && rustix::thread::remove_capability_from_bounding_set(one).is_err() {
                break;
            }
        }
        let _ = rustix::thread::clear_ambient_capability_set();
        if let Some(user) = user {
            let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
            rustix::thread::set_keep_capabilities(true)?;
            rustix::thread::set_thread_groups(&[])?;
            rustix::thread::set_thread_res_gid(group, group, group)?;
            rustix::thread::set_thread_res_uid(user, user, user)?;
        }
        let permitted = rustix::thread::capabilities(None)?.permitted & kept;
        let left = CapabilitySets { effective: permitted, permitted, inheritable: permitted };
        rustix::thread::set_capabilities(None, left)?;
        if !permitted.is_empty() {
            // Whoever is not root keeps through an execution what is ambient, and nothing else.
            let _ = rustix::thread::configure_capability_in_ambient_set(kept, true);
        }
        Ok(rustix::thread::set_no_new_privs(true)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn enter_user_namespace() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There are no such rights here.
    pub fn may_administer() -> bool {
        false
    }

    /// There is nothing to be handed on here.
    ///
    /// # Errors
    /// None.
    pub fn hand_rights_on() -> io::Result<()> {
        Ok(())
    }

    /// There are none here.
    ///
    /// # Errors
    /// None.
    pub fn keep_rights_to_this_process() -> io::Result<()> {
        Ok(())
    }

    /// None here.
    pub fn user_of_its_own() -> Option<u32> {
        None
    }

    /// There is nothing to be given up here.
    ///
    /// # Errors
    /// None.
    pub fn give_up_rights(_user: Option<u32>) -> io::Result<()> {
        Ok(())
    }
}
