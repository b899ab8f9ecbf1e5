//! What the watcher inside a Python program wrote: one JSON list a line.

use fake_backends::clock::RunClock;
use harness_model::history::{Call, SourcePlace, SourceTree, Watched};
use serde::Deserialize;

use super::{MOST_CALLERS, moment};

/// Put on the path of the interpreter as `sitecustomize`.
pub(super) const WATCHER: &str = include_str!("sitecustomize.py");

/// Nanoseconds since 1970, process, thread, call, subject, figure, error, the lines that led to it, the nearest first.
#[derive(Deserialize)]
struct Line(u64, u32, u64, Call, String, Option<i64>, Option<String>, Vec<(String, u32, String)>);

/// The events of a file; a line that was torn by the end of the program is left out.
pub(super) fn events(text: &str, clock: &RunClock, source: &SourceTree) -> Vec<Watched> {
    let of_line = |line: &str| {
        let Line(at, process, thread, call, subject, figure, error, places) =
            serde_json::from_str(line).ok()?;
        let own = |(path, line, function): (String, u32, String)| {
            let file = source.own(&path)?.path.clone();
            Some(SourcePlace { file, line, function: Some(function) })
        };
        let mut callers: Vec<SourcePlace> = places.into_iter().filter_map(own).collect();
        let place = (!callers.is_empty()).then(|| callers.remove(0));
        callers.truncate(MOST_CALLERS);
        Some(Watched { at: moment(clock, at), process, thread, call, subject, figure, error, place, callers })
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::events;
    use fake_backends::clock::RunClock;
    use harness_model::history::{Call, SourceTree, Watched};
    use std::process::Command;

    const PROGRAM: &str = r"
import os, socket, sys, threading
def atender(c):
    c.recv(100)
    with open('a.tmp', 'wb') as f:
        f.write(b'x')
    os.rename('a.tmp', 'a.dat')
    c.sendall(b'hi')
    raise KeyError('boom')
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen(5)
t = threading.Thread(target=lambda: atender(s.accept()[0]))
t.start()
k = socket.create_connection(s.getsockname())
k.sendall(b'yo')
k.recv(10)
t.join()
if os.fork() == 0:
    os.close(2)
    k.close()
    sys.exit(3)
os.wait()
";

    #[test]
    fn a_python_program_is_seen_with_its_lines_and_does_as_it_does_alone() {
        let Ok(python) = Command::new("python3").arg("--version").output() else { return };
        assert!(python.status.success());
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::write(root.join("proxy.py"), PROGRAM).unwrap();
        let watch = crate::watch::Watch::prepare(&root).unwrap();
        let mut environment = std::collections::BTreeMap::new();
        let argv = watch.for_start(vec!["python3".into(), "proxy.py".into()], &mut environment, &root);
        let clock = RunClock::start();
        let ended =
            Command::new(&argv[0]).args(&argv[1..]).current_dir(&root).envs(&environment).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        assert!(String::from_utf8_lossy(&ended.stderr).contains("KeyError: 'boom'"));
        let (events, why) = watch.events(&clock, &root, &argv);
        assert_eq!(why, None);
        let at = |call: Call| {
            let event = events
                .iter()
                .find(|event| event.call == call)
                .unwrap_or_else(|| panic!("{call:?}: {events:#?}"));
            (
                event.subject.split(' ').next().unwrap_or_default().rsplit('/').next().unwrap().to_owned(),
                event.figure,
                event.place.as_ref().unwrap().line,
            )
        };
        assert_eq!(at(Call::Listen), (String::new(), Some(5), 12));
        assert_eq!(at(Call::Accept), ("client".into(), None, 13));
        assert_eq!(at(Call::Receive), ("client".into(), Some(2), 4));
        assert_eq!(at(Call::OpenToWrite), ("a.tmp".into(), None, 5));
        assert_eq!(at(Call::Rename), ("a.tmp".into(), None, 7));
        assert_eq!(at(Call::Exception), ("KeyError".into(), None, 9));
        assert!(
            events.iter().any(|event| event.call == Call::Close && event.place.as_ref().unwrap().line == 21),
            "a child too"
        );
    }

    const STREAMS: &str = r"
import asyncio
async def leer(r):
    return await r.read(100)
async def atender(r, w):
    datos = await leer(r)
    w.write(datos)
    await w.drain()
    w.close()
async def main():
    s = await asyncio.start_server(atender, '127.0.0.1', 0, backlog=7)
    r, w = await asyncio.open_connection(*s.sockets[0].getsockname())
    w.write(b'hola')
    await r.readexactly(4)
asyncio.run(main())
";

    #[test]
    fn what_a_loop_of_events_reads_for_the_program_has_its_lines_too() {
        if Command::new("python3").arg("--version").output().is_err() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::write(root.join("proxy.py"), STREAMS).unwrap();
        let watch = crate::watch::Watch::prepare(&root).unwrap();
        let mut environment = std::collections::BTreeMap::new();
        let argv = watch.for_start(vec!["python3".into(), "proxy.py".into()], &mut environment, &root);
        let ended =
            Command::new(&argv[0]).args(&argv[1..]).current_dir(&root).envs(&environment).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let (events, _) = watch.events(&RunClock::start(), &root, &argv);
        let told: Vec<(Call, &str, Option<i64>, u32)> = events
            .iter()
            .filter(|event| matches!(event.call, Call::Receive | Call::Send | Call::Listen))
            .map(|event| {
                let side = event.subject.split(' ').next().unwrap_or_default();
                (event.call, side, event.figure, event.place.as_ref().unwrap().line)
            })
            .collect();
        for expected in [
            (Call::Listen, "", Some(7), 11),
            (Call::Receive, "client", Some(4), 4),
            (Call::Send, "client", Some(4), 7),
            (Call::Send, "backend", Some(4), 13),
            (Call::Receive, "backend", Some(4), 14),
        ] {
            assert!(told.contains(&expected), "{expected:?}: {told:?}");
        }
        let by_leer =
            |event: &&Watched| event.call == Call::Receive && event.place.as_ref().unwrap().line == 4;
        let read = events.iter().find(by_leer).unwrap_or_else(|| panic!("{events:#?}"));
        assert_eq!(read.callers.first().map(|caller| caller.line), Some(6), "who asked for it");
    }

    #[test]
    fn a_torn_line_costs_that_line_only() {
        let clock = RunClock::start();
        let text = "[1, 2, 3, \"listen\", \"\", 5, null, []]\n[1, 2, 3, \"lis";
        assert_eq!(events(text, &clock, &SourceTree::default()).len(), 1);
    }
}
