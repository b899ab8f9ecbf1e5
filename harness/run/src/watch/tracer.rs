//! What `strace` wrote of a compiled program: calls with the stack that led to them.
//!
//! `-D` leaves the program the child of the guard, so that signals and ends are those of the program itself; the tracer is a
//! grandchild beneath the same guard and behind the same fence.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use fake_backends::clock::RunClock;
use harness_model::history::{Call, NotWatched, SourcePlace, SourceTree, Watched};

use super::places::{Frame, Places};
use super::{MOST_CALLERS, moment};

/// The calls that are followed.
const CALLS: &str = "trace=accept,accept4,recvfrom,recvmsg,sendto,sendmsg,sendfile,connect,close,shutdown,open,openat,creat,read,write,\
    pread64,writev,readv,rename,renameat,renameat2,unlink,unlinkat,bind,listen,setsockopt,clone,clone3,fork,vfork,execve,exit_group";
/// Stacks are read for each call; a program that makes more than these is not brought to a stand.
const MOST_LINES: usize = 400_000;

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/local/bin".into()])
        .map(|folder| folder.join("strace"))
        .find(|path| path.is_file())
}

/// Whether a command starts a compiled program of the copy, itself or by a script.
pub(super) fn is_for(argv: &[String], root: &Path) -> bool {
    let Some(first) = argv.first() else { return false };
    let path = Path::new(first);
    let head = fs::read(path).unwrap_or_default();
    let in_copy = path.starts_with(root) || !path.is_absolute();
    let shell = |name: &str| matches!(name.rsplit('/').next(), Some("sh" | "bash" | "dash" | "make"));
    // A shell that starts an interpreter is one more process to be seen, and shows nothing of what is interpreted.
    let interpreted = ["python", "node", "java", "ruby", "php"];
    if argv.iter().any(|word| {
        interpreted.iter().any(|name| word.rsplit('/').next().is_some_and(|word| word.starts_with(name)))
    }) {
        return false;
    }
    if head.starts_with(b"\x7fELF") {
        return in_copy || shell(first);
    }
    let line =
        String::from_utf8_lossy(&head[..head.len().min(80)]).lines().next().unwrap_or_default().to_owned();
    in_copy && line.strip_prefix("#!").is_some_and(|rest| rest.split_whitespace().any(shell))
}

/// The command with the tracer around it; as it was where there is no tracer.
pub(super) fn around(argv: Vec<String>, seen: &Path) -> Vec<String> {
    let Some(strace) = program() else { return argv };
    // A file for each start, of which a run may have many.
    let number = fs::read_dir(seen).map_or(0, Iterator::count);
    let file = seen.join(format!("calls-{number}")).display().to_string();
    let options = [
        "-D",
        "-f",
        "-k",
        "-ttt",
        "-s",
        "48",
        "-e",
        CALLS,
        "-e",
        "signal=PIPE,SEGV,ABRT,BUS,FPE,ILL",
        "-o",
        &file,
        "--",
    ];
    let mut all = vec![strace.display().to_string()];
    all.extend(options.map(str::to_owned));
    all.extend(argv);
    all
}

/// Why nothing was seen.
pub(super) fn why_not(seen: &Path) -> NotWatched {
    match program() {
        None => NotWatched::NoTracer,
        // A tracer that may not trace leaves its file empty, or does not come so far.
        Some(_) if !wrote_anything(seen) => NotWatched::NotAllowed,
        Some(_) => NotWatched::NothingSeen,
    }
}

fn wrote_anything(seen: &Path) -> bool {
    fs::read_dir(seen)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.metadata().is_ok_and(|file| file.len() > 0))
}

