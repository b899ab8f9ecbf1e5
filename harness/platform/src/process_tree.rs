//! The processes beneath one process, and what they use.
//!
//! `proxy_under_test` samples them and the guard looks for what is left to kill. Nothing here sends a signal. Outside
//! Linux nothing is known, and the answers are empty.

use std::path::PathBuf;
use std::time::Duration;

/// What a set of processes uses or has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User plus system time of the living and of those that were reaped by one of them or by the guard.
    pub cpu: Duration,
    /// Resident memory in bytes; pages that processes share are counted for each.
    pub resident_bytes: u64,
    /// Processes.
    pub processes: u32,
    /// Threads.
    pub threads: u32,
    /// Open file descriptors, where they may be counted.
    pub open_files: u32,
    /// Voluntary and involuntary context switches of the living, all threads.
    pub context_switches: u64,
}

/// What a process executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The file, whatever name it was started by.
    pub program: PathBuf,
    /// What stands behind its name.
    pub arguments: Vec<String>,
    /// The process that started it, or has taken it over.
    pub parent: i32,
}

#[cfg(target_os = "linux")]
pub use linux::{beneath, beneath_quickly, command_of, pid_seen_from_here, program_of, usage, usage_from};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    beneath, beneath_quickly, command_of, pid_seen_from_here, program_of, usage, usage_from,
};

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeSet, HashMap};
    use std::time::Duration;

    use procfs::process::{ProcState, Process, Stat};

    use super::{Command, Usage};

    /// All living processes beneath `root` (not `root` itself), by a walk over every process of the host.
    ///
    /// Exact as long as nothing forks meanwhile; callers that kill repeat it until it comes back empty.
    pub fn beneath(root: i32) -> Vec<i32> {
        tree(root).into_iter().map(|stat| stat.pid).collect()
    }

    /// The same by the kernel's lists of children: a hundred times cheaper, but a child that ends while they are read
    /// can hide a sibling (proc(5)). Good for polling, not for killing.
    pub fn beneath_quickly(root: i32) -> Vec<i32> {
        let mut found = vec![root];
        let mut next = 0;
        while let Some(&pid) = found.get(next) {
            next += 1;
            let Ok(tasks) = Process::new(pid).and_then(|process| process.tasks()) else { continue };
            for task in tasks.flatten() {
                let Ok(children) = task.children() else {
                    // Kernels without CONFIG_PROC_CHILDREN have no such file.
                    return beneath(root);
                };
                found.extend(children.iter().filter_map(|&child| i32::try_from(child).ok()));
            }
        }
        found.remove(0);
        found
    }

    fn tree(root: i32) -> Vec<Stat> {
        let Ok(processes) = procfs::process::all_processes() else { return Vec::new() };
        let mut children: HashMap<i32, Vec<Stat>> = HashMap::new();
        for stat in processes.flatten().filter_map(|process| process.stat().ok()) {
            let dead = matches!(stat.state(), Ok(ProcState::Zombie | ProcState::Dead));
            if !dead {
                children.entry(stat.ppid).or_default().push(stat);
            }
        }
        let mut found = children.remove(&root).unwrap_or_default();
        let mut next = 0;
        while next < found.len() {
            if let Some(more) = children.remove(&found[next].pid) {
                found.extend(more);
            }
            next += 1;
        }
        found
    }

    /// The living processes beneath `root` by the kernel's lists, read twice: a child that ends while one is read can hide a
    /// sibling from that reading. A walk over all processes of the host, several times a second for each run, is felt by all of
    /// them (and by the kernel, which forgets the entries of each process that ends one by one).
    fn tree_quickly(root: i32) -> Vec<Stat> {
        let pids: BTreeSet<i32> = beneath_quickly(root).into_iter().chain(beneath_quickly(root)).collect();
        let stats =
            pids.into_iter().filter_map(|pid| Process::new(pid).and_then(|process| process.stat()).ok());
        stats.filter(|stat| !matches!(stat.state(), Ok(ProcState::Zombie | ProcState::Dead))).collect()
    }

    /// What the processes beneath `root` use, those in `apart` (the guard's own) left out.
    ///
    /// CPU time of reaped children is counted at whoever reaped them: the guard's processes reap too, so theirs is
    /// added although their own time is not.
    pub fn usage(root: i32, apart: &[i32]) -> Usage {
        sum_of(root, |pid| pid == root || apart.contains(&pid))
    }

    /// What a process and all beneath it use.
    pub fn usage_from(root: i32) -> Usage {
        sum_of(root, |_| false)
    }

    /// Sums up a tree; of those that are left out only the time of the children that they have reaped counts.
    fn sum_of(root: i32, left_out: impl Fn(i32) -> bool) -> Usage {
        let tick = procfs::ticks_per_second().max(1);
        let ticks = |count: u64| Duration::from_nanos(count.saturating_mul(1_000_000_000 / tick));
        let mut sum = Usage::default();
        let root_stat = Process::new(root).and_then(|process| process.stat()).ok();
        for stat in root_stat.into_iter().chain(tree_quickly(root)) {
            let reaped = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
            sum.cpu += ticks(reaped);
            if left_out(stat.pid) {
                continue;
            }
            sum.cpu += cpu_time(stat.pid).unwrap_or_else(|| ticks(stat.utime + stat.stime));
            sum.resident_bytes += stat.rss.saturating_mul(procfs::page_size());
            sum.processes += 1;
            sum.threads += u32::try_from(stat.num_threads).unwrap_or(0);
            let Ok(process) = Process::new(stat.pid) else { continue };
            sum.open_files +=
                process.fd_count().ok().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
            sum.context_switches += context_switches(&process);
        }
        sum
    }

    /// User plus system time of a process, those of its threads that ended included, by its own clock: nanoseconds, where
    /// the ticks of proc(5) are 10 ms apart (clock_getcpuclockid(3)).
    fn cpu_time(pid: i32) -> Option<Duration> {
        let mut clock = 0;
        // SAFETY: the call writes one number to where it is pointed.
        if unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } != 0 {
            return None;
        }
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes one `timespec` to where it is pointed.
        if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
            return None;
        }
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }

    fn context_switches(process: &Process) -> u64 {
        let Ok(tasks) = process.tasks() else { return 0 };
        tasks
            .flatten()
            .filter_map(|task| task.status().ok())
            .map(|status| {
                status.voluntary_ctxt_switches.unwrap_or(0) + status.nonvoluntary_ctxt_switches.unwrap_or(0)
            })
            .sum()
    }

    /// The pid that this process knows a descendant of `root` by, given the pid it has in its own, innermost namespace.
    pub fn pid_seen_from_here(root: i32, innermost: i32) -> Option<i32> {
        beneath(root).into_iter().find(|&pid| {
            let status = Process::new(pid).and_then(|process| process.status());
            status.is_ok_and(|status| status.nspid.and_then(|pids| pids.last().copied()) == Some(innermost))
        })
    }

    /// Name of the program that a process runs, as in `ps`, where it may be known.
    pub fn program_of(pid: i32) -> Option<String> {
        Process::new(pid).and_then(|process| process.stat()).ok().map(|stat| stat.comm)
    }

    /// What a process executes, where it may be known.
    pub fn command_of(pid: i32) -> Option<Command> {
        let process = Process::new(pid).ok()?;
        let arguments = process.cmdline().ok()?.into_iter().skip(1).collect();
        Some(Command { program: process.exe().ok()?, arguments, parent: process.stat().ok()?.ppid })
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::Usage;

    /// Unknown here.
    pub fn beneath(_root: i32) -> Vec<i32> {
        Vec::new()
    }

    /// Unknown here.
    pub fn beneath_quickly(_root: i32) -> Vec<i32> {
        Vec::new()
    }

    /// Unknown here.
    pub fn usage(_root: i32, _apart: &[i32]) -> Usage {
        Usage::default()
    }

    /// Unknown here.
    pub fn usage_from(_root: i32) -> Usage {
        Usage::default()
    }

    /// There are no namespaces here.
    pub fn pid_seen_from_here(_root: i32, innermost: i32) -> Option<i32> {
        Some(innermost)
    }

    /// Unknown here.
    pub fn program_of(_pid: i32) -> Option<String> {
        None
    }

    /// Unknown here.
    pub fn command_of(_pid: i32) -> Option<super::Command> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{beneath, beneath_quickly, usage, usage_from};

    #[test]
    fn processor_time_is_finer_than_the_ticks_of_the_kernel() {
        let me = i32::try_from(std::process::id()).unwrap();
        let before = usage_from(me).cpu;
        let after = usage_from(me).cpu;
        assert!(Duration::ZERO < after - before, "reading it costs some of it");
        assert!(after - before < Duration::from_secs(1));
    }

    #[test]
    fn a_grandchild_is_beneath_its_grandparent_and_uses_memory() {
        let me = i32::try_from(std::process::id()).unwrap();
        let mut child = Command::new("sh").args(["-c", "sleep 30 & echo; wait"]).spawn().unwrap();
        let child_pid = i32::try_from(child.id()).unwrap();
        let mut seen = Vec::new();
        for _ in 0..500 {
            seen = beneath(child_pid);
            if !seen.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(seen.len(), 1);
        assert!(beneath(me).contains(&seen[0]));
        assert!(beneath_quickly(me).contains(&seen[0]));
        let used = usage(child_pid, &[]);
        assert_eq!((used.processes, used.threads), (1, 1));
        assert!(used.resident_bytes > 10_000);
        super::super::send_signal(seen[0], super::super::Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(beneath(child_pid).is_empty());
    }
}
