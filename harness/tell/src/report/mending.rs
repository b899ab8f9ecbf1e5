//! What to mend, and in which order: failures by their common cause, the one that costs most first.
//!
//! The first screen of every page and the end of a run in the terminal show it. It orders verdicts that others made and
//! looks up what belongs to them; it judges nothing.

use fake_backends::journal::Attempt;

use super::Source;
use super::attachments::quoted;
use harness_judge::check::{Cause, Finding, Outcome, Verdict};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::history::{EventKind, Exchange, Purpose};

/// Failures that one mistake would explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The mistake, where experience suggests one; failures without one are alone.
    pub cause: Option<Cause>,
    /// Positions of the failures in the verdicts, the one to look at first in front.
    pub failures: Vec<usize>,
    /// Positions of what was blocked by one of them.
    pub blocked: Vec<usize>,
}

impl Group {
    /// How many checks it keeps from being met.
    pub fn explains(&self) -> usize {
        self.failures.len() + self.blocked.len()
    }

    /// Whether it is about the verdict at this position.
    pub(super) fn holds(&self, position: usize) -> bool {
        self.failures.contains(&position) || self.blocked.contains(&position)
    }
}

/// All groups of a run, the one to mend first in front: what decides before what does not, then the one that explains
/// most, then the order of the catalogue.
pub fn groups(verdicts: &[Verdict], strict: bool) -> Vec<Group> {
    let failed = |verdict: &Verdict| match verdict.kind {
        Kind::Required => {
            verdict.outcome == Outcome::Fail || (strict && verdict.outcome == Outcome::Unsupported)
        }
        Kind::Optimal => verdict.outcome == Outcome::Fail,
        Kind::Check | Kind::Manual => false,
    };
    let mut groups: Vec<Group> = Vec::new();
    let explains = |group: &Group, verdict: &Verdict| match verdict.explained_by {
        Some(root) => group.failures.iter().any(|&position| verdicts[position].check == root),
        None => group.cause.is_some() && group.cause == verdict.cause,
    };
    let mut failures: Vec<(usize, &Verdict)> =
        verdicts.iter().enumerate().filter(|(_, v)| failed(v)).collect();
    // What another one explains finds that one there.
    failures.sort_by_key(|(_, verdict)| verdict.explained_by.is_some());
    for (position, verdict) in failures {
        let known = groups.iter_mut().find(|group| explains(group, verdict));
        match known {
            Some(group) => group.failures.push(position),
            None => {
                groups.push(Group { cause: verdict.cause, failures: vec![position], blocked: Vec::new() });
            }
        }
    }
    for group in &mut groups {
        let hang_on = |check: CheckId| hanging_on(verdicts, check).count();
        group.failures.sort_by_key(|&position| {
            let verdict = &verdicts[position];
            (
                verdict.explained_by.is_some(),
                verdict.kind != Kind::Required,
                std::cmp::Reverse(hang_on(verdict.check)),
                verdict.check,
            )
        });
        let checks = group.failures.iter().map(|&position| verdicts[position].check);
        group.blocked = checks.flat_map(|check| hanging_on(verdicts, check)).collect();
    }
    let decides = |group: &Group| group.failures.iter().any(|&p| verdicts[p].kind == Kind::Required);
    groups.sort_by_key(|group| {
        (!decides(group), std::cmp::Reverse(group.explains()), verdicts[group.failures[0]].check)
    });
    groups
}

/// Positions of the verdicts that are blocked by a check.
fn hanging_on(verdicts: &[Verdict], check: CheckId) -> impl Iterator<Item = usize> + '_ {
    verdicts.iter().enumerate().filter_map(move |(position, verdict)| {
        let on_it = matches!(verdict.finding, Finding::DependsOn { check: cause } if cause == check);
        (verdict.outcome == Outcome::Blocked && on_it).then_some(position)
    })
}

/// One request that shows a failure, and what a backend saw of it.
#[derive(Clone, Copy)]
pub struct Instance<'a> {
    /// What the client sent and got.
    pub exchange: &'a Exchange,
    /// What came of it at a backend; `None`: no backend saw it.
    pub attempt: Option<&'a Attempt>,
}

