//! Ambiguous and invalid requests: each is answered with 4xx, the connection is closed, and no backend
//! hears of it. Beside each stands the section of RFC 9112 unless said otherwise.

use crate::testkit::{self, Backend, Proxy, status};

/// Every request that is refused, with the status of the refusal.
fn refused() -> Vec<(String, u16)> {
    let big = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(40_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(9_000));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    let requests: &[(&str, u16)] = &[
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
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
            400,
        ),
        // 6.2: lengths that are no number
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent_Length: 1\r\nContent-Length: 1 1\r\n\r\na", 400),
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
        ("GET / HTTP/1.1\r\nHost: x:port\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400),
        // 3: request lines
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: x\r\n\r\n", 400),
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
        (&big, 431),
        (&many, 431),
        (&long, 414),
    ];
    requests.iter().map(|(request, status)| ((*request).to_owned(), *status)).collect()
}

/// As much of a request as fits into a line.
fn shown(request: &str) -> &str {
    &request[..request.len().min(120)]
}

#[test]
fn every_ambiguous_request_is_refused_and_reaches_no_backend() {
    let backend = Backend::echo();
    let proxy = Proxy::start(&[backend.address], "");
    for (request, expected) in refused() {
        let shown = shown(&request);
        let response = proxy.exchange(&request);
        assert_eq!(status(&response), expected, "{shown:?} was answered {response:?}");
        assert!(response.contains("Connection: close\r\n"), "{shown:?}: {response:?}");
    }
    assert_eq!(backend.requests(), Vec::<String>::new());
    assert_eq!(backend.connections(), 0);
}

/// What nginx does with the same requests, as a table. It judges nothing, so it is run on demand:
/// `cargo test -p pibl --test integration refusals::nginx -- --ignored --nocapture`.
#[test]
#[ignore = "needs nginx and only prints a table"]
fn nginx_beside_it() {
    let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
    let Some(program) = program.into_iter().find(|path| std::path::Path::new(path).exists()) else {
        println!("nginx is not installed");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    println!("| request | pibl | nginx | reached the backend behind nginx |\n| --- | --- | --- | --- |");
    for (request, expected) in refused() {
        // One backend and one nginx for each, so that whatever arrives belongs to this request.
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = std::sync::Arc::clone(&seen);
        let backend = Backend::start(move |conversation| {
            conversation.client.stream.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
            let mut piece = [0; 65536];
            while let Ok(count) = std::io::Read::read(&mut conversation.client.stream, &mut piece) {
                if count == 0 {
                    return;
                }
                sink.lock().unwrap().extend_from_slice(&piece[..count]);
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        });
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = format!(
            "daemon off; master_process off; error_log /dev/null; pid {0}/pid;\nevents {{}}\nhttp {{ access_log off; \
             client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; \
             scgi_temp_path {0}/s; server {{ listen 127.0.0.1:{port}; location / {{ proxy_http_version 1.1; \
             proxy_pass http://{1}; }} }} }}",
            directory.path().display(),
            backend.address
        );
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, text).unwrap();
        let mut nginx = std::process::Command::new(program).arg("-c").arg(&file).spawn().expect("nginx");
        testkit::wait_until("nginx", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let mut client = testkit::Client::new(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
        client.stream.set_read_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
        client.send(&request);
        let mut answer = vec![0; 65536];
        let count = std::io::Read::read(&mut client.stream, &mut answer).unwrap_or(0);
        let answered = match status(&String::from_utf8_lossy(&answer[..count])) {
            0 => "no answer".to_owned(),
            status => status.to_string(),
        };
        nginx.kill().unwrap();
        nginx.wait().unwrap();
        let reached = if seen.lock().unwrap().is_empty() { "" } else { "yes" };
        let request = format!("{:?}", shown(&request)).replace('|', "\\|");
        println!("| `{request}` | {expected} | {answered} | {reached} |");
    }
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
