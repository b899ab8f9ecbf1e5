//! The words of the reports: labels, headlines and the sentences around the verdicts.
//!
//! Every page and the terminal use them. What a check saw is said in `finding_words`; nothing is computed here.

use super::{Counted, InWords, Language, Listed, Noun, Span};
use crate::{messages, words};
use harness_model::catalogue::CheckId;
use harness_model::exit_code::ExitCode;

/// A short text that stands beside a figure, above a table or on a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum Label {
    Report,
    Verdict,
    Requirement,
    Requirements,
    Check,
    Checks,
    WhatWasSeen,
    Proxy,
    Scenario,
    Started,
    Took,
    Traffic,
    Seed,
    Score,
    ExitCode,
    MendFirst,
    NothingToMend,
    LikelyCause,
    RepeatCommand,
    RepeatOneRequest,
    RunHash,
    Source,
    Kind,
    Allowed,
    Measured,
    Evidence,
    Timeline,
    Time,
    Who,
    What,
    Request,
    Response,
    RequestAsSent,
    ResponseAsReceived,
    AtTheBackend,
    NoResponse,
    LogLines,
    NoLogLines,
    LogFile,
    Output,
    ScenarioLines,
    Performance,
    Resources,
    Environment,
    Honesty,
    Plot,
    Filter,
    All,
    Client,
    Backend,
    Contents,
    SkipToContent,
    Copy,
    Copied,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    ExpandAll,
    CollapseAll,
    Threshold,
    Tag,
    Sent,
    Rate,
    Errors,
    Corrupt,
    Samples,
    Maximum,
    Mean,
    SendLag,
    CpuPerRequest,
    CpuTotal,
    PeakMemory,
    Threads,
    OpenFiles,
    Processes,
    ContextSwitches,
    Launch,
    Start,
    ListeningAfter,
    AnsweredAfter,
    End,
    Command,
    Configuration,
    Files,
    FilesOfRun,
    Program,
    Harness,
    Profile,
    Network,
    Isolation,
    Host,
    System,
    Distribution,
    Cpu,
    Cores,
    CpuQuota,
    Memory,
    MemoryLimit,
    Virtualised,
    Governor,
    Declared,
    CacheMedium,
    TtlFrom,
    TtlResolution,
    Rotations,
    StoreLag,
    Reference,
    Adapter,
    NotJudgedHere,
    Yes,
    No,
    Bytes,
    Truncated,
    NotApplicable,
    Attempt,
    Table,
    Zoomable,
    OtherLanguage,
    ShownOf,
    Licences,
}

