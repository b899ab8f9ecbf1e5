//! Every scenario of the repository resolves for every adapter that ships with the harness.

use std::path::Path;
use std::sync::Arc;

use harness_model::adapter::{self, built_in};
use harness_model::plan::{Options, resolve};

#[test]
fn every_scenario_resolves_for_every_built_in_adapter() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut seen = 0;
    let folders = [root.clone(), root.join("cloud"), root.join("course")];
    for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (name, adapter) in built_in::ALL {
            let adapter = adapter::resolve(&Arc::from(*adapter), Path::new(name))
                .unwrap_or_else(|p| panic!("{name}: {p:?}"));
            let plan = resolve(&text, &path, &adapter, &Options::default())
                .unwrap_or_else(|p| panic!("{}: {p:?}", path.display()));
            assert!(!plan.steps.is_empty() && !plan.checks.is_empty());
            // In a course nobody passes by declaring that he has not done it.
            assert_eq!(plan.strict, path.starts_with(root.join("course")), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen}");
}
