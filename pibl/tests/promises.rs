//! The list of promises names tests; each of them must exist.

use std::path::Path;

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/promises.md")).expect("the list");
    let named = text.split('`').skip(1).step_by(2).filter_map(|word| word.split_once(".rs::"));
    let mut count = 0;
    for (file, test) in named {
        let path = root.join(format!("{file}.rs"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}.rs: {error}"));
        assert!(source.contains(&format!("fn {test}(")), "{file}.rs has no test {test}");
        count += 1;
    }
    assert!(count > 80, "only {count} tests are named");
}
