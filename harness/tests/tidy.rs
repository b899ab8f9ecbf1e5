//! Keeps the house in order: arrows between modules point one way, files stay readable, every file says what it is for.
//!
//! It reads the sources of the crates as text. The tables below are the law; whoever adds a module adds a line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules of a crate: each may use only those named before it. Between crates cargo keeps the order.
const CRATES: &[(&str, &[&str])] = &[
    (
        "harness/model",
        &["exit_code", "catalogue", "statistics", "terms", "scenario", "adapter", "plan", "history", "fleet"],
    ),
    ("harness/run", &["watch", "proxy_under_test", "tls", "traffic"]),
    ("harness/judge", &["last_words", "check", "compare"]),
    ("harness/tell", &["language", "report"]),
    ("harness", &["shard", "conductor", "live", "grade", "cli", "main"]),
    ("pibl", PIBL),
    ("fake-backends", FAKE_BACKENDS),
];
const PIBL: &[&str] = &[
    "http",
    "clock",
    "platform",
    "wire",
    "config",
    "balancer",
    "cache",
    "upstream",
    "exchange_log",
    "admission",
    "exchange",
    "connection",
    "listener",
    "handover",
    "admin",
    "shutdown",
    "run",
    "cli",
    "main",
];
const FAKE_BACKENDS: &[&str] = &[
    "clock",
    "platform",
    "content",
    "stamp",
    "wire",
    "journal",
    "behavior",
    "applications",
    "server",
    "control",
    "cli",
    "main",
];

/// Lines of code in a source file, comments and tests aside. Beyond this it is time to look for the second module.
const MOST_LINES: usize = 500;

/// Modules that must stay functions of the record: no process, no socket.
const PURE: &[(&str, &str)] = &[
    ("harness/model", "statistics"),
    ("harness/model", "fleet"),
    ("harness/judge", "last_words"),
    ("harness/judge", "check"),
    ("harness/judge", "compare"),
    ("harness/tell", "language"),
];

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources(crate_name: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(crate_name).join("src");
    let mut files = Vec::new();
    gather(&root, "rs", &mut files);
    files.sort();
    assert!(files.len() > 2, "the sources of {crate_name} are found");
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
            let module = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            Source { path: Path::new(crate_name).join("src").join(inside), module, text }
        })
        .collect()
}

fn everything() -> impl Iterator<Item = Source> {
    CRATES.iter().map(|(name, _)| *name).chain(["harness/platform"]).flat_map(sources)
}

fn gather(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, ending, into);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            into.push(path);
        }
    }
}

