//! One fault, one finding: which failures of a run repeat another one, and which that is.
//!
//! `evaluate` asks when the causes are known. A rule names a finding and what it explains; whatever no rule covers stands for itself, and
//! a failure that is explained stays a failure: it is told below the one that explains it, and a rubric may count the two as one.

use super::cause::Cause;
use super::fidelity::Amiss;
use super::ledger::Ledger;
use super::seen::{Difference, Wrong};
use super::verdict::Verdict;
use super::{
    ConcurrencyFinding, ExchangeFinding, Finding, HitsFinding, IntegrityFinding, Outcome, PersistenceFinding,
    ProxyFinding, RotationFinding, TtlFinding,
};
use harness_model::catalogue::{CheckId, Kind};

/// Names for each failure that another one explains the one that does; never one that is explained itself.
pub(super) fn explain(ledger: &Ledger<'_>, verdicts: &mut [Verdict]) {
    let failed = |verdict: &Verdict| verdict.outcome == Outcome::Fail;
    let explains = |root: &Verdict, other: &Verdict| {
        let by_rule = failed(root)
            && failed(other)
            && RULES.iter().any(|rule| (rule.of)(root) && (rule.explains)(ledger, root, other));
        root.check != other.check && (by_rule || declared_alike(root, other))
    };
    // Of two that explain each other the one that the scenario asks first stands.
    let root_of = |place: usize| {
        (0..verdicts.len()).find(|&root| {
            explains(&verdicts[root], &verdicts[place])
                && (root < place || !explains(&verdicts[place], &verdicts[root]))
        })
    };
    let checks: Vec<CheckId> = verdicts.iter().map(|verdict| verdict.check).collect();
    let direct: Vec<Option<usize>> = (0..verdicts.len()).map(root_of).collect();
    for (place, verdict) in verdicts.iter_mut().enumerate() {
        let chain = std::iter::successors(direct[place], |&root| direct[root]);
        // No chain is longer than there are verdicts; one that comes back to where it began explains nothing.
        let root = chain.take(direct.len()).last().filter(|&root| direct[root].is_none());
        verdict.explained_by = root.map(|root| checks[root]);
    }
}

/// Whether one line of the adapter declares that the proxy can do neither.
fn declared_alike(root: &Verdict, other: &Verdict) -> bool {
    match (&root.finding, &other.finding) {
        (
            Finding::DeclaredUnsupported { capability: declared },
            Finding::DeclaredUnsupported { capability },
        ) => declared == capability && (decides(root) || !decides(other)),
        _ => false,
    }
}

/// A finding and what it explains.
struct Rule {
    of: fn(&Verdict) -> bool,
    explains: fn(&Ledger<'_>, &Verdict, &Verdict) -> bool,
}

/// The most telling first.
const RULES: &[Rule] = &[
    // The path is lost on the way: everybody gets the content of another resource, and what a script answers at a path never comes.
    Rule {
        of: |root| {
            matches!(root.check, CheckId::ForwardOnce | CheckId::ForwardTarget)
                && matches!(
                    &root.finding,
                    Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::Target { .. }, .. })
                )
        },
        explains: |_, root, other| {
            let every = matches!(&root.finding, Finding::Exchange(ExchangeFinding::Amiss { count, exchanges, .. }) if count == exchanges);
            let scripted = matches!(
                other.finding,
                Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce { .. })
                    | Finding::Concurrency(ConcurrencyFinding::FastWaited { .. })
                    | Finding::Concurrency(ConcurrencyFinding::SlowWentWrong { .. })
            );
            let target = matches!(
                &other.finding,
                Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::Target { .. }, .. })
            );
            let foreign = matches!(wrong_of(&other.finding), Some(Wrong::Foreign { .. }));
            let first = root.check == CheckId::ForwardOnce || other.check != CheckId::ForwardOnce;
            first && (target || foreign || (root.check == CheckId::ForwardOnce && every && scripted))
        },
    },
    // It ended, and who was there at that time got nothing.
    Rule {
        of: |root| {
            root.check == CheckId::ProxyAlive
                && matches!(root.finding, Finding::Proxy(ProxyFinding::Died { .. }))
        },
        explains: |ledger, _, other| {
            let gone = |line: &usize| {
                let asked = ledger.asked.iter().find(|asked| asked.line == *line);
                asked.is_some_and(|one| ledger.disturbed_between(one.sent(), one.exchange.finished))
            };
            matches!(other.finding, Finding::Proxy(ProxyFinding::Died { .. }))
                || (wrong_of(&other.finding).is_some_and(left_alone) && other.evidence.iter().any(gone))
        },
    },
    // It waits for the end of its backend's connection, and time was up before.
    Rule {
        of: |root| root.check == CheckId::ForwardKeptOpen && root.cause == Some(Cause::WaitsForClose),
        explains: |_, _, other| other.cause == Some(Cause::WaitsForClose),
    },
    // All entries go together, so that each of them goes at some other age than it should.
    Rule {
        of: |root| matches!(root.finding, Finding::Ttl(TtlFinding::ResourcesExpireTogether { .. })),
        explains: |_, _, other| {
            matches!(
                other.finding,
                Finding::Ttl(TtlFinding::ExpiredEarly { .. })
                    | Finding::Ttl(TtlFinding::ServedPastTtl { .. })
            )
        },
    },
    // One mistake in one place of the program, seen by several checks: the first one that decides stands for it.
    Rule {
        of: |root| root.check != CheckId::IntegrityBodies && root.cause.is_some_and(is_in_one_place),
        explains: |_, root, other| root.cause == other.cause && (decides(root) || !decides(other)),
    },
    // What was wrong with answers in general was wrong with those of another check.
    Rule {
        of: |root| root.check != CheckId::IntegrityBodies && !root.evidence.is_empty(),
        explains: |_, root, other| {
            other.check == CheckId::IntegrityBodies
                && other.evidence.first().is_some_and(|line| root.evidence.contains(line))
        },
    },
];

