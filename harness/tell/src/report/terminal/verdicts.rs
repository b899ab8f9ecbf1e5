//! The verdicts of a run as lines: a sign, a word, the check and what was seen, then the whole in a sentence.
//!
//! `cli` prints them at the end of a run. Colour only repeats what sign and word say already.

use std::fmt::Write as _;
use std::path::Path;

use owo_colors::{OwoColorize as _, Style};

use crate::language::conduct_words::{cut, cut_by};
use crate::language::report_words::{Label, report_at, verdict_words};
use crate::language::threshold_words::limited;
use crate::language::{InWords as _, Language, verdict_sentence};
use crate::report::markdown::symbol;
use crate::report::wire::plain;
use crate::report::{Overview, Source};
use harness_judge::check::{Outcome, Verdict};
use harness_judge::compare::Ruling;
use harness_model::catalogue::Kind;

/// The verdicts of a run, coloured, ending in a line break.
///
/// `width` is that of the terminal, where there is one: long sentences are wrapped below their beginning. `page` is where
/// the report in this language lies.
pub fn verdicts(
    source: &Source<'_>,
    language: Language,
    width: Option<usize>,
    page: Option<&Path>,
) -> String {
    let overview = Overview::of(source);
    let plan = source.plan();
    let mut text = String::new();
    let _ = writeln!(text, "\n{} · {}\n", plan.adapter.title.bold(), language.of(&plan.title));
    if let Some(by) = overview.cut {
        let _ = writeln!(text, "{}\n", cut(language, cut_by(language, by)).yellow().bold());
    }
    let words =
        source.verdicts.iter().map(|v| v.outcome.in_words(language).chars().count()).max().unwrap_or(0);
    let names = source.verdicts.iter().map(|v| v.check.name().len()).max().unwrap_or(0);
    for verdict in source.verdicts {
        line(&mut text, verdict, language, (words, names), width);
    }
    if !source.verdicts.is_empty() {
        text.push('\n');
    }
    thresholds(&mut text, &overview, language, width);
    closing(&mut text, source, &overview, language, width);
    if let Some(page) = page {
        let _ = writeln!(text, "{}", report_at(language, &page.display().to_string()));
    }
    text
}

fn line(
    text: &mut String,
    verdict: &Verdict,
    language: Language,
    columns: (usize, usize),
    width: Option<usize>,
) {
    let (words, names) = columns;
    let word = verdict.outcome.in_words(language);
    let padding = " ".repeat(words.saturating_sub(word.chars().count()));
    let aside = match verdict.kind {
        Kind::Required => String::new(),
        kind => format!(" ({})", kind.in_words(language)),
    };
    let told = format!("{}{aside}", plain(&verdict_sentence(verdict, language), 1_200));
    let indent = 4 + words + 2 + names + 2;
    let style = style(verdict.outcome, verdict.kind);
    let _ = writeln!(
        text,
        "  {} {}{padding}  {:names$}  {}",
        symbol(verdict.outcome).style(style),
        word.style(style),
        verdict.check.name(),
        wrapped(&told, indent, width)
    );
}

/// The limits of the scenario, each with what was measured.
fn thresholds(text: &mut String, overview: &Overview, language: Language, width: Option<usize>) {
    let all = &overview.thresholds;
    let words = all.iter().map(|one| one.ruling.in_words(language).chars().count()).max().unwrap_or(0);
    for one in all {
        let outcome = match one.ruling {
            Ruling::Pass => Outcome::Pass,
            Ruling::Fail => Outcome::Fail,
            Ruling::Inconclusive => Outcome::Inconclusive,
        };
        let (style, word) = (style(outcome, Kind::Required), one.ruling.in_words(language));
        let padding = " ".repeat(words.saturating_sub(word.chars().count()));
        let told = format!("{}: {}", plain(&one.gate.text, 200), limited(language, one));
        let _ = writeln!(
            text,
            "  {} {}{padding}  {}",
            symbol(outcome).style(style),
            word.style(style),
            wrapped(&told, 4 + words + 2, width)
        );
    }
    if !all.is_empty() {
        text.push('\n');
    }
}

