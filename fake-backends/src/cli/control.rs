//! The control of a running program, by HTTP: what it is, its journal, and scripts that take the place of others.
//!
//! `session` starts it where the command line asks for it; `harness` attaches to it. It hands over what the handles of the
//! backends and the journal offer, and decides nothing.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /state` | the present moment, the length of the journal, backends with their addresses |
//! | `GET /journal/N` | the attempts from position N on, as they stand now |
//! | `PUT /script/NAME` | the body, a script as JSON, is in force from now on |
//! | `PUT /manner` | how all backends treat connections and bodies from now on, as JSON |
//! | `PUT /connections/close` | all open connections are closed |
//! | `PUT /recording/full`, `PUT /recording/counting` | what all backends write down from now on |
//! | `PUT /up/NAME`, `PUT /down/NAME` | the backend refuses connections, or takes them again |

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;

use fake_backends::behavior::Script;
use fake_backends::control::{BackendState, State};
use fake_backends::journal::Journal;
use fake_backends::server::{Down, Listening, Manner, Recording};

/// Longest request head and body that are read.
const MOST_HEAD: usize = 16 << 10;
const MOST_BODY: usize = 16 << 20;
/// A connection on which nothing comes for so long is closed.
const IDLE: Duration = Duration::from_secs(300);

/// An answer: status and body.
type Answer = (u16, Vec<u8>);

/// Listens for as long as the program runs; the address. It holds no backend alive.
pub(super) fn start(address: SocketAddr, backends: &Arc<Vec<Listening>>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let backends = Arc::downgrade(backends);
    std::thread::Builder::new().name("control".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let backends = backends.clone();
            // Without a thread the client is not served, and sees that.
            let _ = std::thread::Builder::new().name("control client".into()).spawn(move || {
                // A client that leaves in the middle of something is none of our business.
                let _ = serve(stream, &backends);
            });
        }
    })?;
    Ok(address)
}

/// Request after request, until the client leaves.
fn serve(mut stream: TcpStream, backends: &Weak<Vec<Listening>>) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    while let Some((method, target, body)) = next_request(&mut stream, &mut received)? {
        let answer = match backends.upgrade() {
            Some(backends) => answered(&method, &target, &body, &backends),
            None => (503, b"the program ends".to_vec()),
        };
        let head = format!(
            "HTTP/1.1 {} .\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.0,
            answer.1.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&answer.1)?;
    }
    Ok(())
}

/// Method, target and body; `None` where the client has left.
fn next_request(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
) -> io::Result<Option<(String, String, Vec<u8>)>> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut buffer = [0; 16 << 10];
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(received).map_err(|error| wrong(&error.to_string()))?;
        if let httparse::Status::Complete(head) = parsed {
            let length =
                request.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
            let length = match length {
                Some(field) => {
                    std::str::from_utf8(field.value).ok().and_then(|text| text.trim().parse().ok())
                }
                None => Some(0usize),
            };
            let length = length.filter(|length| *length <= MOST_BODY).ok_or_else(|| wrong("length"))?;
            if received.len() >= head + length {
                let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
                let (method, target) = (method.to_owned(), target.to_owned());
                let body = received[head..head + length].to_vec();
                received.drain(..head + length);
                return Ok(Some((method, target, body)));
            }
        } else if received.len() > MOST_HEAD {
            return Err(wrong("a head too long"));
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            count => received.extend_from_slice(&buffer[..count]),
        }
    }
}

fn answered(method: &str, target: &str, body: &[u8], backends: &[Listening]) -> Answer {
    let Some(journal) = backends.first().map(Listening::journal) else { return (503, Vec::new()) };
    let parts: Vec<&str> = target.trim_start_matches('/').split('/').collect();
    let of_name = |name: &str| backends.iter().find(|backend| backend.name() == name);
    match (method, parts.as_slice()) {
        ("GET", ["state"]) => json(&state(backends, journal)),
        ("GET", ["journal", from]) => match from.parse() {
            Ok(from) => {
                json(&journal.attempts_since(from).iter().map(|attempt| &**attempt).collect::<Vec<_>>())
            }
            Err(_) => (400, b"/journal/N".to_vec()),
        },
        ("PUT", ["recording", what @ ("full" | "counting")]) => {
            let recording = if *what == "full" { Recording::Full } else { Recording::Counting };
            backends.iter().for_each(|backend| backend.set_recording(recording));
            (200, Vec::new())
        }
        ("PUT", ["connections", "close"]) => done(backends.iter().try_for_each(Listening::close_connections)),
        ("PUT", ["manner"]) => match serde_json::from_slice::<Manner>(body) {
            Ok(manner) => {
                backends.iter().for_each(|backend| backend.manners().set(manner.clone()));
                (200, Vec::new())
            }
            Err(error) => (400, error.to_string().into_bytes()),
        },
        ("PUT", [what @ ("script" | "up" | "down"), name]) => match (of_name(name), *what) {
            (None, _) => (404, b"no backend of that name".to_vec()),
            (Some(backend), "script") => match serde_json::from_slice::<Script>(body) {
                Ok(script) => done(backend.set_script(script)),
                Err(error) => (400, error.to_string().into_bytes()),
            },
            (Some(backend), "up") => done(backend.bring_up()),
            (Some(backend), _) => done(backend.take_down(Down::Refuse)),
        },
        _ => (
            404,
            b"GET /state, GET /journal/N, PUT /script/NAME, /manner, /connections/close, /recording/full, /up/NAME, /down/NAME"
                .to_vec(),
        ),
    }
}

fn state(backends: &[Listening], journal: &Journal) -> State {
    let backend = |it: &Listening| BackendState { name: it.name().to_owned(), address: it.addr() };
    let attempts = journal.count();
    State { attempts, backends: backends.iter().map(backend).collect(), now: journal.clock().now() }
}

fn done(result: io::Result<()>) -> Answer {
    result.map_or_else(|error| (500, error.to_string().into_bytes()), |()| (200, Vec::new()))
}

fn json(value: &impl Serialize) -> Answer {
    serde_json::to_vec(value).map_or_else(|error| (500, error.to_string().into_bytes()), |text| (200, text))
}
