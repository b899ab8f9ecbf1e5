//! argumentos por posicion:
//!   balanceador <servidores.txt> <ttl en segundos> [puerto] [archivo de log] [carpeta de cache] [espera]
use std::fs;
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

pub struct Config {
    pub servidores: Vec<String>,
    pub ttl: Duration,
    pub puerto: u16,
    pub log: PathBuf,
    pub cache: PathBuf,
    pub espera: Duration,
}

fn morir(m: &str) -> ! {
    eprintln!("error: {m}");
    eprintln!("uso: balanceador servidores.txt ttl [puerto] [log] [cache] [espera]");
    exit(2)
}

fn numero<T: std::str::FromStr>(que: &str, s: &str) -> T {
    s.parse().unwrap_or_else(|_| morir(&format!("{que} no sirve: {s}")))
}

pub fn leer() -> Config {
    let a: Vec<String> = std::env::args().skip(1).collect();
    if a.len() < 2 {
        morir("faltan argumentos");
    }
    let texto = fs::read_to_string(&a[0]).unwrap_or_else(|e| morir(&format!("{}: {e}", a[0])));
    let mut puerto_comun = 80u16;
    let mut dirs = Vec::new();
    for l in texto.lines() {
        let l = l.split('#').next().unwrap().trim();
        if l.is_empty() {
            continue;
        }
        match l.strip_prefix("puerto ") {
            Some(p) => puerto_comun = numero("puerto", p.trim()),
            None => dirs.push(l.to_string()),
        }
    }
    if dirs.is_empty() {
        morir("no hay servidores");
    }
    let o = |i: usize, d: &str| a.get(i).cloned().unwrap_or_else(|| d.to_string());
    Config {
        servidores: dirs.iter().map(|d| format!("{d}:{puerto_comun}")).collect(),
        ttl: Duration::from_secs_f64(numero("ttl", &a[1])),
        puerto: numero("puerto", &o(2, "8080")),
        log: PathBuf::from(o(3, "balanceador.log")),
        cache: PathBuf::from(o(4, "cache_disco")),
        espera: Duration::from_secs_f64(numero("espera", &o(5, "10"))),
    }
}
