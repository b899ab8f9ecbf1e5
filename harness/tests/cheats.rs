//! Submissions that want the marks without the work, each handed in as a team would: what it wants is not what it gets.
//!
//! `cheats/proxy.py` is an honest proxy and, told so, one with a cheat; `docs/trust.md` has the table. The honest one passes every
//! check of both scenarios, so that a cheat that does not pass has gained nothing by chance.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

/// What outlives a kill.
const KILLED: &str = r#"
name: asked
title: {en: "Killed", es: "Matado"}
covers: [REQ-8a]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 1KiB}}}}
steps:
  - fill: {keys: 4, path: "/kept/{key}", confirm: 4, as: kept}
  - crash: {vus: 1, path: "/write/{n}", after: {least: 60ms, most: 100ms}}
  - backends: {down: all}
  - restart: {}
  - reread: {of: kept, keys: confirmed}
  - backends: {up: all}
checks:
  cache.hit:
  persistence.survives_kill:
  integrity.bodies:
"#;

/// The same with the backends up all the time.
const UP: &str = r#"
name: asked
title: {en: "Killed", es: "Matado"}
covers: [REQ-8a]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 1KiB}}}}
steps:
  - fill: {keys: 4, path: "/kept/{key}", confirm: 4, as: kept}
  - crash: {vus: 1, path: "/write/{n}", after: {least: 60ms, most: 100ms}}
  - restart: {}
  - reread: {of: kept, keys: confirmed}
checks:
  cache.hit:
  persistence.survives_kill:
  integrity.bodies:
"#;

/// What every answer shows.
const ASKED: &str = r#"
name: asked
title: {en: "Asked", es: "Preguntado"}
covers: [REQ-5]
proxy: {ttl: 60s}
backends:
  count: 3
  script:
    routes: [{path: "/many/*", plan: {slow: {delay: 50ms, then: {respond: {body: 1KiB}}}}}]
    otherwise: {respond: {body: 1KiB}}
steps:
  - fill: {keys: 5, path: "/hit/{key}", confirm: 5, vus: 1, as: small}
  - serial: {requests: 3, method: POST, path: "/hit/{n}", body: 100B, as: posts}
  - serial: {requests: 30, path: "/one/{n}", connections: each, as: one}
  - exchange: {asks: log.file, path: "/logged/{n}", times: 3}
  - exchange: {asks: log.file, path: "/many/{n}", times: 20, at_once: 20}
checks:
  cache.hit:
  cache.post:
  rr.serial_cycle:
  log.file:
  integrity.bodies:
"#;

/// A cheat, where it is tried, the checks that it wants and must not pass, and what it must not say of itself.
type Cheat = (&'static str, &'static str, &'static [&'static str], &'static str);

const CHEATS: &[Cheat] = &[
    ("makes up", KILLED, &["persistence.survives_kill", "integrity.bodies"], ""),
    ("renamed", KILLED, &["persistence.survives_kill", "integrity.bodies"], ""),
    ("asks beforehand", UP, &["persistence.survives_kill"], ""),
    ("helper", KILLED, &["persistence.survives_kill"], "the helper lives"),
    ("system v", KILLED, &["persistence.survives_kill"], ""),
    ("keyring", KILLED, &["persistence.survives_kill"], "keeps [1-9]"),
    ("at the end", KILLED, &["persistence.survives_kill"], ""),
    ("write behind", KILLED, &["persistence.survives_kill"], ""),
    ("environment", KILLED, &["persistence.survives_kill"], ""),
    ("looks around", KILLED, &["persistence.survives_kill", "integrity.bodies"], "sees [1-9]"),
    ("asks the control", KILLED, &["persistence.survives_kill", "integrity.bodies"], "says"),
    ("writes into python", KILLED, &["persistence.survives_kill"], "wrote [1-9]"),
    ("takes ports", KILLED, &["persistence.survives_kill"], ""),
    ("of others", KILLED, &["persistence.survives_kill"], "finds [1-9]"),
    ("other spelling", ASKED, &["cache.hit"], ""),
    ("hoards", ASKED, &["cache.hit"], ""),
    ("only the head", ASKED, &["cache.hit"], ""),
    ("first dozen", ASKED, &["rr.serial_cycle"], ""),
    ("forged fields", ASKED, &["cache.hit"], ""),
    ("old stamps", ASKED, &["cache.hit"], ""),
    ("other stamps", ASKED, &["rr.serial_cycle", "integrity.bodies"], ""),
    ("readiness", ASKED, &["cache.hit", "cache.post", "rr.serial_cycle", "integrity.bodies"], ""),
    ("harness only", ASKED, &["rr.serial_cycle"], ""),
    ("unwatched", ASKED, &["integrity.bodies"], ""),
    ("written beforehand", ASKED, &["log.file"], ""),
    ("swallows posts", ASKED, &["cache.post"], ""),
];

