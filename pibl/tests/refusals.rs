//! Ambiguous and invalid requests: each is answered with 4xx, the connection is closed, and no backend
//! hears of it. Beside each stands the section of RFC 9112 unless said otherwise.

mod testkit;

use testkit::{Backend, Proxy, status};

#[test]
fn every_ambiguous_request_is_refused_and_reaches_no_backend() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "");
    let big = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(40_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(9_000));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    for (request, expected) in [
        // 6.1: Content-Length beside Transfer-Encoding
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        // 6.3: conflicting, repeated, listed, signed lengths
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1,1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400),
        // 6.1, 7: codings that are not exactly chunked
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        // 5.1, 5.2: blanks before the colon, folded lines
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
        // 2.2: bare LF and CR; RFC 9110 5.5: NUL
        ("GET / HTTP/1.1\nHost: x\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        // 7.1: chunk sizes, extensions, ends
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
        // 3.2: Host missing, repeated, invalid; authority that is not Host
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: user@x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET http://other/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET http://x@y/ HTTP/1.1\r\nHost: y\r\n\r\n", 400),
        // 3.2: forms of the target
        ("GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 405),
        ("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        // 2.3: versions; HTTP/0.9 has none
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        // RFC 9110 10.1.1: other expectations
        ("GET / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", 417),
        // RFC 9110 7.8: bytes behind an upgrade request
        (
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nGET /smuggled HTTP/1.1\r\n",
            400,
        ),
        // RFC 6585 5, RFC 9110 15.5.15: sizes
        (big.as_str(), 431),
        (many.as_str(), 431),
        (long.as_str(), 414),
    ] {
        let shown = &request[..request.len().min(120)];
        let response = proxy.exchange(request);
        assert_eq!(status(&response), expected, "{shown:?} was answered {response:?}");
        assert!(response.contains("Connection: close\r\n"), "{shown:?}: {response:?}");
    }
    assert_eq!(backend.requests(), Vec::<String>::new());
    assert_eq!(backend.connections(), 0);
}

#[test]
fn a_refusal_arrives_even_when_the_client_is_still_sending() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[limits]\nbody = \"1KiB\"");
    let request =
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{}", "a".repeat(100_000));
    let response = proxy.exchange(&request);
    assert_eq!(status(&response), 413, "{response:?}");
    assert_eq!(backend.connections(), 0);
}

#[test]
fn a_slow_head_is_ended_at_its_limit_and_a_silent_client_is_closed() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "[timeouts]\nrequest_head = \"300ms\"");
    let mut slow = proxy.connect();
    slow.send("GET / HTTP/1.1\r\nHost");
    assert_eq!(status(&slow.read_to_end()), 408);
    assert_eq!(proxy.connect().read_to_end(), "");
}

#[test]
fn a_pipelined_request_behind_a_refused_one_is_never_read() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "");
    let response =
        proxy.exchange("GET / HTTP/1.1\r\nHost : x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response:?}");
    assert_eq!(backend.connections(), 0);
}
