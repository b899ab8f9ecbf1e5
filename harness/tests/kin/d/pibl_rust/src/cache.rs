use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

pub struct Cache {
    mapa: HashMap<String, (String, Instant)>,
    ttl: Duration,
    sig: u64,
}

impl Cache {
    // lee indice.txt para saber que habia antes de la caida
    pub fn abrir(ttl: u64) -> Cache {
        let _ = fs::create_dir_all("cache");
        let mut c = Cache { mapa: HashMap::new(), ttl: Duration::from_secs(ttl), sig: 0 };
        if let Ok(t) = fs::read_to_string("cache/indice.txt") {
            for l in t.lines() {
                c.sig += 1;
                if let Some((arch, url)) = l.split_once('\t') {
                    if fs::metadata(arch).is_ok() {
                        c.mapa.insert(url.to_string(), (arch.to_string(), Instant::now()));
                    }
                }
            }
        }
        c
    }

    pub fn buscar(&mut self, url: &str) -> Option<Vec<u8>> {
        let (arch, t) = self.mapa.get(url)?.clone();
        if t.elapsed() >= self.ttl {
            self.mapa.remove(url);
            let _ = fs::remove_file(&arch);
            return None;
        }
        fs::read(&arch).ok()
    }

    pub fn guardar(&mut self, url: &str, datos: &[u8]) {
        self.sig += 1;
        let arch = format!("cache/r{}.dat", self.sig);
        if fs::write(&arch, datos).is_err() {
            return;
        }
        if let Ok(mut f) = fs::OpenOptions::new().create(true).append(true).open("cache/indice.txt") {
            let _ = writeln!(f, "{}\t{}", arch, url);
        }
        self.mapa.insert(url.to_string(), (arch, Instant::now()));
    }
}