words!(Label {
    Label::Report => { en: "Report", es: "Informe" },
    Label::Verdict => { en: "Verdict", es: "Veredicto" },
    Label::Requirement => { en: "Requirement", es: "Requisito" },
    Label::Requirements => { en: "Requirements", es: "Requisitos" },
    Label::Check => { en: "Check", es: "Verificación" },
    Label::Checks => { en: "Checks", es: "Verificaciones" },
    Label::WhatWasSeen => { en: "What was seen", es: "Lo observado" },
    Label::Proxy => { en: "Proxy", es: "Proxy evaluado" },
    Label::Scenario => { en: "Scenario", es: "Escenario" },
    Label::Started => { en: "Started", es: "Inicio" },
    Label::Took => { en: "Took", es: "Duración" },
    Label::Traffic => { en: "Traffic", es: "Tráfico" },
    Label::Seed => { en: "Seed", es: "Semilla" },
    Label::Score => { en: "Score", es: "Puntaje" },
    Label::ExitCode => { en: "exit code", es: "código de salida" },
    Label::MendFirst => { en: "What to mend first", es: "Qué corregir primero" },
    Label::NothingToMend => { en: "Nothing to mend here.", es: "Aquí no hay nada que corregir." },
    Label::LikelyCause => { en: "Likely cause (a guess)", es: "Causa probable (una conjetura)" },
    Label::RepeatCommand => { en: "The command that repeats it", es: "El comando que lo repite" },
    Label::RepeatOneRequest => { en: "The same request by hand", es: "La misma petición a mano" },
    Label::RunHash => { en: "Hash of this run", es: "Huella de esta ejecución" },
    Label::Source => { en: "Source", es: "Fuente" },
    Label::Kind => { en: "Kind", es: "Tipo" },
    Label::Allowed => { en: "Allowed", es: "Permitido" },
    Label::Measured => { en: "Measured", es: "Medido" },
    Label::Evidence => { en: "Evidence", es: "Evidencia" },
    Label::Timeline => { en: "Timeline", es: "Línea de tiempo" },
    Label::Time => { en: "Time", es: "Tiempo" },
    Label::Who => { en: "Who", es: "Quién" },
    Label::What => { en: "What", es: "Qué" },
    Label::Request => { en: "Request", es: "Petición" },
    Label::Response => { en: "Response", es: "Respuesta" },
    Label::RequestAsSent => { en: "Request, as the client sent it", es: "Petición, como la envió el cliente" },
    Label::ResponseAsReceived => { en: "Response, as the client received it", es: "Respuesta, como la recibió el cliente" },
    Label::AtTheBackend => { en: "The request, as the backend received it", es: "La petición, como la recibió el backend" },
    Label::NoResponse => { en: "no response", es: "sin respuesta" },
    Label::LogLines => { en: "What the proxy logged about it", es: "Lo que el proxy escribió en su log" },
    Label::NoLogLines => { en: "No line of the proxy's log names this target.", es: "Ninguna línea del log del proxy nombra este destino." },
    Label::LogFile => { en: "log file", es: "archivo de log" },
    Label::Output => { en: "standard output", es: "salida estándar" },
    Label::ScenarioLines => { en: "Where the scenario asks for it", es: "Dónde lo pide el escenario" },
    Label::Performance => { en: "Performance", es: "Desempeño" },
    Label::Resources => { en: "Resources", es: "Recursos" },
    Label::Environment => { en: "Environment", es: "Entorno" },
    Label::Honesty => { en: "How far this can be trusted", es: "Hasta dónde se puede confiar" },
    Label::Plot => { en: "Plot", es: "Gráfica" },
    Label::Filter => { en: "Show", es: "Mostrar" },
    Label::All => { en: "all", es: "todas" },
    Label::Client => { en: "client", es: "cliente" },
    Label::Backend => { en: "backend", es: "backend" },
    Label::Contents => { en: "Contents", es: "Contenido" },
    Label::SkipToContent => { en: "Skip to the content", es: "Ir al contenido" },
    Label::Copy => { en: "Copy", es: "Copiar" },
    Label::Copied => { en: "Copied", es: "Copiado" },
    Label::ZoomIn => { en: "Zoom in", es: "Acercar" },
    Label::ZoomOut => { en: "Zoom out", es: "Alejar" },
    Label::ZoomReset => { en: "All", es: "Todo" },
    Label::ExpandAll => { en: "Open all evidence", es: "Abrir toda la evidencia" },
    Label::CollapseAll => { en: "Close all evidence", es: "Cerrar toda la evidencia" },
    Label::Threshold => { en: "Threshold", es: "Umbral" },
    Label::Tag => { en: "Load", es: "Carga" },
    Label::Sent => { en: "Requests", es: "Peticiones" },
    Label::Rate => { en: "Rate", es: "Tasa" },
    Label::Errors => { en: "Errors", es: "Errores" },
    Label::Corrupt => { en: "Wrong answers", es: "Respuestas erradas" },
    Label::Samples => { en: "Samples", es: "Muestras" },
    Label::Maximum => { en: "Maximum", es: "Máximo" },
    Label::Mean => { en: "Mean", es: "Media" },
    Label::SendLag => { en: "Send lag", es: "Retraso de envío" },
    Label::CpuPerRequest => { en: "CPU per request", es: "CPU por petición" },
    Label::CpuTotal => { en: "CPU time in all", es: "Tiempo total de CPU" },
    Label::PeakMemory => { en: "Peak memory (RSS)", es: "Memoria máxima (RSS)" },
    Label::Threads => { en: "Threads, at most", es: "Hilos, como máximo" },
    Label::OpenFiles => { en: "Open files, at most", es: "Archivos abiertos, como máximo" },
    Label::Processes => { en: "Processes, at most", es: "Procesos, como máximo" },
    Label::ContextSwitches => { en: "Context switches", es: "Cambios de contexto" },
    Label::Launch => { en: "Launch", es: "Lanzamiento" },
    Label::Start => { en: "Start", es: "Arranque" },
    Label::ListeningAfter => { en: "Listened after", es: "Escuchó tras" },
    Label::AnsweredAfter => { en: "Answered after", es: "Respondió tras" },
    Label::End => { en: "End", es: "Final" },
    Label::Command => { en: "Command", es: "Comando" },
    Label::Configuration => { en: "Configuration", es: "Configuración" },
    Label::Files => { en: "Files", es: "Archivos" },
    Label::FilesOfRun => { en: "Files of this run", es: "Archivos de esta ejecución" },
    Label::Program => { en: "Program", es: "Programa" },
    Label::Harness => { en: "Harness", es: "Banco de pruebas" },
    Label::Profile => { en: "Build profile of the harness", es: "Perfil de compilación del banco de pruebas" },
    Label::Network => { en: "Network", es: "Red" },
    Label::Isolation => { en: "Isolation", es: "Aislamiento" },
    Label::Host => { en: "Host", es: "Máquina" },
    Label::System => { en: "system", es: "sistema" },
    Label::Distribution => { en: "distribution", es: "distribución" },
    Label::Cpu => { en: "CPU", es: "CPU" },
    Label::Cores => { en: "cores", es: "núcleos" },
    Label::CpuQuota => { en: "CPU quota", es: "cuota de CPU" },
    Label::Memory => { en: "memory", es: "memoria" },
    Label::MemoryLimit => { en: "memory limit", es: "límite de memoria" },
    Label::Virtualised => { en: "virtualised", es: "virtualizada" },
    Label::Governor => { en: "frequency governor", es: "regulador de frecuencia" },
    Label::Declared => { en: "What its adapter declares", es: "Lo que declara el perfil del proxy" },
    Label::CacheMedium => { en: "Cache", es: "Caché" },
    Label::TtlFrom => { en: "TTL is told", es: "El TTL se indica" },
    Label::TtlResolution => { en: "TTL resolution", es: "Resolución del TTL" },
    Label::Rotations => { en: "Rotations", es: "Rotaciones" },
    Label::StoreLag => { en: "Store lag", es: "Demora al guardar" },
    Label::Reference => { en: "Reference", es: "Referencia" },
    Label::Adapter => { en: "Adapter", es: "Perfil del proxy" },
    Label::NotJudgedHere => { en: "no check of this scenario answers it", es: "ninguna verificación de este escenario lo responde" },
    Label::Yes => { en: "yes", es: "sí" },
    Label::No => { en: "no", es: "no" },
    Label::Bytes => { en: "bytes", es: "bytes" },
    Label::Truncated => { en: "cut here", es: "cortado aquí" },
    Label::NotApplicable => { en: "n/a", es: "n/d" },
    Label::Attempt => { en: "attempt", es: "intento" },
    Label::Table => { en: "As a table", es: "En forma de tabla" },
    Label::Zoomable => { en: "The same to explore: drag across to zoom, double-click for all", es: "Lo mismo para explorar: arrastrar para acercar, doble clic para ver todo" },
    Label::OtherLanguage => { en: "Español", es: "English" },
    Label::ShownOf => { en: "shown", es: "mostrados" },
    Label::Licences => { en: "Licences", es: "Licencias" },
});

