//! What the live page is told: each event of a record as the few figures that are drawn of it, and what has failed so far.
//!
//! `harness live` and `--live` send it, line after line of `events.jsonl`, so that a run that lasts and one of last year are shown
//! by the same code. It is a function of the record; nothing here judges, and nothing knows of a clock or of a browser.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::stamp::Stamp;
use serde::Serialize;

use super::overview::exit_code;
use super::wire::plain;
use super::{Source, groups};
use crate::language::conduct_words::{
    adapted, cut_by, listens_elsewhere, looked, not_back, port_given_up, put_off,
};
use crate::language::live_words::{
    anomaly, ended, hung, limit, not_asked, ready, reloaded, restarted_once, signalled, starting, trouble,
};
use crate::language::report_words::{exit_meaning, verdict_words};
use crate::language::{InWords as _, Language, title, verdict_sentence};
use harness_judge::check::{Outcome, Verdict};
use harness_model::catalogue::Kind;
use harness_model::history::{Event, EventKind, Exchange, HowLetGo, LetGo, NOT_OVER, Purpose};

/// Moments are milliseconds since the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each field is what its name says; the page reads them by it")]
pub enum Message {
    /// A step began.
    StepBegan { at: f64, step: usize },
    /// A step ended; `problem` where it could not be carried out.
    StepEnded { at: f64, step: usize, problem: Option<String> },
    /// A step was not carried out.
    StepLeftOut { at: f64, step: usize, why: String },
    /// A client's request that is over. `trouble`: it got no whole answer. `cached`: an earlier request had got the same bytes.
    Request {
        at: f64,
        from: f64,
        to: f64,
        what: String,
        status: Option<u16>,
        backend: Option<String>,
        cached: bool,
        trouble: Option<String>,
    },
    /// A request as a backend saw it.
    Attempt { at: f64, from: f64, to: f64, backend: String, status: Option<u16> },
    /// Requests and attempts that were too many to be drawn one by one.
    Counted { at: f64, requests: u64, attempts: BTreeMap<String, u64> },
    /// What happened to the proxy.
    Proxy { at: f64, state: ProxyState, text: String },
    /// A backend answers, or refuses, from now on.
    Backend { at: f64, name: String, up: bool },
    /// CPU time so far and resident memory of the proxy.
    Used { at: f64, cpu_ms: f64, bytes: u64 },
    /// About a second of a load step, of whose requests only the first are recorded one by one.
    Load {
        at: f64,
        per_second: f64,
        errors: u64,
        ended: u64,
        in_flight: u64,
        p50: Option<f64>,
        p99: Option<f64>,
    },
    /// What lies in the directory of the proxy.
    Files { at: f64, files: usize, bytes: u64 },
    /// Something else that is worth a line.
    Note { at: f64, text: String },
    /// Proxy and backends are left as they are until somebody lets the run go on.
    Held { at: f64 },
    /// The run goes on.
    WentOn { at: f64 },
    /// What the checks conclude of the record up to here.
    SoFar { at: f64, provisional: bool, passed: usize, of: usize, failed: Vec<Failing> },
    /// The run is over.
    Over { at: f64, word: String, meaning: String, passed: bool },
}

/// How the proxy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyState {
    /// It was told to start.
    Starting,
    /// It listens.
    Ready,
    /// It is as it was, and something happened.
    Same,
    /// It does not run, as it was told.
    Ended,
    /// It does not run, and nobody had told it to end.
    Died,
}

/// A check that has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Its name.
    pub check: String,
    /// What it asks.
    pub title: String,
    /// What was seen.
    pub reason: String,
    /// Whether it decides.
    pub required: bool,
}

/// The fold from events to messages. What it says of a line depends on the lines before it and on nothing else.
#[derive(Debug)]
pub struct Feed {
    language: Language,
    line: usize,
    /// Answers that were seen; the same once more came from a cache.
    stamps: HashSet<Stamp>,
    window: Window,
}

/// What is drawn of a stretch of the record.
#[derive(Debug, Default)]
struct Window {
    number: u64,
    drawn: [u32; 2],
    requests: u64,
    attempts: BTreeMap<String, u64>,
}

/// Of each stretch of this length...
const WINDOW: Duration = Duration::from_millis(100);
/// ... so many requests and so many attempts are drawn: more are no picture, and cost a browser on the same machine CPU time that the
/// run needs. Those that went wrong are always drawn.
const MOST_DRAWN: u32 = 40;
/// Letters of a target.
const LONGEST: usize = 96;

impl Feed {
    /// The beginning of a record.
    pub fn new(language: Language) -> Feed {
        Feed { language, line: 0, stamps: HashSet::new(), window: Window::default() }
    }

