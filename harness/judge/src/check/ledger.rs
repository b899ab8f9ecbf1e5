//! The record, sorted so that questions about it have short answers: who asked, which attempt that caused, what lay between.
//!
//! Every check starts here. Whether an answer came from the cache is decided by the journals of the backends alone;
//! what the proxy says of itself is never read.

use std::collections::{HashMap, HashSet};

use fake_backends::clock::Moment;

use super::linked::linked;
use harness_model::adapter::TtlSource;
use harness_model::history::{Event, EventKind, Exchange, ExchangeEnd, Purpose, Record, StepProblem};
use harness_model::plan::{CheckPlan, Plan, Step, StepKind};

/// The record of a run, indexed.
pub(super) struct Ledger<'a> {
    /// What was planned.
    pub(super) plan: &'a Plan,
    /// Everything that happened, in the order of its recording.
    pub(super) events: &'a [Event],
    /// What the clients did, readiness aside, in the order of sending.
    pub(super) asked: Vec<Asked<'a>>,
    /// What the backends saw, in the order of arrival.
    pub(super) arrived: Vec<Arrived<'a>>,
    by_target: HashMap<String, Vec<usize>>,
    /// Lines of the attempts that arrived with another target than they were sent with.
    pub(super) linked: HashSet<usize>,
    asked_by_target: HashMap<&'a str, Vec<usize>>,
    launches: Vec<Moment>,
    kills: Vec<Moment>,
    /// When the proxy was asked to end in an orderly way.
    stops: Vec<Moment>,
    wipes: Vec<Moment>,
    restless: Vec<(Moment, Moment)>,
}

/// An exchange with its place in the record.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Line of `events.jsonl`, from zero.
    pub(super) line: usize,
    /// The step it belongs to.
    pub(super) step: Option<usize>,
    /// Which try of that step, from zero.
    pub(super) attempt_of_step: u32,
    /// What was asked and answered.
    pub(super) exchange: &'a Exchange,
}

/// An attempt with its place in the record.
#[derive(Clone, Copy)]
pub(super) struct Arrived<'a> {
    /// Line of `events.jsonl`, from zero.
    pub(super) line: usize,
    /// As the backend's journal holds it.
    pub(super) attempt: &'a fake_backends::journal::Attempt,
}

/// Where an answer came from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// No backend saw the request.
    Cache,
    /// This attempt answered it.
    Backend(Arrived<'a>),
}

impl<'a> Asked<'a> {
    /// When its first byte left, or when it was given up.
    pub(super) fn sent(&self) -> Moment {
        self.exchange.sent.unwrap_or(self.exchange.finished)
    }

    /// Status of the answer, where a complete one came.
    pub(super) fn status(&self) -> Option<u16> {
        match (&self.exchange.end, &self.exchange.response) {
            (ExchangeEnd::Complete, Some(response)) => Some(response.status),
            _ => None,
        }
    }

    /// Whether a complete answer of success came.
    pub(super) fn succeeded(&self) -> bool {
        self.status().is_some_and(|status| (200..300).contains(&status))
    }
}

