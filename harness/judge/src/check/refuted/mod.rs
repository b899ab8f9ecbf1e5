//! What the same run says of a cause: what refutes it, and which other one it shows instead.
//!
//! `cause` suggests by the finding alone, and `evaluate` asks here before anybody is told. A cause that anything in the run refutes is
//! not shown, and where nothing takes its place there is none: none is better than a wrong one.

mod measured;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use fake_backends::content::{Content, Kind};
use fake_backends::journal::Outcome as BackendOutcome;

use crate::check::cause::Cause;
use crate::check::controls::hits_seen;
use crate::check::fidelity::Amiss;
use crate::check::ledger::{Arrived, Asked, Ledger, ms_between};
use crate::check::seen::{Difference, RotationPattern, Wrong};
use crate::check::verdict::{Outcome, Verdict};
use crate::check::{
    ConcurrencyFinding, ConfigFinding, ExchangeFinding, Finding, HitsFinding, IntegrityFinding, LogFinding,
    LogPlace, PersistenceFinding, ProxyFinding, RotationFinding, TtlFinding,
};
use harness_model::catalogue::CheckId;
use harness_model::history::{Adaptation, ContentSeen, Event, EventKind, HowLetGo, LetGo, Look};

/// When the system repeats what opens a connection, after nobody has taken it: 1 s and 3 s (RFC 6298), and what may come on top, in ms.
const SYN_REPEATED: [f64; 2] = [1_000.0, 3_000.0];
const SYN_LATE: f64 = 250.0;

/// So much lies between ages, in ms, that no clock explains both.
const AGES_APART: f64 = 50.0;

/// What a run shows beside any one finding.
pub(in crate::check) struct Run<'a> {
    ledger: &'a Ledger<'a>,
    /// Requests for different targets were inside the backends at the same instant, and each of them was answered.
    overlapped: bool,
    hits: bool,
    /// It waits for the end of its backend's connection, and these kept theirs open: what it does at the end is late.
    ends_late: bool,
    /// Bodies with bytes that no text has do not come through.
    text_only: bool,
    died: bool,
    /// What came of each check.
    outcomes: Vec<(CheckId, Outcome)>,
}

