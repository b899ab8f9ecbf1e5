//! A league: every proxy of a machine by the same scenarios, as one document from which JSON, Markdown, terminal and pages are drawn.
//!
//! `harness league` fills it with verdicts that its runs made and with figures that their rounds gave, and writes it again after
//! each run, so that what is there is never lost. Nothing is judged here: a cell counts, and the worst verdict names it.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::html::league_page;
use super::markdown::{escape, symbol};
use super::overview::OUTCOMES;
use super::pages::{ReportError, write};
use super::suite::SuiteRun;
use super::wire::plain;
use crate::language::compare_words::{middle, ratio};
use crate::language::league_words::{
    LeagueLabel, Share, goes_on, headline, interrupted, line, not_carried_out, not_here, out_of_time,
};
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, verdict_sentence};
use harness_judge::check::{Outcome, Verdict};
use harness_judge::compare::{Comparison, Middle, Pair, Subject};
use harness_model::adapter::{Adapter, CacheMedium, Capabilities};
use harness_model::catalogue::{CheckId, Kind, Requirement};
use harness_model::exit_code::ExitCode;
use harness_model::plan::Metric;
use harness_model::terms::Bilingual;
use harness_platform::HostFacts;

/// Longest sentence about what was seen.
const LONGEST: usize = 600;
/// The figures that are shown, in their order; the document has all.
const SHOWN: [Metric; 6] = [
    Metric::CpuPerRequest,
    Metric::Latency(0.5),
    Metric::Latency(0.99),
    Metric::MemoryPerConnection,
    Metric::ErrorRate,
    Metric::RssPeak,
];

/// The document, `league.json`.
#[derive(Clone, Debug, Serialize)]
pub struct League {
    /// Version of this document's shape.
    pub format: u32,
    /// Whether it is whole.
    pub end: LeagueEnd,
    /// Runs of scenarios that were carried out, and that were planned.
    pub carried_out: usize,
    /// See `carried_out`.
    pub planned: usize,
    /// The scenarios that judge.
    pub scenarios: Vec<LeagueScenario>,
    /// The proxies, in the order in which they were named; those that are not here have no rows.
    pub entrants: Vec<Entrant>,
    /// Costs and latencies.
    pub speed: Option<Speed>,
    /// What was typed, with the seed that was drawn.
    pub command: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// Version of the harness.
    pub harness: String,
    /// Where it was measured.
    pub host: HostFacts,
    /// What the shell sees.
    #[serde(serialize_with = "number")]
    pub exit_code: ExitCode,
}

/// How a league ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeagueEnd {
    /// With everything that was asked for.
    Whole,
    /// It has not: this is what there is so far.
    GoesOn,
    /// By the user.
    Interrupted,
    /// Its time was over.
    OutOfTime,
}

/// A scenario that every proxy gets.
#[derive(Clone, Debug, Serialize)]
pub struct LeagueScenario {
    /// Short name, also the folder of its runs.
    pub name: String,
    /// Its question.
    pub title: Bilingual,
}

/// A check that a scenario asks of every proxy.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Short name of the scenario.
    pub scenario: String,
    /// The check.
    pub check: CheckId,
    /// How much it counts there.
    pub kind: Kind,
}

/// A proxy.
#[derive(Clone, Debug, Serialize)]
pub struct Entrant {
    /// Short name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Whether it is installed on this machine.
    pub here: bool,
    /// What to do where it is not.
    pub advice: Option<String>,
    /// What it says of its version.
    pub version: Option<String>,
    /// Its adapter.
    pub adapter: String,
    /// What the adapter declares.
    pub capabilities: Capabilities,
    /// One for each scenario that was carried out.
    pub runs: Vec<EntrantRun>,
    /// One for each requirement that something asks about.
    pub cells: Vec<Cell>,
    /// One for each check.
    pub checks: Vec<CheckRow>,
}

