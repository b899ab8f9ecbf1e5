use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Bitacora {
    archivo: Mutex<Option<File>>,
}

impl Bitacora {
    pub fn abrir(ruta: &str) -> Bitacora {
        if let Some(dir) = Path::new(ruta).parent() {
            let _ = fs::create_dir_all(dir);
        }
        let f = OpenOptions::new().append(true).create(true).open(ruta);
        if let Err(e) = &f {
            eprintln!("sin bitacora: {e}");
        }
        Bitacora { archivo: Mutex::new(f.ok()) }
    }
    pub fn anotar(&self, texto: &str) {
        let t = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or(0);
        let linea = format!("{t} {texto}\n");
        if let Ok(mut g) = self.archivo.lock() {
            if let Some(f) = g.as_mut() {
                let _ = f.write_all(linea.as_bytes());
            }
            let mut o = std::io::stdout();
            let _ = o.write_all(linea.as_bytes());
            let _ = o.flush();
        }
    }
}
