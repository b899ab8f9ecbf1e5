//! Calls that somebody wrote down: the usage that a program prints, and the lines of a README, a script or a Makefile that start it.
//!
//! `arguments_of` asks it for what the source itself leaves open. It knows shapes of values and names of options.

use super::addresses::is_host;
use super::arguments_of::{Argument, Form, Meaning, meaning_of, of_letter};

/// `Uso: %s <HTTP_PORT> <ConfigFile> <LogFile> <CacheTTL>`: what stands in brackets, in its order.
pub(super) fn usage(source: &str) -> Option<Vec<Argument>> {
    let line = source.lines().find(|line| {
        let lower = line.to_lowercase();
        let says = ["usage", "uso:", "uso ", "modo de uso"].iter().any(|word| lower.contains(word));
        // Words in capitals alone may be any sentence.
        let bare = ["usage:", "uso:"].iter().any(|word| lower.contains(word)) && placeholder(line).is_some();
        says && line.contains(['<', '[']) || bare
    })?;
    let mut arguments = Vec::new();
    let mut rest = line;
    let mut option = None;
    while let Some((at, bare)) = next_place(rest) {
        // An option in front of its value: `--port <port>`.
        if let Some(word) =
            rest[..at].split_whitespace().last().filter(|word| word.starts_with('-') && word.len() > 1)
        {
            option = Some(word.to_owned());
        }
        if let Some(length) = bare {
            let word = &rest[at..at + length];
            rest = &rest[at + length..];
            let meaning = meaning_of(word).filter(|meaning| !matches!(meaning, Meaning::Backends(_)));
            arguments.extend(meaning.map(|meaning| Argument {
                option: option.take(),
                meaning,
                context: word.to_owned(),
            }));
            continue;
        }
        let close = if rest[at..].starts_with('<') { '>' } else { ']' };
        let Some(end) = rest[at..].find(close).map(|end| at + end) else { break };
        let inside = &rest[at + 1..end];
        rest = &rest[end + 1..];
        // `argv[0]`, `sys.argv[0]`, an index.
        if close == ']' && inside.chars().all(|c| c.is_ascii_digit()) {
            continue;
        }
        let optional = close == ']';
        let inside = inside.trim_matches(['[', ']', '<', '>']);
        let meaning = meaning_of(inside);
        let many = rest.starts_with("...")
            || rest.trim_start().starts_with("...")
            || inside.contains("...")
            || inside.contains('…');
        match meaning {
            Some(Meaning::Backends(_)) => {
                let last = arguments
                    .last()
                    .is_some_and(|argument: &Argument| matches!(argument.meaning, Meaning::Backends(_)));
                let form = if many || last { Form::Each } else { Form::Joined };
                if last {
                    arguments.pop();
                }
                arguments.push(Argument {
                    option: option.take(),
                    meaning: Meaning::Backends(form),
                    context: inside.to_owned(),
                });
            }
            Some(meaning) => {
                arguments.push(Argument { option: option.take(), meaning, context: inside.to_owned() });
            }
            None if optional => {}
            None => return None,
        }
    }
    (!arguments.is_empty()).then_some(arguments)
}

/// Where the next thing to be handed over stands: in brackets, or as a word in capitals of so many bytes.
fn next_place(text: &str) -> Option<(usize, Option<usize>)> {
    let bracket = text.find(['<', '[']);
    let bare = placeholder(text).filter(|(at, _)| bracket.is_none_or(|bracket| *at < bracket));
    bare.map(|(at, length)| (at, Some(length))).or(bracket.map(|at| (at, None)))
}

/// The first word in capitals that says what it stands for, `TTL_EN_SEGUNDOS`, and its length.
fn placeholder(text: &str) -> Option<(usize, usize)> {
    let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut from = 0;
    while let Some(begin) = text[from..].find(of_word).map(|at| from + at) {
        let end = text[begin..].find(|c: char| !of_word(c)).map_or(text.len(), |end| begin + end);
        let word = &text[begin..end];
        let capitals = word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if capitals && word.len() > 2 && meaning_of(word).is_some() {
            return Some((begin, word.len()));
        }
        from = end;
    }
    None
}

