//! Visits: the requests of a step with the attempts that they caused, in order, in batches, without what a cache answered.
//!
//! The rotation checks judge by them. Attempts are matched by their unique targets, so nothing else is ever counted.

use std::collections::HashMap;

use crate::check::integrity::wrong_answer;
use crate::check::judged::Judged;
use crate::check::ledger::{Arrived, Asked, Ledger};
use crate::check::pattern::spread_of;
use crate::check::seen::Wrong;
use crate::check::{Finding, RotationFinding};
use harness_model::history::Purpose;
use harness_model::plan::Step;

/// How far apart the counts of the backends were at the quiescence after each batch.
pub(super) struct Barriers {
    /// Largest spread at any of them.
    pub(super) worst: u64,
    /// The first batch, from one, after which the spread was larger than allowed.
    pub(super) first_bad: Option<u64>,
    pub(super) batches: u64,
}

pub(super) fn at_barriers(visits: &Visits<'_>, backends: &[String], allowed: u64) -> Barriers {
    let mut counts: HashMap<&str, u64> = backends.iter().map(|name| (name.as_str(), 0)).collect();
    let mut barriers = Barriers { worst: 0, first_bad: None, batches: 0 };
    for group in visits.groups() {
        for visit in visits.all.iter().filter(|visit| visit.asked.exchange.group == group) {
            for arrived in &visit.attempts {
                *counts.entry(arrived.attempt.backend.as_str()).or_default() += 1;
            }
        }
        barriers.batches += 1;
        let spread = spread_of(counts.values().copied());
        barriers.worst = barriers.worst.max(spread);
        if spread > allowed && barriers.first_bad.is_none() {
            barriers.first_bad = Some(barriers.batches);
        }
    }
    barriers
}

/// A request with the attempts that it caused.
pub(super) struct Visit<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) attempts: Vec<Arrived<'a>>,
}

/// The requests of a step whose targets are all unique, so that no cache can have answered.
pub(super) struct Visits<'a> {
    pub(super) all: Vec<Visit<'a>>,
}

impl<'a> Visits<'a> {
    /// Backends in the order of the arrivals.
    pub(super) fn sequence(&self) -> Vec<&'a str> {
        let mut arrivals: Vec<Arrived<'a>> =
            self.all.iter().flat_map(|visit| visit.attempts.iter().copied()).collect();
        arrivals.sort_by_key(|arrived| arrived.attempt.arrived);
        arrivals.iter().map(|arrived| arrived.attempt.backend.as_str()).collect()
    }

    /// Attempts meanwhile for requests that were given up before.
    pub(super) fn left_over(&self, ledger: &Ledger<'a>) -> Vec<Arrived<'a>> {
        let (Some(first), Some(last)) = (self.all.first(), self.all.last()) else { return Vec::new() };
        ledger.left_over_between(first.asked.sent(), last.asked.exchange.finished)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = usize> + '_ {
        self.all.iter().flat_map(|visit| visit.attempts.iter().map(|arrived| arrived.line))
    }

    pub(super) fn groups(&self) -> Vec<u32> {
        let mut groups: Vec<u32> = self.all.iter().map(|visit| visit.asked.exchange.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Lines of the attempts of the batch of this number, from one.
    pub(super) fn lines_of_group(&self, batch: u64) -> Vec<usize> {
        let group = self.groups().get(usize::try_from(batch).unwrap_or(1).saturating_sub(1)).copied();
        let of_group = self.all.iter().filter(|visit| Some(visit.asked.exchange.group) == group);
        of_group.flat_map(|visit| visit.attempts.iter().map(|arrived| arrived.line)).collect()
    }
}

/// The visits of a step; `None` where it was not carried out with every backend up, or asks for a target more than once.
pub(super) fn visits_of<'a>(ledger: &Ledger<'a>, step: &Step, purpose: Purpose) -> Option<Visits<'a>> {
    // A second try asks for the same targets once more, so only the first can show a rotation.
    let requests = ledger.requests_of_try(step.index, 0, purpose);
    let first = requests.first()?;
    let again = |asked: &Asked<'_>| asked.step == Some(step.index) && asked.attempt_of_step > 0;
    let asked_once = |target: &str| ledger.requests_for(target).filter(|asked| !again(asked)).count() == 1;
    let unique = requests.iter().all(|asked| asked_once(&asked.exchange.target));
    let all_up = ledger.backends_up_at(first.sent()).len() == ledger.plan.backends.count;
    if !unique || !all_up {
        return None;
    }
    let second_try = ledger.start_of_try(step.index, 1);
    let in_first_try = |arrived: &Arrived<'_>| second_try.is_none_or(|start| arrived.attempt.arrived < start);
    let all = requests
        .into_iter()
        .map(|asked| Visit {
            attempts: ledger.attempts_for(&asked.exchange.target).filter(in_first_try).collect(),
            asked,
        })
        .collect();
    Some(Visits { all })
}

/// One request that reached healthy backends twice, or none at all.
pub(super) fn doubled_or_lost(visits: &Visits<'_>) -> Option<Judged> {
    let requests = visits.all.len() as u64;
    let answered = |visit: &Visit<'_>| {
        let whole =
            |arrived: &&Arrived<'_>| arrived.attempt.outcome == fake_backends::journal::Outcome::Answered;
        visit.attempts.iter().filter(whole).count()
    };
    let doubled: Vec<&Visit<'_>> = visits.all.iter().filter(|visit| answered(visit) > 1).collect();
    if let Some(first) = doubled.first() {
        let finding = Finding::Rotation(RotationFinding::DoubledAttempts {
            target: first.asked.exchange.target.clone(),
            attempts: first.attempts.len() as u64,
            count: doubled.len() as u64,
            requests,
        });
        return Some(Judged::fail(finding, first.attempts.iter().map(|arrived| arrived.line).collect()));
    }
    let lost: Vec<&Visit<'_>> = visits.all.iter().filter(|visit| visit.attempts.is_empty()).collect();
    let first = lost.first()?;
    let finding = Finding::Rotation(RotationFinding::NotForwarded {
        target: first.asked.exchange.target.clone(),
        wrong: wrong_answer(&first.asked).unwrap_or(Wrong::NoAnswer),
        count: lost.len() as u64,
        requests,
    });
    Some(Judged::fail(finding, lost.iter().map(|visit| visit.asked.line).collect()))
}

/// The backends that the proxy was told of at the start of the run.
pub(super) fn all_backends(ledger: &Ledger<'_>) -> Vec<String> {
    let told = ledger.plan.proxy.backends.unwrap_or(ledger.plan.backends.count);
    (1..=told).map(|n| format!("b{n}")).collect()
}

/// The backends that it had been told of when a step was carried out.
pub(super) fn backends_of(ledger: &Ledger<'_>, step: &Step) -> Vec<String> {
    (1..=ledger.plan.backends_at(step.index)).map(|n| format!("b{n}")).collect()
}

pub(super) fn rotations(ledger: &Ledger<'_>) -> u64 {
    u64::from(ledger.plan.adapter.capabilities.rotations.max(1))
}
