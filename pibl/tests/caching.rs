//! The cache as clients and backends see it, over real sockets and a real disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::testkit::{Backend, Client, Proxy, config, field, refusing_address, status, wait_until};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

/// A backend whose every answer is numbered, so that two answers are never the same.
fn numbered(fields: &'static str) -> Backend {
    let counter = AtomicUsize::new(0);
    Backend::answering(move |_| {
        let body = format!("answer {}", counter.fetch_add(1, Ordering::Relaxed));
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
    })
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |parts| parts.1)
}

/// The text of the field with which a hit says so (RFC 9211).
fn is_hit(response: &str) -> bool {
    field(response, "cache-status").is_some_and(|value| value.contains("; hit"))
}

#[test]
fn a_second_get_reaches_no_backend_and_is_equal() {
    let backend =
        numbered("Cache-Control: public, max-age=60\r\nX-Own: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n");
    let proxy = Proxy::start(&[backend.address], "[cache]\nstore_set_cookie = true\n");
    let first = proxy.exchange(&get("/a?b=c"));
    let second = proxy.exchange(&get("/a?b=c"));
    assert!(!is_hit(&first) && is_hit(&second), "{first}\n{second}");
    assert_eq!((body(&second), status(&second)), (body(&first), 200));
    assert_eq!((field(&second, "x-own"), second.matches("Set-Cookie: ").count()), (Some("1"), 2));
    assert!(field(&second, "age").is_some() && field(&first, "age").is_none());
    for other in ["/a?b=d", "/a", "/A?b=c", "/a?b=c&"] {
        assert!(!is_hit(&proxy.exchange(&get(other))), "{other}");
    }
    let other_host = "GET /a?b=c HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n";
    assert!(!is_hit(&proxy.exchange(other_host)), "the host is part of the key");
    assert_eq!(backend.requests().len(), 6);
}

#[test]
fn bodies_of_every_size_and_framing_are_stored_unchanged() {
    let backend = Backend::start(|conversation| {
        while let Some(request) = conversation.next_request() {
            let size: usize = request.split(['/', ' ']).nth(3).unwrap().parse().unwrap();
            let body: String = (0..size).map(|index| char::from(b'a' + (index % 23) as u8)).collect();
            if request.contains("/chunked/") {
                conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                for piece in body.as_bytes().chunks(50_000) {
                    conversation.send(format!("{:x}\r\n", piece.len()));
                    conversation.send(piece);
                    conversation.send("\r\n");
                }
                conversation.send("0\r\n\r\n");
            } else if request.contains("/close/") {
                conversation.send("HTTP/1.1 200 OK\r\n\r\n");
                return conversation.send(body);
            } else {
                conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{body}"));
            }
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    for framing in ["length", "chunked", "close"] {
        for size in [0, 1, 40, 3_000, 16_384, 33_000, 100_000, 5_000_000] {
            let path = format!("/{framing}/{size}");
            let expected: String = (0..size).map(|index| char::from(b'a' + (index % 23) as u8)).collect();
            proxy.exchange(&get(&path));
            let hit = proxy.exchange(&get(&path));
            assert!(is_hit(&hit), "{path}");
            assert_eq!(field(&hit, "content-length"), Some(size.to_string().as_str()));
            assert!(body(&hit) == expected, "{path} came back changed");
        }
    }
}

#[test]
fn a_stored_response_is_served_for_its_ttl_and_fetched_again_afterwards() {
    let backend = numbered("");
    let proxy = Proxy::start(&[backend.address], "ttl = \"1s\"");
    let first = proxy.exchange(&get("/"));
    assert_eq!(body(&proxy.exchange(&get("/"))), body(&first));
    // Elapsed time is the subject: the TTL and a margin.
    std::thread::sleep(Duration::from_millis(1100));
    assert_ne!(body(&proxy.exchange(&get("/"))), body(&first));
}

#[test]
fn a_restart_serves_what_was_stored_while_every_backend_is_down() {
    let backend = numbered("");
    let mut proxy = Proxy::start(&[backend.address], "");
    let stored = proxy.exchange(&get("/kept"));
    proxy.stop();
    let (dead, _socket) = refusing_address();
    let text = format!("backends = [\"{dead}\"]\nworkers = 1\nlog_to_stdout = false\n");
    let settings = config(&text, proxy.directory.path());
    let directory = std::mem::replace(&mut proxy.directory, tempfile::tempdir().unwrap());
    let proxy = Proxy::with_config(settings, directory);
    let hit = proxy.exchange(&get("/kept"));
    assert!(is_hit(&hit), "{hit}");
    assert_eq!(body(&hit), body(&stored));
    assert_eq!(status(&proxy.exchange(&get("/other"))), 502);
}

/// Answers with so many bytes of a pattern that tells where it is, in pieces.
fn streaming(size: usize, is_chunked: bool) -> Backend {
    Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            match is_chunked {
                true => conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                false => conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")),
            }
            for piece in pattern(size).as_bytes().chunks(100_000) {
                if is_chunked {
                    conversation.send(format!("{:x}\r\n", piece.len()));
                }
                conversation.send(piece);
                if is_chunked {
                    conversation.send("\r\n");
                }
            }
            if is_chunked {
                conversation.send("0\r\n\r\n");
            }
        }
    })
}

