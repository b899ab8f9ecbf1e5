//! An overload: two clients at two addresses, one of which asks for far more than can be done for a while.
//!
//! The conductor calls it. Each is an open loop of the load engine of its own, so that what one is refused does not slow the
//! other's arrivals; what each got is in their histograms.

use std::sync::Mutex;

use super::load::{self, CpuMeter};
use super::{Problem, Traffic};
use harness_model::history::IntervalLog;
use harness_model::plan::{Caller, Overload, Step};

/// Carries out the step.
///
/// # Errors
/// No thread or timer is to be had, or the interval log cannot be written.
pub async fn run(
    traffic: &Traffic,
    step: &Step,
    overload: &Overload,
    log: &Mutex<IntervalLog>,
    proxy_cpu: CpuMeter<'_>,
) -> Result<(), Problem> {
    let client = async |caller: &Caller| {
        let traffic = Traffic { clients: traffic.clients.coming_from(caller.from), ..traffic.clone() };
        load::run(&traffic, step, &caller.load, log, proxy_cpu).await
    };
    let (modest, greedy) = tokio::join!(client(&overload.modest), client(&overload.greedy));
    modest.and(greedy)
}
