//! HTTP/2 to clients: one connection, many streams, each of them an exchange like any other.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version;

use crate::testkit::frames::{self, Frames, Outcome, block, frame, literal};
use crate::testkit::program::{Running, this_build};
use crate::testkit::tls::{NAME, Pair, Secure, connect};
use crate::testkit::{Backend, PATIENCE, field, status};

const NO_CACHE: &str = "[cache]\nenabled = false\n";

/// Runs a client whose waits all have an end.
pub fn block_on<T>(client: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, client).await.expect("an answer in time") })
}

type Connected = (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>);

/// A connection of the library's client, driven beside the test.
async fn open(pair: &Pair, address: SocketAddr) -> Connected {
    let connector = tokio_rustls::TlsConnector::from(pair.trusted(&[&version::TLS13], &["h2"]));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let stream = connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap();
    let (send, connection) = h2::client::handshake(stream).await.unwrap();
    (send, tokio::spawn(connection))
}

pub fn get(path: &str) -> Request<()> {
    Request::get(format!("https://x{path}")).body(()).unwrap()
}

/// A whole answer: its head, its body, its trailers.
type Answer = (Response<()>, String, Option<HeaderMap>);

async fn whole(response: Response<RecvStream>) -> Result<Answer, h2::Error> {
    let (parts, mut body) = response.into_parts();
    let mut text = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        text.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len())?;
    }
    let trailers = body.trailers().await?;
    Ok((Response::from_parts(parts, ()), String::from_utf8(text).unwrap(), trailers))
}

/// Asks without a body.
async fn ask(send: &SendRequest<Bytes>, request: Request<()>) -> Result<Answer, h2::Error> {
    let (response, _) = send.clone().ready().await?.send_request(request, true)?;
    whole(response.await?).await
}

fn named(name: &'static str) -> Backend {
    Backend::answering(move |_| format!("HTTP/1.1 200 OK\r\nX-Backend: {name}\r\nContent-Length: 0\r\n\r\n"))
}

#[test]
fn the_handshake_chooses_the_protocol() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, NO_CACHE);
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        for version in [&version::TLS12, &version::TLS13] {
            let client = connect(secure.address, &secure.pair.trusted(&[version], offered)).unwrap();
            assert_eq!(client.stream.conn.alpn_protocol(), chosen.map(str::as_bytes), "{offered:?}");
        }
    }
    // Frames where HTTP/1.1 was agreed on are no request.
    let mut client = secure.connect();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(status(&client.read_to_end()), 505);
}

#[test]
fn streams_go_round_the_backends_and_are_stored_and_logged_like_any_request() {
    let backends = [named("a"), named("b"), named("c")];
    let secure = Secure::before(&backends.each_ref().map(|backend| backend.address), "");
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        let mut seen = Vec::new();
        for number in 0..6 {
            let (response, ..) = ask(&send, get(&format!("/{number}"))).await.unwrap();
            seen.push(response.headers()["x-backend"].to_str().unwrap().to_owned());
        }
        assert_eq!(seen, ["a", "b", "c", "a", "b", "c"]);
        let (response, ..) = ask(&send, get("/0")).await.unwrap();
        assert!(response.headers()["cache-status"].to_str().unwrap().contains("; hit"));
        // Fifty at once, more than one after the other has answered.
        let streams = (10..60).map(|number| {
            let send = send.clone();
            tokio::spawn(async move { ask(&send, get(&format!("/{number}"))).await.unwrap().0.status() })
        });
        for stream in streams.collect::<Vec<_>>() {
            assert_eq!(stream.await.unwrap(), 200);
        }
    });
    let log = secure.proxy.log(57);
    assert!(log.contains("\"GET /0 HTTP/2.0\" 200 ") && log.contains("cache=hit"), "{log}");
    let counts = backends.each_ref().map(|backend| backend.requests().len());
    assert!(counts.iter().sum::<usize>() == 56 && counts.iter().all(|count| (18..=19).contains(count)));
    // What a stream has stored serves clients of HTTP/1.1 as well.
    let mut client = secure.connect();
    client.send("GET /0 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(field(&client.read_response(), "cache-status").unwrap().contains("; hit"));
}

