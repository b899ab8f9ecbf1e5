//! Answers that pibl gives itself, because there is nobody else who could.
//!
//! `forward` answers for backends that fail and `connection` for requests that are refused. It never
//! tells a client more than whose fault it was and which rule is behind it.

use super::After;
use super::client::{Client, Outlet};
use super::fields::{Delivery, finish_head};
use super::record::Record;
use super::services::Worker;
use crate::admission::Denied;
use crate::http::encode;
use crate::http::head::reason_phrase;
use crate::http::{Method, Refusal};

/// Refuses a request and tells the client why. What the client still sends is not read as a request.
pub async fn refuse(worker: &Worker, client: &mut Client<'_>, refusal: Refusal) -> After {
    let mut record = Record::start();
    refuse_with(worker, client, &mut record, refusal).await
}

/// Says what can be asked of this proxy (RFC 9110 §9.3.7).
pub(super) async fn options(worker: &Worker, client: &mut Client<'_>, persistent: bool) -> After {
    let mut record = Record::start();
    let persistent = persistent && !worker.is_draining();
    answer(worker, client.outlet(), &mut record, 200, "this proxy is the last hop", persistent).await
}

/// Tells a client that it may not come in, or not now. `persistent`: it may try again right here.
pub async fn deny(worker: &Worker, client: &mut Client<'_>, denied: Denied, persistent: bool) -> After {
    worker.counters.requests_refused.add(1);
    let mut record = Record::start();
    match answer(worker, client.outlet(), &mut record, denied.status(), denied.explanation(), persistent)
        .await
    {
        After::Close => After::Linger,
        after => after,
    }
}

pub(super) async fn refuse_with(
    worker: &Worker,
    client: &mut Client<'_>,
    record: &mut Record,
    refusal: Refusal,
) -> After {
    worker.counters.requests_refused.add(1);
    answer(worker, client.outlet(), record, refusal.status(), refusal.explanation(), false).await;
    After::Linger
}

/// Writes a complete small response. A connection that cannot be written to is closed in any case.
pub(super) async fn answer(
    worker: &Worker,
    outlet: Outlet<'_>,
    record: &mut Record,
    status: u16,
    explanation: &str,
    persistent: bool,
) -> After {
    let reason = reason_phrase(status);
    let Outlet { audience, peer, request, out } = outlet;
    out.clear();
    encode::status_line(out, status, reason.as_bytes());
    encode::field(out, "Date", &worker.http_date());
    encode::field(out, "Content-Type", b"text/plain; charset=utf-8");
    let length = reason.len() + explanation.len() + 7;
    encode::number_field(out, "Content-Length", length as u64);
    match status {
        200 | 405 => encode::field(out, "Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        429 | 503 => encode::field(out, "Retry-After", b"1"),
        _ => {}
    }
    finish_head(out, Delivery::Length, persistent, request.version);
    if request.method != Method::Head {
        encode::decimal(out, u64::from(status));
        for part in [" ", reason, ": ", explanation, "\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        record.response_bytes = length as u64;
    }
    record.status = status;
    worker.write_log(peer, request, record);
    worker.log_is_written().await;
    let patience = worker.config().timeouts.request_body;
    match audience.write(out, patience).await {
        Ok(()) if persistent => After::KeepAlive,
        Ok(()) => After::Close,
        Err(_) => After::Abort,
    }
}
