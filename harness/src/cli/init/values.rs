//! Finds ports and TTLs in a text of any form: a configuration file, a module, a source.
//!
//! `look` asks it for literal pieces that a template can take the place of. It looks for the shape of values and for the words
//! that people give them, outside comments; what it finds is tried afterwards, so a wrong guess is seen at once.

use super::files::{TextFile, Tongue};
use super::lists::backend_lists;
use super::pieces::Piece;

/// A number with a name, somewhere in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) piece: Piece,
    pub(super) value: u64,
    /// The name and what stands up to the number and behind it: it may tell the unit.
    pub(super) context: String,
    pub(super) score: i32,
}

/// Numbers after one of these words: `PORT = 8080`, `"port": 8080`, `#define PUERTO 8080`, `TTL = Duration::from_secs(60)`.
fn numbers_after(file: &TextFile, words: &[&str], template: impl Fn(&str) -> String) -> Vec<Number> {
    let mut found: Vec<Number> = Vec::new();
    let mut begin = 0;
    for line in file.code.split_inclusive('\n') {
        let start = begin;
        begin += line.len();
        let lower = line.to_ascii_lowercase();
        let hits = words
            .iter()
            .flat_map(|word| lower.match_indices(word).map(|(at, _)| (at, word.len())))
            .collect::<Vec<_>>();
        for (at, length) in hits {
            let rest = &line[at + length..];
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            let name_end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
            let gap = &rest[name_end..];
            // A digit within a word is no number: `PORT: u16 = 8080`, and neither is a part of an address.
            let number_at = gap.char_indices().find(|&(place, c)| {
                c.is_ascii_digit()
                    && !gap[..place].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
                    && !is_dotted(&gap[place..])
            });
            let Some((number_at, _)) = number_at else { continue };
            let between = &gap[..number_at];
            if between.len() > 48
                || between != ">"
                    && between.contains(['[', ')', ';', '+', '-', '*', '\\', '<', '>', '%', '!'])
                || between.contains("==")
                || !(is_assignment(between) || between == "," && line[..at].trim().is_empty())
            {
                continue;
            }
            let name_start = line[..at].rfind(|c: char| !is_name(c)).map_or(0, |found| found + 1);
            let number = at + length + name_end + number_at;
            let end = number + expression(&line[number..]);
            let Some(value) = product(&line[number..end]) else { continue };
            let context = line[name_start..].trim_end().to_owned();
            let piece =
                Piece::of_number(file, start + name_start, start + number, start + end, &template(&context));
            if !found.iter().any(|known| known.piece.text == piece.text) {
                found.push(Number { piece, value, context, score: 0 });
            }
        }
    }
    found
}

/// `10.0.0.1`, but not `60.0`.
fn is_dotted(text: &str) -> bool {
    let dotted: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    dotted.matches('.').count() > 1
}

/// `=`, `:`, or blanks alone as in a `#define` and in some configuration files; types, quotes and calls may stand between.
fn is_assignment(between: &str) -> bool {
    between.contains(['=', ':'])
        // `<port>8080</port>`
        || between == ">"
        || between.starts_with(char::is_whitespace) && between.trim().is_empty()
        // `get("port", 8080)`
        || between.starts_with(['"', '\'']) && between.contains(',')
}

/// How far a number reaches, with what it is multiplied by: `5 * 60`, `60.0`, `60_000`.
fn expression(text: &str) -> usize {
    let number =
        |text: &str| text.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).count();
    let mut end = number(text);
    loop {
        let rest = &text[end..];
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        let Some(factor) = rest[blank..].strip_prefix('*') else { return end };
        let inner = factor.len() - factor.trim_start_matches(' ').len();
        let digits = number(&factor[inner..]);
        if digits == 0 {
            return end;
        }
        end += blank + 1 + inner + digits;
    }
}

fn product(expression: &str) -> Option<u64> {
    let factors = expression.split('*').map(|factor| factor.trim().replace('_', "").parse::<f64>().ok());
    let value: f64 = factors.collect::<Option<Vec<f64>>>()?.into_iter().product();
    Some(value as u64)
}

const PORT: &str = "{{ port }}";
/// Words of a port that is somebody else's.
const OF_OTHERS: [&str; 8] =
    ["backend", "remote", "upstream", "origin", "destin", "target", "dest_", "_dest"];
const OWN: [&str; 7] = ["listen", "proxy", "local", "escuch", "http_port", "http-port", "pibl"];

