// Proxy inverso "cangrejo" - Telematica
// cargo run --release -- TTL   (o ./target/release/proxy_cangrejo TTL [cangrejo.ini])
mod ajustes;
mod bodega;

use ajustes::Ajustes;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

const OBREROS: usize = 64;

struct Mundo {
    aj: Ajustes,
    turno: AtomicUsize,
    diario: Mutex<File>,
}

impl Mundo {
    fn anotar(&self, t: &str) {
        let l = format!("{} {}\n", bodega::ahora(), t);
        let mut d = self.diario.lock().unwrap();
        let _ = d.write_all(l.as_bytes());
        let mut o = std::io::stdout();
        let _ = o.write_all(l.as_bytes());
        let _ = o.flush();
    }
}

struct Cabeza {
    primera: String,
    campos: Vec<(String, String)>,
}

impl Cabeza {
    fn dame(&self, n: &str) -> Option<&str> {
        self.campos.iter().find(|(k, _)| k.eq_ignore_ascii_case(n)).map(|(_, v)| v.as_str())
    }
    fn contiene(&self, n: &str, que: &str) -> bool {
        self.campos.iter().any(|(k, v)| k.eq_ignore_ascii_case(n) && v.to_ascii_lowercase().contains(que))
    }
    fn sin_salto(&self) -> String {
        let con = self.dame("connection").unwrap_or("").to_ascii_lowercase();
        let mut s = String::new();
        for (k, v) in &self.campos {
            let m = k.to_ascii_lowercase();
            if ["connection", "keep-alive", "proxy-connection", "te", "upgrade", "expect"].contains(&m.as_str())
                || con.split(',').any(|x| x.trim() == m)
            {
                continue;
            }
            s += &format!("{}: {}\r\n", k, v);
        }
        s
    }
}

fn texto(b: &[u8]) -> String {
    b.iter().map(|c| *c as char).collect()
}
fn bytes(s: &str) -> Vec<u8> {
    s.chars().map(|c| c as u32 as u8).collect()
}

