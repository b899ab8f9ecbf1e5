//! Backends behind a proxy that runs already: a `fake-backends` that somebody else started, reached by its control.
//!
//! `setting` attaches to it in place of starting backends of our own. Scripts are put in force there, the journal is followed
//! as if it were here, its moments in ours; nothing there is started or ended.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_backends::clock::RunClock;
use fake_backends::control::{BackendState, State};
use fake_backends::journal::{Attempt, Journal};
use fake_backends::server::Recording;

use harness_model::plan::Plan;

/// How long its control may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Questions for its clock: the one that was answered fastest tells it best.
const CLOCK_QUESTIONS: usize = 9;

/// The backends of another process.
#[derive(Debug)]
pub(super) struct Elsewhere {
    control: Arc<Control>,
    backends: Vec<BackendState>,
}

/// A connection to the control. It speaks from a thread of its own, whatever runtime the caller is in.
#[derive(Debug)]
struct Control {
    address: SocketAddr,
    questions: Mutex<std::sync::mpsc::Sender<Question>>,
}

/// Method, path, body, and where the answer goes.
type Question = (&'static str, String, Vec<u8>, std::sync::mpsc::Sender<io::Result<Vec<u8>>>);

impl Elsewhere {
    /// Puts the scripts of a plan in force there; the journal from now on.
    ///
    /// # Errors
    /// The control does not answer, there are other backends than the plan has, or it refuses a script.
    pub(super) fn attach(
        plan: &Plan,
        address: SocketAddr,
        clock: RunClock,
    ) -> io::Result<(Elsewhere, Journal)> {
        let control = Arc::new(Control::open(address)?);
        let (state, offset) = control.state(clock)?;
        if state.backends.len() != plan.backends.count {
            let (there, wanted) = (state.backends.len(), plan.backends.count);
            return Err(io::Error::other(format!(
                "the fake-backends at {address} has {there} backends and the scenario {wanted}: start it with --listen {wanted} times, \
                 and tell the proxy all of them"
            )));
        }
        if !plan.adapter.request.prefix.is_empty() {
            return Err(io::Error::other(
                "request.prefix cannot be used with attach: leave it out of the adapter",
            ));
        }
        for (number, backend) in state.backends.iter().enumerate() {
            let own = plan.backends.own.get(&format!("b{}", number + 1));
            let script = serde_json::to_vec(own.unwrap_or(&plan.backends.script))?;
            control.ask("PUT", format!("/script/{}", backend.name), script)?;
        }
        let elsewhere = Elsewhere { control: control.clone(), backends: state.backends };
        elsewhere.set_recording(Recording::Full)?;
        // What was there before belongs to nobody here.
        let before = state.attempts;
        let fetch = move |from: usize| -> io::Result<Vec<Attempt>> {
            let text = control.ask("GET", format!("/journal/{}", before + from), Vec::new())?;
            let attempts: Vec<Attempt> = serde_json::from_slice(&text)?;
            Ok(attempts.into_iter().map(|attempt| attempt.shifted(offset)).collect())
        };
        Ok((elsewhere, Journal::mirrored(clock, Box::new(fetch))))
    }

    pub(super) fn addresses(&self) -> &[BackendState] {
        &self.backends
    }

    pub(super) fn change(&self, name: &str, up: bool) -> io::Result<()> {
        let what = if up { "up" } else { "down" };
        self.control.ask("PUT", format!("/{what}/{name}"), Vec::new()).map(drop)
    }

    pub(super) fn set_recording(&self, recording: Recording) -> io::Result<()> {
        let what = if recording == Recording::Full { "full" } else { "counting" };
        self.control.ask("PUT", format!("/recording/{what}"), Vec::new()).map(drop)
    }
}

impl Control {
    fn open(address: SocketAddr) -> io::Result<Control> {
        let client =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (questions, asked) = std::sync::mpsc::channel::<Question>();
        // Ends when the last question has been asked.
        std::thread::Builder::new().name("control".into()).spawn(move || {
            for (method, path, body, answer) in asked {
                // Whoever does not wait any more has given up the run.
                let _ = answer.send(runtime.block_on(exchange(&client, address, method, &path, body)));
            }
        })?;
        Ok(Control { address, questions: Mutex::new(questions) })
    }

    fn ask(&self, method: &'static str, path: String, body: Vec<u8>) -> io::Result<Vec<u8>> {
        let (sender, answer) = std::sync::mpsc::channel();
        let gone = || io::Error::other("the thread of the control has ended");
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        questions.send((method, path, body, sender)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?.map_err(|error| {
            let way_out = "is `fake-backends … --control ADDRESS:PORT` running there?";
            io::Error::other(format!("the control of the backends at {}: {error}; {way_out}", self.address))
        })
    }

    /// What is there, and how many nanoseconds our clock is ahead of theirs.
    fn state(&self, clock: RunClock) -> io::Result<(State, i64)> {
        let mut best: Option<(Duration, State, i64)> = None;
        for _ in 0..CLOCK_QUESTIONS {
            let asked = clock.now();
            let text = self.ask("GET", "/state".into(), Vec::new())?;
            let answered = clock.now();
            let state: State = serde_json::from_slice(&text)?;
            let way = answered.since(asked);
            let middle = asked + way / 2;
            let offset = i64::try_from(i128::from(middle.0) - i128::from(state.now.0)).unwrap_or_default();
            if best.as_ref().is_none_or(|(fastest, ..)| way < *fastest) {
                best = Some((way, state, offset));
            }
        }
        best.map(|(_, state, offset)| (state, offset)).ok_or_else(|| io::Error::other("no answer"))
    }
}

async fn exchange(
    client: &reqwest::Client,
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let url = format!("http://{address}{path}");
    let request = if method == "PUT" { client.put(url).body(body) } else { client.get(url) };
    let answer = request.send().await.map_err(io::Error::other)?;
    let status = answer.status();
    let bytes = answer.bytes().await.map_err(io::Error::other)?.to_vec();
    match status.is_success() {
        true => Ok(bytes),
        false => Err(io::Error::other(format!("{path}: {status}: {}", String::from_utf8_lossy(&bytes)))),
    }
}