fn closing(
    text: &mut String,
    source: &Source<'_>,
    overview: &Overview,
    language: Language,
    width: Option<usize>,
) {
    let outcome = match overview.exit.number() {
        0 => Outcome::Pass,
        1 | 3 => Outcome::Fail,
        _ => Outcome::Inconclusive,
    };
    let verdict = verdict_words(overview.exit, language);
    let headline =
        wrapped(&overview.headline(language), 0, width.map(|w| w.saturating_sub(verdict.len() + 4)));
    let _ = writeln!(
        text,
        "{} {}",
        format!("{} {verdict}.", symbol(outcome)).style(style(outcome, Kind::Required)),
        headline
    );
    for note in overview.footnotes(language) {
        let _ = writeln!(text, "{}", wrapped(&note, 2, width));
    }
    super::mending::mending(text, source, language, width);
    let code = format!(
        "{} {}: {}",
        Label::ExitCode.in_words(language),
        overview.exit.number(),
        overview.meaning(language)
    );
    let _ = writeln!(text, "{}", wrapped(&code, 2, width).dimmed());
}

fn style(outcome: Outcome, kind: Kind) -> Style {
    match (outcome, kind) {
        (Outcome::Pass, _) => Style::new().green(),
        (Outcome::Fail, Kind::Required) => Style::new().red().bold(),
        (Outcome::Fail | Outcome::Inconclusive, _) => Style::new().yellow(),
        _ => Style::new().cyan(),
    }
}

/// Breaks a text at blanks so that it fits a terminal; following lines begin at `indent`.
pub(super) fn wrapped(text: &str, indent: usize, width: Option<usize>) -> String {
    let Some(room) = width.map(|width| width.saturating_sub(indent)).filter(|room| *room >= 24) else {
        return text.to_owned();
    };
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("begins with one line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= room {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::{verdicts, wrapped};
    use crate::language::Language;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::{Finding, Outcome};
    use harness_model::catalogue::{CheckId, Kind};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn every_verdict_is_a_line_and_the_summary_names_what_it_does_not_count() {
        let mut sliding = verdict(CheckId::TtlSliding, Outcome::Fail);
        sliding.kind = Kind::Optimal;
        let run = RunBuilder::new("ttl")
            .ready()
            .verdict(verdict(CheckId::TtlExpiry, Outcome::Pass))
            .verdict(sliding)
            .verdict(verdict(CheckId::PersistenceSurvivesKill, Outcome::Unsupported))
            .build();
        let en = plain(&verdicts(&run.source(), Language::En, None, Some("reports/x.html".as_ref())));
        assert!(en.contains("✓ pass         ttl.expiry                 "), "{en}");
        assert!(en.contains("not met: ttl.sliding"), "{en}");
        assert!(en.contains("Declared as not implemented: persistence.survives_kill"), "{en}");
        assert!(en.ends_with("Report: reports/x.html\n"), "{en}");
        let es = plain(&verdicts(&run.source(), Language::Es, None, None));
        assert!(es.contains("✗ no cumple ") && es.contains("Cumple."), "{es}");
    }

    #[test]
    fn control_characters_of_a_proxy_never_reach_the_terminal() {
        let mut bad = verdict(CheckId::CacheHit, Outcome::Fail);
        bad.finding = Finding::NoHits { keys: 1, target: "/\u{1b}[2J\u{7}".into() };
        let run = RunBuilder::new("ttl").ready().verdict(bad).build();
        let text = plain(&verdicts(&run.source(), Language::En, None, None));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }

    #[test]
    fn long_sentences_are_wrapped_below_their_beginning() {
        assert_eq!(wrapped("one two three four five six", 2, Some(27)), "one two three four five\n  six");
        assert_eq!(wrapped("as it is", 2, None), "as it is");
    }
}