/// A run of an entrant.
#[derive(Clone, Debug, Serialize)]
pub struct EntrantRun {
    /// Short name of the scenario.
    pub scenario: String,
    /// How it ended.
    #[serde(serialize_with = "number")]
    pub exit_code: ExitCode,
    /// Its folder, relative to that of the league; `None`: it could not be carried out.
    pub folder: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// What a check came to over all scenarios that ask it.
#[derive(Clone, Debug, Serialize)]
pub struct CheckRow {
    /// Which.
    pub check: CheckId,
    /// What it answers.
    pub requirement: Requirement,
    /// How much it counts.
    pub kind: Kind,
    /// The worst verdict; `None`: a run that asks it was not carried out, and no other failed.
    pub outcome: Option<Outcome>,
    /// Whether another check explains it: what it depends on failed, or the same fault was seen there.
    pub follows: bool,
    /// Folder of the run with that verdict.
    pub run: Option<String>,
    /// What was seen, where it did not pass.
    pub seen: Option<Bilingual>,
}

/// A requirement and a proxy.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Which requirement.
    pub requirement: Requirement,
    /// The worst of its required checks; `None`: something was not carried out, and nothing failed.
    pub outcome: Option<Outcome>,
    /// Required checks that passed.
    pub passed: usize,
    /// Required checks.
    pub required: usize,
    /// Checks beyond what is required that passed.
    pub beyond_passed: usize,
    /// Checks beyond what is required.
    pub beyond: usize,
    /// The check that names the cell.
    pub check: Option<CheckId>,
    /// Folder of the run that shows it.
    pub run: Option<String>,
}

/// The speed part.
#[derive(Clone, Debug, Serialize)]
pub struct Speed {
    /// The scenario's short name.
    pub scenario: String,
    /// Its title.
    pub title: Bilingual,
    /// Rounds that were measured, and that were asked for.
    pub rounds: usize,
    /// See `rounds`.
    pub wanted: usize,
    /// Confidence of the intervals.
    pub level: f64,
    /// The worst overshoot of a sleep of 1 ms, median over the rounds, in milliseconds.
    pub noise_ms: f64,
    /// The side that all others are divided by.
    pub reference: String,
    /// Every side.
    pub sides: Vec<SpeedSide>,
    /// What went wrong in rounds.
    pub troubles: Vec<Bilingual>,
}

/// A side of the speed part.
#[derive(Clone, Debug, Serialize)]
pub struct SpeedSide {
    /// As it is called.
    pub name: String,
    /// What answers its hits; `None`: there is no proxy.
    pub cache: Option<CacheMedium>,
    /// Every figure of it.
    pub figures: Vec<SpeedFigure>,
    /// Its run folders, by round.
    pub runs: Vec<String>,
}

/// A figure of a side.
#[derive(Clone, Debug, Serialize)]
pub struct SpeedFigure {
    /// Which.
    pub subject: Subject,
    /// Over the rounds that it shares with the reference.
    pub value: Option<Middle>,
    /// Times that of the reference.
    pub to_reference: Option<Pair>,
}

/// A figure of every side that has it, the least first.
pub type SpeedTable<'a> = (Subject, Vec<(&'a SpeedSide, &'a SpeedFigure, Middle)>);

fn number<S: serde::Serializer>(exit: &ExitCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(exit.number())
}

