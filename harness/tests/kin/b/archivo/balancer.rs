// Load balancer + caching reverse proxy, std only.
//   rustc -O balancer.rs
//   ./balancer --config=balancer.toml --ttl=30
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

struct Entry {
    file: String,
    saved: SystemTime,
}

struct Shared {
    servers: Vec<String>,
    next: AtomicUsize,
    ttl: Duration,
    index: Mutex<HashMap<String, Entry>>,
    serial: AtomicUsize,
    log: Mutex<fs::File>,
}

/// port = 8080
/// servers = ["a:1", "b:2"]
fn read_config(path: &str) -> Result<(u16, Vec<String>), String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let mut port = 8080;
    let mut servers = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some((k, v)) = line.split_once('=') {
            match k.trim() {
                "port" => port = v.trim().parse().map_err(|_| format!("bad port {v}"))?,
                "servers" => {
                    servers = v.trim().trim_matches(|c| c == '[' || c == ']').split(',')
                        .map(|s| s.trim().trim_matches('"').to_string()).filter(|s| !s.is_empty()).collect()
                }
                other => return Err(format!("unknown key {other}")),
            }
        }
    }
    if servers.is_empty() {
        return Err("no servers".into());
    }
    Ok((port, servers))
}

struct Msg {
    head: String,
    body: Vec<u8>,
    chunked: bool,
}

fn get<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|l| {
        let (k, v) = l.split_once(':')?;
        if k.eq_ignore_ascii_case(name) { Some(v.trim()) } else { None }
    })
}

struct Conn {
    s: TcpStream,
    left: Vec<u8>,
}

enum Bad {
    Closed,
    Timeout,
}

