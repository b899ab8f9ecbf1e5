//! The checks of HTTPS and HTTP/2, judged: each catches the proxy that lacks what it asks for and accuses no honest one.
//!
//! Each test runs the program `harness` on `scenarios/https.yaml` or `scenarios/http2.yaml`, as a user would, with the example `guilty-tls`. They need a build
//! with the feature `tls`: `cargo test -p harness --features tls --test integration https`; one without is tried here too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn harness(arguments: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(arguments).env("LANG", "en_US.UTF-8").output().expect("the harness runs")
}

#[test]
fn every_build_knows_the_scenario_and_what_it_asks_for() {
    for file in ["https.yaml", "http2.yaml", "suts/nginx.yaml", "suts/haproxy.yaml"] {
        let checked = harness(&["check".as_ref(), &scenarios().join(file)]);
        assert!(checked.status.success(), "{checked:?}");
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_so_in_both_languages_and_names_the_way_out() {
    let scenario = scenarios().join("https.yaml");
    for (language, words) in [("en", "was built without it"), ("es", "se compiló sin eso")] {
        let ran = harness(&[&scenario, "--lang".as_ref(), language.as_ref()]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(4), "{said}");
        let way_out = "cargo run -p harness --features tls -- ";
        assert!(said.contains(words) && said.contains(way_out), "{said}");
    }
}

#[cfg(feature = "tls")]
mod with_tls {
    use std::path::Path;
    use std::sync::OnceLock;

    use serde_json::Value;

    use super::*;

    fn program() -> &'static Path {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        PROGRAM.get_or_init(|| {
            let build = escargot::CargoBuild::new().package("harness").features("tls").example("guilty-tls");
            let build = if cfg!(debug_assertions) { build } else { build.release() };
            build.run().expect("the guilty proxy builds").path().to_owned()
        })
    }

    /// The verdicts on a proxy with a defect, and what was printed.
    fn run(defect: &str) -> (Value, String) {
        tried("https", "guilty-tls", defect, None)
    }

    fn tried(name: &str, subject: &str, defect: &str, only: Option<&str>) -> (Value, String) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let adapter = folder.path().join("guilty.yaml");
        let suts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suts");
        let text = std::fs::read_to_string(suts.join(format!("{subject}.yaml"))).expect("an adapter");
        let text = text.replace("PROGRAM", &program().to_string_lossy()).replace("DEFECT", defect);
        std::fs::write(&adapter, text).expect("the adapter");
        let out = folder.path().join("reports");
        let scenario = scenarios().join(format!("{name}.yaml"));
        let only: [&Path; 2] = ["--only".as_ref(), only.unwrap_or_default().as_ref()];
        let only = if only[1].as_os_str().is_empty() { &[][..] } else { &only[..] };
        let arguments =
            [&[scenario.as_path(), "--sut".as_ref(), &adapter, "--out".as_ref(), &out], only].concat();
        let ran = harness(&arguments);
        let printed = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        let verdicts = std::fs::read(out.join(name).join(subject).join("latest/verdicts.json"));
        let verdicts = verdicts.unwrap_or_else(|error| panic!("{error}\n{printed}"));
        (serde_json::from_slice(&verdicts).expect("verdicts are JSON"), printed)
    }

    fn outcomes(verdicts: &Value) -> Vec<(&str, &str)> {
        let rows = verdicts["verdicts"].as_array().expect("verdicts");
        rows.iter()
            .map(|row| (row["check"].as_str().expect("a name"), row["outcome"].as_str().expect("an outcome")))
            .collect()
    }

    /// This check fails, every other passes.
    fn caught(defect: &str, check: &str) {
        let (verdicts, printed) = run(defect);
        for (name, outcome) in outcomes(&verdicts) {
            assert_eq!(outcome, if name == check { "fail" } else { "pass" }, "{defect}: {name}\n{printed}");
        }
        // Where a shell can show it, the line is there.
        assert!(printed.contains("curl -i --cacert") || printed.contains("openssl s_client"), "{printed}");
    }

    #[test]
    fn an_honest_proxy_is_accused_of_nothing() {
        let (verdicts, printed) = run("none");
        assert!(outcomes(&verdicts).iter().all(|(_, outcome)| *outcome == "pass"), "{printed}");
    }

    #[test]
    fn answers_that_are_cut_over_tls_alone_are_caught() {
        let (verdicts, printed) = run("cuts-over-tls");
        assert!(outcomes(&verdicts).contains(&("https.same_answers", "fail")), "{printed}");
    }

    #[test]
    fn versions_that_are_too_old_and_those_that_are_missing_are_caught() {
        for defect in ["speaks-old-versions", "without-tls13", "without-tls12"] {
            caught(defect, "https.versions");
        }
    }

    #[test]
    fn a_protocol_that_is_chosen_and_not_spoken_is_caught() {
        caught("chooses-what-it-cannot-speak", "https.alpn");
    }

    #[test]
    fn a_proxy_that_insists_on_http2_is_caught() {
        let (verdicts, printed) = run("insists-on-http2");
        assert!(outcomes(&verdicts).contains(&("https.alpn", "fail")), "{printed}");
    }

    #[test]
    fn another_certificate_and_a_chain_that_is_not_whole_are_caught() {
        caught("leaf-alone", "https.certificate");
        let (verdicts, printed) = run("own-certificate");
        assert!(outcomes(&verdicts).contains(&("https.certificate", "fail")), "{printed}");
        assert!(
            outcomes(&verdicts).contains(&("https.same_answers", "pass")),
            "one cause, one red line: {printed}"
        );
    }

    #[test]
    fn a_renewal_that_is_ignored_or_that_costs_answers_is_caught() {
        caught("never-renews", "https.reload");
        let (verdicts, printed) = run("drops-clients-at-renewal");
        assert!(outcomes(&verdicts).contains(&("https.reload", "fail")), "{printed}");
    }

    /// The outcome of a check of HTTP/2 on a proxy with a defect.
    fn by_http2(defect: &str, check: &str) -> String {
        let (verdicts, printed) = tried("http2", "guilty-http2", defect, Some(check));
        assert!(outcomes(&verdicts).contains(&(check, "fail")), "{defect}: {check}\n{printed}");
        printed
    }

    #[test]
    fn what_is_not_declared_is_not_asked() {
        let (verdicts, printed) = tried("http2", "guilty-tls", "none", None);
        let asked = outcomes(&verdicts).into_iter().filter(|(check, _)| check.starts_with("http2."));
        assert!(asked.into_iter().all(|(_, outcome)| outcome == "unsupported"), "{printed}");
    }

    #[test]
    fn an_honest_proxy_of_http2_is_accused_of_nothing() {
        let (verdicts, printed) = tried("http2", "guilty-http2", "none", None);
        assert!(outcomes(&verdicts).iter().all(|(_, outcome)| *outcome == "pass"), "{printed}");
    }

    #[test]
    fn answers_turns_and_fields_of_streams_that_are_wrong_are_caught() {
        let printed = by_http2("cuts-over-tls", "http2.same_answers");
        assert!(
            printed.contains("curl -i --cacert ") && printed.contains("authority.pem --http2 "),
            "{printed}"
        );
        by_http2("turn-per-connection", "http2.streams");
        by_http2("connection-in-answers", "http2.fields");
    }

    #[test]
    fn streams_that_wait_for_others_are_caught() {
        by_http2("streams-one-by-one", "http2.slow_reader");
        by_http2("stands-still-after-resets", "http2.rapid_reset");
    }

    #[test]
    fn heads_without_end_and_requests_that_become_two_are_caught() {
        by_http2("reads-heads-without-end", "http2.continuation");
        by_http2("writes-down-as-it-is", "http2.downgrade");
    }

    #[test]
    fn what_an_honest_proxy_may_do_is_no_failure_and_silence_is_left_open() {
        for (peculiarity, left_open) in [
            ("one-stream-at-a-time", Some("http2.slow_reader")),
            ("ten-streams-a-connection", None),
            ("stops-reading-long-heads", None),
            ("says-nothing", Some("http2.downgrade")),
        ] {
            let (verdicts, printed) = tried("http2", "guilty-http2", peculiarity, None);
            for (check, outcome) in outcomes(&verdicts) {
                let wanted = if left_open == Some(check) { "inconclusive" } else { "pass" };
                assert_eq!(outcome, wanted, "{peculiarity}: {check}\n{printed}");
            }
        }
    }

    #[test]
    fn streams_that_a_reload_cuts_are_caught() {
        by_http2("drops-clients-at-renewal", "http2.drain");
    }
}
