//! What a mistake looks like in the source: for each cause, which line of a program would be the one.
//!
//! A line found here is read, not measured: reports say so. A rule gives points to a line; the best one is named where it has enough
//! of them. Rules about the cache stand in `cache_rules`.

use super::cache_rules;
use super::look::{LOG, Look, RECEIVE, THREADS, TURN, numbers, yes};
use super::program::Program;
use crate::check::Cause;

/// Points that a line needs to be named.
const ENOUGH: i32 = 3;

/// The line that a cause would be at, where the source has one that looks like it.
pub(super) fn line_of(cause: Cause, program: &Program<'_>, port: Option<u16>) -> Option<usize> {
    let points = |position: usize| {
        let look = Look::at(program, position, port);
        points(cause, &look).max(cache_rules::points(cause, &look))
    };
    let best = (0..program.lines.len()).map(|position| (points(position), position));
    let (points, position) = best.max_by_key(|(points, position)| (*points, std::cmp::Reverse(*position)))?;
    (points >= ENOUGH).then_some(position)
}

/// Whether the source speaks against a cause.
pub(super) fn refuted(cause: Cause, program: &Program<'_>) -> bool {
    const REUSES: &str = "so_reuseaddr|so_reuseport|reuse_port=true|allow_reuse_address = true|allow_reuse_address=true|tcplistener::bind|net.listen(\"tcp";
    match cause {
        Cause::PortNotReusable => program.any(REUSES),
        _ => false,
    }
}

