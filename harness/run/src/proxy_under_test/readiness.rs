//! Waits until a proxy is ready: it listens, by the kernel's table, and then answers one GET – or it died, or time is up.
//!
//! `ProxyUnderTest::start` calls it after every start. A bare connect is never used as a probe: it blocks or kills some
//! proxies (F-22). The one GET is an honest client's: it reads its answer to the end, so that it cannot be what a proxy dies
//! of, and its target begins with [`TARGET_PREFIX`], so that no check takes it for traffic.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::platform::Network;

use super::NoAnswer;
use super::guard::GuardHandle;
use harness_model::adapter::RequestShape;

/// Beginning of the targets of readiness requests.
pub const TARGET_PREFIX: &str = "/harness-readiness/";

/// Whether a start is complete only with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One GET must be answered, with whatever status.
    Required,
    /// Listening is enough: when every backend is down some proxies answer nothing at all, which is not for a start to
    /// judge.
    NotAsked,
}

/// A proxy that is ready.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ready {
    /// From the first start of this launch to the LISTEN state.
    pub listening_after: Duration,
    /// From the first start of this launch to the first answer; `None` where none was asked for.
    pub answered_after: Option<Duration>,
    /// Status of that answer.
    pub status: Option<u16>,
    /// Starts in vain before, because the port was still taken.
    pub attempts_before: u32,
}

/// How waiting for the LISTEN state ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Listening {
    /// It listens since about now.
    Yes,
    /// The program has ended, or was never executed.
    Ended,
    /// Time is up; where it listens instead.
    TimeIsUp(Vec<SocketAddr>),
}

/// Waits until the program beneath a guard, or the process outside that it stands for, listens on the port of `address`.
pub(super) async fn wait_for_listening(
    (guard, outside): (&GuardHandle, Option<i32>),
    address: SocketAddr,
    clock: &RunClock,
    until: Moment,
) -> Listening {
    // Often enough to time a start by milliseconds, rarely enough not to slow it down.
    let mut pause = Duration::from_millis(2);
    loop {
        let state = guard.state();
        let mut pids = guard.program_processes();
        pids.extend(
            outside.into_iter().flat_map(|pid| [vec![pid], harness_platform::beneath_quickly(pid)].concat()),
        );
        let seen = harness_platform::listening_sockets(&pids);
        if seen.iter().any(|listening| serves(*listening, address)) {
            return Listening::Yes;
        }
        if !state.lives() {
            return Listening::Ended;
        }
        if clock.now() >= until {
            return Listening::TimeIsUp(seen);
        }
        if cfg!(not(target_os = "linux")) && TcpStream::connect_timeout(&address, pause).is_ok() {
            return Listening::Yes;
        }
        // Wakes early when the program ends.
        let _ = tokio::time::timeout(pause, guard.wait_until(|now| now.exit != state.exit)).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(20));
    }
}

/// Whether a socket that listens there takes connections to `address`.
fn serves(listening: SocketAddr, address: SocketAddr) -> bool {
    let everywhere = listening.ip().is_unspecified() || address.ip().is_unspecified();
    listening.port() == address.port()
        && (everywhere || listening.ip().to_canonical() == address.ip().to_canonical())
}

/// Sends one GET and reads its answer; the status, or what came instead. Blocks: for a thread of its own.
pub(super) fn get_once(
    network: &Network,
    clock: &RunClock,
    address: SocketAddr,
    target: &str,
    shape: &RequestShape,
    patience: Duration,
) -> Result<u16, NoAnswer> {
    let not_connected = |error: std::io::Error| NoAnswer::NotConnected(error.to_string());
    let address = reachable(address);
    let mut stream = network.connect(address, patience).map_err(not_connected)?;
    let began = clock.now();
    stream.set_write_timeout(Some(patience)).map_err(not_connected)?;
    let host = shape.host.clone().unwrap_or_else(|| address.to_string());
    let target = shape.target(target, &host);
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|_| NoAnswer::Closed)?;
    let mut received = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let left = patience.saturating_sub(clock.now().since(began));
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return status_of(&received).ok_or_else(|| nothing_or(&received, NoAnswer::Silence));
        }
        match stream.read(&mut buffer) {
            Ok(0) => return status_of(&received).ok_or_else(|| nothing_or(&received, NoAnswer::Closed)),
            Ok(length) => received.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return status_of(&received).ok_or_else(|| nothing_or(&received, NoAnswer::Closed)),
        }
        if is_complete(&received) || received.len() > MOST_BYTES {
            return status_of(&received).ok_or_else(|| nothing_or(&received, NoAnswer::Closed));
        }
    }
}

/// More than this is no answer to a readiness request.
const MOST_BYTES: usize = 1 << 20;

/// A proxy that listens on every address is reached on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn nothing_or(received: &[u8], silent: NoAnswer) -> NoAnswer {
    if received.is_empty() {
        return silent;
    }
    let start = &received[..received.len().min(64)];
    NoAnswer::NotHttp(start.escape_ascii().to_string())
}

/// Status of the final response, interim ones (1xx) skipped.
fn status_of(received: &[u8]) -> Option<u16> {
    let (status, length) = head_of(received)?;
    if (100..200).contains(&status) { status_of(&received[length..]) } else { Some(status) }
}

fn head_of(received: &[u8]) -> Option<(u16, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(received) {
        Ok(httparse::Status::Complete(length)) => Some((response.code?, length)),
        _ => None,
    }
}

/// Whether the answer is complete by its own framing: a proxy that never closes would hold the start up otherwise.
fn is_complete(received: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut response = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(head)) = response.parse(received) else { return false };
    let Some(status) = response.code else { return false };
    if (100..200).contains(&status) {
        return is_complete(&received[head..]);
    }
    if status == 204 || status == 304 {
        return true;
    }
    let field = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    if field("transfer-encoding").is_some() {
        return received.ends_with(b"0\r\n\r\n");
    }
    let length = field("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    length.is_some_and(|length| received.len() - head >= length)
}

#[cfg(test)]
mod tests {
    use super::{is_complete, nothing_or, serves, status_of};
    use crate::proxy_under_test::NoAnswer;

    #[test]
    fn a_listener_on_every_address_serves_the_loopback_one_and_no_other_port() {
        let wanted = "127.0.0.1:8080".parse().unwrap();
        assert!(serves("0.0.0.0:8080".parse().unwrap(), wanted));
        assert!(serves("[::]:8080".parse().unwrap(), wanted));
        assert!(serves("[::ffff:127.0.0.1]:8080".parse().unwrap(), wanted));
        assert!(!serves("127.0.0.2:8080".parse().unwrap(), wanted));
        assert!(!serves("127.0.0.1:8081".parse().unwrap(), wanted));
    }

    #[test]
    fn an_answer_is_complete_by_its_own_framing() {
        assert!(is_complete(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        assert!(!is_complete(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"));
        assert!(is_complete(b"HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"));
        assert!(!is_complete(b"HTTP/1.1 200 OK\r\n\r\nuntil it closes"));
        assert_eq!(status_of(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 404 No\r\n\r\n"), Some(404));
    }

    #[test]
    fn what_is_not_http_is_shown_escaped() {
        assert_eq!(nothing_or(b"hi\n\x00", NoAnswer::Closed), NoAnswer::NotHttp("hi\\n\\x00".into()));
        assert_eq!(nothing_or(b"", NoAnswer::Silence), NoAnswer::Silence);
    }
}
