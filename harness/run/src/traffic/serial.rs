//! `serial`: requests one after the other, each once the last is answered and the backends are at rest.
//!
//! The conductor calls it; the exact cycle of a rotation is judged on it, and the kinds of clients too.

use std::time::Duration;

use super::quiescence::settle;
use super::{Numbers, Problem, Request, Traffic, expand};
use harness_model::history::Purpose;
use harness_model::plan::{Connections, Serial, Step};

/// The answer may reach the client a moment before the backend has noted that it is done.
const AT_REST_WITHIN: Duration = Duration::from_secs(2);
/// Once the backends did not come to rest, such as with a request that hangs there, the others do not wait for that again.
const AT_REST_AFTERWARDS: Duration = Duration::from_millis(20);

/// Sends all of them.
///
/// # Errors
/// The kind of client is missing here.
pub async fn run(traffic: &Traffic, step: &Step, serial: &Serial) -> Result<(), Problem> {
    if let Some(problem) = traffic.clients.missing(serial.client) {
        return Err(problem);
    }
    let (mut connection, mut patience) = (None, AT_REST_WITHIN);
    for number in 0..serial.requests {
        if traffic.clients.leaves_out((serial.requests - number).into()) {
            break;
        }
        let target = expand(&serial.path, Numbers { n: number.into(), batch: 0, cycle: step.cycle });
        let now = traffic.clients.clock().now();
        let mut request = Request::get(Purpose::Serial, number, target, now).in_group(step.cycle);
        request.method.clone_from(&serial.method);
        request.client = serial.client;
        request.body_bytes = serial.body_bytes;
        request.keep = serial.connections == Connections::One;
        traffic.clients.ask_on(&mut connection, &request, None).await;
        if !settle(&traffic.journal, 0, patience).await {
            patience = AT_REST_AFTERWARDS;
        }
    }
    Ok(())
}
