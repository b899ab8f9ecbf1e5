//! Limits on memory, processes and CPU of everything that a proxy starts, by control groups of either version.
//!
//! `proxy_under_test` makes one per run where limits are asked for, the guard puts the program into it before it is
//! executed. Root is bound by them, unlike by the limit on processes of setrlimit(2). Where the host does not hand out a
//! controller the group says so; nothing is pretended.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a group holds back. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupLimits {
    /// Memory of all processes together, page cache included, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// CPUs, such as 0.5.
    pub cores: Option<f64>,
}

impl GroupLimits {
    /// Whether there is nothing to hold back.
    pub fn is_empty(&self) -> bool {
        *self == GroupLimits::default()
    }
}

/// A group of this run's own; removed when dropped, by when its processes must be gone.
#[derive(Debug)]
pub struct ControlGroup {
    directories: Vec<PathBuf>,
    in_force: Vec<&'static str>,
    missing: Vec<&'static str>,
}

/// Where the hierarchies are mounted by every distribution.
const MOUNT: &str = "/sys/fs/cgroup";
/// The period over which a quota of CPU time is counted: the kernel's own default.
const PERIOD_US: u64 = 100_000;

impl ControlGroup {
    /// Makes a group with these limits, with as many of them as the host allows.
    pub fn create(name: &str, limits: &GroupLimits) -> ControlGroup {
        let mut group = ControlGroup { directories: Vec::new(), in_force: Vec::new(), missing: Vec::new() };
        let quota = limits.cores.map(|cores| (cores * PERIOD_US as f64).max(1_000.0) as u64);
        let wanted: [(&'static str, &str, Option<[Setting; 2]>); 3] = [
            (
                "memory",
                "memory",
                limits.memory_bytes.map(|bytes| {
                    let bytes = bytes.to_string();
                    [
                        Setting::new("memory.max", "memory.limit_in_bytes", &bytes),
                        // Without this a limit on memory only sends the program to the swap device.
                        Setting::new("memory.swap.max", "memory.memsw.limit_in_bytes", &bytes)
                            .or("0", &bytes),
                    ]
                }),
            ),
            (
                "processes",
                "pids",
                limits.processes.map(|count| {
                    let count = count.to_string();
                    [Setting::new("pids.max", "pids.max", &count), Setting::none()]
                }),
            ),
            (
                "cpu",
                "cpu",
                quota.map(|quota| {
                    let quota = quota.to_string();
                    [
                        Setting::new("cpu.max", "cpu.cfs_quota_us", &quota)
                            .or(&format!("{quota} {PERIOD_US}"), &quota),
                        Setting::new("", "cpu.cfs_period_us", &PERIOD_US.to_string()),
                    ]
                }),
            ),
        ];
        for (what, controller, settings) in wanted {
            let Some(settings) = settings else { continue };
            match group.hold_back(name, controller, &settings) {
                Ok(()) => group.in_force.push(what),
                Err(_) => group.missing.push(what),
            }
        }
        group
    }

    /// Removes the groups of a run whose harness was killed, by what their names end with. Those with processes stay.
    pub fn remove_left_over(end: &str) {
        let end = format!("-{end}");
        for (_, parent) in ["memory", "pids", "cpu"].into_iter().flat_map(places) {
            for group in std::fs::read_dir(parent).into_iter().flatten().flatten() {
                let name = group.file_name().to_string_lossy().into_owned();
                if name.starts_with("harness-") && name.ends_with(&end) {
                    let _ = std::fs::remove_dir(group.path());
                }
            }
        }
    }

    /// Files that a process writes `0` into in order to join.
    pub fn doors(&self) -> Vec<PathBuf> {
        self.directories.iter().map(|directory| directory.join("cgroup.procs")).collect()
    }

    /// What is held back: `memory`, `processes`, `cpu`.
    pub fn in_force(&self) -> &[&'static str] {
        &self.in_force
    }

    /// What was asked for and the host did not allow.
    pub fn missing(&self) -> &[&'static str] {
        &self.missing
    }

    /// How many processes the kernel killed because memory was used up.
    pub fn killed_for_memory(&self) -> u64 {
        let count = |directory: &PathBuf| {
            // Version 2 and version 1; the line is the same.
            ["memory.events", "memory.oom_control"].iter().find_map(|file| {
                let text = std::fs::read_to_string(directory.join(file)).ok()?;
                text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
            })
        };
        self.directories.iter().filter_map(count).max().unwrap_or(0)
    }

    /// Memory that its processes have for themselves, files in memory left aside, in bytes; `None` where the kernel counts none.
    pub fn private_bytes(&self) -> Option<u64> {
        self.directories.iter().find_map(|directory| {
            let text = std::fs::read_to_string(directory.join("memory.stat")).ok()?;
            // Version 2 and version 1.
            ["anon ", "total_rss "].iter().find_map(|name| {
                text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
            })
        })
    }

    fn hold_back(&mut self, name: &str, controller: &str, settings: &[Setting]) -> io::Result<()> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for (version, parent) in places(controller) {
            match make(&parent, name, controller, version).and_then(|directory| {
                settings.iter().try_for_each(|setting| setting.write(&directory, version)).map(|()| directory)
            }) {
                Ok(directory) => {
                    if !self.directories.contains(&directory) {
                        self.directories.push(directory);
                    }
                    return Ok(());
                }
                Err(error) => {
                    last = error;
                    self.remove_unless_used(&parent.join(name));
                }
            }
        }
        Err(last)
    }

