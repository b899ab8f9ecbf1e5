//! What the profile of a submission may say: its own files, its own limits, times that a run can wait.
//!
//! Whoever hands in a program hands in its profile too, so `grade` and `run` keep every `pibl-judge.yaml` to this unless
//! whoever runs it says `--trust-profile`. Adapters under any other name are their user's own word. Nothing here touches a
//! file; what a path really leads to is seen when it is opened.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Adapter, NetworkWish, Program, TtlSource};
use crate::scenario::{Forbidden, Place, Problem, What, find_key};

/// Memory of all processes together: more than any proxy of a course has needed, less than hurts the machine.
pub const MEMORY_BYTES: u64 = 2 << 30;
/// A thread per connection is a legitimate design.
pub const PROCESSES: u64 = 2_000;
/// An hour of CPU for each process: what spins after its clients have left is found by a check, not by this.
pub const CPU_SECONDS: u64 = 3_600;
/// Some thousands of clients with a backend connection each.
pub const OPEN_FILES: u64 = 16_384;
/// Bytes of one file, and of the whole directory: logs without bound have filled disks.
pub const WRITTEN_BYTES: u64 = 2 << 30;
/// A worker for each CPU of a large machine.
const ROTATIONS: u64 = 64;

/// The longest that each time may be: what is declared is waited for, again and again.
const LONGEST: [(&str, &str, u64); 9] = [
    // A run waits for three of them; who has a longer one patches it, or its instructor trusts the profile.
    ("capabilities", "fixed", 600),
    ("capabilities", "ttl_step", 600),
    // A proxy that looks through its cache once a minute is late by as much.
    ("resolution", "early", 120),
    ("resolution", "late", 120),
    ("capabilities", "store_lag", 10),
    ("ready_within", "", 120),
    ("rebind_within", "", 180),
    ("stop", "within", 60),
    ("limits", "cpu", CPU_SECONDS),
];

/// Refuses what only somebody who trusts the profile may allow. `origin` is its file, `root` the folder of the submission.
///
/// # Errors
/// The first such thing, with its place.
pub(super) fn keep_to_boundary(
    adapter: &Adapter,
    text: &Arc<str>,
    origin: &Path,
    root: &Path,
) -> Result<(), Problem> {
    let refuse =
        |keys: &[&str], why| Err(Problem::at(place(text, origin, keys), What::Forbidden(name(keys), why)));
    let commands = &adapter.commands;
    for (key, command) in [("kill", &commands.kill), ("stop", &commands.stop), ("pid", &commands.pid)] {
        if !command.is_empty() {
            return refuse(&["commands", key], Forbidden::OutsideTheFence);
        }
    }
    if !adapter.version.is_empty() {
        return refuse(&["version"], Forbidden::OutsideTheFence);
    }
    if matches!(adapter.program, Program::Attach(_)) {
        return refuse(&["program", "attach"], Forbidden::OutsideTheFence);
    }
    let limits = &adapter.limits;
    if limits.confined == Some(false) {
        return refuse(&["limits", "confined"], Forbidden::OpensTheFence);
    }
    if !limits.readable.is_empty() {
        return refuse(&["limits", "readable"], Forbidden::OpensTheFence);
    }
    if adapter.network == NetworkWish::Host {
        return refuse(&["network"], Forbidden::OpensTheFence);
    }
    for (key, wanted, most) in [
        ("memory", limits.memory_bytes, MEMORY_BYTES),
        ("processes", limits.processes, PROCESSES),
        ("open_files", limits.open_files, OPEN_FILES),
        ("written", limits.written_bytes, WRITTEN_BYTES),
    ] {
        if wanted.is_some_and(|wanted| wanted > most) {
            return refuse(&["limits", key], Forbidden::MoreThan(most));
        }
    }
    if u64::from(adapter.capabilities.rotations) > ROTATIONS {
        return refuse(&["capabilities", "rotations"], Forbidden::MoreThan(ROTATIONS));
    }
    let times = times(adapter);
    if let Some(((key, inner, most), _)) =
        LONGEST.iter().zip(times).find(|((.., most), time)| *time > Duration::from_secs(*most))
    {
        let keys = [*key, *inner];
        return refuse(
            &keys[..if inner.is_empty() { 1 } else { 2 }],
            Forbidden::LongerThan(Duration::from_secs(*most)),
        );
    }
    let folder = origin.parent().unwrap_or(Path::new(""));
    let named = paths(adapter).into_iter().filter(|(_, path)| leads_outside(path));
    match named.chain(sources(adapter, folder, root)).next() {
        Some((key, path)) => {
            let keys: Vec<&str> = key.split('.').collect();
            let mut place = place(text, origin, &keys);
            // The path itself, where it stands there as it is.
            if let Some(at) = text[place.bytes.start..].find(&path).filter(|_| !path.is_empty()) {
                place.bytes = place.bytes.start + at..place.bytes.start + at + path.len();
            }
            Err(Problem::at(place, What::Forbidden(key, Forbidden::Outside(path))))
        }
        None => Ok(()),
    }
}

