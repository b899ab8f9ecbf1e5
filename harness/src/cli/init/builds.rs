//! How a program is built and started: by its Makefile, by what its README says, or by its language alone.
//!
//! `look` asks it for ways in the order in which they are tried. It reads a Makefile as far as programs of a course need it:
//! variables, targets and the file behind `-o`; what it does not understand fails when it is tried, and the next way is taken.

use std::collections::BTreeMap;

use super::files::{TextFile, Tongue};
use super::programs::Program;

/// One way to come from sources to a program. Paths are relative to `base`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Build {
    /// The folder in which all of it happens; empty for the root.
    pub(super) base: String,
    pub(super) commands: Vec<Vec<String>>,
    /// The program that is made; `None` where an interpreter runs the sources.
    pub(super) product: Option<String>,
    /// The interpreter, where there is one.
    pub(super) interpreter: Option<&'static str>,
    /// What stands behind the program and before its own arguments.
    pub(super) start: Vec<String>,
    /// The folder beneath `base` in which the program runs; empty for `base` itself.
    pub(super) inside: String,
    /// Where that was seen: the Makefile, the README; empty where it follows from the language.
    pub(super) seen_in: String,
}

/// The name of what is built without a name of its own.
const PRODUCT: &str = "judged-proxy";

/// All ways, the likeliest first; never empty.
pub(super) fn builds(files: &[TextFile], program: &Program) -> Vec<Build> {
    let mut builds = usual_builds(files, program);
    builds.extend(builds.clone().iter().filter_map(|build| from_beneath(build, files, program)));
    builds
}

/// The same run in a folder beneath, where a program looks for what it opens as `../pibl.toml`; `None` where nothing lies there.
fn from_beneath(build: &Build, files: &[TextFile], program: &Program) -> Option<Build> {
    let own = program.entry.rsplit_once('/').map_or("", |(folder, _)| folder);
    // What an interpreter runs lies where it lies; what is built is started beside what it is built from.
    let folder = if build.product.is_some() { build.base.as_str() } else { own };
    let quoted = program.files.iter().flat_map(|&part| files[part].code.split('"').skip(1).step_by(2));
    let mut opened = quoted.filter_map(|path| from_folder(folder, path));
    let opened =
        opened.find(|path| files.iter().any(|file| file.name == *path && file.is_configuration()))?;
    let mut base = folder;
    while !is_above(base, &opened) {
        base = base.rsplit_once('/').map_or("", |(above, _)| above);
    }
    let inside = below(folder, base).to_owned();
    let (commands, product, start) = match &build.product {
        Some(product) => {
            let there = |words: &Vec<String>| in_folder(&inside, words.clone());
            let product = format!("{inside}/{product}");
            (build.commands.iter().map(there).collect(), Some(product), build.start.clone())
        }
        None => {
            let from_root = |word: &String| match build.base.is_empty() {
                true => word.clone(),
                false => format!("{}/{word}", build.base),
            };
            let there = |word: &String| match files.iter().any(|file| file.name == from_root(word)) {
                true => below(&from_root(word), folder).to_owned(),
                false => word.clone(),
            };
            (build.commands.clone(), None, build.start.iter().map(there).collect())
        }
    };
    Some(Build { base: base.to_owned(), commands, product, start, inside, ..build.clone() })
}

/// A command that is carried out in a folder of the copy.
pub(super) fn in_folder(folder: &str, command: Vec<String>) -> Vec<String> {
    let change = format!("cd '{}' && exec \"$0\" \"$@\"", folder.replace('\'', "'\\''"));
    ["/bin/sh".to_owned(), "-c".to_owned(), change].into_iter().chain(command).collect()
}

