//! Hand-made records for the tests of the checks: a plan, steps, exchanges and attempts at given milliseconds.
//!
//! Each test writes down what happened in a few lines and asks for one verdict. Nothing here is part of the product.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::journal::{Attempt, Outcome as BackendOutcome};
use fake_backends::stamp::Stamp;
use fake_backends::wire::WireBytes as BackendBytes;

use super::{Finding, Outcome, Verdict, evaluate};
use harness_model::adapter::Capabilities;
use harness_model::catalogue::{CheckId, Kind};
use harness_model::history::{
    Anomaly, BodySeen, ContentSeen, Event, EventKind, Exchange, ExchangeEnd, Histograms, ProxyExit, Purpose,
    Reconnected, Record, ResponseSeen, WireBytes,
};
use harness_model::plan::{
    BackendsPlan, Bilingual, CheckParameters, CheckPlan, ClientKind, Plan, ProxySettings, SourceLine, Step,
    StepKind, samples,
};

/// A record in the making.
pub(super) struct Kit {
    pub(super) record: Record,
    current: Option<usize>,
    next_id: u64,
    answers: HashMap<String, u64>,
    /// Exchanges of the batch that is under way.
    pub(super) group: u32,
    /// The connection that all requests come over; a new one for each where there is none.
    pub(super) connection: Option<u64>,
}

/// One exchange to write down; `Ask::get` has the usual answers to everything but the target.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) target: String,
    pub(super) purpose: Purpose,
    pub(super) method: &'static str,
    /// Sent at this millisecond of the run.
    pub(super) at: f64,
    /// Due so many milliseconds before it was sent.
    pub(super) late: f64,
    /// Answered after so many milliseconds.
    pub(super) took: f64,
    /// The backends that saw it, in order; none: answered from the cache or not at all.
    pub(super) backends: Vec<String>,
    /// Whose content the answer carries; the target itself unless said otherwise.
    pub(super) content: Option<ContentSeen>,
    pub(super) end: ExchangeEnd,
    pub(super) status: u16,
    pub(super) bytes: u64,
    /// Bytes of its body as sent and as they arrived.
    pub(super) body: (u64, u64),
    /// Its target at the backends, where it is not the one that was sent.
    pub(super) arrives_as: Option<String>,
    /// What its backends did.
    pub(super) outcome: BackendOutcome,
    /// Whether something of an answer came that did not come in time.
    pub(super) seen_of_it: bool,
    /// What became of the connection that it was to go on with.
    pub(super) reconnected: Option<Reconnected>,
    /// Its place on its connection.
    pub(super) on_connection: u32,
    /// Stamp of the answer where it is not that of the last attempt.
    pub(super) stamp: Option<Stamp>,
}

impl Ask {
    pub(super) fn get(purpose: Purpose, target: &str, at: f64) -> Ask {
        Ask {
            target: target.to_owned(),
            purpose,
            method: "GET",
            at,
            late: 0.0,
            took: 2.0,
            backends: Vec::new(),
            content: Some(ContentSeen::Whole { key: target.to_owned(), version: 1 }),
            end: ExchangeEnd::Complete,
            status: 200,
            bytes: 1_000,
            body: (0, 0),
            arrives_as: None,
            outcome: BackendOutcome::Answered,
            seen_of_it: false,
            reconnected: None,
            on_connection: 1,
            stamp: None,
        }
    }

    /// Answered by this backend.
    pub(super) fn by(mut self, backend: &str) -> Ask {
        self.backends.push(backend.to_owned());
        self
    }

    /// With a body, of which so much arrives.
    pub(super) fn carrying(mut self, sent: u64, arrived: u64) -> Ask {
        self.body = (sent, arrived);
        self
    }

    pub(super) fn taking(mut self, took: f64) -> Ask {
        self.took = took;
        self
    }

    /// Its backends break off before the end of their answer.
    pub(super) fn truncated_there(mut self) -> Ask {
        self.outcome = BackendOutcome::Truncated;
        self
    }

