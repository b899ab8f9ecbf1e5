//! The load engine alone: against the server with known delays, or against any address, with what it cost itself.
//!
//! It made the tables of `docs/engine.md`, beside wrk and ab against the same server:
//! `cargo run --release -p harness --example engine -- serve --port 8090 --delay 10ms`, and
//! `cargo run --release -p harness --example engine -- load 127.0.0.1:8090 --rate 1000 --duration 5s`.

#[path = "../tests/known_server/mod.rs"]
mod known_server;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use harness_model::history::{EventKind, Measure};
use harness_model::plan::{Connections, Executor};
use known_server::{Behavior, measure, plain, serve};

#[derive(Debug, Parser)]
enum Command {
    /// Serve content after a known delay.
    Serve {
        #[arg(long, default_value_t = 8090)]
        port: u16,
        #[arg(long, default_value = "0ms", value_parser = humantime::parse_duration)]
        delay: Duration,
        /// Since the first request.
        #[arg(long, value_parser = humantime::parse_duration)]
        stall_after: Option<Duration>,
        #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
        stall: Duration,
    },
    /// Send load and print what came of it.
    Load {
        address: SocketAddr,
        #[arg(long, default_value = "/k/{key}")]
        path: String,
        #[arg(long, default_value_t = 64)]
        vus: u32,
        /// Arrivals a second; left out: as fast as the virtual users can.
        #[arg(long)]
        rate: Option<f64>,
        #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
        duration: Duration,
        /// A new connection for each request.
        #[arg(long)]
        close: bool,
    },
}

fn main() {
    match Command::parse() {
        Command::Serve { port, delay, stall_after, stall } => {
            let stall = stall_after.map(|after| (after, stall));
            println!("serving on {}", serve(Behavior { delay, stall, lies: false }, port));
            loop {
                std::thread::park();
            }
        }
        Command::Load { address, path, vus, rate, duration, close } => {
            let executor = match rate {
                Some(rate_per_second) => {
                    Executor::ConstantArrivalRate { rate_per_second, duration, max_in_flight: vus }
                }
                None => Executor::ConstantVus { vus, duration, iterations: 0 },
            };
            let mut load = plain(executor);
            load.path = path;
            load.warmup = duration / 10;
            load.connections = if close { Connections::Each } else { Connections::One };
            let measured = measure(address, &load);
            let EventKind::LoadCounters { sent, good, errors, corrupt, overloaded, seconds, engine, .. } =
                measured.counters("t")
            else {
                return;
            };
            let cpu = engine.engine_cpu.unwrap_or_default().as_secs_f64();
            println!(
                "{sent} sent, {good} right, {errors} errors, {corrupt} corrupt; {:.0}/s; engine {:.2} µs CPU a request{}{}",
                *sent as f64 / seconds,
                cpu / (*sent).max(1) as f64 * 1e6,
                if *overloaded { "; every connection was busy at times" } else { "" },
                if engine.rate_reached { "" } else { "; RATE NOT REACHED" },
            );
            for (name, values) in [
                ("intended", Measure::Intended),
                ("service", Measure::Service),
                ("send lag", Measure::SendLag),
            ]
            .map(|(name, measure)| (name, measured.values("t", measure)))
            {
                let ms = |quantile| values.value_at_quantile(quantile) as f64 / 1e6;
                println!(
                    "{name:>9}: p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, max {:.3} ms",
                    ms(0.5),
                    ms(0.99),
                    ms(0.999),
                    ms(1.0)
                );
            }
        }
    }
}
