//! HTTP/1.1 over TLS: the same answers, and what TLS adds to the life of a connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pibl::config::{File, Flags};

use tokio_rustls::rustls::{HandshakeKind, ProtocolVersion, version};

use crate::testkit::program::{Running, this_build};
use crate::testkit::tls::{Pair, Secure, connect, trusting};
use crate::testkit::{Backend, Client, PATIENCE, field, status, wait_until};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A body in which every place is another one.
fn body(length: usize) -> String {
    (0..length / 8).map(|place| format!("{place:07} ")).collect()
}

fn storing(length: usize) -> Backend {
    Backend::answering(move |_| {
        let body = body(length);
        format!(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    })
}

#[test]
fn both_versions_of_tls_carry_what_plain_http_carries() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, "[cache]\nenabled = false\n");
    for (wanted, spoken) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let config = secure.pair.trusted(&[wanted], &["http/1.1"]);
        let mut client = connect(secure.address, &config).unwrap();
        assert_eq!(client.stream.conn.protocol_version(), Some(spoken));
        client.send(
            "GET /a?b HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
        );
        let response = client.read_response();
        let (head, seen) = response.split_once("\r\n\r\n").unwrap();
        assert_eq!((status(head), field(head, "via")), (200, Some("1.1 pibl")));
        assert!(seen.starts_with("GET /a?b HTTP/1.1\r\n"), "{seen}");
        let forwarded = ["x-forwarded-proto", "x-forwarded-for", "x-forwarded-host", "forwarded"];
        let expected = ["https", "127.0.0.1", "x", "for=127.0.0.1;host=\"x\";proto=https"];
        assert_eq!(forwarded.map(|name| field(seen, name)), expected.map(Some));
        // The same connection again, with two requests in one record.
        client.send("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let rest = client.read_to_end();
        assert!(rest.contains("POST /1 ") && rest.contains("abc") && rest.contains("GET /2 "), "{rest}");
    }
    let log = secure.proxy.log(6);
    assert!(log.contains("127.0.0.1:") && log.contains("\"POST /1 HTTP/1.1\" 200 "), "{log}");
}

#[test]
fn bodies_of_every_size_arrive_whole_from_the_backend_and_from_the_file() {
    for length in [8, 16 << 10, 100 << 10, 3 << 20] {
        let backend = storing(length);
        let secure = Secure::start(&backend, "");
        for expected in ["miss", "hit"] {
            let mut client = secure.connect();
            client.send("GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let response = client.read_to_end();
            let (head, received) = response.split_once("\r\n\r\n").unwrap();
            assert!(received == body(length), "{length} bytes, {expected}");
            assert_eq!(field(head, "cache-status").unwrap().contains("; hit"), expected == "hit", "{head}");
        }
        assert_eq!(backend.requests().len(), 1);
    }
}

#[test]
fn a_page_and_the_same_page_over_tls_are_two_resources() {
    let backend = Backend::answering(|request| {
        let scheme = field(request, "x-forwarded-proto").unwrap().to_owned();
        format!(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n{scheme}",
            scheme.len()
        )
    });
    let secure = Secure::start(&backend, "");
    let (mut plain, mut tls) = (secure.proxy.connect(), secure.connect());
    for _ in 0..2 {
        plain.send(GET);
        assert!(plain.read_response().ends_with("\r\n\r\nhttp"));
        tls.send(GET);
        assert!(tls.read_response().ends_with("\r\n\r\nhttps"));
        tls.send("GET https://x:443/ HTTP/1.1\r\nHost: X\r\n\r\n");
        assert!(tls.read_response().ends_with("\r\n\r\nhttps"));
    }
    assert_eq!(backend.requests().len(), 2);
    assert!(secure.proxy.services.cache.purge_key(b"x", b"/"));
    for is_secure in [false, true] {
        if is_secure {
            tls.send(GET);
            tls.read_response();
        } else {
            plain.send(GET);
            plain.read_response();
        }
    }
    assert_eq!(backend.requests().len(), 4);
    tls.send("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&tls.read_to_end()), 400);
}

#[test]
fn a_client_that_asks_for_nothing_speaks_http_1_and_one_that_asks_for_the_unknown_is_told() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, "");
    let mut client = connect(secure.address, &secure.pair.trusted(&[&version::TLS13], &[])).unwrap();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&client.read_to_end()), 200);
    let error = connect(secure.address, &secure.pair.trusted(&[&version::TLS13], &["gopher"])).err();
    assert!(error.unwrap().to_string().contains("NoApplicationProtocol"));
    // Whoever says something else than TLS is told by a record of TLS, and the connection ends.
    let mut plain = Client::new(TcpStream::connect(secure.address).unwrap());
    plain.send(GET);
    assert!(!plain.read_to_end().contains("HTTP/1.1"));
}