/// Devuelve la cabeza y lo que sobro del cuerpo. Err(true) = se acabo el tiempo
fn leer_cabeza(s: &mut TcpStream, sobra: Vec<u8>) -> Result<(Cabeza, Vec<u8>), Option<u16>> {
    let mut b = sobra;
    let mut t = [0u8; 16384];
    loop {
        if let Some(i) = b.windows(4).position(|w| w == b"\r\n\r\n") {
            let x = texto(&b[..i]);
            let mut l = x.split("\r\n");
            let primera = l.next().unwrap_or("").to_string();
            let mut campos = Vec::new();
            for c in l {
                let (k, v) = c.split_once(':').ok_or(Some(400))?;
                campos.push((k.to_string(), v.trim().to_string()));
            }
            return Ok((Cabeza { primera, campos }, b[i + 4..].to_vec()));
        }
        if b.len() > 100_000 {
            return Err(Some(431));
        }
        match s.read(&mut t) {
            Ok(0) => return Err(None),
            Ok(n) => b.extend_from_slice(&t[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Err(if b.is_empty() { None } else { Some(408) }),
            Err(_) => return Err(None),
        }
    }
}

fn fallo(m: &Mundo, s: &mut TcpStream, cod: u16, pedido: &str) {
    let que = match cod {
        400 => "Bad Request",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        504 => "Gateway Timeout",
        _ => "Bad Gateway",
    };
    let _ = s.write_all(
        format!("HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", cod, que, que.len(), que).as_bytes(),
    );
    m.anotar(&format!("[{}] => {} {} bytes (fallo)", pedido, cod, que.len()));
}

/// para saber cuando termina una respuesta chunked sin cambiarla
#[derive(Default)]
struct Trozos {
    estado: u8, // 0 numero, 1 datos, 2 fin de datos, 3 trailers, 4 listo
    faltan: usize,
    linea: String,
}
impl Trozos {
    fn comer(&mut self, b: &[u8]) {
        let mut i = 0;
        while i < b.len() && self.estado != 4 {
            if self.estado == 1 {
                let n = self.faltan.min(b.len() - i);
                i += n;
                self.faltan -= n;
                if self.faltan == 0 {
                    self.estado = 2;
                }
                continue;
            }
            let c = b[i];
            i += 1;
            if c != b'\n' {
                self.linea.push(c as char);
                continue;
            }
            let l = self.linea.trim().to_string();
            self.linea.clear();
            match self.estado {
                0 => {
                    self.faltan = usize::from_str_radix(l.split(';').next().unwrap_or("").trim(), 16).unwrap_or(0);
                    self.estado = if self.faltan == 0 { 3 } else { 1 };
                }
                2 => self.estado = 0,
                _ => {
                    if l.is_empty() {
                        self.estado = 4
                    }
                }
            }
        }
    }
}

fn atender(m: &Mundo, mut s: TcpStream) {
    let _ = s.set_read_timeout(Some(Duration::from_secs(15)));
    let _ = s.set_write_timeout(Some(Duration::from_secs(30)));
    servir(m, &mut s);
    let _ = s.shutdown(Shutdown::Write);
    let _ = s.set_read_timeout(Some(Duration::from_millis(800)));
    let mut t = [0u8; 8192];
    while matches!(s.read(&mut t), Ok(n) if n > 0) {}
}

fn servir(m: &Mundo, s: &mut TcpStream) {
    let (cab, mut cuerpo) = match leer_cabeza(s, Vec::new()) {
        Ok(x) => x,
        Err(Some(c)) => return fallo(m, s, c, "?"),
        Err(None) => return,
    };
    let pedido = cab.primera.clone();
    let p: Vec<&str> = pedido.split(' ').collect();
    if p.len() != 3 || !p[2].starts_with("HTTP/1.") || p[1].is_empty() {
        return fallo(m, s, 400, &pedido);
    }
    let (metodo, url) = (p[0], p[1]);
    if cab.contains_expect() {
        let _ = s.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    // cuerpo de la peticion
    let mut t = vec![0u8; 65536];
    if cab.contiene("transfer-encoding", "chunked") {
        let mut z = Trozos::default();
        z.comer(&cuerpo);
        while z.estado != 4 {
            match s.read(&mut t) {
                Ok(n) if n > 0 => {
                    z.comer(&t[..n]);
                    cuerpo.extend_from_slice(&t[..n]);
                }
                _ => return fallo(m, s, 400, &pedido),
            }
        }
    } else {
        let largo: usize = cab.dame("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        if cuerpo.len() < largo {
            if let Ok(n) = s.read(&mut t) {
                cuerpo.extend_from_slice(&t[..n]);
            }
        }
    }

    let llave = format!("{}{}", cab.dame("host").unwrap_or(""), url);
    let guardable = (metodo == "GET" || metodo == "HEAD") && cab.dame("authorization").is_none();
    if guardable {
        if let Some(r) = bodega::buscar(&llave, m.aj.ttl) {
            let ok = s.write_all(&r).is_ok();
            m.anotar(&format!("[{}] => {} {} bytes (bodega){}", pedido, texto(&r[9..12]), r.len(), if ok { "" } else { " cortada" }));
            return;
        }
    }

    // round robin
    let ini = m.turno.fetch_add(1, Ordering::SeqCst);
    let n = m.aj.granja.len();
    let mut b = None;
    let mut quien = "";
    for i in 0..n {
        quien = &m.aj.granja[(ini + i) % n];
        let dir = quien.to_socket_addrs().ok().and_then(|mut d| d.next());
        if let Some(c) = dir.and_then(|d| TcpStream::connect_timeout(&d, Duration::from_secs(3)).ok()) {
            b = Some(c);
            break;
        }
    }
    let mut b = match b {
        Some(b) => b,
        None => return fallo(m, s, 502, &pedido),
    };
    let _ = b.set_read_timeout(Some(Duration::from_secs(8)));
    let _ = b.set_write_timeout(Some(Duration::from_secs(8)));
    let mut sale = bytes(&format!("{} {} HTTP/1.1\r\n{}Connection: close\r\n\r\n", metodo, url, cab.sin_salto()));
    sale.extend_from_slice(&cuerpo);
    let _ = b.write_all(&sale);

    // respuesta: se va pasando mientras llega
    let mut sobra = Vec::new();
    let (rc, primero) = loop {
        match leer_cabeza_srv(&mut b, sobra) {
            Ok((c, resto)) if c.primera.contains(" 1") && c.primera.split(' ').nth(1).map(|x| x.starts_with('1')) == Some(true) => sobra = resto,
            Ok(x) => break x,
            Err(c) => return fallo(m, s, c, &pedido),
        }
    };
    let cod: u16 = rc.primera.split(' ').nth(1).and_then(|x| x.parse().ok()).unwrap_or(502);
    let cabeza = bytes(&format!("{}\r\n{}Connection: close\r\n\r\n", rc.primera, rc.sin_salto()));
    let guardar = guardable && cod == 200 && !rc.contiene("cache-control", "no-store") && !rc.contiene("cache-control", "private");
    let mut archivo = if guardar { bodega::empezar(&llave) } else { None };
    let sin_cuerpo = metodo == "HEAD" || cod == 204 || cod == 304;
    let trozos = rc.contiene("transfer-encoding", "chunked");
    let largo: Option<usize> = if sin_cuerpo { Some(0) } else if trozos { None } else { rc.dame("content-length").and_then(|v| v.parse().ok()) };
    let mut z = Trozos::default();
    let mut van = 0usize;
    let mut cliente = s.write_all(&cabeza).is_ok();
    if let Some(f) = archivo.as_mut() {
        let _ = f.write_all(&cabeza);
    }
    let mut pedazo = if sin_cuerpo { Vec::new() } else { primero };
    let bien = loop {
        van += pedazo.len();
        if let Some(f) = archivo.as_mut() {
            let _ = f.write_all(&pedazo);
        }
        cliente = cliente && s.write_all(&pedazo).is_ok();
        if trozos && !sin_cuerpo {
            z.comer(&pedazo);
        }
        if largo.map(|l| van >= l).unwrap_or(false) || z.estado == 4 {
            break true;
        }
        match b.read(&mut t) {
            Ok(0) => break largo.is_none() && !trozos,
            Ok(n) => pedazo = t[..n].to_vec(),
            Err(_) => break false,
        }
    };
    if guardar && !bien {
        bodega::borrar(&llave);
    }
    m.anotar(&format!("[{}] => {} {} bytes (de {}){}", pedido, cod, van, quien, if cliente && bien { "" } else { " cortada" }));
}

fn leer_cabeza_srv(b: &mut TcpStream, sobra: Vec<u8>) -> Result<(Cabeza, Vec<u8>), u16> {
    let antes = std::time::Instant::now();
    leer_cabeza(b, sobra).map_err(|_| if antes.elapsed() > Duration::from_secs(7) { 504 } else { 502 })
}

impl Cabeza {
    fn contains_expect(&self) -> bool {
        self.contiene("expect", "100-continue")
    }
}

fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let ttl = match arg.get(1).and_then(|t| t.parse::<u64>().ok()) {
        Some(t) => t,
        None => {
            eprintln!("uso: proxy_cangrejo TTL [cangrejo.ini]");
            std::process::exit(2);
        }
    };
    let ini = arg.get(2).cloned().unwrap_or("cangrejo.ini".to_string());
    let mut aj = ajustes::leer(&ini, ttl).unwrap_or_else(|e| {
        eprintln!("error: {}", e);
        std::process::exit(2);
    });
    if let Some(p) = std::env::var("CANGREJO_PUERTO").ok().and_then(|p| p.parse().ok()) {
        aj.puerto = p;
    }
    std::fs::create_dir_all("bodega").expect("no se pudo crear bodega/");
    let diario = OpenOptions::new().create(true).append(true).open("diario.log").expect("diario.log");
    let oreja = TcpListener::bind(("0.0.0.0", aj.puerto)).unwrap_or_else(|e| {
        eprintln!("error: puerto {}: {}", aj.puerto, e);
        std::process::exit(2);
    });
    let m = Arc::new(Mundo { aj, turno: AtomicUsize::new(0), diario: Mutex::new(diario) });
    let (manda, recibe) = mpsc::channel::<TcpStream>();
    let recibe = Arc::new(Mutex::new(recibe));
    for _ in 0..OBREROS {
        let (m, r) = (m.clone(), recibe.clone());
        std::thread::spawn(move || loop {
            let c = r.lock().unwrap().recv();
            match c {
                Ok(s) => atender(&m, s),
                Err(_) => return,
            }
        });
    }
    for c in oreja.incoming() {
        if let Ok(c) = c {
            let _ = manda.send(c);
        }
    }
}
