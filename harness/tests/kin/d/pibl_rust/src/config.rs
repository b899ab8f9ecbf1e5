use std::fs;

#[derive(Debug, Clone)]
pub struct Config {
    pub port: u16,
    pub backend_port: u16,
    pub ips: Vec<String>,
    pub ttl: u64,
}

pub fn cargar(nombre: &str, ttl: u64) -> Result<Config, String> {
    let t = fs::read_to_string(nombre).map_err(|e| format!("{}: {}", nombre, e))?;
    let mut c = Config { port: 8080, backend_port: 80, ips: vec![], ttl };
    for l in t.lines() {
        let l = l.trim();
        if l.is_empty() || l.starts_with('#') {
            continue;
        }
        let partes: Vec<&str> = l.split_whitespace().collect();
        match partes[0] {
            "port" if partes.len() == 2 => c.port = partes[1].parse().map_err(|_| format!("port malo: {}", l))?,
            "backend_port" if partes.len() == 2 => {
                c.backend_port = partes[1].parse().map_err(|_| format!("backend_port malo: {}", l))?
            }
            x if partes.len() == 1 => c.ips.push(x.to_string()),
            _ => return Err(format!("no entiendo: {}", l)),
        }
    }
    if c.ips.is_empty() {
        return Err("no hay ips".into());
    }
    Ok(c)
}
