//! What backends read: every way a request can arrive, and what the journal says of it.

use std::sync::mpsc;

use fake_backends::behavior::Seen;
use fake_backends::content::Secret;
use fake_backends::journal::{ConnectionEnd, Outcome};
use fake_backends::server::{BackendSpec, Recording, start};

use crate::testkit::{self, Client, attempts, backend, deadline, script, world};

const ECHO: &str = r#"{"otherwise": {"echo": {}}}"#;

#[test]
fn a_request_is_echoed_with_its_fields_in_order_and_its_body_hashed() {
    let world = world();
    let backend = backend(&world, "b1", ECHO);
    let mut client = Client::connect(backend.addr());
    client.send("PUT /a?b=%20 HTTP/1.1\r\nHost: test\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello");
    let answer = client.answer(false);
    let seen: Seen = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((seen.method.as_str(), seen.target.as_str(), seen.body_bytes), ("PUT", "/a?b=%20", 5));
    let names: Vec<&str> = seen.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Host", "X-A", "x-a", "Content-Length"]);
    assert_eq!(seen.body_start.0, b"hello");
    assert_eq!(answer.head.stamp(Secret::NONE).unwrap().number, 1);

    let attempt = &attempts(&world, 1)[0];
    assert_eq!((attempt.backend.as_str(), attempt.number, attempt.status), ("b1", 1, Some(200)));
    assert_eq!(attempt.outcome, Outcome::Answered);
    assert_eq!((attempt.body_bytes, attempt.body_start.0.as_slice()), (5, &b"hello"[..]));
    assert_eq!(attempt.field("x-a"), Some(&b"1"[..]));
    let moments = [
        Some(attempt.accepted),
        Some(attempt.arrived),
        attempt.head_complete,
        attempt.body_complete,
        attempt.responded,
        Some(attempt.finished),
    ];
    assert!(moments.iter().all(Option::is_some) && moments.is_sorted(), "{moments:?}");
}

#[test]
fn requests_in_one_byte_segments_and_pipelined_ones_are_all_answered() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    let mut client = Client::connect(backend.addr());
    let request = "POST /slowly HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    for byte in request.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.answer(false).head.status, 200);
    client.send("GET /1 HTTP/1.1\r\nHost: t\r\n\r\nGET /2 HTTP/1.1\r\nHost: t\r\n\r\nGET /3 HTTP/1.1\r\nHost: t\r\n\r\n");
    let numbers: Vec<u64> =
        (0..3).map(|_| client.answer(false).head.stamp(Secret::NONE).unwrap().number).collect();
    assert_eq!(numbers, [2, 3, 4]);

    let attempts = attempts(&world, 4);
    assert_eq!((attempts[0].body_bytes, attempts[0].body_start.0.as_slice()), (3, &b"abc"[..]));
    let on_connection: Vec<u32> = attempts.iter().map(|attempt| attempt.request_on_connection).collect();
    assert_eq!(on_connection, [1, 2, 3, 4]);
    assert!(attempts.iter().all(|attempt| attempt.connection == attempts[0].connection));
}

#[test]
fn a_head_of_a_hundred_kilobytes_is_read_and_counted() {
    let world = world();
    let backend = backend(&world, "b1", ECHO);
    let mut client = Client::connect(backend.addr());
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Long: {}\r\n\r\n", "y".repeat(100_000));
    client.send(&request);
    assert_eq!(client.answer(false).head.status, 200);
    let attempt = &attempts(&world, 1)[0];
    assert_eq!(attempt.head_bytes, request.len() as u64);
    assert_eq!(attempt.head.0, request.as_bytes()[..64 * 1024]);
}

#[test]
fn a_large_body_is_hashed_and_its_beginning_kept() {
    let world = world();
    let backend = backend(&world, "b1", ECHO);
    let mut client = Client::connect(backend.addr());
    let body: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    client.send(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", body.len()));
    client.send(&body);
    client.answer(false);
    let attempt = &attempts(&world, 1)[0];
    assert_eq!((attempt.body_bytes, attempt.body_hash), (5_000_000, xxhash_rust::xxh3::xxh3_64(&body)));
    assert_eq!(attempt.body_start.0, body[..4096]);
}

#[test]
fn a_waiting_client_is_told_to_continue_once() {
    let world = world();
    let backend = backend(&world, "b1", ECHO);
    let mut client = Client::connect(backend.addr());
    let head = "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    client.send(head);
    let mut first = [0; 25];
    std::io::Read::read_exact(&mut client.stream, &mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ab");
    client.send("cd");
    let answer = client.answer(false);
    assert_eq!((answer.interim.len(), answer.head.status), (0, 200));
    // Who sends the body at once needs no permission.
    client.send(format!("{head}abcd"));
    assert!(client.answer(false).interim.is_empty());
    assert!(attempts(&world, 2)[0].expected_continue);
}

#[test]
fn head_requests_get_the_length_and_no_body() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"body": "3KiB"}}}"#);
    let mut client = Client::connect(backend.addr());
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
    let answer = client.answer(true);
    assert!(answer.head.fields.iter().any(|f| f.name == "Content-Length" && f.value.0 == b"3072"));
    assert_eq!(client.get("/").body.len(), 3072);
}

