//! `harness simulate` as a person types it: what it prints and writes, what it refuses, and that it doubts itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/cloud/{name}.yaml"))
}

/// Exit code, standard output and standard error.
fn simulate(file: &Path, out: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("simulate")
        .arg(file)
        .arg("--out")
        .arg(out)
        .args(arguments)
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_day_of_hundreds_of_instances_is_told_drawn_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let large =
        ["--load-factor", "20", "--maximum", "120", "--step", "x12", "--span", "8h", "--scale", "7200"];
    let (exit, said, also) = simulate(&scenario("growth"), folder.path(), &large);
    assert_eq!(exit, 0, "{said}{also}");
    for part in [
        "Simulation, not a measurement",
        "1 to 120 instances",
        "Not calibrated",
        "target 60%",
        "instance-hours",
        "at the beginning (--minimum and --maximum for others)",
        // A request stands for hours of requests here, which says nothing of waits.
        "nothing can be said of waits of 1,000 ms",
    ] {
        assert!(said.contains(part), "no `{part}` in:\n{said}");
    }
    let page = also.lines().find_map(|line| line.strip_prefix("Page: ")).expect("where the page lies");
    let written = Path::new(page).parent().expect("a folder");
    for file in ["simulation.json", "simulation.es.html", "plots/fleet-x12.es.svg", "plots/fleet-x12.en.png"]
    {
        assert!(written.join(file).is_file(), "{file}");
    }
    let spanish = std::fs::read_to_string(written.join("simulation.es.html")).expect("the page");
    assert!(spanish.contains("Simulación, no una medición") && spanish.contains("Flota simulada"));

    let mut again = large.to_vec();
    again.push("--json");
    let (exit, said, _) = simulate(&scenario("growth"), folder.path(), &again);
    let all: Value = serde_json::from_str(&said).expect("JSON and nothing else");
    assert_eq!((exit, &all[0]["kind"]), (0, &json!("simulation")));
    let forecast = &all[0]["forecasts"][0];
    assert_eq!(
        (&forecast["name"], forecast["run"]["ticks"].as_array().map(Vec::len)),
        (&json!("x12"), Some(960))
    );
    assert!(forecast["shows_limit"] == false && forecast["run"]["lost"] == 0, "{forecast}");
}

/// The forecasts of a scenario by their names, and what was printed besides.
fn forecasts(name: &str, arguments: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let (exit, said, also) = simulate(&scenario(name), folder.path(), &[arguments, &["--json"]].concat());
    assert_eq!(exit, 0, "{also}");
    let all: Value = serde_json::from_str(&said).expect("JSON and nothing else");
    all[0]["forecasts"].as_array().expect("a list").clone()
}

#[test]
fn in_the_time_of_its_owner_the_schedule_saves_everybody_and_its_absence_loses_thousands() {
    let all = forecasts("avalanche", &[]);
    let lost = |index: usize| all[index]["run"]["lost"].as_u64().expect("a number");
    // Eight thousand a minute in front of two instances that serve six thousand, until others come.
    assert!(lost(0) == 0 && lost(1) > 5_000, "{} {}", lost(0), lost(1));
    for forecast in &all {
        let ticks = forecast["run"]["ticks"].as_array().expect("a list");
        let rows = |of: &str| ticks.iter().map(|tick| tick[of].as_u64().expect("a number")).sum::<u64>();
        assert_eq!(json!(rows("lost")), forecast["run"]["lost"], "one account of every request");
        assert_eq!(json!(rows("sent")), forecast["run"]["sent"]);
    }
    // The owner's figures, as he has them.
    let levels = serde_json::to_string(&all[1]["plan"]["policies"]).expect("JSON");
    for figure in ["1000.0", "1800.0", "2200.0"] {
        assert!(levels.contains(figure), "{figure} in {levels}");
    }
}

#[test]
fn a_planned_death_that_the_check_tolerates_breaks_no_forecast() {
    let all = forecasts("autoscaling", &[]);
    let holds = all[0]["bears"]["holds"].as_f64();
    assert!(holds.is_some_and(|holds| holds >= 1.0), "{holds:?}");
    let (hours, fixed) = (all[0]["run"]["instance_hours"].as_f64(), all[0]["fixed_hours"].as_f64());
    assert!(hours < fixed && all[0]["smallest_fixed"] == 5, "{hours:?} {fixed:?}");
}

