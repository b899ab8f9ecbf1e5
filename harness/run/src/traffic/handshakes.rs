//! `handshakes`: every version of TLS alone and every offer of protocols, one connection each, and a request in what was chosen.
//!
//! The conductor calls it. What was offered and what came of it goes into the record; what should have come of it, the checks know.

use std::time::Duration;

use fake_backends::wire::{ResponseEvent, ResponseReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Numbers, Problem, Request, Traffic};
use crate::tls::{Stream, Tls, old_handshake};
use harness_model::history::{
    EventKind, Handshake, HandshakeEnd, NoConnection, Offered, Purpose, TlsVersion,
};
use harness_model::plan::{Handshakes, Over};

/// A handshake takes no longer, and neither does the request after it.
const PATIENCE: Duration = Duration::from_secs(5);
/// What opens a connection of HTTP/2, and our settings, of which there are none (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The kind of the first frame of a server.
const SETTINGS: u8 = 4;
const HEAD_LIMIT: usize = 64 << 10;

/// Makes them, one after the other.
///
/// # Errors
/// There is no way to the proxy by HTTPS.
pub async fn run(traffic: &Traffic, plan: &Handshakes) -> Result<(), Problem> {
    let clients = &traffic.clients;
    let Some(tls) = clients.tls() else { return Err("no way to the proxy by HTTPS".into()) };
    for (number, offered) in offers().into_iter().enumerate() {
        let target = traffic.target(&plan.path, Numbers { n: number as u64, ..Numbers::default() });
        let began = clients.clock().now();
        let end = handshake(traffic, tls, &offered, target).await;
        let ended = clients.clock().now();
        let handshake = Handshake { connection: None, offered, began, ended, end };
        clients.recorder().record(EventKind::Handshake(Box::new(handshake)));
    }
    Ok(())
}

fn offers() -> Vec<Offered> {
    let versions = [TlsVersion::Tls13, TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10];
    let of = |version: TlsVersion| Offered { version: Some(version), protocols: Vec::new() };
    let protocols =
        [&["http/1.1"][..], &["h2", "http/1.1"], &["h2"], &["harness/1", "http/1.1"], &["harness/1"]];
    let with = |names: &[&str]| Offered {
        version: None,
        protocols: names.iter().map(|&name| name.to_owned()).collect(),
    };
    versions.into_iter().map(of).chain(protocols.into_iter().map(with)).collect()
}

async fn handshake(traffic: &Traffic, tls: &Tls, offered: &Offered, target: String) -> HandshakeEnd {
    let shaking = async {
        let stream = match traffic.clients.network().connect_async(tls.address()).await {
            Ok(stream) => stream,
            Err(error) => return (None, HandshakeEnd::Failed(NoConnection::Said(error.to_string()))),
        };
        if let Some(version) = offered.version.filter(|version| version.is_outdated()) {
            return (None, old_handshake(stream, version, tls.name()).await);
        }
        let shaken = tls.shake(stream, offered).await;
        (shaken.stream, shaken.end)
    };
    let shaken = tokio::time::timeout(PATIENCE, shaking).await;
    let (stream, mut end) = shaken.unwrap_or_else(|_| (None, HandshakeEnd::Failed(NoConnection::NotInTime)));
    if let (Some(mut stream), HandshakeEnd::Made { protocol, answered, .. }) = (stream, &mut end) {
        let by_http2 = protocol.as_deref() == Some("h2");
        let asked = async {
            match by_http2 {
                true => opens(&mut stream).await,
                false => answers(traffic, &mut stream, target).await,
            }
        };
        // What comes late says nothing of the handshake.
        let came = tokio::time::timeout(PATIENCE, asked).await;
        *answered = came.ok().map(|came| came.unwrap_or(false));
    }
    end
}

/// Whether a request of HTTP/1.1 gets an answer, whatever it says.
async fn answers(traffic: &Traffic, stream: &mut Stream, target: String) -> std::io::Result<bool> {
    let mut request = Request::get(Purpose::Exact, 0, target, traffic.clients.clock().now());
    request.over = Over::Tls;
    stream.write_all(&traffic.clients.head_of(&request)).await?;
    stream.flush().await?;
    let mut reader = ResponseReader::new(HEAD_LIMIT, false);
    let mut buffer = vec![0; HEAD_LIMIT];
    loop {
        let length = stream.read(&mut buffer).await?;
        let mut input = &buffer[..length];
        loop {
            match reader.next(&mut input) {
                Ok(Some(ResponseEvent::Complete)) => return Ok(true),
                Ok(Some(_)) => {}
                Ok(None) if length == 0 => return Ok(false),
                Ok(None) => break,
                Err(_) => return Ok(false),
            }
        }
        if reader.is_complete() {
            return Ok(true);
        }
    }
}

/// Whether the settings of HTTP/2 come, as they must before anything else (RFC 9113 §3.4).
async fn opens(stream: &mut Stream) -> std::io::Result<bool> {
    stream.write_all(PREFACE).await?;
    stream.flush().await?;
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await?;
    Ok(frame[3] == SETTINGS)
}
