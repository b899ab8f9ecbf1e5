//! Every scenario of the repository resolves for every adapter that ships with the harness.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness_model::adapter::{self, built_in};
use harness_model::plan::{Options, StepKind, resolve};

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

#[test]
fn probes_reach_behind_the_ttl_by_as_much_as_a_store_may_take() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let text = std::fs::read_to_string(root.join("ttl.yaml")).unwrap();
    let mut adapter = harness_model::plan::samples::adapter();
    let last = |adapter: &adapter::Adapter| {
        let plan = resolve(&text, Path::new("ttl.yaml"), adapter, &Options::default()).unwrap();
        let probes = plan.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Probe(probe) => Some((probe.at.age(0.999), probe.at.undecided_after)),
            _ => None,
        });
        probes.collect::<Vec<_>>()
    };
    let at_once = last(&adapter);
    adapter.capabilities.store_lag = Duration::from_millis(500);
    for ((before, _), (age, undecided)) in at_once.iter().zip(last(&adapter)) {
        assert!(age >= *before + Duration::from_millis(490), "{before:?} {age:?}");
        assert_eq!(undecided, Duration::from_millis(500));
    }
    assert!(!at_once.is_empty());
}
