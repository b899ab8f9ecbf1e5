//! What must be measured before a cause is told: where an answer was damaged, who gave it, and what other checks of the run say.
//!
//! `left_of` asks here. Each rule names what would refute its cause, and takes it from exchanges, attempts and verdicts.

use super::{Run, as_text, unless};
use crate::check::cause::Cause;
use crate::check::fairness::{moves_by_two, per_connection};
use crate::check::fidelity::Amiss;
use crate::check::integrity::{wrong_answer, wrong_bytes};
use crate::check::ledger::Asked;
use crate::check::seen::Wrong;
use crate::check::verdict::{Outcome, Verdict};
use crate::check::{
    ConcurrencyFinding, ConfigFinding, ExchangeFinding, Finding, IntegrityFinding, PersistenceFinding,
    RotationFinding, TtlFinding,
};
use fake_backends::clock::Moment;
use fake_backends::content::Content;
use harness_model::catalogue::CheckId;
use harness_model::history::{ExchangeEnd, Purpose};
use harness_model::plan::StepKind;

/// As many libraries write it.
const LENGTH_IN_LOWER_CASE: &[u8] = b"\r\ncontent-length:";

impl<'a> Run<'a> {
    /// The cause of a failure whose finding suggests none, or one that something else in the run shows more plainly.
    pub(super) fn shown_instead(&self, verdict: &Verdict, suggested: Option<Cause>) -> Option<Cause> {
        let of_turn = matches!(verdict.finding, Finding::Rotation(_) | Finding::Config(_));
        if of_turn && matches!(suggested, None | Some(Cause::PartOfTheList)) && moves_by_two(self.ledger) {
            return Some(Cause::TurnTakenTwice);
        }
        // Who was not taken at once, and got nothing in time, waited in front of the program.
        let general = matches!(
            suggested,
            None | Some(
                Cause::StoredTogether
                    | Cause::SharedState
                    | Cause::StoredIncompletely
                    | Cause::PassedOnIncompletely
            )
        );
        if general && unanswered(&verdict.finding) && self.syns_were_repeated(verdict) {
            return Some(Cause::BacklogTooShort);
        }
        suggested
    }

    /// A cause that needs more than its finding, after what the run shows beside it.
    pub(super) fn measured(&self, verdict: &Verdict, suggested: Cause) -> Option<Cause> {
        let of_cache = || self.wrong_without_a_backend(verdict);
        match suggested {
            // Where each request has a connection of its own, its turn is that of the request.
            Cause::TurnPerConnection => unless(per_connection(self.ledger).is_none(), suggested),
            // One request after the other there is no race.
            Cause::UnlockedCounter => {
                let serial =
                    matches!(verdict.finding, Finding::Rotation(RotationFinding::CycleBroken { .. }))
                        || self.failed(CheckId::RotationSerialCycle);
                unless(serial && self.rotations() == 1, suggested)
            }
            Cause::KeysCollide | Cause::MethodNotInKey | Cause::PartStored => of_cache().then_some(suggested),
            Cause::StoredTogether => self.stored_together(verdict),
            // A target that arrives as its own beginning was cut, and its head was read.
            Cause::FirstReadOnly if matches!(amiss_of(verdict), Some(Amiss::Target { .. })) => {
                Some(Cause::RequestRebuilt)
            }
            Cause::FirstReadOnly if self.only_in_another_spelling(verdict) => Some(Cause::SpellingOfNames),
            Cause::FirstReadOnly => unless(self.reads_on(verdict), suggested),
            // Who sends each request twice does so with all; a few are tried again for another reason.
            Cause::SentTwice => {
                let few = matches!(
                    verdict.finding,
                    Finding::Rotation(RotationFinding::DoubledAttempts { count, requests, .. })
                        if count * 10 < requests * 9
                );
                unless(few, suggested)
            }
            // Some are gone early and others live longer: what decides is the clock of the program, not their age.
            Cause::TtlMiscounted if self.swept(verdict) => Some(Cause::CacheEmptiedAtOnce),
            Cause::BodilessIgnored => {
                let waits = matches!(
                    amiss_of(verdict),
                    Some(Amiss::Answer {
                        wrong: Wrong::TimedOut
                            | Wrong::CutShort { .. }
                            | Wrong::ExtraBytes { .. }
                            | Wrong::Malformed { .. }
                    })
                );
                waits.then_some(suggested)
            }
            // A backend that is not asked again once it is back was given up, and its error was handled.
            Cause::BackendErrorIgnored => unless(verdict.check == CheckId::FailuresRecovery, suggested),
            // Who listens nowhere without being told has no port in its source, but none at all; and the right port of another address
            // is the right one.
            Cause::PortInSource => {
                let as_told = match &verdict.finding {
                    Finding::Config(ConfigFinding::DefaultPortUnused { .. }) => true,
                    Finding::Config(ConfigFinding::ListensElsewhere { told, found }) => found.port() == *told,
                    _ => false,
                };
                unless(as_told, suggested)
            }
            // What is served after SIGKILL lies somewhere, and where it was looked for it does not.
            Cause::CacheInMemory if self.passed(CheckId::PersistenceSurvivesKill) => {
                Some(Cause::CacheElsewhere)
            }
            // An index that is gone has lost all, and what is asked for anew comes from nobody: the backends are down.
            Cause::IndexInMemory => {
                let Finding::Persistence(PersistenceFinding::LostAfterKill { keys, lost, wrong, .. }) =
                    &verdict.finding
                else {
                    return Some(suggested);
                };
                let gone = matches!(wrong, Wrong::Status { .. } | Wrong::NoAnswer | Wrong::TimedOut);
                (gone && lost == keys).then_some(suggested)
            }
            // What plain names lose as well is not lost by its name.
            Cause::NamesOfFiles => unless(self.failed(CheckId::PersistenceSurvivesKill), suggested),
            _ => Some(suggested),
        }
    }

