//! What a shared cache must not get wrong, as its clients see it: each test is an answer that was once given
//! to somebody for whom it was not meant, or for longer than it was good.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::testkit::{self, Backend, Proxy, field, status};

/// A GET with more fields, on a connection of its own.
fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n")
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |parts| parts.1)
}

fn is_hit(response: &str) -> bool {
    field(response, "cache-status").is_some_and(|value| value.contains("; hit"))
}

/// A complete answer.
fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A backend whose every answer has this head and a number of its own.
fn numbered(head: &'static str) -> Backend {
    let counter = AtomicUsize::new(0);
    Backend::answering(move |_| answer(head, &format!("answer {}", counter.fetch_add(1, Ordering::Relaxed))))
}

/// Whether a request has the field with which a backend is asked if something is current.
fn is_validation(request: &str) -> bool {
    field(request, "if-none-match").is_some() || field(request, "if-modified-since").is_some()
}

#[test]
fn a_304_about_another_response_confirms_nothing_by_rfc_9111_section_4_3_4() {
    for (stored, confirmed) in [
        ("ETag: \"one\"", "ETag: \"two\""),
        ("ETag: \"one\"", "ETag: W/\"two\""),
        ("ETag: W/\"one\"", "ETag: \"two\""),
        ("Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "ETag: \"two\""),
        ("Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "Last-Modified: Thu, 02 Jan 2020 00:00:00 GMT"),
        (
            "ETag: \"one\"\r\nLast-Modified: Wed, 01 Jan 2020 00:00:00 GMT",
            "Last-Modified: Thu, 02 Jan 2020 00:00:00 GMT",
        ),
    ] {
        let counter = AtomicUsize::new(0);
        let backend = Backend::answering(move |request| match counter.fetch_add(1, Ordering::Relaxed) {
            0 => answer(&format!("200 OK\r\nCache-Control: max-age=0\r\n{stored}"), "old"),
            _ if is_validation(request) => {
                format!("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n{confirmed}\r\n\r\n")
            }
            _ => answer(&format!("200 OK\r\nCache-Control: max-age=60\r\n{confirmed}"), "new"),
        });
        let proxy = Proxy::start(&[backend.address], "");
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "old");
        let second = proxy.exchange(&get("/", ""));
        assert_eq!((status(&second), body(&second)), (200, "new"), "{stored}, then {confirmed}");
        let third = proxy.exchange(&get("/", ""));
        assert!(is_hit(&third) && body(&third) == "new", "{stored}, then {confirmed}: {third}");
        assert_eq!(backend.requests().len(), 3);
    }
}

#[test]
fn a_304_that_names_the_same_response_in_a_weaker_form_confirms_it() {
    let backend = Backend::answering(|request| match is_validation(request) {
        true => "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: W/\"one\"\r\n\r\n".into(),
        false => answer("200 OK\r\nCache-Control: max-age=0\r\nETag: \"one\"", "old"),
    });
    let proxy = Proxy::start(&[backend.address], "");
    for _ in 0..3 {
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "old");
    }
    assert_eq!(backend.requests().len(), 2);
}

#[test]
fn a_304_that_brings_vary_is_for_who_asked_alone() {
    for vary in ["X-Tenant", "*"] {
        let backend = Backend::answering(move |request| match is_validation(request) {
            true => format!(
                "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"one\"\r\nVary: {vary}\r\n\r\n"
            ),
            false => answer(
                "200 OK\r\nCache-Control: max-age=0\r\nETag: \"one\"",
                field(request, "x-tenant").unwrap_or("nobody"),
            ),
        });
        let proxy = Proxy::start(&[backend.address], "");
        assert_eq!(body(&proxy.exchange(&get("/", "X-Tenant: ann\r\n"))), "ann");
        let confirmed = proxy.exchange(&get("/", "X-Tenant: ann\r\n"));
        assert_eq!((body(&confirmed), field(&confirmed, "vary")), ("ann", Some(vary)));
        assert_eq!(body(&proxy.exchange(&get("/", "X-Tenant: bob\r\n"))), "bob", "Vary: {vary}");
    }
}

