//! A server whose delays are known exactly, and a load step run against it.
//!
//! The truth tests of the load engine and `examples/engine.rs` use it. It answers every GET with the content of its target,
//! after the same delay; once in its life it can stall, and then answers everything that waited at the end of the stall.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::content::{Content, Kind};
use fake_backends::journal::Journal;
use fake_backends::platform::Network;
use harness_model::adapter::{CacheMedium, Capabilities, Resolution, TtlSource};
use harness_model::history::{Event, EventKind, HIGHEST_NS, IntervalLog, Measure, Recorder, read_intervals};
use harness_model::plan::{Connections, Executor, Load, LoadShape, SourceLine, Step, StepKind};
use harness_platform::Timer;
use harness_run::traffic::{Clients, Traffic, load};
use hdrhistogram::Histogram;

/// How the server answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behavior {
    /// Before each answer.
    pub delay: Duration,
    /// Since the first request, and for how long nothing is answered.
    pub stall: Option<(Duration, Duration)>,
    /// Whether it answers with the content of another target.
    pub lies: bool,
}

/// Starts it on a port of the system's choice, or on `port`; its threads end with the process.
pub fn serve(behavior: Behavior, port: u16) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port of the loopback is free");
    let address = listener.local_addr().expect("it listens");
    let clock = RunClock::start();
    let first = Arc::new(Mutex::new(None::<Moment>));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let first = first.clone();
            std::thread::spawn(move || drop(answer_all(stream, behavior, clock, &first)));
        }
    });
    address
}

fn answer_all(
    stream: TcpStream,
    behavior: Behavior,
    clock: RunClock,
    first: &Mutex<Option<Moment>>,
) -> std::io::Result<()> {
    Timer::make_this_thread_punctual();
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut stream, mut line) = (stream, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let target = line.split(' ').nth(1).unwrap_or("/").to_owned();
        let mut close = line.contains("HTTP/1.0");
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            close = (close || lower.starts_with("connection: close")) && !lower.contains("keep-alive");
        }
        let arrived = clock.now();
        let began = *first.lock().expect("nobody panics while holding it").get_or_insert(arrived);
        Timer::block(behavior.delay);
        if let Some((after, length)) = behavior.stall {
            let (from, until) = (began + after, began + after + length);
            if arrived >= from && arrived < until {
                Timer::block(until.since(clock.now()));
            }
        }
        let key = if behavior.lies { "/another" } else { &target };
        let body = Content::new(key, 1, 1024, Kind::Binary).to_vec();
        let mut out = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len()).into_bytes();
        out.extend_from_slice(if close {
            b"Connection: close\r\n\r\n"
        } else {
            b"Connection: keep-alive\r\n\r\n"
        });
        out.extend_from_slice(&body);
        stream.write_all(&out)?;
        if close {
            return Ok(());
        }
    }
}

/// What a load step came to.
pub struct Measured {
    /// The events that it left.
    pub events: Vec<Event>,
    /// All latencies by the names of the interval log.
    pub log: Vec<u8>,
}

impl Measured {
    /// The counters of a tag.
    pub fn counters(&self, wanted: &str) -> &EventKind {
        let found = self.events.iter().map(|event| &event.event);
        let mut found =
            found.filter(|event| matches!(event, EventKind::LoadCounters { tag, .. } if tag == wanted));
        found.next().expect("the step has left counters")
    }

    /// The values of a tag and measure; none where nothing was recorded.
    pub fn values(&self, tag: &str, measure: Measure) -> Histogram<u64> {
        let nothing = || Histogram::new_with_bounds(1, HIGHEST_NS, 3).expect("constant bounds");
        read_intervals(&self.log).total(tag, measure).cloned().unwrap_or_else(nothing)
    }

    /// A quantile of the latencies from the intended instant, in milliseconds.
    #[allow(dead_code, reason = "not every user of this file wants it")]
    pub fn ms(&self, tag: &str, quantile: f64) -> f64 {
        self.values(tag, Measure::Intended).value_at_quantile(quantile) as f64 / 1e6
    }
}

/// A plain load of one tag, `t`, over 100 keys.
pub fn plain(executor: Executor) -> Load {
    Load {
        executor,
        method: "GET".into(),
        path: "/k/{key}".into(),
        keys: 100,
        warmup: Duration::ZERO,
        tag: "t".into(),
        timeout: Duration::from_secs(10),
        connections: Connections::One,
        shape: LoadShape::default(),
    }
}

/// Runs a load step against an address.
pub fn measure(address: SocketAddr, load: &Load) -> Measured {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (events, intervals) = (folder.path().join("events"), folder.path().join("log"));
    let clock = RunClock::start();
    let recorder = Recorder::begin(std::fs::File::create(&events).expect("a file"), clock).expect("a thread");
    let log = IntervalLog::begin(std::fs::File::create(&intervals).expect("a file"), clock).expect("a log");
    let log = Mutex::new(log);
    let traffic = Traffic {
        clients: Clients::new(address, Network::host(), recorder.clone()),
        journal: Journal::new(clock),
        capabilities: Capabilities {
            cache: CacheMedium::None,
            ttl: TtlSource::None,
            ttl_resolution: Resolution::default(),
            ttl_step: Duration::from_millis(1),
            rotations: 1,
            store_lag: Duration::ZERO,
            settings: Vec::new(),
            reference: None,
        },
        seed: 7,
        second_try: false,
    };
    let line = SourceLine { file: "test".into(), line: 1, column: 1, text: String::new() };
    let step = Step { index: 0, label: None, cycle: 0, line, kind: StepKind::Load(load.clone()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(load::run(&traffic, &step, load, &log, &|| None)).expect("the step is carried out");
    log.lock().expect("nobody panics while holding it").flush().expect("the log is written");
    recorder.close().expect("the record is written");
    let text = std::fs::read_to_string(&events).expect("the record is there");
    let events = text.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect();
    Measured { events, log: std::fs::read(&intervals).expect("the log is there") }
}
