//! `docs/gates.md`: what the gate said of how many runs, with bounds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use harness_model::statistics::{clopper_pearson, median};
use serde::{Deserialize, Serialize};

/// One comparison, a line of `docs/gates.jsonl`.
#[derive(Serialize, Deserialize)]
pub struct Run {
    /// Whose answers: `stored` or `forwarded`.
    pub scenario: String,
    /// `same` or `slower`.
    pub kind: String,
    /// Load average of the host at the end of the run.
    pub load_average: f64,
    /// Whether other gates were measured at the same time.
    #[serde(default)]
    pub shared: bool,
    /// Delay of each answer, in microseconds.
    pub planted_us: u64,
    /// Exit code of the program.
    pub exit: i32,
    /// `pass`, `fail` or `inconclusive`.
    pub ruling: String,
    /// Median ratio of the rounds.
    pub observed: f64,
    /// Rounds that it took.
    pub rounds: u64,
    /// Why it was inconclusive, in the words of the document; runs of earlier days did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<serde_json::Value>,
}

/// Load average from which on the machine did other work as well; a run alone comes to about one.
const BUSY: f64 = 2.5;

/// Writes the page.
pub fn page(runs: &[Run]) -> String {
    let mut text = String::from(
        "# How often a gate is wrong\n\n\
         Written by `cargo run --release -p harness --example gates -- --times N` from what lies run by run in `gates.jsonl`; do not \
         edit.\nEach run is one `harness compare` of two sides in 8, 16 or 32 interleaved rounds of half a second, gated by \
         `latency{vs:base} p(50) < 105%`\n(`examples/gates/stored.yaml`, answers from the cache; `forwarded.yaml`, answers of a \
         backend that takes 2 ms). *Same*: pibl against\nitself, where every failure is false. *Slower*: both sides stand behind a \
         relay that passes bytes on unchanged, and the head's delays\neach answer by a tenth of the median measured before; \
         a run that does not fail has missed it. *Busy*: the load average\nat the end of the run was 2.5 or more, on two CPUs, from builds, tests and up to three other gates at the same time;\n*shared*: it was less, and one or two other gates ran meanwhile; *quiet*: nothing else did. Bounds of Clopper and Pearson at 95 %.\n\n\
         | answers | sides | machine | load average | runs | failed | inconclusive | passed | share failed, bounds | ratio seen | rounds |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let machine = match (run.load_average >= BUSY, run.shared) {
            (true, _) => "busy",
            (false, true) => "shared",
            (false, false) => "quiet",
        };
        let key = (run.scenario.as_str(), run.kind.as_str(), machine);
        groups.entry(key).or_default().push(run);
    }
    for ((scenario, kind, machine), runs) in groups {
        let with = |ruling: &str| runs.iter().filter(|run| run.ruling == ruling).count();
        let middle = |figure: fn(&Run) -> f64| {
            median(&runs.iter().map(|run| figure(run)).collect::<Vec<_>>()).unwrap_or(f64::NAN)
        };
        let bounds = clopper_pearson(with("fail") as u64, runs.len() as u64, 0.95);
        let sides = match kind {
            "slower" => format!("slower by {:.0} µs", middle(|run| run.planted_us as f64)),
            _ => "same".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {scenario} | {sides} | {} | {:.1} | {} | **{}** | {} | {} | {:.1}–{:.1} % | {:.3} | {:.0} |",
            machine,
            middle(|run| run.load_average),
            runs.len(),
            with("fail"),
            with("inconclusive"),
            with("pass"),
            100.0 * bounds.low,
            100.0 * bounds.high,
            middle(|run| run.observed),
            middle(|run| run.rounds as f64),
        );
    }
    text
}
