//! HTTP/2, judged: streams and their turns, fields, and what the proxy does with clients that misuse it.
//!
//! Whether answers are the right ones is a question of `fidelity`, by the same rules as for HTTP/1.1; here is what comes on top of it. What
//! a misuse led to is read from the journals of the backends and from the frames that came back.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::fidelity::{self, Rule};
use super::https::told_meanwhile;
use super::judged::Judged;
use super::ledger::Ledger;
use super::seen::Share;
use super::{Finding, Http2Finding, Outcome};
use harness_model::history::{EventKind, MisuseEnd, Misused, Purpose, Second};
use harness_model::plan::{CheckPlan, Misuse, Step, StepKind};

/// The steps whose exchanges name a check.
fn own<'a>(ledger: &Ledger<'a>, check: &'a CheckPlan) -> Vec<&'a Step> {
    let names = |step: &&Step| matches!(&step.kind, StepKind::Exact(exact) if exact.asks == check.id);
    ledger.steps_of(check).filter(names).collect()
}

/// Each stream has its own answer, and the backends share them in turn. A proxy may end a connection in good order and let its client go on
/// with another (RFC 9113 §6.8), as long as streams share one at all.
pub(super) fn streams(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::Served);
    if judged.outcome != Outcome::Pass {
        return judged;
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut by_connection: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut streams, mut lines) = (0, Vec::new());
    for step in own(ledger, check) {
        for asked in ledger.requests_of(step.index, Purpose::Exact) {
            streams += 1;
            if let Some(connection) = asked.exchange.connection {
                *by_connection.entry(connection).or_default() += 1;
            }
            for arrived in ledger.attempts_during(&asked) {
                *counts.entry(arrived.attempt.backend.as_str()).or_default() += 1;
                lines.push(arrived.line);
            }
        }
    }
    // What no backend was asked for shows nothing of their turns.
    if (lines.len() as u64) < streams {
        return Judged::not_reached();
    }
    if by_connection.values().all(|&streams| streams < 2) {
        return Judged::inconclusive(Finding::Http2(Http2Finding::StreamsApart { streams }));
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
    let connections = by_connection.len() as u64;
    Judged::pass(Finding::Http2(Http2Finding::StreamsInTurn { streams, connections, shares }))
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
        // Where nothing of it was written there was none.
        .filter(|(_, misused)| misused.frames > 0 && !matches!(misused.end, MisuseEnd::Failed(_)))
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

/// More of a head than both systems hold between us and the proxy (4 and 6 MiB where Linux is as it comes): it is in the proxy, or was.
const TAKEN: u64 = 24 << 20;

/// A head without an end is ended before all of it is taken (CVE-2024-27316); whoever reads no more has bounded it too.
pub(super) fn continuation(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    beside(ledger, check, Misuse::EndlessHead, |misused| {
        let (line, last) = misused[misused.len() - 1];
        let bytes = last.bytes;
        match &last.end {
            MisuseEnd::StillOpen if bytes >= TAKEN => {
                Judged::fail(Finding::Http2(Http2Finding::HeadTaken { bytes }), vec![line])
            }
            MisuseEnd::StillOpen => {
                Judged::inconclusive(Finding::Http2(Http2Finding::HeadUnderWay { bytes }))
                    .with_evidence([line])
            }
            end => Judged::pass(Finding::Http2(Http2Finding::HeadEnded { bytes, end: end.clone() }))
                .with_evidence([line]),
        }
    })
}

/// What HTTP/1.1 would read as two requests is refused as a whole (RFC 9113 §8.1.1, §8.2.1, §8.2.2), each by itself.
pub(super) fn downgrade(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    beside(ledger, check, Misuse::TwoInOne, |misused| {
        let last: BTreeMap<Second, (usize, &Misused)> =
            misused.iter().filter_map(|&(line, it)| Some((it.variant?, (line, it)))).collect();
        for arrived in &ledger.arrived {
            // Ends of lines that were coded or taken out make no second one.
            let Some(second) = arrived.attempt.target.strip_prefix("/second/") else { continue };
            if let Some((&variant, (line, _))) = last.iter().find(|(variant, _)| variant.name() == second) {
                let arrived_as = format!("{} {}", arrived.attempt.method, arrived.attempt.target);
                let finding = Http2Finding::SecondArrived { variant, arrived: arrived_as };
                return Judged::fail(Finding::Http2(finding), vec![*line, arrived.line]);
            }
        }
        let requests = Second::ALL.len() as u64;
        let said =
            |variant: &Second| last.get(variant).map_or(Said::Nothing, |(_, misused)| said(&misused.end));
        let variants: Vec<Second> =
            Second::ALL.into_iter().filter(|variant| said(variant) == Said::Nothing).collect();
        if !variants.is_empty() {
            let lines = variants.iter().filter_map(|variant| Some(last.get(variant)?.0));
            let finding = Finding::Http2(Http2Finding::TwoLeftOpen { variants: variants.clone(), requests });
            return Judged::inconclusive(finding).with_evidence(lines);
        }
        // Whoever leaves the treacherous part out and frames the rest anew ought to refuse all of it, and harms nobody.
        if let Some((&variant, (line, _))) = last.iter().find(|(variant, _)| said(variant) == Said::Taken) {
            return Judged::pass(Finding::Http2(Http2Finding::TwoTakenForOne { variant, requests }))
                .with_evidence([*line]);
        }
        Judged::pass(Finding::Http2(Http2Finding::TwoRefused { requests }))
    })
}

/// What a proxy said to one request.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Refused,
    Taken,
    /// Nothing, or nothing that could be read.
    Nothing,
}

fn said(end: &MisuseEnd) -> Said {
    match end {
        MisuseEnd::GoAway(_) | MisuseEnd::Reset(_) | MisuseEnd::Closed => Said::Refused,
        MisuseEnd::Answered { status: 200..400 } => Said::Taken,
        MisuseEnd::Answered { status: 400..600 } => Said::Refused,
        MisuseEnd::Answered { .. }
        | MisuseEnd::StoppedReading
        | MisuseEnd::StillOpen
        | MisuseEnd::Failed(_) => Said::Nothing,
    }
}

/// Streams that are open while the proxy is told to read its files again end well.
pub(super) fn drain(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::Served);
    let told = own(ledger, check).iter().any(|step| told_meanwhile(ledger, step.index));
    if judged.outcome == Outcome::Pass && !told { Judged::not_reached() } else { judged }
}
