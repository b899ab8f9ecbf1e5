//! PIBL en Rust, solo biblioteca estandar. Se corre desde la carpeta pibl: ./target/release/pibl 60
mod cache;
mod config;
mod http;

use cache::{Cache, Guardado};
use http::{Cabecera, Cuerpo, Pedazos};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

struct Pibl {
    servidores: Vec<String>,
    turno: AtomicUsize,
    cache: Cache,
    registro: Mutex<File>,
}

const CONECTAR: Duration = Duration::from_secs(2);
const RESPONDER: Duration = Duration::from_secs(12);
const CLIENTE: Duration = Duration::from_secs(60);

fn fecha() -> String {
    // de dias desde 1970 a dia/mes/anio (algoritmo de Howard Hinnant)
    let s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 5 * 3600;
    let z = s.div_euclid(86400) + 719468;
    let era = z.div_euclid(146097);
    let doe = z.rem_euclid(146097);
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let a = yoe + era * 400 + if m <= 2 { 1 } else { 0 };
    let h = s.rem_euclid(86400);
    format!("{:02}/{:02}/{} {:02}:{:02}:{:02}", d, m, a, h / 3600, h / 60 % 60, h % 60)
}

impl Pibl {
    fn anotar(&self, metodo: &[u8], destino: &[u8], estado: &[u8], largo: &str, de: &str) {
        let l = format!("{} {} {} => {} [{}] ({})\n", fecha(), String::from_utf8_lossy(metodo),
            String::from_utf8_lossy(destino), String::from_utf8_lossy(estado), largo, de);
        let mut f = self.registro.lock().unwrap();
        let _ = f.write_all(l.as_bytes());
        let _ = io::stdout().write_all(l.as_bytes());
        let _ = io::stdout().flush();
    }
}

struct Peticion {
    metodo: Vec<u8>,
    destino: Vec<u8>,
    cab: Cabecera,
    cuerpo: Vec<u8>,
    cerrar: bool,
    uno_cero: bool,
}

fn conectar(dir: &str) -> io::Result<TcpStream> {
    let a = dir.to_socket_addrs()?.next().ok_or_else(|| http::malo("direccion"))?;
    let s = TcpStream::connect_timeout(&a, CONECTAR)?;
    s.set_read_timeout(Some(RESPONDER))?;
    s.set_write_timeout(Some(RESPONDER))?;
    s.set_nodelay(true)?;
    Ok(s)
}

enum Fallo {
    Cerro,
    Codigo(u16),
}

/// manda la peticion y lee la cabecera de la respuesta
fn preguntar(s: &TcpStream, p: &Peticion, con_cuerpo: bool) -> Result<(Cabecera, BufReader<TcpStream>), Fallo> {
    let mut o = p.metodo.clone();
    o.push(b' ');
    o.extend(&p.destino);
    o.extend(b" HTTP/1.1\r\n");
    for (n, v) in &p.cab.campos {
        if p.cab.de_paso(n) || n.eq_ignore_ascii_case(b"content-length") || n.eq_ignore_ascii_case(b"expect") {
            continue;
        }
        o.extend(n);
        o.extend(b": ");
        o.extend(v);
        o.extend(b"\r\n");
    }
    if con_cuerpo {
        o.extend(format!("Content-Length: {}\r\n", p.cuerpo.len()).bytes());
    }
    o.extend(b"Connection: close\r\n\r\n");
    o.extend(&p.cuerpo);
    let _ = (&*s).write_all(&o);
    let mut r = BufReader::with_capacity(64 * 1024, s.try_clone().map_err(|_| Fallo::Codigo(502))?);
    loop {
        match http::leer_cabecera(&mut r) {
            Ok(None) => return Err(Fallo::Cerro),
            Ok(Some(c)) => match c.estado() {
                Ok((n, _)) if n < 200 => continue,
                Ok(_) => return Ok((c, r)),
                Err(_) => return Err(Fallo::Codigo(502)),
            },
            Err(e) => return Err(match e.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Fallo::Codigo(504),
                ErrorKind::ConnectionReset => Fallo::Cerro,
                _ => Fallo::Codigo(502),
            }),
        }
    }
}

fn texto(c: u16) -> &'static str {
    match c {
        400 => "400 Bad Request",
        503 => "503 Service Unavailable",
        504 => "504 Gateway Timeout",
        _ => "502 Bad Gateway",
    }
}