/// Every time that it declares, in the order of [`LONGEST`].
fn times(adapter: &Adapter) -> [Duration; LONGEST.len()] {
    let declared = &adapter.capabilities;
    let fixed = if let TtlSource::Fixed { ttl } = declared.ttl { ttl } else { Duration::ZERO };
    [
        fixed,
        declared.ttl_step,
        declared.ttl_resolution.early,
        declared.ttl_resolution.late,
        declared.store_lag,
        adapter.ready_within,
        adapter.rebind_within,
        adapter.stop_within,
        adapter.limits.cpu.unwrap_or_default(),
    ]
}

/// Every path that it names inside its folder, with its key.
fn paths(adapter: &Adapter) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |key: &str, path: &str| found.push((key.to_owned(), path.to_owned()));
    adapter.directories.iter().for_each(|path| add("directories", path));
    adapter.touch.iter().for_each(|path| add("touch", path));
    adapter.wipe.iter().for_each(|path| add("wipe", path));
    adapter.files.keys().for_each(|path| add("files", path));
    adapter.log_file.iter().for_each(|path| add("log_file", path));
    adapter.cache_directory.iter().for_each(|path| add("cache_directory", path));
    for rewrite in &adapter.rewrites {
        add(if rewrite.patch { "patch.file" } else { "config.to" }, &rewrite.path);
    }
    found
}

/// What it reads of the submission, as far as that lies outside `root`.
fn sources(adapter: &Adapter, folder: &Path, root: &Path) -> Vec<(String, String)> {
    let rewritten = adapter
        .rewrites
        .iter()
        .map(|rewrite| (if rewrite.patch { "copy_from" } else { "config.from" }, &rewrite.source));
    let copied = adapter.copy_from.iter().map(|source| ("copy_from", source));
    let inside =
        |source: &Path| climbed(source).strip_prefix(climbed(root)).is_ok_and(|rest| !leads_outside(rest));
    let outside = copied.chain(rewritten).filter(|(_, source)| !inside(source));
    let as_written = |source: &Path| source.strip_prefix(folder).unwrap_or(source).display().to_string();
    outside.map(|(key, source)| (key.to_owned(), as_written(source))).collect()
}

/// A path without `.` and with each `..` taken back, as it is written.
fn climbed(path: &Path) -> PathBuf {
    let mut taken = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(taken.components().next_back(), Some(Component::Normal(_))) => {
                let _ = taken.pop();
            }
            part => taken.push(part),
        }
    }
    taken
}

/// Whether a path, as it is written, is absolute or climbs out of where it begins.
pub fn leads_outside(path: impl AsRef<Path>) -> bool {
    path.as_ref().components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
}

fn name(keys: &[&str]) -> String {
    keys.join(".")
}

/// The place of a key in the text, each beneath the one before it; the last that is found.
fn place(text: &Arc<str>, origin: &Path, keys: &[&str]) -> Place {
    let mut place = find_key(text, origin, keys.first().copied().unwrap_or_default());
    for key in keys.iter().skip(1) {
        let Some(at) = text[place.bytes.end..].find(&format!("{key}:")) else { break };
        place.bytes = place.bytes.end + at..place.bytes.end + at + key.len();
    }
    place
}

#[cfg(test)]
mod tests {
    use super::super::file::completed as resolve;
    use super::*;

    const HONEST: &str = "name: x\nprogram: {own: run.sh}\nstart: [run.sh]\nMORE\ncapabilities: {cache: disk, ttl: arguments CAPS}\n";

    fn refused(more: &str, capabilities: &str) -> Option<(String, String)> {
        let text: Arc<str> = HONEST.replace("MORE", more).replace("CAPS", capabilities).into();
        let origin = Path::new("team/pibl-judge.yaml");
        let adapter = resolve(&text, origin).unwrap_or_else(|problem| panic!("{more}: {problem:?}"));
        let problem = keep_to_boundary(&adapter, &text, origin, Path::new("team")).err()?;
        let place = problem.place.expect("a place");
        let What::Forbidden(key, _) = problem.what else { panic!("{:?}", problem.what) };
        Some((key, text[place.bytes].to_owned()))
    }