    fn passed(&self, check: CheckId) -> bool {
        self.outcomes.iter().any(|(known, outcome)| *known == check && *outcome == Outcome::Pass)
    }

    fn failed(&self, check: CheckId) -> bool {
        self.outcomes.iter().any(|(known, outcome)| *known == check && *outcome == Outcome::Fail)
    }

    fn rotations(&self) -> u64 {
        u64::from(self.ledger.plan.adapter.capabilities.rotations)
    }

    /// The answers of a failure whose bytes are wrong.
    fn damaged(&self, verdict: &Verdict) -> Vec<Asked<'a>> {
        self.exchanges(verdict).filter(|asked| wrong_bytes(self.ledger, asked).is_some()).copied().collect()
    }

    /// Whether something wrong was answered, or promised, without a backend being asked.
    fn wrong_without_a_backend(&self, verdict: &Verdict) -> bool {
        let own = |asked: &&Asked<'a>| self.ledger.attempts_during(asked).next().is_none();
        let wrong = |asked: &Asked<'a>| {
            wrong_answer(asked).is_some()
                || wrong_bytes(self.ledger, asked).is_some()
                || asked.exchange.method != "GET"
        };
        self.exchanges(verdict).filter(own).any(wrong)
    }

    /// Where answers lost something: in the cache where those of backends are whole, on the way from a backend otherwise.
    pub(super) fn side_of_the_damage(&self, verdict: &Verdict, suggested: Cause) -> Option<Cause> {
        let damaged = self.damaged(verdict);
        let text = |asked: &Asked<'a>| {
            let Some(body) = asked.exchange.response.as_ref().map(|response| &response.body) else {
                return false;
            };
            Content::claimed(&body.start.0)
                .is_some_and(|content| content.size() > body.bytes && as_text(&content).contains(&body.bytes))
        };
        // The first of them is what the finding speaks of; another may have another cause.
        if damaged.first().is_some_and(text) {
            return Some(Cause::TreatedAsText);
        }
        let from_cache =
            damaged.iter().filter(|asked| self.ledger.attempts_during(asked).next().is_none()).count();
        match damaged.len() {
            0 => Some(suggested),
            all if all == from_cache => Some(Cause::StoredIncompletely),
            _ if self.only_in_company(&damaged) => Some(Cause::SharedState),
            _ => Some(Cause::PassedOnIncompletely),
        }
    }

    /// Whether answers were damaged only while others were under way, and just as long ones came whole to clients who were alone.
    fn only_in_company(&self, damaged: &[Asked<'a>]) -> bool {
        let bytes =
            |asked: &Asked<'_>| asked.exchange.response.as_ref().map_or(0, |response| response.body.bytes);
        let longest = damaged.iter().map(&bytes).max().unwrap_or(0);
        let whole_alone = |asked: &Asked<'a>| {
            bytes(asked) >= longest.max(1)
                && asked.exchange.end == ExchangeEnd::Complete
                && wrong_bytes(self.ledger, asked).is_none()
                && self.ledger.attempts_during(asked).next().is_some()
                && self.alone(asked)
        };
        !damaged.iter().any(|asked| self.alone(asked)) && self.ledger.asked.iter().any(whole_alone)
    }

    /// Whether entries that were gone too early were gone after one and the same instant, over which no other entry was kept.
    fn swept(&self, verdict: &Verdict) -> bool {
        let Finding::Ttl(TtlFinding::ExpiredEarly { age_ms, seen, .. }) = &verdict.finding else {
            return false;
        };
        let early: Vec<Asked<'a>> = self
            .exchanges(verdict)
            .filter(|asked| asked.exchange.purpose == Purpose::Probe)
            .copied()
            .collect();
        let stored = |probe: &Asked<'a>| {
            let before = self.ledger.requests_for(&probe.exchange.target);
            before.filter(|fill| fill.sent() < probe.sent()).last().map(|fill| fill.exchange.finished)
        };
        let lives: Vec<(Moment, Moment)> =
            early.iter().filter_map(|probe| Some((stored(probe)?, probe.sent()))).collect();
        let from = lives.iter().map(|(from, _)| *from).max();
        let until = lives.iter().map(|(_, until)| *until).min();
        let longer = seen.last_served_ms.is_some_and(|served| served > age_ms * 1.5);
        longer && lives.len() > 1 && from.zip(until).is_some_and(|(from, until)| from < until)
    }

    /// Clients that store together spoil what lies in the cache: somebody was answered from there with less than was given.
    fn stored_together(&self, verdict: &Verdict) -> Option<Cause> {
        let damaged = self.damaged(verdict);
        let of_cache = |asked: &&Asked<'a>| self.ledger.attempts_during(asked).next().is_none();
        let foreign = matches!(
            amiss_of(verdict),
            Some(Amiss::Answer { wrong: Wrong::Foreign { .. } | Wrong::OldVersion })
        );
        (!foreign && damaged.iter().any(|asked| of_cache(&asked))).then_some(Cause::StoredTogether)
    }

    /// Whether bodies in pieces were lost where their length was announced in lower case, and came where it was not.
    fn only_in_another_spelling(&self, verdict: &Verdict) -> bool {
        let lower = |asked: &Asked<'a>| {
            let head = &asked.exchange.request_head.0;
            head.windows(LENGTH_IN_LOWER_CASE.len()).any(|bytes| bytes == LENGTH_IN_LOWER_CASE)
        };
        let of_check = |asked: &&Asked<'a>| {
            let step = asked.step.and_then(|step| self.ledger.plan.steps.get(step));
            step.is_some_and(
                |step| matches!(&step.kind, StepKind::Exact(exact) if exact.asks == verdict.check),
            )
        };
        let (lost, came): (Vec<_>, Vec<_>) = self
            .ledger
            .asked
            .iter()
            .filter(of_check)
            .filter(|asked| asked.exchange.request_body_bytes > 0)
            .partition(|asked| verdict.evidence.contains(&asked.line));
        verdict.check == CheckId::ForwardBodyInSegments
            && !lost.is_empty()
            && lost.into_iter().all(lower)
            && came.into_iter().any(|asked| !lower(asked))
    }

    /// Whether a program that is said to read once was seen to read on: in pieces its requests came through.
    fn reads_on(&self, verdict: &Verdict) -> bool {
        let in_pieces = match verdict.check {
            CheckId::ForwardLongHead => CheckId::ForwardHeadInSegments,
            CheckId::ForwardBody => CheckId::ForwardBodyInSegments,
            _ => {
                return matches!(
                    amiss_of(verdict),
                    Some(
                        Amiss::Target { .. }
                            | Amiss::Method { .. }
                            | Amiss::Field { arrived: Some(_), .. }
                            | Amiss::RequestExtra { .. }
                            | Amiss::AnswerField { .. }
                    )
                );
            }
        };
        self.passed(in_pieces)
    }
}

/// Whether somebody was left without an answer, or got it from nobody.
fn unanswered(finding: &Finding) -> bool {
    let wrong = match finding {
        Finding::Exchange(ExchangeFinding::Amiss {
            amiss: Amiss::Answer { wrong } | Amiss::NoAnswer { wrong },
            ..
        })
        | Finding::Rotation(RotationFinding::NotForwarded { wrong, .. })
        | Finding::Concurrency(
            ConcurrencyFinding::NotOwnAnswer { wrong, .. } | ConcurrencyFinding::SlowWentWrong { wrong, .. },
        )
        | Finding::Integrity(IntegrityFinding::WrongBody { wrong, .. }) => wrong,
        _ => return false,
    };
    matches!(wrong, Wrong::TimedOut | Wrong::NotConnected { .. })
}

fn amiss_of(verdict: &Verdict) -> Option<&Amiss> {
    match &verdict.finding {
        Finding::Exchange(ExchangeFinding::Amiss { amiss, .. }) => Some(amiss),
        _ => None,
    }
}
