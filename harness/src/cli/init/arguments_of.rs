//! Which arguments a program takes: as its source reads them, as its usage names them, as its README calls it.
//!
//! `look` asks it for whole calls, the likeliest first, and each is tried. It reads words in lines and understands no language.

use super::files::TextFile;
use super::shown_calls::{example, usage};

/// What an argument is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Port,
    /// The address to listen on.
    Host,
    Ttl,
    Backends(Form),
    /// A file of settings, where it is named.
    Config(Option<String>),
    Log(Option<String>),
    Cache(Option<String>),
    /// Handed over as it is.
    Literal(String),
}

/// How several backends become arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One argument, with commas.
    Joined,
    /// An argument each.
    Each,
    /// An argument each, with the option in front of every one.
    EachWithOption,
}

/// An argument: its option or its place, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) option: Option<String>,
    pub(super) meaning: Meaning,
    /// As its unit is found out: the line that names it.
    pub(super) context: String,
}

/// All arguments of a call, and where that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) arguments: Vec<Argument>,
    /// A file, with what was read there.
    pub(super) seen_in: String,
}

impl Call {
    pub(super) fn has(&self, kind: fn(&Meaning) -> bool) -> Option<&Argument> {
        self.arguments.iter().find(|argument| kind(&argument.meaning))
    }

    /// How an argument is called in front of people: its option or its place.
    pub(super) fn shown(&self, argument: &Argument) -> String {
        let place = self.arguments.iter().position(|one| one == argument).unwrap_or(0) + 1;
        argument.option.clone().unwrap_or_else(|| place.to_string())
    }
}

/// The TTL in the unit that a name tells.
pub(super) fn ttl_template(context: &str) -> &'static str {
    let lower = context.to_lowercase();
    // Go wants the unit in it.
    if context.contains("flag.Duration") {
        "{{ ttl_seconds or 60 }}s"
    } else if lower.contains("float") && (lower.contains("minut") || lower.contains("ttl-min")) {
        "{{ ttl_minutes or 1 }}"
    } else if lower.contains("minut") || lower.contains("ttl_min") || lower.contains("min_ttl") {
        "{{ ttl_whole_minutes or 1 }}"
    } else if lower.contains("_ms")
        || lower.contains("milli")
        || lower.contains("milis")
        || lower.contains("-ms")
    {
        "{{ ttl_milliseconds or 60000 }}"
    } else {
        "{{ ttl_seconds or 60 }}"
    }
}

/// Whether a line of code that takes a value takes parts of a number too.
pub(super) fn takes_parts(code: &str) -> bool {
    ["float", "f64", "f32", "stod", "strtod", "atof", "double", "Double", "Number("]
        .iter()
        .any(|word| code.contains(word))
}

const EACH: &str = "{% for b in backends %}{{ b.address }}\n{% endfor %}";
pub(super) const JOINED: &str = "{{ backends | map(attribute='address') | join(',') }}";

impl Argument {
    /// The words that are handed over. `names` are the files for configuration, log and cache where the call names none.
    pub(super) fn words(&self, names: &[Option<&str>; 3]) -> Vec<String> {
        let file = |own: &Option<String>, place: usize, otherwise: &str| {
            own.clone().or_else(|| names[place].map(str::to_owned)).unwrap_or_else(|| otherwise.to_owned())
        };
        let value = match &self.meaning {
            Meaning::Port => "{{ port }}".to_owned(),
            Meaning::Host => "{{ host }}".to_owned(),
            Meaning::Ttl => ttl_template(&self.context).to_owned(),
            Meaning::Backends(Form::Joined) => JOINED.to_owned(),
            Meaning::Backends(Form::Each) => EACH.to_owned(),
            Meaning::Backends(Form::EachWithOption) => {
                let option = self.option.as_deref().unwrap_or_default();
                return vec![format!(
                    "{{% for b in backends %}}{option}\n{{{{ b.address }}}}\n{{% endfor %}}"
                )];
            }
            Meaning::Config(own) => file(own, 0, "proxy.conf"),
            Meaning::Log(own) => file(own, 1, "proxy.log"),
            Meaning::Cache(own) => file(own, 2, "cache"),
            Meaning::Literal(word) => word.clone(),
        };
        match &self.option {
            // `--port=8080`
            Some(option) if option.ends_with('=') => vec![format!("{option}{value}")],
            Some(option) => vec![option.clone(), value],
            None => vec![value],
        }
    }
}