#[test]
fn what_a_request_says_in_frames_reaches_the_backend_as_http_1_says_it() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, NO_CACHE);
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        let request = Request::get("https://X:443/p?q")
            .header("cookie", "a=1")
            .header("x-other", "1")
            .header("cookie", "b=2")
            .header("te", "trailers")
            .header("x-forwarded-for", "6.6.6.6")
            .header("x-other", "2");
        let (response, seen, _) = ask(&send, request.body(()).unwrap()).await.unwrap();
        assert!(seen.starts_with("GET /p?q HTTP/1.1\r\n"), "{seen}");
        let names = ["host", "cookie", "x-other", "te", "connection", "x-forwarded-proto", "x-forwarded-for"];
        let expected = ["x", "a=1; b=2", "1, 2", "trailers", "TE", "https", "127.0.0.1"];
        assert_eq!(names.map(|name| field(&seen, name)), expected.map(Some), "{seen}");
        assert!(field(&seen, "via").unwrap().starts_with("2 pibl"));
        assert_eq!(field(&seen, "transfer-encoding"), None);
        // Nothing that concerns a connection comes back.
        for name in ["connection", "transfer-encoding", "keep-alive"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
        let (response, seen, _) =
            ask(&send, Request::options("https://x/*").body(()).unwrap()).await.unwrap();
        assert!(response.status() == 200 && seen.starts_with("OPTIONS /* "), "{seen}");
    });
}

#[test]
fn bodies_and_trailers_travel_both_ways_and_what_has_no_body_has_none() {
    let backend = Backend::start(|conversation| {
        while let Some(request) = conversation.next_request() {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";
            match request.split(' ').nth(1).unwrap_or_default() {
                "/trailers" => {
                    conversation.send(format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{head}"));
                    conversation.send("3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nContent-Length: 9\r\n\r\n");
                }
                "/204" => conversation.send("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"),
                "/304" => conversation.send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"),
                "/head" => conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
                "/empty" => conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                "/cut" => {
                    let part = "x".repeat(50_000);
                    conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{part}"));
                    return;
                }
                _ => {
                    conversation.send(format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}",
                        request.len()
                    ));
                }
            }
        }
    });
    let secure = Secure::start(&backend, NO_CACHE);
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        let (mut response, _) =
            send.clone().ready().await.unwrap().send_request(get("/trailers"), true).unwrap();
        let interim = poll_fn(|context| response.poll_informational(context)).await.unwrap().unwrap();
        assert_eq!((interim.status().as_u16(), interim.headers()["link"].as_bytes()), (103, &b"</a>"[..]));
        let (_, body, trailers) = whole(response.await.unwrap()).await.unwrap();
        let trailers = trailers.expect("trailers");
        assert_eq!((body.as_str(), trailers["x-sum"].as_bytes()), ("abcde", &b"5"[..]));
        assert!(!trailers.contains_key("content-length"));
        for (request, expected) in [
            (get("/204"), 204),
            (get("/304"), 304),
            (Request::head("https://x/head").body(()).unwrap(), 200),
            (get("/empty"), 200),
        ] {
            let (response, body, trailers) = ask(&send, request).await.unwrap();
            assert_eq!((response.status().as_u16(), body.as_str(), trailers), (expected, "", None));
        }
        // The backend breaks off: what came is not taken for all of it.
        let error = ask(&send, get("/cut")).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
        let (response, ..) = ask(&send, get("/after")).await.unwrap();
        assert_eq!(response.status(), 200);
    });
}

#[test]
fn a_body_that_is_sent_arrives_whole_with_its_length_or_in_chunks_and_with_trailers() {
    let backend = fake_upload_backend();
    let secure = Secure::start(&backend, NO_CACHE);
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        let content = Bytes::from((0..300_000).map(|place| b'a' + (place % 26) as u8).collect::<Vec<_>>());
        for length in [None, Some(content.len())] {
            let mut request = Request::post("https://x/upload");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let mut ready = send.clone().ready().await.unwrap();
            let (response, mut stream) = ready.send_request(request.body(()).unwrap(), false).unwrap();
            let mut rest = content.clone();
            while !rest.is_empty() {
                stream.reserve_capacity(rest.len());
                let room = poll_fn(|context| stream.poll_capacity(context)).await.unwrap().unwrap();
                stream.send_data(rest.split_to(room.min(rest.len())), false).unwrap();
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", "7".parse().unwrap());
            trailers.insert("content-length", "9".parse().unwrap());
            match length {
                None => stream.send_trailers(trailers).unwrap(),
                Some(_) => stream.send_data(Bytes::new(), true).unwrap(),
            }
            let (response, seen, _) = whole(response.await.unwrap()).await.unwrap();
            assert_eq!(response.status(), 200);
            let expected = match length {
                None => "chunked 300000 X-Sum: 7",
                Some(_) => "length 300000 ",
            };
            assert!(seen.eq_ignore_ascii_case(expected), "{seen}");
        }
    });
}

