//! Storing and reusing: RFC 9111 §3 to §4.2, §4.4, and the TTL.

use super::*;

const HOUR: [(&str, &str); 1] = [("Cache-Control", "max-age=3600")];

#[tokio::test]
async fn a_hit_is_the_stored_response_with_its_age() {
    let bench = bench(0);
    let fields = [("Cache-Control", "max-age=3600"), ("X-Odd", "a"), ("X-Odd", "b"), ("Age", "30")];
    let first = bench.get("/x", 0, origin(200, &fields, b"hello")).await;
    assert_eq!(first.cache_status(), "pibl; fwd=uri-miss; stored");
    let second = bench.get("/x", 5, origin(500, &[], b"")).await;
    assert!(second.was_hit() && second.status == 200 && second.body == b"hello");
    for line in ["HTTP/1.1 200 OK", "X-Odd: a", "X-Odd: b", "Content-Length: 5", "Age: 35"] {
        assert!(second.has(line), "{line} in {}", second.head);
    }
    assert_eq!(second.cache_status(), "pibl; hit; ttl=3565");
    assert_eq!(second.head.matches("Age:").count(), 1);
}

#[tokio::test]
async fn a_ttl_ends_to_the_millisecond_and_a_hit_does_not_prolong_it() {
    let bench = bench(2);
    bench.get("/x", 0, origin(200, &[], b"old")).await;
    for millis in [500, 1000, 1999] {
        let now = START.plus(Duration::from_millis(millis));
        assert!(bench.exchange(&get("/x", &[]), now, None).await.was_hit(), "{millis}");
    }
    let expired = bench.get("/x", 2, origin(200, &[], b"new")).await;
    assert_eq!((expired.was_hit(), &expired.body[..]), (false, &b"new"[..]));
    assert_eq!(expired.cache_status(), "pibl; fwd=stale; fwd-status=200; stored");
    assert_eq!(bench.get("/x", 3, origin(500, &[], b"")).await.body, b"new");
}

#[tokio::test]
async fn with_a_ttl_of_zero_nothing_unstated_is_kept() {
    let bench = bench(0);
    let first = bench.get("/x", 0, origin(200, &[], b"a")).await;
    assert_eq!(first.cache_status(), "pibl; fwd=uri-miss; detail=no-lifetime");
    assert!(!bench.get("/x", 0, origin(200, &[], b"b")).await.was_hit());
}

#[tokio::test]
async fn paths_queries_and_hosts_are_different_resources() {
    let bench = bench(60);
    for target in ["/a/b", "/a_b", "/a/b?", "/a/b?c"] {
        assert!(!bench.get(target, 0, origin(200, &[], target.as_bytes())).await.was_hit(), "{target}");
    }
    for target in ["/a/b", "/a_b", "/a/b?", "/a/b?c"] {
        assert_eq!(bench.get(target, 1, origin(500, &[], b"")).await.body, target.as_bytes());
    }
    let mut other_host = get("/a/b", &[]);
    other_host.fields.set("Host", "b.example");
    assert!(!bench.exchange(&other_host, at(1), None).await.was_hit());
}

#[tokio::test]
async fn head_is_answered_from_a_stored_get_without_a_body() {
    let bench = bench(0);
    bench.get("/x", 0, origin(200, &HOUR, b"hello")).await;
    let head = bench.exchange(&request(Method::Head, "/x", &[]), at(1), None).await;
    assert!(head.was_hit() && head.body.is_empty() && head.has("Content-Length: 5"));
}

#[tokio::test]
async fn a_post_is_forwarded_and_makes_the_stored_response_wrong_by_section_4_4() {
    let bench = bench(0);
    for target in ["/x", "/new", "/other"] {
        bench.get(target, 0, origin(200, &HOUR, b"old")).await;
    }
    let post = request(Method::Post, "/x", &[]);
    let failed = bench.exchange(&post, at(1), Some(origin(500, &[], b""))).await;
    assert_eq!((failed.was_hit(), failed.cache_status()), (false, "pibl; fwd=method"));
    assert!(bench.exchange(&get("/x", &[]), at(1), None).await.was_hit(), "a failed write changes nothing");
    let fields = [("Location", "/new"), ("Content-Location", "http://b.example/other")];
    bench.exchange(&post, at(1), Some(origin(201, &fields, b""))).await;
    assert!(!bench.exchange(&get("/x", &[]), at(1), None).await.was_hit());
    assert!(!bench.exchange(&get("/new", &[]), at(1), None).await.was_hit());
    assert!(bench.exchange(&get("/other", &[]), at(1), None).await.was_hit(), "another host's word");
}

