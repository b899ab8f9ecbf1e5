//! The proxy's own log, judged: is every request there, with the answer that was given, in the file and on the screen?
//!
//! `evaluate` calls [`judged`] for the checks of this family. The log is evidence of itself alone: it never decides what the
//! proxy did, and its format is nobody's business – only marks in targets, statuses and lengths are looked for.

mod lines;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::judged::Judged;
use super::ledger::{Asked, Ledger};
use super::{Finding, LogFinding};
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, LogExcerpt, Purpose};
use harness_model::plan::{CheckPlan, StepKind};
use lines::{names_number, names_target, names_word, with_their_answers};

/// More than that is no line about an exchange but all of it: both heads and a body of some KB take less.
const MOST_BYTES_EACH: u64 = 16 << 10;
/// Both heads of an exchange, a line for each field, take less.
const MOST_LINES_EACH: u64 = 100;

/// Where a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogPlace {
    /// The file that the adapter names.
    File,
    /// Standard output.
    Screen,
}

/// What a log lacks of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "lack")]
pub enum LogLack {
    /// No line names its target.
    Request,
    /// Lines name the request and none its answer.
    Answer,
    /// Of several exchanges with this target some are missing, such as those answered from the cache.
    Some {
        /// Found.
        logged: u64,
        /// Carried out.
        exchanges: u64,
    },
    /// It is there more often than it took place.
    TooOften {
        /// Found.
        logged: u64,
        /// Carried out.
        exchanges: u64,
    },
    /// Its lines do not name the method.
    Method,
}

/// `log.file`, `log.stdout`, `log.complete`.
pub(super) fn judged(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let place = if check.id == CheckId::LogStdout { LogPlace::Screen } else { LogPlace::File };
    let (mut exchanges, mut hits, mut lacking) = (0u64, 0u64, Vec::new());
    for step in ledger.steps_of(check) {
        let StepKind::Exact(exact) = &step.kind else { continue };
        // What the assignment asks shows in one exchange after the other; a crowd asks for more.
        let in_a_crowd = exact.at_once > 1 && check.id != CheckId::LogComplete;
        if !exact.asks.is_about_the_log() || in_a_crowd {
            continue;
        }
        let Some(text) = written_during(ledger, step.index, place) else { continue };
        // What is missing may stand behind the end of what was kept.
        let is_cut = text.len() as u64 >= LogExcerpt::MOST_BYTES;
        let lines: Vec<&str> = text.lines().collect();
        let mut asked = ledger.requests_of(step.index, Purpose::Exact);
        // What was not answered is the business of other checks.
        asked.retain(|asked| asked.status().is_some());
        asked.sort_by_key(|asked| (asked.exchange.number, asked.exchange.id));
        let is_request = |line: &str| asked.iter().any(|one| names_target(line, &one.exchange.target));
        let whole = with_their_answers(&lines, is_request);
        exchanges += asked.len() as u64;
        hits += asked.iter().filter(|asked| ledger.is_from_cache(asked)).count() as u64;
        for one in &asked {
            let lack = match check.id {
                CheckId::LogComplete => lacks_of_its_own(&whole, one, &asked),
                _ => lacks(&lines, one),
            };
            match lack {
                Some(LogLack::TooOften { .. }) | None => {}
                Some(_) if is_cut => {
                    exchanges -= 1;
                    continue;
                }
                Some(_) => {}
            }
            lacking.extend(lack.map(|lack| (*one, lack)));
        }
    }
    if exchanges == 0 {
        return Judged::not_reached();
    }
    let Some((first, lack)) = lacking.first() else {
        return Judged::pass(Finding::Log(LogFinding::Logged { place, exchanges, hits }));
    };
    let finding = Finding::Log(LogFinding::NotLogged {
        place,
        method: first.exchange.method.clone(),
        target: first.exchange.target.clone(),
        status: first.status().unwrap_or_default(),
        lack: *lack,
        count: lacking.len() as u64,
        exchanges,
    });
    Judged::fail(finding, lacking.iter().map(|(one, _)| one.line).collect())
}

