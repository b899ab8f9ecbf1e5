//! dos lineas por intercambio: ">>" cuando llega y "<<" cuando se responde
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Bitacora {
    ruta: PathBuf,
    f: Mutex<Option<File>>,
}

impl Bitacora {
    pub fn nueva(ruta: PathBuf) -> Self {
        Bitacora { ruta, f: Mutex::new(None) }
    }

    pub fn linea(&self, t: &str) {
        let d = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let l = format!("{}.{:03} {}\n", d.as_secs(), d.subsec_millis(), t);
        let mut f = self.f.lock().unwrap();
        if f.is_none() {
            *f = OpenOptions::new().append(true).create(true).open(&self.ruta).ok();
        }
        if let Some(f) = f.as_mut() {
            let _ = f.write_all(l.as_bytes());
        }
        let mut o = std::io::stdout().lock();
        let _ = o.write_all(l.as_bytes());
        let _ = o.flush();
    }
}
