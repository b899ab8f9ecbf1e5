//! The client of HTTP/2 in a build that has none: nobody can have a connection of it.

use tokio::sync::Barrier;

use super::Clients;
use crate::traffic::request::Request;
use harness_model::history::{Exchange, ExchangeEnd};

/// A connection of HTTP/2; none can be made in this build.
#[derive(Clone, Debug)]
pub enum Http2 {}

/// An answer that nobody reads.
pub enum Unread {}

impl Clients {
    pub(in crate::traffic) async fn open_http2(&self) -> Result<Http2, ExchangeEnd> {
        Err(ExchangeEnd::NotConnected("no HTTP/2 in this build".to_owned()))
    }

    pub(in crate::traffic) async fn ask_by_http2(
        &self,
        _: &mut Option<Http2>,
        request: &Request,
        gate: Option<&Barrier>,
    ) -> Exchange {
        // The conductor carries out no step of HTTP/2 in this build.
        self.ask_on(&mut None, request, gate).await
    }

    pub(in crate::traffic) async fn leave_unread(&self, connection: &Http2, _: &Request) -> Option<Unread> {
        match *connection {}
    }
}

impl Http2 {
    pub(in crate::traffic) fn most_streams(&self) -> usize {
        match *self {}
    }
}
