//! What a line of somebody else's log names: a target, a number, a word, whatever stands around them.
//!
//! The checks of the log ask here. Nothing is assumed of the format but that it is text.

/// Whether the target stands there, and not only as the beginning of a longer one.
pub(super) fn names_target(line: &str, target: &str) -> bool {
    occurrences(line, target).any(|(_, after)| {
        !after.starts_with(|c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '/' | '?' | '&' | '=' | '%' | '-' | '_')
        })
    })
}

/// Whether the number stands there by itself: not within a longer one, nor as a port or a fraction of a second.
pub(super) fn names_number(line: &str, number: u64) -> bool {
    occurrences(line, &number.to_string()).any(|(before, after)| {
        let mut before = before.chars().rev();
        let of_longer = match before.next() {
            Some(c) if c.is_ascii_digit() => true,
            Some('.' | ':' | ',') => before.next().is_some_and(|c| c.is_ascii_digit()),
            _ => false,
        };
        !of_longer && !after.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Whether the word stands there, in any case.
pub(super) fn names_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric()).any(|found| found.eq_ignore_ascii_case(word))
}

/// Lines with what belongs to them: where a request and its answer stand on two lines that name the same client, `10.0.0.1:4711`,
/// the second is read as the rest of the first. `is_request` tells the lines that begin an exchange.
pub(super) fn with_their_answers(lines: &[&str], is_request: impl Fn(&str) -> bool) -> Vec<String> {
    let answer_to = |place: usize| {
        let client = address_in(lines[place]).filter(|_| is_request(lines[place]))?;
        let next = lines[place + 1..].iter().find(|next| address_in(next) == Some(client))?;
        (!is_request(next)).then_some(next)
    };
    let whole = |place: usize| {
        answer_to(place).map_or(lines[place].to_owned(), |rest| format!("{} {rest}", lines[place]))
    };
    (0..lines.len()).map(whole).collect()
}

/// The first address with its port that a line names.
fn address_in(line: &str) -> Option<&str> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '[' | ']')));
    words.map(|word| word.trim_matches(['.', ':'])).find(|word| word.parse::<std::net::SocketAddr>().is_ok())
}

/// What lies before and after each place where the text is found.
fn occurrences<'a>(line: &'a str, text: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    line.match_indices(text).map(|(at, found)| (&line[..at], &line[at + found.len()..]))
}

#[cfg(test)]
mod tests {
    use super::{names_number, names_target, names_word, with_their_answers};

    #[test]
    fn a_target_is_not_the_beginning_of_another() {
        assert!(names_target("GET http://h/a/1 HTTP/1.1", "/a/1") && names_target("path=/a/1", "/a/1"));
        assert!(names_target("GET /a/12 then /a/1.", "/a/1") && names_target("\"/a/1\"", "/a/1"));
        assert!(!names_target("GET /a/12 HTTP/1.1", "/a/1") && !names_target("GET /a/1?b", "/a/1"));
    }

    #[test]
    fn a_number_is_not_a_part_of_another_nor_of_a_time() {
        assert!(names_number("\"status\":410,\"size\":5", 410) && names_number("-> 410 4711", 410));
        assert!(names_number("410", 410) && names_number("status: 410", 410));
        assert!(!names_number("12:00:00.410 GET", 410) && !names_number("127.0.0.1:410", 410));
        assert!(!names_number("4101", 410) && !names_number("2410", 410));
    }

    #[test]
    fn an_answer_belongs_to_the_request_of_the_same_client() {
        let lines = [
            "[1] PETICION 127.0.0.1:4711 -> GET /a",
            "PETICION 127.0.0.1:4712",
            "RESPUESTA 127.0.0.1:4711 <- 410",
        ];
        let read = |lines: &[&str]| with_their_answers(lines, |line| line.contains("GET"));
        assert_eq!(read(&lines)[0], format!("{} {}", lines[0], lines[2]));
        assert_eq!(read(&lines)[1..], lines[1..]);
        // One line for both, and many of them on one connection.
        let whole = ["127.0.0.1:4711 GET /a 410", "127.0.0.1:4711 GET /b 200"];
        assert_eq!(read(&whole), whole);
    }

    #[test]
    fn a_word_stands_alone() {
        assert!(
            names_word("\"GET /a\"", "GET") && names_word("method=get", "GET") && !names_word("GETS", "GET")
        );
    }
}
