use crate::backend::Balanceador;
use crate::bitacora::Bitacora;
use crate::cache::{ahora, Cache, Entrada};
use crate::http::*;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const MAX_CLIENTES: usize = 100;

pub struct Todo {
    pub bal: Balanceador,
    pub cache: Arc<Cache>,
    pub log: Bitacora,
    pub ttl: Duration,
    pub activos: AtomicUsize,
    pub serie: AtomicUsize,
}

struct Salida {
    estado: u16,
    linea: Vec<u8>,
    campos: Campos,
    cuerpo: Option<Vec<u8>>,
    origen: String,
}

fn razon(c: u16) -> &'static str {
    match c {
        400 => "Bad Request", 408 => "Request Timeout", 431 => "Request Header Fields Too Large",
        501 => "Not Implemented", 502 => "Bad Gateway", 503 => "Service Unavailable", _ => "Gateway Timeout",
    }
}

fn de_error(c: u16) -> Salida {
    Salida {
        estado: c,
        linea: format!("HTTP/1.1 {} {}", c, razon(c)).into_bytes(),
        campos: vec![("Content-Type".into(), b"text/plain".to_vec())],
        cuerpo: Some(format!("{} {}\n", c, razon(c)).into_bytes()),
        origen: "balanceador".into(),
    }
}

pub fn atender(t: &Todo, s: TcpStream, ip: String) {
    let _ = s.set_nodelay(true);
    let _ = s.set_write_timeout(Some(Duration::from_secs(30)));
    let mut l = Lector::nuevo(&s);
    let mut primera = true;
    loop {
        let _ = s.set_read_timeout(Some(Duration::from_secs(if primera { 20 } else { 8 })));
        primera = false;
        let cab = match l.cabecera() {
            Ok(c) => c,
            Err(Falla::Formato(c)) => {
                t.log.linea(&format!("<< {ip} peticion mala {c}"));
                let _ = enviar(&s, de_error(c), "GET", false, true);
                break;
            }
            Err(_) => break,
        };
        let n = t.activos.fetch_add(1, Ordering::SeqCst);
        let sigue = uno(t, &s, &mut l, cab, &ip, n >= MAX_CLIENTES);
        t.activos.fetch_sub(1, Ordering::SeqCst);
        if !sigue {
            break;
        }
    }
    // cierre suave
    let _ = s.shutdown(std::net::Shutdown::Write);
    let _ = s.set_read_timeout(Some(Duration::from_millis(500)));
    let _ = l.hasta_eof();
}

fn uno(t: &Todo, s: &TcpStream, l: &mut Lector<&TcpStream>, cab: Cabecera, ip: &str, lleno: bool) -> bool {
    let inicio = Instant::now();
    let n = t.serie.fetch_add(1, Ordering::SeqCst);
    let linea = String::from_utf8_lossy(&cab.linea).into_owned();
    let p: Vec<&[u8]> = cab.linea.split(|c| *c == b' ').collect();
    t.log.linea(&format!(">> [{n}] {ip} {linea}"));
    let metodo = String::from_utf8_lossy(p[0]).into_owned();
    let once = p.len() == 3 && p[2] == b"HTTP/1.1";
    let fichas = cab.fichas("connection");
    let mut sigue = once && !fichas.contains(&"close".to_string());
    let salida = if p.len() != 3 || !p[2].starts_with(b"HTTP/1.") {
        sigue = false;
        de_error(400)
    } else if lleno {
        sigue = false;
        de_error(503)
    } else {
        match cuerpo_de(s, l, &cab, once) {
            Ok(c) => resolver(t, &metodo, p[1], &cab, c, ip),
            Err(e) => {
                sigue = false;
                de_error(match e { Falla::Formato(c) => c, Falla::Tiempo => 408, _ => 400 })
            }
        }
    };
    let bytes = if metodo == "HEAD" { 0 } else { salida.cuerpo.as_ref().map_or(0, |c| c.len()) };
    t.log.linea(&format!("<< [{n}] {} {} bytes de {} en {} ms", salida.estado, bytes, salida.origen, inicio.elapsed().as_millis()));
    enviar(s, salida, &metodo, once, !sigue).is_ok() && sigue
}

