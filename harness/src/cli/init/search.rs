//! Tries one candidate after the other until requests go through the proxy to the backends that it was told of; then finds out how
//! long entries live, which log it writes and where its cache lies.
//!
//! `init` calls [`settle`]. One thing is changed at a time, and by what a trial shows: where it listened instead, what it printed,
//! whom it connected to. What could not be confirmed is said, never assumed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use fake_backends::clock::RunClock;

use super::arguments_of::{Call, Form, Meaning};
use super::draft::Choice;
use super::look::{Candidates, Look, Told};
use super::shown_calls::usage;
use super::trial::{self, Tried, cache_of, log_of};
use super::typing::DEFAULTS;
use harness_run::proxy_under_test::StartProblem;

/// How a line of an adapter came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// It was tried with other values, and what followed changed.
    #[default]
    Open,
    ByTrial,
    /// Nothing of the kind was seen in the trial.
    NotSeen,
}

impl Facts {
    /// Whether anything needs somebody who knows the program.
    pub(super) fn open(&self) -> bool {
        [&self.port, &self.backends, &self.ttl, &self.log, &self.cache].contains(&&Confirmed::Open)
    }
}

/// What is known of each line.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) port: Confirmed,
    pub(super) backends: Confirmed,
    pub(super) ttl: Confirmed,
    pub(super) log: Confirmed,
    pub(super) cache: Confirmed,
    /// Second GETs that came from no backend, of how many.
    pub(super) hits: (usize, usize),
}

/// The choice that did best, what is known of it, and how often something was tried.
pub(super) struct Settled<'a> {
    pub(super) choice: Choice<'a>,
    pub(super) facts: Facts,
    pub(super) tried: Tried,
}

/// More trials than this are more than anybody waits for.
const MOST_TRIALS: usize = 24;
/// And longer than this.
const LONGEST: Duration = Duration::from_secs(150);

/// Tries all there is to try of the programs of a folder. `told` hears of each trial.
pub(super) fn settle<'a>(
    folder: &Path,
    look: &'a Look,
    candidates: &'a [Candidates],
    name: &str,
    mut told: impl FnMut(&Choice<'_>, &Tried),
) -> Settled<'a> {
    let first = candidates.iter().map(|candidates| Choice::first(look, candidates, name));
    settle_from(folder, first.collect(), &mut told)
}

/// The same from choices that somebody else made. There is at least one.
pub(super) fn settle_from<'a>(
    folder: &Path,
    from: Vec<Choice<'a>>,
    told: &mut impl FnMut(&Choice<'_>, &Tried),
) -> Settled<'a> {
    let clock = RunClock::start();
    let began = clock.now();
    let mut trials = 0;
    let mut best: Option<(u8, Choice<'a>, Tried)> = None;
    let fallback = from[0].clone();
    for first in from {
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut waiting = vec![first];
        while let Some(choice) = waiting.pop() {
            let text = choice.text();
            if trials >= MOST_TRIALS || clock.now().since(began) > LONGEST || !known.insert(text.clone()) {
                continue;
            }
            trials += 1;
            let tried = trial::run(folder, &text, "1h", None);
            told(&choice, &tried);
            let rank = rank(&tried);
            let more = next(&choice, &tried);
            if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                best = Some((rank, choice, tried));
            }
            if rank == REACHES_ALL {
                break;
            }
            // The likeliest last, since it is taken first.
            waiting.extend(more.into_iter().rev());
        }
        if best.as_ref().is_some_and(|(rank, ..)| *rank >= FORWARDS) {
            break;
        }
    }
    let (rank, mut choice, mut tried) = best.unwrap_or((0, fallback, Tried::default()));
    let mut facts = Facts::default();
    if rank >= LISTENS {
        facts.port = Confirmed::ByTrial;
    }
    if rank >= WORKS {
        facts.backends = if rank == REACHES_ALL { Confirmed::ByTrial } else { Confirmed::Open };
        choice.fixed_host = tried.host;
        otherwise_cached(folder, &mut choice, &mut tried, told);
        observe(folder, &mut choice, &mut tried, &mut facts);
        age(folder, &mut choice, &mut facts);
    }
    Settled { choice, facts, tried }
}

const LISTENS: u8 = 2;
const FORWARDS: u8 = 3;
const WORKS: u8 = 4;
const REACHES_ALL: u8 = 5;
/// Calls and ways to tell the TTL that are tried where requests go through and nothing is cached.
const MOST_FOR_CACHE: usize = 5;