#[tokio::test]
async fn a_response_asked_for_before_a_write_is_not_stored_after_it() {
    let bench = bench(0);
    let slow = get("/x", &[]);
    let Answer::Fetch(fetch) = bench.cache.ask(&slow, at(0)).await else { panic!("nothing is stored") };
    bench.exchange(&request(Method::Put, "/x", &[]), at(1), Some(origin(204, &[], b""))).await;
    bench.finish(fetch, &slow, at(2), Some(origin(200, &HOUR, b"from before"))).await;
    assert!(!bench.exchange(&slow, at(3), None).await.was_hit());
}

#[tokio::test]
async fn the_answer_to_a_post_serves_gets_if_it_says_so_by_rfc_9110_section_9_3_3() {
    let bench = bench(0);
    let post = request(Method::Post, "/x", &[]);
    let fields = [("Cache-Control", "max-age=60"), ("Content-Location", "/x")];
    bench.exchange(&post, at(0), Some(origin(200, &fields, b"made"))).await;
    assert_eq!(bench.exchange(&get("/x", &[]), at(1), None).await.body, b"made");
    assert!(!bench.exchange(&post, at(1), None).await.was_hit(), "a POST is never answered from the cache");
}

#[tokio::test]
async fn variants_are_stored_side_by_side_and_forgotten_together() {
    let bench = bench(0);
    let fields = [("Cache-Control", "max-age=60"), ("Vary", "Foo")];
    for value in ["1", "2"] {
        let asked = get("/x", &[("Foo", value)]);
        bench.exchange(&asked, at(0), Some(origin(200, &fields, value.as_bytes()))).await;
    }
    for value in ["1", "2"] {
        let again = bench.exchange(&get("/x", &[("Foo", value), ("Bar", "x")]), at(1), None).await;
        assert_eq!((again.was_hit(), &again.body[..]), (true, value.as_bytes()));
    }
    let third = bench.exchange(&get("/x", &[]), at(1), Some(origin(200, &fields, b"none"))).await;
    assert_eq!(third.cache_status(), "pibl; fwd=vary-miss; stored");
    assert!(bench.cache.purge_key(b"a.example", b"/x"));
    assert!(!bench.exchange(&get("/x", &[("Foo", "1")]), at(1), None).await.was_hit());
}

#[tokio::test]
async fn a_request_may_ask_for_fresher_older_or_only_stored_responses_by_section_5_2_1() {
    let bench = bench(0);
    let fields = [("Cache-Control", "max-age=100")];
    bench.get("/x", 0, origin(200, &fields, b"x")).await;
    let with = |text: &str| get("/x", &[("Cache-Control", text)]);
    for (text, seconds, is_hit) in [
        ("max-age=10", 5, true),
        ("max-age=10", 11, false),
        ("min-fresh=50", 49, true),
        ("min-fresh=50", 51, false),
        ("no-cache", 1, false),
        ("max-stale=5", 104, true),
        ("max-stale=5", 106, false),
        ("max-stale", 9999, true),
        ("only-if-cached", 1, true),
    ] {
        let seen = bench.exchange(&with(text), at(seconds), Some(origin(418, &[], b""))).await;
        assert_eq!(seen.was_hit(), is_hit, "{text} at {seconds}");
    }
    let pragma = bench.exchange(&get("/x", &[("Pragma", "no-cache")]), at(1), None).await;
    assert!(!pragma.was_hit());
    let nothing = bench.exchange(&get("/y", &[("Cache-Control", "only-if-cached")]), at(1), None).await;
    assert_eq!((nothing.was_hit(), nothing.status), (true, 504));
}