#[test]
fn http_1_0_is_closed_unless_it_asks_to_stay() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"framing": {"chunked": "100B"}}}}"#);
    let mut client = Client::connect(backend.addr());
    client.send("GET / HTTP/1.0\r\n\r\n");
    let (bytes, _) = client.rest();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("chunked") && text.contains("Connection: close"), "{text}");
    let other = testkit::backend(&world, "b2", "{}");
    let mut client = Client::connect(other.addr());
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert!(client.answer(false).head.keeps_alive());
    }
}

#[test]
fn malformed_requests_are_refused_and_journalled() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    let wrong = [
        "NOT HTTP\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
    ];
    for wrong in wrong {
        let mut client = Client::connect(backend.addr());
        client.send(wrong);
        let (bytes, _) = client.rest();
        assert!(bytes.starts_with(b"HTTP/1.1 400 Bad Request"), "{wrong:?}: {}", bytes.escape_ascii());
    }
    for attempt in attempts(&world, wrong.len()) {
        assert!(matches!(attempt.outcome, Outcome::Malformed(_)), "{attempt:?}");
        assert_eq!(attempt.status, Some(400));
    }
}

#[test]
fn bytes_after_a_request_that_cannot_begin_another_are_counted() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    let mut client = Client::connect(backend.addr());
    client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc\0\0\0\0");
    let answer = client.answer(false);
    assert!(!answer.head.keeps_alive());
    assert_eq!(attempts(&world, 1)[0].extra_bytes, 4);
}

#[test]
fn requests_that_break_off_are_attempts_and_bare_connections_are_not() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    drop(Client::connect(backend.addr()));
    Client::connect(backend.addr()).send("GET / HT");
    Client::connect(backend.addr()).send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc");
    let mut attempts = attempts(&world, 2);
    attempts.sort_by_key(|attempt| attempt.body_bytes);
    assert!(attempts.iter().all(|attempt| attempt.outcome == Outcome::ClientLeft), "{attempts:?}");
    assert_eq!((attempts[0].head.0.as_slice(), attempts[0].head_complete), (&b"GET / HT"[..], None));
    assert_eq!((attempts[1].body_bytes, attempts[1].body_complete), (3, None));

    let closed =
        |connection: &fake_backends::journal::ConnectionRecord| connection.end == Some(ConnectionEnd::Peer);
    let all_closed =
        world.journal.wait_for_connections(deadline(), |all| all.len() == 3 && all.iter().all(closed));
    assert!(all_closed, "{:?}", world.journal.connections());
    let bare: Vec<_> = world.journal.connections().into_iter().filter(|c| c.received_bytes == 0).collect();
    assert_eq!((bare.len(), bare[0].requests), (1, 0));
}

#[test]
fn subscribers_get_each_attempt_once() {
    let world = world();
    let (sender, receiver) = mpsc::channel();
    world.journal.subscribe(sender);
    let backend = backend(&world, "b1", "{}");
    let mut client = Client::connect(backend.addr());
    for n in 0..5 {
        client.get(&format!("/{n}"));
    }
    attempts(&world, 5);
    let targets: Vec<String> = receiver.try_iter().map(|attempt| attempt.target).collect();
    assert_eq!(targets, ["/0", "/1", "/2", "/3", "/4"]);
}

#[test]
fn a_counting_backend_counts_and_journals_nothing() {
    let world = world();
    let spec = BackendSpec { recording: Recording::Counting, ..BackendSpec::new("b1", script("{}")) };
    let backend = start(spec, &world).unwrap();
    let mut client = Client::connect(backend.addr());
    assert_eq!(client.get("/").head.stamp(Secret::NONE).unwrap().number, 1);
    assert_eq!(client.get("/").head.stamp(Secret::NONE).unwrap().number, 2);
    let counts = backend.counts();
    assert_eq!((counts.requests, counts.connections_total, counts.connections_open), (2, 1, 1));
    assert_eq!((world.journal.count(), world.journal.connections().len()), (0, 0));
    backend.set_recording(Recording::Full);
    client.get("/");
    assert_eq!(attempts(&world, 1)[0].number, 3);
    assert_eq!(backend.counts().answered, 3);
}
