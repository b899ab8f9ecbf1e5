//! Addresses in a text: hosts with their ports, hosts alone, and lists of ports.
//!
//! `values` makes lists of backends of them. Only shapes are known here.

use super::files::TextFile;

/// A host, and its port where one follows. Places are bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) start: usize,
    /// Length of the host.
    pub(super) host: usize,
    /// Where its port begins.
    pub(super) port: Option<usize>,
    pub(super) end: usize,
    /// Whether it seems to be where the proxy itself listens.
    pub(super) listens: bool,
    /// Whether its numbers stand apart, as in `[127, 0, 0, 1]`.
    pub(super) commas: bool,
    /// Whether it is a plain name, which means something only in a list.
    pub(super) is_name: bool,
}

/// `10.0.0.1:80`, `("localhost", 9001)`, `{"host": "10.0.0.1", "port": 80}`, `10.0.0.1 80`, `[127, 0, 0, 1], 80`, `web1:80`.
pub(super) fn addresses(file: &TextFile) -> Vec<Address> {
    let text = file.code.as_str();
    let mut found: Vec<Address> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let step = rest.chars().next().map_or(1, char::len_utf8);
        let begins = rest.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if !begins {
            at += step;
            continue;
        }
        let apart = apart(rest);
        let word = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
            .unwrap_or(rest.len());
        let (host, commas) = apart.map_or((word, false), |length| (length, true));
        // In a source a name with dots is a host within quotes alone; elsewhere in it `c.mu.RLock` is a call.
        let line = text[..at].rfind('\n').map_or(0, |found| found + 1);
        let quotes = text[line..at].matches(['"', '\'', '`']).count();
        let is_code = file.tongue.is_some()
            && quotes.is_multiple_of(2)
            && !rest.starts_with(|c: char| c.is_ascii_digit());
        let known = commas || is_host(&rest[..host]) && !is_code;
        let port = port_after(&rest[host..]);
        // `web1:80` in quotes or in a list.
        let is_name = !known
            && rest[host..].starts_with(':')
            && port.is_some_and(|(at, _)| at == 1)
            && rest.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["http", "https", "port", "puerto", "ttl"].contains(&rest[..host].to_lowercase().as_str());
        if !known && !is_name {
            at += word.max(step);
            continue;
        }
        let before = text[line..at].to_lowercase();
        let listens = [
            "bind",
            "listen",
            "escuch",
            "httpserver(",
            "tcpserver(",
            "start_server(",
            "create_server(",
            "run(",
            "serversocket(",
        ]
        .iter()
        .any(|word| before.contains(word))
            || rest[..host] == *"0.0.0.0";
        let end = at + host + port.map_or(0, |(place, digits)| place + digits);
        found.push(Address {
            start: at,
            host,
            port: port.map(|(place, _)| at + host + place),
            end,
            listens,
            commas,
            is_name,
        });
        at = end;
    }
    found
}

/// The length of `127, 0, 0, 1`.
fn apart(text: &str) -> Option<usize> {
    let until = text.find([']', ')'])?;
    let parts: Vec<&str> = text[..until].split(',').collect();
    let all = parts.len() == 4 && parts.iter().all(|part| part.trim().parse::<u8>().is_ok());
    (all && until <= 24).then(|| text[..until].trim_end().len())
}

pub(super) fn is_host(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let dotted = parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    let named = parts.len() >= 3
        && word.contains(|c: char| c.is_ascii_alphabetic())
        && parts.iter().all(|part| !part.is_empty() && !part.contains('_'))
        && !["html", "txt", "conf", "json", "log", "py", "get", "path"].contains(parts.last().unwrap_or(&""));
    dotted || word == "localhost" || named
}

/// Where a port begins after a host, and its length: at most signs, and words that name a port, in between.
fn port_after(rest: &str) -> Option<(usize, usize)> {
    let mut at = None;
    for (place, c) in rest.char_indices().take(48) {
        // The number of a name: `server1_port`.
        if c.is_ascii_digit() && !rest[..place].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            at = Some(place);
            break;
        }
    }
    let at = at.filter(|&at| at > 0)?;
    let between = rest[..at].to_lowercase();
    let words = between.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let named = between.contains("port") || between.contains("puerto");
    let fits = words.clone().all(|word| {
        [
            "port", "puerto", "server", "servidor", "backend", "s", "b", "tcp", "app", "web", "node", "nodo",
            "upstream", "http", "u",
        ]
        .contains(&word)
    }) && (named || words.count() == 0);
    // The bracket of one address does not hold the port of another.
    let signs = between.chars().all(|c| {
        c.is_ascii_alphanumeric()
            || matches!(c, ' ' | ':' | ',' | '"' | '\'' | '=' | '_' | '\t' | ']' | ')' | '.' | '\r' | '\n')
    });
    let crosses = between.contains('\n') && !named;
    let digits = rest[at..].chars().take_while(char::is_ascii_digit).count();
    let ends = !rest[at + digits..].starts_with(|c: char| c == '.' || c.is_ascii_alphabetic());
    let is_port = (2..=5).contains(&digits) && rest[at..at + digits].parse::<u16>().is_ok();
    (fits && signs && !crosses && ends && is_port).then_some((at, digits))
}

/// The longest list of numbers that may be ports, `[9001, 9002, 9003]`; of this length where it is not zero.
pub(super) fn numbers_of_a_list(file: &TextFile, length: usize) -> Option<Vec<(usize, usize)>> {
    let text = file.code.as_str();
    let mut best: Option<Vec<(usize, usize)>> = None;
    for (open, _) in text.match_indices(['[', '{', '(']) {
        let Some(close) = text[open + 1..].find([']', '}', ')']).map(|end| open + 1 + end) else { continue };
        let mut at = open + 1;
        let mut numbers = Vec::new();
        for part in text[open + 1..close].split(',') {
            let from = at + part.len() - part.trim_start().len();
            let number = part.trim();
            at += part.len() + 1;
            if number.is_empty() {
                continue;
            }
            if number.parse::<u16>().is_ok_and(|port| port >= 80) {
                numbers.push((from, from + number.len()));
            } else {
                numbers.clear();
                break;
            }
        }
        let fits = if length == 0 { numbers.len() >= 2 } else { numbers.len() == length && length >= 2 };
        if fits && best.as_ref().is_none_or(|known| known.len() < numbers.len()) {
            best = Some(numbers);
        }
    }
    best
}