fn usual_builds(files: &[TextFile], program: &Program) -> Vec<Build> {
    let own = |command: String, base: &str, product: &str, seen_in: &str| Build {
        base: base.to_owned(),
        commands: vec![words(&command)],
        product: Some(product.to_owned()),
        seen_in: seen_in.to_owned(),
        ..Build::default()
    };
    let base = base_of(files, program);
    let entry = below(&program.entry, &base).to_owned();
    match program.tongue {
        Tongue::Python => {
            let package = program
                .files
                .iter()
                .any(|&part| relative_import(&files[part]) && files[part].name == program.entry);
            let start = match package {
                true => {
                    ["-u", "-m", &entry.trim_end_matches(".py").replace('/', ".")].map(str::to_owned).to_vec()
                }
                false => vec!["-u".to_owned(), entry],
            };
            vec![Build { base, interpreter: Some("python3"), start, ..Build::default() }]
        }
        Tongue::Node => {
            vec![Build { base, interpreter: Some("node"), start: vec![entry], ..Build::default() }]
        }
        Tongue::Java => {
            let latin_1 = program.files.iter().any(|&part| files[part].is_latin_1);
            let encoding = if latin_1 { "ISO-8859-1" } else { "UTF-8" };
            let mut command = words(&format!("javac -encoding {encoding} -d judged-classes"));
            command.extend(program.files.iter().map(|&part| below(&files[part].name, &base).to_owned()));
            let main = &files[program.files[program.files.len() - 1]];
            let class =
                main.package().map_or(main.stem().to_owned(), |package| format!("{package}.{}", main.stem()));
            let start = vec!["-cp".to_owned(), "judged-classes".to_owned(), class];
            vec![Build {
                base,
                interpreter: Some("java"),
                commands: vec![command],
                start,
                ..Build::default()
            }]
        }
        Tongue::Go => {
            let Some(module) = nearest(files, &program.entry, |file| file.base() == "go.mod") else {
                let command = format!("go build -o {PRODUCT} {}", own_files(files, program, &base).join(" "));
                return vec![own(command, &base, PRODUCT, "")];
            };
            // A package is built from within its module, whichever folder of it holds it.
            let base = if is_above(module.folder(), &base) { module.folder() } else { &base };
            let package = below(&program.entry, base).rsplit_once('/').map_or("", |(folder, _)| folder);
            vec![own(format!("go build -o {PRODUCT} ./{package}"), base, PRODUCT, "")]
        }
        Tongue::Rust => match nearest(files, &program.entry, |file| file.base() == "Cargo.toml") {
            Some(manifest) => {
                let name = binary_name(&manifest.text, below(&program.entry, manifest.folder()));
                // A package of a workspace is built with those beside it, into the folder of the whole.
                let whole = files.iter().find(|file| {
                    file.base() == "Cargo.toml"
                        && file.text.contains("[workspace]")
                        && is_above(file.folder(), &manifest.name)
                });
                let (base, product) = (whole.unwrap_or(manifest).folder(), format!("target/release/{name}"));
                vec![own("cargo build --release".to_owned(), base, &product, "")]
            }
            None => vec![own(format!("rustc -O --edition 2021 -o {PRODUCT} {entry}"), &base, PRODUCT, "")],
        },
        Tongue::C | Tongue::Cpp => {
            let mut found: Vec<Build> = Vec::new();
            let mut makefiles: Vec<&TextFile> = files
                .iter()
                .filter(|file| file.is_makefile() && is_above(file.folder(), &program.entry))
                .collect();
            makefiles.sort_by_key(|file| std::cmp::Reverse(file.folder().len()));
            for makefile in makefiles {
                if let Some((target, product)) = made(&makefile.code, files, program) {
                    let command = target.map_or("make".to_owned(), |target| format!("make {target}"));
                    found.push(own(command, makefile.folder(), &product, &makefile.name));
                }
            }
            let prose = files.iter().filter(|file| file.is_prose() || file.base().ends_with(".sh"));
            for file in prose.chain(program.files.iter().map(|&part| &files[part])) {
                found.extend(told_by_prose(file, files, program, &base));
            }
            found.push(by_compiler(files, program, &base));
            found
        }
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A path as it is called from within a folder above it.
pub(super) fn below<'a>(path: &'a str, base: &str) -> &'a str {
    if base.is_empty() {
        path
    } else {
        path.strip_prefix(base).map_or(path, |rest| rest.trim_start_matches('/'))
    }
}

fn is_above(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.starts_with(&format!("{folder}/"))
}

/// The nearest file of a kind above the entry.
fn nearest<'a>(files: &'a [TextFile], entry: &str, kind: impl Fn(&TextFile) -> bool) -> Option<&'a TextFile> {
    files
        .iter()
        .filter(|file| kind(file) && is_above(file.folder(), entry))
        .max_by_key(|file| file.folder().len())
}

fn relative_import(file: &TextFile) -> bool {
    file.code.lines().any(|line| line.trim_start().starts_with("from ."))
}

