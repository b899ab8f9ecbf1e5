//! Two runs of a scenario beside each other: which verdicts changed, which exchanges came out otherwise, latencies.
//!
//! `harness diff` makes it of two records that were judged alike, prints [`RunDiff::lines`] and calls [`write_diff`]. Exchanges
//! belong together by their step, method and target, in the order in which they were sent. Nothing is judged here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::html::diff_page;
use super::latency::{by_tag, quantile_ms};
use super::markdown::symbol;
use super::pages::{ReportError, write};
use super::plot::Overlay;
use super::wire::plain;
use super::{Source, VerdictsDocument, json};
pub use crate::language::diff_words::Change;
use crate::language::diff_words::{
    After, Before, answer_of, changed_checks, exchanges_compared, more_differ, same_program, took_from_to,
};
use crate::language::{InWords as _, Language, Milliseconds, Quantile, verdict_sentence};
use harness_judge::check::{Outcome, Verdict};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::exit_code::ExitCode;
use harness_model::history::{ContentSeen, Exchange, ExchangeEnd, Purpose};

/// Exchanges that differ beyond this are counted, not shown.
pub(super) const MOST_SHOWN: usize = 40;
/// The same on the terminal.
const MOST_LINES: usize = 8;
/// The quantiles of the table.
pub(super) const SHOWN_QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// A check in both runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckDiff<'a> {
    pub(super) check: CheckId,
    pub(super) kind: Kind,
    pub(super) before: Option<&'a Verdict>,
    pub(super) after: Option<&'a Verdict>,
    pub(super) change: Change,
}

/// An exchange of each run that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aligned<'a> {
    /// The step in which they were sent, from zero; `None` between two steps.
    pub(super) step: Option<usize>,
    pub(super) before: &'a Exchange,
    pub(super) after: &'a Exchange,
    /// Whether a changed verdict rests on one of them.
    telling: bool,
}

/// Two runs, the earlier first.
#[derive(Clone)]
pub struct RunDiff<'a> {
    pub(super) before: Source<'a>,
    pub(super) after: Source<'a>,
    /// Their folders as typed.
    pub(super) folders: [String; 2],
    /// What changed most comes first.
    pub(super) checks: Vec<CheckDiff<'a>>,
    /// Those that differ, the most telling first.
    pub(super) differing: Vec<Aligned<'a>>,
    /// How many belong together in all.
    pub(super) aligned: usize,
    /// How many of each run have none in the other.
    pub(super) alone: [usize; 2],
}

impl Aligned<'_> {
    /// The number of their step, as it is counted for people.
    pub(super) fn number(&self) -> String {
        self.step.map_or_else(String::new, |step| format!("{}. ", step + 1))
    }
}

impl<'a> RunDiff<'a> {
    /// Puts two runs beside each other; `folders` are their names for the reader.
    pub fn of(before: Source<'a>, after: Source<'a>, folders: [String; 2]) -> RunDiff<'a> {
        let checks = checks(&before, &after);
        let telling = |side: fn(&CheckDiff<'a>) -> Option<&'a Verdict>| -> Vec<usize> {
            let changed = checks.iter().filter(|check| check.change != Change::Same);
            changed.filter_map(side).flat_map(|verdict| verdict.evidence.iter().copied()).collect()
        };
        let lines = [telling(|check| check.before), telling(|check| check.after)];
        let (mut of_before, of_after) = (by_place(&before), by_place(&after));
        let (mut differing, mut aligned, mut alone) = (Vec::new(), 0, [0, 0]);
        for ((step, ..), now) in &of_after {
            let key =
                now.first().map(|(_, exchange)| (*step, exchange.method.as_str(), exchange.target.as_str()));
            let then = key.and_then(|key| of_before.remove(&key)).unwrap_or_default();
            let both = then.len().min(now.len());
            aligned += both;
            alone[0] += then.len() - both;
            alone[1] += now.len() - both;
            for ((line_before, one), (line_after, two)) in then.iter().zip(now) {
                if differ(&before, one, &after, two) {
                    let telling = lines[0].contains(line_before) || lines[1].contains(line_after);
                    differing.push(Aligned { step: *step, before: one, after: two, telling });
                }
            }
        }
        alone[0] += of_before.values().map(Vec::len).sum::<usize>();
        differing.sort_by_key(|one| (!one.telling, one.step, one.after.id));
        RunDiff { before, after, folders, checks, differing, aligned, alone }
    }

    /// Whether the records are of one scenario, so that their steps can be compared.
    pub fn is_of_one_scenario(&self) -> bool {
        self.before.plan().name == self.after.plan().name
    }

