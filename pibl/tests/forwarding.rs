//! What a client and a backend see of each other through the proxy.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::testkit::{self, Backend, Client, Proxy, field, refusing_address, status};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Nothing is stored in these tests, so that every request reaches a backend.
const NO_CACHE: &str = "[cache]\nenabled = false\n";

fn numbered(name: &'static str) -> Backend {
    Backend::answering(move |_| format!("HTTP/1.1 200 OK\r\nX-Backend: {name}\r\nContent-Length: 0\r\n\r\n"))
}

#[test]
fn serial_requests_go_round_the_backends_exactly() {
    let backends = [numbered("a"), numbered("b"), numbered("c")];
    let proxy = Proxy::start(&backends.each_ref().map(|backend| backend.address), NO_CACHE);
    let seen: Vec<String> =
        (0..9).map(|_| field(&proxy.exchange(GET), "x-backend").expect("a backend").to_owned()).collect();
    assert_eq!(seen, ["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
}

#[test]
fn hop_by_hop_and_nominated_fields_travel_no_further() {
    let backend = Backend::answering(|request| {
        format!(
            "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nX-Public: 2\r\n\
             Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: {}\r\n\r\n{request}",
            request.len()
        )
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let response = proxy.exchange(
        "GET /p?q HTTP/1.1\r\nHost: x\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n\
         Proxy-Connection: keep-alive\r\nX-Forwarded-For: 6.6.6.6\r\nX-Other: 3\r\n\r\n",
    );
    let (head, seen) = response.split_once("\r\n\r\n").unwrap();
    assert_eq!((field(head, "x-private"), field(head, "keep-alive")), (None, None));
    assert_eq!((field(head, "x-public"), head.matches("Set-Cookie: ").count()), (Some("2"), 2));
    assert!(field(head, "date").is_some() && field(head, "via") == Some("1.1 pibl"));
    assert!(seen.starts_with("GET /p?q HTTP/1.1\r\n"), "{seen}");
    assert_eq!((field(seen, "x-mine"), field(seen, "proxy-connection")), (None, None));
    assert_eq!((field(seen, "x-other"), field(seen, "host")), (Some("3"), Some("x")));
    assert_eq!((field(seen, "te"), field(seen, "connection")), (Some("trailers"), Some("TE")));
    assert_eq!(field(seen, "x-forwarded-for"), Some("127.0.0.1"));
}

#[test]
fn pipelined_requests_are_answered_in_order_on_one_connection() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let mut client = proxy.connect();
    client.send(
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
         GET /3 HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    for path in ["GET /1 ", "POST /2 ", "GET /3 "] {
        let response = client.read_response();
        assert!(response.contains(path), "{response:?}");
    }
}

#[test]
fn bodies_of_unknown_length_become_chunks_or_a_close() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\n\r\nhello");
        }
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let modern = proxy.exchange(GET);
    assert_eq!(field(&modern, "transfer-encoding"), Some("chunked"));
    assert!(modern.ends_with("5\r\nhello\r\n0\r\n\r\n"), "{modern:?}");
    let old = proxy.exchange("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(field(&old, "transfer-encoding"), None);
    assert!(old.ends_with("\r\n\r\nhello"), "{old:?}");
}

#[test]
fn what_a_client_may_not_say_it_cannot_say_in_disguise_or_in_a_trailer() {
    let backend = Backend::start(|conversation| {
        let mut request = conversation.client.read_until("0\r\n");
        request.push_str(&conversation.client.read_until("\r\n\r\n"));
        conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len()));
    });
    let proxy = Proxy::start(&[backend.address], "");
    let mut client = proxy.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX_Forwarded_For: 6.6.6.6\r\n\
         X-Real-IP: 6.6.6.6\r\nContent_Length: 666\r\nTransfer_Encoding: 666\r\nX_Own: kept\r\n\r\n3\r\nabc\r\n0\r\n\
         X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nRange: bytes=666-\r\n\
         X-HTTP-Method-Override: 666\r\nExpect: 666\r\nSum: kept\r\n\r\n",
    );
    let seen = client.read_response();
    let (_, seen) = seen.split_once("\r\n\r\n").expect("an echo");
    assert!(!seen.contains("6.6.6.6") && !seen.contains("666"), "{seen}");
    assert!(seen.contains("X_Own: kept") && seen.contains("Sum: kept"), "{seen}");
}

#[test]
fn chunked_requests_and_trailers_pass_both_ways() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            let body = conversation.client.read_until("\r\n\r\n");
            let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            conversation.send(format!("{answer}{:x}\r\n{body}\r\n0\r\nSum: 9\r\n\r\n", body.len()));
        }
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let response = proxy.exchange(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         5;ext=1\r\nhello\r\n0\r\nDigest: d\r\nHost: evil\r\n\r\n",
    );
    assert!(response.contains("5\r\nhello\r\n0\r\nDigest: d\r\n\r\n"), "{response:?}");
    assert!(response.ends_with("0\r\nSum: 9\r\n\r\n"), "{response:?}");
}