#[test]
fn values_that_may_mean_two_things_are_two_variants() {
    for (name, one, two) in [
        ("Cookie", "a=1,", "a=1"),
        ("Cookie", "a=1, b=2", "a=1,b=2"),
        ("Origin", "https://a,", "https://a"),
        ("X-Own", "a,  b", "a, b"),
        ("X-Own", "A", "a"),
        ("Accept-Language", "e n", "en"),
        ("Accept-Language", "en;q=0 .5", "en;q=0.5"),
        ("Accept-Encoding", "g zip", "gzip"),
        ("Accept", "text/ html", "text/html"),
        ("Accept", "text/html;a=\"x y\"", "text/html;a=\"xy\""),
        ("Accept", "text/html;a=b; c=d", "text/html;a=\"b; c=d\""),
    ] {
        let counter = AtomicUsize::new(0);
        let backend = Backend::answering(move |_| {
            let number = counter.fetch_add(1, Ordering::Relaxed).to_string();
            answer(&format!("200 OK\r\nCache-Control: public, max-age=60\r\nVary: {name}"), &number)
        });
        let proxy = Proxy::start(&[backend.address], "");
        let ask = |value: &str| proxy.exchange(&get("/", &format!("{name}: {value}\r\n")));
        assert_eq!(body(&ask(one)), "0");
        assert_eq!(body(&ask(two)), "1", "{name}: {one:?} and {two:?}");
        assert_eq!(body(&ask(one)), "0", "{name}");
    }
}

#[test]
fn a_vary_that_cannot_be_read_matches_nobody() {
    for vary in ["X User", "\"a, *", "a\"b\", *", "@"] {
        let counter = AtomicUsize::new(0);
        let backend = Backend::answering(move |_| {
            let number = counter.fetch_add(1, Ordering::Relaxed).to_string();
            answer(&format!("200 OK\r\nCache-Control: public, max-age=60\r\nVary: {vary}"), &number)
        });
        let proxy = Proxy::start(&[backend.address], "");
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "0");
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "1", "Vary: {vary}");
    }
}

#[test]
fn what_is_keyed_is_what_the_backend_sees() {
    // A backend that knows its host in one form only, and finds nothing under any other.
    let backend = Backend::answering(|request| match field(request, "host") {
        Some("x") => answer("200 OK\r\nCache-Control: max-age=60", "page"),
        _ => answer("404 Not Found\r\nCache-Control: max-age=60", "nothing"),
    });
    for host in ["X", "x:80", "X:80", "x:"] {
        let proxy = Proxy::start(&[backend.address], "");
        let planted = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(body(&proxy.exchange(&planted)), "page", "{host}");
        let absolute = format!("GET http://{host}/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(body(&proxy.exchange(&absolute)), "page", "{host}");
        for path in ["/", "/2"] {
            assert_eq!(body(&proxy.exchange(&get(path, ""))), "page", "{host} has planted something");
        }
    }
}

#[test]
fn an_answer_to_a_range_or_a_condition_is_never_for_others() {
    for (asked, answered) in [
        ("Range: bytes=9-", "416 Range Not Satisfiable"),
        ("Range: bytes=9-", "400 Bad Request"),
        ("Range: bytes=9-", "404 Not Found"),
        ("If-None-Match: \"a\"", "412 Precondition Failed"),
        ("If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT", "412 Precondition Failed"),
        ("If-None-Match: \"a\"", "404 Not Found"),
        ("", "416 Range Not Satisfiable"),
        ("", "412 Precondition Failed"),
    ] {
        let counter = AtomicUsize::new(0);
        let backend = Backend::answering(move |_| match counter.fetch_add(1, Ordering::Relaxed) {
            0 => answer(&format!("{answered}\r\nCache-Control: public, max-age=60"), "no"),
            _ => answer("200 OK", "page"),
        });
        let proxy = Proxy::start(&[backend.address], "");
        let asked = if asked.is_empty() { String::new() } else { format!("{asked}\r\n") };
        assert_eq!(body(&proxy.exchange(&get("/", &asked))), "no");
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "page", "{asked:?} answered {answered}");
    }
}