impl Conn {
    fn new(s: TcpStream, secs: u64) -> Conn {
        let _ = s.set_read_timeout(Some(Duration::from_secs(secs)));
        let _ = s.set_write_timeout(Some(Duration::from_secs(secs)));
        let _ = s.set_nodelay(true);
        Conn { s, left: Vec::new() }
    }
    fn fill(&mut self) -> Result<(), Bad> {
        let mut b = [0u8; 16384];
        match self.s.read(&mut b) {
            Ok(0) => Err(Bad::Closed),
            Ok(n) => {
                self.left.extend_from_slice(&b[..n]);
                Ok(())
            }
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Err(Bad::Timeout),
            Err(_) => Err(Bad::Closed),
        }
    }
    fn head(&mut self) -> Result<String, Bad> {
        loop {
            if let Some(i) = self.left.windows(4).position(|w| w == b"\r\n\r\n") {
                let rest = self.left.split_off(i + 4);
                let h = std::mem::replace(&mut self.left, rest);
                return Ok(String::from_utf8(h[..i].to_vec()).unwrap());
            }
            if self.left.len() > 200_000 {
                return Err(Bad::Closed);
            }
            self.fill()?;
        }
    }
    fn exact(&mut self, n: usize) -> Result<Vec<u8>, Bad> {
        while self.left.len() < n {
            self.fill()?;
        }
        let rest = self.left.split_off(n);
        Ok(std::mem::replace(&mut self.left, rest))
    }
    fn line(&mut self) -> Result<Vec<u8>, Bad> {
        loop {
            if let Some(i) = self.left.iter().position(|c| *c == b'\n') {
                return self.exact(i + 1);
            }
            self.fill()?;
        }
    }
    fn message(&mut self, answer_to: Option<&str>) -> Result<Msg, Bad> {
        let mut head = self.head()?;
        let mut status = 0u16;
        if let Some(m) = answer_to {
            loop {
                status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
                if status >= 200 || status == 0 {
                    break;
                }
                head = self.head()?;
            }
            if m == "HEAD" || status == 204 || status == 304 {
                return Ok(Msg { head, body: vec![], chunked: false });
            }
        } else if get(&head, "Expect").is_some() {
            let _ = self.s.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let mut body = Vec::new();
        if get(&head, "Transfer-Encoding").map_or(false, |v| v.to_lowercase().contains("chunked")) {
            loop {
                let l = String::from_utf8_lossy(&self.line()?).to_string();
                let n = usize::from_str_radix(l.trim().split(';').next().unwrap_or(""), 16).map_err(|_| Bad::Closed)?;
                if n == 0 {
                    while self.line()?.len() > 2 {}
                    break;
                }
                body.extend(self.exact(n)?);
                self.line()?;
            }
            return Ok(Msg { head, body, chunked: true });
        }
        if let Some(n) = get(&head, "Content-Length") {
            let n: usize = n.parse().map_err(|_| Bad::Closed)?;
            body = self.exact(n)?;
        } else if answer_to.is_some() && status != 0 {
            loop {
                match self.fill() {
                    Ok(()) => {}
                    Err(Bad::Closed) => break,
                    Err(e) => return Err(e),
                }
            }
            body = std::mem::take(&mut self.left);
        }
        Ok(Msg { head, body, chunked: false })
    }
}

fn keep(name: &str) -> bool {
    !["connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "expect", "te", "trailer", "upgrade"]
        .contains(&name.to_ascii_lowercase().as_str())
}

fn fields(head: &str) -> String {
    head.split("\r\n").skip(1).filter(|l| l.split_once(':').map_or(false, |(k, _)| keep(k))).map(|l| format!("{l}\r\n")).collect()
}

fn log(sh: &Shared, req: &str, status: &str, n: usize, from: &str, t: Instant) {
    let when = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or(0);
    let line = format!("{when} | {req} | {status} | {n} bytes | {from} | {:?}\n", t.elapsed());
    if let Ok(mut f) = sh.log.lock() {
        let _ = f.write_all(line.as_bytes());
        print!("{line}");
        let _ = std::io::stdout().flush();
    }
}

fn from_cache(sh: &Shared, key: &str) -> Option<Vec<u8>> {
    let ix = sh.index.lock().ok()?;
    let e = ix.get(key)?;
    if e.saved.elapsed().ok()? > sh.ttl {
        return None;
    }
    fs::read(&e.file).ok()
}

fn to_cache(sh: &Shared, key: &str, bytes: &[u8]) {
    let name: String = key.chars().take(60).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let n = sh.serial.fetch_add(1, Ordering::SeqCst);
    let file = format!("cached/{name}.{}.{n}", std::process::id());
    let _ = fs::create_dir_all("cached");
    if fs::write(&file, bytes).is_ok() {
        if let Ok(mut ix) = sh.index.lock() {
            if let Some(old) = ix.insert(key.to_string(), Entry { file, saved: SystemTime::now() }) {
                let _ = fs::remove_file(old.file);
            }
        }
    }
}

fn ask(server: &str, req: &[u8], method: &str) -> Result<Msg, Bad> {
    let addr = std::net::ToSocketAddrs::to_socket_addrs(server).ok().and_then(|mut a| a.next()).ok_or(Bad::Closed)?;
    let s = TcpStream::connect_timeout(&addr, Duration::from_secs(3)).map_err(|_| Bad::Closed)?;
    let mut c = Conn::new(s, 10);
    c.s.write_all(req).map_err(|_| Bad::Closed)?;
    c.message(Some(method))
}

/// one thread per client connection; the server is chosen when the connection arrives
fn client(sh: Arc<Shared>, s: TcpStream) {
    let mine = sh.next.fetch_add(1, Ordering::SeqCst);
    let mut c = Conn::new(s, 20);
    loop {
        let t = Instant::now();
        let m = match c.message(None) {
            Ok(m) => m,
            Err(_) => return,
        };
        let line = m.head.split("\r\n").next().unwrap_or("").to_string();
        let p: Vec<&str> = line.split(' ').collect();
        if p.len() != 3 {
            log(&sh, &line, "400", 0, "-", t);
            let _ = c.s.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }
        let conn = get(&m.head, "Connection").unwrap_or("").to_lowercase();
        let close = conn.contains("close") || (p[2] == "HTTP/1.0" && !conn.contains("keep-alive"));
        let bye = if close { "Connection: close\r\n\r\n" } else { "Connection: keep-alive\r\n\r\n" };
        let key = format!("{}{}", get(&m.head, "Host").unwrap_or(""), p[1]);
        let cacheable = p[0] == "GET" && m.body.is_empty() && get(&m.head, "Range").is_none() && get(&m.head, "If-None-Match").is_none()
            && get(&m.head, "If-Modified-Since").is_none();
        let cached = if cacheable { from_cache(&sh, &key) } else { None };
        if let Some(b) = cached {
            let status = String::from_utf8_lossy(&b[9..12.min(b.len())]).to_string();
            log(&sh, &line, &status, b.len(), "cache", t);
            // the stored copy ends its head without the Connection line
            let i = b.windows(4).position(|w| w == b"\r\n\r\n").map_or(b.len(), |i| i + 2);
            let mut o = b[..i].to_vec();
            o.extend_from_slice(bye.as_bytes());
            o.extend_from_slice(&b[(i + 2).min(b.len())..]);
            if c.s.write_all(&o).is_err() || close {
                return;
            }
            continue;
        }
        let mut req = format!("{} {} HTTP/1.1\r\n{}", p[0], p[1], fields(&m.head)).into_bytes();
        if m.chunked || get(&m.head, "Content-Length").is_some() {
            req.extend(format!("Content-Length: {}\r\n", m.body.len()).bytes());
        }
        req.extend(b"Connection: close\r\n\r\n");
        req.extend(&m.body);

        let mut answer = None;
        let mut why = ("502 Bad Gateway", "-".to_string());
        for k in 0..sh.servers.len() {
            let server = &sh.servers[(mine + k) % sh.servers.len()];
            match ask(server, &req, p[0]) {
                Ok(a) => {
                    answer = Some(a);
                    why.1 = server.clone();
                    break;
                }
                Err(Bad::Timeout) => {
                    why.0 = "504 Gateway Timeout";
                    break;
                }
                Err(Bad::Closed) => continue,
            }
        }
        let Some(a) = answer else {
            log(&sh, &line, why.0, 0, "-", t);
            if c.s.write_all(format!("HTTP/1.1 {}\r\nContent-Length: 0\r\n{bye}", why.0).as_bytes()).is_err() || close {
                return;
            }
            continue;
        };
        let status_line = a.head.split("\r\n").next().unwrap_or("").to_string();
        let status = status_line.split(' ').nth(1).unwrap_or("0").to_string();
        let mut out = format!("{}\r\n{}", status_line.replacen("HTTP/1.0", "HTTP/1.1", 1), fields(&a.head));
        if p[0] == "HEAD" || status == "304" {
            if let Some(n) = get(&a.head, "Content-Length") {
                out.push_str(&format!("Content-Length: {n}\r\n"));
            }
        } else if status != "204" {
            out.push_str(&format!("Content-Length: {}\r\n", a.body.len()));
        }
        let cc = get(&a.head, "Cache-Control").unwrap_or("").to_lowercase();
        if cacheable && status == "200" && get(&a.head, "Vary").is_none() && get(&a.head, "Set-Cookie").is_none()
            && !["no-store", "private", "no-cache"].iter().any(|w| cc.contains(w)) {
            let mut b = format!("{out}\r\n").into_bytes();
            b.extend(&a.body);
            to_cache(&sh, &key, &b);
        }
        log(&sh, &line, &status, a.body.len(), &why.1, t);
        let mut o = (out + bye).into_bytes();
        o.extend(&a.body);
        if c.s.write_all(&o).is_err() || close {
            return;
        }
    }
}

fn main() {
    let mut config = "balancer.toml".to_string();
    let mut ttl = 30.0f64;
    for a in std::env::args().skip(1) {
        if let Some(v) = a.strip_prefix("--config=") {
            config = v.to_string();
        } else if let Some(v) = a.strip_prefix("--ttl=") {
            ttl = v.parse().expect("--ttl=SECONDS");
        } else {
            eprintln!("usage: balancer [--config=FILE] [--ttl=SECONDS]");
            std::process::exit(2);
        }
    }
    let (port, servers) = read_config(&config).unwrap_or_else(|e| {
        eprintln!("config error: {e}");
        std::process::exit(1)
    });
    let _ = fs::create_dir_all("logs");
    let log = fs::OpenOptions::new().create(true).append(true).open("logs/balancer.log").expect("log file");
    let l = TcpListener::bind(("0.0.0.0", port)).expect("bind");
    println!("listening on {port}, servers {servers:?}");
    let sh = Arc::new(Shared { servers, next: AtomicUsize::new(0), ttl: Duration::from_secs_f64(ttl), index: Mutex::new(HashMap::new()), serial: AtomicUsize::new(0), log: Mutex::new(log) });
    for s in l.incoming() {
        if let Ok(s) = s {
            let sh = sh.clone();
            thread::spawn(move || client(sh, s));
        }
    }
}
