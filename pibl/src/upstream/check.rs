//! Active health checks: one small request to each backend every now and then.
//!
//! `run` starts it beside the workers when the configuration names a path. It only reports what it saw;
//! the balancer decides what that means.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::connect::connect;
use crate::balancer::{Balancer, Member};
use crate::clock;
use crate::config::HealthSettings;
use crate::http::{HeadLimits, ResponseHead, parse};
use crate::wire::ReadBuffer;

/// How often a configuration without checks is looked at again: a reload may bring a path.
const IDLE: Duration = Duration::from_secs(1);

/// Checks all backends for ever, with the settings that are in force at each round.
pub async fn check_for_ever(balancer: &Balancer, settings: impl Fn() -> HealthSettings) {
    let mut due = clock::monotonic();
    loop {
        let settings = settings();
        let Some(path) = settings.path.as_deref() else {
            tokio::time::sleep(IDLE).await;
            due = clock::monotonic();
            continue;
        };
        let path: Arc<str> = path.into();
        let mut checks = tokio::task::JoinSet::new();
        for member in balancer.members() {
            let path = Arc::clone(&path);
            let timeout = settings.timeout;
            checks.spawn_local(async move {
                let is_healthy = is_healthy(&member, &path, timeout).await;
                (member, is_healthy)
            });
        }
        while let Some(result) = checks.join_next().await {
            if let Ok((member, is_healthy)) = result {
                balancer.report_check(&member, is_healthy, clock::monotonic());
            }
        }
        // Counted from one round to the next: a backend that hangs until its time is over puts off nobody else's check.
        due = (due + settings.interval).max(clock::monotonic());
        tokio::time::sleep_until(due.into()).await;
    }
}

async fn is_healthy(member: &Member, path: &str, timeout: Duration) -> bool {
    let status = tokio::time::timeout(timeout, ask(&member.address, path, timeout)).await;
    let status = status.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match status {
        Ok(status) => (200..400).contains(&status),
        Err(error) => {
            tracing::debug!(backend = %member.address, "the check failed: {error}");
            false
        }
    }
}

/// Asks for the path on a connection of its own and returns the status.
async fn ask(address: &str, path: &str, timeout: Duration) -> io::Result<u16> {
    let wire = connect(address, timeout).await.map_err(io::Error::other)?;
    wire.deadline.set(timeout);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: pibl-health-check\r\nConnection: close\r\n\r\n"
    );
    wire.write_all(request.as_bytes()).await?;
    let limits = HeadLimits::default();
    let mut buffer = ReadBuffer::lease();
    let mut head = ResponseHead::default();
    loop {
        buffer.reserve(limits.head_bytes + 1);
        if wire.fill(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match parse::response_head(buffer.filled(), &limits, false, &mut head) {
            Ok(Some(_)) => return Ok(head.status),
            Ok(None) => {}
            Err(problem) => return Err(io::Error::other(problem)),
        }
    }
}
