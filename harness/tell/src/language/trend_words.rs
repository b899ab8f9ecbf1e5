//! The words of the page that shows how a proxy changed from run to run.
//!
//! `report::trend` and its page use them. Nothing is measured or judged here.

use super::Milliseconds;
use crate::{messages, words};

/// A short text on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum TrendLabel {
    HistoryOfRuns,
    Changes,
    NoChanges,
    Verdicts,
    Run,
    Program,
    NewProgram,
}

words!(TrendLabel {
    TrendLabel::HistoryOfRuns => { en: "History of runs", es: "Historia de las ejecuciones" },
    TrendLabel::Changes => { en: "Verdicts that changed", es: "Veredictos que cambiaron" },
    TrendLabel::NoChanges => { en: "No verdict changed.", es: "Ningún veredicto cambió." },
    TrendLabel::Verdicts => { en: "Verdicts", es: "Veredictos" },
    TrendLabel::Run => { en: "Run", es: "Ejecución" },
    TrendLabel::Program => { en: "Program", es: "Programa" },
    TrendLabel::NewProgram => { en: "another program than before", es: "otro programa que antes" },
});

messages! {
    /// What the page covers.
    pub fn covers_runs(runs: usize, groups: usize) {
        en: "{runs} runs, {groups} pairs of scenario and proxy. A run with another seed or on another machine is not the same experiment: differences of a few percent say little.",
        es: "{runs} ejecuciones, {groups} parejas de escenario y proxy. Una ejecución con otra semilla o en otra máquina no es el mismo experimento: diferencias de pocos puntos porcentuales dicen poco.",
    }
    /// No run lies in a folder.
    pub fn no_runs(folder: &str) {
        en: "no run was found beneath {folder}: a run folder holds manifest.json and verdicts.json",
        es: "no se encontró ninguna ejecución en {folder}: su carpeta contiene manifest.json y verdicts.json",
    }
    /// A check that came out otherwise than the time before.
    pub fn changed_verdict(check: &str, before: &str, now: &str) { en: "{check}: {before} → {now}", es: "{check}: {before} → {now}" }
    /// The title of a plot.
    pub fn over_runs(what: &str, unit: &str) { en: "{what} over the runs ({unit})", es: "{what} a lo largo de las ejecuciones ({unit})" }
    /// A point of a plot.
    pub fn point(started: &str, value: Milliseconds) { en: "{started}: {value}", es: "{started}: {value}" }
    /// No browser to print with.
    pub fn no_browser() {
        en: "no PDF: it takes an installed Chromium (chromium, google-chrome)",
        es: "sin PDF: hace falta un Chromium instalado (chromium, google-chrome)",
    }
    /// The document was not made.
    pub fn not_printed(path: &str, why: &str) { en: "{path} could not be printed: {why}", es: "{path} no se pudo imprimir: {why}" }
    /// Where the document lies.
    pub fn printed_at(path: &str) { en: "PDF: {path}", es: "PDF: {path}" }
    /// Where the page lies.
    pub fn history_at(path: &str) { en: "History: {path}", es: "Historia: {path}" }
    /// A folder that looks like a run and cannot be read.
    pub fn run_left_out(folder: &str, why: &str) { en: "{folder} is left out: {why}", es: "{folder} queda por fuera: {why}" }
}
