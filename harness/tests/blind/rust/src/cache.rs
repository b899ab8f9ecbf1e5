use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

// Cache en disco: un archivo por recurso dentro de ./cache
// El TTL se compara con la fecha de modificacion del archivo.
pub struct Cache {
    dir: PathBuf,
    ttl: Duration,
}

impl Cache {
    pub fn new(dir: &str, ttl_secs: u64) -> io::Result<Cache> {
        fs::create_dir_all(dir)?;
        Ok(Cache {
            dir: PathBuf::from(dir),
            ttl: Duration::from_secs(ttl_secs),
        })
    }

    // El nombre del archivo es el hash de la ruta, porque la ruta
    // puede tener caracteres como '/' o '?'
    fn file_for(&self, path: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        self.dir.join(format!("{:016x}.cache", hasher.finish()))
    }

    // Devuelve la respuesta guardada si existe y no ha expirado
    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        let file = self.file_for(path);
        let modified = fs::metadata(&file).ok()?.modified().ok()?;
        let age = modified.elapsed().ok()?;
        if age >= self.ttl {
            let _ = fs::remove_file(&file);
            return None;
        }
        fs::read(&file).ok()
    }

    pub fn put(&self, path: &str, response: &[u8]) -> io::Result<()> {
        fs::write(self.file_for(path), response)
    }
}