/// Says how a body was framed, how long it was and which trailers it had.
fn fake_upload_backend() -> Backend {
    Backend::start(|conversation| {
        loop {
            let Some(head) = conversation.client.take_until("\r\n\r\n") else { return };
            let mut length = 0;
            let said = if field(&head, "transfer-encoding").is_some() {
                loop {
                    let line = conversation.client.read_until("\r\n");
                    let size = usize::from_str_radix(line.trim(), 16).expect("a size");
                    if size == 0 {
                        break;
                    }
                    length += conversation.client.take(size).expect("a chunk").len();
                    conversation.client.read_until("\r\n");
                }
                let mut trailers = String::new();
                loop {
                    match conversation.client.read_until("\r\n").trim() {
                        "" => break,
                        line => trailers.push_str(line),
                    }
                }
                format!("chunked {length} {trailers}")
            } else {
                length = field(&head, "content-length").map_or(0, |it| it.parse().expect("a length"));
                conversation.client.take(length).expect("a body");
                format!("length {length} ")
            };
            conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len()));
        }
    })
}

/// The fields of an ordinary request, with these in place of those of the same name and behind them.
fn with(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![(":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/")];
    fields.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    let (pseudo, rest): (Vec<_>, Vec<_>) = changes.iter().partition(|(name, _)| name.starts_with(':'));
    block(&[pseudo, fields, rest].concat())
}

