use crate::bitacora::anotar;
use crate::cache::Cache;
use crate::config::Config;
use crate::http::{buscar, leer_cuerpo, leer_head, Mensaje};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Estado {
    pub cfg: Config,
    pub turno: usize,
    pub cache: Cache,
}

impl Estado {
    fn siguiente(&mut self) -> String {
        let ip = self.cfg.ips[self.turno % self.cfg.ips.len()].clone();
        self.turno += 1;
        format!("{}:{}", ip, self.cfg.backend_port)
    }
}

fn error(c: &mut TcpStream, req: &str, st: &str) {
    anotar(req, st, st.len(), "pibl");
    let m = format!("HTTP/1.1 {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", st, st.len(), st);
    let _ = c.write_all(m.as_bytes());
}

// manda y espera la respuesta completa de un servidor
fn preguntar(dir: &str, metodo: &str, msg: &[u8]) -> io::Result<(Mensaje, Vec<u8>)> {
    let a = dir.to_socket_addrs()?.next().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "dns"))?;
    let mut s = TcpStream::connect_timeout(&a, Duration::from_secs(3))?;
    s.set_read_timeout(Some(Duration::from_secs(10)))?;
    s.write_all(msg)?;
    let mut m = leer_head(&mut s, vec![])?;
    let mut codigo = status(&m);
    while codigo / 100 == 1 {
        let r = std::mem::take(&mut m.resto);
        m = leer_head(&mut s, r)?;
        codigo = status(&m);
    }
    if metodo == "HEAD" || codigo == 204 || codigo == 304 {
        return Ok((m, vec![]));
    }
    let largo = m.campo("content-length").and_then(|x| x.parse().ok());
    let ch = m.campo("transfer-encoding").map(|x| x.to_lowercase().contains("chunked")).unwrap_or(false);
    let r = std::mem::take(&mut m.resto);
    let cuerpo = leer_cuerpo(&mut s, r, largo, ch)?;
    Ok((m, cuerpo))
}

fn status(m: &Mensaje) -> u16 {
    m.primera.split(' ').nth(1).and_then(|x| x.parse().ok()).unwrap_or(502)
}

fn se_guarda(metodo: &str, req: &Mensaje, m: &Mensaje) -> bool {
    let st = status(m);
    let cc = m.campo("cache-control").unwrap_or_default().to_lowercase();
    metodo == "GET"
        && (st == 200 || st == 301 || st == 404)
        && !cc.contains("no-store")
        && !cc.contains("private")
        && req.campo("authorization").is_none()
}

fn una(c: &mut TcpStream, est: &Arc<Mutex<Estado>>) -> io::Result<()> {
    c.set_read_timeout(Some(Duration::from_secs(15)))?;
    let mut req = match leer_head(c, vec![]) {
        Ok(r) => r,
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            error(c, "?", "400 Bad Request");
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    let linea = req.primera.clone();
    let p: Vec<&str> = linea.split(' ').collect();
    if p.len() != 3 || !p[1].starts_with('/') {
        error(c, &linea, "400 Bad Request");
        return Ok(());
    }
    let (metodo, url) = (p[0], p[1]);

    let mut e = est.lock().unwrap();

    if metodo == "GET" || metodo == "HEAD" {
        if let Some(d) = e.cache.buscar(url) {
            let n = d.len() - buscar(&d, b"\r\n\r\n").map(|i| i + 4).unwrap_or(0);
            let st = String::from_utf8_lossy(&d[9..12]).to_string();
            anotar(&linea, &st, n, "cache");
            return c.write_all(&d);
        }
    }

    // cuerpo
    let largo: usize = match req.campo("content-length") {
        Some(x) => x.parse().unwrap(),
        None => 0,
    };
    let ch = req.campo("transfer-encoding").is_some();
    if req.campo("expect").is_some() {
        c.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let resto = std::mem::take(&mut req.resto);
    let cuerpo = leer_cuerpo(c, resto, Some(largo), ch)?;
    let mut msg = req.head(&linea);
    msg.extend_from_slice(&cuerpo);

    // se intenta con cada servidor hasta que alguno conteste
    let mut ultimo = "502 Bad Gateway";
    for _ in 0..e.cfg.ips.len() {
        let dir = e.siguiente();
        match preguntar(&dir, metodo, &msg) {
            Ok((m, cuerpo)) => {
                let mut out = m.head(&m.primera);
                out.extend_from_slice(&cuerpo);
                if se_guarda(metodo, &req, &m) {
                    e.cache.guardar(url, &out);
                }
                anotar(&linea, &m.primera, cuerpo.len(), &dir);
                return c.write_all(&out);
            }
            Err(x) => {
                eprintln!("{} fallo: {}", dir, x);
                if x.kind() == io::ErrorKind::WouldBlock || x.kind() == io::ErrorKind::TimedOut {
                    ultimo = "504 Gateway Timeout";
                    break;
                }
            }
        }
    }
    error(c, &linea, ultimo);
    Ok(())
}

pub fn atender(mut c: TcpStream, est: Arc<Mutex<Estado>>) {
    if let Err(e) = una(&mut c, &est) {
        eprintln!("cliente: {}", e);
    }
    let _ = c.shutdown(Shutdown::Write);
    let _ = c.set_read_timeout(Some(Duration::from_millis(500)));
    let mut t = [0u8; 1024];
    while let Ok(n) = c.read(&mut t) {
        if n == 0 {
            break;
        }
    }
}
