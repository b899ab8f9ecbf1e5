use crate::Contexto;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

struct Peticion {
    metodo: String,
    destino: String,
    linea: String,
    cabeza: Vec<u8>,
    resto: Vec<u8>,
}

fn buscar(d: &[u8], q: &[u8]) -> Option<usize> {
    d.windows(q.len()).position(|w| w == q)
}

/// valor de un encabezado (sin importar mayusculas)
fn encabezado(cabeza: &[u8], nombre: &str) -> Option<String> {
    let t = String::from_utf8_lossy(cabeza);
    for l in t.split("\r\n").skip(1) {
        if let Some((k, v)) = l.split_once(':') {
            if k.trim().eq_ignore_ascii_case(nombre) {
                return Some(v.trim().to_string());
            }
        }
    }
    None
}

/// copia la cabeza cambiando Connection por close; lo demas queda igual
fn con_close(cabeza: &[u8]) -> Vec<u8> {
    let mut o = Vec::with_capacity(cabeza.len() + 32);
    for (i, l) in cabeza.split(|c| *c == b'\n').enumerate() {
        let l = l.strip_suffix(b"\r").unwrap_or(l);
        if l.is_empty() {
            continue;
        }
        let nombre = String::from_utf8_lossy(&l[..l.iter().position(|c| *c == b':').unwrap_or(0)]).to_ascii_lowercase();
        if i > 0 && matches!(nombre.as_str(), "connection" | "keep-alive" | "proxy-connection") {
            continue;
        }
        o.extend_from_slice(l);
        o.extend_from_slice(b"\r\n");
    }
    o.extend_from_slice(b"Connection: close\r\n\r\n");
    o
}

