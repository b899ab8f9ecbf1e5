//! Callers: requests from several addresses of this machine, through the proxy and past it.
//!
//! The conductor calls it. Who should have been let in is not known here; the number of an exchange is the place of its
//! address in the step's list.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Numbers, Request, Traffic, expand};
use harness_model::history::Purpose;
use harness_model::plan::Callers;

/// A backend that says nothing to a stranger need not be waited for longer.
const PAST_THE_PROXY: Duration = Duration::from_secs(1);

/// Carries out the step; `backends` are where they would be reached without the proxy.
pub async fn run(traffic: &Traffic, plan: &Callers, backends: &[SocketAddr]) {
    let mut n = 0;
    for (place, from) in plan.from.iter().enumerate() {
        let clients = traffic.clients.coming_from(*from);
        for _ in 0..plan.requests {
            n += 1;
            let target = expand(&plan.path, Numbers { n, ..Numbers::default() });
            let request = Request::get(Purpose::Caller, place as u32, target, clients.clock().now());
            clients.ask(&request).await;
        }
        let strangers = backends.iter().enumerate().filter(|_| plan.past_the_proxy);
        for (backend, address) in strangers {
            n += 1;
            let target = expand(&plan.path, Numbers { n, ..Numbers::default() });
            let mut request =
                Request::get(Purpose::PastTheProxy, place as u32, target, clients.clock().now());
            request.timeout = PAST_THE_PROXY;
            clients.asking(*address).ask(&request.in_group(backend as u32)).await;
        }
    }
}
