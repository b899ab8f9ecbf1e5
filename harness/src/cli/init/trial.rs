//! Tries a choice: starts the proxy that it describes between three backends, asks it, and looks at what changed.
//!
//! `search` calls it with one choice after the other. It goes the way of every run, so that what works here works there; the record
//! and the private copy are thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::conductor::{self, Interruption, Observer, RunOrder};
use harness_model::adapter;
use harness_model::history::{EventKind, Listener};
use harness_model::plan::{Options, Plan, resolve};
use harness_model::scenario::read_bytes;
use harness_run::proxy_under_test::{Place, Preparation, StartProblem};

/// What a run of a choice showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tried {
    /// Why the choice is none: what it would replace is not there.
    pub(super) unusable: bool,
    pub(super) problem: Option<StartProblem>,
    /// The backends that were asked, with how often each was.
    pub(super) asked: BTreeMap<String, usize>,
    /// Requests with an answer from a backend.
    pub(super) answered: usize,
    /// Resources whose second GET came from no backend, of those that were asked for twice.
    pub(super) hits: (usize, usize),
    /// Of the hits, those that reached a backend again after the pause.
    pub(super) expired: Option<(usize, usize)>,
    /// Files that it wrote.
    pub(super) wrote: Vec<Wrote>,
    /// Where it listened, if not at the port that it was told.
    pub(super) elsewhere: Option<SocketAddr>,
    /// The address of its own at which it listened, at the port that it was told.
    pub(super) host: Option<IpAddr>,
    /// Requests that got no answer of a backend.
    pub(super) unanswered: usize,
    /// The lines that it printed while it ran.
    pub(super) printed: Vec<String>,
}

/// A file that appeared while it was asked, or changed its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrote {
    /// Relative to the working directory.
    pub(super) path: String,
    /// How often a target of ours stands in it.
    pub(super) targets: usize,
    /// Whether the body of an answer stands in it.
    pub(super) body: bool,
}

impl Tried {
    /// What it printed before it ended or was given up, or while it ran.
    pub(super) fn last_lines(&self) -> &[String] {
        match &self.problem {
            Some(
                StartProblem::DiedAtStart { last_lines, .. } | StartProblem::NeverListened { last_lines, .. },
            ) => last_lines,
            _ => &self.printed,
        }
    }

    /// Whether requests went through it to all of the backends that it was told of.
    pub(super) fn reaches_all(&self) -> bool {
        self.elsewhere.is_none() && self.answered > 0 && self.asked.len() >= 3
    }

    /// Whether it works: all of them were asked, or it left some out and every request was answered all the same. Nobody but us had
    /// named those that were asked, so that the list is where it is told; whom it leaves out is for the checks.
    pub(super) fn works(&self) -> bool {
        let leaves_out = self.asked.len() >= 2 && self.unanswered == 0;
        self.elsewhere.is_none() && self.answered > 0 && (self.asked.len() >= 3 || leaves_out)
    }
}

