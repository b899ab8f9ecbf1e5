//! Lines that are found in sources, and what takes a cause away.

use super::program::Program;
use super::rules::{line_of, refuted};
use crate::check::Cause;
use harness_model::history::SourceFile;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.into(), text: text.into() }
}

fn line(cause: Cause, files: &[SourceFile]) -> Option<u32> {
    let program = Program::of_files(files);
    line_of(cause, &program, None).map(|position| program.lines[position].number)
}

const PYTHON: &str = r#"import socket, threading, time, random
PUERTO = 8080
TTL = 60
BACKENDS = [("127.0.0.1", 9001), ("127.0.0.1", 9002)]
cache = {}
turno = 0

def siguiente():
    global turno
    turno = (turno + 1) % len(BACKENDS)
    return BACKENDS[turno]

def clave(ruta):
    return ruta.replace("/", "_").split("?")[0]

def guardar(ruta, datos):
    with open("cache/" + clave(ruta), "wb") as f:
        f.write(datos)

def atender(cliente):
    peticion = cliente.recv(4096)  # una sola lectura
    respuesta = pedir(siguiente(), peticion)
    guardar(peticion, respuesta)
    cliente.sendall(respuesta)

def pedir(destino, peticion):
    s = socket.socket()
    s.connect(destino)
    s.sendall(peticion)
    datos = b""
    while True:
        parte = s.recv(65536)
        if not parte:
            break
        datos += parte
    return datos

def main():
    s = socket.socket()
    s.bind(("", PUERTO))
    s.listen(5)
    while True:
        c, _ = s.accept()
        threading.Thread(target=atender, args=(c,)).start()
"#;

#[test]
fn each_mistake_is_found_at_its_line() {
    let files = [file("proxy.py", PYTHON)];
    for (cause, expected) in [
        (Cause::BacklogTooShort, 41),
        (Cause::PortNotReusable, 40),
        (Cause::PortInSource, 2),
        (Cause::TtlConstant, 3),
        (Cause::ListInSource, 4),
        (Cause::IndexInMemory, 5),
        (Cause::UnlockedCounter, 10),
        (Cause::KeysCollide, 14),
        (Cause::WrittenInPlace, 17),
        (Cause::FirstReadOnly, 21),
        (Cause::BackendErrorIgnored, 28),
        (Cause::WaitsForClose, 32),
    ] {
        assert_eq!(line(cause, &files), Some(expected), "{cause:?}");
    }
    assert_eq!(line(Cause::PickedAtRandom, &files), None, "an import draws nothing");
    assert_eq!(line(Cause::ServedOneByOne, &files), None, "each client has a thread");
}

#[test]
fn what_the_source_does_against_a_cause_refutes_it() {
    let with = |text: &str| [file("proxy.py", text)];
    let reuse = with("s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('', 80))\n");
    assert!(refuted(Cause::PortNotReusable, &Program::of_files(&reuse)));
    let comment = with("# falta SO_REUSEADDR\ns.bind(('', 80))\n");
    assert!(!refuted(Cause::PortNotReusable, &Program::of_files(&comment)), "a comment does nothing");
}

#[test]
fn functions_and_loops_are_seen_in_c_as_well() {
    let text = "int atender(int fd)\n{\n    char buf[4096];\n    int n = recv(fd, buf, sizeof(buf), 0);\n    return n;\n}\n\n\
                int main(void)\n{\n    listen(s, 3);\n    while (1) {\n        int c = accept(s, NULL, NULL);\n        atender(c);\n    }\n}\n";
    let files = [file("main.c", text)];
    let program = Program::of_files(&files);
    let at = |number: u32| program.lines.iter().position(|line| line.number == number).unwrap();
    assert_eq!(program.function_name(at(4)).as_deref(), Some("atender"));
    assert!(program.in_loop(at(12)) && !program.in_loop(at(4)));
    assert_eq!(line(Cause::BacklogTooShort, &files), Some(10));
    assert_eq!(line(Cause::ServedOneByOne, &files), Some(12));
    assert_eq!(line(Cause::FirstReadOnly, &files), Some(4));
}

#[test]
fn a_turn_that_is_taken_twice_and_a_cut_at_nul_are_found_in_other_languages() {
    let twice = [file(
        "main.rs",
        "fn siguiente(&self) -> usize {\n    self.n.fetch_add(1)\n}\nfn atender() {\n    let destino = turnos.siguiente();\n    anotar(destino);\n    for _ in 0..3 {\n        let destino = turnos.siguiente();\n    }\n}\n",
    )];
    assert_eq!(line(Cause::TurnTakenTwice, &twice), Some(5));
    let once = [file("main.rs", "fn atender() {\n    let destino = turnos.siguiente();\n}\n")];
    assert_eq!(line(Cause::TurnTakenTwice, &once), None);
    let cut = [file(
        "lib/cache.js",
        "function leer(clave) {\n  const texto = fs.readFileSync(archivo(clave), 'latin1');\n  const [datos, cuerpo] = texto.split('\\0');\n}\n",
    )];
    assert_eq!(line(Cause::StoredIncompletely, &cut), Some(3));
}
