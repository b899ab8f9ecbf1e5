use std::io::{self, Read, Write};
use std::net::TcpStream;

const MAX_CABEZA: usize = 64 * 1024;

pub struct Mensaje {
    pub cabeza: Vec<u8>, // con la linea en blanco
    pub cuerpo: Vec<u8>, // tal como vino (si es chunked, con sus chunks)
    pub sin_largo: bool, // termino con EOF
}

#[derive(Clone, Copy, PartialEq)]
pub enum Tipo {
    Pedido,
    Respuesta { sin_cuerpo: bool },
}

fn cortado() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "cortado")
}

pub fn pos(d: &[u8], aguja: &[u8]) -> Option<usize> {
    d.windows(aguja.len()).position(|v| v == aguja)
}

pub fn campo(cabeza: &[u8], nombre: &str) -> Option<String> {
    for l in cabeza.split(|b| *b == b'\n').skip(1) {
        if let Some(p) = l.iter().position(|b| *b == b':') {
            if l[..p].eq_ignore_ascii_case(nombre.as_bytes()) {
                return Some(String::from_utf8_lossy(&l[p + 1..]).trim().to_string());
            }
        }
    }
    None
}

/// quita Connection y pone close
pub fn con_close(cabeza: &[u8]) -> Vec<u8> {
    let mut r = Vec::with_capacity(cabeza.len() + 32);
    for l in cabeza[..cabeza.len() - 2].split_inclusive(|b| *b == b'\n') {
        let n = l.to_ascii_lowercase();
        if n.starts_with(b"connection:") || n.starts_with(b"keep-alive:") || n.starts_with(b"expect:") {
            continue;
        }
        r.extend_from_slice(l);
    }
    r.extend_from_slice(b"Connection: close\r\n\r\n");
    r
}

pub fn primera_linea(c: &[u8]) -> String {
    let f = pos(c, b"\r\n").unwrap_or(c.len());
    String::from_utf8_lossy(&c[..f]).into_owned()
}

pub fn estado(cabeza: &[u8]) -> u16 {
    primera_linea(cabeza).split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
}

pub struct Lector {
    pub s: TcpStream,
    b: Vec<u8>,
}

impl Lector {
    pub fn new(s: TcpStream) -> Lector {
        Lector { s, b: Vec::new() }
    }

    fn mas(&mut self) -> io::Result<usize> {
        let mut t = [0u8; 16384];
        let n = self.s.read(&mut t)?;
        self.b.extend_from_slice(&t[..n]);
        Ok(n)
    }

    /// None: cerraron sin mandar nada
    pub fn leer(&mut self, tipo: Tipo) -> io::Result<Option<Mensaje>> {
        let cabeza = loop {
            if let Some(p) = pos(&self.b, b"\r\n\r\n") {
                let resto = self.b.split_off(p + 4);
                break std::mem::replace(&mut self.b, resto);
            }
            if self.b.len() > MAX_CABEZA {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "cabeza muy larga"));
            }
            if self.mas()? == 0 {
                return if self.b.is_empty() { Ok(None) } else { Err(cortado()) };
            }
        };
        if tipo == Tipo::Pedido && campo(&cabeza, "expect").map_or(false, |e| e.eq_ignore_ascii_case("100-continue")) {
            self.s.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut m = Mensaje { cabeza, cuerpo: vec![], sin_largo: false };
        if let Tipo::Respuesta { sin_cuerpo } = tipo {
            let e = estado(&m.cabeza);
            if (100..200).contains(&e) {
                return self.leer(tipo); // 100 Continue del backend: no interesa
            }
            if sin_cuerpo || e == 204 || e == 304 {
                return Ok(Some(m));
            }
        }
        if campo(&m.cabeza, "transfer-encoding").map_or(false, |v| v.to_lowercase().contains("chunked")) {
            m.cuerpo = self.chunked()?;
        } else if let Some(l) = campo(&m.cabeza, "content-length") {
            let l: usize = l.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "content-length"))?;
            while self.b.len() < l {
                if self.mas()? == 0 {
                    return Err(cortado());
                }
            }
            let resto = self.b.split_off(l);
            m.cuerpo = std::mem::replace(&mut self.b, resto);
        } else if tipo != Tipo::Pedido {
            while self.mas()? > 0 {}
            m.cuerpo = std::mem::take(&mut self.b);
            m.sin_largo = true;
        }
        Ok(Some(m))
    }

    fn chunked(&mut self) -> io::Result<Vec<u8>> {
        let mut i = 0;
        loop {
            let fin = loop {
                if let Some(p) = pos(&self.b[i..], b"\r\n") {
                    break i + p;
                }
                if self.mas()? == 0 {
                    return Err(cortado());
                }
            };
            let t = String::from_utf8_lossy(&self.b[i..fin]).split(';').next().unwrap_or("").trim().to_string();
            let n = usize::from_str_radix(&t, 16).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "chunk"))?;
            let sig = fin + 2 + n + 2;
            while self.b.len() < sig {
                if self.mas()? == 0 {
                    return Err(cortado());
                }
            }
            i = sig;
            if n == 0 {
                // (trailers no)
                let resto = self.b.split_off(i);
                return Ok(std::mem::replace(&mut self.b, resto));
            }
        }
    }
}