    /// Whether it is known that both were runs of the same program, told the same: another option is another proxy.
    pub(super) fn same_program(&self) -> bool {
        let of = |source: &Source<'_>| {
            let hash = source.attachments.manifest.as_ref()?.facts.program_sha256.clone()?;
            let mut adapter = serde_json::to_value(&source.plan().adapter).ok()?;
            adapter.as_object_mut()?.remove("origin");
            Some((hash, adapter))
        };
        of(&self.before).zip(of(&self.after)).is_some_and(|(before, after)| before == after)
    }

    /// What follows: 1 where a required check passed before and fails now, 2 where it is only open now, or where a record is not what
    /// its run has written; otherwise 0.
    pub fn exit(&self) -> ExitCode {
        let broken = self.checks.iter().filter(|it| it.change == Change::Broken && it.kind == Kind::Required);
        let outcomes: Vec<Option<Outcome>> =
            broken.map(|it| it.after.map(|verdict| verdict.outcome)).collect();
        let doubted = [&self.before, &self.after].iter().any(|source| !source.record.doubts.is_empty());
        match outcomes.contains(&Some(Outcome::Fail)) {
            true => ExitCode::Failed,
            false if doubted || !outcomes.is_empty() => ExitCode::Inconclusive,
            false => ExitCode::Passed,
        }
    }

    /// How many checks there are of a change.
    pub(super) fn count(&self, change: Change) -> usize {
        self.checks.iter().filter(|check| check.change == change).count()
    }

    /// The answer in a sentence: first of everything that is shown.
    pub(super) fn answer(&self, language: Language) -> String {
        let [broken, mended, otherwise] =
            [Change::Broken, Change::Mended, Change::Otherwise].map(|it| self.count(it));
        let mut said = changed_checks(language, mended, broken, otherwise, self.count(Change::Same));
        if self.same_program() && broken + mended + otherwise > 0 {
            let _ = write!(said, " {}", same_program(language));
        }
        said
    }

    /// How the exchanges compare, in a sentence.
    pub(super) fn exchanges(&self, language: Language) -> String {
        exchanges_compared(language, self.aligned, self.differing.len(), self.alone[0], self.alone[1])
    }

    /// The percentiles of each load step in both runs, in milliseconds.
    pub(super) fn percentiles(&self) -> Vec<(String, [[Option<f64>; SHOWN_QUANTILES.len()]; 2])> {
        let of = |source: &Source<'a>| -> BTreeMap<String, [Option<f64>; SHOWN_QUANTILES.len()]> {
            let figures = by_tag(source).into_iter().filter_map(|tag| {
                let values = tag.intended?;
                Some((tag.tag, SHOWN_QUANTILES.map(|quantile| quantile_ms(values, quantile))))
            });
            figures.collect()
        };
        let (before, after) = (of(&self.before), of(&self.after));
        let both =
            before.into_iter().filter_map(|(tag, then)| Some((tag.clone(), [then, *after.get(&tag)?])));
        both.collect()
    }

    /// Latencies of both runs over each other, a picture for each load step.
    pub(super) fn overlays(&self, language: Language) -> Vec<Overlay> {
        let names = [Before.in_words(language), After.in_words(language)];
        let of = |source: &Source<'a>| by_tag(source);
        let (before, after) = (of(&self.before), of(&self.after));
        let pooled = before.iter().filter_map(|then| {
            let now = after.iter().find(|now| now.tag == then.tag)?;
            Some((then.tag.clone(), vec![then.intended.cloned(), now.intended.cloned()]))
        });
        Overlay::of_sides(&names, &pooled.collect::<Vec<_>>())
    }

    /// What the terminal shows.
    pub fn lines(&self, language: Language) -> String {
        let mut text = format!("{}\n", self.answer(language));
        for (word, folder) in [Before.in_words(language), After.in_words(language)].iter().zip(&self.folders)
        {
            let _ = writeln!(text, "  {word}: {}", plain(folder, 200));
        }
        for check in self.checks.iter().filter(|check| check.change != Change::Same) {
            let sign = |verdict: Option<&Verdict>| verdict.map_or("–", |verdict| symbol(verdict.outcome));
            let change = check.change.in_words(language);
            let _ =
                writeln!(text, "\n{} → {} {} ({change})", sign(check.before), sign(check.after), check.check);
            for (word, verdict) in
                [(Before.in_words(language), check.before), (After.in_words(language), check.after)]
            {
                let _ = writeln!(text, "    {word}: {}", told(verdict, language));
            }
        }
        let _ = writeln!(text, "\n{}", self.exchanges(language));
        for one in self.differing.iter().take(MOST_LINES) {
            let _ = writeln!(
                text,
                "  {}{} {}: {} → {}",
                one.number(),
                plain(&one.after.method, 12),
                plain(&one.after.target, 60),
                answer_in_words(&self.before, one.before, language),
                answer_in_words(&self.after, one.after, language)
            );
        }
        if self.differing.len() > MOST_LINES {
            let _ = writeln!(text, "  {}", more_differ(language, self.differing.len() - MOST_LINES));
        }
        for (tag, [before, after]) in self.percentiles() {
            for (quantile, times) in SHOWN_QUANTILES.iter().zip(before.iter().zip(after)) {
                if let (Some(before), Some(after)) = times {
                    let (of, took) = (Quantile(*quantile), Milliseconds);
                    let _ = writeln!(
                        text,
                        "  {}",
                        took_from_to(language, &plain(&tag, 40), of, took(*before), took(after))
                    );
                }
            }
        }
        text
    }
}

