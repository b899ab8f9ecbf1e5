// PIBL en Rust - Telematica. cargo run -- --ttl 60 [servers.cfg]
mod bitacora;
mod cache;
mod config;
mod http;
mod proxy;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

#[allow(dead_code)]
fn sumar(a: i32, b: i32) -> i32 {
    a + b // del rust book
}

fn main() {
    let mut ttl = 60u64;
    let mut archivo = "servers.cfg".to_string();
    let mut a = std::env::args().skip(1);
    while let Some(x) = a.next() {
        if x == "--ttl" {
            ttl = a.next().expect("falta el ttl").parse().expect("ttl malo");
        } else {
            archivo = x;
        }
    }
    let cfg = match config::cargar(&archivo, ttl) {
        Ok(c) => c,
        Err(e) => {
            eprintln!("error de config: {}", e);
            std::process::exit(1);
        }
    };
    let l = match TcpListener::bind(("0.0.0.0", cfg.port)) {
        Ok(l) => l,
        Err(e) => {
            eprintln!("no pude abrir el puerto {}: {}", cfg.port, e);
            std::process::exit(1);
        }
    };
    println!("PIBL rust {:?}", cfg);
    let est = Arc::new(Mutex::new(proxy::Estado { cache: cache::Cache::abrir(cfg.ttl), cfg, turno: 0 }));
    for c in l.incoming() {
        if let Ok(c) = c {
            let e = est.clone();
            thread::spawn(move || proxy::atender(c, e));
        }
    }
}
