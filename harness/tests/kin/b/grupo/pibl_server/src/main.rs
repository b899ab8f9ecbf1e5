mod ajustes;
mod bitacora;
mod cache;
mod proxy;
mod turnos;

use ajustes::Ajustes;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

const PUERTO: u16 = 8080;

pub struct Contexto {
    pub ajustes: Ajustes,
    pub turnos: turnos::Turnos,
    pub bitacora: bitacora::Bitacora,
    pub cache: cache::Cache,
}

fn main() {
    let mut args = std::env::args().skip(1);
    // cargo run -- <ttl en segundos> [ajustes.cfg]
    let ttl: u64 = match args.next().map(|t| t.parse()) {
        Some(Ok(n)) => n,
        Some(Err(_)) => {
            eprintln!("El TTL tiene que ser un numero de segundos");
            std::process::exit(1);
        }
        None => 60,
    };
    let archivo = args.next().unwrap_or_else(|| "ajustes.cfg".to_string());
    let ajustes = match Ajustes::leer(&archivo) {
        Ok(a) => a,
        Err(e) => {
            eprintln!("No se pudo usar {archivo}: {e}");
            std::process::exit(1);
        }
    };
    println!("== PIBL ==");
    println!("puerto {} / TTL {} s", ajustes.puerto, ttl);
    for s in &ajustes.servidores {
        println!("  servidor {s}");
    }
    let oyente = match TcpListener::bind(("0.0.0.0", PUERTO)) {
        Ok(o) => o,
        Err(e) => {
            eprintln!("bind: {e}");
            std::process::exit(1);
        }
    };
    let ctx = Arc::new(Contexto {
        turnos: turnos::Turnos::nuevo(ajustes.servidores.clone()),
        bitacora: bitacora::Bitacora::abrir("bitacora/pibl.log"),
        cache: cache::Cache::nuevo("cache", ttl),
        ajustes,
    });
    for con in oyente.incoming() {
        let ctx = Arc::clone(&ctx);
        if let Ok(con) = con {
            if let Err(e) = thread::Builder::new().spawn(move || proxy::atender(con, &ctx)) {
                eprintln!("no hay hilos: {e}");
            }
        }
    }
}