fn points(cause: Cause, look: &Look<'_>) -> i32 {
    match cause {
        Cause::BacklogTooShort => {
            yes(look.has("listen(") && !look.defines(), 4) + yes(numbers(look.text).any(|n| n < 128), 2)
        }
        Cause::ServedOneByOne => {
            let pool = look
                .has("max_workers|threadpool|semaphore|newfixedthreadpool|num_threads|n_hilos|hilos =")
                && numbers(look.text).any(|n| n < 16);
            let accepts = look.has("accept(|.incoming()|.accept()|acceptor");
            yes(pool, 6) + yes(accepts && !look.program.any(THREADS), 5) + yes(accepts && look.in_loop(), 2)
        }
        Cause::PortNotReusable => {
            yes(
                look.has("bind(|tcpserver|httpserver") && !look.defines() && !look.text.starts_with("class "),
                5,
            ) + yes(look.text.starts_with("class ") && look.has("tcpserver|httpserver"), 6)
        }
        Cause::PickedAtRandom => yes(
            look.has("random.|rand()|rand::|rng|math.random|rand.intn|randint|random_range|srand|choice(")
                && !look.has("import|use |#include|srand"),
            5,
        ),
        Cause::UnlockedCounter => {
            let steps = look.has("+= 1|++|+ 1)|+1)|+ 1 |fetch_add") || look.text.contains('%');
            yes(steps && look.has(TURN), 4) + yes(look.text.contains('%'), 2) + yes(look.inside(TURN), 1)
        }
        Cause::PartOfTheList => {
            let turn = look.text.contains('%') && (look.has(TURN) || look.has("len(|size|count|num|n_"));
            let part = look.has("[0]|[:|- 1)|-1)|% 2|% 3|%3|%2|get(0)|.first()");
            let backends = look.has("backend|servidor|server|destino|upstream|origen") || look.has(TURN);
            yes(turn, 3) + yes(part && backends, 3)
        }
        Cause::TurnTakenTwice => {
            const TAKES: &str = "siguiente(|next(|elegir(|turno(|pick(|next_backend(|choose(|escoger(";
            let twice = look.has(TAKES) && !look.defines() && look.times_in_function(TAKES) > 1;
            yes(twice, 7)
        }
        Cause::TurnPerConnection => {
            let steps = look.text.contains('%') && look.has(TURN);
            let chosen = look.has("eleg|siguiente|next_backend|next(|pick|escog|select|balance|turno|getbackend|get_backend|obtener_servidor") && look.text.contains('(')
                && look.text.contains('=');
            yes(chosen && !look.inside("eleg|siguiente|next|pick|escog|select|balance"), 5) + yes(steps, 3)
        }
        Cause::ListInSource => {
            let address = look.has("127.0.0.|localhost|192.168.|\"10.|'10.|172.|ec2-");
            yes(address, 3)
                + yes(
                    look.has("backend|servidor|server|destino|origen|upstream")
                        || look.near("backend|servidor|server|upstream", 2),
                    2,
                )
                + yes(look.has("[|{|("), 1)
                - yes(look.has("bind(|listen"), 3)
        }
        Cause::PortInSource => {
            let told = look.port.map(|port| port.to_string());
            let number = told.as_deref().is_some_and(|port| look.text.contains(port));
            let constant =
                look.has("port|puerto") && look.has("=|define|const ") && numbers(look.text).any(|n| n > 999);
            yes(number, 4) + yes(constant, 3) + yes(look.has("bind("), 2)
        }
        Cause::FirstReadOnly | Cause::PassedOnIncompletely | Cause::ChunksNotRead => {
            let from_client = look.has("cli|conn|fd|sock|stream")
                || look.inside("peticion|request|atiend|atender|handle|client|manej");
            let from_backend = look.has("back|serv|up|origen|remot|dest")
                || look.inside("backend|reenv|forward|servidor|origen|upstream|respuesta");
            let side = if cause == Cause::PassedOnIncompletely {
                from_backend
            } else {
                from_client && !look.has("back|upstream|origen|remot")
            };
            let once = !look.in_loop() || look.in_accept_loop_only();
            let reads = look.has(RECEIVE) && !look.has("open(|file|arch|def |fn ");
            yes(reads, 2) + yes(reads && side, 1) + yes(reads && once, 2)
        }
        Cause::WaitsForClose => {
            let from_backend = look.has("back|serv|up|origen|remot|dest")
                || look.inside("backend|reenv|forward|servidor|origen|upstream|respuesta|pedir");
            let reads = look.has(RECEIVE) && !look.has("open(|file|arch|def |fn ");
            let until_end = reads && (look.in_loop() || look.has("read_to_end|readall|io.readall|copy("));
            yes(until_end, 3) + yes(until_end && from_backend, 2)
        }
        Cause::NeverCloses => {
            yes(look.has("sendall(|send(|write_all(|write(") && look.inside("atend|handle|client|manej"), 3)
        }
        Cause::BackendErrorIgnored => {
            let connects = look.has("connect(|tcpstream::connect|net.dial|createconnection|http.request|connect_timeout|create_connection");
            yes(connects && !look.text.starts_with("def ") && !look.text.starts_with("fn "), 5)
                + yes(look.text.contains('?') || look.has("unwrap|expect("), 1)
        }
        Cause::LogNotWritten | Cause::HalfLogged | Cause::LogOfOneBranch => {
            let opens = look.has("open(|fopen(|openoptions|file::create|os.openfile|basicconfig|filehandler")
                && look.has(LOG);
            let kept = look.inside(LOG) && look.has(".append(|.push(|+= |atexit");
            yes(opens, 3)
                + yes(look.inside(LOG) && look.has("write|print|fprintf"), 3)
                + yes(kept, 5)
                + yes(look.has("atexit|signal(sigint|on('exit'|on(\"exit\"") && look.near(LOG, 2), 4)
        }
        Cause::BrokenPipe => {
            yes(look.has("send(|write(|write_all(") && !look.of_log(), 2)
                + yes(look.has("cli|conn|fd|sock"), 2)
        }
        Cause::SentTwice => {
            yes(look.has("sendall(|send(|write_all(") && look.has("back|serv|up|origen|dest"), 3)
                + yes(look.has("reintent|retry|intento|attempt") && look.has("for |while|range("), 5)
        }
        Cause::RequestRebuilt | Cause::BodilessIgnored => {
            let builds = look.has("http/1.1|http/1.0")
                && look.has("get|{|%s|method|metodo|método|+")
                && !look.has("200|50|40|==|startswith");
            yes(builds, 5)
        }
        Cause::AnswerRebuilt => {
            yes(look.has("http/1.1 |http/1.0 ") && look.has("200|{|%s|%d|status|ok") && !look.has("50|40"), 5)
        }
        // What is read into a buffer without its size.
        Cause::MemoryFault => {
            let unbounded = look.has("sscanf(|scanf(") && look.has("%s");
            yes(unbounded, 6)
                + yes(look.has("strcpy(|strcat(|sprintf(|gets("), 4)
                + yes(look.has("memcpy("), 3)
        }
        Cause::ExceptionUncaught | Cause::UnhandledEvent => yes(look.has("createserver("), 3),
        _ => 0,
    }
}