impl<'a> Run<'a> {
    pub(in crate::check) fn of(ledger: &'a Ledger<'a>, verdicts: &[Verdict]) -> Run<'a> {
        let any = |fits: &dyn Fn(&EventKind) -> bool| ledger.events.iter().any(|event| fits(&event.event));
        let waits =
            any(&|event| matches!(event, EventKind::Look(Look::KeptOpen { seen, .. }) if seen.waits()));
        let close =
            any(&|event| matches!(event, EventKind::Adapted { adaptation: Adaptation::BackendsClose, .. }));
        Run {
            ledger,
            overlapped: overlapped(ledger),
            hits: hits_seen(ledger),
            ends_late: waits && !close,
            text_only: any(&|event| match event {
                EventKind::Look(Look::BinaryBody { seen, .. }) => !seen.is_whole(),
                EventKind::Adapted { adaptation, .. } => *adaptation == Adaptation::TextBodies,
                _ => false,
            }),
            died: any(&|event| matches!(event, EventKind::ProxyExited(exit) if !exit.expected)),
            outcomes: verdicts.iter().map(|verdict| (verdict.check, verdict.outcome)).collect(),
        }
    }

    /// The cause of a failure after all that the run shows.
    pub(in crate::check) fn left_of(&self, verdict: &Verdict) -> Option<Cause> {
        if verdict.outcome != Outcome::Fail {
            return verdict.cause;
        }
        let suggested = self.shown_instead(verdict, verdict.cause)?;
        self.not_refuted(verdict, self.measured(verdict, suggested)?)
    }

    fn not_refuted(&self, verdict: &Verdict, suggested: Cause) -> Option<Cause> {
        let finding = &verdict.finding;
        match suggested {
            Cause::ServedOneByOne if self.syns_were_repeated(verdict) => Some(Cause::BacklogTooShort),
            Cause::ServedOneByOne => unless(self.overlapped || self.was_parked(verdict), suggested),
            Cause::NothingCached if self.ends_late => Some(Cause::WaitsForClose),
            Cause::NothingCached => unless(self.hits, suggested),
            Cause::LogNotWritten if self.ends_late => Some(Cause::WaitsForClose),
            Cause::LogNotWritten => unless(self.was_logged_later(verdict), suggested),
            Cause::UnhandledEvent => match finding {
                Finding::Proxy(ProxyFinding::Died { code, .. }) => unless(*code == Some(0), suggested),
                _ => self.died.then_some(suggested),
            },
            Cause::PartOfTheList => unless(self.all_were_asked(finding), suggested),
            Cause::ListInSource => self.of_the_list(finding),
            Cause::SharedState | Cause::KeysCollide if self.arrived_as_another(verdict) => {
                Some(Cause::RequestRebuilt)
            }
            Cause::SharedState => self.of_one_beside(verdict).then_some(suggested),
            Cause::IndexInMemory => match finding {
                // Who has lost what it knew asks the backends, which are down: no answer is what that looks like.
                Finding::Persistence(PersistenceFinding::LostAfterKill { wrong, .. }) => {
                    unless(matches!(wrong, Wrong::NotConnected { .. }), suggested)
                }
                _ => Some(suggested),
            },
            // Whoever counts wrongly does so for all: nothing is served at a higher age.
            Cause::TtlMiscounted => match finding {
                Finding::Ttl(TtlFinding::ExpiredEarly { age_ms, seen, .. }) => {
                    unless(seen.last_served_ms.is_some_and(|served| served > age_ms + AGES_APART), suggested)
                }
                _ => Some(suggested),
            },
            Cause::FirstReadOnly => self.of_a_request_body(verdict.check, finding),
            Cause::StoredIncompletely | Cause::PassedOnIncompletely => {
                self.of_an_answer_body(verdict, suggested)
            }
            _ => Some(suggested),
        }
    }

    fn exchanges(&self, verdict: &Verdict) -> impl Iterator<Item = &Asked<'a>> + use<'_, 'a> {
        let lines = verdict.evidence.clone();
        self.ledger.asked.iter().filter(move |asked| lines.contains(&asked.line))
    }

    /// Whether requests of a failure left as late as connections do whose first packet nobody took.
    fn syns_were_repeated(&self, verdict: &Verdict) -> bool {
        let late = |asked: &Asked<'_>| ms_between(asked.exchange.intended, asked.sent());
        let repeated = |late: f64| SYN_REPEATED.iter().any(|&at| late >= at && late < at + SYN_LATE);
        let steps: BTreeSet<usize> = self.exchanges(verdict).filter_map(|asked| asked.step).collect();
        let of_steps =
            || self.ledger.asked.iter().filter(|asked| asked.step.is_some_and(|step| steps.contains(&step)));
        // A host that is late as a whole is late by any time.
        let others = of_steps().filter(|asked| (SYN_LATE..SYN_REPEATED[0]).contains(&late(asked))).count();
        others == 0 && of_steps().any(|asked| asked.exchange.sent.is_some() && repeated(late(asked)))
    }

    /// Whether workers of it were still parked by requests of an earlier step, because the restart that it needed was put off.
    fn was_parked(&self, verdict: &Verdict) -> bool {
        let first = verdict.evidence.iter().min().copied().unwrap_or(0);
        let before = self.ledger.events[..first.min(self.ledger.events.len())].iter().rev();
        let of_this_life = |event: &&Event| !matches!(event.event, EventKind::ProxyStarting { .. });
        before
            .take_while(of_this_life)
            .any(|event| matches!(event.event, EventKind::LetGo(LetGo { how: HowLetGo::PutOff { .. }, .. })))
    }

    /// Whether what a step did not find in the log came into it later.
    fn was_logged_later(&self, verdict: &Verdict) -> bool {
        let Finding::Log(LogFinding::NotLogged { target, place, .. }) = &verdict.finding else {
            return false;
        };
        let written = self.ledger.events.iter().filter_map(|event| match (&event.event, place) {
            (EventKind::ProxyLogged(log), LogPlace::File) => log.file.as_deref(),
            (EventKind::ProxyLogged(log), LogPlace::Screen) => log.screen.as_deref(),
            _ => None,
        });
        written.flat_map(str::lines).any(|line| line.contains(target.as_str()))
    }

    /// Whether the backends that a finding misses were asked at some other time.
    fn all_were_asked(&self, finding: &Finding) -> bool {
        let asked = |name: &str| self.ledger.arrived.iter().any(|arrived| arrived.attempt.backend == name);
        match finding {
            Finding::Rotation(RotationFinding::BackendsLeftOut { names, .. }) => {
                names.iter().all(|name| asked(name))
            }
            Finding::Rotation(RotationFinding::CycleBroken {
                pattern: RotationPattern::Sticky { .. } | RotationPattern::LeavesOut,
                ..
            }) => {
                let told = self.ledger.plan.proxy.backends.unwrap_or(self.ledger.plan.backends.count);
                (1..=told).all(|number| asked(&format!("b{number}")))
            }
            Finding::Rotation(RotationFinding::UnevenBatches { shares, .. }) => {
                shares.iter().all(|share| share.attempts > 0)
            }
            _ => false,
        }
    }

    /// A list is in the source where backends beyond the one that was handed over are asked, or the same several whatever was.
    fn of_the_list(&self, finding: &Finding) -> Option<Cause> {
        let Finding::Config(ConfigFinding::ListIgnored { told, visited, .. }) = finding else {
            return Some(Cause::ListInSource);
        };
        if visited.iter().any(|name| !told.contains(name)) {
            return Some(Cause::ListInSource);
        }
        let mut by_list: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for arrived in &self.ledger.arrived {
            if let Some(step) = self.ledger.events[arrived.line].step {
                let told = self.ledger.plan.backends_at(step);
                by_list.entry(told).or_default().insert(&arrived.attempt.backend);
            }
        }
        let visited: BTreeSet<&str> = visited.iter().map(String::as_str).collect();
        let same = by_list.iter().any(|(&other, asked)| other != told.len() && *asked == visited);
        Some(if same && visited.len() > 1 { Cause::ListInSource } else { Cause::PartOfTheList })
    }

    /// Whether a request of a failure arrived with another target, so that its answer was that of another resource already. What somebody
    /// else was asking for at that time arrived as it was sent, and its answer went astray.
    fn arrived_as_another(&self, verdict: &Verdict) -> bool {
        let another = |asked: &Asked<'_>, arrived: Arrived<'_>| {
            let of_other = self.ledger.requests_for(&arrived.attempt.target).any(|other| {
                other.line != asked.line
                    && other.sent() <= asked.exchange.finished
                    && asked.sent() <= other.exchange.finished
            });
            self.ledger.linked.contains(&arrived.line) && !of_other
        };
        self.exchanges(verdict)
            .any(|asked| self.ledger.attempts_during(asked).any(|arrived| another(asked, arrived)))
    }

    /// Whether no other request was under way at the time of one.
    fn alone(&self, one: &Asked<'_>) -> bool {
        !self.ledger.asked.iter().any(|other| {
            other.line != one.line
                && other.sent() <= one.exchange.finished
                && one.sent() <= other.exchange.finished
        })
    }

    /// Whether the content that a client got of another resource was asked for by somebody else at that time.
    fn of_one_beside(&self, verdict: &Verdict) -> bool {
        self.exchanges(verdict).any(|asked| {
            let content =
                asked.exchange.response.as_ref().and_then(|response| response.body.content.as_ref());
            let Some(ContentSeen::Whole { key, .. }) = content else { return false };
            let (from, until) = (asked.sent(), asked.exchange.finished);
            let beside = |other: &Asked<'_>| other.sent() <= until && other.exchange.finished >= from;
            *key != asked.exchange.target && self.ledger.requests_for(key).any(|other| beside(&other))
        })
    }

    fn of_a_request_body(&self, check: CheckId, finding: &Finding) -> Option<Cause> {
        let Finding::Exchange(ExchangeFinding::Amiss { target, amiss, .. }) = finding else {
            return Some(Cause::FirstReadOnly);
        };
        let (sent, arrived) = match amiss {
            Amiss::BodyShort { sent, arrived } | Amiss::BodyLength { sent, arrived } => (*sent, *arrived),
            // The right number of other bytes is no question of how often was read.
            Amiss::BodyBytes => return None,
            _ => return Some(Cause::FirstReadOnly),
        };
        if as_text(&Content::new(target, 0, sent, Kind::Binary)).contains(&arrived)
            || (self.text_only && arrived > sent)
        {
            return Some(Cause::TreatedAsText);
        }
        // A longer one that came whole took more than one read.
        let longer = self.ledger.asked.iter().any(|asked| {
            let length = asked.exchange.request_body_bytes;
            let whole = |arrived: Arrived<'_>| arrived.attempt.body_bytes == length;
            length > sent && self.ledger.attempts_during(asked).any(whole)
        });
        unless(arrived > sent || (check == CheckId::ForwardBody && longer), Cause::FirstReadOnly)
    }

    fn of_an_answer_body(&self, verdict: &Verdict, suggested: Cause) -> Option<Cause> {
        let (target, whole, came) = match &verdict.finding {
            Finding::Hits(HitsFinding::HitDiffers {
                target,
                difference: Difference::Length { miss, hit },
                ..
            })
            | Finding::Exchange(ExchangeFinding::Amiss {
                target,
                amiss: Amiss::Differs { difference: Difference::Length { miss, hit } },
                ..
            }) => (target, *miss, *hit),
            Finding::Hits(HitsFinding::HitDiffers { difference: Difference::End { wrong }, .. })
            | Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::Answer { wrong }, .. })
            | Finding::Integrity(IntegrityFinding::WrongBody { wrong, .. })
            | Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer { wrong, .. }) => {
                return match wrong {
                    _ if is_no_answer(wrong) => None,
                    Wrong::Status { .. }
                    | Wrong::OfNobody
                    | Wrong::OfAHead
                    | Wrong::FromBackend
                    | Wrong::OldVersion => None,
                    _ if self.text_only => Some(Cause::TreatedAsText),
                    _ => self.side_of_the_damage(verdict, suggested),
                };
            }
            _ => return Some(suggested),
        };
        let plain = (0..=1).map(|version| Content::new(target, version, whole, Kind::Binary));
        // The seed of a run with a secret stands in what came, and nowhere else; its length may be anything.
        let claimed = self.exchanges(verdict).filter_map(|asked| {
            let start = &asked.exchange.response.as_ref()?.body.start.0;
            Content::claimed(start).filter(|content| content.size() == whole)
        });
        let text = self.text_only || plain.chain(claimed).any(|content| as_text(&content).contains(&came));
        if text { Some(Cause::TreatedAsText) } else { self.side_of_the_damage(verdict, suggested) }
    }
}

