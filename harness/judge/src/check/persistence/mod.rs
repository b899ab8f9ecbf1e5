//! What a crash leaves: entries kept, no torn bytes, files in the right place, a port that can be bound again.
//!
//! `evaluate` calls one function per check. Only an entry that was proven to be a hit before the kill can be lost by it;
//! a wrong byte afterwards is a failure whoever asked for it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use fake_backends::clock::Moment;

use crate::check::hits::difference;
use crate::check::integrity::{wrong_answer, wrong_bytes};
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, Origin, ms, ms_between};
use crate::check::seen::{Difference, Samples, Wrong};
use crate::check::{Finding, Outcome, PersistenceFinding};
use harness_model::history::{EventKind, Purpose};
use harness_model::plan::StepKind;

/// Answers from the cache after kills in mid-write, below which no torn file could have been seen.
const REREADS_FROM_CACHE: u64 = 10;

/// `persistence.survives_kill`: everything proven to be cached before a kill is served after it.
pub(in crate::check) fn survives_kill(ledger: &Ledger<'_>) -> Judged {
    let judged = kept(ledger, |target| !is_odd(target));
    match did_not_return(ledger) {
        Some((line, finding)) if judged.outcome != Outcome::Fail => Judged::fail(finding, vec![line]),
        _ => judged,
    }
}

/// `persistence.odd_names`: the same for what lies under names that a simple mapping to files does not bear, and after
/// orderly ends as well.
pub(in crate::check) fn odd_names(ledger: &Ledger<'_>) -> Judged {
    let Some(first_kill) = kill_lines(ledger).next() else { return Judged::not_reached() };
    let (mut keys, mut long, mut expired, mut lost, mut kept_line) = (0u64, 0u64, 0u64, Vec::new(), None);
    // The orderly ends after which something was asked for again.
    let mut after_stops = BTreeSet::new();
    let targets: BTreeSet<&str> = ledger.asked.iter().map(|asked| asked.exchange.target.as_str()).collect();
    let tried_long = targets.iter().any(|target| is_long(target));
    for target in targets.into_iter().filter(|target| is_odd(target)) {
        for reread in first_requests_after(ledger, target, true) {
            if reread.expired {
                expired += 1;
                continue;
            }
            keys += 1;
            long += u64::from(is_long(target));
            if !reread.killed {
                after_stops.insert(ledger.last_stop_before(reread.asked.sent()));
            }
            match reread.wrong {
                Some(wrong) => lost.push((reread.asked, wrong, reread.killed)),
                None => kept_line = Some(reread.asked.line),
            }
        }
    }
    if let Some((asked, wrong, killed)) = lost.first().cloned() {
        let target = asked.exchange.target.clone();
        let finding = Finding::Persistence(PersistenceFinding::OddNameLost {
            target,
            wrong,
            killed,
            lost: lost.len() as u64,
            keys,
        });
        return Judged::fail(finding, lost.iter().map(|(asked, ..)| asked.line).collect());
    }
    if keys == 0 && expired > 0 {
        let ttl_ms = ledger.plan.steps.last().and_then(|step| ledger.ttl_at(step.index)).unwrap_or(0.0);
        return Judged::inconclusive(Finding::Persistence(PersistenceFinding::ExpiredBeforeReread {
            keys: expired,
            ttl_ms,
        }));
    }
    // What was never proven to be cached under a long name says nothing of long names.
    if keys == 0 || (tried_long && long == 0) {
        return Judged::too_few(Samples::Keys, 0, 1);
    }
    let (kills, stops) = (kill_lines(ledger).count() as u64, after_stops.len() as u64);
    let finding = Finding::Persistence(PersistenceFinding::OddNamesKept { keys, long, kills, stops });
    Judged::pass(finding).with_evidence(kept_line).with_evidence([first_kill])
}

/// Whether a path is longer than the name of a file can be on the file systems in use.
fn is_long(target: &str) -> bool {
    target.len() > 255
}

/// Whether a target has more in it than a plain path.
fn is_odd(target: &str) -> bool {
    target.contains(['?', '%', '=']) || target.len() > 100
}

