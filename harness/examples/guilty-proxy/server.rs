//! The life of a request: read it, look into the cache, forward it, keep the answer, write it, log it.
//!
//! `main` runs it. One thread a connection, any number of requests on it; a defect of serving may change that.

use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::balancer::Balancer;
use crate::cache::Cache;
use crate::defects::{Defect, content, failing, logging, rotation, serving, wire};
use crate::door::Door;
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
    /// Who may come in.
    pub door: Door,
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
        let mut reader = BufReader::new(stream);
        loop {
            let request = match http::read_request(&mut reader, stream, self.defect) {
                Ok(Some(request)) => request,
                Ok(None) => return,
                Err(_) => {
                    serving::malformed(self.defect);
                    let _ = write(stream, &Message::own(400, "Bad Request").answer_bytes(false, true, false));
                    break;
                }
            };
            serving::wait_where_all_is_stopped();
            let Some(answer) = self.answered(&request, stream, counts) else { break };
            let interim = answer.status() < 200;
            let close = request.says_close
                || request.word(2) == "HTTP/1.0"
                || interim
                || wire::closes_always(self.defect);
            let unframed = wire::never_ends(self.defect, &answer);
            let bytes = answer.answer_bytes(request.word(0) == "HEAD", close, unframed);
            let bytes = wire::as_written(self.defect, &request, &answer, bytes);
            // A client that has left gets nothing and costs nothing.
            if write(stream, &serving::through_shared_buffer(self.defect, bytes)).is_err() {
                if let Some(kept) = content::kept_of_what_was_broken_off(self.defect, &answer) {
                    self.cache.store(request.word(1), &kept);
                }
                serving::client_left(self.defect);
                return;
            }
            if close || wire::closes_without_saying(self.defect) {
                break;
            }
            if wire::forgets_the_rest(self.defect) {
                reader = BufReader::new(stream);
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
    }

    /// The answer to a request; `None` where its connection is to be closed without one.
    fn answered(&self, request: &Message, stream: &TcpStream, counts: &Counts) -> Option<Message> {
        let _place = serving::place(self.defect);
        serving::before_answer(self.defect, counts.all.fetch_add(1, Ordering::SeqCst) + 1);
        let others = counts.under_way.fetch_add(1, Ordering::SeqCst);
        let names = request.fields.iter().map(|(name, _)| name);
        let refusal = wire::refusal(self.defect, request).or_else(|| serving::too_many(self.defect, others));
        let refusal =
            refusal.or_else(|| stream.peer_addr().ok().and_then(|peer| self.door.refusal(peer.ip())));
        let answer = if serving::refuses(self.defect, names) {
            Some(Message::own(400, "Bad Request"))
        } else if refusal.is_some() {
            refusal
        } else {
            self.answer(request, others > 0)
        };
        counts.under_way.fetch_sub(1, Ordering::SeqCst);
        answer.map(|answer| serving::as_served(self.defect, request.word(1), others > 0, answer))
    }

    fn answer(&self, request: &Message, others: bool) -> Option<Message> {
        let (method, target) = (request.word(0), request.word(1));
        let (answer, from) = match self.cached(method, &content::name(self.defect, request)) {
            Some(answer) => {
                self.balancer.hit();
                (content::hit_among_others(self.defect, others, answer), "cache".to_owned())
            }
            None => {
                for _ in 1..rotation::times_forwarded(self.defect) {
                    self.forwarded(request, others);
                }
                self.forwarded(request, others)?
            }
        };
        let (status, bytes) = (answer.status(), answer.body.len());
        self.log.exchange(&logging::Exchange { method, target, status, bytes, from: &from, others });
        Some(answer)
    }

    fn cached(&self, method: &str, target: &str) -> Option<Message> {
        let looks = method == "GET" || content::looks_up_any_method(self.defect);
        let other = content::target_of(self.defect, method, target).filter(|_| method == "POST");
        if looks { self.cache.look_up(target) } else { self.cache.look_up(&other?) }
    }

    fn forwarded(&self, request: &Message, others: bool) -> Option<(Message, String)> {
        let (method, target) = (request.word(0), request.word(1));
        if failing::stumbles() {
            return Some((Message::own(502, "Bad Gateway"), "none".to_owned()));
        }
        for _ in 0..self.balancer.count() {
            let chosen = self.balancer.next(others);
            let backend = chosen.address();
            if failing::bears_a_grudge(backend) {
                continue;
            }
            let Ok(stream) = TcpStream::connect(backend) else {
                failing::refused(self.defect, backend);
                continue;
            };
            let answer = match self.ask(&stream, request, method) {
                Ok(answer) => {
                    let kept = method == "GET" && content::keeps_status(self.defect, answer.status());
                    if kept && self.may_be_kept(request, &answer) {
                        self.cache.store(&content::name(self.defect, request), &answer);
                    }
                    if let Some(target) = content::target_of(self.defect, method, target) {
                        self.cache.store(&target, &content::without_length(method, &answer));
                    }
                    answer
                }
                Err(_) if failing::asks_the_next(self.defect) => continue,
                Err(error) => failing::went_wrong(self.defect, &error)?,
            };
            return Some((answer, backend.to_owned()));
        }
        Some((failing::nobody_answers(self.defect), "none".to_owned()))
    }

    fn ask(&self, stream: &TcpStream, request: &Message, method: &str) -> io::Result<Message> {
        stream.set_read_timeout(Some(failing::patience(self.defect)))?;
        stream.set_nodelay(true)?;
        (&mut &*stream).write_all(&request.request_bytes())?;
        http::read_answer(stream, method, self.defect)
    }

    /// Whether neither the origin nor the client forbids to keep it for others (RFC 9111 §3).
    fn may_be_kept(&self, request: &Message, answer: &Message) -> bool {
        let says = |message: &Message, wanted: &str| {
            let control =
                message.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
            control.into_iter().any(|(_, value)| value.to_ascii_lowercase().contains(wanted))
        };
        let authorized = request.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let no_store = says(request, "no-store") || says(answer, "no-store");
        (!authorized || content::keeps_authorized(self.defect))
            && (!no_store || content::keeps_no_store(self.defect))
            && (!says(answer, "private") || content::keeps_private(self.defect))
    }
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}
