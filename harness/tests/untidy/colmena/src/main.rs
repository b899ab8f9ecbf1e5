mod balanceador;
mod cache;
mod config;
mod http;
mod manejador;
mod pool;
mod registro;

use std::net::TcpListener;
use std::sync::Arc;

/// Todo lo que los obreros comparten
pub struct Estado {
    pub balanceador: balanceador::Balanceador,
    pub cache: cache::Cache,
    pub registro: registro::Registro,
}

const OBREROS: usize = 4;

fn main() {
    let cfg = match config::Config::leer("colmena.ini") {
        Ok(c) => c,
        Err(e) => {
            eprintln!("colmena.ini: {e}");
            std::process::exit(1);
        }
    };
    // TTL=120 ./colmena
    let ttl: u64 = match std::env::var("TTL").unwrap_or_else(|_| "60".into()).parse() {
        Ok(t) => t,
        Err(_) => {
            eprintln!("TTL tiene que ser un numero de segundos");
            std::process::exit(1);
        }
    };
    let estado = Arc::new(Estado {
        balanceador: balanceador::Balanceador::new(cfg.backends),
        cache: cache::Cache::new(&cfg.cache, ttl).expect("no pude crear la carpeta de cache"),
        registro: registro::Registro::new(&cfg.log).expect("no pude abrir el log"),
    });
    let escucha = match TcpListener::bind(("0.0.0.0", cfg.puerto)) {
        Ok(l) => l,
        Err(e) => {
            eprintln!("no se puede escuchar en {}: {e}", cfg.puerto);
            std::process::exit(2);
        }
    };
    let pool = pool::Pool::new(OBREROS);
    for conexion in escucha.incoming() {
        if let Ok(c) = conexion {
            let estado = Arc::clone(&estado);
            pool.ejecutar(move || manejador::atender(c, &estado));
        }
    }
}
