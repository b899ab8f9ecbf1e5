//! The words of a suite: several scenarios on one page, with one verdict.
//!
//! `report::suite` uses them, for its page and for the terminal. Nothing is judged here.

use super::{Counted, Span};
use crate::{messages, words};

/// A short text on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum SuiteLabel {
    Suite,
    Scenario,
    Passed,
    NotPassed,
    Undecided,
    Took,
    Verdict,
    ToMend,
    NothingToMend,
    NotCarriedOut,
}

words!(SuiteLabel {
    SuiteLabel::Suite => { en: "Suite of scenarios", es: "Conjunto de escenarios" },
    SuiteLabel::Scenario => { en: "Scenario", es: "Escenario" },
    SuiteLabel::Passed => { en: "Pass", es: "Cumplen" },
    SuiteLabel::NotPassed => { en: "Fail", es: "No cumplen" },
    SuiteLabel::Undecided => { en: "Undecided", es: "Sin decidir" },
    SuiteLabel::Took => { en: "Time", es: "Tiempo" },
    SuiteLabel::Verdict => { en: "Verdict", es: "Veredicto" },
    SuiteLabel::ToMend => { en: "What did not pass", es: "Lo que no cumple" },
    SuiteLabel::NothingToMend => { en: "Every required check passed.", es: "Toda verificación obligatoria cumple." },
    SuiteLabel::NotCarriedOut => { en: "not carried out", es: "no se ejecutó" },
});

messages! {
    /// The one sentence of a suite.
    pub fn headline(verdict: &str, passed: usize, required: Counted, scenarios: Counted, took: Span) {
        en: "{verdict}: {passed} of {required} pass, in {scenarios} ({took})",
        es: "{verdict}: {passed} de {required} cumplen, en {scenarios} ({took})",
    }
    /// Where the page lies.
    pub fn suite_at(path: &str) { en: "All on one page: {path}", es: "Todo en una página: {path}" }
    /// The same failure once more, in another scenario.
    pub fn also_in(scenarios: &str) { en: "also in {scenarios}", es: "también en {scenarios}" }
    /// A folder without a scenario.
    pub fn no_scenario_in(folder: &str) {
        en: "there is no scenario in {folder}: a scenario is a .yaml file that lies directly in it",
        es: "no hay ningún escenario en {folder}: un escenario es un archivo .yaml que está directamente en ella",
    }
}
