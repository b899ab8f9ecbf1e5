//! Finds a port, a TTL and a list of backends in a text of any form: a configuration file, a module, a source.
//!
//! `look` asks it for literal pieces that a template can take the place of. It looks for the shape of values and for the words
//! that people give them; what it finds is tried afterwards, so a wrong guess is seen at once.

/// A piece of a text, and the template that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// To the letter.
    pub(super) text: String,
    /// What takes its place.
    pub(super) with: String,
}

/// A number after one of these words: `PORT = 8080`, `"port": 8080`, `#define PUERTO 8080`, `port=8080`.
pub(super) fn number_after(text: &str, words: &[&str], template: &str, refused: &[&str]) -> Option<Piece> {
    for line in text.lines() {
        let lower = line.to_lowercase();
        if is_comment(&lower) || refused.iter().any(|word| lower.contains(word)) {
            continue;
        }
        for word in words {
            let Some(at) = lower.find(word) else { continue };
            // Lower case may have another length than the line itself outside ASCII.
            if lower.len() != line.len() {
                continue;
            }
            let rest = &line[at + word.len()..];
            let name_end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let gap = &rest[name_end..];
            // A digit within a word is no number: `PORT: u16 = 8080`.
            let begins = |&at: &usize| !gap[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let digits = gap.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at);
            let number_at = { digits }.find(begins);
            let Some(number_at) = number_at.filter(|&at| {
                let between = &gap[..at];
                between.len() <= 24
                    && !between.contains(['(', ')', '.', ';', '+', '-', '*'])
                    && is_assignment(between)
            }) else {
                continue;
            };
            let digits = gap[number_at..].chars().take_while(char::is_ascii_digit).count();
            let start =
                line[..at].rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |found| found + 1);
            let number = at + word.len() + name_end + number_at;
            return Some(Piece {
                text: line[start..number + digits].to_owned(),
                with: format!("{}{template}", &line[start..number]),
            });
        }
    }
    None
}

/// `=`, `:`, or blanks alone as in a `#define` and in some configuration files; types and quotes may stand between.
fn is_assignment(between: &str) -> bool {
    between.contains(['=', ':']) || (!between.is_empty() && between.chars().all(char::is_whitespace))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    (line.starts_with('#') && !line.starts_with("#define")) || line.starts_with("//")
}

/// All backends as one piece: from the first address to the last, with what stands between them kept as it is.
pub(super) fn backends(text: &str) -> Option<Piece> {
    let found: Vec<Address> = addresses(text).into_iter().filter(|found| !found.listens).collect();
    let (first, last) = (found.first()?, found.last()?);
    // A text in which something else stands between them is not a list.
    let gaps: Vec<&str> = found.windows(2).map(|pair| &text[pair[0].end..pair[1].start]).collect();
    if gaps.iter().any(|gap| gap.len() > 80) {
        return None;
    }
    let between = &text[first.start + first.host..first.port_at];
    let gap = gaps.first().copied().unwrap_or(", ");
    let one = format!("{{{{ b.host }}}}{between}{{{{ b.port }}}}");
    let gap = numbered(gap, gaps.get(1).copied());
    let with =
        format!("{{% for b in backends %}}{one}{{% if not loop.last +%}}{gap}{{% endif %}}{{% endfor %}}");
    Some(Piece { text: text[first.start..last.end].to_owned(), with })
}

/// A gap whose second form differs by one number, as in `server1=… server2=…`, counts on.
fn numbered(gap: &str, next: Option<&str>) -> String {
    let Some(next) = next.filter(|next| *next != gap) else { return gap.to_owned() };
    let differs = gap.chars().zip(next.chars()).position(|(one, two)| one != two);
    let Some(at) = differs.filter(|&at| gap.chars().nth(at).is_some_and(|c| c.is_ascii_digit())) else {
        return gap.to_owned();
    };
    let (before, after): (String, String) =
        (gap.chars().take(at).collect(), gap.chars().skip(at + 1).collect());
    let digit = gap.chars().nth(at).and_then(|c| c.to_digit(10)).unwrap_or(2);
    // The gap after the first backend names the second one.
    let shift = i64::from(digit) - 1;
    format!("{before}{{{{ loop.index + {shift} }}}}{after}")
}

