//! How often a gate is wrong: pibl compared with itself many times, and with itself behind a known slowdown.
//!
//! `cargo run --release -p harness --example gates -- --times 100` adds its runs to `docs/gates.jsonl` and writes `docs/gates.md`
//! anew. Each run is one `harness compare`, as CI would start it; what is counted is the ruling on its one threshold.

mod page;
mod relay;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use page::Run;
use serde_json::Value;

/// What is added to the median by the planted slowdown.
const SLOWDOWN: f64 = 0.10;

/// What pibl is asked for; the delay of the planted slowdown is a share of the median of each.
const SCENARIOS: [&str; 2] = ["stored", "forwarded"];

/// Runs a gate many times and counts what it says.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    relay: Option<Inner>,
    /// Runs of each gate, with the slowdown and without.
    #[arg(long, default_value_t = 10)]
    times: u32,
    /// Says in the record that other gates are measured at the same time.
    #[arg(long)]
    shared: bool,
    /// As many threads as there are CPUs keep the machine busy meanwhile.
    #[arg(long)]
    stress: bool,
    /// Only the gate on answers that are `stored` or `forwarded`.
    #[arg(long)]
    only: Option<String>,
    /// Only runs of pibl against itself, or only those with the slowdown.
    #[arg(long, value_parser = ["same", "slower"])]
    kind: Option<String>,
    /// Folder with the programs `harness` and `pibl`, which are not built then.
    #[arg(long)]
    built: Option<PathBuf>,
    /// Folder of `gates.md` and `gates.jsonl`, where it is not that of the documentation.
    #[arg(long)]
    docs: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Inner {
    /// Starts a proxy and stands before it, delaying each of its answers.
    Behind(relay::Arguments),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Inner::Behind(relay)) = &arguments.relay {
        return relay::serve(relay);
    }
    let docs = arguments.docs.clone();
    let docs = docs.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"));
    let folder = tempfile::tempdir()?;
    let bench = Bench::new(folder.path(), arguments.built.as_deref())?;
    let raw = docs.join("gates.jsonl");
    let busy = arguments.stress.then(Busy::start);
    let wanted = |scenario: &&&str| arguments.only.as_deref().is_none_or(|only| only == **scenario);
    // With `--times 0` only the page is written anew.
    for scenario in SCENARIOS.iter().filter(wanted).filter(|_| arguments.times > 0) {
        // Both sides stand behind the relay, so that they differ in the delay alone.
        bench.relayed("base", Duration::ZERO)?;
        bench.relayed("head", Duration::ZERO)?;
        let mut median = bench.compare(scenario, "pilot")?.median_ms;
        for number in 0..arguments.times {
            for kind in ["same", "slower"] {
                if arguments.kind.as_deref().is_some_and(|only| only != kind) {
                    continue;
                }
                // Of the last median behind the relay: it moves by some percent with what the machine did before.
                let delay = Duration::from_secs_f64(median * SLOWDOWN / 1e3);
                if kind == "same" {
                    bench.plain("base")?;
                    bench.plain("head")?;
                } else {
                    bench.relayed("base", Duration::ZERO)?;
                    bench.relayed("head", delay)?;
                }
                let measured = bench.compare(scenario, kind)?;
                if kind == "slower" {
                    median = measured.median_ms;
                }
                let run = Run {
                    scenario: (*scenario).to_owned(),
                    kind: kind.to_owned(),
                    load_average: load_average(),
                    shared: arguments.shared,
                    planted_us: if kind == "slower" { delay.as_micros() as u64 } else { 0 },
                    ..measured.run
                };
                eprintln!("{}/{} {}", number + 1, arguments.times, serde_json::to_string(&run)?);
                let mut lines = std::fs::File::options().create(true).append(true).open(&raw)?;
                writeln!(lines, "{}", serde_json::to_string(&run)?)?;
            }
        }
    }
    drop(busy);
    let mut runs: Vec<Run> = Vec::new();
    for line in std::fs::read_to_string(&raw)?.lines() {
        runs.push(serde_json::from_str(line)?);
    }
    std::fs::write(docs.join("gates.md"), page::page(&runs))?;
    println!("{}", docs.join("gates.md").display());
    Ok(())
}

fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

/// Programs and adapters of the runs.
struct Bench<'a> {
    folder: &'a Path,
    harness: PathBuf,
    pibl: PathBuf,
    relay: PathBuf,
}