/// Questions stand in the first lines.
const MOST_LINES: usize = 40;
/// What every answer holds.
const BODY: &str = "body-of-the-trial";
/// Runs the text of an adapter, as if it lay in `folder`; `ttl` is what it is told, and where there is a `pause` it is asked whether entries outlive it.
pub(super) fn run(folder: &Path, text: &str, ttl: &str, pause: Option<&str>) -> Tried {
    // What is hopeless is given up sooner than a proxy that is judged.
    let text: Arc<str> = Arc::from(format!("{text}ready_within: 5s\nrebind_within: 5s\n"));
    let file = folder.join(super::NAME);
    let Ok(adapter) = adapter::read(&text, &file, Some(folder), read_bytes) else {
        return Tried { unusable: true, ..Tried::default() };
    };
    let Ok(out) = tempfile::tempdir() else { return Tried::default() };
    let again =
        pause.map(|pause| format!("  - wait: {pause}\n  - reread: {{of: kept}}\n")).unwrap_or_default();
    let scenario = format!(
        "name: trial\ntitle: {{en: \"Trial\", es: \"Prueba\"}}\ncovers: [REQ-5]\nproxy: {{ttl: {ttl}}}\n\
         backends: {{count: 3, idle: 300ms, script: {{otherwise: {{respond: {{text: \"{BODY}\\n\", persistence: close}}}}}}}}\n\
         steps:\n  - serial: {{requests: 6, path: \"/trial/{{n}}\", connections: each}}\n\
         \x20 - fill: {{keys: 3, path: \"/trial/kept/{{key}}\", confirm: 3, vus: 1, as: kept}}\n{again}checks:\n  proxy.alive:\n"
    );
    let Ok(plan) = resolve(&scenario, Path::new("trial.yaml"), &adapter, &Options::default()) else {
        return Tried { unusable: true, ..Tried::default() };
    };
    let work = out.path().join("work");
    let order = RunOrder {
        watching: conductor::Watching::Never,
        repetition: None,
        plan,
        out: out.path().join("runs"),
        command: Vec::new(),
        interruption: Interruption::default(),
        max_duration: Some(Duration::from_secs(110)),
        hold: false,
        desk: conductor::Desk::default(),
        // Whoever has a profile drafted builds what is their own.
        build_network: true,
        observer: Arc::new(Quiet { place: Place::Kept(work.clone()) }),
    };
    let Ok(finished) = conductor::run(order) else { return Tried::default() };
    let printed = String::from_utf8_lossy(&finished.record.beside.printed);
    let printed = printed.lines().take(MOST_LINES).map(str::to_owned).collect();
    let mut tried = Tried { problem: finished.start_problem.clone(), printed, ..Tried::default() };
    if let Some(StartProblem::NeverListened { expected, listens_on, .. }) = &tried.problem {
        tried.elsewhere = listens_on.iter().copied().find(|found| found.port() != expected.port());
    }
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for event in &finished.record.events {
        match &event.event {
            EventKind::ListensElsewhere { told, found } if told.port() == found.port() => {
                tried.host = Some(found.ip());
            }
            EventKind::ListensElsewhere { found, .. } => tried.elsewhere = Some(*found),
            EventKind::Attempt(attempt) if attempt.target.contains("/trial/") => {
                *tried.asked.entry(attempt.backend.clone()).or_default() += 1;
                *reached.entry(attempt.target.clone()).or_default() += 1;
            }
            EventKind::Exchange(exchange) if exchange.target.contains("/trial/") => {
                // A cache may keep the body alone.
                let stamped = exchange.response.as_ref().is_some_and(|response| {
                    response.stamp.is_some() || response.body.start.0.starts_with(BODY.as_bytes())
                });
                tried.answered += usize::from(stamped);
                tried.unanswered += usize::from(!stamped);
                *times.entry(exchange.target.clone()).or_default() += usize::from(stamped);
            }
            _ => {}
        }
    }
    // Asked for twice, or three times with a pause before the third.
    let rounds = if pause.is_some() { 3 } else { 2 };
    let kept = times.iter().filter(|(target, times)| target.contains("/kept/") && **times >= rounds);
    let reached: Vec<usize> = kept.map(|(target, _)| reached.get(target).copied().unwrap_or(0)).collect();
    tried.hits = (reached.iter().filter(|reached| **reached < rounds).count(), reached.len());
    tried.expired = pause.map(|_| (reached.iter().filter(|reached| **reached == 2).count(), tried.hits.0));
    // What was there when it had started is its own, or its build's.
    let seen = finished.record.events.iter().find_map(|event| match &event.event {
        EventKind::FilesSeen { files } => Some(files.iter().cloned().collect()),
        _ => None,
    });
    tried.wrote = seen.map(|before| wrote(&work, &before)).unwrap_or_default();
    tried
}

/// The files of the working directory that were not there before, or had another length.
fn wrote(work: &Path, before: &BTreeMap<String, u64>) -> Vec<Wrote> {
    const LARGEST: u64 = 4 << 20;
    let mut found = Vec::new();
    let mut folders = vec![work.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(metadata) = entry.metadata() else { continue };
            let Ok(relative) = path.strip_prefix(work) else { continue };
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let name = relative.to_string_lossy().into_owned();
            // A log that is opened at the start and kept in memory is empty all the while.
            let empty_log = metadata.len() == 0 && name.to_lowercase().ends_with(".log");
            let grew = before.get(&name) != Some(&metadata.len()) || empty_log;
            if !metadata.is_file() || !grew || metadata.len() > LARGEST || found.len() >= 500 {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            found.push(Wrote {
                path: name,
                targets: text.matches("/trial/").count(),
                body: text.contains(BODY),
            });
        }
    }
    found.sort_by(|one, two| one.path.cmp(&two.path));
    found
}

