use std::fs;

// Parametros que se leen del archivo de configuracion
pub struct Config {
    pub port: u16,
    pub log_file: String,
    pub backends: Vec<String>,
}

impl Config {
    pub fn load(path: &str) -> Result<Config, String> {
        let text = fs::read_to_string(path)
            .map_err(|e| format!("no se pudo leer {}: {}", path, e))?;

        let mut config = Config {
            port: 8080,
            log_file: String::from("pibl.log"),
            backends: Vec::new(),
        };

        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = match line.split_once('=') {
                Some((k, v)) => (k.trim(), v.trim()),
                None => return Err(format!("linea invalida: {}", line)),
            };
            match key {
                "port" => {
                    config.port = value
                        .parse()
                        .map_err(|_| format!("puerto invalido: {}", value))?;
                }
                "log" => config.log_file = value.to_string(),
                "backend" => config.backends.push(value.to_string()),
                _ => return Err(format!("clave desconocida: {}", key)),
            }
        }

        if config.backends.is_empty() {
            return Err(String::from("no hay ningun backend en la configuracion"));
        }
        Ok(config)
    }
}
