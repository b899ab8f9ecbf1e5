//! Made-up runs for the tests of the pages: a plan with the events that would follow from it, in a few lines.
//!
//! Tests of this module use it. The figures are made up but hang together: every miss has its attempt, every step its
//! beginning and end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::journal::{Attempt, Outcome as AttemptOutcome};
use fake_backends::stamp::Stamp;
use hdrhistogram::Histogram;

use super::{Attachments, Source};
use harness_judge::check::{Finding, HitsFinding, Outcome, Verdict};
use harness_model::adapter::{Adapter, Program};
use harness_model::catalogue::CheckId;
use harness_model::history::{
    BodySeen, ConfigurationFile, ContentSeen, CutBy, Event, EventKind, Exchange, ExchangeEnd, HIGHEST_NS,
    Histograms, HostNoise, Interval, Manifest, ManifestFacts, Measure, ProxyExit, Purpose, Record,
    ResourceSample, ResponseSeen, WireBytes,
};
use harness_model::plan::{
    BackendsPlan, Bilingual, CheckParameters, CheckPlan, ClientKind, Connections, CrashLoad, Executor, Fill,
    LatencyThreshold, Load, Plan, Probe, ProbeTime, ProxySettings, Restart, Serial, SourceLine, Step,
    StepKind, samples,
};

/// A finished made-up run.
pub struct MadeUpRun {
    pub record: Record,
    pub verdicts: Vec<Verdict>,
    pub attachments: Attachments,
}

impl MadeUpRun {
    pub fn source(&self) -> Source<'_> {
        Source { record: &self.record, verdicts: &self.verdicts, attachments: &self.attachments }
    }
}

/// A made-up run in the making.
pub struct RunBuilder {
    run: MadeUpRun,
    now: u64,
    step: Option<usize>,
    next_id: u64,
    turn: u64,
    answers: BTreeMap<String, u64>,
    launch: u32,
}

/// A verdict with a finding that fits its outcome well enough for tests.
pub fn verdict(check: CheckId, outcome: Outcome) -> Verdict {
    let finding = match outcome {
        Outcome::Pass => Finding::Hits(HitsFinding::HitsProven { keys: 120 }),
        Outcome::Fail => Finding::Hits(HitsFinding::NoHits { keys: 120, target: "/ttl/7".into() }),
        Outcome::Unsupported => Finding::DeclaredUnsupported { capability: "cache: memory".into() },
        Outcome::Blocked => Finding::DependsOn { check: CheckId::CacheHit },
        _ => Finding::NotReached,
    };
    Verdict {
        grounds: None,
        check,
        requirement: check.requirement(),
        kind: check.kind(),
        source: check.source().to_string(),
        cause: if outcome == Outcome::Fail { finding.likely_cause() } else { None },
        outcome,
        finding,
        explained_by: None,
        evidence: Vec::new(),
        line: line_of("checks:"),
    }
}

fn line_of(text: &str) -> SourceLine {
    let line = SCENARIO.lines().position(|line| line.contains(text)).unwrap_or(0) + 1;
    SourceLine { file: PathBuf::from("scenarios/ttl.yaml"), line, column: 3, text: text.to_owned() }
}