/// A word that somebody typed, with PORT, TTL and BACKENDS replaced.
pub(super) fn typed(word: &str) -> Argument {
    let value = match word {
        "BACKENDS" => EACH.to_owned(),
        _ => word
            .replace("PORT", "{{ port }}")
            .replace("BACKENDS", JOINED)
            .replace("TTL", "{{ ttl_seconds or 60 }}"),
    };
    Argument { option: None, meaning: Meaning::Literal(value), context: word.to_owned() }
}

/// What a name says.
pub(super) fn meaning_of(words: &str) -> Option<Meaning> {
    let lower = words.to_lowercase();
    let has = |some: &[&str]| some.iter().any(|word| lower.contains(word));
    let port = has(&["port", "puerto"]) && !has(&["import", "support", "report"]);
    if has(&["ttl", "expir", "lifetime", "vida", "max_age", "max-age"]) {
        Some(Meaning::Ttl)
    } else if has(&["backend", "upstream", "origin", "servers", "servidores"])
        || !port && has(&["server", "servid"])
    {
        Some(Meaning::Backends(Form::Joined))
    } else if has(&["conf", "cfg"]) {
        Some(Meaning::Config(None))
    } else if port {
        Some(Meaning::Port)
    } else if lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word.starts_with("log") || word.ends_with("log"))
        || has(&["bitacora", "registro", "logfile"])
    {
        Some(Meaning::Log(None))
    } else if has(&["cache"]) && !has(&["size", "max", "tam", "num"]) {
        Some(Meaning::Cache(None))
    } else if has(&["host", "bind", "listen", "addr", "interfa"])
        || lower.trim_matches(['-', '<', '>']) == "ip"
    {
        Some(Meaning::Host)
    } else {
        None
    }
}

/// Every call that is thinkable, the likeliest first; the last takes no arguments at all. `product` is the name of the program.
pub(super) fn calls(
    sources: &[&TextFile],
    prose: &[&TextFile],
    entry: &str,
    product: Option<&str>,
    is_file: impl Fn(&str) -> bool,
) -> Vec<Call> {
    let mut examples: Vec<Call> = Vec::new();
    for file in prose {
        for line in file.text.lines() {
            if let Some(arguments) = example(line, entry, product, &is_file) {
                examples.push(Call { arguments, seen_in: file.name.clone() });
            }
        }
    }
    // The longest says most.
    examples.sort_by_key(|call| std::cmp::Reverse(call.arguments.len()));
    let usage = sources
        .iter()
        .find_map(|file| Some(Call { arguments: usage(&file.text)?, seen_in: file.name.clone() }));
    let mut found: Vec<Call> = Vec::new();
    let mut places: Vec<(usize, Argument)> = Vec::new();
    let mut rest_from = None;
    for file in sources {
        for arguments in [parsed(&file.code), flags(&file.code), options(&file.code), listed(&file.code)] {
            if !arguments.is_empty() && found.is_empty() {
                found.push(Call { arguments, seen_in: file.name.clone() });
            }
        }
        let (more, rest) = numbered(&file.code);
        places.extend(more);
        rest_from = rest_from.or(rest);
    }
    if found.is_empty() {
        // What the source leaves open, the usage or an example may say.
        let filled =
            [usage.as_ref(), examples.first()].into_iter().flatten().map(|call| call.arguments.as_slice());
        let arguments = in_order(places, rest_from, filled.collect());
        if !arguments.is_empty() {
            found.push(Call { arguments, seen_in: entry.to_owned() });
        }
    }
    found.extend(usage);
    found.extend(examples);
    found.push(Call::default());
    // A call that takes less may still be the right one; the same one twice is not tried twice.
    let mut kept: Vec<Call> = Vec::new();
    for call in found {
        if !kept.iter().any(|known| {
            known
                .arguments
                .iter()
                .map(|a| (&a.option, &a.meaning))
                .eq(call.arguments.iter().map(|a| (&a.option, &a.meaning)))
        }) {
            kept.push(call);
        }
    }
    kept
}