/// The folder in which the program is started: that of its entry, unless its files or those that it opens lie elsewhere.
fn base_of(files: &[TextFile], program: &Program) -> String {
    let mut base = program.entry.rsplit_once('/').map_or("", |(folder, _)| folder);
    if program.files.iter().any(|&part| relative_import(&files[part]) && files[part].name == program.entry) {
        base = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    }
    while !base.is_empty() {
        let sources = program.files.iter().all(|&part| is_above(base, &files[part].name));
        let names = |path: &str| {
            program.files.iter().any(|&part| {
                files[part].code.contains(&format!("\"{path}\""))
                    || files[part].code.contains(&format!("'{path}'"))
            })
        };
        // `../config/default.json`, as it is asked for from its own folder.
        let above = program.files.iter().map(|&part| &files[part]).flat_map(|source| {
            let quoted = source.code.split(['"', '\'', '`']).skip(1).step_by(2);
            quoted.filter_map(move |path| from_folder(source.folder(), path)).collect::<Vec<_>>()
        });
        let outside = above
            .filter(|path| files.iter().any(|file| file.name == *path))
            .any(|path| !is_above(base, &path));
        let configurations = files.iter().filter(|file| file.is_configuration());
        // A file that is named by its path from further above is looked for there, unless one of that name lies below.
        let parent = base.rsplit_once('/').map_or("", |(folder, _)| folder);
        let lies_below = |name: &str| files.iter().any(|file| file.name == format!("{base}/{name}"));
        let from_above = configurations.clone().any(|file| {
            let is_further_up =
                !is_above(base, &file.name) && (file.folder().is_empty() || is_above(file.folder(), base));
            is_above(parent, &file.name)
                && names(below(&file.name, parent))
                && !names(below(&file.name, base))
                || is_further_up && names(file.base()) && !lies_below(file.base())
        });
        if sources && !from_above && !outside {
            break;
        }
        base = parent;
    }
    base.to_owned()
}