fn error(p: &Pibl, c: &mut TcpStream, q: Option<&Peticion>, codigo: u16) -> io::Result<bool> {
    let t = texto(codigo);
    let cuerpo = format!("<h1>{}</h1>\n", t);
    let (m, d): (&[u8], &[u8]) = q.map_or((b"-", b"-"), |q| (&q.metodo, &q.destino));
    p.anotar(m, d, t.as_bytes(), &cuerpo.len().to_string(), "pibl");
    let s = format!("HTTP/1.1 {}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", t, cuerpo.len());
    c.write_all((s + if m == b"HEAD" { "" } else { &cuerpo }).as_bytes())?;
    Ok(false)
}

fn leer_peticion(r: &mut BufReader<TcpStream>, c: &mut TcpStream) -> io::Result<Option<(Peticion, bool)>> {
    let cab = match http::leer_cabecera(r)? {
        None => return Ok(None),
        Some(c) => c,
    };
    let v: Vec<Vec<u8>> = cab.linea.split(|x| *x == b' ').map(|x| x.to_vec()).collect();
    if v.len() != 3 || !v[2].starts_with(b"HTTP/1.") {
        return Err(http::malo("peticion"));
    }
    let modo = cab.cuerpo_peticion()?;
    let con = !matches!(modo, Cuerpo::Nada);
    if con && cab.tiene("expect", "100-continue") {
        c.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut cuerpo = vec![];
    let mut t = Pedazos::nuevo(r, modo);
    while let Some(x) = t.siguiente()? {
        cuerpo.extend(x);
    }
    let uno_cero = v[2] == b"HTTP/1.0";
    let cerrar = uno_cero || cab.tiene("connection", "close");
    Ok(Some((Peticion { metodo: v[0].clone(), destino: v[1].clone(), cab, cuerpo, cerrar, uno_cero }, con)))
}

fn de_cache(p: &Pibl, c: &mut TcpStream, q: &Peticion, g: Guardado) -> io::Result<bool> {
    p.anotar(&q.metodo, &q.destino, b"200 OK", &g.cuerpo.len().to_string(), "cache");
    let mut o = b"HTTP/1.1 200 OK\r\n".to_vec();
    o.extend(&g.cabecera);
    o.extend(format!("Age: {}\r\nContent-Length: {}\r\n", g.edad / 1000, g.cuerpo.len()).bytes());
    if q.cerrar {
        o.extend(b"Connection: close\r\n");
    }
    o.extend(b"\r\n");
    o.extend(&g.cuerpo);
    c.write_all(&o)?;
    Ok(!q.cerrar)
}

fn pasar(p: &Pibl, c: &mut TcpStream, q: &Peticion, cab: Cabecera, mut r: BufReader<TcpStream>, de: &str) -> io::Result<bool> {
    let (codigo, estado) = cab.estado()?;
    let modo = match cab.cuerpo_respuesta(&q.metodo, codigo) {
        Ok(m) => m,
        Err(_) => return error(p, c, Some(q), 502),
    };
    let mut campos = vec![];
    for (n, v) in &cab.campos {
        if !cab.de_paso(n) && !n.eq_ignore_ascii_case(b"content-length") {
            campos.extend(n);
            campos.extend(b": ");
            campos.extend(v);
            campos.extend(b"\r\n");
        }
    }
    let secreto = cab.tiene("cache-control", "no-store") || cab.tiene("cache-control", "private") || cab.tiene("vary", "*");
    let guardar = codigo == 200 && q.metodo == b"GET" && !secreto
        && q.cab.valor("authorization").is_none() && q.cab.valor("range").is_none();
    let mut borrador = if guardar { p.cache.borrador(&q.destino, &campos).ok() } else { None };

    let sin_largo = matches!(modo, Cuerpo::Trozos | Cuerpo::HastaFin);
    let trozos = sin_largo && !q.uno_cero;
    let mut cerrar = q.cerrar || (sin_largo && q.uno_cero);
    let mut o = b"HTTP/1.1 ".to_vec();
    o.extend(&estado);
    o.extend(b"\r\n");
    o.extend(&campos);
    let mut largo = String::from("0");
    if trozos {
        o.extend(b"Transfer-Encoding: chunked\r\n");
        largo = "por trozos".into();
    } else if let Some(n) = cab.largo()? {
        o.extend(format!("Content-Length: {}\r\n", n).bytes());
        largo = n.to_string();
    } else if sin_largo {
        largo = "hasta el cierre".into();
        cerrar = true;
    }
    if cerrar {
        o.extend(b"Connection: close\r\n");
    }
    o.extend(b"\r\n");
    p.anotar(&q.metodo, &q.destino, &estado, &largo, de);

    // siempre queda un pedazo sin mandar: el ultimo sale cuando el recurso ya esta en el disco
    let mut pendiente = o;
    let mut t = Pedazos::nuevo(&mut r, modo);
    while let Some(x) = t.siguiente()? {
        if let Some(b) = borrador.as_mut() {
            if b.agregar(&x).is_err() {
                borrador = None;
            }
        }
        c.write_all(&pendiente)?;
        pendiente.clear();
        if trozos {
            pendiente.extend(format!("{:x}\r\n", x.len()).bytes());
        }
        pendiente.extend(x);
        if trozos {
            pendiente.extend(b"\r\n");
        }
    }
    if let Some(b) = borrador {
        if let Err(e) = b.terminar() {
            eprintln!("cache: {}", e);
        }
    }
    if trozos {
        pendiente.extend(b"0\r\n\r\n");
    }
    c.write_all(&pendiente)?;
    Ok(!cerrar)
}

fn una(p: &Pibl, r: &mut BufReader<TcpStream>, c: &mut TcpStream) -> io::Result<bool> {
    let (q, con) = match leer_peticion(r, c) {
        Ok(None) => return Ok(false),
        Ok(Some(x)) => x,
        Err(e) if e.kind() == ErrorKind::InvalidData => return error(p, c, None, 400),
        Err(e) => return Err(e),
    };
    let clave = q.cab.valor("authorization").is_some();
    if q.metodo == b"GET" && !clave {
        if let Some(g) = p.cache.buscar(&q.destino) {
            return de_cache(p, c, &q, g);
        }
    }
    let repetible = q.metodo == b"GET" || q.metodo == b"HEAD";
    let mut codigo = 503;
    for _ in 0..p.servidores.len() {
        let de = &p.servidores[p.turno.fetch_add(1, Ordering::Relaxed) % p.servidores.len()];
        let s = match conectar(de) {
            Ok(s) => s,
            Err(_) => continue,
        };
        match preguntar(&s, &q, con) {
            Ok((cab, lector)) => return pasar(p, c, &q, cab, lector, de),
            Err(Fallo::Codigo(n)) => return error(p, c, Some(&q), n),
            Err(Fallo::Cerro) => {
                codigo = 502;
                if !repetible {
                    break;
                }
            }
        }
    }
    error(p, c, Some(&q), codigo)
}

fn main() {
    let ttl: f64 = std::env::args().nth(1).and_then(|x| x.parse().ok()).unwrap_or_else(|| {
        eprintln!("uso: pibl TTL_EN_SEGUNDOS   (configuracion en ../pibl.toml)");
        std::process::exit(2);
    });
    let conf = config::leer("../pibl.toml");
    if conf.servidores.is_empty() {
        eprintln!("../pibl.toml no tiene servidores");
        std::process::exit(2);
    }
    let dir = std::env::var("HOME").unwrap_or(".".into()) + "/pibl_registros";
    std::fs::create_dir_all(&dir).expect("registro");
    let f = OpenOptions::new().create(true).append(true).open(dir + "/" + &conf.registro).expect("registro");
    let escucha = TcpListener::bind(("0.0.0.0", conf.puerto)).expect("no se pudo abrir el puerto");
    let p = Arc::new(Pibl {
        servidores: conf.servidores,
        turno: AtomicUsize::new(0),
        cache: Cache::nuevo((ttl * 1000.0) as u64),
        registro: Mutex::new(f),
    });
    let q = p.clone();
    thread::spawn(move || q.cache.purgar());
    println!("PIBL en el puerto {} con {} servidores", conf.puerto, p.servidores.len());
    for c in escucha.incoming() {
        let mut c = match c {
            Ok(c) => c,
            Err(_) => {
                thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        let p = p.clone();
        let hilo = thread::Builder::new().stack_size(256 * 1024).spawn(move || {
            let _ = c.set_nodelay(true);
            let _ = c.set_read_timeout(Some(CLIENTE));
            let _ = c.set_write_timeout(Some(CLIENTE));
            if let Ok(k) = c.try_clone() {
                let mut r = BufReader::new(k);
                while let Ok(true) = una(&p, &mut r, &mut c) {}
            }
        });
        if hilo.is_err() {
            eprintln!("no se pudo crear el hilo");
        }
    }
}