#[test]
fn who_comes_again_has_a_shorter_handshake() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, "");
    for (version, expected) in
        [(&version::TLS12, HandshakeKind::Resumed), (&version::TLS13, HandshakeKind::Resumed)]
    {
        let config = secure.pair.trusted(&[version], &["http/1.1"]);
        let kinds = [(); 2].map(|()| {
            let mut client = connect(secure.address, &config).unwrap();
            client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            assert_eq!(status(&client.read_to_end()), 200);
            client.stream.conn.handshake_kind()
        });
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(expected)]);
    }
}

#[test]
fn who_does_not_go_on_with_the_handshake_is_closed_and_has_its_place_meanwhile() {
    let backend = Backend::echo();
    let settings = "[timeouts]\nrequest_head = \"2s\"\n[limits]\nconnections_per_address = 2\n";
    let secure = Secure::start(&backend, settings);
    let mut silent = TcpStream::connect(secure.address).unwrap();
    let mut slow = TcpStream::connect(secure.address).unwrap();
    // The first bytes of a hello.
    slow.write_all(&[22, 3, 1, 1, 0, 1]).unwrap();
    wait_until("both to be inside", || secure.proxy.services.admission.open_connections() == 2);
    // Two are at most two, whatever they have said; nobody waits for an answer that would cost a handshake.
    let config = secure.pair.trusted(&[&version::TLS13], &[]);
    assert!(connect(secure.address, &config).is_err());
    assert!(secure.proxy.log(1).contains(" 429 "));
    for stream in [&mut silent, &mut slow] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    wait_until("a free place", || connect(secure.address, &config).is_ok());
}

#[test]
fn every_end_is_said_also_that_of_an_idle_connection() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, "[timeouts]\nkeep_alive = \"300ms\"\n");
    let mut idle = secure.connect();
    idle.send(GET);
    assert_eq!(status(&idle.read_response()), 200);
    // Without the word a read of rustls ends in an error, and the client of these tests in a panic.
    assert_eq!(idle.read_to_end(), "");
    let mut client = secure.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    assert_eq!(status(&client.read_to_end()), 400);
}

