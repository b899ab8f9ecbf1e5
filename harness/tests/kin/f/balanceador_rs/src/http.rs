use std::io::{self, Read};

pub const MAX_CABECERA: usize = 64 * 1024;

#[derive(Debug)]
pub enum Falla {
    Cerrado,          // no llego nada
    Tiempo,           // se vencio la espera
    Formato(u16),     // lo que llego no es HTTP
    Red,
}

impl From<io::Error> for Falla {
    fn from(e: io::Error) -> Falla {
        match e.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Falla::Tiempo,
            _ => Falla::Red,
        }
    }
}

pub type Campos = Vec<(String, Vec<u8>)>;

#[derive(Clone, Default, Debug)]
pub struct Cabecera {
    pub linea: Vec<u8>,
    pub campos: Campos,
}

pub struct Lector<R: Read> {
    r: R,
    pub b: Vec<u8>,
}

impl<R: Read> Lector<R> {
    pub fn nuevo(r: R) -> Self {
        Lector { r, b: Vec::new() }
    }

    fn mas(&mut self) -> Result<usize, Falla> {
        let mut t = [0u8; 32768];
        loop {
            match self.r.read(&mut t) {
                Ok(n) => {
                    self.b.extend_from_slice(&t[..n]);
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            }
        }
    }

    pub fn cabecera(&mut self) -> Result<Cabecera, Falla> {
        let mut desde = 0;
        let fin = loop {
            while self.b.starts_with(b"\r\n") {
                self.b.drain(..2);
            }
            if let Some(p) = buscar(&self.b[desde.min(self.b.len())..], b"\r\n\r\n") {
                break p + desde;
            }
            if self.b.len() > MAX_CABECERA {
                return Err(Falla::Formato(431));
            }
            desde = self.b.len().saturating_sub(3);
            if self.mas()? == 0 {
                return Err(if self.b.is_empty() { Falla::Cerrado } else { Falla::Formato(400) });
            }
        };
        let c: Vec<u8> = self.b.drain(..fin + 4).collect();
        let mut lineas = c[..fin].split(|x| *x == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        let linea = lineas.next().unwrap_or(b"").to_vec();
        let mut campos = Campos::new();
        for l in lineas {
            let dp = l.iter().position(|x| *x == b':').ok_or(Falla::Formato(400))?;
            let nombre = String::from_utf8_lossy(&l[..dp]).into_owned();
            campos.push((nombre, recortar(&l[dp + 1..]).to_vec()));
        }
        Ok(Cabecera { linea, campos })
    }

    pub fn exacto(&mut self, n: usize) -> Result<Vec<u8>, Falla> {
        while self.b.len() < n {
            if self.mas()? == 0 {
                return Err(Falla::Red);
            }
        }
        let resto = self.b.split_off(n);
        Ok(std::mem::replace(&mut self.b, resto))
    }

    fn linea(&mut self) -> Result<Vec<u8>, Falla> {
        loop {
            if let Some(p) = buscar(&self.b, b"\r\n") {
                let l = self.b[..p].to_vec();
                self.b.drain(..p + 2);
                return Ok(l);
            }
            if self.b.len() > MAX_CABECERA || self.mas()? == 0 {
                return Err(Falla::Red);
            }
        }
    }

    pub fn trozos(&mut self) -> Result<Vec<u8>, Falla> {
        let mut todo = Vec::new();
        loop {
            let l = self.linea()?;
            let t = String::from_utf8_lossy(&l).into_owned();
            let t = t.split(';').next().unwrap_or("").trim();
            let n = usize::from_str_radix(t, 16).map_err(|_| Falla::Formato(400))?;
            if n == 0 {
                while !self.linea()?.is_empty() {}
                return Ok(todo);
            }
            todo.extend(self.exacto(n)?);
            if !self.linea()?.is_empty() {
                return Err(Falla::Formato(400));
            }
        }
    }

    pub fn hasta_eof(&mut self) -> Result<Vec<u8>, Falla> {
        while self.mas()? > 0 {}
        Ok(std::mem::take(&mut self.b))
    }
}

pub fn buscar(donde: &[u8], que: &[u8]) -> Option<usize> {
    donde.windows(que.len()).position(|w| w == que)
}

fn recortar(mut v: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', r @ ..] = v {
        v = r;
    }
    while let [r @ .., b' ' | b'\t' | b'\r'] = v {
        v = r;
    }
    v
}

impl Cabecera {
    pub fn tiene(&self, n: &str) -> bool {
        self.campos.iter().any(|(k, _)| k.eq_ignore_ascii_case(n))
    }

    /// todas las fichas separadas por coma, en minuscula
    pub fn fichas(&self, n: &str) -> Vec<String> {
        let mut r = Vec::new();
        for (k, v) in &self.campos {
            if k.eq_ignore_ascii_case(n) {
                for f in String::from_utf8_lossy(v).split(',') {
                    r.push(f.trim().to_ascii_lowercase());
                }
            }
        }
        r
    }

    pub fn largo(&self) -> Result<Option<usize>, Falla> {
        let mut f = self.fichas("content-length");
        f.dedup();
        match f.len() {
            0 => Ok(None),
            1 => f[0].parse().map(Some).map_err(|_| Falla::Formato(400)),
            _ => Err(Falla::Formato(400)),
        }
    }

    pub fn chunked(&self) -> bool {
        self.fichas("transfer-encoding").iter().any(|f| f == "chunked")
    }

    /// sin los campos que solo valen para un salto
    pub fn de_punta_a_punta(&self, ademas: &[&str]) -> Campos {
        const SALTO: [&str; 9] = ["connection", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade", "proxy-authorization", "proxy-authenticate"];
        let nombrados = self.fichas("connection");
        self.campos.iter().filter(|(k, _)| {
            let k = k.to_ascii_lowercase();
            !SALTO.contains(&k.as_str()) && !nombrados.contains(&k) && !ademas.contains(&k.as_str())
        }).cloned().collect()
    }
}

pub fn escribir_campos(s: &mut Vec<u8>, campos: &Campos) {
    for (k, v) in campos {
        s.extend_from_slice(k.as_bytes());
        s.extend_from_slice(b": ");
        s.extend_from_slice(v);
        s.extend_from_slice(b"\r\n");
    }
}
