//! What a stranger does, and what a backend says of one client, changes nothing for anybody else: each test is a way in
//! which it did, beside those of `answers`.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::testkit::{Backend, Client, Proxy, field, status};

/// A GET with more fields, on a connection of its own.
fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n")
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |parts| parts.1)
}

/// A complete answer that may be kept for a minute.
fn kept(fields: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
}

/// A client with this address of the loopback.
fn client_at(source: &str, proxy: SocketAddr) -> Client {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let source: SocketAddr = format!("{source}:0").parse().expect("an address");
    socket.bind(&source.into()).expect("an address of the loopback");
    socket.connect(&proxy.into()).expect("a connection");
    Client::new(TcpStream::from(socket))
}

#[cfg(target_os = "linux")]
#[test]
fn what_differs_by_who_asks_is_for_who_asked() {
    for name in ["X-Forwarded-For", "Forwarded"] {
        let backend = Backend::answering(move |request| {
            kept(&format!("Vary: {name}\r\n"), field(request, name).unwrap_or("nobody"))
        });
        let proxy = Proxy::start(&[backend.address], "");
        for source in ["127.0.0.1", "127.0.0.2"] {
            let mut client = client_at(source, proxy.address);
            client.send(get("/", ""));
            let answer = client.read_to_end();
            assert!(body(&answer).contains(source), "{name}: {source} got what is for {}", body(&answer));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_speaks_for_a_trusted_proxy() {
    let backend = Backend::answering(|request| {
        kept("Vary: X-Forwarded-Proto\r\n", field(request, "x-forwarded-proto").unwrap_or("none"))
    });
    let proxy = Proxy::start(&[backend.address], "[limits]\ntrusted_proxies = [\"127.0.0.2\"]");
    for (source, scheme) in [("127.0.0.1", "http"), ("127.0.0.2", "https")] {
        let mut client = client_at(source, proxy.address);
        client.send(get("/", "X-Forwarded-Proto: https\r\n"));
        assert_eq!(body(&client.read_to_end()), scheme, "to {source}");
    }
}

#[test]
fn whoever_says_something_on_two_lines_gets_what_those_get_who_say_it_on_one() {
    // A backend that reads the first line of a name only, as many do.
    for name in ["User-Agent", "Origin", "X-Own"] {
        let backend = Backend::answering(move |request| {
            kept(&format!("Vary: {name}\r\n"), field(request, name).unwrap_or("none"))
        });
        let proxy = Proxy::start(&[backend.address], "");
        proxy.exchange(&get("/", &format!("{name}: Browser (a\r\n{name}: like b)\r\n")));
        let answer = proxy.exchange(&get("/", &format!("{name}: Browser (a, like b)\r\n")));
        assert_eq!(body(&answer), "Browser (a, like b)", "{name}");
    }
}

#[test]
fn what_connection_names_is_obeyed_all_the_same_where_it_is_for_every_cache() {
    for fields in
        ["Cache-Control: private\r\nConnection: Cache-Control\r\n", "Vary: X-A\r\nConnection: vary\r\n"]
    {
        let backend = Backend::answering(move |request| {
            let text = field(request, "x-a").unwrap_or("none");
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n{text}", text.len())
        });
        let proxy = Proxy::start(&[backend.address], "");
        for value in ["one", "two"] {
            assert_eq!(body(&proxy.exchange(&get("/", &format!("X-A: {value}\r\n")))), value, "{fields}");
        }
    }
}

#[test]
fn answers_to_how_somebody_asks_are_kept_by_no_cache_by_rfc_6585() {
    for code in [417, 428, 429, 431, 511] {
        let backend = Backend::answering(move |_| kept("", "").replacen("200 OK", &format!("{code} No"), 1));
        let proxy = Proxy::start(&[backend.address], "");
        for _ in 0..2 {
            assert_eq!(status(&proxy.exchange(&get("/", ""))), code);
        }
        assert_eq!(backend.requests().len(), 2, "{code}");
    }
}

#[test]
fn a_post_that_asks_for_another_method_leaves_nothing_for_a_get() {
    let backend = Backend::answering(|request| {
        kept("Content-Location: /\r\n", request.split(' ').next().unwrap_or(""))
    });
    let proxy = Proxy::start(&[backend.address], "");
    let post = |fields: &str| {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n";
        proxy.exchange(&format!("{head}{fields}\r\na"))
    };
    assert_eq!(body(&post("X-HTTP-Method-Override: DELETE\r\n")), "POST");
    assert_eq!(body(&proxy.exchange(&get("/", ""))), "GET");
}

#[test]
fn a_stranger_who_asks_for_something_of_his_own_does_not_part_a_crowd() {
    for fields in ["Cache-Control: no-store\r\n", "Range: bytes=0-0\r\n", "If-None-Match: \"a\"\r\n"] {
        let backend = Backend::answering(|request| {
            let of_his_own = ["cache-control", "range", "if-none-match"];
            if !of_his_own.iter().any(|name| field(request, name).is_some()) {
                std::thread::sleep(Duration::from_millis(300));
            }
            match (field(request, "range"), field(request, "if-none-match")) {
                (Some(_), _) => kept("", "p").replacen("200 OK", "206 Part\r\nContent-Range: bytes 0-0/9", 1),
                (_, Some(_)) => "HTTP/1.1 304 Not Modified\r\n\r\n".into(),
                _ => kept("", "page"),
            }
        });
        let proxy = Proxy::start(&[backend.address], "");
        proxy.exchange(&get("/", fields));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(body(&proxy.exchange(&get("/", ""))), "page"));
            }
        });
        assert_eq!(backend.requests().len(), 2, "the stranger and one for all: {fields}");
    }
}

