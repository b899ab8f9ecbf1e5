use std::sync::Mutex;

// Round Robin: se entrega el siguiente servidor de la lista en cada llamada
pub struct Balancer {
    backends: Vec<String>,
    next: Mutex<usize>,
}

impl Balancer {
    pub fn new(backends: Vec<String>) -> Balancer {
        Balancer {
            backends,
            next: Mutex::new(0),
        }
    }

    pub fn next(&self) -> String {
        let mut next = self.next.lock().unwrap();
        let backend = self.backends[*next].clone();
        *next = (*next + 1) % self.backends.len();
        backend
    }

    pub fn len(&self) -> usize {
        self.backends.len()
    }
}
