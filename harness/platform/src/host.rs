//! The facts of the host that a reader of a report needs in order to compare it with another.
//!
//! The manifest of a run holds them. Names of the host and of its user are left out on purpose: reports are passed on.

use serde::{Deserialize, Serialize};

/// What a run was made on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// Operating system and kernel, such as `Linux 6.12.1 x86_64`.
    pub system: String,
    /// Name of the distribution, where there is one.
    pub distribution: Option<String>,
    /// Model of the CPU, where known.
    pub cpu: Option<String>,
    /// CPUs that this process may use.
    pub cores: usize,
    /// CPUs that the quota of the control group allows, where one is set.
    pub cpu_quota: Option<f64>,
    /// Memory of the host in bytes, where known.
    pub memory_bytes: Option<u64>,
    /// Memory that programs could still get without swapping, in bytes, where known.
    #[serde(default)]
    pub memory_available_bytes: Option<u64>,
    /// Memory that the control group allows, in bytes, where a limit is set.
    pub memory_limit_bytes: Option<u64>,
    /// Name of the hypervisor or container system, where it shows.
    pub virtualised: bool,
    /// Whether the processor's frequency is left to rise and fall (`powersave`, `schedutil`...), where known.
    pub frequency_governor: Option<String>,
}

/// Reads the facts; what cannot be read is `None`.
pub fn host_facts() -> HostFacts {
    let name = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
    HostFacts {
        system: format!("{} {} {}", text(name.sysname()), text(name.release()), text(name.machine())),
        distribution: read("/etc/os-release").as_deref().and_then(|text| value_after(text, "PRETTY_NAME=")),
        cpu: value_after(&cpuinfo, "model name").or_else(|| value_after(&cpuinfo, "Model")),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        cpu_quota: cpu_quota(&read),
        memory_bytes: read("/proc/meminfo").as_deref().and_then(|text| memory(text, "MemTotal:")),
        memory_available_bytes: read("/proc/meminfo")
            .as_deref()
            .and_then(|text| memory(text, "MemAvailable:")),
        memory_limit_bytes: memory_limit(&read),
        virtualised: cpuinfo.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor")),
        frequency_governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
            .map(|text| text.trim().to_string()),
    }
}

fn value_after(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim_matches(|c: char| c.is_whitespace() || c == ':' || c == '"' || c == '=').to_string())
}

/// `MemTotal:  8123456 kB`.
fn memory(meminfo: &str, which: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(which))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Version 2 of control groups says `max 100000` or `50000 100000`; version 1 has one file for each figure.
fn cpu_quota(read: &impl Fn(&str) -> Option<String>) -> Option<f64> {
    let ratio = |quota: &str, period: &str| -> Option<f64> {
        let (quota, period) = (quota.trim().parse::<f64>().ok()?, period.trim().parse::<f64>().ok()?);
        (quota > 0.0 && period > 0.0).then(|| quota / period)
    };
    for group in own_groups(read, "cpu") {
        if let Some(text) = read(&format!("{group}/cpu.max")) {
            let mut words = text.split_whitespace();
            if let Some(found) = ratio(words.next()?, words.next()?) {
                return Some(found);
            }
        }
        let quota = read(&format!("{group}/cpu.cfs_quota_us"));
        if let (Some(quota), Some(period)) = (quota, read(&format!("{group}/cpu.cfs_period_us")))
            && let Some(found) = ratio(&quota, &period)
        {
            return Some(found);
        }
    }
    None
}

fn memory_limit(read: &impl Fn(&str) -> Option<String>) -> Option<u64> {
    // Version 1 writes "no limit" as the largest multiple of a page.
    const NO_LIMIT: u64 = 1 << 60;
    own_groups(read, "memory")
        .iter()
        .flat_map(|group| [format!("{group}/memory.max"), format!("{group}/memory.limit_in_bytes")])
        .filter_map(|path| read(&path)?.trim().parse::<u64>().ok())
        .filter(|&limit| limit < NO_LIMIT)
        .min()
}

/// The directories of this process's control group and of the groups above it, for a controller, in both versions: a
/// container sees its own group at the root of the hierarchy, whatever `/proc/self/cgroup` says.
fn own_groups(read: &impl Fn(&str) -> Option<String>, controller: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in read("/proc/self/cgroup").unwrap_or_default().lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let root = if controllers.is_empty() {
            "/sys/fs/cgroup".to_string()
        } else if controllers.split(',').any(|name| name == controller) {
            format!("/sys/fs/cgroup/{controller}")
        } else {
            continue;
        };
        let mut path = path.trim_end_matches('/').to_string();
        loop {
            found.push(format!("{root}{path}"));
            let Some(slash) = path.rfind('/') else { break };
            path.truncate(slash);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{cpu_quota, host_facts, memory, memory_limit};

    #[test]
    fn this_host_has_a_system_and_a_core() {
        let facts = host_facts();
        assert!(facts.cores >= 1);
        assert!(!facts.system.trim().is_empty());
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let meminfo = "MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(memory(meminfo, "MemTotal:"), Some(2 * 1024 * 1024));
        assert_eq!(memory(meminfo, "MemAvailable:"), Some(1024 * 1024));
    }

    #[test]
    fn quotas_of_both_versions_of_control_groups_are_found_also_above() {
        let second = |path: &str| match path {
            "/proc/self/cgroup" => Some("0::/a/b\n".to_string()),
            "/sys/fs/cgroup/a/b/cpu.max" => Some("max 100000\n".to_string()),
            "/sys/fs/cgroup/a/cpu.max" => Some("50000 100000\n".to_string()),
            "/sys/fs/cgroup/a/memory.max" => Some("805306368\n".to_string()),
            _ => None,
        };
        assert_eq!(cpu_quota(&second), Some(0.5));
        assert_eq!(memory_limit(&second), Some(768 << 20));
        let first = |path: &str| match path {
            "/proc/self/cgroup" => Some("4:memory:/x\n1:cpu,cpuacct:/x\n".to_string()),
            "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us" => Some("-1\n".to_string()),
            "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us" => Some("100000\n".to_string()),
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes" => Some("9223372036854771712\n".to_string()),
            _ => None,
        };
        assert_eq!(cpu_quota(&first), None);
        assert_eq!(memory_limit(&first), None);
    }
}