/// All checks of both runs, what changed most first.
fn checks<'a>(before: &Source<'a>, after: &Source<'a>) -> Vec<CheckDiff<'a>> {
    let find = |verdicts: &'a [Verdict], check| verdicts.iter().find(|verdict| verdict.check == check);
    let pair = |verdict: &'a Verdict| {
        let (then, now) = (find(before.verdicts, verdict.check), find(after.verdicts, verdict.check));
        let change = match (then.map(|it| it.outcome), now.map(|it| it.outcome)) {
            (then, now) if then == now => Change::Same,
            (Some(Outcome::Pass), _) => Change::Broken,
            (_, Some(Outcome::Pass)) => Change::Mended,
            _ => Change::Otherwise,
        };
        CheckDiff { check: verdict.check, kind: verdict.kind, before: then, after: now, change }
    };
    let only_before = before.verdicts.iter().filter(|then| find(after.verdicts, then.check).is_none());
    let mut all: Vec<CheckDiff<'a>> = after.verdicts.iter().chain(only_before).map(pair).collect();
    all.sort_by_key(|check| (check.change, check.kind != Kind::Required));
    all
}

/// By step, method and target: the exchanges of a run with their lines, as they were sent. Load is counted, not kept one by one.
type ByPlace<'a> = BTreeMap<(Option<usize>, &'a str, &'a str), Vec<(usize, &'a Exchange)>>;

fn by_place<'a>(source: &Source<'a>) -> ByPlace<'a> {
    let mut places: ByPlace<'a> = BTreeMap::new();
    let kept = |purpose| !matches!(purpose, Purpose::Readiness | Purpose::Load | Purpose::CrashLoad);
    for (line, exchange) in source.exchanges().filter(|(_, exchange)| kept(exchange.purpose)) {
        let step = source.events().get(line).and_then(|event| event.step);
        let place = (step, exchange.method.as_str(), exchange.target.as_str());
        places.entry(place).or_default().push((line, exchange));
    }
    for exchanges in places.values_mut() {
        exchanges.sort_by_key(|(_, exchange)| exchange.id);
    }
    places
}

/// Whether two that belong together came out otherwise: how they ended, their status and bytes, and whether a backend was asked.
fn differ(before: &Source<'_>, one: &Exchange, after: &Source<'_>, two: &Exchange) -> bool {
    let answer = |exchange: &Exchange| {
        exchange.response.as_ref().map(|response| {
            let damaged = matches!(response.body.content, Some(ContentSeen::Damaged(_)));
            (response.status, response.body.bytes, response.body.extra_bytes, damaged)
        })
    };
    let complete = |exchange: &Exchange| exchange.end == ExchangeEnd::Complete;
    answer(one) != answer(two)
        || complete(one) != complete(two)
        || before.attempt_of(one).is_some() != after.attempt_of(two).is_some()
}

/// An answer in a few words: its status, its bytes, and where it came from.
pub(super) fn answer_in_words(source: &Source<'_>, exchange: &Exchange, language: Language) -> String {
    let backend = source.attempt_of(exchange).map(|attempt| attempt.backend.as_str());
    let answer = exchange.response.as_ref().map(|response| (response.status, response.body.bytes));
    plain(&answer_of(language, answer, &exchange.end, backend), 200)
}

/// What a verdict says, or that there is none.
pub(super) fn told(verdict: Option<&Verdict>, language: Language) -> String {
    verdict.map_or_else(|| "–".to_owned(), |verdict| plain(&verdict_sentence(verdict, language), 600))
}

/// `diff.json`.
#[derive(Serialize)]
struct Document {
    format: u32,
    folders: [String; 2],
    exit_code: u8,
    same_program: bool,
    checks: Vec<CheckRow>,
    aligned: usize,
    differing: usize,
    only_before: usize,
    only_after: usize,
    before: VerdictsDocument,
    after: VerdictsDocument,
}

