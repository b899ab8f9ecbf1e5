//! Several scenarios on one page: what each concluded, all that did not pass, and one verdict over all of them.
//!
//! `cli` calls it once the last run of a folder of scenarios has ended; the page of each run has the evidence. Nothing is judged
//! here: verdicts are those of the runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use maud::{Markup, html};
use owo_colors::{OwoColorize as _, Style};

use super::html::{Frame, framed};
use super::pages::{ReportError, write};
use super::wire::plain;
use crate::language::report_words::{Label, verdict_words};
use crate::language::suite_words::{SuiteLabel, also_in, headline};
use crate::language::{Counted, InWords as _, Language, Listed, Noun, Span, title, verdict_sentence};
use harness_judge::check::{Outcome, Summary, Verdict};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::exit_code::ExitCode;
use harness_model::terms::Bilingual;

/// Longest quotation of what was seen.
const LONGEST: usize = 600;

/// One run of a suite, as it ended.
#[derive(Clone, Debug)]
pub struct SuiteRun {
    /// Short name of its scenario.
    pub name: String,
    /// The question of the scenario.
    pub title: Bilingual,
    /// The proxy.
    pub proxy: String,
    /// How it ended.
    pub exit: ExitCode,
    /// Whether what the proxy is declared not to do counts as failed.
    pub strict: bool,
    /// What was concluded; empty where it was not carried out.
    pub verdicts: Vec<Verdict>,
    /// Its folder; `None` where it was not carried out.
    pub folder: Option<PathBuf>,
    /// How long it took.
    pub took: Duration,
}

/// The runs of a suite, in their order.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The name of its folder.
    pub name: String,
    /// The runs.
    pub runs: Vec<SuiteRun>,
}

/// What did not pass, and in which runs.
struct Amiss<'a> {
    verdict: &'a Verdict,
    runs: Vec<&'a SuiteRun>,
}

impl SuiteRun {
    fn summary(&self) -> Summary {
        Summary::of(&self.verdicts, self.strict)
    }
}

impl Suite {
    /// The code that follows from all of them.
    pub fn exit(&self) -> ExitCode {
        ExitCode::of_many(self.runs.iter().map(|run| run.exit))
    }

    fn headline(&self, language: Language) -> String {
        let summaries: Vec<Summary> = self.runs.iter().map(SuiteRun::summary).collect();
        let passed: usize = summaries.iter().map(|summary| summary.passed).sum();
        let others: usize =
            summaries.iter().map(|summary| summary.failed.len() + summary.undecided.len()).sum();
        headline(
            language,
            verdict_words(self.exit(), language),
            passed,
            Counted((passed + others) as u64, Noun::RequiredCheck),
            Counted(self.runs.len() as u64, Noun::Scenario),
            span(self.runs.iter().map(|run| run.took).sum()),
        )
    }

    /// What did not pass and is required, each check once for each proxy: failures first, then what is undecided. What another failure
    /// explains is on the page of its run.
    fn amiss(&self) -> Vec<Amiss<'_>> {
        let mut all: Vec<Amiss<'_>> = Vec::new();
        for wanted in [Outcome::Fail, Outcome::Inconclusive] {
            for run in &self.runs {
                for verdict in &run.verdicts {
                    let counts = verdict.kind == Kind::Required && verdict.explained_by.is_none();
                    if !counts || verdict.outcome != wanted {
                        continue;
                    }
                    let same = |known: &&mut Amiss<'_>| {
                        known.verdict.check == verdict.check
                            && known.verdict.outcome == verdict.outcome
                            && known.runs.iter().all(|other| other.proxy == run.proxy)
                    };
                    match all.iter_mut().find(same) {
                        Some(known) => known.runs.push(run),
                        None => all.push(Amiss { verdict, runs: vec![run] }),
                    }
                }
            }
        }
        all
    }
}

impl Amiss<'_> {
    fn words(&self, language: Language) -> String {
        let mut words = plain(&verdict_sentence(self.verdict, language), LONGEST);
        let others: Vec<&str> = self.runs.iter().skip(1).map(|run| run.name.as_str()).collect();
        if !others.is_empty() {
            let _ = write!(words, " ({})", also_in(language, &Listed(&others).in_words(language)));
        }
        words
    }
}

/// The name of the page in a language.
fn file_name(language: Language) -> String {
    format!("index.{}.html", language.code())
}

