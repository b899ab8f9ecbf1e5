//! Defects of the log: halves of exchanges, places without it, lines that are lost or written twice.
//!
//! The log asks for each exchange. The honest rule: one whole line, printed and written to the file before anything else.

use super::Defect;

/// What is known of an exchange when it is logged.
pub struct Exchange<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its target.
    pub target: &'a str,
    /// Status of the answer.
    pub status: u16,
    /// Length of its body.
    pub bytes: usize,
    /// `cache`, or the backend.
    pub from: &'a str,
    /// Whether other requests are under way.
    pub others: bool,
}

/// The lines of an exchange.
pub fn lines(defect: Defect, exchange: &Exchange<'_>) -> String {
    let Exchange { method, target, status, bytes, from, others } = exchange;
    let line = format!("{method} {target} -> {status} {bytes} {from}\n");
    match defect {
        Defect::LogsOnlyRequests => format!("{method} {target}\n"),
        Defect::LogsOnlyAnswers => format!("{status} {bytes}\n"),
        Defect::LogsNoHits if *from == "cache" => String::new(),
        Defect::LosesLinesInACrowd if *others => String::new(),
        Defect::LogsTwice => line.repeat(2),
        Defect::FloodsTheLog => line + &"waiting for data\n".repeat(400),
        _ => line,
    }
}

/// Whether they go to the file; where it is written at the end, a kill is the end.
pub fn into_the_file(defect: Defect) -> bool {
    !matches!(defect, Defect::NoLogFile | Defect::LogsAtTheEnd)
}

/// Whether they are printed.
pub fn onto_the_screen(defect: Defect) -> bool {
    defect != Defect::PrintsNothing
}
