//! `load`: traffic by an executor, whose latencies are recorded as histograms.
//!
//! The conductor calls [`run`]. The engine (`pace` says when, `requests` what, `connection` and `answer` how, `proof` whether
//! it was right, `tally` what came of it, `worker` joins them) has threads of its own; this side writes its intervals into the
//! log, its counters, anomalies and sample into the record. Dropping the future stops the engine.

mod answer;
mod connection;
mod pace;
mod proof;
mod requests;
mod tally;
mod testimony;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::request::USER_AGENT;
use super::{Problem, Traffic};
use harness_model::history::{
    Anomaly, EngineCounters, EventKind, IntervalLog, LatencyHistogram, LoadInterval,
};
use harness_model::plan::{Connections, Load, MixPart, Step};
use pace::Pace;
use requests::{Mix, RequestKind};
use tally::{Counters, IntervalTally, Phase};
use worker::{Assignment, Interval, Report, Totals};

/// Tells the CPU time that the proxy has used so far, where it is known.
pub type CpuMeter<'a> = &'a (dyn Fn() -> Option<Duration> + Sync);

/// Share of the arrivals asked for that may be missing when the schedule ends.
const MISSING_SHARE: f64 = 0.01;

/// Sets the flag when it goes out of scope, also when the step is ended early.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Carries out a load step.
///
/// # Errors
/// No thread or timer is to be had, or the interval log cannot be written.
pub async fn run(
    traffic: &Traffic,
    step: &Step,
    load: &Load,
    log: &Mutex<IntervalLog>,
    proxy_cpu: CpuMeter<'_>,
) -> Result<(), Problem> {
    let seed = traffic.seed ^ step.index as u64;
    let mut each = |interval| write_down(traffic, load, interval, log);
    let (all, used) = drive(traffic, step.cycle, load, seed, proxy_cpu, &mut each).await?;
    conclude(traffic, load, seed, all, used);
    Ok(())
}

/// Runs the engine to its end; what it counted, and the CPU time that the proxy used meanwhile.
async fn drive(
    traffic: &Traffic,
    cycle: u32,
    load: &Load,
    seed: u64,
    proxy_cpu: CpuMeter<'_>,
    each: &mut (dyn FnMut(Interval) -> Result<(), Problem> + Send),
) -> Result<(Vec<Totals>, Option<Duration>), Problem> {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
    let mut threads = Vec::new();
    for assignment in assignments(traffic, cycle, load, seed, &stop.0) {
        let reports = reports.clone();
        let thread = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || worker::run(assignment, &reports))
            .map_err(|error| Problem::Engine { said: error.to_string() })?;
        threads.push(thread);
    }
    drop(reports);
    let (mut cpu_before, mut cpu_after) = (proxy_cpu(), None);
    let (mut warm, mut all) = (0, Vec::new());
    while let Some(report) = reported.recv().await {
        match report {
            Report::Warm => {
                warm += 1;
                if warm == threads.len() {
                    cpu_before = proxy_cpu();
                }
            }
            Report::Interval(interval) => each(interval)?,
            Report::Done(totals) => {
                cpu_after = proxy_cpu();
                all.push(*totals);
            }
        }
    }
    // The channel is closed, so the threads are at their ends.
    for thread in threads {
        let ended = thread.join().map_err(|_| Problem::Engine { said: "panic".to_owned() })?;
        ended.map_err(|error| Problem::Engine { said: error.to_string() })?;
    }
    let used = cpu_after.zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
    Ok((all, used))
}

/// What one rung of a search for a capacity came to.
#[derive(Debug)]
pub(super) struct Climbed {
    /// Requests that count, and those of them that did not end well.
    pub(super) sent: u64,
    pub(super) errors: u64,
    /// Length of the part that counts.
    pub(super) span: Duration,
    /// Whether an arrival ever waited because every connection was busy.
    pub(super) overloaded: bool,
    /// From the intended instant, and how late requests were sent, in nanoseconds.
    pub(super) intended: LatencyHistogram,
    pub(super) send_lag: LatencyHistogram,
    /// CPU time of the proxy over that part, where it could be read.
    pub(super) proxy_cpu: Option<Duration>,
}

