use std::fs;

/// puerto: 8080
/// servidor: 10.0.0.1:80
/// espera: 10        (segundos que se espera a un servidor)
pub struct Ajustes {
    pub puerto: u16,
    pub servidores: Vec<String>,
    pub espera: u64,
}

impl Ajustes {
    pub fn leer(archivo: &str) -> Result<Ajustes, String> {
        let texto = fs::read_to_string(archivo).map_err(|e| e.to_string())?;
        let mut a = Ajustes { puerto: 8080, servidores: Vec::new(), espera: 10 };
        for (i, linea) in texto.lines().enumerate() {
            let linea = linea.trim();
            if linea.is_empty() || linea.starts_with('#') {
                continue;
            }
            let (clave, valor) = linea.split_once(':').ok_or(format!("linea {}: falta ':'", i + 1))?;
            let valor = valor.trim();
            match clave.trim() {
                "puerto" => a.puerto = valor.parse().map_err(|_| format!("linea {}: puerto", i + 1))?,
                "servidor" => a.servidores.push(valor.to_string()),
                "espera" => a.espera = valor.parse().map_err(|_| format!("linea {}: espera", i + 1))?,
                x => return Err(format!("linea {}: no existe '{x}'", i + 1)),
            }
        }
        if a.servidores.is_empty() {
            return Err("no hay servidores".to_string());
        }
        Ok(a)
    }
}