impl Entrant {
    /// A proxy that has run nothing yet.
    pub fn of(adapter: &Adapter) -> Entrant {
        Entrant {
            name: adapter.name.clone(),
            title: adapter.title.clone(),
            here: true,
            advice: None,
            version: None,
            adapter: adapter.origin.clone(),
            capabilities: adapter.capabilities.clone(),
            runs: Vec::new(),
            cells: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Fills in its runs, of those of all, with folders relative to that of the league, and counts.
    pub fn settle(&mut self, asked: &[Asked], runs: &[SuiteRun], folder: &Path) {
        let own: Vec<&SuiteRun> = runs.iter().filter(|run| run.proxy == self.name).collect();
        self.runs = own
            .iter()
            .map(|run| EntrantRun {
                scenario: run.name.clone(),
                exit_code: run.exit,
                folder: relative(run, folder),
                seconds: (run.took.as_secs_f64() * 10.0).round() / 10.0,
            })
            .collect();
        self.checks = rows(asked, &own, folder);
        self.cells = Requirement::ALL.iter().filter_map(|id| Cell::of(*id, &self.checks)).collect();
    }

    /// Required checks that passed, and all of them.
    pub fn share(&self) -> Share {
        let sum = |of: fn(&Cell) -> usize| self.cells.iter().map(of).sum();
        Share(sum(|cell| cell.passed), sum(|cell| cell.required))
    }

    /// Its required checks of which nothing is known, since a run that asks them was not carried out.
    pub fn not_carried_out(&self) -> usize {
        self.checks.iter().filter(|row| row.kind == Kind::Required && row.outcome.is_none()).count()
    }

    /// Its checks of a kind that were carried out and did not pass, those that failed first. What is open only because of another is
    /// left out, a failure never.
    pub fn not_met(&self, kind: Kind) -> impl Iterator<Item = &CheckRow> {
        let open = |row: &&CheckRow| match row.outcome {
            None | Some(Outcome::Pass) => false,
            Some(outcome) => outcome == Outcome::Fail || !row.follows,
        };
        let failed = |row: &&CheckRow| row.outcome == Some(Outcome::Fail);
        let of_kind = move |row: &&CheckRow| row.kind == kind;
        let all = move || self.checks.iter().filter(of_kind).filter(open);
        all().filter(failed).chain(all().filter(move |row| !failed(row)))
    }
}

fn relative(run: &SuiteRun, folder: &Path) -> Option<String> {
    let path = run.folder.as_deref()?;
    Some(path.strip_prefix(folder).unwrap_or(path).display().to_string())
}

/// Every check once. A run that was cut short says nothing of what it had no time for.
fn rows(asked: &[Asked], runs: &[&SuiteRun], folder: &Path) -> Vec<CheckRow> {
    let whole = |run: &&&SuiteRun| !matches!(run.exit, ExitCode::Interrupted | ExitCode::TimeOver);
    let row = |check: &CheckId| {
        let asking: Vec<&Asked> = asked.iter().filter(|asked| asked.check == *check).collect();
        let verdicts: Vec<Option<(&Verdict, &SuiteRun)>> = asking
            .iter()
            .map(|asked| {
                let run = runs.iter().find(|run| run.name == asked.scenario).filter(whole)?;
                Some((run.verdicts.iter().find(|verdict| verdict.check == *check)?, *run))
            })
            .collect();
        let first = |wanted| verdicts.iter().flatten().find(|(verdict, _)| verdict.outcome == wanted);
        let missing = verdicts.iter().any(Option::is_none);
        let worst = match first(Outcome::Fail) {
            None if missing => None,
            _ => OUTCOMES.into_iter().find_map(first),
        };
        let is_required = asking.iter().any(|asked| asked.kind == Kind::Required);
        let seen = |verdict: &Verdict| {
            let words = |language| plain(&verdict_sentence(verdict, language), LONGEST);
            Bilingual { en: words(Language::En), es: words(Language::Es) }
        };
        CheckRow {
            check: *check,
            requirement: check.requirement(),
            kind: if is_required { Kind::Required } else { asking.first().map_or(Kind::Check, |it| it.kind) },
            outcome: worst.map(|(verdict, _)| verdict.outcome),
            follows: worst.is_some_and(|(verdict, _)| {
                verdict.explained_by.is_some() || verdict.outcome == Outcome::Blocked
            }),
            run: worst.and_then(|(_, run)| relative(run, folder)),
            seen: worst.filter(|(verdict, _)| verdict.outcome != Outcome::Pass).map(|it| seen(it.0)),
        }
    };
    let is_asked = |check: &&CheckId| asked.iter().any(|asked| asked.check == **check);
    CheckId::ALL.iter().filter(is_asked).map(row).collect()
}

impl Cell {
    /// `None` where nothing asks about the requirement.
    fn of(requirement: Requirement, checks: &[CheckRow]) -> Option<Cell> {
        let of_kind = |kind: Kind| -> Vec<&CheckRow> {
            checks.iter().filter(|row| row.requirement == requirement && row.kind == kind).collect()
        };
        let passed =
            |rows: &[&CheckRow]| rows.iter().filter(|row| row.outcome == Some(Outcome::Pass)).count();
        let (required, beyond) = (of_kind(Kind::Required), of_kind(Kind::Optimal));
        let deciding = if required.is_empty() { &beyond } else { &required };
        let first = |wanted: Option<Outcome>| deciding.iter().find(|row| row.outcome == wanted);
        // What is declared as not implemented names the cell before what it leaves without ground.
        let before = [Some(Outcome::Fail), None, Some(Outcome::Inconclusive), Some(Outcome::Unsupported)];
        let named = before.into_iter().chain(OUTCOMES.map(Some)).find_map(first)?;
        Some(Cell {
            requirement,
            outcome: named.outcome,
            passed: passed(&required),
            required: required.len(),
            beyond_passed: passed(&beyond),
            beyond: beyond.len(),
            check: Some(named.check),
            run: named.run.clone(),
        })
    }
}

impl Speed {
    /// The figures of every side beside the reference, as `harness_judge::compare::beside` gives them.
    pub fn sides(
        beside: Vec<Comparison>,
        caches: &[Option<CacheMedium>],
        runs: &[Vec<String>],
    ) -> Vec<SpeedSide> {
        let side = |(place, comparison): (usize, Comparison)| SpeedSide {
            name: comparison.sides.first().map(|side| side.name.clone()).unwrap_or_default(),
            cache: caches.get(place).copied().flatten(),
            runs: runs.iter().filter_map(|round| round.get(place).cloned()).collect(),
            figures: comparison
                .rows
                .into_iter()
                .map(|row| SpeedFigure {
                    value: row.sides.first().copied().flatten(),
                    to_reference: row.ratios.into_iter().next().flatten(),
                    subject: row.subject,
                })
                .collect(),
        };
        beside.into_iter().enumerate().map(side).collect()
    }

    /// What is shown: each figure that any side has, with those sides, the least first. Errors only where there were any.
    pub fn tables(&self) -> Vec<SpeedTable<'_>> {
        let mut tables = Vec::new();
        let subjects: Vec<&Subject> = self
            .sides
            .first()
            .into_iter()
            .flat_map(|side| &side.figures)
            .map(|figure| &figure.subject)
            .collect();
        for metric in SHOWN {
            for subject in subjects.iter().filter(|subject| subject.metric == metric) {
                let of = |side| -> Option<(&SpeedSide, &SpeedFigure, Middle)> {
                    let side: &SpeedSide = side;
                    let figure = side.figures.iter().find(|figure| figure.subject == **subject)?;
                    Some((side, figure, figure.value?))
                };
                let mut rows: Vec<_> = self.sides.iter().filter_map(of).collect();
                rows.sort_by(|one, two| one.2.median.total_cmp(&two.2.median));
                let says_nothing = metric == Metric::ErrorRate && rows.iter().all(|row| row.2.range.1 <= 0.0);
                if !rows.is_empty() && !says_nothing {
                    tables.push(((*subject).clone(), rows));
                }
            }
        }
        tables
    }
}

impl League {
    /// The proxies that were judged.
    pub fn judged(&self) -> impl Iterator<Item = &Entrant> {
        self.entrants.iter().filter(|entrant| entrant.here)
    }