fn kept(ledger: &Ledger<'_>, of_these: impl Fn(&str) -> bool) -> Judged {
    let Some(first_kill) = kill_lines(ledger).next() else { return Judged::not_reached() };
    let (mut keys, mut expired, mut lost) = (0u64, 0u64, Vec::new());
    let mut down_each_time = true;
    let mut kept_line = None;
    let targets: BTreeSet<&str> = ledger.asked.iter().map(|asked| asked.exchange.target.as_str()).collect();
    for target in targets.into_iter().filter(|target| of_these(target)) {
        for reread in first_requests_after(ledger, target, false) {
            if reread.expired {
                expired += 1;
                continue;
            }
            keys += 1;
            down_each_time &= ledger.backends_up_at(reread.asked.sent()).is_empty();
            match reread.wrong {
                Some(wrong) => lost.push((reread.asked, wrong)),
                None => kept_line = Some(reread.asked.line),
            }
        }
    }
    let kills = kill_lines(ledger).count() as u64;
    if let Some((asked, wrong)) = lost.first().cloned() {
        let finding = Finding::Persistence(PersistenceFinding::LostAfterKill {
            keys,
            lost: lost.len() as u64,
            target: asked.exchange.target.clone(),
            wrong,
            kills,
        });
        return Judged::fail(finding, lost.iter().map(|(asked, _)| asked.line).collect());
    }
    if keys == 0 && expired > 0 {
        let ttl_ms = ledger.plan.steps.last().and_then(|step| ledger.ttl_at(step.index)).unwrap_or(0.0);
        return Judged::inconclusive(Finding::Persistence(PersistenceFinding::ExpiredBeforeReread {
            keys: expired,
            ttl_ms,
        }));
    }
    if keys == 0 {
        return Judged::too_few(Samples::Keys, 0, 1);
    }
    let finding = Finding::Persistence(PersistenceFinding::KeptAfterKill {
        keys,
        kills,
        backends_down: down_each_time,
    });
    Judged::pass(finding).with_evidence(kept_line).with_evidence([first_kill])
}

/// `persistence.no_torn_bytes`: after kills under write load no wrong byte is served.
pub(in crate::check) fn no_torn_bytes(ledger: &Ledger<'_>) -> Judged {
    let kills = kills_under_load(ledger);
    let Some(&first) = kills.first() else { return Judged::not_reached() };
    let written: BTreeSet<&str> = ledger
        .asked
        .iter()
        .filter(|asked| asked.exchange.purpose == Purpose::CrashLoad)
        .map(|asked| asked.exchange.target.as_str())
        .collect();
    let (mut reread, mut from_cache, mut wrong) = (0u64, 0u64, Vec::new());
    for asked in ledger.asked.iter().filter(|asked| asked.sent() > first) {
        let again = asked.exchange.purpose == Purpose::Reread;
        reread += u64::from(again);
        from_cache += u64::from(
            again
                && written.contains(asked.exchange.target.as_str())
                && asked.succeeded()
                && ledger.is_from_cache(asked),
        );
        if let Some(found) = wrong_bytes(ledger, asked) {
            wrong.push((asked, found));
        }
    }
    let count = kills.len() as u64;
    if let Some((asked, found)) = wrong.first().cloned() {
        let finding = Finding::Persistence(PersistenceFinding::WrongAfterKill {
            target: asked.exchange.target.clone(),
            wrong: found,
            count: wrong.len() as u64,
            reread,
            kills: count,
        });
        return Judged::fail(finding, wrong.iter().map(|(asked, _)| asked.line).collect());
    }
    if from_cache < REREADS_FROM_CACHE {
        return Judged::too_few(Samples::RereadsFromCache, from_cache, REREADS_FROM_CACHE);
    }
    Judged::pass(Finding::Persistence(PersistenceFinding::WholeAfterKill {
        kills: count,
        reread,
        from_cache,
    }))
}