/// A path that begins with `../`, as it is from the root; `None` where it does not or leads out of it.
fn from_folder(folder: &str, path: &str) -> Option<String> {
    let (mut folder, mut path) = (folder, path);
    if !path.starts_with("../") {
        return None;
    }
    while let Some(rest) = path.strip_prefix("../") {
        if folder.is_empty() {
            return None;
        }
        (folder, path) = (folder.rsplit_once('/').map_or("", |(above, _)| above), rest);
    }
    Some(if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") })
}

fn own_files(files: &[TextFile], program: &Program, base: &str) -> Vec<String> {
    let sources = program.files.iter().filter(|&&part| files[part].tongue.is_some());
    sources.map(|&part| below(&files[part].name, base).to_owned()).collect()
}

/// The binary that cargo makes of an entry.
fn binary_name(manifest: &str, entry: &str) -> String {
    let quoted = |line: &str, key: &str| -> Option<String> {
        let rest = line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?;
        rest.trim().trim_matches(['"', '\'']).split(['"', '\'']).next().map(str::to_owned)
    };
    if let Some(stem) = entry.strip_prefix("src/bin/") {
        return stem.trim_end_matches(".rs").trim_end_matches("/main").to_owned();
    }
    let mut section = "";
    let (mut package, mut binary) = (None, None);
    for line in manifest.lines() {
        if line.trim_start().starts_with('[') {
            section = line.trim();
        }
        match section {
            "[package]" => package = package.or_else(|| quoted(line, "name")),
            "[[bin]]" => binary = binary.or_else(|| quoted(line, "name")),
            _ => {}
        }
    }
    binary.or(package).unwrap_or_else(|| "proxy".to_owned())
}

/// What a Makefile makes of this program: the target to name, where it is not the first, and the file.
fn made(makefile: &str, files: &[TextFile], program: &Program) -> Option<(Option<String>, String)> {
    let joined = makefile.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    // Target, what it needs, its recipe.
    let mut rules: Vec<(String, String, Vec<String>)> = Vec::new();
    for line in joined.lines() {
        if let Some(command) = line.strip_prefix('\t') {
            if let Some((.., recipe)) = rules.last_mut() {
                recipe.push(command.trim_start_matches(['@', '-']).to_owned());
            }
        } else if let Some((name, value)) = assignment(line) {
            variables.insert(name.to_owned(), value.to_owned());
        } else if let Some((targets, needs)) = line.split_once(':') {
            for target in expanded(targets, &variables).split_whitespace() {
                rules.push((target.to_owned(), expanded(needs, &variables), Vec::new()));
            }
        }
    }
    let mut found: Vec<(i32, Option<String>, String)> = Vec::new();
    let first = rules.iter().find(|(target, ..)| !target.starts_with('.')).map(|(target, ..)| target.clone());
    let entry_stem =
        program.entry.rsplit('/').next().unwrap_or_default().rsplit_once('.').map_or("", |(stem, _)| stem);
    for (target, needs, recipe) in &rules {
        for command in recipe {
            let command =
                expanded(command, &variables).replace("$@", target).replace("$^", needs).replace("$<", needs);
            let Some(product) = command.split_whitespace().skip_while(|word| *word != "-o").nth(1) else {
                continue;
            };
            if product.ends_with(".o") || product.contains(['$', '%']) {
                continue;
            }
            // Which of several programs: the one whose rule names the entry, and then the one that is made by itself.
            let names_entry = format!("{needs} {command}")
                .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
                .any(|word| word == entry_stem);
            let sources = program.files.iter().filter(|&&part| command.contains(files[part].base())).count();
            let by_default = first.as_deref() == Some(target)
                || rules.iter().any(|(name, needs, _)| {
                    Some(name) == first.as_ref() && needs.split_whitespace().any(|need| need == target)
                });
            let score =
                if names_entry { 4 } else { 0 } + sources.min(3) as i32 + if by_default { 2 } else { 0 };
            let product = product.trim_start_matches("./").to_owned();
            found.push((score, (!by_default).then(|| target.clone()), product));
        }
    }
    found.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    if let Some((_, target, product)) = found.into_iter().next() {
        return Some((target, product));
    }
    // An implicit rule: `pibl: pibl.o server.o`.
    let implicit = rules.iter().find(|(target, needs, recipe)| {
        recipe.is_empty()
            && (needs.contains(".o") || needs.contains(".c"))
            && !target.starts_with('.')
            && !target.ends_with(".o")
    });
    implicit.map(|(target, ..)| (Some(target.clone()), target.clone()))
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches([':', '?', '+']).trim();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    plain.then(|| (name, value.trim()))
}

/// With every `$(NAME)` and `${NAME}` replaced, over and over, as far as that goes.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for _ in 0..8 {
        let Some(at) = text.find("$(").or_else(|| text.find("${")) else { break };
        let close = if text[at..].starts_with("$(") { ')' } else { '}' };
        let Some(end) = text[at..].find(close).map(|end| at + end) else { break };
        let name = &text[at + 2..end];
        let value = match name.split_once(':') {
            // `$(SRCS:.c=.o)`
            Some((name, change)) => {
                let (from, to) = change.split_once('=').unwrap_or((change, ""));
                variables
                    .get(name)
                    .map(|value| value.replace(from.trim_start_matches('%'), to.trim_start_matches('%')))
            }
            None => variables.get(name).cloned(),
        };
        // A function of make, or a variable of the environment.
        let value = value.unwrap_or_else(|| if name == "CC" { "cc".to_owned() } else { String::new() });
        text.replace_range(at..=end, &value);
    }
    text
}

/// A compiler's line in a README or a script.
fn told_by_prose(file: &TextFile, files: &[TextFile], program: &Program, base: &str) -> Option<Build> {
    let entry = program.entry.rsplit('/').next().unwrap_or_default();
    for line in file.text.lines() {
        let Some(at) = ["gcc ", "g++ ", "clang ", "cc "].iter().find_map(|name| {
            let at = line.find(name)?;
            let starts = !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '+'));
            starts.then_some(at)
        }) else {
            continue;
        };
        let command = line[at..].split(['`', '&', ';', '|', '#']).next().unwrap_or_default();
        let Some(product) = command.split_whitespace().skip_while(|word| *word != "-o").nth(1) else {
            continue;
        };
        let mut argv = Vec::new();
        for word in command.split_whitespace() {
            let word = word.trim_matches(['"', '\'']);
            if let Some((folder, kind)) = word.split_once('*') {
                // No shell opens up a pattern for us.
                let here = files.iter().map(|file| below(&file.name, base));
                argv.extend(
                    here.filter(|name| {
                        name.starts_with(folder)
                            && name.ends_with(kind)
                            && !name[folder.len()..].contains('/')
                    })
                    .map(str::to_owned),
                );
            } else {
                argv.push(word.to_owned());
            }
        }
        if argv.iter().any(|word| word.rsplit('/').next() == Some(entry)) {
            return Some(Build {
                base: base.to_owned(),
                commands: vec![argv],
                product: Some(product.trim_start_matches("./").to_owned()),
                seen_in: file.name.clone(),
                ..Build::default()
            });
        }
    }
    None
}

