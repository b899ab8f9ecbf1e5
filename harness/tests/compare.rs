//! `harness compare` as a user runs it: interleaved rounds, a table, thresholds judged, one exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::guilty_proxy;

const SCENARIO: &str = r#"
name: brief
title: {en: "In brief", es: "En breve"}
covers: [REQ-3]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 1KiB}}}}
steps:
  - load:
      tag: hits
      executor: {constant-arrival-rate: {rate: 100/s, duration: 300ms, max_vus: 50}}
      path: "/hit/{key}"
      keys: 5
checks: {integrity.bodies: , proxy.alive: }
thresholds: [THRESHOLDS]
"#;

struct Bench {
    folder: tempfile::TempDir,
    adapter: PathBuf,
}

impl Bench {
    fn new(defect: &str) -> Bench {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let file = folder.path().join("honest.yaml");
        guilty_proxy::write_adapter(&file, guilty_proxy::program(), defect);
        Bench { folder, adapter: file }
    }

    fn compare(&self, thresholds: &str, arguments: &[&str]) -> Output {
        let scenario = self.folder.path().join("brief.yaml");
        std::fs::write(&scenario, SCENARIO.replace("THRESHOLDS", thresholds)).expect("the scenario");
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.arg("compare").arg(scenario).args(["--lang", "en", "--sut"]).arg(&self.adapter);
        command.arg("--out").arg(self.folder.path().join("reports")).args(arguments);
        command.output().expect("the harness runs")
    }

    fn run(&self, thresholds: &str, arguments: &[&str]) -> Output {
        let scenario = self.folder.path().join("brief.yaml");
        std::fs::write(&scenario, SCENARIO.replace("THRESHOLDS", thresholds)).expect("the scenario");
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.arg(scenario).args(["--lang", "en", "--sut"]).arg(&self.adapter).args(arguments);
        command.arg("--out").arg(self.folder.path().join("reports")).env("GITHUB_ACTIONS", "true");
        command.output().expect("the harness runs")
    }

    fn report(&self, name: &str) -> String {
        let parent = self.folder.path().join("reports/compare-brief");
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(parent).expect("reports").flatten().map(|entry| entry.path()).collect();
        found.sort();
        std::fs::read_to_string(found.last().expect("a report").join(name)).expect("a file of the report")
    }
}