#[test]
fn head_and_304_have_no_body_whatever_their_length_says() {
    let backend = Backend::answering(|request| match request.starts_with("HEAD") {
        true => "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n".into(),
        false => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".into(),
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let mut client = proxy.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(field(&client.read_until("\r\n\r\n"), "content-length"), Some("500"));
    client.send("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"a\"\r\n\r\n");
    assert_eq!(status(&client.read_until("\r\n\r\n")), 304);
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&client.read_to_end()), 200);
}

#[test]
fn a_dead_backend_is_skipped_and_costs_the_client_nothing() {
    let (dead, _socket) = refusing_address();
    let closing = Backend::start(|conversation| drop(conversation.next_request()));
    let alive = numbered("alive");
    let proxy = Proxy::start(&[dead, closing.address, alive.address], NO_CACHE);
    for _ in 0..6 {
        assert_eq!(field(&proxy.exchange(GET), "x-backend"), Some("alive"));
    }
    // Nothing was sent to the refusing one, so a POST may go on to another; what was sent is never repeated.
    let post = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab";
    for _ in 0..6 {
        assert!(matches!(status(&proxy.exchange(post)), 200 | 502));
    }
    let posts = closing.requests().iter().filter(|request| request.starts_with("POST")).count();
    let answered = alive.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(posts + answered, 6, "each POST reached one backend, once");
}

#[test]
fn when_no_backend_is_left_502_comes_at_once_and_the_connection_goes_on() {
    let (one, _keep_one) = refusing_address();
    let (two, _keep_two) = refusing_address();
    let proxy = Proxy::start(&[one, two], NO_CACHE);
    let mut client = proxy.connect();
    for _ in 0..3 {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(status(&client.read_response()), 502);
    }
    assert_eq!(proxy.log(3).lines().count(), 3);
}

