//! How tightly a proxy is kept: limits, control group, fence, and what of it the host really enforces.
//!
//! The conductor chooses by the adapter: programs of this machine are trusted as their user trusts them, submissions are
//! not. Nothing here starts anything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::directory::WorkingDirectory;
use super::guard::{GuardState, Isolation};
use super::program::home;
use harness_model::adapter::Adapter;
use harness_model::adapter::boundary::{CPU_SECONDS, MEMORY_BYTES, OPEN_FILES, PROCESSES, WRITTEN_BYTES};
use harness_model::history::NotKept;
use harness_platform::{ControlGroup, GroupLimits, Limits, OwnDisk, Reach};

/// What a proxy is kept to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confinement {
    /// Limits of each of its processes.
    pub limits: Limits,
    /// Limits of all of them together.
    pub together: GroupLimits,
    /// Whether it writes its own directory only, and reads no home.
    pub fenced: bool,
    /// Bytes that its directory may hold before it is killed.
    pub directory_bytes: Option<u64>,
    /// Whether what it is built by may use the network of the host, where it is fenced.
    pub build_network: bool,
    /// How long all commands of a build together may take, where it is not the usual quarter of an hour.
    pub build_within: Option<Duration>,
}

/// What of it the host enforces: for the manifest, and for the honesty section of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// How it is kept from outliving the harness; `None` before it first ran.
    pub isolation: Option<Isolation>,
    /// Whether it is kept to its own files; `None` where that was not asked for.
    pub fenced: Option<bool>,
    /// Whether folders for temporary files and the home are its own; `None` where that was not asked for.
    #[serde(default)]
    pub private: Option<bool>,
    /// Whether it is a user of its own, beside whoever runs the harness; `None` where that was not asked for, or is not root's to give.
    #[serde(default)]
    pub user: Option<bool>,
    /// Whether what it writes lies on a disk of its own that ends at its limit; `None` where that was not asked for.
    #[serde(default)]
    pub disk: Option<bool>,
    /// What is limited for all its processes together: `memory`, `processes`, `cpu`.
    pub limited: Vec<String>,
    /// What should be limited and is not, because the host does not allow it.
    pub not_limited: Vec<String>,
}

impl Confinement {
    /// What is fit for the proxy of an adapter: a submission, whose folder is copied, is confined; a program of this machine
    /// is not.
    pub fn of(adapter: &Adapter) -> Confinement {
        let wanted = &adapter.limits;
        let confined = wanted.confined.unwrap_or(adapter.copy_from.is_some());
        let mut confinement = if confined { Confinement::of_submission() } else { Confinement::default() };
        let Confinement { limits, together, directory_bytes, .. } = &mut confinement;
        limits.cpu_seconds = wanted.cpu.map(|cpu| cpu.as_secs().max(1)).or(limits.cpu_seconds);
        limits.open_files = wanted.open_files.or(limits.open_files);
        limits.file_bytes = wanted.written_bytes.or(limits.file_bytes);
        limits.data_bytes = wanted.memory_bytes.map(|bytes| bytes.saturating_mul(4)).or(limits.data_bytes);
        together.memory_bytes = wanted.memory_bytes.or(together.memory_bytes);
        together.processes = wanted.processes.or(together.processes);
        *directory_bytes = wanted.written_bytes.or(*directory_bytes);
        confinement
    }

    /// What a program of unknown intent is kept to.
    pub fn of_submission() -> Confinement {
        let half = harness_platform::host_facts().memory_bytes.map_or(MEMORY_BYTES, |bytes| bytes / 2);
        let memory = MEMORY_BYTES.min(half);
        Confinement {
            // Four times as much, because address space that is never touched counts here, stacks of threads above all.
            limits: Limits {
                cpu_seconds: Some(CPU_SECONDS),
                open_files: Some(OPEN_FILES),
                file_bytes: Some(WRITTEN_BYTES),
                data_bytes: Some(memory * 4),
                cpus: None,
            },
            together: GroupLimits { memory_bytes: Some(memory), processes: Some(PROCESSES), cores: None },
            fenced: true,
            directory_bytes: Some(WRITTEN_BYTES),
            build_network: false,
            build_within: None,
        }
    }

