// cliente de prueba: rustc cliente.rs && ./cliente 127.0.0.1:8080 /
use std::io::{Read, Write};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut s = std::net::TcpStream::connect(&a[1]).unwrap();
    write!(s, "GET {} HTTP/1.1\r\nHost: cliente\r\n\r\n", a[2]).unwrap();
    let mut t = Vec::new();
    s.read_to_end(&mut t).unwrap();
    println!("{}", String::from_utf8_lossy(&t));
}