#[test]
fn a_hung_backend_ends_in_504() {
    let hung = Backend::start(|conversation| while conversation.next_request().is_some() {});
    let settings = format!("{NO_CACHE}[timeouts]\nfirst_byte = \"200ms\"\n");
    let proxy = Proxy::start(&[hung.address], &settings);
    let start = Instant::now();
    assert_eq!(status(&proxy.exchange(GET)), 504);
    // 200 ms, one tick of the deadlines, and a wide margin for a busy machine.
    assert!(start.elapsed() >= Duration::from_millis(200) && start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_stale_pooled_connection_is_replaced_without_the_client_noticing() {
    // The backend closes each connection after one answer, without having said so.
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let mut client = proxy.connect();
    for _ in 0..20 {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(status(&client.read_response()), 200);
    }
    assert_eq!(backend.connections(), 20);
}

#[test]
fn a_truncated_answer_is_visibly_truncated() {
    let body = "x".repeat(100_000);
    let backend = Backend::start(move |conversation| {
        if let Some(request) = conversation.next_request() {
            match request.contains("/length") {
                true => conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{body}")),
                false => {
                    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n";
                    conversation.send(format!("{head}{body}"));
                }
            }
        }
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let known = proxy.exchange("GET /length HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(known.len() < 100_001 + known.find("\r\n\r\n").unwrap() + 4);
    let chunked = proxy.exchange("GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(!chunked.ends_with("0\r\n\r\n"));
}

#[test]
fn interim_responses_reach_modern_clients_only() {
    let backend = Backend::answering(|_| {
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    assert!(proxy.exchange(GET).starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK"));
    assert!(proxy.exchange("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn expect_continue_sends_nothing_early_and_nothing_twice() {
    let backend = Backend::start(|conversation| {
        let head = conversation.client.read_until("\r\n\r\n");
        assert_eq!(field(&head, "expect"), Some("100-continue"));
        if head.contains("/refuse") {
            return conversation.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        if !head.contains("/mute") {
            conversation.send("HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = conversation.client.read_until("end");
        conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let head = |path| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"
        )
    };
    // A backend that says 100, and one that never does: either way the client hears it exactly once.
    for path in ["/willing", "/mute"] {
        let mut client = proxy.connect();
        client.send(head(path));
        assert_eq!(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("theend");
        let response = client.read_to_end();
        assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("theend"), "{response:?}");
    }
    let mut client = proxy.connect();
    client.send(head("/refuse"));
    assert_eq!(status(&client.read_to_end()), 417);
}

#[test]
fn an_upgrade_becomes_a_tunnel_after_101_only() {
    let backend = Backend::start(|conversation| {
        let head = conversation.client.read_until("\r\n\r\n");
        assert_eq!((field(&head, "upgrade"), field(&head, "connection")), (Some("echo"), Some("upgrade")));
        conversation
            .send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nhi ");
        let said = conversation.client.read_until("!");
        conversation.send(said.to_uppercase());
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    let head = client.read_until("\r\n\r\n");
    assert_eq!((status(&head), field(&head, "upgrade")), (101, Some("echo")));
    client.send("you!");
    assert_eq!(client.read_to_end(), "hi YOU!");
}

#[test]
fn h2c_is_never_asked_for() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    for protocol in [
        "h2c",
        "H2C",
        "h2c/1",
        "h2c/1.0",
        "h2c-14",
        "h2",
        "HTTP/2.0",
        "HTTP/2",
        "websocket, h2c/1",
        "h2c;q=1",
        "\"h2c\"",
        "x h2c",
    ] {
        let response = proxy.exchange(&format!(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: {protocol}\r\n\
             HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
        ));
        assert_eq!(status(&response), 200);
        let requests = backend.requests();
        let seen = requests.last().expect("a request");
        assert_eq!((field(seen, "upgrade"), field(seen, "http2-settings")), (None, None), "{protocol}");
    }
}

#[test]
fn h2c_is_never_switched_to_whatever_was_asked_for() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation
                .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c/1\r\n\r\n");
            conversation.client.read_to_end();
        }
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let asked = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut client = proxy.connect();
    client.send(asked);
    assert_eq!(status(&client.read_until("\r\n\r\n")), 502);
}

#[test]
fn an_answer_before_the_end_of_the_body_reaches_the_client() {
    let backend = Backend::start(|conversation| {
        conversation.client.read_until("\r\n\r\n");
        conversation.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
        // The connection stays open: the answer must not wait for the rest of the body.
        conversation.client.read_to_end();
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nonly the start");
    let response = client.read_response();
    assert_eq!((status(&response), field(&response, "connection")), (413, Some("close")));
}

#[test]
fn large_bodies_pass_both_ways_unchanged() {
    let backend = Backend::start(|conversation| {
        while let Some(request) = conversation.next_request() {
            let body = request.split_once("\r\n\r\n").unwrap().1;
            conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        }
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let body: String = (0..800_000).map(|number| format!("{number:07x}")).collect();
    let mut client = proxy.connect();
    let mut sender = client.stream.try_clone().unwrap();
    let request = format!("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let sending = std::thread::spawn(move || std::io::Write::write_all(&mut sender, request.as_bytes()));
    let response = client.read_response();
    sending.join().unwrap().unwrap();
    assert!(response.ends_with(&body), "the body of {} bytes came back changed", body.len());
}

#[test]
fn a_drain_finishes_what_is_under_way_and_closes_what_is_idle() {
    let backend = Backend::start(|conversation| {
        while conversation.next_request().is_some() {
            // Elapsed time is the subject: the drain starts within this pause.
            std::thread::sleep(Duration::from_millis(500));
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let mut proxy = Proxy::start(&[backend.address], NO_CACHE);
    let mut idle = proxy.connect();
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.read_response();
    let mut busy = proxy.connect();
    busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    testkit::wait_until("the second request at the backend", || backend.requests().len() == 2);
    let start = Instant::now();
    proxy.stop();
    assert!(start.elapsed() < Duration::from_secs(9), "the drain took {:?}", start.elapsed());
    let response = busy.read_to_end();
    assert!(status(&response) == 200 && response.ends_with("ok"), "{response:?}");
    assert_eq!(field(&response, "connection"), Some("close"));
    assert_eq!(idle.read_to_end(), "");
    assert!(std::net::TcpStream::connect(proxy.address).is_err());
}

#[test]
fn active_checks_take_a_sick_backend_out_and_bring_it_back() {
    let is_sick = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&is_sick);
    let sick = Backend::answering(move |request| {
        let is_check = request.starts_with("GET /health ");
        let status = if is_check && seen.load(std::sync::atomic::Ordering::Relaxed) { 500 } else { 200 };
        format!("HTTP/1.1 {status} X\r\nX-Backend: sick\r\nContent-Length: 0\r\n\r\n")
    });
    let well = numbered("well");
    let health = "[health]\npath = \"/health\"\ninterval = \"20ms\"\nfailures = 2\nsuccesses = 2\n";
    let proxy = Proxy::start(&[sick.address, well.address], &format!("{NO_CACHE}{health}"));
    let rotation = || -> Vec<String> {
        (0..4).map(|_| field(&proxy.exchange(GET), "x-backend").expect("a backend").to_owned()).collect()
    };
    is_sick.store(true, std::sync::atomic::Ordering::Relaxed);
    testkit::wait_until("the sick backend to be left out", || rotation() == ["well"; 4]);
    is_sick.store(false, std::sync::atomic::Ordering::Relaxed);
    testkit::wait_until("both to take turns again", || {
        let seen = rotation();
        seen[0] != seen[1] && seen[0] == seen[2] && seen[1] == seen[3]
    });
}

#[test]
fn a_backend_at_its_limit_makes_requests_wait_in_a_bounded_queue() {
    let backend = Backend::start(|conversation| {
        while conversation.next_request().is_some() {
            // Long enough that the second request finds the backend at its limit.
            std::thread::sleep(Duration::from_millis(200));
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let text = format!(
        "workers = 2\nlog_to_stdout = false\n[[backend]]\naddress = \"{}\"\nmax_connections = 1\n{NO_CACHE}[limits]\nqueue = 1\n",
        backend.address
    );
    let directory = tempfile::tempdir().unwrap();
    let proxy = Proxy::with_config(testkit::config(&text, directory.path()), directory);
    let mut clients = [proxy.connect(), proxy.connect(), proxy.connect()];
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(GET);
        // The first is at the backend and the second in the queue before the third comes.
        std::thread::sleep(Duration::from_millis(if index < 2 { 50 } else { 0 }));
    }
    let mut statuses = clients.each_mut().map(|client| status(&client.read_to_end()));
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
}

#[test]
fn a_request_that_comes_back_is_a_loop_and_another_proxy_of_the_kind_is_none() {
    // The proxy is its own backend by a way that no configuration shows.
    let there = Arc::new(std::sync::OnceLock::<std::net::SocketAddr>::new());
    let target = Arc::clone(&there);
    let mirror = Backend::answering(move |request| {
        let mut back = Client::new(
            std::net::TcpStream::connect(target.get().expect("an address")).expect("a connection"),
        );
        back.send(request);
        back.read_response()
    });
    let proxy = Proxy::start(&[mirror.address], NO_CACHE);
    there.set(proxy.address).expect("set once");
    for method in ["GET", "POST"] {
        let response =
            proxy.exchange(&format!("{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_eq!(status(&response), 508, "{response}");
    }
    assert_eq!(mirror.requests().len(), 2);
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    let other =
        proxy.exchange("GET / HTTP/1.1\r\nHost: x\r\nVia: 1.1 pibl (00000000)\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&other), 200);
}

#[test]
fn a_client_that_leaves_while_its_backend_works_is_noticed_within_a_second() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            // It works until nobody wants the result any more.
            conversation.client.read_to_end();
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    for request in
        ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"]
    {
        let before = backend.requests().len();
        let mut client = proxy.connect();
        client.send(request);
        testkit::wait_until("the backend to have the request", || backend.requests().len() > before);
        let start = Instant::now();
        drop(client);
        proxy.log(before + 1);
        assert!(start.elapsed() < Duration::from_secs(1), "noticed after {:?}", start.elapsed());
    }
    assert!(proxy.log(2).lines().all(|line| line.contains(" 499 ")), "{}", proxy.log(2));
}

#[test]
fn a_client_that_leaves_while_it_waits_for_others_is_noticed_within_a_second() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation.client.read_to_end();
        }
    });
    let settings = format!(
        "backend = [{{ address = \"{}\", max_connections = 1 }}]\nworkers = 1\nlog_to_stdout = false\n",
        backend.address
    );
    let directory = tempfile::tempdir().expect("a directory");
    let proxy = Proxy::with_config(testkit::config(&settings, directory.path()), directory);
    let mut leader = proxy.connect();
    leader.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    testkit::wait_until("the backend to have the request", || backend.requests().len() == 1);
    // One waits for the leader of the same request, the other one for a place at the backend.
    for (number, path) in ["/", "/other"].into_iter().enumerate() {
        let mut client = proxy.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        drop(client);
        proxy.log(number + 1);
        assert!(start.elapsed() < Duration::from_secs(1), "{path}: noticed after {:?}", start.elapsed());
    }
    assert_eq!(backend.requests().len(), 1);
}

#[test]
fn a_client_that_says_nothing_more_but_listens_gets_its_answer() {
    let backend = Backend::answering(|_| {
        std::thread::sleep(Duration::from_millis(900));
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into()
    });
    let proxy = Proxy::start(&[backend.address], NO_CACHE);
    for version in ["1.1", "1.0"] {
        let mut client = proxy.connect();
        client.send(format!("GET / HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n"));
        client.stream.shutdown(std::net::Shutdown::Write).expect("half a close");
        let answer = client.read_to_end();
        assert!(answer.contains("200 OK") && answer.ends_with("ok"), "{answer}");
    }
}