fn unless(refuted: bool, cause: Cause) -> Option<Cause> {
    (!refuted).then_some(cause)
}

fn is_no_answer(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::TimedOut | Wrong::NotConnected { .. } | Wrong::NoAnswer)
}

/// The lengths that binary content has after text functions: up to its first NUL, and decoded with its odd bytes replaced, left out,
/// or taken for Latin-1.
fn as_text(content: &Content) -> Vec<u64> {
    let bytes = content.to_vec();
    let nul = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let replaced = String::from_utf8_lossy(&bytes).len();
    let left_out: usize = bytes.utf8_chunks().map(|chunk| chunk.valid().len()).sum();
    let latin_1 = bytes.len() + bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let lengths = [nul, replaced, left_out, latin_1];
    lengths.into_iter().filter(|&length| length != bytes.len()).map(|length| length as u64).collect()
}

/// Whether answered requests for different targets were inside the backends at the same instant.
fn overlapped(ledger: &Ledger<'_>) -> bool {
    let mut inside: Vec<(&str, fake_backends::clock::Moment)> = Vec::new();
    let answered = ledger.arrived.iter().filter(|one| one.attempt.outcome == BackendOutcome::Answered);
    for attempt in answered.map(|one| one.attempt) {
        let Some(responded) = attempt.responded else { continue };
        inside.retain(|(_, until)| *until > attempt.arrived);
        if inside.iter().any(|(target, _)| *target != attempt.target) {
            return true;
        }
        inside.push((&attempt.target, responded));
    }
    false
}
