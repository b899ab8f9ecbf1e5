//! The last words of a program: tracebacks, panics, aborts and reports of sanitizers in what it printed.
//!
//! [`spoken`] reads the output of a run and finds each of them with its frames; [`LastWords::place`] names the first line that the
//! submission itself wrote. What is printed is not trusted: it explains a verdict and never makes one.

mod native;
mod scripts;

#[cfg(test)]
mod tests;

use harness_model::history::{SourcePlace, SourceTree};
use serde::{Deserialize, Serialize};

/// Most of them that are read; a program that throws at every request throws the same again.
const MOST: usize = 2_000;

/// What kind of end it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spoke {
    /// An exception that nobody caught (Python, JavaScript, Java), or one that was printed.
    Exception,
    /// A panic of Rust or Go.
    Panic,
    /// The C library ended the program: `free(): invalid pointer`, a failed assertion, a smashed stack.
    Abort,
    /// A report of a sanitizer.
    Sanitizer,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWords {
    /// What kind.
    pub kind: Spoke,
    /// The line that says what: `BrokenPipeError: [Errno 32] Broken pipe`.
    pub what: String,
    /// The thread, where it is named.
    pub thread: Option<String>,
    /// Where it came from, innermost first, as the program names its files.
    pub frames: Vec<SourcePlace>,
    /// The first byte of it in the output.
    pub from: usize,
    /// The first byte behind it.
    pub until: usize,
}

impl LastWords {
    /// The innermost line that belongs to the submission.
    pub fn place(&self, source: &SourceTree) -> Option<SourcePlace> {
        self.frames.iter().find_map(|frame| {
            let file = source.own(&frame.file)?;
            Some(SourcePlace { file: file.path.clone(), ..frame.clone() })
        })
    }

    /// The kind of exception, without what it says: `BrokenPipeError`, `Rust panic` has none.
    pub fn name(&self) -> &str {
        let name = self.what.split(':').next().unwrap_or_default().trim();
        if name.contains(' ') { "" } else { name }
    }
}

/// Reads words that begin at the first of some lines, and says how many of them they are.
type Reader = fn(&[Line<'_>]) -> Option<(LastWords, usize)>;

/// A line of the output, with where it begins.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    from: usize,
    until: usize,
    text: &'a str,
}

/// All last words in an output, in the order of their printing. Bytes that are no text are passed over.
pub fn spoken(output: &[u8]) -> Vec<LastWords> {
    let lines = lines(output);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() && found.len() < MOST {
        let rest = &lines[at..];
        let readers: [Reader; 7] = [
            scripts::python,
            scripts::node,
            scripts::java,
            native::rust,
            native::go,
            native::sanitizer,
            native::abort,
        ];
        match readers.iter().find_map(|read| read(rest)) {
            Some((words, taken)) => {
                found.push(words);
                at += taken.max(1);
            }
            None => at += 1,
        }
    }
    found
}

fn lines(output: &[u8]) -> Vec<Line<'_>> {
    let (mut lines, mut from) = (Vec::new(), 0);
    for piece in output.split(|&byte| byte == b'\n') {
        let until = from + piece.len();
        // One line that is no text, such as a body, hides no other.
        let text = std::str::from_utf8(piece).unwrap_or_default().trim_end_matches('\r');
        lines.push(Line { from, until, text });
        from = until + 1;
    }
    lines
}

/// Words from the first of some lines to the last that belongs to them.
fn words(
    kind: Spoke,
    what: &str,
    thread: Option<&str>,
    frames: Vec<SourcePlace>,
    lines: &[Line<'_>],
    taken: usize,
) -> (LastWords, usize) {
    let last = lines[..taken.clamp(1, lines.len())].last().map_or(0, |line| line.until);
    let words = LastWords {
        kind,
        what: what.trim().chars().take(300).collect(),
        thread: thread.map(str::to_owned),
        frames,
        from: lines[0].from,
        until: last,
    };
    (words, taken)
}

/// `path:line` or `path:line:column`, as most languages write it.
fn path_and_line(text: &str) -> Option<(&str, u32)> {
    let (head, last) = text.trim().rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    match head.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse::<u32>().ok()?))) {
        Some((path, line)) if !path.is_empty() => Some((path, line)),
        _ => (!head.is_empty()).then_some((head, last)),
    }
}

fn place(path: &str, line: u32, function: Option<&str>) -> SourcePlace {
    SourcePlace { file: path.to_owned(), line, function: function.map(str::to_owned) }
}
