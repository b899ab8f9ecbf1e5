//! The verdicts of a run as lines: a sign, a word, the check and what was seen, then the whole in a sentence.
//!
//! `cli` prints them at the end of a run. Colour only repeats what sign and word say already.

use std::fmt::Write as _;
use std::path::Path;

use owo_colors::{OwoColorize as _, Style};

use crate::language::conduct_words::{cut, cut_by};
use crate::language::mending_words::counted;
use crate::language::report_words::{Label, report_at, verdict_words};
use crate::language::threshold_words::limited;
use crate::language::{InWords as _, Language, verdict_sentence};
use crate::report::markdown::symbol;
use crate::report::mending::groups;
use crate::report::wire::plain;
use crate::report::{Overview, Source};
use harness_judge::check::{Outcome, Verdict};
use harness_judge::compare::Ruling;
use harness_model::catalogue::Kind;

/// The verdicts of a run, coloured, ending in a line break: what is open, then what failed, in the order of mending; with
/// `verbose` every verdict and what was expected of it.
///
/// `width` is that of the terminal, where there is one: long sentences are wrapped below their beginning. `page` is where
/// the report in this language lies.
pub fn verdicts(
    source: &Source<'_>,
    language: Language,
    verbose: bool,
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
    let groups = groups(source.verdicts, plan.strict);
    let elsewhere = |place: usize| groups.iter().any(|group| group.holds(place));
    let shown = source.verdicts.iter().enumerate().filter(|(place, verdict)| {
        verbose
            || matches!(verdict.outcome, Outcome::Fail | Outcome::Inconclusive | Outcome::Blocked)
                && !elsewhere(*place)
    });
    let shown: Vec<&Verdict> = shown.map(|(_, verdict)| verdict).collect();
    let words = shown.iter().map(|v| v.outcome.in_words(language).chars().count()).max().unwrap_or(0);
    let names = shown.iter().map(|v| v.check.name().len()).max().unwrap_or(0);
    for verdict in &shown {
        line(&mut text, verdict, language, (words, names), width);
    }
    if !shown.is_empty() {
        text.push('\n');
    }
    thresholds(&mut text, &overview, language, width);
    closing(&mut text, &overview, language, width);
    super::mending::mending(&mut text, source, &groups, language, verbose, width);
    if shown.len() < source.verdicts.len() {
        let counts: Vec<_> = overview
            .counts
            .iter()
            .map(|(outcome, n)| format!("{n} {}", outcome.in_words(language)))
            .collect();
        let _ = writeln!(text, "{}", counted(language, &counts.join(" · ")).dimmed());
    }
    exit_code(&mut text, &overview, language, width);
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

fn closing(text: &mut String, overview: &Overview, language: Language, width: Option<usize>) {
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
}

fn exit_code(text: &mut String, overview: &Overview, language: Language, width: Option<usize>) {
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
    use harness_judge::check::{Finding, HitsFinding, Outcome};
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
        let en = plain(&verdicts(&run.source(), Language::En, true, None, Some("reports/x.html".as_ref())));
        assert!(en.contains("✓ pass         ttl.expiry                 "), "{en}");
        assert!(en.contains("not met: ttl.sliding"), "{en}");
        assert!(en.contains("Declared as not implemented: persistence.survives_kill"), "{en}");
        assert!(en.ends_with("Report: reports/x.html\n"), "{en}");
        let es = plain(&verdicts(&run.source(), Language::Es, false, None, None));
        assert!(es.contains("Cumple.") && es.contains("ttl.sliding"), "{es}");
    }

    #[test]
    fn what_passed_and_what_it_was_is_shown_to_those_who_ask_for_it() {
        let mut open = verdict(CheckId::TtlExpiry, Outcome::Inconclusive);
        open.kind = Kind::Required;
        let run = RunBuilder::new("ttl")
            .ready()
            .verdict(verdict(CheckId::CachePost, Outcome::Pass))
            .verdict(verdict(CheckId::CacheHit, Outcome::Fail))
            .verdict(open)
            .build();
        let told = |verbose| plain(&verdicts(&run.source(), Language::En, verbose, None, None));
        let (brief, whole) = (told(false), told(true));
        assert!(!brief.contains("cache.post") && whole.contains("✓ pass"), "{brief}{whole}");
        assert!(brief.contains("1 fail · 1 inconclusive · 1 pass; -v shows"), "{brief}");
        assert!(brief.contains("? inconclusive  ttl.expiry"), "{brief}");
        assert!(brief.contains("--only cache.hit") && !brief.contains("expected  "), "{brief}");
        assert!(whole.contains("expected  ") && !whole.contains("-v shows"), "{whole}");
    }

    #[test]
    fn control_characters_of_a_proxy_never_reach_the_terminal() {
        let mut bad = verdict(CheckId::CacheHit, Outcome::Fail);
        bad.finding = Finding::Hits(HitsFinding::NoHits { keys: 1, target: "/\u{1b}[2J\u{7}".into() });
        let run = RunBuilder::new("ttl").ready().verdict(bad).build();
        let text = plain(&verdicts(&run.source(), Language::En, true, None, None));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }

    #[test]
    fn long_sentences_are_wrapped_below_their_beginning() {
        assert_eq!(wrapped("one two three four five six", 2, Some(27)), "one two three four five\n  six");
        assert_eq!(wrapped("as it is", 2, None), "as it is");
    }
}