/// Carries out a load as a rung of a search: its figures are returned, and nothing of it is recorded.
///
/// # Errors
/// No thread or timer is to be had.
pub(super) async fn climb(
    traffic: &Traffic,
    cycle: u32,
    load: &Load,
    seed: u64,
    proxy_cpu: CpuMeter<'_>,
) -> Result<Climbed, Problem> {
    let mut sum = IntervalTally::default();
    let mut each = |interval: Interval| {
        let counted = interval.tallies.iter().filter(|(_, phase, _)| *phase == Phase::Measured);
        counted.for_each(|(_, _, tally)| sum.add(tally));
        Ok(())
    };
    let (all, proxy_cpu) = drive(traffic, cycle, load, seed, proxy_cpu, &mut each).await?;
    let mut counters = Counters::default();
    all.iter().flat_map(|totals| &totals.counters).for_each(|counted| counters.add(counted));
    let [(_, intended), _, (_, send_lag), _] = sum.parts();
    let (mut of_intended, mut of_lag) = (LatencyHistogram::default(), LatencyHistogram::default());
    of_intended.add(intended);
    of_lag.add(send_lag);
    Ok(Climbed {
        sent: counters.sent,
        errors: counters.sent - counters.good.min(counters.sent),
        span: load.counted().max(Duration::from_nanos(1)),
        overloaded: all.iter().any(|totals| totals.overloaded),
        intended: of_intended,
        send_lag: of_lag,
        proxy_cpu,
    })
}

/// The share of each thread.
fn assignments(
    traffic: &Traffic,
    cycle: u32,
    load: &Load,
    seed: u64,
    stop: &Arc<AtomicBool>,
) -> Vec<Assignment> {
    let tags = load.tags();
    let own = MixPart {
        tag: load.tag.clone(),
        weight: 1.0,
        method: load.method.clone(),
        path: load.path.clone(),
        keys: load.keys,
        zipf: load.shape.zipf,
    };
    let persistent = load.connections == Connections::One;
    let rest = head_after_target(traffic.clients.host(), persistent);
    let kinds: Vec<RequestKind> = std::iter::once(&own)
        .chain(&load.shape.mix)
        .map(|part| {
            let tag = tags.iter().position(|tag| *tag == part.tag).unwrap_or(0);
            RequestKind::new(tag, part, cycle, &rest)
        })
        .collect();
    let at_once = load.executor.most_at_once().max(1) as usize;
    let threads = usize::from(load.shape.threads.max(1)).min(at_once);
    let nanoseconds = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let length = nanoseconds(load.executor.duration());
    let cooldown = nanoseconds(load.shape.cooldown);
    (0..threads)
        .map(|index| Assignment {
            clients: traffic.clients.clone(),
            connections: (at_once + threads - 1 - index) / threads,
            persistent,
            spread: load.shape.spread,
            pace: Pace::of(&load.executor, &load.shape, seed, index as u64, threads as u64),
            share: (index, threads),
            mix: Mix::new(kinds.clone(), seed, index as u64, threads as u64),
            tags: tags.len(),
            warmup_ns: nanoseconds(load.warmup),
            // What is due at the very end of a step without cool-down still counts.
            cooldown_from_ns: if cooldown == 0 { u64::MAX } else { length.saturating_sub(cooldown) },
            timeout_ns: nanoseconds(load.timeout),
            seed: seed ^ index as u64,
            stop: stop.clone(),
        })
        .collect()
}

/// A head from after its target on.
fn head_after_target(host: &str, persistent: bool) -> Vec<u8> {
    let connection = if persistent { "" } else { "Connection: close\r\n" };
    format!(" HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\n{connection}\r\n")
        .into_bytes()
}

