//! The words of a league: many proxies judged by the same scenarios, on one page.
//!
//! `report::league` uses them for the page, for Markdown and for the terminal, the command line before anything starts. Nothing is
//! judged here.

use super::{InWords, Language, Span};
use crate::{messages, say, words};
use harness_model::exit_code::ExitCode;

/// A short text on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum LeagueLabel {
    League,
    Requirements,
    WhatTheyAsk,
    Speed,
    ProxyByProxy,
    NotHere,
    AllChecks,
    Version,
    ToInstall,
    Sum,
    NotMet,
    Beyond,
    AllMet,
    WhatFollows,
    Runs,
    NoSpeed,
    Reference,
    NotMeasured,
    NotCarriedOut,
    NoCache,
    Figure,
}

words!(LeagueLabel {
    LeagueLabel::League => { en: "League of proxies", es: "Liga de proxies" },
    LeagueLabel::Requirements => { en: "Requirements", es: "Requisitos" },
    LeagueLabel::WhatTheyAsk => { en: "What each requirement asks", es: "Qué pide cada requisito" },
    LeagueLabel::Speed => { en: "Costs and latencies", es: "Costos y latencias" },
    LeagueLabel::ProxyByProxy => { en: "Proxy by proxy", es: "Proxy por proxy" },
    LeagueLabel::NotHere => { en: "Not here", es: "No están aquí" },
    LeagueLabel::AllChecks => { en: "Every check", es: "Todas las verificaciones" },
    LeagueLabel::Version => { en: "Version", es: "Versión" },
    LeagueLabel::ToInstall => { en: "To judge it here", es: "Para evaluarlo aquí" },
    LeagueLabel::Sum => { en: "All", es: "Todo" },
    LeagueLabel::NotMet => { en: "Required, and not passed", es: "Obligatorio, y sin cumplir" },
    LeagueLabel::Beyond => { en: "Beyond what is required, not met", es: "Más allá de lo obligatorio, no cumplido" },
    LeagueLabel::AllMet => { en: "Every required check that it was asked passed.", es: "Cumple toda verificación obligatoria que se le pidió." },
    LeagueLabel::WhatFollows => { en: "What follows from another check stands in the table of every check.", es: "Lo que se sigue de otra verificación está en la tabla de todas." },
    LeagueLabel::Runs => { en: "Runs", es: "Ejecuciones" },
    LeagueLabel::NoSpeed => { en: "The speed part was left out (--rounds 0).", es: "La parte de velocidad se dejó fuera (`--rounds 0`)." },
    LeagueLabel::Reference => { en: "reference", es: "referencia" },
    LeagueLabel::NotMeasured => { en: "not measured", es: "no se midió" },
    LeagueLabel::NotCarriedOut => { en: "not carried out", es: "no se ejecutó" },
    LeagueLabel::NoCache => { en: "no cache: a backend answers every request", es: "sin caché: un backend responde cada petición" },
    LeagueLabel::Figure => { en: "Median and interval", es: "Mediana e intervalo" },
});