    /// Those that are not installed here.
    pub fn absent(&self) -> impl Iterator<Item = &Entrant> {
        self.entrants.iter().filter(|entrant| !entrant.here)
    }

    /// What there is, in numbers.
    pub fn headline(&self, language: Language) -> String {
        let (judged, absent) = (self.judged().count(), self.absent().count());
        headline(language, judged, self.scenarios.len(), self.carried_out, absent)
    }

    /// Why it is not whole.
    pub fn partial(&self, language: Language) -> Option<String> {
        let words = match self.end {
            LeagueEnd::Whole => return None,
            LeagueEnd::GoesOn => goes_on,
            LeagueEnd::Interrupted => interrupted,
            LeagueEnd::OutOfTime => out_of_time,
        };
        Some(words(language, self.carried_out, self.planned))
    }

    /// One line for each proxy, for a terminal.
    pub fn lines(&self, language: Language) -> String {
        let mut text = format!("\n{}\n", self.headline(language));
        if let Some(partial) = self.partial(language) {
            let _ = writeln!(text, "{partial}");
        }
        text.push('\n');
        let width =
            self.entrants.iter().map(|entrant| entrant.name.chars().count()).max().unwrap_or_default();
        for entrant in self.judged() {
            let Share(passed, required) = entrant.share();
            let mut open: Vec<String> = entrant
                .not_met(Kind::Required)
                .map(|row| format!("{} {}", sign(row.outcome), row.check.name()))
                .collect();
            let missing = entrant.not_carried_out();
            open.extend(
                (missing > 0).then(|| format!("{} {}", sign(None), not_carried_out(language, missing))),
            );
            let said = line(language, passed, required);
            let _ = writeln!(text, "  {:width$}  {said}  {}", entrant.name, open.join("  ").trim_end());
        }
        for entrant in self.absent() {
            let advice = entrant.advice.as_deref().unwrap_or("–");
            let _ = writeln!(text, "  {}", not_here(language, &entrant.name, &plain(advice, 200)));
        }
        text
    }