impl<'a> Ledger<'a> {
    /// Sorts a record.
    pub(super) fn new(record: &'a Record) -> Ledger<'a> {
        Ledger::of(&record.plan, &record.events)
    }

    /// Sorts what has been recorded so far.
    pub(super) fn of(plan: &'a Plan, events: &'a [Event]) -> Ledger<'a> {
        let mut ledger = Ledger {
            plan,
            events,
            asked: Vec::new(),
            arrived: Vec::new(),
            by_target: HashMap::new(),
            linked: HashSet::new(),
            asked_by_target: HashMap::new(),
            launches: Vec::new(),
            kills: Vec::new(),
            stops: Vec::new(),
            wipes: Vec::new(),
            restless: Vec::new(),
        };
        let mut tries: HashMap<usize, u32> = HashMap::new();
        let mut ended: Option<Moment> = None;
        for (line, event) in events.iter().enumerate() {
            match &event.event {
                EventKind::StepStarted => {
                    if let Some(step) = event.step {
                        tries.entry(step).and_modify(|n| *n += 1).or_insert(0);
                        if plan.steps.get(step).is_some_and(|step| wipes(&step.kind)) {
                            ledger.wipes.push(event.at);
                        }
                    }
                }
                EventKind::ProxyStarting { .. } => ledger.launches.push(event.at),
                EventKind::ProxySignalled { signal, .. } => {
                    ended = ended.or(Some(event.at));
                    if signal == "SIGKILL" {
                        ledger.kills.push(event.at);
                    } else {
                        ledger.stops.push(event.at);
                    }
                }
                EventKind::ProxyExited(_) => ended = ended.or(Some(event.at)),
                EventKind::ProxyReady { .. } => {
                    if let Some(from) = ended.take() {
                        ledger.restless.push((from, event.at));
                    }
                }
                // What our own client could not ask says nothing of anybody.
                EventKind::Exchange(exchange)
                    if exchange.purpose != Purpose::Readiness && !exchange.end.is_ours() =>
                {
                    let attempt_of_step = event.step.and_then(|step| tries.get(&step).copied()).unwrap_or(0);
                    ledger.asked.push(Asked { line, step: event.step, attempt_of_step, exchange });
                }
                EventKind::Attempt(attempt) => ledger.arrived.push(Arrived { line, attempt }),
                _ => {}
            }
        }
        if let Some(from) = ended {
            ledger.restless.push((from, Moment(u64::MAX)));
        }
        ledger.asked.sort_by_key(|asked| (asked.sent(), asked.exchange.id));
        ledger.arrived.sort_by_key(|arrived| arrived.attempt.arrived);
        let linked = linked(&ledger.asked, &ledger.arrived);
        for (index, arrived) in ledger.arrived.iter().enumerate() {
            // Of two targets, an attempt belongs to the one that was asked for.
            let target = linked.get(&arrived.line).copied().unwrap_or(arrived.attempt.target.as_str());
            ledger.by_target.entry(origin_form(target).to_owned()).or_default().push(index);
        }
        ledger.linked = linked.into_keys().collect();
        for (index, asked) in ledger.asked.iter().enumerate() {
            ledger.asked_by_target.entry(asked.exchange.target.as_str()).or_default().push(index);
        }
        ledger
    }

    /// Every request for a target, in the order of sending.
    pub(super) fn requests_for(&self, target: &str) -> impl Iterator<Item = Asked<'a>> + '_ {
        self.asked_by_target.get(target).into_iter().flatten().map(|&index| self.asked[index])
    }

    /// Every attempt on a target, in the order of arrival, those included that arrived with another target than they were sent with.
    pub(super) fn attempts_for(&self, target: &str) -> impl Iterator<Item = Arrived<'a>> + '_ {
        self.by_target.get(origin_form(target)).into_iter().flatten().map(|&index| self.arrived[index])
    }

    /// The attempts for a request that arrived while it was under way.
    pub(super) fn attempts_during(&self, asked: &Asked<'a>) -> impl Iterator<Item = Arrived<'a>> + '_ {
        let (from, until) = (asked.sent(), asked.exchange.finished);
        self.attempts_for(&asked.exchange.target)
            .filter(move |arrived| arrived.attempt.arrived >= from && arrived.attempt.arrived <= until)
    }

