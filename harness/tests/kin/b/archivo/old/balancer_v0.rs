// Load balancer + caching reverse proxy, std only.
//   rustc -O balancer.rs
//   ./balancer --config=balancer.toml --ttl=30
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

struct Entry {
    file: String,
    saved: SystemTime,
}

struct Shared {
    servers: Vec<String>,
    next: AtomicUsize,
    ttl: Duration,
    index: Mutex<HashMap<String, Entry>>,
    serial: AtomicUsize,
    log: Mutex<fs::File>,
}

/// port = 8080
/// servers = ["a:1", "b:2"]
fn read_config(path: &str) -> Result<(u16, Vec<String>), String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let mut port = 8080;
    let mut servers = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some((k, v)) = line.split_once('=') {
            match k.trim() {
                "port" => port = v.trim().parse().map_err(|_| format!("bad port {v}"))?,
                "servers" => {
                    servers = v.trim().trim_matches(|c| c == '[' || c == ']').split(',')
                        .map(|s| s.trim().trim_matches('"').to_string()).filter(|s| !s.is_empty()).collect()
                }
                other => return Err(format!("unknown key {other}")),
            }
        }
    }
    if servers.is_empty() {
        return Err("no servers".into());
    }
    Ok((port, servers))
}

struct Msg {
    head: String,
    body: Vec<u8>,
    chunked: bool,
}

fn get<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|l| {
        let (k, v) = l.split_once(':')?;