/// How far a trial came.
fn rank(tried: &Tried) -> u8 {
    match &tried.problem {
        _ if tried.reaches_all() => REACHES_ALL,
        _ if tried.works() => WORKS,
        _ if tried.elsewhere.is_some() => 1,
        _ if tried.answered > 0 => FORWARDS,
        None if !tried.unusable => LISTENS,
        Some(StartProblem::DoesNotAnswer { .. }) => LISTENS,
        Some(StartProblem::NeverListened { .. } | StartProblem::DiedAtStart { .. }) => 1,
        _ => 0,
    }
}

/// What to try after a trial, the likeliest first: one thing is changed in each.
fn next<'a>(choice: &Choice<'a>, tried: &Tried) -> Vec<Choice<'a>> {
    let mut more = Vec::new();
    if choice.stdin.as_deref() == Some(DEFAULTS) {
        return choice.answering_all(tried.last_lines()).into_iter().collect();
    }
    if let Some(address) = tried.elsewhere {
        more.extend(other_ports(choice, Some(address.port())));
        more.extend(
            other_calls(choice, tried)
                .into_iter()
                .filter(|other| matches!(other.port, Some(Told::Argument(_)))),
        );
        more.push(Choice { fixed_port: Some(address.port()), port: None, ..choice.clone() });
        return more;
    }
    // What it asks for is answered first.
    if matches!(tried.problem, Some(StartProblem::NeverListened { .. } | StartProblem::DiedAtStart { .. })) {
        more.extend(choice.with_defaults(tried.last_lines()));
        more.extend(choice.answering(tried.last_lines()));
    }
    match &tried.problem {
        // Another build is among the other candidates; a patch may be what it failed of.
        Some(StartProblem::BuildFailed { .. }) => {
            more.extend(other_backends(choice));
            more.extend(other_ports(choice, None));
        }
        Some(StartProblem::NeverListened { .. }) => {
            more.extend(other_calls(choice, tried));
            more.extend(other_ports(choice, None));
        }
        Some(StartProblem::DiedAtStart { .. }) => {
            more.extend(other_folders(choice));
            more.extend(other_forms(choice));
            more.extend(other_calls(choice, tried));
            more.extend(other_backends(choice));
            more.extend(other_ports(choice, None));
        }
        _ if tried.unusable => {
            more.extend(other_backends(choice));
            more.extend(other_ports(choice, None));
        }
        _ => {
            more.extend(other_folders(choice));
            more.extend(other_forms(choice));
            more.extend(other_backends(choice));
            more.extend(other_calls(choice, tried));
        }
    }
    more
}

/// The other places of the port: those with the number on which it was seen to listen first.
fn other_ports<'a>(choice: &Choice<'a>, seen: Option<u16>) -> Vec<Choice<'a>> {
    let mut ports: Vec<&(Told, u64)> =
        choice.candidates.ports.iter().filter(|(told, _)| Some(told) != choice.port.as_ref()).collect();
    if let Some(seen) = seen {
        // A number that it does not listen on is not what tells it.
        ports.retain(|(_, value)| *value == u64::from(seen) || *value == 0);
    }
    ports.iter().take(4).map(|(told, _)| Choice { port: Some(told.clone()), ..choice.clone() }).collect()
}

fn other_backends<'a>(choice: &Choice<'a>) -> Vec<Choice<'a>> {
    let place = choice
        .backends
        .as_ref()
        .and_then(|told| choice.candidates.backends.iter().position(|one| one == told));
    let rest = choice.candidates.backends.iter().skip(place.map_or(0, |place| place + 1)).take(3);
    rest.map(|told| Choice { backends: Some(told.clone()), ..choice.clone() }).collect()
}

/// The same call with its backends handed over otherwise: an argument each, in a file, or all in one.
fn other_forms<'a>(choice: &Choice<'a>) -> Vec<Choice<'a>> {
    let arguments = &choice.call.arguments;
    let place = arguments.iter().position(|argument| matches!(argument.meaning, Meaning::Backends(_)));
    let Some(place) = place else { return Vec::new() };
    let each = if arguments[place].option.is_some() { Form::EachWithOption } else { Form::Each };
    let forms = [Meaning::Backends(each), Meaning::Config(None), Meaning::Backends(Form::Joined)];
    forms
        .into_iter()
        .filter(|form| *form != arguments[place].meaning)
        .filter(|form| *form != Meaning::Config(None) || choice.candidates.names[0].is_some())
        .map(|form| {
            let mut other = choice.clone();
            let mut call = choice.call.clone();
            call.arguments[place].meaning = form;
            other.call_so(call);
            other
        })
        .collect()
}

