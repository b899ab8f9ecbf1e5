//! What a cause rests on, in words: what the program printed or did, and the line that it names.
//!
//! Every page that names a cause prints them below it. The facts are those of `harness-judge`; nothing is concluded here.

use super::{InWords as _, Language, Milliseconds};
use crate::words;
use harness_judge::check::{Basis, Fact, Named, Tried};
use harness_judge::last_words::Spoke;
use harness_model::history::{Call, NotWatched};

crate::messages! {
    /// Label of the line that is named.
    pub fn the_line() { en: "line", es: "línea" }
    /// Label of what supports a cause.
    pub fn supports() { en: "supported by", es: "lo sustenta" }
    /// Nothing in the run speaks against a cause.
    pub fn nothing_refutes() { en: "nothing in this run speaks against it", es: "nada en esta corrida lo contradice" }
    /// No cause fits.
    pub fn no_cause() {
        en: "the cause was not found; what was seen stands here",
        es: "no se encontró la causa; aquí queda lo que se vio",
    }
    /// The failure did not show while the program was watched.
    pub fn not_again() {
        en: "repeated with the program watched, it did not fail again: it depends on time or chance",
        es: "al repetirla observando el programa no volvió a fallar: depende del tiempo o del azar",
    }
    /// Label of a change that was tried.
    pub fn the_change() { en: "change", es: "cambio" }
    fn mended_by_it() {
        en: "tried in a copy of the program: changed like this, the check passes",
        es: "se probó en una copia del programa: con este cambio la verificación se cumple",
    }
    fn not_mended_by_it() {
        en: "tried in a copy of the program: changed like this it fails as before, so that was not the cause",
        es: "se probó en una copia del programa: con este cambio sigue sin cumplir, así que esa no era la causa",
    }
    fn not_by_it_alone() {
        en: "tried in a copy of the program: changed like this alone it still fails, so there is more to mend",
        es: "se probó en una copia del programa: solo con este cambio sigue sin cumplir, así que hay más por corregir",
    }
    fn undecided_with_it() {
        en: "tried in a copy of the program: what the check came to with this change is open",
        es: "se probó en una copia del programa: con este cambio la verificación quedó sin decidir",
    }
    /// Heading of what the program printed.
    pub fn printed_meanwhile() {
        en: "What the program printed meanwhile", es: "Lo que el programa escribió mientras tanto",
    }
    /// Heading of the calls of a watched program.
    pub fn what_it_did() {
        en: "What the program did while it failed again", es: "Lo que hizo el programa mientras no cumplía otra vez",
    }
    /// Head of a column: what goes between clients and the program.
    pub fn with_client() { en: "client ⇄ proxy", es: "cliente ⇄ proxy" }
    /// Head of a column: what the program does with nobody.
    pub fn in_program() { en: "in the program", es: "en el programa" }
    /// Head of a column: what goes between the program and its backends.
    pub fn with_backend() { en: "proxy ⇄ backend", es: "proxy ⇄ backend" }
    /// Head of a column: what goes between the program and its files.
    pub fn with_disk() { en: "proxy ⇄ disk", es: "proxy ⇄ disco" }
    /// A line with its function.
    pub fn in_function(place: &str, function: &str) { en: "{place}, in {function}", es: "{place}, en {function}" }
    fn said_once(kind: &str, what: &str) { en: "the program printed {kind}: {what}", es: "el programa escribió {kind}: {what}" }
    fn said_often(kind: &str, what: &str, times: u64) {
        en: "the program printed {kind} {times} times: {what}", es: "el programa escribió {times} veces {kind}: {what}",
    }
    fn at(text: &str, place: &str) { en: "{text} ({place})", es: "{text} ({place})" }
    fn ended_by(signal: &str) { en: "{signal} ended the process", es: "{signal} terminó el proceso" }
    fn not_taken(connections: u64, waited: Milliseconds) {
        en: "connections that waited to be taken: {connections}, each at least {waited}",
        es: "conexiones que esperaron a que se las aceptara: {connections}, cada una al menos {waited}",
    }
    fn never_called(call: &str) { en: "while it was watched there was no {call}", es: "mientras se lo observaba no hubo ningún {call}" }
    fn called(call: &str, times: u64) { en: "{call}, seen {times} times", es: "{call}, visto {times} veces" }
    fn called_once(call: &str) { en: "{call}, seen once", es: "{call}, visto una vez" }
}

words!(Basis {
    Basis::Printed => { en: "printed by the program itself", es: "la escribió el propio programa" },
    Basis::Watched => { en: "seen while the program was watched", es: "vista al observar el programa" },
    Basis::Read => { en: "perhaps: read in the source by what such a mistake looks like, and not seen", es: "quizás: leída en el código por la forma de un error así, y no observada" },
    Basis::Tried => { en: "changed in a copy of the program, the check passes", es: "cambiada en una copia del programa, la verificación se cumple" },
});

