//! What a restart finds.

use super::*;

#[tokio::test]
async fn a_restart_serves_at_once_and_the_downtime_counts() {
    let bench = bench(60);
    let large: Vec<u8> = (0..5_000_000u32).map(|number| (number * 7 / 3) as u8).collect();
    bench.get("/small", 0, origin(200, &[("X", "1")], b"\x00\xff binary")).await;
    bench.get("/large", 0, origin(200, &[], &large)).await;
    let vary = [("Vary", "Foo")];
    bench.exchange(&get("/v", &[("Foo", "1")]), at(0), Some(origin(200, &vary, b"one"))).await;
    let bench = bench.restarted();
    let small = bench.exchange(&get("/small", &[]), at(30), None).await;
    assert!(small.was_hit() && small.body == b"\x00\xff binary" && small.has("X: 1") && small.has("Age: 30"));
    let seen = bench.exchange(&get("/large", &[]), at(30), None).await;
    assert!(seen.was_hit() && seen.body == large);
    assert_eq!(bench.exchange(&get("/v", &[("Foo", "1")]), at(30), None).await.body, b"one");
    assert!(!bench.exchange(&get("/small", &[]), at(60), None).await.was_hit());
}

#[tokio::test]
async fn another_ttl_holds_for_what_is_already_stored() {
    let mut bench = bench(60);
    bench.get("/x", 0, origin(200, &[], b"x")).await;
    bench.settings.ttl = Duration::from_secs(10);
    let bench = bench.restarted();
    assert!(bench.exchange(&get("/x", &[]), at(9), None).await.was_hit());
    assert!(!bench.exchange(&get("/x", &[]), at(11), None).await.was_hit());
}

#[tokio::test]
async fn the_scan_knows_every_file_and_deletes_leftovers() {
    let bench = bench(60);
    for number in 0..300 {
        bench.get(&format!("/{number}"), 0, origin(200, &[], b"x")).await;
    }
    let leftover = format!("{}.1-1.tmp", bench.files()[0].display());
    std::fs::write(&leftover, "half").unwrap();
    let bench = bench.restarted();
    bench.wait_for_scan();
    assert_eq!(bench.cache.statistics().files, 300);
    assert!(!std::path::Path::new(&leftover).exists());
}

