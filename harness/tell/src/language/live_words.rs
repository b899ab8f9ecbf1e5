//! The words of the live page: its labels, what a step waits for, what happened to the proxy.
//!
//! `report::live` and `report::html::live` use it. What a check saw is said in `finding_words`, what a step does in `step_words`.

use std::time::Duration;

use super::{Bytes, Counted, Language, Noun, Span};
use crate::{messages, say, words};
use harness_model::history::{ExchangeEnd, LimitReached, NotAsked, ProxyExit};
use harness_model::plan::{CaseStep, CloudStep, StepKind};
use harness_platform::Signal;

messages! {
    /// Where the page of a run that lasts is.
    pub fn page_at(address: &str) { en: "Live: {address}", es: "En vivo: {address}" }
    /// How the page of an old run ends.
    pub fn until_interrupted() { en: "Ctrl-C ends it.", es: "Ctrl-C lo termina." }
    /// The page could not be offered.
    pub fn no_page(why: &str) {
        en: "there is no live page ({why}); the run goes on without it",
        es: "no hay página en vivo ({why}); la corrida sigue sin ella",
    }
    /// A page that replays a run by itself.
    pub fn saved(path: &str) { en: "Saved, opens by itself: {path}", es: "Guardada, se abre sola: {path}" }
    /// A check is repeated in a run of its own.
    pub fn repeating(checks: &str) {
        en: "repeated at the page's request, in a run of its own: {checks}",
        es: "se repite a pedido de la página, en una corrida aparte: {checks}",
    }
    /// How the proxy was started.
    pub fn starting(launch: u32) { en: "start {launch}", es: "arranque {launch}" }
    /// It was sent a signal.
    pub fn signalled(signal: &str) { en: "gets {signal}", es: "recibe {signal}" }
    /// Something strange is in the record.
    pub fn anomaly(line: usize) {
        en: "Something strange was recorded: line {line} of events.jsonl has it in full",
        es: "Se registró algo extraño: la línea {line} de events.jsonl lo tiene completo",
    }
    /// It was started again between two steps.
    pub fn restarted_once() {
        en: "After requests without an answer the proxy was started again; nothing was wiped",
        es: "Después de peticiones sin respuesta, el proxy se arrancó de nuevo, sin borrar nada",
    }
    /// A button was pressed that has nothing to act on.
    pub fn no_run() { en: "No run lasts any more", es: "Ya no hay una corrida en curso" }
    /// The run will be held.
    pub fn will_hold() {
        en: "It is held before the next step that no running TTL depends on",
        es: "Se detiene antes del próximo paso del que no dependa un TTL en curso",
    }
    /// The run goes on.
    pub fn goes_on() { en: "It goes on, after a repetition that is under way", es: "Continúa, después de una repetición que esté en curso" }
    /// A check will be repeated.
    pub fn will_repeat(check: &str) {
        en: "{check} is repeated in a run of its own as soon as no step is under way",
        es: "{check} se repite en una corrida aparte en cuanto no haya un paso en curso",
    }
    /// It was asked for before.
    pub fn repeats_already(check: &str) {
        en: "{check} is going to be repeated already", es: "ya se pidió repetir {check}",
    }
}

/// How a request ended that got no whole answer; `None` where it got one, or where nobody knows because our own side failed.
pub fn trouble(language: Language, end: &ExchangeEnd) -> Option<String> {
    let (en, es) = match end {
        ExchangeEnd::Complete | ExchangeEnd::Ours { .. } => return None,
        ExchangeEnd::NotConnected(_) => ("not connected", "sin conexión"),
        ExchangeEnd::ClosedWithoutAnswer => ("closed without an answer", "cerrada sin respuesta"),
        ExchangeEnd::CutShort(_) => ("cut short", "cortada"),
        ExchangeEnd::TimedOut => ("timed out", "se agotó el tiempo"),
        ExchangeEnd::Malformed(_) => ("the answer is no HTTP", "la respuesta no es HTTP"),
    };
    Some(language.choose(en, es).to_owned())
}

/// The proxy listens.
pub fn ready(language: Language, launch: u32, after: Duration) -> String {
    say!(language, en: "start {launch}: listens after {after}", es: "arranque {launch}: escucha tras {after}",
        launch = launch, after = Span((after.as_secs_f64() * 1e3).round()))
}

/// It did not end when it was asked to.
pub fn hung(language: Language, signal: &str, waited: Duration) -> String {
    say!(language,
        en: "did not end on {signal} within {waited}, and was killed",
        es: "no terminó con {signal} en {waited} y se mató", signal = signal, waited = Span(waited.as_secs_f64() * 1e3))
}