/// Libraries by the headers that ask for them.
const LIBRARIES: [(&str, &str); 6] = [
    ("<zlib.h>", "-lz"),
    ("<openssl/", "-lcrypto"),
    ("<math.h>", "-lm"),
    ("<curl/", "-lcurl"),
    ("cJSON.h>", "-lcjson"),
    ("<uv.h>", "-luv"),
];

/// All files of the program at once.
fn by_compiler(files: &[TextFile], program: &Program, base: &str) -> Build {
    let compiler = if program.tongue == Tongue::Cpp { "g++ -std=c++17" } else { "gcc" };
    let mut command = words(&format!("{compiler} -O2 -pthread -o {PRODUCT}"));
    let mut folders: Vec<String> = Vec::new();
    for &part in program.files.iter().filter(|&&part| files[part].is_header()) {
        let folder =
            format!("-I{}", Some(below(files[part].folder(), base)).filter(|f| !f.is_empty()).unwrap_or("."));
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    command.extend(folders);
    command.extend(own_files(files, program, base));
    for (header, library) in LIBRARIES {
        if program.files.iter().any(|&part| files[part].code.contains(header)) {
            command.push(library.to_owned());
        }
    }
    Build {
        base: base.to_owned(),
        commands: vec![command],
        product: Some(PRODUCT.to_owned()),
        ..Build::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::programs::programs;

    fn builds_of(files: &[(&str, &str)]) -> Vec<Build> {
        let mut files: Vec<TextFile> =
            files.iter().map(|(name, text)| TextFile::new((*name).into(), (*text).into())).collect();
        files.sort_by(|one, two| one.name.cmp(&two.name));
        builds(&files, &programs(&files)[0])
    }

    const MAIN: (&str, &str) = ("main.c", "int main(void) { listen(a, 1); connect(b); }\n");

    #[test]
    fn a_makefile_with_variables_names_its_product() {
        for (makefile, command, product) in [
            (
                "TARGET = pibl\nSRCS = main.c a.c\nall: $(TARGET)\n\n$(TARGET): $(SRCS)\n\t$(CC) -o $(TARGET) $(SRCS)\n",
                "make",
                "pibl",
            ),
            (
                "OBJ=main.o\nbin/px: $(OBJ)\n\t@gcc $^ -o $@ -lz\n%.o: %.c\n\tgcc -c $< -o $@\n",
                "make",
                "bin/px",
            ),
            ("client: client.c\n\tgcc client.c -o client\npx: main.c\n\tgcc main.c -o px\n", "make px", "px"),
            ("all: main\nmain: main.o\n", "make main", "main"),
        ] {
            let found = builds_of(&[MAIN, ("Makefile", makefile)]);
            assert_eq!(
                (found[0].commands[0].join(" ").as_str(), found[0].product.as_deref()),
                (command, Some(product))
            );
        }
    }

    #[test]
    fn a_package_of_a_module_of_go_is_built_and_started_in_the_module() {
        let go = [
            ("go.mod", "module balanceador\n\ngo 1.18\n"),
            ("config.toml", "puerto = 8080"),
            ("cmd/backend/main.go", "package main\nfunc main() { net.Listen(\"tcp\", \":9001\") }\n"),
            (
                "cmd/pibl/main.go",
                "package main\nimport (\n\t\"net\"\n\t\"balanceador/internal/cache\"\n)\nfunc main() { net.Listen(a, b); read(\"config.toml\"); net.Dial(b) }\n",
            ),
            ("internal/cache/cache.go", "package cache\nconst carpeta = \"guardado\"\n"),
            ("viejo/cache/cache.go", "package cache\n"),
        ];
        let build = builds_of(&go).remove(0);
        assert_eq!(
            (build.base.as_str(), build.commands[0].join(" ").as_str()),
            ("", "go build -o judged-proxy ./cmd/pibl")
        );
        let files: Vec<TextFile> =
            go.iter().map(|(name, text)| TextFile::new((*name).into(), (*text).into())).collect();
        let program = &programs(&files)[0];
        let parts: Vec<&str> = program.files.iter().map(|&part| files[part].name.as_str()).collect();
        assert_eq!(parts, ["internal/cache/cache.go", "cmd/pibl/main.go"]);
        // The path of a package is no folder of a cache.
        assert!(!files[3].code.contains("balanceador") && files[3].code.len() == files[3].text.len());
    }

    #[test]
    fn packages_of_java_are_compiled_from_where_their_configuration_lies() {
        let main = "package co.edu.uni.px;\nimport co.edu.uni.store.Almacen;\npublic class Principal { public static void main(String[] a) { new ServerSocket(); read(\"pibl.properties\"); new Atencion(); } }\n";
        let build = builds_of(&[
            ("pibl.properties", "puerto=8080"),
            ("src/co/edu/uni/px/Principal.java", main),
            (
                "src/co/edu/uni/px/Atencion.java",
                "package co.edu.uni.px;\nclass Atencion { Socket s = new Socket(h, p); }\n",
            ),
            ("src/co/edu/uni/store/Almacen.java", "package co.edu.uni.store;\npublic class Almacen {}\n"),
            ("src/co/edu/uni/viejo/Almacen.java", "package co.edu.uni.viejo;\npublic class Almacen {}\n"),
        ])
        .remove(0);
        assert_eq!(
            (build.base.as_str(), build.start.last().unwrap().as_str()),
            ("", "co.edu.uni.px.Principal")
        );
        let compiled = build.commands[0].join(" ");
        assert!(compiled.contains("store/Almacen.java") && !compiled.contains("viejo"), "{compiled}");
    }

    #[test]
    fn sources_in_latin_1_are_compiled_as_such() {
        for (is_latin_1, encoding) in [(false, "UTF-8"), (true, "ISO-8859-1")] {
            let code = "class P { public static void main(String[] a) { new ServerSocket(1).accept(); new Socket(h, p); } }\n";
            let file = TextFile { is_latin_1, ..TextFile::new("P.java".into(), code.into()) };
            let files = [file];
            let build = builds(&files, &programs(&files)[0]).remove(0);
            assert_eq!(build.commands[0][..3], ["javac", "-encoding", encoding]);
        }
    }

    #[test]
    fn what_opens_a_file_above_it_is_started_in_its_own_folder() {
        let rust = builds_of(&[
            ("pibl/Cargo.toml", "[package]\nname = \"pibl\""),
            (
                "pibl/src/main.rs",
                "fn main() { let l = TcpListener::bind(read(\"../pibl.toml\")); TcpStream::connect(b); l.accept(); }",
            ),
            ("pibl.toml", "puerto = 8080"),
        ]);
        let beneath = rust.last().unwrap();
        assert_eq!((beneath.base.as_str(), beneath.inside.as_str()), ("", "pibl"));
        assert_eq!(beneath.product.as_deref(), Some("pibl/target/release/pibl"));
        assert_eq!(beneath.commands[0][2], "cd 'pibl' && exec \"$0\" \"$@\"");
        let python = builds_of(&[
            ("codigo/src/proxy.py", "s.bind((h, p)); s.listen(5); c.connect(b); open(\"../conf/red.ini\")"),
            ("codigo/conf/red.ini", "puerto = 8080"),
        ]);
        let beneath = python.last().unwrap();
        assert_eq!((beneath.base.as_str(), beneath.inside.as_str()), ("codigo", "src"));
        assert_eq!(beneath.start, ["-u", "proxy.py"]);
    }

    #[test]
    fn a_readme_and_the_language_are_the_next_ways() {
        let found = builds_of(&[
            MAIN,
            ("b.c", "int x;"),
            ("README.md", "Compile: `gcc -Wall *.c -o px -lpthread` and run\n"),
        ]);
        assert_eq!(found[0].commands[0].join(" "), "gcc -Wall b.c main.c -o px -lpthread");
        assert_eq!(found[1].commands[0].join(" "), "gcc -O2 -pthread -o judged-proxy main.c");
    }
}
