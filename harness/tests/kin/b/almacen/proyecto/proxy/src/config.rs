//! JSON leido a mano: solo lo que usa este proyecto (un objeto con "puerto" y "servidores").
pub struct Config {
    pub puerto: u16,
    pub servidores: Vec<String>,
}

fn despues_de<'a>(t: &'a str, clave: &str) -> Option<&'a str> {
    let i = t.find(&format!("\"{clave}\""))?;
    let r = &t[i + clave.len() + 2..];
    Some(r.trim_start().strip_prefix(':')?.trim_start())
}

pub fn cargar(ruta: &str) -> Result<Config, String> {
    let t = std::fs::read_to_string(ruta).map_err(|e| e.to_string())?;
    if !t.trim_start().starts_with('{') || !t.trim_end().ends_with('}') {
        return Err("no es un objeto JSON".into());
    }
    let puerto = match despues_de(&t, "puerto") {
        None => 8080,
        Some(r) => {
            let d: String = r.chars().take_while(|c| c.is_ascii_digit()).collect();
            d.parse().map_err(|_| "puerto malo".to_string())?
        }
    };
    let r = despues_de(&t, "servidores").ok_or("falta \"servidores\"")?;
    let r = r.strip_prefix('[').ok_or("\"servidores\" debe ser una lista")?;
    let fin = r.find(']').ok_or("lista sin cerrar")?;
    let mut servidores = Vec::new();
    for p in r[..fin].split(',') {
        let p = p.trim();
        if p.is_empty() {
            continue;
        }
        let p = p.strip_prefix('"').and_then(|x| x.strip_suffix('"')).ok_or(format!("se esperaba texto: {p}"))?;
        if !p.contains(':') {
            return Err(format!("{p}: falta el puerto"));
        }
        servidores.push(p.to_string());
    }
    if servidores.is_empty() {
        return Err("lista de servidores vacia".into());
    }
    Ok(Config { puerto, servidores })
}