/// Its main process has ended.
pub fn ended(language: Language, exit: &ProxyExit) -> String {
    let how = match (exit.code, exit.signal) {
        (Some(code), _) => say!(language, en: "status {code}", es: "estado {code}", code = code),
        (None, Some(signal)) => Signal::from_number(signal).to_string(),
        (None, None) => say!(language, en: "cause unknown", es: "causa desconocida"),
    };
    if exit.expected {
        say!(language, en: "ended: {how}", es: "terminó: {how}", how = how)
    } else {
        say!(language, en: "ended by itself: {how}", es: "terminó por su cuenta: {how}", how = how)
    }
}

/// It was told of other backends.
pub fn reloaded(language: Language, backends: usize) -> String {
    say!(language, en: "reads its files again: {backends}", es: "vuelve a leer sus archivos: {backends}",
        backends = Counted(backends as u64, Noun::Backend))
}

/// A limit ended it.
pub fn limit(language: Language, reached: LimitReached) -> String {
    match reached {
        LimitReached::Written(bytes) => say!(language,
            en: "The proxy was ended: it had written more than {bytes}",
            es: "Se terminó el proxy: había escrito más de {bytes}", bytes = Bytes(bytes)),
        LimitReached::Memory => say!(language,
            en: "The proxy was ended: it had used up its memory", es: "Se terminó el proxy: agotó su memoria"),
    }
}

/// Why a step, or the rest of one, is not asked.
pub fn not_asked(language: Language, because: NotAsked) -> String {
    match because {
        NotAsked::TimedOut { in_a_row } => say!(language,
            en: "not asked further: {n} timed out one after the other",
            es: "no se pregunta más: {n} agotaron su tiempo, una tras otra", n = Counted(in_a_row.into(), Noun::Request)),
        NotAsked::NothingForwarded => say!(language,
            en: "not asked: no GET was ever answered from a backend",
            es: "no se pregunta: nunca se respondió un GET desde un backend"),
        NotAsked::Ground { check } => say!(language,
            en: "not asked: without {check}, which had failed, the answer says nothing",
            es: "no se pregunta: sin {check}, que no cumple, la respuesta no dice nada", check = check.name()),
        NotAsked::ProxyGone => say!(language,
            en: "not asked: the proxy did not run and could not be started",
            es: "no se pregunta: el proxy no estaba en marcha y no se pudo arrancar"),
    }
}

/// What a step waits for while it lasts, in a few words.
pub fn waits_for(kind: &StepKind, language: Language) -> String {
    let (en, es) = match kind {
        StepKind::Fill(_) | StepKind::Serial(_) | StepKind::Exact(_) => {
            ("the answer to each request", "la respuesta a cada petición")
        }
        StepKind::Reread(_) => {
            ("the answer for each stored resource", "la respuesta de cada recurso guardado")
        }
        StepKind::Probe(_) => (
            "each resource to reach the age at which it is asked for again",
            "que cada recurso llegue a la edad en que se vuelve a pedir",
        ),
        StepKind::Sliding(_) => (
            "the TTL to run out while the resources are in use",
            "que se cumpla el TTL mientras los recursos están en uso",
        ),
        StepKind::Batches(_) => {
            ("every answer of a batch, then silence", "todas las respuestas de una tanda y luego silencio")
        }
        StepKind::Overlap(_) => (
            "all requests to be in the backends at once",
            "que todas las peticiones estén a la vez en los backends",
        ),
        StepKind::Overtake(_) => {
            ("the fast requests to overtake the slow one", "que las peticiones rápidas adelanten a la lenta")
        }
        StepKind::Load(_) => ("the schedule of the load to end", "que termine el horario de la carga"),
        StepKind::Capacity(_) => {
            ("each rate to show whether it is kept", "que cada tasa muestre si se sostiene")
        }
        StepKind::Handshakes(_) => {
            ("every handshake and the answer after it", "cada saludo TLS y la respuesta que le sigue")
        }
        StepKind::Crash(_) => ("the instant of the kill", "el instante de la caída"),
        StepKind::Restart(_) => ("the proxy to answer again", "que el proxy vuelva a responder"),
        StepKind::Backends(_) => ("nothing: it is done at once", "nada: se hace de inmediato"),
        StepKind::Cloud(CloudStep::Fleet(_)) => {
            ("the load of the fleet to end", "que termine la carga de la flota")
        }
        StepKind::Cloud(CloudStep::Users(_) | CloudStep::Deliveries(_)) => {
            ("the answers to all users", "las respuestas a todos los usuarios")
        }
        StepKind::Case(CaseStep::Callers(_)) => ("the answer to each caller", "la respuesta a cada origen"),
        StepKind::Case(CaseStep::Uploads(_)) => ("the work to be done", "que el trabajo se haga"),
        StepKind::Case(CaseStep::Origins(_)) => {
            ("the answer to each browser", "la respuesta a cada navegador")
        }
        StepKind::Case(CaseStep::Votes(_)) => ("all votes to be in", "que lleguen todos los votos"),
        StepKind::Case(CaseStep::Overload(_)) => {
            ("the schedule of the load to end", "que termine el horario de la carga")
        }
        StepKind::Wait { .. } => ("time to pass", "que pase el tiempo"),
    };
    language.choose(en, es).to_owned()
}

