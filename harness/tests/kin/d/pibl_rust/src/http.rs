use std::io::{self, Read};

pub struct Mensaje {
    pub primera: String,
    pub campos: Vec<(String, Vec<u8>)>,
    pub resto: Vec<u8>, // lo que llego despues del head
}

fn malo(s: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, s.to_string())
}

pub fn buscar(h: &[u8], n: &[u8]) -> Option<usize> {
    h.windows(n.len()).position(|w| w == n)
}

pub fn leer_head<R: Read>(s: &mut R, inicial: Vec<u8>) -> io::Result<Mensaje> {
    let mut b = inicial;
    let mut t = [0u8; 8192];
    let fin = loop {
        if let Some(i) = buscar(&b, b"\r\n\r\n") {
            break i;
        }
        if b.len() > 100_000 {
            return Err(malo("head muy grande"));
        }
        let n = s.read(&mut t)?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "se fue"));
        }
        b.extend_from_slice(&t[..n]);
    };
    let resto = b[fin + 4..].to_vec();
    let mut lineas = Vec::new();
    let mut c = &b[..fin];
    while let Some(i) = buscar(c, b"\r\n") {
        lineas.push(c[..i].to_vec());
        c = &c[i + 2..];
    }
    lineas.push(c.to_vec());
    let primera = String::from_utf8_lossy(&lineas[0]).to_string();
    let mut campos = vec![];
    for l in &lineas[1..] {
        let i = buscar(l, b":").ok_or_else(|| malo("campo sin dos puntos"))?;
        let k = String::from_utf8_lossy(&l[..i]).to_string();
        let mut v = &l[i + 1..];
        while v.first() == Some(&b' ') {
            v = &v[1..];
        }
        campos.push((k, v.to_vec()));
    }
    Ok(Mensaje { primera, campos, resto })
}

impl Mensaje {
    pub fn campo(&self, n: &str) -> Option<String> {
        self.campos.iter().find(|(k, _)| k.eq_ignore_ascii_case(n)).map(|(_, v)| String::from_utf8_lossy(v).trim().to_string())
    }

    pub fn head(&self, primera: &str) -> Vec<u8> {
        let mut o = format!("{}\r\n", primera).into_bytes();
        for (k, v) in &self.campos {
            let m = k.to_ascii_lowercase();
            if m == "connection" || m == "keep-alive" || m == "proxy-connection" || m == "expect" {
                continue;
            }
            o.extend_from_slice(k.as_bytes());
            o.extend_from_slice(b": ");
            o.extend_from_slice(v);
            o.extend_from_slice(b"\r\n");
        }
        o.extend_from_slice(b"Connection: close\r\n\r\n");
        o
    }
}

// junta el cuerpo completo, si es chunked lo deja chunked (no lo traduce)
pub fn leer_cuerpo<R: Read>(s: &mut R, inicial: Vec<u8>, largo: Option<usize>, chunked: bool) -> io::Result<Vec<u8>> {
    let mut b = inicial;
    let mut t = [0u8; 16384];
    loop {
        if chunked {
            if b.ends_with(b"0\r\n\r\n") {
                return Ok(b);
            }
        } else if let Some(l) = largo {
            if b.len() >= l {
                b.truncate(l);
                return Ok(b);
            }
        }
        let n = s.read(&mut t)?;
        if n == 0 {
            if largo.is_some() || chunked {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cortado"));
            }
            return Ok(b);
        }
        b.extend_from_slice(&t[..n]);
    }
}
