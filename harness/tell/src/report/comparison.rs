//! A comparison as lines of the terminal, JSON, Markdown, JUnit, pages in both languages and plots.
//!
//! `harness compare` and `harness merge` call [`write_comparison`] and print what [`Compared::lines`] gives. Nothing is
//! measured or judged here.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::html::comparison_page;
use super::pages::{ReportError, write};
use super::plot::{Figure, Overlay, write_figures};
use super::wire::plain;
use crate::language::compare_words::{
    CompareLabel, compared, covers, gated, how_to_read, noise, pooled_over, ratio, rounds_measured,
    since_heading, since_note, since_other_host, value,
};
use crate::language::{InWords as _, Language, Listed, Milliseconds, Percent};
use harness_judge::compare::{Comparison, Gated, Reference, Ruling};
use harness_model::terms::Bilingual;

/// A comparison with everything that its pages need.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// The scenario's title.
    pub title: Bilingual,
    /// Its file, as the user named it.
    pub file: String,
    /// The table.
    pub comparison: Comparison,
    /// The earlier comparison beside which it is shown.
    pub reference: Option<Reference>,
    /// The thresholds.
    pub gated: Vec<Gated>,
    /// What went wrong in rounds, in both languages.
    pub troubles: Vec<Bilingual>,
    /// Run folders, by round and side.
    pub runs: Vec<Vec<String>>,
    /// Machines that measured the rounds; with more than one, histograms are pooled over them.
    pub shards: usize,
}

impl Compared {
    /// What the terminal shows.
    pub fn lines(&self, language: Language) -> String {
        let mut text = format!("\n{}\n{}\n\n", headline(self, language), covers(language));
        text.push_str(&in_columns(&cells(&self.comparison, language), |column| column == 0));
        if let Some(reference) = &self.reference {
            let _ = writeln!(text, "\n{}", since_title(reference, language));
            text.push_str(&in_columns(&since_cells(&self.comparison, language), |column| column == 0));
            for note in since_notes(reference, language) {
                let _ = writeln!(text, "{note}");
            }
        }
        let _ = writeln!(text, "\n{}", how_to_read(language, Percent(self.comparison.level)));
        let _ = writeln!(text, "{}", noise(language, Milliseconds(self.comparison.noise_ms)));
        for trouble in &self.troubles {
            let _ = writeln!(text, "! {}", language.of(trouble));
        }
        if !self.gated.is_empty() {
            text.push('\n');
        }
        for one in &self.gated {
            let (sign, ruling) = (super::html::sign(one.ruling), one.ruling.in_words(language));
            let _ =
                writeln!(text, "  {sign} {ruling}  {}  {}", plain(&one.gate.text, 200), gated(language, one));
        }
        text
    }

    /// Workflow commands of GitHub Actions for what did not pass: they mark the job beside the scenario.
    pub fn annotations(&self, language: Language) -> String {
        let mut text = String::new();
        // In these commands the percent sign begins an escape, and a line end ends the command.
        let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let file = data(&self.file).replace(':', "%3A").replace(',', "%2C");
        let mut mark = |kind: &str, said: &str| {
            let _ = writeln!(text, "::{kind} file={file},title=harness compare::{}", data(said));
        };
        for trouble in &self.troubles {
            mark("error", language.of(trouble));
        }
        for one in self.gated.iter().filter(|one| one.ruling != Ruling::Pass) {
            let kind = if one.ruling == Ruling::Fail { "error" } else { "warning" };
            mark(kind, &format!("{}: {}", plain(&one.gate.text, 200), gated(language, one)));
        }
        text
    }

    /// The same as Markdown, English first and Spanish folded beneath.
    pub fn markdown(&self) -> String {
        let spanish = self.one_markdown(Language::Es);
        format!(
            "{}\n<details><summary>Español</summary>\n\n{spanish}\n</details>\n",
            self.one_markdown(Language::En)
        )
    }

    fn one_markdown(&self, language: Language) -> String {
        let mut text = format!("## {}\n\n{}\n\n", escape(&headline(self, language)), covers(language));
        for one in &self.gated {
            let (sign, ruling) = (super::html::sign(one.ruling), one.ruling.in_words(language));
            let limit = plain(&one.gate.text, 200).replace('`', "'");
            let _ = writeln!(text, "- {sign} **{ruling}** `{limit}`: {}", escape(&gated(language, one)));
        }
        text.push('\n');
        text.push_str(&markdown_table(&cells(&self.comparison, language)));
        if let Some(reference) = &self.reference {
            let _ = writeln!(text, "\n### {}\n", escape(&since_title(reference, language)));
            text.push_str(&markdown_table(&since_cells(&self.comparison, language)));
            let _ = writeln!(text, "\n{}", since_notes(reference, language).join(" "));
        }
        let level = Percent(self.comparison.level);
        let _ = writeln!(text, "\n{}", how_to_read(language, level));
        let _ = writeln!(text, "{}", noise(language, Milliseconds(self.comparison.noise_ms)));
        for trouble in &self.troubles {
            let _ = writeln!(text, "\n> {}", escape(language.of(trouble)));
        }
        text
    }
}