/// Whether it does as it is told.
const TOLD: &str = include_str!("scenarios/told.yaml");

/// What a program whose port and backends are constants has in their place.
const TOLD_HERE: &str = r#"0 {{ host }} {{ port }} {{ backends | map(attribute="address") | join(",") }}"#;

/// Start commands that write them into its source first, and what is said of it. `EDIT` reads the source and prints the other one.
const EDITS: [(&str, &str); 8] = [
    ("EDIT -i constants.py; exec python3 constants.py", "writes it into the source"),
    ("EDIT constants.py > /tmp/one.py; exec python3 /tmp/one.py", "writes it into the source"),
    ("EDIT constants.py | python3 -", "no file of what was handed in (`python -`)"),
    ("EDIT constants.py | python3 - constants.py", "no file of what was handed in (`python -`)"),
    ("EDIT constants.py | python3 -u /dev/stdin", "no file of what was handed in (`python /dev/stdin`)"),
    (
        "ln -s /dev/stdin in.py; EDIT constants.py | python3 in.py",
        "no file of what was handed in (`python in.py`)",
    ),
    (
        "mkfifo pipe; EDIT constants.py > pipe & exec python3 pipe",
        "no file of what was handed in (`python pipe`)",
    ),
    ("exec python3 -c \"$(EDIT constants.py)\"", "no file of what was handed in (`python -c …`)"),
];

/// Ways to start a program that is told what it is told by its arguments.
const HONEST: [&str; 5] = [
    "python3 -u proxy.py ARGUMENTS",
    "exec python3 -m proxy ARGUMENTS",
    "bash -c 'exec -a pibl python3 proxy.py ARGUMENTS'",
    "python3 proxy.py ARGUMENTS < /dev/null | cat",
    "exec python3 without-an-ending ARGUMENTS",
];

struct Run {
    printed: String,
    verdicts: Value,
    said: String,
}

impl Run {
    fn outcome(&self, check: &str) -> &str {
        let rows = self.verdicts["verdicts"].as_array().expect("verdicts");
        let row = rows.iter().find(|row| row["check"] == check);
        row.and_then(|row| row["outcome"].as_str()).unwrap_or_else(|| panic!("{check}: {}", self.printed))
    }
}

/// Hands a cheat in, with these files beside it, and runs a scenario on it.
fn run(cheat: &str, scenario: &str, beside: &[(&str, String)]) -> Run {
    run_with(&profile(cheat), scenario, beside)
}

fn run_with(profile: &str, scenario: &str, beside: &[(&str, String)]) -> Run {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let team = folder.path().join("team");
    fs::create_dir_all(folder.path().join("another/cache")).expect("a neighbour");
    fs::write(folder.path().join("another/cache/entry"), "of another team").expect("a neighbour");
    fs::create_dir(&team).expect("a folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cheats/proxy.py");
    fs::copy(here, team.join("proxy.py")).expect("the proxy");
    fs::write(team.join("pibl-judge.yaml"), profile).expect("the profile");
    for (name, text) in beside {
        fs::write(team.join(name), text).expect("a file beside it");
    }
    let (file, out) = (folder.path().join("asked.yaml"), folder.path().join("reports"));
    fs::write(&file, scenario).expect("the scenario");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args([Path::new("run"), Path::new("-v"), &file, Path::new("--sut"), &team, Path::new("--out"), &out])
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let scenario =
        fs::read_dir(&out).ok().and_then(|mut folders| folders.next()?.ok()).map(|entry| entry.path());
    let latest: PathBuf = scenario.unwrap_or_default().join("cheat/latest");
    let read = |name: &str| {
        fs::read_to_string(latest.join(name))
            .unwrap_or_else(|error| panic!("{profile}: {name}: {error}\n{printed}"))
    };
    let verdicts = serde_json::from_str(&read("verdicts.json")).expect("verdicts are JSON");
    Run { said: read("proxy.stdout"), printed, verdicts }
}

fn profile(cheat: &str) -> String {
    format!(
        r#"
name: cheat
program: {{installed: {{name: python3}}}}
start: ["{{{{ program }}}}", proxy.py, "{{{{ host }}}}", "{{{{ port }}}}", "{{{{ backends | map(attribute='address') | join(',') }}}}"]
environment: {{CHEAT: "{cheat}"}}
log_file: proxy.log
cache_directory: cache
wipe: [cache]
capabilities: {{cache: disk, ttl: {{fixed: 60s}}}}
"#
    )
}

