//! From verdict to line: small faulty programs are judged, and the report names the line of their fault because it was seen there.
//!
//! Each test runs the program `harness` as a student would. Watching is a help that a machine may lack: where no process may trace
//! another, the lines of compiled programs are those that were read in the source.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const IN_PYTHON: &str = r#"import socket, sys, threading
PORT, BACKENDS = int(sys.argv[1]), sys.argv[2].split(",")
turn = 0

def whole(s):
    data = b""
    while True:
        part = s.recv(65536)
        if not part:
            return data
        data += part

def serve(client):
    global turn
    request = client.recv(65536)
    if b"/slowly/" in request:
        raise KeyError("slowly")
    turn += 1
    host, port = BACKENDS[turn % len(BACKENDS)].split(":")
    upstream = socket.create_connection((host, int(port)))
    head, _, body = request.partition(b"\r\n\r\n")
    upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
    client.sendall(whole(upstream))
    client.close()

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", PORT))
listener.listen(100)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

const IN_C: &str = r#"#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int take(int client, char *buffer, int size)
{
    return recv(client, buffer, size, 0);
}

static void serve(int client, char *backend)
{
    char buffer[65536], host[64];
    int n = take(client, buffer, sizeof buffer), port;
    if (n <= 0 || sscanf(backend, "%63[^:]:%d", host, &port) != 2) return;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    int up = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(up, (struct sockaddr *)&a, sizeof a) == 0) {
        char *end = memmem(buffer, n, "\r\n\r\n", 4);
        int head = end ? end - buffer : n;
        send(up, buffer, head, MSG_NOSIGNAL);
        send(up, "\r\nConnection: close", 19, MSG_NOSIGNAL);
        send(up, buffer + head, n - head, MSG_NOSIGNAL);
        while ((n = recv(up, buffer, sizeof buffer, 0)) > 0) send(client, buffer, n, MSG_NOSIGNAL);
    }
}

int main(int argc, char **argv)
{
    char *backends[16];
    int many = 0, turn = 0, yes = 1;
    for (char *one = strtok(argv[2], ","); one && many < 16; one = strtok(NULL, ",")) backends[many++] = one;
    if (argc > 3) {
        char line[256];
        FILE *status = fopen("/proc/self/status", "r");
        while (status && fgets(line, sizeof line, status))
            if (!strncmp(line, "TracerPid:", 10) && atoi(line + 10) > 0) return 9;
    }
    signal(SIGCHLD, SIG_IGN);
    fclose(stderr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 100)) return 1;
    for (;;) {
        int client = accept(s, NULL, NULL);
        char *backend = backends[turn++ % many];
        if (fork() == 0) { serve(client, backend); _exit(0); }
        close(client);
    }
}
"#;

struct Judged {
    rows: Vec<Value>,
    printed: String,
    watched: bool,
}

impl Judged {
    fn row(&self, check: &str) -> &Value {
        self.rows
            .iter()
            .find(|row| row["check"] == check)
            .unwrap_or_else(|| panic!("{check}\n{}", self.printed))
    }

    /// `file:line` and how it was found.
    fn line(&self, check: &str) -> (String, String) {
        let named = &self.row(check)["grounds"]["named"];
        let place = &named["place"];
        let file = place["file"].as_str().unwrap_or("-");
        (format!("{file}:{}", place["line"]), named["basis"].as_str().unwrap_or("-").to_owned())
    }
}

fn judged(file: &str, text: &str, adapter: &str, checks: &[&str], watch: &str) -> Judged {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), text).unwrap();
    std::fs::write(folder.path().join("pibl-judge.yaml"), adapter).unwrap();
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/forwarding.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg(scenario)
        .args(["--sut", "pibl-judge.yaml", "--out", "reports", "--seed", "7", watch])
        .args(checks.iter().flat_map(|check| ["--only", check]))
        .current_dir(folder.path())
        .env("LANG", "en_US.UTF-8")
        .output()
        .unwrap();
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let run = folder.path().join("reports/forwarding/watched-proxy/latest");
    let verdicts =
        std::fs::read(run.join("verdicts.json")).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    let document: Value = serde_json::from_slice(&verdicts).unwrap();
    let watched = run.join("watched/events.jsonl").exists();
    Judged { rows: document["verdicts"].as_array().unwrap().clone(), printed, watched }
}

const FOR_PYTHON: &str = "name: watched-proxy\nprogram: {installed: {name: python3}}\ncopy_from: .\n\
    start: [\"{{ program }}\", \"proxy.py\", \"{{ port }}\", \"{% for backend in backends %}{{ backend.address }}{% if not loop.last %},{% endif %}{% endfor %}\"]\n\
    capabilities: {cache: none, ttl: none}\n";

const SEGMENTS: &str = "forward.body_in_segments";