/// The verdict of a whole run, as one or two words.
pub fn verdict_words(exit: ExitCode, language: Language) -> &'static str {
    match exit {
        ExitCode::Passed => language.choose("Pass", "Cumple"),
        ExitCode::Failed => language.choose("Fail", "No cumple"),
        ExitCode::Inconclusive => language.choose("Inconclusive", "No concluyente"),
        ExitCode::ProxyNotReady => language.choose("Did not start", "No arrancó"),
        ExitCode::Usage => language.choose("Nothing to judge", "Nada que evaluar"),
        ExitCode::Bug => language.choose("Bug of the harness", "Falla del banco de pruebas"),
        ExitCode::Interrupted => language.choose("Interrupted", "Interrumpido"),
        ExitCode::TimeOver => language.choose("Out of time", "Sin tiempo"),
    }
}

/// What an exit code means.
pub fn exit_meaning(exit: ExitCode, language: Language) -> String {
    let (en, es) = match exit {
        ExitCode::Passed => (
            "every required check passed, or is declared as not implemented",
            "toda verificación obligatoria cumple, o está declarada como no implementada",
        ),
        ExitCode::Failed => ("a required check failed", "una verificación obligatoria no cumple"),
        ExitCode::Inconclusive => (
            "no required check failed, but not all of them could be decided, or none was asked",
            "ninguna verificación obligatoria incumple, pero no todas se pudieron decidir, o no se preguntó ninguna",
        ),
        ExitCode::ProxyNotReady => (
            "the proxy did not build, start or get ready",
            "el proxy no compiló, no arrancó o no llegó a estar listo",
        ),
        ExitCode::Usage => (
            "the command line, the scenario or the adapter is wrong, there was nothing to run, or this machine lacks the room or the rights for it",
            "la línea de comandos, el escenario o el perfil del proxy tienen un error, no había nada que ejecutar, o a este computador le falta espacio o permiso para hacerlo",
        ),
        ExitCode::Bug => ("the harness itself has a bug", "el propio banco de pruebas tiene una falla"),
        ExitCode::TimeOver => (
            "the time allowed was over before the run was; what had happened until then is kept",
            "el tiempo permitido se agotó antes de terminar la ejecución; se conserva lo ocurrido hasta entonces",
        ),
        ExitCode::Interrupted => (
            "the run was interrupted; what had happened until then is kept",
            "la ejecución se interrumpió; se conserva lo ocurrido hasta entonces",
        ),
    };
    language.choose(en, es).to_owned()
}

