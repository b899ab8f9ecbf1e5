//! Looks at the folder of a proxy and proposes: which program, how it is built and called, where it is told its port, its backends
//! and its TTL.
//!
//! `init` calls [`look`] once and then tries what it proposes, the likeliest first. It reads files as text and executes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use harness_model::adapter::leads_outside;

use super::arguments_of::{Call, Meaning, calls, takes_parts};
use super::builds::{Build, below, builds};
use super::environment::{Environment, environment};
use super::files::{TextFile, Tongue, gather};
use super::lists::{BackendList, backend_lists};
use super::pieces::Piece;
use super::programs::{Program, programs};
use super::values::{self, Number};

/// Where a value is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An argument, shown so.
    Argument(String),
    /// A variable of the environment.
    Environment { name: String, template: String },
    /// Something that is typed.
    Typed,
    /// Pieces of a file, relative to the root; of the configuration, or of the source itself.
    Pieces { file: String, pieces: Vec<Piece>, source: bool, one_port: Option<u16> },
}

/// What there is in a folder.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) files: Vec<TextFile>,
    /// The likeliest proxy first; never empty.
    pub(super) programs: Vec<Program>,
}

/// Everything that is proposed for a program, each list with the likeliest first.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) tongue: Tongue,
    /// Relative to the root.
    pub(super) entry: String,
    pub(super) build: Build,
    pub(super) calls: Vec<Call>,
    /// With the number that stands there.
    pub(super) ports: Vec<(Told, u64)>,
    pub(super) backends: Vec<Told>,
    pub(super) ttls: Vec<Told>,
    /// Files for configuration, log and cache where a call names none.
    pub(super) names: [Option<String>; 3],
    /// Folders that the source names and that are not there.
    pub(super) folders: Vec<String>,
    /// Whether it reads its standard input.
    pub(super) reads_keyboard: bool,
    /// Whether it asks where its user is at home.
    pub(super) asks_for_home: bool,
    /// Further variables of the environment, with the values that a script gives them.
    pub(super) exported: Vec<(String, String)>,
}

impl Candidates {
    /// The file for configuration, log or cache, by its place, as the copy has it.
    pub(super) fn named_in_copy(&self, place: usize) -> Option<String> {
        self.names[place].as_deref().map(|name| self.in_copy(name))
    }

    /// What a program calls by this name in the folder in which it runs, as the copy has it.
    pub(super) fn in_copy(&self, name: &str) -> String {
        if self.build.inside.is_empty() { name.to_owned() } else { format!("{}/{name}", self.build.inside) }
    }
}

/// `None` where no program listens.
pub(super) fn look(folder: &Path) -> Option<Look> {
    let files = gather(folder);
    let programs = programs(&files);
    (!programs.is_empty()).then_some(Look { files, programs })
}

impl Look {
    /// All ways to build a program.
    pub(super) fn builds(&self, program: &Program) -> Vec<Build> {
        builds(&self.files, program)
    }

