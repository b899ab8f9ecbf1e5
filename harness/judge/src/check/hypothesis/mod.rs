//! Causes that can be refuted: what supports each of them in the run, and the line of the program that it names.
//!
//! `evaluate` asks here last. What the program printed or was seen to do comes before what its source looks like, and what refutes a
//! cause takes it away. Nothing here changes an outcome.

mod cache_rules;
mod calls;
mod change;
mod heard;
mod look;
mod program;
mod rules;

#[cfg(test)]
mod tests;

use fake_backends::clock::Moment;

use self::calls::Calls;
pub use self::heard::{Heard, heard, printed_between};
use self::program::Program;
use super::cause::Cause;
use super::grounds::{Basis, Fact, Grounds, Named, Tried};
use super::ledger::{Asked, Ledger, ms_between};
use super::{ConfigFinding, Finding, Outcome, ProxyFinding, Verdict};
use crate::last_words::Spoke;
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, ExchangeEnd, Record, SourcePlace};
use harness_model::plan::Change;

/// Lines around the one that is named.
const AROUND: u32 = 2;
/// What a program prints of an exchange may reach us so much later.
const PRINTED_WITHIN_NS: u64 = 400_000_000;
/// The wall clock, by which watchers write, may differ so much from the clock of the run.
const CLOCKS_NS: u64 = 20_000_000;
/// SIGPIPE, and the signals of a fault of memory: SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV.
const SIGPIPE: i32 = 13;
const SIGABRT: i32 = 6;
const FAULTS: [i32; 5] = [4, 6, 7, 8, 11];

/// Gives each failure what its cause rests on, and takes away causes that the run refutes.
pub(super) fn ground(ledger: &Ledger<'_>, record: &Record, verdicts: &mut [Verdict]) {
    if !verdicts.iter().any(|verdict| verdict.outcome == Outcome::Fail) {
        return;
    }
    let scene = Scene::of(ledger, record);
    for verdict in verdicts.iter_mut().filter(|verdict| verdict.outcome == Outcome::Fail) {
        let (cause, grounds) = scene.look(verdict);
        verdict.cause = cause;
        verdict.grounds = (grounds != Grounds::default()).then(|| Box::new(grounds));
    }
    // The same fault once more has the same cause, and the same line.
    let roots: Vec<(CheckId, Option<Cause>, Option<Named>)> = verdicts
        .iter()
        .map(|verdict| {
            let named = verdict.grounds.as_deref().and_then(|grounds| grounds.named.clone());
            (verdict.check, verdict.cause, named)
        })
        .collect();
    for verdict in verdicts.iter_mut().filter(|verdict| verdict.outcome == Outcome::Fail) {
        let root = verdict.explained_by.and_then(|root| roots.iter().find(|(check, ..)| *check == root));
        if let Some((_, cause, named)) = root {
            verdict.cause = *cause;
            if named.is_some() {
                verdict.grounds.get_or_insert_default().named = named.clone();
            }
        }
    }
}

struct Scene<'a> {
    ledger: &'a Ledger<'a>,
    record: &'a Record,
    heard: Vec<Heard>,
    program: Program<'a>,
    /// The repetition, watched: what was seen, and which checks failed again.
    calls: Option<Calls<'a>>,
    again: Vec<Verdict>,
    /// The changes that were tried, and what the checks came to with each.
    tried: Vec<(&'a Change, Vec<Verdict>)>,
}

