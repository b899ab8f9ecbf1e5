//! Which program of a folder is the proxy: the one that listens *and* connects, with all its files taken together.
//!
//! `look` asks it first. A web server beside the proxy listens only, a client connects only; a copy in `old/` is the same
//! program once more and never the one that is meant. Nothing is executed.

use std::path::Path;

use super::files::{TextFile, Tongue, extension};

/// A program: the file that is started, and every file that belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) tongue: Tongue,
    /// Relative to the folder.
    pub(super) entry: String,
    /// Places in the list of files; the entry last, since constants are likelier to stand in the others.
    pub(super) files: Vec<usize>,
    /// How much it looks like the proxy.
    pub(super) score: i32,
}

/// Calls of programs that wait for connections.
const LISTENS: [&str; 18] = [
    "listen(",
    "accept(",
    "TcpListener",
    "start_server",
    "create_server",
    "HTTPServer(",
    "TCPServer(",
    "serve_forever",
    "createServer",
    "ServerSocket",
    "net.Listen",
    "ListenAndServe",
    "run_app(",
    "app.run(",
    "make_server(",
    "uvicorn.run",
    "HttpServer.create",
    "tcp::acceptor",
];
/// Calls of programs that connect.
const CONNECTS: [&str; 26] = [
    "connect(",
    "connect_ex(",
    "create_connection",
    "TcpStream::connect",
    "open_connection",
    "requests.get",
    "requests.request",
    "urlopen",
    "HTTPConnection(",
    "http.client",
    "ClientSession",
    "connect_timeout(",
    "http.request(",
    "net.connect",
    "createConnection",
    "new Socket(",
    "net.Dial",
    "ReverseProxy",
    "reqwest",
    "httpx",
    "urllib3",
    "fetch(",
    "axios",
    "http.get(",
    "HttpClient",
    "HttpURLConnection",
];
/// Words of balancers.
const BALANCES: [&str; 9] =
    ["backend", "upstream", "round", "turno", "balanc", "cache", "ttl", "servidores", "proxy"];
/// Words in the names of proxies.
const NAMED: [&str; 6] = ["pibl", "proxy", "balan", "main", "lb", "reverse"];
/// Words in the names of what stands beside them.
const BESIDE: [&str; 16] = [
    "test",
    "prueba",
    "client",
    "cliente",
    "backend",
    "origin",
    "webserver",
    "web_server",
    "servidor_web",
    "app_server",
    "stress",
    "bench",
    "mock",
    "dummy",
    "fake",
    "setup",
];
/// Words in the names of copies.
const OLD: [&str; 17] = [
    "old",
    "viej",
    "backup",
    "bak",
    "copia",
    "copy",
    "anterior",
    "deprecated",
    "legacy",
    "archive",
    "trash",
    "borrador",
    "entrega1",
    "ejemplo",
    "example",
    "antes",
    "prev",
];

/// All programs that listen, the likeliest proxy first.
pub(super) fn programs(files: &[TextFile]) -> Vec<Program> {
    let mut found: Vec<Program> = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let Some(tongue) = file.tongue else { continue };
        if !is_entry(file, tongue, files) {
            continue;
        }
        let mut parts = parts(place, tongue, files);
        parts.retain(|&part| part != place);
        parts.push(place);
        let any = |words: &[&str]| {
            parts.iter().any(|&part| words.iter().any(|word| files[part].code.contains(word)))
        };
        if !any(&LISTENS) {
            continue;
        }
        let all: String = parts.iter().map(|&part| files[part].code.to_lowercase()).collect();
        let named = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
        let stem = file.stem().to_lowercase();
        let folder = file.folder().to_lowercase();
        let mut score = if any(&CONNECTS) { 20 } else { 0 };
        score += BALANCES.iter().filter(|word| all.contains(*word)).count() as i32;
        score += if named(&NAMED, &stem) { 4 } else { 0 };
        score -= if named(&BESIDE, &stem) { 12 } else { 0 };
        score -= if folder.split('/').any(|part| named(&BESIDE, part)) { 6 } else { 0 };
        score -= if is_old(&stem) || folder.split('/').any(is_old) { 40 } else { 0 };
        score -= 2 * (file.name.matches('/').count() as i32);
        found.push(Program { tongue, entry: file.name.clone(), files: parts, score });
    }
    found.sort_by(|one, two| two.score.cmp(&one.score).then(one.entry.len().cmp(&two.entry.len())));
    found
}