messages! {
    /// What there is, in numbers.
    pub fn headline(judged: usize, scenarios: usize, runs: usize, absent: usize) {
        en: "Proxies judged: {judged}. Scenarios: {scenarios}. Runs: {runs}. Not on this machine: {absent}.",
        es: "Proxies evaluados: {judged}. Escenarios: {scenarios}. Ejecuciones: {runs}. No están en esta máquina: {absent}.",
    }
    /// How the matrix is read.
    pub fn how_to_read() {
        en: "Each cell says how many of the required checks of that requirement passed, and leads to the run that shows it: where something did not pass, to that check. The small figure counts the checks beyond what is required. The same check in several scenarios counts once, by its worst verdict.",
        es: "Cada celda dice cuántas verificaciones obligatorias de ese requisito cumplen, y lleva a la ejecución que lo muestra: donde algo no cumple, a esa verificación. La cifra pequeña cuenta las verificaciones más allá de lo obligatorio. La misma verificación en varios escenarios cuenta una vez, por su peor veredicto.",
    }
    /// What the matrix is a statement about.
    pub fn what_it_asks() {
        en: "The requirements are those of the course assignment that this judge was made for. A proxy that was never meant to keep its cache on disk, or to print its log, does not meet them by design; what its adapter declares as not implemented is no failure.",
        es: "Los requisitos son los del proyecto de curso para el que se hizo este banco de pruebas. Un proxy que nunca se propuso guardar su caché en disco, o imprimir su registro, no los cumple por diseño; lo que su perfil declara como no implementado no es un incumplimiento.",
    }
    /// What the ratios are of.
    pub fn ratios_to(reference: &str) {
        en: "Every ratio is that proxy over {reference}, round by round in the same interleaved rounds.",
        es: "Toda razón es la de ese proxy sobre {reference}, ronda por ronda en las mismas rondas intercaladas.",
    }
    /// The speed part, in numbers.
    pub fn rounds_of(rounds: usize, wanted: usize) {
        en: "Rounds: {rounds} of {wanted}.", es: "Rondas: {rounds} de {wanted}.",
    }
    /// It is not over.
    pub fn goes_on(carried_out: usize, wanted: usize) {
        en: "It is still going on: {carried_out} of {wanted} runs are here. A cell that lacks runs says so.",
        es: "Aún sigue: aquí están {carried_out} de {wanted} ejecuciones. Una celda a la que le faltan ejecuciones lo dice.",
    }
    /// The user ended it.
    pub fn interrupted(carried_out: usize, wanted: usize) {
        en: "It was interrupted: this page is partial, with {carried_out} of {wanted} runs. A cell that lacks runs says so.",
        es: "Se interrumpió: esta página es parcial, con {carried_out} de {wanted} ejecuciones. Una celda a la que le faltan ejecuciones lo dice.",
    }
    /// The time allowed was over.
    pub fn out_of_time(carried_out: usize, wanted: usize) {
        en: "The time allowed was over: this page is partial, with {carried_out} of {wanted} runs; --max-duration allows more. A cell that lacks runs says so.",
        es: "El tiempo permitido se acabó: esta página es parcial, con {carried_out} de {wanted} ejecuciones; `--max-duration` permite más. Una celda a la que le faltan ejecuciones lo dice.",
    }
    /// What stands in a cell, for those who hear the page.
    pub fn cell(outcome: &str, passed: usize, required: usize, beyond_passed: usize, beyond: usize) {
        en: "{outcome}: {passed} of {required} required checks passed, {beyond_passed} of {beyond} beyond",
        es: "{outcome}: cumplen {passed} de {required} verificaciones obligatorias, {beyond_passed} de {beyond} más allá",
    }
    /// Before the first run.
    pub fn announced(proxies: usize, runs: usize, rounds: usize, time: Span) {
        en: "Proxies: {proxies}. Runs: {runs}. Rounds of the speed part: {rounds}. It takes about {time}.",
        es: "Proxies: {proxies}. Ejecuciones: {runs}. Rondas de velocidad: {rounds}. Toma unos {time}.",
    }
    /// A proxy that is not installed.
    pub fn not_here(name: &str, advice: &str) {
        en: "{name} is not here: {advice}", es: "{name} no está aquí: {advice}",
    }
    /// A run is over.
    pub fn run_of(number: usize, runs: usize, scenario: &str, proxy: &str, verdict: &str) {
        en: "run {number} of {runs}: {scenario} · {proxy}: {verdict}",
        es: "ejecución {number} de {runs}: {scenario} · {proxy}: {verdict}",
    }
    /// One line for each proxy at the end.
    pub fn line(passed: usize, required: usize) {
        en: "{passed}/{required} required", es: "{passed}/{required} obligatorias",
    }
    /// Checks of which nothing is known.
    pub fn not_carried_out(checks: usize) {
        en: "required checks not carried out: {checks}", es: "verificaciones obligatorias que no se ejecutaron: {checks}",
    }
    /// Nothing that could be judged.
    pub fn nobody_here() {
        en: "none of these proxies is on this machine, so there is nothing to judge",
        es: "ninguno de estos proxies está en esta máquina, así que no hay nada que evaluar",
    }
    /// Two entrants of one name.
    pub fn same_name(name: &str) {
        en: "two proxies are called {name}, and each needs a name of its own: `name` in its adapter",
        es: "dos proxies se llaman {name}, y cada uno necesita su propio nombre: `name` en su perfil",
    }
    /// No scenarios beside it, as where the program is installed alone.
    pub fn no_folder(folder: &str) {
        en: "there is no folder {folder} here: name scenarios or a folder of them, such as `harness league path/to/scenarios`",
        es: "aquí no hay una carpeta {folder}: nombre escenarios o una carpeta de ellos, por ejemplo `harness league ruta/a/scenarios`",
    }
    /// The scenario of the speed part cannot be one of its rounds.
    pub fn no_speed_file(file: &str) {
        en: "there is no {file} for the speed part: --speed FILE names a scenario with load steps, --rounds 0 leaves the part out",
        es: "no hay un {file} para la parte de velocidad: `--speed ARCHIVO` nombra un escenario con etapas de carga, `--rounds 0` la deja fuera",
    }
}

/// What the exit code of a league means: it tells of all and is the gate of none.
pub fn meaning(exit: ExitCode, language: Language) -> String {
    match exit {
        ExitCode::Passed => say!(language,
            en: "every proxy that is here has its whole row, whatever its verdicts",
            es: "todo proxy que está aquí tiene su fila completa, sean cuales sean sus veredictos"),
        ExitCode::ProxyNotReady => say!(language,
            en: "a proxy that is installed here did not get ready",
            es: "un proxy instalado aquí no llegó a estar listo"),
        other => super::report_words::exit_meaning(other, language),
    }
}

/// A figure of a cell: `12/14`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub usize, pub usize);

impl Share {
    /// Whether it is all of them.
    pub const fn is_whole(self) -> bool {
        self.0 == self.1
    }
}

impl InWords for Share {
    fn in_words(&self, _: Language) -> String {
        format!("{}/{}", self.0, self.1)
    }
}
