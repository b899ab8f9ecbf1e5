//! Which arguments a program takes, as its source says: `argparse`, `sys.argv[n]`, `argv[n]`, `args().nth(n)`.
//!
//! `look` asks it before it looks for configuration files. It reads words in lines and understands no language.

/// What an argument is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Port,
    Ttl,
    Backends,
    Config,
}

/// An argument: the meaning, its name where it has one, the words that are handed over, and the unit of a TTL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) meaning: Meaning,
    pub(super) shown: String,
    pub(super) words: Vec<String>,
}

/// The TTL in the unit that a name tells.
pub(super) fn ttl_template(context: &str) -> &'static str {
    let lower = context.to_lowercase();
    if lower.contains("minut") || lower.contains("ttl_min") || lower.contains("min_ttl") {
        "{{ ttl_whole_minutes or 1 }}"
    } else if lower.contains("_ms") || lower.contains("milli") || lower.contains("-ms") {
        "{{ ttl_milliseconds or 60000 }}"
    } else {
        "{{ ttl_seconds or 60 }}"
    }
}

const EACH: &str = "{% for b in backends %}{{ b.address }}\n{% endfor %}";
const JOINED: &str = "{{ backends | map(attribute='address') | join(',') }}";

/// A word that somebody typed, with PORT, TTL and BACKENDS replaced.
pub(super) fn typed(word: &str) -> String {
    if word == "BACKENDS" {
        return EACH.to_owned();
    }
    word.replace("PORT", "{{ port }}").replace("BACKENDS", JOINED).replace("TTL", "{{ ttl_seconds or 60 }}")
}

fn meaning_of(words: &str) -> Option<Meaning> {
    let lower = words.to_lowercase();
    let has = |some: &[&str]| some.iter().any(|word| lower.contains(word));
    if has(&["ttl", "expir", "lifetime", "vida"]) {
        Some(Meaning::Ttl)
    } else if has(&["backend", "server", "servid", "upstream", "origin"]) {
        Some(Meaning::Backends)
    } else if has(&["conf"]) {
        Some(Meaning::Config)
    } else if has(&["port", "puerto"]) {
        Some(Meaning::Port)
    } else {
        None
    }
}

/// All arguments in their order; empty where the source says nothing that is understood.
pub(super) fn arguments(source: &str) -> Vec<Argument> {
    let named = parsed(source);
    if named.is_empty() { numbered(source) } else { named }
}

/// `add_argument("--port", ...)`.
fn parsed(source: &str) -> Vec<Argument> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("add_argument(") {
        let call = call_after(&source[at + "add_argument(".len()..]);
        let names: Vec<&str> = quoted(call).into_iter().collect();
        let Some(name) = names.iter().find(|name| name.starts_with("--")).or(names.first()) else { continue };
        // What it is for is said by its name, and by its help only where the name says nothing.
        let Some(meaning) = meaning_of(name) else { continue };
        let option = name.starts_with('-').then(|| (*name).to_owned());
        let value = match meaning {
            Meaning::Port => "{{ port }}".to_owned(),
            Meaning::Ttl => ttl_template(call).to_owned(),
            Meaning::Backends if call.contains("nargs") => EACH.to_owned(),
            Meaning::Backends if call.contains("append") => {
                let option = option.clone().unwrap_or_default();
                found.push(Argument {
                    meaning,
                    shown: (*name).to_owned(),
                    words: vec![format!(
                        "{{% for b in backends %}}{option}\n{{{{ b.address }}}}\n{{% endfor %}}"
                    )],
                });
                continue;
            }
            Meaning::Backends => JOINED.to_owned(),
            // Its default is the file that is rewritten.
            Meaning::Config => continue,
        };
        let words = option.into_iter().chain([value]).collect();
        found.push(Argument { meaning, shown: (*name).to_owned(), words });
    }
    found
}

