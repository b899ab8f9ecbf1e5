//! `overtake`: a slow request, and fast ones that must not wait for it.
//!
//! The conductor calls it. The fast ones begin once the journal shows the slow one inside a backend, so that none of them
//! can be ahead of it by luck.

use std::time::Duration;

use super::{Numbers, Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::{Overtake, Step};

/// How long the slow request may take to reach a backend.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);
/// What a request may take beyond the time of the slow one.
const BEYOND: Duration = Duration::from_secs(10);

/// Sends the slow one, and the fast ones while it is inside.
///
/// # Errors
/// The slow request never reached a backend.
pub async fn run(traffic: &Traffic, step: &Step, overtake: &Overtake) -> Result<(), Problem> {
    let clients = &traffic.clients;
    let expanded =
        |path: &str, n: u32| traffic.target(path, Numbers { n: n.into(), batch: 0, cycle: step.cycle });
    let mut slow = Request::get(Purpose::Slow, 0, expanded(&overtake.slow, 0), clients.clock().now());
    slow.group = step.cycle;
    slow.timeout = overtake.slow_takes + BEYOND;
    let fast = async {
        if !arrived(traffic, slow.target.clone()).await {
            return Err(Problem::SlowNotReached);
        }
        for number in 0..overtake.requests {
            let target = expanded(&overtake.fast, number);
            if clients.leaves_out((overtake.requests - number).into()) {
                break;
            }
            let mut request = Request::get(Purpose::Fast, number, target, clients.clock().now());
            request.group = step.cycle;
            // One that waits for the slow one must be seen to do so, not given up.
            request.timeout = overtake.slow_takes + BEYOND;
            clients.ask(&request).await;
        }
        Ok(())
    };
    let (_, fast) = tokio::join!(clients.ask(&slow), fast);
    fast
}

async fn arrived(traffic: &Traffic, target: String) -> bool {
    let journal = traffic.journal.clone();
    let clock = journal.clock();
    let deadline = clock.instant_of(clock.now() + ARRIVES_WITHIN);
    let begun = clock.now();
    let wait = move || {
        journal.wait_until(deadline, |attempts| {
            attempts
                .iter()
                .rev()
                .take_while(|a| a.arrived >= begun.minus(ARRIVES_WITHIN))
                .any(|a| a.target == target)
        })
    };
    tokio::task::spawn_blocking(wait).await.unwrap_or(false)
}