/// `log.volume`: what the steps about the log had it write, in the place with more of it.
pub(super) fn volume(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut exchanges, mut written) = (0u64, [(LogPlace::File, 0, 0), (LogPlace::Screen, 0, 0)]);
    let mut evidence = Vec::new();
    for step in ledger.steps_of(check) {
        let about_the_log = matches!(&step.kind, StepKind::Exact(exact) if exact.asks.is_about_the_log());
        let looked = |place| written_during(ledger, step.index, place);
        if !about_the_log || (looked(LogPlace::File).is_none() && looked(LogPlace::Screen).is_none()) {
            continue;
        }
        let asked = ledger.requests_of(step.index, Purpose::Exact);
        exchanges += asked.len() as u64;
        evidence.extend(asked.first().map(|first| first.line));
        for (place, bytes, lines) in &mut written {
            let text = looked(*place).unwrap_or_default();
            *bytes += text.len() as u64;
            *lines += text.lines().count() as u64;
        }
    }
    if exchanges == 0 {
        return Judged::not_reached();
    }
    let [file, screen] = written;
    let (place, bytes, lines) = if screen.1 > file.1 { screen } else { file };
    let (bytes_each, lines_each) = (bytes / exchanges, lines / exchanges);
    let finding = Finding::Log(LogFinding::Written { place, bytes_each, lines_each, exchanges });
    if bytes_each > MOST_BYTES_EACH || lines_each > MOST_LINES_EACH {
        Judged::fail(finding, evidence)
    } else {
        Judged::pass(finding)
    }
}

/// What was written during a step; `None` where nobody looked.
fn written_during<'a>(ledger: &Ledger<'a>, step: usize, place: LogPlace) -> Option<&'a str> {
    ledger.events.iter().filter(|event| event.step == Some(step)).find_map(|event| {
        match (&event.event, place) {
            (EventKind::ProxyLogged(LogExcerpt { file, .. }), LogPlace::File) => file.as_deref(),
            (EventKind::ProxyLogged(LogExcerpt { screen, .. }), LogPlace::Screen) => screen.as_deref(),
            _ => None,
        }
    })
}

/// The request by its target; its answer, where its status is unusual enough to be known by, on whichever line.
fn lacks(lines: &[&str], asked: &Asked<'_>) -> Option<LogLack> {
    let target = &asked.exchange.target;
    if !lines.iter().any(|line| names_target(line, target)) {
        return Some(LogLack::Request);
    }
    let status = asked.status().filter(|&status| status != 200)?;
    let length = asked.exchange.response.as_ref().map_or(0, |response| response.body.bytes);
    let answers =
        |line: &&str| names_number(line, status.into()) || (length > 1_000 && names_number(line, length));
    (!lines.iter().any(answers)).then_some(LogLack::Answer)
}

/// Each exchange once: as many lines (or pairs of the same client) with target and status as there were, and its method beside its
/// target. Where answers have lines of their own that name no target, there must be one for each as well.
fn lacks_of_its_own(lines: &[String], one: &Asked<'_>, all: &[Asked<'_>]) -> Option<LogLack> {
    let target = &one.exchange.target;
    let of_target: Vec<&String> = lines.iter().filter(|line| names_target(line, target)).collect();
    if of_target.is_empty() {
        return Some(LogLack::Request);
    }
    let alike = |other: &&Asked<'_>| other.exchange.target == *target && other.status() == one.status();
    let exchanges = all.iter().filter(alike).count() as u64;
    let status = u64::from(one.status().unwrap_or_default());
    let logged = of_target.iter().filter(|line| names_number(line, status)).count() as u64;
    let with_method = of_target.iter().filter(|line| names_word(line, &one.exchange.method)).count() as u64;
    let logged = if logged == 0 { logged_apart(lines, one, all, of_target.len() as u64) } else { logged };
    match logged {
        0 => Some(LogLack::Answer),
        _ if logged < exchanges => Some(LogLack::Some { logged, exchanges }),
        _ if logged > exchanges => Some(LogLack::TooOften { logged, exchanges }),
        _ => (with_method < exchanges).then_some(LogLack::Method),
    }
}

/// How often an exchange is there where no line of a target names a status: as often as its target, of which `requests` lines tell, if
/// as many other lines name its status as there were answers with it.
fn logged_apart(lines: &[String], one: &Asked<'_>, all: &[Asked<'_>], requests: u64) -> u64 {
    let status = one.status().unwrap_or_default();
    let is_request = |line: &str| all.iter().any(|other| names_target(line, &other.exchange.target));
    let answers = lines.iter().filter(|line| !is_request(line) && names_number(line, status.into())).count();
    let answered = all.iter().filter(|other| other.status() == Some(status)).count();
    if answers >= answered { requests } else { 0 }
}