/// Words of a sentence, at which the words of a call end.
const OF_SENTENCES: [&str; 18] = [
    "y", "e", "o", "and", "or", "en", "in", "con", "with", "para", "to", "por", "luego", "then", "donde",
    "where", "desde", "from",
];

/// What is said behind a call, where that names its number once more with a unit of time: `30000  # 30000 milliseconds`.
fn said_of<'a>(line: &'a str, number: &str) -> Option<&'a str> {
    let said = line.split_once('#')?.1;
    let names_it = said.match_indices(number).any(|(at, _)| {
        let behind = said[at + number.len()..].trim_start().to_lowercase();
        ["ms", "mili", "milli", "seg", "sec", "min"].iter().any(|unit| behind.starts_with(unit))
    });
    names_it.then_some(said)
}

/// A line that calls the program: `./pibl 8080 pibl.conf pibl.log 300`, `python3 proxy.py --port 8080`.
pub(super) fn example(
    line: &str,
    entry: &str,
    product: Option<&str>,
    is_file: &impl Fn(&str) -> bool,
) -> Option<Vec<Argument>> {
    let name = entry.rsplit('/').next().unwrap_or(entry);
    let product = product.map(|product| product.rsplit('/').next().unwrap_or(product));
    let words: Vec<&str> = line
        .split('`')
        .find(|part| part.contains(name) || product.is_some_and(|p| part.contains(p)))
        .unwrap_or(line)
        .split_whitespace()
        .collect();
    let at = words.iter().position(|word| {
        let word = word.trim_start_matches(['$', '"', '\'']).trim_end_matches(['"', '\'']);
        let last = word.rsplit('/').next().unwrap_or(word);
        let program = product.is_some_and(|p| last == p && word.contains('/'))
            || product.is_some() && word.starts_with("./") && !last.contains('.')
            || word.ends_with("/$(TARGET)")
            || word.contains("/$(")
            || word.contains("/${");
        program || product.is_none() && last == name
    })?;
    // A compiler names its product too.
    if product.is_none() && at == 0
        || words[..at].iter().any(|word| ["gcc", "-o", "g++", "cc", "nano", "vim", "cat"].contains(word))
    {
        return None;
    }
    let mut arguments: Vec<Argument> = Vec::new();
    let mut option: Option<String> = None;
    for word in &words[at + 1..] {
        let word = word.trim_matches(['"', '\'', ')']);
        // `${1:-60}` is 60 where nothing is said.
        let word = word.split_once(":-").map_or(word, |(_, otherwise)| otherwise.trim_end_matches('}'));
        if ["&", "&&", "|", ">", "2>&1", "#", "\\", ";", "--"].contains(&word)
            || OF_SENTENCES.contains(&word.trim_end_matches([',', '.', ':']))
            || word.starts_with(['#', '>', '('])
        {
            break;
        }
        // `[--ttl=60]` may be left out, and is none of the words that stand for something.
        let word = match word.strip_prefix('[').filter(|rest| rest.starts_with('-')) {
            Some(rest) => rest.trim_end_matches(']'),
            None => word,
        };
        if word.starts_with('-') && word.len() > 1 && !word[1..].starts_with(|c: char| c.is_ascii_digit()) {
            if let Some(flag) = option.take() {
                arguments.push(Argument {
                    option: None,
                    meaning: Meaning::Literal(flag),
                    context: line.to_owned(),
                });
            }
            match word.split_once('=') {
                Some((name, value)) => arguments.push(Argument {
                    option: Some(format!("{name}=")),
                    meaning: valued(Some(name), value, is_file),
                    context: name.to_owned(),
                }),
                None => option = Some(word.to_owned()),
            }
            continue;
        }
        let placeholder = word.starts_with(['<', '[', '{', '$'])
            || word.chars().all(|c| c.is_ascii_uppercase() || c == '_') && word.len() > 2;
        let meaning = if placeholder {
            // What must not be handed over to the letter has to be understood.
            meaning_of(word).or_else(|| option.as_deref().and_then(meaning_of))?
        } else if said_of(line, word).is_some() {
            Meaning::Ttl
        } else {
            match valued(option.as_deref(), word, is_file) {
                // A second number is something else, such as how long a backend is waited for.
                Meaning::Ttl if option.is_none() && arguments.iter().any(by_its_place) => {
                    Meaning::Literal(word.to_owned())
                }
                meaning => meaning,
            }
        };
        let many = matches!(meaning, Meaning::Backends(_))
            && arguments.last().is_some_and(|last| matches!(last.meaning, Meaning::Backends(_)));
        if many {
            let form = if option.is_some() { Form::EachWithOption } else { Form::Each };
            if let Some(last) = arguments.last_mut() {
                last.meaning = Meaning::Backends(form);
            }
            option = None;
            continue;
        }
        // What is said in front of the call may name the unit.
        let context = match (&meaning, line.split(name).next()) {
            (Meaning::Ttl, _) if said_of(line, word).is_some() => {
                said_of(line, word).unwrap_or_default().to_owned()
            }
            (Meaning::Ttl, Some(said)) => format!("{said} {}", option.as_deref().unwrap_or_default()),
            _ => option.clone().unwrap_or_default(),
        };
        arguments.push(Argument { context, option: option.take(), meaning });
    }
    if let Some(flag) = option {
        arguments.push(Argument { option: None, meaning: Meaning::Literal(flag), context: line.to_owned() });
    }
    (!arguments.is_empty()).then_some(arguments)
}

