//! What a mistake looks like in the source: for each cause, which line of a program would be the one.
//!
//! A line found here is read, not measured: reports say so. A rule gives points to a line; the best one is named where it has enough
//! of them. Rules about the cache stand in `cache_rules`.

use super::cache_rules;
use super::look::{LOG, Look, RECEIVE, THREADS, numbers, speaks_of_turns, takes_remainder, yes};
use super::program::Program;
use crate::check::Cause;
use harness_model::history::SourcePlace;

/// Names of functions that choose a backend.
const CHOOSES: &str = "eleg|siguiente|next|pick|escog|choose|balance|select";

/// Points that a line needs to be named.
const ENOUGH: i32 = 3;

/// Lines so near are one place.
const NEAR: u32 = 6;

/// A line that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Which.
    pub(super) position: usize,
    /// It was on the way to the calls that the cause is about, while the program was watched.
    pub(super) seen: bool,
}

/// The line that a cause would be at, where the source has one that looks like it. `ways` are lines that the program was seen to go: of
/// several that look alike, it is one of those. Where two look alike and nothing was seen, none is named.
pub(super) fn line_of(
    cause: Cause,
    program: &Program<'_>,
    port: Option<u16>,
    ways: &[Vec<&SourcePlace>],
) -> Option<Found> {
    let gone = |position: usize| {
        let place = program.place(position);
        let steps = || ways.iter().flatten().filter(|step| step.file == place.file);
        let exact = steps().any(|step| step.line == place.line);
        // A function is as far as it goes from its first line that was seen to its last.
        let inside = steps().any(|step| program.same_function(position, step));
        (exact, inside)
    };
    let points = |position: usize| {
        let look = Look::at(program, position, port);
        let looks = points(cause, &look).max(cache_rules::points(cause, &look));
        let (exact, inside) = gone(position);
        (looks, looks + yes(exact, 3) + yes(inside, 2))
    };
    let all: Vec<(usize, i32)> = (0..program.lines.len())
        .map(|position| (position, points(position)))
        .filter(|(_, (looks, _))| *looks >= ENOUGH)
        .map(|(position, (_, points))| (position, points))
        .collect();
    let most = all.iter().map(|(_, points)| *points).max()?;
    let mut best = all.iter().filter(|(_, points)| *points == most).map(|(position, _)| *position);
    let first = best.next()?;
    let elsewhere = |other: usize| {
        let (other, first) = (&program.lines[other], &program.lines[first]);
        other.file != first.file || other.number - first.number > NEAR
    };
    // Two lines that take a turn are what is wrong with it.
    if cause != Cause::TurnTakenTwice && best.any(elsewhere) {
        return None;
    }
    Some(Found { position: first, seen: gone(first).0 })
}

/// Where something is stored that should not be: the line that calls what stores, on the way that the program was seen to go.
pub(super) fn caller_of_what_stores(cause: Cause, ways: &[Vec<&SourcePlace>]) -> Option<SourcePlace> {
    let stores = matches!(
        cause,
        Cause::StatusNotLookedAt | Cause::DirectivesIgnored | Cause::PartOfAnswerStored | Cause::PartStored
    );
    const STORES: &str =
        "guard|store|put|set|almac|save|escrib|write|cache|meter|add|insert|anot|copia|persist|disco|disk";
    let is_store = |place: &SourcePlace| {
        let function = place.function.as_deref().unwrap_or_default().to_lowercase();
        STORES.split('|').any(|word| function.contains(word))
    };
    let way = ways.first().filter(|_| stores)?;
    way.iter().skip(1).find(|place| !is_store(place)).map(|place| (*place).clone())
}

/// Whether the source speaks against a cause.
pub(super) fn refuted(cause: Cause, program: &Program<'_>) -> bool {
    const REUSES: &str = "so_reuseaddr|so_reuseport|reuse_port=true|allow_reuse_address = true|allow_reuse_address=true|tcplistener::bind|net.listen(\"tcp";
    const DRAWS: &str = "rand|shuffle|choice|uuid|time|getpid|hash";
    const AT_ONCE: &str = "thread|fork|spawn|go |executor|rayon|multiprocessing|process|clone(|async|worker";
    match cause {
        Cause::PortNotReusable => program.any(REUSES),
        // Who draws lots calls something that draws them, and who races has somebody to race with.
        Cause::PickedAtRandom => !program.lines.is_empty() && !program.any(DRAWS),
        Cause::UnlockedCounter => !program.lines.is_empty() && !program.any(AT_ONCE),
        _ => false,
    }
}

const BACKENDS: &str = "backend|servidor|server|destino|upstream|origen|granja|nodo";

/// Whether a line reads from a connection; who opens a file in the same function reads that, unless the call is one of sockets alone.
fn reads_connection(look: &Look<'_>) -> bool {
    let opens = look.times_in_function("open(|file::open") > 0 && !look.has("recv");
    look.has(RECEIVE) && !look.has("open(|file|arch|def |fn ") && !opens
}

/// Whether a line reads words of a bounded length: `%255s`.
fn scans_so_many(text: &str) -> bool {
    text.split('%').skip(1).any(|rest| {
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        digits > 1 && rest[digits..].starts_with('s')
    })
}