/// A label of the live page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words below say what each one is")]
pub enum LiveLabel {
    Live,
    Replay,
    Connecting,
    Running,
    IsHeld,
    IsOver,
    Lost,
    GoneForGood,
    TooSlow,
    NextRun,
    Also,
    WentOn,
    StepOf,
    BeforeSteps,
    AfterSteps,
    WaitsFor,
    Expected,
    NothingFor,
    Steps,
    Hold,
    GoOn,
    Play,
    Pause,
    ToTheEnd,
    Speed,
    Moment,
    Window,
    Everything,
    Rate,
    Median,
    P99,
    Errors,
    Memory,
    Cpu,
    Clock,
    OfRequests,
    Percentiles,
    WholeAnswers,
    OfOneCpu,
    Lanes,
    LanesTold,
    Client,
    Proxy,
    Disk,
    FromBackend,
    FromCache,
    Trouble,
    ErrorStatus,
    ProxyUp,
    ProxyDown,
    UnderLoad,
    Counted,
    FailedSoFar,
    Failed,
    Provisional,
    Final,
    NothingFailed,
    NothingJudged,
    Met,
    Required,
    Optional,
    RepeatNow,
    RepeatAfter,
    RepeatCommand,
    Shares,
    SharesTold,
    Happened,
    NothingHappened,
    Files,
    Kept,
    ByKeyboard,
}