struct Address {
    start: usize,
    /// Length of the host.
    host: usize,
    port_at: usize,
    end: usize,
    /// Whether it seems to be where the proxy itself listens.
    listens: bool,
}

/// `10.0.0.1:80`, `("localhost", 9001)`, `{"host": "10.0.0.1", "port": 80}`, `10.0.0.1 80`.
fn addresses(text: &str) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let begins = rest.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        let step = rest.chars().next().map_or(1, char::len_utf8);
        if !begins {
            at += step;
            continue;
        }
        let host: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        let Some((port_at, port)) = is_host(&host).then(|| port_after(&rest[host.len()..])).flatten() else {
            at += host.len().max(step);
            continue;
        };
        let line = text[..at].rfind('\n').map_or(0, |found| found + 1);
        let before = text[line..at].to_lowercase();
        let listens =
            ["bind", "listen", "escuch"].iter().any(|word| before.contains(word)) || host == "0.0.0.0";
        let port_at = at + host.len() + port_at;
        found.push(Address { start: at, host: host.len(), port_at, end: port_at + port, listens });
        at = port_at + port;
    }
    found
}

fn is_host(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let dotted = parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    let named = parts.len() >= 3 && word.contains(|c: char| c.is_ascii_alphabetic()) && !word.ends_with('.');
    dotted || word == "localhost" || named
}

/// Where a port begins after a host, and its length: at most a few signs and the word `port` in between.
fn port_after(rest: &str) -> Option<(usize, usize)> {
    let at = rest.find(|c: char| c.is_ascii_digit())?;
    let between = rest[..at].to_lowercase();
    let digits = rest[at..].chars().take_while(char::is_ascii_digit).count();
    let plain: String = between.replace("port", "").replace("puerto", "");
    let signs = plain.chars().all(|c| matches!(c, ' ' | ':' | ',' | '"' | '\'' | '=' | '_' | '\t'));
    let is_port = (2..=5).contains(&digits) && rest[at..at + digits].parse::<u16>().is_ok();
    (at > 0 && at <= 24 && signs && is_port).then_some((at, digits))
}

#[cfg(test)]
mod tests {
    use super::{backends, number_after};

    #[test]
    fn a_port_is_found_in_any_form() {
        for (text, piece) in [
            ("PORT = 8080\n", "PORT = 8080"),
            ("{\"port\": 8080, \"ttl\": 60}", "port\": 8080"),
            ("#define PUERTO 8080", "PUERTO 8080"),
            ("listen_port=8080", "listen_port=8080"),
            ("const PORT: u16 = 8080;", "PORT: u16 = 8080"),
        ] {
            let found = number_after(text, &["port", "puerto"], "{{ port }}", &[]);
            let found = found.unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.text, piece, "{text}");
            assert!(found.with.ends_with("{{ port }}"), "{}", found.with);
        }
        assert_eq!(number_after("import socket", &["port"], "", &[]), None);
        assert_eq!(number_after("# port 8080", &["port"], "", &[]), None);
    }

    #[test]
    fn a_list_of_backends_is_found_in_any_form_and_becomes_a_loop() {
        for (text, region, gap) in [
            ("b = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]", "127.0.0.1:9001\", \"127.0.0.1:9002", "\", \""),
            (
                "S = [('localhost', 9001), ('localhost', 9002)]",
                "localhost', 9001), ('localhost', 9002",
                "), ('",
            ),
            ("backend=10.0.0.1 80\nbackend=10.0.0.2 80\n", "10.0.0.1 80\nbackend=10.0.0.2 80", "\nbackend="),
        ] {
            let piece = backends(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(piece.text, region);
            assert!(
                piece.with.contains(&format!("{{% if not loop.last +%}}{gap}{{% endif %}}")),
                "{}",
                piece.with
            );
        }
        let counted = backends("s1=10.0.0.1:80\ns2=10.0.0.2:80\ns3=10.0.0.3:80\n").unwrap();
        assert!(counted.with.contains("\ns{{ loop.index + 1 }}="), "{}", counted.with);
        assert_eq!(backends("s.bind(('0.0.0.0', 8080))"), None);
    }
}
