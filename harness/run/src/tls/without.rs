//! HTTPS in a build that does not speak it: there is none, and the type says so.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Issued, Shaken};
use harness_model::history::Offered;

/// The authority and the clients of a run; none can be made in this build.
#[derive(Debug)]
pub enum Tls {}

impl Tls {
    /// There is none.
    ///
    /// # Errors
    /// Always: the harness was built without the feature.
    pub fn new(_address: SocketAddr, _name: String) -> std::io::Result<Tls> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    /// Where the proxy is asked by HTTPS.
    pub fn address(&self) -> SocketAddr {
        match *self {}
    }

    /// The name that clients ask for.
    pub fn name(&self) -> &str {
        match *self {}
    }

    /// The value of `Host`.
    pub fn host(&self) -> String {
        match *self {}
    }

    /// The next certificate.
    ///
    /// # Errors
    /// It could not be made.
    pub fn issue(&self) -> std::io::Result<Issued> {
        match *self {}
    }

    pub(crate) async fn shake(&self, _stream: TcpStream, _offered: &Offered) -> Shaken {
        match *self {}
    }
}

/// A connection over TLS.
#[derive(Debug)]
pub(super) enum TlsStream {}

impl TlsStream {
    pub(super) fn get_ref(&self) -> (&TcpStream, ()) {
        match *self {}
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        match *self {}
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match *self {}
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match *self {}
    }
}
