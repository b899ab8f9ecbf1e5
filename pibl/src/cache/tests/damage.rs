//! Files that are not what was written: never served, set aside.

use super::*;

const BODY: &[u8] = b"these bytes must never change";

async fn stored() -> Bench {
    let bench = bench(60);
    bench.get("/x", 0, origin(200, &[("X", "1")], BODY)).await;
    bench
}

/// Damages the stored file, restarts, and expects a miss, a set-aside file, and a working cache.
async fn is_refused(damage: impl FnOnce(&std::path::Path)) {
    let bench = stored().await;
    let path = bench.only_file();
    damage(&path);
    let bench = bench.restarted();
    let seen = bench.get("/x", 1, origin(200, &[], b"from the origin")).await;
    assert_eq!((seen.was_hit(), &seen.body[..]), (false, &b"from the origin"[..]));
    assert_eq!(bench.get("/x", 2, origin(500, &[], b"")).await.body, b"from the origin");
    bench.wait_for_scan();
    let aside = std::fs::read_dir(bench.settings.directory.join("quarantine")).map_or(0, Iterator::count);
    assert_eq!(aside, 1, "set aside");
}

#[tokio::test]
async fn truncated_files_are_refused() {
    for cut in [0, 1, 39, 40, 100, 500] {
        is_refused(|path| std::fs::File::options().write(true).open(path).unwrap().set_len(cut).unwrap())
            .await;
    }
}

#[tokio::test]
async fn a_longer_file_and_a_zeroed_tail_are_refused() {
    is_refused(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.push(0);
        std::fs::write(path, bytes).unwrap();
    })
    .await;
    is_refused(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        let length = bytes.len();
        bytes[length - 10..].fill(0);
        std::fs::write(path, bytes).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_flipped_bit_in_head_or_body_is_refused() {
    for place in [3, 20, 60, 80] {
        is_refused(|path| flip(path, place)).await;
    }
    is_refused(|path| flip(path, std::fs::metadata(path).unwrap().len() as usize - 5)).await;
}

fn flip(path: &std::path::Path, place: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[place] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_foreign_file_and_a_directory_in_the_place_of_a_file_are_refused() {
    is_refused(|path| std::fs::write(path, "<html>not ours</html>").unwrap()).await;
    is_refused(|path| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_copy_under_the_name_of_another_key_is_refused() {
    let bench = stored().await;
    let original = bench.only_file();
    let other = bench
        .cache
        .store
        .disk
        .as_ref()
        .unwrap()
        .path(Key::new(crate::http::Scheme::Http, b"a.example", b"/y").hash());
    std::fs::create_dir_all(other.parent().unwrap()).unwrap();
    std::fs::copy(&original, &other).unwrap();
    let bench = bench.restarted();
    let seen = bench.get("/y", 1, origin(200, &[], b"y")).await;
    assert_eq!((seen.was_hit(), &seen.body[..]), (false, &b"y"[..]));
    assert_eq!(bench.get("/x", 1, origin(500, &[], b"")).await.body, BODY);
}

#[tokio::test]
async fn a_large_body_is_checked_too_before_it_is_served() {
    let bench = bench(60);
    let large = vec![b'x'; 6 << 20];
    bench.get("/x", 0, origin(200, &[], &large)).await;
    flip(&bench.only_file(), 3 << 20);
    let bench = bench.restarted();
    assert!(!bench.exchange(&get("/x", &[]), at(1), None).await.was_hit());
}

#[tokio::test]
async fn one_byte_anywhere_never_makes_a_wrong_answer() {
    let bench = stored().await;
    let path = bench.only_file();
    let whole = std::fs::read(&path).unwrap();
    let mut bench = bench;
    // Every seventh byte: the head, both slots, the padding, the body.
    for place in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x20;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        bench = bench.restarted();
        let seen = bench.exchange(&get("/x", &[]), at(1), None).await;
        if seen.was_hit() {
            assert!(seen.body == BODY && seen.has("X: 1") && seen.has("Content-Length: 29"), "byte {place}");
        }
    }
}
