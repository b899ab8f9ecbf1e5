//! Whether two submissions share code, whatever was renamed: fingerprints of normalised tokens, winnowed.
//!
//! After S. Schleimer, D. Wilkerson and A. Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003. Names,
//! numbers and texts count as one token each, so that new names and new comments change nothing. It says what is alike, never why.

use std::collections::{BTreeMap, BTreeSet};

/// So many tokens in a row make a fingerprint: fewer are the idiom of a language.
const TOKENS: usize = 24;
/// Of so many fingerprints in a row the least is kept, so that any common run of 39 tokens is found.
const WINDOW: usize = 16;
/// From this share of the smaller submission on it is worth a look: programs that were written apart share less than a tenth.
const WORTH_A_LOOK: f64 = 0.3;
/// And from so many fingerprints on: a few are chance.
const FEWEST: usize = 12;
/// Words that shape a program; every other word is a name.
const KEYWORDS: [&str; 44] = [
    "and", "as", "async", "await", "break", "case", "catch", "class", "const", "continue", "def", "defer",
    "del", "do", "elif", "else", "enum", "except", "finally", "fn", "for", "func", "go", "goto", "if",
    "impl", "import", "in", "let", "match", "new", "not", "or", "raise", "return", "select", "struct",
    "switch", "throw", "try", "while", "with", "yield", "lambda",
];

/// Two submissions that share code.
#[derive(Clone, Debug, PartialEq)]
pub struct Alike {
    /// Their codes.
    pub codes: [String; 2],
    /// What they share, of the smaller one.
    pub share: f64,
}

/// The fingerprints of one file, with nothing that only its author's names and comments decide.
pub fn prints(language: &str, text: &str) -> BTreeSet<u64> {
    let tokens = tokens(language, text);
    let grams: Vec<u64> = tokens.windows(TOKENS).map(hash).collect();
    if grams.len() < WINDOW {
        return grams.iter().min().copied().into_iter().collect();
    }
    grams.windows(WINDOW).filter_map(|window| window.iter().min().copied()).collect()
}

/// The pairs that share code, the most alike first. What more than half of four teams or more have was given to all of them.
pub fn alike(teams: &[(String, BTreeSet<u64>)]) -> Vec<Alike> {
    let mut owners: BTreeMap<u64, usize> = BTreeMap::new();
    for print in teams.iter().flat_map(|(_, prints)| prints) {
        *owners.entry(*print).or_default() += 1;
    }
    let given =
        |print: &u64| teams.len() >= 4 && owners.get(print).is_some_and(|count| count * 2 > teams.len());
    let own: Vec<BTreeSet<u64>> = teams
        .iter()
        .map(|(_, prints)| prints.iter().copied().filter(|print| !given(print)).collect())
        .collect();
    let mut found = Vec::new();
    for (place, one) in own.iter().enumerate() {
        for (other, two) in own.iter().enumerate().skip(place + 1) {
            let shared = one.intersection(two).count();
            let share = shared as f64 / one.len().min(two.len()).max(1) as f64;
            if shared >= FEWEST && share >= WORTH_A_LOOK {
                found.push(Alike { codes: [teams[place].0.clone(), teams[other].0.clone()], share });
            }
        }
    }
    found.sort_by(|one, two| two.share.total_cmp(&one.share));
    found
}