/// The most telling request of a verdict: the first of its evidence, or the last one before what is its evidence.
pub fn instance<'a>(source: &Source<'a>, verdict: &Verdict) -> Option<Instance<'a>> {
    let events = source.events();
    let exchange_at = |line: usize| match &events.get(line)?.event {
        EventKind::Exchange(exchange) => Some(exchange.as_ref()),
        EventKind::Anomaly(anomaly) => anomaly.exchange.as_deref(),
        _ => None,
    };
    let attempt_at = |line: usize| match &events.get(line)?.event {
        EventKind::Attempt(attempt) => Some(attempt.as_ref()),
        _ => None,
    };
    let mut all = verdict.evidence.iter().filter_map(|&line| exchange_at(line));
    let first = all.clone().next();
    // What only prepared the question says less than the question.
    let prepares = |exchange: &&Exchange| matches!(exchange.purpose, Purpose::Fill | Purpose::Slow);
    let named = all.find(|exchange| !prepares(exchange)).or(first);
    // Evidence may be what a backend saw: then the request that caused it is looked for.
    let caused = || {
        let attempt = verdict.evidence.iter().find_map(|&line| attempt_at(line))?;
        source
            .exchanges()
            .map(|(_, exchange)| exchange)
            .find(|exchange| source.attempt_of(exchange).is_some_and(|found| std::ptr::eq(found, attempt)))
    };
    let before = || {
        let first = *verdict.evidence.first()?;
        (0..first.min(events.len())).rev().find_map(exchange_at)
    };
    let exchange = named.or_else(caused).or_else(before)?;
    Some(Instance { exchange, attempt: source.attempt_of(exchange) })
}

/// The command that repeats a check and nothing else.
pub fn command_for(source: &Source<'_>, check: CheckId) -> String {
    let typed = source.attachments.manifest.as_ref().map(|manifest| manifest.facts.command.as_slice());
    let Some(typed) = typed.filter(|typed| !typed.is_empty()) else {
        return format!("{} --only {check}", source.command());
    };
    // What the run itself was confined to is replaced.
    let mut words: Vec<String> = Vec::new();
    let mut typed = typed.iter();
    while let Some(word) = typed.next() {
        if word == "--only" {
            typed.next();
        } else {
            words.push(quoted(word));
        }
    }
    words.extend(["--only".to_owned(), check.name().to_owned()]);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Group, command_for, groups, instance};
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::{Cause, Finding, Outcome, Verdict};
    use harness_model::catalogue::{CheckId, Kind};
    use harness_model::history::Purpose;

    fn failed(check: CheckId, cause: Option<Cause>) -> Verdict {
        Verdict { cause, ..verdict(check, Outcome::Fail) }
    }

    #[test]
    fn what_explains_most_comes_first_and_what_does_not_decide_last() {
        let mut blocked = verdict(CheckId::TtlExpiry, Outcome::Blocked);
        blocked.finding = Finding::DependsOn { check: CheckId::CacheHit };
        let mut sliding = failed(CheckId::TtlSliding, Some(Cause::HitRenewsEntry));
        sliding.kind = Kind::Optimal;
        let verdicts = [
            sliding,
            failed(CheckId::RotationSpread, Some(Cause::UnlockedCounter)),
            failed(CheckId::CacheHit, Some(Cause::NothingCached)),
            blocked,
            failed(CheckId::ConcurrencySlowFast, Some(Cause::ServedOneByOne)),
            failed(CheckId::ConcurrencyOverlap, Some(Cause::ServedOneByOne)),
            failed(CheckId::ConcurrencyOwnAnswers, Some(Cause::ServedOneByOne)),
            failed(CheckId::CachePost, None),
            failed(CheckId::IntegrityBodies, None),
        ];
        let groups = groups(&verdicts, false);
        let explained: Vec<usize> = groups.iter().map(Group::explains).collect();
        assert_eq!(explained, [3, 2, 1, 1, 1, 1]);
        assert_eq!(groups[0].failures, [4, 5, 6]);
        assert_eq!((groups[1].failures.as_slice(), groups[1].blocked.as_slice()), (&[2][..], &[3][..]));
        assert_eq!(groups[5].cause, Some(Cause::HitRenewsEntry));
    }

    #[test]
    fn what_one_finding_explains_is_grouped_under_it() {
        let mut wrong = failed(CheckId::IntegrityBodies, Some(Cause::RequestRebuilt));
        wrong.explained_by = Some(CheckId::ForwardOnce);
        let mut own = failed(CheckId::ConcurrencyOwnAnswers, None);
        own.explained_by = Some(CheckId::ForwardOnce);
        let verdicts = [wrong, own, failed(CheckId::ForwardOnce, Some(Cause::RequestRebuilt))];
        let groups = groups(&verdicts, false);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].failures[0], 2, "the one that explains the others leads");
        assert_eq!(groups[0].explains(), 3);
    }

    #[test]
    fn a_failure_has_its_request_and_the_command_that_repeats_it() {
        let run = RunBuilder::new("ttl")
            .ready()
            .ttl(2_000, 12)
            .verdict(verdict(CheckId::CacheHit, Outcome::Fail))
            .evidence_everything()
            .build();
        let source = run.source();
        let shown = instance(&source, &run.verdicts[0]).expect("an exchange is its evidence");
        assert!(shown.exchange.target.starts_with('/'), "{}", shown.exchange.target);
        assert_ne!(shown.exchange.purpose, Purpose::Fill, "the question, not its preparation");
        assert!(shown.attempt.is_none_or(|attempt| attempt.target == shown.exchange.target));
        let command = command_for(&source, CheckId::CacheHit);
        assert!(command.ends_with("--seed 7 --only cache.hit"), "{command}");
    }
}