#[test]
fn a_line_is_named_where_it_was_seen_and_where_it_was_printed() {
    let run = judged("proxy.py", IN_PYTHON, FOR_PYTHON, &[SEGMENTS, "forward.chunked_answer"], "--watch");
    let row = run.row(SEGMENTS);
    assert_eq!(
        (row["outcome"].as_str(), row["likely_cause"].as_str()),
        (Some("fail"), Some("first_read_only")),
        "{}",
        run.printed
    );
    assert_eq!(run.line(SEGMENTS), ("proxy.py:15".into(), "watched".into()), "{row:#}\n{}", run.printed);
    assert_eq!(row["grounds"]["again"], true);
    assert!(run.printed.contains("proxy.py:15"), "{}", run.printed);
    // The exception of a thread names its line by itself.
    let thrown = run.row("forward.chunked_answer");
    if thrown["outcome"] == "fail" {
        assert_eq!(thrown["likely_cause"], "exception_uncaught", "{thrown:#}");
        assert_eq!(run.line("forward.chunked_answer").0, "proxy.py:17");
    }
}

#[test]
fn who_wants_nothing_watched_gets_the_line_that_was_read() {
    let run = judged("proxy.py", IN_PYTHON, FOR_PYTHON, &[SEGMENTS], "--watch=never");
    assert!(!run.watched);
    assert_eq!(run.line(SEGMENTS), ("proxy.py:15".into(), "read".into()));
}

fn for_c(more: &str) -> String {
    format!(
        "name: watched-proxy\nprogram: {{own: proxy}}\ncopy_from: .\nbuild: [[gcc, -O0, -D_GNU_SOURCE, -o, proxy, proxy.c]]\n\
         start: [\"{{{{ program }}}}\", \"{{{{ port }}}}\", \"{{% for backend in backends %}}{{{{ backend.address }}}}{{% if not loop.last %}},{{% endif %}}{{% endfor %}}\"{more}]\n\
         capabilities: {{cache: none, ttl: none}}\n"
    )
}

fn has_a_compiler() -> bool {
    Command::new("gcc").arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_compiled_program_that_forks_and_closes_its_stderr_is_watched_too() {
    if !has_a_compiler() {
        return;
    }
    let run = judged("proxy.c", IN_C, &for_c(""), &[SEGMENTS], "--watch");
    assert_eq!(run.row(SEGMENTS)["outcome"], "fail", "{}", run.printed);
    let (place, basis) = run.line(SEGMENTS);
    assert_eq!(place, "proxy.c:12", "{:#}\n{}", run.row(SEGMENTS), run.printed);
    // The last calls of a traced program can be lost with it: then the line is the one that was read.
    assert!(["watched", "read"].contains(&basis.as_str()), "{basis}: {}", run.printed);
}

#[test]
fn a_program_that_ends_when_it_is_traced_keeps_its_verdict() {
    if !has_a_compiler() {
        return;
    }
    let run = judged("proxy.c", IN_C, &for_c(", \"wary\""), &[SEGMENTS, "forward.once"], "--watch");
    assert_eq!(run.row(SEGMENTS)["outcome"], "fail", "{}", run.printed);
    assert_eq!(run.row("forward.once")["outcome"], "pass", "{}", run.printed);
    assert_eq!(run.line(SEGMENTS).0, "proxy.c:12");
}

fn tried(row: &Value) -> &Value {
    &row["grounds"]["tried"]["passes"]
}

#[test]
fn a_small_mending_is_tried_in_a_copy_and_the_verdict_stays() {
    let run = judged("proxy.py", IN_PYTHON, FOR_PYTHON, &[SEGMENTS], "--trial");
    let row = run.row(SEGMENTS);
    assert_eq!(row["outcome"], "fail", "{}", run.printed);
    assert_eq!(tried(row), &Value::Bool(true), "{row:#}\n{}", run.printed);
    assert_eq!(run.line(SEGMENTS), ("proxy.py:15".into(), "tried".into()));
    assert!(run.printed.contains("request += _more"), "{}", run.printed);
    // Whoever does not ask for it gets the line alone.
    let run = judged("proxy.py", IN_PYTHON, FOR_PYTHON, &[SEGMENTS], "--watch=never");
    assert!(tried(run.row(SEGMENTS)).is_null(), "{}", run.printed);
}

#[test]
fn a_mending_that_is_not_all_of_it_is_told_as_such() {
    // What is read is right now, and half of it is sent.
    let half = IN_PYTHON.replace(r#"\r\n\r\n" + body)"#, r#"\r\n\r\n" + body[:5])"#);
    assert_ne!(half, IN_PYTHON);
    let run = judged("proxy.py", &half, FOR_PYTHON, &[SEGMENTS], "--trial");
    let row = run.row(SEGMENTS);
    assert_eq!((row["outcome"].as_str(), tried(row)), (Some("fail"), &Value::Bool(false)), "{row:#}");
    assert!(run.printed.contains("there is more to mend"), "{}", run.printed);
}