/// The events of a trace.
pub(super) fn events(text: &str, clock: &RunClock, root: &Path, source: &SourceTree) -> Vec<Watched> {
    let calls = parsed(text, clock, &root.to_string_lossy());
    let mut places = Places::new(root);
    for call in &calls {
        places.ask(&call.frames);
    }
    let places = places.resolved();
    let own_places = |frames: &[Frame]| -> Vec<SourcePlace> {
        let place = |frame: &Frame| {
            let (path, line, function) = places.get(frame)?;
            let file = source.own(path)?.path.clone();
            Some(SourcePlace { file, line: *line, function: Some(function.clone()) })
        };
        frames.iter().filter_map(place).take(MOST_CALLERS + 1).collect()
    };
    // What comes from no line of the program is the loader's, or a library's own.
    let own = calls.into_iter().filter_map(|call| {
        let mut callers = own_places(&call.frames);
        let place = (!callers.is_empty()).then(|| callers.remove(0));
        (place.is_some() || matches!(call.watched.call, Call::Exit | Call::Signal)).then_some(Watched {
            place,
            callers,
            ..call.watched
        })
    });
    own.collect()
}

/// A call and the frames that led to it, innermost first.
#[derive(Debug)]
pub(super) struct Traced {
    watched: Watched,
    frames: Vec<Frame>,
}

/// Which side a descriptor leads to, in each process. Threads share a table; a child begins with a copy of that of its parent, which
/// closes the connection that it has given away at once, often before the child has read from it.
struct Tables {
    all: Vec<HashMap<i64, &'static str>>,
    of: HashMap<String, usize>,
}

impl Default for Tables {
    fn default() -> Tables {
        Tables { all: vec![HashMap::new()], of: HashMap::new() }
    }
}

impl Tables {
    /// The table of a process. One that nobody is known to have made is the child of whoever is about to make one.
    fn of(&mut self, process: &str, begun: &HashMap<&str, &str>) -> usize {
        if let Some(&known) = self.of.get(process) {
            return known;
        }
        let makes = |text: &str| ["clone", "fork", "vfork"].iter().any(|name| text.starts_with(name));
        let parent = begun.iter().find(|(_, text)| makes(text)).map(|(parent, text)| (*parent, *text));
        match parent {
            Some((parent, text)) => {
                let table = self.of.get(parent).copied().unwrap_or(0);
                self.begin(table, process, text)
            }
            None => {
                self.of.insert(process.to_owned(), 0);
                0
            }
        }
    }

    /// A thread or a child began.
    fn begin(&mut self, parent: usize, process: &str, text: &str) -> usize {
        if let Some(&known) = self.of.get(process) {
            return known;
        }
        let table = if text.contains("CLONE_FILES") || text.contains("CLONE_THREAD") {
            parent
        } else {
            self.all.push(self.all[parent].clone());
            self.all.len() - 1
        };
        self.of.insert(process.to_owned(), table);
        table
    }
}

/// Reads `strace -f -k -ttt`. A call that another thread interrupted is joined again.
fn parsed(text: &str, clock: &RunClock, root: &str) -> Vec<Traced> {
    let mut calls: Vec<Traced> = Vec::new();
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut tables = Tables::default();
    let mut of_line = false;
    for line in text.lines().take(MOST_LINES) {
        if let Some(frame) = line.strip_prefix(" > ") {
            if of_line && let (Some(last), Some(frame)) = (calls.last_mut(), Frame::read(frame, root)) {
                last.frames.push(frame);
            }
            continue;
        }
        of_line = false;
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let Some((time, rest)) = rest.trim_start().split_once(' ') else { continue };
        let whole;
        let rest = if let Some(begin) = rest.strip_suffix(" <unfinished ...>") {
            tables.of(process, &begun);
            begun.insert(process, begin);
            continue;
        } else if let Some(end) = rest.strip_prefix("<... ").and_then(|end| end.split_once(" resumed>")) {
            let Some(begin) = begun.remove(process) else { continue };
            whole = format!("{begin}{}", end.1);
            whole.as_str()
        } else {
            rest
        };
        let table = tables.of(process, &begun);
        let Some(watched) = call(rest, &mut tables.all[table]) else { continue };
        if let (Call::Thread | Call::Fork, Some(child)) = (watched.call, watched.figure) {
            tables.begin(table, &child.to_string(), rest);
        }
        let number: u32 = process.parse().unwrap_or(0);
        let nanoseconds = time.split_once('.').and_then(|(seconds, micros)| {
            Some(seconds.parse::<u64>().ok()? * 1_000_000_000 + micros.parse::<u64>().ok()? * 1_000)
        });
        let at = moment(clock, nanoseconds.unwrap_or_default());
        calls.push(Traced {
            watched: Watched { at, process: number, thread: number.into(), ..watched },
            frames: Vec::new(),
        });
        of_line = true;
    }
    calls
}