    #[test]
    fn each_way_out_of_the_fence_is_refused_at_its_place() {
        for (more, key, shown) in [
            ("commands: {stop: [/bin/sh, -c, id]}", "commands.stop", "stop"),
            ("stop: {signal: SIGTERM}\ncommands:\n  kill: [id]", "commands.kill", "kill"),
            ("version: [-c, id]", "version", "version"),
            ("limits: {confined: false}", "limits.confined", "confined"),
            ("limits: {readable: [/]}", "limits.readable", "readable"),
            ("limits: {memory: 64GiB}", "limits.memory", "memory"),
            ("limits: {processes: 1000000}", "limits.processes", "processes"),
            ("limits: {written: 1000GiB}", "limits.written", "written"),
            ("limits: {cpu: 20h}", "limits.cpu", "cpu"),
            ("network: host", "network", "network"),
            ("log_file: /etc/shadow", "log_file", "/etc/shadow"),
            ("log_file: logs/../../x", "log_file", "logs/../../x"),
            ("cache_directory: ../..", "cache_directory", "../.."),
            ("files: {../../.bashrc: x}", "files", "../../.bashrc"),
            ("wipe: [cache, /home]", "wipe", "/home"),
            ("directories: [../x]", "directories", "../x"),
            ("touch: [/x]", "touch", "/x"),
            ("config: {from: a, to: ../x}", "config.to", "../x"),
            ("config: {from: ../x}", "config.from", "../x"),
            ("config: {from: /etc/shadow}", "config.from", "/etc/shadow"),
            ("copy_from: ../..", "copy_from", "../.."),
            ("copy_from: /home", "copy_from", "/home"),
            ("ready_within: 20h", "ready_within", "ready_within"),
            ("rebind_within: 20h", "rebind_within", "rebind_within"),
            ("stop: {within: 20h}", "stop.within", "within"),
        ] {
            assert_eq!(refused(more, ""), Some((key.into(), shown.into())), "{more}");
        }
    }

    #[test]
    fn every_declared_time_is_bounded() {
        for (more, key, shown) in [
            (", store_lag: 1h", "capabilities.store_lag", "store_lag"),
            (", resolution: {late: 20h}", "resolution.late", "late"),
            (", resolution: {early: 20h}", "resolution.early", "early"),
            (", ttl_step: 20h", "capabilities.ttl_step", "ttl_step"),
            (", rotations: 100000", "capabilities.rotations", "rotations"),
        ] {
            assert_eq!(refused("", more), Some((key.into(), shown.into())), "{more}");
        }
    }

    #[test]
    fn a_constant_ttl_is_waited_for_and_so_it_is_bounded() {
        let text: Arc<str> = HONEST.replace("MORE", "").replace("arguments CAPS", "{fixed: 20h}").into();
        let (origin, root) = (Path::new("team/pibl-judge.yaml"), Path::new("team"));
        let problem = keep_to_boundary(&resolve(&text, origin).unwrap(), &text, origin, root).unwrap_err();
        assert_eq!(&text[problem.place.unwrap().bytes], "fixed");
    }

    #[test]
    fn a_profile_named_from_its_own_folder_is_kept_to_that_folder_too() {
        let text: Arc<str> = HONEST.replace("MORE", "config: {from: ../x}").replace("CAPS", "").into();
        let origin = Path::new("pibl-judge.yaml");
        let adapter = resolve(&text, origin).unwrap();
        assert!(keep_to_boundary(&adapter, &text, origin, Path::new("")).is_err());
    }

    #[test]
    fn what_ordinary_teams_write_is_let_through() {
        for (more, capabilities) in [
            ("", ""),
            ("log_file: ./logs/pibl.log\ncache_directory: cache\nwipe: [cache, logs]", ", rotations: 8"),
            ("copy_from: src/../src\nconfig: {from: ./pibl.conf}", ""),
            ("limits: {memory: 1GiB, processes: 50}\nready_within: 60s", ", store_lag: 2s"),
            ("environment: {LD_PRELOAD: /nowhere.so}\nfixed_port: 8080", ", resolution: {late: 60s}"),
        ] {
            assert_eq!(refused(more, capabilities), None, "{more}");
        }
    }
}
