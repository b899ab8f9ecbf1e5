//! TLS between a socket and the messages: the proxy's side of it, by rustls.
//!
//! `socket` reads and writes through it. It drives rustls itself, because a wire tries to read and write before the runtime
//! knows its socket. Nothing is decided here but how bytes are hidden: what they say is `connection`'s business.

use std::io::{self, BufRead, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::ReadBuf;
use xxhash_rust::xxh3::xxh3_128;

use super::socket::Socket;
use super::{BadPair, Sight};

/// What HTTP/2 is called in a handshake (RFC 9113 §3.1).
const HTTP2: &[u8] = b"h2";

/// A certificate with its key, and everything else that a handshake needs.
#[derive(Clone, Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
    fingerprint: (u128, u128),
}

impl Identity {
    /// Reads the certificate, those that signed it behind it, and the key. Who connects later gets tickets of this
    /// identity, with which it comes back sooner; no ticket is taken by another one.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, BadPair> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|error| BadPair::Certificate(reason(error)))?;
        if chain.is_empty() {
            return Err(BadPair::Certificate("it has no part that begins with BEGIN CERTIFICATE".into()));
        }
        let fingerprint = (xxh3_128(certificate), xxh3_128(key));
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| BadPair::Key(reason(error)))?;
        let provider = ring::default_provider();
        if let Err(error) = provider.key_provider.load_private_key(key.clone_key()) {
            return Err(BadPair::Key(error.to_string()));
        }
        let builder = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| BadPair::Certificate(error.to_string()))?;
        let mut config =
            builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => BadPair::Mismatch,
                error => BadPair::Certificate(error.to_string()),
            })?;
        config.ticketer = ring::Ticketer::new().map_err(|error| BadPair::Key(error.to_string()))?;
        // In the order of preference.
        config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint })
    }

    /// Takes the tickets of the one before, if it was made of the same files.
    pub fn go_on_with(&mut self, before: &Self) {
        if self.fingerprint == before.fingerprint {
            self.config = Arc::clone(&before.config);
        }
    }
}

fn reason(error: pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it has no part that begins with BEGIN PRIVATE KEY".into(),
        error => error.to_string(),
    }
}

/// One side of a TLS connection.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) socket: Socket,
    session: ServerConnection,
}

/// A connection between two requests, whose socket is kept elsewhere.
#[derive(Debug)]
pub(super) struct Session(Box<Tls>);

/// Begins with a socket on which nothing has been said.
pub(super) fn accept(stream: TcpStream, identity: &Identity) -> io::Result<Socket> {
    let session = ServerConnection::new(Arc::clone(&identity.config)).map_err(io::Error::other)?;
    Ok(Socket::Tls(Box::new(Tls { socket: Socket::Fresh(stream), session })))
}

/// Takes a socket and what lies above it apart.
pub(super) fn rest(socket: Socket) -> (Socket, Option<Session>) {
    match socket {
        Socket::Tls(mut tls) => (std::mem::replace(&mut tls.socket, Socket::Lost), Some(Session(tls))),
        socket => (socket, None),
    }
}

impl Session {
    /// Puts both together again.
    pub(super) fn resume(mut self, stream: TcpStream) -> Socket {
        self.0.socket = Socket::Fresh(stream);
        Socket::Tls(self.0)
    }
}

impl Tls {
    /// Agrees with the other side on keys, until everything about that has left.
    pub(super) fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            ready!(self.poll_flush(context))?;
            if ready!(self.poll_records(context, true))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.poll_flush(context)
    }

    pub(super) fn speaks_http2(&self) -> bool {
        self.session.alpn_protocol() == Some(HTTP2)
    }

    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
        is_waiting: bool,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut reader = self.session.reader();
            match reader.fill_buf() {
                Ok(bytes) => {
                    let count = bytes.len().min(space.remaining());
                    space.put_slice(&bytes[..count]);
                    reader.consume(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Closed without a word. Every message says where it ends, so one that was cut off shows by itself.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.poll_records(context, is_waiting))?;
        }
    }

    /// Waits for bytes of a message, not for those of TLS.
    pub(super) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.is_silent() {
            ready!(self.poll_records(context, true))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether nothing was received that has not been read, not even the end.
    fn is_silent(&mut self) -> bool {
        let waiting = self.session.reader().into_first_chunk();
        matches!(waiting, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Receives once and understands what has come. Zero: the other side has closed.
    fn poll_records(&mut self, context: &mut Context<'_>, is_waiting: bool) -> Poll<io::Result<usize>> {
        let mut raw = Raw { socket: &mut self.socket, context, is_waiting };
        let count = match self.session.read_tls(&mut raw) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            result => result?,
        };
        let processed = self.session.process_new_packets();
        if self.session.wants_write() {
            // An answer of TLS itself, or the reason for which it ends; if it does not fit it leaves with what comes next.
            let _ = self.poll_flush(context);
        }
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Poll::Ready(Ok(count))
    }

    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // What waits is bounded: nothing is taken before it has left.
        ready!(self.poll_flush(context))?;
        let count = self.take(slices)?;
        match self.poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    /// Takes what there is room for and hides it; it leaves at the next flush. What waits is bounded by rustls, to 64 KiB.
    pub(super) fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.take(slices)? {
            0 => {
                ready!(self.poll_flush(context))?;
                Poll::Ready(self.take(slices))
            }
            count => Poll::Ready(Ok(count)),
        }
    }

    fn take(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [single] => self.session.writer().write(single),
            several => self.session.writer().write_vectored(several),
        }
    }

    /// Whether something was taken that has not left.
    pub(super) fn has_unsent(&self) -> bool {
        self.session.wants_write()
    }

    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let mut raw = Raw { socket: &mut self.socket, context, is_waiting: true };
            match self.session.write_tls(&mut raw) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// What the other side has done, while nothing is expected of it and its socket is there: it says that it ends in a
    /// record, which looks like the next request until it is read.
    pub(super) fn look(&mut self) -> Sight {
        match self.session.reader().into_first_chunk() {
            Ok(bytes) if !bytes.is_empty() => return Sight::There,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return Sight::SaidAll,
        }
        let Some(socket) = self.socket.raw() else { return Sight::Gone };
        // Behind the runtime's back, which would forget who is to be woken.
        match self.session.read_tls(&mut &*socket) {
            Ok(0) => Sight::SaidAll,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sight::There,
            Err(_) => Sight::Gone,
            Ok(_) => match self.session.process_new_packets() {
                Err(_) => Sight::Gone,
                Ok(state) if state.peer_has_closed() => Sight::SaidAll,
                Ok(_) => Sight::There,
            },
        }
    }

    /// Says that nothing more will be sent (RFC 8446 §6.1), if there is room for the word.
    pub(super) fn say_end(&mut self) {
        self.session.send_close_notify();
        // Nobody waits to write on a connection that is about to end.
        let _ = self.poll_flush(&mut Context::from_waker(Waker::noop()));
    }
}

/// A socket as rustls would like it: blocking, with an error where it would block.
struct Raw<'a, 'b> {
    socket: &'a mut Socket,
    context: &'a mut Context<'b>,
    is_waiting: bool,
}

impl Read for Raw<'_, '_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mut space = ReadBuf::new(space);
        match self.socket.poll_read(self.context, &mut space, self.is_waiting) {
            Poll::Ready(result) => result.map(|()| space.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Raw<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.socket.poll_write(self.context, slices) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