words!(LiveLabel {
    LiveLabel::Live => { en: "live", es: "en vivo" },
    LiveLabel::Replay => { en: "replay of a recorded run", es: "repetición de una corrida registrada" },
    LiveLabel::Connecting => { en: "Connecting", es: "Conectando" },
    LiveLabel::Running => { en: "Running", es: "En curso" },
    LiveLabel::IsHeld => { en: "Held: proxy and backends stay as they are", es: "Detenida: el proxy y los backends quedan como están" },
    LiveLabel::IsOver => { en: "Over", es: "Terminada" },
    LiveLabel::Lost => { en: "No connection to the run; trying again", es: "Sin conexión con la corrida; se reintenta" },
    LiveLabel::GoneForGood => { en: "The run no longer serves this page; what stands here is what it had told", es: "La corrida ya no atiende esta página; lo que se ve es lo que alcanzó a contar" },
    LiveLabel::TooSlow => { en: "This browser was too slow and was left behind; it catches up from the record", es: "Este navegador iba muy lento y se dejó atrás; se pone al día desde el registro" },
    LiveLabel::NextRun => { en: "The next run has begun", es: "Comenzó la siguiente corrida" },
    LiveLabel::Also => { en: "A repetition is under way", es: "Hay una repetición en curso" },
    LiveLabel::WentOn => { en: "The run went on", es: "La corrida continuó" },
    LiveLabel::StepOf => { en: "Step {n} of {all}", es: "Paso {n} de {all}" },
    LiveLabel::BeforeSteps => { en: "The proxy is built and started", es: "Se compila y se arranca el proxy" },
    LiveLabel::AfterSteps => { en: "The steps are over; the record is closed and judged", es: "Los pasos terminaron; el registro se cierra y se evalúa" },
    LiveLabel::WaitsFor => { en: "waits for", es: "espera" },
    LiveLabel::Expected => { en: "{done} of {all}", es: "{done} de {all}" },
    LiveLabel::NothingFor => { en: "nothing has come back for {time}", es: "hace {time} que no llega nada" },
    LiveLabel::Steps => { en: "Steps", es: "Pasos" },
    LiveLabel::Hold => { en: "Hold", es: "Detener" },
    LiveLabel::GoOn => { en: "Continue", es: "Continuar" },
    LiveLabel::Play => { en: "Play", es: "Reproducir" },
    LiveLabel::Pause => { en: "Pause", es: "Pausa" },
    LiveLabel::ToTheEnd => { en: "To the end", es: "Ir al final" },
    LiveLabel::Speed => { en: "Speed", es: "Velocidad" },
    LiveLabel::Moment => { en: "Moment of the run", es: "Momento de la corrida" },
    LiveLabel::Window => { en: "Shown", es: "Se muestra" },
    LiveLabel::Everything => { en: "everything", es: "todo" },
    LiveLabel::Rate => { en: "Requests per second", es: "Peticiones por segundo" },
    LiveLabel::Median => { en: "p50", es: "p50" },
    LiveLabel::P99 => { en: "p99", es: "p99" },
    LiveLabel::Errors => { en: "Without a whole answer", es: "Sin respuesta completa" },
    LiveLabel::Memory => { en: "Memory of the proxy", es: "Memoria del proxy" },
    LiveLabel::Cpu => { en: "CPU of the proxy", es: "CPU del proxy" },
    LiveLabel::Clock => { en: "Since the start", es: "Desde el inicio" },
    LiveLabel::OfRequests => { en: "of {all}", es: "de {all}" },
    LiveLabel::Percentiles => { en: "of {all} in the last {time}", es: "de {all} en los últimos {time}" },
    LiveLabel::WholeAnswers => { en: "last {time}", es: "últimos {time}" },
    LiveLabel::OfOneCpu => { en: "of one CPU", es: "de una CPU" },
    LiveLabel::Lanes => { en: "What happens", es: "Lo que ocurre" },
    LiveLabel::LanesTold => { en: "Lanes over time: requests of the client, the life of the proxy, what each backend saw, files on disk. The figures and lists around it say the same in words.", es: "Carriles en el tiempo: peticiones del cliente, vida del proxy, lo que vio cada backend, archivos en disco. Las cifras y listas alrededor dicen lo mismo en palabras." },
    LiveLabel::Client => { en: "client", es: "cliente" },
    LiveLabel::Proxy => { en: "proxy", es: "proxy" },
    LiveLabel::Disk => { en: "disk", es: "disco" },
    LiveLabel::FromBackend => { en: "answered by a backend", es: "respondida por un backend" },
    LiveLabel::FromCache => { en: "seen before: from the cache", es: "ya vista: desde el caché" },
    LiveLabel::Trouble => { en: "no whole answer", es: "sin respuesta completa" },
    LiveLabel::ErrorStatus => { en: "status 400 or more", es: "estado 400 o más" },
    LiveLabel::ProxyUp => { en: "the proxy listens", es: "el proxy escucha" },
    LiveLabel::ProxyDown => { en: "it does not", es: "no escucha" },
    LiveLabel::UnderLoad => { en: "load: how many, second by second", es: "carga: cuántas, segundo a segundo" },
    LiveLabel::Counted => { en: "{n} more were too many to be drawn one by one and are only counted", es: "otras {n} eran demasiadas para dibujarlas una por una y solo se cuentan" },
    LiveLabel::FailedSoFar => { en: "Failed so far", es: "No cumple hasta ahora" },
    LiveLabel::Failed => { en: "Failed", es: "No cumple" },
    LiveLabel::Provisional => { en: "Provisional: what the checks conclude of the record up to {time}. The run is judged when its steps are over.", es: "Provisional: lo que concluyen las verificaciones con el registro hasta {time}. La corrida se evalúa al terminar los pasos." },
    LiveLabel::Final => { en: "The steps are over: this is what the report says.", es: "Los pasos terminaron: es lo que dice el informe." },
    LiveLabel::NothingFailed => { en: "Nothing.", es: "Nada." },
    LiveLabel::NothingJudged => { en: "Nothing has been concluded yet.", es: "Aún no se ha concluido nada." },
    LiveLabel::Met => { en: "met: {n} of {all} required", es: "cumple: {n} de {all} obligatorias" },
    LiveLabel::Required => { en: "required", es: "obligatoria" },
    LiveLabel::Optional => { en: "optional", es: "opcional" },
    LiveLabel::RepeatNow => { en: "Repeat this check now", es: "Repetir ya esta verificación" },
    LiveLabel::RepeatAfter => { en: "Repeat this check after the steps", es: "Repetir esta verificación tras los pasos" },
    LiveLabel::RepeatCommand => { en: "to repeat it:", es: "para repetirla:" },
    LiveLabel::Shares => { en: "Shares of the backends", es: "Reparto entre los backends" },
    LiveLabel::SharesTold => { en: "requests that reached each one; under load the backends keep only numbers", es: "peticiones que llegaron a cada uno; bajo carga los backends solo llevan la cuenta" },
    LiveLabel::Happened => { en: "What else happened", es: "Qué más ocurrió" },
    LiveLabel::NothingHappened => { en: "Nothing out of the ordinary.", es: "Nada fuera de lo común." },
    LiveLabel::Files => { en: "{n} files", es: "{n} archivos" },
    LiveLabel::Kept => { en: "Everything here is read from the record on disk:", es: "Todo se lee del registro en disco:" },
    LiveLabel::ByKeyboard => { en: "Keys: space play or pause, arrows on the slider move in time", es: "Teclas: espacio reproduce o pausa, las flechas en el control mueven el tiempo" },
});
