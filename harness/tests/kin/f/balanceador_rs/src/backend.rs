use crate::http::{Cabecera, Falla, Lector};
use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub struct Balanceador {
    servidores: Vec<String>,
    turno: AtomicUsize,
    espera: Duration,
}

pub struct Respuesta {
    pub servidor: String,
    pub estado: u16,
    pub cab: Cabecera,
    pub cuerpo: Option<Vec<u8>>,
}

impl Balanceador {
    pub fn nuevo(servidores: Vec<String>, espera: Duration) -> Self {
        Balanceador { servidores, turno: AtomicUsize::new(0), espera }
    }

    fn conectar(&self, s: &str) -> Option<TcpStream> {
        let d = s.to_socket_addrs().ok()?.next()?;
        let c = TcpStream::connect_timeout(&d, Duration::from_secs(2)).ok()?;
        c.set_nodelay(true).ok()?;
        c.set_read_timeout(Some(self.espera)).ok()?;
        c.set_write_timeout(Some(self.espera)).ok()?;
        Some(c)
    }

    /// Err(codigo) si ninguno pudo
    pub fn pedir(&self, metodo: &str, mensaje: &[u8]) -> Result<Respuesta, u16> {
        for _ in 0..self.servidores.len() {
            let i = self.turno.fetch_add(1, Ordering::SeqCst) % self.servidores.len();
            let s = &self.servidores[i];
            let Some(c) = self.conectar(s) else { continue };
            match conversar(c, metodo, mensaje) {
                Ok((estado, cab, cuerpo)) => return Ok(Respuesta { servidor: s.clone(), estado, cab, cuerpo }),
                Err(Falla::Tiempo) => return Err(504),
                // si ya se mando un POST no se repite
                Err(_) if metodo != "GET" && metodo != "HEAD" => return Err(502),
                Err(_) => {}
            }
        }
        Err(502)
    }
}

fn conversar(c: TcpStream, metodo: &str, mensaje: &[u8]) -> Result<(u16, Cabecera, Option<Vec<u8>>), Falla> {
    let _ = (&c).write_all(mensaje);
    let mut l = Lector::nuevo(&c);
    loop {
        let cab = l.cabecera()?;
        let t = String::from_utf8_lossy(&cab.linea).into_owned();
        let estado: u16 = match t.split(' ').nth(1).map(|x| x.parse()) {
            Some(Ok(n)) if t.starts_with("HTTP/1.") && n >= 100 => n,
            _ => return Err(Falla::Formato(502)),
        };
        if estado < 200 {
            continue;
        }
        let cuerpo = if metodo == "HEAD" || estado == 204 || estado == 304 {
            None
        } else if cab.chunked() {
            Some(l.trozos()?)
        } else if let Some(n) = cab.largo()? {
            Some(l.exacto(n)?)
        } else {
            Some(l.hasta_eof()?)
        };
        return Ok((estado, cab, cuerpo));
    }
}
