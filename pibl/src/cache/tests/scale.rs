//! What a hundred thousand stored responses cost. Not run by default: it takes a while and measures time.
//!
//! `cargo test --release -p pibl -- --ignored --nocapture a_hundred_thousand`

use super::*;

const ENTRIES: usize = 100_000;

#[tokio::test]
#[ignore = "writes 100,000 files and measures time; see the command above"]
async fn a_hundred_thousand_entries_are_known_within_a_second_and_served_meanwhile() {
    let mut bench = bench(3600);
    bench.settings.size_bytes = 16 << 30;
    bench.cache.reconfigure(&bench.settings);
    let body = vec![b'x'; 1024];
    let start = clock::monotonic();
    for number in 0..ENTRIES {
        bench.get(&format!("/{}/{number}", number % 100), 0, origin(200, &[], &body)).await;
    }
    println!("{ENTRIES} entries of 1 KiB stored in {:?}", start.elapsed());
    let bench = bench.restarted();
    let start = clock::monotonic();
    let (mut asked, mut slowest) = (0, Duration::ZERO);
    while !bench.cache.statistics().is_recovered {
        let number = asked * 7919 % ENTRIES;
        let before = clock::monotonic();
        let seen = bench.exchange(&get(&format!("/{}/{number}", number % 100), &[]), at(1), None).await;
        slowest = slowest.max(before.elapsed());
        assert!(seen.was_hit() && seen.body == body, "not served while the directory is read");
        asked += 1;
    }
    let known = start.elapsed();
    println!("known in {known:?}; {asked} hits served meanwhile, the slowest in {slowest:?}");
    assert_eq!(bench.cache.statistics().files, ENTRIES);
    assert!(known < Duration::from_secs(1), "it took {known:?}");
    let start = clock::monotonic();
    assert_eq!(bench.cache.purge_prefix(b"a.example", b"/42/"), ENTRIES as u64 / 100);
    println!("a prefix purged in {:?}", start.elapsed());
    let start = clock::monotonic();
    assert_eq!(bench.cache.purge_all(), ENTRIES as u64 * 99 / 100);
    println!("everything purged in {:?}", start.elapsed());
}
