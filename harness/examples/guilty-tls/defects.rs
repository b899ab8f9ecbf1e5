//! The defects: each says where the guilty proxy does otherwise than the honest one.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{SupportedProtocolVersion, version};

/// What is wrong with this proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Defect {
    /// Nothing.
    None,
    /// A client of TLS 1.0 or 1.1 is told to go on.
    SpeaksOldVersions,
    /// TLS 1.3 is not spoken.
    WithoutTls13,
    /// Nor is TLS 1.2.
    WithoutTls12,
    /// HTTP/2 is chosen where it is offered, and not spoken.
    ChoosesWhatItCannotSpeak,
    /// Who does not offer HTTP/2 is refused.
    InsistsOnHttp2,
    /// A certificate that it has made itself is shown.
    OwnCertificate,
    /// Of the file with the certificates the first one alone is shown.
    LeafAlone,
    /// A new certificate is never read.
    NeverRenews,
    /// When a new certificate is read, clients that are being served are dropped.
    DropsClientsAtRenewal,
    /// Over TLS an answer ends after 64 KiB.
    CutsOverTls,

    // Those of HTTP/2.
    /// All streams of a connection go to one backend.
    TurnPerConnection,
    /// Every answer says `Connection: keep-alive`.
    ConnectionInAnswers,
    /// A stream is answered when those before it are done with.
    StreamsOneByOne,
    /// After some streams that were opened and reset nobody is served for a while.
    StandsStillAfterResets,
    /// A head is read for as long as it goes on.
    ReadsHeadsWithoutEnd,
    /// Requests are written down for the backend as they are.
    WritesDownAsItIs,

    // What no honest proxy need do, and any may.
    /// A connection has one stream at a time.
    OneStreamAtATime,
    /// After ten streams a connection is ended in good order.
    TenStreamsAConnection,
    /// Of a head that is too long no more is read.
    StopsReadingLongHeads,
    /// To requests that mean two nothing is said.
    SaysNothing,
}

/// A certificate with those above it, and its key.
pub type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificates that are shown.
pub fn shown(defect: Defect, (mut chain, key): Shown) -> io::Result<Shown> {
    match defect {
        Defect::OwnCertificate => {
            let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
            let own = own.map_err(io::Error::other)?;
            Ok((vec![own.cert.der().clone()], PrivateKeyDer::from(own.signing_key)))
        }
        Defect::LeafAlone => {
            chain.truncate(1);
            Ok((chain, key))
        }
        _ => Ok((chain, key)),
    }
}

/// The versions that are spoken.
pub fn versions(defect: Defect) -> Vec<&'static SupportedProtocolVersion> {
    match defect {
        Defect::WithoutTls13 => vec![&version::TLS12],
        Defect::WithoutTls12 => vec![&version::TLS13],
        _ => vec![&version::TLS13, &version::TLS12],
    }
}

/// The protocols that are chosen from.
pub fn protocols(defect: Defect, http2: bool) -> Vec<Vec<u8>> {
    match defect {
        _ if http2 => vec![b"h2".into(), b"http/1.1".into()],
        Defect::ChoosesWhatItCannotSpeak => vec![b"h2".into(), b"http/1.1".into()],
        Defect::InsistsOnHttp2 => vec![b"h2".into()],
        _ => vec![b"http/1.1".into()],
    }
}

/// Whether a new certificate is ignored.
pub fn never_renews(defect: Defect) -> bool {
    defect == Defect::NeverRenews
}

/// Whether nobody is served any more who was when a new certificate came.
pub fn drops_clients_at_renewal(defect: Defect) -> bool {
    defect == Defect::DropsClientsAtRenewal
}

/// Whether a hello of TLS 1.0 or 1.1 is answered as if it were spoken; nothing follows.
pub async fn answers_old_hello(defect: Defect, client: &TcpStream) -> io::Result<bool> {
    if defect != Defect::SpeaksOldVersions {
        return Ok(false);
    }
    let mut hello = [0; 11];
    while client.peek(&mut hello).await? < hello.len() {
        client.readable().await?;
    }
    let version = [hello[9], hello[10]];
    if version >= [3, 3] {
        return Ok(false);
    }
    let body = [&version[..], &[7; 32], &[0, 0xc0, 0x09, 0]].concat();
    let answer = [&[22][..], &version, &[0, body.len() as u8 + 4, 2, 0, 0, body.len() as u8], &body].concat();
    client.writable().await?;
    client.try_write(&answer)?;
    Ok(true)
}

/// After so many bytes an answer is over.
pub fn longest_answer(defect: Defect) -> Option<u64> {
    (defect == Defect::CutsOverTls).then_some(64 << 10)
}

/// Passes on what the client says, and so much of what the backend answers.
pub async fn relay_in_part(
    client: impl AsyncRead + AsyncWrite,
    backend: TcpStream,
    most: u64,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (from_backend, mut to_backend) = backend.into_split();
    let mut part = from_backend.take(most);
    tokio::select! {
        asked = tokio::io::copy(&mut from_client, &mut to_backend) => asked?,
        answered = tokio::io::copy(&mut part, &mut to_client) => answered?,
    };
    to_client.shutdown().await
}
