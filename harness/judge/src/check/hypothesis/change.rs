//! Small mendings of known mistakes: which lines would have to change for a cause to be gone.
//!
//! `hypothesis` asks for the cause and the line that a failure names; the conductor tries the change in the private copy. Only what is
//! sure to mend its one cause and nothing else has a place here, so that *passes now* says something about the cause.

use super::look::{speaks_of_turns, takes_remainder};
use super::program::Program;
use crate::check::Cause;
use harness_model::history::{SourceFile, SourcePlace, SourceTree};
use harness_model::plan::{Change, Edit};

/// A queue that no test of ours fills.
const LONG_QUEUE: &str = "200";

/// The change that would mend a cause at its line, where it has a small one.
pub(super) fn of(
    cause: Cause,
    place: &SourcePlace,
    source: &SourceTree,
    program: &Program<'_>,
) -> Option<Change> {
    let file = source.file(&place.file)?;
    let at = At { file, line: place.line, text: source.line(place)? };
    let decisive = |edits: Option<Vec<Edit>>| edits.map(|edits| Change { edits, decisive: true });
    let partly = |edits: Option<Vec<Edit>>| edits.map(|edits| Change { edits, decisive: false });
    match cause {
        Cause::BacklogTooShort => decisive(at.longer_queue()),
        Cause::PortNotReusable => decisive(at.reuses_port()),
        Cause::BrokenPipe => decisive(ignores_broken_pipes(source, program)),
        Cause::FirstReadOnly => partly(at.reads_on()),
        Cause::HitRenewsEntry => partly(at.taken_out(|text| text.contains('='))),
        Cause::TurnTakenTwice => {
            partly(at.taken_out(|text| text.contains('=') && takes_remainder(text) && speaks_of_turns(text)))
        }
        Cause::ServedOneByOne => partly(at.a_thread_each()),
        _ => None,
    }
}

/// A line of a file.
struct At<'a> {
    file: &'a SourceFile,
    line: u32,
    text: &'a str,
}

impl At<'_> {
    fn becomes(&self, now: &[String]) -> Option<Vec<Edit>> {
        let (file, was) = (self.file.path.clone(), self.text.to_owned());
        Some(vec![Edit { file, line: self.line, was, now: now.to_vec() }])
    }

    fn indent(&self) -> &str {
        &self.text[..self.text.len() - self.text.trim_start().len()]
    }

    fn is(&self, ending: &str) -> bool {
        self.file.path.ends_with(ending)
    }

    fn in_c(&self) -> bool {
        [".c", ".cc", ".cpp"].iter().any(|ending| self.is(ending))
    }

    /// `listen(5)`, `listen(fd, 5)`, `request_queue_size = 5`: the number becomes a large one.
    fn longer_queue(&self) -> Option<Vec<Edit>> {
        if let Some((name, _)) =
            self.text.split_once('=').filter(|(name, _)| name.contains("request_queue_size"))
        {
            return self.becomes(&[format!("{name}= {LONG_QUEUE}")]);
        }
        let (before, arguments, after) = call(self.text, "listen")?;
        let arguments = match (self.in_c(), arguments.split_once(',')) {
            (true, Some((socket, _))) => format!("{socket}, {LONG_QUEUE}"),
            (false, None) => LONG_QUEUE.to_owned(),
            _ => return None,
        };
        self.becomes(&[format!("{before}{arguments}{after}")])
    }

    /// `SO_REUSEADDR` is set in front of `bind`.
    fn reuses_port(&self) -> Option<Vec<Edit>> {
        let indent = self.indent();
        let trimmed = self.text.trim_start();
        if self.is(".py") {
            if trimmed.starts_with("class ") && trimmed.ends_with(':') {
                let own = format!("{indent}    allow_reuse_address = True");
                return self.becomes(&[self.text.to_owned(), own]);
            }
            let socket =
                trimmed.split_once(".bind(").map(|(socket, _)| socket).filter(|socket| is_name(socket))?;
            let of = if imports(&self.file.text, "socket") { "socket." } else { "" };
            let option = format!("{indent}{socket}.setsockopt({of}SOL_SOCKET, {of}SO_REUSEADDR, 1)");
            return self.becomes(&[option, self.text.to_owned()]);
        }
        let (_, arguments, _) = call(self.text, "bind").filter(|_| self.in_c())?;
        let socket = arguments.split(',').next()?.trim();
        let option = format!(
            "{indent}{{ int reuse = 1; setsockopt({socket}, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse); }}"
        );
        self.becomes(&[option, self.text.to_owned()])
    }

    /// `data = client.recv(4096)` goes on until the head is there, and as much of a body as it announces.
    fn reads_on(&self) -> Option<Vec<Edit>> {
        let (name, read) = self.text.trim().split_once('=').filter(|_| self.is(".py"))?;
        let (name, socket) = (name.trim(), read.trim().split_once(".recv(")?.0);
        let whole = call(self.text, "recv").is_some_and(|(.., after)| after.trim_end() == ")");
        if !whole || !is_name(name) || !is_name(socket) {
            return None;
        }
        let indent = self.indent();
        let lines = [
            self.text.to_owned(),
            format!("{indent}import re as _re"),
            format!(
                "{indent}while {name} and (b\"\\r\\n\\r\\n\" not in {name} or len({name}.split(b\"\\r\\n\\r\\n\", 1)[1]) < \
                 int((_re.search(rb\"(?i)\\r\\ncontent-length:\\s*(\\d+)\", {name}) or (0, 0))[1])):"
            ),
            format!("{indent}    _more = {socket}.recv(65536)"),
            format!("{indent}    if not _more: break"),
            format!("{indent}    {name} += _more"),
        ];
        self.becomes(&lines)
    }

    /// The statement does nothing any more.
    fn taken_out(&self, fits: impl Fn(&str) -> bool) -> Option<Vec<Edit>> {
        let statement = self.text.trim();
        let alone = !["if", "for", "while", "return", "let", "else", "}", "{", "//", "#", "elif", "with"]
            .iter()
            .any(|word| statement.starts_with(word));
        let balanced = ["()", "[]", "{}"].iter().all(|pair| {
            let count = |at: usize| statement.matches(&pair[at..=at]).count();
            count(0) == count(1)
        });
        if !alone || !balanced || !fits(statement) {
            return None;
        }
        let nothing = match () {
            () if self.is(".py") => "pass",
            () if statement.ends_with(';') => ";",
            () => return None,
        };
        self.becomes(&[format!("{}{nothing}", self.indent())])
    }

    /// A server of Python's library that serves one client at a time serves each in a thread.
    fn a_thread_each(&self) -> Option<Vec<Edit>> {
        let name = ["HTTPServer(", "TCPServer("].into_iter().find(|name| self.text.contains(name))?;
        let plain = self.is(".py")
            && !self.text.contains("Threading")
            && !self.text.trim_start().starts_with("class ");
        let module = if name.starts_with("HTTP") { "http.server" } else { "socketserver" };
        let (before, after) = self.text.split_once(name).filter(|_| plain)?;
        // Named by its module or by itself.
        let before = before.trim_end_matches(&format!("{module}."));
        let lines = [
            format!("{}from {module} import Threading{}", self.indent(), name.trim_end_matches('(')),
            format!("{before}Threading{name}{after}"),
        ];
        self.becomes(&lines)
    }
}

