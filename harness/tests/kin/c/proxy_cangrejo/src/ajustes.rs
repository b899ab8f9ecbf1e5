// Lee cangrejo.ini
use std::fs;

#[derive(Clone)]
pub struct Ajustes {
    pub puerto: u16,
    pub granja: Vec<String>,
    pub ttl: u64,
}

pub fn leer(archivo: &str, ttl: u64) -> Result<Ajustes, String> {
    let texto = fs::read_to_string(archivo).map_err(|e| format!("no se pudo leer {}: {}", archivo, e))?;
    let mut a = Ajustes { puerto: 8080, granja: Vec::new(), ttl };
    let mut seccion = String::new();
    let mut pares: Vec<(String, String)> = Vec::new();
    for (i, linea) in texto.lines().enumerate() {
        let l = linea.trim();
        if l.is_empty() || l.starts_with(';') || l.starts_with('#') {
            continue;
        }
        if l.starts_with('[') && l.ends_with(']') {
            seccion = l[1..l.len() - 1].to_string();
            continue;
        }
        let (k, v) = l.split_once('=').ok_or(format!("{} linea {}: falta el =", archivo, i + 1))?;
        let (k, v) = (k.trim(), v.trim());
        if seccion == "proxy" && k == "puerto" {
            a.puerto = v.parse().map_err(|_| format!("{} linea {}: puerto malo", archivo, i + 1))?;
        } else if seccion == "granja" {
            pares.push((k.to_string(), v.to_string()));
        }
    }
    for n in 1..=3 {
        if let Some((_, v)) = pares.iter().find(|(k, _)| *k == format!("servidor{}", n)) {
            if v.rsplit_once(':').map(|(_, p)| p.parse::<u16>().is_ok()) != Some(true) {
                return Err(format!("{}: servidor{} esta malo: {}", archivo, n, v));
            }
            a.granja.push(v.clone());
        }
    }
    if a.granja.is_empty() {
        return Err(format!("{}: no hay servidores en [granja]", archivo));
    }
    Ok(a)
}
