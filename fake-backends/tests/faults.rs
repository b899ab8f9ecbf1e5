//! What backends do wrong on purpose, as a client sees it and as the journal tells it.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use fake_backends::content::{Damage, Secret, verify};
use fake_backends::journal::{ConnectionEnd, Outcome};
use fake_backends::server::Down;
use fake_backends::wire::Ending;

use crate::testkit::{Client, End, attempts, backend, deadline, script, world};

/// What one GET of a backend that follows this script ends with, and its outcome in the journal.
fn broken(text: &str) -> (Ending, End, Outcome) {
    let world = world();
    let backend = backend(&world, "b1", text);
    let mut client = Client::connect(backend.addr());
    client.send("GET /x HTTP/1.1\r\nHost: test\r\n\r\n");
    let (ending, end) = client.try_answer(false).expect_err("a broken answer");
    (ending, end, attempts(&world, 1)[0].outcome.clone())
}

#[test]
fn close_answers_nothing() {
    assert_eq!(broken(r#"{"otherwise": {"close": {}}}"#), (Ending::Nothing, End::Closed, Outcome::Refused));
}

#[test]
fn reset_resets_before_and_within_the_answer() {
    assert_eq!(broken(r#"{"otherwise": {"reset": {}}}"#), (Ending::Nothing, End::Reset, Outcome::Reset));
    let within = r#"{"otherwise": {"reset": {"at": {"in_body": "100B"}}}}"#;
    let cut = Ending::InBody { received: 100, announced: Some(1024) };
    assert_eq!(broken(within), (cut, End::Reset, Outcome::Reset));
}

#[test]
fn truncated_answers_lack_the_end_whatever_their_framing() {
    let fixed = r#"{"otherwise": {"truncate": {"then": {"respond": {"body": "3KiB"}}}}}"#;
    let cut = Ending::InBody { received: 1536, announced: Some(3072) };
    assert_eq!(broken(fixed), (cut, End::Closed, Outcome::Truncated));
    let chunks = r#"{"otherwise": {"truncate": {"after": "150B",
        "then": {"respond": {"body": "3KiB", "framing": {"chunked": "100B"}}}}}}"#;
    let cut = Ending::InBody { received: 150, announced: None };
    assert_eq!(broken(chunks), (cut, End::Closed, Outcome::Truncated));
}

#[test]
fn a_hanging_backend_waits_for_its_client_to_leave_or_for_its_own_limit() {
    for (at, received) in [(r#""before_head""#, 0), (r#""in_head""#, 1), (r#"{"in_body": "10B"}"#, 100)] {
        let world = world();
        let backend = backend(&world, "b1", &format!(r#"{{"otherwise": {{"hang": {{"at": {at}}}}}}}"#));
        let mut client = Client::connect(backend.addr());
        client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        assert!(world.journal.wait_for_count(1, deadline()));
        // Elapsed time is the subject: nothing more comes within this.
        client.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut seen = Vec::new();
        let stopped = std::io::Read::read_to_end(&mut client.stream, &mut seen).unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::WouldBlock);
        assert!(seen.len() >= received, "{at}: {}", seen.escape_ascii());
        assert_eq!(world.journal.open_count(), 1);
        drop(client);
        let attempt = &attempts(&world, 1)[0];
        assert_eq!(attempt.outcome, Outcome::Hung);
        assert_eq!(attempt.response_bytes, seen.len() as u64);
    }
    let limited = broken(r#"{"otherwise": {"hang": {"give_up_after": "20ms"}}}"#);
    assert_eq!(limited, (Ending::Nothing, End::Closed, Outcome::Hung));
}

#[test]
fn garbage_is_not_http() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"garbage": {"size": "500B"}}}"#);
    let mut client = Client::connect(backend.addr());
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    let (bytes, end) = client.rest();
    assert_eq!((bytes.len(), bytes[0], end), (500, 0x80, End::Closed));
    let attempt = &attempts(&world, 1)[0];
    assert_eq!((&attempt.outcome, attempt.status), (&Outcome::AnsweredWrongly, None));
}

#[test]
fn each_flaw_is_on_the_wire_as_it_is_called() {
    for (flaw, wanted) in [
        (r#""bad_chunk_size""#, "zz\r\n"),
        (r#""chunked_and_length""#, "Content-Length: 1024\r\nTransfer-Encoding: chunked\r\n"),
        (r#""two_lengths""#, "Content-Length: 1025\r\nContent-Length: 1024\r\n"),
        (r#""length_no_number""#, "Content-Length: ten\r\n"),
        (r#""bare_line_feeds""#, "HTTP/1.1 200 OK\nX-Backend"),
        (r#""folded_field""#, "X-Folded: one\r\n two\r\n"),
        (r#""line_without_colon""#, "\r\nthis line has no colon\r\n"),
        (r#""nul_in_field""#, "X-Nul: a\0b\r\n"),
        (r#""bad_status""#, "HTTP/1.1 2x0 OK\r\n"),
        (r#"{"extra_bytes": "5B"}"#, "xxxxx"),
    ] {
        let world = world();
        let text = format!(
            r#"{{"otherwise": {{"misframe": {{"how": {flaw},
            "then": {{"respond": {{"persistence": "close", "body": "text 1KiB"}}}}}}}}}}"#
        );
        let backend = backend(&world, "b1", &text);
        let mut client = Client::connect(backend.addr());
        client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        let bytes = client.rest().0;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(wanted), "{flaw}: {}", bytes.escape_ascii());
        assert_eq!(attempts(&world, 1)[0].outcome, Outcome::AnsweredWrongly);
    }
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"misframe": {"how": "body_to_head"}}}"#);
    let mut client = Client::connect(backend.addr());
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    assert!(client.rest().0.len() > 1024);
}

#[test]
fn an_error_with_a_probability_is_met_and_stamped() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"error": {"status": 500, "every": 2}}}"#);
    let mut client = Client::connect(backend.addr());
    let answers: Vec<_> = (0..4).map(|_| client.get("/e?1")).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.head.status).collect();
    assert_eq!(statuses, [200, 500, 200, 500]);
    assert_eq!(answers[1].body, b"error 500 of b1 for /e?1\n");
    assert_eq!(answers[1].head.stamp(Secret::NONE).unwrap().number, 2);
}

