//! The operator's door: what the proxy is doing, and a few things that it can be told.
//!
//! `cli` runs it on a listener of its own, by default none, and never on the clients' port. It answers one
//! small request a connection and moves no body of any exchange.

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::config::{Backend, Config};
use crate::exchange::{Counters, DURATION_BOUNDS_MICROS, Services};
use crate::http::head::reason_phrase;
use crate::http::{BodyDecoder, Fields, HeadLimits, Method, RequestHead, encode, parse};
use crate::wire::{ReadBuffer, Wire};

/// How long one request may take; operators are near.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest list of backends that is taken.
const MAX_BODY: usize = 1 << 20;

/// What an operator gets.
struct Reply {
    status: u16,
    content_type: &'static str,
    body: String,
}

/// Answers operators for ever. It must run on a thread that sweeps deadlines.
pub async fn serve_for_ever(listener: TcpListener, services: Arc<Services>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let services = Arc::clone(&services);
                tokio::task::spawn_local(async move {
                    // An operator that goes away is no event.
                    let _ = serve_one(stream, &services).await;
                });
            }
            Err(error) => {
                tracing::warn!("could not accept an operator's connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, services: &Arc<Services>) -> io::Result<()> {
    let wire = Wire::new(stream);
    wire.deadline.set(PATIENCE);
    let mut head = RequestHead::default();
    let reply = match read(&wire, &mut head).await? {
        Ok(_) if is_by_a_page(&head.fields) => {
            text(403, "write an IP address or localhost as the host, and ask without a page of somebody else")
        }
        Ok(body) => answer(&head, &body, services).await,
        Err(status) => text(status, reason_phrase(status)),
    };
    let mut out = Vec::new();
    encode::status_line(&mut out, reply.status, reason_phrase(reply.status).as_bytes());
    encode::field(&mut out, "Content-Type", reply.content_type.as_bytes());
    encode::number_field(&mut out, "Content-Length", reply.body.len() as u64);
    out.extend_from_slice(b"Cache-Control: no-store\r\nConnection: close\r\n\r\n");
    if head.method != Method::Head {
        out.extend_from_slice(reply.body.as_bytes());
    }
    wire.write_all(&out).await?;
    wire.shut_down_writing();
    Ok(())
}

/// Whether a page in an operator's browser asks, and not the operator. A name can be made to resolve to this address
/// after the page has come from another (DNS rebinding), which an IP address and `localhost` cannot; and a browser says
/// where the page of a request came from.
fn is_by_a_page(fields: &Fields) -> bool {
    let host = fields.get("host").unwrap_or(b"localhost");
    let is_here = host_name(host).is_some_and(|name| {
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        name == "localhost" || bare.parse::<IpAddr>().is_ok()
    });
    let own = [&b"http://"[..], host].concat();
    let is_foreign = fields.get_all("origin").any(|origin| !origin.eq_ignore_ascii_case(&own));
    let is_crossing = fields.get_all("sec-fetch-site").any(|site| site != b"same-origin" && site != b"none");
    !is_here || is_foreign || is_crossing
}

/// A host without its port.
fn host_name(host: &[u8]) -> Option<&str> {
    let host = std::str::from_utf8(host).ok()?;
    let end = host.find(']').map_or(0, |end| end + 1);
    let colon = host[end..].find(':').map_or(host.len(), |colon| end + colon);
    Some(&host[..colon])
}

/// Reads head and body; the inner error is the status of a refusal.
async fn read(wire: &Wire, head: &mut RequestHead) -> io::Result<Result<Vec<u8>, u16>> {
    let mut buffer = ReadBuffer::lease();
    let received = loop {
        match parse::request_head(buffer.filled(), &HeadLimits::default(), head) {
            Ok(Some(received)) => break received,
            Ok(None) => {}
            Err(refusal) => return Ok(Err(refusal.status())),
        }
        buffer.reserve(HeadLimits::default().head_bytes + 1);
        if wire.fill(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    buffer.consume(received.consumed);
    if received.expects_continue {
        wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut decoder = BodyDecoder::new(received.framing);
    let mut body = Vec::new();
    loop {
        let Ok(decoded) = decoder.decode(buffer.filled()) else { return Ok(Err(400)) };
        body.extend_from_slice(&buffer.filled()[decoded.content.clone()]);
        buffer.consume(decoded.consumed);
        if decoder.is_done() {
            return Ok(Ok(body));
        }
        if body.len() > MAX_BODY {
            return Ok(Err(413));
        }
        if decoded.consumed == 0 && wire.fill(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn answer(head: &RequestHead, body: &[u8], services: &Arc<Services>) -> Reply {
    let target = String::from_utf8_lossy(&head.target);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let is_read = matches!(head.method, Method::Get | Method::Head);
    match (path, &head.method) {
        ("/healthz", _) if is_read => match services.is_draining() {
            true => text(503, "draining"),
            false => text(200, "ok"),
        },
        ("/backends", _) if is_read => json_reply(200, &backends(services)),
        ("/backends", Method::Put) => match replace_backends(body, services) {
            Ok(()) => json_reply(200, &backends(services)),
            Err(problem) => text(400, &problem),
        },
        ("/cache", _) if is_read => json_reply(200, &json!(services.cache.statistics())),
        ("/cache", Method::Delete) => purge(query, services).await,
        ("/config", _) if is_read => json_reply(200, &configuration(&services.config())),
        ("/metrics", _) if is_read => Reply {
            status: 200,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: metrics(services),
        },
        ("/" | "", _) if is_read => text(200, "/healthz /backends /cache /metrics /config"),
        ("/" | "/healthz" | "/backends" | "/cache" | "/config" | "/metrics", _) => {
            text(405, "method not allowed")
        }
        _ => text(404, "there are /healthz /backends /cache /metrics /config"),
    }
}

fn text(status: u16, text: &str) -> Reply {
    Reply { status, content_type: "text/plain; charset=utf-8", body: format!("{text}\n") }
}

fn json_reply(status: u16, value: &serde_json::Value) -> Reply {
    Reply { status, content_type: "application/json", body: format!("{value:#}\n") }
}

fn backends(services: &Services) -> serde_json::Value {
    let members: Vec<_> = services
        .balancer
        .members()
        .iter()
        .map(|member| {
            json!({
                "address": *member.address,
                "weight": member.weight,
                "max_connections": member.max_connections,
                "standing": member.standing().to_string(),
                "open_requests": member.open_requests(),
            })
        })
        .collect();
    json!({ "policy": services.config().policy, "backends": members })
}

/// Puts another list of backends in force: `["HOST:PORT", …]`. Exchanges under way go on.
fn replace_backends(body: &[u8], services: &Services) -> Result<(), String> {
    let addresses: Vec<String> = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not a JSON list of \"HOST:PORT\": {error}"))?;
    let mut config = Config::clone(&services.config());
    config.backends = Backend::list(&addresses)?;
    for listen in std::iter::once(config.listen).chain(config.tls.as_ref().map(|tls| tls.listen)) {
        if let Some(problem) = Backend::own(&config.backends, listen).next() {
            return Err(problem);
        }
    }
    services.reconfigure(config);
    Ok(())
}

/// What a purge is to forget.
enum Purge {
    All,
    Key { host: Vec<u8>, target: Vec<u8> },
    Prefix { host: Vec<u8>, prefix: Vec<u8> },
}

/// Forgets stored responses: all of them, or `?host=HOST&target=/path` alone, or all that begin like
/// `?host=HOST&prefix=/path`.
async fn purge(query: &str, services: &Arc<Services>) -> Reply {
    let Some(purge) = wanted_purge(query) else {
        return text(400, "write /cache, /cache?host=HOST&target=/path or /cache?host=HOST&prefix=/path");
    };
    let cache = Arc::clone(&services.cache);
    // Looking through many files takes its time, and this thread listens to signals.
    let purged = tokio::task::spawn_blocking(move || match purge {
        Purge::All => cache.purge_all(),
        Purge::Key { host, target } => u64::from(cache.purge_key(&host, &target)),
        Purge::Prefix { host, prefix } => cache.purge_prefix(&host, &prefix),
    });
    match purged.await {
        Ok(count) => json_reply(200, &json!({ "purged": count })),
        Err(error) => text(500, &format!("the purge did not end: {error}")),
    }
}

fn wanted_purge(query: &str) -> Option<Purge> {
    if query.is_empty() {
        return Some(Purge::All);
    }
    let (mut host, mut target, mut prefix) = (None, None, None);
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=')?;
        let place = match name {
            "host" => &mut host,
            "target" => &mut target,
            "prefix" => &mut prefix,
            _ => return None,
        };
        *place = Some(percent_decoded(value)?);
    }
    match (host?, target, prefix) {
        (host, Some(target), None) => Some(Purge::Key { host, target }),
        (host, None, Some(prefix)) => Some(Purge::Prefix { host, prefix }),
        _ => None,
    }
}

/// RFC 3986 §2.1, so that a target with `&` or `%` can be named.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
    }
    Some(decoded)
}

fn configuration(config: &Config) -> serde_json::Value {
    json!({
        "listen": config.listen,
        "tls": config.tls,
        "backends": config.backends,
        "policy": config.policy,
        "cache": config.cache,
        "log_file": config.log_file,
        "log_format": config.log_format,
        "admin": config.admin,
        "workers": config.workers,
        "timeouts": config.timeouts,
        "limits": config.limits,
        "health": config.health,
    })
}

/// The text format of Prometheus, version 0.0.4.
fn metrics(services: &Services) -> String {
    let workers = services.counters();
    let sum = |value: &dyn Fn(&Counters) -> u64| workers.iter().map(|counters| value(counters)).sum::<u64>();
    let mut page = String::new();
    let mut single = |name: &str, kind: &str, help: &str, value: u64| {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "# HELP pibl_{name} {help}\n# TYPE pibl_{name} {kind}\npibl_{name} {value}");
    };
    let accepted = sum(&|counters| counters.connections_accepted.value());
    let closed = sum(&|counters| counters.connections_closed.value());
    single("connections_total", "counter", "Connections of clients accepted.", accepted);
    single("connections_open", "gauge", "Connections of clients now.", accepted.saturating_sub(closed));
    let refused = sum(&|counters| counters.requests_refused.value());
    single("requests_refused_total", "counter", "Requests refused by pibl itself.", refused);
    let retries = sum(&|counters| counters.retries.value());
    single("retries_total", "counter", "Attempts after the first one of an exchange.", retries);
    let request_bytes = sum(&|counters| counters.request_bytes.value());
    single("request_bytes_total", "counter", "Content bytes received from clients.", request_bytes);
    let response_bytes = sum(&|counters| counters.response_bytes.value());
    single("response_bytes_total", "counter", "Content bytes sent to clients.", response_bytes);
    single("draining", "gauge", "1 while the program ends.", u64::from(services.is_draining()));
    let cache = services.cache.statistics();
    for (name, kind, help, value) in [
        ("cache_files", "gauge", "Files of stored responses.", cache.files as u64),
        ("cache_bytes", "gauge", "Bytes of stored responses on disk.", cache.bytes),
        ("cache_disk_failures_total", "counter", "Failures of the cache's disk.", cache.disk_failures),
        ("cache_set_aside_total", "counter", "Damaged or foreign files set aside.", cache.set_aside),
        (
            "log_lines_lost_total",
            "counter",
            "Lines that the log file did not take.",
            services.log.lost_lines(),
        ),
        (
            "log_lines_dropped_total",
            "counter",
            "Lines that stdout did not take.",
            services.log.dropped_lines(),
        ),
    ] {
        single(name, kind, help, value);
    }
    page.push_str("# HELP pibl_backend_open_requests Requests under way at a backend.\n");
    page.push_str("# TYPE pibl_backend_open_requests gauge\n");
    for member in services.balancer.members() {
        let (address, open) = (&member.address, member.open_requests());
        let _ = writeln!(page, "pibl_backend_open_requests{{backend=\"{address}\"}} {open}");
    }
    page.push_str("# HELP pibl_responses_total Exchanges by class of status.\n");
    page.push_str("# TYPE pibl_responses_total counter\n");
    for (index, class) in ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].iter().enumerate() {
        let value = sum(&|counters| counters.responses[index].value());
        let _ = writeln!(page, "pibl_responses_total{{class=\"{class}\"}} {value}");
    }
    page.push_str("# HELP pibl_exchange_seconds From the head of a request to the end of its response.\n");
    page.push_str("# TYPE pibl_exchange_seconds histogram\n");
    let mut below = 0;
    for (index, bound) in DURATION_BOUNDS_MICROS.iter().enumerate() {
        below += sum(&|counters| counters.durations[index].value());
        let seconds = *bound as f64 / 1e6;
        let _ = writeln!(page, "pibl_exchange_seconds_bucket{{le=\"{seconds}\"}} {below}");
    }
    let count = below + sum(&|counters| counters.durations[DURATION_BOUNDS_MICROS.len()].value());
    let seconds = sum(&|counters| counters.duration_micros.value()) as f64 / 1e6;
    let _ = writeln!(page, "pibl_exchange_seconds_bucket{{le=\"+Inf\"}} {count}");
    let _ = writeln!(page, "pibl_exchange_seconds_sum {seconds}\npibl_exchange_seconds_count {count}");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operator_himself_is_answered_and_no_page_in_his_browser() {
        let is_answered = |fields: &[(&str, &str)]| !is_by_a_page(&fields.iter().copied().collect());
        for host in ["127.0.0.1", "127.0.0.1:9000", "localhost:9000", "[::1]:9000", "[::1]", "10.0.0.7:80"] {
            assert!(is_answered(&[("Host", host)]), "{host}");
            let own = format!("http://{host}");
            assert!(
                is_answered(&[("Host", host), ("Origin", &own), ("Sec-Fetch-Site", "same-origin")]),
                "{host}"
            );
            assert!(!is_answered(&[("Host", host), ("Origin", "http://evil.example")]), "{host}");
        }
        for host in
            ["evil.example", "evil.example:9000", "localhost.evil.example", "127.0.0.1.evil.example", "1", ""]
        {
            assert!(!is_answered(&[("Host", host)]), "{host}");
        }
        let here = ("Host", "127.0.0.1:9000");
        for foreign in [
            ("Origin", "null"),
            ("Origin", "http://127.0.0.1:8000"),
            ("Origin", "https://127.0.0.1:9000"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            assert!(!is_answered(&[here, foreign]), "{foreign:?}");
        }
        assert!(is_answered(&[here, ("Sec-Fetch-Site", "none")]) && is_answered(&[]));
    }
}