#[test]
fn thresholds_are_judged_by_a_single_run_as_well() {
    let bench = Bench::new("none");
    let open = "\"hits: error_rate < 50%\", \"hits: rate{vs:direct} > 1%\"";
    let output = bench.run(open, &["--on-inconclusive", "warn"]);
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}\n{said}");
    // The way out is said before the run and after it, and CI marks the doubt.
    assert!(said.contains("ended after 3 min") && said.contains("harness compare "), "{said}");
    assert!(
        text.contains("? inconclusive  hits: rate{vs:direct} > 1%: a single run does not measure direct"),
        "{text}"
    );
    assert!(text.contains("\n::warning file="), "{text}");
    assert_eq!(bench.run(open, &[]).status.code(), Some(2), "doubt is no pass");
    let output = bench.run("\"hits: rate > 100000/s\", \"hits: latency p(50) < 10s\"", &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("a threshold is not met: hits: rate > 100000/s"), "{text}");
    let latest = bench.folder.path().join("reports/brief").read_dir().expect("reports").flatten().next();
    let latest = latest.expect("a proxy").path().join("latest");
    let read = |name: &str| std::fs::read_to_string(latest.join(name)).expect("a page");
    assert!(read("junit.xml").contains("classname=\"thresholds\""));
    assert!(read("report.es.html").contains("Umbrales") && read("summary.md").contains("### Umbrales"));
    let verdicts: serde_json::Value = serde_json::from_str(&read("verdicts.json")).expect("JSON");
    assert_eq!((&verdicts["thresholds"][0]["ruling"], &verdicts["exit_code"]), (&"fail".into(), &1.into()));
    // A part of a scenario has other figures than the whole.
    let output = bench.run("\"hits: rate > 100000/s\"", &["--only", "proxy.alive"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_proxy_is_compared_with_what_lies_behind_it() {
    let bench = Bench::new("none");
    let gates = "\"hits: error_rate < 50%\", \"hits: added_latency{vs:direct} p(50) < 10s\"";
    let output = bench.compare(gates, &["--sut", "direct", "--rounds", "2"]);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Two rounds decide nothing, and that is said.
    assert_eq!(output.status.code(), Some(2), "{text}\n{errors}");
    assert!(text.contains("HTTP/2") && text.contains("honest ÷ direct"), "{text}");
    assert!(text.contains("measured in too few rounds"), "{text}");
    let order: Vec<&str> = errors.lines().filter(|line| line.starts_with("round ")).collect();
    let order: Vec<bool> = order.iter().map(|line| line.contains("direct")).collect();
    assert_eq!(order, [false, true, true, false], "the order flips: {errors}");
    for (name, words) in
        [("compare.es.html", "Cubre HTTP/1.1"), ("compare.en.html", "<svg"), ("junit.xml", "skipped")]
    {
        assert!(bench.report(name).contains(words), "{name}");
    }
    let json: serde_json::Value = serde_json::from_str(&bench.report("compare.json")).expect("JSON");
    assert_eq!(json["comparison"]["rounds"], 2);
    let mut arguments = vec!["--sut", "direct", "--rounds", "1", "--on-inconclusive", "warn"];
    // Where there are CPUs to share out, the proxy gets its own, and the plan says which.
    let can_pin = harness_platform::usable_cpus().is_ok_and(|cpus| cpus.len() > 1);
    arguments.extend(can_pin.then_some("--pin"));
    let output = bench.compare(gates, &arguments);
    assert_eq!(output.status.code(), Some(0), "doubt may be a warning");
    let json: serde_json::Value = serde_json::from_str(&bench.report("compare.json")).expect("JSON");
    let run = json["runs"][0][0].as_str().expect("the folder of a run").to_owned();
    let plan: serde_json::Value =
        serde_json::from_str(&bench.report(&format!("{run}/plan.json"))).expect("JSON");
    assert_eq!(plan["pin"]["proxy"].is_array(), can_pin, "{}", plan["pin"]);
}

#[test]
fn eight_rounds_decide_and_a_limit_that_is_passed_fails() {
    let bench = Bench::new("none");
    let gates = "\"hits: error_rate < 50%\", \"rss_peak < 1KiB\"";
    let baseline = bench.folder.path().join("baseline.json").display().to_string();
    let output = bench.compare(gates, &["--sut", "direct", "--rounds", "8", "--save-baseline", &baseline]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("✓ pass  hits: error_rate") && text.contains("✗ fail  rss_peak"), "{text}");

    // What it kept, beside a single round of today.
    let gates = "\"rss_peak{vs:baseline} < 2x\"";
    let arguments = ["--sut", "direct", "--rounds", "1", "--baseline", &baseline];
    let output = bench.compare(gates, &arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("now ÷ then") && text.contains("honest since"), "{text}");
    assert!(bench.report("compare.es.html").contains("honest desde"));
    let kept = std::fs::read_to_string(&baseline).expect("the baseline");

    // What answers wrongly is no reference for later days, and CI is told that rounds are missing.
    let wrong = Bench::new("hit-has-one-byte-more");
    let output = wrong.compare("", &["--sut", "direct", "--rounds", "1", "--save-baseline", &baseline]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("no baseline was saved"), "{said}");
    assert_eq!(std::fs::read_to_string(&baseline).expect("the baseline"), kept);
    assert!(wrong.report("junit.xml").contains("errors=\"1\""), "{}", wrong.report("junit.xml"));
    let empty = bench.folder.path().join("empty.json").display().to_string();
    let figures = kept.find("\"figures\"").expect("figures");
    std::fs::write(&empty, format!("{}\"figures\": []}}", &kept[..figures])).expect("an empty baseline");
    let output = bench.compare(gates, &["--sut", "direct", "--rounds", "1", "--baseline", &empty]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("is no baseline"), "{said}");
    std::fs::write(&baseline, kept.replace("\"load\": \"", "\"load\": \"0")).expect("another load");
    let output = bench.compare(gates, &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("another load"), "{said}");
}

#[test]
fn shards_become_one_comparison_and_a_missing_one_is_refused() {
    use harness_model::history::{Measure, empty_histogram, read_intervals};
    let bench = Bench::new("none");
    let gates = "\"hits: error_rate < 50%\"";
    for shard in ["1/3", "2/3", "3/3"] {
        let output = bench.compare(gates, &["--sut", "direct", "--rounds", "3", "--shard", shard]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(0) && said.contains("harness merge"), "{said}");
    }
    let parent = bench.folder.path().join("reports/compare-brief");
    let merge = |folders: &[PathBuf]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.arg("merge").args(folders).args(["--lang", "en", "--on-inconclusive", "warn", "--out"]);
        command.arg(bench.folder.path().join("merged")).output().expect("the harness runs")
    };
    let mut shards: Vec<PathBuf> =
        std::fs::read_dir(&parent).expect("shards").flatten().map(|entry| entry.path()).collect();
    shards.sort();
    let output = merge(&[shards[0].clone(), shards[2].clone()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("shard 2 of 3 is missing"), "{said}");
    assert!(merge(&[parent.clone(), shards[0].clone()]).status.code() == Some(4), "one of them twice");

    let output = merge(std::slice::from_ref(&parent));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("3 rounds · pooled over 3 shards"), "{text}");

    // The pooled histogram is the sum of those of the runs, bucket by bucket.
    let find = |name: &str, beneath: &Path| -> Vec<PathBuf> {
        let mut open = vec![beneath.to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
                match path.symlink_metadata().expect("it exists").is_dir() {
                    true => open.push(path),
                    false if path.ends_with(name) => found.push(path),
                    false => {}
                }
            }
        }
        found
    };
    let logs: Vec<PathBuf> = find("latency.hlog", &parent);
    let of_proxy = logs.iter().filter(|path| path.components().any(|part| part.as_os_str() == "honest"));
    let mut sum = empty_histogram();
    for log in of_proxy.clone() {
        let read = read_intervals(&std::fs::read(log).expect("a log"));
        sum.add(read.total("hits", Measure::Intended).expect("the load step")).expect("equal ranges");
    }
    assert_eq!((of_proxy.count(), sum.len()), (3, 90));
    let pooled = find("pooled.hlog", &bench.folder.path().join("merged"));
    let pooled = read_intervals(&std::fs::read(&pooled[0]).expect("the pooled log"));
    assert_eq!(pooled.total("honest/hits", Measure::Intended), Some(&sum));

    // Another proxy of the same name, and a file that was only half copied.
    let shard = shards[1].join("shard.json");
    let written = std::fs::read_to_string(&shard).expect("a shard");
    std::fs::write(&shard, written.replacen("\"adapters\": [\n    \"", "\"adapters\": [\n    \"0", 1))
        .expect("a shard");
    let output = merge(std::slice::from_ref(&parent));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("of another comparison"), "{said}");
    std::fs::write(&shard, written).expect("a shard");
    let log = std::fs::read(&logs[0]).expect("a log");
    std::fs::write(&logs[0], &log[..log.len() / 2]).expect("half of a log");
    let output = merge(std::slice::from_ref(&parent));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("is not the file that was written"), "{said}");
}