/// Whether a name is that of a copy: `old`, `v1`, `proxy_bak`, `proxy (1)`.
pub(super) fn is_old(name: &str) -> bool {
    let name = name.to_lowercase();
    let version = name
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'));
    version && name.len() > 1
        || name.ends_with(')')
        || name
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| OLD.iter().any(|word| part.starts_with(word)))
}

/// Whether a program begins in this file.
fn is_entry(file: &TextFile, tongue: Tongue, files: &[TextFile]) -> bool {
    match tongue {
        Tongue::C | Tongue::Cpp => {
            calls(&file.code, "main(").any(|before| before.ends_with("int ") || before.ends_with("void "))
        }
        Tongue::Rust => {
            let path = format!("/{}", file.name);
            file.code.contains("fn main(")
                && (path.ends_with("/main.rs") || path.contains("/bin/") || !path.contains("/src/"))
        }
        Tongue::Go => file.code.contains("package main") && file.code.contains("func main("),
        Tongue::Java => file.code.contains("static void main("),
        // What another file imports is a part of that program, unless it says itself that it is one.
        Tongue::Python | Tongue::Node => {
            file.code.contains("__main__")
                || file.code.contains("require.main")
                || !files.iter().any(|other| other.name != file.name && uses(other, file))
        }
    }
}

fn calls<'a>(code: &'a str, call: &str) -> impl Iterator<Item = &'a str> {
    let call = call.to_owned();
    code.match_indices(&call).map(|(at, _)| &code[..at]).collect::<Vec<_>>().into_iter()
}

/// All files of a program.
fn parts(entry: usize, tongue: Tongue, files: &[TextFile]) -> Vec<usize> {
    let mut parts = vec![entry];
    let mut next = 0;
    while let Some(&part) = parts.get(next) {
        next += 1;
        for (place, other) in files.iter().enumerate() {
            let known = parts.contains(&place) || (other.tongue != Some(tongue) && !other.is_header());
            if !known && belongs(&files[part], other, tongue, files) {
                parts.push(place);
            }
        }
    }
    parts
}

/// Whether a file belongs to a program because another one of it does.
fn belongs(part: &TextFile, other: &TextFile, tongue: Tongue, files: &[TextFile]) -> bool {
    match tongue {
        Tongue::Python | Tongue::Node => uses(part, other),
        Tongue::C | Tongue::Cpp => {
            if other.is_header() {
                return includes(part, other);
            }
            // What a header declares stands in the source of its name; what is declared nowhere is found by its name.
            !is_entry(other, tongue, files)
                && !is_old(other.stem())
                && same_tree(part, other)
                && defines_what(part, other)
        }
        Tongue::Rust => {
            // A library is used by the name of its package, which may be another one than that of the entry.
            if other.base() == "lib.rs" && !other.folder().split('/').any(is_old) {
                let names = crate_names(other, files);
                return names.iter().any(|name| part.code.contains(&format!("{name}::")));
            }
            // Modules lie beside the entry or below a folder of their name.
            let root = part.name.rfind("src/").map_or(part.folder(), |at| &part.name[..at + 3]);
            !is_entry(other, tongue, files)
                && other.name.starts_with(root)
                && part.code.contains(&format!(
                    "mod {}",
                    if other.stem() == "mod" { last(other.folder()) } else { other.stem() }
                ))
        }
        Tongue::Go => {
            let is_package = other.folder() == part.folder() || imports(part, other.folder(), files);
            is_package && !is_entry(other, tongue, files) && !other.stem().ends_with("_test")
        }
        Tongue::Java => {
            let below = other.folder().starts_with(&format!("{}/", part.folder()));
            let package = other.package().filter(|_| !other.folder().split('/').any(is_old));
            other.folder() == part.folder()
                || below
                || package.is_some_and(|package| part.code.contains(&format!("import {package}.")))
        }
    }
}