/// FNV-1a: the same in every version of the program, since fingerprints are kept from one call to the next.
fn hash(tokens: &[String]) -> u64 {
    let bytes = tokens.iter().flat_map(|token| token.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The tokens of a text: `n` for a name, `0` for a number, `"` for a text; keywords and signs as they are.
fn tokens(language: &str, text: &str) -> Vec<String> {
    let hash_comments = matches!(language, "Python" | "Ruby" | "PHP");
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let comment = rest.starts_with("//") && language != "Python" || hash_comments && first == '#';
        let taken = if comment {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = &rest[..end];
            tokens.push(if KEYWORDS.contains(&word) { word.to_owned() } else { "n".to_owned() });
            end
        } else if first.is_ascii_digit() {
            tokens.push("0".to_owned());
            rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_').unwrap_or(rest.len())
        } else if matches!(first, '"' | '\'' | '`') {
            tokens.push("\"".to_owned());
            quoted(rest, first)
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = rest.get(taken.max(1)..).unwrap_or("");
    }
    tokens
}

/// The length of a text in quotes, to the end of its line where nobody closes it; three quotes are one.
fn quoted(rest: &str, quote: char) -> usize {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    if rest.starts_with(&triple) {
        return rest[3..].find(&triple).map_or(rest.len(), |end| end + 6);
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return at,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"
def forward(request, servers, cache):
    # look into the cache first
    key = request.target
    if key in cache and cache[key].expires > time.time():
        return cache[key].body
    backend = servers[counter % len(servers)]
    with socket.create_connection((backend.host, backend.port), timeout=5) as upstream:
        upstream.sendall(request.head + request.body)
        answer = b""
        while True:
            chunk = upstream.recv(65536)
            if not chunk:
                break
            answer += chunk
    cache[key] = Entry(answer, time.time() + ttl)
    log.write("%s %s %d\n" % (backend.host, key, len(answer)))
    return answer

def serve(listener, servers, cache):
    while True:
        client, address = listener.accept()
        thread = threading.Thread(target=handle, args=(client, servers, cache))
        thread.daemon = True
        thread.start()
        for entry in list(cache.values()):
            if entry.expires < time.time() and not entry.busy:
                del cache[entry.key]
"#;
    const OTHER: &str = r#"
class Proxy:
    def __init__(self, path, ttl):
        self.ttl = ttl
        self.entries = {}
        self.lock = threading.Lock()
        with open(path) as lines:
            self.backends = [line.strip().split(":") for line in lines if line.strip()]

    def pick(self):
        with self.lock:
            chosen = self.backends.pop(0)
            self.backends.append(chosen)
            return chosen

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        found = self.entries.get(target)
        if found is None or found.age() > self.ttl:
            try:
                found = await self.fetch(self.pick(), head)
            except OSError as problem:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
                return
            self.entries[target] = found
        writer.write(found.bytes)
        await writer.drain()
"#;

    /// What somebody makes of it who wants it to look like his own.
    fn disguised(text: &str) -> String {
        let renamed = [
            ("servers", "equipos"),
            ("cache", "memoria"),
            ("backend", "destino"),
            ("key", "clave"),
            ("answer", "r"),
        ];
        let text = renamed.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let text = text.replace("    # look into the cache first\n", "").replace("65536", "4096");
        text.lines().map(|line| format!("{line}  # paso\n")).collect()
    }

    fn pair(one: &str, two: &str) -> Vec<Alike> {
        alike(&[("E01".to_owned(), prints("Python", one)), ("E02".to_owned(), prints("Python", two))])
    }

    #[test]
    fn a_copy_with_other_names_and_comments_is_found_and_another_program_is_not() {
        let found = pair(ONE, &disguised(ONE));
        assert_eq!((found.len(), found[0].share), (1, 1.0), "{found:?}");
        assert_eq!(pair(ONE, OTHER), []);
        let half = format!("{OTHER}\n{}", disguised(ONE));
        assert!(
            pair(ONE, &half).iter().any(|it| it.share > 0.9),
            "a part of the larger one is all of the smaller"
        );
    }

    #[test]
    fn what_was_given_to_all_is_nobodys_copy() {
        let team = |code: &str, own: &str| (code.to_owned(), prints("Python", &format!("{ONE}{own}")));
        let teams = [team("E01", ""), team("E02", OTHER), team("E03", ""), team("E04", "")];
        assert_eq!(alike(&teams), []);
    }

    #[test]
    fn hand_ins_that_nobody_copied_are_not_alike() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/untidy");
        let mut teams = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            let prints = super::super::read(&entry.path()).prints;
            teams.push((entry.file_name().to_string_lossy().into_owned(), prints));
        }
        assert!(teams.len() > 10, "the hand-ins are there: {teams:?}");
        assert_eq!(alike(&teams), []);
    }
}