#[test]
fn nobody_gets_the_connection_on_which_another_has_signed_in() {
    // A backend that authenticates connections and not requests (RFC 4559).
    let backend = Backend::start(|conversation| {
        let mut user = "nobody".to_owned();
        while let Some(request) = conversation.next_request() {
            if let Some(token) = field(&request, "authorization").and_then(|value| value.split(' ').nth(1)) {
                user = token.to_owned();
            }
            conversation.send(format!(
                "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\r\n{user}",
                user.len()
            ));
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    for scheme in ["NTLM", "Negotiate"] {
        assert_eq!(body(&proxy.exchange(&get("/", &format!("Authorization: {scheme} ann\r\n")))), "ann");
        for _ in 0..4 {
            assert_eq!(body(&proxy.exchange(&get("/", ""))), "nobody", "{scheme}");
        }
    }
}

#[test]
fn what_describes_the_stored_bytes_is_not_changed_by_a_confirmation() {
    let backend =
        Backend::answering(|request| match (request.starts_with("HEAD"), field(request, "if-none-match")) {
            (true, _) => {
                "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Encoding: gzip\r\n\r\n".into()
            }
            (_, Some(_)) => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Encoding: gzip\r\n\
                         Content-Range: bytes 0-0/9\r\nContent-Length: 9\r\n\r\n"
                .into(),
            _ => kept("ETag: \"a\"\r\n", "plain").replacen("max-age=60", "max-age=0", 1),
        });
    let proxy = Proxy::start(&[backend.address], "");
    for method in ["GET", "GET", "HEAD", "GET"] {
        let answer = proxy.exchange(&get("/", "").replacen("GET", method, 1));
        if method == "GET" {
            assert_eq!(body(&answer), "plain");
            assert_eq!((field(&answer, "content-encoding"), field(&answer, "content-range")), (None, None));
        }
    }
}

#[test]
fn only_if_cached_reaches_no_backend_in_the_background_either() {
    let backend = Backend::answering(|_| {
        kept("", "page").replacen("max-age=60", "max-age=0, stale-while-revalidate=60", 1)
    });
    let proxy = Proxy::start(&[backend.address], "");
    proxy.exchange(&get("/", ""));
    assert_eq!(body(&proxy.exchange(&get("/", "Cache-Control: only-if-cached\r\n"))), "page");
    // Behind it a request that must be the second: a refresh would have come before.
    proxy.exchange(&get("/other", ""));
    assert!(backend.requests()[1].starts_with("GET /other "));
}

#[test]
fn a_leader_whose_backend_says_nothing_is_not_waited_for_without_end() {
    let has_hung = AtomicBool::new(false);
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&asked);
    let backend = Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            counter.fetch_add(1, Ordering::Relaxed);
            if !has_hung.swap(true, Ordering::Relaxed) {
                // Until the proxy gives it up.
                let _ = conversation.next_request();
                return;
            }
            conversation.send(kept("", "page"));
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    let mut leader = proxy.connect();
    leader.send(get("/", ""));
    crate::testkit::wait_until("the leader to ask", || asked.load(Ordering::Relaxed) == 1);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(body(&proxy.exchange(&get("/", ""))), "page"));
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(20), "they waited as long as the leader");
    assert_eq!(asked.load(Ordering::Relaxed), 2, "one of them asked for all");
}

#[test]
fn a_tag_that_means_any_response_confirms_none() {
    for tag in ["*", "\"a\", \"b\""] {
        let counter = AtomicUsize::new(0);
        let backend = Backend::answering(move |request| match field(request, "if-none-match") {
            // It exists, and one of these is what it is now.
            Some(_) => "HTTP/1.1 304 Not Modified\r\n\r\n".into(),
            None => {
                let number = counter.fetch_add(1, Ordering::Relaxed).to_string();
                kept(&format!("ETag: {tag}\r\n"), &number).replacen("max-age=60", "max-age=0", 1)
            }
        });
        let proxy = Proxy::start(&[backend.address], "");
        for number in ["0", "1"] {
            assert_eq!(body(&proxy.exchange(&get("/", ""))), number, "ETag: {tag}");
        }
    }
}

#[test]
fn a_client_that_breaks_off_its_upload_is_noticed_though_the_backend_reads_nothing() {
    let backend = Backend::start(|_| {
        loop {
            std::thread::park();
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    let mut client = proxy.connect();
    client.stream.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
    // Until nobody takes any more.
    while std::io::Write::write(&mut client.stream, &[b'x'; 65536]).is_ok() {}
    socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).expect("an option");
    let begun = Instant::now();
    drop(client);
    proxy.log(1);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