/// Started by a shell.
fn shell(line: &str) -> String {
    format!(
        "name: cheat\nprogram: {{installed: {{name: sh}}}}\nstart: [\"{{{{ program }}}}\", -c, {line:?}]\ncache_directory: cache\nlog_file: proxy.log\nenvironment: {{CHEAT: none}}\ncapabilities: {{cache: disk, ttl: {{fixed: 60s}}}}\n"
    )
}

#[test]
fn constants_that_the_start_writes_into_the_source_prove_nothing_of_a_configuration() {
    let honest = include_str!("cheats/proxy.py");
    let constants =
        honest.replace("sys.argv[", "TOLD.split()[").replace("\nhost, port", "\nTOLD = \"\"\nhost, port");
    assert!(constants.contains("\nTOLD = "), "{constants}");
    for (edit, said) in EDITS {
        let line = edit.replace("EDIT", &format!("sed 's/^TOLD = .*/TOLD = \"{TOLD_HERE}\"/'"));
        let run = run_with(&shell(&line), TOLD, &[("constants.py", constants.clone())]);
        for check in ["config.port", "config.backends"] {
            assert_eq!(run.outcome(check), "inconclusive", "{edit}: {}", run.printed);
        }
        assert!(run.printed.contains(said), "{edit}: {}", run.printed);
    }
}

#[test]
fn who_is_told_by_arguments_proves_it_however_it_is_started() {
    for start in HONEST {
        let arguments = r#"{{ host }} {{ port }} {{ backends | map(attribute="address") | join(",") }}"#;
        let line = start.replace("ARGUMENTS", arguments);
        let program = include_str!("cheats/proxy.py").to_owned();
        let run = run_with(&shell(&line), TOLD, &[("without-an-ending", program)]);
        for check in ["config.port", "config.backends"] {
            assert_eq!(run.outcome(check), "pass", "{start}: {}", run.printed);
        }
    }
}

/// The lines in which a cheat tells what it came to.
fn told(run: &Run) -> Vec<&str> {
    run.said.lines().filter_map(|line| line.split_once("CHEAT ").map(|(_, told)| told)).collect()
}

/// Whether a line holds these words, of which the last may be `[1-9]`: any number but nought.
fn holds(line: &str, words: &str) -> bool {
    match words.strip_suffix("[1-9]") {
        Some(before) => line
            .split_once(before)
            .is_some_and(|(_, rest)| rest.starts_with(|digit: char| ('1'..='9').contains(&digit))),
        None => line.contains(words),
    }
}

#[test]
fn without_a_cheat_it_passes_everything() {
    for scenario in [KILLED, UP, ASKED] {
        let run = run("none", scenario, &[]);
        for row in run.verdicts["verdicts"].as_array().expect("verdicts") {
            assert_eq!(row["outcome"], "pass", "{row}\n{}", run.printed);
        }
    }
}

#[test]
fn no_cheat_gains_what_it_wants() {
    let (next, gained) = (Mutex::new(CHEATS.iter()), Mutex::new(Vec::new()));
    let try_all = || {
        while let Some((cheat, scenario, wanted, must_not_say)) =
            { next.lock().expect("nobody broke").next() }
        {
            let run = run(cheat, scenario, &[]);
            let mut found = Vec::new();
            for check in *wanted {
                let outcome = run.outcome(check);
                println!("{cheat:20} {check:28} {outcome:14} {:?}", told(&run));
                if outcome == "pass" {
                    found.push(format!("{cheat} has passed {check}: {}", run.printed));
                }
            }
            let said =
                told(&run).into_iter().find(|line| !must_not_say.is_empty() && holds(line, must_not_say));
            found.extend(said.map(|line| format!("{cheat}: {line}")));
            gained.lock().expect("nobody broke").extend(found);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(try_all);
        try_all();
    });
    let gained = gained.into_inner().expect("nobody broke");
    assert!(gained.is_empty(), "{}", gained.join("\n\n"));
}

#[test]
fn what_was_recorded_at_one_run_is_nobodys_answer_at_the_next() {
    let first = run("records", KILLED, &[]);
    let recorded: String = told(&first)
        .iter()
        .filter_map(|line| Some(line.strip_prefix("RECORD ")?.to_owned() + "\n"))
        .collect();
    assert!(recorded.contains("/kept/0 "), "{}", first.said);
    let second = run("recorded", KILLED, &[("recorded", recorded)]);
    assert_eq!(second.outcome("persistence.survives_kill"), "fail", "{}", second.printed);
    // Where it has no record of a target it gives nothing, and so nothing that is wrong.
    if !second.printed.contains("closed without an answer") {
        assert_eq!(second.outcome("integrity.bodies"), "fail", "{}", second.printed);
        assert!(second.printed.contains("no backend of this run ever gave it"), "{}", second.printed);
    }
}
