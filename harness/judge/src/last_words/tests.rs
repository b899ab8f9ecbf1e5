//! Last words as interpreters, compilers and libraries of 2026 print them.

use super::{Spoke, spoken};
use harness_model::history::{SourceFile, SourceTree};

fn tree(files: &[&str]) -> SourceTree {
    let file = |path: &&str| SourceFile { path: (*path).to_owned(), text: "x\n".repeat(200) };
    SourceTree { root: "/tmp/copy".into(), files: files.iter().map(file).collect() }
}

const THREAD: &str = r#"escuchando en 8080
Exception in thread Thread-7 (atender):
Traceback (most recent call last):
  File "/usr/lib/python3.11/threading.py", line 1038, in _bootstrap_inner
    self.run()
  File "/tmp/copy/proxy.py", line 88, in atender
    enviar(cliente, cuerpo)
    ^^^^^^^^^^^^^^^^^^^^^^^
  File "/tmp/copy/red/enviar.py", line 12, in enviar
    sock.sendall(datos)
BrokenPipeError: [Errno 32] Broken pipe
GET /otra 200
"#;

#[test]
fn the_innermost_own_line_of_a_traceback_is_named_with_its_thread() {
    let words = spoken(THREAD.as_bytes());
    assert_eq!(words.len(), 1);
    let one = &words[0];
    assert_eq!((one.kind, one.name()), (Spoke::Exception, "BrokenPipeError"));
    assert_eq!(one.thread.as_deref(), Some("Thread-7 (atender)"));
    let text = &THREAD[one.from..one.until];
    assert!(text.starts_with("Exception in thread") && text.ends_with("Broken pipe"), "{text}");
    let place = one.place(&tree(&["proxy.py", "red/enviar.py"])).unwrap();
    assert_eq!((place.to_string().as_str(), place.function.as_deref()), ("red/enviar.py:12", Some("enviar")));
    assert_eq!(
        one.place(&tree(&["proxy.py"])).unwrap().to_string(),
        "proxy.py:88",
        "a library is not the team's"
    );
    assert_eq!(one.place(&tree(&["otro.py"])), None);
}

#[test]
fn of_a_chain_the_exception_that_nobody_caught_is_named() {
    let text = "Traceback (most recent call last):\n  File \"proxy.py\", line 3, in a\n    int('x')\nValueError: invalid\n\n\
                During handling of the above exception, another exception occurred:\n\n\
                Traceback (most recent call last):\n  File \"proxy.py\", line 5, in a\n    fin()\nNameError: name 'fin' is not defined\nnext\n";
    let words = spoken(text.as_bytes());
    assert_eq!(words.len(), 1);
    assert_eq!((words[0].name(), words[0].frames[0].line), ("NameError", 5));
    assert!(text[..words[0].until].ends_with("is not defined"));
}

#[test]
fn panics_of_rust_are_read_in_their_old_and_new_shape() {
    let text = "thread 'main' panicked at src/main.rs:88:5:\ncalled `Result::unwrap()` on an `Err` value: BrokenPipe\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\
                thread '<unnamed>' panicked at 'index out of bounds: the len is 0', src/http.rs:12:9\n\
                thread 'w' (71) panicked at proxy/src/lib.rs:7:1:\nboom\n";
    let words = spoken(text.as_bytes());
    let told: Vec<(&str, u32, &str)> = words
        .iter()
        .map(|one| (one.frames[0].file.as_str(), one.frames[0].line, one.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("src/main.rs", 88, "called `Result::unwrap()` on an `Err` value: BrokenPipe"),
            ("src/http.rs", 12, "index out of bounds: the len is 0"),
            ("proxy/src/lib.rs", 7, "boom"),
        ]
    );
}

#[test]
fn a_panic_in_the_library_leads_to_the_own_line_of_its_backtrace() {
    let text = "thread 'main' panicked at /rustc/abc/library/core/src/option.rs:4:5:\nboom\nstack backtrace:\n   0: core::panicking::panic\n             at /rustc/abc/library/core/src/panicking.rs:72:14\n   1: proxy::serve\n             at ./src/main.rs:41:9\n";
    assert_eq!(
        spoken(text.as_bytes())[0].place(&tree(&["src/main.rs"])).unwrap().to_string(),
        "src/main.rs:41"
    );
}