#[test]
fn connections_are_treated_as_the_script_says() {
    let world = world();
    let refusing = backend(&world, "b1", r#"{"connections": {"accept": "refuse"}}"#);
    assert_eq!(TcpStream::connect(refusing.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    refusing.set_script(script("{}")).unwrap();
    assert_eq!(Client::connect(refusing.addr()).get("/").head.status, 200);

    let closing = backend(&world, "b2", r#"{"connections": {"accept": "close"}}"#);
    assert_eq!(Client::connect(closing.addr()).rest(), (vec![], End::Closed));
    let resetting = backend(&world, "b3", r#"{"connections": {"accept": "reset"}}"#);
    assert_eq!(Client::connect(resetting.addr()).rest(), (vec![], End::Reset));

    let limited = backend(&world, "b4", r#"{"connections": {"requests_per_connection": 2}}"#);
    let mut client = Client::connect(limited.addr());
    assert!(client.get("/1").head.keeps_alive());
    assert!(!client.get("/2").head.keeps_alive());
    assert_eq!(client.rest(), (vec![], End::Closed));
}

#[test]
fn persistence_is_what_the_script_says() {
    let world = world();
    let answer = |persistence: &str, request: &str| {
        let text = format!(r#"{{"otherwise": {{"respond": {{"persistence": "{persistence}"}}}}}}"#);
        let backend = backend(&world, "b1", &text);
        let mut client = Client::connect(backend.addr());
        client.send(request);
        let says = client.answer(false).head.keeps_alive();
        client.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let stays = std::io::Read::read(&mut client.stream, &mut [0; 10]).is_err();
        (says, stays)
    };
    let (plain, closing) =
        ("GET / HTTP/1.1\r\nHost: t\r\n\r\n", "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    assert_eq!(answer("keep_open", plain), (true, true));
    assert_eq!(answer("keep_open", closing), (false, false));
    assert_eq!(answer("close", plain), (false, false));
    assert_eq!(answer("close_silently", plain), (true, false));
    assert_eq!(answer("stay_open", plain), (true, true));
    assert_eq!(answer("stay_open", closing), (false, false));
    assert_eq!(answer("never_close", closing), (true, true));
}

#[test]
fn a_backend_goes_down_in_each_way_and_comes_back_on_the_same_port() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    let address = backend.addr();
    for down in [Down::Refuse, Down::Close, Down::Reset, Down::Hang] {
        let mut open = Client::connect(address);
        open.get("/before");
        backend.take_down(down).unwrap();
        match down {
            Down::Refuse => {
                assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
                assert_eq!(open.rest(), (vec![], End::Closed));
            }
            Down::Close => {
                assert_eq!(Client::connect(address).rest(), (vec![], End::Closed));
                assert_eq!(open.rest(), (vec![], End::Closed));
            }
            Down::Reset => {
                assert_eq!(Client::connect(address).rest(), (vec![], End::Reset));
                assert_eq!(open.rest(), (vec![], End::Reset));
            }
            Down::Hang => {
                for mut client in [open, Client::connect(address)] {
                    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
                    client.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
                    let nothing = std::io::Read::read(&mut client.stream, &mut [0; 10]).unwrap_err();
                    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
                }
            }
        }
        backend.bring_up().unwrap();
        assert_eq!(Client::connect(address).get("/after").head.status, 200, "after {down:?}");
    }
    // Requests that a hanging backend never read are no attempts.
    assert_eq!(attempts(&world, 8).last().unwrap().number, 8);
}

#[test]
fn what_is_under_way_when_a_backend_goes_is_journalled_as_stopped() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"slow": {"delay": "1h"}}}"#);
    let mut client = Client::connect(backend.addr());
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    assert!(world.journal.wait_for_count(1, deadline()));
    backend.stop();
    assert_eq!(client.rest(), (vec![], End::Closed));
    assert_eq!(attempts(&world, 1)[0].outcome, Outcome::Stopped);
    assert_eq!(world.journal.connections()[0].end, Some(ConnectionEnd::Stopped));
}

#[test]
fn a_truncated_body_proves_its_damage() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"body": "5KiB"}}}"#);
    let body = Client::connect(backend.addr()).get("/key").body;
    assert!(verify(&body, Secret::NONE).unwrap().is_of("/key", 1, Secret::NONE));
    assert_eq!(verify(&body[..4096], Secret::NONE), Err(Damage::Short { received: 4096, announced: 5120 }));
}

#[test]
fn who_is_not_on_the_list_is_reset_before_a_byte_is_read() {
    let world = world();
    let lets_in = backend(&world, "b1", r#"{"connections": {"allow": ["127.0.0.1"]}}"#);
    let shuts_out = backend(&world, "b2", r#"{"connections": {"allow": ["127.0.0.9"]}}"#);
    let mut client = Client::connect(lets_in.addr());
    client.send("GET /x HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(client.try_answer(false).is_ok());
    let mut stream = TcpStream::connect(shuts_out.addr()).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let end = std::io::Read::read(&mut stream, &mut [0; 1]);
    assert_eq!(end.expect_err("no answer").kind(), ErrorKind::ConnectionReset);
    assert_eq!(shuts_out.counts().requests, 0);
}
