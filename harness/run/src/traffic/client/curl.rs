//! The curl program: what a person types to try a proxy.
//!
//! One of the client kinds of the concurrency checks, used where it is installed. Its raw output, head included, is read
//! like any other response.

use std::process::Stdio;
use std::sync::OnceLock;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::observe::ResponseObserver;
use super::trouble::ours;
use super::{Clients, Seen};
use crate::traffic::Problem;
use crate::traffic::request::Request;
use harness_model::history::{Cut, ExchangeEnd, Trouble};

/// Exit codes of curl that have a meaning of their own here (curl(1), EXIT CODES).
const COULD_NOT_CONNECT: i32 = 7;
const TIMED_OUT: i32 = 28;
const EMPTY_REPLY: i32 = 52;
/// Those that say something of curl or of this machine: no such option or protocol, no URL, no file, no memory, no interface.
const NOT_THE_PROXY: [i32; 10] = [1, 2, 3, 4, 23, 26, 27, 41, 43, 45];

/// Why the program cannot be used; `None` where it can.
pub(super) fn missing() -> Option<Problem> {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = *FOUND.get_or_init(|| {
        let mut command = std::process::Command::new("curl");
        let quiet = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    });
    (!found).then(|| Problem::NoProgram { program: "curl".to_owned() })
}

pub(super) async fn exchange(clients: &Clients, request: &Request) -> Seen {
    let clock = clients.clock();
    let mut deadline = clients.deadline(request);
    let mut seen = Seen::nothing(clients.head_of(request), deadline.patience());
    // The child starts in the network of the thread that starts it.
    if let Err(error) = clients.network().enter() {
        seen.finished = clock.now();
        seen.end = ours(Trouble::NoMeans, error);
        return seen;
    }
    let command = command(clients, request);
    seen.sent = Some(clock.now());
    let output = deadline.keep(run(command, request.body())).await;
    seen.finished = clock.now();
    seen.patience = deadline.patience();
    let output = match output {
        Some(Ok(output)) => output,
        Some(Err(error)) => {
            seen.end = ours(Trouble::Missing, format!("curl could not be run: {error}"));
            return seen;
        }
        // The child is killed when it is dropped.
        None => return seen,
    };
    let mut observer = ResponseObserver::new(&request.method, clients.secret());
    let over = observer.push(&output.stdout, seen.finished);
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    seen.end = match output.status.code() {
        Some(0) if over => observer.end(),
        Some(0) => observer.closed(None),
        Some(COULD_NOT_CONNECT) => ExchangeEnd::NotConnected(said),
        Some(TIMED_OUT) => ExchangeEnd::TimedOut,
        Some(EMPTY_REPLY) => ExchangeEnd::ClosedWithoutAnswer,
        Some(code) if NOT_THE_PROXY.contains(&code) => ours(Trouble::Inexpressible, said),
        _ => ExchangeEnd::CutShort(Cut::Said(said)),
    };
    seen.head_received = observer.head_received();
    seen.response = observer.into_response(&request.method, &request.target);
    seen
}

/// Our own deadline comes first; should this program be killed, curl must not stay for ever.
fn longest(request: &Request) -> std::time::Duration {
    request.timeout * 10
}

/// Runs it, with the body on its standard input.
async fn run(mut command: Command, body: Vec<u8>) -> std::io::Result<std::process::Output> {
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    let feed = async move {
        if let Some(mut input) = input {
            // A curl that has ended early says why by its exit code.
            let _ = input.write_all(&body).await;
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    output
}

fn command(clients: &Clients, request: &Request) -> Command {
    let mut command = Command::new("curl");
    // `-q` must come first: the user's own settings would make the run another one elsewhere.
    command.args([
        "-q",
        "--silent",
        "--show-error",
        "--include",
        "--raw",
        "--http1.1",
        "--noproxy",
        "*",
        "--globoff",
    ]);
    command.args(["--path-as-is", "--max-time", &longest(request).as_secs_f64().to_string()]);
    match request.method.as_str() {
        "HEAD" => drop(command.arg("--head")),
        method => drop(command.args(["--request", method])),
    }
    if request.body_bytes > 0 {
        command.args(["--header", "Content-Type: application/octet-stream", "--data-binary", "@-"]);
    }
    if let Some(host) = clients.own_host() {
        command.args(["--header", &format!("Host: {host}")]);
    }
    if clients.inner.shape.absolute {
        command.args(["--request-target", &clients.inner.shape.target(&request.target, clients.host())]);
    }
    command.arg(clients.url_of(request));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}