#[test]
fn nothing_that_would_be_another_request_in_http_1_reaches_a_backend() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, NO_CACHE);
    const MALFORMED: Outcome = Outcome::Reset(frames::PROTOCOL_ERROR);
    let smuggled = "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n";
    let rows: Vec<(Vec<u8>, &str, &[Outcome])> = vec![
        // RFC 9113 §8.2.2: fields of the connection.
        (with(&[("transfer-encoding", "chunked")]), smuggled, &[MALFORMED]),
        (with(&[("connection", "keep-alive")]), "", &[MALFORMED]),
        (with(&[("upgrade", "h2c")]), "", &[MALFORMED]),
        (with(&[("keep-alive", "5")]), "", &[MALFORMED]),
        (with(&[("proxy-connection", "x")]), "", &[MALFORMED]),
        (with(&[("te", "gzip")]), "", &[MALFORMED]),
        // §8.1.1, RFC 9110 §8.6: lengths that are not that of the body, or two, or none.
        (with(&[("content-length", "3")]), smuggled, &[MALFORMED]),
        (with(&[("content-length", "300")]), smuggled, &[MALFORMED]),
        (with(&[("content-length", "0")]), smuggled, &[MALFORMED]),
        (
            with(&[("content-length", "3"), ("content-length", "5")]),
            "abc",
            &[MALFORMED, Outcome::Status(400)],
        ),
        (with(&[("content-length", "3"), ("content-length", "3")]), "abc", &[Outcome::Status(400)]),
        (with(&[("content-length", "+3")]), "abc", &[MALFORMED, Outcome::Status(400)]),
        (with(&[("content-length", "3, 3")]), "abc", &[MALFORMED, Outcome::Status(400)]),
        // §8.2.1: control characters, names.
        (with(&[("x", "a\r\ntransfer-encoding: chunked")]), smuggled, &[MALFORMED]),
        (with(&[("x", "a\nhost: evil")]), "", &[MALFORMED]),
        (with(&[("x", "a\rb")]), "", &[MALFORMED]),
        (with(&[("x", "a\0b")]), "", &[MALFORMED]),
        (with(&[("x: y\r\nz", "a")]), "", &[MALFORMED]),
        (with(&[("X-Upper", "a")]), "", &[MALFORMED]),
        (with(&[("a b", "a")]), "", &[MALFORMED]),
        (with(&[("", "a")]), "", &[MALFORMED]),
        (with(&[("transfer-encoding\t", "chunked")]), smuggled, &[MALFORMED]),
        // §8.3: pseudo fields with more in them, twice, unknown, missing, behind others.
        (with(&[(":path", "/ HTTP/1.1\r\nhost: evil\r\n\r\nGET /")]), "", &[MALFORMED]),
        (with(&[(":path", "/a b")]), "", &[MALFORMED]),
        (with(&[(":path", "evil")]), "", &[MALFORMED]),
        (with(&[(":path", "@evil/")]), "", &[MALFORMED]),
        (with(&[(":path", "")]), "", &[MALFORMED]),
        (with(&[(":path", "?x")]), "", &[MALFORMED]),
        (with(&[(":path", "*")]), "", &[Outcome::Status(400)]),
        (with(&[(":path", "https://evil/")]), "", &[MALFORMED]),
        (with(&[(":path", "/"), (":path", "/evil")]), "", &[MALFORMED]),
        (with(&[(":method", "GET / HTTP/1.1\r\nx: y\r\n\r\nGET")]), "", &[MALFORMED]),
        (with(&[(":method", "GET /evil")]), "", &[MALFORMED]),
        (with(&[(":method", "")]), "", &[MALFORMED]),
        (with(&[(":method", "TRACE")]), "", &[Outcome::Status(405)]),
        (with(&[(":scheme", "http")]), "", &[Outcome::Status(400)]),
        (with(&[(":scheme", "https://evil/?")]), "", &[MALFORMED]),
        (with(&[(":authority", "x\r\nx: y")]), "", &[MALFORMED]),
        (with(&[(":authority", "u@x")]), "", &[MALFORMED, Outcome::Status(400)]),
        (with(&[(":authority", "x/evil")]), "", &[MALFORMED]),
        (with(&[(":authority", "")]), "", &[MALFORMED, Outcome::Status(400)]),
        (with(&[(":protocol", "websocket")]), "", &[MALFORMED]),
        (with(&[(":status", "200")]), "", &[MALFORMED]),
        (with(&[("host", "evil")]), "", &[Outcome::Status(400)]),
        (with(&[("host", "x"), ("host", "x")]), "", &[Outcome::Status(400)]),
        (with(&[("x", "y"), (":unknown", "1")]), "", &[MALFORMED]),
        ([with(&[("x", "y")]), literal(":path", b"/evil")].concat(), "", &[MALFORMED]),
        (block(&[(":method", "GET"), (":path", "/"), (":authority", "x")]), "", &[MALFORMED]),
        (block(&[(":scheme", "https"), (":path", "/"), (":authority", "x")]), "", &[MALFORMED]),
        (block(&[(":method", "GET"), (":scheme", "https"), (":authority", "x")]), "", &[MALFORMED]),
        (block(&[(":method", "GET"), (":scheme", "https"), (":path", "/")]), "", &[Outcome::Status(400)]),
        (block(&[(":method", "CONNECT"), (":authority", "x:80")]), "", &[Outcome::Status(405)]),
    ];
    for (number, (fields, body, expected)) in rows.iter().enumerate() {
        let mut client = Frames::open(&secure.pair, secure.address);
        let last = if body.is_empty() { frames::END_STREAM } else { 0 };
        client.send(frames::HEADERS, frames::END_HEADERS | last, 1, fields);
        if !body.is_empty() {
            client.send(frames::DATA, frames::END_STREAM, 1, body.as_bytes());
        }
        let outcome = client.outcome(1);
        // A block that cannot be decoded ends the connection (RFC 9113 §4.3).
        let is_expected = expected.contains(&outcome) || outcome == Outcome::GoAway(frames::PROTOCOL_ERROR);
        assert!(is_expected, "row {number}: {outcome:?} for {:?}", String::from_utf8_lossy(fields));
    }
    assert_eq!(backend.requests(), Vec::<String>::new());
    // And an honest one, by the same hand.
    let mut client = Frames::open(&secure.pair, secure.address);
    let end = frames::END_HEADERS | frames::END_STREAM;
    client.send(frames::HEADERS, end, 1, &with(&[("host", "X:443"), ("content-length", "0")]));
    assert_eq!(client.outcome(1), Outcome::Status(200));
}