    /// Matrix and costs as Markdown, for the step summary of a CI job and for documents.
    pub fn markdown(&self, language: Language) -> String {
        let mut text =
            format!("## {}\n\n{}\n\n", LeagueLabel::League.in_words(language), self.headline(language));
        let requirements = self.requirements();
        let ids: Vec<&str> = requirements.iter().map(|requirement| requirement.id()).collect();
        let _ = writeln!(text, "| | {} | {} |", ids.join(" | "), LeagueLabel::Sum.in_words(language));
        let _ = writeln!(text, "| --- |{}", " --- |".repeat(ids.len() + 1));
        for entrant in self.judged() {
            let cells: Vec<String> = requirements
                .iter()
                .map(|id| entrant.cells.iter().find(|cell| cell.requirement == *id))
                .map(|cell| {
                    cell.map_or_else(String::new, |cell| {
                        format!(
                            "{} {}",
                            sign(cell.outcome),
                            Share(cell.passed, cell.required).in_words(language)
                        )
                    })
                })
                .collect();
            let (name, all) = (escape(&entrant.name), entrant.share().in_words(language));
            let _ = writeln!(text, "| {name} | {} | {all} |", cells.join(" | "));
        }
        for entrant in self.absent() {
            let advice = escape(&plain(entrant.advice.as_deref().unwrap_or("–"), 200));
            let _ = write!(text, "\n{}\n", not_here(language, &escape(&entrant.name), &advice));
        }
        for (subject, rows) in self.speed.iter().flat_map(Speed::tables) {
            let _ = write!(
                text,
                "\n### {}\n\n| {} | {} | ÷ {} |\n| --- | ---: | ---: |\n",
                escape(&subject.in_words(language)),
                Label::Proxy.in_words(language),
                LeagueLabel::Figure.in_words(language),
                escape(self.speed.as_ref().map_or("", |speed| &speed.reference)),
            );
            for (side, figure, value) in rows {
                let _ = writeln!(
                    text,
                    "| {} | {} | {} |",
                    escape(&side.name),
                    escape(&middle(language, subject.metric, Some(value))),
                    escape(&ratio(language, figure.to_reference.as_ref()))
                );
            }
        }
        text
    }