fn pattern(size: usize) -> String {
    (0..size).map(|index| char::from(b'a' + (index % 251 % 26) as u8)).collect()
}

/// The content of a chunked or plain body.
fn content(response: &str) -> String {
    let (head, mut rest) = response.split_once("\r\n\r\n").expect("a head");
    if !head.contains("chunked") {
        return rest.to_owned();
    }
    let mut content = String::new();
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return content;
        }
        content.push_str(&behind[..size]);
        rest = &behind[size + 2..];
    }
    panic!("the body broke off after {} bytes", content.len());
}

#[test]
fn a_leader_that_is_slow_holds_nobody_up_and_gets_all_of_it() {
    const SIZE: usize = 20 << 20;
    for is_chunked in [false, true] {
        let backend = streaming(SIZE, is_chunked);
        let proxy = Proxy::start(&[backend.address], "");
        let mut leader = proxy.connect();
        leader.send(get("/big"));
        let head = leader.read_until("\r\n\r\n");
        let start = tokio::time::Instant::now();
        let expected = pattern(SIZE);
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    assert!(content(&proxy.exchange(&get("/big"))) == expected, "a follower's body is wrong");
                });
            }
        });
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "they waited {:?} for a slow leader",
            start.elapsed()
        );
        let rest = leader.read_to_end();
        assert!(content(&format!("{head}{rest}")) == expected, "the leader's body is wrong");
        assert_eq!(backend.requests().len(), 1);
        assert_eq!(proxy.log(6).lines().count(), 6);
    }
}

#[test]
fn a_body_that_turns_out_too_long_to_be_kept_reaches_every_follower() {
    const SIZE: usize = 3 << 20;
    let backend = Backend::start(|conversation| {
        while conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for piece in pattern(SIZE).as_bytes().chunks(100_000) {
                conversation.send(format!("{:x}\r\n", piece.len()));
                conversation.send(piece);
                conversation.send("\r\n");
                std::thread::sleep(Duration::from_millis(10));
            }
            conversation.send("0\r\n\r\n");
        }
    });
    let proxy = Proxy::start(&[backend.address], "[cache]\nmax_object = \"1MiB\"\n");
    let expected = pattern(SIZE);
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| assert!(content(&proxy.exchange(&get("/big"))) == expected, "a body is wrong"));
        }
    });
    assert!(!is_hit(&proxy.exchange(&get("/big"))), "it was too long to be kept");
}

#[test]
fn twenty_simultaneous_misses_make_one_backend_request_and_followers_read_along() {
    let release = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&release);
    let backend = Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
            conversation.send("a".repeat(100_000));
            // Half of the body: everybody must have it before the backend sends the rest.
            wait_until("the followers to have the first half", || gate.load(Ordering::Relaxed));
            conversation.send("b".repeat(100_000));
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    let mut clients: Vec<Client> = (0..20).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send(get("/big"));
    }
    let half = "a".repeat(100_000);
    for client in &mut clients {
        client.read_until(&half);
    }
    release.store(true, Ordering::Relaxed);
    for client in &mut clients {
        assert!(client.read_to_end() == "b".repeat(100_000), "a second half came changed");
    }
    assert_eq!(backend.requests().len(), 1);
}

#[test]
fn a_leader_that_leaves_costs_its_followers_nothing() {
    let release = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&release);
    let backend = Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n");
            conversation.send("a".repeat(2_000_000));
            wait_until("the leader to leave", || gate.load(Ordering::Relaxed));
            conversation.send("b".repeat(2_000_000));
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    let mut leader = proxy.connect();
    leader.send(get("/big"));
    leader.read_until("\r\n\r\n");
    let mut follower = proxy.connect();
    follower.send(get("/big"));
    follower.read_until(&"a".repeat(1_000_000));
    drop(leader);
    release.store(true, Ordering::Relaxed);
    let rest = follower.read_to_end();
    assert_eq!((rest.len(), rest.matches('b').count()), (3_000_000, 2_000_000));
    assert_eq!(backend.requests().len(), 1);
}

#[test]
fn answers_that_are_not_for_sharing_do_not_make_their_waiters_queue() {
    let backend = Backend::answering(|_| {
        // Long enough that all requests are waiting when the first answer comes.
        std::thread::sleep(Duration::from_millis(300));
        "HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 2\r\n\r\nok".into()
    });
    let proxy = Proxy::start(&[backend.address], "");
    let start = tokio::time::Instant::now();
    let mut clients: Vec<Client> = (0..10).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send(get("/private"));
    }
    for client in &mut clients {
        assert_eq!(status(&client.read_to_end()), 200);
    }
    assert_eq!(backend.requests().len(), 10);
    // One after the other they would take three seconds; two rounds take 0.6, and a busy machine some more.
    assert!(start.elapsed() < Duration::from_millis(2500), "they queued for {:?}", start.elapsed());
}

