//! The words of the mending loop: what to mend first, what it would explain, how to see it again, what changed.
//!
//! The terminal and the first screen of a report print them below the verdicts. Causes are worded in `cause_words`, what was
//! seen in `finding_words`.

use super::{InWords as _, Language, Listed, Span};
use harness_model::catalogue::CheckId;

crate::messages! {
    /// Heading of the group that comes first, where there are more: of all failures how many it explains.
    pub fn mend_first(explains: usize, of: usize) {
        en: "Mend this first: it explains {explains} of your {of} failures",
        es: "Corrija esto primero: explica {explains} de sus {of} fallas",
    }
    /// Heading, where there is one group only.
    pub fn mend_this() { en: "Mend this: it explains everything that failed", es: "Corrija esto: explica todo lo que falló" }
    /// Heading of a later group.
    pub fn mend_then(explains: usize, of: usize) {
        en: "Then this: it explains {explains} of {of}",
        es: "Luego esto: explica {explains} de {of}",
    }
    /// Label.
    pub fn cause() { en: "likely cause", es: "causa probable" }
    /// Label.
    pub fn checks() { en: "checks", es: "verificaciones" }
    /// Label.
    pub fn waiting() { en: "blocked by it", es: "sin evaluar por ello" }
    /// Label.
    pub fn expected() { en: "expected", es: "se esperaba" }
    /// Label.
    pub fn happened() { en: "happened", es: "ocurrió" }
    /// Label.
    pub fn example() { en: "for example", es: "por ejemplo" }
    /// Label.
    pub fn by_hand() { en: "by hand (with --hold)", es: "a mano (con --hold)" }
    /// Label.
    pub fn just_this() { en: "just this again", es: "repetir solo esto" }
    /// A request, when it was sent, and what a backend saw of it.
    pub fn request_at_backend(request: &str, at: Span, backend: &str, end: &str) {
        en: "{request}, sent {at} after the start of the run, reached {backend}; the client: {end}",
        es: "{request}, enviada {at} después del inicio de la corrida, llegó a {backend}; el cliente: {end}",
    }
    /// A request that reached no backend.
    pub fn request_at_none(request: &str, at: Span, end: &str) {
        en: "{request}, sent {at} after the start of the run, reached no backend; the client: {end}",
        es: "{request}, enviada {at} después del inicio de la corrida, no llegó a ningún backend; el cliente: {end}",
    }
    /// A request of a load of which the backends kept no journal.
    pub fn request_counted(request: &str, at: Span, end: &str) {
        en: "{request}, sent {at} after the start of the run, while the backends kept only numbers; the client: {end}",
        es: "{request}, enviada {at} después del inicio de la corrida, cuando los backends solo llevaban la cuenta; el cliente: {end}",
    }
    /// How an exchange with a response ended.
    pub fn got_answer(status: &str, bytes: super::Bytes, end: &str) {
        en: "{status}, a body of {bytes}, {end}", es: "{status}, un cuerpo de {bytes}, {end}",
    }
    /// Heading of the groups in which nothing is required.
    pub fn beyond_required() { en: "Beyond what is required", es: "Más allá de lo obligatorio" }
    /// More groups than are shown.
    pub fn more_groups(number: usize) {
        en: "{number} more; the report has all of them", es: "{number} más; el informe los trae todos",
    }
    /// How many verdicts there are of each outcome, where not every one of them is shown.
    pub fn counted(counts: &str) {
        en: "{counts}; -v shows every row", es: "{counts}; -v muestra todas las filas",
    }
    /// Checks that are met now.
    pub fn now_met(checks: &str) { en: "now met: {checks}", es: "ahora cumple: {checks}" }
    /// Checks that were met before.
    pub fn no_longer_met(checks: &str) { en: "no longer met: {checks}", es: "ya no cumple: {checks}" }
    /// Checks that fail as before.
    pub fn still_failing(checks: &str) { en: "still not met: {checks}", es: "sigue sin cumplir: {checks}" }
    /// Heading of what changed.
    pub fn since_last_run() { en: "Since the last run", es: "Desde la corrida anterior" }
    /// Checks of the last run that this one left out.
    pub fn left_out(number: usize) {
        en: "not repeated: {number}; without --failed and --only everything runs",
        es: "sin repetir: {number}; sin --failed ni --only se corre todo",
    }
    /// A check that no scenario of the command asks for.
    pub fn not_asked(check: &str, scenarios: &str) {
        en: "{check} is not asked for in {scenarios}; `harness list` names all checks",
        es: "{check} no se pide en {scenarios}; `harness list` nombra todas las verificaciones",
    }
    /// What made a held run stop.
    pub fn held_at(checks: &str) {
        en: "stopped at the first failing step, for: {checks}",
        es: "detenido en el primer paso con fallas, por: {checks}",
    }
    /// The addresses of a held run are not those of the host.
    pub fn held_elsewhere() {
        en: "they are in a network of their own, because the proxy needs addresses that this host does not have: the lines below cannot reach them",
        es: "están en una red propia, porque el proxy necesita direcciones que este equipo no tiene: las líneas de abajo no llegan a ellos",
    }
}

/// Names of checks as a list.
pub fn names_of(checks: &[CheckId], language: Language) -> String {
    let names: Vec<&str> = checks.iter().map(|check| check.name()).collect();
    Listed(&names).in_words(language)
}
