//! HTTP/2, judged: streams and their turns, fields, and what the proxy does with clients that misuse it.
//!
//! Whether answers are the right ones is a question of `fidelity`, by the same rules as for HTTP/1.1; here is what comes on top of it. What
//! a misuse led to is read from the journals of the backends and from the frames that came back.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::fidelity::{self, Rule};
use super::judged::Judged;
use super::ledger::Ledger;
use super::seen::Share;
use super::{Finding, Http2Finding, Outcome};
use harness_model::history::{EventKind, MisuseEnd, Misused, Purpose};
use harness_model::plan::{CheckPlan, Misuse, Step, StepKind};

/// The steps whose exchanges name a check.
fn own<'a>(ledger: &Ledger<'a>, check: &'a CheckPlan) -> Vec<&'a Step> {
    let names = |step: &&Step| matches!(&step.kind, StepKind::Exact(exact) if exact.asks == check.id);
    ledger.steps_of(check).filter(names).collect()
}

/// Each stream has its own answer, all on one connection, and the backends share them in turn.
pub(super) fn streams(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::ServedOnOneConnection);
    if judged.outcome != Outcome::Pass {
        return judged;
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut streams, mut lines) = (0, Vec::new());
    for step in own(ledger, check) {
        for asked in ledger.requests_of(step.index, Purpose::Exact) {
            streams += 1;
            for arrived in ledger.attempts_during(&asked) {
                *counts.entry(arrived.attempt.backend.as_str()).or_default() += 1;
                lines.push(arrived.line);
            }
        }
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let all_were_asked = counts.len() == ledger.plan.backends.count;
    let fewest = if all_were_asked { counts.values().copied().min().unwrap_or(0) } else { 0 };
    let allowed = u64::from(ledger.plan.adapter.capabilities.rotations.max(1));
    let shares = counts.iter().map(|(&backend, &attempts)| Share { backend: backend.to_owned(), attempts });
    let (shares, spread) = (shares.collect(), most - fewest);
    if spread > allowed {
        let finding = Http2Finding::StreamsUneven { streams, spread, allowed, shares };
        return Judged::fail(Finding::Http2(finding), lines);
    }
    Judged::pass(Finding::Http2(Http2Finding::StreamsInTurn { streams, shares }))
}

/// What belongs to one connection does not get into an answer, which the client would not take; nor a pseudo-field to a backend.
pub(super) fn fields(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::Served);
    if judged.outcome != Outcome::Pass {
        return judged;
    }
    for step in own(ledger, check) {
        for asked in ledger.requests_of(step.index, Purpose::Exact) {
            for arrived in ledger.attempts_during(&asked) {
                let head = String::from_utf8_lossy(&arrived.attempt.head.0);
                if let Some(line) = head.lines().find(|line| line.starts_with(':')) {
                    let (target, line) = (asked.exchange.target.clone(), line.to_owned());
                    let finding = Finding::Http2(Http2Finding::PseudoFieldArrived { target, line });
                    return Judged::fail(finding, vec![asked.line, arrived.line]);
                }
            }
        }
    }
    judged
}

/// Misuses of a check, with their lines in the record.
fn misused<'a>(ledger: &Ledger<'a>, check: &'a CheckPlan, misuse: Misuse) -> Vec<(usize, &'a Misused)> {
    let steps: Vec<usize> = own(ledger, check).iter().map(|step| step.index).collect();
    let of_check = ledger.events.iter().enumerate();
    of_check
        .filter_map(|(line, event)| match &event.event {
            EventKind::Misused(misused) if misused.misuse == misuse => {
                event.step.filter(|step| steps.contains(step)).map(|_| (line, &**misused))
            }
            _ => None,
        })
        .filter(|(_, misused)| !matches!(misused.end, MisuseEnd::Failed(_)))
        .collect()
}

/// The verdict on others who were served meanwhile, and where they were, on what the misuse itself came to.
fn beside(
    ledger: &Ledger<'_>,
    check: &CheckPlan,
    misuse: Misuse,
    concluded: impl FnOnce(&[(usize, &Misused)]) -> Judged,
) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::Served);
    if judged.outcome != Outcome::Pass {
        return judged;
    }
    let misused = misused(ledger, check, misuse);
    if misused.is_empty() { Judged::not_reached() } else { concluded(&misused) }
}

/// Two answers on the same connection were begun and not read, and the streams beside them were answered.
pub(super) fn slow_reader(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::Served);
    beside(ledger, check, Misuse::UnreadStream, |misused| match misused.iter().any(|(_, it)| it.frames > 0) {
        true => judged,
        false => Judged::not_reached(),
    })
}

/// Whoever resets what he has just opened harms nobody else (CVE-2023-44487).
pub(super) fn rapid_reset(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    beside(ledger, check, Misuse::RapidResets, |misused| {
        let (line, last) = misused[misused.len() - 1];
        let reached = ledger.arrived.iter().filter(|it| it.attempt.target.starts_with("/reset/")).count();
        let finding = Http2Finding::ResetsBorne {
            streams: last.frames / 2,
            reached: reached as u64,
            end: last.end.clone(),
        };
        Judged::pass(Finding::Http2(finding)).with_evidence([line])
    })
}

/// A head without an end is ended before all of it is taken (CVE-2024-27316).
pub(super) fn continuation(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    beside(ledger, check, Misuse::EndlessHead, |misused| {
        let (line, last) = misused[misused.len() - 1];
        let bytes = last.bytes;
        match &last.end {
            MisuseEnd::StillOpen => {
                Judged::fail(Finding::Http2(Http2Finding::HeadTaken { bytes }), vec![line])
            }
            end => Judged::pass(Finding::Http2(Http2Finding::HeadEnded { bytes, end: end.clone() }))
                .with_evidence([line]),
        }
    })
}

/// What HTTP/1.1 would read as two requests is refused as a whole (RFC 9113 §8.1.1, §8.2.1, §8.2.2).
pub(super) fn downgrade(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    beside(ledger, check, Misuse::TwoInOne, |misused| {
        let variants = || misused.iter().filter_map(|(line, it)| Some((*line, it.variant.as_deref()?, *it)));
        for arrived in &ledger.arrived {
            // Ends of lines that were coded or taken out make no second one.
            let Some(second) = arrived.attempt.target.strip_prefix("/second/") else { continue };
            if let Some((line, variant, _)) = variants().find(|(_, variant, _)| *variant == second) {
                let text = format!("{} {}", arrived.attempt.method, arrived.attempt.target);
                let finding = Http2Finding::SecondArrived { variant: variant.to_owned(), arrived: text };
                return Judged::fail(Finding::Http2(finding), vec![line, arrived.line]);
            }
        }
        let requests = misused.len() as u64;
        // Whoever leaves the treacherous part out and frames the rest anew ought to refuse all of it, and harms nobody.
        let taken = |misused: &Misused| matches!(misused.end, MisuseEnd::Answered { status: 200..400 });
        if let Some((line, variant, _)) = variants().find(|(_, _, misused)| taken(misused)) {
            let variant = variant.to_owned();
            return Judged::pass(Finding::Http2(Http2Finding::TwoTakenForOne { variant, requests }))
                .with_evidence([line]);
        }
        Judged::pass(Finding::Http2(Http2Finding::TwoRefused { requests }))
    })
}