    /// Its backends never answer: all but the last are left early, the last stays asked.
    pub(super) fn hung_there(mut self) -> Ask {
        self.outcome = BackendOutcome::Hung;
        self
    }

    pub(super) fn ending(mut self, end: ExchangeEnd) -> Ask {
        self.end = end;
        self
    }

    pub(super) fn with_status(mut self, status: u16) -> Ask {
        self.status = status;
        self
    }

    pub(super) fn with_content(mut self, content: ContentSeen) -> Ask {
        self.content = Some(content);
        self
    }

    pub(super) fn with_method(mut self, method: &'static str) -> Ask {
        self.method = method;
        self
    }

    /// A page of the proxy's own: no stamp, and nothing that backends make.
    pub(super) fn of_the_proxy_itself(mut self) -> Ask {
        self.content = None;
        self.bytes = 4;
        self
    }

    /// The proxy drops or rewrites its target on the way, so that the answer is that of another resource.
    pub(super) fn arriving_as(mut self, target: &str) -> Ask {
        self.arrives_as = Some(target.to_owned());
        self.content = Some(ContentSeen::Whole { key: target.to_owned(), version: 1 });
        self
    }

    pub(super) fn with_stamp(mut self, backend: &str, number: u64) -> Ask {
        self.stamp = Some(Stamp { backend: backend.to_owned(), number });
        self
    }
}

impl Kit {
    /// An empty run over so many backends, with a TTL of 2 s given at launch and a cache on disk.
    pub(super) fn new(backends: usize) -> Kit {
        let plan = Plan {
            hints: harness_model::plan::Hints::default(),
            change: None,
            format: 1,
            name: "test".to_owned(),
            title: Bilingual { en: "test".to_owned(), es: "prueba".to_owned() },
            file: PathBuf::from("test.yaml"),
            text: String::new(),
            covers: Vec::new(),
            adapter: samples::adapter(),
            proxy: ProxySettings { ttl: Some(Duration::from_secs(2)), ..ProxySettings::default() },
            backends: BackendsPlan {
                count: backends,
                idle: None,
                script: Default::default(),
                own: Default::default(),
            },
            steps: Vec::new(),
            checks: Vec::new(),
            thresholds: Vec::new(),
            on_inconclusive: Default::default(),
            seed: 1,
            strict: false,
            pin: None,
            profile: None,
            estimated: Duration::from_secs(1),
        };
        let record = Record {
            plan,
            events: Vec::new(),
            histograms: Histograms::default(),
            beside: harness_model::history::Beside::default(),
            doubts: Vec::new(),
        };
        let mut kit =
            Kit { record, current: None, next_id: 1, answers: HashMap::new(), group: 0, connection: None };
        kit.start(0.0, 1);
        kit
    }

    pub(super) fn capabilities(&mut self) -> &mut Capabilities {
        &mut self.record.plan.adapter.capabilities
    }

    pub(super) fn event(&mut self, at: f64, event: EventKind) {
        self.record.events.push(Event { at: moment(at), step: self.current, event });
    }

    /// The proxy starts and is ready 10 ms later.
    pub(super) fn start(&mut self, at: f64, launch: u32) {
        self.event(
            at,
            EventKind::ProxyStarting {
                launch,
                argv: vec!["proxy".to_owned()],
                listen: ([127, 0, 0, 1], 8080).into(),
                configuration: Vec::new(),
                patches: Vec::new(),
                ttl: None,
            },
        );
        let (listening_after, answered_after) = (Duration::from_millis(5), Some(Duration::from_millis(10)));
        self.event(
            at + 10.0,
            EventKind::ProxyReady {
                launch,
                listening_after,
                answered_after,
                attempts_before: 0,
                status: Some(200),
                edited: Vec::new(),
                not_handed_in: None,
            },
        );
    }

    pub(super) fn kill(&mut self, at: f64, launch: u32) {
        self.event(at, EventKind::ProxySignalled { launch, signal: "SIGKILL".to_owned() });
        let exit = ProxyExit { launch, code: None, signal: Some(9), expected: true, last_lines: Vec::new() };
        self.event(at + 1.0, EventKind::ProxyExited(exit));
    }