    /// What the next line of the record says.
    pub fn next(&mut self, event: &Event) -> Vec<Message> {
        self.line += 1;
        let at = ms(event.at);
        let mut messages: Vec<Message> = self.rest_of_window(event.at).into_iter().collect();
        let said = match &event.event {
            EventKind::Exchange(exchange) => self.request(event.at, exchange),
            EventKind::Attempt(attempt) => {
                if self.is_drawn(1) {
                    Some(Message::Attempt {
                        at,
                        from: ms(attempt.arrived),
                        to: ms(attempt.finished),
                        backend: attempt.backend.clone(),
                        status: attempt.status,
                    })
                } else {
                    *self.window.attempts.entry(attempt.backend.clone()).or_default() += 1;
                    None
                }
            }
            other => rest(self.language, self.line, event, other),
        };
        messages.extend(said);
        messages
    }

    /// What was only counted by the end of what there is of the record.
    pub fn end(&mut self, at: Moment) -> Option<Message> {
        self.rest_of_window(Moment(at.0 + WINDOW.as_nanos() as u64))
    }

    fn request(&mut self, at: Moment, exchange: &Exchange) -> Option<Message> {
        let response = exchange.response.as_ref();
        let stamp = response.and_then(|response| response.stamp.clone());
        let cached = stamp.as_ref().is_some_and(|stamp| !self.stamps.insert(stamp.clone()));
        // Who breaks off on purpose has no trouble.
        let trouble = trouble(self.language, &exchange.end).filter(|_| exchange.purpose != Purpose::Leaving);
        if trouble.is_none() && !self.is_drawn(0) {
            self.window.requests += 1;
            return None;
        }
        Some(Message::Request {
            at: ms(at),
            from: ms(exchange.sent.unwrap_or(exchange.intended)),
            to: ms(exchange.finished),
            what: plain(&format!("{} {}", exchange.method, exchange.target), LONGEST),
            status: response.map(|response| response.status),
            backend: stamp.map(|stamp| stamp.backend),
            cached,
            trouble,
        })
    }

    /// Whether another request (0) or attempt (1) of this stretch is drawn.
    fn is_drawn(&mut self, which: usize) -> bool {
        self.window.drawn[which] += 1;
        self.window.drawn[which] <= MOST_DRAWN
    }

    fn rest_of_window(&mut self, now: Moment) -> Option<Message> {
        let number = now.0 / WINDOW.as_nanos() as u64;
        if number == self.window.number {
            return None;
        }
        let ended = std::mem::replace(&mut self.window, Window { number, ..Window::default() });
        let at = (ended.number + 1) as f64 * WINDOW.as_secs_f64() * 1e3;
        (ended.requests > 0 || !ended.attempts.is_empty()).then_some(Message::Counted {
            at,
            requests: ended.requests,
            attempts: ended.attempts,
        })
    }
}

/// What the other events say, where they say anything to whoever watches.
fn rest(language: Language, line: usize, event: &Event, kind: &EventKind) -> Option<Message> {
    let at = ms(event.at);
    let note = |text: String| Some(Message::Note { at, text });
    let proxy = |state, text| Some(Message::Proxy { at, state, text });
    match kind {
        EventKind::StepStarted => Some(Message::StepBegan { at, step: event.step? }),
        EventKind::StepEnded { problem } => {
            let problem = problem.as_ref().map(|problem| plain(&problem.in_words(language), 300));
            Some(Message::StepEnded { at, step: event.step?, problem })
        }
        EventKind::NotAsked { because, left_out: None } => {
            Some(Message::StepLeftOut { at, step: event.step?, why: not_asked(language, *because) })
        }
        EventKind::NotAsked { because, left_out: Some(_) } => note(not_asked(language, *because)),
        EventKind::ProxyStarting { launch, .. } => proxy(ProxyState::Starting, starting(language, *launch)),
        EventKind::ProxyReady { launch, listening_after, .. } => {
            proxy(ProxyState::Ready, ready(language, *launch, *listening_after))
        }
        EventKind::ProxySignalled { signal, .. } => proxy(ProxyState::Same, signalled(language, signal)),
        EventKind::ProxyHungAtStop { signal, waited, .. } => {
            proxy(ProxyState::Same, hung(language, signal, *waited))
        }
        EventKind::ProxyExited(exit) => {
            let state = if exit.expected { ProxyState::Ended } else { ProxyState::Died };
            proxy(state, ended(language, exit))
        }
        EventKind::ProxyReloaded { backends, .. } => {
            proxy(ProxyState::Same, reloaded(language, backends.len()))
        }
        EventKind::LimitReached(reached) => note(limit(language, *reached)),
        EventKind::BackendUp { backend, .. } => {
            Some(Message::Backend { at, name: backend.clone(), up: true })
        }
        EventKind::BackendDown { backend } => Some(Message::Backend { at, name: backend.clone(), up: false }),
        EventKind::Resources(used) => {
            Some(Message::Used { at, cpu_ms: used.cpu.as_secs_f64() * 1e3, bytes: used.resident_bytes })
        }
        EventKind::LoadInterval(second) => Some(Message::Load {
            at,
            per_second: second.ended as f64 / second.duration.as_secs_f64().max(1e-3),
            errors: second.errors,
            ended: second.ended,
            in_flight: second.in_flight,
            p50: second.p50.map(|time| time.as_secs_f64() * 1e3),
            p99: second.p99.map(|time| time.as_secs_f64() * 1e3),
        }),
        EventKind::FilesSeen { files } => {
            Some(Message::Files { at, files: files.len(), bytes: files.iter().map(|(_, bytes)| bytes).sum() })
        }
        EventKind::Anomaly(_) => note(anomaly(language, line)),
        EventKind::Look(look) => looked(language, look).and_then(note),
        EventKind::Adapted { adaptation, .. } => note(adapted(language, *adaptation)),
        EventKind::LetGo(LetGo { how, .. }) => match how {
            HowLetGo::Answered { .. } => None,
            HowLetGo::Restarted { .. } => note(restarted_once(language)),
            HowLetGo::NotBack { problem, .. } => {
                note(not_back(language, &plain(&problem.in_words(language), 300)))
            }
            HowLetGo::PutOff { .. } => note(put_off(language)),
        },
        EventKind::ListensElsewhere { told, found } => note(listens_elsewhere(language, *told, *found)),
        EventKind::PortGivenUp(given_up) => note(port_given_up(language, given_up)),
        EventKind::Held => Some(Message::Held { at }),
        EventKind::WentOn => Some(Message::WentOn { at }),
        EventKind::Interrupted { reason, by } if reason != NOT_OVER => {
            note(by.map_or_else(|| plain(reason, 200), |by| cut_by(language, by).to_owned()))
        }
        _ => None,
    }
}

