//! Helpers of the integration tests: a proxy in this process, backends and clients on raw sockets.
//!
//! Every wait is bounded, every port is free, and whatever is started ends when its handle is dropped.

#[cfg(target_os = "linux")]
pub mod disk;
pub mod frames;
pub mod origin;
pub mod program;
pub mod proof;
pub mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::Instant;

use pibl::config::{Config, File, Flags};
use pibl::exchange::Services;

/// The longest that any single wait may take; generous, because test machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running proxy.
pub struct Proxy {
    pub address: SocketAddr,
    /// Where HTTPS is spoken, if the settings have a table for it.
    pub tls_address: Option<SocketAddr>,
    pub services: Arc<Services>,
    pub directory: tempfile::TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of these backends, with more settings in the words of `pibl.toml`.
    pub fn start(backends: &[SocketAddr], settings: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let list: Vec<String> = backends.iter().map(|address| format!("\"{address}\"")).collect();
        let text =
            format!("backends = [{}]\nworkers = 2\nlog_to_stdout = false\n{settings}", list.join(", "));
        Self::with_config(config(&text, directory.path()), directory)
    }

    pub fn with_config(config: Config, directory: tempfile::TempDir) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let tls = config.tls.as_ref().map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let tls_address = tls.as_ref().map(|listener| listener.local_addr().expect("an address"));
        let listeners = pibl::Listeners { plain: listener, tls };
        let services = Arc::new(Services::new(config).expect("services"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let shared = Arc::clone(&services);
        let thread = std::thread::spawn(move || {
            let stop = async {
                let _ = stopped.await;
                pibl::Ending::Asked
            };
            pibl::run(shared, listeners, stop).expect("an orderly end");
        });
        Self { address, tls_address, services, directory, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks the proxy to end, and returns when it has.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the proxy did not panic");
        }
    }

    /// A new connection of a client.
    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).expect("a connection"))
    }

    /// Sends one request on a connection of its own and reads until the proxy closes.
    pub fn exchange(&self, request: &str) -> String {
        let mut client = self.connect();
        client.send(request);
        client.read_to_end()
    }

    /// Waits until the log has this many lines, and returns it.
    pub fn log(&self, lines: usize) -> String {
        let path = self.directory.path().join("pibl.log");
        let mut text = String::new();
        wait_until(&format!("{lines} lines in the log"), || {
            text = std::fs::read_to_string(&path).unwrap_or_default();
            text.lines().count() >= lines
        });
        text
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A configuration in the words of `pibl.toml`.
pub fn config(text: &str, directory: &Path) -> Config {
    let file = File::parse(Path::new("pibl.toml"), text.to_owned()).expect("a valid file");
    let flags = Flags { dir: Some(directory.to_owned()), ..Flags::default() };
    pibl::config::resolve(&file, &flags).expect("a valid configuration")
}

/// A client on a raw socket, or on what lies above one.
pub struct Client<S = TcpStream> {
    pub stream: S,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(stream: TcpStream) -> Self {
        set_up(&stream);
        Self { stream, buffer: Vec::new() }
    }
}

/// No wait of a client is without an end.
fn set_up(stream: &TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_nodelay(true).expect("no delay");
}

impl<S: Read + Write> Client<S> {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("a write");
    }

    /// Reads until this text has arrived, and returns everything up to its end.
    pub fn read_until(&mut self, end: &str) -> String {
        loop {
            let place = self.buffer.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(place) = place {
                let rest = self.buffer.split_off(place + end.len());
                return lossy(std::mem::replace(&mut self.buffer, rest));
            }
            assert!(self.read_some() > 0, "closed before {end:?}: {:?}", lossy(self.buffer.clone()));
        }
    }

    /// Reads one response with `Content-Length`: head and body.
    pub fn read_response(&mut self) -> String {
        let mut text = self.read_until("\r\n\r\n");
        let length = field(&text, "content-length").map_or(0, |value| value.parse().expect("a length"));
        while self.buffer.len() < length {
            assert!(self.read_some() > 0, "closed in the body of {text:?}");
        }
        let rest = self.buffer.split_off(length);
        text.push_str(&lossy(std::mem::replace(&mut self.buffer, rest)));
        text
    }

    /// As [`Client::read_until`]. `None`: the other side has closed before.
    pub fn take_until(&mut self, end: &str) -> Option<String> {
        while !self.buffer.windows(end.len()).any(|window| window == end.as_bytes()) {
            if self.read_some() == 0 {
                return None;
            }
        }
        Some(self.read_until(end))
    }

    /// Reads so many bytes. `None`: the other side has closed before.
    pub fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if self.read_some() == 0 {
                return None;
            }
        }
        let rest = self.buffer.split_off(count);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads until the other side closes; a reset counts as a close.
    pub fn read_to_end(&mut self) -> String {
        while self.read_some() > 0 {}
        lossy(std::mem::take(&mut self.buffer))
    }

    fn read_some(&mut self) -> usize {
        let mut piece = [0; 65536];
        match self.stream.read(&mut piece) {
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                count
            }
            // signal(7): a read with a time limit says so when the process was stopped and went on.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => self.read_some(),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing arrived: {error}; so far {:?}", lossy(self.buffer.clone())),
        }
    }
}

/// A backend on a raw socket that runs the same script for every connection.
pub struct Backend {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    heads: Mutex<Vec<String>>,
    connections: std::sync::atomic::AtomicUsize,
}

/// One connection as the script of a backend sees it.
pub struct Conversation {
    pub client: Client,
    shared: Arc<Shared>,
}

impl Conversation {
    /// The next request: its head, and its body if it has a `Content-Length`. `None` at the end.
    pub fn next_request(&mut self) -> Option<String> {
        while !self.client.buffer.windows(4).any(|window| window == b"\r\n\r\n") {
            if self.shared.is_over.load(Ordering::Relaxed) || self.client.read_some() == 0 {
                return None;
            }
        }
        let text = self.client.read_response();
        self.shared.heads.lock().expect("no panic").push(text.clone());
        Some(text)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A proxy may have left; what matters is seen at the client's side.
        let _ = self.client.stream.write_all(bytes.as_ref());
    }
}

impl Backend {
    pub fn start(script: impl Fn(&mut Conversation) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let script = Arc::new(script);
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_thread.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                for_thread.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&for_thread);
                let script = Arc::clone(&script);
                std::thread::spawn(move || {
                    script(&mut Conversation { client: Client::new(stream), shared });
                });
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Answers every request with its own head in the body.
    pub fn echo() -> Self {
        Self::answering(|request| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len())
        })
    }

    /// Answers every request with what the function makes of it.
    pub fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |conversation| {
            while let Some(request) = conversation.next_request() {
                conversation.send(answer(&request));
            }
        })
    }

    /// The requests seen so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.heads.lock().expect("no panic").clone()
    }

    /// The connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Accepting ends at the next connection; this is it.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An address at which nobody listens, held for as long as the socket lives.
pub fn refusing_address() -> (SocketAddr, socket2::Socket) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    let address = socket.local_addr().expect("an address").as_socket().expect("an IP address");
    (address, socket)
}

/// The value of a field in the text of a head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The status of a response.
pub fn status(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Looks again and again until the condition holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
