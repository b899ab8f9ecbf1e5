//! Un solo archivo grande al que solo se agrega. Al arrancar se recorre y se rehace el indice.
//! registro: "RG01" creado_ms:u64 lk:u32 lv:u32 suma:u32 llave valor
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write, BufReader};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

struct Dentro {
    indice: HashMap<Vec<u8>, (u64, u64, usize)>, // creado, posicion, largo
    fin: u64,
}
pub struct Almacen {
    f: File,
    d: Mutex<Dentro>,
    ttl: u64,
}
fn ahora() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis() as u64).unwrap_or(0)
}
fn suma(a: &[u8], b: &[u8]) -> u32 {
    a.iter().chain(b).fold(2166136261u32, |h, c| (h ^ *c as u32).wrapping_mul(16777619))
}
impl Almacen {
    pub fn abrir(ruta: &str, ttl: u64) -> io::Result<Almacen> {
        let f = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(ruta)?;
        let total = f.metadata()?.len();
        let mut r = BufReader::new(f.try_clone()?);
        let mut indice = HashMap::new();
        let mut pos = 0u64;
        loop {
            let mut c = [0u8; 24];
            if r.read_exact(&mut c).is_err() || &c[..4] != b"RG01" {
                break;
            }
            let creado = u64::from_le_bytes(c[4..12].try_into().unwrap());
            let lk = u32::from_le_bytes(c[12..16].try_into().unwrap()) as usize;
            let lv = u32::from_le_bytes(c[16..20].try_into().unwrap()) as usize;
            let s = u32::from_le_bytes(c[20..24].try_into().unwrap());
            if pos + 24 + lk as u64 + lv as u64 > total {
                break; // quedo a medias cuando se cayo
            }
            let mut k = vec![0; lk];
            let mut v = vec![0; lv];
            if r.read_exact(&mut k).is_err() || r.read_exact(&mut v).is_err() || suma(&k, &v) != s {
                break;
            }
            indice.insert(k, (creado, pos + 24 + lk as u64, lv));
            pos += 24 + (lk + lv) as u64;
        }
        f.set_len(pos)?;
        println!("almacen: {} recursos en disco", indice.len());
        Ok(Almacen { f, d: Mutex::new(Dentro { indice, fin: pos }), ttl })
    }
    pub fn buscar(&self, k: &[u8]) -> Option<Vec<u8>> {
        let (creado, pos, n) = *self.d.lock().unwrap_or_else(|p| p.into_inner()).indice.get(k)?;
        let edad = ahora().checked_sub(creado)?;
        if edad >= self.ttl {
            return None;
        }
        let mut v = vec![0; n];
        self.f.read_exact_at(&mut v, pos).ok()?;
        Some(v)
    }
    pub fn guardar(&self, k: &[u8], v: &[u8]) {
        let t = ahora();
        let mut b = Vec::with_capacity(24 + k.len() + v.len());
        b.write_all(b"RG01").ok();
        b.extend_from_slice(&t.to_le_bytes());
        b.extend_from_slice(&(k.len() as u32).to_le_bytes());
        b.extend_from_slice(&(v.len() as u32).to_le_bytes());
        b.extend_from_slice(&suma(k, v).to_le_bytes());
        b.extend_from_slice(k);
        b.extend_from_slice(v);
        let mut d = self.d.lock().unwrap_or_else(|p| p.into_inner());
        let pos = d.fin;
        if let Err(e) = self.f.write_all_at(&b, pos) {
            eprintln!("almacen: {e}");
            return;
        }
        d.fin += b.len() as u64;
        d.indice.insert(k.to_vec(), (t, pos + 24 + k.len() as u64, v.len()));
    }
}
