//! The life of one request: cache, balancer, backend, cache again, log.
//!
//! `connection` calls [`run`] for each request that it parsed. Nothing here knows how connections are
//! accepted, and no other module knows the order of these steps.

mod answer;
mod attempt;
mod client;
mod counters;
mod departure;
mod fields;
mod forward;
mod pace;
mod record;
mod relay;
mod retry_budget;
mod services;
mod stored;
mod tunnel;
mod upload;

pub use answer::{deny, refuse};
pub use client::{Audience, Client};
pub use counters::{Counter, Counters, DURATION_BOUNDS_MICROS};
pub use services::{Services, Worker};

use std::pin::pin;
use std::rc::Rc;

use crate::cache::{self, Answer, Fetch};
use crate::http::{BodyFraming, Fields, Method, ReceivedRequest, Refusal, Version, hop_by_hop, is_token};
use crate::wire::Wire;
use departure::Departure;
use fields::Wishes;
use record::Record;

/// What becomes of the client's connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next request may come.
    KeepAlive,
    /// Everything was said; the connection is closed.
    Close,
    /// Closed as well, but the client may still be sending: what it sends is read and thrown away for a
    /// moment, because a reset would destroy the answer on its way (RFC 9112 §9.6).
    Linger,
    /// The connection is closed in the middle of a message, whose framing shows that it is incomplete.
    Abort,
    /// The connection is reset, because a plain close would look like the proper end.
    Reset,
}

/// Answers the request whose head is in `client.request`.
pub async fn run(worker: &Rc<Worker>, client: &mut Client<'_>, received: ReceivedRequest) -> After {
    if client.request.method == Method::Options && is_last_hop(&mut client.request.fields) {
        return answer::options(worker, client, received.persistent).await;
    }
    if fields::has_passed_here(&client.request.fields) {
        return answer::refuse(worker, client, Refusal::Loop).await;
    }
    let mut record = Record::start();
    let protocols = requested_protocols(client, &received);
    let wishes =
        Wishes { upgrade: protocols.as_deref(), trailers: fields::accepts_trailers(&client.request.fields) };
    let is_trusted = worker.config().limits.trusts(client.peer.ip());
    hop_by_hop::strip_request(&mut client.request.fields, is_trusted);
    if client.request.version == Version::Http10 && !client.request.fields.contains("host") {
        // RFC 9112 §3.2: what goes on is HTTP/1.1 and needs one; the client meant this address.
        let address = client.audience.0.and_then(Wire::local_address);
        let address = address.map_or_else(|| "localhost".to_owned(), |address| address.to_string());
        client.request.fields.append("Host", address);
    }
    // A GET with a body is nobody's idea of a resource, and tunnels are none at all.
    let is_plain = received.framing == BodyFraming::Empty || !client.request.method.is_safe();
    if wishes.upgrade.is_some() || !is_plain {
        if let Some(reply) = cache::only_if_cached(&client.request) {
            let _ = stored::send(worker, &mut client.outlet(), &reply, false, &mut record).await;
            // Whatever follows the head is not read.
            return After::Linger;
        }
        return forward::forward(worker, client, &received, &wishes, None, &mut record).await;
    }
    let asked = {
        let ask = pin!(worker.cache.ask(&client.request, record.steady_at));
        Departure::of(client.audience, client.request.version, None, None).or(ask).await
    };
    let Some(answer) = asked else { return forward::give_up(worker, client, &mut record, After::Abort) };
    let reply = match answer {
        Answer::Reply(reply) => reply,
        Answer::ReplyAndRefresh(reply, fetch) => {
            refresh(worker, client, fetch);
            reply
        }
        Answer::Stream(stream) => {
            return stored::follow(worker, &mut client.outlet(), stream, received.persistent, &mut record)
                .await;
        }
        Answer::Fetch(fetch) => {
            return forward::forward(worker, client, &received, &wishes, Some(fetch), &mut record).await;
        }
    };
    match stored::send(worker, &mut client.outlet(), &reply, received.persistent, &mut record).await {
        Ok(after) => after,
        Err(stored::Unreadable) => {
            let fetch = Box::pin(worker.cache.replace(&client.request, &reply)).await;
            forward::forward(worker, client, &received, &wishes, Some(fetch), &mut record).await
        }
    }
}

/// RFC 5861 §3: asks a backend for a fresh response while the client has the stale one already.
fn refresh(worker: &Rc<Worker>, client: &Client<'_>, fetch: Fetch) {
    let worker = Rc::clone(worker);
    let mut nobody = Client::nobody(client.peer);
    nobody.request = client.request.clone();
    let received = ReceivedRequest {
        consumed: 0,
        framing: BodyFraming::Empty,
        persistent: false,
        expects_continue: false,
        upgrade: false,
    };
    tokio::task::spawn_local(async move {
        let mut record = Record::start();
        record.is_silent = true;
        let wishes = Wishes::default();
        forward::forward(&worker, &mut nobody, &received, &wishes, Some(fetch), &mut record).await
    });
}

/// The protocols to ask the backend for. HTTP/2 is never asked for, whatever it is called: a tunnel of requests that
/// nobody looks at would go around every rule of this proxy.
fn requested_protocols(client: &Client<'_>, received: &ReceivedRequest) -> Option<Vec<u8>> {
    let fields = &client.request.fields;
    if !received.upgrade || !fields.list("upgrade").all(may_be_asked_for) {
        return None;
    }
    fields.combined("upgrade").map(std::borrow::Cow::into_owned)
}

/// `token ["/" token]` (RFC 9110 §7.8), and not HTTP itself under any of its names: `h2c`, `h2c/1`, `h2c-14`, `HTTP/2.0`.
fn may_be_asked_for(protocol: &[u8]) -> bool {
    let mut parts = protocol.splitn(2, |&byte| byte == b'/');
    let name = parts.next().unwrap_or_default();
    let begins =
        |known: &[u8]| name.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known));
    is_token(name) && parts.next().is_none_or(is_token) && !begins(b"h2") && !begins(b"http")
}

/// RFC 9110 §7.6.2: `Max-Forwards` is counted down, and at zero the request is answered here.
fn is_last_hop(fields: &mut Fields) -> bool {
    let hops = fields.get("max-forwards").and_then(|value| std::str::from_utf8(value).ok());
    match hops.and_then(|hops| hops.parse::<u32>().ok()) {
        Some(0) => true,
        Some(hops) => {
            fields.set("Max-Forwards", (hops - 1).to_string());
            false
        }
        None => false,
    }
}