    /// What can be tried of a program that is built in this way.
    pub(super) fn candidates(&self, program: &Program, build: &Build) -> Candidates {
        let sources: Vec<&TextFile> = program.files.iter().map(|&part| &self.files[part]).collect();
        let prose = self
            .files
            .iter()
            .filter(|file| file.is_prose() || file.is_makefile() || file.base().ends_with(".sh"));
        // What a README leaves out often stands at the top of the source.
        let prose: Vec<&TextFile> = prose.chain(sources.iter().copied()).collect();
        let entry = below(&program.entry, &build.base);
        let is_file = |name: &str| {
            self.files.iter().any(|file| below(&file.name, &build.base) == name.trim_start_matches("./"))
        };
        let entry_last: Vec<&TextFile> = sources.iter().rev().copied().collect();
        let calls = calls(&entry_last, &prose, entry, build.product.as_deref(), is_file);
        let configurations = self.configurations(&sources, &calls, build);
        let all: String = sources.iter().map(|file| file.code.as_str()).collect::<Vec<_>>().join("\n");
        let Environment { settings, exported } = environment(&all, &self.files);
        let from_environment = |kind: fn(&Meaning) -> bool| {
            let found = settings.iter().filter(move |variable| kind(&variable.meaning));
            found
                .map(|variable| Told::Environment {
                    name: variable.name.clone(),
                    template: variable.template.clone(),
                })
                .collect::<Vec<_>>()
        };
        let pieces = |file: &TextFile, list: Vec<Piece>, one_port| Told::Pieces {
            file: file.name.clone(),
            pieces: list,
            source: (file.tongue.is_some() || file.is_header()) && !file.is_settings(),
            one_port,
        };
        let files = || configurations.iter().copied().chain(sources.iter().copied());
        let number = |file: &TextFile, number: Number| {
            (number.score, pieces(file, vec![number.piece], None), number.value)
        };
        let sorted = |mut found: Vec<(i32, Told, u64)>| {
            found.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
            found.into_iter().map(|(_, told, value)| (told, value)).collect::<Vec<_>>()
        };
        // A configuration before the source, whatever the words.
        let by_place = |file: &TextFile| if file.tongue.is_none() && !file.is_header() { 6 } else { 0 };
        let numbers = |find: fn(&TextFile) -> Vec<Number>| {
            let found = files().flat_map(|file| {
                find(file)
                    .into_iter()
                    .map(|one| {
                        let (score, told, value) = number(file, one);
                        (score + by_place(file), told, value)
                    })
                    .collect::<Vec<_>>()
            });
            sorted(found.collect())
        };
        let ports: Vec<(Told, u64)> = from_environment(|meaning| *meaning == Meaning::Port)
            .into_iter()
            .map(|told| (told, 0))
            .chain(numbers(values::ports))
            .collect();
        let own_port = ports.iter().map(|(_, value)| *value).find(|value| *value > 0);
        let lists = files().flat_map(|file| {
            let several = backend_lists(file);
            several.into_iter().map(move |list| (file, list)).collect::<Vec<_>>()
        });
        let mut lists: Vec<(&TextFile, BackendList)> = lists.collect();
        lists.sort_by_key(|(_, list)| list.count < 2);
        let shared = self.shared_ports(&sources, &configurations, own_port);
        let listed = lists.into_iter().flat_map(|(file, list)| {
            let ports = match list.one_port {
                Some(_) => shared.iter().copied().map(Some).collect(),
                None => vec![None],
            };
            ports.into_iter().map(|port| pieces(file, list.pieces.clone(), port)).collect::<Vec<_>>()
        });
        let backends = from_environment(|meaning| matches!(meaning, Meaning::Backends(_)))
            .into_iter()
            .chain(listed)
            .collect();
        let ttls = from_environment(|meaning| *meaning == Meaning::Ttl)
            .into_iter()
            .chain(numbers(values::ttls).into_iter().map(|(told, _)| in_parts(told, &all)))
            .collect();
        let configuration = configurations.first().map(|file| below(&file.name, &build.base).to_owned());
        let up = "../".repeat(if build.inside.is_empty() { 0 } else { build.inside.split('/').count() });
        let configuration = configuration.map(|name| up + &name);
        // A file that an example names and nobody handed in stands for the one that is there.
        let mut calls = calls;
        for argument in calls.iter_mut().flat_map(|call| &mut call.arguments) {
            if let Meaning::Config(name) = &mut argument.meaning
                && configuration.is_some()
                && name.as_deref().is_some_and(|name| !is_file(name))
            {
                *name = None;
            }
        }
        Candidates {
            tongue: program.tongue,
            entry: program.entry.clone(),
            names: [
                configuration,
                literal_with(&all, "log").filter(|name| name.contains('.')),
                literal_with(&all, "cache").filter(|name| !name.contains('.')),
            ],
            folders: self.folders(&all, &build.base),
            reads_keyboard: reads_keyboard(&all),
            asks_for_home: ASKS_FOR_HOME.iter().any(|sign| all.contains(sign)),
            exported,
            build: build.clone(),
            calls,
            ports,
            backends,
            ttls,
        }
    }

    /// The files that the program reads: those that a call or a source names; and where there is none, those that hold addresses.
    fn configurations(&self, sources: &[&TextFile], calls: &[Call], build: &Build) -> Vec<&TextFile> {
        let named = |file: &&TextFile| {
            let in_a_call = calls.iter().flat_map(|call| &call.arguments).any(|argument| {
                matches!(&argument.meaning, Meaning::Config(Some(name)) if name.trim_start_matches("./") == below(&file.name, &build.base))
            });
            in_a_call || sources.iter().any(|source| source.code.contains(file.base()))
        };
        let near = |file: &&TextFile| {
            file.is_configuration()
                && !super::programs::is_old(file.stem())
                && !file.folder().split('/').any(super::programs::is_old)
        };
        let mut found: Vec<&TextFile> = self.files.iter().filter(near).filter(named).collect();
        if found.is_empty() {
            found = self.files.iter().filter(near).filter(|file| !backend_lists(file).is_empty()).collect();
        }
        // Two of one name: the one beside the program.
        found.sort_by_key(|file| (!file.name.starts_with(&build.base), file.name.matches('/').count()));
        let mut names = BTreeSet::new();
        found.retain(|file| names.insert(file.base()));
        found
    }

