//! The folder of a run: its name, its files, and the link to the latest one.
//!
//! The conductor creates it before anything else happens and opens every output there, so that a full disk or a missing
//! permission shows before the first measurement. It never removes a folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use fake_backends::clock::RunClock;

/// Names of the files of a run folder.
pub mod names {
    /// Everything resolved, before the first byte.
    pub const PLAN: &str = "plan.json";
    /// The ledger, one event a line.
    pub const EVENTS: &str = "events.jsonl";
    /// Interval histograms.
    pub const INTERVALS: &str = "latency.hlog";
    /// Percentile tables.
    pub const PERCENTILES: &str = "latency.hgrm";
    /// What the proxy printed.
    pub const PROXY_OUTPUT: &str = "proxy.stdout";
    /// The source of a submission as it ran.
    pub const SOURCE: &str = "source.json";
    /// The run folder of the repetition in which the proxy was watched.
    pub const WATCHED: &str = "watched";
    /// The folder of the repetitions in which a change of the program was tried: a run folder each.
    pub const TRIED: &str = "tried";
    /// The proxy's own log file, copied.
    pub const PROXY_LOG: &str = "proxy.log";
    /// The authority of certificates that clients of the run trusted, in PEM.
    pub const AUTHORITY: &str = "authority.pem";
    /// What the checks concluded.
    pub const VERDICTS: &str = "verdicts.json";
    /// Hashes of the record, versions, host, and the command that repeats the run.
    pub const MANIFEST: &str = "manifest.json";
}

/// A run folder with its open outputs.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// `events.jsonl`, empty.
    pub events: File,
    /// `latency.hlog`, empty.
    pub intervals: File,
}

impl RunFolder {
    /// Makes `out/<scenario>/<proxy>/<time>/`, without a colon in the name, opens the files of the record and writes
    /// `plan.json`.
    ///
    /// # Errors
    /// The folder or one of its files cannot be created, with its path.
    pub fn create(out: &Path, plan: &crate::plan::Plan, clock: RunClock) -> io::Result<RunFolder> {
        let parent = out.join(&plan.name).join(&plan.adapter.name);
        fs::create_dir_all(&parent).map_err(|error| named(&parent, &error))?;
        Self::open(unused(&parent, &time_name(clock))?, plan)
    }

    /// Makes a folder of this path, whatever an earlier run left there, and the same files in it.
    ///
    /// # Errors
    /// The folder or one of its files cannot be created, with its path.
    pub fn create_at(path: &Path, plan: &crate::plan::Plan) -> io::Result<RunFolder> {
        fs::create_dir_all(path).map_err(|error| named(path, &error))?;
        Self::open(path.to_path_buf(), plan)
    }

    fn open(path: PathBuf, plan: &crate::plan::Plan) -> io::Result<RunFolder> {
        let open = |name: &str| {
            let path = path.join(name);
            File::create(&path).map_err(|error| named(&path, &error))
        };
        let text = serde_json::to_vec_pretty(plan)?;
        let plan_path = path.join(names::PLAN);
        fs::write(&plan_path, text).map_err(|error| named(&plan_path, &error))?;
        Ok(RunFolder { events: open(names::EVENTS)?, intervals: open(names::INTERVALS)?, path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Points the link `latest` beside a run folder at it, in one step: whoever follows the link finds a run, old or new.
    ///
    /// # Errors
    /// The link cannot be made, such as on a file system without links.
    pub fn mark_as_latest(path: &Path) -> io::Result<PathBuf> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(invalid)?;
        let link = parent.join("latest");
        let temporary = parent.join(format!(".latest-{}-{}", std::process::id(), name.to_string_lossy()));
        // A leftover of a killed run with the same process number.
        let _ = fs::remove_file(&temporary);
        make_link(Path::new(name), &temporary)?;
        fs::rename(&temporary, &link).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        Ok(link)
    }
}

#[cfg(unix)]
fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn make_link(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a folder that bears the time, such as `parent/2026-11-21_14-03-59`, for what consists of several runs.
///
/// # Errors
/// It cannot be created, with its path.
pub fn dated_folder(parent: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(parent).map_err(|error| named(parent, &error))?;
    unused(parent, &time_name(RunClock::start()))
}

/// Local time to the second, sortable, such as `2026-11-21_14-03-59`.
fn time_name(clock: RunClock) -> String {
    let zone = jiff::tz::TimeZone::system();
    match jiff::Timestamp::try_from(clock.wall_start()) {
        Ok(time) => time.to_zoned(zone).strftime("%Y-%m-%d_%H-%M-%S").to_string(),
        // A clock set before the calendar begins.
        Err(_) => "undated".to_owned(),
    }
}

/// Creates the first of `name`, `name.2`, `name.3` ... that does not exist; runs may start within one second.
fn unused(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let path = parent.join(if number == 1 { name.to_owned() } else { format!("{name}.{number}") });
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(named(&path, &error)),
        }
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not create {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_second_have_different_names_and_no_colon() {
        let parent = tempfile::tempdir().unwrap();
        let name = time_name(RunClock::start());
        assert!(!name.contains(':'), "{name}");
        let first = unused(parent.path(), &name).unwrap();
        let second = unused(parent.path(), &name).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn the_latest_link_is_replaced() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            let link = RunFolder::mark_as_latest(&path).unwrap();
            assert_eq!(fs::read_link(link).unwrap(), Path::new(name));
        }
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 3, "nothing temporary is left");
    }
}