fn cuerpo_de(s: &TcpStream, l: &mut Lector<&TcpStream>, cab: &Cabecera, once: bool) -> Result<Option<Vec<u8>>, Falla> {
    let trozos = cab.chunked();
    if !trozos && cab.tiene("transfer-encoding") {
        return Err(Falla::Formato(501));
    }
    let n = cab.largo()?;
    if !trozos && n.is_none() {
        return Ok(None);
    }
    let _ = s.set_read_timeout(Some(Duration::from_secs(15)));
    if once && l.b.is_empty() && cab.fichas("expect").contains(&"100-continue".to_string()) {
        let mut w = s;
        w.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if trozos { l.trozos().map(Some) } else { l.exacto(n.unwrap()).map(Some) }
}

fn vida(cab: &Cabecera, ttl: Duration) -> u64 {
    let mut v = ttl.as_millis() as u64;
    if cab.tiene("vary") {
        return 0;
    }
    for d in cab.fichas("cache-control") {
        let mut kv = d.splitn(2, '=');
        match kv.next().unwrap_or("").trim() {
            "no-store" | "private" | "no-cache" => return 0,
            "max-age" | "s-maxage" => {
                let x: u64 = kv.next().unwrap_or("").trim_matches('"').parse().unwrap_or(0);
                v = v.min(x.saturating_mul(1000));
            }
            _ => {}
        }
    }
    v
}

fn resolver(t: &Todo, metodo: &str, destino: &[u8], cab: &Cabecera, cuerpo: Option<Vec<u8>>, ip: &str) -> Salida {
    let mut d = destino.to_vec();
    if d.len() > 7 && d[..7].eq_ignore_ascii_case(b"http://") {
        d = match d[7..].iter().position(|c| *c == b'/') { Some(i) => d[7 + i..].to_vec(), None => b"/".to_vec() };
    }
    let mut llave = cab.fichas("host").join(",").into_bytes();
    llave.push(b' ');
    llave.extend_from_slice(&d);
    let cc = cab.fichas("cache-control");
    let de_cache = metodo == "GET" && !cab.tiene("authorization") && !cab.tiene("range")
        && !cc.contains(&"no-store".to_string());
    if de_cache && !cc.contains(&"no-cache".to_string()) {
        if let Some(e) = t.cache.buscar(&llave) {
            let mut campos = e.cab.campos.clone();
            campos.push(("Age".into(), ((ahora().saturating_sub(e.guardada)) / 1000).to_string().into_bytes()));
            return Salida { estado: e.estado, linea: e.cab.linea.clone(), campos, cuerpo: Some(e.cuerpo.clone()), origen: "cache".into() };
        }
    }
    let mut m = format!("{metodo} ").into_bytes();
    m.extend_from_slice(&d);
    m.extend_from_slice(b" HTTP/1.1\r\n");
    if !cab.tiene("host") {
        m.extend_from_slice(b"Host: localhost\r\n");
    }
    escribir_campos(&mut m, &cab.de_punta_a_punta(&["content-length", "expect"]));
    if let Some(c) = &cuerpo {
        m.extend_from_slice(format!("Content-Length: {}\r\n", c.len()).as_bytes());
    }
    m.extend_from_slice(format!("X-Forwarded-For: {ip}\r\nConnection: close\r\n\r\n").as_bytes());
    m.extend_from_slice(cuerpo.as_deref().unwrap_or(b""));
    let r = match t.bal.pedir(metodo, &m) {
        Ok(r) => r,
        Err(c) => return de_error(c),
    };
    let menos: &[&str] = if r.cuerpo.is_some() { &["content-length"] } else { &[] };
    let campos = r.cab.de_punta_a_punta(menos);
    if let (true, 200, Some(c)) = (de_cache, r.estado, &r.cuerpo) {
        let v = vida(&r.cab, t.ttl);
        if v > 0 && c.len() <= 64 << 20 {
            let ya = ahora();
            t.cache.guardar(llave.clone(), Entrada {
                estado: r.estado, guardada: ya, vence: ya + v, cuerpo: c.clone(),
                cab: Cabecera { linea: r.cab.linea.clone(), campos: campos.clone() },
            });
        }
    }
    if r.estado < 400 && !["GET", "HEAD", "OPTIONS", "TRACE"].contains(&metodo) {
        t.cache.borrar(&llave);
    }
    Salida { estado: r.estado, linea: r.cab.linea, campos, cuerpo: r.cuerpo, origen: r.servidor }
}

fn enviar(mut s: &TcpStream, r: Salida, metodo: &str, once: bool, cierra: bool) -> std::io::Result<()> {
    let mut m = b"HTTP/1.1".to_vec();
    m.extend_from_slice(&r.linea[8.min(r.linea.len())..]);
    m.extend_from_slice(b"\r\n");
    escribir_campos(&mut m, &r.campos);
    if cierra {
        m.extend_from_slice(b"Connection: close\r\n");
    }
    let Some(c) = r.cuerpo else {
        m.extend_from_slice(b"\r\n");
        return s.write_all(&m);
    };
    if metodo == "HEAD" || !once || c.len() < 20_000 {
        m.extend_from_slice(format!("Content-Length: {}\r\n\r\n", c.len()).as_bytes());
        if metodo != "HEAD" {
            m.extend_from_slice(&c);
        }
        return s.write_all(&m);
    }
    // las grandes van por trozos
    m.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    s.write_all(&m)?;
    for t in c.chunks(16_000) {
        let mut b = format!("{:X}\r\n", t.len()).into_bytes();
        b.extend_from_slice(t);
        b.extend_from_slice(b"\r\n");
        s.write_all(&b)?;
    }
    s.write_all(b"0\r\n\r\n")
}
