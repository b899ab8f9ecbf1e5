//! The sentences of the HTML report around the verdicts: introductions of its sections, descriptions of events, and what it
//! admits about itself.
//!
//! `report::html` prints them. What a check saw is said in `finding_words`; labels are in `report_words`.

use super::{Bytes, Counted, Decimal, InWords, Language, Milliseconds, Noun, Percent, Quantile, Span};
use crate::{messages, say, words};
use harness_model::adapter::{CacheMedium, TtlSource};
use harness_model::history::{ExchangeEnd, Purpose};

messages! {
    /// What the section about performance shows.
    pub fn performance_intro() {
        en: "Latency counts from the instant at which each request was due, so a request that had to wait for its turn is not forgiven its wait. A percentile that too few samples support is not printed.",
        es: "La latencia cuenta desde el instante en que cada petición debía salir, así que la espera por el turno también cuenta. Un percentil sin muestras suficientes no se muestra.",
    }
    /// Closed-loop load.
    pub fn closed_loop(tag: &str) {
        en: "“{tag}” was driven by virtual users that wait for each answer: it shows throughput and is not a latency claim.",
        es: "«{tag}» la generaron usuarios virtuales que esperan cada respuesta: muestra capacidad y no vale como medida de latencia.",
    }
    /// The cap of requests in flight was reached.
    pub fn overloaded(tag: &str) {
        en: "“{tag}” reached the limit of requests in flight: the proxy did not keep up with the rate.",
        es: "«{tag}» llegó al límite de peticiones en curso: el proxy no sostuvo la tasa.",
    }
    /// No load step.
    pub fn no_load() {
        en: "This scenario has no load step, so nothing is said about speed.",
        es: "Este escenario no tiene una etapa de carga, así que no se afirma nada sobre la velocidad.",
    }
    /// Searches for a capacity have no row of their own.
    pub fn searched() {
        en: "Each search for a capacity is a ladder of loads: its rungs are drawn with its check, rate by rate.",
        es: "Cada búsqueda de capacidad es una escalera de cargas: sus peldaños se dibujan con su verificación, tasa por tasa.",
    }
    /// What the latencies of fleets are.
    pub fn of_the_run(tags: &str) {
        en: "Fleets ({tags}): these are times of the run, which adds the proxy's own to modelled ones. How long that is in the case stands with their checks.",
        es: "Flotas ({tags}): son tiempos de la corrida, que suma lo propio del proxy a lo modelado. Cuánto es eso en el caso está en sus verificaciones.",
    }
    /// What the section about resources shows.
    pub fn resources_intro() {
        en: "All processes of the proxy together, as the operating system counts them.",
        es: "Todos los procesos del proxy en conjunto, según la cuenta del sistema operativo.",
    }
    /// It was not built for speed.
    pub fn built_unoptimised() {
        en: "It was built without optimisation, as this scenario measures no speed: its CPU time says nothing of the optimised program.",
        es: "Se compiló sin optimizar, pues este escenario no mide la velocidad: su tiempo de CPU no dice nada del programa optimizado.",
    }
    /// No samples.
    pub fn no_resources() {
        en: "No samples were taken of the proxy's resources.",
        es: "No se tomaron muestras de los recursos del proxy.",
    }
    /// How hits are recognised.
    pub fn honest_hits() {
        en: "Whether an answer came from the cache is read from the journals of the backends, never from a header of the proxy.",
        es: "Si una respuesta vino del caché se decide por el registro de los backends, nunca por un encabezado del proxy.",
    }
    /// How late requests were sent.
    pub fn honest_send_lag(tag: &str, p50: Milliseconds, p99: Milliseconds, most: Milliseconds) {
        en: "Send lag of “{tag}” (how late the harness itself was): p50 {p50}, p99 {p99}, at most {most}. A latency threshold is not judged where this exceeds a fifth of it.",
        es: "Retraso de envío de «{tag}» (cuánto se atrasó el propio banco de pruebas): p50 {p50}, p99 {p99}, como máximo {most}. Un umbral de latencia no se juzga si esto supera su quinta parte.",
    }
    /// How restless the host was.
    pub fn honest_noise(p99: Milliseconds, worst: Milliseconds, steal: Percent) {
        en: "Noise of the host: a sleep of 1 ms overshot by {p99} (p99 of the worst interval), at most {worst}; time stolen by the hypervisor at most {steal}.",
        es: "Ruido de la máquina: una espera (sleep) de 1 ms se alargó en {p99} (p99 del peor intervalo), como máximo {worst}; tiempo cedido al hipervisor, como máximo {steal}.",
    }
    /// CPU pressure.
    pub fn honest_pressure(most: Percent) {
        en: "At the worst moment runnable tasks waited for a CPU {most} of the time.",
        es: "En el peor momento hubo tareas listas esperando una CPU el {most} del tiempo.",
    }
    /// What kills prove.
    pub fn honest_crash_tier(kills: Counted) {
        en: "Crashes: {kills} with SIGKILL. That proves what survives the end of the process; it does not prove what survives a power failure, since the operating system still writes out what it was given.",
        es: "Caídas: {kills} con SIGKILL. Eso demuestra lo que sobrevive al final del proceso; no demuestra lo que sobrevive a un corte de energía, porque el sistema operativo aún escribe lo que ya recibió.",
    }
    /// The build of the harness.
    pub fn honest_profile(profile: &str) {
        en: "The harness was built with the profile “{profile}”.",
        es: "El banco de pruebas se compiló con el perfil «{profile}».",
    }
    /// Everything could be checked.
    pub fn honest_all_checked() {
        en: "Every check of this scenario reached a conclusion.",
        es: "Todas las verificaciones de este escenario llegaron a una conclusión.",
    }
    /// Beginning of the list of what could not be checked.
    pub fn honest_not_checked() { en: "What could not be concluded, and why:", es: "Lo que no se pudo concluir, y por qué:" }
    /// Anomalies.
    pub fn honest_anomalies(count: usize) {
        en: "Anomalies kept in full in events.jsonl: {count}.",
        es: "Anomalías guardadas completas en events.jsonl: {count}.",
    }
    /// The run was interrupted.
    pub fn honest_interrupted(reason: &str) {
        en: "The run was interrupted ({reason}): everything after that moment is missing.",
        es: "La ejecución se interrumpió ({reason}): falta todo lo posterior a ese momento.",
    }
    /// A problem of a step.
    pub fn step_problem(step: &str, problem: &str) { en: "Step “{step}” could not be carried out: {problem}", es: "La etapa «{step}» no se pudo realizar: {problem}" }
    /// One percentile of a table, for screen readers.
    pub fn quantile_head(quantile: Quantile) { en: "{quantile}", es: "{quantile}" }
    /// A request that a backend answered.
    pub fn answered_by(backend: &str) { en: "answered by {backend}", es: "la respondió {backend}" }
    /// A request that no backend saw.
    pub fn no_backend_saw_it() { en: "no backend saw it", es: "ningún backend la vio" }
    /// A request of a load of which the backends kept no journal.
    pub fn only_numbers() { en: "the backends kept only numbers then", es: "los backends solo llevaban la cuenta entonces" }
    /// A request as a backend saw it.
    pub fn arrived(line: &str, number: u64) { en: "{line} arrived (its request no. {number})", es: "llegó {line} (su petición n.º {number})" }
    /// The proxy got ready.
    pub fn got_ready(launch: u32, after: Milliseconds) { en: "start {launch}: listens after {after}", es: "arranque {launch}: escucha tras {after}" }
    /// The proxy was told to start.
    pub fn told_to_start(launch: u32) { en: "start {launch}", es: "arranque {launch}" }
    /// The proxy was sent a signal.
    pub fn was_signalled(signal: &str) { en: "gets {signal}", es: "recibe {signal}" }
    /// The proxy ended.
    pub fn has_ended(how: &str) { en: "ended: {how}", es: "terminó: {how}" }
    /// A backend went down.
    pub fn went_down() { en: "out of service", es: "fuera de servicio" }
    /// A backend came back.
    pub fn came_up() { en: "in service", es: "en servicio" }
    /// How to use the request by hand.
    pub fn by_hand_note() {
        en: "With --hold the proxy and the backends stay up after the run, so that this line can be tried.",
        es: "Con --hold el proxy y los backends siguen en pie al terminar, para que esta línea se pueda ensayar.",
    }
    /// A time axis.
    pub fn timeline_description(events: usize, span: Span) {
        en: "{events} events within {span}; the table below lists them.",
        es: "{events} sucesos en {span}; la tabla de abajo los lista.",
    }
    /// How the timeline is used.
    pub fn timeline_help() {
        en: "Drag to move, the buttons or + and − to zoom, 0 for all.",
        es: "Arrastrar para mover; botones o + y − para acercar y alejar; 0 para todo.",
    }
    /// A body that is not shown whole.
    pub fn body_is(bytes: Bytes) { en: "body: {bytes}", es: "cuerpo: {bytes}" }
    /// Which exchange.
    pub fn exchange_title(number: u64, purpose: &str) { en: "Exchange {number} ({purpose})", es: "Intercambio {number} ({purpose})" }
    /// CPU time per request.
    pub fn microseconds(value: Decimal) { en: "{value} µs", es: "{value} µs" }
    /// Requests per second.
    pub fn per_second(value: Decimal) { en: "{value}/s", es: "{value}/s" }
    /// What a field is for that looks for words in the checks.
    pub fn search() { en: "Search the checks", es: "Buscar en las verificaciones" }
    /// A button that puts the table in another order.
    pub fn order_of_plan() { en: "In the order of the plan", es: "En el orden del plan" }
    /// What can be typed on the page.
    pub fn keys() { en: "Keys: / search, n and p next and previous failure", es: "Teclas: / buscar, n y p falla siguiente y anterior" }
    /// The score of a run: how many of the checks that decide passed.
    pub fn score_of(passed: usize, of: usize) { en: "{passed} of {of} required checks passed", es: "cumple {passed} de {of} verificaciones obligatorias" }
    /// Print hint and origin.
    pub fn footer(hash: &str) {
        en: "Made from the record alone; the same record gives the same page. Hash of the run: {hash}",
        es: "Hecho solo a partir del registro; el mismo registro da la misma página. Huella de la ejecución: {hash}",
    }
    /// A resolution.
    pub fn resolution(early: Milliseconds, late: Milliseconds) { en: "{early} early, {late} late", es: "{early} antes, {late} después" }
    /// How the harness's own checks are counted.
    pub fn first_screen_counts(required: Counted, others: usize) { en: "{required} decide, {others} more are told and do not", es: "{required} deciden, {others} más se informan y no deciden" }
}