#[tokio::test]
async fn leftovers_of_another_process_that_lives_are_left_alone() {
    let first = bench(60);
    first.get("/x", 0, origin(200, &[], b"x")).await;
    let busy = format!("{}.1-1.tmp", first.only_file().display());
    std::fs::write(&busy, "half").unwrap();
    let cache = Cache::open(&first.settings, 64);
    let start = clock::monotonic();
    while !cache.statistics().is_recovered {
        assert!(start.elapsed() < PATIENCE, "the scan does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(std::path::Path::new(&busy).exists());
    // When the other one has left, the leftover is one.
    let Bench { directory: _keep, cache: other, .. } = first;
    drop(other);
    let start = clock::monotonic();
    while std::path::Path::new(&busy).exists() {
        assert!(start.elapsed() < PATIENCE, "the leftover stays");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn what_another_process_stores_after_the_scan_is_found_and_what_it_removes_is_gone() {
    let old = bench(60);
    old.get("/removed", 0, origin(200, &[], b"old")).await;
    let cache = Cache::open(&old.settings, 64);
    let start = clock::monotonic();
    while !cache.statistics().is_recovered {
        assert!(start.elapsed() < PATIENCE, "the scan does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
    let Bench { directory, cache: first, settings } = old;
    let old = Bench { directory, cache: first, settings: settings.clone() };
    old.get("/late", 0, origin(200, &[], b"late")).await;
    let new = Bench { directory: tempfile::tempdir().unwrap(), cache, settings };
    assert!(new.exchange(&get("/late", &[]), at(1), None).await.was_hit());
    assert!(new.exchange(&get("/removed", &[]), at(1), None).await.was_hit());
    old.cache.purge_key(b"a.example", b"/removed");
    let Bench { directory: _keep, cache: first, .. } = old;
    drop(first);
    let start = clock::monotonic();
    while new.exchange(&get("/removed", &[]), at(1), None).await.was_hit() {
        assert!(start.elapsed() < PATIENCE, "what was removed is still served");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(new.exchange(&get("/late", &[]), at(1), None).await.was_hit());
}

#[tokio::test]
async fn after_a_successor_has_taken_over_nothing_is_stored() {
    let bench = bench(60);
    bench.get("/before", 0, origin(200, &[], b"x")).await;
    bench.cache.leave_to_successor();
    assert_eq!(bench.get("/after", 0, origin(200, &[], b"y")).await.body, b"y");
    assert!(bench.exchange(&get("/before", &[]), at(1), None).await.was_hit());
    assert!(!bench.exchange(&get("/after", &[]), at(1), None).await.was_hit());
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_means_a_proxy_without_cache() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("cache"), "a file").unwrap();
    let settings = settings(directory.path(), 60);
    let cache = Cache::open(&settings, 64);
    let bench = Bench { directory, cache, settings };
    let seen = bench.get("/x", 0, origin(200, &[], b"x")).await;
    assert_eq!((seen.cache_status(), seen.status), ("pibl; fwd=bypass; detail=off", 200));
}

#[tokio::test]
async fn a_directory_that_is_deleted_meanwhile_is_made_again() {
    let bench = bench(60);
    bench.get("/x", 0, origin(200, &[], b"x")).await;
    std::fs::remove_dir_all(&bench.settings.directory).unwrap();
    // What is open is still served; what comes is stored again.
    assert!(bench.exchange(&get("/x", &[]), at(1), None).await.was_hit());
    bench.get("/y", 0, origin(200, &[], b"y")).await;
    assert!(bench.exchange(&get("/y", &[]), at(1), None).await.was_hit());
}

#[tokio::test]
async fn what_was_stored_while_the_clock_was_ahead_is_asked_for_again_after_a_restart() {
    let bench = bench(5);
    let now = clock::now();
    let ahead = now.plus(Duration::from_secs(3600));
    bench.exchange(&get("/ahead", &[]), ahead, Some(origin(200, &[], b"old"))).await;
    bench.exchange(&get("/right", &[]), now, Some(origin(200, &[], b"right"))).await;
    // Runs are told apart by the millisecond.
    std::thread::sleep(Duration::from_millis(2));
    let bench = bench.restarted();
    assert!(bench.exchange(&get("/right", &[]), now, None).await.was_hit());
    let seen = bench.exchange(&get("/ahead", &[]), now, Some(origin(200, &[], b"new"))).await;
    assert!(!seen.was_hit() && seen.body == b"new", "{seen:?}");
    assert!(bench.exchange(&get("/ahead", &[]), now, None).await.was_hit());
}

#[tokio::test]
async fn a_file_that_is_opened_again_is_as_old_as_it_was_though_the_clock_was_set() {
    let bench = bench(5);
    let asked = get("/x", &[]);
    let Answer::Fetch(fetch) = bench.cache.ask(&asked, at(0)).await else { panic!("nothing is stored") };
    // The wall clock had been set back by an hour when this came.
    let times = Times { ahead_micros: 3_600_000_000, ..times(at(0)) };
    let head = ResponseHead::new(200);
    let Received::Forward(forward) = fetch.receive(&asked, &head, Some(1), times).await else {
        panic!("not stored")
    };
    let mut writer = forward.writer.unwrap();
    writer.write(b"x").await;
    writer.commit().await;
    bench.cache.store.close_all();
    assert!(bench.exchange(&asked, at(4), None).await.has("Age: 4"));
    assert!(!bench.exchange(&asked, at(5), None).await.was_hit());
}