#[test]
fn a_hundred_times_the_load_does_not_begin_with_one_instance() {
    let large = ["--load-factor", "100", "--maximum", "500", "--step", "today", "--scale", "60"];
    let all = forecasts("growth", &large);
    let ticks = all[0]["run"]["ticks"].as_array().expect("a list");
    assert!(ticks.iter().all(|tick| tick["healthy"].as_u64() >= Some(20)), "{}", ticks[0]);
}

#[test]
fn what_cannot_be_simulated_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let growth = scenario("growth");
    for (file, arguments, expected) in [
        (scenario("gateway"), &[][..], "no `fleet` step, so there is nothing to simulate"),
        (scenario("gateway"), &["--lang", "es"], "no hay nada que simular"),
        (growth.clone(), &["--step", "x13"], "it has: today, x6, x12, beyond"),
        (growth.clone(), &["--scale", "0"], "it is at least 1"),
        (growth.clone(), &["--load-factor", "0"], "it is more than 0"),
        (growth.clone(), &["--maximum", "0"], "--maximum is not below it"),
        (growth.clone(), &["--load-factor", "100000"], "let one request stand for more with --scale"),
        (growth.clone(), &["--calibrate", "no/such/run"], "give the folder of a run"),
        (folder.path().join("none.yaml"), &[], "there is no file"),
    ] {
        let (exit, _, also) = simulate(&file, folder.path(), arguments);
        assert!(exit == 4 && also.contains(expected), "{arguments:?}: {exit} {also}");
    }
}

/// A record of a run that never was: the simulation itself, with another 99th percentile.
fn record(folder: &Path, p99_share: f64) {
    let plan_folder = folder.join("plan");
    // At the scale of the scenario, as a run has it.
    let (exit, said, also) = simulate(&scenario("autoscaling"), &plan_folder, &["--json", "--scale", "120"]);
    assert_eq!(exit, 0, "{also}");
    let all: Value = serde_json::from_str(&said).expect("JSON");
    let forecast = &all[0]["forecasts"][0];
    let mut run = forecast["run"].clone();
    run["p99_ms"] = json!(run["p99_ms"].as_f64().expect("a number") * p99_share);
    let file = scenario("autoscaling");
    let text: std::sync::Arc<str> = std::fs::read_to_string(&file).expect("the scenario").into();
    let name = "nginx";
    let adapter = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/suts/{name}.yaml")),
    );
    let adapter: std::sync::Arc<str> = adapter.expect("the adapter").into();
    let adapter = harness_model::adapter::resolve(&adapter, Path::new(name)).expect("a sound adapter");
    let options = harness_model::plan::Options { seed: 1, ..harness_model::plan::Options::default() };
    let plan = harness_model::plan::resolve(&text, &file, &adapter, &options).expect("a sound scenario");
    let step = plan.steps.iter().position(|step| step.label.as_deref() == Some("day")).expect("the step");
    std::fs::write(folder.join("plan.json"), serde_json::to_vec(&plan).expect("JSON")).expect("the plan");
    let event = json!({"at": 1, "step": step, "event": {"fleet": run}});
    std::fs::write(folder.join("events.jsonl"), format!("{event}\n")).expect("the events");
}

#[test]
fn a_run_calibrates_the_model_and_one_that_was_too_far_away_is_not_trusted() {
    for (p99_share, exit, expected) in
        [(1.1, 0, "The model was close to that run"), (1.5, 2, "NOT TO BE TRUSTED")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        record(folder.path(), p99_share);
        let run = folder.path().to_string_lossy().into_owned();
        let out = folder.path().join("reports");
        let (code, said, also) = simulate(&scenario("autoscaling"), &out, &["--calibrate", &run]);
        assert!(code == exit && said.contains(expected), "{code} {said}{also}");
        assert!(said.contains("day: 0 instances apart at most"), "{said}");
    }
}