fn decides(verdict: &Verdict) -> bool {
    verdict.kind == Kind::Required
}

/// Whether a cause lies in one place, so that checks which share it share the mistake.
const fn is_in_one_place(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::NothingCached
            | Cause::StoredIncompletely
            | Cause::TreatedAsText
            | Cause::FirstReadOnly
            | Cause::PassedOnIncompletely
            | Cause::WaitsForClose
            | Cause::ServedOneByOne
            | Cause::BacklogTooShort
            | Cause::SharedState
            | Cause::PickedAtRandom
            | Cause::UnlockedCounter
            | Cause::TurnPerConnection
            | Cause::PartOfTheList
            | Cause::ListInSource
            | Cause::SentTwice
            | Cause::TtlNeverCompared
            | Cause::TtlMiscounted
            | Cause::CacheInMemory
            | Cause::IndexInMemory
    )
}

/// What was wrong with the answer that a finding tells of.
fn wrong_of(finding: &Finding) -> Option<&Wrong> {
    match finding {
        Finding::Exchange(ExchangeFinding::Amiss {
            amiss: Amiss::Answer { wrong } | Amiss::NoAnswer { wrong },
            ..
        }) => Some(wrong),
        Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::NotForwarded { wrong }, .. }) => {
            wrong.as_ref()
        }
        Finding::Hits(HitsFinding::HitDiffers { difference: Difference::End { wrong }, .. })
        | Finding::Hits(HitsFinding::PostNotForwarded { wrong, .. })
        | Finding::Persistence(PersistenceFinding::LostAfterKill { wrong, .. })
        | Finding::Persistence(PersistenceFinding::OddNameLost { wrong, .. })
        | Finding::Persistence(PersistenceFinding::WrongAfterKill { wrong, .. })
        | Finding::Concurrency(ConcurrencyFinding::SlowWentWrong { wrong, .. })
        | Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer { wrong, .. })
        | Finding::Concurrency(ConcurrencyFinding::ClientKindUnserved { wrong, .. })
        | Finding::Integrity(IntegrityFinding::WrongBody { wrong, .. })
        | Finding::Rotation(RotationFinding::NotForwarded { wrong, .. }) => Some(wrong),
        _ => None,
    }
}

