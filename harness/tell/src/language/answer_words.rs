//! A comparison in sentences, one for each question: how the side under test does against each other, at each load.
//!
//! They stand first in everything that a comparison is shown in. Each figure in them is one of the table, in percent where it lies near
//! to one.

use super::compare_words::ratio;
use super::{Decimal, InWords as _, Language, Listed, Percent, Quantile};
use crate::{messages, say};
use harness_judge::compare::{Comparison, Gated, LOOKS, Middle, Pair, Row, Ruling, Shows};
use harness_model::plan::Metric;

messages! {
    /// Two sides, before what is said of them.
    fn against(first: &str, other: &str) {
        en: "{first} against {other}", es: "{first} frente a {other}",
    }
    /// The same of one load step.
    fn against_at(first: &str, other: &str, tag: &str) {
        en: "{first} against {other}, “{tag}”", es: "{first} frente a {other}, «{tag}»",
    }
    /// No interval anywhere.
    fn not_decided(who: &str, rounds: u64, needed: u64) {
        en: "{who}: not decided, {rounds} of {needed} rounds.", es: "{who}: sin decidir, {rounds} de {needed} rondas.",
    }
    /// Nothing of both sides.
    fn nothing_measured(who: &str) {
        en: "{who}: nothing was measured on both sides.", es: "{who}: no se midió nada en ambos lados.",
    }
    /// Figures that are alike.
    fn alike(what: &str) {
        en: "no difference shown in {what}", es: "no se ve diferencia en {what}",
    }
    /// Shares of errors that differ.
    fn errors_beside(ours: Percent, theirs: Percent) {
        en: "{ours} errors beside {theirs}", es: "{ours} de errores frente a {theirs}",
    }
    /// What came of the thresholds.
    fn thresholds_met(met: u64, missed: u64, open: u64) {
        en: "Thresholds met: {met}; not met: {missed}; not decided: {open}.",
        es: "Umbrales que se cumplen: {met}; que no: {missed}; sin decidir: {open}.",
    }
}

/// The comparison in sentences, one for each question: how the first side does against each other, at each load.
pub fn answers(language: Language, comparison: &Comparison, gated: &[Gated]) -> Vec<String> {
    let name = |place: usize| comparison.sides.get(place).map_or("", |side| side.name.as_str());
    let mut sentences = Vec::new();
    for other in 1..comparison.sides.len() {
        let mut tags: Vec<Option<&str>> = Vec::new();
        for row in comparison.rows.iter().filter(|row| both(row, other).is_some()) {
            let tag = row.subject.tag.as_deref();
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        // The proxy as a whole is no question of its own beside a single load.
        if let [Some(_), None] = tags[..] {
            tags.pop();
        }
        let is_single = tags.len() == 1;
        if tags.is_empty() {
            sentences.push(nothing_measured(language, &against(language, name(0), name(other))));
        }
        for tag in tags {
            let who = match tag {
                Some(tag) => against_at(language, name(0), name(other), tag),
                None => against(language, name(0), name(other)),
            };
            let of_tag = |row: &&Row| row.subject.tag.as_deref() == tag || is_single;
            let rows: Vec<&Row> = comparison.rows.iter().filter(of_tag).collect();
            sentences.push(answer(language, &who, &rows, other));
        }
    }
    if !gated.is_empty() {
        let count = |ruling| gated.iter().filter(|one| one.ruling == ruling).count() as u64;
        let counts = [Ruling::Pass, Ruling::Fail, Ruling::Inconclusive].map(count);
        sentences.push(thresholds_met(language, counts[0], counts[1], counts[2]));
    }
    sentences
}

/// What a row has of the first side and of another.
fn both(row: &Row, other: usize) -> Option<(Middle, Middle)> {
    row.sides.first().copied().flatten().zip(row.sides.get(other).copied().flatten())
}

fn answer(language: Language, who: &str, rows: &[&Row], other: usize) -> String {
    let (mut differ, mut same, mut rounds) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let Some((ours, theirs)) = both(row, other) else { continue };
        rounds = rounds.max(ours.rounds);
        let pair = row.ratios.get(other - 1).and_then(Option::as_ref);
        match pair.map(Pair::shows) {
            // Shares say more than how many times one is the other.
            Some(Shows::More | Shows::Less) if row.subject.metric == Metric::ErrorRate => {
                differ.push(errors_beside(language, Percent(ours.median), Percent(theirs.median)));
            }
            Some(Shows::More | Shows::Less) => {
                differ.extend(pair.map(|pair| difference(language, row, pair)));
            }
            Some(Shows::NoDifference) => same.push(short(language, row.subject.metric)),
            Some(Shows::TooFewRounds) => {}
            // Where one side has none, errors have no ratio.
            None => match (ours.interval, theirs.interval) {
                (Some(ours_at), Some(theirs_at)) if ours_at.0 > theirs_at.1 || theirs_at.0 > ours_at.1 => {
                    differ.push(errors_beside(language, Percent(ours.median), Percent(theirs.median)));
                }
                _ => {}
            },
        }
    }
    if differ.is_empty() && same.is_empty() {
        return not_decided(language, who, rounds as u64, LOOKS[0] as u64);
    }
    if !same.is_empty() {
        differ.push(alike(language, &Listed(&same).in_words(language)));
    }
    format!("{who}: {}.", differ.join("; "))
}

