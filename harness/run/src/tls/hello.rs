//! A hello of TLS 1.0 or 1.1, byte by byte, because no library of today says one; and what a proxy answers to it.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::closes;
use harness_model::history::{HandshakeEnd, NoConnection, TlsVersion};

/// Suites of that time, for keys of either kind (RFC 4492 §6, RFC 5246 §A.5).
const SUITES: [u16; 7] = [0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035, 0x000a];
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;

/// Says hello in a version that must not be spoken any more, and reads the first record of the answer.
pub(crate) async fn old_handshake(mut stream: TcpStream, version: TlsVersion, name: &str) -> HandshakeEnd {
    let told = async {
        stream.write_all(&hello(version, name)).await?;
        let mut record = [0; 5];
        stream.read_exact(&mut record).await?;
        let length = usize::from(u16::from_be_bytes([record[3], record[4]])).min(1 << 14);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        io::Result::Ok((record[0], body))
    };
    match told.await {
        Ok((ALERT, body)) => HandshakeEnd::Refused { alert: body.get(1).copied() },
        Ok((HANDSHAKE, body)) if body.first() == Some(&SERVER_HELLO) => {
            let chosen = match body.get(4..6) {
                Some([3, 1]) => TlsVersion::Tls10,
                Some([3, 2]) => TlsVersion::Tls11,
                _ => return HandshakeEnd::Failed(NoConnection::OtherVersion),
            };
            HandshakeEnd::Made {
                version: chosen,
                protocol: None,
                shown: Vec::new(),
                distrust: None,
                answered: None,
            }
        }
        Ok((kind, _)) => HandshakeEnd::Failed(NoConnection::OtherRecord(kind)),
        Err(error) if closes(&error) => HandshakeEnd::Refused { alert: None },
        Err(error) => HandshakeEnd::Failed(NoConnection::Said(error.to_string())),
    }
}

/// The record of a client's hello (RFC 5246 §7.4.1.2) with the name, curves and formats of points (RFC 6066 §3, RFC 4492 §5.1).
fn hello(version: TlsVersion, name: &str) -> Vec<u8> {
    let version = if version == TlsVersion::Tls10 { [3, 1] } else { [3, 2] };
    let name = with_length::<2>(&[&[0][..], &with_length::<2>(name.as_bytes())].concat());
    let curves = with_length::<2>(&[0, 29, 0, 23]);
    let extensions = [
        ([0, 0].as_slice(), with_length::<2>(&name)),
        (&[0, 10], with_length::<2>(&curves)),
        (&[0, 11], with_length::<2>(&[1, 0])),
    ];
    let extensions: Vec<u8> =
        extensions.iter().flat_map(|(kind, data)| [*kind, &data[..]].concat()).collect();
    let suites: Vec<u8> = SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = version.to_vec();
    // The random of the client: nothing depends on it, for no session comes of this.
    body.extend_from_slice(&[7; 32]);
    body.push(0);
    body.extend_from_slice(&with_length::<2>(&suites));
    body.extend_from_slice(&[1, 0]);
    body.extend_from_slice(&with_length::<2>(&extensions));
    let message = [vec![1], with_length::<3>(&body)].concat();
    [vec![HANDSHAKE, 3, 1], with_length::<2>(&message)].concat()
}

/// Bytes behind their length, which takes `N` bytes.
fn with_length<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_be_bytes();
    [&length[length.len() - N..], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_states_every_length_of_its_parts() {
        let hello = hello(TlsVersion::Tls11, "localhost");
        assert_eq!(hello[..3], [22, 3, 1]);
        assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
        assert_eq!((hello[5], usize::from(hello[7]) << 8 | usize::from(hello[8])), (1, hello.len() - 9));
        assert_eq!(hello[9..11], [3, 2]);
    }
}