    /// The control group that it asks for, as far as the host has one.
    pub(super) fn group(&self, directory: &WorkingDirectory) -> Option<Arc<ControlGroup>> {
        if self.together.is_empty() {
            return None;
        }
        let mut together = self.together;
        if let (Some(memory), Some(disk)) = (&mut together.memory_bytes, directory.disk()) {
            // What lies on a disk of its own is memory of whoever writes it.
            *memory = memory.saturating_add(disk.bytes());
        }
        Some(Arc::new(ControlGroup::create(&name_of_group(directory), &together)))
    }

    /// The files that it may touch.
    pub(super) fn reach(&self, directory: &WorkingDirectory, adapter: &Adapter) -> Option<Reach> {
        self.fenced.then(|| {
            let mut reach = Reach::of_submission(directory.path().to_path_buf(), home());
            reach.readable.extend(adapter.limits.readable.iter().cloned());
            reach
        })
    }

    /// What of it is enforced, as the guard and the control group have it.
    pub(super) fn enforced(
        &self,
        group: Option<&ControlGroup>,
        user: Option<u32>,
        disk: Option<&OwnDisk>,
        state: &GuardState,
    ) -> Enforced {
        let words = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Enforced {
            isolation: state.isolation,
            fenced: self.fenced.then_some(state.fenced),
            private: self.fenced.then_some(state.private),
            user: (self.fenced && rustix::process::geteuid().is_root()).then_some(user.is_some()),
            disk: (self.fenced && self.directory_bytes.is_some()).then_some(disk.is_some()),
            limited: group.map(|group| words(group.in_force())).unwrap_or_default(),
            not_limited: group.map(|group| words(group.missing())).unwrap_or_default(),
        }
    }
}

impl Enforced {
    /// What was asked for and the host does not give.
    pub fn not_kept(&self) -> Vec<NotKept> {
        let confined = self.fenced.is_some();
        let missing = [
            (
                NotKept::Processes,
                confined && self.isolation.is_some_and(|is| is != Isolation::ProcessNamespace),
            ),
            (NotKept::Files, self.fenced == Some(false)),
            (NotKept::Folders, self.private == Some(false)),
            (NotKept::User, self.user == Some(false)),
            (NotKept::Disk, self.disk == Some(false)),
            (NotKept::Memory, self.lacks("memory")),
            (NotKept::ProcessCount, self.lacks("processes")),
            (NotKept::Cpu, self.lacks("cpu")),
        ];
        missing.into_iter().filter_map(|(what, is_missing)| is_missing.then_some(what)).collect()
    }

    fn lacks(&self, what: &str) -> bool {
        self.not_limited.iter().any(|missing| missing == what)
    }
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.isolation {
            Some(Isolation::ProcessNamespace) => "process namespace",
            Some(Isolation::Subreaper) => "subreaper",
            Some(Isolation::ProcessGroup) => "process group",
            None => "never ran",
        })?;
        match self.fenced {
            Some(true) => f.write_str("; kept to its own files")?,
            Some(false) => f.write_str("; not kept to its own files (this kernel has no Landlock)")?,
            None => {}
        }
        f.write_str(match self.private {
            Some(true) => "; folders for temporary files and a home of its own",
            Some(false) => "; temporary files shared (this host allows no mounts of one's own)",
            None => "",
        })?;
        f.write_str(match self.user {
            Some(true) => "; a user of its own",
            Some(false) => "; the user of the harness, without its rights",
            None => "",
        })?;
        f.write_str(match self.disk {
            Some(true) => "; a disk of its own",
            Some(false) => "; what it writes counted once a second",
            None => "",
        })?;
        if !self.limited.is_empty() {
            write!(f, "; limited: {}", self.limited.join(", "))?;
        }
        if !self.not_limited.is_empty() {
            write!(f, "; not limited, because the host does not allow it: {}", self.not_limited.join(", "))?;
        }
        Ok(())
    }
}

/// The folder beside a working directory is that run's alone, and claimed, so that whoever comes after a harness that was killed finds the
/// group by it. The directory itself may be one of several of one name: the end of one run took the group away from the next.
fn name_of_group(directory: &WorkingDirectory) -> String {
    let name = directory.aside().file_name().unwrap_or_default().to_string_lossy();
    format!("harness-{}-{name}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    #[test]
    fn runs_in_directories_of_one_name_have_a_group_each() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let kept = |folder: &tempfile::TempDir| Place::Kept(folder.path().join("work"));
        let [one, other] = [0, 1].map(|at| WorkingDirectory::create(&kept(&folders[at]), "a").unwrap());
        assert_ne!(name_of_group(&one), name_of_group(&other));
    }
}