messages! {
    /// The one sentence that matters when everything required passed.
    fn all_passed(checks: Counted) {
        en: "It meets every requirement that this scenario tries: {checks} passed",
        es: "Cumple todos los requisitos que este escenario pone a prueba ({checks})",
    }
    /// The one sentence that matters when something failed.
    fn some_failed(failed: usize, of: usize, names: &str) {
        en: "{failed} of {of} required checks failed: {names}",
        es: "No cumple {failed} de {of} verificaciones obligatorias: {names}",
    }
    /// The one sentence that matters when nothing failed and something is open.
    fn some_open(open: usize, of: usize, names: &str) {
        en: "Nothing failed, but {open} of {of} required checks could not be decided: {names}",
        es: "Nada incumple, pero queda sin decidir {open} de {of} verificaciones obligatorias: {names}",
    }
    /// Optimal checks that failed.
    pub fn optimal_failed(names: &str) {
        en: "Beyond what is required, not met: {names}",
        es: "Más allá de lo obligatorio, no cumple: {names}",
    }
    /// Checks that the adapter declares as unsupported.
    pub fn declared_unsupported(names: &str) {
        en: "Declared as not implemented: {names}",
        es: "No implementado (declarado): {names}",
    }
    /// The proxy did not end when it was asked to.
    pub fn hung_at_stop(signal: &str, waited: Span) {
        en: "It did not end within {waited} of {signal}, and was ended with SIGKILL",
        es: "No terminó dentro de {waited} tras {signal}, y fue necesario terminarlo con SIGKILL",
    }
    /// Nothing was proven because all required checks are declared as unsupported.
    fn nothing_proven(names: &str) {
        en: "Nothing was proven: every required check is declared as not implemented ({names})",
        es: "Nada quedó demostrado: toda verificación obligatoria está declarada como no implementada ({names})",
    }
    /// No required check is among those that were asked.
    fn none_required() {
        en: "No required check was asked, and what is optional decides nothing",
        es: "No se preguntó ninguna verificación obligatoria, y lo opcional no decide nada",
    }
    /// Where the report is.
    pub fn report_at(path: &str) { en: "Report: {path}", es: "Informe: {path}" }
    /// The same where the backends kept no journal of some of them.
    pub fn took_place_in_part(requests: Counted, attempts: Counted) {
        en: "{requests} of clients, {attempts} at the backends outside of the loads, of which no journal was kept",
        es: "{requests} de clientes, {attempts} en los backends aparte de las cargas, de las que no se llevó registro",
    }
    /// How much took place.
    pub fn took_place(requests: Counted, attempts: Counted) {
        en: "{requests} of clients, {attempts} at the backends",
        es: "{requests} de clientes, {attempts} en los backends",
    }
    /// Kills of the proxy in a run.
    pub fn killed_times(kills: Counted, starts: Counted) { en: "{kills} with SIGKILL, {starts}", es: "{kills} con SIGKILL, {starts}" }
    /// Some of a longer list are shown.
    pub fn shown_of(shown: usize, all: usize) { en: "{shown} of {all} shown", es: "se muestran {shown} de {all}" }
    /// A text was cut.
    pub fn cut_after(shown: usize, all: u64) {
        en: "cut after {shown} of {all} bytes",
        es: "cortado tras {shown} de {all} bytes",
    }
    /// What decides.
    pub fn decides() {
        en: "Only required checks decide the exit code.",
        es: "Solo las verificaciones obligatorias deciden el código de salida.",
    }
}