/// Ports on which it may listen, the likeliest first.
pub(super) fn ports(file: &TextFile) -> Vec<Number> {
    let mut found = numbers_after(file, &["port", "puerto", "listen", "escuch", "bind"], |_| PORT.to_owned());
    found.extend(bound(file));
    found.extend(alone(file));
    let lists = backend_lists(file);
    found.retain(|number| {
        let lower = number.context.to_lowercase();
        let of_a_backend =
            lists.iter().any(|list| list.pieces.iter().any(|piece| piece.text.contains(&number.piece.text)));
        (2..=65_535).contains(&number.value)
            && number.piece.text.trim_end().ends_with(|c: char| c.is_ascii_digit())
            && (!of_a_backend || number.score == -1)
            && !["import", "support", "report"].iter().any(|word| lower.starts_with(word))
    });
    for number in &mut found {
        let lower = number.context.to_lowercase();
        let name = number.piece.text.to_lowercase();
        let has = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
        number.score += if has(&OF_OTHERS, &name) { -8 } else { 0 };
        number.score += if has(&OWN, &name) { 3 } else { 0 };
        number.score +=
            if has(&["servers", "servidores", "admin", "metric", "timeout"], &lower) { -4 } else { 0 };
        number.score += if number.value < 80 { -4 } else { 0 };
        // The default of something that is told otherwise.
        number.score += if has(&["environ", "getenv", "argv", "default="], &lower) { -2 } else { 0 };
    }
    found.sort_by_key(|number| std::cmp::Reverse(number.score));
    found.dedup_by(|one, two| one.piece == two.piece);
    found
}

/// A configuration may give the port without a word, on a line of its own.
fn alone(file: &TextFile) -> Option<Number> {
    let line =
        file.code.lines().map(str::trim).find(|line| !line.is_empty()).filter(|_| file.is_configuration())?;
    let value = line.parse::<u64>().ok().filter(|value| (80..=65_535).contains(value))?;
    let piece = Piece { text: line.to_owned(), with: PORT.to_owned() };
    Some(Number { piece, value, context: line.to_owned(), score: -1 })
}

/// Calls that are handed the port, as numbers.
const BINDING: [&str; 15] = [
    ".bind(",
    "::bind(",
    "Server(",
    "ServerSocket(",
    "start_server(",
    "create_server(",
    "run_app(",
    "app.run(",
    "ListenAndServe(",
    "net.Listen(",
    "uvicorn.run(",
    "htons(",
    "make_server(",
    "InetSocketAddress(",
    ".listen(",
];

/// The port of a `bind` or of `htons`, where it stands there as a number.
fn bound(file: &TextFile) -> Vec<Number> {
    let mut found = Vec::new();
    for call in BINDING {
        // What Python and C hand to `listen` is the length of a queue.
        if call == ".listen(" && !matches!(file.tongue, Some(Tongue::Node)) {
            continue;
        }
        for (at, _) in file.code.match_indices(call) {
            let until = file.code[at..].find([';', '\n']).map_or(file.code.len(), |end| at + end);
            let until = if call == ".listen(" || call == "htons(" {
                until
            } else {
                (at + 120).min(file.code.len()).max(until)
            };
            let Some(inside) = file.code.get(at..until) else { continue };
            let number = inside.char_indices().find(|&(place, c)| {
                c.is_ascii_digit()
                    && !inside[..place]
                        .ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
                    && !is_dotted(&inside[place..])
                    && inside[place..].chars().take_while(char::is_ascii_digit).count() >= 2
            });
            let Some((place, _)) = number else { continue };
            // It stands in this call and not in the next one.
            let depth =
                inside[..place].matches('(').count() as i32 - inside[..place].matches(')').count() as i32;
            if depth < 1 || inside[..place].contains(';') {
                continue;
            }
            let digits = inside[place..].chars().take_while(char::is_ascii_digit).count();
            let Ok(value) = inside[place..place + digits].parse::<u64>() else { continue };
            // The nearest call behind `htons` says whose port it is.
            let next = |word: &str| file.code[at..].find(word).unwrap_or(usize::MAX);
            let connects = call == "htons(" && next("connect(") < next("bind(");
            let line = file.code[..at].rfind('\n').map_or(0, |found| found + 1);
            let context = file.code[line..at + place + digits].trim_start();
            let from = at + place + digits - context.len();
            let piece = Piece::of_number(file, from, at + place, at + place + digits, PORT);
            found.push(Number {
                piece,
                value,
                context: context.to_owned(),
                score: if connects { -12 } else { 2 },
            });
        }
    }
    found
}

