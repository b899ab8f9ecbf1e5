//! What the command line says around its runs.
//!
//! `cli` prints it. Why a proxy did not start is worded in `problem_words`, verdicts and pages in `report_words`.

use super::Language;
use super::report_words::verdict_words;
use harness_model::exit_code::ExitCode;

crate::messages! {
    /// Proxy and backends were left up.
    pub fn held(proxy: &str, backends: &str) {
        en: "the proxy stays up at {proxy}, the backends at {backends}; Ctrl-C ends them",
        es: "el proxy sigue activo en {proxy} y los backends en {backends}; Ctrl-C los termina",
    }
    /// What failed is repeated so that its line is found.
    pub fn watched_again(checks: &str) {
        en: "repeating with the program watched, to find the line: {checks}",
        es: "se repite observando el programa, para hallar la línea: {checks}",
    }
    /// A change of the program is tried.
    pub fn tried_changed(checks: &str) {
        en: "repeating with a small change of the program, to see whether that mends it: {checks}",
        es: "se repite con un cambio pequeño en el programa, para ver si así cumple: {checks}",
    }
    /// What can be done about a problem.
    pub fn way_out(advice: &str) { en: "What to do: {advice}", es: "Qué hacer: {advice}" }
    /// A record cannot be believed.
    pub fn record_doubted(why: &str) {
        en: "nothing of this can be believed: {why}",
        es: "nada de esto se puede dar por cierto: {why}",
    }
    /// Files of a record are not what its manifest says.
    pub fn record_changed(files: &str) {
        en: "{files} changed since the run: not what the manifest knows",
        es: "después de la corrida hubo cambios en {files}: no es lo que consta en el manifiesto",
    }
    /// Nothing can be written where temporary files go.
    pub fn no_temporary_files(folder: &str, why: &str) {
        en: "nothing can be written to the folder of temporary files, {folder} ({why}); set TMPDIR to one that can be written to",
        es: "no se puede escribir en la carpeta de archivos temporales, {folder} ({why}); indique otra con TMPDIR",
    }
    /// What was found could not be printed.
    pub fn could_not_print(why: &str) {
        en: "could not print what was found ({why}); what a run has recorded is in its folder",
        es: "no se pudo imprimir lo encontrado ({why}); lo que una corrida registró está en su carpeta",
    }
    /// A plan of an earlier run is not whole, or of another version.
    pub fn no_plan(place: &str) {
        en: "{place}: not a plan as this harness writes it: another version wrote it, or it was changed; run its scenario instead",
        es: "{place}: no es un plan como los que escribe este banco de pruebas: lo escribió otra versión o se cambió; ejecute su escenario",
    }
    /// A record has no manifest.
    pub fn record_incomplete() {
        en: "the record has no manifest, so its run was not brought to an end or its folder is not whole",
        es: "el registro no tiene manifiesto: la corrida no llegó a su fin o la carpeta no está completa",
    }
    /// `--failed` found nothing to do.
    pub fn nothing_failed() {
        en: "nothing to run: everything passed the last time",
        es: "no hay nada que correr: todo cumplió la última vez",
    }
    /// A scenario was named that takes a client of TLS, which this build has not.
    pub fn needs_tls(file: &str) {
        en: "{file} asks by HTTPS, and this harness was built without it: cargo run -p harness --features tls -- {file}",
        es: "{file} pregunta por HTTPS, y este banco de pruebas se compiló sin eso: cargo run -p harness --features tls -- {file}",
    }
    /// The same of one that lies in a folder that was named.
    pub fn left_out_without_tls(file: &str) {
        en: "{file} is left out: it asks by HTTPS, and this harness was built without it (cargo run -p harness --features tls -- {file})",
        es: "{file} se deja por fuera: pregunta por HTTPS, y este banco de pruebas se compiló sin eso (cargo run -p harness --features tls -- {file})",
    }
    /// No scenario was named.
    pub fn no_scenario() {
        en: "which scenario? For example: harness scenarios/ttl.yaml",
        es: "¿qué escenario? Por ejemplo: harness scenarios/ttl.yaml",
    }
    /// A command stands behind the options of another one.
    pub fn command_comes_first(command: &str) {
        en: "`{command}` is a command and comes first: harness {command} …",
        es: "`{command}` es un comando y va primero: harness {command} …",
    }
    /// A profile stands where a scenario belongs.
    pub fn is_an_adapter(file: &str, command: &str) {
        en: "{file} describes a proxy and is no scenario; try: {command}",
        es: "{file} describe un proxy y no es un escenario; pruebe: {command}",
    }
    /// A scenario stands where a proxy belongs.
    pub fn is_a_scenario(file: &str) {
        en: "{file} is a scenario and describes no proxy; `harness list` names the proxies",
        es: "{file} es un escenario y no describe un proxy; `harness list` muestra los proxies",
    }
    /// What was named holds no record.
    pub fn no_run_folder(folder: &str) {
        en: "{folder} is no run folder: there is no plan.json in it; one is reports/SCENARIO/PROXY/latest",
        es: "{folder} no es la carpeta de una ejecución: no contiene plan.json; una es reports/ESCENARIO/PROXY/latest",
    }
    /// Ctrl-C could not be listened to.
    pub fn no_signal_handler(error: &str) {
        en: "could not listen to Ctrl-C: {error}",
        es: "no se pudo escuchar Ctrl-C: {error}",
    }
    /// `check` found nothing wrong with an adapter.
    pub fn adapter_is_sound(file: &str, name: &str) {
        en: "{file}: a sound adapter of `{name}`",
        es: "{file}: un perfil correcto de `{name}`",
    }
    /// `check` found nothing wrong with a scenario.
    pub fn scenario_is_sound(file: &str, steps: u64, checks: u64, estimated: super::Span) {
        en: "{file}: a sound scenario; steps: {steps}, checks: {checks}, about {estimated}",
        es: "{file}: un escenario correcto; pasos: {steps}, verificaciones: {checks}, cerca de {estimated}",
    }
    /// Heading of `list`.
    pub fn heading_scenarios() { en: "Scenarios (in scenarios/)", es: "Escenarios (en scenarios/)" }
    /// Heading of `list`.
    pub fn heading_adapters() { en: "Proxies (--sut NAME, or the file of an adapter)", es: "Proxies (por nombre, o por el archivo de un perfil)" }
    /// Heading of `list`.
    pub fn heading_checks() { en: "Checks", es: "Verificaciones" }
    /// Heading of `list`.
    pub fn heading_behaviours() { en: "Behaviours of backends", es: "Comportamientos de los backends" }
}

/// One line per run, where there were several.
pub fn one_of_many(language: Language, run: &str, code: ExitCode) -> String {
    format!("{run}: {} ({})", verdict_words(code, language), code.number())
}
