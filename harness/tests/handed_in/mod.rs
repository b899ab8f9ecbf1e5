//! A course as it is really handed in, laid out from the specimens of this repository: what is odd about each, and what is true of it.
//!
//! `course` grades it. Nothing here is made up for the judge: programs are those of `untidy`, `blind`, `layouts`, `submissions` and of
//! `programs` beside this file, wrapped as people wrap them.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use harness_model::scenario::Encoding;
use zip::write::SimpleFileOptions;

/// The name of a profile in a submission.
const PROFILE: &str = "pibl-judge.yaml";
/// As many files as a virtual environment with a framework or two.
const ENVIRONMENT_FILES: usize = 20_500;

/// What is true of a submission, whatever the judge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It works; each row is as the table of that family says of that program.
    Table(&'static str, &'static str),
    /// It works, and these checks pass.
    Works(&'static [&'static str]),
    /// It earns nothing by running, and that is its own fault.
    Own(&'static str),
    /// The judge could not tell: nothing is earned and nothing lost.
    Open(&'static str),
}

/// One submission.
pub struct HandedIn {
    /// Its folder or zip.
    pub name: &'static str,
    /// What is true of it.
    pub truth: Truth,
    /// Whether it is a part of the brief course: nothing to build, nothing to wait for.
    pub brief: bool,
    lay: fn(&Path),
}

const WORKS: &[&str] = &["forward.once", "rr.serial_cycle", "proxy.alive"];

/// All submissions, in the order of their names.
pub fn all() -> Vec<HandedIn> {
    let one = |name, truth, brief, lay| HandedIn { name, truth, brief, lay };
    use Truth::{Open, Own, Table, Works};
    vec![
        // How it is packed.
        one(
            "Ana Go\u{301}mez Nu\u{301}n\u{303}ez_48213_assignsubmission_file_",
            Table("untidy", "eco"),
            false,
            |to| {
                let inner = zipped(&[("Proyecto/pibl (final)", specimen("untidy/eco"))]);
                let outer =
                    files(&[("Entrega final.zip", &inner), ("__MACOSX/._Entrega final.zip", b"\0\0")]);
                put(to, &outer);
            },
        ),
        one("Grupo 2.ZIP", Table("untidy", "noria"), false, |to| {
            let mut all = without_profile(specimen("untidy/noria"));
            all.extend(files(&[("__MACOSX/._noria.c", b"\0"), (".DS_Store", b"\0")]));
            zip_to(to, "Grupo 2", all);
        }),
        one("cache", Table("untidy", "pozo"), false, |to| put(to, &without_profile(specimen("untidy/pozo")))),
        one("con entorno", Table("blind", "python"), false, |to| {
            put(to, &specimen("blind/python"));
            environment(&to.join("entorno"));
        }),
        one("Los del menú (FINAL) (1)", Table("untidy", "menu"), false, |to| {
            put(&to.join("entrega ultima"), &without_profile(specimen("untidy/menu")));
        }),
        one("copias viejas.zip", Table("untidy", "puente"), false, |to| {
            zip_to(to, "Entrega", without_profile(specimen("untidy/puente")));
        }),
        // In which encoding.
        one("perfil utf-16", Table("untidy", "turno"), false, |to| {
            put(to, &recoded(specimen("untidy/turno"), PROFILE, Encoding::Utf16Le));
        }),
        one("perfil latin-1.zip", Table("untidy", "texto"), false, |to| {
            let all = recoded(specimen("untidy/texto"), PROFILE, Encoding::Latin1);
            zip_to(to, "proyecto", all);
        }),
        one("léeme utf-16", Table("untidy", "trompo"), false, |to| {
            put(to, &recoded(without_profile(specimen("untidy/trompo")), "readme.md", Encoding::Utf16Be));
        }),
        one("léeme latin-1", Table("untidy", "faro"), false, |to| {
            put(to, &recoded(specimen("untidy/faro"), "README", Encoding::Latin1));
        }),
        // What cannot be opened, or holds no program.
        one("con clave.zip", Open("unreadable"), true, |to| {
            zip_to(to, "x", specimen("submissions"));
            lock(to);
        }),
        one("rar con otro nombre.zip", Open("unreadable"), true, |to| {
            write(to, b"Rar!\x1a\x07\x01\0 and more");
        }),
        one("solo el informe", Open("no_profile"), true, |to| write(&to.join("Informe.pdf"), b"%PDF-1.4")),
        // How it starts.
        one("habla antes", Works(WORKS), true, |to| {
            put(
                to,
                &toy(
                    "listener = socket.socket()",
                    "for n in range(5000): print('cargando', n)\nprint('listo', flush=True)\ntime.sleep(3)\nlistener = socket.socket()",
                ),
            );
        }),
        one("su propio puerto", Works(WORKS), true, |to| {
            put(to, &toy("(options.host, options.port)", "('', 8080)"));
        }),
        one("teclado", Works(WORKS), false, |to| put(to, &without_profile(specimen("layouts/keyboard")))),
        one("enter para salir", Works(WORKS), true, |to| {
            put(
                to,
                &toy(
                    "while True:\n    client, _ = listener.accept()",
                    "def salir():\n    input('Enter para salir')\n    os._exit(0)\n\n\nthreading.Thread(target=salir, daemon=True).start()\nwhile True:\n    client, _ = listener.accept()",
                ),
            );
        }),
        one("escucha en ::1", Works(WORKS), true, |to| {
            put(
                to,
                &toy(
                    "listener = socket.socket()",
                    "options.host = '::1'\nlistener = socket.socket(socket.AF_INET6)",
                ),
            );
        }),
        // What is no text ends the thread of its client.
        one("lee como texto", Works(WORKS), true, |to| {
            put(to, &toy("client.sendall(answer)", "client.sendall(answer.decode().encode())"));
        }),
        one("se cuelga al arrancar", Own("does_not_start"), true, |to| {
            put(to, &impatient(toy("DEFECT = \"none\"", "DEFECT = \"hangs\"")));
        }),
        one("muere a la primera", Own("does_not_start"), true, |to| {
            put(to, &impatient(toy("def serve(client):", "def serve(client):\n    os._exit(3)")));
        }),
        one("no contesta", Own("does_not_start"), false, |to| {
            put(to, &impatient(toy("def serve(client):", "def serve(client):\n    time.sleep(3600)")));
        }),
        // How it builds.
        one("no compila", Own("does_not_build"), true, |to| {
            put(to, &in_c("int main(void) { retrun 0; }\n", true));
        }),
        one("no compila y sin perfil", Open("does_not_build"), false, |to| {
            put(
                to,
                &in_c(
                    "#include <sys/socket.h>\nint main(void) { int s = socket(2, 1, 0); listen(s, 5); connect(s, 0, 0); retrun 0; }\n",
                    false,
                ),
            );
        }),
        one("sin compilador", Open("needs"), true, |to| {
            put(to, &built_by(&["ghc-9.99", "Main.hs"]));
        }),
        one("necesita red", Open("needs"), true, |to| {
            put(
                to,
                &built_by(&[
                    "python3",
                    "-c",
                    "import socket; socket.create_connection(('paquetes.invalid', 443), 5)",
                ]),
            );
        }),
        one("perfil con un error", Own("wrong_profile"), true, |to| {
            let mut all = toy("", "");
            all.retain(|(name, _)| name != PROFILE);
            all.extend(files(&[(PROFILE, b"nombre: x\n")]));
            put(to, &all);
        }),
        // What works and has a fault, and two who share their code.
        one("iguales A", Works(WORKS), false, |to| put(to, &toy("", ""))),
        one("iguales B.zip", Works(WORKS), true, |to| zip_to(to, "x", toy("", ""))),
        one("hasta el fin", Works(WORKS), false, |to| {
            put(to, &specimen("handed_in/programs/relay-until-eof"));
        }),
        one("ingenuo", Works(WORKS), false, |to| put(to, &specimen("handed_in/programs/naive"))),
        // Its first answer is its last: no draft can be confirmed by it.
        one("502", Open("does_not_start"), false, |to| put(to, &specimen("handed_in/programs/answers-502"))),
        one("otro servidor al lado", Works(WORKS), false, |to| {
            put(to, &without_profile(specimen("layouts/web_server_beside")));
        }),
        one("nudo", Table("untidy", "nudo"), false, |to| put(to, &without_profile(specimen("untidy/nudo")))),
    ]
}

/// Lays out a course with what lies beside it, and the list of its students, of which one handed in nothing.
pub fn lay_out(folder: &Path, course: &[HandedIn]) -> PathBuf {
    let handed_in = folder.join("handed in");
    for one in course {
        (one.lay)(&handed_in.join(one.name));
    }
    for (stray, bytes) in files(&[
        ("lista.csv", b"Estudiante;Entrega\r\n"),
        ("Thumbs.db", b"\0"),
        ("desktop.ini", b"[.ShellClassInfo]\r\n"),
        ("tarde.rar", b"Rar!\x1a\x07\x01\0"),
        ("__MACOSX/._cache", b"\0"),
    ]) {
        write(&handed_in.join(stray), &bytes);
    }
    // As Excel saves it; the names are composed here, decomposed on the disk.
    let mut list = "\u{feff}\"Apellidos\";\"Nombre\";\"Entrega\"\r\n".to_owned();
    for (number, one) in course.iter().enumerate() {
        let name = one.name.replace("o\u{301}", "ó").replace("u\u{301}", "ú").replace("n\u{303}", "ñ");
        let name = name.replace(".zip", ".ZIP");
        list += &format!("\"Pérez; {number}\";\"=Ana()\";\"{name}\"\r\n");
    }
    list += "Nadie;Nada;\"no entregó.zip\"\r\n";
    write(&folder.join("estudiantes.csv"), list.as_bytes());
    handed_in
}

type Files = Vec<(String, Vec<u8>)>;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn files(all: &[(&str, &[u8])]) -> Files {
    all.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
}

/// All files of a specimen, but what a build has made there.
fn specimen(name: &str) -> Files {
    let root = tests().join(name);
    let (mut all, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a specimen").flatten() {
            match entry.path() {
                path if path.ends_with("target") => {}
                path if path.is_dir() => folders.push(path),
                path => {
                    let inside = path.strip_prefix(&root).expect("beneath").to_string_lossy().into_owned();
                    all.push((inside, fs::read(&path).expect("a file")));
                }
            }
        }
    }
    all.sort();
    all
}

