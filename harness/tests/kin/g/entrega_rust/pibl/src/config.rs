// lector de TOML, solo lo que usamos
use std::fs;

pub struct Config {
    pub puerto: u16,
    pub registro: String,
    pub servidores: Vec<String>,
}

pub fn leer(nombre: &str) -> Config {
    let texto = fs::read_to_string(nombre).unwrap_or_else(|e| {
        eprintln!("no se pudo leer {}: {}", nombre, e);
        std::process::exit(1);
    });
    let mut c = Config { puerto: 8080, registro: "pibl.log".into(), servidores: vec![] };
    let mut seccion = String::new();
    let (mut host, mut puerto) = (String::new(), String::new());
    for linea in texto.lines().chain(std::iter::once("[fin]")) {
        let linea = linea.split('#').next().unwrap().trim();
        if linea.is_empty() {
            continue;
        }
        if linea.starts_with('[') {
            if seccion == "servidor" && !puerto.is_empty() {
                if host.is_empty() {
                    host = "127.0.0.1".into();
                }
                c.servidores.push(format!("{}:{}", host, puerto));
                host.clear();
                puerto.clear();
            }
            seccion = linea.trim_matches(|x| x == '[' || x == ']').trim().to_string();
            continue;
        }
        if let Some((k, v)) = linea.split_once('=') {
            let (k, v) = (k.trim(), v.trim().trim_matches('"').to_string());
            match (seccion.as_str(), k) {
                ("pibl", "puerto") => c.puerto = v.parse().expect("puerto"),
                ("pibl", "registro") => c.registro = v,
                ("servidor", "host") => host = v,
                ("servidor", "puerto") => puerto = v,
                _ => eprintln!("clave desconocida: {}", k),
            }
        }
    }
    c
}
