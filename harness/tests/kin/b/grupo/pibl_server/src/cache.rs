use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// cache/<host>/<ruta en hexadecimal, cortada en carpetas>/r
pub struct Cache {
    base: PathBuf,
    ttl: u64,
    n: AtomicUsize,
}

fn hex(s: &str) -> String {
    s.bytes().map(|b| format!("{b:02x}")).collect()
}

impl Cache {
    pub fn nuevo(base: &str, ttl: u64) -> Cache {
        Cache { base: PathBuf::from(base), ttl, n: AtomicUsize::new(0) }
    }
    fn lugar(&self, host: &str, destino: &str) -> Option<PathBuf> {
        let mut p = self.base.clone();
        p.push(format!("h{}", hex(&host.to_lowercase())));
        let h = hex(destino);
        if h.len() > 3000 || host.len() > 100 {
            return None; // muy largo para el disco: no se guarda
        }
        for pedazo in h.as_bytes().chunks(200) {
            p.push(String::from_utf8_lossy(pedazo).into_owned());
        }
        p.push("r");
        Some(p)
    }
    fn vigente(&self, edad: Duration) -> bool {
        edad.as_secs() / 60 < self.ttl
    }
    pub fn buscar(&self, host: &str, destino: &str) -> Option<Vec<u8>> {
        let p = self.lugar(host, destino)?;
        let cuando = fs::metadata(&p).ok()?.modified().ok()?;
        let edad = SystemTime::now().duration_since(cuando).ok()?;
        if !self.vigente(edad) {
            let _ = fs::remove_file(&p);
            return None;
        }
        fs::read(p).ok()
    }
    pub fn guardar(&self, host: &str, destino: &str, datos: &[u8]) {
        let Some(p) = self.lugar(host, destino) else { return };
        let Some(dir) = p.parent() else { return };
        if let Err(e) = fs::create_dir_all(dir) {
            eprintln!("cache: {e}");
            return;
        }
        let tmp = dir.join(format!("t{}-{}", std::process::id(), self.n.fetch_add(1, Ordering::Relaxed)));
        let r = fs::File::create(&tmp).and_then(|mut f| {
            f.write_all(datos)?;
            f.sync_all()
        });
        if r.is_err() || fs::rename(&tmp, &p).is_err() {
            let _ = fs::remove_file(&tmp);
        }
    }
}