fn without_profile(mut all: Files) -> Files {
    all.retain(|(name, _)| name != PROFILE);
    all
}

/// The same with one file in another encoding.
fn recoded(mut all: Files, name: &str, encoding: Encoding) -> Files {
    let file = all.iter_mut().find(|(found, _)| found == name).expect("the file");
    let text = String::from_utf8_lossy(&file.1).into_owned();
    let mark = if encoding == Encoding::Latin1 { "" } else { "\u{feff}" };
    let said = if name == PROFILE { "# Diseño de la configuración\n" } else { "Introducción: señales\n" };
    file.1 = encoding.encoded(&format!("{mark}{said}{text}"));
    all
}

/// The toy proxy, another in one place.
fn toy(what: &str, instead: &str) -> Files {
    let source = fs::read_to_string(tests().join("submissions/toy_proxy.py")).expect("the toy proxy");
    assert!(source.contains(what), "{what}");
    let source = if what.is_empty() { source } else { source.replace(what, instead) };
    let profile = fs::read(tests().join("submissions").join(PROFILE)).expect("its profile");
    files(&[("proxy.py", source.as_bytes()), (PROFILE, &profile)])
}

/// One that says that it is ready at once, or not at all.
fn impatient(mut all: Files) -> Files {
    let profile = all.iter_mut().find(|(name, _)| name == PROFILE).expect("a profile");
    profile.1.extend_from_slice(b"ready_within: 1s\n");
    all
}

