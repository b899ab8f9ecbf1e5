// Aplicacion de prueba: contesta su nombre. Uso: servidor-web PUERTO NOMBRE
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let puerto = a.get(1).cloned().unwrap_or("9001".into());
    let nombre = a.get(2).cloned().unwrap_or("app".into());
    let l = TcpListener::bind(format!("0.0.0.0:{puerto}")).unwrap();
    println!("servidor {nombre} en {puerto}");
    for s in l.incoming().flatten() {
        let mut s = s;
        let mut r = BufReader::new(s.try_clone().unwrap());
        let mut linea = String::new();
        let mut primera = String::new();
        while r.read_line(&mut linea).unwrap_or(0) > 2 {
            if primera.is_empty() { primera = linea.clone(); }
            linea.clear();
        }
        let cuerpo = format!("<h1>{nombre}</h1><p>{}</p>\n", primera.trim());
        let _ = write!(s, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", cuerpo.len(), cuerpo);
    }
}