    /// Begins a step; what follows belongs to it.
    pub(super) fn step(&mut self, at: f64, kind: StepKind) -> usize {
        let index = self.record.plan.steps.len();
        self.record.plan.steps.push(Step { index, label: None, cycle: 0, line: line(), kind });
        self.again(at, index);
        index
    }

    /// Begins a step that is in the plan, once more.
    pub(super) fn again(&mut self, at: f64, step: usize) {
        self.current = Some(step);
        self.event(at, EventKind::StepStarted);
    }

    /// Keeps an exchange in full as something strange, and as nothing else.
    pub(super) fn anomaly(&mut self, ask: Ask) {
        self.ask(ask);
        let Some(Event { at, step, event: EventKind::Exchange(exchange) }) = self.record.events.pop() else {
            return;
        };
        let event = EventKind::Anomaly(Anomaly { what: "corrupt".to_owned(), exchange: Some(exchange) });
        self.record.events.push(Event { at, step, event });
    }

    /// Writes an exchange down, with the attempts that it caused.
    pub(super) fn ask(&mut self, ask: Ask) {
        let mut stamp = ask.stamp.clone();
        for (index, backend) in ask.backends.iter().enumerate() {
            let number = self.answers.entry(backend.clone()).and_modify(|n| *n += 1).or_insert(1);
            let number = *number;
            if ask.stamp.is_none() {
                stamp = Some(Stamp { backend: backend.clone(), number });
            }
            let offset = 0.1 + index as f64 * 0.1;
            let mut attempt = attempt(&ask, backend, number, ask.at + offset, ask.at + ask.took * 0.9);
            let is_last = index + 1 == ask.backends.len();
            if ask.outcome == BackendOutcome::Hung && !is_last {
                // The next one is asked when this one is left.
                let left = ask.at + ask.took * 0.9;
                (attempt.peer_closed, attempt.finished) = (Some(moment(left)), moment(left));
            }
            if ask.outcome == BackendOutcome::Hung && index > 0 {
                // Its request is noted a moment before the close of the first: they are two connections.
                attempt.arrived = moment(ask.at + ask.took * 0.9 + index as f64 - 1.2);
            }
            self.event(ask.at + ask.took, EventKind::Attempt(Box::new(attempt)));
        }
        let answered = ask.seen_of_it || matches!(ask.end, ExchangeEnd::Complete | ExchangeEnd::CutShort(_));
        let response = answered.then(|| ResponseSeen {
            status: ask.status,
            head: WireBytes(
                format!("HTTP/1.1 {} X\r\nContent-Type: text/plain\r\nETag: \"1\"\r\n\r\n", ask.status)
                    .into(),
            ),
            body: BodySeen {
                bytes: ask.bytes,
                hash: ask.target.len() as u64,
                start: WireBytes::default(),
                extra_bytes: 0,
                content: ask.content.clone(),
            },
            stamp,
        });
        let exchange = Exchange {
            id: self.next_id,
            purpose: ask.purpose,
            client: ClientKind::Raw,
            connection: Some(self.connection.unwrap_or(self.next_id)),
            request_on_connection: ask.on_connection,
            number: self.next_id as u32,
            group: self.group,
            method: ask.method.to_owned(),
            target: ask.target.clone(),
            request_head: WireBytes::default(),
            request_body_bytes: ask.body.0,
            intended: moment(ask.at - ask.late),
            sent: Some(moment(ask.at)),
            head_received: None,
            finished: moment(ask.at + ask.took),
            end: ask.end.clone(),
            response,
            reconnected: ask.reconnected.clone(),
            patience: None,
        };
        self.next_id += 1;
        self.event(ask.at + ask.took, EventKind::Exchange(Box::new(exchange)));
    }

    /// The same, as the exchange of this number of its step.
    pub(super) fn ask_as(&mut self, number: u32, ask: Ask) {
        self.ask(ask);
        if let Some(Event { event: EventKind::Exchange(exchange), .. }) = self.record.events.last_mut() {
            exchange.number = number;
        }
    }