/// Writes the page in both languages into a folder; the path of the one in `language`.
///
/// # Errors
/// It cannot be written.
pub fn write_suite(suite: &Suite, folder: &Path, language: Language) -> Result<PathBuf, ReportError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| ReportError::File { path: folder.to_path_buf(), error })?;
    for language in Language::ALL {
        write(folder, &file_name(language), page(suite, folder, language).as_bytes())?;
    }
    Ok(folder.join(file_name(language)))
}

/// The suite as lines for a terminal, coloured, ending in a line break.
pub fn suite_lines(suite: &Suite, language: Language) -> String {
    let mut text = String::new();
    let _ =
        writeln!(text, "\n{} · {}\n", SuiteLabel::Suite.in_words(language).bold(), plain(&suite.name, 80));
    let several = suite.runs.iter().any(|run| run.proxy != suite.runs[0].proxy);
    let named = |run: &SuiteRun| match several {
        true => format!("{} · {}", run.name, run.proxy),
        false => run.name.clone(),
    };
    let names = suite.runs.iter().map(|run| named(run).chars().count()).max().unwrap_or(0);
    let words =
        suite.runs.iter().map(|run| verdict_words(run.exit, language).chars().count()).max().unwrap_or(0);
    for run in &suite.runs {
        let summary = run.summary();
        let required = summary.passed + summary.failed.len() + summary.undecided.len();
        let (sign, style) = sign(run.exit);
        let word = verdict_words(run.exit, language);
        let _ = writeln!(
            text,
            "  {} {:names$}  {}{}  {:>7}  {}",
            sign.style(style),
            named(run),
            word.style(style),
            " ".repeat(words - word.chars().count()),
            format!("{}/{required}", summary.passed),
            span(run.took).in_words(language),
        );
    }
    for amiss in suite.amiss() {
        let run = amiss.runs[0];
        let (sign, style) = match amiss.verdict.outcome {
            Outcome::Fail => sign(ExitCode::Failed),
            _ => sign(ExitCode::Inconclusive),
        };
        let place = format!("{} ({})", amiss.verdict.check.name(), named(run));
        let _ = write!(text, "\n  {} {}\n    {}\n", sign.style(style), place.bold(), amiss.words(language));
    }
    let _ = writeln!(text, "\n{}", suite.headline(language).style(sign(suite.exit()).1));
    text
}

fn sign(exit: ExitCode) -> (&'static str, Style) {
    match exit {
        ExitCode::Passed => ("✓", Style::new().green()),
        ExitCode::Failed | ExitCode::ProxyNotReady => ("✗", Style::new().red().bold()),
        _ => ("?", Style::new().yellow()),
    }
}

fn class(exit: ExitCode) -> &'static str {
    match exit {
        ExitCode::Passed => "pass",
        ExitCode::Failed | ExitCode::ProxyNotReady => "fail",
        _ => "inconclusive",
    }
}

fn span(time: Duration) -> Span {
    Span((time.as_secs_f64() * 10.0).round() * 100.0)
}

fn page(suite: &Suite, folder: &Path, language: Language) -> String {
    let label = |label: SuiteLabel| label.in_words(language);
    let frame = Frame {
        language,
        title: format!("{} · {}", label(SuiteLabel::Suite), plain(&suite.name, 80)),
        class: None,
        style: "table.suite td,table.suite th{padding-right:1.1rem}table.suite td.pass,table.suite td.fail,table.suite td.inconclusive{color:var(--tone)}",
        skip: true,
        bar: html! { (Label::Report.in_words(language)) },
        other: file_name(language.choose(Language::Es, Language::En)),
    };
    let amiss = suite.amiss();
    let content = html! {
        div .alone {
            main #content {
                section {
                    h1 { (frame.title) }
                    div .verdict .(class(suite.exit())) {
                        p .word { (verdict_words(suite.exit(), language)) }
                        p .headline { (suite.headline(language)) }
                    }
                    (table(suite, folder, language))
                }
                section {
                    h2 { (label(SuiteLabel::ToMend)) }
                    @if amiss.is_empty() && suite.exit() == ExitCode::Passed { p { (label(SuiteLabel::NothingToMend)) } }
                    @for one in &amiss { (line(one, folder, language)) }
                }
            }
        }
    };
    framed(&frame, &content)
}

