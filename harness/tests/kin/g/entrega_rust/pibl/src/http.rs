use std::io::{self, BufRead, Read};

pub const MAX: usize = 256 * 1024;

pub struct Cabecera {
    pub linea: Vec<u8>,
    pub campos: Vec<(Vec<u8>, Vec<u8>)>,
}

pub enum Cuerpo {
    Nada,
    Largo(u64),
    Trozos,
    HastaFin,
}

pub fn malo(t: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, t.to_string())
}

fn recortar(b: &[u8]) -> &[u8] {
    let i = b.iter().position(|c| !c.is_ascii_whitespace()).unwrap_or(b.len());
    let f = b.iter().rposition(|c| !c.is_ascii_whitespace()).map(|x| x + 1).unwrap_or(i);
    &b[i..f]
}

pub fn leer_linea<R: BufRead>(r: &mut R, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut v = Vec::new();
    let n = r.by_ref().take(max as u64).read_until(b'\n', &mut v)?;
    if n == 0 {
        return Ok(None);
    }
    if v.pop() != Some(b'\n') {
        return Err(if n >= max { malo("largo") } else { io::ErrorKind::UnexpectedEof.into() });
    }
    if v.last() == Some(&b'\r') {
        v.pop();
    }
    Ok(Some(v))
}

/// None: la otra punta cerro antes de decir nada
pub fn leer_cabecera<R: BufRead>(r: &mut R) -> io::Result<Option<Cabecera>> {
    let mut linea = vec![];
    while linea.is_empty() {
        linea = match leer_linea(r, MAX)? {
            None => return Ok(None),
            Some(l) => l,
        };
    }
    let mut campos = vec![];
    let mut total = 0;
    loop {
        let l = leer_linea(r, MAX)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        if l.is_empty() {
            return Ok(Some(Cabecera { linea, campos }));
        }
        total += l.len();
        let d = l.iter().position(|c| *c == b':').ok_or_else(|| malo("campo"))?;
        if d == 0 || l[..d].contains(&b' ') || total > MAX {
            return Err(malo("campo"));
        }
        campos.push((l[..d].to_vec(), recortar(&l[d + 1..]).to_vec()));
    }
}

const SALTO: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

impl Cabecera {
    pub fn valor(&self, n: &str) -> Option<String> {
        self.campos.iter().find(|c| c.0.eq_ignore_ascii_case(n.as_bytes()))
            .map(|c| String::from_utf8_lossy(&c.1).to_string())
    }

    pub fn tiene(&self, n: &str, palabra: &str) -> bool {
        self.campos.iter().filter(|c| c.0.eq_ignore_ascii_case(n.as_bytes())).any(|c| {
            String::from_utf8_lossy(&c.1).split(',')
                .any(|p| p.trim().split(|x| x == '=' || x == ';').next().unwrap().trim().eq_ignore_ascii_case(palabra))
        })
    }

    pub fn de_paso(&self, n: &[u8]) -> bool {
        let n = String::from_utf8_lossy(n).to_ascii_lowercase();
        if n == "host" || n == "content-length" {
            return false;
        }
        SALTO.contains(&n.as_str()) || self.tiene("connection", &n)
    }

    pub fn largo(&self) -> io::Result<Option<u64>> {
        match self.valor("content-length") {
            None => Ok(None),
            Some(v) => v.trim().parse().map(Some).map_err(|_| malo("largo")),
        }
    }

    pub fn cuerpo_peticion(&self) -> io::Result<Cuerpo> {
        Ok(if self.tiene("transfer-encoding", "chunked") {
            Cuerpo::Trozos
        } else {
            self.largo()?.map(Cuerpo::Largo).unwrap_or(Cuerpo::Nada)
        })
    }

    pub fn cuerpo_respuesta(&self, metodo: &[u8], codigo: u16) -> io::Result<Cuerpo> {
        Ok(if metodo == b"HEAD" || codigo == 204 || codigo == 304 {
            Cuerpo::Nada
        } else if self.tiene("transfer-encoding", "chunked") {
            Cuerpo::Trozos
        } else {
            self.largo()?.map(Cuerpo::Largo).unwrap_or(Cuerpo::HastaFin)
        })
    }

    /// "HTTP/1.1 200 OK" -> (200, "200 OK")
    pub fn estado(&self) -> io::Result<(u16, Vec<u8>)> {
        let i = self.linea.iter().position(|c| *c == b' ').ok_or_else(|| malo("estado"))?;
        let resto = self.linea[i + 1..].to_vec();
        let n = String::from_utf8_lossy(&resto).split(' ').next().unwrap().parse().map_err(|_| malo("estado"))?;
        Ok((n, resto))
    }
}

/// Va entregando el cuerpo por pedazos, sin el marco.
pub struct Pedazos<'a, R: BufRead> {
    r: &'a mut R,
    modo: Cuerpo,
    en_trozo: u64,
    listo: bool,
}

impl<'a, R: BufRead> Pedazos<'a, R> {
    pub fn nuevo(r: &'a mut R, modo: Cuerpo) -> Self {
        Pedazos { r, modo, en_trozo: 0, listo: false }
    }

    pub fn siguiente(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.listo {
            return Ok(None);
        }
        let mut b = vec![0u8; 32 * 1024];
        let max = match &mut self.modo {
            Cuerpo::Nada => 0,
            Cuerpo::Largo(n) => *n,
            Cuerpo::HastaFin => u64::MAX,
            Cuerpo::Trozos => {
                if self.en_trozo == 0 {
                    let l = leer_linea(self.r, 8192)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
                    let t = String::from_utf8_lossy(&l).split(';').next().unwrap().trim().to_string();
                    self.en_trozo = u64::from_str_radix(&t, 16).map_err(|_| malo("trozo"))?;
                    if self.en_trozo == 0 {
                        while !leer_linea(self.r, MAX)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?.is_empty() {}
                    }
                }
                self.en_trozo
            }
        };
        if max == 0 {
            self.listo = true;
            return Ok(None);
        }
        let k = (b.len() as u64).min(max) as usize;
        let n = self.r.read(&mut b[..k])?;
        if n == 0 {
            self.listo = true;
            return match self.modo {
                Cuerpo::HastaFin => Ok(None),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        b.truncate(n);
        match &mut self.modo {
            Cuerpo::Largo(x) => *x -= n as u64,
            Cuerpo::Trozos => {
                self.en_trozo -= n as u64;
                if self.en_trozo == 0 && !leer_linea(self.r, 16)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?.is_empty() {
                    return Err(malo("trozo"));
                }
            }
            _ => {}
        }
        Ok(Some(b))
    }
}