fn leer_peticion(con: &mut TcpStream) -> io::Result<Option<Peticion>> {
    let mut bloque = vec![0u8; 65536];
    let n = con.read(&mut bloque)?;
    if n == 0 {
        return Ok(None);
    }
    bloque.truncate(n);
    let corte = buscar(&bloque, b"\r\n\r\n").map(|i| i + 4).unwrap_or(n);
    let resto = bloque.split_off(corte);
    let linea = String::from_utf8_lossy(bloque.split(|c| *c == b'\r').next().unwrap_or(&[])).into_owned();
    let p: Vec<&str> = linea.split(' ').collect();
    if p.len() < 2 {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(Some(Peticion { metodo: p[0].into(), destino: p[1].into(), linea: linea.clone(), cabeza: bloque, resto }))
}

fn conectar(servidor: &str, espera: u64) -> io::Result<TcpStream> {
    let dir = servidor.to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
    let s = TcpStream::connect_timeout(&dir, Duration::from_secs(3))?;
    s.set_read_timeout(Some(Duration::from_secs(espera)))?;
    s.set_write_timeout(Some(Duration::from_secs(espera)))?;
    Ok(s)
}

pub fn atender(mut con: TcpStream, ctx: &Contexto) {
    let _ = con.set_read_timeout(Some(Duration::from_secs(20)));
    let _ = con.set_write_timeout(Some(Duration::from_secs(20)));
    match leer_peticion(&mut con) {
        Ok(Some(p)) => {
            if let Err(e) = responder(&mut con, &p, ctx) {
                ctx.bitacora.anotar(&format!("[{}] cliente perdido: {e}", p.linea));
            }
        }
        Ok(None) => {}
        Err(e) if e.kind() == ErrorKind::InvalidData => {
            ctx.bitacora.anotar("[?] -> 400");
            let _ = con.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Err(_) => {}
    }
    let _ = con.shutdown(Shutdown::Write);
    let _ = con.set_read_timeout(Some(Duration::from_millis(300)));
    let mut b = [0u8; 2048];
    while matches!(con.read(&mut b), Ok(n) if n > 0) {}
}

fn responder(con: &mut TcpStream, p: &Peticion, ctx: &Contexto) -> io::Result<()> {
    let host = encabezado(&p.cabeza, "Host").unwrap_or_default();
    let se_guarda = p.metodo == "GET"
        && p.resto.is_empty()
        && ["Authorization", "Range", "If-None-Match", "If-Modified-Since"].iter().all(|h| encabezado(&p.cabeza, h).is_none());
    if se_guarda {
        if let Some(d) = ctx.cache.buscar(&host, &p.destino) {
            let estado = String::from_utf8_lossy(&d[9..12.min(d.len())]).into_owned();
            ctx.bitacora.anotar(&format!("[{}] -> {} {} bytes desde cache", p.linea, estado, d.len()));
            return con.write_all(&d);
        }
    }
    let mut destino = ctx.turnos.siguiente();
    ctx.bitacora.anotar(&format!("[{}] se va a pedir, turno de {}", p.linea, destino));
    if encabezado(&p.cabeza, "Expect").is_some() {
        con.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut falla = 503;
    for _ in 0..ctx.turnos.cantidad() {
        destino = ctx.turnos.siguiente();
        let Ok(mut s) = conectar(&destino, ctx.ajustes.espera) else { continue };
        let mut pedido = con_close(&p.cabeza);
        pedido.extend_from_slice(&p.resto);
        if s.write_all(&pedido).is_err() {
            falla = 502;
            break;
        }
        match primera_parte(&mut s) {
            Ok((cab, cuerpo)) => return pasar(con, s, cab, cuerpo, p, ctx, se_guarda, &host, &destino),
            Err(e) => {
                falla = if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) { 504 } else { 502 };
                break;
            }
        }
    }
    ctx.bitacora.anotar(&format!("[{}] -> {} ({})", p.linea, falla, destino));
    let t = match falla { 504 => "Gateway Timeout", 503 => "Service Unavailable", _ => "Bad Gateway" };
    con.write_all(format!("HTTP/1.1 {falla} {t}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{t}", t.len()).as_bytes())
}

/// lee hasta tener la cabeza entera de la respuesta; lo que sobre es cuerpo
fn primera_parte(s: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut d = Vec::new();
    let mut b = [0u8; 16384];
    loop {
        while let Some(i) = buscar(&d, b"\r\n\r\n") {
            let resto = d.split_off(i + 4);
            if d.len() > 12 && d[9] == b'1' {
                d = resto; // 100 Continue y parecidos
                continue;
            }
            return Ok((d, resto));
        }
        if d.len() > 300_000 {
            return Err(ErrorKind::InvalidData.into());
        }
        let n = s.read(&mut b)?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        d.extend_from_slice(&b[..n]);
    }
}

#[allow(clippy::too_many_arguments)]
fn pasar(con: &mut TcpStream, mut s: TcpStream, cab: Vec<u8>, mut cuerpo: Vec<u8>, p: &Peticion, ctx: &Contexto, se_guarda: bool, host: &str, de: &str) -> io::Result<()> {
    let estado = String::from_utf8_lossy(&cab[9..12.min(cab.len())]).into_owned();
    let sin_cuerpo = p.metodo == "HEAD" || estado == "204" || estado == "304";
    let largo: Option<usize> = encabezado(&cab, "Content-Length").and_then(|v| v.parse().ok());
    let chunked = encabezado(&cab, "Transfer-Encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked"));
    let salida = con_close(&cab);
    let listo = |c: &[u8]| sin_cuerpo || (chunked && c.ends_with(b"\r\n0\r\n\r\n") || c == b"0\r\n\r\n") || (!chunked && largo.is_some_and(|n| c.len() >= n));
    let mut cliente_vivo = con.write_all(&salida).is_ok() && con.write_all(&cuerpo).is_ok();
    let mut b = vec![0u8; 32768];
    let mut entera = listo(&cuerpo);
    while !entera {
        match s.read(&mut b) {
            Ok(0) => {
                entera = !chunked && largo.is_none();
                break;
            }
            Ok(n) => {
                cuerpo.extend_from_slice(&b[..n]);
                if cliente_vivo {
                    cliente_vivo = con.write_all(&b[..n]).is_ok();
                }
                entera = listo(&cuerpo);
            }
            Err(_) => break,
        }
    }
    let nota = if entera { "" } else { " INCOMPLETA" };
    ctx.bitacora.anotar(&format!("[{}] -> {} {} bytes de {}{}", p.linea, estado, cuerpo.len(), de, nota));
    let cc = encabezado(&cab, "Cache-Control").unwrap_or_default().to_ascii_lowercase();
    if se_guarda && entera && estado == "200" && encabezado(&cab, "Vary").is_none() && encabezado(&cab, "Set-Cookie").is_none()
        && !["no-store", "private", "no-cache"].iter().any(|x| cc.contains(x)) {
        let mut todo = salida;
        todo.extend_from_slice(&cuerpo);
        ctx.cache.guardar(host, &p.destino, &todo);
    }
    Ok(())
}
