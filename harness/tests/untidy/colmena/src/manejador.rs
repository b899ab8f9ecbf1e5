use crate::http::{self, Lector, Mensaje, Tipo};
use crate::Estado;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

pub fn atender(c: TcpStream, e: &Estado) {
    let cliente = c.peer_addr().map(|a| a.to_string()).unwrap_or_default();
    // que un cliente callado no se quede con el obrero
    let _ = c.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = c.set_nodelay(true);
    let mut salida = match c.try_clone() {
        Ok(s) => s,
        Err(_) => return,
    };
    let mut l = Lector::new(c);
    let pedido = match l.leer(Tipo::Pedido) {
        Ok(Some(p)) => p,
        _ => return,
    };
    let linea = http::primera_linea(&pedido.cabeza);
    let metodo = linea.split(' ').next().unwrap_or("").to_string();
    let clave = linea.split(' ').nth(1).unwrap_or("").as_bytes().to_vec();
    let cacheable = metodo == "GET"
        && pedido.cuerpo.is_empty()
        && http::campo(&pedido.cabeza, "authorization").is_none()
        && http::campo(&pedido.cabeza, "range").is_none();

    if cacheable {
        if let Some(r) = e.cache.buscar(&clave) {
            let _ = salida.write_all(&r);
            let cab = http::pos(&r, b"\r\n\r\n").map_or(0, |p| p + 4);
            e.registro.anotar(&cliente, &linea, &http::primera_linea(&r), r.len() - cab, "CACHE");
            let _ = salida.shutdown(Shutdown::Write);
            return;
        }
    }

    let sin_cuerpo = metodo == "HEAD";
    match preguntar(e, &pedido, sin_cuerpo) {
        Some((r, quien)) => {
            let mut todo = http::con_close(&r.cabeza);
            todo.extend_from_slice(&r.cuerpo);
            let cc = http::campo(&r.cabeza, "cache-control").unwrap_or_default().to_lowercase();
            if cacheable && http::estado(&r.cabeza) == 200 && !cc.contains("no-store") && !cc.contains("private") {
                if let Err(x) = e.cache.guardar(&clave, &todo) {
                    eprintln!("cache: {x}");
                }
            }
            let _ = salida.write_all(&todo);
            e.registro.anotar(&cliente, &linea, &http::primera_linea(&r.cabeza), r.cuerpo.len(), &quien);
        }
        None => {
            let _ = salida.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            e.registro.anotar(&cliente, &linea, "HTTP/1.1 502 Bad Gateway", 0, "-");
        }
    }
    let _ = salida.shutdown(Shutdown::Write);
}

/// prueba los backends en orden hasta que uno conteste
fn preguntar(e: &Estado, p: &Mensaje, sin_cuerpo: bool) -> Option<(Mensaje, String)> {
    let cabeza = http::con_close(&p.cabeza);
    for _ in 0..e.balanceador.cuantos() {
        let b = e.balanceador.siguiente();
        let mut s = match e.balanceador.conectar(b) {
            Some(s) => s,
            None => continue,
        };
        if s.write_all(&cabeza).and_then(|_| s.write_all(&p.cuerpo)).is_err() {
            continue;
        }
        match Lector::new(s).leer(Tipo::Respuesta { sin_cuerpo }) {
            Ok(Some(m)) => return Some((m, b.to_string())),
            Ok(None) => continue,
            Err(_) => return None,
        }
    }
    None
}
