use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

// Escribe en la salida estandar y en un archivo.
// El Mutex evita que dos hilos mezclen sus mensajes.
pub struct Logger {
    file: Mutex<File>,
}

impl Logger {
    pub fn new(path: &str) -> io::Result<Logger> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Logger {
            file: Mutex::new(file),
        })
    }

    pub fn log(&self, message: &str) {
        let entry = format!("[{}] {}", timestamp(), message);
        let mut file = self.file.lock().unwrap();
        println!("{}", entry);
        if let Err(e) = writeln!(file, "{}", entry) {
            eprintln!("error escribiendo el log: {}", e);
        }
    }
}

// La libreria estandar no trae fechas con formato, entonces se calcula
// a mano la hora UTC (dia de 24 horas) y se deja tambien el epoch.
fn timestamp() -> String {
    let secs = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let day = secs % 86400;
    format!(
        "{} {:02}:{:02}:{:02} UTC",
        secs,
        day / 3600,
        (day % 3600) / 60,
        day % 60
    )
}