#[test]
fn sanitizers_aborts_and_assertions_are_told_apart() {
    let asan = "=================================================================\n==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60\nWRITE of size 4 at 0x60 thread T0\n    #0 0x7f in memcpy (/lib/libasan.so+0x1)\n    #1 0x4f in guardar /tmp/copy/src/cache.c:42:5\n    #2 0x50 in main /tmp/copy/src/main.c:9\n\n0x60 is located 0 bytes after\n    #0 0x1 in malloc /tmp/copy/src/otro.c:1\n";
    let words = spoken(asan.as_bytes());
    assert_eq!((words.len(), words[0].kind), (1, Spoke::Sanitizer));
    let source = tree(&["src/cache.c", "src/main.c", "src/otro.c"]);
    assert_eq!(words[0].place(&source).unwrap().to_string(), "src/cache.c:42");
    for (text, place) in [
        ("free(): invalid pointer\n", None),
        ("*** stack smashing detected ***: terminated\n", None),
        ("proxy: src/cache.c:17: guardar: Assertion `n > 0' failed.\n", Some("src/cache.c:17")),
    ] {
        let words = spoken(text.as_bytes());
        assert_eq!((words.len(), words[0].kind), (1, Spoke::Abort), "{text}");
        assert_eq!(words[0].place(&source).map(|place| place.to_string()).as_deref(), place);
    }
    let ubsan = spoken(b"src/cache.c:9:3: runtime error: signed integer overflow\n");
    assert_eq!(ubsan[0].place(&source).unwrap().to_string(), "src/cache.c:9");
}

#[test]
fn go_node_and_java_are_read_too() {
    let go = "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 18 [running]:\nmain.(*Balancer).Next(0xc0000)\n\t/tmp/copy/balancer.go:31 +0x1d\nmain.handle(...)\n\t/tmp/copy/main.go:90\n\nexit status 2\n";
    assert_eq!(
        spoken(go.as_bytes())[0].place(&tree(&["balancer.go"])).unwrap().to_string(),
        "balancer.go:31"
    );
    let node = "node:internal/errors:496\n    ErrorCaptureStackTrace(err);\nTypeError [ERR_INVALID]: The \"chunk\" argument\n    at write (node:stream:1:2)\n    at ServerResponse.end (/tmp/copy/src/proxy.js:77:13)\n";
    assert_eq!(spoken(node.as_bytes())[0].place(&tree(&["src/proxy.js"])).unwrap().line, 77);
    let java = "Exception in thread \"pool-1-thread-4\" java.net.SocketException: Broken pipe\n\tat java.base/sun.nio.ch.NioSocketImpl.write(NioSocketImpl.java:420)\n\tat Proxy.atender(Proxy.java:66)\n";
    let words = spoken(java.as_bytes());
    assert_eq!(words[0].thread.as_deref(), Some("pool-1-thread-4"));
    assert_eq!(words[0].place(&tree(&["src/Proxy.java"])).unwrap().to_string(), "src/Proxy.java:66");
}

#[test]
fn what_only_looks_like_last_words_is_none() {
    for text in [
        "GET /panic: 200\n",
        "Error: no config, using defaults\nlistening\n",
        "Traceback (most recent call last):\n",
        "WARNING: AddressSanitizer is not used here\n",
        "thread 'main' is ready\n",
        "\u{0}\u{1}binary\n",
    ] {
        assert!(spoken(text.as_bytes()).is_empty(), "{text}");
    }
    assert!(spoken(&[0xff, 0xfe, b'\n', 0x80]).is_empty());
}

#[test]
fn a_program_that_throws_without_end_is_read_to_a_bound() {
    let text = THREAD.repeat(3_000);
    assert_eq!(spoken(text.as_bytes()).len(), super::MOST);
}
