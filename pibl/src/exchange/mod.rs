//! The life of one request: cache, balancer, backend, cache again, log.
//!
//! `connection` calls [`run`] for each request that it parsed. Nothing here knows how connections are
//! accepted, and no other room knows the order of these steps.

mod answer;
mod attempt;
mod client;
mod fields;
mod forward;
mod record;
mod relay;
mod services;
mod tunnel;
mod upload;

pub use answer::refuse;
pub use client::Client;
pub use services::{Counters, Services, Worker};

use crate::http::ReceivedRequest;

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
pub async fn run(worker: &Worker, client: &mut Client<'_>, received: ReceivedRequest) -> After {
    forward::forward(worker, client, received).await
}
