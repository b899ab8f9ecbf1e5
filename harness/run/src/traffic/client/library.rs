//! The library client: what an ordinary Rust application uses in front of a proxy.
//!
//! One of the client kinds of the concurrency checks. It pools connections as it likes and tells nothing of them, so it
//! is never used where order, errors or latency are judged.

use reqwest::header::HeaderMap;

use super::observe::{BodyObserver, stamp_of};
use super::{Clients, Seen};
use crate::traffic::request::Request;
use harness_model::history::{ExchangeEnd, ResponseSeen, WireBytes};

/// The library, set up; or why it could not be.
#[derive(Debug)]
pub(super) struct Library {
    client: Result<reqwest::Client, String>,
}

impl Library {
    /// Proxies of the environment are not asked, redirects not followed.
    pub(super) fn new() -> Library {
        let builder =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).http1_only();
        Library { client: builder.build().map_err(|error| error.to_string()) }
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.client.as_ref().err().map(|error| format!("the HTTP library could not be set up: {error}"))
    }

    pub(super) async fn exchange(&self, clients: &Clients, request: &Request) -> Seen {
        let clock = clients.clock();
        let sent = clock.now();
        let mut seen = Seen {
            connection: None,
            request_head: clients.head_of(request),
            sent: Some(sent),
            head_received: None,
            finished: sent,
            end: ExchangeEnd::TimedOut,
            response: None,
        };
        let deadline = clients.deadline(request);
        // What follows the timeout is what was seen until then.
        let transfer = self.transfer(clients, request, &mut seen);
        let end = tokio::time::timeout_at(deadline, transfer).await.unwrap_or(ExchangeEnd::TimedOut);
        seen.end = end;
        seen.finished = clock.now();
        seen
    }

    async fn transfer(&self, clients: &Clients, request: &Request, seen: &mut Seen) -> ExchangeEnd {
        let client = match &self.client {
            Ok(client) => client,
            Err(error) => return ExchangeEnd::NotConnected(error.clone()),
        };
        // The library opens sockets on this thread, which must be in the network of the run.
        if let Err(error) = clients.network().enter() {
            return ExchangeEnd::NotConnected(error.to_string());
        }
        let method = match reqwest::Method::from_bytes(request.method.as_bytes()) {
            Ok(method) => method,
            Err(error) => return ExchangeEnd::NotConnected(error.to_string()),
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
            Err(error) if error.is_connect() => return ExchangeEnd::NotConnected(chain(&error)),
            Err(error) => return ExchangeEnd::CutShort(chain(&error)),
        };
        seen.head_received = Some(clients.clock().now());
        let status = response.status().as_u16();
        let head = head_of(status, response.headers());
        let fields = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let stamp = stamp_of(fields);
        let mut body = BodyObserver::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(data)) => body.push(&data),
                Ok(None) => break ExchangeEnd::Complete,
                Err(error) => break ExchangeEnd::CutShort(chain(&error)),
            }
        };
        let body = body.finish(&request.method, &request.target, status, 0);
        seen.response = Some(ResponseSeen { status, head: WireBytes(head), body, stamp });
        end
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
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