const TTL: [&str; 12] = [
    "ttl",
    "expir",
    "tiempo_de_vida",
    "tiempo_vida",
    "tiempo_cache",
    "lifetime",
    "max_age",
    "maxage",
    "duracion",
    "cache_time",
    "vigencia",
    "cache_seconds",
];

/// Times to live, the likeliest first.
pub(super) fn ttls(file: &TextFile) -> Vec<Number> {
    let mut found = numbers_after(file, &TTL, |context| ttl_of(context).to_owned());
    found.retain(|number| number.value > 0 && !number.context.to_lowercase().contains("argv"));
    for number in &mut found {
        let lower = number.context.to_lowercase();
        number.score -= if ["get(", "getenv", "environ", "default"].iter().any(|word| lower.contains(word)) {
            2
        } else {
            0
        };
        number.score += if lower.contains("ttl") { 1 } else { 0 };
    }
    found.sort_by_key(|number| std::cmp::Reverse(number.score));
    found
}

/// The template of a TTL in the unit that its surroundings tell.
fn ttl_of(context: &str) -> &'static str {
    let lower = context.to_lowercase();
    let milliseconds =
        ["from_millis", "milliseconds(", "* 1000", "*1000"].iter().any(|word| lower.contains(word));
    if milliseconds { "{{ ttl_milliseconds or 60000 }}" } else { super::arguments_of::ttl_template(context) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> TextFile {
        TextFile::new(name.into(), text.into())
    }

    #[test]
    fn a_port_is_found_in_any_form() {
        for (name, text, piece) in [
            ("a.py", "PORT = 8080\n", "PORT = 8080"),
            ("a.json", "{\"port\": 8080, \"ttl\": 60}", "port\": 8080"),
            ("a.c", "#define PUERTO 8080", "PUERTO 8080"),
            ("a.conf", "listen_port=8080", "listen_port=8080"),
            ("a.conf", "listen = 0.0.0.0:8080", "listen = 0.0.0.0:8080"),
            ("a.rs", "const PORT: u16 = 8080;", "PORT: u16 = 8080"),
            ("a.xml", "<puerto>8080</puerto>", "puerto>8080"),
            ("a.csv", "puerto,8080\n", "puerto,8080"),
            ("a.txt", "8080\n10.0.0.1 8080\n10.0.0.2 8080\n", "8080"),
            ("a.py", "HTTPServer(('', 8000), H)", "HTTPServer(('', 8000"),
            ("a.js", "server.listen(3000, () => {})", "server.listen(3000"),
        ] {
            let found = ports(&file(name, text));
            assert_eq!(found.first().map(|number| number.piece.text.as_str()), Some(piece), "{text}");
            assert!(found[0].piece.with.ends_with("{{ port }}"), "{}", found[0].piece.with);
        }
        for text in ["import socket", "# port 8080", "port = int(sys.argv[1])", "s.listen(50)"] {
            assert_eq!(ports(&file("a.py", text)), [], "{text}");
        }
        let c = "to.sin_port = htons(80);\nconnect(fd, to);\nhere.sin_port = htons(9090);\nbind(s, here);";
        let found = ports(&file("a.c", c));
        assert_eq!((found[0].value, found[1].value), (9090, 80));
    }

    #[test]
    fn a_ttl_is_found_in_any_unit() {
        for (text, piece, with) in [
            ("CACHE_TTL = 60 * 5", "CACHE_TTL = 60 * 5", "CACHE_TTL = {{ ttl_seconds or 60 }}"),
            ("ttl_minutos = 5", "ttl_minutos = 5", "ttl_minutos = {{ ttl_whole_minutes or 1 }}"),
            (
                "const TTL: Duration = Duration::from_secs(60);",
                "TTL: Duration = Duration::from_secs(60",
                "TTL: Duration = Duration::from_secs({{ ttl_seconds or 60 }}",
            ),
            ("TTL = 60 * 1000", "TTL = 60 * 1000", "TTL = {{ ttl_milliseconds or 60000 }}"),
            ("\"cache_ttl\": 30,", "cache_ttl\": 30", "cache_ttl\": {{ ttl_seconds or 60 }}"),
        ] {
            let found = ttls(&file("a.rs", text));
            assert_eq!(
                found.first().map(|number| (number.piece.text.as_str(), number.piece.with.as_str())),
                Some((piece, with))
            );
        }
    }
}
