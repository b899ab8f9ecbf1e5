//! Finds ports, TTLs and lists of backends in a text of any form: a configuration file, a module, a source.
//!
//! `look` asks it for literal pieces that a template can take the place of. It looks for the shape of values and for the words
//! that people give them, outside comments; what it finds is tried afterwards, so a wrong guess is seen at once.

use super::addresses::{Address, addresses, numbers_of_a_list};
use super::files::{TextFile, Tongue};

/// A piece of a text, and the template that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// To the letter.
    pub(super) text: String,
    /// What takes its place.
    pub(super) with: String,
}

impl Piece {
    /// From the beginning of the line's last word before `at` – so that it says what it is – up to `end`.
    fn of_number(file: &TextFile, from: usize, at: usize, end: usize, template: &str) -> Piece {
        Piece {
            text: file.text[from..end].to_owned(),
            with: format!("{}{template}", literal(&file.text[from..at])),
        }
    }
}

/// Text that a template hands on as it is.
pub(super) fn literal(text: &str) -> String {
    let mut escaped = text.to_owned();
    for opening in ["{{", "{%", "{#"] {
        if escaped.contains(opening) && !escaped.contains("{{ '") {
            escaped = escaped.replace(opening, &format!("{{{{ '{opening}' }}}}"));
        }
    }
    escaped
}

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

/// A list of backends: the pieces that tell it, and the port that all of them share where the list names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BackendList {
    pub(super) pieces: Vec<Piece>,
    pub(super) one_port: Option<u16>,
    /// How many there are in it.
    pub(super) count: usize,
}

/// All lists of a file, the likeliest first.
pub(super) fn backend_lists(file: &TextFile) -> Vec<BackendList> {
    let found = addresses(file);
    let mut lists: Vec<(i32, BackendList)> = Vec::new();
    let near = |one: &Address, two: &Address| {
        two.start - one.end <= 120
            && file.code[one.end..two.start].split_whitespace().map(str::len).sum::<usize>() <= 60
    };
    for with_port in [true, false] {
        let these: Vec<&Address> =
            found.iter().filter(|address| address.port.is_some() == with_port && !address.listens).collect();
        for group in these.chunk_by(|one, two| near(one, two)) {
            let distinct = group
                .iter()
                .map(|address| &file.code[address.start..address.end])
                .collect::<std::collections::BTreeSet<_>>()
                .len();
            if !with_port && (group.len() < 2 || distinct < 2)
                || group.iter().any(|address| address.is_name) && group.len() < 2
            {
                continue;
            }
            let mut pieces = vec![list(file, group)];
            pieces.extend(count_piece(file, group[0].start, group.len()));
            let before = file.code[..group[0].start].rfind('=').map_or("", |at| {
                let line = file.code[..at].rfind('\n').map_or(0, |found| found + 1);
                &file.code[line..at]
            });
            let named = ["backend", "serv", "upstream", "origin", "node", "pool", "target", "dest", "app"]
                .iter()
                .any(|word| {
                    before.to_lowercase().contains(word)
                        || file.code[..group[0].start]
                            .lines()
                            .last()
                            .unwrap_or("")
                            .to_lowercase()
                            .contains(word)
                });
            let score = if named { 4 } else { 0 }
                + if group.len() > 1 { 4 } else { 0 }
                + if with_port { 2 } else { 0 };
            let one_port = (!with_port).then_some(80);
            let mut made = BackendList { pieces, one_port, count: group.len() };
            if !with_port && let Some(numbers) = numbers_of_a_list(file, group.len()) {
                // Hosts in one array, ports in another.
                made.pieces.push(ports_piece(file, &numbers));
                made.one_port = None;
            }
            lists.push((score, made));
        }
    }
    if lists.is_empty()
        && let Some(numbers) = numbers_of_a_list(file, 0)
    {
        // Ports alone: all of them on this machine.
        let mut pieces = vec![ports_piece(file, &numbers)];
        pieces.extend(count_piece(file, numbers[0].0, numbers.len()));
        lists.push((1, BackendList { pieces, one_port: None, count: numbers.len() }));
    }
    lists.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    lists.into_iter().map(|(_, list)| list).collect()
}

