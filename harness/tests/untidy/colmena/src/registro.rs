use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Registro(Mutex<File>);

impl Registro {
    pub fn new(ruta: &str) -> std::io::Result<Registro> {
        Ok(Registro(Mutex::new(OpenOptions::new().create(true).append(true).open(ruta)?)))
    }
    pub fn anotar(&self, cliente: &str, pedido: &str, respuesta: &str, bytes: usize, origen: &str) {
        let linea = format!("{} {cliente} | {pedido} | {respuesta} | {bytes} B | {origen}\n", fecha());
        let mut f = self.0.lock().unwrap();
        let _ = f.write_all(linea.as_bytes());
        let _ = std::io::stdout().write_all(linea.as_bytes());
        let _ = std::io::stdout().flush();
    }
}

// sin chrono toca a mano (algoritmo de civil_from_days), UTC
fn fecha() -> String {
    let s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let z = s / 86400 + 719468;
    let era = z / 146097;
    let doe = z - era * 146097;
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let a = yoe + era * 400 + if m <= 2 { 1 } else { 0 };
    format!("{a:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", s % 86400 / 3600, s % 3600 / 60, s % 60)
}