    /// The attempts within a time that a proxy made for requests whose clients had given up before: a backend that does not
    /// answer is left after some seconds, and another one asked.
    pub(super) fn left_over_between(&self, from: Moment, until: Moment) -> Vec<Arrived<'a>> {
        let given_up = |asked: &&Asked<'a>| {
            asked.exchange.finished <= from && asked.exchange.end != ExchangeEnd::Complete
        };
        let mut targets: Vec<&str> =
            self.asked.iter().filter(given_up).map(|asked| asked.exchange.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        let during =
            |arrived: &Arrived<'_>| arrived.attempt.arrived >= from && arrived.attempt.arrived <= until;
        targets.into_iter().flat_map(|target| self.attempts_for(target).filter(during)).collect()
    }

    /// Where the answer to a request came from; `None` where there was no complete answer.
    ///
    /// An attempt in between means the backend, unless the stamp of the answer names an earlier attempt: then an old
    /// answer was given while a new one was fetched in the background. An attempt answered with 304 confirmed the old
    /// answer, so that one counts as coming from the backend all the same.
    pub(super) fn origin(&self, asked: &Asked<'a>) -> Option<Origin<'a>> {
        let response =
            asked.exchange.response.as_ref().filter(|_| asked.exchange.end == ExchangeEnd::Complete)?;
        let mut during = self.attempts_during(asked).peekable();
        let Some(first) = during.peek().copied() else { return Some(Origin::Cache) };
        let Some(stamp) = &response.stamp else { return Some(Origin::Backend(first)) };
        let mut confirmed = None;
        for arrived in during {
            if is_of(arrived.attempt, stamp) {
                return Some(Origin::Backend(arrived));
            }
            if arrived.attempt.status == Some(304) {
                confirmed = Some(arrived);
            }
        }
        if let Some(arrived) = confirmed {
            return Some(Origin::Backend(arrived));
        }
        let before = self
            .attempts_for(&asked.exchange.target)
            .take_while(|arrived| arrived.attempt.arrived < asked.sent())
            .any(|arrived| is_of(arrived.attempt, stamp));
        Some(if before { Origin::Cache } else { Origin::Backend(first) })
    }

    /// Whether a complete answer came although no backend saw the request.
    pub(super) fn is_from_cache(&self, asked: &Asked<'a>) -> bool {
        matches!(self.origin(asked), Some(Origin::Cache))
    }

    /// The steps that a check looks at: those it names, or all.
    pub(super) fn steps_of(&self, check: &'a CheckPlan) -> impl Iterator<Item = &'a Step> + '_ {
        self.plan.steps.iter().filter(|step| {
            check.parameters.steps.is_empty()
                || step.label.as_ref().is_some_and(|label| check.parameters.steps.contains(label))
        })
    }

    /// Whether a step runs under the list of backends of the first start. What goes wrong under another list alone is a finding
    /// of the checks about lists.
    pub(super) fn under_first_list(&self, step: &Step) -> bool {
        self.plan.backends_at(step.index) == self.plan.proxy.backends.unwrap_or(self.plan.backends.count)
    }

    /// The requests of a step and a purpose, in the order of sending; only those of its last try.
    pub(super) fn requests_of(&self, step: usize, purpose: Purpose) -> Vec<Asked<'a>> {
        let last = self.tries_of(step).saturating_sub(1);
        self.requests_of_try(step, last, purpose)
    }

    /// The requests of a step, a try and a purpose, in the order of sending.
    pub(super) fn requests_of_try(&self, step: usize, attempt: u32, purpose: Purpose) -> Vec<Asked<'a>> {
        self.asked
            .iter()
            .filter(|a| a.step == Some(step) && a.attempt_of_step == attempt && a.exchange.purpose == purpose)
            .copied()
            .collect()
    }

    /// How often a step was carried out.
    pub(super) fn tries_of(&self, step: usize) -> u32 {
        let started =
            |event: &&Event| event.step == Some(step) && matches!(event.event, EventKind::StepStarted);
        self.events.iter().filter(started).count() as u32
    }

    /// When a try of a step began, counted from zero.
    pub(super) fn start_of_try(&self, step: usize, attempt: usize) -> Option<Moment> {
        let started =
            |event: &&Event| event.step == Some(step) && matches!(event.event, EventKind::StepStarted);
        self.events.iter().filter(started).nth(attempt).map(|event| event.at)
    }

    /// What kept a step from being carried out, where something did.
    pub(super) fn problem_of(&self, step: usize) -> Option<&'a StepProblem> {
        self.events.iter().rev().find_map(|event| match &event.event {
            EventKind::StepEnded { problem } if event.step == Some(step) => Some(problem.as_ref()),
            _ => None,
        })?
    }

    /// Starts of the proxy after `from` and before `until`.
    pub(super) fn launches_between(&self, from: Moment, until: Moment) -> u64 {
        self.launches.iter().filter(|&&at| at > from && at < until).count() as u64
    }

    /// The last start of the proxy before a moment.
    pub(super) fn launch_before(&self, moment: Moment) -> Option<Moment> {
        self.launches.iter().copied().filter(|&at| at < moment).max()
    }

    /// Starts of the proxy in all.
    pub(super) fn launches(&self) -> u64 {
        self.launches.len() as u64
    }

    /// Kills by SIGKILL after `from` and before `until`.
    pub(super) fn kills_between(&self, from: Moment, until: Moment) -> u64 {
        self.kills.iter().filter(|&&at| at > from && at < until).count() as u64
    }

    /// Orderly ends after `from` and before `until`.
    pub(super) fn stops_between(&self, from: Moment, until: Moment) -> u64 {
        self.stops.iter().filter(|&&at| at > from && at < until).count() as u64
    }

    /// The last orderly end before a moment.
    pub(super) fn last_stop_before(&self, moment: Moment) -> Option<Moment> {
        self.stops.iter().copied().filter(|&at| at < moment).max()
    }

    /// Whether the cache was wiped after `from` and before `until`.
    pub(super) fn wiped_between(&self, from: Moment, until: Moment) -> bool {
        self.wipes.iter().any(|&at| at > from && at < until)
    }

    /// Whether the proxy was down, or on its way down or up, at any time between two moments.
    pub(super) fn disturbed_between(&self, from: Moment, until: Moment) -> bool {
        self.restless.iter().any(|&(down, up)| from <= up && until >= down)
    }

    /// Names of the backends that answer at a moment, in their order.
    pub(super) fn backends_up_at(&self, at: Moment) -> Vec<String> {
        let mut up: Vec<(String, bool)> =
            (1..=self.plan.backends.count).map(|n| (format!("b{n}"), true)).collect();
        let mut set = |name: &str, value: bool| {
            if let Some(entry) = up.iter_mut().find(|(known, _)| known == name) {
                entry.1 = value;
            }
        };
        for event in self.events.iter().take_while(|event| event.at <= at) {
            match &event.event {
                EventKind::BackendUp { backend, .. } => set(backend, true),
                EventKind::BackendDown { backend } => set(backend, false),
                _ => {}
            }
        }
        up.into_iter().filter(|(_, up)| *up).map(|(name, _)| name).collect()
    }

    /// The TTL in force during a step, in milliseconds.
    pub(super) fn ttl_at(&self, step: usize) -> Option<f64> {
        if let TtlSource::Fixed { ttl } = self.plan.adapter.capabilities.ttl {
            return Some(ttl.as_secs_f64() * 1e3);
        }
        let restarted = self.plan.steps.iter().take(step + 1).rev().find_map(|step| match &step.kind {
            StepKind::Restart(restart) => restart.settings.as_ref(),
            _ => None,
        });
        restarted.unwrap_or(&self.plan.proxy).ttl.map(|ttl| ttl.as_secs_f64() * 1e3)
    }

    /// Average share of time in which tasks waited for a CPU during one try of a step, where known; what the program under test used of the
    /// CPUs itself is left out.
    pub(super) fn pressure_during(&self, step: usize, attempt: u32) -> Option<f64> {
        let mut current = None;
        let mut shares = Vec::new();
        for event in self.events.iter().filter(|event| event.step == Some(step)) {
            match &event.event {
                EventKind::StepStarted => current = Some(current.map_or(0, |n: u32| n + 1)),
                EventKind::HostNoise(noise) if current == Some(attempt) => {
                    shares.extend(noise.pressure_of_others());
                }
                _ => {}
            }
        }
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }
}

/// Milliseconds from one moment to another; negative where they are the other way round.
pub(super) fn ms_between(from: Moment, until: Moment) -> f64 {
    (until.0 as f64 - from.0 as f64) / 1e6
}

/// A duration in milliseconds.
pub(super) fn ms(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Whether a stamp is that of the answer to an attempt.
pub(super) fn is_of(attempt: &fake_backends::journal::Attempt, stamp: &fake_backends::stamp::Stamp) -> bool {
    attempt.backend == stamp.backend && attempt.number == stamp.number
}

fn wipes(step: &StepKind) -> bool {
    matches!(step, StepKind::Restart(restart) if restart.wipe)
}

/// A target without the scheme and authority of its absolute form (RFC 9112 §3.2.2), which a proxy may send.
pub(super) fn origin_form(target: &str) -> &str {
    let Some(rest) = target.strip_prefix("http://") else { return target };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}