/// One line behind its time.
fn call(text: &str, sides: &mut HashMap<i64, &'static str>) -> Option<Watched> {
    let watched = |call: Call, subject: String, figure: Option<i64>, error: Option<String>| Watched {
        at: fake_backends::clock::Moment(0),
        process: 0,
        thread: 0,
        call,
        subject,
        figure,
        error,
        place: None,
        callers: Vec::new(),
    };
    if let Some(signal) = text.strip_prefix("--- ") {
        return Some(watched(Call::Signal, signal.split(' ').next()?.to_owned(), None, None));
    }
    if let Some(end) = text.strip_prefix("+++ ") {
        let figure = end.strip_prefix("exited with ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        return Some(watched(
            Call::Exit,
            if figure.is_some() { String::new() } else { end.trim_end_matches(" +++").to_owned() },
            figure,
            None,
        ));
    }
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')').unwrap_or(arguments);
    let mut words = result.split(' ');
    let value: Option<i64> = words.next().and_then(|value| value.parse().ok());
    let error = value.is_some_and(|value| value < 0).then(|| words.next().unwrap_or_default().to_owned());
    // A socket that waits for nobody says so all the time.
    if error.as_deref().is_some_and(|error| matches!(error, "EAGAIN" | "EINTR")) || value.is_none() {
        return None;
    }
    let descriptor: i64 =
        arguments.split([',', ')']).next().and_then(|first| first.trim().parse().ok()).unwrap_or(-1);
    let side = |sides: &HashMap<i64, &'static str>| {
        sides.get(&descriptor).map(|side| format!("{side} {descriptor}"))
    };
    let path = |number: usize| arguments.split('"').nth(number * 2 + 1).unwrap_or_default().to_owned();
    let figure = error.is_none().then_some(value).flatten();
    Some(match name {
        "accept" | "accept4" => {
            sides.insert(figure?, "client");
            watched(Call::Accept, format!("client {}", figure?), None, None)
        }
        "connect" => {
            // Names are looked up, and logs are sent, through sockets of other families.
            let port = arguments.split("htons(").nth(1)?.split(')').next()?;
            sides.insert(descriptor, "backend");
            let address = arguments
                .split("inet_addr(\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default();
            watched(Call::Connect, format!("{address}:{port}"), None, error)
        }
        "recvfrom" | "recvmsg" | "read" | "readv" if side(sides).is_some() => {
            watched(Call::Receive, side(sides)?, figure, error)
        }
        "sendto" | "sendmsg" | "write" | "writev" | "sendfile" if side(sides).is_some() => {
            watched(Call::Send, side(sides)?, figure, error)
        }
        "read" | "pread64" | "readv" => watched(Call::Read, format!("file {descriptor}"), figure, error),
        "write" | "writev" => watched(Call::Write, format!("file {descriptor}"), figure, error),
        "close" => {
            let side = sides.remove(&descriptor)?;
            watched(Call::Close, format!("{side} {descriptor}"), None, error)
        }
        "shutdown" => watched(Call::Shutdown, side(sides)?, None, error),
        "open" | "openat" | "creat" => {
            sides.remove(&figure.unwrap_or(-1));
            let call = if arguments.contains("O_APPEND") {
                Call::OpenToAppend
            } else if name == "creat" || arguments.contains("O_TRUNC") || arguments.contains("O_CREAT") {
                Call::OpenToWrite
            } else {
                Call::OpenToRead
            };
            watched(call, path(0), None, error)
        }
        "rename" | "renameat" | "renameat2" => {
            watched(Call::Rename, format!("{} -> {}", path(0), path(1)), None, error)
        }
        "unlink" | "unlinkat" => watched(Call::Remove, path(0), None, error),
        "bind" => {
            let port = arguments.split("htons(").nth(1)?.split(')').next()?;
            watched(Call::Bind, format!("port {port}"), None, error)
        }
        "listen" => {
            let queue = arguments.split(',').nth(1).and_then(|queue| queue.trim().parse().ok());
            watched(Call::Listen, String::new(), queue, error)
        }
        "setsockopt" => {
            let option = arguments.split(',').nth(2)?.trim().to_owned();
            let value = arguments.split('[').nth(1).and_then(|rest| rest.split(']').next()?.parse().ok());
            watched(Call::SetOption, option, value, error)
        }
        "clone" | "clone3" if arguments.contains("CLONE_THREAD") => {
            watched(Call::Thread, String::new(), figure, error)
        }
        "clone" | "clone3" | "fork" | "vfork" => watched(Call::Fork, String::new(), figure, error),
        "execve" => watched(Call::Execute, path(0), None, error),
        "exit_group" => watched(Call::Exit, String::new(), Some(descriptor), None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{around, events, is_for, parsed};
    use fake_backends::clock::RunClock;
    use harness_model::history::{Call, SourceTree};
    use std::process::Command;

    const TRACE: &str = "7 1796044572.084745 listen(3, 5)    = 0\n\
        \x20> /usr/lib/libc.so.6(listen+0x7) [0x10a8e7]\n\
        \x20> /copy/proxy(main+0x6c) [0x119c]\n\
        7 1796044572.085875 accept(3, NULL, NULL) = 5\n\
        \x20> /copy/proxy(main+0xac) [0x11dc]\n\
        8 1796044572.086540 recvfrom(5,  <unfinished ...>\n\
        7 1796044572.086600 accept(3, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n\
        8 1796044572.086700 <... recvfrom resumed>\"GET / HTTP\"..., 4096, 0, NULL, NULL) = 120\n\
        \x20> /copy/proxy(atender+0x1e) [0x131e]\n\
        8 1796044572.087 sendto(5, \"hi\", 2, 0, NULL, 0) = -1 EPIPE (Broken pipe)\n\
        8 1796044572.087002 --- SIGPIPE {si_signo=SIGPIPE, si_code=SI_USER, si_pid=8, si_uid=0} ---\n\
        8 1796044572.087109 openat(AT_FDCWD, \"cache.dat\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 6\n\
        8 1796044572.087200 connect(9, {sa_family=AF_INET, sin_port=htons(9001), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 ECONNREFUSED (Connection refused)\n\
        7 1796044572.090676 +++ killed by SIGPIPE +++\n\
        nonsense\n";

    #[test]
    fn a_trace_is_read_with_its_stacks_and_its_interrupted_calls() {
        let calls = parsed(TRACE, &RunClock::start(), "/copy");
        let told = calls.iter().map(|one| {
            (
                one.watched.call,
                one.watched.subject.as_str(),
                one.watched.figure,
                one.watched.error.as_deref(),
                one.frames.len(),
            )
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (Call::Listen, "", Some(5), None, 1),
                (Call::Accept, "client 5", None, None, 1),
                (Call::Receive, "client 5", Some(120), None, 1),
                (Call::Send, "client 5", None, Some("EPIPE"), 0),
                (Call::Signal, "SIGPIPE", None, None, 0),
                (Call::OpenToWrite, "cache.dat", None, None, 0),
                (Call::Connect, "127.0.0.1:9001", None, Some("ECONNREFUSED"), 0),
                (Call::Exit, "killed by SIGPIPE", None, None, 0),
            ]
        );
    }

    /// The parent closes its copy of the connection before the child has read from it.
    const FORKS: &str = "7 1796044572.085875 accept(3, NULL, NULL) = 5\n\
        7 1796044572.085900 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>\n\
        8 1796044572.085910 recvfrom(5,  <unfinished ...>\n\
        7 1796044572.085920 <... clone resumed>, child_tidptr=0x7f) = 8\n\
        7 1796044572.085930 close(5) = 0\n\
        8 1796044572.085940 <... recvfrom resumed>\"GET / HTTP\"..., 4096, 0, NULL, NULL) = 120\n\
        7 1796044572.085950 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, parent_tid=[9]}, 88) = 9\n\
        7 1796044572.085960 accept(3, NULL, NULL) = 5\n\
        9 1796044572.085970 recvfrom(5, \"GET\", 4096, 0, NULL, NULL) = 3\n\
        9 1796044572.085980 close(5) = 0\n\
        7 1796044572.085990 recvfrom(5, \"GET\", 4096, 0, NULL, NULL) = 4\n";

    #[test]
    fn a_child_keeps_its_connection_when_the_parent_closes_its_own_and_a_thread_does_not() {
        let received = |process: u32| -> Vec<i64> {
            let calls = parsed(FORKS, &RunClock::start(), "/copy");
            let of = calls.iter().filter(|one| one.watched.process == process);
            of.filter(|one| one.watched.call == Call::Receive).filter_map(|one| one.watched.figure).collect()
        };
        assert_eq!(received(8), [120]);
        assert_eq!(received(9), [3]);
        assert_eq!(received(7), [0; 0], "a thread has closed what it shares");
    }

    const PROGRAM: &str = "#include <stdio.h>\n#include <sys/socket.h>\n#include <netinet/in.h>\nint main(void) {\n\
        \x20   int s = socket(AF_INET, SOCK_STREAM, 0);\n    struct sockaddr_in a = {.sin_family = AF_INET};\n\
        \x20   bind(s, (struct sockaddr *)&a, sizeof a);\n    listen(s, 3);\n\
        \x20   FILE *f = fopen(\"uno.dat\", \"w\");\n    fclose(f);\n    return 4;\n}\n";

    #[test]
    fn a_program_in_c_is_seen_with_its_lines_where_one_process_may_trace_another() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::write(root.join("main.c"), PROGRAM).unwrap();
        let program = root.join("proxy").display().to_string();
        let built =
            Command::new("gcc").args(["-g", "-O0", "-o", &program, "main.c"]).current_dir(&root).status();
        if !built.is_ok_and(|status| status.success()) {
            return;
        }
        let argv = vec![program];
        assert!(is_for(&argv, &root));
        let seen = tempfile::tempdir().unwrap();
        let traced = around(argv, seen.path());
        let ended = Command::new(&traced[0]).args(&traced[1..]).current_dir(&root).output().unwrap();
        if !seen.path().join("calls-0").exists() {
            return;
        }
        assert_eq!(ended.status.code(), Some(4), "the tracer is no parent");
        let mut text = String::new();
        // The tracer ends a moment after the program.
        for _ in 0..200 {
            text = std::fs::read_to_string(seen.path().join("calls-0")).unwrap();
            if text.contains("+++ exited") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let events = events(&text, &RunClock::start(), &root, &SourceTree::beneath(&root));
        let line = |call: Call| {
            events.iter().find(|one| one.call == call).and_then(|one| Some(one.place.as_ref()?.line))
        };
        if events.is_empty() {
            return;
        }
        assert_eq!(line(Call::Bind), Some(7));
        assert_eq!(line(Call::Listen), Some(8));
        assert_eq!(line(Call::OpenToWrite), Some(9), "through the C library");
    }
}