/// Whether a line counts to two, three or four where backends are meant.
fn counts_few(look: &Look<'_>) -> bool {
    let loops = look.text.starts_with("for ") || look.text.starts_with("for(") || look.has("while |take(|[:");
    let few = look.has(
        "1..=2|1..=3|1..=4|0..2|0..3|0..4|range(2)|range(3)|range(4)|range(1, 3)|range(1, 4)|range(1, 5)|range(1,4)|< 2;|< 3;|< 4;|<= 3;|[:2]|[:3]|[:4]|take(2)|take(3)|take(4)",
    );
    loops && few && (look.has(BACKENDS) || look.near(BACKENDS, 4))
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
            // Who has threads and serves one by one holds a lock meanwhile: in what handles a request, and not around a line of the log.
            let locks = look.has(".lock()|.acquire()|with lock|with cerrojo|with candado|with mutex|_lock:|mutex_lock(|synchronized")
                && !look.of_log()
                && !look.defines();
            let handles =
                look.inside("atend|handle|client|manej|serve|serv|procesa|worker|respond|peticion|request");
            yes(pool, 6)
                + yes(locks && look.program.any(THREADS), 3)
                + yes(locks && handles, 2)
                + yes(accepts && !look.program.any(THREADS), 5)
                + yes(accepts && look.in_loop(), 2)
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
            let steps = look.has("+= 1|++|+ 1)|+1)|+ 1 |fetch_add") || look.modulo();
            yes(steps && look.of_turn(), 4)
                + yes(steps && look.modulo(), 2)
                + yes(steps && look.inside(CHOOSES), 1)
                - yes(look.of_log(), 4)
        }
        Cause::PartOfTheList => {
            let turn = look.modulo() && (look.of_turn() || look.has("len(|size|count|num|n_"));
            let part = look.has("[0]|[:|- 1)|-1)|% 2|% 3|%3|%2|get(0)|.first()");
            let backends = look.has(BACKENDS) || look.of_turn();
            // A turn that goes on from another place than the first.
            let wraps = look.inside(CHOOSES) && look.has("= 1;|= 2;|= 1 }") && look.of_turn();
            yes(turn, 3) + yes(part && backends, 3) + yes(counts_few(look), 7) + yes(wraps, 7)
        }
        Cause::TurnTakenTwice => {
            const TAKES: &str = "siguiente(|elegir(|turno(|pick(|next_backend(|next_server(|choose(|escoger(|get_backend(|get_server(|tomar_turno(|turnos.next(|rr.next(|balancer.next(";
            let twice = look.has(TAKES) && !look.defines() && look.times_in_function(TAKES) > 1;
            // Or one line, in what a request calls and in what it calls itself.
            let moves = look.of_turn() && look.has("+= 2|+ 2)|+2)");
            // Or moved on in two places, of which one is not the choice itself.
            let advances = |text: &str| {
                takes_remainder(text)
                    && text.contains('=')
                    && ["+ 1", "+1", "++"].iter().any(|step| text.contains(step))
                    && speaks_of_turns(text)
            };
            let places = look.program.lines.iter().filter(|line| advances(&line.text)).count();
            let second = advances(look.text) && places > 1 && !look.inside(CHOOSES);
            yes(twice, 7) + yes(moves, 7) + yes(second, 7)
        }
        Cause::TurnPerConnection => {
            const TAKES: &str =
                "eleg|siguiente|next|pick|escog|select(|turno|backend|servidor|destino|server|mine";
            let takes = look.has("fetch_add|+= 1|++|+ 1)|siguiente(|turnos.next(|rr.next(|elegir|pick|escog|choose|turno|next_backend|next_server")
                && look.has(TAKES)
                && (look.text.contains('(') || look.text.contains('%'));
            let chosen =
                takes && look.has("=") && !look.defines() && !look.has("==|parse|split|lines(|header|len(");
            let chooser = look.inside(CHOOSES);
            // Once for the connection: in front of the loop over its requests, or beside accept.
            let once = !look.in_loop() || look.in_accept_loop_only();
            yes(chosen && !chooser, 4) + yes(chosen && !chooser && once, 3)
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
                + yes(counts_few(look), 6)
                - yes(look.has("bind(|listen"), 3)
        }
        Cause::PortInSource => {
            let told = look.port.map(|port| port.to_string());
            let number = told.as_deref().is_some_and(|port| look.text.contains(port));
            let constant =
                look.has("port|puerto") && look.has("=|define|const ") && numbers(look.text).any(|n| n > 999);
            yes(number, 4) + yes(constant, 3) + yes(look.has("bind("), 2)
        }
        // The length of a request is looked at in one place, and its coding in none.
        Cause::ChunksNotRead if look.has("content-length") && !look.has("pop|not in|quit|del |skip|==") => {
            let of_request =
                look.has("self.headers|pet|req|cab|head") && !look.has("resp|answer|backend|getheader(");
            yes(of_request, 4) + yes(look.has("int(|parse|atoi|atol|strtol|get(|valor(|campo("), 2)
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
            let loops = look.text.starts_with("while ") || look.text.starts_with("for ");
            let once = (!look.in_loop() || look.in_accept_loop_only()) && !loops;
            let reads = reads_connection(look);
            yes(reads, 2) + yes(reads && side, 1) + yes(reads && once, 2)
        }
        Cause::WaitsForClose => {
            let from_backend = look.has("back|serv|up|origen|remot|dest")
                || look.inside("backend|reenv|forward|servidor|origen|upstream|respuesta|pedir");
            let reads = reads_connection(look);
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
                + yes(look.inside(LOG) && look.has("write|print|fprintf") && !look.has("snprintf|sprintf"), 3)
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
            // The target without its query, or as much of it as a buffer holds.
            let cuts = look.has(
                "urlparse(|urlsplit(|split('?')|split(\"?\")|partition('?')|partition(\"?\")|split_once('?')",
            ) && (look.has("path|[0]|target|ruta|url") || look.near("path|target|ruta|url", 1));
            let scans = look.has("scanf(") && look.text.contains("%s") | scans_so_many(look.text);
            yes(builds, 5) + yes(cuts, 6) + yes(scans, 6)
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
