//! Panics of Rust and Go, aborts of the C library, reports of sanitizers.

use super::{LastWords, Line, Spoke, path_and_line, place, words};

/// `thread 'main' (12) panicked at src/main.rs:88:5:`, the message on the next line; before 2023 both on one.
pub(super) fn rust(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    let rest = lines[0].text.strip_prefix("thread '")?;
    let (thread, rest) = rest.split_once("' ")?;
    let (_, rest) = rest.split_once("panicked at ")?;
    let (what, path, mut taken) = match rest.strip_suffix(':').and_then(path_and_line) {
        Some(path) => (lines.get(1).map_or("", |line| line.text), path, 2),
        None => {
            let (what, path) = rest.rsplit_once("', ").or_else(|| rest.rsplit_once(", "))?;
            (what.trim_start_matches('\''), path_and_line(path)?, 1)
        }
    };
    let mut frames = vec![place(path.0, path.1, None)];
    // A backtrace, where the environment asks for it: `at ./src/main.rs:88:5` below the name of each function.
    while let Some(line) = lines.get(taken) {
        let text = line.text.trim_start();
        let of_it = text == "stack backtrace:"
            || text.starts_with("note: ")
            || text.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        if let Some((path, line)) = text.strip_prefix("at ").and_then(path_and_line) {
            frames.push(place(path, line, None));
        } else if !of_it {
            break;
        }
        taken += 1;
    }
    Some(words(Spoke::Panic, what, Some(thread), frames, lines, taken.min(lines.len())))
}

/// `panic: …` or `fatal error: …`, and below it the stack of the goroutine: a function, then its file behind a tab.
pub(super) fn go(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    let what = lines[0].text;
    if !(what.starts_with("panic: ")
        || what.starts_with("fatal error: ")
        || what.contains("http: panic serving"))
    {
        return None;
    }
    let stack = lines.iter().take(8).position(|line| line.text.starts_with("goroutine "))?;
    let (mut frames, mut at) = (Vec::new(), stack + 1);
    while let Some(line) = lines.get(at).filter(|line| !line.text.is_empty()) {
        if let Some((path, line)) =
            line.text.strip_prefix('\t').and_then(|text| path_and_line(text.split(" +0x").next()?))
        {
            let function = lines[at - 1].text.split('(').next();
            frames.push(place(path, line, function));
        }
        at += 1;
    }
    Some(words(Spoke::Panic, what, None, frames, lines, at))
}

/// `==7==ERROR: AddressSanitizer: heap-buffer-overflow …` with frames `#1 0x4f in store /tmp/x/cache.c:42:5`, or a line of UBSan.
pub(super) fn sanitizer(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    let text = lines[0].text;
    if let Some((path, what)) = text.split_once(": runtime error: ") {
        let (path, line) = path_and_line(path)?;
        return Some(words(Spoke::Sanitizer, what, None, vec![place(path, line, None)], lines, 1));
    }
    let named = text.contains("ERROR: ") || text.contains("WARNING: ");
    let (_, what) = text.split_once("Sanitizer: ").filter(|_| named)?;
    let (mut frames, mut at) = (Vec::new(), 1);
    while let Some(line) = lines.get(at) {
        let text = line.text.trim_start();
        // The first stack is that of the fault; later ones say who allocated.
        if text.is_empty() && !frames.is_empty() {
            break;
        }
        if let Some((function, path)) = text
            .starts_with('#')
            .then(|| text.split_once(" in "))
            .flatten()
            .and_then(|(_, rest)| rest.rsplit_once(' '))
            && let Some((path, line)) = path_and_line(path)
        {
            frames.push(place(path, line, Some(function)));
        }
        at += 1;
        if at > 80 {
            break;
        }
    }
    Some(words(Spoke::Sanitizer, what, None, frames, lines, at.min(lines.len())))
}

/// What the C library says before it ends a program.
const ABORTS: [&str; 13] = [
    "free(): ",
    "malloc(): ",
    "realloc(): ",
    "calloc(): ",
    "munmap_chunk(): ",
    "malloc_consolidate(): ",
    "corrupted size vs. prev_size",
    "corrupted double-linked list",
    "double free or corruption",
    "*** stack smashing detected ***",
    "*** buffer overflow detected ***",
    "Fatal glibc error: ",
    "tcache_thread_shutdown(): ",
];

/// A line of the C library or of that of C++, or `proxy: cache.c:42: store: Assertion `n > 0' failed.`.
pub(super) fn abort(lines: &[Line<'_>]) -> Option<(LastWords, usize)> {
    let text = lines[0].text;
    if text.contains(": Assertion `") && text.ends_with("failed.") {
        let before = text.split(": Assertion `").next()?;
        let mut parts = before.rsplit(": ");
        let function = parts.next()?;
        let (path, line) = path_and_line(parts.next()?)?;
        return Some(words(Spoke::Abort, text, None, vec![place(path, line, Some(function))], lines, 1));
    }
    // An exception of C++ that nobody catches, and in the next line what it says.
    if text.starts_with("terminate called ") {
        let what = lines.get(1).filter(|line| line.text.trim_start().starts_with("what():"));
        let taken = 1 + usize::from(what.is_some());
        return Some(words(Spoke::Exception, text, None, Vec::new(), lines, taken));
    }
    let said = ABORTS.iter().any(|word| text.starts_with(word));
    said.then(|| words(Spoke::Abort, text, None, Vec::new(), lines, 1))
}