#[test]
fn a_reader_that_does_not_read_holds_up_its_own_stream_alone() {
    let body = "x".repeat(1 << 20);
    let backend = Backend::answering(move |request| match request.contains(" /large ") {
        true => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        false => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(),
    });
    let settings = format!("{NO_CACHE}[timeouts]\nrequest_body = \"2s\"\n");
    let secure = Secure::start(&backend, &settings);
    block_on(async {
        // Room for several windows on the connection, so that a stream that is not read cannot use it up.
        let connector = tokio_rustls::TlsConnector::from(secure.pair.trusted(&[&version::TLS13], &["h2"]));
        let stream = tokio::net::TcpStream::connect(secure.address).await.unwrap();
        let stream = connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(65_535).initial_connection_window_size(1 << 20);
        let (send, connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
        let _connection = tokio::spawn(connection);
        let (response, _) = send.clone().ready().await.unwrap().send_request(get("/large"), true).unwrap();
        let mut unread = response.await.unwrap().into_body();
        let first = unread.data().await.unwrap().unwrap();
        for number in 0..100 {
            let (response, body, _) = ask(&send, get(&format!("/{number}"))).await.unwrap();
            assert_eq!((response.status().as_u16(), body.as_str()), (200, "ok"));
        }
        // Whoever takes nothing for its time is left, and only that stream ends.
        let mut received = first.len();
        let error = loop {
            match unread.data().await.unwrap() {
                Ok(piece) => received += piece.len(),
                Err(error) => break error,
            }
        };
        assert_eq!((received, error.reason()), (65_535, Some(Reason::CANCEL)));
        assert_eq!(ask(&send, get("/after")).await.unwrap().1, "ok");
        // One that is slow gets all of it.
        let (response, _) = send.clone().ready().await.unwrap().send_request(get("/large"), true).unwrap();
        let (_, body, _) = whole(response.await.unwrap()).await.unwrap();
        assert_eq!(body.len(), 1 << 20);
    });
}

/// A backend whose answers wait for a word.
fn holding() -> (Backend, Sender<()>) {
    let (release, held) = channel::<()>();
    let held: Mutex<Receiver<()>> = Mutex::new(held);
    let backend = Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            let _ = held.lock().unwrap().recv_timeout(PATIENCE);
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    (backend, release)
}

#[test]
fn a_stream_that_its_client_resets_ends_its_exchange_at_once() {
    let (backend, _release) = holding();
    let secure = Secure::start(&backend, NO_CACHE);
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        let (response, mut stream) =
            send.clone().ready().await.unwrap().send_request(get("/left"), true).unwrap();
        while backend.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stream.send_reset(Reason::CANCEL);
        assert!(response.await.is_err());
    });
    assert!(secure.proxy.log(1).contains("\"GET /left HTTP/2.0\" 499 "));
}

#[test]
fn a_flood_of_resets_ends_the_connection_and_costs_the_backends_little() {
    let (backend, release) = holding();
    let secure = Secure::start(&backend, NO_CACHE);
    let mut client = Frames::open(&secure.pair, secure.address);
    let request = with(&[(":method", "GET")]);
    let end = frames::END_HEADERS | frames::END_STREAM;
    let mut flood = Vec::new();
    for number in 0..5_000 {
        let stream = number * 2 + 1;
        flood.extend(frame(frames::HEADERS, end, stream, &request));
        flood.extend(frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    // The proxy may close while this is still being sent.
    let _ = std::io::Write::write_all(&mut client.0.stream, &flood);
    assert_eq!(client.outcome(u32::MAX), Outcome::GoAway(frames::ENHANCE_YOUR_CALM));
    // The same, but each stream has reached its exchange before it is reset.
    let mut client = Frames::open(&secure.pair, secure.address);
    let mut resets = 0;
    let outcome = loop {
        let stream = resets * 2 + 1;
        let frames = [frame(frames::HEADERS, end, stream, &request), frame(6, 0, 0, &[0; 8])];
        if std::io::Write::write_all(&mut client.0.stream, &frames.concat()).is_err() {
            break Outcome::Closed;
        }
        // The answer to a ping comes behind whatever came before it.
        let mut goaway = None;
        while let Some(frame) = client.next() {
            match frame.kind {
                6 => break,
                frames::GOAWAY => {
                    goaway =
                        Some(Outcome::GoAway(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap())));
                }
                _ => {}
            }
            if goaway.is_some() {
                break;
            }
        }
        if let Some(goaway) = goaway {
            break goaway;
        }
        let _ = std::io::Write::write_all(
            &mut client.0.stream,
            &frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes()),
        );
        resets += 1;
        assert!(resets < 2_000, "nobody minds");
    };
    assert_eq!(outcome, Outcome::GoAway(frames::ENHANCE_YOUR_CALM), "after {resets}");
    assert!(backend.requests().len() <= 600, "{}", backend.requests().len());
    // Others are served as before.
    for _ in 0..1_000 {
        let _ = release.send(());
    }
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        assert_eq!(ask(&send, get("/")).await.unwrap().1, "ok");
    });
}