/// A metric within a sentence.
fn short(language: Language, metric: Metric) -> String {
    match metric {
        Metric::Latency(quantile) => {
            say!(language, en: "latency {q}", es: "latencia {q}", q = Quantile(quantile))
        }
        other => other.in_words(language),
    }
}

/// `3.2% more CPU per request [+1.1; +5]`, or `latency p99 ×2.4 [2.1; 2.6]` of what is twice as much or half.
fn difference(language: Language, row: &Row, pair: &Pair) -> String {
    let metric = row.subject.metric;
    let name = short(language, metric);
    let Some((low, high)) = pair.interval.filter(|_| pair.ratio > 0.5 && pair.ratio < 2.0) else {
        return format!("{name} {}", ratio(language, Some(pair)));
    };
    let percent = |factor: f64| {
        let change = (factor - 1.0) * 100.0;
        let shown = Decimal(change, if change.abs() < 1.0 { 2 } else { 1 }).in_words(language);
        if change > 0.0 { format!("+{shown}") } else { shown }
    };
    let interval = format!("[{}; {}]", percent(low), percent(high));
    let by = Percent((pair.ratio - 1.0).abs()).in_words(language);
    let more = pair.ratio > 1.0;
    let said = match (metric, more) {
        (Metric::Latency(_), true) => {
            say!(language, en: "{name} {by} longer", es: "{name} {by} más larga", name = name, by = by)
        }
        (Metric::Latency(_), false) => {
            say!(language, en: "{name} {by} shorter", es: "{name} {by} más corta", name = name, by = by)
        }
        (Metric::Rate | Metric::ErrorRate, true) => {
            say!(language, en: "{by} more {name}", es: "{by} más {name}", name = name, by = by)
        }
        (Metric::Rate | Metric::ErrorRate, false) => {
            say!(language, en: "{by} fewer {name}", es: "{by} menos {name}", name = name, by = by)
        }
        (Metric::CpuPerRequest | Metric::MemoryPerConnection, true) => {
            say!(language, en: "{by} more {name}", es: "{by} más {name}", name = name, by = by)
        }
        (Metric::CpuPerRequest | Metric::MemoryPerConnection, false) => {
            say!(language, en: "{by} less {name}", es: "{by} menos {name}", name = name, by = by)
        }
        (Metric::RssPeak | Metric::RrSpread, true) => {
            say!(language, en: "{name} {by} higher", es: "{name} {by} mayor", name = name, by = by)
        }
        (Metric::RssPeak | Metric::RrSpread, false) => {
            say!(language, en: "{name} {by} lower", es: "{name} {by} menor", name = name, by = by)
        }
    };
    format!("{said} {interval}")
}
