//! A course that several machines share: each grades its part, `harness merge` makes one index, and what is missing is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::grade::{hand_in, here, text};

fn harness(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(arguments).args(["--lang", "en"]).output().expect("the harness runs")
}

fn merge(folder: &Path, shards: &[PathBuf]) -> Output {
    let shards: Vec<String> = shards.iter().map(|shard| shard.display().to_string()).collect();
    let out = folder.join("merged").display().to_string();
    let mut arguments = vec!["merge"];
    arguments.extend(shards.iter().map(String::as_str));
    arguments.extend(["--out", &out]);
    harness(&arguments)
}

/// The one folder in `folder`.
fn only(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.next().expect("something in it").path()
}

/// What is in the table of grades and says something of the team alone.
fn table(folder: &Path) -> String {
    fs::read_to_string(folder.join("grades.csv")).expect("a table")
}

#[test]
fn the_shards_of_a_course_become_one_index_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submissions = folder.path().join("handed in");
    for (name, defect) in [("Ana", "none"), ("Beto", "first"), ("Carla", "none"), ("Dora", "first")] {
        hand_in(&submissions, name, defect);
    }
    fs::create_dir(submissions.join("Elsa")).expect("a folder");
    fs::write(submissions.join("Elsa/informe.txt"), "hola").expect("a text");
    let rubric = here().join("rubrics/turns.yaml").display().to_string();
    let (handed_in, out) = (submissions.display().to_string(), folder.path().display().to_string());
    let grade = |more: &[&str]| {
        let graded = harness(&[&["grade", &rubric, &handed_in, "--out", &out], more].concat());
        assert_eq!(graded.status.code(), Some(0), "{}", text(&graded));
        text(&graded)
    };
    grade(&[]);
    for shard in ["1/3", "2/3", "3/3"] {
        assert!(grade(&["--shard", shard]).contains("`harness merge`"));
    }

    let parent = folder.path().join("grades/turns-shards");
    let shards = [1, 2, 3].map(|index| parent.join(format!("{index}-of-3")));
    let said = text(&merge(folder.path(), &[shards[0].clone(), shards[2].clone()]));
    assert!(said.contains("shard 2 of 3 is missing") && said.contains("--shard 2/3"), "{said}");
    assert!(said.contains("E02 Beto, E05 Elsa"), "whose they are: {said}");
    let twice = merge(folder.path(), &[parent.clone(), shards[0].clone()]);
    assert!(twice.status.code() == Some(4) && text(&twice).contains("twice"), "{}", text(&twice));

    let whole = merge(folder.path(), std::slice::from_ref(&parent));
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole));
    let merged = only(&folder.path().join("merged/grades/turns-merged"));
    assert_eq!(
        table(&merged),
        table(&folder.path().join("grades/turns")),
        "as if one machine had graded all"
    );
    for file in ["index.en.html", "teams.csv", "E02/index.es.html"] {
        assert!(merged.join(file).exists(), "{file}");
    }

    // One that was killed has no file of its shard, one whose run was touched is not what was judged.
    fs::remove_file(shards[1].join("E02/state.json")).expect("the state of Beto");
    let state = fs::read_to_string(shards[0].join("E01/state.json")).expect("the state of Ana");
    let state: Value = serde_json::from_str(&state).expect("JSON");
    let runs = state["runs"].as_object().expect("her runs");
    let run = runs.values().next().and_then(|run| run["folder"].as_str()).expect("a run");
    let run = shards[0].join("E01").join(run);
    fs::write(run.join("events.jsonl"), "{}\n").expect("other events");
    let refused = merge(folder.path(), std::slice::from_ref(&parent));
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    for says in ["E02 Beto was not judged to its end", "--shard 2/3", "E01 Ana: ", "is not what was written"]
    {
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(grade(&["--shard", "2/3"]).contains("[1/1]"), "only what was lost is run once more");
    fs::remove_dir_all(&run).expect("the run that was touched");
    grade(&["--shard", "1/3"]);
    assert_eq!(merge(folder.path(), std::slice::from_ref(&parent)).status.code(), Some(0));

    // Nor is a conclusion that was written anew beside runs that nobody has touched.
    let conclusion = shards[1].join("E02/state.json");
    let state = fs::read_to_string(&conclusion).expect("the state of Beto");
    assert!(state.contains("\"fail\""), "{state}");
    fs::write(&conclusion, state.replace("\"fail\"", "\"pass\"")).expect("a better state");
    let refused = merge(folder.path(), std::slice::from_ref(&parent));
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    for says in ["E02 Beto: ", "E02/state.json is not what was written", "--shard 2/3"] {
        assert!(said.contains(says), "{says}: {said}");
    }
    fs::write(&conclusion, state).expect("the state of Beto");

    // Another seed asks another question.
    grade(&["--shard", "3/3", "--seed", "2"]);
    let said = text(&merge(folder.path(), std::slice::from_ref(&parent)));
    assert!(said.contains("of another grading"), "{said}");
}