/// Writes a comparison into a folder: `compare.json`, `compare.md`, `junit.xml`, two pages and plots.
///
/// # Errors
/// A file cannot be written.
pub fn write_comparison(folder: &Path, compared: &Compared) -> Result<(), ReportError> {
    let json = serde_json::to_vec_pretty(compared)
        .map_err(|error| ReportError::Form { what: "JSON", why: error.to_string() })?;
    write(folder, "compare.json", &json)?;
    write(folder, "compare.md", compared.markdown().as_bytes())?;
    write(folder, "junit.xml", &junit(compared)?)?;
    let figures: Vec<Figure> = Overlay::of(&compared.comparison).into_iter().map(Figure::Overlay).collect();
    write_figures(&folder.join("plots"), &figures)?;
    for language in Language::ALL {
        let page = comparison_page(compared, &figures, language);
        write(folder, &format!("compare.{}.html", language.code()), page.as_bytes())?;
    }
    Ok(())
}

fn junit(compared: &Compared) -> Result<Vec<u8>, ReportError> {
    use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
    let mut suite = TestSuite::new(headline(compared, Language::En));
    let troubles = compared.troubles.iter().map(|trouble| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(Language::En.of(trouble).to_owned());
        status
    });
    let none = compared.troubles.is_empty().then(TestCaseStatus::success);
    for status in troubles.chain(none) {
        let mut case = TestCase::new("every round was measured", status);
        case.set_classname("rounds");
        suite.add_test_case(case);
    }
    for one in &compared.gated {
        let mut status = match one.ruling {
            Ruling::Pass => TestCaseStatus::success(),
            Ruling::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Ruling::Inconclusive => TestCaseStatus::skipped(),
        };
        if one.ruling != Ruling::Pass {
            status.set_message(gated(Language::En, one));
        }
        let mut case = TestCase::new(one.gate.text.clone(), status);
        case.set_classname("thresholds");
        suite.add_test_case(case);
    }
    let mut report = Report::new("harness compare");
    report.add_test_suite(suite);
    report
        .to_string()
        .map(String::into_bytes)
        .map_err(|error| ReportError::Form { what: "JUnit XML", why: error.to_string() })
}

/// Who is compared with whom, over what.
pub(super) fn headline(it: &Compared, language: Language) -> String {
    let names: Vec<String> = it.comparison.sides.iter().map(|side| plain(&side.title, 60)).collect();
    let (first, others) =
        names.split_first().map_or(("", &[][..]), |(first, others)| (first.as_str(), others));
    let who = match others {
        [] => first.to_owned(),
        others => compared(language, first, &Listed(others).in_words(language)),
    };
    let rounds = rounds_measured(language, it.comparison.rounds as u64);
    let mut text = format!("{who} · {} · {rounds}", plain(language.of(&it.title), 100));
    if it.shards > 1 {
        let _ = write!(text, " · {}", pooled_over(language, it.shards as u64));
    }
    text
}

/// The table as texts; its first row is the heading.
pub(super) fn cells(comparison: &Comparison, language: Language) -> Vec<Vec<String>> {
    let mut heading = vec![CompareLabel::Figure.in_words(language)];
    for (place, side) in comparison.sides.iter().enumerate() {
        let name = plain(&side.name, 30);
        heading.push(name.clone());
        if place > 0 {
            heading.push(format!("{} ÷ {name}", plain(&comparison.sides[0].name, 30)));
        }
    }
    let mut table = vec![heading];
    for row in &comparison.rows {
        if row.medians.iter().all(Option::is_none) {
            continue;
        }
        let mut cells = vec![row.subject.in_words(language)];
        for (place, median) in row.medians.iter().enumerate() {
            cells.push(value(language, row.subject.metric, *median));
            if place > 0 {
                cells.push(ratio(language, row.ratios.get(place - 1).copied().flatten()));
            }
        }
        table.push(cells);
    }
    table
}

/// Of which side and day the other column is.
pub(super) fn since_title(reference: &Reference, language: Language) -> String {
    let day = reference.baseline.saved.split('T').next().unwrap_or_default();
    since_heading(language, &plain(&reference.baseline.side, 30), &plain(day, 30))
}

/// How that table is to be read.
pub(super) fn since_notes(reference: &Reference, language: Language) -> Vec<String> {
    let other_host = reference.other_host.then(|| since_other_host(language));
    other_host.into_iter().chain([since_note(language)]).collect()
}

/// The figures of then and now as texts; the first row is the heading.
pub(super) fn since_cells(comparison: &Comparison, language: Language) -> Vec<Vec<String>> {
    let [now, then] = [CompareLabel::Now, CompareLabel::Then].map(|label| label.in_words(language));
    let ratios = format!("{now} ÷ {then}");
    let mut table = vec![vec![CompareLabel::Figure.in_words(language), now, then, ratios]];
    for since in &comparison.since {
        let metric = since.subject.metric;
        table.push(vec![
            plain(&since.subject.in_words(language), 80),
            value(language, metric, since.now),
            value(language, metric, since.then),
            ratio(language, since.pair),
        ]);
    }
    table
}

/// A table for the terminal: columns of texts begin at their left, those of figures end at their right.
pub(super) fn in_columns(table: &[Vec<String>], is_text: impl Fn(usize) -> bool) -> String {
    let mut text = String::new();
    let columns = table.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    for row in table {
        let mut line = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let room = widths[column].saturating_sub(cell.chars().count());
            let (before, after) = if is_text(column) { (0, room) } else { (room, 0) };
            let _ = write!(line, " {}{cell}{} ", " ".repeat(before), " ".repeat(after));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn markdown_table(table: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, row) in table.iter().enumerate() {
        let row: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if number == 0 {
            let _ = writeln!(text, "| --- |{}", " ---: |".repeat(row.len().saturating_sub(1)));
        }
    }
    text
}

fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '|' | '*' | '_' | '`' | '<' | '>' | '#' | '[' | ']' | '\\' => vec!['\\', c],
            '\n' | '\r' => vec![' '],
            c => vec![c],
        })
        .collect()
}