/// `add_argument("--port", ...)`.
fn parsed(source: &str) -> Vec<Argument> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("add_argument(") {
        let call = call_after(&source[at + "add_argument(".len()..]);
        let names: Vec<&str> = quoted(call).into_iter().collect();
        let Some(name) = names.iter().find(|name| name.starts_with("--")).or(names.first()) else { continue };
        let option = name.starts_with('-').then(|| (*name).to_owned());
        // What it is for is said by its name, and by its help only where the name says nothing.
        let Some(mut meaning) = meaning_of(name) else {
            if option.is_none() && !call.contains("nargs=\"?\"") && !call.contains("default") {
                // A place that must be taken.
                found.push(Argument {
                    option,
                    meaning: meaning_of(call).unwrap_or(Meaning::Literal("1".into())),
                    context: call.to_owned(),
                });
            }
            continue;
        };
        // A list of them that is a file has the name of one as its default.
        let default = call.split("default=").nth(1).and_then(|rest| rest.split(['"', '\'']).nth(1));
        if matches!(meaning, Meaning::Backends(_))
            && default.is_some_and(|file| file.contains('.') && !file.contains([':', ',']))
        {
            continue;
        }
        match meaning {
            Meaning::Backends(_) if call.contains("nargs") => meaning = Meaning::Backends(Form::Each),
            Meaning::Backends(_) if call.contains("append") => {
                meaning = Meaning::Backends(Form::EachWithOption);
            }
            // Its default is the file that is rewritten.
            Meaning::Config(_) | Meaning::Log(_) | Meaning::Cache(_) | Meaning::Host
                if option.is_some() && !call.contains("required=True") =>
            {
                continue;
            }
            _ => {}
        }
        found.push(Argument { option, meaning, context: call.to_owned() });
    }
    found
}

/// `flag.Int("p", 0, "port")` of Go.
fn flags(code: &str) -> Vec<Argument> {
    let mut found: Vec<Argument> = Vec::new();
    for line in code.lines().filter(|line| line.contains("flag.")) {
        let Some(name) = line.split('"').nth(1).filter(|name| !name.is_empty()) else { continue };
        let taken = ["flag.Int", "flag.Uint", "flag.Duration", "flag.String", "flag.Float"];
        if !taken.iter().any(|kind| line.contains(kind)) {
            continue;
        }
        let Some(meaning) = meaning_of(name).or_else(|| meaning_of(line)).or_else(|| of_letter(name)) else {
            continue;
        };
        // What has a default that is there, or is a file that is rewritten, need not be told.
        if matches!(meaning, Meaning::Config(_) | Meaning::Log(_) | Meaning::Cache(_) | Meaning::Host) {
            continue;
        }
        found.push(Argument { option: Some(format!("-{name}")), meaning, context: line.to_owned() });
    }
    found
}

/// The options that Python's `getopt` is given, where the source compares with none of them.
fn listed(code: &str) -> Vec<Argument> {
    let Some(line) =
        code.lines().find(|line| line.contains("getopt.getopt(") || line.contains("gnu_getopt("))
    else {
        return Vec::new();
    };
    let long = line.split(['"', '\'']).skip(1).step_by(2).filter_map(|name| name.strip_suffix('='));
    let with_meaning = long.filter_map(|name| Some((format!("--{name}="), meaning_of(name)?)));
    // Its unit is said where the value is taken.
    let taken =
        code.lines().filter(|line| line.to_lowercase().contains("ttl")).collect::<Vec<_>>().join("\n");
    let argument = |(option, meaning): (String, Meaning)| {
        let context = if meaning == Meaning::Ttl { taken.clone() } else { line.to_owned() };
        Argument { option: Some(option), meaning, context }
    };
    with_meaning
        .filter(|(_, meaning)| !matches!(meaning, Meaning::Log(_) | Meaning::Cache(_)))
        .map(argument)
        .collect()
}