/// The one sentence that matters.
pub fn headline_of(facts: &HeadlineFacts<'_>, language: Language) -> String {
    let names = |checks: &[CheckId]| {
        let names: Vec<&str> = checks.iter().map(|check| check.name()).collect();
        Listed(&names).in_words(language)
    };
    let required = facts.passed + facts.failed.len() + facts.undecided.len();
    match facts.exit {
        ExitCode::Failed => some_failed(language, facts.failed.len(), required, &names(facts.failed)),
        ExitCode::Inconclusive if !facts.undecided.is_empty() => {
            some_open(language, facts.undecided.len(), required, &names(facts.undecided))
        }
        ExitCode::Inconclusive | ExitCode::Passed if required == 0 && facts.unsupported.is_empty() => {
            none_required(language)
        }
        ExitCode::Inconclusive => nothing_proven(language, &names(facts.unsupported)),
        ExitCode::Passed => all_passed(language, Counted(facts.passed as u64, Noun::Check)),
        other => {
            let meaning = exit_meaning(other, language);
            let mut letters = meaning.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

/// What a headline is made of.
#[derive(Clone, Copy, Debug)]
pub struct HeadlineFacts<'a> {
    /// The exit code of the run.
    pub exit: ExitCode,
    /// Required checks that passed.
    pub passed: usize,
    /// Required checks that failed.
    pub failed: &'a [CheckId],
    /// Required checks that are open.
    pub undecided: &'a [CheckId],
    /// Checks that are declared as unsupported.
    pub unsupported: &'a [CheckId],
}

#[cfg(test)]
mod tests {
    use super::{HeadlineFacts, headline_of};
    use crate::language::Language;
    use harness_model::catalogue::CheckId;
    use harness_model::exit_code::ExitCode;

    fn headline(exit: ExitCode, failed: &[CheckId], undecided: &[CheckId], language: Language) -> String {
        headline_of(&HeadlineFacts { exit, passed: 4, failed, undecided, unsupported: &[] }, language)
    }

    #[test]
    fn where_only_what_is_optional_was_asked_nothing_is_said_of_requirements() {
        for exit in [ExitCode::Passed, ExitCode::Inconclusive] {
            let facts = HeadlineFacts { exit, passed: 0, failed: &[], undecided: &[], unsupported: &[] };
            assert!(headline_of(&facts, Language::En).starts_with("No required check was asked"), "{exit:?}");
        }
    }

    #[test]
    fn the_headline_names_what_decided() {
        let failed = [CheckId::TtlExpiry, CheckId::CacheHit];
        assert_eq!(
            headline(ExitCode::Failed, &failed, &[], Language::En),
            "2 of 6 required checks failed: ttl.expiry and cache.hit"
        );
        assert_eq!(
            headline(ExitCode::Passed, &[], &[], Language::Es),
            "Cumple todos los requisitos que este escenario pone a prueba (4 verificaciones)"
        );
        assert!(headline(ExitCode::Interrupted, &[], &[], Language::Es).starts_with("La ejecución"));
    }
}