#[test]
fn a_truncated_answer_is_never_stored() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation
                .send(format!("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{}", "a".repeat(100_000)));
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    for _ in 0..3 {
        let response = proxy.exchange(&get("/cut"));
        assert!(!is_hit(&response) && body(&response).len() <= 100_000);
    }
    assert!(backend.requests().len() >= 3);
}

#[test]
fn conditions_ranges_and_head_are_answered_from_what_is_stored() {
    let backend = numbered("ETag: \"v\"\r\n");
    let proxy = Proxy::start(&[backend.address], "");
    assert_eq!(body(&proxy.exchange(&get("/"))), "answer 0");
    let with = |method: &str, fields: &str| {
        proxy.exchange(&format!("{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"))
    };
    let conditional = with("GET", "If-None-Match: \"v\"\r\n");
    assert_eq!((status(&conditional), body(&conditional)), (304, ""));
    let range = with("GET", "Range: bytes=0-2\r\n");
    assert_eq!((status(&range), body(&range)), (206, "ans"));
    assert_eq!(field(&range, "content-range"), Some("bytes 0-2/8"));
    let head = with("HEAD", "");
    assert_eq!((status(&head), field(&head, "content-length"), body(&head)), (200, Some("8"), ""));
    let several = with("GET", "Range: bytes=0-0, 7-7\r\n");
    assert!(field(&several, "content-type").unwrap().starts_with("multipart/byteranges"), "{several}");
    assert_eq!(field(&several, "content-length"), Some(body(&several).len().to_string().as_str()));
    assert_eq!(backend.requests().len(), 1);
}

#[test]
fn a_stale_response_is_validated_and_a_304_makes_it_fresh() {
    let backend = Backend::answering(|request| match request.contains("If-None-Match: \"v\"") {
        true => "HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\nCache-Control: max-age=60\r\n\r\n".into(),
        false => {
            "HTTP/1.1 200 OK\r\nETag: \"v\"\r\nCache-Control: max-age=0\r\nContent-Length: 4\r\n\r\nbody"
                .into()
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    for _ in 0..4 {
        let response = proxy.exchange(&get("/"));
        assert_eq!((status(&response), body(&response)), (200, "body"));
    }
    let requests = backend.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
}

#[test]
fn stale_while_revalidate_answers_at_once_and_refreshes_behind() {
    let backend = numbered("Cache-Control: max-age=1, stale-while-revalidate=60\r\n");
    let proxy = Proxy::start(&[backend.address], "");
    assert_eq!(body(&proxy.exchange(&get("/"))), "answer 0");
    // Elapsed time is the subject: the response becomes stale.
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(body(&proxy.exchange(&get("/"))), "answer 0");
    wait_until("the refreshed response", || body(&proxy.exchange(&get("/"))) == "answer 1");
    assert_eq!(backend.requests().len(), 2);
    assert!(proxy.log(3).lines().all(|line| line.contains("\"GET / HTTP/1.1\"")));
}

#[test]
fn stale_if_error_bridges_a_dead_backend() {
    let backend = numbered("Connection: close\r\nCache-Control: max-age=1, stale-if-error=60\r\n");
    let proxy = Proxy::start(&[backend.address], "");
    assert_eq!(body(&proxy.exchange(&get("/"))), "answer 0");
    drop(backend);
    // Elapsed time is the subject: the response becomes stale.
    std::thread::sleep(Duration::from_millis(2100));
    let stale = proxy.exchange(&get("/"));
    assert_eq!((status(&stale), body(&stale)), (200, "answer 0"));
    assert_eq!(status(&proxy.exchange(&get("/other"))), 502);
}

#[test]
fn unsafe_requests_are_never_answered_from_the_cache_and_invalidate() {
    let backend = numbered("");
    let proxy = Proxy::start(&[backend.address], "");
    proxy.exchange(&get("/"));
    let post = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na";
    assert_eq!(body(&proxy.exchange(post)), "answer 1");
    assert_eq!(body(&proxy.exchange(post)), "answer 2");
    assert_eq!(body(&proxy.exchange(&get("/"))), "answer 3");
    assert!(is_hit(&proxy.exchange(&get("/"))));
}

#[test]
fn pipelined_and_kept_connections_mix_hits_and_misses() {
    let backend = numbered("");
    let proxy = Proxy::start(&[backend.address], "");
    let mut client = proxy.connect();
    let one = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send([one, one, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n", one].concat());
    let bodies: Vec<String> = (0..4).map(|_| body(&client.read_response()).to_owned()).collect();
    assert_eq!(bodies, ["answer 0", "answer 0", "answer 1", "answer 0"]);
    let log = proxy.log(4);
    assert_eq!((log.matches("cache=hit").count(), log.lines().count()), (2, 4), "{log}");
}
