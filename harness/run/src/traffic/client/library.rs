//! The library client: what an ordinary Rust application uses in front of a proxy.
//!
//! One of the client kinds of the concurrency checks. It pools connections as it likes and tells nothing of them, so it
//! is never used where order, errors or latency are judged.

use std::io;

use fake_backends::stamp::Claim;
use reqwest::header::HeaderMap;

use super::again::may_be_repeated;
use super::observe::{self, BodyObserver};
use super::trouble::{causes, is_lack, ours};
use super::{Clients, Seen};
use crate::traffic::request::Request;
use harness_model::history::{Cut, ExchangeEnd, FoundGone, Reconnected, Trouble};

/// The library, set up; or why it could not be.
#[derive(Debug)]
pub(super) struct Library {
    /// With a pool, as applications use it.
    pooling: Result<reqwest::Client, String>,
    /// Without one: every connection is fresh.
    fresh: Result<reqwest::Client, String>,
}

impl Library {
    /// Proxies of the environment are not asked, redirects not followed.
    pub(super) fn new() -> Library {
        let builder =
            || reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).http1_only();
        let in_words = |error: reqwest::Error| error.to_string();
        let fresh = builder().pool_max_idle_per_host(0).build().map_err(in_words);
        Library { pooling: builder().build().map_err(in_words), fresh }
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.pooling.as_ref().err().map(|error| format!("the HTTP library could not be set up: {error}"))
    }

    pub(super) async fn exchange(&self, clients: &Clients, request: &Request) -> Seen {
        let clock = clients.clock();
        let mut deadline = clients.deadline(request);
        let mut seen = Seen::nothing(clients.head_of(request), deadline.patience());
        let first_sent = clock.now();
        seen.sent = Some(first_sent);
        // What follows a time-out is what was seen until then.
        let ended = deadline.keep(transfer(&self.pooling, clients, request, &mut seen)).await;
        let mut end = ended.unwrap_or(ExchangeEnd::TimedOut);
        // The library does not tell whether that was a connection of its pool, which the proxy may close at any time; on a
        // fresh one it is no longer an excuse.
        if end == ExchangeEnd::ClosedWithoutAnswer && may_be_repeated(&request.method) {
            let found = FoundGone::Closed { first_sent };
            seen.reconnected = Some(Reconnected { connection: None, answered: 0, idle: None, found });
            seen.sent = Some(clock.now());
            let ended = deadline.keep(transfer(&self.fresh, clients, request, &mut seen)).await;
            end = ended.unwrap_or(ExchangeEnd::TimedOut);
        }
        seen.end = end;
        seen.finished = clock.now();
        seen.patience = deadline.patience();
        seen
    }
}

async fn transfer(
    client: &Result<reqwest::Client, String>,
    clients: &Clients,
    request: &Request,
    seen: &mut Seen,
) -> ExchangeEnd {
    let client = match client {
        Ok(client) => client,
        Err(error) => return ours(Trouble::Missing, error),
    };
    // The library opens sockets on this thread, which must be in the network of the run.
    if let Err(error) = clients.network().enter() {
        return ours(Trouble::NoMeans, error);
    }
    let method = match reqwest::Method::from_bytes(request.method.as_bytes()) {
        Ok(method) => method,
        Err(error) => return ours(Trouble::Inexpressible, error),
    };
    let mut builder = client.request(method, clients.url_of(request));
    if let Some(host) = clients.own_host() {
        builder = builder.header("Host", host);
    }
    if request.body_bytes > 0 {
        builder = builder.body(request.body());
    }
    let mut response = match builder.send().await {
        Ok(response) => response,
        Err(error) => return end_of(&error),
    };
    seen.head_received = Some(clients.clock().now());
    let status = response.status().as_u16();
    let head = head_of(status, response.headers());
    let fields = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let claim = Claim::read(fields, clients.secret());
    let mut body = BodyObserver::new(clients.secret());
    let end = loop {
        match response.chunk().await {
            Ok(Some(data)) => body.push(&data),
            Ok(None) => break ExchangeEnd::Complete,
            Err(error) => break ExchangeEnd::CutShort(Cut::Said(chain(&error))),
        }
    };
    let body = body.finish(&request.method, &request.target, status, 0);
    seen.response = Some(observe::response(status, head, body, claim));
    end
}

/// What an error in front of a response means.
fn end_of(error: &reqwest::Error) -> ExchangeEnd {
    let said = chain(error);
    let of_system = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    if error.is_builder() {
        return ours(Trouble::Inexpressible, said);
    }
    if of_system.is_some_and(is_lack) {
        return ours(Trouble::NoMeans, said);
    }
    if error.is_connect() {
        return ExchangeEnd::NotConnected(said);
    }
    let reset = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    };
    let closed = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
    let closed = closed.into_iter().any(|error| error.is_incomplete_message() || error.is_canceled());
    match closed || of_system.is_some_and(reset) {
        true => ExchangeEnd::ClosedWithoutAnswer,
        false => ExchangeEnd::CutShort(Cut::Said(said)),
    }
}

/// The head, written again from what the library tells of it.
fn head_of(status: u16, fields: &HeaderMap) -> Vec<u8> {
    let mut head = Vec::new();
    fake_backends::wire::push_status_line(&mut head, status, fake_backends::wire::reason_of(status));
    for (name, value) in fields {
        fake_backends::wire::push_field(&mut head, name.as_str(), value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// An error with its causes: the library's outermost message alone says little.
fn chain(error: &reqwest::Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