/// What one comparison came to.
struct Measured {
    run: Run,
    /// Median latency of the base, in milliseconds.
    median_ms: f64,
}

impl Bench<'_> {
    /// Builds the programs as copies: whoever goes on working meanwhile builds them anew.
    fn new<'a>(folder: &'a Path, built: Option<&Path>) -> anyhow::Result<Bench<'a>> {
        let built = |package: &str| -> anyhow::Result<PathBuf> {
            let program = match built {
                Some(built) => built.join(package),
                None => {
                    let build = escargot::CargoBuild::new().package(package).bin(package).release();
                    build.run()?.path().to_owned()
                }
            };
            let copy = folder.join(package);
            std::fs::copy(program, &copy)?;
            Ok(copy)
        };
        let relay = folder.join("relay");
        std::fs::copy(std::env::current_exe()?, &relay)?;
        Ok(Bench { folder, harness: built("harness")?, pibl: built("pibl")?, relay })
    }

    /// An adapter of pibl as it is.
    fn plain(&self, side: &str) -> anyhow::Result<()> {
        self.write(side, &self.pibl, &[])
    }

    /// An adapter of pibl behind the relay.
    fn relayed(&self, side: &str, delay: Duration) -> anyhow::Result<()> {
        let nanoseconds = format!("{}ns", delay.as_nanos());
        let pibl = self.pibl.to_string_lossy();
        self.write(
            side,
            &self.relay,
            &["behind", "--delay", &nanoseconds, "--listen", "{{ host }}:{{ port }}", &pibl],
        )
    }

    /// The adapter of the repository with another program, and with these words before the arguments.
    fn write(&self, side: &str, program: &Path, before: &[&str]) -> anyhow::Result<()> {
        let suts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/suts/pibl.yaml");
        let text = std::fs::read_to_string(suts)?;
        let installed = format!("program: {{installed: {{name: {:?}}}}}", program.display().to_string());
        let words: String = before.iter().map(|word| format!("  - {word:?}\n")).collect();
        let text = text
            .replace("program: {cargo: pibl}", &installed)
            .replace("  - \"{{ program }}\"\n", &format!("  - \"{{{{ program }}}}\"\n{words}"));
        std::fs::write(self.folder.join(format!("{side}.yaml")), text)?;
        Ok(())
    }

    fn compare(&self, scenario: &str, kind: &str) -> anyhow::Result<Measured> {
        let out = self.folder.join("out");
        let _ = std::fs::remove_dir_all(&out);
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gates");
        let side = |name: &str| format!("{name}={}", self.folder.join(format!("{name}.yaml")).display());
        let output = Command::new(&self.harness)
            .arg("compare")
            .arg(here.join(format!("{scenario}.yaml")))
            .args(["--sut", &side("head"), "--sut", &side("base"), "--max-duration", "10m", "--out"])
            .arg(&out)
            .stdin(Stdio::null())
            .output()?;
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        let runs = std::fs::read_dir(out.join(format!("compare-{scenario}"))).with_context(said)?;
        let folder = runs.flatten().next().with_context(said)?.path();
        let document: Value = serde_json::from_slice(&std::fs::read(folder.join("compare.json"))?)?;
        let gated = &document["gated"][0];
        let rows = document["comparison"]["rows"].as_array();
        let row = rows.into_iter().flatten().find(|row| row["subject"]["metric"] == gated["gate"]["metric"]);
        let median_ms = row.and_then(|row| row["medians"][1].as_f64()).with_context(said)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let run = Run {
            scenario: scenario.to_owned(),
            kind: kind.to_owned(),
            load_average: 0.0,
            shared: false,
            planted_us: 0,
            exit: output.status.code().unwrap_or(-1),
            ruling: text(&gated["ruling"]),
            observed: gated["observed"].as_f64().unwrap_or(f64::NAN),
            rounds: gated["rounds"].as_u64().unwrap_or_default(),
            doubt: Some(gated["doubt"].clone()).filter(|doubt| !doubt.is_null()),
        };
        Ok(Measured { run, median_ms })
    }
}

/// Threads that compute without end, one a CPU, until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Busy {
        let ended = Arc::new(AtomicBool::new(false));
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let ended = ended.clone();
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Busy(ended)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