words!(CacheMedium {
    CacheMedium::Disk => { en: "on disk", es: "en disco" },
    CacheMedium::Memory => { en: "in memory", es: "en memoria" },
    CacheMedium::None => { en: "none", es: "ninguno" },
});

words!(Purpose {
    Purpose::Readiness => { en: "is it ready?", es: "¿está listo?" },
    Purpose::Fill => { en: "fills the cache", es: "llena el caché" },
    Purpose::Confirm => { en: "asks a second time", es: "pide por segunda vez" },
    Purpose::Probe => { en: "probes the age", es: "sondea la edad" },
    Purpose::Slide => { en: "keeps it in use", es: "lo mantiene en uso" },
    Purpose::Reread => { en: "reads it again", es: "lo vuelve a leer" },
    Purpose::CrashLoad => { en: "writes during the kill", es: "escribe durante la caída" },
    Purpose::Serial => { en: "one of a series", es: "una de una serie" },
    Purpose::Batch => { en: "one of a batch", es: "una de una tanda" },
    Purpose::Overlap => { en: "held in the backend", es: "retenida en el backend" },
    Purpose::Slow => { en: "the slow one", es: "la lenta" },
    Purpose::Fast => { en: "a fast one", es: "una rápida" },
    Purpose::Load => { en: "load", es: "carga" },
    Purpose::Login => { en: "asks for a token", es: "pide un token" },
    Purpose::User => { en: "asks for what belongs to one user", es: "pide lo que es de un solo usuario" },
    Purpose::Register => { en: "registers an order", es: "registra un pedido" },
    Purpose::Look => { en: "looks for orders", es: "busca los pedidos" },
    Purpose::Caller => { en: "comes from a chosen address", es: "viene de una dirección elegida" },
    Purpose::PastTheProxy => { en: "tries to get past the proxy", es: "intenta llegar sin pasar por el proxy" },
    Purpose::Upload => { en: "hands work to a queue", es: "entrega trabajo a una cola" },
    Purpose::Progress => { en: "looks how the work gets on", es: "mira cómo avanza el trabajo" },
    Purpose::Vote => { en: "votes", es: "vota" },
    Purpose::Open => { en: "looks at what is for everybody", es: "mira lo que es de todos" },
    Purpose::Tally => { en: "looks at the ranking at the end", es: "mira la clasificación final" },
    Purpose::Preflight => { en: "asks whether its origin is let in", es: "pregunta si se admite su origen" },
    Purpose::CrossOrigin => { en: "asks from an origin of its own", es: "pide desde su propio origen" },
    Purpose::Exact => { en: "exactly as written", es: "exactamente como está escrita" },
    Purpose::Leaving => { en: "its client breaks off", es: "su cliente se va a mitad de camino" },
});