/// From the first address to the last, as a loop, with what stands between them kept as it is.
fn list(file: &TextFile, group: &[&Address]) -> Piece {
    let text = &file.text;
    let (first, last) = (group[0], group[group.len() - 1]);
    let gaps: Vec<&str> = group.windows(2).map(|pair| &text[pair[0].end..pair[1].start]).collect();
    let betweens: Vec<&str> =
        group.iter().filter_map(|address| Some(&text[address.start + address.host..address.port?])).collect();
    let line = text[..first.start].rfind('\n').map_or(0, |found| found + 1);
    let gap = gaps.first().copied().unwrap_or(if text[line..first.start].contains(['"', '\'']) {
        "\", \""
    } else {
        ","
    });
    // What counts on in a third place counts on in all; with two there are the lines in front of the first to compare with.
    let gap = match gaps.get(1) {
        Some(next) => numbered(gap, next),
        None => counted_from(gap, &text[..first.start]),
    };
    let host = if first.commas { "{{ b.host | replace('.', ', ') }}" } else { "{{ b.host }}" };
    let one = match betweens.first() {
        Some(between) => format!(
            "{host}{}{{{{ b.port }}}}",
            numbered(between, betweens.get(1).copied().unwrap_or(between))
        ),
        None => host.to_owned(),
    };
    let with =
        format!("{{% for b in backends %}}{one}{{% if not loop.last +%}}{gap}{{%+ endif %}}{{% endfor %}}");
    Piece { text: text[first.start..last.end].to_owned(), with }
}

fn ports_piece(file: &TextFile, numbers: &[(usize, usize)]) -> Piece {
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    let gap = file.text[first.1..numbers[1].0].to_owned();
    let line = file.text[..first.0].rfind(['\n', '[', '{', '(', '=']).map_or(0, |found| found + 1);
    let line = file.text[..line].rfind('\n').map_or(0, |found| found + 1);
    let head = literal(&file.text[line..first.0]);
    let with = format!(
        "{head}{{% for b in backends %}}{{{{ b.port }}}}{{% if not loop.last +%}}{gap}{{%+ endif %}}{{% endfor %}}"
    );
    Piece { text: file.text[line..last.1].to_owned(), with }
}

/// The length of an array where it stands in front of it: `[&str; 3] = [`, `servers[3] = {`.
fn count_piece(file: &TextFile, at: usize, count: usize) -> Option<Piece> {
    let from = file.code[..at].char_indices().rev().nth(160).map_or(0, |(place, _)| place);
    let head = &file.code[from..at];
    let equals = head.rfind('=')?;
    let line = head[..equals].rfind('\n').map_or(0, |found| found + 1);
    let declared = &head[line..equals];
    let digits = count.to_string();
    let place = [format!("; {digits}]"), format!(";{digits}]"), format!("[{digits}]")]
        .iter()
        .find_map(|form| Some(declared.find(form.as_str())? + form.find(&digits)?))?;
    let text = &file.text[from + line..from + equals];
    Some(Piece {
        text: text[..place + digits.len() + 1].to_owned(),
        with: format!("{}{{{{ backends | length }}}}]", literal(&text[..place])),
    })
}