words!(Spoke {
    Spoke::Exception => { en: "an exception", es: "una excepción" },
    Spoke::Panic => { en: "a panic", es: "un panic" },
    Spoke::Abort => { en: "an abort of the C library", es: "un aborto de la biblioteca de C" },
    Spoke::Sanitizer => { en: "a report of a sanitizer", es: "un informe de un sanitizer" },
});

words!(NotWatched {
    NotWatched::NoTracer => {
        en: "the program was not watched, because `strace` is missing here: install it (on Debian and Ubuntu `apt-get install strace`)",
        es: "no se observó el programa, porque aquí falta `strace`: conviene instalarlo (en Debian y Ubuntu, `apt-get install strace`)"
    },
    NotWatched::NotAllowed => {
        en: "the program was not watched, because this system lets no process trace another (ptrace): in a container add `--cap-add SYS_PTRACE`",
        es: "no se observó el programa, porque este sistema no deja que un proceso siga a otro (ptrace): en un contenedor conviene agregar `--cap-add SYS_PTRACE`"
    },
    NotWatched::NothingSeen => {
        en: "the program was watched, and none of its calls was seen",
        es: "se observó el programa y no se vio ninguna de sus llamadas"
    },
});

/// A call as programmers write it: `listen(…, 5)`.
pub fn call_words(call: Call, subject: &str, figure: Option<i64>, error: Option<&str>) -> String {
    let name = match call {
        Call::Bind => "bind",
        Call::Listen => "listen",
        Call::SetOption => "setsockopt",
        Call::Accept => "accept",
        Call::Connect => "connect",
        Call::Receive => "recv",
        Call::Send => "send",
        Call::Close => "close",
        Call::Shutdown => "shutdown",
        Call::OpenToRead | Call::OpenToWrite | Call::OpenToAppend => "open",
        Call::Read => "read",
        Call::Write => "write",
        Call::Rename => "rename",
        Call::Remove => "unlink",
        Call::Thread => "thread",
        Call::Fork => "fork",
        Call::Execute => "exec",
        Call::Exit => "exit",
        Call::Signal => "signal",
        Call::Exception => "exception",
    };
    let mut text = match (call, figure) {
        (Call::Listen | Call::SetOption, Some(figure)) if subject.is_empty() => format!("{name}({figure})"),
        (Call::Listen | Call::SetOption, Some(figure)) => format!("{name}({subject}, {figure})"),
        (_, Some(figure)) => format!("{name}({subject}) = {figure}"),
        (_, None) if subject.is_empty() => name.to_owned(),
        (_, None) => format!("{name}({subject})"),
    };
    if let Some(error) = error {
        text = format!("{text}: {error}");
    }
    text
}

/// A fact as a sentence without a full stop.
pub fn fact(fact: &Fact, language: Language) -> String {
    match fact {
        Fact::Said { kind, what, times, place } => {
            let kind = kind.in_words(language);
            let said = match times {
                1 => said_once(language, &kind, what),
                times => said_often(language, &kind, what, *times),
            };
            place.as_ref().map_or(said.clone(), |place| at(language, &said, &place.to_string()))
        }
        Fact::EndedBySignal { signal } => {
            let name = match signal {
                4 => "SIGILL",
                6 => "SIGABRT",
                7 => "SIGBUS",
                8 => "SIGFPE",
                11 => "SIGSEGV",
                13 => "SIGPIPE",
                _ => "",
            };
            let name = if name.is_empty() { format!("signal {signal}") } else { name.to_owned() };
            ended_by(language, &name)
        }
        Fact::NotTaken { connections, waited_ms } => {
            not_taken(language, *connections, Milliseconds(*waited_ms))
        }
        Fact::Called { call, subject, figure, error, times, place } => {
            let call = call_words(*call, subject, *figure, error.as_deref());
            let said =
                if *times == 1 { called_once(language, &call) } else { called(language, &call, *times) };
            place.as_ref().map_or(said.clone(), |place| at(language, &said, &place.to_string()))
        }
        Fact::NeverCalled { call, subject } => {
            never_called(language, &call_words(*call, subject, None, None))
        }
    }
}

/// The line that is named, with its function.
pub fn place_of(named: &Named, language: Language) -> String {
    let place = named.place.to_string();
    match &named.place.function {
        Some(function) => in_function(language, &place, function),
        None => place,
    }
}

/// What came of a change that was tried.
pub fn tried(tried: &Tried, language: Language) -> String {
    match tried.passes {
        Some(true) => mended_by_it(language),
        Some(false) if tried.change.decisive => not_mended_by_it(language),
        Some(false) => not_by_it_alone(language),
        None => undecided_with_it(language),
    }
}