#[test]
fn only_if_cached_never_reaches_a_backend() {
    let backend = numbered("200 OK");
    let proxy = Proxy::start(&[backend.address], "[cache]\nshare_authorized = false\n");
    for fields in [
        "",
        "If-Match: \"a\"\r\n",
        "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n",
        "Authorization: x\r\n",
        "Cookie: x\r\n",
        "Content-Length: 1\r\n",
        "Range: bytes=0-1\r\n",
        "Upgrade: x\r\nConnection: upgrade\r\n",
    ] {
        let body = if fields.starts_with("Content-Length") { "a" } else { "" };
        let request = get("/", &format!("Cache-Control: only-if-cached\r\n{fields}")) + body;
        assert_eq!(status(&proxy.exchange(&request)), 504, "{fields}");
    }
    let without_cache = Proxy::start(&[backend.address], "[cache]\nenabled = false\n");
    let request = get("/", "Cache-Control: only-if-cached\r\n");
    assert_eq!(status(&without_cache.exchange(&request)), 504);
    assert_eq!(backend.requests(), [""; 0]);
}

#[test]
fn a_response_from_the_future_is_not_fresh() {
    for (seconds_ahead, is_believed) in [(3600, false), (100_000_000, false), (60, true), (-1, true)] {
        let counter = AtomicUsize::new(0);
        let backend = Backend::answering(move |_| {
            let date = pibl::clock::now().seconds() + seconds_ahead;
            let date = pibl::http::date::format(date);
            let date = String::from_utf8_lossy(&date).into_owned();
            let number = counter.fetch_add(1, Ordering::Relaxed).to_string();
            answer(&format!("200 OK\r\nCache-Control: max-age=60\r\nDate: {date}"), &number)
        });
        let proxy = Proxy::start(&[backend.address], "");
        proxy.exchange(&get("/", ""));
        assert_eq!(is_hit(&proxy.exchange(&get("/", ""))), is_believed, "{seconds_ahead} s ahead");
    }
}

#[test]
fn a_cache_control_that_cannot_be_read_is_read_at_its_strictest() {
    for head in [
        "200 OK\r\nCache-Control: max-age=60, x=\"y, private, no-store",
        "200 OK\r\nCache-Control: max-age=60, x=\"y\\\", private",
        "200 OK\r\nCache-Control: max-age=60, x=\"y\"z, private=\"",
        "200 OK\r\nCache-Control: max-age=60; no-store",
        "200 OK\r\nCache-Control: max-age=60 no-store",
        "200 OK\r\nCache-Control: x=\"y\r\nCache-Control: max-age=60",
        "200 OK\r\nCache-Control: max-age=60, no store",
    ] {
        let backend = numbered(head);
        let proxy = Proxy::start(&[backend.address], "");
        proxy.exchange(&get("/", ""));
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "answer 1", "{head}");
    }
    // A request that nobody can read leaves nothing behind either.
    let backend = numbered("200 OK");
    let proxy = Proxy::start(&[backend.address], "");
    proxy.exchange(&get("/", "Cache-Control: x=\"y, no-store\r\n"));
    assert_eq!(body(&proxy.exchange(&get("/", ""))), "answer 1");
}

#[test]
fn who_says_who_he_is_gets_an_answer_of_his_own_unless_the_origin_says_otherwise() {
    for field in ["Cookie", "Authorization", "X-Api-Key", "X-Auth-Token", "Api_Key"] {
        for (stated, is_shared) in
            [("", false), ("Cache-Control: max-age=60\r\n", false), ("Cache-Control: public\r\n", true)]
        {
            let backend = Backend::answering(move |request| {
                let who = field_of(request, field);
                format!("HTTP/1.1 200 OK\r\n{stated}Content-Length: {}\r\n\r\n{who}", who.len())
            });
            let proxy = Proxy::start(&[backend.address], "");
            let ann = proxy.exchange(&get("/", &format!("{field}: ann\r\n")));
            assert_eq!(body(&ann), "ann");
            let expected = if is_shared { "ann" } else { "nobody" };
            assert_eq!(body(&proxy.exchange(&get("/", ""))), expected, "{field}, {stated:?}");
        }
    }
}

fn field_of(request: &str, name: &str) -> String {
    field(request, name).unwrap_or("nobody").to_owned()
}

