//! What the harness writes for other programs, read by programs that nobody here wrote: interval logs by PyPI's `hdrhistogram`, the
//! manifest of a Kubernetes job by its `kubernetes-validate`, which brings the schemas of Kubernetes along.
//!
//! `python3 -m venv V && V/bin/pip install hdrhistogram kubernetes-validate`, then `READERS_PYTHON=V/bin/python3 PATH=$PATH:V/bin cargo test -p
//! harness --test integration other_readers`. Without them the tests say that they were skipped, and why.

use std::process::Command;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use harness_model::history::{IntervalLog, LatencyHistogram, Measure, read_intervals};

const READER: &str = r#"
import sys
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600000000000, 3))
while True:
    h = reader.get_next_interval_histogram()
    if h is None:
        break
    figures = [h.get_total_count(), h.get_min_value(), h.get_max_value()]
    figures += [h.get_value_at_percentile(p) for p in (50, 90, 99, 99.9, 100)]
    print(h.get_tag(), *figures)
"#;

/// The Python that has them, where it is not that of the machine.
fn python() -> Command {
    Command::new(std::env::var_os("READERS_PYTHON").unwrap_or_else(|| "python3".into()))
}

#[test]
fn the_interval_log_means_the_same_to_another_implementation() {
    let known = python().args(["-c", "import hdrh.log"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: hdrhistogram of PyPI is not installed");
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut log =
        IntervalLog::begin(file.reopen().expect("the same file"), RunClock::start()).expect("a log");
    // From a microsecond to an hour, unevenly: every bucket width occurs.
    for (second, measure) in [Measure::Intended, Measure::Service, Measure::SendLag].into_iter().enumerate() {
        let mut histogram = LatencyHistogram::default();
        for i in 1..=4_000u64 {
            histogram.record(Duration::from_nanos(1_000 + i.pow(3) * (1 + second as u64) * 56));
        }
        let start = Moment(second as u64 * 1_000_000_000);
        log.append("hits", measure, start, Duration::from_secs(1), &histogram).expect("a line");
    }
    log.flush().expect("written");
    let output = python().args(["-c", READER]).arg(file.path()).output().expect("python3 runs");
    let read = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = read_intervals(&std::fs::read(file.path()).expect("the log"));
    let expected: Vec<String> = ours
        .intervals()
        .iter()
        .map(|interval| {
            let values = &interval.values;
            let name = ["intended", "service", "send-lag"][(interval.start.0 / 1_000_000_000) as usize];
            let mut line = format!("hits.{name} {} {} {}", values.len(), values.min(), values.max());
            for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
                line += &format!(" {}", values.value_at_quantile(quantile));
            }
            line
        })
        .collect();
    assert_eq!(expected.len(), 3);
    assert_eq!(read.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_manifest_of_a_job_is_one_to_kubernetes() {
    let validate =
        |file: &std::path::Path| Command::new("kubernetes-validate").arg("--strict").arg(file).output();
    let rubric = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rubrics/turns.yaml");
    let written = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(["schedule", "kubernetes", "--shards", "4", "--image", "registry/it's: 1", "--claim", "course"])
        .args(["--", "grade", rubric, "las entregas: \"A\"", "--jobs", "2"])
        .output()
        .expect("the harness runs");
    let manifest = String::from_utf8(written.stdout).expect("text");
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("job.yaml");
    std::fs::write(&file, &manifest).expect("a file");
    let Ok(read) = validate(&file) else {
        eprintln!("skipped: kubernetes-validate of PyPI is not installed");
        return;
    };
    assert!(read.status.success(), "{manifest}\n{}", String::from_utf8_lossy(&read.stderr));
    std::fs::write(&file, manifest.replace("completions:", "complete:")).expect("a file");
    let refused = validate(&file).expect("it ran a moment ago");
    assert!(
        !refused.status.success(),
        "it reads what is written: {}",
        String::from_utf8_lossy(&refused.stdout)
    );
}