impl<'a> Scene<'a> {
    fn of(ledger: &'a Ledger<'a>, record: &'a Record) -> Scene<'a> {
        let watched = record.beside.watched.as_deref();
        Scene {
            ledger,
            record,
            heard: heard(record),
            program: Program::of(record),
            calls: watched.map(Calls::of),
            again: watched.map(super::evaluate).unwrap_or_default(),
            tried: record
                .beside
                .tried
                .iter()
                .filter_map(|tried| Some((tried.plan.change.as_ref()?, super::evaluate(tried))))
                .collect(),
        }
    }

    /// What a check came to with a change.
    fn tried(&self, check: CheckId) -> Option<Tried> {
        self.tried.iter().find_map(|(change, verdicts)| {
            let verdict = verdicts.iter().find(|verdict| verdict.check == check)?;
            let passes = match verdict.outcome {
                Outcome::Pass => Some(true),
                Outcome::Fail => Some(false),
                _ => None,
            };
            Some(Tried { change: (*change).clone(), passes })
        })
    }

    /// The repetition of a check, where it came to a conclusion.
    fn repeated(&self, verdict: &Verdict) -> Option<&Verdict> {
        let decided = |again: &&Verdict| matches!(again.outcome, Outcome::Fail | Outcome::Pass);
        self.again.iter().find(|again| again.check == verdict.check).filter(decided)
    }

    /// The calls of the program while a check failed again.
    fn calls_of(&self, verdict: &Verdict) -> Option<Calls<'a>> {
        let again = self.repeated(verdict).filter(|again| again.outcome == Outcome::Fail)?;
        let events = &self.record.beside.watched.as_deref()?.events;
        let exchanges = again.evidence.iter().filter_map(|&line| match &events.get(line)?.event {
            EventKind::Exchange(exchange) => {
                Some((exchange.sent.unwrap_or(exchange.intended), exchange.finished))
            }
            _ => None,
        });
        let span = exchanges.reduce(|(from, until), (sent, finished)| (from.min(sent), until.max(finished)));
        let (from, until) = span.unwrap_or((Moment::default(), Moment(u64::MAX)));
        // The clocks of program and record differ by less than this.
        let (from, until) = (from.0.saturating_sub(CLOCKS_NS), until.0.saturating_add(CLOCKS_NS));
        Some(self.calls.as_ref()?.between(Moment(from), Moment(until)))
    }

    fn look(&self, verdict: &Verdict) -> (Option<Cause>, Grounds) {
        let mut grounds = Grounds {
            again: self.repeated(verdict).map(|again| again.outcome == Outcome::Fail),
            ..Grounds::default()
        };
        let said = self.said_during(verdict);
        let mut cause = self.by_last_words(verdict, &said);
        if let Some(signal) = self.signal(verdict) {
            grounds.supports.push(Fact::EndedBySignal { signal });
        }
        if cause == Some(Cause::BacklogTooShort) {
            grounds.supports.extend(self.not_taken(verdict));
        }
        grounds.supports.extend(said.iter().map(|said| said.fact.clone()));
        // What the program was seen to do says more than what its source looks like, and may refute what was supposed.
        let printed = said.iter().find_map(|said| said.place.clone());
        // A program that has named its line itself was not seen to do more.
        let asked = cause.filter(|cause| !(speaks_for(*cause) && printed.is_some()));
        let calls = self.calls_of(verdict);
        grounds.calls = calls.as_ref().map(Calls::shown).unwrap_or_default();
        let seen = asked.zip(calls.as_ref()).map(|(cause, calls)| calls.ask(cause, &self.program));
        if let Some(seen) = seen {
            cause = if seen.refuted { None } else { seen.instead.or(cause) };
            grounds.supports.extend(seen.supports);
            grounds.named = seen.place.map(|place| self.named(place, Basis::Watched));
        }
        if cause.is_some_and(speaks_for) && grounds.named.is_none() {
            grounds.named = printed.clone().map(|place| self.named(place, Basis::Printed));
        }
        if let Some(supposed) = cause
            && rules::refuted(supposed, &self.program)
        {
            cause = None;
        }
        // The files are there, and nobody can ask for them by name any more.
        let no_names = cause == Some(Cause::IndexInMemory);
        if no_names && rules::line_of(Cause::NamesOfThisProcess, &self.program, None, &[]).is_some() {
            cause = Some(Cause::NamesOfThisProcess);
        }
        // The constant says more than the call that uses it.
        let by_constant = cause == Some(Cause::CacheElsewhere);
        if (grounds.named.is_none() || by_constant)
            && let Some(supposed) = cause
        {
            let ways = calls.as_ref().map(|calls| calls.ways(supposed)).unwrap_or_default();
            let line = rules::line_of(supposed, &self.program, port_of(&verdict.finding), &ways);
            let of_source = line.map(|found| {
                let basis = if found.seen { Basis::Watched } else { Basis::Read };
                self.named(self.program.place(found.position), basis)
            });
            let by_way = || {
                rules::caller_of_what_stores(supposed, &ways).map(|place| self.named(place, Basis::Watched))
            };
            let named = of_source.or_else(by_way);
            grounds.named = named.or(grounds.named.take());
        }
        if grounds.named.is_none() {
            grounds.named = printed.map(|place| self.named(place, Basis::Printed));
        }
        let source = &self.record.beside.source;
        grounds.change = cause
            .zip(grounds.named.as_ref())
            .and_then(|(cause, named)| change::of(cause, &named.place, source, &self.program));
        grounds.tried = self.tried(verdict.check);
        match &grounds.tried {
            Some(tried) if tried.passes == Some(true) => {
                grounds.named.iter_mut().for_each(|named| named.basis = Basis::Tried);
            }
            // It was mended, and nothing is better: that was not it.
            Some(tried) if tried.passes == Some(false) && tried.change.decisive => {
                (cause, grounds.named) = (None, None);
            }
            _ => {}
        }
        (cause, grounds)
    }

