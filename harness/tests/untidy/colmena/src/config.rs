use std::fs;

pub struct Config {
    pub puerto: u16,
    pub log: String,
    pub cache: String,
    pub backends: Vec<String>,
}

impl Config {
    pub fn leer(ruta: &str) -> Result<Config, String> {
        let texto = fs::read_to_string(ruta).map_err(|e| e.to_string())?;
        let mut c = Config { puerto: 8080, log: "colmena.log".into(), cache: "cache".into(), backends: vec![] };
        let mut seccion = String::new();
        for (i, l) in texto.lines().enumerate() {
            let l = l.trim();
            if l.is_empty() || l.starts_with(';') || l.starts_with('#') {
                continue;
            }
            if l.starts_with('[') {
                seccion = l.trim_matches(|c| c == '[' || c == ']').to_string();
            } else if seccion == "backends" {
                c.backends.push(l.to_string());
            } else {
                let (k, v) = l.split_once('=').ok_or(format!("linea {}: falta el =", i + 1))?;
                let v = v.trim();
                match k.trim() {
                    "puerto" => c.puerto = v.parse().map_err(|_| format!("linea {}: puerto {v}", i + 1))?,
                    "log" => c.log = v.into(),
                    "cache" => c.cache = v.into(),
                    otro => return Err(format!("linea {}: no conozco {otro}", i + 1)),
                }
            }
        }
        if c.backends.is_empty() {
            return Err("no hay backends".into());
        }
        Ok(c)
    }
}