/// `persistence.location`: the cache lies in files beneath the working directory.
pub(in crate::check) fn location(ledger: &Ledger<'_>) -> Judged {
    let listings: Vec<Listing<'_>> = ledger
        .events
        .iter()
        .enumerate()
        .filter_map(|(line, event)| match &event.event {
            EventKind::FilesSeen { files } => Some((line, event.at, files.as_slice())),
            _ => None,
        })
        .collect();
    if listings.is_empty() {
        return Judged::not_reached();
    }
    let not_cache = not_cache_files(ledger);
    // The first stored answer divides what was there anyway from what may be the cache.
    let first_answer = ledger.asked.iter().map(|asked| asked.exchange.finished).min();
    let before: BTreeMap<&str, u64> = listings
        .iter()
        .filter(|(_, at, _)| first_answer.is_none_or(|first| *at < first))
        .flat_map(|(_, _, files)| files.iter().map(|(name, bytes)| (name.as_str(), *bytes)))
        .collect();
    let mut best: Option<(usize, u64, u64, String)> = None;
    let mut most_files = 0;
    let mut cached_bytes = 0;
    for (line, at, files) in
        listings.iter().filter(|(_, at, _)| first_answer.is_some_and(|first| *at >= first))
    {
        most_files = most_files.max(files.len() as u64);
        let (targets, cached) = proven_cached(ledger, *at);
        cached_bytes = cached_bytes.max(cached);
        let grown = |(name, bytes): &&(String, u64)| {
            !not_cache.contains(name.as_str())
                && !ledger.plan.adapter.is_log(name)
                && *bytes > before.get(name.as_str()).copied().unwrap_or(0)
        };
        let new: Vec<&(String, u64)> = files.iter().filter(grown).collect();
        let bytes: u64 =
            new.iter().map(|(name, bytes)| bytes - before.get(name.as_str()).copied().unwrap_or(0)).sum();
        // A cache may compress, so half of what it holds is enough; a lock file or a process id is not. One that empties itself too soon
        // has lost the large ones, and a file for each of the others is there.
        let bodies = new.iter().filter(|(_, bytes)| *bytes >= SMALLEST_BODY).count();
        let a_file_each = targets >= ENOUGH_FILES && bodies >= targets / 2;
        if cached > 0 && (bytes >= cached / 2 || a_file_each) {
            let example =
                new.iter().max_by_key(|(_, bytes)| bytes).map(|(name, _)| name.clone()).unwrap_or_default();
            best = Some((*line, new.len() as u64, bytes, example));
        }
    }
    match best {
        Some((line, files, bytes, example)) => {
            Judged::pass(Finding::Persistence(PersistenceFinding::CacheFiles { files, bytes, example }))
                .with_evidence([line])
        }
        None if cached_bytes == 0 => Judged::too_few(Samples::Hits, 0, 1),
        None => {
            let evidence = listings.last().map(|(line, ..)| *line).into_iter().collect();
            Judged::fail(
                Finding::Persistence(PersistenceFinding::NoCacheFiles { files: most_files, cached_bytes }),
                evidence,
            )
        }
    }
}

/// `persistence.rebind`: listening at the first try after every kill.
pub(in crate::check) fn rebind(ledger: &Ledger<'_>) -> Judged {
    let (mut starts, mut vain, mut slowest_ms, mut worst): (u64, u64, f64, Option<(usize, f64)>) =
        (0, 0, 0.0, None);
    let (mut killed, mut given_up) = (false, false);
    let mut first_try: Option<Moment> = None;
    for (line, event) in ledger.events.iter().enumerate() {
        match &event.event {
            EventKind::ProxySignalled { signal, .. } => {
                killed = signal == "SIGKILL";
                first_try = None;
            }
            // It never could: what comes after begins at another port.
            EventKind::PortGivenUp(port) => {
                (vain, given_up) = (vain + u64::from(port.attempts), true);
                let took = ms(port.waited);
                if worst.is_none_or(|(_, most)| took > most) {
                    worst = Some((line, took));
                }
            }
            EventKind::ProxyStarting { .. } => first_try = first_try.or(Some(event.at)),
            EventKind::ProxyReady { listening_after, attempts_before, .. } if killed => {
                starts += 1;
                vain += u64::from(*attempts_before);
                slowest_ms = slowest_ms.max(ms(*listening_after));
                let took = first_try.map_or_else(|| ms(*listening_after), |from| ms_between(from, event.at));
                if *attempts_before > 0 && worst.is_none_or(|(_, most)| took > most) {
                    worst = Some((line, took));
                }
                killed = false;
            }
            _ => {}
        }
    }
    match worst {
        Some((line, after_ms)) => Judged::fail(
            Finding::Persistence(PersistenceFinding::ReboundLate { after_ms, vain, starts, given_up }),
            vec![line],
        ),
        None if starts == 0 => match did_not_return(ledger) {
            Some((line, finding)) => Judged::fail(finding, vec![line]),
            None => Judged::not_reached(),
        },
        None => Judged::pass(Finding::Persistence(PersistenceFinding::ReboundAtOnce { starts, slowest_ms })),
    }
}