    fn named(&self, place: SourcePlace, basis: Basis) -> Named {
        let code = self.record.beside.source.excerpt(&place, AROUND);
        let code = code.into_iter().map(|(number, text)| (number, text.to_owned())).collect();
        Named { place, basis, code }
    }

    /// The requests of a failure: those of its evidence that did not come to a good end, or all of its evidence.
    fn requests(&self, verdict: &Verdict) -> Vec<&Asked<'a>> {
        let all = || self.ledger.asked.iter().filter(|asked| verdict.evidence.contains(&asked.line));
        let broken: Vec<_> = all().filter(|asked| asked.exchange.end != ExchangeEnd::Complete).collect();
        if broken.is_empty() { all().collect() } else { broken }
    }

    /// What was said while the requests of a failure were open, most often said first.
    fn said_during(&self, verdict: &Verdict) -> Vec<Said> {
        let requests = self.requests(verdict);
        let during = |at: Moment| {
            requests.iter().any(|asked| {
                asked.sent() <= at && at.0 <= asked.exchange.finished.0.saturating_add(PRINTED_WITHIN_NS)
            })
        };
        // A death is shown by the last words before it, whichever request was the one.
        let died = matches!(verdict.finding, Finding::Proxy(ProxyFinding::Died { .. }));
        let exits: Vec<Moment> = self
            .record
            .events
            .iter()
            .filter(|event| unexpected_end(&event.event))
            .map(|event| event.at)
            .collect();
        let before_death = |at: Moment| {
            died && exits.iter().any(|&end| {
                at.0 <= end.0.saturating_add(PRINTED_WITHIN_NS) && at.0.saturating_add(2_000_000_000) >= end.0
            })
        };
        let mut said: Vec<Said> = Vec::new();
        for heard in self.heard.iter().filter(|heard| during(heard.at) || before_death(heard.at)) {
            let what = heard.words.what.clone();
            match said.iter_mut().find(|known| known.place == heard.place && known.name == heard.words.name())
            {
                Some(known) => known.add(),
                None => said.push(Said {
                    name: heard.words.name().to_owned(),
                    kind: heard.words.kind,
                    place: heard.place.clone(),
                    fact: Fact::Said { kind: heard.words.kind, what, times: 1, place: heard.place.clone() },
                    times: 1,
                }),
            }
        }
        said.sort_by_key(|said| std::cmp::Reverse(said.times));
        said.truncate(3);
        said
    }

    /// A signal that ended the process in the steps of a failure.
    fn signal(&self, verdict: &Verdict) -> Option<i32> {
        let died = match verdict.finding {
            Finding::Proxy(ProxyFinding::Died { .. }) => true,
            _ => self.requests(verdict).iter().any(|asked| asked.exchange.end != ExchangeEnd::Complete),
        };
        let steps: Vec<Option<usize>> = self.requests(verdict).iter().map(|asked| asked.step).collect();
        let any_step = matches!(verdict.finding, Finding::Proxy(ProxyFinding::Died { .. }));
        let of_steps = self.record.events.iter().filter(|event| any_step || steps.contains(&event.step));
        let mut signals = of_steps.filter_map(|event| match &event.event {
            EventKind::ProxyExited(exit) if !exit.expected => exit.signal,
            _ => None,
        });
        signals.next().filter(|signal| died && (*signal == SIGPIPE || FAULTS.contains(signal)))
    }

    /// The cause after what the program said and how it ended.
    fn by_last_words(&self, verdict: &Verdict, said: &[Said]) -> Option<Cause> {
        let supposed = verdict.cause;
        let general = matches!(supposed, None | Some(Cause::UnhandledEvent));
        match self.signal(verdict) {
            Some(SIGPIPE) if general => return Some(Cause::BrokenPipe),
            // A program aborts itself for several reasons: what it said tells them apart.
            Some(SIGABRT) if general && !said.iter().any(|said| said.kind == Spoke::Sanitizer) => {
                return match said.iter().find(|said| !said.is_assertion()) {
                    Some(Said { kind: Spoke::Abort, .. }) => Some(Cause::MemoryFault),
                    Some(_) => Some(Cause::ExceptionUncaught),
                    None => supposed,
                };
            }
            Some(_) if general || said.iter().any(|said| said.kind == Spoke::Sanitizer) => {
                return Some(Cause::MemoryFault);
            }
            _ => {}
        }
        let unanswered = self.requests(verdict).iter().any(|asked| {
            matches!(
                asked.exchange.end,
                ExchangeEnd::ClosedWithoutAnswer | ExchangeEnd::TimedOut | ExchangeEnd::CutShort(_)
            )
        });
        let first = said.iter().find(|said| said.place.is_some());
        match first.map(|said| said.kind) {
            Some(Spoke::Exception | Spoke::Panic)
                if general
                    && (unanswered
                        || matches!(verdict.finding, Finding::Proxy(ProxyFinding::Died { .. }))) =>
            {
                Some(Cause::ExceptionUncaught)
            }
            // Whoever waits for an answer of a thread that has died waits for nothing else.
            Some(Spoke::Exception | Spoke::Panic)
                if supposed == Some(Cause::ServedOneByOne) && unanswered =>
            {
                Some(Cause::ExceptionUncaught)
            }
            Some(Spoke::Sanitizer) if general => Some(Cause::MemoryFault),
            _ => supposed,
        }
    }

    fn not_taken(&self, verdict: &Verdict) -> Option<Fact> {
        let late = |asked: &&Asked<'_>| ms_between(asked.exchange.intended, asked.sent());
        let steps: Vec<Option<usize>> = self.requests(verdict).iter().map(|asked| asked.step).collect();
        let of_steps = || self.ledger.asked.iter().filter(|asked| steps.contains(&asked.step));
        let waited: Vec<f64> = of_steps().map(|asked| late(&asked)).filter(|ms| *ms >= 900.0).collect();
        let first = waited.iter().copied().reduce(f64::min)?;
        Some(Fact::NotTaken { connections: waited.len() as u64, waited_ms: first })
    }
}

/// Last words of one kind from one place.
struct Said {
    name: String,
    kind: Spoke,
    place: Option<SourcePlace>,
    fact: Fact,
    times: u64,
}

impl Said {
    /// What the program itself has asked for and found false.
    fn is_assertion(&self) -> bool {
        matches!(&self.fact, Fact::Said { what, .. } if what.contains(": Assertion `"))
    }

    fn add(&mut self) {
        self.times += 1;
        if let Fact::Said { times, .. } = &mut self.fact {
            *times = self.times;
        }
    }
}

fn unexpected_end(event: &EventKind) -> bool {
    matches!(event, EventKind::ProxyExited(exit) if !exit.expected)
}

/// Whether the line of an exception is the line of a cause: elsewhere it only shows where the mistake came to light.
fn speaks_for(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ExceptionUncaught
            | Cause::MemoryFault
            | Cause::BackendErrorIgnored
            | Cause::UnhandledEvent
            | Cause::BrokenPipe
    )
}

/// The port that a program took although it was told another.
fn port_of(finding: &Finding) -> Option<u16> {
    match finding {
        Finding::Config(ConfigFinding::ListensElsewhere { found, .. }) => Some(found.port()),
        _ => None,
    }
}
