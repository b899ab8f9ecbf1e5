use std::sync::Mutex;

pub struct Turnos {
    lista: Vec<String>,
    actual: Mutex<usize>,
}

impl Turnos {
    pub fn nuevo(lista: Vec<String>) -> Turnos {
        Turnos { lista, actual: Mutex::new(0) }
    }
    pub fn cantidad(&self) -> usize {
        self.lista.len()
    }
    /// Round Robin: devuelve el que sigue
    pub fn siguiente(&self) -> String {
        let mut n = match self.actual.lock() {
            Ok(g) => g,
            Err(p) => p.into_inner(),
        };
        let s = self.lista[*n].clone();
        *n = (*n + 1) % self.lista.len();
        s
    }
}