/// What a letter stands for that says nothing else.
pub(super) fn of_letter(name: &str) -> Option<Meaning> {
    match name.trim_start_matches('-') {
        "t" => Some(Meaning::Ttl),
        "p" => Some(Meaning::Port),
        "b" => Some(Meaning::Backends(Form::Joined)),
        "c" | "f" => Some(Meaning::Config(None)),
        _ => None,
    }
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

/// The blanks that a line begins with.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Options that a source compares with, by hand or behind `getopt`: `"--port"`, `case 'p':`, `o == 'p'`.
fn options(code: &str) -> Vec<Argument> {
    let mut found: Vec<Argument> = Vec::new();
    let lines: Vec<&str> = code.lines().collect();
    let letters = getopt_letters(code);
    for (number, line) in lines.iter().enumerate() {
        let mut names: Vec<String> = Vec::new();
        for part in line.split(['"', '\'', '`']).skip(1).step_by(2) {
            let plain = part.len() > 1
                && part.starts_with('-')
                && part
                    .trim_end_matches('=')
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if plain && part.contains(|c: char| c.is_ascii_alphabetic()) {
                names.push(part.to_owned());
            }
        }
        if let Some(letter) = line.trim_start().strip_prefix("case '").and_then(|rest| rest.chars().next())
            && letters.contains(&letter)
        {
            names.push(format!("-{letter}"));
        }
        let compared = letters.iter().filter(|letter| line.contains(&format!("== '{letter}'")));
        names.extend(compared.map(|letter| format!("-{letter}")));
        // A usage says which there are; what is compared is read here.
        let compares =
            ["==", "case", "strcmp", "in (", "in [", "=>", "startswith", "starts_with", "elif", "if "]
                .iter()
                .any(|sign| line.contains(sign));
        if names.is_empty()
            || !compares
            || line.to_lowercase().contains("usage")
            || line.to_lowercase().contains("uso:")
        {
            continue;
        }
        let name = names.iter().find(|name| name.starts_with("--")).unwrap_or(&names[0]).clone();
        // Its value is taken in this line or in the next ones, up to the next option or the end of the block; a usage names all.
        let depth = indent(line);
        let until = lines[number + 1..]
            .iter()
            .position(|next| {
                let over =
                    !next.trim().is_empty() && indent(next) < depth || next.trim_start().starts_with('}');
                over || ["case '", "default:", "\"-", "'-", "else"].iter().any(|sign| next.contains(sign))
            })
            .unwrap_or(3)
            .min(3);
        let until = if line.trim_end().ends_with("break;") { 0 } else { until };
        let taken = lines[number..=(number + until).min(lines.len() - 1)].join("\n");
        let takes = [
            "optarg", "argv[", "args[", "next()", "arg[", "int(", "parse", "atoi", "value", "valor",
            "opt_arg", "split", "float(", "Number(",
        ]
        .iter()
        .any(|sign| taken.contains(sign));
        if !takes || found.iter().any(|known| known.option.as_ref() == Some(&name)) {
            continue;
        }
        let Some(mut meaning) = meaning_of(&name).or_else(|| meaning_of(&taken)) else { continue };
        if let Meaning::Backends(form) = &mut meaning
            && ["append", "push", "++", "add"].iter().any(|sign| taken.contains(sign))
            && !["split", "strtok"].iter().any(|sign| taken.contains(sign))
        {
            *form = Form::EachWithOption;
        }
        // A file that is not told keeps its default.
        if matches!(meaning, Meaning::Log(_) | Meaning::Cache(_) | Meaning::Host) {
            continue;
        }
        found.push(Argument { option: Some(name), meaning, context: taken });
    }
    found
}

/// The letters with a value in a text such as `"p:t:hc:"` behind `getopt`.
fn getopt_letters(code: &str) -> Vec<char> {
    let mut letters = Vec::new();
    for (at, _) in code.match_indices("getopt") {
        let call: String = code[at..].chars().take(160).collect();
        let Some(list) = call.split('"').nth(1).or_else(|| call.split('\'').nth(1)) else { continue };
        let signs: Vec<char> = list.chars().collect();
        letters.extend(signs.windows(2).filter(|pair| pair[1] == ':').map(|pair| pair[0]));
    }
    letters
}

/// `sys.argv[1]`, `argv[2]`, `.nth(1)`, and from which on all the rest is read.
fn numbered(code: &str) -> (Vec<(usize, Argument)>, Option<usize>) {
    let mut found: Vec<(usize, Argument)> = Vec::new();
    let mut rest_from: Option<usize> = None;
    // `const [,, port, ttl] = process.argv` and Java's `args[0]` count otherwise.
    let shift = |opening: &str| match opening {
        "process.argv[" => 1,
        "args[" if code.contains("static void main(") => -1,
        "Args[" => 0,
        _ => 0,
    };
    for line in code.lines() {
        for (opening, closing) in [
            ("argv[", ']'),
            ("args[", ']'),
            ("Args[", ']'),
            (".nth(", ')'),
            ("argv.get(", ')'),
            ("args.get(", ')'),
        ] {
            for (at, _) in line.match_indices(opening) {
                let inside = &line[at + opening.len()..];
                let Some(inside) = inside.find(closing).map(|end| &inside[..end]) else { continue };
                if let Some(start) = inside.strip_suffix(':').or_else(|| inside.strip_suffix("..")) {
                    rest_from = start.parse().ok().filter(|&start: &usize| start > 0).or(rest_from);
                    continue;
                }
                let Ok(place) = inside.trim().parse::<i64>() else { continue };
                let node = line[..at].ends_with("process.");
                let place = place - if node { shift("process.argv[") } else { shift(opening) };
                let Ok(place) = usize::try_from(place) else { continue };
                let before = &line[..at];
                if place == 0
                    || before.contains("rintf")
                    || before.contains("print(")
                    || before.contains("println")
                {
                    continue;
                }
                // The nearest word counts: two arguments may be read in one line.
                let near = before.rsplit([';', ',', '{']).next().unwrap_or(before);
                let alone = line.matches(opening).count() == 1;
                let wider = || alone.then(|| meaning_of(line)).flatten();
                let Some(meaning) = meaning_of(near).or_else(wider) else { continue };
                if !found.iter().any(|(known, _)| *known == place) {
                    found.push((place, Argument { option: None, meaning, context: line.to_owned() }));
                }
            }
        }
        // C goes through what is left: `for (int i = 3; i < argc; i++)`.
        if line.contains("< argc")
            && let Some(start) = line.split('=').nth(1).and_then(|rest| rest.trim().split(';').next())
        {
            rest_from = start.trim().parse().ok().filter(|&start: &usize| start > 0).or(rest_from);
        }
        // `args.slice(2)`, `.skip(3)`
        for (opening, less) in [("args.slice(", 0), ("argv.slice(", 1), (".skip(", 0)] {
            if let Some(at) = line.find(opening) {
                let digits: String =
                    line[at + opening.len()..].chars().take_while(char::is_ascii_digit).collect();
                rest_from = digits
                    .parse::<usize>()
                    .ok()
                    .map(|start| start.saturating_sub(less))
                    .filter(|&start| start > 1)
                    .or(rest_from);
            }
        }
    }
    (found, rest_from)
}

/// The numbered arguments as a whole; a gap that nothing fills makes all of them uncertain.
fn in_order(
    mut found: Vec<(usize, Argument)>,
    rest_from: Option<usize>,
    others: Vec<&[Argument]>,
) -> Vec<Argument> {
    found.sort_by_key(|(place, _)| *place);
    found.dedup_by_key(|(place, _)| *place);
    let last = found.last().map_or(0, |(place, _)| *place);
    let until = rest_from.map_or(last, |start| start.saturating_sub(1).max(last));
    let mut arguments = Vec::new();
    for place in 1..=until {
        let own = found.iter().find(|(known, _)| *known == place).map(|(_, argument)| argument.clone());
        let other =
            || others.iter().find_map(|call| call.get(place - 1).filter(|a| a.option.is_none()).cloned());
        let Some(mut argument) = own.or_else(other) else { return Vec::new() };
        // A file that an example names is there.
        if let Some(named) = others.iter().find_map(|call| call.get(place - 1)) {
            if matches!((&argument.meaning, &named.meaning), (Meaning::Backends(_), Meaning::Config(Some(_))))
            {
                argument.meaning = named.meaning.clone();
            }
            match (&mut argument.meaning, &named.meaning) {
                (Meaning::Config(own), Meaning::Config(other))
                | (Meaning::Log(own), Meaning::Log(other))
                | (Meaning::Cache(own), Meaning::Cache(other))
                    if own.is_none() =>
                {
                    own.clone_from(other);
                }
                // Its unit may be said there alone.
                (Meaning::Ttl, Meaning::Ttl) => {
                    argument.context = format!("{} {}", argument.context, named.context);
                }
                _ => {}
            }
        }
        arguments.push(argument);
    }
    if rest_from.is_some_and(|start| start == arguments.len() + 1 && start > 1) {
        arguments.push(Argument {
            option: None,
            meaning: Meaning::Backends(Form::Each),
            context: String::new(),
        });
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls_of(name: &str, source: &str, readme: &str) -> Vec<Vec<String>> {
        let (source, readme) =
            (TextFile::new(name.into(), source.into()), TextFile::new("README.md".into(), readme.into()));
        let product = name.ends_with(".c").then_some("pibl");
        calls(&[&source], &[&readme], name, product, |word| word == "pibl.conf")
            .iter()
            .map(|call| call.arguments.iter().flat_map(|argument| argument.words(&[None; 3])).collect())
            .collect()
    }

    #[test]
    fn arguments_are_understood_by_their_names() {
        let wanted = ["{{ port }}", "{{ ttl_seconds or 60 }}", EACH];
        let python = "port = int(sys.argv[1])\nttl = float(sys.argv[2])\nservers = sys.argv[3:]\n";
        assert_eq!(calls_of("p.py", python, "")[0], wanted);
        let c =
            "int port = atoi(argv[1]), ttl = atoi(argv[2]);\nfor (int i = 3; i < argc; i++) add(argv[i]);";
        assert_eq!(calls_of("p.c", c, "")[0], wanted);
        let parsed = "p.add_argument('-p', '--port', type=int)\np.add_argument(\"--ttl-ms\", type=int)\n\
                      p.add_argument('--backend', action='append')\np.add_argument('--verbose')";
        let found = &calls_of("p.py", parsed, "")[0];
        assert_eq!(found[..4], ["--port", "{{ port }}", "--ttl-ms", "{{ ttl_milliseconds or 60000 }}"]);
    }

    #[test]
    fn a_gap_is_filled_by_the_usage_or_makes_all_of_them_uncertain() {
        assert_eq!(calls_of("p.py", "ttl = int(sys.argv[2])", "")[0], Vec::<String>::new());
        assert_eq!(calls_of("p.py", "# ttl = sys.argv[1]", "")[0], Vec::<String>::new());
        assert_eq!(
            calls_of("p.py", "Proxy(int(sys.argv[1]), float(sys.argv[2]), backends)", "")[0],
            Vec::<String>::new()
        );
        let c = "printf(\"Uso: %s <HTTP_PORT> <ConfigFile> <LogFile> <CacheTTL>\\n\", argv[0]);\nint p = atoi(argv[1]);";
        assert_eq!(
            calls_of("p.c", c, "")[0],
            ["{{ port }}", "proxy.conf", "proxy.log", "{{ ttl_seconds or 60 }}"]
        );
        let bare = "fprintf(stderr, \"uso: %s VIDA_EN_MILISEGUNDOS [config.csv]\\n\", argv[0]);\n";
        assert_eq!(calls_of("p.c", bare, "")[0], ["{{ ttl_milliseconds or 60000 }}", "proxy.conf"]);
        let minutes = "ttl = float(sys.argv[1]) * 60\nsys.exit(\"uso: python3 p.py MINUTOS_TTL\")\n";
        assert_eq!(calls_of("p.py", minutes, "")[0], ["{{ ttl_minutes or 1 }}"]);
    }

    #[test]
    fn options_are_read_from_getopt_and_from_comparisons() {
        let c = "while ((c = getopt(argc, argv, \"p:t:b:h\")) != -1) switch (c) {\ncase 'p': port = atoi(optarg); break;\n\
                 case 't': ttl = atoi(optarg); break;\ncase 'b': add_backend(optarg); break;\ncase 'h': usage();\n";
        let each = "{% for b in backends %}-b\n{{ b.address }}\n{% endfor %}";
        assert_eq!(calls_of("p.c", c, "")[0], ["-p", "{{ port }}", "-t", "{{ ttl_seconds or 60 }}", each]);
        let last = "while ((o = getopt(argc, argv, \"c:d:\")) != -1) switch (o) {\ncase 'c': conf = optarg; break;\ncase 'd': dir = optarg; break;\n\
                    default: fprintf(stderr, \"uso: %s [-c pibl.conf] [-d carpeta]\\n\", argv[0]); return 2;\n}\nif (leer_config(conf, &cfg)) return 1;\n";
        assert!(!calls_of("p.c", last, "")[0].contains(&"-d".to_owned()), "{:?}", calls_of("p.c", last, ""));
        let compared = "while ((o = getopt(argc, argv, \"t:c:l:h\")) != -1) {\n    if (o == 't') ttl = atof(optarg);\n    else if (o == 'c') cf = optarg;\n\
                        else { printf(\"uso: %s [-t ttl] [-c conf] [-l log]\\n\", argv[0]); return 1; }\n}\nconfig(cf);\n";
        assert_eq!(calls_of("p.c", compared, "")[0][..2], ["-t", "{{ ttl_seconds or 60 }}"]);
        let rust = "match a.as_str() {\n \"--port\" => port = args.next().unwrap().parse().unwrap(),\n \"--ttl\" => ttl = args.next(),\n";
        assert_eq!(
            calls_of("p.c", rust, "")[0],
            ["--port", "{{ port }}", "--ttl", "{{ ttl_seconds or 60 }}"]
        );
    }

    #[test]
    fn what_stands_behind_the_block_of_an_option_is_not_its_value() {
        let c = "for (int i = 1; i < argc; i++) {\n    if (!strcmp(argv[i], \"-p\")) port = atoi(argv[++i]);\n    if (!strcmp(what, \"-d\")) debug = 1;\n}\nif (load(argv[1], parse)) return 1;\n";
        assert_eq!(calls_of("p.c", c, "")[0], ["-p", "{{ port }}"]);
        let python =
            "for o in sys.argv:\n    if o == \"-d\":\n        directory = True\nTTL = int(sys.argv[1])\n";
        assert!(calls_of("p.py", python, "").iter().all(|call| !call.contains(&"-d".to_owned())));
    }

    #[test]
    fn a_readme_shows_a_whole_call() {
        let found =
            calls_of("pibl.c", "", "```\ngcc pibl.c -o pibl\n$ ./pibl 8080 pibl.conf pibl.log 300\n```\n");
        assert_eq!(found[0], ["{{ port }}", "pibl.conf", "pibl.log", "{{ ttl_seconds or 60 }}"]);
        let found = calls_of("pibl.c", "", "    ./pibl pibl.conf 60 80 pibl.log cache 10");
        assert_eq!(
            found[0],
            ["pibl.conf", "{{ ttl_seconds or 60 }}", "{{ port }}", "pibl.log", "cache", "10"]
        );
        let found = calls_of("p.py", "", "Run `python3 p.py -p 9000 127.0.0.1:1 127.0.0.1:2 &`");
        assert_eq!(found[0], ["-p", "{{ port }}", EACH]);
        let found = calls_of("p.py", "", "ttl en milisegundos: python3 p.py -t 60000 (y lo que pregunta)");
        assert_eq!(found[0], ["-t", "{{ ttl_milliseconds or 60000 }}"]);
        let found =
            calls_of("pibl.c", "", "    ./pibl 30000            # vida del caché: 30000 MILISEGUNDOS (30 s)");
        assert_eq!(found[0], ["{{ ttl_milliseconds or 60000 }}"]);
        let found = calls_of("p.py", "", "python3 p.py 8080 y seguir el menu");
        assert_eq!(found[0], ["{{ port }}"]);
        let found = calls_of("p.py", "", "# python3 p.py [--conf=pibl.conf] [--ttl=60]");
        assert_eq!(found[0], ["--conf=pibl.conf", "--ttl={{ ttl_seconds or 60 }}"]);
    }

    #[test]
    fn options_are_read_from_the_libraries_of_go_and_python() {
        let go = "port := flag.Int(\"p\", 0, \"port\")\nttl := flag.Duration(\"ttl\", 30*time.Second, \"life\")\nv := flag.Bool(\"v\", false, \"\")";
        assert_eq!(calls_of("p.go", go, "")[0], ["-p", "{{ port }}", "-ttl", "{{ ttl_seconds or 60 }}s"]);
        let python = "opts, _ = getopt.getopt(sys.argv[1:], \"t:\", [\"ttl=\"])\nfor o, v in opts:\n    ttl_ms = float(v)\n";
        assert_eq!(calls_of("p.py", python, "")[0], ["--ttl={{ ttl_milliseconds or 60000 }}"]);
        let compared = "opts, _ = getopt.getopt(sys.argv[1:], \"t:h\", [\"ttl=\"])\nfor o, v in opts:\n    if o in (\"-t\", \"--ttl\"):\n        T = float(v)\n";
        assert_eq!(calls_of("p.py", compared, "")[0], ["--ttl", "{{ ttl_seconds or 60 }}"]);
        let minutes = "p.add_argument(\"--ttl-min\", type=float, default=5.0)\n";
        assert_eq!(calls_of("p.py", minutes, "")[0], ["--ttl-min", "{{ ttl_minutes or 1 }}"]);
    }
}