/// A listing of the files beneath the working directory: its line, its moment, paths and lengths.
type Listing<'a> = (usize, Moment, &'a [(String, u64)]);

/// A request for an entry that was proven to be cached before an end of the proxy, the first after that end.
struct AfterEnd<'a> {
    asked: Asked<'a>,
    /// Whether the end was a kill.
    killed: bool,
    /// Its TTL was, or may have been, over.
    expired: bool,
    /// What came instead of the entry.
    wrong: Option<Wrong>,
}

/// After kills, and where asked for after orderly ends too.
fn first_requests_after<'a>(ledger: &Ledger<'a>, target: &str, orderly_too: bool) -> Vec<AfterEnd<'a>> {
    let early_ms = ms(ledger.plan.adapter.capabilities.ttl_resolution.early);
    let mut found = Vec::new();
    let mut stored: Option<Asked<'a>> = None;
    let mut proven: Option<Moment> = None;
    for asked in ledger.requests_for(target).filter(|asked| asked.exchange.method == "GET") {
        if let (Some(filled), Some(since)) = (&stored, proven)
            && let killed = ledger.kills_between(since, asked.sent()) > 0
            && (killed || (orderly_too && ledger.stops_between(since, asked.sent()) > 0))
            && !ledger.wiped_between(since, asked.sent())
        {
            // What was fetched unasked since then proves nothing of what was kept.
            if fetched_unasked(ledger, target, since, asked.sent()) {
                (stored, proven) = (None, None);
                continue;
            }
            let age_ms = ms_between(filled.sent(), asked.exchange.finished);
            let ttl_ms = asked.step.and_then(|step| ledger.ttl_at(step));
            let expired = ttl_ms.is_some_and(|ttl| age_ms >= ttl - early_ms);
            found.push(AfterEnd { asked, killed, expired, wrong: wrong_after(ledger, filled, &asked) });
        }
        match ledger.origin(&asked) {
            Some(Origin::Backend(_)) if asked.succeeded() => {
                stored = Some(asked);
                proven = None;
            }
            Some(Origin::Cache) if asked.succeeded() && stored.is_some() => {
                proven = Some(asked.exchange.finished);
            }
            // No answer, or an error: what is cached is no longer proven.
            _ => proven = None,
        }
    }
    found
}

/// Whether backends were asked for a target between two moments though no client was waiting for it.
fn fetched_unasked(ledger: &Ledger<'_>, target: &str, from: Moment, until: Moment) -> bool {
    ledger.attempts_for(target).map(|arrived| arrived.attempt.arrived).any(|at| {
        let waited_for = |asked: Asked<'_>| asked.sent() <= at && at <= asked.exchange.finished;
        at > from && at < until && !ledger.requests_for(target).any(waited_for)
    })
}

fn wrong_after(ledger: &Ledger<'_>, filled: &Asked<'_>, asked: &Asked<'_>) -> Option<Wrong> {
    if let Some(wrong) = wrong_answer(asked) {
        return Some(wrong);
    }
    if !ledger.is_from_cache(asked) {
        return Some(Wrong::FromBackend);
    }
    match difference(filled, asked)? {
        Difference::End { wrong } => Some(wrong),
        Difference::Length { .. } | Difference::Bytes => {
            Some(Wrong::Damaged { how: "other bytes than before".to_owned() })
        }
        Difference::Status { hit, .. } => Some(Wrong::Status { status: hit }),
        // A field more or less is for `cache.hit`: the entry itself was kept.
        Difference::Field { .. } => None,
    }
}