    /// The last exchange was sent, and its first attempt arrived, so many milliseconds sooner.
    pub(super) fn sent_earlier(&mut self, by: f64) {
        let sooner = |at: Moment| Moment(at.0 - (by * 1e6) as u64);
        if let Some(Event { event: EventKind::Exchange(exchange), .. }) = self.record.events.last_mut() {
            exchange.intended = sooner(exchange.intended);
            exchange.sent = exchange.sent.map(sooner);
        }
        let first = self.record.events.iter_mut().find_map(|event| match &mut event.event {
            EventKind::Attempt(attempt) => Some(attempt),
            _ => None,
        });
        if let Some(attempt) = first {
            attempt.arrived = sooner(attempt.arrived);
        }
    }

    /// Takes from every answer what names the backend that gave it.
    pub(super) fn without_stamps(&mut self) {
        for event in &mut self.record.events {
            if let EventKind::Exchange(exchange) = &mut event.event
                && let Some(response) = &mut exchange.response
            {
                response.stamp = None;
            }
        }
    }

    /// The adapter knows how to tell its proxy of other backends.
    pub(super) fn reloads(&mut self) {
        self.record.plan.adapter.reload_signal = Some("SIGHUP".to_owned());
    }

    /// The verdict on one check with limits.
    pub(super) fn judge_within(&mut self, id: CheckId, at_most: Duration, count: Option<u64>) -> Verdict {
        self.record.plan.checks.clear();
        let parameters = CheckParameters { at_most: Some(at_most), count, ..CheckParameters::default() };
        self.record.plan.checks.push(CheckPlan { id, kind: id.kind(), line: line(), parameters });
        evaluate(&self.record).remove(0)
    }

    /// Asks for a check, as required.
    pub(super) fn check(&mut self, id: CheckId) {
        let parameters = CheckParameters::default();
        self.record.plan.checks.push(CheckPlan { id, kind: id.kind(), line: line(), parameters });
    }

    /// The verdict on one check alone.
    pub(super) fn judge(&mut self, id: CheckId) -> Verdict {
        self.record.plan.checks.clear();
        self.check(id);
        evaluate(&self.record).remove(0)
    }
}

/// A verdict without a story.
pub(super) fn verdict(check: CheckId, kind: Kind, outcome: Outcome) -> Verdict {
    Verdict {
        grounds: None,
        check,
        requirement: check.requirement(),
        kind,
        source: check.source().to_string(),
        outcome,
        finding: Finding::NotReached,
        cause: None,
        explained_by: None,
        evidence: Vec::new(),
        line: line(),
    }
}

fn attempt(ask: &Ask, backend: &str, number: u64, arrived: f64, responded: f64) -> Attempt {
    Attempt {
        backend: backend.to_owned(),
        number,
        connection: number,
        request_on_connection: 1,
        peer: None,
        accepted: moment(arrived),
        arrived: moment(arrived),
        head_complete: Some(moment(arrived)),
        body_complete: Some(moment(arrived)),
        responded: Some(moment(responded)),
        finished: moment(responded),
        peer_closed: None,
        method: ask.method.to_owned(),
        target: ask.arrives_as.clone().unwrap_or_else(|| ask.target.clone()),
        head: BackendBytes::default(),
        head_bytes: 0,
        body_bytes: ask.body.1,
        body_hash: 0,
        body_start: BackendBytes::default(),
        extra_bytes: 0,
        expected_continue: false,
        met: None,
        status: Some(ask.status),
        response_bytes: 0,
        outcome: ask.outcome.clone(),
    }
}

fn line() -> SourceLine {
    SourceLine { file: PathBuf::from("test.yaml"), line: 1, column: 1, text: String::new() }
}

/// The moment of a millisecond of the run, a second after its start so that nothing lies before it.
pub(super) fn moment(milliseconds: f64) -> Moment {
    Moment(((milliseconds + 1_000.0) * 1e6) as u64)
}