fn table(suite: &Suite, folder: &Path, language: Language) -> Markup {
    let label = |label: SuiteLabel| label.in_words(language);
    html! {
        div .scroll tabindex="0" role="region" aria-label=(label(SuiteLabel::Verdict)) {
            table .suite {
                thead {
                    tr {
                        @for head in [SuiteLabel::Scenario, SuiteLabel::Verdict, SuiteLabel::Passed, SuiteLabel::NotPassed, SuiteLabel::Undecided, SuiteLabel::Took] {
                            th scope="col" { (label(head)) }
                        }
                    }
                }
                tbody {
                    @for run in &suite.runs {
                        @let summary = run.summary();
                        tr {
                            th scope="row" {
                                (linked(run, None, folder, language, &html! { (plain(language.of(&run.title), 160)) }))
                                " · " (plain(&run.proxy, 80))
                            }
                            td .(class(run.exit)) { (verdict_words(run.exit, language)) }
                            @if run.folder.is_none() {
                                td colspan="3" { (label(SuiteLabel::NotCarriedOut)) }
                            } @else {
                                td { (summary.passed) }
                                td { (summary.failed.len()) }
                                td { (summary.undecided.len()) }
                            }
                            td { (span(run.took).in_words(language)) }
                        }
                    }
                }
            }
        }
    }
}

fn line(amiss: &Amiss<'_>, folder: &Path, language: Language) -> Markup {
    let check = amiss.verdict.check;
    let class = if amiss.verdict.outcome == Outcome::Fail { "fail" } else { "inconclusive" };
    let name = html! { code { (check.name()) } " – " (title(check, language)) };
    html! {
        aside .mend .(class) {
            h3 { (linked(amiss.runs[0], Some(check), folder, language, &name)) }
            p { (amiss.words(language)) }
        }
    }
}

/// Something that leads to the page of a run, and to a check on it.
fn linked(run: &SuiteRun, check: Option<CheckId>, from: &Path, language: Language, what: &Markup) -> Markup {
    let place = check.map_or_else(String::new, |check| format!("#{}", check.name()));
    html! {
        @match run.folder.as_deref() {
            Some(folder) => a href={ (relative(folder, from)) "/report." (language.code()) ".html" (place) } { (what) },
            None => (what),
        }
    }
}

/// A run folder as a page that lies beside the folders of all scenarios names it.
fn relative(folder: &Path, from: &Path) -> String {
    let above = from.parent().and_then(|out| folder.strip_prefix(out).ok());
    let parts =
        above.unwrap_or(folder).components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = parts.collect();
    if above.is_some() { format!("../{}", parts.join("/")) } else { folder.display().to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::testkit::verdict;

    pub(in crate::report) fn suite() -> Suite {
        let run = |name: &str, outcome, exit| SuiteRun {
            name: name.into(),
            title: Bilingual { en: format!("About {name}"), es: format!("Sobre {name}") },
            proxy: "pibl".into(),
            exit,
            strict: false,
            verdicts: vec![verdict(CheckId::ProxyAlive, Outcome::Pass), verdict(CheckId::TtlExpiry, outcome)],
            folder: Some(PathBuf::from(format!("reports/{name}/pibl/now"))),
            took: Duration::from_millis(1_240),
        };
        let runs = vec![
            run("one", Outcome::Pass, ExitCode::Passed),
            run("two", Outcome::Fail, ExitCode::Failed),
            run("three", Outcome::Fail, ExitCode::Failed),
        ];
        Suite { name: "scenarios".into(), runs }
    }

    #[test]
    fn one_verdict_stands_over_all_and_what_did_not_pass_is_named_once() {
        let suite = suite();
        assert_eq!(suite.exit(), ExitCode::Failed);
        let amiss = suite.amiss();
        assert_eq!((amiss.len(), amiss[0].runs.len()), (1, 2));
        let lines = suite_lines(&suite, Language::Es);
        assert!(
            lines.contains("No cumple: 4 de 6 verificaciones obligatorias cumplen, en 3 escenarios"),
            "{lines}"
        );
        assert!(lines.contains("también en three"), "{lines}");
    }

    #[test]
    fn the_page_leads_to_the_page_of_each_run() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("scenarios");
        let mut suite = suite();
        suite.runs[0].folder = Some(folder.path().join("one/pibl/now"));
        suite.runs[2].folder = None;
        let page = write_suite(&suite, &out, Language::En).unwrap();
        let text = std::fs::read_to_string(page).unwrap();
        assert!(text.contains("href=\"../one/pibl/now/report.en.html\""), "{text}");
        assert!(text.contains("not carried out"), "{text}");
        assert!(out.join("index.es.html").is_file());
    }
}
