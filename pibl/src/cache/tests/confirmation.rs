//! Asking the origin whether what is stored is current: RFC 9111 §4.3, and staleness (RFC 5861).

use super::*;

const STALE_AT: u64 = 10;

fn five_seconds<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("Cache-Control", "max-age=5")], more].concat()
}

#[tokio::test]
async fn a_stale_response_is_confirmed_with_its_own_validators() {
    let bench = bench(0);
    let changed = "Wed, 01 Jan 2020 00:00:00 GMT";
    let fields = five_seconds(&[("ETag", "\"a\""), ("Last-Modified", changed), ("X", "old"), ("Keep", "1")]);
    bench.get("/x", 0, origin(200, &fields, b"body")).await;
    let asked = get("/x", &[("If-None-Match", "\"client\""), ("Range", "bytes=0-1")]);
    let confirmed =
        [("ETag", "\"a\""), ("X", "new"), ("Content-Length", "99"), ("Cache-Control", "max-age=7")];
    let seen = bench.exchange(&asked, at(STALE_AT), Some(origin(304, &confirmed, b""))).await;
    let sent = seen.asked.as_ref().unwrap();
    assert_eq!(sent.get("if-none-match"), Some(&b"\"a\""[..]));
    assert_eq!(sent.get("if-modified-since"), Some(changed.as_bytes()));
    assert!(!sent.contains("range"));
    // The client's own wishes are answered from what was confirmed.
    assert_eq!((seen.status, &seen.body[..]), (206, &b"bo"[..]));
    assert_eq!(seen.cache_status(), "pibl; fwd=stale; fwd-status=304");
    let again = bench.get("/x", STALE_AT + 6, origin(500, &[], b"")).await;
    assert!(again.was_hit() && again.body == b"body");
    for line in ["X: new", "Keep: 1", "Content-Length: 4", "Cache-Control: max-age=7", "Age: 6"] {
        assert!(again.has(line), "{line} in {}", again.head);
    }
    assert!(!again.has("X: old"));
}

#[tokio::test]
async fn a_confirmed_head_survives_a_restart_even_if_it_has_outgrown_its_place() {
    let bench = bench(0);
    bench.get("/x", 0, origin(200, &five_seconds(&[("ETag", "\"a\"")]), b"body")).await;
    let long = "y".repeat(3000);
    for (round, fields) in
        [&[("X", "1")][..], &[("X", "2"), ("Y", long.as_str())], &[("X", "3")]].into_iter().enumerate()
    {
        let seconds = STALE_AT * (round as u64 + 1);
        bench.get("/x", seconds, origin(304, fields, b"")).await;
    }
    let bench = bench.restarted();
    let seen = bench.get("/x", 3 * STALE_AT + 1, origin(500, &[], b"")).await;
    assert!(seen.was_hit() && seen.body == b"body" && seen.has("X: 3") && seen.has(&format!("Y: {long}")));
}

