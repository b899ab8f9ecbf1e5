//! Who may come in, and how much and how long anything may take.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::testkit::{self, Backend, Proxy, field, status};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn address_lists_decide_who_may_come_in() {
    let backend = Backend::echo();
    let denied = Proxy::start(&[backend.address], "[limits]\ndeny = [\"127.0.0.0/8\"]");
    assert_eq!(status(&denied.exchange(GET)), 403);
    let elsewhere = Proxy::start(&[backend.address], "[limits]\nallow = [\"10.0.0.0/8\"]");
    assert_eq!(status(&elsewhere.exchange(GET)), 403);
    assert_eq!(backend.connections(), 0);
    let allowed = Proxy::start(&[backend.address], "[limits]\nallow = [\"127.0.0.1\"]");
    assert_eq!(status(&allowed.exchange(GET)), 200);
}

#[test]
fn connections_of_one_address_are_bounded_and_a_place_becomes_free_again() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[limits]\nconnections_per_address = 2");
    let mut held = [proxy.connect(), proxy.connect()];
    for client in &mut held {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(status(&client.read_response()), 200);
    }
    let mut third = proxy.connect();
    third.send(GET);
    let response = third.read_to_end();
    assert_eq!((status(&response), field(&response, "retry-after")), (429, Some("1")));
    drop(held);
    testkit::wait_until("a free place", || {
        let mut client = proxy.connect();
        client.send(GET);
        status(&client.read_to_end()) == 200
    });
}

#[test]
fn connections_in_all_are_bounded_whatever_their_address() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[limits]\nconnections = 1");
    let mut held = proxy.connect();
    held.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&held.read_response()), 200);
    let mut other = proxy.connect();
    other.send(GET);
    assert_eq!(status(&other.read_to_end()), 503);
}

#[test]
fn a_client_that_takes_nothing_is_left() {
    let backend = Backend::answering(|_| {
        let body = "x".repeat(16 << 20);
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    let proxy = Proxy::start(&[backend.address], "[timeouts]\nrequest_body = \"300ms\"");
    let mut client = proxy.connect();
    client.send(GET);
    testkit::wait_until("the request at the backend", || backend.requests().len() == 1);
    testkit::wait_until("the connection to be gone", || proxy.services.admission.open_connections() == 0);
    assert_eq!(proxy.log(1).lines().count(), 1);
}

#[test]
fn nobody_is_reached_but_the_backends_that_are_named() {
    let (backend, elsewhere) = (Backend::echo(), Backend::echo());
    let proxy = Proxy::start(&[backend.address], "");
    let address = elsewhere.address;
    for request in [
        format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
        format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
    ] {
        assert!(matches!(status(&proxy.exchange(&request)), 200 | 405), "{request}");
    }
    assert_eq!((backend.connections() > 0, elsewhere.connections()), (true, 0));
}

#[test]
fn the_request_rate_of_one_address_is_bounded_and_the_connection_survives() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[limits]\nrequests_per_second = 1\nburst = 3");
    let mut client = proxy.connect();
    let statuses: Vec<u16> = (0..5)
        .map(|_| {
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            status(&client.read_response())
        })
        .collect();
    assert_eq!(statuses[..4], [200, 200, 200, 429]);
}

#[test]
fn a_body_that_stops_coming_is_ended() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[timeouts]\nrequest_body = \"200ms\"");
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(status(&client.read_to_end()), 408);
}

#[test]
fn a_body_that_trickles_has_an_end_and_one_that_is_slow_arrives() {
    let backend = Backend::echo();
    let settings = "[timeouts]\nrequest_body = \"500ms\"\n";
    let proxy = Proxy::start(&[backend.address], settings);
    // One byte now and then is never too late, and yet would go on for hours.
    for (piece, is_taken) in [("x".to_owned(), false), ("x".repeat(200), true)] {
        let mut client = proxy.connect();
        let length = piece.len() * 8;
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        ));
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(250));
            if client.stream.write_all(piece.as_bytes()).is_err() {
                break;
            }
        }
        let expected = if is_taken { 200 } else { 408 };
        assert_eq!(status(&client.read_to_end()), expected, "{} bytes every 250 ms", piece.len());
    }
}

