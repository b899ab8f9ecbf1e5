use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpStream;

pub struct Flujo {
    r: BufReader<TcpStream>,
}
pub struct Cabeza {
    pub primera: Vec<u8>,
    campos: Vec<(String, Vec<u8>)>, // nombre en minuscula, linea original
}
fn malo(t: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, t.to_string())
}
const LIMITE: usize = 256 * 1024;

impl Flujo {
    pub fn nuevo(s: TcpStream) -> Flujo {
        Flujo { r: BufReader::with_capacity(32 * 1024, s) }
    }
    fn linea(&mut self, cupo: usize) -> io::Result<Option<Vec<u8>>> {
        let mut v = Vec::new();
        let n = self.r.by_ref().take(cupo as u64).read_until(b'\n', &mut v)?;
        if n == 0 {
            return Ok(None);
        }
        if v.pop() != Some(b'\n') {
            return Err(malo("linea cortada"));
        }
        if v.last() == Some(&b'\r') {
            v.pop();
        }
        Ok(Some(v))
    }
    pub fn cabeza(&mut self) -> io::Result<Option<Cabeza>> {
        let Some(primera) = self.linea(LIMITE)? else { return Ok(None) };
        let mut campos = Vec::new();
        let mut total = 0;
        loop {
            let l = self.linea(LIMITE)?.ok_or_else(|| malo("cabeza cortada"))?;
            if l.is_empty() {
                break;
            }
            total += l.len();
            if total > LIMITE {
                return Err(malo("cabeza muy grande"));
            }
            let i = l.iter().position(|c| *c == b':').ok_or_else(|| malo("campo sin :"))?;
            campos.push((String::from_utf8_lossy(&l[..i]).to_ascii_lowercase(), l));
        }
        Ok(Some(Cabeza { primera, campos }))
    }
    pub fn cuerpo(&mut self, c: &Cabeza, hasta_eof: bool) -> io::Result<Option<Vec<u8>>> {
        let mut b = Vec::new();
        if c.valor("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().ends_with("chunked")) {
            loop {
                let l = self.linea(1024)?.ok_or_else(|| malo("chunk cortado"))?;
                let t = String::from_utf8_lossy(&l).into_owned();
                let n = usize::from_str_radix(t.split(';').next().unwrap_or("").trim(), 16).map_err(|_| malo("chunk"))?;
                if n == 0 {
                    while self.linea(8192)?.is_some_and(|l| !l.is_empty()) {}
                    return Ok(Some(b));
                }
                self.exactos(n, &mut b)?;
                self.linea(8)?;
            }
        }
        if let Some(v) = c.valor("content-length") {
            let n: usize = v.trim().parse().map_err(|_| malo("largo"))?;
            self.exactos(n, &mut b)?;
            return Ok(Some(b));
        }
        if hasta_eof {
            self.r.read_to_end(&mut b)?;
            return Ok(Some(b));
        }
        Ok(None)
    }
    fn exactos(&mut self, n: usize, b: &mut Vec<u8>) -> io::Result<()> {
        let leidos = self.r.by_ref().take(n as u64).read_to_end(b)?;
        if leidos < n {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
impl Cabeza {
    pub fn valor(&self, n: &str) -> Option<String> {
        let v: Vec<String> = self.campos.iter().filter(|c| c.0 == n)
            .map(|c| String::from_utf8_lossy(&c.1[n.len() + 1..]).trim().to_string()).collect();
        if v.is_empty() { None } else { Some(v.join(", ")) }
    }
    pub fn estado(&self) -> u16 {
        let t = String::from_utf8_lossy(&self.primera);
        t.split(' ').nth(1).and_then(|x| x.parse().ok()).unwrap_or(502)
    }
    pub fn copiar_campos(&self, o: &mut Vec<u8>) {
        let con = self.valor("connection").unwrap_or_default().to_ascii_lowercase();
        let nombrados: Vec<&str> = con.split(',').map(|x| x.trim()).collect();
        for (n, l) in &self.campos {
            if matches!(n.as_str(), "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding" | "upgrade" | "content-length" | "expect") || nombrados.contains(&n.as_str()) {
                continue;
            }
            o.extend_from_slice(l);
            o.extend_from_slice(b"\r\n");
        }
    }
    pub fn se_puede_guardar(&self) -> bool {
        let cc = self.valor("cache-control").unwrap_or_default().to_ascii_lowercase();
        !(cc.contains("no-store") || cc.contains("private") || cc.contains("no-cache") || cc.contains("max-age=0"))
            && self.valor("vary").is_none() && self.valor("set-cookie").is_none()
    }
}
pub fn pagina(st: u16, t: &str) -> Vec<u8> {
    let c = format!("{st} {t}\n");
    format!("HTTP/1.1 {st} {t}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{c}", c.len()).into_bytes()
}
pub fn estado_de(r: &[u8]) -> u16 {
    String::from_utf8_lossy(&r[..r.len().min(20)]).split(' ').nth(1).and_then(|x| x.parse().ok()).unwrap_or(0)
}
pub fn largo_cuerpo(r: &[u8]) -> usize {
    r.windows(4).position(|w| w == b"\r\n\r\n").map(|i| r.len() - i - 4).unwrap_or(0)
}
