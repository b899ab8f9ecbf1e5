//! `exchange`: one request exactly as a scenario writes it – segments, chunks, long heads, clients that leave – and its like.
//!
//! The conductor calls it; the check that the step names judges what the backends received and what the client got. It
//! knows nothing of what should come of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fake_backends::journal::Attempt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::quiescence::settle;
use super::{Connection, Numbers, Problem, Request, Shape, Traffic, expand, streams};
use harness_model::history::{ExchangeEnd, Purpose};
use harness_model::plan::{Exact, Over, Step};
use harness_model::terms::Beside;

/// The answer may reach the client a moment before the backend has noted that it is done. A backend that is told to hang
/// is never done, so this is short.
pub(super) const AT_REST_WITHIN: Duration = Duration::from_millis(300);
/// Others who connect are given this long to be accepted first, so that they are ahead of the request.
const OTHERS_FIRST: Duration = Duration::from_millis(50);
/// Who has sent what is no request reads what it is told, and leaves after so long.
const TOLD_WITHIN: Duration = Duration::from_millis(300);
/// What is no request: a length that is no number, a line of one word, a field without a colon.
const MALFORMED: [&[u8]; 3] = [
    b"POST /malformed HTTP/1.1\r\nHost: malformed\r\nContent-Length: many\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"GET /malformed HTTP/1.1\r\nHost: malformed\r\nno colon\r\n\r\n",
];
/// Between two looks at what a proxy does with a backend that says nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Between the moment in which a silent backend is left and the error that the client gets of it.
const SAYS_SO_WITHIN: Duration = Duration::from_secs(2);
/// Between two rounds of a step that goes on until backends are back.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// Goes on with rounds of all its requests until one was answered as a whole and each backend of `back` was asked, for `most` at most; says
/// whether that was so.
pub async fn keep_asking(
    traffic: &Traffic,
    step: &Step,
    exact: &Exact,
    most: Duration,
    back: &[String],
) -> bool {
    let request = requests(traffic, step, exact);
    // Who was never asked has nothing to come back to.
    let snapshot = traffic.journal.snapshot();
    let was_asked = |name: &&String| snapshot.iter().any(|attempt| attempt.backend == **name);
    let known: Vec<&String> = back.iter().filter(was_asked).collect();
    let first = snapshot.len();
    let begun = tokio::time::Instant::now();
    let mut number = 0;
    loop {
        let mut answered = true;
        for _ in 0..exact.times {
            let exchange = traffic.clients.ask_on(&mut None, &request(number), None).await;
            let status = exchange.response.as_ref().map_or(0, |response| response.status);
            answered &= exchange.end == ExchangeEnd::Complete && (200..300).contains(&status);
            number += 1;
        }
        settle(&traffic.journal, 0, AT_REST_WITHIN).await;
        let since = traffic.journal.attempts_since(first);
        let asked = |name: &&String| since.iter().any(|attempt| attempt.backend == **name);
        if answered && known.iter().all(asked) {
            return true;
        }
        if begun.elapsed() >= most {
            return false;
        }
        tokio::time::sleep(ROUND_PAUSE).await;
    }
}

/// Sends all of them.
///
/// # Errors
/// A task of ours broke.
pub async fn run(traffic: &Traffic, step: &Step, exact: &Exact) -> Result<(), Problem> {
    let others = others(traffic, exact.beside).await;
    let request = requests(traffic, step, exact);
    if exact.over == Over::Http2 {
        streams::run(traffic, step, exact, request).await?;
    } else if exact.pipelined {
        let requests: Vec<Request> = (0..exact.times).map(request).collect();
        traffic.clients.pipeline(&requests).await;
    } else if exact.at_once > 1 {
        let mut sent = 0;
        while sent < exact.times && !traffic.clients.leaves_out((exact.times - sent).into()) {
            let count = exact.at_once.min(exact.times - sent);
            together(traffic, exact, (sent..sent + count).map(&request).collect()).await?;
            sent += count;
            settle(&traffic.journal, 0, AT_REST_WITHIN).await;
            if sent < exact.times {
                be_stored(traffic, exact).await;
            }
        }
    } else {
        let mut connection: Option<Connection> = None;
        for number in 0..exact.times {
            if traffic.clients.leaves_out((exact.times - number).into()) {
                break;
            }
            ask(traffic, exact, &mut connection, request(number), None).await;
            settle(&traffic.journal, 0, AT_REST_WITHIN).await;
            if number + 1 < exact.times {
                be_stored(traffic, exact).await;
            }
        }
    }
    drop(others);
    Ok(())
}