/// An interval, into the log and the record.
fn write_down(
    traffic: &Traffic,
    load: &Load,
    interval: Interval,
    log: &Mutex<IntervalLog>,
) -> Result<(), Problem> {
    let tags = load.tags();
    let mut all = IntervalTally::default();
    for (tag, phase, tally) in &interval.tallies {
        let name = phase.tag(tags.get(*tag).copied().unwrap_or_default());
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        for (measure, histogram) in tally.parts() {
            let written = log.append(&name, measure, interval.start, interval.duration, histogram);
            written.map_err(|error| Problem::Engine { said: error.to_string() })?;
        }
        all.add(tally);
    }
    let recorder = traffic.clients.recorder();
    for (fate, exchange) in interval.anomalies {
        let anomaly = Anomaly { what: format!("load: {fate:?}"), exchange: Some(Box::new(exchange)) };
        recorder.record(EventKind::Anomaly(anomaly));
    }
    let ended: u64 = all.parts()[2].1.len();
    let at = |quantile| {
        let values = all.intended().values();
        (!values.is_empty()).then(|| Duration::from_nanos(values.value_at_quantile(quantile)))
    };
    recorder.record(EventKind::LoadInterval(LoadInterval {
        tag: load.tag.clone(),
        duration: interval.duration,
        ended,
        errors: interval.errors,
        in_flight: interval.in_flight as u64,
        p50: at(0.5),
        p99: at(0.99),
    }));
    Ok(())
}

/// The end of a step, into the record.
fn conclude(traffic: &Traffic, load: &Load, seed: u64, all: Vec<Totals>, proxy_cpu: Option<Duration>) {
    let recorder = traffic.clients.recorder();
    let unseen: u64 = all.iter().map(|totals| totals.anomalies_dropped).sum();
    if unseen > 0 {
        let what = format!("load: {unseen} more anomalies");
        recorder.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
    }
    let measured = all.iter().map(|totals| totals.measured).max().unwrap_or_default();
    let overloaded = all.iter().any(|totals| totals.overloaded);
    let opened: u64 = all.iter().map(|totals| totals.connections_opened).sum();
    let held = all.iter().map(|totals| totals.connections_held).sum();
    let engine_cpu: Option<Duration> = all.iter().map(|totals| totals.cpu).sum();
    let asked = asked(load, seed);
    let by_tag: Vec<Counters> = (0..load.tags().len())
        .map(|tag| {
            let mut sum = Counters::default();
            all.iter().filter_map(|totals| totals.counters.get(tag)).for_each(|counters| sum.add(counters));
            sum
        })
        .collect();
    let sent: u64 = by_tag.iter().map(|counters| counters.sent).sum();
    let in_time: u64 = by_tag.iter().map(|counters| counters.sent_in_time).sum();
    let span = load.counted().max(Duration::from_nanos(1)).as_secs_f64();
    for (tag, counters) in load.tags().into_iter().zip(by_tag) {
        // What cannot be told apart by tag is shared out by requests.
        let share = if sent == 0 { 0.0 } else { counters.sent as f64 / sent as f64 };
        recorder.record(EventKind::LoadCounters {
            tag: tag.to_owned(),
            sent: counters.sent,
            good: counters.good,
            errors: counters.timed_out + counters.wrong_status + counters.broken,
            corrupt: counters.corrupt,
            overloaded,
            seconds: measured.as_secs_f64(),
            proxy_cpu: proxy_cpu.map(|cpu| cpu.mul_f64(share)),
            engine: EngineCounters {
                asked_per_second: asked.map(|asked| asked as f64 / span * share),
                reached_per_second: in_time as f64 / span * share,
                rate_reached: asked.is_none_or(|asked| {
                    let missing = asked.saturating_sub(in_time) as f64;
                    missing <= (asked as f64 * MISSING_SHARE).max(1.0)
                }),
                never_sent: counters.never_sent,
                timed_out: counters.timed_out,
                wrong_status: counters.wrong_status,
                broken: counters.broken,
                asked_again: counters.asked_again,
                ours: counters.ours,
                connections_opened: (opened as f64 * share).round() as u64,
                connections_held: held,
                body_bytes: counters.body_bytes,
                engine_cpu: engine_cpu.map(|cpu| cpu.mul_f64(share)),
            },
        });
    }
    for exchange in all.into_iter().flat_map(|totals| totals.sample) {
        recorder.record(EventKind::Exchange(Box::new(exchange)));
    }
}

/// Arrivals that an open loop asks for within the part that counts.
fn asked(load: &Load, seed: u64) -> Option<u64> {
    let Pace::Open(schedule) = Pace::of(&load.executor, &load.shape, seed, 0, 1) else { return None };
    let nanoseconds = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let from = nanoseconds(load.warmup);
    let until = nanoseconds(load.executor.duration()).saturating_sub(nanoseconds(load.shape.cooldown));
    Some(schedule.filter(|due| Phase::of(*due, from, until) == Phase::Measured).count() as u64)
}
