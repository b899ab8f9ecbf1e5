mod almacen;
mod config;
mod http;

use almacen::Almacen;
use config::Config;
use http::{Cabeza, Flujo};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Estado {
    cfg: Config,
    turno: AtomicUsize,
    almacen: Almacen,
    log: Mutex<File>,
}

const ESPERA: Duration = Duration::from_secs(12);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    // pibl [config.json] [ttl en milisegundos]
    let ruta = args.get(1).map(String::as_str).unwrap_or("config.json");
    let cfg = match config::cargar(ruta) {
        Ok(c) => c,
        Err(e) => {
            eprintln!("error en {ruta}: {e}");
            std::process::exit(1);
        }
    };
    let ttl: u64 = match args.get(2) {
        None => 30_000,
        Some(t) => match t.parse() {
            Ok(n) => n,
            Err(_) => {
                eprintln!("el TTL debe ser un entero en milisegundos, no '{t}'");
                std::process::exit(2);
            }
        },
    };
    let almacen = Almacen::abrir("almacen.dat", ttl).unwrap_or_else(|e| {
        eprintln!("no se pudo abrir almacen.dat: {e}");
        std::process::exit(1);
    });
    let log = OpenOptions::new().create(true).append(true).open("registro.log").unwrap_or_else(|e| {
        eprintln!("registro.log: {e}");
        std::process::exit(1);
    });
    let oyente = TcpListener::bind(("0.0.0.0", cfg.puerto)).unwrap_or_else(|e| {
        eprintln!("puerto {}: {e}", cfg.puerto);
        std::process::exit(1);
    });
    println!("escuchando en {} con {} servidores, ttl {} ms", cfg.puerto, cfg.servidores.len(), ttl);
    let est = Arc::new(Estado { cfg, turno: AtomicUsize::new(0), almacen, log: Mutex::new(log) });
    for c in oyente.incoming() {
        match c {
            Ok(c) => {
                let e = est.clone();
                let r = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
                    let _ = atender(&e, c);
                });
                if r.is_err() {
                    eprintln!("sin hilos");
                }
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn anotar(e: &Estado, linea: &str, estado: u16, n: usize, de: &str, t: Instant) {
    let s = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or(0);
    let txt = format!("{s} PETICION {linea} RESPUESTA {estado} {n}B {de} {}ms\n", t.elapsed().as_millis());
    let mut f = e.log.lock().unwrap_or_else(|p| p.into_inner());
    let _ = f.write_all(txt.as_bytes());
    let mut o = io::stdout();
    let _ = o.write_all(txt.as_bytes());
    let _ = o.flush();
}

fn conectar(dir: &str) -> io::Result<TcpStream> {
    let mut ultimo = io::Error::new(io::ErrorKind::NotFound, "sin direccion");
    for a in dir.to_socket_addrs()? {
        match TcpStream::connect_timeout(&a, Duration::from_secs(3)) {
            Ok(s) => {
                s.set_read_timeout(Some(ESPERA))?;
                s.set_write_timeout(Some(ESPERA))?;
                let _ = s.set_nodelay(true);
                return Ok(s);
            }
            Err(e) => ultimo = e,
        }
    }
    Err(ultimo)
}

/// Siempre se cierra la conexion: una peticion por conexion, y se dice (Connection: close).
fn atender(e: &Estado, c: TcpStream) -> io::Result<()> {
    c.set_read_timeout(Some(Duration::from_secs(20)))?;
    c.set_write_timeout(Some(Duration::from_secs(20)))?;
    let _ = c.set_nodelay(true);
    let mut salida = c.try_clone()?;
    let mut f = Flujo::nuevo(c.try_clone()?);
    let t = Instant::now();
    let cab = match f.cabeza() {
        Ok(Some(h)) => h,
        Ok(None) => return Ok(()),
        Err(er) if er.kind() == io::ErrorKind::InvalidData => {
            let r = http::pagina(400, "Bad Request");
            anotar(e, "(ilegible)", 400, 0, "local", t);
            salida.write_all(&r)?;
            return despedir(&salida);
        }
        Err(er) => return Err(er),
    };
    let linea = String::from_utf8_lossy(&cab.primera).into_owned();
    let partes: Vec<&str> = linea.split(' ').collect();
    if partes.len() != 3 || !partes[2].starts_with("HTTP/1.") {
        anotar(e, &linea, 400, 0, "local", t);
        salida.write_all(&http::pagina(400, "Bad Request"))?;
        return despedir(&salida);
    }
    let (metodo, destino) = (partes[0], partes[1]);
    if cab.valor("expect").is_some() {
        salida.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let cuerpo = match f.cuerpo(&cab, false) {
        Ok(b) => b,
        Err(_) => {
            anotar(e, &linea, 400, 0, "local", t);
            salida.write_all(&http::pagina(400, "Bad Request"))?;
            return despedir(&salida);
        }
    };
    let host = cab.valor("host").unwrap_or_default().to_ascii_lowercase();
    let llave = format!("{host}\n{destino}");
    let cacheable = metodo == "GET" && cuerpo.is_none()
        && !["authorization", "range", "if-none-match", "if-modified-since", "cookie"].iter().any(|k| cab.valor(k).is_some());

    if cacheable {
        if let Some(bytes) = e.almacen.buscar(llave.as_bytes()) {
            let estado = http::estado_de(&bytes);
            anotar(e, &linea, estado, http::largo_cuerpo(&bytes), "CACHE", t);
            salida.write_all(&bytes)?;
            return despedir(&salida);
        }
    }
    let mut pet = format!("{metodo} {destino} HTTP/1.1\r\n").into_bytes();
    cab.copiar_campos(&mut pet);
    if let Some(b) = &cuerpo {
        pet.extend_from_slice(format!("Content-Length: {}\r\n", b.len()).as_bytes());
    }
    pet.extend_from_slice(b"Via: 1.1 pibl\r\nConnection: close\r\n\r\n");
    if let Some(b) = &cuerpo {
        pet.extend_from_slice(b);
    }

    let n = e.cfg.servidores.len();
    let base = e.turno.fetch_add(1, Ordering::SeqCst);
    let mut fallo = 503u16;
    for k in 0..n {
        let dir = &e.cfg.servidores[(base + k) % n];
        let Ok(mut s) = conectar(dir) else { continue };
        match preguntar(&mut s, &pet, metodo) {
            Ok((rc, rb)) => {
                let resp = armar(&rc, &rb, metodo);
                anotar(e, &linea, rc.estado(), rb.len(), dir, t);
                if cacheable && rc.estado() == 200 && rc.se_puede_guardar() {
                    e.almacen.guardar(llave.as_bytes(), &resp);
                }
                salida.write_all(&resp)?;
                return despedir(&salida);
            }
            Err(er) => {
                let lento = matches!(er.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                fallo = if lento { 504 } else { 502 };
                if lento || !(metodo == "GET" || metodo == "HEAD") {
                    break;
                }
            }
        }
    }
    let txt = match fallo { 504 => "Gateway Timeout", 503 => "Service Unavailable", _ => "Bad Gateway" };
    anotar(e, &linea, fallo, 0, "nadie", t);
    salida.write_all(&http::pagina(fallo, txt))?;
    despedir(&salida)
}

fn preguntar(s: &mut TcpStream, pet: &[u8], metodo: &str) -> io::Result<(Cabeza, Vec<u8>)> {
    s.write_all(pet)?;
    let mut f = Flujo::nuevo(s.try_clone()?);
    loop {
        let c = f.cabeza()?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let st = c.estado();
        if (100..200).contains(&st) {
            continue;
        }
        if metodo == "HEAD" || st == 204 || st == 304 {
            return Ok((c, Vec::new()));
        }
        let b = f.cuerpo(&c, true)?.unwrap_or_default();
        return Ok((c, b));
    }
}

fn armar(c: &Cabeza, b: &[u8], metodo: &str) -> Vec<u8> {
    let mut o = b"HTTP/1.1 ".to_vec();
    let mut it = c.primera.splitn(2, |x| *x == b' ');
    it.next();
    o.extend_from_slice(it.next().unwrap_or(b"502 Bad Gateway"));
    o.extend_from_slice(b"\r\n");
    c.copiar_campos(&mut o);
    let st = c.estado();
    if metodo == "HEAD" || st == 304 {
        if let Some(l) = c.valor("content-length") {
            o.extend_from_slice(format!("Content-Length: {l}\r\n").as_bytes());
        }
    } else if st != 204 {
        o.extend_from_slice(format!("Content-Length: {}\r\n", b.len()).as_bytes());
    }
    o.extend_from_slice(b"Connection: close\r\n\r\n");
    o.extend_from_slice(b);
    o
}

/// cierra con calma para que un RST no se coma la respuesta
fn despedir(mut s: &TcpStream) -> io::Result<()> {
    use std::io::Read;
    s.shutdown(Shutdown::Write)?;
    s.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut basura = [0u8; 4096];
    for _ in 0..64 {
        match s.read(&mut basura) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
}