#[test]
fn a_cookie_that_is_set_is_set_for_one_unless_a_setting_says_otherwise() {
    const HEAD: &str = "200 OK\r\nCache-Control: public, max-age=60\r\nSet-Cookie: id=ann";
    for (settings, expected) in [("", "answer 1"), ("[cache]\nstore_set_cookie = true\n", "answer 0")] {
        let backend = numbered(HEAD);
        let proxy = Proxy::start(&[backend.address], settings);
        proxy.exchange(&get("/", ""));
        assert_eq!(body(&proxy.exchange(&get("/", ""))), expected, "{settings}");
    }
}

#[test]
fn what_asks_for_another_method_or_target_is_neither_answered_from_the_cache_nor_kept() {
    for field in [
        "X-HTTP-Method-Override: DELETE",
        "x_http_method_override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
    ] {
        let (name, _) = field.split_once(':').expect("a name");
        let backend = Backend::answering(move |request| match testkit::field(request, name) {
            Some(_) => answer("200 OK\r\nCache-Control: public, max-age=60", "other"),
            None => answer("200 OK\r\nCache-Control: public, max-age=60", "page"),
        });
        let proxy = Proxy::start(&[backend.address], "");
        let odd = get("/", &format!("{field}\r\n"));
        assert_eq!(body(&proxy.exchange(&odd)), "other");
        assert_eq!(body(&proxy.exchange(&get("/", ""))), "page", "{field}");
        assert_eq!(body(&proxy.exchange(&odd)), "other", "{field}");
    }
}

#[test]
fn an_error_of_which_the_origin_says_nothing_is_kept_for_seconds_only() {
    for (head, is_kept) in [
        ("404 Not Found", false),
        ("405 Method Not Allowed", false),
        ("410 Gone", false),
        ("414 URI Too Long", false),
        ("404 Not Found\r\nCache-Control: max-age=60", true),
        ("200 OK", true),
    ] {
        let backend = numbered(head);
        let proxy = Proxy::start(&[backend.address], "ttl = \"60s\"");
        proxy.exchange(&get("/", ""));
        let hit = proxy.exchange(&get("/", ""));
        assert!(is_hit(&hit), "{head}");
        // What is left of its life says it sooner than waiting would.
        let left = field(&hit, "cache-status")
            .and_then(|status| status.split("ttl=").nth(1)?.split(';').next()?.parse().ok());
        let left: i64 = left.expect("a hit says how long it lasts");
        assert_eq!(left > 5, is_kept, "{head}: {left} s");
    }
}

#[test]
fn bytes_behind_an_answer_without_a_body_are_nobodys_answer() {
    const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON";
    let backend = Backend::start(|conversation| {
        while let Some(request) = conversation.next_request() {
            let delay = |request: &str| {
                let number = request.split(['/', ' ']).nth(2).and_then(|number| number.parse().ok());
                std::thread::sleep(std::time::Duration::from_millis(number.unwrap_or(0)));
            };
            let bodiless = match request.split(' ').next() {
                Some("HEAD") => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
                Some("DELETE") => "HTTP/1.1 204 No Content\r\n\r\n",
                _ if request.contains("If-None-Match") => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
                _ => {
                    conversation.send(answer("200 OK\r\nCache-Control: no-store", "right"));
                    continue;
                }
            };
            conversation.send(bodiless);
            delay(&request);
            conversation.send(POISON);
        }
    });
    let proxy = Proxy::start(&[backend.address], "");
    for delay in (0..40).chain([60, 80]) {
        for (method, fields) in [("HEAD", ""), ("DELETE", ""), ("GET", "If-None-Match: \"a\"\r\n")] {
            let mut client = proxy.connect();
            client.send(format!("{method} /{delay} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
            client.read_until("\r\n\r\n");
            let mut other = proxy.connect();
            for _ in 0..3 {
                other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
                let response = other.read_response();
                assert_eq!(body(&response), "right", "{method}, {delay} ms");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_stored_and_logged_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let backend = numbered("200 OK\r\nVary: Accept");
    let proxy = Proxy::start(&[backend.address], "");
    proxy.exchange(&get("/", ""));
    let mut directories = vec![proxy.directory.path().to_owned()];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let metadata = path.metadata().expect("it is there");
            let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(metadata.permissions().mode() & 0o777, expected, "{}", path.display());
            seen += 1;
            if metadata.is_dir() {
                directories.push(path);
            }
        }
    }
    // The log; the directory of the cache, its lock, two directories and two files in them.
    assert!(seen >= 6, "only {seen} names");
}