#[test]
fn a_response_that_trickles_has_an_end_and_a_stream_of_events_has_none() {
    // A few bytes now and then, for as long as anybody listens; the events stop after two seconds.
    let backend = Backend::start(|conversation| {
        let Some(request) = conversation.next_request() else { return };
        let (kind, pieces) = match request.starts_with("GET /events") {
            true => ("text/event-stream; charset=utf-8", 20),
            false => ("text/plain", 100_000),
        };
        let framing = match request.contains("/chunked") {
            true => "Transfer-Encoding: chunked",
            false => "Content-Length: 1000000",
        };
        conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n"));
        for _ in 0..pieces {
            std::thread::sleep(Duration::from_millis(100));
            if conversation.client.stream.write_all(b"1\r\nx\r\n").is_err() {
                return;
            }
        }
        conversation.send("0\r\n\r\n");
    });
    let settings = "[timeouts]\nbetween_bytes = \"500ms\"\n[limits]\nresponse_rate = \"1KiB\"";
    let proxy = Proxy::start(&[backend.address], settings);
    for target in ["/plain", "/plain/chunked"] {
        // It ends, and not as if it were complete.
        let response = proxy.exchange(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(status(&response) == 200 && !response.ends_with("\r\n0\r\n\r\n"), "{response}");
    }
    let events = proxy.exchange("GET /events/chunked HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let content = events.split_once("\r\n\r\n").expect("a head").1;
    assert_eq!(content.matches('x').count(), 20, "{events}");
}

#[test]
fn bodies_that_trickle_do_not_close_the_door_to_all() {
    for trickles_up in [true, false] {
        let backend = Backend::start(move |conversation| {
            while let Some(request) = conversation.next_request() {
                if trickles_up || !request.contains("/trickle") {
                    conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    continue;
                }
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
                while conversation.client.stream.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(300));
                }
                return;
            }
        });
        // Every patience is far longer than the test: only that others wait can end what trickles.
        let text = format!(
            "workers = 2\nlog_to_stdout = false\n[[backend]]\naddress = \"{}\"\nmax_connections = 20\n\
             [timeouts]\nrequest_body = \"10m\"\nbetween_bytes = \"10m\"",
            backend.address
        );
        let directory = tempfile::tempdir().unwrap();
        let proxy = Proxy::with_config(testkit::config(&text, directory.path()), directory);
        let head = match trickles_up {
            true => "POST /trickle HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx",
            false => "GET /trickle HTTP/1.1\r\nHost: x\r\nCache-Control: no-store\r\n\r\n",
        };
        let mut slow: Vec<_> = (0..20).map(|_| proxy.connect()).collect();
        slow.iter_mut().for_each(|client| client.send(head));
        let open = || proxy.services.balancer.members()[0].open_requests();
        testkit::wait_until("all places to be taken", || open() == 20);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if trickles_up {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        slow.iter_mut().for_each(|client| drop(client.stream.write_all(b"x")));
                        std::thread::sleep(Duration::from_millis(300));
                    }
                });
            }
            let answer = proxy.exchange(GET);
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(status(&answer), 200, "{answer}");
        });
    }
}

#[test]
fn a_chunked_body_beyond_the_limit_is_refused() {
    let backend = Backend::start(|conversation| {
        conversation.client.read_to_end();
    });
    let proxy = Proxy::start(&[backend.address], "[limits]\nbody = \"1KiB\"");
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
    client.send("a".repeat(1000));
    client.send("\r\n3e8\r\n");
    client.send("a".repeat(1000));
    assert_eq!(status(&client.read_to_end()), 413);
}

#[test]
fn a_whole_exchange_is_bounded_even_when_bytes_keep_coming() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            for _ in 0..400 {
                // A drop now and then: each wait is short, only the whole is long.
                std::thread::sleep(Duration::from_millis(20));
                conversation.send("drop");
            }
        }
    });
    let proxy = Proxy::start(&[backend.address], "[timeouts]\ntotal = \"300ms\"");
    let start = tokio::time::Instant::now();
    let response = proxy.exchange(GET);
    assert!(response.len() < 10_000 && start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[timeouts]\nkeep_alive = \"200ms\"");
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&client.read_response()), 200);
    assert_eq!(client.read_to_end(), "");
}

#[test]
fn a_client_that_leaves_costs_no_connection_for_long() {
    let backend = Backend::start(|conversation| while conversation.next_request().is_some() {});
    let proxy = Proxy::start(&[backend.address], "[timeouts]\nfirst_byte = \"300ms\"");
    for _ in 0..50 {
        let mut client = proxy.connect();
        client.send(GET);
    }
    testkit::wait_until("all connections to be gone", || proxy.services.admission.open_connections() == 0);
    testkit::wait_until("a line for each", || proxy.log(50).lines().count() == 50);
}

#[test]
fn an_http_1_0_client_without_host_is_served() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "");
    let response = proxy.exchange("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(status(&response), 200);
    let seen = response.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(field(seen, "host"), Some(proxy.address.to_string().as_str()));
}
