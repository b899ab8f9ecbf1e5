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
use crate::language::answer_words::answers;
use crate::language::compare_words::{
    CompareLabel, compared, covers, gated, how_to_read, middle, noise, pooled_over, ratio, rounds_measured,
    shown, since_heading, since_note, since_other_host,
};
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, Listed, Milliseconds, Percent};
use harness_judge::compare::{Comparison, Gated, Reference, Row, Ruling};
use harness_model::exit_code::ExitCode;
use harness_model::terms::Bilingual;
use harness_platform::HostFacts;

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
    /// What was typed, with the seed that was drawn.
    pub command: String,
    /// Where it was measured; of several machines, that which joined their rounds.
    pub host: HostFacts,
    /// What the shell sees.
    #[serde(serialize_with = "number")]
    pub exit_code: ExitCode,
}

fn number<S: serde::Serializer>(exit: &ExitCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(exit.number())
}

impl Compared {
    /// What the comparison was made for, in sentences: first of everything that is shown of it.
    pub fn answers(&self, language: Language) -> Vec<String> {
        answers(language, &self.comparison, &self.gated).iter().map(|it| plain(it, 600)).collect()
    }

    /// What the terminal shows.
    pub fn lines(&self, language: Language) -> String {
        let mut text = String::from("\n");
        for answer in self.answers(language) {
            let _ = writeln!(text, "{answer}");
        }
        let _ = writeln!(text, "\n{}\n{}\n", headline(self, language), covers(language));
        for other in 1..self.comparison.sides.len() {
            text.push_str(&row_by_row(&self.comparison, other, language));
        }
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

    /// Workflow commands of GitHub Actions: the answer, then what did not pass; they mark the job beside the scenario.
    pub fn annotations(&self, language: Language) -> String {
        let mut text = String::new();
        // In these commands the percent sign begins an escape, and a line end ends the command.
        let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let file = data(&self.file).replace(':', "%3A").replace(',', "%2C");
        let mut mark = |kind: &str, said: &str| {
            let _ = writeln!(text, "::{kind} file={file},title=harness compare::{}", data(said));
        };
        let answer = self.answers(language).join(" ");
        mark(if self.exit_code == ExitCode::Passed { "notice" } else { "error" }, &answer);
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
        let mut text = format!("{}\n\n", escape(&self.answers(language).join(" ")));
        let _ = writeln!(text, "## {}\n\n{}\n", escape(&headline(self, language)), covers(language));
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
        let command = self.command.replace('`', "'");
        let _ = writeln!(
            text,
            "{} {} · `{command}`",
            Label::ExitCode.in_words(language),
            self.exit_code.number()
        );
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
fn cells(comparison: &Comparison, language: Language) -> Vec<Vec<String>> {
    let mut heading = vec![CompareLabel::Figure.in_words(language)];
    for (place, side) in comparison.sides.iter().enumerate() {
        heading.push(plain(&side.name, 30));
        if place > 0 {
            heading.push(quotient(comparison, place));
        }
    }
    let mut table = vec![heading];
    for row in comparison.rows.iter().filter(|row| row.sides.iter().any(Option::is_some)) {
        let mut cells = vec![row.subject.in_words(language)];
        for (place, side) in row.sides.iter().enumerate() {
            cells.push(middle(language, row.subject.metric, *side));
            if place > 0 {
                cells.push(ratio(language, row.ratios.get(place - 1).and_then(Option::as_ref)));
            }
        }
        table.push(cells);
    }
    table
}

/// `head ÷ base`: whose figure is divided by whose.
pub(super) fn quotient(comparison: &Comparison, other: usize) -> String {
    let name = |place: usize| comparison.sides.get(place).map_or_else(String::new, |it| plain(&it.name, 30));
    format!("{} ÷ {}", name(0), name(other))
}

/// The figures of the first side and another, two lines each, so that they fit a narrow terminal.
fn row_by_row(comparison: &Comparison, other: usize, language: Language) -> String {
    let mut text = format!("  {}\n", quotient(comparison, other));
    let rows: Vec<&Row> =
        comparison.rows.iter().filter(|row| row.sides.iter().any(Option::is_some)).collect();
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let pair = row.ratios.get(other - 1).and_then(Option::as_ref);
            vec![row.subject.in_words(language), ratio(language, pair), shown(language, pair)]
        })
        .collect();
    for (row, line) in rows.iter().zip(in_columns(&table, |column| column != 1).lines()) {
        let side = |place: usize| {
            let name = comparison.sides.get(place).map_or_else(String::new, |side| plain(&side.name, 30));
            let figure = row.sides.get(place).copied().flatten();
            format!("{name} {}", middle(language, row.subject.metric, figure))
        };
        let _ = writeln!(text, "{line}\n      {} · {}", side(0), side(other));
    }
    text
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
            middle(language, metric, since.now),
            middle(language, metric, since.then),
            ratio(language, since.pair.as_ref()),
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::language::compare_words::value;
    use harness_judge::compare::{Middle, Pair, Row, Side, Subject};
    use harness_model::plan::Metric;

    /// One figure of two sides over rounds `(ours, theirs)`, as `harness_judge::compare` makes it: what it shows is not tested here.
    fn row(tag: Option<&str>, metric: Metric, rounds: &[(f64, f64)]) -> Row {
        let of = |values: Vec<f64>| {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
            let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
            (median, (low, high), (sorted.len() >= 8).then_some((low, high)))
        };
        let side = |values: Vec<f64>| {
            let rounds = values.len();
            let (median, range, interval) = of(values);
            Some(Middle { median, interval, range, rounds })
        };
        let ratios: Vec<f64> = rounds.iter().map(|(ours, theirs)| ours / theirs).collect();
        let (ratio, _, interval) = of(ratios.clone());
        Row {
            subject: Subject { tag: tag.map(str::to_owned), metric },
            sides: vec![
                side(rounds.iter().map(|it| it.0).collect()),
                side(rounds.iter().map(|it| it.1).collect()),
            ],
            ratios: vec![Some(Pair { ratio, interval, rounds: ratios })],
        }
    }

    fn compared(rows: Vec<Row>, rounds: usize) -> Compared {
        let side = |name: &str| Side { name: name.to_owned(), title: name.to_owned() };
        Compared {
            title: Bilingual { en: "Hits".into(), es: "Respuestas del caché".into() },
            file: "scenarios/hits.yaml".into(),
            comparison: Comparison {
                sides: vec![side("head"), side("base")],
                rounds,
                level: 0.99,
                rows,
                noise_ms: 0.4,
                since: Vec::new(),
                pooled: Vec::new(),
            },
            reference: None,
            gated: Vec::new(),
            troubles: Vec::new(),
            runs: Vec::new(),
            shards: 1,
            command: "harness compare scenarios/hits.yaml --sut head=pibl --sut base=pibl --seed 7".into(),
            host: serde_json::from_value(serde_json::json!({
                "system": "Linux 6.12 x86_64", "distribution": null, "cpu": "Some CPU", "cores": 2, "cpu_quota": null,
                "memory_bytes": null, "memory_limit_bytes": null, "virtualised": false, "frequency_governor": null
            }))
            .unwrap(),
            exit_code: ExitCode::Passed,
        }
    }

    const EIGHT: [f64; 8] = [1.03, 1.01, 1.05, 1.03, 1.02, 1.04, 1.03, 1.03];

    pub(in crate::report) fn eight_rounds() -> Compared {
        let cpu: Vec<(f64, f64)> = EIGHT.iter().map(|factor| (40.0 * factor, 40.0)).collect();
        let p99: Vec<(f64, f64)> =
            EIGHT.iter().enumerate().map(|(i, f)| (1.6 * f, if i % 2 == 0 { 1.7 } else { 1.6 })).collect();
        let memory: Vec<(f64, f64)> = EIGHT.iter().map(|factor| (9e6 * factor, 3e6)).collect();
        let (hits, p) = (Some("hits"), Metric::Latency);
        let rows = vec![
            row(hits, p(0.99), &p99),
            row(hits, Metric::CpuPerRequest, &cpu),
            row(None, Metric::RssPeak, &memory),
        ];
        compared(rows, 8)
    }

    #[test]
    fn the_answer_is_the_first_line_of_everything() {
        let compared = eight_rounds();
        let said = "head against base, “hits”: 3% more CPU per request [+1; +5]; most memory ×3.09 [3.03; 3.15]; \
                    no difference shown in latency p99.";
        assert_eq!(compared.answers(Language::En), [said]);
        assert_eq!(
            compared.answers(Language::Es),
            [
                "head frente a base, «hits»: 3 % más CPU por petición [+1; +5]; memoria máxima ×3,09 [3,03; 3,15]; \
              no se ve diferencia en latencia p99."
            ]
        );
        assert!(compared.lines(Language::En).trim_start().starts_with(said));
        assert!(compared.markdown().starts_with(&escape(said)));
        let annotation = compared.annotations(Language::En);
        assert!(
            annotation.starts_with("::notice ") && annotation.contains("3%25 more CPU per request"),
            "{annotation}"
        );
        let failed = Compared { exit_code: ExitCode::Failed, ..compared.clone() };
        assert!(failed.annotations(Language::En).starts_with("::error "));
        let page = comparison_page(&compared, &[], Language::En);
        let (answer, plot) = (page.find(said).unwrap(), page.find("class=\"forest\"").unwrap());
        assert!(answer < plot && page[plot..].contains("harness compare scenarios/hits.yaml"));
        for fact in ["Some CPU", "Exit code", "no threshold is missed"] {
            assert!(page.contains(fact), "{fact}");
        }
    }

    #[test]
    fn too_few_rounds_give_no_estimate_and_say_so() {
        // As it was shown once: ×0.9 beside 685 ms and 168 ms.
        let rounds = [(1_200.0, 170.0), (150.0, 166.0), (144.0, 168.0)];
        let compared = compared(vec![row(Some("hits"), Metric::Latency(0.99), &rounds)], 3);
        assert_eq!(
            compared.answers(Language::En),
            ["head against base, “hits”: not decided, 3 of 8 rounds."]
        );
        for text in [compared.lines(Language::En), comparison_page(&compared, &[], Language::En)] {
            assert!(text.contains("144 ms to 1,200 ms") && text.contains("166 ms to 170 ms"), "{text}");
            assert!(!text.contains("150 ms") && !text.contains("168 ms"), "a median without an interval");
            assert!(!text.contains("×0.904 ["), "{text}");
        }
    }

    /// The texts of the cells of a table.
    fn cells_of(page: &str) -> Vec<String> {
        let tables = page.split("<table class=\"forest\">").skip(1);
        let bodies = tables.map(|rest| rest.split("</table>").next().unwrap_or_default());
        let cells = bodies.flat_map(|body| body.split("<td").skip(1));
        let text = |cell: &str| {
            let inner = cell.split_once('>').map_or("", |(_, rest)| rest);
            let inner = inner.split("</td>").next().unwrap_or_default();
            inner.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, rest)| rest)).collect()
        };
        cells.map(text).collect()
    }

    #[test]
    fn every_figure_of_the_page_is_one_of_the_json() {
        let compared = eight_rounds();
        let json = serde_json::to_value(&compared).unwrap();
        assert_eq!(json["exit_code"], 0);
        for language in Language::ALL {
            let page = comparison_page(&compared, &[], language);
            let cells = cells_of(&page);
            let rows = json["comparison"]["rows"].as_array().unwrap();
            assert_eq!(cells.len(), 4 * rows.len());
            for (row, cells) in rows.iter().zip(cells.chunks(4)) {
                let metric: Subject = serde_json::from_value(row["subject"].clone()).unwrap();
                let show = |at: &serde_json::Value| value(language, metric.metric, at.as_f64());
                let times = |at: &serde_json::Value| {
                    crate::language::Decimal(at.as_f64().unwrap(), 3).in_words(language)
                };
                for side in 0..2 {
                    let of = &row["sides"][side];
                    let [median, low, high] =
                        [&of["median"], &of["interval"][0], &of["interval"][1]].map(show);
                    assert_eq!(cells[side], format!("{median} [{low}; {high}]"));
                }
                let pair = &row["ratios"][0];
                let [ratio, low, high] =
                    [&pair["ratio"], &pair["interval"][0], &pair["interval"][1]].map(times);
                assert!(cells[2].starts_with(&format!("×{ratio} [{low}; {high}]")), "{}", cells[2]);
                for round in pair["rounds"].as_array().unwrap() {
                    assert!(cells[3].contains(&times(round)), "{}", cells[3]);
                }
            }
        }
    }

    /// `cargo test -p harness-tell --lib look_at_a_comparison -- --ignored --nocapture`, then open what it says.
    #[test]
    #[ignore = "writes pages for people to look at"]
    fn look_at_a_comparison() {
        let folder = std::env::temp_dir().join("harness-comparison");
        std::fs::create_dir_all(&folder).unwrap();
        let mut compared = eight_rounds();
        compared.comparison.pooled = Overlay::sample_of(&[5_000, 5_000]);
        write_comparison(&folder, &compared).unwrap();
        println!("{}", folder.display());
    }
}
