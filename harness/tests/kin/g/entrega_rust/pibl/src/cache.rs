// Un archivo por recurso en ./cache_pibl.
// Primera linea: "milisegundos largo_destino largo_cabecera largo_cuerpo", despues las tres partes.
// Se escribe con nombre provisional y al final se le cambia el nombre.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub struct Cache {
    dir: PathBuf,
    ttl: u64,
    serie: AtomicU64,
}

pub struct Guardado {
    pub cabecera: Vec<u8>,
    pub cuerpo: Vec<u8>,
    pub edad: u64,
}

pub struct Borrador {
    f: BufWriter<File>,
    provisional: PathBuf,
    final_: PathBuf,
    n: u64,
    fijo: (usize, usize),
    hecho: bool,
}

pub fn ahora() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn huella(d: &[u8]) -> String {
    let (mut a, mut b) = (0xcbf29ce484222325u64, 0x9E3779B97F4A7C15u64);
    for c in d {
        a = (a ^ *c as u64).wrapping_mul(0x100000001b3);
        b = b.rotate_left(7).wrapping_add(*c as u64).wrapping_mul(0xff51afd7ed558ccd);
    }
    format!("{:016x}{:016x}", a, b)
}

impl Cache {
    pub fn nuevo(ttl: u64) -> Cache {
        let dir = PathBuf::from("cache_pibl");
        fs::create_dir_all(&dir).expect("no se pudo crear cache_pibl");
        if let Ok(l) = fs::read_dir(&dir) {
            for e in l.flatten() {
                if e.path().extension().map_or(false, |x| x == "prov") {
                    let _ = fs::remove_file(e.path());
                }
            }
        }
        Cache { dir, ttl, serie: AtomicU64::new(0) }
    }

    pub fn buscar(&self, destino: &[u8]) -> Option<Guardado> {
        let mut r = BufReader::new(File::open(self.dir.join(huella(destino) + ".rec")).ok()?);
        let mut l = String::new();
        r.read_line(&mut l).ok()?;
        let v: Vec<u64> = l.split_whitespace().filter_map(|x| x.parse().ok()).collect();
        if v.len() != 4 {
            return None;
        }
        let edad = ahora().checked_sub(v[0])?;
        if edad >= self.ttl {
            return None;
        }
        let mut d = vec![0; v[1] as usize];
        let mut cabecera = vec![0; v[2] as usize];
        let mut cuerpo = vec![0; v[3] as usize];
        r.read_exact(&mut d).ok()?;
        r.read_exact(&mut cabecera).ok()?;
        r.read_exact(&mut cuerpo).ok()?;
        if d != destino {
            return None;
        }
        Some(Guardado { cabecera, cuerpo, edad })
    }

    pub fn borrador(&self, destino: &[u8], cabecera: &[u8]) -> io::Result<Borrador> {
        let h = huella(destino);
        let n = self.serie.fetch_add(1, Ordering::Relaxed);
        let provisional = self.dir.join(format!("{}-{}.prov", h, n));
        let mut f = BufWriter::new(File::create(&provisional)?);
        f.write_all(linea(0, destino.len(), cabecera.len(), 0).as_bytes())?;
        f.write_all(destino)?;
        f.write_all(cabecera)?;
        Ok(Borrador { f, provisional, final_: self.dir.join(h + ".rec"), n: 0, fijo: (destino.len(), cabecera.len()), hecho: false })
    }

    /// hilo demonio: borra lo vencido
    pub fn purgar(&self) {
        loop {
            std::thread::sleep(Duration::from_secs(5));
            let lista = match fs::read_dir(&self.dir) { Ok(l) => l, Err(_) => continue };
            for e in lista.flatten() {
                if e.path().extension().map_or(true, |x| x != "rec") {
                    continue;
                }
                let mut l = String::new();
                if let Ok(f) = File::open(e.path()) {
                    let _ = BufReader::new(f).read_line(&mut l);
                }
                let t: u64 = l.split_whitespace().next().and_then(|x| x.parse().ok()).unwrap_or(u64::MAX);
                // con holgura, para no borrar uno que acaban de renovar
                if ahora().saturating_sub(t) > self.ttl + 60_000 {
                    let _ = fs::remove_file(e.path());
                }
            }
        }
    }
}

fn linea(t: u64, a: usize, b: usize, c: u64) -> String {
    format!("{:016} {:08} {:08} {:012}\n", t, a, b, c)
}

impl Borrador {
    pub fn agregar(&mut self, d: &[u8]) -> io::Result<()> {
        self.n += d.len() as u64;
        self.f.write_all(d)
    }

    pub fn terminar(mut self) -> io::Result<()> {
        self.f.seek(SeekFrom::Start(0))?;
        let l = linea(ahora(), self.fijo.0, self.fijo.1, self.n);
        self.f.write_all(l.as_bytes())?;
        self.f.flush()?;
        fs::rename(&self.provisional, &self.final_)?;
        self.hecho = true;
        Ok(())
    }
}

impl Drop for Borrador {
    fn drop(&mut self) {
        if !self.hecho {
            let _ = fs::remove_file(&self.provisional);
        }
    }
}
