//! Which CPUs a thread, and all that it starts, may use.
//!
//! The conductor keeps load and backends on some of them, the guard the proxy on the others. Outside Linux nothing can be
//! pinned, and that is said.

use std::io;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::io;

    /// The CPUs that this thread may use, by number.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn usable_cpus() -> io::Result<Vec<usize>> {
        let allowed = sched_getaffinity(None)?;
        Ok((0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect())
    }

    /// Keeps this thread, and the threads and processes that it starts from now on, on these CPUs. It allocates nothing.
    ///
    /// # Errors
    /// What the kernel says, such as that there is no such CPU.
    pub fn pin_this_thread(cpus: impl Iterator<Item = usize>) -> io::Result<()> {
        let mut set = CpuSet::new();
        cpus.filter(|&cpu| cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(cpu));
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(target_os = "linux")]
pub use linux::{pin_this_thread, usable_cpus};

/// Unknown here.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn usable_cpus() -> io::Result<Vec<usize>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Impossible here.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn pin_this_thread(_cpus: impl Iterator<Item = usize>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{pin_this_thread, usable_cpus};

    #[test]
    fn a_pinned_thread_and_what_it_starts_see_only_their_cpus() {
        let all = usable_cpus().unwrap();
        let last = *all.last().unwrap();
        let seen = std::thread::spawn(move || {
            pin_this_thread([last].into_iter()).unwrap();
            std::thread::spawn(|| usable_cpus().unwrap()).join().unwrap()
        });
        assert_eq!(seen.join().unwrap(), [last]);
        assert_eq!(usable_cpus().unwrap(), all, "others are left alone");
    }
}
