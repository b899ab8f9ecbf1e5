use std::io::{copy, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::destinos::DESTINOS;

static TURNO: AtomicUsize = AtomicUsize::new(0);

pub fn escuchar(puerto: u16) {
    let listener = TcpListener::bind(("0.0.0.0", puerto)).expect("bind");
    for cliente in listener.incoming().flatten() {
        thread::spawn(move || atender(cliente));
    }
}

fn atender(mut cliente: TcpStream) -> Option<()> {
    let mut datos = Vec::new();
    let mut parte = [0; 4096];
    while !datos.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = cliente.read(&mut parte).ok().filter(|n| *n > 0)?;
        datos.extend_from_slice(&parte[..n]);
    }
    let (ip, puerto) = DESTINOS[TURNO.fetch_add(1, Ordering::SeqCst) % DESTINOS.len()];
    let mut destino = TcpStream::connect(SocketAddr::from((ip, puerto))).ok()?;
    let fin = datos.windows(4).position(|w| w == b"\r\n\r\n")?;
    destino.write_all(&datos[..fin]).ok()?;
    destino.write_all(b"\r\nConnection: close\r\n\r\n").ok()?;
    destino.write_all(&datos[fin + 4..]).ok()?;
    copy(&mut destino, &mut cliente).ok()?;
    cliente.shutdown(Shutdown::Both).ok()
}
