//! The text of an adapter from one choice among the candidates.
//!
//! `trial` tries it and `init` writes it. Comments say where each value was found and how it was confirmed, so that what is
//! open can be mended by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::again;
use super::arguments_of::{Call, Meaning};
use super::builds::{below, in_folder};
use super::look::{Candidates, Look, Told};
use super::pieces::{Piece, literal};
use super::search::{Confirmed, Facts};
use super::trial::BESIDE_A_DATABASE;
use super::typing;
use harness_tell::language::Language;
use harness_tell::language::init_words as words;

/// One of everything.
#[derive(Clone, Debug)]
pub(super) struct Choice<'a> {
    pub(super) look: &'a Look,
    pub(super) candidates: &'a Candidates,
    pub(super) name: String,
    pub(super) call: Call,
    pub(super) port: Option<Told>,
    pub(super) backends: Option<Told>,
    pub(super) ttl: Option<Told>,
    pub(super) stdin: Option<String>,
    pub(super) log: Option<String>,
    pub(super) cache: Option<String>,
    /// Whether that is a folder, and not one file.
    pub(super) cache_is_folder: bool,
    /// Whether its working directory is its home, so that the log that it keeps there can be read.
    pub(super) at_home: bool,
    /// Folders that are made before it starts.
    pub(super) directories: Vec<String>,
    /// A port that it insists on.
    pub(super) fixed_port: Option<u16>,
    /// The same of an address.
    pub(super) fixed_host: Option<IpAddr>,
}