/// The code of a file: without comments, and without its tests, which may look anywhere.
fn code(text: &str) -> String {
    let until_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    until_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that a file names with `crate::`, also in braces and over several lines.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` and `other_crate::` are something else.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0;
                let mut name = String::new();
                let mut inside_path = false;
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            used.insert(std::mem::take(&mut name));
                            inside_path = false;
                        }
                        ':' => inside_path = true,
                        c if depth == 0 && !inside_path && (c.is_alphanumeric() || c == '_') => name.push(c),
                        _ => {}
                    }
                }
                used.insert(name);
            }
            None => {
                used.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    used
}

#[test]
fn arrows_between_modules_point_one_way() {
    let mut wrong = Vec::new();
    for (crate_name, modules) in CRATES {
        let place = |module: &str| modules.iter().position(|known| *known == module);
        for source in sources(crate_name) {
            if source.module == "lib" || source.module == "testkit" {
                continue;
            }
            let Some(own) = place(&source.module) else {
                wrong.push(format!("{}: the module {} is in no table", source.path.display(), source.module));
                continue;
            };
            for used in used_modules(&code(&source.text)) {
                // What is not a module is a macro or an item that lib.rs re-exports.
                if let Some(other) = place(&used)
                    && other > own
                {
                    wrong.push(format!("{} uses `{used}`, which stands below it", source.path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn no_crate_uses_another_but_by_the_two_arrows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (crate_name, _) in CRATES {
        let manifest = std::fs::read_to_string(root.join(crate_name).join("Cargo.toml")).unwrap();
        let product = manifest.split("[dev-dependencies]").next().unwrap();
        let depends = |name: &str| product.lines().any(|line| line.starts_with(name));
        assert!(!depends("pibl"), "{crate_name} depends on pibl");
        match *crate_name {
            "pibl" => assert!(!depends("harness") && !depends("fake-backends"), "pibl depends on the judge"),
            "fake-backends" => assert!(!depends("harness"), "fake-backends depends on the judge"),
            _ => {}
        }
    }
}

#[test]
fn what_follows_from_the_record_touches_neither_network_nor_processes() {
    let pure = PURE.iter().flat_map(|(crate_name, module)| {
        sources(crate_name).into_iter().filter(move |source| source.module == *module)
    });
    for source in pure {
        for world in ["std::process", "std::net::Tcp", "tokio", "std::fs"] {
            assert!(!code(&source.text).contains(world), "{} touches {world}", source.path.display());
        }
    }
}

#[test]
fn files_stay_readable() {
    let mut wrong = Vec::new();
    for source in everything() {
        let lines = code(&source.text).lines().filter(|line| !line.trim().is_empty()).count();
        if lines > MOST_LINES && !source.path.ends_with("testkit.rs") {
            wrong.push(format!("{}: {lines} lines of code", source.path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "more than {MOST_LINES} lines, is there a second module in it?\n{}",
        wrong.join("\n")
    );
}

#[test]
fn what_the_documents_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let known = ["harness/", "fake-backends/", "pibl/", "scenarios/", "reports/", ".ci/"];
    let (mut paths, mut tests, mut wrong) = (0, 0, Vec::new());
    for document in ["CONTRIBUTING.md", "harness/docs/promises.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        let named = text
            .split(['`', '(', ')', ' ', '\n'])
            .filter(|word| known.iter().any(|top| word.starts_with(top)));
        for word in named {
            let (file, test) = word.split_once("::").map_or((word, None), |(file, test)| (file, Some(test)));
            let path = root.join(file.trim_end_matches(['.', ',', ';', ':']));
            // What a run writes is there after a run.
            if file.starts_with("reports/ttl/") {
                continue;
            }
            paths += 1;
            if !path.exists() {
                wrong.push(format!("{document}: {file} does not exist"));
            } else if let Some(test) = test {
                tests += 1;
                if !std::fs::read_to_string(&path).unwrap().contains(&format!("fn {test}(")) {
                    wrong.push(format!("{document}: {file} has no test {test}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(paths > 60 && tests > 15, "{paths} paths and {tests} tests are named");
}

/// A word in capitals after the end of a sentence stands for a figure that somebody meant to measure.
fn is_left_to_be_filled_in(line: &str) -> bool {
    let last = line.rsplit_once(". ").map(|(_, last)| last.trim_end_matches('.'));
    let word = last.is_some_and(|last| last.len() > 3 && last.bytes().all(|byte| byte.is_ascii_uppercase()));
    word || ["TODO", "FIXME", "TBD", "XXX"].iter().any(|mark| line.contains(mark))
}

#[test]
fn no_document_is_left_to_be_filled_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)).to_vec();
    for folder in ["harness/docs", "pibl", "fake-backends", "scenarios", "reports"] {
        gather(&root.join(folder), "md", &mut documents);
    }
    let mut wrong = Vec::new();
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap();
        let lines = text.lines().filter(|line| is_left_to_be_filled_in(line));
        wrong.extend(lines.map(|line| format!("{}: {line}", document.display())));
    }
    assert!(is_left_to_be_filled_in("The others must get the same. COURSE") && documents.len() > 10);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Pages that name the tests which show what they say, and how many they name at least.
const SHOWN_BY_TESTS: &[(&str, usize)] =
    &[("docs/trust.md", 30), ("docs/trust-rows.md", 50), ("docs/fair.md", 120)];

/// Whether a test of this path is there: in the file of its module, or of a folder of that name.
fn is_there(test: &str, files: &[(String, String)]) -> bool {
    let mut modules: Vec<&str> = test.split("::").collect();
    let name = modules.pop().unwrap_or_default();
    modules.retain(|module| !["tests", "linux"].contains(module));
    let module = format!("/{}", modules.join("/"));
    files.iter().any(|(path, text)| {
        let stem = path.trim_end_matches(".rs").trim_end_matches("/mod").trim_end_matches("/tests");
        stem.ends_with(&module) && (name == "tests" || text.contains(&format!("fn {name}(")))
    })
}

#[test]
fn every_test_that_a_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["tests", "src", "platform/src", "model/src", "run/src", "judge/src", "tell/src"] {
        gather(&root.join(folder), "rs", &mut paths);
    }
    gather(&root.join("../fake-backends/tests"), "rs", &mut paths);
    let files: Vec<(String, String)> = paths
        .iter()
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect();
    assert!(!is_there("trust::no_such_test", &files) && !is_there("guard::no_way_leads_out", &files));
    for (page, least) in SHOWN_BY_TESTS {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let words = text.split('`').skip(1).step_by(2);
        let named: Vec<&str> = words.filter(|word| word.contains("::") && !word.contains(' ')).collect();
        let missing: Vec<&&str> = named.iter().filter(|test| !is_there(test, &files)).collect();
        assert!(missing.is_empty(), "{page} names what is not there: {missing:#?}");
        assert!(named.len() >= *least, "{page} names {} tests", named.len());
    }
    // A row without a test that shows it is no row.
    let rows = std::fs::read_to_string(root.join("docs/trust-rows.md")).unwrap();
    for row in rows.lines().filter(|line| line.starts_with("| ") && line.ends_with(" |")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, shown, whom] = cells[..] else { panic!("three cells: {row}") };
        let head = whom.trim() == "as" || shown.starts_with("---");
        assert!(head || shown.contains("::") || shown == "the same", "{row}");
        assert!(head || ["both", "root"].contains(&whom.trim()), "{row}");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in everything() {
        assert!(source.text.starts_with("//! "), "{} has no module documentation", source.path.display());
    }
}

/// A file of tests that nobody names is compiled by nobody, and every one of its tests passes.
#[test]
fn every_file_of_tests_is_a_module_of_their_binary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for crate_name in ["harness", "pibl", "fake-backends"] {
        let tests = root.join(crate_name).join("tests");
        let binary = std::fs::read_to_string(tests.join("integration.rs")).unwrap();
        let modules: BTreeSet<_> = binary.lines().filter_map(|line| line.strip_prefix("mod ")).collect();
        for entry in std::fs::read_dir(&tests).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(module) = name.strip_suffix(".rs") else { continue };
            let binary_itself = ["integration", "tidy"].contains(&module);
            assert!(
                binary_itself || modules.contains(format!("{module};").as_str()),
                "{crate_name}/tests/integration.rs lacks `mod {module};`"
            );
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} files of tests are found");
}

#[test]
fn modules_are_found_in_braces_and_over_lines() {
    let code = "use crate::{a::{b, c}, d,\n    e::f};\nlet x = crate::g::h(); $crate::not::this(); fake_crate::nor(); ";
    let used = used_modules(code);
    for module in ["a", "d", "e", "g"] {
        assert!(used.contains(module), "{module} in {used:?}");
    }
    assert!(!used.contains("not") && !used.contains("nor") && !used.contains("b"), "{used:?}");
}

/// Several people take the next free number at once.
#[test]
fn each_decision_has_a_number_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["harness/docs/decisions", "pibl/docs/decisions"] {
        let mut numbers = BTreeSet::new();
        for entry in std::fs::read_dir(root.join(folder)).expect("the decisions").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let number = name.split('-').next().unwrap_or_default().to_owned();
            assert!(numbers.insert(number), "{folder}/{name}: another one has this number");
        }
    }
}