impl InWords for TtlSource {
    fn in_words(&self, language: Language) -> String {
        match self {
            TtlSource::Arguments => say!(language, en: "on the command line", es: "en la línea de comandos"),
            TtlSource::Configuration => {
                say!(language, en: "in the configuration file", es: "en el archivo de configuración")
            }
            TtlSource::Fixed { ttl } => say!(language,
                en: "nowhere: it is fixed at {ttl}", es: "en ninguna parte: es fijo, {ttl}", ttl = Span(ttl.as_secs_f64() * 1000.0)),
            TtlSource::None => say!(language, en: "nowhere: it has none", es: "en ninguna parte: no tiene"),
        }
    }
}

impl InWords for ExchangeEnd {
    fn in_words(&self, language: Language) -> String {
        match self {
            ExchangeEnd::Complete => say!(language, en: "complete", es: "completa"),
            ExchangeEnd::NotConnected(why) => {
                say!(language, en: "not connected: {why}", es: "sin conexión: {why}", why = why)
            }
            ExchangeEnd::ClosedWithoutAnswer => {
                say!(language, en: "closed without an answer", es: "cerrada sin respuesta")
            }
            ExchangeEnd::CutShort(why) => {
                say!(language, en: "cut short: {why}", es: "cortada: {why}", why = why.in_words(language))
            }
            ExchangeEnd::TimedOut => say!(language, en: "timed out", es: "se agotó el tiempo"),
            ExchangeEnd::Malformed(why) => {
                say!(language, en: "not HTTP: {why}", es: "no es HTTP: {why}", why = why)
            }
            ExchangeEnd::Ours { said, .. } => {
                say!(language, en: "the judge's own client failed: {said}", es: "falló el cliente del propio juez: {said}", said = said)
            }
        }
    }
}

