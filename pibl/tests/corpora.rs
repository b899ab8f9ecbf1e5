//! Everything that the fuzzer found worth keeping, again, and changed in small ways.
//!
//! The corpora lie in `fuzz/corpus/<target>/`, what once failed in `fuzz/findings/<target>/`.

#[path = "../fuzz/src/lib.rs"]
mod properties;

use std::path::Path;

type Property = fn(&[u8]);

const TARGETS: [(&str, Property); 8] = [
    ("head", properties::head),
    ("response", properties::response),
    ("chunk", properties::chunk),
    ("cache_file", properties::cache_file),
    ("cache_record", properties::cache_record),
    ("config", properties::config),
    ("date", properties::date),
    ("cache_control", properties::cache_control),
];

#[test]
fn nothing_that_was_ever_found_breaks_a_property() {
    for (target, property) in TARGETS {
        let mut count = 0;
        for kind in ["corpus", "findings"] {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target);
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            for entry in entries {
                let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
                property(&bytes);
                for place in (0..bytes.len()).step_by(1 + bytes.len() / 16) {
                    property(&bytes[..place]);
                    let mut changed = bytes.clone();
                    changed[place] ^= 1 << (place % 8);
                    property(&changed);
                }
                count += 1;
            }
        }
        assert!(count > 0, "the corpus of {target} is missing");
    }
}