impl<'a> Choice<'a> {
    /// The likeliest of everything.
    pub(super) fn first(look: &'a Look, candidates: &'a Candidates, name: &str) -> Choice<'a> {
        let mut choice = Choice {
            look,
            candidates,
            name: name.to_owned(),
            call: Call::default(),
            port: None,
            backends: None,
            ttl: None,
            // Open and empty: a program that waits for somebody to type goes on waiting.
            stdin: candidates.reads_keyboard.then(String::new),
            log: candidates.named_in_copy(1),
            cache: candidates.named_in_copy(2),
            cache_is_folder: true,
            at_home: false,
            directories: Vec::new(),
            fixed_port: None,
            fixed_host: None,
        };
        choice.call_so(candidates.calls.first().cloned().unwrap_or_default());
        choice
    }

    /// The next answer to what it asks on its standard input, as the last line that it printed has it.
    pub(super) fn answering(&self, printed: &[String]) -> Option<Choice<'a>> {
        let typed = self.stdin.clone()?;
        let question = typing::question(printed)?;
        let answer = typing::answer(&question, printed);
        if typed.lines().count() >= typing::MOST_ANSWERS {
            return None;
        }
        Some(self.typing(format!("{typed}{answer}\n"), &answer))
    }

    /// The same with an empty line for each question, where it stands at its first one and shows what it takes then.
    pub(super) fn with_defaults(&self, printed: &[String]) -> Option<Choice<'a>> {
        let first = self.stdin.as_ref().is_some_and(String::is_empty);
        let asks = typing::question(printed).is_some_and(|question| typing::shows_a_default(&question));
        (first && asks).then(|| Choice { stdin: Some(typing::DEFAULTS.to_owned()), ..self.clone() })
    }

    /// With all questions answered that it asked of somebody who typed empty lines alone.
    pub(super) fn answering_all(&self, printed: &[String]) -> Option<Choice<'a>> {
        let questions = typing::questions(printed);
        let answers: String = questions.iter().map(|question| typing::answer(question, &[]) + "\n").collect();
        let asked = self.stdin.as_deref() == Some(typing::DEFAULTS) && !questions.is_empty();
        asked.then(|| self.typing(answers.clone(), &answers))
    }

    /// The same with something typed, whose last words tell what they hold.
    fn typing(&self, typed: String, told_by: &str) -> Choice<'a> {
        let mut other = self.clone();
        for (told, sign) in
            [(&mut other.port, "{{ port"), (&mut other.backends, "backends"), (&mut other.ttl, "{{ ttl")]
        {
            if told_by.contains(sign) {
                *told = Some(Told::Typed);
            }
        }
        other.stdin = Some(typed);
        other
    }

    /// Takes a call, and for what it does not tell the first candidates elsewhere.
    pub(super) fn call_so(&mut self, call: Call) {
        let told =
            |kind: fn(&Meaning) -> bool| call.has(kind).map(|argument| Told::Argument(call.shown(argument)));
        let first = |list: &[Told]| list.first().cloned();
        self.port = told(|meaning| *meaning == Meaning::Port)
            .or_else(|| self.candidates.ports.first().map(|(told, _)| told.clone()));
        self.backends = told(|meaning| matches!(meaning, Meaning::Backends(_)))
            .or_else(|| first(&self.candidates.backends));
        self.ttl = told(|meaning| *meaning == Meaning::Ttl).or_else(|| first(&self.candidates.ttls));
        self.call = call;
    }

    /// The same with a TTL in milliseconds.
    pub(super) fn in_milliseconds(&self) -> Choice<'a> {
        self.with_ttl("ttl_seconds or 60", "ttl_milliseconds or 60000", "milliseconds")
    }

    /// The same with a TTL in minutes without parts of them.
    pub(super) fn in_whole_minutes(&self) -> Choice<'a> {
        self.with_ttl("ttl_minutes or 1", "ttl_whole_minutes or 1", "minutes")
    }

    /// The same with one template in place of another one; an argument is in the unit that its context names.
    fn with_ttl(&self, template: &str, instead: &str, unit: &str) -> Choice<'a> {
        let changed = |text: &str| text.replace(template, instead);
        if !self.text().contains(template) {
            return self.clone();
        }
        let mut other = self.clone();
        match &mut other.ttl {
            Some(Told::Pieces { pieces, .. }) => {
                pieces.iter_mut().for_each(|piece| piece.with = changed(&piece.with));
            }
            Some(Told::Environment { template, .. }) => *template = changed(template),
            Some(Told::Typed) => other.stdin = other.stdin.as_deref().map(changed),
            Some(Told::Argument(_)) => {
                let ttls =
                    other.call.arguments.iter_mut().filter(|argument| argument.meaning == Meaning::Ttl);
                ttls.for_each(|argument| argument.context = unit.to_owned());
            }
            None => {}
        }
        other
    }

    /// What was found, where, and how it was confirmed, a line each.
    pub(super) fn notes(&self, facts: &Facts, language: Language) -> Vec<String> {
        let mut notes =
            vec![words::found_entry(language, &self.candidates.entry, self.candidates.tongue.name())];
        let with = |found: String, confirmed: String| format!("{found}; {confirmed}");
        let port = match self.fixed_port {
            Some(port) => format!(
                "{}: {}",
                words::the_port(language),
                words::port_is_fixed(language, &port.to_string())
            ),
            None => with(
                note(language, &words::the_port(language), self.port.as_ref()),
                match facts.port {
                    Confirmed::ByTrial => words::port_confirmed(language),
                    _ => words::open(language),
                },
            ),
        };
        let backends = match facts.backends {
            Confirmed::ByTrial => words::backends_confirmed(language),
            _ => words::open(language),
        };
        let ttl = match facts.ttl {
            Confirmed::ByTrial => words::ttl_confirmed(language),
            Confirmed::NotSeen => words::ttl_not_seen(language),
            Confirmed::Open if facts.hits.0 > 0 => words::ttl_open(language),
            Confirmed::Open => words::open(language),
        };
        notes.push(port);
        notes.push(with(note(language, &words::the_backends(language), self.backends.as_ref()), backends));
        notes.push(with(note(language, &words::the_ttl(language), self.ttl.as_ref()), ttl));
        let the_log = words::the_log(language);
        notes.push(match (&self.log, &facts.log) {
            (Some(log), Confirmed::ByTrial) => {
                with(format!("{the_log}: {log}"), words::log_confirmed(language))
            }
            (Some(log), _) => with(format!("{the_log}: {log}"), words::open(language)),
            (None, _) => format!("{the_log}: {}", words::log_not_seen(language)),
        });
        let the_cache = words::the_cache(language);
        notes.push(match (&self.cache, &facts.cache) {
            (Some(cache), Confirmed::ByTrial) => {
                with(format!("{the_cache}: {cache}"), words::cache_confirmed(language))
            }
            (Some(cache), _) => with(format!("{the_cache}: {cache}"), words::open(language)),
            (None, Confirmed::NotSeen) => format!("{the_cache}: {}", words::cache_not_seen(language)),
            (None, _) => format!("{the_cache}: {}", words::cache_open(language)),
        });
        if self.candidates.reads_keyboard && facts.port != Confirmed::ByTrial {
            notes.push(words::reads_input(language));
        }
        notes
    }

    /// The whole file, with what is known of it in front.
    pub(super) fn file(&self, facts: &Facts, language: Language) -> String {
        let notes = self.notes(facts, language);
        let text = again::marked(&self.text());
        notes.iter().map(|line| format!("# {}\n", line.replace(['\n', '\r'], " "))).collect::<String>()
            + &text
    }

    /// The adapter itself.
    pub(super) fn text(&self) -> String {
        let build = &self.candidates.build;
        let mut text = String::new();
        let _ = writeln!(text, "name: {}", quoted(&self.name));
        match (&build.product, build.interpreter) {
            (Some(program), _) => {
                let _ = writeln!(text, "program: {{own: {}}}", quoted(program));
            }
            (None, interpreter) => {
                let name = interpreter.unwrap_or("python3");
                let _ = writeln!(
                    text,
                    "program: {{installed: {{name: {name}, advice: \"apt-get install {}\"}}}}",
                    package(name)
                );
            }
        }
        let _ = writeln!(
            text,
            "copy_from: {}",
            if build.base.is_empty() { ".".to_owned() } else { quoted(&build.base) }
        );
        if !build.commands.is_empty() {
            text.push_str("build:\n");
            for command in &build.commands {
                let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
                let _ = writeln!(text, "  - [{}]", words.join(", "));
            }
        }
        if !self.directories.is_empty() {
            let folders: Vec<String> =
                self.directories.iter().map(|folder| quoted(&self.candidates.in_copy(folder))).collect();
            let _ = writeln!(text, "directories: [{}]", folders.join(", "));
        }
        let names = [0, 1, 2].map(|place| self.candidates.names[place].as_deref());
        let mut start = vec!["{{ program }}".to_owned()];
        start.extend(build.start.iter().cloned());
        start.extend(self.call.arguments.iter().flat_map(|argument| argument.words(&names)));
        if !build.inside.is_empty() {
            start = in_folder(&build.inside, start);
        }
        text.push_str("start:\n");
        for word in &start {
            let _ = writeln!(text, "  - {}", quoted(word));
        }
        let environment: Vec<String> = [&self.port, &self.backends, &self.ttl]
            .into_iter()
            .filter_map(|told| match told {
                Some(Told::Environment { name, template }) => Some(format!("{name}: {}", quoted(template))),
                _ => None,
            })
            .chain(self.at_home.then(|| "HOME: \"{{ directory }}\"".to_owned()))
            .chain(self.candidates.exported.iter().map(|(name, value)| format!("{name}: {}", quoted(value))))
            .collect();
        if !environment.is_empty() {
            let _ = writeln!(text, "environment: {{{}}}", environment.join(", "));
        }
        if let Some(stdin) = &self.stdin {
            let _ = writeln!(text, "stdin: {}", quoted(&typing::looped(stdin)));
        }
        if let Some(port) = self.fixed_port {
            let _ = writeln!(text, "fixed_port: {port}");
        }
        if let Some(host) = self.fixed_host {
            let _ = writeln!(text, "fixed_host: {}", quoted(&host.to_string()));
        }
        if let Some(Told::Pieces { one_port: Some(port), .. }) = &self.backends {
            let _ = writeln!(text, "backends: {{one_port: {port}}}");
        }
        self.replacements(&mut text);
        if let Some(log) = &self.log {
            let _ = writeln!(text, "log_file: {}", quoted(log));
        }
        if let Some(cache) = &self.cache {
            if self.cache_is_folder {
                let _ = writeln!(text, "cache_directory: {}", quoted(cache));
            }
            let beside = BESIDE_A_DATABASE.iter().filter(|_| !self.cache_is_folder && is_database(cache));
            let all =
                std::iter::once(quoted(cache)).chain(beside.map(|end| quoted(&format!("{cache}{end}"))));
            let _ = writeln!(text, "wipe: [{}]", all.collect::<Vec<_>>().join(", "));
        }
        self.capabilities(&mut text);
        text
    }

    /// `config` for the first configuration file, `files` for further ones, `patch` for the source.
    fn replacements(&self, text: &mut String) {
        let base = &self.candidates.build.base;
        let mut configurations: BTreeMap<&str, Vec<&Piece>> = BTreeMap::new();
        let mut patches: Vec<(&str, &Piece)> = Vec::new();
        for told in [&self.port, &self.backends, &self.ttl].into_iter().flatten() {
            let Told::Pieces { file, pieces, source, .. } = told else { continue };
            if *source {
                patches.extend(pieces.iter().map(|piece| (file.as_str(), piece)));
            } else {
                configurations.entry(file).or_default().extend(pieces);
            }
        }
        // The one with most in it is the configuration; but where one piece stands inside another, texts alone do not tell them apart.
        let before = |file: &str| {
            self.look.files.iter().find(|one| one.name == file).map_or("", |one| one.text.as_str())
        };
        let clear = |file: &str, pieces: &[&Piece]| {
            let all: usize = pieces.iter().map(|piece| before(file).matches(&piece.text).count()).sum();
            places(before(file), pieces).len() == all
        };
        let clear = configurations.iter().filter(|(file, pieces)| clear(file, pieces));
        let first = clear.max_by_key(|(_, pieces)| pieces.len()).map(|(file, _)| *file);
        if let Some(file) = first {
            let to = below(file, base);
            let _ = writeln!(text, "config:\n  from: {}\n  to: {}\n  replace:", quoted(file), quoted(to));
            for piece in &configurations[file] {
                let _ =
                    writeln!(text, "    - {{text: {}, with: {}}}", quoted(&piece.text), quoted(&piece.with));
            }
        }
        for (number, (file, pieces)) in
            configurations.iter().filter(|(file, _)| Some(**file) != first).enumerate()
        {
            if number == 0 {
                text.push_str("files:\n");
            }
            let whole = with_pieces(before(file), pieces);
            let _ = writeln!(text, "  {}: {}", quoted(below(file, base)), quoted(&whole));
        }
        if !patches.is_empty() {
            text.push_str("patch:\n");
        }
        for (file, piece) in patches {
            let (file, old, new) = (quoted(below(file, base)), quoted(&piece.text), quoted(&piece.with));
            let _ = writeln!(text, "  - {{file: {file}, text: {old}, with: {new}}}");
        }
    }

    fn capabilities(&self, text: &mut String) {
        let (ttl, template) = match &self.ttl {
            Some(Told::Argument(_)) => (
                "arguments",
                self.call
                    .arguments
                    .iter()
                    .flat_map(|argument| argument.words(&[None; 3]))
                    .collect::<String>(),
            ),
            Some(Told::Environment { template, .. }) => ("configuration", template.clone()),
            Some(Told::Typed) => ("configuration", self.stdin.clone().unwrap_or_default()),
            Some(Told::Pieces { pieces, .. }) => {
                ("configuration", pieces.iter().map(|piece| piece.with.as_str()).collect())
            }
            None => ("none", String::new()),
        };
        let step = if template.contains("ttl_whole_minutes") {
            Some("1m")
        } else if ["ttl_seconds", "ttl_minutes"].iter().any(|told| template.contains(told)) {
            // Parts of a minute say nothing of how finely it counts.
            Some("1s")
        } else {
            None
        };
        // Nothing is excused because a folder was not found: what cannot be said is asked of the proxy.
        let _ = writeln!(text, "capabilities:\n  cache: disk   # disk, memory or none");
        let _ = writeln!(text, "  ttl: {ttl}   # arguments, configuration, {{fixed: 60s}} or none");
        if let Some(step) = step {
            let _ = writeln!(text, "  ttl_step: {step}");
        }
        text.push_str("  rotations: 1\n");
    }
}