fn in_c(source: &str, with_profile: bool) -> Files {
    let profile = "name: c\nprogram: {own: proxy}\nbuild:\n  - [gcc, -o, proxy, proxy.c]\n\
        start: [\"{{ program }}\", \"{{ port }}\"]\ncapabilities: {cache: none, ttl: none}\n";
    let mut all = files(&[("proxy.c", source.as_bytes())]);
    all.extend(with_profile.then(|| (PROFILE.to_owned(), profile.as_bytes().to_vec())));
    all
}

fn built_by(command: &[&str]) -> Files {
    let profile = fs::read_to_string(tests().join("submissions").join(PROFILE)).expect("its profile");
    let words: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    let profile = format!("{profile}build:\n  - [{}]\n", words.join(", "));
    let mut all = without_profile(toy("", ""));
    all.push((PROFILE.to_owned(), profile.into_bytes()));
    all
}

fn environment(to: &Path) {
    write(&to.join("pyvenv.cfg"), b"home = /usr/bin\n");
    let packages = to.join("lib/python3.11/site-packages");
    for number in 0..ENVIRONMENT_FILES {
        let folder = packages.join(format!("p{}", number / 100));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("m{number}.py")), "").expect("a file");
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

fn put(to: &Path, all: &Files) {
    all.iter().for_each(|(name, bytes)| write(&to.join(name), bytes));
}

fn zipped(folders: &[(&str, Files)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (folder, all) in folders {
        for (name, bytes) in all {
            zip.start_file(format!("{folder}/{name}"), SimpleFileOptions::default()).expect("an entry");
            zip.write_all(bytes).expect("its bytes");
        }
    }
    zip.finish().expect("a zip").into_inner()
}

fn zip_to(to: &Path, folder: &str, all: Files) {
    write(to, &zipped(&[(folder, all)]));
}

/// Marks each entry of a zip as encrypted, which is all that a reader looks at.
fn lock(zip: &Path) {
    let mut bytes = fs::read(zip).expect("a zip");
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let places: Vec<usize> =
            (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(signature)).collect();
        places.into_iter().for_each(|at| bytes[at + flags] |= 1);
    }
    fs::write(zip, bytes).expect("a zip");
}
