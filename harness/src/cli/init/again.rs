//! A second `init` over a profile that somebody has edited: what they wrote stays, what nobody touched is found anew.
//!
//! The first `init` leaves a mark of each row in the file, so that the second one knows which were changed. It knows the rows of a
//! profile as lines that are not indented, and nothing of what they mean.

use sha2::{Digest, Sha256};

/// Begins the line of marks.
const MARKS: &str = "# rows as init wrote them:";

/// A text with a mark of each of its rows.
pub(super) fn marked(text: &str) -> String {
    let marks: Vec<String> = rows(text).iter().map(|(key, row)| format!("{key}={}", mark(row))).collect();
    format!("{MARKS} {}\n{text}", marks.join(" "))
}

/// The rows that differ from what `init` wrote; all of them where it has left no mark.
pub(super) fn edited(text: &str) -> Vec<(String, String)> {
    let marks = text.lines().find_map(|line| line.strip_prefix(MARKS)).unwrap_or_default();
    let known =
        |key: &str, row: &str| marks.split_whitespace().any(|one| one == format!("{key}={}", mark(row)));
    rows(text).into_iter().filter(|(key, row)| !known(key, row)).collect()
}

/// A text with these rows in the place of its own.
pub(super) fn with_rows(text: &str, kept: &[(String, String)]) -> String {
    let comments: String =
        text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let new = rows(text);
    let own = |key: &str| kept.iter().find(|(known, _)| known == key);
    let renewed = new.iter().map(|(key, row)| own(key).map_or(row.as_str(), |(_, row)| row.as_str()));
    let added = kept
        .iter()
        .filter(|(key, _)| !new.iter().any(|(known, _)| known == key))
        .map(|(_, row)| row.as_str());
    comments + &renewed.chain(added).collect::<String>()
}

/// Key and text of each row: a line that is not indented, with those below it that are.
fn rows(text: &str) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let key = line
            .split_once(':')
            .map(|(key, _)| key)
            .filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()));
        match (key, rows.last_mut()) {
            (Some(key), _) => rows.push((key.to_owned(), format!("{line}\n"))),
            (None, Some((_, row))) if !line.starts_with('#') => row.push_str(&format!("{line}\n")),
            _ => {}
        }
    }
    rows
}

fn mark(row: &str) -> String {
    let hash = Sha256::digest(row.trim_end().as_bytes());
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_edited_is_kept_and_the_rest_is_found_anew() {
        let first = marked("name: \"x\"\nstart:\n  - \"a\"\nlog_file: \"a.log\"\n");
        assert_eq!(edited(&first), []);
        let by_hand = first.replace("\"a.log\"", "\"b.log\"") + "touch: [x]\n";
        let kept = edited(&by_hand);
        assert_eq!(kept.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["log_file", "touch"]);
        let second = with_rows("# new\nname: \"x\"\nstart:\n  - \"c\"\nlog_file: \"a.log\"\n", &kept);
        assert_eq!(second, "# new\nname: \"x\"\nstart:\n  - \"c\"\nlog_file: \"b.log\"\ntouch: [x]\n");
        assert_eq!(edited("name: x\n").len(), 1, "without marks every row is somebody's own");
    }
}