#[tokio::test]
async fn a_request_with_no_store_leaves_nothing_behind() {
    let bench = bench(60);
    let asked = get("/x", &[("Cache-Control", "no-store")]);
    let seen = bench.exchange(&asked, at(0), Some(origin(200, &[], b"x"))).await;
    assert_eq!(seen.cache_status(), "pibl; fwd=uri-miss; detail=request-no-store");
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn with_sharing_off_a_request_with_a_token_goes_around_the_cache() {
    let bench = bench(60);
    let settings = CacheSettings { sharing: Sharing::Never, ..bench.settings.clone() };
    bench.cache.reconfigure(&settings);
    bench.get("/x", 0, origin(200, &[], b"public")).await;
    for field in ["Authorization", "Cookie"] {
        let seen =
            bench.exchange(&get("/x", &[(field, "secret")]), at(1), Some(origin(200, &[], b"own"))).await;
        assert_eq!(seen.cache_status(), "pibl; fwd=bypass; detail=token", "{field}");
    }
    assert_eq!(bench.get("/x", 1, origin(500, &[], b"")).await.body, b"public");
}

#[tokio::test]
async fn a_request_that_only_the_origin_can_judge_goes_to_it() {
    let bench = bench(60);
    bench.get("/x", 0, origin(200, &[("ETag", "\"a\"")], b"x")).await;
    for field in ["If-Match", "If-Unmodified-Since"] {
        assert!(!bench.exchange(&get("/x", &[(field, "\"b\"")]), at(1), None).await.was_hit());
    }
}

#[tokio::test]
async fn ranges_of_a_stored_body_are_served_by_rfc_9110_section_14() {
    let bench = bench(0);
    let fields =
        [("Cache-Control", "max-age=60"), ("ETag", "\"v\""), ("Content-Type", "text/plain"), ("A", "1")];
    bench.get("/x", 0, origin(200, &fields, b"0123456789")).await;
    let ranged = async |fields: &[(&str, &str)]| bench.exchange(&get("/x", fields), at(1), None).await;
    let one = ranged(&[("Range", "bytes=2-4")]).await;
    assert_eq!((one.status, &one.body[..]), (206, &b"234"[..]));
    assert!(one.has("Content-Range: bytes 2-4/10") && one.has("Content-Length: 3") && one.has("A: 1"));
    let none = ranged(&[("Range", "bytes=10-")]).await;
    assert!(none.status == 416 && none.has("Content-Range: bytes */10"));
    let two = ranged(&[("Range", "bytes=0-1,-2")]).await;
    let text = String::from_utf8(two.body.clone()).unwrap();
    let boundary = two.head.split("boundary=").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(two.status, 206);
    assert_eq!(
        text,
        format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n\
             --{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--{boundary}--\r\n"
        )
    );
    assert!(two.has(&format!("Content-Length: {}", text.len())));
    assert_eq!(ranged(&[("Range", "bytes=2-4"), ("If-Range", "\"v\"")]).await.status, 206);
    assert_eq!(ranged(&[("Range", "bytes=2-4"), ("If-Range", "\"w\"")]).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_never_stored() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let Answer::Fetch(fetch) = bench.cache.ask(&asked, at(0)).await else { panic!("nothing is stored") };
    let response = ResponseHead::new(200);
    let Received::Forward(forward) = fetch.receive(&asked, &response, Some(10), times(at(0))).await else {
        panic!("nothing to confirm")
    };
    let mut writer = forward.writer.unwrap();
    writer.write(b"half").await;
    writer.commit().await;
    assert!(bench.files().is_empty());
    assert!(!bench.exchange(&asked, at(0), None).await.was_hit());
}

#[tokio::test]
async fn old_responses_make_room_and_too_large_ones_are_passed_on() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        CacheSettings { size_bytes: 64 * 1024, max_object_bytes: 20_000, ..settings(directory.path(), 60) };
    let cache = Cache::open(&settings, 64);
    let bench = Bench { directory, cache, settings };
    bench.wait_for_scan();
    for number in 0..50 {
        bench.get(&format!("/{number}"), 0, origin(200, &[], &[b'x'; 3000])).await;
    }
    let statistics = bench.cache.statistics();
    assert!(statistics.bytes <= 64 * 1024, "{statistics:?}");
    bench.until("the rest is deleted", || statistics.files == bench.files().len()).await;
    let large = bench.get("/large", 0, origin(200, &[], &[b'x'; 20_001])).await;
    assert_eq!(large.cache_status(), "pibl; fwd=uri-miss; detail=too-large");
}

#[tokio::test]
async fn a_prefix_or_everything_can_be_purged() {
    let bench = bench(60);
    for target in ["/a/1", "/a/2", "/b/1"] {
        bench.get(target, 0, origin(200, &[], b"x")).await;
    }
    assert_eq!(bench.cache.purge_prefix(b"A.example", b"/a/"), 2);
    assert!(bench.exchange(&get("/b/1", &[]), at(1), None).await.was_hit());
    assert!(!bench.exchange(&get("/a/1", &[]), at(1), None).await.was_hit());
    assert_eq!(bench.cache.purge_all(), 1);
    assert!(bench.files().is_empty());
}