/// Sends one of them. Where the step goes on waiting, it does so until the proxy has left a backend that says nothing: then it has a limit,
/// whatever comes of the rest. Who has left all of them and says nothing either may be going round, and is waited for to the end.
async fn ask(
    traffic: &Traffic,
    exact: &Exact,
    connection: &mut Option<Connection>,
    mut request: Request,
    gate: Option<&Barrier>,
) {
    let Some(most) = exact.keep_waiting else {
        traffic.clients.ask_on(connection, &request, gate).await;
        return;
    };
    request.timeout = most.max(request.timeout);
    let so_far = traffic.journal.attempts_since(0);
    let (first, backends) =
        (so_far.len(), so_far.iter().map(|attempt| &attempt.backend).collect::<HashSet<_>>().len());
    let has_left_one_of_them = || {
        let attempts = traffic.journal.attempts_since(first);
        let is_left =
            |attempt: &&Arc<Attempt>| attempt.target == request.target && attempt.peer_closed.is_some();
        let left = attempts.iter().filter(is_left).count();
        left > 0 && left < backends.max(2)
    };
    let watching = async {
        tokio::time::sleep(exact.within).await;
        while !has_left_one_of_them() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        // Whoever leaves it to say so to the client does that now.
        tokio::time::sleep(SAYS_SO_WITHIN).await;
        request.given_up.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = traffic.clients.ask_on(connection, &request, gate) => {}
        () = watching => {}
    }
}

/// The requests of a step, by their number.
fn requests(traffic: &Traffic, step: &Step, exact: &Exact) -> impl Fn(u32) -> Request {
    let shape = Arc::new(Shape {
        fields: exact.fields.clone(),
        long_head_bytes: exact.long_head_bytes,
        chunked: exact.chunked,
        cut: exact.cut.clone(),
        pause: exact.pause,
        http10: exact.http10,
        leaves_after: exact.leaves_after,
        about_keeping: exact.keep,
    });
    let (clock, cycle, exact) = (traffic.clients.clock(), step.cycle, exact.clone());
    move |number: u32| {
        let target = expand(&exact.path, Numbers { n: number.into(), batch: 0, cycle });
        let purpose = if exact.leaves_after.is_some() { Purpose::Leaving } else { Purpose::Exact };
        let mut request = Request::get(purpose, number, target, clock.now());
        request.group = cycle;
        request.method.clone_from(&exact.method);
        request.body_bytes = exact.body_bytes;
        request.timeout = exact.within + exact.pause * exact.cut.len() as u32;
        request.over = exact.over;
        request.keep = exact.keep;
        request.shape = Some(shape.clone());
        request
    }
}

/// What is asked for again is given the time to be stored.
async fn be_stored(traffic: &Traffic, exact: &Exact) {
    if !exact.path.contains("{n}") {
        tokio::time::sleep(traffic.stored_within()).await;
    }
}

/// The targets that a step asks for.
pub fn targets(step: &Step, exact: &Exact) -> Vec<String> {
    let target = |number: u32| Numbers { n: number.into(), batch: 0, cycle: step.cycle };
    (0..exact.times).map(|number| expand(&exact.path, target(number))).collect()
}

/// All connect, and when the last one has, all send.
async fn together(traffic: &Traffic, exact: &Exact, requests: Vec<Request>) -> Result<(), Problem> {
    let gate = Arc::new(Barrier::new(requests.len()));
    let mut tasks = JoinSet::new();
    for request in requests {
        let (traffic, exact, gate) = (traffic.clone(), exact.clone(), gate.clone());
        tasks.spawn(async move { ask(&traffic, &exact, &mut None, request, Some(&*gate)).await });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The other clients, connected; they leave when they are dropped. One that cannot connect holds up nobody.
async fn others(traffic: &Traffic, beside: Option<Beside>) -> Vec<TcpStream> {
    let mut connected = Vec::new();
    let count = match beside {
        None => return connected,
        Some(Beside::HalfHead) => 1,
        Some(Beside::Silent | Beside::Bare | Beside::Malformed) => 3,
    };
    for _ in 0..count {
        let address = traffic.clients.address();
        let connecting = traffic.clients.network().connect_async(address);
        if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_secs(2), connecting).await {
            connected.push(stream);
        }
    }
    if beside == Some(Beside::HalfHead) {
        for stream in &mut connected {
            // A proxy that has closed already is not held up by it.
            let _ = stream.write_all(b"GET /half HTTP/1.1\r\nHost: half\r\nX-Ha").await;
        }
    }
    if beside == Some(Beside::Malformed) {
        for (stream, malformed) in connected.iter_mut().zip(MALFORMED) {
            if stream.write_all(malformed).await.is_ok() {
                // A refusal is read to its end: who leaves without is another client.
                let mut told = Vec::new();
                let _ = tokio::time::timeout(TOLD_WITHIN, stream.read_to_end(&mut told)).await;
            }
        }
        connected.clear();
    }
    if beside == Some(Beside::Bare) {
        connected.clear();
    }
    tokio::time::sleep(OTHERS_FIRST).await;
    connected
}