/// Lines of the kills after which the proxy was started again; the one that ends a run proves nothing.
fn kill_lines(ledger: &Ledger<'_>) -> impl Iterator<Item = usize> {
    let last_start =
        ledger.events.iter().rposition(|event| matches!(event.event, EventKind::ProxyStarting { .. }));
    ledger.events[..last_start.unwrap_or(0)].iter().enumerate().filter_map(|(line, event)| {
        match &event.event {
            EventKind::ProxySignalled { signal, .. } if signal == "SIGKILL" => Some(line),
            _ => None,
        }
    })
}

fn kills_under_load(ledger: &Ledger<'_>) -> Vec<Moment> {
    let under_load = |step: Option<usize>| {
        let kind = step.and_then(|step| ledger.plan.steps.get(step)).map(|step| &step.kind);
        matches!(kind, Some(StepKind::Crash(crash)) if crash.vus > 0)
    };
    ledger
        .events
        .iter()
        .filter(|event| under_load(event.step))
        .filter(
            |event| matches!(&event.event, EventKind::ProxySignalled { signal, .. } if signal == "SIGKILL"),
        )
        .map(|event| event.at)
        .collect()
}

/// The last start, where it was told to start after a kill and never got ready.
fn did_not_return(ledger: &Ledger<'_>) -> Option<(usize, Finding)> {
    let starting =
        ledger.events.iter().rposition(|event| matches!(event.event, EventKind::ProxyStarting { .. }))?;
    // Where it was last asked to end and has not come back, that is for those who changed its settings.
    let asked_to_end = ledger.events[..starting].iter().rposition(
        |event| matches!(&event.event, EventKind::ProxySignalled { signal, .. } if signal != "SIGKILL"),
    );
    let killed_before = kill_lines(ledger).last()? < starting
        && asked_to_end.is_none_or(|asked| kill_lines(ledger).any(|kill| kill > asked && kill < starting));
    let after = &ledger.events[starting..];
    let ready = after.iter().any(|event| matches!(event.event, EventKind::ProxyReady { .. }));
    let exit = after.iter().find_map(|event| match &event.event {
        EventKind::ProxyExited(exit) => Some((exit.code, exit.last_lines.clone())),
        _ => None,
    });
    let (code, last_lines) = exit.unwrap_or_default();
    (killed_before && !ready).then_some((
        starting,
        Finding::Persistence(PersistenceFinding::DidNotStartAgain { code, last_lines }),
    ))
}

fn not_cache_files<'a>(ledger: &Ledger<'a>) -> BTreeSet<&'a str> {
    let mut known: BTreeSet<&str> = ledger.plan.adapter.files.keys().map(String::as_str).collect();
    for event in ledger.events {
        if let EventKind::ProxyStarting { configuration, .. } = &event.event {
            known.extend(configuration.iter().map(|file| file.path.as_str()));
        }
    }
    known
}

/// A file with less than this holds no answer of a pack, but may mark one that lies elsewhere: half of the body that most have.
const SMALLEST_BODY: u64 = 512;

/// From so many targets on a file for each of them is no accident.
const ENOUGH_FILES: usize = 20;

/// Targets that were proven to be in the cache before a moment, and the bytes of their bodies.
fn proven_cached(ledger: &Ledger<'_>, at: Moment) -> (usize, u64) {
    let mut by_target: BTreeMap<&str, u64> = BTreeMap::new();
    for asked in ledger.asked.iter().filter(|asked| asked.exchange.finished <= at && asked.succeeded()) {
        if let Some(response) = &asked.exchange.response
            && asked.exchange.method == "GET"
            && ledger.is_from_cache(asked)
        {
            by_target.insert(&asked.exchange.target, response.body.bytes);
        }
    }
    (by_target.len(), by_target.values().sum())
}
