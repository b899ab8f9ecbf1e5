//! An origin whose answers prove themselves, that counts what it processed and fails on demand.
//!
//! `GET` gives the body of its target, `POST` expects it. Targets that begin with `/n/` may not be stored.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{PATIENCE, proof};

/// What the origin does with whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// It answers.
    Up,
    /// Nobody listens at its port.
    Refuse,
    /// It accepts and resets.
    Reset,
    /// It accepts, reads, and says nothing.
    Hang,
    /// It does what was asked for, and closes without an answer.
    Close,
    /// It closes in the middle of its answer.
    Cut,
}

pub const MODES: [Mode; 6] = [Mode::Up, Mode::Refuse, Mode::Reset, Mode::Hang, Mode::Close, Mode::Cut];

/// What has happened at an origin.
#[derive(Default)]
pub struct Journal {
    /// How often each `POST` was processed, by its target.
    pub posts: Mutex<HashMap<String, u32>>,
    /// Requests whose body was not the one of their target.
    pub wrong: AtomicU64,
    pub requests: AtomicU64,
}

/// A running origin; it ends when dropped.
pub struct Origin {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    journal: Arc<Journal>,
    mode: AtomicU8,
    is_over: AtomicBool,
}

impl Origin {
    /// An origin that writes into a journal, which several may share.
    pub fn start(journal: &Arc<Journal>) -> Self {
        let keeper = bind("127.0.0.1:0".parse().expect("an address"));
        let address = keeper.local_addr().expect("an address").as_socket().expect("an IP address");
        let shared = Arc::new(Shared {
            journal: Arc::clone(journal),
            mode: AtomicU8::new(Mode::Up as u8),
            is_over: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let listener = listen(address);
        let thread = std::thread::spawn(move || {
            // Nobody else gets the port while nobody listens.
            let _keeper = keeper;
            theirs.accept(listener, address);
        });
        Self { address, shared, thread: Some(thread) }
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.store(mode as u8, Ordering::Relaxed);
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn bind(address: SocketAddr) -> socket2::Socket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.set_reuse_port(true).expect("an option");
    socket.bind(&address.into()).expect("the port");
    socket
}

fn listen(address: SocketAddr) -> TcpListener {
    let socket = bind(address);
    socket.listen(1024).expect("a listener");
    socket.set_nonblocking(true).expect("a listener");
    socket.into()
}

impl Shared {
    fn mode(&self) -> Mode {
        let mode = self.mode.load(Ordering::Relaxed);
        MODES.into_iter().find(|known| *known as u8 == mode).unwrap_or(Mode::Up)
    }

    fn accept(self: &Arc<Self>, first: TcpListener, address: SocketAddr) {
        let mut listener = Some(first);
        while !self.is_over.load(Ordering::Relaxed) {
            if self.mode() == Mode::Refuse {
                listener = None;
            } else if listener.is_none() {
                listener = Some(listen(address));
            }
            match listener.as_ref().map(TcpListener::accept) {
                Some(Ok((stream, _))) => {
                    let shared = Arc::clone(self);
                    std::thread::spawn(move || shared.converse(stream));
                }
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn converse(&self, mut stream: TcpStream) {
        if self.mode() == Mode::Reset {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            return;
        }
        let is_ready = stream.set_nonblocking(false).is_ok()
            && stream.set_nodelay(true).is_ok()
            && stream.set_read_timeout(Some(PATIENCE)).is_ok();
        let mut buffer = Vec::new();
        while is_ready && let Some(request) = next_request(&mut stream, &mut buffer) {
            self.journal.requests.fetch_add(1, Ordering::Relaxed);
            match self.mode() {
                Mode::Refuse | Mode::Reset => return,
                Mode::Hang => {
                    while self.mode() == Mode::Hang && !self.is_over.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    return;
                }
                Mode::Close => {
                    self.answer(&request);
                    return;
                }
                Mode::Cut => {
                    let answer = self.answer(&request);
                    let _ = stream.write_all(&answer[..answer.len() - 1 - answer.len() / 3]);
                    return;
                }
                Mode::Up => {
                    if stream.write_all(&self.answer(&request)).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Does what is asked for.
    fn answer(&self, request: &Request) -> Vec<u8> {
        let Request { is_post, target, body } = request;
        if *is_post {
            if *body != proof::body(target) {
                self.journal.wrong.fetch_add(1, Ordering::Relaxed);
            }
            *self.journal.posts.lock().expect("no panic").entry(target.clone()).or_default() += 1;
            return b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone".to_vec();
        }
        let content = proof::body(target);
        let control = if target.starts_with("/n/") { "Cache-Control: no-store\r\n" } else { "" };
        if proof::number(target).is_multiple_of(7) {
            let head = format!("HTTP/1.1 200 OK\r\n{control}Transfer-Encoding: chunked\r\n\r\n");
            let mut out = head.into_bytes();
            for piece in content.chunks(7000) {
                out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                out.extend_from_slice(piece);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
            return out;
        }
        let head = format!("HTTP/1.1 200 OK\r\n{control}Content-Length: {}\r\n\r\n", content.len());
        [head.into_bytes(), content].concat()
    }
}

struct Request {
    is_post: bool,
    target: String,
    body: Vec<u8>,
}

fn next_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        read_some(stream, buffer)?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end);
    let length = super::field(&head, "content-length").map_or(Some(0), |length| length.parse().ok())?;
    while buffer.len() < length {
        read_some(stream, buffer)?;
    }
    let rest = buffer.split_off(length);
    let body = std::mem::replace(buffer, rest);
    let mut words = head.split(' ');
    Some(Request { is_post: words.next()? == "POST", target: words.next()?.to_owned(), body })
}

fn read_some(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 65536];
    match stream.read(&mut piece) {
        Ok(count) if count > 0 => {
            buffer.extend_from_slice(&piece[..count]);
            Some(())
        }
        // signal(7): a read with a time limit says so when the process was stopped and went on.
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => read_some(stream, buffer),
        _ => None,
    }
}
