// TROMPO: HTTP proxy that spins over the servers
// usage: trompo <conf> <ttl seconds>
use std::collections::HashMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::prelude::*;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

struct Entrada {
    archivo: String,
    hora: Instant,
}

struct Proxy {
    servidores: Vec<String>,
    turno: Mutex<usize>,
    indice: Mutex<HashMap<String, Entrada>>,
    contador: Mutex<u32>,
    ttl: Duration,
    log: Mutex<File>,
}

fn buscar(h: &[u8], n: &[u8]) -> Option<usize> {
    (0..h.len().saturating_sub(n.len() - 1)).find(|&i| &h[i..i + n.len()] == n)
}

// reads the request: head + Content-Length bytes
fn leer_request(s: &mut TcpStream) -> Option<Vec<u8>> {
    let mut todo: Vec<u8> = Vec::new();
    let mut buf = [0; 4096];
    loop {
        let n = s.read(&mut buf).ok()?;
        if n == 0 {
            return None;
        }
        todo.extend_from_slice(&buf[..n]);
        if let Some(fin) = buscar(&todo, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&todo[..fin]).to_lowercase();
            let mut largo = 0;
            for l in head.lines() {
                if l.starts_with("content-length:") {
                    largo = l[15..].trim().parse().unwrap_or(0);
                }
            }
            while todo.len() < fin + 4 + largo {
                let n = s.read(&mut buf).ok()?;
                if n == 0 {
                    return None;
                }
                todo.extend_from_slice(&buf[..n]);
            }
            return Some(todo);
        }
    }
}

fn poner_close(req: &[u8]) -> Vec<u8> {
    let fin = buscar(req, b"\r\n\r\n").unwrap();
    let mut r: Vec<u8> = Vec::new();
    for l in req[..fin].split(|&c| c == b'\n') {
        let l = if l.ends_with(b"\r") { &l[..l.len() - 1] } else { l };
        if l.to_ascii_lowercase().starts_with(b"connection:") {
            continue;
        }
        r.extend(l);
        r.extend(b"\r\n");
    }
    r.extend(b"Connection: close\r\n");
    r.extend(&req[fin + 2..]);
    r
}

impl Proxy {
    fn proximo(&self) -> String {
        let mut t = self.turno.lock().unwrap();
        let s = self.servidores[*t].clone();
        *t += 1;
        if *t == self.servidores.len() {
            *t = 0;
        }
        s
    }

    fn del_cache(&self, url: &str) -> Option<Vec<u8>> {
        let mut ind = self.indice.lock().unwrap();
        let vencida = match ind.get(url) {
            Some(e) => e.hora.elapsed() >= self.ttl,
            None => return None,
        };
        if vencida {
            let e = ind.remove(url).unwrap();
            let _ = fs::remove_file(e.archivo);
            return None;
        }
        let e = ind.get_mut(url).unwrap();
        e.hora = Instant::now(); // lo que se usa sigue vivo
        fs::read(&e.archivo).ok()
    }

    fn al_cache(&self, url: &str, datos: &[u8]) {
        let mut c = self.contador.lock().unwrap();
        *c += 1;
        let archivo = format!("cache/{}.bin", *c);
        drop(c);
        if fs::write(&archivo, datos).is_ok() {
            let mut ind = self.indice.lock().unwrap();
            ind.insert(url.to_string(), Entrada { archivo, hora: Instant::now() });
        }
    }

    fn log(&self, quien: &str, linea: &str, resp: &str, n: usize, de: &str) {
        let t = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        println!("[{}] {} \"{}\" => {} ({} bytes) from {}", t, quien, linea, resp, n, de);
        let mut f = self.log.lock().unwrap();
        let _ = writeln!(f, "[{}] {} \"{}\" from {}", t, quien, linea, de);
    }

    fn atender(&self, mut cli: TcpStream) {
        let quien = match cli.peer_addr() {
            Ok(a) => a.ip().to_string(),
            Err(_) => return,
        };
        let req = match leer_request(&mut cli) {
            Some(r) => r,
            None => return,
        };
        let fin = buscar(&req, b"\r\n").unwrap();
        let linea = String::from_utf8_lossy(&req[..fin]).to_string();
        let partes: Vec<&str> = linea.split_whitespace().collect();
        if partes.len() < 3 {
            let _ = cli.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let es_get = partes[0] == "GET";
        let url = partes[1];

        if es_get {
            if let Some(d) = self.del_cache(url) {
                let _ = cli.write_all(&d);
                let l = buscar(&d, b"\r\n").unwrap_or(0);
                self.log(&quien, &linea, &String::from_utf8_lossy(&d[..l]), d.len(), "cache");
                return;
            }
        }

        let req2 = poner_close(&req);
        for _ in 0..self.servidores.len() {
            let srv = self.proximo();
            let mut s = match TcpStream::connect(&srv) {
                Ok(s) => s,
                Err(e) => {
                    eprintln!("{}: {}", srv, e);
                    continue;
                }
            };
            if s.write_all(&req2).is_err() {
                continue;
            }
            let mut resp = Vec::new();
            let _ = s.read_to_end(&mut resp); // con close el servidor cierra al terminar
            if resp.is_empty() {
                continue;
            }
            let l = buscar(&resp, b"\r\n").unwrap_or(0);
            let estado = String::from_utf8_lossy(&resp[..l]).to_string();
            if es_get && estado.contains(" 200") {
                let cab = buscar(&resp, b"\r\n\r\n").unwrap_or(0);
                let h = String::from_utf8_lossy(&resp[..cab]).to_lowercase();
                if !h.contains("no-store") {
                    self.al_cache(url, &resp);
                }
            }
            let _ = cli.write_all(&resp);
            self.log(&quien, &linea, &estado, resp.len(), &srv);
            return;
        }
        let _ = cli.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 21\r\nConnection: close\r\n\r\n<h1>Bad Gateway</h1>\n");
        self.log(&quien, &linea, "HTTP/1.1 502 Bad Gateway", 21, "-");
    }
}

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.len() < 3 {
        println!("usage: {} <conf> <ttl>", args[0]);
        std::process::exit(1);
    }
    let texto = fs::read_to_string(&args[1]).expect("can not read the conf");
    let ttl: u64 = args[2].parse().expect("the ttl must be a number");
    let mut puerto = 8080;
    let mut servidores = Vec::new();
    for l in texto.lines() {
        let p: Vec<&str> = l.split_whitespace().collect();
        match p.as_slice() {
            ["listen", n] => puerto = n.parse().expect("bad port"),
            ["server", s] => servidores.push(s.to_string()),
            _ => {}
        }
    }
    if servidores.is_empty() {
        println!("no servers in {}", args[1]);
        std::process::exit(1);
    }
    fs::create_dir_all("cache").unwrap();
    let log = OpenOptions::new().append(true).create(true).open("trompo.log").unwrap();
    let p = Arc::new(Proxy {
        servidores,
        turno: Mutex::new(0),
        indice: Mutex::new(HashMap::new()),
        contador: Mutex::new(0),
        ttl: Duration::from_secs(ttl),
        log: Mutex::new(log),
    });
    let listener = TcpListener::bind(format!("0.0.0.0:{}", puerto)).expect("bind");
    println!("trompo listening on {}", puerto);
    for s in listener.incoming() {
        if let Ok(s) = s {
            let p = p.clone();
            thread::spawn(move || p.atender(s));
        }
    }
}
