//! Lists of backends in a text of any form, each as a loop that takes its place.
//!
//! `look` asks it for what `addresses` sees of hosts and ports; what stands between two of a list stays as it is.

use super::addresses::{Address, addresses, numbers_of_a_list};
use super::files::TextFile;
use super::pieces::{Piece, literal};

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
        let these: Vec<&Address> = found
            .iter()
            .enumerate()
            .filter(|(place, address)| {
                let one_of_them = address.port.is_some() || leaves_its_port_out(file, &found, *place);
                one_of_them == with_port && !address.listens
            })
            .map(|(_, address)| address)
            .collect();
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

/// Whether an address without a port stands in a list of those that have one, where a default is meant: behind another one as that one
/// stands behind a third.
fn leaves_its_port_out(file: &TextFile, found: &[Address], place: usize) -> bool {
    let plain = |address: &Address| !address.listens && address.port.is_some();
    let gap = |two: usize| {
        let between = &file.text[found[two - 1].end..found[two].start];
        between.chars().filter(|c| !c.is_ascii_digit()).collect::<String>()
    };
    let alike = |two: usize| {
        let known = gap(two);
        // What closes a host that has no port stands in front.
        gap(place).ends_with(&known) && gap(place).len() <= known.len() + MOST_CLOSING
    };
    let mut pairs = (1..found.len()).filter(|&two| plain(&found[two - 1]) && plain(&found[two]));
    found[place].port.is_none() && !found[place].listens && place > 0 && pairs.any(alike)
}

/// A quote and a comma, at most, close a host that has no port.
const MOST_CLOSING: usize = 3;

/// How much behind an address belongs to it: what closes the host of one without a port, where others have closed it before theirs.
fn closing(file: &TextFile, address: &Address, complete: &Address) -> usize {
    let behind = file.text[complete.end..].trim_start().chars().next();
    let rest = &file.text[address.end..];
    let own = (0..=MOST_CLOSING).find(|&own| {
        rest.get(own..).is_some_and(|rest| behind.is_some_and(|sign| rest.trim_start().starts_with(sign)))
    });
    own.filter(|_| address.port.is_none() && complete.port.is_some()).unwrap_or(0)
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
    let end = last.end + closing(file, last, first);
    Piece { text: text[first.start..end].to_owned(), with }
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
            (
                "a.json",
                "[{\"host\": \"10.0.0.1\", \"port\": 80},\n {\"host\": \"10.0.0.2\", \"port\": 80},\n {\"host\": \"10.0.0.3\"}]",
                "10.0.0.1\", \"port\": 80},\n {\"host\": \"10.0.0.2\", \"port\": 80},\n {\"host\": \"10.0.0.3\"",
                "},\n {\"host\": \"",
            ),
            (
                "a.conf",
                "s1=10.0.0.1:80\ns2=10.0.0.2:81\ns3=10.0.0.3\nttl=1",
                "10.0.0.1:80\ns2=10.0.0.2:81\ns3=10.0.0.3",
                "\ns{{ loop.index + 1 }}=",
            ),
            ("a.py", "PORTS = [9001, 9002]\n", "PORTS = [9001, 9002", "{{ b.port }}"),
        ] {
            let found = backend_lists(&file(name, text));
            let piece = &found.first().unwrap_or_else(|| panic!("{text}")).pieces[0];
            assert_eq!(piece.text, region);
            assert!(piece.with.contains(inside), "{}", piece.with);
        }
        assert_eq!(backend_lists(&file("a.go", "\tc.mu.RLock()\n\tdefer c.mu.RUnlock()\n")), []);
        assert_eq!(backend_lists(&file("a.py", "s.bind(('0.0.0.0', 8080))")), []);
        assert_eq!(backend_lists(&file("a.py", "# b = ['127.0.0.1:9001', '127.0.0.1:9002']")), []);
        let counted = &backend_lists(&file(
            "a.rs",
            "const B: [(&str, u16); 2] = [(\"127.0.0.1\", 9001), (\"127.0.0.1\", 9002)];",
        ))[0];
        assert_eq!(counted.pieces[1].with, "const B: [(&str, u16); {{ backends | length }}]");
    }
}