/// The log among what was written: the file with most of our targets, outside the cache.
pub(super) fn log_of(wrote: &[Wrote]) -> Option<&Wrote> {
    // Six requests, three resources, each of those twice.
    let named = |one: &&Wrote| {
        let name = one.path.to_lowercase();
        one.targets >= 6 && (!name.contains("cache") || name.contains("log"))
    };
    wrote.iter().filter(named).max_by_key(|one| (!one.body, one.targets))
}

/// The folder of the cache among what was written, or the one file that it is; and whether it is a folder.
pub(super) fn cache_of(wrote: &[Wrote], log: Option<&Wrote>, hits: usize) -> Option<(String, bool)> {
    let bodies: Vec<&Wrote> = wrote.iter().filter(|one| one.body && Some(*one) != log).collect();
    // What is compressed or coded is known by its number: a file for each resource.
    let folders: BTreeSet<&str> = wrote.iter().filter_map(|one| Some(one.path.rsplit_once('/')?.0)).collect();
    let crowded = folders.into_iter().find(|folder| {
        wrote
            .iter()
            .filter(|one| one.path.rsplit_once('/').is_some_and(|(inside, _)| inside == *folder))
            .count()
            >= 3
    });
    let first = match bodies.first() {
        Some(first) => first.path.as_str(),
        None => return crowded.filter(|_| hits > 0).map(|folder| (folder.to_owned(), true)),
    };
    let mut parts: Vec<&str> = first.split('/').collect();
    parts.pop();
    while !parts.is_empty()
        && !bodies.iter().all(|one| one.path.starts_with(&format!("{}/", parts.join("/"))))
    {
        parts.pop();
    }
    // The outermost folder that is called a cache holds its index too.
    if let Some(place) = parts.iter().position(|part| part.to_lowercase().contains("cache")) {
        parts.truncate(place + 1);
    }
    match parts.is_empty() {
        false => Some((parts.join("/"), true)),
        // A database writes beside its file first.
        true if bodies.iter().all(|one| database(&one.path) == database(first)) => {
            Some((database(first).to_owned(), false))
        }
        true => None,
    }
}

/// What SQLite puts behind the name of a database for the files beside it.
pub(super) const BESIDE_A_DATABASE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The database that a file belongs to, or the file itself.
fn database(path: &str) -> &str {
    BESIDE_A_DATABASE.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path)
}

/// A trial shows nothing of itself, and leaves its working directory to be looked at.
struct Quiet {
    place: Place,
}

impl Observer for Quiet {
    fn began(&self, _plan: &Plan, _run_directory: &Path, _events: Listener) {}
    fn preparing(&self, _preparation: &Preparation) {}
    fn holding(&self, _held: &conductor::Held<'_>) {}
    fn ended(&self) {}
    fn wants_pages(&self) -> bool {
        false
    }
    fn place(&self) -> Place {
        self.place.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Wrote, cache_of, log_of};

    fn wrote(files: &[(&str, usize, bool)]) -> Vec<Wrote> {
        files.iter().map(|&(path, targets, body)| Wrote { path: path.into(), targets, body }).collect()
    }

    #[test]
    fn log_and_cache_are_told_apart_by_what_stands_in_them() {
        let files = wrote(&[
            ("cache/ab/1", 1, true),
            ("cache/cd/2", 1, true),
            ("cache/index.json", 9, false),
            ("x.csv", 12, false),
            ("run.pid", 0, false),
        ]);
        let log = log_of(&files);
        assert_eq!(log.map(|log| log.path.as_str()), Some("x.csv"));
        assert_eq!(cache_of(&files, log, 3), Some(("cache".into(), true)));
        let one = wrote(&[("cache.pkl", 3, true), ("h.log", 12, false)]);
        assert_eq!(cache_of(&one, log_of(&one), 3), Some(("cache.pkl".into(), false)));
        let base = wrote(&[("pibl.db", 0, false), ("pibl.db-wal", 0, true), ("pibl.log", 12, false)]);
        assert_eq!(cache_of(&base, log_of(&base), 3), Some(("pibl.db".into(), false)));
        let coded = wrote(&[("d/1", 0, false), ("d/2", 0, false), ("d/3", 0, false)]);
        assert_eq!((log_of(&coded), cache_of(&coded, None, 3)), (None, Some(("d".into(), true))));
    }
}
