use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Archivo: 8 bytes con el momento (ms), 4 con el largo de la clave, clave, respuesta
pub struct Cache {
    carpeta: PathBuf,
    ttl_ms: u64,
    n: AtomicU64,
}

fn ahora() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

impl Cache {
    pub fn new(carpeta: &str, ttl: u64) -> io::Result<Cache> {
        fs::create_dir_all(carpeta)?;
        Ok(Cache { carpeta: carpeta.into(), ttl_ms: ttl * 1000, n: AtomicU64::new(0) })
    }

    fn ruta(&self, clave: &[u8]) -> PathBuf {
        let mut h = DefaultHasher::new();
        clave.hash(&mut h);
        let v = format!("{:016x}", h.finish());
        // subcarpetas para que no queden miles de archivos juntos
        self.carpeta.join(&v[..2]).join(&v[2..])
    }

    pub fn buscar(&self, clave: &[u8]) -> Option<Vec<u8>> {
        let d = fs::read(self.ruta(clave)).ok()?;
        let cuando = u64::from_be_bytes(d.get(..8)?.try_into().ok()?);
        let l = u32::from_be_bytes(d.get(8..12)?.try_into().ok()?) as usize;
        if d.get(12..12 + l)? != clave || ahora().saturating_sub(cuando) >= self.ttl_ms {
            return None;
        }
        Some(d[12 + l..].to_vec())
    }

    pub fn guardar(&self, clave: &[u8], respuesta: &[u8]) -> io::Result<()> {
        let r = self.ruta(clave);
        fs::create_dir_all(r.parent().unwrap())?;
        let tmp = self.carpeta.join(format!("tmp-{}-{}", std::process::id(), self.n.fetch_add(1, Ordering::SeqCst)));
        let mut d = Vec::with_capacity(12 + clave.len() + respuesta.len());
        d.extend_from_slice(&ahora().to_be_bytes());
        d.extend_from_slice(&(clave.len() as u32).to_be_bytes());
        d.extend_from_slice(clave);
        d.extend_from_slice(respuesta);
        fs::write(&tmp, d)?;
        fs::rename(tmp, r)
    }
}
