// El cache: un archivo por recurso en ./bodega
// formato: "llave\n" "segundos_unix\n" y despues la respuesta tal cual
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

pub fn ahora() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn ruta(llave: &str) -> PathBuf {
    let mut h: u64 = 0xcbf29ce484222325;
    for b in llave.bytes() {
        h = (h ^ b as u64).wrapping_mul(0x100000001b3);
    }
    PathBuf::from(format!("bodega/{:016x}", h))
}

pub fn buscar(llave: &str, ttl: u64) -> Option<Vec<u8>> {
    let mut f = BufReader::new(File::open(ruta(llave)).ok()?);
    let mut l = String::new();
    f.read_line(&mut l).ok()?;
    if l.trim_end() != llave {
        return None;
    }
    l.clear();
    f.read_line(&mut l).ok()?;
    let guardado: u64 = l.trim().parse().ok()?;
    let edad = (ahora().saturating_sub(guardado)) / 60;
    if edad >= ttl {
        return None;
    }
    let mut v = Vec::new();
    f.read_to_end(&mut v).ok()?;
    if v.windows(4).any(|w| w == b"\r\n\r\n") {
        Some(v)
    } else {
        None
    }
}

pub fn empezar(llave: &str) -> Option<File> {
    let mut f = File::create(ruta(llave)).ok()?;
    write!(f, "{}\n{}\n", llave, ahora()).ok()?;
    Some(f)
}

pub fn borrar(llave: &str) {
    let _ = fs::remove_file(ruta(llave));
}
