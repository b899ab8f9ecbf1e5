use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

static M: Mutex<()> = Mutex::new(());

pub fn anotar(req: &str, resp: &str, bytes: usize, quien: &str) {
    let t = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or(0);
    let l = format!("{} REQ {} RES {} {}B {}\n", t, req, resp, bytes, quien);
    let _g = M.lock();
    let _ = std::io::stdout().write_all(l.as_bytes());
    let _ = std::io::stdout().flush();
    if let Ok(mut f) = OpenOptions::new().create(true).append(true).open("pibl.log") {
        let _ = f.write_all(l.as_bytes());
    }
}