/// Whether a client was left without an answer, or without its end.
fn left_alone(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::NotConnected { .. } | Wrong::NoAnswer | Wrong::CutShort { .. } | Wrong::TimedOut)
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Verdict, evaluate};
    use harness_model::catalogue::{CheckId, Kind};
    use harness_model::history::{ContentSeen, EventKind, ExchangeEnd, ProxyExit, Purpose};
    use harness_model::plan::{Batches, ClientKind, Connections, Serial, StepKind, samples};

    fn serial(requests: u32, connections: Connections) -> StepKind {
        StepKind::Serial(Serial {
            requests,
            method: "GET".into(),
            path: "/s/{n}".into(),
            body_bytes: 0,
            connections,
            client: ClientKind::Raw,
        })
    }

    fn explained(kit: &mut Kit, checks: &[CheckId]) -> Vec<Option<CheckId>> {
        kit.record.plan.checks.clear();
        checks.iter().for_each(|&check| kit.check(check));
        let verdicts = evaluate(&kit.record);
        verdicts.iter().map(|verdict| verdict.explained_by).collect()
    }

    #[test]
    fn a_path_that_is_lost_explains_every_foreign_answer() {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/p/{n}", 2)));
        for n in 0..2 {
            let ask = Ask::get(Purpose::Exact, &format!("/p/{n}"), 10.0 + f64::from(n) * 10.0);
            kit.ask(ask.by("b1").arriving_as("/"));
        }
        let plan = Batches { count: 1, size: 2, path: "/b/{n}".into(), connections: Connections::Each };
        kit.step(100.0, StepKind::Batches(plan));
        kit.ask(Ask::get(Purpose::Batch, "/b/0", 110.0).by("b1").arriving_as("/"));
        kit.ask(Ask::get(Purpose::Batch, "/b/1", 110.0).by("b2").arriving_as("/"));
        use CheckId::{ConcurrencyOwnAnswers, ForwardOnce, IntegrityBodies, ProxyAlive};
        assert_eq!(
            explained(&mut kit, &[ConcurrencyOwnAnswers, ForwardOnce, IntegrityBodies, ProxyAlive]),
            [Some(ForwardOnce), None, Some(ForwardOnce), None]
        );
    }

    #[test]
    fn a_death_explains_what_it_took_along_and_nothing_else() {
        let mut kit = Kit::new(3);
        kit.step(20.0, StepKind::Exact(samples::exact(CheckId::ConnectionsClientLeaves, "/leave", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/leave", 30.0).by("b1").taking(20.0));
        let (code, signal, last_lines) = (None, Some(13), Vec::new());
        kit.event(
            40.0,
            EventKind::ProxyExited(ProxyExit { launch: 1, code, signal, expected: false, last_lines }),
        );
        let plan = Batches { count: 1, size: 1, path: "/b/{n}".into(), connections: Connections::Each };
        kit.step(45.0, StepKind::Batches(plan));
        kit.ask(Ask::get(Purpose::Batch, "/b/0", 46.0).ending(ExchangeEnd::NotConnected("refused".into())));
        kit.start(60.0, 2);
        kit.step(100.0, StepKind::Exact(samples::exact(CheckId::ForwardKeptOpen, "/open", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/open", 110.0).by("b1").ending(ExchangeEnd::TimedOut));
        use CheckId::{ConcurrencyOwnAnswers, ConnectionsClientLeaves, ForwardKeptOpen, ProxyAlive};
        assert_eq!(
            explained(
                &mut kit,
                &[ConnectionsClientLeaves, ConcurrencyOwnAnswers, ForwardKeptOpen, ProxyAlive]
            ),
            [Some(ProxyAlive), Some(ProxyAlive), None, None]
        );
    }

    #[test]
    fn one_backend_for_all_is_one_finding() {
        let mut kit = Kit::new(3);
        kit.step(0.0, serial(12, Connections::Each));
        for n in 0..12 {
            kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), 10.0 + f64::from(n) * 10.0).by("b1"));
        }
        use CheckId::{ConfigBackends, RotationSerialCycle};
        assert_eq!(
            explained(&mut kit, &[RotationSerialCycle, ConfigBackends]),
            [None, Some(RotationSerialCycle)]
        );
    }

    #[test]
    fn a_wrong_answer_is_told_once_by_the_check_that_asked_for_it() {
        let mut kit = Kit::new(3);
        let plan = Batches { count: 1, size: 2, path: "/b/{n}".into(), connections: Connections::Each };
        kit.step(0.0, StepKind::Batches(plan));
        kit.ask(Ask::get(Purpose::Batch, "/b/0", 10.0).by("b1"));
        let damaged = ContentSeen::Damaged("x".into());
        kit.ask(Ask::get(Purpose::Batch, "/b/1", 10.0).by("b2").with_content(damaged));
        use CheckId::{ConcurrencyOwnAnswers, IntegrityBodies};
        assert_eq!(
            explained(&mut kit, &[IntegrityBodies, ConcurrencyOwnAnswers]),
            [Some(ConcurrencyOwnAnswers), None]
        );
    }

    #[test]
    fn what_one_line_declares_is_told_once() {
        let mut kit = Kit::new(3);
        kit.capabilities().cache = harness_model::adapter::CacheMedium::None;
        use CheckId::{CacheHit, LogFile, TtlExpiry, TtlSliding};
        let all = explained(&mut kit, &[CacheHit, TtlExpiry, TtlSliding, LogFile]);
        assert_eq!(all, [None, Some(CacheHit), Some(CacheHit), None]);
    }

    #[test]
    fn what_does_not_decide_explains_nothing_that_does() {
        let mut kit = Kit::new(3);
        kit.step(0.0, serial(12, Connections::Each));
        for n in 0..12 {
            kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), 10.0 + f64::from(n) * 10.0).by("b1"));
        }
        kit.check(CheckId::RotationSerialCycle);
        kit.check(CheckId::ConfigBackends);
        kit.record.plan.checks[0].kind = Kind::Optimal;
        let verdicts: Vec<Verdict> = evaluate(&kit.record);
        assert_eq!(verdicts[1].explained_by, None);
        assert_eq!(verdicts[0].explained_by, Some(CheckId::ConfigBackends));
    }
}