#[derive(Serialize)]
struct CheckRow {
    check: CheckId,
    change: Change,
    before: Option<Outcome>,
    after: Option<Outcome>,
}

/// Writes `diff.json` and a page in each language.
///
/// # Errors
/// A file cannot be written.
pub fn write_diff(folder: &Path, diff: &RunDiff<'_>) -> Result<(), ReportError> {
    let row = |it: &CheckDiff<'_>| CheckRow {
        check: it.check,
        change: it.change,
        before: it.before.map(|verdict| verdict.outcome),
        after: it.after.map(|verdict| verdict.outcome),
    };
    let document = Document {
        format: 1,
        folders: diff.folders.clone(),
        exit_code: diff.exit().number(),
        same_program: diff.same_program(),
        checks: diff.checks.iter().map(row).collect(),
        aligned: diff.aligned,
        differing: diff.differing.len(),
        only_before: diff.alone[0],
        only_after: diff.alone[1],
        before: json::document(&diff.before),
        after: json::document(&diff.after),
    };
    let json = serde_json::to_vec_pretty(&document)
        .map_err(|error| ReportError::Form { what: "JSON", why: error.to_string() })?;
    write(folder, "diff.json", &json)?;
    for language in Language::ALL {
        write(folder, &format!("diff.{}.html", language.code()), diff_page(diff, language).as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testkit::{MadeUpRun, RunBuilder, verdict};
    use harness_model::catalogue::CheckId;

    fn diff<'a>(before: &'a MadeUpRun, after: &'a MadeUpRun) -> RunDiff<'a> {
        RunDiff::of(before.source(), after.source(), ["one".into(), "two".into()])
    }

    fn run(status: u16, expiry: Outcome, hit: Outcome) -> MadeUpRun {
        RunBuilder::new("ttl")
            .ready()
            .serial(3)
            .exchange_with("/same", "HTTP/1.1 200 OK\r\n\r\n")
            .exchange_with("/other", &format!("HTTP/1.1 {status} Said\r\n\r\n"))
            .load("steady", 500, 0)
            .verdict(verdict(CheckId::TtlExpiry, expiry))
            .verdict(verdict(CheckId::CacheHit, hit))
            .verdict(verdict(CheckId::ProxyAlive, Outcome::Pass))
            .build()
    }

    #[test]
    fn what_changed_stands_first_and_decides_the_code() {
        let (good, bad) = (run(200, Outcome::Pass, Outcome::Fail), run(200, Outcome::Fail, Outcome::Pass));
        let worse = diff(&good, &bad);
        let order: Vec<(CheckId, Change)> = worse.checks.iter().map(|it| (it.check, it.change)).collect();
        assert_eq!(
            order,
            [
                (CheckId::TtlExpiry, Change::Broken),
                (CheckId::CacheHit, Change::Mended),
                (CheckId::ProxyAlive, Change::Same)
            ]
        );
        assert_eq!(worse.exit(), ExitCode::Failed);
        let open = run(200, Outcome::Inconclusive, Outcome::Pass);
        assert_eq!(diff(&good, &open).exit(), ExitCode::Inconclusive);
        assert_eq!(diff(&open, &good).exit(), ExitCode::Failed, "the hit fails now");
        assert_eq!(diff(&good, &good).exit(), ExitCode::Passed);
    }

    #[test]
    fn exchanges_belong_together_by_step_and_target_and_differ_by_what_came_back() {
        let (before, after) =
            (run(200, Outcome::Pass, Outcome::Pass), run(502, Outcome::Pass, Outcome::Pass));
        let diff = diff(&before, &after);
        assert_eq!((diff.aligned, diff.differing.len(), diff.alone), (5, 1, [0, 0]));
        let text = diff.lines(Language::En);
        assert!(text.contains("GET /other: 200") && text.contains("→ 502"), "{text}");
        assert!(!text.contains("/same"), "{text}");
        assert!(text.contains("steady"), "percentiles of both: {text}");
    }

    #[test]
    fn the_page_says_the_same_in_both_languages_and_quotes_the_bytes() {
        let (before, after) =
            (run(200, Outcome::Pass, Outcome::Pass), run(502, Outcome::Fail, Outcome::Pass));
        let diff = diff(&before, &after);
        for language in Language::ALL {
            let page = diff_page(&diff, language);
            assert!(page.contains(&diff.answer(language)) && page.contains(&diff.exchanges(language)));
            assert!(page.contains("HTTP/1.1 502 Said") && page.contains("HTTP/1.1 200 Said"));
            assert!(page.contains("<svg"), "latencies over each other");
        }
    }
}