/// The folders that its source names, where it did not make them itself.
fn other_folders<'a>(choice: &Choice<'a>) -> Option<Choice<'a>> {
    let directories = choice.candidates.folders.clone();
    (choice.directories.is_empty() && !directories.is_empty())
        .then(|| Choice { directories, ..choice.clone() })
}

/// The calls behind the one that was tried; in front of them what the program itself printed of its usage.
fn other_calls<'a>(choice: &Choice<'a>, tried: &Tried) -> Vec<Choice<'a>> {
    let printed =
        usage(&tried.last_lines().join("\n")).map(|arguments| Call { arguments, seen_in: String::new() });
    let printed = printed.filter(|call| call.arguments != choice.call.arguments);
    let place = choice.candidates.calls.iter().position(|call| *call == choice.call);
    let rest = choice
        .candidates
        .calls
        .iter()
        .skip(place.map_or(choice.candidates.calls.len(), |place| place + 1))
        .take(3);
    printed
        .iter()
        .chain(rest)
        .map(|call| {
            let mut other = choice.clone();
            other.call_so(call.clone());
            other
        })
        .collect()
}

/// Another call under which it works and something is cached, where nothing is: its cache may have to be told.
fn otherwise_cached<'a>(
    folder: &Path,
    choice: &mut Choice<'a>,
    tried: &mut Tried,
    told: &mut impl FnMut(&Choice<'_>, &Tried),
) {
    if tried.hits.0 > 0 {
        return;
    }
    let ttls = choice.candidates.ttls.iter().filter(|told| Some(*told) != choice.ttl.as_ref());
    let ttls: Vec<Choice<'a>> =
        ttls.take(2).map(|told| Choice { ttl: Some(told.clone()), ..choice.clone() }).collect();
    let calls = choice.candidates.calls.iter().filter(|call| **call != choice.call).map(|call| {
        let mut other = choice.clone();
        other.call_so(call.clone());
        other
    });
    let others: Vec<Choice<'a>> = other_folders(choice).into_iter().chain(ttls).chain(calls).collect();
    for other in others.into_iter().take(MOST_FOR_CACHE) {
        let again = trial::run(folder, &other.text(), "1h", None);
        told(&other, &again);
        if rank(&again) >= rank(tried) && again.hits.0 > 0 {
            (*choice, *tried) = (other, again);
            return;
        }
    }
}

/// Log and cache, as files that appeared.
fn observe(folder: &Path, choice: &mut Choice<'_>, tried: &mut Tried, facts: &mut Facts) {
    let needs_folders = |tried: &Tried| {
        log_of(&tried.wrote).is_none()
            || tried.hits.0 == 0
            || cache_of(&tried.wrote, log_of(&tried.wrote), tried.hits.0).is_none()
    };
    if needs_folders(tried)
        && let Some(other) = other_folders(choice)
    {
        // It may write nothing because a folder is missing.
        let again = trial::run(folder, &other.text(), "1h", None);
        let more = |tried: &Tried| {
            (
                tried.hits.0,
                usize::from(log_of(&tried.wrote).is_some()),
                usize::from(cache_of(&tried.wrote, None, tried.hits.0).is_some()),
            )
        };
        if again.works() && more(&again) > more(tried) {
            *choice = other;
            *tried = again;
        }
    }
    // Its log may lie at home. Its cache stays where it was seen: one that lies there is not in the folder in which it runs.
    let cache_is_here = |tried: &Tried| cache_of(&tried.wrote, log_of(&tried.wrote), tried.hits.0).is_some();
    if choice.candidates.asks_for_home
        && log_of(&tried.wrote).is_none()
        && (tried.hits.0 == 0 || cache_is_here(tried))
    {
        let at_home = Choice { at_home: true, ..choice.clone() };
        let again = trial::run(folder, &at_home.text(), "1h", None);
        if again.works() && log_of(&again.wrote).is_some() {
            *choice = at_home;
            *tried = again;
        }
    }
    facts.hits = tried.hits;
    let log = log_of(&tried.wrote);
    // A file that its source calls a log appeared, and nothing stands in it yet: it may be kept in memory.
    let empty = choice.log.clone().filter(|name| tried.wrote.iter().any(|one| one.path == *name));
    facts.log = match (log, &empty) {
        (Some(_), _) => Confirmed::ByTrial,
        (None, Some(_)) => Confirmed::Open,
        (None, None) => Confirmed::NotSeen,
    };
    choice.log = log.map(|log| lasting(&log.path)).or(empty);
    let cache = cache_of(&tried.wrote, log, tried.hits.0);
    facts.cache = match (&cache, tried.hits.0) {
        (Some(_), _) => Confirmed::ByTrial,
        (None, 0) => Confirmed::NotSeen,
        (None, _) => Confirmed::Open,
    };
    choice.cache = cache.as_ref().map(|(path, _)| path.clone());
    choice.cache_is_folder = cache.is_some_and(|(_, folder)| folder);
}

