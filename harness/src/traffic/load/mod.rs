//! `load`: traffic by an executor, whose latencies are recorded as histograms.
//!
//! The conductor calls [`run`]. The engine has a thread of its own; this side writes its intervals into the log, its
//! counters, anomalies and sample into the record. Dropping the future stops the engine.

mod engine;
mod tally;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Problem, Traffic};
use crate::history::{EventKind, IntervalLog};
use crate::plan::{Load, Step};
use engine::{Assignment, Report, Totals};

/// Tells the CPU time that the proxy has used so far, where it is known.
pub type CpuMeter<'a> = &'a (dyn Fn() -> Option<Duration> + Sync);

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
/// No thread, timer or event loop is to be had, or the interval log cannot be written.
pub async fn run(
    traffic: &Traffic,
    step: &Step,
    load: &Load,
    log: &Mutex<IntervalLog>,
    proxy_cpu: CpuMeter<'_>,
) -> Result<(), Problem> {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let assignment = Assignment {
        clients: traffic.clients.clone(),
        load: load.clone(),
        cycle: step.cycle,
        seed: traffic.seed ^ step.index as u64,
        stop: stop.0.clone(),
    };
    let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
    let engine = std::thread::Builder::new()
        .name("load".into())
        .spawn(move || engine::run(assignment, &reports))
        .map_err(|error| format!("no thread for the load: {error}"))?;
    let mut cpu_before = proxy_cpu();
    while let Some(report) = reported.recv().await {
        match report {
            Report::Warm => cpu_before = proxy_cpu(),
            Report::Interval { start, duration, tally } => {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                for (measure, histogram) in tally.parts() {
                    let written = log.append(&load.tag, measure, start, duration, histogram);
                    written.map_err(|error| format!("the interval log could not be written: {error}"))?;
                }
            }
            Report::Done(totals) => {
                let used = proxy_cpu().zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
                record(traffic, load, totals, used);
            }
        }
    }
    // The channel is closed, so the thread is at its end.
    engine.join().map_err(|_| "the load engine broke".to_owned())?
}

fn record(traffic: &Traffic, load: &Load, totals: Totals, proxy_cpu: Option<Duration>) {
    let recorder = traffic.clients.recorder();
    for exchange in totals.sample {
        recorder.record(EventKind::Exchange(Box::new(exchange)));
    }
    let unseen = totals.anomalies.saturating_sub(engine::ANOMALIES_KEPT);
    if unseen > 0 {
        let what = format!("load: {unseen} more anomalies");
        recorder.record(EventKind::Anomaly(crate::history::Anomaly { what, exchange: None }));
    }
    recorder.record(EventKind::LoadCounters {
        tag: load.tag.clone(),
        sent: totals.counters.sent,
        good: totals.counters.good,
        errors: totals.counters.errors,
        corrupt: totals.counters.corrupt,
        overloaded: totals.overloaded,
        seconds: totals.measured.as_secs_f64(),
        proxy_cpu,
    });
}
