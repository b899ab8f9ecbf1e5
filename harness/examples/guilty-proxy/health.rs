//! Active health checks: each backend is asked for a path every so often, and left out while it answers badly.
//!
//! `main` starts them where it is told of a path: one thread a backend of the first list. The balancer passes over what is out;
//! what a defect makes of a bad answer is said in `defects::failing`.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::balancer::{Backend, Balancer};
use crate::clock;
use crate::defects::{Defect, failing};
use crate::http;

/// How it was told to watch.
#[derive(Clone)]
pub struct Health {
    /// What each backend is asked for.
    pub path: String,
    /// Time from one question to the next, and the most that an answer may take.
    pub every: Duration,
    /// Bad answers in a row that take a backend out.
    pub failures: u32,
    /// Good ones that bring it back.
    pub successes: u32,
}

/// Watches the backends for ever.
pub fn watch(balancer: &Balancer, health: &Health, defect: Defect) {
    for backend in balancer.backends() {
        let health = health.clone();
        // Without a thread nobody is watched, and the harness says so.
        let _ = std::thread::Builder::new().spawn(move || watch_one(&backend, &health, defect));
    }
}

fn watch_one(backend: &Arc<Backend>, health: &Health, defect: Defect) {
    let (mut is_out, mut in_a_row) = (false, 0);
    let mut due = clock::now();
    loop {
        let is_well = is_well(backend.address(), health, defect).unwrap_or(false);
        in_a_row = if is_well == is_out { in_a_row + 1 } else { 0 };
        let needed =
            if is_out { health.successes } else { failing::failures_needed(defect, health.failures) };
        if in_a_row >= needed {
            (is_out, in_a_row) = (!is_out, 0);
            backend.set_out(is_out && failing::acts_on_health(defect));
        }
        due = (due + health.every).max(clock::now());
        std::thread::sleep(due.saturating_sub(clock::now()));
    }
}

fn is_well(address: &str, health: &Health, defect: Defect) -> io::Result<bool> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(health.every))?;
    (&stream).write_all(
        format!("GET {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n", health.path).as_bytes(),
    )?;
    Ok((200..400).contains(&http::read_answer(&stream, "GET", defect)?.status()))
}
