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

/// Counts of backends and instances are read by a machine that cannot hold them; one of 2⁶⁴−1 ended `check` by a panic.
#[test]
fn no_count_of_backends_or_instances_is_beyond_what_a_run_can_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let text = std::fs::read_to_string(root.join("cloud/autoscaling.yaml")).unwrap();
    let adapter = harness_model::plan::samples::adapter();
    let refused = |text: &str, written: &str| {
        let problems = resolve(text, Path::new("a.yaml"), &adapter, &Options::default()).unwrap_err();
        let place = problems[0].place.as_ref().expect("a place");
        let (line, column) = place.line_and_column();
        let said = &text.lines().nth(line - 1).unwrap()[column - 1..];
        assert!(said.starts_with(written), "{written} is refused at `{said}`");
    };
    for value in ["18446744073709551615", "4294967295", "201", "0"] {
        for key in ["count: 6", "least: 2", "most: 6", "places: 2", "add: 2", "remove: 1"] {
            let (name, count) = key.split_once(' ').unwrap();
            // 201 requests at once are no more than any server bears.
            if (name, value) == ("places:", "201") {
                continue;
            }
            assert!(text.contains(key), "{key}");
            refused(&text.replacen(key, &format!("{name} {value}"), 1), value);
            assert_ne!(count, value);
        }
        refused(&text.replacen("{ttl: 1s}", &format!("{{ttl: 1s, backends: {value}}}"), 1), value);
    }
    // Neither can a load engine send as much, nor is anybody's clock as fine.
    refused(&text.replacen("{to: 160/s", "{to: 1000000000000/s", 1), "1000000000000/s");
    refused(&text.replacen("period: 1m", "period: 1ms", 1), "fleet");
    // Nor can a proxy be told of more than there are.
    refused(&text.replacen("{ttl: 1s}", "{ttl: 1s, backends: 7}", 1), "7");
}