/// SIGPIPE is ignored from the beginning of `main`, in a program of C.
fn ignores_broken_pipes(source: &SourceTree, program: &Program<'_>) -> Option<Vec<Edit>> {
    let belongs = |file: &&SourceFile| {
        file.path.ends_with(".c") && program.lines.iter().any(|line| line.file == file.path)
    };
    let begins = |line: &str| {
        let trimmed = line.trim_start();
        (trimmed.starts_with("int ") || trimmed.starts_with("void ")) && trimmed.contains("main(")
    };
    let mut mains = source.files.iter().filter(belongs).filter_map(|file| {
        let main = file.text.lines().position(begins)?;
        let opens = file.text.lines().skip(main).position(|line| line.contains('{'))? + main;
        Some((file, opens))
    });
    let (file, opens) = mains.next()?;
    let lines: Vec<&str> = file.text.lines().collect();
    let edit = |at: usize, now: Vec<String>| Edit {
        file: file.path.clone(),
        line: at as u32 + 1,
        was: lines[at].to_owned(),
        now,
    };
    let opened = lines[opens].replacen('{', "{ signal(SIGPIPE, SIG_IGN);", 1);
    let include = "#include <signal.h>".to_owned();
    if opens == 0 {
        return Some(vec![edit(0, vec![include, opened])]);
    }
    Some(vec![edit(0, vec![include, lines[0].to_owned()]), edit(opens, vec![opened])])
}

/// What stands before the arguments of a call, the arguments, and the rest of the line with the parenthesis that closes them.
fn call<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let start = text.find(&format!("{name}("))? + name.len() + 1;
    let mut depth = 1;
    for (at, character) in text[start..].char_indices() {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some((&text[..start], &text[start..start + at], &text[start + at..]));
        }
    }
    None
}

/// `self.sock`, `client`: a name, or names joined by dots.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_alphanumeric() || "_.".contains(character))
}