const SCENARIO: &str = "name: ttl
title: {es: \"Expiración del caché\", en: \"Cache expiry\"}
covers: [REQ-8, REQ-8c]
proxy: {ttl: 2s}
steps:
  - fill: {keys: 40, path: \"/ttl/{key}\", as: stored}
  - probe: {of: stored, window: 400ms}
checks:
  ttl.expiry: {at_most: 1s}
  ttl.sliding:
";

impl RunBuilder {
    pub fn new(name: &str) -> RunBuilder {
        let mut adapter = Adapter {
            name: "pibl".into(),
            title: "pibl".into(),
            program: Program::Cargo { package: "pibl".into() },
            start: vec!["pibl".into()],
            ready_within: Duration::from_secs(10),
            rebind_within: Duration::from_secs(2),
            log_file: Some("pibl.log".into()),
            cache_directory: Some("cache".into()),
            wipe: vec!["cache".into()],
            ..samples::adapter()
        };
        adapter.capabilities.reference = Some("pibl/README.md".into());
        let plan = Plan {
            hints: harness_model::plan::Hints::default(),
            change: None,
            format: 1,
            name: name.into(),
            title: Bilingual { en: "Cache expiry".into(), es: "Expiración del caché".into() },
            file: PathBuf::from(format!("scenarios/{name}.yaml")),
            text: SCENARIO.into(),
            covers: Vec::new(),
            adapter,
            proxy: ProxySettings { ttl: Some(Duration::from_secs(2)), ..ProxySettings::default() },
            backends: BackendsPlan {
                count: 3,
                idle: None,
                script: Default::default(),
                own: Default::default(),
            },
            steps: Vec::new(),
            checks: Vec::new(),
            thresholds: Vec::new(),
            on_inconclusive: Default::default(),
            seed: 7,
            strict: false,
            pin: None,
            profile: None,
            estimated: Duration::from_secs(12),
        };
        let facts = ManifestFacts {
            harness: "0.1.0".into(),
            profile: "dev (opt-level 2)".into(),
            seed: 7,
            command: ["cargo", "run", "-p", "harness", "--", "scenarios/ttl.yaml", "--seed", "7"]
                .map(String::from)
                .to_vec(),
            started: "2026-11-21T14:03:59-05:00".into(),
            seconds: 12.25,
            host: serde_json::json!({"system": "Linux 6.8.0 x86_64", "distribution": "Debian GNU/Linux 12", "cpu": "AMD EPYC 7B13", "cores": 2, "cpu_quota": null, "memory_bytes": 8_589_934_592u64, "memory_limit_bytes": null, "virtualised": true, "frequency_governor": null}),
            network: "private network namespace".into(),
            isolation: Some("process id namespace".into()),
            not_kept: Vec::new(),
            program: Some("target/release/pibl".into()),
            program_sha256: Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into()),
        };
        let attachments = Attachments {
            log: None,
            output: None,
            manifest: Some(Manifest { format: 1, files: BTreeMap::new(), facts }),
            run_hash: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
        };
        let record = Record {
            plan,
            events: Vec::new(),
            histograms: Histograms::default(),
            beside: harness_model::history::Beside::default(),
            doubts: Vec::new(),
        };
        RunBuilder {
            run: MadeUpRun { record, verdicts: Vec::new(), attachments },
            now: 0,
            step: None,
            next_id: 1,
            turn: 0,
            answers: BTreeMap::new(),
            launch: 0,
        }
    }

    pub fn build(self) -> MadeUpRun {
        self.run
    }

    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.run.record.plan.checks.push(CheckPlan {
            id: verdict.check,
            kind: verdict.kind,
            line: verdict.line.clone(),
            parameters: CheckParameters::default(),
        });
        self.run.verdicts.push(verdict);
        self
    }

    /// Thresholds of the scenario.
    pub fn limits(mut self, texts: &[&str]) -> Self {
        let gates = texts.iter().map(|text| text.parse().unwrap_or_else(|why| panic!("{why}")));
        self.run.record.plan.thresholds = gates.collect();
        self
    }

    /// One exchange for a target, answered with this head.
    pub fn exchange_with(mut self, target: &str, head: &str) -> Self {
        self.exchange(Purpose::Serial, target, 1, true, 2.0);
        if let Some(EventKind::Exchange(exchange)) =
            self.run.record.events.last_mut().map(|event| &mut event.event)
            && let Some(response) = &mut exchange.response
        {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
            response.status = status.unwrap_or(response.status);
            response.head = WireBytes(head.as_bytes().to_vec());
        }
        self
    }

    /// Gives every verdict all exchanges so far as its evidence.
    pub fn evidence_everything(mut self) -> Self {
        let exchanges = self.run.record.events.iter().enumerate();
        let lines: Vec<usize> = exchanges
            .filter(|(_, event)| matches!(event.event, EventKind::Exchange(_)))
            .map(|(line, _)| line)
            .collect();
        for verdict in &mut self.run.verdicts {
            verdict.evidence.clone_from(&lines);
        }
        self
    }

    /// Gives every verdict the first events as its evidence.
    pub fn judged(mut self) -> Self {
        let lines: Vec<usize> = self
            .run
            .record
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| {
                matches!(&event.event, EventKind::Exchange(e) if e.target == "/ttl/7" || e.target.starts_with("/rr/1"))
            })
            .map(|(line, _)| line)
            .collect();
        for verdict in &mut self.run.verdicts {
            verdict.evidence.clone_from(&lines);
        }
        self
    }

    pub fn log(mut self, text: &str) -> Self {
        self.run.attachments.log =
            Some(super::attachments::Text { bytes: text.as_bytes().to_vec(), cut: false });
        self
    }

    /// The proxy starts and gets ready.
    pub fn ready(mut self) -> Self {
        self.launch += 1;
        let launch = self.launch;
        self.event(EventKind::ProxyStarting {
            launch,
            argv: ["pibl", "--config", "pibl.toml", "--ttl", "2s"].map(String::from).to_vec(),
            listen: ([127, 0, 0, 1], 18_080).into(),
            patches: Vec::new(),
            configuration: vec![ConfigurationFile {
                path: "pibl.toml".into(),
                text: "port = 18080\n".into(),
            }],
            ttl: Some(Duration::from_secs(2)),
        });
        self.now += 30_000_000;
        self.event(EventKind::ProxyReady {
            launch,
            listening_after: Duration::from_millis(18),
            answered_after: Some(Duration::from_millis(24)),
            status: Some(200),
            attempts_before: 0,
            edited: Vec::new(),
            not_handed_in: None,
        });
        self
    }

    pub fn interrupted(mut self) -> Self {
        self.event(EventKind::Interrupted { reason: "Ctrl-C".into(), by: Some(CutBy::User) });
        self
    }

    /// Keys are filled and probed around the TTL; they expire exactly at it.
    pub fn ttl(mut self, ttl_ms: u64, keys: u32) -> Self {
        let fill = Fill { keys, path: "/ttl/{key}".into(), vus: 4, confirm: 0, spread: Duration::ZERO };
        let of = self.begin("- fill:", Some("stored"), StepKind::Fill(fill));
        let mut stored = Vec::new();
        for key in 0..keys {
            self.exchange(Purpose::Fill, &format!("/ttl/{key}"), key, true, 3.0);
            stored.push(self.now);
        }
        self.end();
        let ttl = Duration::from_millis(ttl_ms);
        let window = Duration::from_millis(400);
        self.begin("- probe:", None, StepKind::Probe(Probe { of, at: ProbeTime::around(ttl, window) }));
        let mut due: Vec<(u64, u32)> = stored
            .iter()
            .zip(0..keys)
            .map(|(stored, key)| {
                let shift = (f64::from(key) + 0.5) / f64::from(keys) * 800.0 - 400.0;
                (stored + ((ttl_ms as f64 + shift) * 1e6) as u64, key)
            })
            .collect();
        due.sort_unstable();
        for (at, key) in due {
            self.now = at;
            let expired = at - stored[key as usize] >= ttl_ms * 1_000_000;
            self.exchange(
                Purpose::Probe,
                &format!("/ttl/{key}"),
                key,
                expired,
                if expired { 2.4 } else { 0.3 },
            );
        }
        self.end();
        self
    }

    /// Starts again with so many of the backends.
    pub fn told(mut self, backends: usize) -> Self {
        let settings = Some(ProxySettings { backends: Some(backends), ..ProxySettings::default() });
        let restart = Restart { stop_first: true, wipe: false, settings, downtime: Duration::ZERO };
        self.begin("- restart:", None, StepKind::Restart(restart));
        self.end();
        self
    }

    /// Serial requests, each to the next backend.
    pub fn serial(mut self, requests: u32) -> Self {
        let serial = Serial {
            requests,
            method: "GET".into(),
            path: "/rr/{n}".into(),
            body_bytes: 0,
            connections: Connections::One,
            client: ClientKind::Raw,
        };
        self.begin("- serial:", None, StepKind::Serial(serial));
        for number in 0..requests {
            self.exchange(Purpose::Serial, &format!("/rr/{number}"), number, true, 1.2);
        }
        self.end();
        self
    }

    /// Kills and starts again, so often.
    pub fn crashes(mut self, cycles: u32) -> Self {
        for cycle in 0..cycles {
            let crash = CrashLoad {
                vus: 4,
                path: "/crash/{cycle}/{n}".into(),
                after_least: Duration::from_millis(50),
                after_most: Duration::from_millis(300),
            };
            self.begin("- crash:", None, StepKind::Crash(crash));
            for number in 0..6 {
                self.exchange(Purpose::CrashLoad, &format!("/crash/{cycle}/{number}"), number, true, 4.0);
            }
            self.now += 40_000_000 + u64::from(cycle) * 7_000_000;
            let launch = self.launch;
            self.event(EventKind::ProxySignalled { launch, signal: "SIGKILL".into() });
            self.event(EventKind::ProxyExited(ProxyExit {
                launch,
                code: None,
                signal: Some(9),
                expected: true,
                last_lines: vec!["GET /crash 200".into()],
            }));
            self.end();
            let restart =
                Restart { stop_first: false, wipe: false, settings: None, downtime: Duration::ZERO };
            self.begin("- restart:", None, StepKind::Restart(restart));
            self.now += 20_000_000;
            self = self.ready();
            self.end();
        }
        self
    }

    /// A load step: so many samples, `failing` of a hundred of them errors.
    pub fn load(mut self, tag: &str, samples: u64, failing: u64) -> Self {
        let executor = Executor::ConstantArrivalRate {
            rate_per_second: 1000.0,
            duration: Duration::from_secs(5),
            max_in_flight: 256,
        };
        let load = Load {
            path: "/load/{n}".into(),
            warmup: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            ..samples::load(tag, executor)
        };
        self.begin("- load:", None, StepKind::Load(load));
        let (started, mut errors) = (self.now, 0);
        for second in 0..5u64 {
            let mut by_measure = BTreeMap::new();
            for sample in (0..samples).filter(|sample| sample % 5 == second) {
                let failed = sample * 7919 % 100 < failing;
                errors += u64::from(failed);
                // A smooth made-up distribution with a tail, and a bad third second.
                let rank = (sample * 104_729 % samples.max(1)) as f64 / samples.max(1) as f64;
                let ms = 0.6 + 0.4 / (1.02 - rank) + if second == 2 { 6.0 * rank } else { 0.0 };
                let measure = if failed { Measure::Error } else { Measure::Intended };
                for (measure, ms) in
                    [(measure, ms), (Measure::Service, ms * 0.9), (Measure::SendLag, 0.02 + 0.05 * rank)]
                {
                    if failed && measure != Measure::Error {
                        continue;
                    }
                    by_measure
                        .entry(measure)
                        .or_insert_with(|| Histogram::<u64>::new_with_bounds(1, HIGHEST_NS, 3).unwrap())
                        .saturating_record((ms * 1e6) as u64);
                }
            }
            for (measure, values) in by_measure {
                self.run.record.histograms.push(Interval {
                    tag: tag.into(),
                    measure,
                    start: Moment(started + second * 1_000_000_000),
                    duration: Duration::from_secs(1),
                    values,
                });
            }
            self.now = started + (second + 1) * 1_000_000_000;
            self.event(EventKind::Resources(ResourceSample {
                cpu: Duration::from_millis(90 * (second + 1)),
                resident_bytes: (9 << 20) + second * 200_000,
                processes: 1,
                threads: 3,
                open_files: 40 + u32::try_from(second).unwrap() * 3,
                context_switches: 1200 * (second + 1),
            }));
            self.event(EventKind::HostNoise(HostNoise {
                worst_overshoot: Duration::from_micros(400 + second * 90),
                p99_overshoot: Duration::from_micros(120),
                steal: 0.001,
                cpu_pressure: Some(0.08),
                own_cpu: None,
            }));
        }
        self.event(EventKind::LoadCounters {
            tag: tag.into(),
            sent: samples,
            good: samples - errors,
            errors,
            corrupt: 0,
            overloaded: false,
            seconds: 5.0,
            proxy_cpu: Some(Duration::from_micros(11 * samples)),
            engine: harness_model::history::EngineCounters::default(),
        });
        self.end();
        self
    }

    pub fn thresholds(mut self, tag: &str, limits: &[(f64, u64)]) -> Self {
        let thresholds = limits
            .iter()
            .map(|(quantile, ms)| LatencyThreshold {
                tag: tag.into(),
                quantile: *quantile,
                limit: Duration::from_millis(*ms),
                error_rate: 0.01,
            })
            .collect();
        self.run.record.plan.checks.push(CheckPlan {
            id: CheckId::LatencyThresholds,
            kind: CheckId::LatencyThresholds.kind(),
            line: line_of("checks:"),
            parameters: CheckParameters { thresholds, ..CheckParameters::default() },
        });
        self
    }

    fn event(&mut self, event: EventKind) {
        self.run.record.events.push(Event { at: Moment(self.now), step: self.step, event });
    }

    fn begin(&mut self, written: &str, label: Option<&str>, kind: StepKind) -> usize {
        let index = self.run.record.plan.steps.len();
        let step = Step { index, label: label.map(str::to_owned), cycle: 0, line: line_of(written), kind };
        self.run.record.plan.steps.push(step);
        self.step = Some(index);
        self.event(EventKind::StepStarted);
        index
    }

    fn end(&mut self) {
        self.event(EventKind::StepEnded { problem: None });
        self.step = None;
    }

    /// One GET; where `asks_backend`, an attempt at the backend whose turn it is comes before its end.
    fn exchange(&mut self, purpose: Purpose, target: &str, number: u32, asks_backend: bool, took_ms: f64) {
        let sent = self.now;
        self.now += (took_ms * 1e6) as u64;
        let finished = self.now;
        let third = (finished - sent) / 3;
        if asks_backend {
            self.turn += 1;
            let backend = format!("b{}", (self.turn - 1) % 3 + 1);
            let count = self.answers.entry(backend.clone()).or_default();
            *count += 1;
            let head = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:18080\r\nVia: 1.1 pibl\r\n\r\n");
            // JSON holds each byte of the wire as the character of the same number.
            let head: String = head.bytes().map(char::from).collect();
            let attempt: Attempt = serde_json::from_value(serde_json::json!({
                "backend": backend, "number": *count, "connection": self.turn % 3, "request_on_connection": 1,
                "peer": null, "accepted": sent, "arrived": sent + third, "head_complete": sent + third,
                "body_complete": sent + third, "responded": finished - third, "finished": finished - third,
                "peer_closed": null, "method": "GET", "target": target, "head": head, "head_bytes": head.chars().count(),
                "body_bytes": 0, "body_hash": 0, "body_start": "", "extra_bytes": 0, "expected_continue": false,
                "met": null, "status": 200, "response_bytes": 1200, "outcome": AttemptOutcome::Answered,
            }))
            .expect("an attempt in the shape of the journal");
            self.event(EventKind::Attempt(Box::new(attempt)));
        }
        let backend = format!("b{}", self.turn.saturating_sub(1) % 3 + 1);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nETag: \"v1\"\r\nX-Backend: {backend}\r\n\r\n"
        );
        let stamp = Stamp { number: self.answers.get(&backend).copied().unwrap_or(1), backend };
        let response = ResponseSeen {
            status: 200,
            head: WireBytes(head.into_bytes()),
            body: BodySeen {
                bytes: 1024,
                hash: 0x1234_5678_9abc_def0,
                start: WireBytes(format!("{target} v1 ").repeat(40).into_bytes()),
                extra_bytes: 0,
                content: Some(ContentSeen::Whole { key: target.into(), version: 1 }),
            },
            stamp: Some(stamp),
        };
        let exchange = Exchange {
            id: self.next_id,
            purpose,
            client: ClientKind::Raw,
            connection: Some(1),
            request_on_connection: 1,
            number,
            group: 0,
            method: "GET".into(),
            target: target.into(),
            request_head: WireBytes(
                format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:18080\r\n\r\n").into_bytes(),
            ),
            request_body_bytes: 0,
            intended: Moment(sent),
            sent: Some(Moment(sent)),
            head_received: Some(Moment(finished)),
            finished: Moment(finished),
            end: ExchangeEnd::Complete,
            response: Some(response),
            reconnected: None,
            patience: None,
        };
        self.next_id += 1;
        self.event(EventKind::Exchange(Box::new(exchange)));
    }
}
