//! The text of an adapter from what was seen of a proxy.
//!
//! `init` writes it. Comments say where each value was found, so that a wrong guess can be mended by hand.

use std::fmt::Write as _;

use super::look::{Seen, Told, Tongue};
use super::values::Piece;
use harness_tell::language::Language;
use harness_tell::language::init_words as words;

/// What is going to be written.
pub(super) struct Draft<'a> {
    seen: &'a Seen,
    name: &'a str,
}

impl<'a> Draft<'a> {
    pub(super) fn of(seen: &'a Seen, name: &'a str) -> Draft<'a> {
        Draft { seen, name }
    }

    /// What was found and what not, a line each.
    pub(super) fn notes(&self, language: Language) -> Vec<String> {
        let tongue = match self.seen.tongue {
            Tongue::Python => "Python",
            Tongue::C => "C",
            Tongue::Rust => "Rust",
        };
        let mut notes = vec![words::found_entry(language, &self.seen.entry, tongue)];
        for (what, told) in [
            (words::the_port(language), &self.seen.port),
            (words::the_backends(language), &self.seen.backends),
            (words::the_ttl(language), &self.seen.ttl),
        ] {
            notes.push(note(language, &what, told.as_ref()));
        }
        for (what, path) in
            [(words::the_log(language), &self.seen.log), (words::the_cache(language), &self.seen.cache)]
        {
            notes.push(match path {
                Some(path) => format!("{what}: {path}"),
                None => words::not_found(language, &what),
            });
        }
        if self.seen.menu && self.seen.stdin.is_none() {
            notes.push(words::reads_input(language));
        }
        notes
    }

    /// The whole file.
    pub(super) fn text(&self, language: Language) -> String {
        let mut text = String::new();
        for line in self.notes(language) {
            let _ = writeln!(text, "# {}", line.replace('\n', " "));
        }
        let _ = writeln!(text, "name: {}", quoted(self.name));
        let mut start = vec!["{{ program }}".to_owned()];
        match (&self.seen.program, self.seen.tongue) {
            (Some(program), _) => {
                let _ = writeln!(text, "program: {{own: {}}}", quoted(program));
            }
            (None, _) => {
                text.push_str("program: {installed: {name: python3, advice: \"apt-get install python3\"}}\n");
                start.extend(["-u".to_owned(), self.seen.entry.clone()]);
            }
        }
        text.push_str("copy_from: .\n");
        if !self.seen.build.is_empty() {
            text.push_str("build:\n");
            for command in &self.seen.build {
                let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
                let _ = writeln!(text, "  - [{}]", words.join(", "));
            }
        }
        start.extend(self.seen.start.iter().cloned());
        text.push_str("start:\n");
        for word in &start {
            let _ = writeln!(text, "  - {}", quoted(word));
        }
        if let Some(stdin) = &self.seen.stdin {
            let _ = writeln!(text, "stdin: {}", quoted(stdin));
        }
        self.replacements(&mut text);
        if let Some(log) = &self.seen.log {
            let _ = writeln!(text, "log_file: {}", quoted(log));
        }
        if let Some(cache) = &self.seen.cache {
            let _ = writeln!(text, "cache_directory: {0}\nwipe: [{0}]", quoted(cache));
        }
        self.capabilities(&mut text);
        text
    }

    /// `config` for the first configuration file, `patch` for everything else: only one file is the configuration.
    fn replacements(&self, text: &mut String) {
        let pieces: Vec<(&str, &Piece, bool)> = [&self.seen.port, &self.seen.backends, &self.seen.ttl]
            .into_iter()
            .filter_map(|told| match told {
                Some(Told::Piece { file, piece, source }) => Some((file.as_str(), piece, *source)),
                _ => None,
            })
            .collect();
        let configuration = pieces.iter().find(|(_, _, source)| !source).map(|(file, ..)| *file);
        if let Some(file) = configuration {
            let _ = writeln!(text, "config:\n  from: {0}\n  to: {0}\n  replace:", quoted(file));
            for (_, piece, _) in pieces.iter().filter(|(name, ..)| *name == file) {
                let _ =
                    writeln!(text, "    - {{text: {}, with: {}}}", quoted(&piece.text), quoted(&piece.with));
            }
        }
        let patches: Vec<_> = pieces.iter().filter(|(name, ..)| Some(*name) != configuration).collect();
        if !patches.is_empty() {
            text.push_str("patch:\n");
        }
        for (file, piece, _) in patches {
            let (file, old, new) = (quoted(file), quoted(&piece.text), quoted(&piece.with));
            let _ = writeln!(text, "  - {{file: {file}, text: {old}, with: {new}}}");
        }
    }

    fn capabilities(&self, text: &mut String) {
        let cache = if self.seen.cache.is_some() { "disk" } else { "memory" };
        let (ttl, template) = match &self.seen.ttl {
            Some(Told::Argument(_)) => ("arguments", self.seen.start.join(" ")),
            Some(Told::Piece { piece, .. }) => ("configuration", piece.with.clone()),
            None => ("none", String::new()),
        };
        let step = if template.contains("ttl_whole_minutes") {
            Some("1m")
        } else if template.contains("ttl_seconds") {
            Some("1s")
        } else {
            None
        };
        let _ = writeln!(text, "capabilities:\n  cache: {cache}   # disk, memory or none");
        let _ = writeln!(text, "  ttl: {ttl}   # arguments, configuration, {{fixed: 60s}} or none");
        if let Some(step) = step {
            let _ = writeln!(text, "  ttl_step: {step}");
        }
        text.push_str("  rotations: 1\n");
    }
}

fn note(language: Language, what: &str, told: Option<&Told>) -> String {
    match told {
        Some(Told::Argument(shown)) => words::told_by_argument(language, what, shown),
        Some(Told::Piece { file, piece, source }) => {
            let line = piece.text.lines().next().unwrap_or_default();
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
