//! Who may come in, and how much and how long anything may take.

mod testkit;

use std::time::Duration;

use testkit::{Backend, Proxy, field, status};

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
            if std::io::Write::write_all(&mut client.stream, piece.as_bytes()).is_err() {
                break;
            }
        }
        let expected = if is_taken { 200 } else { 408 };
        assert_eq!(status(&client.read_to_end()), expected, "{} bytes every 250 ms", piece.len());
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