#[test]
fn a_head_without_end_is_given_up() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, NO_CACHE);
    let mut client = Frames::open(&secure.pair, secure.address);
    client.send(frames::HEADERS, frames::END_STREAM, 1, &with(&[]));
    let piece = frame(frames::CONTINUATION, 0, 1, &literal("x", &[b'y'; 100]).repeat(20));
    let mut sent = 0;
    while std::io::Write::write_all(&mut client.0.stream, &piece).is_ok() {
        sent += piece.len();
        assert!(sent < 64 << 20, "it goes on for ever");
    }
    assert_eq!(backend.requests().len(), 0);
    // One that is too long and has an end is told so.
    let mut client = Frames::open(&secure.pair, secure.address);
    client.send(frames::HEADERS, frames::END_STREAM, 1, &with(&[]));
    for last in [0, 0, frames::END_HEADERS] {
        client.send(frames::CONTINUATION, last, 1, &literal("x", &[b'y'; 100]).repeat(150));
    }
    assert_eq!(client.outcome(1), Outcome::Status(431));
}

#[test]
fn a_drain_lets_streams_end_and_says_that_no_more_are_wanted() {
    let (backend, release) = holding();
    let mut secure = Secure::start(&backend, NO_CACHE);
    block_on(async {
        let (send, connection) = open(&secure.pair, secure.address).await;
        let (idle, idle_connection) = open(&secure.pair, secure.address).await;
        let streams: Vec<_> = (0..5)
            .map(|number| {
                let send = send.clone();
                tokio::spawn(async move { ask(&send, get(&format!("/{number}"))).await })
            })
            .collect();
        while backend.requests().len() < 5 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let address = secure.address;
        let stopping = tokio::task::spawn_blocking(move || {
            secure.proxy.stop();
            secure
        });
        // The one without streams ends first, and with it everybody has been told.
        assert!(idle_connection.await.unwrap().is_ok());
        assert!(ask(&idle, get("/late")).await.is_err());
        for _ in 0..5 {
            release.send(()).unwrap();
        }
        for stream in streams {
            assert_eq!(stream.await.unwrap().unwrap().1, "ok");
        }
        assert!(connection.await.unwrap().is_ok());
        stopping.await.unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn answers_that_wait_for_their_reader_are_whole_after_a_drain() {
    const BYTES: usize = 60 << 10;
    let backend = Backend::answering(|_| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n{}", "x".repeat(BYTES))
    });
    let mut secure = Secure::start(&backend, NO_CACHE);
    block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let stream = socket.connect(secure.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(secure.pair.trusted(&[&version::TLS13], &["h2"]));
        let stream = connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1 << 20).initial_connection_window_size(64 << 20);
        let (send, mut connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
        let mut responses = Vec::new();
        for number in 0..90 {
            let request = get(&format!("/{number}"));
            responses.push(send.clone().ready().await.unwrap().send_request(request, true).unwrap().0);
        }
        // The requests leave, and then nothing is read.
        let until_sent = async {
            while backend.requests().len() < 90 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! { _ = &mut connection => panic!("it goes on"), () = until_sent => {} }
        let stopping = tokio::task::spawn_blocking(move || {
            secure.proxy.stop();
            secure
        });
        // Longer than anybody is given who has nothing under way: the exchanges are over, and their answers wait.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let connection = tokio::spawn(connection);
        for response in responses {
            assert_eq!(whole(response.await.unwrap()).await.unwrap().1.len(), BYTES);
        }
        drop(send);
        assert!(connection.await.unwrap().is_ok());
        stopping.await.unwrap();
    });
}

#[test]
fn an_idle_connection_is_closed_after_its_time_and_a_reload_leaves_it_alone() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::echo();
    let pair = Pair::make(directory.path(), "proxy");
    let text = format!("backends = [\"{}\"]\n[timeouts]\nkeep_alive = \"1s\"\n", backend.address);
    std::fs::write(directory.path().join("pibl.toml"), text).unwrap();
    let running = Running::spawn(&mut this_build(directory.path(), &pair.arguments()));
    let address = running.tls();
    block_on(async {
        let (send, connection) = open(&pair, address).await;
        assert_eq!(ask(&send, get("/before")).await.unwrap().0.status(), 200);
        running.signal(rustix::process::Signal::HUP);
        running.await_line("configuration read again");
        assert_eq!(ask(&send, get("/after")).await.unwrap().0.status(), 200);
        // The end is a GOAWAY without an error, not a broken connection.
        assert_eq!(connection.await.unwrap().map_err(|error| error.to_string()), Ok(()));
    });
}

#[test]
fn curl_gets_the_same_answers_by_http_2_as_by_http_1() {
    let version = Command::new("curl").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("HTTP2")) {
        return eprintln!("left out: there is no curl that speaks HTTP/2");
    }
    let backend = Backend::answering(|request| {
        let body = request.lines().next().unwrap_or_default().to_owned();
        format!(
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let secure = Secure::start(&backend, NO_CACHE);
    let curl = |version: &str, arguments: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "20", "--include", version, "--cacert"]);
        command
            .arg(&secure.pair.cert)
            .args(["--resolve", &format!("{NAME}:{}:127.0.0.1", secure.address.port())]);
        command.args(arguments).arg(format!("https://{NAME}:{}/page?x", secure.address.port()));
        let output = command.output().expect("curl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().to_lowercase()
    };
    for arguments in [&[][..], &["--head"], &["--data", "abc"], &["--request", "DELETE"]] {
        let answers = ["--http2", "--http1.1"].map(|version| curl(version, arguments));
        assert!(
            answers[0].starts_with("http/2 200") && answers[1].starts_with("http/1.1 200"),
            "{answers:?}"
        );
        let [two, one] = answers.map(|answer| {
            let (_, rest) = answer.split_once("\r\n").unwrap();
            let mut lines: Vec<_> =
                rest.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect();
            lines.sort();
            lines
        });
        assert_eq!(two, one, "{arguments:?}");
    }
}

#[test]
fn a_refusal_arrives_although_the_client_is_still_sending_and_other_streams_go_on() {
    let backend = Backend::echo();
    let settings = format!("{NO_CACHE}[limits]\nbody = \"1KiB\"\nrequests_per_second = 1\nburst = 4\n");
    let secure = Secure::start(&backend, &settings);
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        let request = Request::post("https://x/upload").body(()).unwrap();
        let (response, mut stream) =
            send.clone().ready().await.unwrap().send_request(request, false).unwrap();
        // More than may be in flight, and no end.
        stream.send_data(Bytes::from(vec![b'x'; 500_000]), false).unwrap();
        let (response, body, _) = whole(response.await.unwrap()).await.unwrap();
        assert_eq!(response.status(), 413, "{body}");
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(ask(&send, get("/")).await.unwrap().0.status().as_u16());
        }
        // The rate counts streams as it counts requests.
        assert_eq!(statuses, [200, 200, 200, 429]);
    });
}

#[test]
fn all_streams_together_are_no_more_than_connections_may_be() {
    let (backend, release) = holding();
    let secure = Secure::start(&backend, &format!("{NO_CACHE}[limits]\nconnections = 3\n"));
    block_on(async {
        let (send, _connection) = open(&secure.pair, secure.address).await;
        // The first stream of a connection counts as that.
        let mut held: Vec<_> = (0..4)
            .map(|number| {
                let send = send.clone();
                tokio::spawn(async move { ask(&send, get(&format!("/{number}"))).await })
            })
            .collect();
        while backend.requests().len() < 4 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let error = ask(&send, get("/refused")).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
        // Whoever comes on another connection is served all the same.
        let (other, _other_connection) = open(&secure.pair, secure.address).await;
        held.push(tokio::spawn(async move { ask(&other, get("/other")).await }));
        while backend.requests().len() < 5 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for _ in 0..6 {
            release.send(()).unwrap();
        }
        for stream in held {
            assert_eq!(stream.await.unwrap().unwrap().1, "ok");
        }
        assert_eq!(ask(&send, get("/again")).await.unwrap().1, "ok");
    });
    assert!(!backend.requests().iter().any(|request| request.contains("/refused")));
}