/// How a run was kept apart, in words: the manifest holds them in English, one thing after the other, each with a reason after a
/// colon where there is one.
pub fn isolation_words(manifest: &str, language: Language) -> String {
    let words: Vec<String> = manifest.split("; ").map(|one| kept_apart(one, language)).collect();
    words.join("; ")
}

fn kept_apart(manifest: &str, language: Language) -> String {
    let (known, reason) = manifest.split_once(": ").unwrap_or((manifest, ""));
    let spanish = match known {
        "private network namespace" => "espacio de red propio",
        "process namespace" => "espacio de procesos propio",
        "process group" => "grupo de procesos",
        "never ran" => "nunca se ejecutó",
        "host" => "la de la máquina",
        "kept to its own files" => "limitado a sus propios archivos",
        "not kept to its own files (this kernel has no Landlock)" => {
            "no limitado a sus propios archivos (este kernel no tiene Landlock)"
        }
        "folders for temporary files and a home of its own" => {
            "carpetas de archivos temporales y carpeta personal propias"
        }
        "temporary files shared (this host allows no mounts of one's own)" => {
            "archivos temporales compartidos (este computador no permite montajes propios)"
        }
        "a user of its own" => "un usuario propio",
        "the user of the harness, without its rights" => "el usuario del banco de pruebas, sin sus permisos",
        "limited" => "con límite",
        "not limited, because the host does not allow it" => "sin límite, porque el computador no lo permite",
        other => other,
    };
    let english = if known == "host" { "that of the host" } else { known };
    let words = language.choose(english, spanish);
    // What is limited is told by three words; another reason is the system's.
    let limited: Option<Vec<&str>> = reason
        .split(", ")
        .map(|what| match what {
            "memory" => Some(language.choose("memory", "memoria")),
            "processes" => Some(language.choose("processes", "procesos")),
            "cpu" => Some(language.choose("cpu", "CPU")),
            _ => None,
        })
        .collect();
    match limited {
        Some(limited) => format!("{words}: {}", limited.join(", ")),
        None if reason.is_empty() => words.to_owned(),
        None => format!("{words}: {reason}"),
    }
}

/// How many checks decide and how many do not.
pub fn counted_checks(required: usize, others: usize, language: Language) -> String {
    first_screen_counts(language, Counted(required as u64, Noun::Check), others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_run_was_kept_apart_is_told_in_both_languages() {
        let manifest =
            "process namespace; kept to its own files; a user of its own; limited: memory, processes";
        assert_eq!(isolation_words(manifest, Language::En), manifest);
        let spanish = "espacio de procesos propio; limitado a sus propios archivos; un usuario propio; con límite: memoria, procesos";
        assert_eq!(isolation_words(manifest, Language::Es), spanish);
        assert_eq!(isolation_words("host: no right to", Language::Es), "la de la máquina: no right to");
    }
}