    fn remove_unless_used(&self, directory: &Path) {
        if !self.directories.iter().any(|used| used == directory) {
            let _ = std::fs::remove_dir(directory);
        }
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for directory in &self.directories {
            // The kernel lets go of a dead process a moment after it has been reaped, a long one where the host is busy.
            for _ in 0..500 {
                match std::fs::remove_dir(directory) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// One figure, and the files it goes into; an empty name means that this version has none.
#[derive(Clone, Debug)]
struct Setting {
    two: (String, String),
    one: (String, String),
}

impl Setting {
    fn new(two: &str, one: &str, value: &str) -> Setting {
        Setting { two: (two.into(), value.into()), one: (one.into(), value.into()) }
    }

    fn none() -> Setting {
        Setting::new("", "", "")
    }

    /// The same with values that differ by version.
    fn or(mut self, two: &str, one: &str) -> Setting {
        self.two.1 = two.into();
        self.one.1 = one.into();
        self
    }

    fn write(&self, directory: &Path, version: Version) -> io::Result<()> {
        let (file, value) = match version {
            Version::One => &self.one,
            Version::Two => &self.two,
        };
        if file.is_empty() {
            return Ok(());
        }
        match std::fs::write(directory.join(file), value) {
            // Hosts without swap have no such file, and nothing to hold back there.
            Err(error) if file.contains("sw") && error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if file.contains("sw") && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            other => other,
        }
    }
}

/// Directories that may take a new group, the likeliest first: version 1 beneath our own group; version 2 beside our own
/// group (a group with processes cannot have limited children) and beneath the root.
fn places(controller: &str) -> Vec<(Version, PathBuf)> {
    let mut found = Vec::new();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let path = Path::new(path.trim_start_matches('/'));
        if controllers.split(',').any(|name| name == controller) {
            let root = Path::new(MOUNT).join(controllers);
            let root = if root.is_dir() { root } else { Path::new(MOUNT).join(controller) };
            found.push((Version::One, root.join(path)));
            found.push((Version::One, root));
        } else if controllers.is_empty() {
            for mount in [Path::new(MOUNT).to_path_buf(), Path::new(MOUNT).join("unified")] {
                if mount.join("cgroup.controllers").is_file() {
                    found
                        .extend(mount.join(path).parent().map(|beside| (Version::Two, beside.to_path_buf())));
                    found.push((Version::Two, mount));
                }
            }
        }
    }
    found.retain(|(_, path)| path.starts_with(MOUNT));
    found
}

fn make(parent: &Path, name: &str, controller: &str, version: Version) -> io::Result<PathBuf> {
    if version == Version::Two {
        let offered = std::fs::read_to_string(parent.join("cgroup.controllers"))?;
        if !offered.split_whitespace().any(|name| name == controller) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // May be on already, or refused because the parent has processes of its own; the new group tells.
        let _ = std::fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
    }
    let directory = parent.join(name);
    match std::fs::create_dir(&directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if version == Version::Two {
        let granted = std::fs::read_to_string(directory.join("cgroup.controllers"))?;
        if !granted.split_whitespace().any(|name| name == controller) {
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    Ok(directory)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::{ControlGroup, GroupLimits};

    #[test]
    fn a_group_without_limits_holds_nothing_back() {
        let group = ControlGroup::create("harness-test-empty", &GroupLimits::default());
        assert!(group.doors().is_empty() && group.in_force().is_empty() && group.missing().is_empty());
    }

    #[test]
    fn what_is_in_force_really_holds_and_what_is_not_is_named() {
        let limits = GroupLimits { memory_bytes: Some(64 << 20), processes: Some(7), cores: Some(0.5) };
        let name = format!("harness-test-{}", std::process::id());
        let group = ControlGroup::create(&name, &limits);
        assert_eq!(group.in_force().len() + group.missing().len(), 3);
        if !group.in_force().contains(&"processes") {
            eprintln!("skipped: this host hands out no such controller ({:?} missing)", group.missing());
            return;
        }
        let join: String =
            group.doors().iter().map(|door| format!("echo 0 > {} && ", door.display())).collect();
        let forks = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.5 & done; wait";
        let output = Command::new("sh").args(["-c", &format!("{join}{forks}")]).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(complaint.contains("fork"), "{complaint}");
        let doors = group.doors();
        drop(group);
        assert!(doors.iter().all(|door| !door.exists()));
    }
}
