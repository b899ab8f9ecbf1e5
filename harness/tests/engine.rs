//! Truth tests of the load engine: against a server whose delays are known exactly, its figures must be those.
//!
//! The tests of every day hold on any machine: they assert what is certain (nothing was dropped, a known stall shows in the
//! latencies). The measurement with the tolerances of the specification is ignored, because it wants an idle machine:
//! `cargo test --release -p harness --test integration engine -- --ignored --nocapture`. Its figures are in `docs/engine.md`.

use std::time::Duration;

use harness_model::history::{EngineCounters, EventKind, Measure};
use harness_model::plan::{Connections, Executor, LoadShape, MixPart, RateStage, Spacing, VuStage};

use crate::known_server::{Behavior, measure, plain, serve};

const MS: Duration = Duration::from_millis(1);

fn rate(per_second: f64, duration: Duration, max_in_flight: u32) -> Executor {
    Executor::ConstantArrivalRate { rate_per_second: per_second, duration, max_in_flight }
}

fn counted(event: &EventKind) -> (u64, u64, bool, EngineCounters) {
    match event {
        EventKind::LoadCounters { sent, good, overloaded, engine, .. } => {
            (*sent, *good, *overloaded, *engine)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_known_delay_is_found_and_nothing_is_lost() {
    let address = serve(Behavior { delay: 10 * MS, ..Behavior::default() }, 0);
    let measured = measure(address, &plain(rate(200.0, 1000 * MS, 200)));
    let (sent, good, _, engine) = counted(measured.counters("t"));
    assert_eq!((sent, good, engine.never_sent), (200, 200, 0));
    assert!(
        measured.values("t", Measure::Intended).min() >= 9_990_000,
        "no answer can come before its delay"
    );
    assert!(engine.connections_opened <= 200 && engine.body_bytes == 200 * 1024);
}

#[test]
fn a_stall_is_felt_by_everyone_who_would_have_asked_meanwhile() {
    let stall = Some((500 * MS, 1000 * MS));
    let address = serve(Behavior { stall, ..Behavior::default() }, 0);
    // Ten connections: most arrivals of the stall find none free, and their clocks run.
    let measured = measure(address, &plain(rate(500.0, 2000 * MS, 10)));
    let (sent, good, overloaded, _) = counted(measured.counters("t"));
    assert_eq!((sent, good, overloaded), (1000, 1000, true), "every arrival is sent");
    // A quarter of the arrivals came within the first half of the stall, and waited for at least half a second.
    let values = measured.values("t", Measure::Intended);
    let waited: u64 = values
        .iter_recorded()
        .filter(|v| v.value_iterated_to() >= 490_000_000)
        .map(|v| v.count_at_value())
        .sum();
    assert!(waited >= 200, "{waited} of 1000 waited for half a second");
    let service = measured.values("t", Measure::Service);
    let slow: u64 = service
        .iter_recorded()
        .filter(|v| v.value_iterated_to() >= 900_000_000)
        .map(|v| v.count_at_value())
        .sum();
    assert!(slow <= 20, "counted from the sending, as closed loops do, {slow} saw it");
}

#[test]
fn a_rate_that_is_not_reached_is_said() {
    let address = serve(Behavior { delay: 50 * MS, ..Behavior::default() }, 0);
    let measured = measure(address, &plain(rate(200.0, 500 * MS, 2)));
    let (sent, good, overloaded, engine) = counted(measured.counters("t"));
    assert_eq!((sent, good, overloaded, engine.rate_reached), (100, 100, true, false), "{engine:?}");
    assert_eq!(engine.asked_per_second, Some(200.0));
    assert!(engine.reached_per_second < 100.0, "{engine:?}");
}

#[test]
fn arrivals_that_were_never_sent_count_as_time_outs() {
    let stall = Some((Duration::ZERO, Duration::from_secs(60)));
    let address = serve(Behavior { stall, ..Behavior::default() }, 0);
    let mut load = plain(rate(100.0, 300 * MS, 2));
    load.timeout = 400 * MS;
    let measured = measure(address, &load);
    let (sent, good, _, engine) = counted(measured.counters("t"));
    assert_eq!((sent, good, engine.timed_out), (30, 0, 30), "{engine:?}");
    assert!(engine.never_sent >= 20, "{engine:?}");
    assert!(measured.values("t", Measure::Intended).min() >= 399_000_000, "no less than the limit");
}

#[test]
fn the_answer_of_another_is_corrupt_however_fast_it_comes() {
    let address = serve(Behavior { lies: true, ..Behavior::default() }, 0);
    let measured = measure(address, &plain(rate(100.0, 200 * MS, 10)));
    let EventKind::LoadCounters { sent, good, corrupt, .. } = measured.counters("t") else { unreachable!() };
    assert_eq!((*sent, *good, *corrupt), (20, 0, 20));
    let anomalies =
        measured.events.iter().filter(|event| matches!(event.event, EventKind::Anomaly(_))).count();
    assert_eq!(anomalies, 20, "each is kept in full");
    assert!(measured.values("t", Measure::Intended).is_empty(), "and improves no percentile");
}

#[test]
fn a_refused_connection_is_an_error_and_no_latency() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let measured = measure(address, &plain(rate(100.0, 200 * MS, 10)));
    let (sent, good, _, engine) = counted(measured.counters("t"));
    assert_eq!((sent, good, engine.broken), (20, 0, 20));
}

#[test]
fn mixes_stages_bursts_and_threads_send_what_they_say() {
    let address = serve(Behavior::default(), 0);
    let mut load = plain(Executor::RampingArrivalRate {
        start_per_second: 0.0,
        stages: vec![
            RateStage { to_per_second: 400.0, duration: 500 * MS },
            RateStage { to_per_second: 400.0, duration: 500 * MS },
        ],
        max_in_flight: 50,
    });
    load.warmup = 500 * MS;
    load.connections = Connections::Each;
    load.shape = LoadShape {
        burst: 5,
        threads: 2,
        zipf: Some(1.1),
        mix: vec![MixPart {
            tag: "other".into(),
            weight: 1.0,
            method: "GET".into(),
            path: "/o/{n}".into(),
            keys: 0,
            zipf: None,
        }],
        ..LoadShape::default()
    };
    let measured = measure(address, &load);
    let (own, own_good, _, engine) = counted(measured.counters("t"));
    let (other, other_good, _, other_engine) = counted(measured.counters("other"));
    assert_eq!((own, other), (own_good, other_good));
    assert!((195..=205).contains(&(own + other)), "half a second at 400/s, not {own} + {other}");
    assert!(own > 50 && other > 50, "{own} {other}");
    let warmup = measured.values("t:warmup", Measure::Intended).len()
        + measured.values("other:warmup", Measure::Intended).len();
    assert!((95..=105).contains(&warmup), "the area beneath the ramp, not {warmup}");
    let opened = engine.connections_opened + other_engine.connections_opened;
    assert!(
        opened.abs_diff(own + other + warmup) <= 1,
        "each request on a connection of its own, not {opened}"
    );
}

#[test]
fn users_come_go_and_think() {
    let address = serve(Behavior::default(), 0);
    let mut load = plain(Executor::ConstantVus { vus: 4, duration: 600 * MS, iterations: 0 });
    load.shape.think = 100 * MS;
    let (sent, good, _, engine) = counted(measure(address, &load).counters("t"));
    assert_eq!(sent, good);
    assert!((4..=24).contains(&sent), "at most six each, not {sent}");
    assert!(engine.asked_per_second.is_none() && engine.connections_opened <= 4);
    let stages = vec![VuStage { to: 6, duration: 300 * MS }, VuStage { to: 0, duration: 300 * MS }];
    let mut load = plain(Executor::RampingVus { start: 1, stages });
    load.shape.think = 20 * MS;
    let (sent, good, _, engine) = counted(measure(address, &load).counters("t"));
    assert!(sent == good && sent >= 2 && engine.connections_opened <= 6, "{sent} {good} {engine:?}");
}

#[test]
fn users_who_keep_a_connection_each_hold_them_to_the_end() {
    let address = serve(Behavior::default(), 0);
    let stages = vec![VuStage { to: 30, duration: 300 * MS }, VuStage { to: 30, duration: 200 * MS }];
    let mut load = plain(Executor::RampingVus { start: 0, stages });
    load.shape = LoadShape { think: Duration::from_secs(10), spread: true, ..LoadShape::default() };
    let (sent, good, _, engine) = counted(measure(address, &load).counters("t"));
    assert_eq!((sent, good, engine.connections_held), (30, 30, 30));
    load.connections = Connections::Each;
    let (.., engine) = counted(measure(address, &load).counters("t"));
    assert_eq!((engine.connections_opened, engine.connections_held), (30, 0));
}

/// The tolerances of the specification; a table on standard output.
#[test]
#[ignore = "a measurement that wants an idle machine: cargo test --release -p harness --test integration engine -- --ignored --nocapture"]
fn truth() {
    let fixed = serve(Behavior { delay: 10 * MS, ..Behavior::default() }, 0);
    let measured = measure(fixed, &plain(rate(1000.0, Duration::from_secs(5), 200)));
    let (p50, p99) = (measured.ms("t", 0.5), measured.ms("t", 0.99));
    println!("10 ms fixed at 1,000/s: p50 {p50:.2} ms (10.1 to 10.3), p99 {p99:.2} ms (at most 10.7)");

    let stall = Some((Duration::from_secs(4), Duration::from_secs(1)));
    let stalling = serve(Behavior { delay: MS, stall, ..Behavior::default() }, 0);
    let load = plain(rate(1000.0, Duration::from_secs(10), 2000));
    let measured = measure(stalling, &load);
    let (sent, good, ..) = counted(measured.counters("t"));
    let (stall_p50, stall_p99) = (measured.ms("t", 0.5), measured.ms("t", 0.99));
    println!(
        "stall of 1 s in 10 s at 1,000/s: {sent} sent, {good} good, p50 {stall_p50:.2} ms, p99 {stall_p99:.0} ms (873 to 927)"
    );

    let quick = serve(Behavior::default(), 0);
    let mut load = plain(rate(5000.0, Duration::from_secs(5), 200));
    load.shape.spacing = Spacing::Poisson;
    load.warmup = Duration::from_secs(1);
    let lag = measure(quick, &load).values("t", Measure::SendLag);
    let us = |q| lag.value_at_quantile(q) as f64 / 1e3;
    println!(
        "send lag at 5,000/s (Poisson): p50 {:.0} µs, p99 {:.0} µs (at most 150), max {:.0} µs",
        us(0.5),
        us(0.99),
        us(1.0)
    );

    assert_eq!((sent, good), (10_000, 10_000));
    assert!((10.05..=10.3).contains(&p50) && p99 <= 10.7, "p50 {p50} p99 {p99}");
    assert!(stall_p50 < 1.5 && (873.0..=927.0).contains(&stall_p99), "p50 {stall_p50} p99 {stall_p99}");
    assert!(us(0.99) <= 150.0, "send lag p99 {} µs", us(0.99));
}
