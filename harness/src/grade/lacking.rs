//! What this machine lacks, by what a build or a program printed before it ended: a tool, a library, the network, room on its disk.
//!
//! `triage` asks here, because none of it is a fault of a team. What reads like that and is not is looked at by a person; what does
//! not read like that is the team's.

/// What is lacking, with the line that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// A compiler, a library, a package, or a newer one.
    Tool(String),
    /// What a build wanted to fetch.
    Network(String),
    /// Room on a disk, or memory.
    Room(String),
}

const ROOM: [&str; 6] = [
    "no space left on device",
    "disk quota exceeded",
    "cannot allocate memory",
    "virtual memory exhausted",
    "out of memory",
    "killed signal terminated program",
];

const NETWORK: [&str; 22] = [
    "temporary failure in name resolution",
    "name or service not known",
    "nodename nor servname provided",
    "could not resolve host",
    "couldn't resolve host",
    "failed to lookup address",
    "no such host",
    "network is unreachable",
    "connection timed out",
    "connection refused",
    " enotfound",
    "eai_again",
    "dial tcp",
    "spurious network error",
    "failed to download",
    "failed to establish a new connection",
    "in the offline mode",
    "when --offline was specified",
    "offline mode",
    "goproxy=off",
    " enotcached",
    "unknownhostexception",
];

const TOOLS: [&str; 19] = [
    "command not found",
    "no such command",
    "modulenotfounderror: no module named",
    "could not find package",
    "cannot find package",
    "no required module provides package",
    "error while loading shared libraries",
    "cannot find -l",
    "no matching package named",
    "no matching distribution found",
    "` not found (required by",
    "' not found (required by",
    "error: toolchain '",
    "is not installed",
    "requires rustc",
    "rustc is not supported by",
    "feature `edition",
    "requires go >=",
    "unsupported class file major version",
];

/// What is lacking, where the last lines tell of that.
pub(super) fn lacking(lines: &[String]) -> Option<Lack> {
    // What is printed last is nearest to the end of it all.
    lines.iter().rev().enumerate().find_map(|(from_end, line)| {
        let said = line.to_lowercase();
        let any = |signs: &[&str]| signs.iter().any(|sign| said.contains(sign));
        let quoted = || line.trim().to_owned();
        if any(&ROOM) {
            Some(Lack::Room(quoted()))
        } else if any(&NETWORK) {
            Some(Lack::Network(quoted()))
        } else if any(&TOOLS)
            || is_command(&said)
            || is_package(&said)
            || is_header(lines, lines.len() - 1 - from_end)
        {
            Some(Lack::Tool(quoted()))
        } else {
            None
        }
    })
}

/// `make: cmake: No such file or directory` or `sh: 1: cmake: not found`, and not `cat: lista.txt: No such file or directory`.
fn is_command(said: &str) -> bool {
    let of_make =
        said.starts_with("make") && said.ends_with("no such file or directory") && !said.contains("***");
    let of_shell = ["sh: ", "/sh: "].iter().any(|shell| said.starts_with(shell) || said.contains(shell));
    of_make || of_shell && said.ends_with(": not found")
}

/// A package of Node, and not a file of the team's own.
fn is_package(said: &str) -> bool {
    let named = said.split_once("cannot find module '").map(|(_, name)| name);
    named.is_some_and(|name| !name.starts_with(['.', '/']))
}

/// A header of a library, and not one of the team's own: the compiler shows how it is asked for.
fn is_header(lines: &[String], at: usize) -> bool {
    let asked_for = lines
        .get(at + 1)
        .is_some_and(|source| source.contains("#include <") || source.contains("# include <"));
    asked_for && lines[at].contains("fatal error:") && lines[at].contains("No such file or directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Lack> {
        lacking(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_machine_lacks_is_told_from_what_the_team_did() {
        for line in [
            "sh: 1: cmake: not found",
            "make: cmake: No such file or directory",
            "ModuleNotFoundError: No module named 'flask'",
            "Error: Cannot find module 'express'",
            "/usr/bin/ld: cannot find -lcurl: No such file or directory",
            "./proxy: error while loading shared libraries: libcurl.so.4: cannot open shared object file",
            "./proxy: /lib/libc.so.6: version `GLIBC_2.99' not found (required by ./proxy)",
            "error: package `x v1.0.0` cannot be built because it requires rustc 1.99 or newer",
            "a.c:1:10: fatal error: curl/curl.h: No such file or directory\n    1 | #include <curl/curl.h>",
        ] {
            assert!(matches!(of(line), Some(Lack::Tool(_))), "{line}: {:?}", of(line));
        }
        for line in [
            "socket.gaierror: [Errno -3] Temporary failure in name resolution",
            "go: example.org/x@v1.0.0: Get \"https://example.org\": dial tcp: lookup example.org: no such host",
            "warning: spurious network error (3 tries remaining): [6] Couldn't resolve host name",
            "npm ERR! code ENOTFOUND",
            "npm error code ENOTCACHED",
            "main.go:4:2: module lookup disabled by GOPROXY=off",
            "error: no matching package named `bytes` found\nAs a reminder, you're using offline mode (--offline)",
            "Caused by: java.net.UnknownHostException: repo.example.org",
        ] {
            assert!(matches!(of(line), Some(Lack::Network(_))), "{line}: {:?}", of(line));
        }
        for line in
            ["cc1: error: a.s: No space left on device", "OSError: [Errno 28] No space left on device"]
        {
            assert!(matches!(of(line), Some(Lack::Room(_))), "{line}");
        }
        for line in [
            "a.c:1: error: expected ';' before '}' token",
            "error[E0425]: cannot find value `x` in this scope",
            "a.c:1:10: fatal error: server.h: No such file or directory\n    1 | #include \"server.h\"",
            "cat: lista.txt: No such file or directory",
            "Error: Cannot find module './cache'",
            "make: *** No rule to make target 'proxy.c', needed by 'proxy'.  Stop.",
            "NameError: name 'socke' is not defined",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