/// What the checks conclude of a record, or of its beginning.
pub fn so_far(source: &Source<'_>, at: Moment, provisional: bool, language: Language) -> Message {
    let verdicts = source.verdicts;
    let required = |verdict: &&Verdict| verdict.kind == Kind::Required;
    let failed = groups(verdicts, source.plan().strict)
        .iter()
        .flat_map(|group| &group.failures)
        .filter_map(|&position| verdicts.get(position))
        .map(|verdict| Failing {
            check: verdict.check.name().to_owned(),
            title: title(verdict.check, language),
            reason: plain(&verdict_sentence(verdict, language), 600),
            required: verdict.kind == Kind::Required,
        })
        .collect();
    Message::SoFar {
        at: ms(at),
        provisional,
        passed: verdicts.iter().filter(required).filter(|v| v.outcome == Outcome::Pass).count(),
        of: verdicts.iter().filter(required).count(),
        failed,
    }
}

/// The verdict of a run that is over.
pub fn over(source: &Source<'_>, language: Language) -> Message {
    let exit = exit_code(source.record, source.verdicts);
    Message::Over {
        at: ms(source.end()),
        word: verdict_words(exit, language).to_owned(),
        meaning: exit_meaning(exit, language),
        passed: exit == harness_model::exit_code::ExitCode::Passed,
    }
}

/// Milliseconds to the microsecond.
fn ms(moment: Moment) -> f64 {
    (moment.0 / 1_000) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testkit::RunBuilder;

    fn told(language: Language, events: &[Event]) -> Vec<Message> {
        let mut feed = Feed::new(language);
        events.iter().flat_map(|event| feed.next(event)).collect()
    }

    #[test]
    fn a_step_its_requests_and_what_came_from_the_cache_are_told() {
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).build();
        let told = told(Language::En, &run.record.events);
        assert!(matches!(
            told.iter().find(|m| matches!(m, Message::StepBegan { .. })),
            Some(Message::StepBegan { step: 0, .. })
        ));
        let cached = |wanted: bool| {
            told.iter().filter(|m| matches!(m, Message::Request { cached, .. } if *cached == wanted)).count()
        };
        assert!(cached(false) > 0 && cached(true) > 0, "{} and {}", cached(false), cached(true));
    }

    #[test]
    fn what_is_too_much_to_be_drawn_is_counted_and_trouble_never_is() {
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).build();
        let exchange = run.record.events.iter().find_map(|event| match &event.event {
            EventKind::Exchange(exchange) => Some(exchange.clone()),
            _ => None,
        });
        let exchange = exchange.unwrap();
        let mut failed = exchange.clone();
        failed.end = harness_model::history::ExchangeEnd::TimedOut;
        let at = |at: u64, exchange: &Exchange| Event {
            at: Moment(at),
            step: Some(0),
            event: EventKind::Exchange(Box::new(exchange.clone())),
        };
        let mut events: Vec<Event> = (0..1000).map(|n| at(5_000 + n, &exchange)).collect();
        events.extend((0..50).map(|n| at(7_000 + n, &failed)));
        events.push(at(400_000_000, &exchange));
        let told = told(Language::En, &events);
        let requests = |m: &&Message| matches!(m, Message::Request { trouble: None, .. });
        assert_eq!(told.iter().filter(requests).count(), MOST_DRAWN as usize + 1);
        assert_eq!(
            told.iter().filter(|m| matches!(m, Message::Request { trouble: Some(_), .. })).count(),
            50
        );
        let counted = told.iter().find_map(|m| match m {
            Message::Counted { requests, .. } => Some(*requests),
            _ => None,
        });
        assert_eq!(counted, Some(960));
    }
}
