//! cache en disco:  carpeta/xx/yyyyyyyyyyyyyyyy   (xx = primeras letras del resumen)
//! Lo nuevo queda primero en "pendientes" y un hilo lo baja al disco cada 300 ms.
use crate::http::{Cabecera, Campos};
use std::collections::hash_map::DefaultHasher;
use std::collections::HashMap;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub struct Entrada {
    pub estado: u16,
    pub cab: Cabecera,
    pub cuerpo: Vec<u8>,
    pub guardada: u64,
    pub vence: u64,
}

pub struct Cache {
    dir: PathBuf,
    pendientes: Mutex<HashMap<Vec<u8>, Arc<Entrada>>>,
    disco: Mutex<u64>,
}

pub fn ahora() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

impl Cache {
    pub fn abrir(dir: &Path) -> Arc<Cache> {
        if let Err(e) = fs::create_dir_all(dir) {
            eprintln!("no se pudo crear {}: {e}", dir.display());
            std::process::exit(3);
        }
        let c = Arc::new(Cache { dir: dir.into(), pendientes: Default::default(), disco: Mutex::new(0) });
        let d = c.clone();
        thread::spawn(move || loop {
            thread::sleep(Duration::from_millis(300));
            d.bajar();
        });
        c
    }

    fn ruta(&self, llave: &[u8]) -> PathBuf {
        let mut h = DefaultHasher::new();
        llave.hash(&mut h);
        let a = h.finish();
        0xC0FFEEu64.hash(&mut h);
        let n = format!("{:016x}{:016x}", a, h.finish());
        self.dir.join(&n[..2]).join(&n[2..])
    }

    fn bajar(&self) {
        let lista: Vec<_> = self.pendientes.lock().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        for (k, e) in lista {
            let mut serie = self.disco.lock().unwrap();
            // puede que la hayan borrado mientras tanto
            let sigue = matches!(self.pendientes.lock().unwrap().get(&k), Some(x) if Arc::ptr_eq(x, &e));
            if !sigue {
                continue;
            }
            *serie += 1;
            if let Err(err) = self.escribir(&k, &e, *serie) {
                println!("!! cache: {err}");
            }
            let mut p = self.pendientes.lock().unwrap();
            if matches!(p.get(&k), Some(x) if Arc::ptr_eq(x, &e)) {
                p.remove(&k);
            }
        }
    }

    fn escribir(&self, llave: &[u8], e: &Entrada, n: u64) -> std::io::Result<()> {
        let ruta = self.ruta(llave);
        fs::create_dir_all(ruta.parent().unwrap())?;
        let tmp = self.dir.join(format!("tmp{n}"));
        let mut b = Vec::with_capacity(e.cuerpo.len() + 1024);
        let mut pon = |v: &[u8]| {
            b.extend_from_slice(&(v.len() as u32).to_be_bytes());
            b.extend_from_slice(v);
        };
        pon(llave);
        pon(format!("{} {} {}", e.estado, e.guardada, e.vence).as_bytes());
        pon(&e.cab.linea);
        pon(&(e.cab.campos.len() as u32).to_be_bytes());
        for (k, v) in &e.cab.campos {
            pon(k.as_bytes());
            pon(v);
        }
        pon(&e.cuerpo);
        fs::File::create(&tmp)?.write_all(&b)?;
        fs::rename(tmp, ruta)
    }

    fn leer(&self, llave: &[u8]) -> Option<Entrada> {
        let mut b = Vec::new();
        fs::File::open(self.ruta(llave)).ok()?.read_to_end(&mut b).ok()?;
        let mut r = &b[..];
        let mut saca = || -> Option<&[u8]> {
            let n = u32::from_be_bytes(r.get(..4)?.try_into().ok()?) as usize;
            let v = r.get(4..4 + n)?;
            r = &r[4 + n..];
            Some(v)
        };
        if saca()? != llave {
            return None;
        }
        let nums = String::from_utf8_lossy(saca()?).into_owned();
        let mut nums = nums.split(' ');
        let estado = nums.next()?.parse().ok()?;
        let guardada = nums.next()?.parse().ok()?;
        let vence = nums.next()?.parse().ok()?;
        let linea = saca()?.to_vec();
        let n = u32::from_be_bytes(saca()?.try_into().ok()?);
        let mut campos = Campos::new();
        for _ in 0..n {
            let k = String::from_utf8_lossy(saca()?).into_owned();
            campos.push((k, saca()?.to_vec()));
        }
        let cuerpo = saca()?.to_vec();
        Some(Entrada { estado, cab: Cabecera { linea, campos }, cuerpo, guardada, vence })
    }

    pub fn buscar(&self, llave: &[u8]) -> Option<Arc<Entrada>> {
        let p = self.pendientes.lock().unwrap().get(llave).cloned();
        let e = p.or_else(|| self.leer(llave).map(Arc::new))?;
        if ahora() < e.vence { Some(e) } else { None }
    }

    pub fn guardar(&self, llave: Vec<u8>, e: Entrada) {
        self.pendientes.lock().unwrap().insert(llave, Arc::new(e));
    }

    pub fn borrar(&self, llave: &[u8]) {
        let _d = self.disco.lock().unwrap();
        self.pendientes.lock().unwrap().remove(llave);
        let _ = fs::remove_file(self.ruta(llave));
    }
}