/// A short TTL, and a pause that is longer.
const SECONDS: (&str, &str) = ("2s", "3500ms");
/// The same where everything takes longer.
const SLOWER: (&str, &str) = ("6s", "8500ms");
/// The same for a proxy that counts minutes.
const MINUTE: (&str, &str) = ("1m", "61500ms");

/// Whether entries live as long as they are told: told two seconds they are gone after a pause, told an hour they are not.
fn age(folder: &Path, choice: &mut Choice<'_>, facts: &mut Facts) {
    if facts.hits.0 == 0 {
        facts.ttl = Confirmed::NotSeen;
        return;
    }
    let others = choice.candidates.ttls.iter().filter(|told| Some(*told) != choice.ttl.as_ref()).take(2);
    let mut choices = vec![choice.clone()];
    choices.extend(others.map(|told| Choice { ttl: Some(told.clone()), ..choice.clone() }));
    for one in choices.into_iter().filter(|one| one.ttl.is_some()) {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for one in [one.clone(), one.in_milliseconds(), one.in_whole_minutes()] {
            let text = one.text();
            if !known.insert(text.clone()) {
                continue;
            }
            match lives_as_told(
                folder,
                &text,
                if text.contains("ttl_whole_minutes") { MINUTE } else { SECONDS },
            ) {
                Lives::AsTold => {
                    *choice = one;
                    facts.ttl = Confirmed::ByTrial;
                    return;
                }
                Lives::TooLong => break,
                Lives::NotSeen => {}
            }
        }
    }
    // On a host that is busy two seconds may be over before anything was asked again.
    if choice.ttl.is_some() && lives_as_told(folder, &choice.text(), SLOWER) == Lives::AsTold {
        facts.ttl = Confirmed::ByTrial;
    }
}

/// How long entries lived that were told a short TTL, and a long one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lives {
    AsTold,
    /// They were not gone after the short one.
    TooLong,
    /// None was served: the number may be too small for its unit. Or they were gone before the long one.
    NotSeen,
}

fn lives_as_told(folder: &Path, text: &str, (ttl, pause): (&str, &str)) -> Lives {
    let (expired, hits) = trial::run(folder, text, ttl, Some(pause)).expired.unwrap_or_default();
    if hits == 0 {
        return Lives::NotSeen;
    }
    if expired < hits {
        return Lives::TooLong;
    }
    let long = trial::run(folder, text, "1h", Some(SECONDS.1));
    let kept = long.expired.is_some_and(|(expired, hits)| hits > 0 && expired == 0);
    if kept { Lives::AsTold } else { Lives::NotSeen }
}

/// The name of a log with a `*` for its longest number, that of a day, a process or a port: it is another one at the next start.
fn lasting(path: &str) -> String {
    const SHORTEST: usize = 4;
    let is_part = |c: char| c.is_ascii_digit() || "/-_.:T".contains(c);
    let digits = |run: &&str| run.bytes().filter(u8::is_ascii_digit).count();
    let runs = path.split(|c| !is_part(c)).map(|run| run.trim_matches(|c: char| !c.is_ascii_digit()));
    let longest = runs.max_by_key(digits).filter(|run| digits(run) >= SHORTEST);
    longest.map_or_else(|| path.to_owned(), |run| path.replacen(run, "*", 1))
}

#[cfg(test)]
mod tests {
    use super::lasting;

    #[test]
    fn a_day_a_process_and_a_port_are_others_at_the_next_start() {
        for (name, lasts) in [
            ("logs/pibl-2026-12-01.log", "logs/pibl-*.log"),
            ("log_20261201_101530.txt", "log_*.txt"),
            ("logs/2026/12/01.log", "logs/*.log"),
            ("proxy.12345.log", "proxy.*.log"),
            ("log8080", "log*"),
            ("pibl-v2.log", "pibl-v2.log"),
        ] {
            assert_eq!(lasting(name), lasts);
        }
    }
}