/// Whether a source of Go imports the package that lies in a folder of its module.
fn imports(part: &TextFile, folder: &str, files: &[TextFile]) -> bool {
    let is_above =
        |file: &&TextFile| file.base() == "go.mod" && Path::new(&part.name).starts_with(file.folder());
    let Some(module) = files.iter().filter(is_above).max_by_key(|file| file.folder().len()) else {
        return false;
    };
    let name = module.text.lines().find_map(|line| line.trim().strip_prefix("module "));
    let within = Path::new(folder).strip_prefix(module.folder()).ok().and_then(Path::to_str);
    let (Some(name), Some(within)) = (name, within) else { return false };
    part.text.contains(&format!("\"{}/{within}\"", name.trim()))
}

/// What a library may be called in a source: as its manifest names package or library, or as its folder is called.
fn crate_names(library: &TextFile, files: &[TextFile]) -> Vec<String> {
    let package = library.folder().strip_suffix("src").unwrap_or(library.folder()).trim_end_matches('/');
    let manifest = files.iter().find(|file| file.base() == "Cargo.toml" && file.folder() == package);
    let named = manifest.into_iter().flat_map(|manifest| manifest.text.lines()).filter_map(|line| {
        let value = line.trim().strip_prefix("name")?.trim_start().strip_prefix('=')?;
        Some(value.trim().trim_matches(['"', '\'']).to_owned())
    });
    let names = named.chain((!package.is_empty()).then(|| last(package).to_owned()));
    names.map(|name| name.replace('-', "_")).filter(|name| !name.is_empty()).collect()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn includes(part: &TextFile, header: &TextFile) -> bool {
    part.text.lines().any(|line| {
        line.trim_start().starts_with("#include")
            && line.split('"').nth(1).is_some_and(|path| last(path) == header.base())
    }) && !header.folder().split('/').any(is_old)
}

/// Whether both belong to one tree of sources: an old copy in a subfolder does not.
fn same_tree(part: &TextFile, other: &TextFile) -> bool {
    !other.folder().split('/').any(is_old) || other.folder() == part.folder()
}

/// Whether one file of C defines a function that the other one calls.
fn defines_what(part: &TextFile, other: &TextFile) -> bool {
    functions(&other.code).iter().any(|name| part.code.contains(&format!("{name}(")))
        || part.code.contains(&format!("\"{}\"", other.base()))
}

/// Names of functions that begin at the beginning of a line and have a body.
fn functions(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices('{') {
        let Some(close) = code[..at].trim_end().strip_suffix(')') else { continue };
        let line = close.rfind('\n').map_or(0, |found| found + 1);
        // Arguments may go over lines: the head begins where a line is not indented.
        let head = (0..line).rev().find(|&place| {
            code.as_bytes()[place] == b'\n'
                && code[place + 1..].starts_with(|c: char| c.is_ascii_alphabetic())
        });
        let head = if close[line..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            line
        } else {
            head.map_or(0, |at| at + 1)
        };
        let Some(name) = close.get(head..).and_then(|head| head.split('(').next()) else { continue };
        let name = name.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
        if !name.is_empty() && name != "main" && !close[head..].starts_with("static") {
            found.push(name.to_owned());
        }
    }
    found
}

/// Whether a file imports another one.
fn uses(file: &TextFile, other: &TextFile) -> bool {
    if file.tongue != other.tongue
        || file.name == other.name
        || other.folder().split('/').any(is_old) && file.folder() != other.folder()
    {
        return false;
    }
    let module = if other.base() == "__init__.py" { last(other.folder()) } else { other.stem() };
    // A module of another tree may have the same name: the nearest one is meant.
    let near = file.folder() == other.folder() || module_path(file, other);
    near && match file.tongue {
        Some(Tongue::Python) => file.code.lines().any(|line| {
            let line = line.trim_start();
            (line.starts_with("import ") || line.starts_with("from "))
                && line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == module)
        }),
        Some(Tongue::Node) => ["require(", "from ", "import "].iter().any(|call| {
            file.code.match_indices(call).any(|(at, _)| {
                let path: String =
                    file.code[at + call.len()..].chars().take(120).skip_while(|c| *c == '(').collect();
                let path = path.split(['"', '\'', '`']).nth(1).unwrap_or_default();
                path.starts_with('.')
                    && last(path).trim_end_matches(&format!(".{}", extension(&other.name))) == module
            })
        }),
        _ => false,
    }
}