#[test]
fn what_cannot_be_decided_is_refused_before_anything_runs() {
    let bench = Bench::new("none");
    for (gates, arguments, hint) in [
        ("", &[][..], "two sides"),
        ("\"hits: latency p(99) < 50\"", &["--sut", "direct"], "50ms"),
        ("\"mises: error_rate < 1%\"", &["--sut", "direct"], "hits"),
        ("\"rss_peak{vs:nginx} < 2x\"", &["--sut", "direct"], "--sut nginx"),
        ("\"rss_peak{vs:baseline} < 2x\"", &["--sut", "direct"], "--baseline FILE"),
        ("\"rss_peak < 1MiB\"", &["--sut", "direct", "--max-duration", "1s"], "--max-duration"),
        ("", &["--sut", "direct", "--shard", "1/2", "--max-duration", "1s"], "--max-duration"),
        ("", &["--sut", "../above=direct"], "cannot be the name of a side"),
        ("", &["--sut", "=direct"], "cannot be the name of a side"),
        ("\"hits: cpu_per_request{vs:direct} < 2x\"", &["--sut", "direct"], "no proxy whose CPU"),
        ("", &["--sut", "direct", "--save-baseline", "/proc/none/b.json"], "could not be written"),
    ] {
        let output = bench.compare(gates, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains(hint), "{hint}: {said}");
    }
    assert!(!bench.folder.path().join("reports").exists(), "nothing was run");
}
