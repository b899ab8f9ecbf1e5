//! Tracebacks of Python, JavaScript and Java.

use super::{LastWords, Line, Spoke, path_and_line, place, words};

/// A traceback of Python, also of a thread; of a chain of exceptions the last, which is the one that nobody caught.
pub(super) fn python(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    // `Exception in thread Thread-7 (serve):` stands before the traceback of a thread.
    let thread = lines[0].text.strip_prefix("Exception in thread ").map(|rest| rest.trim_end_matches(':'));
    let begins = usize::from(thread.is_some());
    let is_head = |line: &Line<'_>| line.text.trim_end().ends_with("Traceback (most recent call last):");
    if !lines.get(begins).is_some_and(is_head) {
        return None;
    }
    let mut at = begins + 1;
    let mut frames = Vec::new();
    while let Some(line) = lines.get(at) {
        let text = line.text;
        if let Some((file, rest)) =
            text.trim_start().strip_prefix("File \"").and_then(|rest| rest.split_once("\", line "))
        {
            let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let function = rest.split_once(", in ").map(|(_, function)| function.trim());
            frames.push(place(file, number.parse().ok()?, function));
        } else if !text.starts_with(' ') {
            break;
        }
        at += 1;
    }
    // A traceback that was cut off, or whose last line came in between lines of another thread, says no more than its frames.
    let what = lines.get(at).map_or("", |line| line.text);
    let is_what = what.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    if frames.is_empty() {
        return None;
    }
    frames.reverse();
    let taken = if is_what { at + 1 } else { at };
    let chained = lines.get(taken..).and_then(|rest| {
        let blank = rest.iter().take_while(|line| line.text.is_empty()).count();
        let link = rest.get(blank)?.text;
        let links =
            link.starts_with("During handling of the above") || link.starts_with("The above exception was");
        let more = blank + 1 + rest.get(blank + 1..)?.iter().take_while(|line| line.text.is_empty()).count();
        if links { python(rest.get(more..)?).map(|(last, used)| (last, taken + more + used)) } else { None }
    });
    if let Some((last, all)) = chained {
        let thread = thread.map(str::to_owned).or(last.thread);
        return Some((LastWords { thread, from: lines[0].from, ..last }, all));
    }
    Some(words(Spoke::Exception, if is_what { what } else { "" }, thread, frames, lines, taken))
}

/// What Node.js prints of an exception that nobody caught: its line, `Error: …`, and frames that begin with `at`.
pub(super) fn node(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    let text = lines[0].text;
    let name = text.strip_prefix("Uncaught ").unwrap_or(text);
    let head = name.split([':', ' ']).next().unwrap_or_default();
    let is_error = head.ends_with("Error") && head.chars().next().is_some_and(char::is_uppercase);
    let frame = |line: &Line<'_>| {
        let rest = line.text.trim_start().strip_prefix("at ")?;
        let (function, path) = match rest.split_once(" (") {
            Some((function, path)) => (Some(function), path.trim_end_matches(')')),
            None => (None, rest.strip_prefix("async ").unwrap_or(rest)),
        };
        let (path, line) = path_and_line(path.strip_prefix("file://").unwrap_or(path))?;
        Some(place(path, line, function))
    };
    if !is_error || !lines.get(1).is_some_and(|line| line.text.starts_with("    at ")) {
        return None;
    }
    let of_stack = lines[1..].iter().take_while(|line| line.text.starts_with("    at ")).count();
    let frames = lines[1..=of_stack].iter().filter_map(frame).collect();
    Some(words(Spoke::Exception, name, None, frames, lines, of_stack + 1))
}

/// What Java prints: `Exception in thread "pool-1" java.net.SocketException: …` and frames that begin with a tab.
pub(super) fn java(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    let text = lines[0].text;
    let (thread, what) = match text.strip_prefix("Exception in thread \"") {
        Some(rest) => rest.split_once("\" ").map(|(thread, what)| (Some(thread), what))?,
        None => (None, text),
    };
    let head = what.split(':').next().unwrap_or_default();
    let is_name = head.contains('.') && (head.ends_with("Exception") || head.ends_with("Error"));
    if !is_name || !lines.get(1).is_some_and(|line| line.text.starts_with("\tat ")) {
        return None;
    }
    let of_stack = lines[1..].iter().take_while(|line| line.text.starts_with('\t')).count();
    let frame = |line: &Line<'_>| {
        let (function, rest) = line.text.trim_start().strip_prefix("at ")?.split_once('(')?;
        let (path, line) = path_and_line(rest.trim_end_matches(')'))?;
        Some(place(path, line, Some(function)))
    };
    let frames = lines[1..=of_stack].iter().filter_map(frame).collect();
    Some(words(Spoke::Exception, what, thread, frames, lines, of_stack + 1))
}