/// Up to the bracket that closes the call.
fn call_after(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// The texts in quotes up to the first argument that is given by name.
fn quoted(call: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in call.split(',') {
        let part = part.trim();
        let Some(inner) = part
            .strip_prefix(['"', '\''])
            .and_then(|rest| rest.strip_suffix('"').or_else(|| rest.strip_suffix('\'')))
        else {
            break;
        };
        found.push(inner);
    }
    found
}

/// `sys.argv[1]`, `argv[2]`, `.nth(1)`, and the rest from an index on.
fn numbered(source: &str) -> Vec<Argument> {
    let mut found: Vec<(usize, Argument)> = Vec::new();
    let mut rest_from: Option<usize> = None;
    for line in source.lines() {
        let comment = line.trim_start();
        if comment.starts_with('#') || comment.starts_with("//") {
            continue;
        }
        for (opening, closing) in [("argv[", ']'), ("args[", ']'), (".nth(", ')')] {
            for (at, _) in line.match_indices(opening) {
                let inside = &line[at + opening.len()..];
                let Some(inside) = inside.find(closing).map(|end| &inside[..end]) else { continue };
                if let Some(start) = inside.strip_suffix(':').or_else(|| inside.strip_suffix("..")) {
                    rest_from = start.parse().ok().filter(|&start: &usize| start > 0).or(rest_from);
                    continue;
                }
                let Ok(place) = inside.parse::<usize>() else { continue };
                if place == 0 || found.iter().any(|(known, _)| *known == place) {
                    continue;
                }
                // The nearest word counts: two arguments may be read in one line.
                let before = &line[..at];
                let near = before.rsplit([';', ',', '{']).next().unwrap_or(before);
                let alone = line.matches(opening).count() == 1;
                let wider = || alone.then(|| meaning_of(line)).flatten();
                let Some(meaning) = meaning_of(near).or_else(wider) else { continue };
                let word = match meaning {
                    Meaning::Port => "{{ port }}",
                    Meaning::Ttl => ttl_template(line),
                    Meaning::Backends => JOINED,
                    Meaning::Config => continue,
                };
                let shown = format!("{place}");
                found.push((place, Argument { meaning, shown, words: vec![word.to_owned()] }));
            }
        }
        // C goes through what is left: `for (int i = 3; i < argc; i++)`.
        if line.contains("< argc")
            && let Some(start) = line.split('=').nth(1).and_then(|rest| rest.trim().split(';').next())
        {
            rest_from = start.trim().parse().ok().filter(|&start: &usize| start > 1).or(rest_from);
        }
    }
    found.sort_by_key(|(place, _)| *place);
    // A gap means that an argument was not understood: then none of them is certain.
    let whole = found.iter().enumerate().all(|(index, (place, _))| *place == index + 1);
    let mut arguments: Vec<Argument> =
        if whole { found.into_iter().map(|(_, argument)| argument).collect() } else { Vec::new() };
    if let Some(start) = rest_from.filter(|&start| start == arguments.len() + 1 && start > 1) {
        let shown = format!("{start}…");
        arguments.push(Argument { meaning: Meaning::Backends, shown, words: vec![EACH.to_owned()] });
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::{Meaning, arguments};

    fn meanings(source: &str) -> Vec<Meaning> {
        arguments(source).into_iter().map(|argument| argument.meaning).collect()
    }

    #[test]
    fn arguments_are_understood_by_their_names() {
        let python = "port = int(sys.argv[1])\nttl = float(sys.argv[2])\nservers = sys.argv[3:]\n";
        assert_eq!(meanings(python), [Meaning::Port, Meaning::Ttl, Meaning::Backends]);
        let c =
            "int port = atoi(argv[1]), ttl = atoi(argv[2]);\nfor (int i = 3; i < argc; i++) add(argv[i]);";
        assert_eq!(meanings(c), [Meaning::Port, Meaning::Ttl, Meaning::Backends]);
        let parsed = "p.add_argument('-p', '--port', type=int)\np.add_argument(\"--ttl-ms\", type=int)\n\
                      p.add_argument('--backend', action='append')\np.add_argument('--verbose')";
        assert_eq!(meanings(parsed), [Meaning::Port, Meaning::Ttl, Meaning::Backends]);
        assert_eq!(arguments(parsed)[1].words[1], "{{ ttl_milliseconds or 60000 }}");
    }

    #[test]
    fn a_gap_makes_all_of_them_uncertain() {
        assert_eq!(meanings("ttl = int(sys.argv[2])"), []);
        assert_eq!(meanings("# ttl = sys.argv[1]"), []);
        assert_eq!(meanings("Proxy(int(sys.argv[1]), float(sys.argv[2]), backends)"), []);
    }
}