fn imports(text: &str, module: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        line.strip_prefix("import ").is_some_and(|names| names.split(',').any(|name| name.trim() == module))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(cause: Cause, file: &str, text: &str, line: u32) -> Option<Vec<String>> {
        let source = SourceTree {
            root: String::new(),
            files: vec![SourceFile { path: file.into(), text: text.into() }],
        };
        let place = SourcePlace { file: file.into(), line, function: None };
        let program = Program::of_files(&source.files);
        Some(of(cause, &place, &source, &program)?.edits.into_iter().flat_map(|edit| edit.now).collect())
    }

    fn one(cause: Cause, file: &str, line: &str) -> Option<Vec<String>> {
        changed(cause, file, line, 1)
    }

    #[test]
    fn a_queue_becomes_longer_in_each_language() {
        let longer = |file, line| one(Cause::BacklogTooShort, file, line).map(|lines| lines.concat());
        assert_eq!(longer("p.py", "    s.listen(5)  # cola").as_deref(), Some("    s.listen(200)  # cola"));
        assert_eq!(
            longer("p.c", "if (listen(fd, BACKLOG) < 0) {").as_deref(),
            Some("if (listen(fd, 200) < 0) {")
        );
        assert_eq!(longer("p.py", "  request_queue_size = 5").as_deref(), Some("  request_queue_size = 200"));
        assert_eq!(longer("p.js", "server.listen(port, host)"), None);
    }

    #[test]
    fn a_port_is_made_reusable_in_front_of_its_bind() {
        let reusable = |file, text, line| changed(Cause::PortNotReusable, file, text, line);
        assert_eq!(
            reusable("p.py", "import socket, sys\n  s.bind(('', 80))\n", 2).unwrap(),
            ["  s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)", "  s.bind(('', 80))"]
        );
        assert_eq!(
            reusable("p.py", "from socket import *\nself.s.bind(a)\n", 2).unwrap()[0],
            "self.s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)"
        );
        let c = reusable("p.c", "  if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)\n", 1).unwrap();
        assert!(c[0].starts_with("  { int reuse = 1; setsockopt(fd, SOL_SOCKET, SO_REUSEADDR"), "{c:?}");
        assert_eq!(reusable("p.rs", "TcpListener::bind(a)?;\n", 1), None);
    }

    #[test]
    fn a_read_goes_on_only_where_its_bytes_have_a_name() {
        let lines = one(Cause::FirstReadOnly, "p.py", "        datos = cliente.recv(4096)").unwrap();
        assert_eq!(lines[0], "        datos = cliente.recv(4096)");
        assert_eq!(lines[5], "            datos += _more");
        assert_eq!(one(Cause::FirstReadOnly, "p.py", "datos = cliente.recv(4096).decode()"), None);
        assert_eq!(one(Cause::FirstReadOnly, "p.py", "while (datos := c.recv(10)):"), None);
    }

    #[test]
    fn main_ignores_broken_pipes() {
        let text = "#include <stdio.h>\nint main(int n, char **v)\n{\n  f();\n}\n";
        let lines = changed(Cause::BrokenPipe, "p.c", text, 4).unwrap();
        assert_eq!(lines, ["#include <signal.h>", "#include <stdio.h>", "{ signal(SIGPIPE, SIG_IGN);"]);
        assert_eq!(changed(Cause::BrokenPipe, "p.c", "void f(void) { }\n", 1), None);
    }

    #[test]
    fn a_statement_is_taken_out_only_where_it_stands_alone() {
        let out = |file, line| one(Cause::HitRenewsEntry, file, line).map(|lines| lines.concat());
        assert_eq!(out("p.py", "    e['t'] = time.time()").as_deref(), Some("    pass"));
        assert_eq!(out("p.c", "  e->t = time(NULL);").as_deref(), Some("  ;"));
        assert_eq!(out("p.c", "  if ((e->t = time(NULL)))"), None);
        assert_eq!(out("p.rs", "  entry.t = Instant::now()"), None);
        let twice = |line| one(Cause::TurnTakenTwice, "p.py", line).map(|lines| lines.concat());
        assert_eq!(twice("  turno = (turno + 1) % n").as_deref(), Some("  pass"));
        assert_eq!(twice("  b = siguiente()"), None);
    }

    #[test]
    fn a_server_of_the_library_gets_threads() {
        let lines = one(Cause::ServedOneByOne, "p.py", "srv = HTTPServer(('', p), H)").unwrap();
        assert_eq!(
            lines,
            ["from http.server import ThreadingHTTPServer", "srv = ThreadingHTTPServer(('', p), H)"]
        );
        let lines = one(Cause::ServedOneByOne, "p.py", "with socketserver.TCPServer(a, H) as s:").unwrap();
        assert_eq!(lines[1], "with ThreadingTCPServer(a, H) as s:");
        assert_eq!(one(Cause::ServedOneByOne, "p.py", "s = ThreadingHTTPServer(a, H)"), None);
    }
}