    /// What may be the one port of backends whose list names none.
    fn shared_ports(
        &self,
        sources: &[&TextFile],
        configurations: &[&TextFile],
        own: Option<u64>,
    ) -> Vec<u16> {
        let mut numbers: Vec<Number> =
            configurations.iter().chain(sources).flat_map(|file| values::ports(file)).collect();
        numbers.retain(|number| Some(number.value) != own && number.value >= 80);
        // The worst candidate for the proxy's own port is the best one for that of its backends.
        numbers.sort_by_key(|number| number.score);
        let mut ports: Vec<u16> =
            numbers.iter().filter_map(|number| u16::try_from(number.value).ok()).collect();
        ports.push(80);
        ports.dedup();
        ports.truncate(3);
        ports
    }

    /// Folders that a path in the source leads through and that are not there.
    fn folders(&self, code: &str, base: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for path in quoted_texts(code) {
            let relative = path.trim_start_matches("./");
            let word = relative.to_lowercase();
            let plain =
                relative.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'));
            if !plain
                || leads_outside(path)
                || !(word.contains("log") || word.contains("cache"))
                || of_http(&word)
            {
                continue;
            }
            let last = relative.rsplit('/').next().unwrap_or(relative).to_lowercase();
            let folder = match relative.rsplit_once('/') {
                _ if last.contains("cache") && !last.contains('.') => relative.trim_end_matches('/'),
                Some((folder, _)) => folder,
                None => continue,
            };
            let there = self.files.iter().any(|file| below(file.folder(), base) == folder);
            if !folder.is_empty() && !there && !found.iter().any(|known| known.eq_ignore_ascii_case(folder)) {
                found.push(folder.to_owned());
            }
        }
        found
    }
}

/// A TTL in minutes, with parts of them where the code that takes it reads any: a minute is long.
fn in_parts(mut told: Told, code: &str) -> Told {
    let Told::Pieces { file, pieces, .. } = &mut told else { return told };
    for piece in pieces {
        let name: String = piece.text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let taken = || code.lines().filter(|line| !name.is_empty() && line.contains(&name));
        // A number of JSON has parts until somebody cuts them off.
        let by_itself = file.ends_with(".json")
            && taken().all(|line| !line.contains("int(") && !line.contains("parseInt"));
        if by_itself || taken().any(takes_parts) {
            piece.with = piece.with.replace("ttl_whole_minutes", "ttl_minutes");
        }
    }
    told
}

/// Whether it waits for somebody to type: `sscanf` and `fscanf` read something else.
/// How programs ask for the home of their user.
const ASKS_FOR_HOME: [&str; 8] =
    ["\"HOME\"", "'HOME'", "env.HOME", "expanduser", "Path.home(", "homedir(", "UserHomeDir(", "user.home"];

fn reads_keyboard(code: &str) -> bool {
    let typed = |call: &str| {
        let mut calls = code.match_indices(call);
        calls.any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')))
    };
    let lines = |call: &str| {
        code.match_indices(call)
            .any(|(at, _)| code[at..].lines().next().is_some_and(|line| line.contains("stdin")))
    };
    ["input(", "scanf(", "getchar("].iter().any(|call| typed(call))
        || lines("fgets(")
        || [
            "stdin().read_line",
            "stdin().lines",
            "sys.stdin",
            "process.stdin",
            "System.in",
            "os.Stdin",
            "std::cin",
            "cin >>",
            "cin>>",
            "(cin,",
        ]
        .iter()
        .any(|call| code.contains(call))
}

pub(super) fn quoted_texts(code: &str) -> impl Iterator<Item = &str> {
    code.lines().flat_map(|line| {
        ['"', '\''].into_iter().flat_map(|quote| line.split(quote).skip(1).step_by(2)).collect::<Vec<_>>()
    })
}

/// Fields of HTTP and their values name no folder.
fn of_http(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["cache-control", "cache-status", "no-cache", "x-cache"].iter().any(|word| lower.starts_with(word))
}

/// A text in quotes that is a path with this word in it.
fn literal_with(code: &str, word: &str) -> Option<String> {
    let path = quoted_texts(code).find(|part| {
        let path = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'));
        path && !of_http(part)
            && part.to_lowercase().contains(word)
            && !part.starts_with('-')
            && !leads_outside(part)
    })?;
    Some(path.trim_start_matches("./").trim_end_matches('/').to_owned())
}