/// The package of Debian that brings an interpreter.
fn package(interpreter: &str) -> &str {
    match interpreter {
        "node" => "nodejs",
        "java" => "default-jdk-headless",
        other => other,
    }
}

fn is_database(name: &str) -> bool {
    [".db", ".sqlite", ".sqlite3", ".db3"].iter().any(|ending| name.ends_with(ending))
}

/// Where the pieces of a file stand, the longest first in the right: what lies inside another one is a part of that.
fn places<'p>(before: &str, pieces: &[&'p Piece]) -> BTreeMap<usize, &'p Piece> {
    let mut longest_first: Vec<&Piece> = pieces.to_vec();
    longest_first.sort_by_key(|piece| std::cmp::Reverse(piece.text.len()));
    let mut found: BTreeMap<usize, &Piece> = BTreeMap::new();
    for piece in longest_first {
        for (at, _) in before.match_indices(&piece.text) {
            let free = found
                .iter()
                .all(|(start, other)| at + piece.text.len() <= *start || start + other.text.len() <= at);
            if free {
                found.insert(at, piece);
            }
        }
    }
    found
}

/// A whole file as a template.
fn with_pieces(before: &str, pieces: &[&Piece]) -> String {
    let (mut text, mut at) = (String::new(), 0);
    for (start, piece) in places(before, pieces) {
        text.push_str(&literal(&before[at..start]));
        text.push_str(&piece.with);
        at = start + piece.text.len();
    }
    text + &literal(&before[at..])
}

fn note(language: Language, what: &str, told: Option<&Told>) -> String {
    match told {
        Some(Told::Argument(shown)) => words::told_by_argument(language, what, shown),
        Some(Told::Environment { name, .. }) => words::told_by_environment(language, what, name),
        Some(Told::Typed) => words::told_by_typing(language, what),
        Some(Told::Pieces { file, pieces, source, .. }) => {
            let line = pieces.first().and_then(|piece| piece.text.lines().next()).unwrap_or_default();
            if *source {
                words::told_by_source(language, what, file, line)
            } else {
                words::told_by_file(language, what, file, line)
            }
        }
        None => words::not_found(language, what),
    }
}

/// A double-quoted scalar of YAML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