    /// The requirements that something asks about.
    pub fn requirements(&self) -> Vec<Requirement> {
        let asked =
            |id: &&Requirement| self.judged().any(|it| it.cells.iter().any(|cell| cell.requirement == **id));
        Requirement::ALL.iter().filter(asked).copied().collect()
    }
}

/// The sign of a cell or a check.
pub(super) fn sign(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("…", symbol)
}

/// Name of the page in a language.
pub fn league_file(language: Language) -> String {
    format!("league.{}.html", language.code())
}

/// Writes `league.json`, `league.md` and both pages into the folder of the league.
///
/// # Errors
/// A file cannot be written.
pub fn write_league(folder: &Path, league: &League) -> Result<(), ReportError> {
    let json = serde_json::to_vec_pretty(league)
        .map_err(|error| ReportError::Form { what: "JSON", why: error.to_string() })?;
    write(folder, "league.json", &json)?;
    write(folder, "league.md", league.markdown(Language::En).as_bytes())?;
    for language in Language::ALL {
        write(folder, &league_file(language), league_page(league, language).as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testkit::verdict;
    use harness_model::plan::samples;
    use std::path::PathBuf;
    use std::time::Duration;

    fn run(name: &str, exit: ExitCode, verdicts: &[(CheckId, Outcome)]) -> SuiteRun {
        SuiteRun {
            name: name.into(),
            title: Bilingual { en: name.into(), es: name.into() },
            proxy: "test".into(),
            exit,
            strict: false,
            verdicts: verdicts.iter().map(|(check, outcome)| verdict(*check, *outcome)).collect(),
            folder: Some(PathBuf::from(format!("league/runs/{name}/test/now"))),
            took: Duration::from_millis(1_240),
        }
    }

    fn settled(runs: &[SuiteRun]) -> Entrant {
        let asked =
            |scenario: &str, check: CheckId| Asked { scenario: scenario.into(), check, kind: check.kind() };
        let asked = [
            asked("one", CheckId::CacheHit),
            asked("one", CheckId::CacheNoStore),
            asked("one", CheckId::IntegrityBodies),
            asked("two", CheckId::CacheSizes),
            asked("two", CheckId::IntegrityBodies),
        ];
        let mut entrant = Entrant::of(&samples::adapter());
        entrant.settle(&asked, runs, Path::new("league"));
        entrant
    }

    fn cell(entrant: &Entrant, id: Requirement) -> (Option<Outcome>, usize, usize, Option<CheckId>) {
        let cell = entrant.cells.iter().find(|cell| cell.requirement == id).expect("a cell");
        (cell.outcome, cell.passed, cell.required, cell.check)
    }

    #[test]
    fn a_cell_is_named_by_its_worst_check_and_a_check_of_two_scenarios_counts_once() {
        use CheckId::{CacheHit, CacheNoStore, CacheSizes, IntegrityBodies};
        let one =
            [(CacheHit, Outcome::Pass), (CacheNoStore, Outcome::Fail), (IntegrityBodies, Outcome::Pass)];
        let two = [(CacheSizes, Outcome::Inconclusive), (IntegrityBodies, Outcome::Fail)];
        let entrant = settled(&[run("one", ExitCode::Passed, &one), run("two", ExitCode::Failed, &two)]);
        assert_eq!(cell(&entrant, Requirement::Req8), (Some(Outcome::Inconclusive), 1, 2, Some(CacheSizes)));
        assert_eq!(cell(&entrant, Requirement::Req6), (Some(Outcome::Fail), 0, 1, Some(IntegrityBodies)));
        let req6 = entrant.cells.iter().find(|cell| cell.requirement == Requirement::Req6).unwrap();
        assert_eq!(req6.run.as_deref(), Some("runs/two/test/now"), "the run that shows it");
        let beyond = entrant.cells.iter().find(|cell| cell.requirement == Requirement::Req8).unwrap();
        assert_eq!((beyond.beyond_passed, beyond.beyond), (0, 1), "beyond what is required decides nothing");
        assert_eq!(entrant.share(), Share(1, 3));
        assert_eq!(entrant.not_met(Kind::Required).next().map(|row| row.check), Some(IntegrityBodies));
    }

    #[test]
    fn what_was_not_carried_out_is_neither_a_pass_nor_a_failure() {
        use CheckId::{CacheHit, CacheNoStore, CacheSizes, IntegrityBodies};
        let one =
            [(CacheHit, Outcome::Pass), (CacheNoStore, Outcome::Pass), (IntegrityBodies, Outcome::Pass)];
        let cut = run("two", ExitCode::Interrupted, &[(CacheSizes, Outcome::Fail)]);
        for runs in [vec![run("one", ExitCode::Passed, &one)], vec![run("one", ExitCode::Passed, &one), cut]]
        {
            let entrant = settled(&runs);
            assert_eq!(cell(&entrant, Requirement::Req8), (None, 1, 2, Some(CacheSizes)));
            assert_eq!(cell(&entrant, Requirement::Req6), (None, 0, 1, Some(IntegrityBodies)));
            assert_eq!(entrant.share(), Share(1, 3));
        }
        // A failure that was seen stands, whatever is missing.
        let entrant = settled(&[run("one", ExitCode::Failed, &[(IntegrityBodies, Outcome::Fail)])]);
        assert_eq!(cell(&entrant, Requirement::Req6).0, Some(Outcome::Fail));
    }
}
