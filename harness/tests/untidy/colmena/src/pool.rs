// del libro de Rust, capitulo 20
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

type Tarea = Box<dyn FnOnce() + Send + 'static>;

pub struct Pool {
    tx: mpsc::Sender<Tarea>,
}

impl Pool {
    pub fn new(n: usize) -> Pool {
        let (tx, rx) = mpsc::channel::<Tarea>();
        let rx = Arc::new(Mutex::new(rx));
        for _ in 0..n {
            let rx = Arc::clone(&rx);
            thread::spawn(move || loop {
                let tarea = rx.lock().unwrap().recv();
                match tarea {
                    Ok(t) => t(),
                    Err(_) => break,
                }
            });
        }
        Pool { tx }
    }

    pub fn ejecutar<F: FnOnce() + Send + 'static>(&self, f: F) {
        let _ = self.tx.send(Box::new(f));
    }
}