/// Whether the folder of a module is named where the module is imported: `from net.server import run`.
fn module_path(file: &TextFile, other: &TextFile) -> bool {
    let folder = last(other.folder());
    !folder.is_empty()
        && file.code.lines().any(|line| {
            (line.contains("import ") || line.contains("require("))
                && line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == folder)
        })
        || last(file.folder()) == folder
        // `from ..config import X`, or a folder beside.
        || file.folder().rsplit_once('/').is_some_and(|(parent, _)| parent == other.folder())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(files: &[(&str, &str)]) -> Option<(String, usize)> {
        let mut files: Vec<TextFile> =
            files.iter().map(|(name, text)| TextFile::new((*name).into(), (*text).into())).collect();
        files.sort_by(|one, two| one.name.cmp(&two.name));
        programs(&files).into_iter().next().map(|program| (program.entry, program.files.len()))
    }

    const PROXY: &str = "s.listen(5)\nu.connect(b)\n";

    #[test]
    fn the_proxy_is_the_program_that_listens_and_connects() {
        let files = [
            ("balanceador.py", PROXY),
            ("servidor.py", "if __name__ == '__main__':\n s.listen(5)\n"),
            ("cliente.py", "c.connect(b)\n"),
        ];
        assert_eq!(entry_of(&files), Some(("balanceador.py".into(), 1)));
        let old = [("old/proxy.py", PROXY), ("x.py", PROXY), ("proxy_v1 copia.py", PROXY)];
        assert_eq!(entry_of(&old), Some(("x.py".into(), 1)));
    }

    #[test]
    fn main_and_listen_may_stand_in_several_files() {
        let c = [
            (
                "main.c",
                "#include \"server.h\"\nint main(int argc, char *argv[]) {\n return server_start(1);\n}\n",
            ),
            ("server.h", "int server_start(int port);\n"),
            ("server.c", "int server_start(int port) {\n listen(fd, 5); forward(c);\n}\n"),
            ("up.c", "static int x(void) { }\nint forward(int c) {\n connect(fd, a, b);\n}\n"),
            ("other.c", "int main(void) { listen(fd, 5); }\n"),
        ];
        assert_eq!(entry_of(&c), Some(("main.c".into(), 4)));
        let python = [
            ("main.py", "from net.server import run\nrun()\n"),
            ("net/server.py", PROXY),
            ("net/__init__.py", ""),
        ];
        assert_eq!(entry_of(&python).map(|found| found.0), Some("main.py".into()));
        let rust = [
            ("src/main.rs", "mod a;\nfn main() { a::run() }"),
            ("src/a.rs", "TcpListener TcpStream::connect("),
        ];
        assert_eq!(entry_of(&rust), Some(("src/main.rs".into(), 2)));
        let mio = [
            (
                "src/main.rs",
                "use mio::net::{TcpListener, TcpStream};\nfn main() { mio::net::TcpListener::bind(a); TcpStream::connect(b); }",
            ),
            ("backend/src/main.rs", "use mio::net::TcpListener;\nfn main() { TcpListener::bind(a); }"),
        ];
        assert_eq!(entry_of(&mio), Some(("src/main.rs".into(), 1)));
        let workspace = [
            ("Cargo.toml", "[workspace]\nmembers = [\"nucleo\", \"servidor\"]"),
            ("nucleo/Cargo.toml", "[package]\nname = \"pibl-core\""),
            ("nucleo/src/lib.rs", "pub mod red;"),
            ("nucleo/src/red.rs", "TcpListener TcpStream::connect("),
            ("servidor/Cargo.toml", "[package]\nname = \"servidor\""),
            ("servidor/src/main.rs", "use pibl_core::red;\nfn main() { red::run() }"),
        ];
        assert_eq!(entry_of(&workspace), Some(("servidor/src/main.rs".into(), 3)));
    }
}
