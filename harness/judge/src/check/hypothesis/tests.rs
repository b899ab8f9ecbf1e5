//! Lines that are found in sources, and what takes a cause away.

use super::program::Program;
use super::rules::{caller_of_what_stores, line_of, refuted};
use crate::check::Cause;
use harness_model::history::{SourceFile, SourcePlace};

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.into(), text: text.into() }
}

fn line(cause: Cause, files: &[SourceFile]) -> Option<u32> {
    let program = Program::of_files(files);
    line_of(cause, &program, None, &[]).map(|found| program.lines[found.position].number)
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

fn step(file: &str, line: u32, function: &str) -> SourcePlace {
    SourcePlace { file: file.into(), line, function: Some(function.into()) }
}

const TWO_READERS: &str = "def atender(cliente):\n    datos = cliente.recv(4096)\n    return datos\n\n\n\n\n\n\n\n\n\ndef manejar(cliente):\n    datos = cliente.recv(4096)\n    return datos\n";

#[test]
fn of_two_lines_that_look_alike_the_one_that_was_seen_is_named_and_none_where_nothing_was() {
    let files = [file("proxy.py", TWO_READERS)];
    let program = Program::of_files(&files);
    assert_eq!(line_of(Cause::FirstReadOnly, &program, None, &[]), None, "either of them");
    let way = [step("proxy.py", 14, "manejar")];
    let found = line_of(Cause::FirstReadOnly, &program, None, &[way.iter().collect()]).unwrap();
    assert_eq!((program.lines[found.position].number, found.seen), (14, true));
}

#[test]
fn what_stores_without_looking_is_called_from_a_line() {
    let way =
        [step("c.c", 29, "cache_escribir"), step("p.c", 166, "procesar_cabeza"), step("p.c", 192, "leer")];
    let ways = [way.iter().collect()];
    let line = |cause| caller_of_what_stores(cause, &ways).map(|place| place.line);
    assert_eq!(line(Cause::StatusNotLookedAt), Some(166));
    assert_eq!(line(Cause::TtlNeverCompared), None);
}

#[test]
fn who_has_no_chance_draws_no_lots_and_who_is_alone_races_with_nobody() {
    let alone = [file("proxy.py", "turno = (turno + 1) % 3\n")];
    let program = Program::of_files(&alone);
    assert!(refuted(Cause::PickedAtRandom, &program) && refuted(Cause::UnlockedCounter, &program));
    let other = [file("proxy.py", "threading.Thread(target=f).start()\nelegido = random.choice(lista)\n")];
    let program = Program::of_files(&other);
    assert!(!refuted(Cause::PickedAtRandom, &program) && !refuted(Cause::UnlockedCounter, &program));
}

#[test]
fn lines_of_programs_of_others_are_found_where_their_mistake_is() {
    let twice = "turno = 0\ndef elegir():\n    global turno\n    s = servidores[turno]\n    turno = (turno + 1) % len(servidores)\n    return s\ndef conectado(self):\n    turno = (turno + 1) % len(servidores)\n";
    assert_eq!(line(Cause::TurnTakenTwice, &[file("p.py", twice)]), Some(8));
    let three = "    for n in 1..=3 {\n        if let Some((_, v)) = pares.iter().find(|(k, _)| *k == format!(\"servidor{}\", n)) {\n";
    assert_eq!(line(Cause::PartOfTheList, &[file("ajustes.rs", three)]), Some(1));
    assert_eq!(line(Cause::ListInSource, &[file("ajustes.rs", three)]), Some(1));
    let renews = "def procesar(self):\n    self.vence = time.time() + 15\n    e = indice[self.llave]\n    if time.time() - e[\"hora\"] < TTL:\n        e[\"hora\"] = time.time()\n";
    assert_eq!(line(Cause::HitRenewsEntry, &[file("p.py", renews)]), Some(5));
    let key =
        "def atender(self):\n    self.clave = m.get(\"host\") + p[1]\n    crudo = cache.sacar(self.clave)\n";
    assert_eq!(line(Cause::MethodNotInKey, &[file("p.py", key)]), Some(2));
    let head = "def limpiar(self, metodo):\n    estado = self.primera.split(\" \")[1]\n    if metodo != \"HEAD\" and estado not in (\"204\", \"304\"):\n        pass\n";
    assert_eq!(line(Cause::StatusNotLookedAt, &[file("m.py", head)]), None, "nothing is stored there");
    let mine = "fn leer() {\n    for l in t.lines() {\n        \"port\" => port = v.trim().parse(),\n    }\n}\nfn client(sh: Arc<Shared>) {\n    let mine = sh.next.fetch_add(1, SeqCst);\n    loop {\n        let m = c.message();\n    }\n}\n";
    assert_eq!(line(Cause::TurnPerConnection, &[file("b.rs", mine)]), Some(7));
}

#[test]
fn lines_of_more_programs_of_others_are_found() {
    let hash = "def nombre_cache(ruta):\n    return os.path.join(CACHE, \"r_%d.json\" % hash(ruta))\n";
    assert_eq!(line(Cause::NamesOfThisProcess, &[file("p.py", hash)]), Some(2));
    let md5 = "def nombre_cache(ruta):\n    return hashlib.md5(ruta).hash(x) + mi_hash(ruta)\n";
    assert_eq!(line(Cause::NamesOfThisProcess, &[file("p.py", md5)]), None);
    let scans = "static void atender(int c)\n{\n    if (sscanf(buf, \"%15s %255s\", metodo, target) != 2) return;\n}\n";
    assert_eq!(line(Cause::RequestRebuilt, &[file("p.c", scans)]), Some(3));
    let parsed = "def manejar(self):\n    ruta = urlparse(self.path).path\n    cuerpo = None\n";
    assert_eq!(line(Cause::RequestRebuilt, &[file("p.py", parsed)]), Some(2));
    let turn = "static int siguiente(void) {\n    turno++;\n    if ((int)turno >= total) turno = 1;\n    return turno;\n}\n";
    assert_eq!(line(Cause::PartOfTheList, &[file("p.c", turn)]), Some(3));
    let locked = "pub fn atender(c: TcpStream) {\n    let mut e = est.lock().unwrap();\n    reenviar(c);\n}\nfn anotar(l: &str) {\n    let mut f = log.lock().unwrap();\n}\nfn main() {\n    thread::spawn(f);\n}\n";
    assert_eq!(line(Cause::ServedOneByOne, &[file("p.rs", locked)]), Some(2));
    let length = "def manejar(self):\n    n = self.headers.get(\"Content-Length\")\n    if n is not None:\n        cuerpo = self.rfile.read(int(n))\n";
    assert_eq!(line(Cause::ChunksNotRead, &[file("p.py", length)]), Some(2));
}

#[test]
fn a_sign_in_a_format_is_no_remainder_and_a_word_in_a_word_no_turn() {
    let formats = "int siguiente = 0;\nvoid error(int n)\n{\n    fprintf(stderr, \"error %d en cerrar\\n\", n);\n    sscanf(p, \"%d\", &puerto_escucha);\n    pthread_create(&h, 0, f, 0);\n    siguiente = (cual + 1) % cuantos;\n}\n";
    assert_eq!(line(Cause::UnlockedCounter, &[file("p.c", formats)]), Some(7));
    let next = "fn responder() {\n    let a = args.next();\n    let b = args.next();\n}\n";
    assert_eq!(line(Cause::TurnTakenTwice, &[file("p.rs", next)]), None);
    let swept = "def limpiador():\n    while True:\n        time.sleep(ttl)\n        for a in os.listdir(CACHE_DIR):\n            os.remove(os.path.join(CACHE_DIR, a))\n";
    assert_eq!(line(Cause::CacheEmptiedAtOnce, &[file("p.py", swept)]), Some(5));
}

#[test]
fn what_is_read_from_a_file_is_no_read_of_a_request() {
    let text = "def leer(nombre):\n    with open(nombre, \"rb\") as fd:\n        return fd.read()\n\n\
        def atender(cliente):\n    while True:\n        datos = cliente.recv(4096)\n        if not datos:\n            return\n";
    assert_eq!(line(Cause::FirstReadOnly, &[file("proxy.py", text)]), Some(7));
    let text = "fn vaciar(s: &mut TcpStream) {\n    while matches!(s.read(&mut t), Ok(n) if n > 0) {}\n}\n\
        fn atender(s: &mut TcpStream) {\n    if let Ok(n) = s.read(&mut t) {\n        cuerpo.extend_from_slice(&t[..n]);\n    }\n}\n";
    assert_eq!(line(Cause::FirstReadOnly, &[file("main.rs", text)]), Some(5));
}
