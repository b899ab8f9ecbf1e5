//! The words of two runs beside each other: what changed, how the exchanges compare, how an answer is told in a few words.
//!
//! `report::diff` and its page use them. Nothing is compared here.

use super::{Counted, InWords, Language, Milliseconds, Noun, Quantile};
use crate::{messages, say, words};
use harness_model::exit_code::ExitCode;
use harness_model::history::ExchangeEnd;
use serde::Serialize;

/// The earlier of two runs.
#[derive(Clone, Copy, Debug)]
pub struct Before;

/// The later of two runs.
#[derive(Clone, Copy, Debug)]
pub struct After;

words!(Before { Before => { en: "before", es: "antes" } });
words!(After { After => { en: "after", es: "después" } });

words!(Change {
    Change::Broken => { en: "no longer met", es: "ya no cumple" },
    Change::Mended => { en: "mended", es: "corregida" },
    Change::Otherwise => { en: "otherwise", es: "cambió" },
    Change::Same => { en: "as before", es: "como antes" },
});

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It passed before and does not now.
    Broken,
    /// It passes now and did not before.
    Mended,
    /// It came out otherwise, and passed neither time; or only one of the runs has it.
    Otherwise,
    /// As before.
    Same,
}

/// A heading of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum DiffLabel {
    TwoRuns,
    Verdicts,
    Check,
    Exchanges,
    Latency,
    AsBefore,
}

words!(DiffLabel {
    DiffLabel::TwoRuns => { en: "Two runs beside each other", es: "Dos ejecuciones lado a lado" },
    DiffLabel::Verdicts => { en: "Verdicts", es: "Veredictos" },
    DiffLabel::Check => { en: "Check", es: "Verificación" },
    DiffLabel::Exchanges => { en: "Exchanges that differ", es: "Intercambios que difieren" },
    DiffLabel::Latency => { en: "Latency", es: "Latencia" },
    DiffLabel::AsBefore => { en: "What came out as before", es: "Lo que salió como antes" },
});

messages! {
    /// The answer.
    pub fn changed_checks(mended: usize, broken: usize, otherwise: usize, same: usize) {
        en: "Mended: {mended}; no longer met: {broken}; otherwise: {otherwise}; as before: {same}.",
        es: "Corregidas: {mended}; ya no cumplen: {broken}; cambiaron: {otherwise}; como antes: {same}.",
    }
    /// What differs is not the program's doing.
    pub fn same_program() {
        en: "Both ran the same program: what changed does not always come out alike.",
        es: "Ambas usaron el mismo programa: lo que cambió no siempre sale igual.",
    }
    /// How the exchanges compare.
    pub fn exchanges_compared(aligned: usize, differ: usize, only_before: usize, only_after: usize) {
        en: "Exchanges of the same step and target: {aligned}, of which {differ} differ; only before: {only_before}; only after: {only_after}.",
        es: "Intercambios de la misma etapa y el mismo recurso: {aligned}, de los que difieren {differ}; solo antes: {only_before}; solo después: {only_after}.",
    }
    /// More than are shown.
    pub fn more_differ(number: usize) { en: "{number} more differ", es: "difieren {number} más" }
    /// A percentile of both.
    pub fn took_from_to(tag: &str, quantile: Quantile, before: Milliseconds, after: Milliseconds) {
        en: "{tag}, latency {quantile}: {before} → {after}", es: "{tag}, latencia {quantile}: {before} → {after}",
    }
    /// What a single run of each says of speed.
    pub fn one_run_each() {
        en: "One run of each says little of speed: `harness compare` measures both in turns and gives intervals.",
        es: "Una ejecución de cada uno dice poco de la velocidad: `harness compare` mide ambos por turnos y da intervalos.",
    }
    /// Runs of different scenarios.
    pub fn other_scenario(one: &str, two: &str) {
        en: "these are runs of different scenarios, {one} and {two}: only runs of the same one can be put beside each other",
        es: "son ejecuciones de escenarios distintos, {one} y {two}: solo se pueden poner lado a lado las de uno mismo",
    }
}

/// What the exit code means.
pub fn diff_meaning(language: Language, exit: ExitCode) -> String {
    match exit {
        ExitCode::Passed => say!(language,
            en: "no required check that was met is missed now",
            es: "ninguna verificación obligatoria que se cumplía se incumple ahora"),
        ExitCode::Failed => say!(language,
            en: "a required check that was met fails now",
            es: "una verificación obligatoria que se cumplía no se cumple ahora"),
        ExitCode::Inconclusive => say!(language,
            en: "a required check that was met is open now, or a record is not what its run has written",
            es: "una verificación obligatoria que se cumplía está ahora sin decidir, o un registro no es lo que escribió su ejecución"),
        other => super::report_words::exit_meaning(other, language),
    }
}

/// An answer in a few words: status and bytes where there is one, how it ended where it did not end well, and who gave it.
pub fn answer_of(
    language: Language,
    answer: Option<(u16, u64)>,
    end: &ExchangeEnd,
    backend: Option<&str>,
) -> String {
    let mut said = Vec::new();
    if let Some((status, bytes)) = answer {
        said.push(status.to_string());
        // Exactly: two that differ by one byte must not look alike.
        said.push(Counted(bytes, Noun::Byte).in_words(language));
    }
    if *end != ExchangeEnd::Complete || answer.is_none() {
        said.push(end.in_words(language));
    }
    said.push(match backend {
        Some(backend) => say!(language, en: "from {backend}", es: "desde {backend}", backend = backend),
        None => say!(language, en: "no backend asked", es: "sin pedir a ningún backend"),
    });
    said.join(", ")
}
