//! What a person reads who made a slip in a scenario or an adapter: the whole message, in both languages, as it is.
//!
//! Each file of `problems/` holds one slip. `INSTA_UPDATE=always cargo test -p harness --test integration problems` writes the messages
//! anew after a change that is meant; read them before they are committed.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_slip_in_a_file_is_answered_with_its_place_and_the_way_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of slips")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() > 12, "the slips are there: {files:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("problems");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // What exists grows; what is said about it is the subject here.
    settings.add_filter(r"(help: there are|ayuda: existen) .*", "$1 [what there is]");
    let _bound = settings.bind_to_scope();
    for file in files {
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        let said = ["en", "es"].map(|language| said_of(&folder, &["check", &name, "--lang", language], 4));
        insta::assert_snapshot!(name.trim_end_matches(".yaml"), said.join("\n--\n"));
    }
}

#[test]
fn what_check_refuses_no_run_begins_with() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let turns = folder.with_file_name("scenarios").join("turns.yaml").display().to_string();
    let (mut scenarios, mut adapters) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("the folder of slips").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".yaml") {
            continue;
        }
        let checked = said_of(&folder, &["check", &name], 4);
        let run = if name.starts_with("adapter-") {
            adapters += 1;
            said_of(&folder, &["run", &turns, "--sut", &name], 4)
        } else {
            scenarios += 1;
            said_of(&folder, &["run", &name], 4)
        };
        assert_eq!(run, checked, "{name}");
    }
    assert!(scenarios > 30 && adapters > 3, "{scenarios} scenarios, {adapters} adapters");
}

#[test]
fn slips_on_the_command_line_are_answered_with_the_way_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned();
    for (arguments, expected) in [
        (&["scenarios/ttl.yaml", "--sut", "ngnix"][..], "did you mean `nginx`?"),
        (&["scenarios/tll.yaml"], "did you mean `scenarios/ttl.yaml`?"),
        (&["ttl"], "did you mean `scenarios/ttl.yaml`?"),
        (&["nothing/like/it.yaml"], "there is no file nothing/like/it.yaml"),
        (
            &["harness/tests/submissions/pibl-judge.yaml"],
            "harness scenarios/ttl.yaml --sut harness/tests/submissions/pibl-judge.yaml",
        ),
        (&["scenarios/ttl.yaml", "--sut", "scenarios/fairness.yaml"], "is a scenario"),
        (&["init", "nowhere"], "there is no folder nowhere"),
        (&["report", "scenarios"], "scenarios is no run folder"),
        (&["scenarios/ttl.yaml", "--set", "proxy.tll=3s"], "the scenario has no `proxy.tll`"),
        (&["scenarios/ttl.yaml", "--set", "proxy.ttl"], "write it as KEY=VALUE"),
        (&["scenarios/ttl.yaml", "--lang", "fr"], "possible values: en, es"),
    ] {
        let mut all = arguments.to_vec();
        if !arguments.contains(&"--lang") {
            all.extend(["--lang", "en"]);
        }
        let said = said_of(&folder, &all, 4);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn slips_on_the_command_line_are_answered_in_spanish_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned();
    for (arguments, expected) in [
        (
            &["scenarios/ttl.yaml", "--sutt", "nginx"][..],
            "no existe la opción `--sutt`\nayuda: ¿quiso decir `--sut`?",
        ),
        (&["grade", "--rubrik"], "no existe la opción `--rubrik`"),
        (&["scenarios/ttl.yaml", "--set", "proxy.ttl"], "por ejemplo proxy.ttl=3s"),
        (
            &["scenarios/ttl.yaml", "--max-duration", "5"],
            "`5` no sirve para `--max-duration <DURATION>`\nayuda: una duración lleva su unidad",
        ),
        (&["scenarios/ttl.yaml", "--max-duration"], "falta el valor de `--max-duration <DURATION>`"),
        (&["scenarios/ttl.yaml", "--on-inconclusive", "maybe"], "ayuda: use "),
        (&["scenarios/ttl.yaml", "--live", "--jobs", "2"], "no se puede usar junto con"),
        (&["scenarios/ttl.yaml", "--seed", "1", "--seed", "2"], "solo se puede indicar una vez"),
        (&["diff"], "falta: "),
        (&["--trust-profile", "grade"], "`grade` es un comando y va primero"),
    ] {
        let mut all = arguments.to_vec();
        let behind = if arguments[0].starts_with("--") { 0 } else { all.len() };
        all.splice(behind..behind, ["--lang", "es"]);
        let said = said_of(&folder, &all, 4);
        assert!(said.contains(expected), "{arguments:?}: {said}");
        for english in ["error: the", "For more", "Usage:", "possible values", "unexpected"] {
            assert!(!said.contains(english), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn a_folder_of_temporary_files_that_is_none_is_no_fault_of_a_proxy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned();
    for (language, expected) in [("en", "temporary files, /nowhere"), ("es", "archivos temporales, /nowhere")]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_harness"))
            .args(["scenarios/ttl.yaml", "--lang", language])
            .current_dir(&folder)
            .env("TMPDIR", "/nowhere")
            .output()
            .expect("the harness starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_nobody_takes_is_told_in_a_sentence_and_is_no_bug() {
    use std::process::Stdio;

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned();
    for arguments in [&["list"][..], &["check", "scenarios/ttl.yaml"], &["schema", "scenario"]] {
        for (lang, words) in [("en_US.UTF-8", "could not print"), ("es_CO.UTF-8", "no se pudo imprimir")] {
            let printed_into = |out: Stdio| {
                let output = Command::new(env!("CARGO_BIN_EXE_harness"))
                    .args(arguments)
                    .current_dir(&folder)
                    .env("LANG", lang)
                    .stdout(out)
                    .output()
                    .expect("the harness starts");
                (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
            };
            let (code, said) = printed_into(std::fs::File::create("/dev/full").expect("a full disk").into());
            assert_eq!(code, Some(4), "{arguments:?}: {said}");
            assert!(said.contains(words) && said.lines().count() == 1, "{said}");
            // Who closes a pipe has read enough.
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            let (code, said) = printed_into(writer.into());
            assert!(
                matches!(code, Some(0 | 4)) && !said.contains("panicked"),
                "{arguments:?}: {code:?} {said}"
            );
        }
    }
}

/// What the harness writes to its standard error; it must end with this code, and say nothing on the other stream.
fn said_of(folder: &Path, arguments: &[&str], code: i32) -> String {
    let mut harness = assert_cmd::Command::new(env!("CARGO_BIN_EXE_harness"));
    let ended =
        harness.args(arguments).current_dir(folder).env("NO_COLOR", "1").assert().code(code).stdout("");
    let said = String::from_utf8(ended.get_output().stderr.clone()).expect("text");
    said.trim_end().to_owned()
}