#[test]
fn a_connection_that_was_idle_goes_on_with_half_a_record_and_with_two_requests_in_one() {
    let backend = Backend::echo();
    let secure = Secure::start(&backend, "[cache]\nenabled = false\n");
    let mut client = secure.connect();
    for round in 0..3 {
        // Longer than a client is waited for with memory: its connection is a socket in a list now.
        std::thread::sleep(Duration::from_millis(60));
        client.send(format!(
            "GET /{round}/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /{round}/2 HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        assert!(client.read_response().contains(&format!("GET /{round}/1 ")));
        assert!(client.read_response().contains(&format!("GET /{round}/2 ")));
        std::thread::sleep(Duration::from_millis(60));
        // A record in two pieces: the first wakes the connection and says nothing yet.
        client.stream.conn.writer().write_all(GET.as_bytes()).unwrap();
        let mut record = Vec::new();
        client.stream.conn.write_tls(&mut record).unwrap();
        let (first, second) = record.split_at(record.len() / 2);
        client.stream.sock.write_all(first).unwrap();
        std::thread::sleep(Duration::from_millis(60));
        client.stream.sock.write_all(second).unwrap();
        assert_eq!(status(&client.read_response()), 200);
    }
}

#[test]
fn a_client_that_leaves_is_noticed_and_one_that_says_nothing_more_gets_its_answer() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let backend = Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            let _ = held.lock().unwrap().recv_timeout(PATIENCE);
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let secure = Secure::start(&backend, "[cache]\nenabled = false\n");
    let mut leaves = secure.connect();
    leaves.send("GET /leaves HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until("the request at the backend", || backend.requests().len() == 1);
    leaves.stream.conn.send_close_notify();
    leaves.stream.flush().unwrap();
    drop(leaves);
    assert!(secure.proxy.log(1).contains("\"GET /leaves HTTP/1.1\" 499 "));
    release.send(()).unwrap();
    let mut stays = secure.connect();
    stays.send("GET /stays HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until("the request at the backend", || backend.requests().len() == 2);
    stays.stream.conn.send_close_notify();
    stays.stream.flush().unwrap();
    // Longer than the proxy needs to look twice at the client.
    std::thread::sleep(Duration::from_millis(700));
    release.send(()).unwrap();
    let answer = stays.read_until("\r\n\r\nok");
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn a_switch_of_protocols_carries_both_ways_and_ends_with_both() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation
                .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
            let mut piece = [0; 1024];
            while let Ok(count) = conversation.client.stream.read(&mut piece) {
                if count == 0 {
                    break;
                }
                conversation.send(&piece[..count]);
            }
        }
    });
    let secure = Secure::start(&backend, "");
    let mut client = secure.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(status(&client.read_until("\r\n\r\n")), 101);
    for word in ["one", "two", "three"] {
        client.send(word);
        assert_eq!(client.read_until(word), word);
    }
    client.stream.conn.send_close_notify();
    client.stream.flush().unwrap();
    assert_eq!(client.read_to_end(), "");
}

#[test]
fn what_is_wrong_with_certificate_or_key_is_said_with_its_place() {
    let files = tempfile::tempdir().unwrap();
    let (one, other) = (Pair::make(files.path(), "one"), Pair::make(files.path(), "other"));
    let garbage = files.path().join("garbage");
    std::fs::write(&garbage, "no PEM\n").unwrap();
    let none = files.path().join("none");
    let problem = |cert: &Path, key: &Path| {
        let text = format!("backends = [\"a:1\"]\n[tls]\ncert = {cert:?}\nkey = {key:?}\n");
        let file = File::parse(Path::new("pibl.toml"), text).unwrap();
        pibl::config::resolve(&file, &Flags::default()).map(|_| ()).map_err(|problems| problems.to_string())
    };
    assert_eq!(problem(&one.cert, &one.key), Ok(()));
    for (cert, key, place, words) in [
        (&none, &one.key, "pibl.toml:3:8", "could not read the certificate"),
        (&one.cert, &none, "pibl.toml:4:7", "could not read the key"),
        (&garbage, &one.key, "pibl.toml:3:8", "no part that begins with BEGIN CERTIFICATE"),
        (&one.cert, &garbage, "pibl.toml:4:7", "no part that begins with BEGIN PRIVATE KEY"),
        (&one.cert, &one.cert, "pibl.toml:4:7", "no part that begins with BEGIN PRIVATE KEY"),
        (&one.cert, &other.key, "pibl.toml:4:7", "does not belong to the certificate"),
    ] {
        let message = problem(cert, key).unwrap_err();
        assert!(message.contains(place) && message.contains(words), "{place}, {words} in {message}");
    }
    // The same by flags, whose place is the flag.
    let flags = |change: &dyn Fn(&mut Flags)| {
        let mut flags = Flags { backends: vec!["a:1".into()], ..Flags::default() };
        change(&mut flags);
        pibl::config::load(&flags)
            .map(|config| config.tls.unwrap().listen.port())
            .map_err(|it| it.to_string())
    };
    let both = |flags: &mut Flags| {
        (flags.tls_cert, flags.tls_key) = (Some(one.cert.clone()), Some(one.key.clone()));
    };
    assert_eq!(flags(&both), Ok(8443));
    let half = flags(&|flags| flags.tls_cert = Some(one.cert.clone())).unwrap_err();
    assert!(half.contains("HTTPS needs a certificate and its key"), "{half}");
    let same = flags(&|flags| {
        both(flags);
        (flags.port, flags.tls_port) = (Some(8080), Some(8080));
    });
    assert!(same.unwrap_err().contains("cannot share the port 8080"));
    let own = flags(&|flags| {
        both(flags);
        flags.backends = vec!["127.0.0.1:8443".into()];
    });
    assert!(own.unwrap_err().contains("is this proxy itself"));
}