#[tokio::test]
async fn conditions_of_the_client_are_answered_from_a_fresh_response() {
    let bench = bench(0);
    let fields = five_seconds(&[("ETag", "\"a\""), ("Content-Type", "text/plain")]);
    bench.get("/x", 0, origin(200, &fields, b"body")).await;
    let seen = bench.exchange(&get("/x", &[("If-None-Match", "\"b\", W/\"a\"")]), at(1), None).await;
    assert!(seen.was_hit() && seen.status == 304 && seen.body.is_empty());
    assert!(seen.has("ETag: \"a\"") && seen.has("Cache-Control: max-age=5") && seen.has("Age: 1"));
    assert!(!seen.head.contains("Content-Type") && !seen.head.contains("Content-Length"));
    let other = bench.exchange(&get("/x", &[("If-None-Match", "\"b\"")]), at(1), None).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn conditions_travel_to_the_origin_when_nothing_is_stored() {
    let bench = bench(60);
    let asked = get("/x", &[("If-None-Match", "\"a\"")]);
    let seen = bench.exchange(&asked, at(0), Some(origin(304, &[], b""))).await;
    assert_eq!(seen.asked.unwrap().get("if-none-match"), Some(&b"\"a\""[..]));
    assert_eq!(seen.status, 304);
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn a_full_answer_replaces_what_was_stale() {
    let bench = bench(0);
    bench.get("/x", 0, origin(200, &five_seconds(&[("ETag", "\"a\"")]), b"old")).await;
    let seen = bench.get("/x", STALE_AT, origin(200, &five_seconds(&[("ETag", "\"b\"")]), b"new")).await;
    assert_eq!(seen.body, b"new");
    assert_eq!(bench.get("/x", STALE_AT + 1, origin(500, &[], b"")).await.body, b"new");
    // What may not be kept takes what was kept along.
    bench.get("/x", 3 * STALE_AT, origin(200, &[("Cache-Control", "no-store")], b"secret")).await;
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn no_cache_asks_every_time_and_must_revalidate_only_when_stale() {
    let bench = bench(0);
    let fields = [("Cache-Control", "no-cache, max-age=60"), ("ETag", "\"a\"")];
    bench.get("/n", 0, origin(200, &fields, b"n")).await;
    let asked = bench.get("/n", 1, origin(304, &fields, b"")).await;
    assert!(asked.asked.unwrap().contains("if-none-match") && asked.status == 200);
    let strict = [("Cache-Control", "max-age=5, must-revalidate"), ("ETag", "\"a\"")];
    bench.get("/m", 0, origin(200, &strict, b"m")).await;
    assert!(bench.get("/m", 1, origin(500, &[], b"")).await.was_hit());
    assert_eq!(bench.exchange(&get("/m", &[]), at(STALE_AT), None).await.status, 502);
}

#[tokio::test]
async fn a_stale_response_is_served_while_one_request_refreshes_it() {
    let bench = bench(0);
    let window = [("Cache-Control", "max-age=5, stale-while-revalidate=10")];
    bench.get("/x", 0, origin(200, &window, b"old")).await;
    let asked = get("/x", &[]);
    let Answer::ReplyAndRefresh(reply, fetch) = bench.cache.ask(&asked, at(8)).await else {
        panic!("not refreshed")
    };
    assert_eq!(seen(&reply, None).cache_status(), "pibl; hit; ttl=-3");
    // While it is under way others get the stale response, and nobody asks twice.
    assert!(matches!(bench.cache.ask(&asked, at(8)).await, Answer::Reply(_)));
    bench.finish(fetch, &asked, at(9), Some(origin(200, &window, b"new"))).await;
    assert_eq!(bench.get("/x", 10, origin(500, &[], b"")).await.body, b"new");
    let late = bench.get("/x", 30, origin(200, &window, b"newest")).await;
    assert_eq!((late.was_hit(), late.cache_status()), (false, "pibl; fwd=stale; fwd-status=200; stored"));
}

#[tokio::test]
async fn an_origin_that_fails_is_stood_in_for_where_that_is_allowed() {
    let bench = bench(0);
    bench.get("/e", 0, origin(200, &[("Cache-Control", "max-age=5, stale-if-error=60")], b"old")).await;
    let error = bench.get("/e", STALE_AT, origin(503, &[], b"error")).await;
    assert_eq!((error.status, &error.body[..]), (200, &b"old"[..]));
    assert_eq!(error.cache_status(), "pibl; fwd=stale; fwd-status=503; ttl=-5; detail=stale-if-error");
    assert_eq!(bench.exchange(&get("/e", &[]), at(STALE_AT), None).await.body, b"old");
    bench.get("/p", 0, origin(200, &[("Cache-Control", "max-age=5")], b"plain")).await;
    assert_eq!(bench.get("/p", STALE_AT, origin(503, &[], b"error")).await.status, 503);
    let cut_off = bench.exchange(&get("/p", &[]), at(STALE_AT), None).await;
    assert_eq!(cut_off.cache_status(), "pibl; fwd=stale; ttl=-5; detail=unreachable");
    let wish = get("/p", &[("Cache-Control", "stale-if-error=60")]);
    assert_eq!(bench.exchange(&wish, at(STALE_AT), Some(origin(500, &[], b""))).await.status, 200);
}

#[tokio::test]
async fn nothing_is_served_beyond_a_ttl_that_the_operator_set() {
    let bench = bench(5);
    bench.get("/x", 0, origin(200, &[], b"old")).await;
    assert_eq!(bench.exchange(&get("/x", &[]), at(6), None).await.status, 502);
}

#[tokio::test]
async fn a_head_freshens_or_removes_the_stored_get_by_section_4_3_5() {
    let bench = bench(0);
    bench.get("/x", 0, origin(200, &five_seconds(&[("ETag", "\"a\""), ("A", "1")]), b"body")).await;
    let head = request(Method::Head, "/x", &[]);
    let fields = five_seconds(&[("ETag", "\"a\""), ("Content-Length", "4"), ("B", "2")]);
    let seen = bench.exchange(&head, at(STALE_AT), Some(origin(200, &fields, b""))).await;
    assert!(seen.has("A: 1") && seen.has("B: 2") && seen.body.is_empty());
    assert!(bench.get("/x", STALE_AT + 1, origin(500, &[], b"")).await.was_hit());
    let changed = five_seconds(&[("ETag", "\"b\"")]);
    bench.exchange(&head, at(3 * STALE_AT), Some(origin(200, &changed, b""))).await;
    assert!(bench.files().is_empty());
}
