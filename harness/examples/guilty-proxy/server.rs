//! The life of a request: read it, look into the cache, forward it, keep the answer, write it, log it.
//!
//! `main` runs it. One thread a connection, one request a connection; a defect of serving may change that.

use std::io::{self, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::balancer::Balancer;
use crate::cache::Cache;
use crate::defects::{Defect, content, rotation, serving};
use crate::http::{self, Message};
use crate::log::Log;

/// How long a peer may say nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that a connection needs.
pub struct Server {
    /// Answers on disk.
    pub cache: Cache,
    /// Whose turn it is.
    pub balancer: Balancer,
    /// One line per exchange.
    pub log: Log,
    /// What is wrong with this proxy.
    pub defect: Defect,
}

/// How many requests there were, and how many of them are not answered yet.
#[derive(Default)]
struct Counts {
    all: AtomicUsize,
    under_way: AtomicUsize,
}

impl Server {
    /// Accepts for ever.
    pub fn run(self, listener: &TcpListener) {
        let server = Arc::new(self);
        let counts = Arc::new(Counts::default());
        for stream in listener.incoming().flatten() {
            if serving::one_after_the_other(server.defect) {
                server.connection(&stream, &counts);
                continue;
            }
            let (server, counts) = (Arc::clone(&server), Arc::clone(&counts));
            // Without a thread the connection is closed, and the next one may have better luck.
            let _ = std::thread::Builder::new().spawn(move || server.connection(&stream, &counts));
        }
    }

    fn connection(&self, stream: &TcpStream, counts: &Counts) {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.set_nodelay(true);
        match http::read_request(stream) {
            Ok(Some(request)) => {
                let _place = serving::place(self.defect);
                serving::before_answer(self.defect, counts.all.fetch_add(1, Ordering::SeqCst) + 1);
                let others = counts.under_way.fetch_add(1, Ordering::SeqCst) > 0;
                let names = request.fields.iter().map(|(name, _)| name);
                let answer = if serving::refuses(self.defect, names) {
                    Message::own(400, "Bad Request")
                } else {
                    self.answer(&request, others)
                };
                counts.under_way.fetch_sub(1, Ordering::SeqCst);
                let bytes = answer.answer_bytes(request.word(0) == "HEAD");
                // A client that has left gets nothing and costs nothing.
                let _ = write(stream, &serving::through_shared_buffer(self.defect, bytes));
            }
            Ok(None) => {}
            Err(_) => {
                let _ = write(stream, &Message::own(400, "Bad Request").answer_bytes(false));
            }
        }
    }

    fn answer(&self, request: &Message, others: bool) -> Message {
        let (method, target) = (request.word(0), request.word(1));
        let (answer, from) = match self.cached(method, target) {
            Some(answer) => {
                self.balancer.hit();
                (answer, "cache".to_owned())
            }
            None => {
                for _ in 1..rotation::times_forwarded(self.defect) {
                    self.forwarded(request, others);
                }
                self.forwarded(request, others)
            }
        };
        self.log.exchange(method, target, answer.status(), answer.body.len(), &from);
        answer
    }

    fn cached(&self, method: &str, target: &str) -> Option<Message> {
        let looks = method == "GET" || content::looks_up_any_method(self.defect);
        if looks { self.cache.look_up(target) } else { None }
    }

    fn forwarded(&self, request: &Message, others: bool) -> (Message, String) {
        let (method, target) = (request.word(0), request.word(1));
        for _ in 0..self.balancer.count() {
            let backend = self.balancer.next(others);
            let Ok(stream) = TcpStream::connect(backend) else { continue };
            return match ask(&stream, request, method) {
                Ok(answer) => {
                    if method == "GET"
                        && content::keeps_status(self.defect, answer.status())
                        && (content::keeps_what_is_private(self.defect) || may_be_kept(request, &answer))
                    {
                        self.cache.store(target, &answer);
                    }
                    (answer, backend.to_owned())
                }
                Err(_) => (Message::own(502, "Bad Gateway"), backend.to_owned()),
            };
        }
        (Message::own(502, "Bad Gateway"), "none".to_owned())
    }
}

fn ask(stream: &TcpStream, request: &Message, method: &str) -> io::Result<Message> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    (&mut &*stream).write_all(&request.request_bytes())?;
    http::read_answer(stream, method)
}

/// What the origin or the client forbids to keep for others (RFC 9111 §3).
fn may_be_kept(request: &Message, answer: &Message) -> bool {
    let says = |message: &Message, wanted: &str| {
        let control = message.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
        control.into_iter().any(|(_, value)| value.to_ascii_lowercase().contains(wanted))
    };
    let authorized = request.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    !authorized && !says(request, "no-store") && !says(answer, "no-store") && !says(answer, "private")
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)
}