/// Whether an argument without an option is the TTL.
fn by_its_place(argument: &Argument) -> bool {
    argument.option.is_none() && argument.meaning == Meaning::Ttl
}

/// Numbers that are seconds, though ports too.
const HOURS: [u32; 5] = [1200, 1800, 3600, 7200, 10_800];

/// What a value in an example is for: as its option says, or by its shape.
fn valued(option: Option<&str>, word: &str, is_file: &impl Fn(&str) -> bool) -> Meaning {
    let own = || Some(word.to_owned());
    // A letter decides where the shape of its value does not contradict.
    let by_letter = || option.and_then(of_letter).filter(|meaning| *meaning == Meaning::Ttl);
    match option.and_then(meaning_of).or_else(by_letter) {
        Some(Meaning::Config(_)) => return Meaning::Config(own()),
        Some(Meaning::Log(_)) => return Meaning::Log(own()),
        Some(Meaning::Cache(_)) => return Meaning::Cache(own()),
        // A file of them.
        Some(Meaning::Backends(_)) if is_file(word) => return Meaning::Config(own()),
        Some(Meaning::Port) if word.contains(':') => {}
        Some(Meaning::Ttl) if !word.starts_with(|c: char| c.is_ascii_digit()) => {}
        Some(meaning) => return meaning,
        None => {}
    }
    let lower = word.to_lowercase();
    let host = word.split([':', ',']).next().unwrap_or(word).trim_start_matches("http://");
    let ports = word.contains(':') && is_host(host) || word.contains(',') && is_host(host);
    match word.parse::<u32>() {
        _ if ports => Meaning::Backends(Form::Joined),
        Ok(80 | 443) => Meaning::Port,
        Ok(number) if (1024..=65_535).contains(&number) && !HOURS.contains(&number) => Meaning::Port,
        Ok(_) => Meaning::Ttl,
        Err(_) if is_file(word) && !lower.ends_with(".log") => Meaning::Config(own()),
        Err(_) if lower.ends_with(".log") || lower.contains("log.") => Meaning::Log(own()),
        Err(_) if lower.contains("cache") => Meaning::Cache(own()),
        Err(_)
            if [".conf", ".cfg", ".json", ".ini", ".toml", ".yaml", ".yml", ".csv", ".xml", ".env"]
                .iter()
                .any(|end| lower.ends_with(end)) =>
        {
            Meaning::Config(own())
        }
        Err(_) if word == "0.0.0.0" || word == "127.0.0.1" || word == "localhost" => Meaning::Host,
        Err(_) => Meaning::Literal(word.to_owned()),
    }
}
