// Balanceador + proxy inverso con cache, solo con la biblioteca estandar
mod backend;
mod bitacora;
mod cache;
mod cliente;
mod config;
mod http;

use std::net::TcpListener;
use std::sync::atomic::AtomicUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

fn main() {
    let c = config::leer();
    println!("servidores: {:?}", c.servidores);
    for i in (1..=3).rev() {
        // en EC2 los Apache se demoran en arrancar
        println!("arrancando en {i} ...");
        thread::sleep(Duration::from_secs(1));
    }
    let t = Arc::new(cliente::Todo {
        bal: backend::Balanceador::nuevo(c.servidores, c.espera),
        cache: cache::Cache::abrir(&c.cache),
        log: bitacora::Bitacora::nueva(c.log),
        ttl: c.ttl,
        activos: AtomicUsize::new(0),
        serie: AtomicUsize::new(1),
    });
    let l = match TcpListener::bind(("0.0.0.0", c.puerto)) {
        Ok(l) => l,
        Err(e) => {
            eprintln!("no se pudo abrir el puerto {}: {e}", c.puerto);
            std::process::exit(1);
        }
    };
    println!("listo en el puerto {}", c.puerto);
    for s in l.incoming() {
        match s {
            Ok(s) => {
                let t = t.clone();
                let ip = s.peer_addr().map(|a| a.ip().to_string()).unwrap_or_default();
                let _ = thread::Builder::new().stack_size(512 * 1024).spawn(move || cliente::atender(&t, s, ip));
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}