#[test]
fn a_certificate_is_exchanged_under_load_and_one_that_does_not_fit_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::echo();
    let pair = Pair::make(directory.path(), "proxy");
    let mut arguments = vec!["--backend".to_owned(), backend.address.to_string()];
    arguments.extend(pair.arguments());
    let running = Running::spawn(&mut this_build(directory.path(), &arguments));
    let address = running.tls();
    let mut kept = pair.connect(address);
    kept.send(GET);
    assert_eq!(status(&kept.read_response()), 200);
    let is_over = AtomicBool::new(false);
    let made = Pair::make(directory.path(), "next");
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut answered = 0;
            while !is_over.load(Ordering::Relaxed) || answered == 0 {
                let config = trusting([&pair, &made], &[&version::TLS13], &[]);
                let mut client = connect(address, &config).expect("one of both certificates");
                client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                assert_eq!(status(&client.read_to_end()), 200);
                answered += 1;
            }
            answered
        });
        let over = Over(&is_over);
        let alone = made.trusted(&[&version::TLS13], &[]);
        assert!(connect(address, &alone).is_err());
        std::fs::copy(&made.cert, directory.path().join("proxy.pem")).unwrap();
        std::fs::copy(&made.key, directory.path().join("proxy.key")).unwrap();
        running.signal(rustix::process::Signal::HUP);
        running.await_line("configuration read again");
        assert!(connect(address, &alone).is_ok());
        // A key of nobody: it is told, and the pair in force stays.
        let other = Pair::make(directory.path(), "other");
        std::fs::copy(&other.key, directory.path().join("proxy.key")).unwrap();
        running.signal(rustix::process::Signal::HUP);
        running.await_line("does not belong to the certificate");
        running.await_line("stays as it was");
        assert!(connect(address, &alone).is_ok());
        drop(over);
        load.join().unwrap();
    });
    // Who was there before goes on with the keys that were agreed on.
    kept.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&kept.read_to_end()), 200);
}

/// Ends the clients of a test however it ends: a thread that a scope waits for must not outlive a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_restart_takes_both_ports_over_and_a_drain_ends_both() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::echo();
    let pair = Pair::make(directory.path(), "proxy");
    let mut arguments = vec!["--backend".to_owned(), backend.address.to_string()];
    arguments.extend(["--handover".to_owned(), "sockets".to_owned()]);
    // The process before speaks no HTTPS; the next one does, and the one after it takes that over.
    let mut plain = Running::spawn(&mut this_build(directory.path(), &arguments));
    arguments.extend(pair.arguments());
    let mut first = Running::spawn(&mut this_build(directory.path(), &arguments));
    assert_eq!((plain.exit_code(), first.address), (Some(0), plain.address));
    let address = first.tls();
    let ask = || {
        let mut client = pair.connect(address);
        client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        status(&client.read_to_end())
    };
    assert_eq!(ask(), 200);
    let mut idle = pair.connect(address);
    idle.send(GET);
    assert_eq!(status(&idle.read_response()), 200);
    let mut second = Running::spawn(&mut this_build(directory.path(), &arguments));
    assert_eq!((first.exit_code(), second.tls()), (Some(0), address));
    assert_eq!(idle.read_to_end(), "");
    assert_eq!((ask(), status(&second.get("/"))), (200, 200));
    second.signal(rustix::process::Signal::TERM);
    assert_eq!(second.exit_code(), Some(0));
}
