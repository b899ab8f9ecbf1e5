//! `summary.md`: the verdicts as Markdown, for a pull request or the step summary of a CI job.
//!
//! `pages` writes it, the command line appends it to the file that GitHub names. English first, Spanish folded beneath;
//! everything that came from outside is escaped.

use std::fmt::Write as _;

use super::wire::plain;
use super::{Group, Overview, Source, groups};
use crate::language::report_words::Label;
use crate::language::threshold_words::{heading, how_to_read, limited};
use crate::language::{InWords as _, Language, explanation, title, verdict_sentence};
use harness_judge::check::{Outcome, Verdict};

/// The whole document.
pub(super) fn summary(source: &Source<'_>) -> String {
    let mut text = summary_in(source, Language::En);
    let _ = write!(
        text,
        "\n<details><summary>Español</summary>\n\n{}\n</details>\n",
        summary_in(source, Language::Es)
    );
    text
}

/// The document in one language: the verdict, what to mend, the rows that did not pass, and the others folded beneath.
pub fn summary_in(source: &Source<'_>, language: Language) -> String {
    let overview = Overview::of(source);
    let plan = source.plan();
    let mut text = String::new();
    let _ = writeln!(
        text,
        "## {}: {}\n\n**{}** · {} {}: {}\n",
        escape(&plan.adapter.title),
        escape(language.of(&plan.title)),
        escape(&overview.headline(language)),
        Label::ExitCode.in_words(language),
        overview.exit.number(),
        escape(&overview.meaning(language)),
    );
    mending(&mut text, source, language);
    let (passed, others): (Vec<&Verdict>, Vec<&Verdict>) =
        source.verdicts.iter().partition(|verdict| verdict.outcome == Outcome::Pass);
    if !others.is_empty() {
        table(&mut text, &others, language);
    }
    if !passed.is_empty() {
        let all = format!("{} {}", passed.len(), Outcome::Pass.in_words(language));
        let _ = writeln!(text, "\n<details><summary>{all}</summary>\n");
        table(&mut text, &passed, language);
        text.push_str("\n</details>\n");
    }
    if !overview.thresholds.is_empty() {
        let _ = writeln!(text, "\n### {}\n", heading(language));
        for one in &overview.thresholds {
            let limit = plain(&one.gate.text, 200).replace('`', "'");
            let _ = writeln!(
                text,
                "- {} **{}** `{limit}`: {}",
                super::html::sign(one.ruling),
                one.ruling.in_words(language),
                escape(&limited(language, one))
            );
        }
        let _ = writeln!(text, "\n{}", how_to_read(language));
    }
    let _ = writeln!(
        text,
        "\n{}:\n\n```\n{}\n```",
        Label::RepeatCommand.in_words(language),
        source.command().replace('`', "'")
    );
    if let Some(hash) = &source.attachments.run_hash {
        let _ = writeln!(text, "\n{}: `{hash}`", Label::RunHash.in_words(language));
    }
    text
}

fn mending(text: &mut String, source: &Source<'_>, language: Language) {
    let groups = groups(source.verdicts, source.plan().strict);
    let first = |group: &Group| group.failures.first().and_then(|&place| source.verdicts.get(place));
    if !groups.is_empty() {
        let _ = writeln!(text, "### {}\n", Label::MendFirst.in_words(language));
    }
    for (number, (group, verdict)) in groups.iter().filter_map(|g| Some((g, first(g)?))).enumerate() {
        let told = escape(&plain(&verdict_sentence(verdict, language), 600));
        let _ = write!(text, "{}. `{}`: {told}.", number + 1, verdict.check);
        if let Some(cause) = group.cause {
            let _ = write!(
                text,
                " {}: {}.",
                Label::LikelyCause.in_words(language),
                escape(&explanation(cause, language))
            );
        }
        text.push('\n');
    }
    if !groups.is_empty() {
        text.push('\n');
    }
}

fn table(text: &mut String, verdicts: &[&Verdict], language: Language) {
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} |\n| --- | --- | --- | --- |",
        Label::Verdict.in_words(language),
        Label::Requirement.in_words(language),
        Label::Check.in_words(language),
        Label::WhatWasSeen.in_words(language)
    );
    for verdict in verdicts {
        let _ = writeln!(
            text,
            "| {} {} | {} | `{}` {} ({}) | {} |",
            symbol(verdict.outcome),
            verdict.outcome.in_words(language),
            verdict.requirement,
            verdict.check,
            escape(&title(verdict.check, language)),
            verdict.kind.in_words(language),
            escape(&plain(&verdict_sentence(verdict, language), 1_200)),
        );
    }
}

/// The sign of an outcome; every page uses it beside the word, so that nothing depends on colour.
pub(super) const fn symbol(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✓",
        Outcome::Fail => "✗",
        Outcome::Inconclusive => "?",
        Outcome::Unsupported => "–",
        Outcome::Blocked => "○",
        Outcome::Skipped => "→",
        Outcome::Manual => "☐",
    }
}

/// Text that Markdown and the HTML inside it leave alone, on one line.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => escaped.push(' '),
            c if c.is_control() => escaped.push('\u{fffd}'),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escape, summary};
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::{Finding, HitsFinding, Outcome};
    use harness_model::catalogue::CheckId;

    #[test]
    fn hostile_text_stays_in_its_cell() {
        assert_eq!(escape("a|b\n<script>"), "a\\|b &lt;script&gt;");
        let mut bad = verdict(CheckId::CacheHit, Outcome::Fail);
        bad.finding = Finding::Hits(HitsFinding::NoHits {
            keys: 3,
            target: "/x|y\r\n<img src=x onerror=alert(1)>".into(),
        });
        let run = RunBuilder::new("ttl").ready().verdict(bad).build();
        let text = summary(&run.source());
        assert!(!text.contains("<img"), "{text}");
        assert_eq!(text.matches("| ✗ ").count(), 2, "one row in each language");
    }
}