/// The gap between two, compared with as many lines in front of the first as look the same.
fn counted_from(gap: &str, before: &str) -> String {
    let whole: Vec<usize> = std::iter::once(0).chain(gap.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let same = |one: &str, other: &str| {
        let shape = |text: &str| {
            text.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<String>()
        };
        shape(one) == shape(other)
    };
    for begin in whole {
        let tail = &gap[begin..];
        // As many lines in front of the first address.
        let lines = tail.matches('\n').count();
        let starts = before.rmatch_indices('\n').map(|(at, _)| at + 1).chain([0]).nth(lines);
        if let Some(head) = starts.map(|start| &before[start..]).filter(|head| same(tail, head)) {
            return literal(&gap[..begin]) + &numbered(tail, head);
        }
    }
    literal(gap)
}

/// A text in which the numbers that are one more in the next one (or one less in the one before) count on in a loop.
fn numbered(one: &str, next: &str) -> String {
    let tokens = |text: &str| -> Vec<String> {
        let mut tokens: Vec<String> = Vec::new();
        for c in text.chars() {
            match tokens.last_mut() {
                Some(last) if c.is_ascii_digit() && last.ends_with(|c: char| c.is_ascii_digit()) => {
                    last.push(c);
                }
                Some(last) if !c.is_ascii_digit() && !last.ends_with(|c: char| c.is_ascii_digit()) => {
                    last.push(c);
                }
                _ => tokens.push(c.to_string()),
            }
        }
        tokens
    };
    let (ours, theirs) = (tokens(one), tokens(next));
    if ours.len() != theirs.len() {
        return literal(one);
    }
    let mut text = String::new();
    for (our, their) in ours.iter().zip(&theirs) {
        match (our.parse::<i64>(), their.parse::<i64>()) {
            (Ok(our), Ok(their)) if (our - their).abs() == 1 => {
                // In the first round of the loop it is what stands in the first place.
                text.push_str(&match our - 1 {
                    0 => "{{ loop.index }}".to_owned(),
                    shift => format!("{{{{ loop.index + {shift} }}}}"),
                });
            }
            _ => text.push_str(&literal(our)),
        }
    }
    text
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

    #[test]
    fn a_list_of_backends_is_found_in_any_form_and_becomes_a_loop() {
        for (name, text, region, inside) in [
            (
                "a.py",
                "b = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]",
                "127.0.0.1:9001\", \"127.0.0.1:9002",
                "\", \"",
            ),
            (
                "a.py",
                "S = [('localhost', 9001), ('localhost', 9002)]",
                "localhost', 9001), ('localhost', 9002",
                "), ('",
            ),
            (
                "a.conf",
                "backend=10.0.0.1 80\nbackend=10.0.0.2 80\n",
                "10.0.0.1 80\nbackend=10.0.0.2 80",
                "\nbackend=",
            ),
            (
                "a.csv",
                "puerto,8080\nservidor,10.0.0.1,80\nservidor,10.0.0.2,80\n",
                "10.0.0.1,80\nservidor,10.0.0.2,80",
                "\nservidor,",
            ),
            (
                "a.conf",
                "s1=10.0.0.1:80\ns2=10.0.0.2:80\n",
                "10.0.0.1:80\ns2=10.0.0.2:80",
                "\ns{{ loop.index + 1 }}=",
            ),
            (
                "a.conf",
                "s1_ip=10.0.0.1\ns1_port=80\ns2_ip=10.0.0.2\ns2_port=80\n",
                "10.0.0.1\ns1_port=80\ns2_ip=10.0.0.2\ns2_port=80",
                "}\ns{{ loop.index }}_port={",
            ),
            (
                "a.cfg",
                "[s1]\nip=10.0.0.1\nport=80\n\n[s2]\nip=10.0.0.2\nport=80\n",
                "10.0.0.1\nport=80\n\n[s2]\nip=10.0.0.2\nport=80",
                "\n\n[s{{ loop.index + 1 }}]\nip=",
            ),
            (
                "a.rs",
                "[([127, 0, 0, 1], 9001), ([127, 0, 0, 1], 9002)]",
                "127, 0, 0, 1], 9001), ([127, 0, 0, 1], 9002",
                "replace('.', ', ') }}], {{ b.port }}",
            ),
            (
                "a.py",
                "SERVERS = ['10.0.0.1', '10.0.0.2']\n",
                "10.0.0.1', '10.0.0.2",
                "{{ b.host }}{% if not loop.last +%}', '",
            ),
            (
                "a.json",
                "{\"host\": \"a.b.c\", \"port\": 81}, {\"host\": \"a.b.d\", \"port\": 81}",
                "a.b.c\", \"port\": 81}, {\"host\": \"a.b.d\", \"port\": 81",
                "\", \"port\": ",
            ),
            ("a.py", "PORTS = [9001, 9002]\n", "PORTS = [9001, 9002", "{{ b.port }}"),
        ] {
            let found = backend_lists(&file(name, text));
            let piece = &found.first().unwrap_or_else(|| panic!("{text}")).pieces[0];
            assert_eq!(piece.text, region);
            assert!(piece.with.contains(inside), "{}", piece.with);
        }
        assert_eq!(backend_lists(&file("a.py", "s.bind(('0.0.0.0', 8080))")), []);
        assert_eq!(backend_lists(&file("a.py", "# b = ['127.0.0.1:9001', '127.0.0.1:9002']")), []);
        let counted = &backend_lists(&file(
            "a.rs",
            "const B: [(&str, u16); 2] = [(\"127.0.0.1\", 9001), (\"127.0.0.1\", 9002)];",
        ))[0];
        assert_eq!(counted.pieces[1].with, "const B: [(&str, u16); {{ backends | length }}]");
    }
}
