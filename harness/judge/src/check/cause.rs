//! The likely cause of a finding in the program of such a proxy, as a code.
//!
//! The mending loop groups failures by it and the module `language` explains it. A cause is a guess that experience with
//! real proxies suggests, never a part of the verdict; what the same run says against it is looked at in `refuted`.

use serde::{Deserialize, Serialize};

use super::fidelity::Amiss;
use super::finding::{
    ConcurrencyFinding, ConfigFinding, ExchangeFinding, Finding, HitsFinding, IntegrityFinding, LogFinding,
    PersistenceFinding, ProxyFinding, RotationFinding, TtlFinding,
};
use super::logged::LogLack;
use super::seen::{Difference, LatePattern, RotationPattern, Wrong};
use super::verdict::Verdict;
use harness_model::catalogue::CheckId;

/// A mistake that explains a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Answers are never stored, or never looked up.
    NothingCached,
    /// What is stored differs from what was answered: one buffer, text functions on binary data, no length.
    StoredIncompletely,
    /// The method does not belong to the key, or methods other than GET are looked up as well.
    MethodNotInKey,
    /// The key leaves out a part of the target, or two targets become one file name.
    KeysCollide,
    /// The instant of storing is never compared with the present.
    TtlNeverCompared,
    /// The TTL is counted twice, or in another unit.
    TtlMiscounted,
    /// The TTL handed over at launch is ignored.
    TtlConstant,
    /// A hit renews the instant of storing.
    HitRenewsEntry,
    /// The whole cache is emptied at fixed instants.
    CacheEmptiedAtOnce,
    /// A restart renews the instant of storing (time of the file, or of the start).
    ClockRestarted,
    /// Files stay but the index over them lived in memory, or the cache is emptied at the start.
    IndexInMemory,
    /// The cache is kept in memory only.
    CacheInMemory,
    /// A file is written in place, and found half-written after a crash.
    WrittenInPlace,
    /// The listening socket lacks SO_REUSEADDR.
    PortNotReusable,
    /// Clients are served one after the other.
    ServedOneByOne,
    /// Connections that come at once are not taken at once: the queue of listen is short.
    BacklogTooShort,
    /// Bodies are handled by functions for text: decoded, or measured up to the first NUL.
    TreatedAsText,
    /// Clients share a buffer, a file or a variable without a lock.
    SharedState,
    /// The backend is drawn at random.
    PickedAtRandom,
    /// The counter is read and written without a lock.
    UnlockedCounter,
    /// The turn moves on with the connection instead of the request.
    TurnPerConnection,
    /// Only a part of the list of backends is used.
    PartOfTheList,
    /// Two requests are sent to the backends for one of the client.
    SentTwice,
    /// An everyday event ends the process: a signal (SIGPIPE), an exception nobody catches.
    UnhandledEvent,
    /// The answer is passed on from a single read, or with a wrong length.
    PassedOnIncompletely,
    /// Only the first read of a request is forwarded: what comes later, or beyond the buffer, is lost.
    FirstReadOnly,
    /// Names of fields are compared letter by letter, and `content-length` is another one than `Content-Length`.
    SpellingOfNames,
    /// The transfer coding of a request is neither decoded nor passed on.
    ChunksNotRead,
    /// The request is written anew from its parts, and some are left out.
    RequestRebuilt,
    /// The head of the answer is written anew, and parts of it are left out.
    AnswerRebuilt,
    /// The backend's answer is read until it closes, not by its length.
    WaitsForClose,
    /// The connection to the client is never closed, so an answer that ends with it never ends.
    NeverCloses,
    /// Answers without a body are treated like all others.
    BodilessIgnored,
    /// An error of connecting to a backend or of reading from it is not handled: no other is tried, nothing is answered.
    BackendErrorIgnored,
    /// Everything that comes is stored, whatever its status.
    StatusNotLookedAt,
    /// What request and answer say of storing is not read.
    DirectivesIgnored,
    /// Clients that store the same resource at the same time write into one file.
    StoredTogether,
    /// What came until the client left is stored as the whole.
    PartStored,
    /// Part of an answer that its backend cut short is stored.
    PartOfAnswerStored,
    /// A client that has left is not noticed: its thread polls, or waits for ever.
    LeftNotNoticed,
    /// What is logged is not written to both places, or stays in a buffer.
    LogNotWritten,
    /// Only one half of an exchange is logged.
    HalfLogged,
    /// Lines of the log are written in one branch of the program alone, or without a lock.
    LogOfOneBranch,
    /// The number of backends, or their addresses, are constants of the program.
    ListInSource,
    /// The port is a constant of the program, or kept from an earlier start.
    PortInSource,
    /// A file name is made of the target as it is, or a list of entries is read by a character that targets contain.
    NamesOfFiles,
    /// An exception, or a panic, ends what serves a client: nobody catches it.
    ExceptionUncaught,
    /// Somebody writes to a connection that its other end has closed, and SIGPIPE ends the process.
    BrokenPipe,
    /// The program reads or writes memory that is not its own.
    MemoryFault,
    /// The cache lies outside the directory of the program.
    CacheElsewhere,
    /// The turn is taken twice for one request.
    TurnTakenTwice,
    /// Names of files are made of what changes with the process: the seed of `hash()`, an address.
    NamesOfThisProcess,
}

/// The mistake that most likely explains a finding of a check, where it is a failure and experience suggests one.
pub(super) fn likely_cause(check: CheckId, finding: &Finding) -> Option<Cause> {
    // What was amiss with an exchange means one thing to one check and another to another.
    if let Finding::Exchange(ExchangeFinding::Amiss { amiss, .. }) = finding {
        return of_amiss(check, amiss);
    }
    finding.likely_cause()
}

/// Lets the causes of one run agree: where no file was ever written, what a restart lost was lost with the memory; and where no restart
/// was seen to lose anything, what is in no file of its directory may lie elsewhere.
pub(super) fn agree(verdicts: &mut [Verdict]) {
    if !verdicts.iter().any(|verdict| verdict.cause == Some(Cause::IndexInMemory)) {
        let of_memory = |verdict: &&mut Verdict| verdict.cause == Some(Cause::CacheInMemory);
        verdicts.iter_mut().filter(of_memory).for_each(|verdict| verdict.cause = None);
    }
    if verdicts.iter().any(|verdict| verdict.cause == Some(Cause::CacheInMemory)) {
        let of_index = |verdict: &&mut Verdict| verdict.cause == Some(Cause::IndexInMemory);
        verdicts.iter_mut().filter(of_index).for_each(|verdict| verdict.cause = Some(Cause::CacheInMemory));
    }
}

fn of_amiss(check: CheckId, amiss: &Amiss) -> Option<Cause> {
    use CheckId::*;
    Some(match (check, amiss) {
        (ForwardChunkedRequest, _) => Cause::ChunksNotRead,
        (ForwardBody | ForwardBodyInSegments | ForwardHeadInSegments | ForwardLongHead, _) => {
            Cause::FirstReadOnly
        }
        (_, Amiss::BodyShort { .. } | Amiss::BodyLength { .. } | Amiss::BodyBytes) => Cause::FirstReadOnly,
        (_, Amiss::Answer { wrong }) if is_decoded(wrong) => Cause::TreatedAsText,
        // More than was announced is no part that is missing.
        (_, Amiss::Answer { wrong: Wrong::ExtraBytes { .. } }) => return None,
        (ForwardKeptOpen, Amiss::Answer { wrong: Wrong::TimedOut }) => Cause::WaitsForClose,
        (ForwardUntilClose, Amiss::Answer { wrong: Wrong::TimedOut }) => Cause::NeverCloses,
        (ForwardHeadMethod | ForwardNoBody, _) => Cause::BodilessIgnored,
        (ForwardAnswerBody | ForwardChunkedAnswer | ForwardUntilClose, Amiss::Answer { .. }) => {
            Cause::PassedOnIncompletely
        }
        (
            _,
            Amiss::Target { .. } | Amiss::Method { .. } | Amiss::Field { .. } | Amiss::RequestExtra { .. },
        ) => Cause::RequestRebuilt,
        // It is sent once more after a failure, and not each time.
        (FailuresPostOnce, _) => return None,
        (_, Amiss::SentTwice { .. }) => Cause::SentTwice,
        (_, Amiss::AnswerField { .. } | Amiss::Status { .. }) => Cause::AnswerRebuilt,
        (
            FailuresOneRefuses | FailuresAllRefuse | FailuresHang | FailuresReset | FailuresGarbage
            | FailuresTruncated | FailuresGoesOn | FailuresRecovery,
            _,
        ) => Cause::BackendErrorIgnored,
        (CacheErrors | CacheNotFound, Amiss::Kept) | (_, Amiss::StatusOfHit { .. }) => {
            Cause::StatusNotLookedAt
        }
        (CacheNoStore | CachePrivate | CacheAuthorization, Amiss::Kept) => Cause::DirectivesIgnored,
        (CacheKeys | CacheSimilarPaths, Amiss::Answer { wrong: Wrong::Foreign { .. } }) => Cause::KeysCollide,
        (CacheHead, Amiss::Answer { .. }) => Cause::MethodNotInKey,
        (CacheRush, _) => Cause::StoredTogether,
        (CacheSizes, Amiss::Differs { .. } | Amiss::Answer { .. }) => Cause::StoredIncompletely,
        (CacheSizes, _) => Cause::NothingCached,
        (PageOneImage | PageManyImages | PageLargeFile | PageLargeFiles, Amiss::Answer { .. }) => {
            Cause::PassedOnIncompletely
        }
        (CacheTruncated, _) => Cause::PartOfAnswerStored,
        (CacheAborted, Amiss::Answer { .. }) => Cause::PartStored,
        (ConnectionsSilent | ConnectionsBare, _) => Cause::ServedOneByOne,
        (ConnectionsClientLeaves, _) => Cause::UnhandledEvent,
        _ => return None,
    })
}

impl Finding {
    /// The mistake that most likely explains this finding, where it is a failure and experience suggests one.
    pub fn likely_cause(&self) -> Option<Cause> {
        match self {
            Finding::Hits(finding) => of_hits(finding),
            Finding::Ttl(finding) => of_ttl(finding),
            Finding::Persistence(finding) => of_persistence(finding),
            Finding::Concurrency(finding) => of_concurrency(finding),
            Finding::Integrity(finding) => of_integrity(finding),
            Finding::Proxy(finding) => of_proxy(finding),
            Finding::Rotation(finding) => of_rotation(finding),
            Finding::Exchange(finding) => of_exchange(finding),
            Finding::Config(finding) => of_config(finding),
            Finding::Log(finding) => of_log(finding),
            Finding::DependsOn { .. }
            | Finding::NoControl { .. }
            | Finding::DeclaredUnsupported { .. }
            | Finding::Attached
            | Finding::ForAPerson
            | Finding::NotReached
            | Finding::StepProblem { .. }
            | Finding::NotSent { .. }
            | Finding::CutOffByUs { .. }
            | Finding::CutShort { .. }
            | Finding::TooFew { .. }
            | Finding::PassedOnSecondTry { .. }
            | Finding::BusyHost { .. }
            | Finding::Latencies { .. }
            | Finding::Https(_)
            | Finding::Http2(_)
            | Finding::Cloud(_)
            | Finding::Case(_) => None,
        }
    }
}

fn of_hits(finding: &HitsFinding) -> Option<Cause> {
    match finding {
        HitsFinding::NoHits { .. } => Some(Cause::NothingCached),
        HitsFinding::HitDiffers { difference: Difference::End { wrong }, .. } => of_wrong(wrong),
        HitsFinding::HitDiffers { .. } => Some(Cause::StoredIncompletely),
        HitsFinding::PostFromCache { .. } => Some(Cause::MethodNotInKey),
        HitsFinding::HitsProven { .. }
        | HitsFinding::SomeMisses { .. }
        | HitsFinding::PostsReachedBackends { .. }
        | HitsFinding::PostNotForwarded { .. } => None,
    }
}

fn of_ttl(finding: &TtlFinding) -> Option<Cause> {
    match finding {
        TtlFinding::ServedPastTtl { pattern, .. } => match pattern {
            LatePattern::NeverExpires => Some(Cause::TtlNeverCompared),
            LatePattern::TwiceTheTtl | LatePattern::Late => Some(Cause::TtlMiscounted),
            LatePattern::Mixed => Some(Cause::CacheEmptiedAtOnce),
        },
        TtlFinding::ExpiredEarly { .. } => Some(Cause::TtlMiscounted),
        TtlFinding::OneAgeForTwoValues { .. } => Some(Cause::TtlConstant),
        TtlFinding::ResourcesExpireTogether { .. } => Some(Cause::CacheEmptiedAtOnce),
        TtlFinding::HitsProlong { .. } => Some(Cause::HitRenewsEntry),
        TtlFinding::RestartProlongs { .. } => Some(Cause::ClockRestarted),
        TtlFinding::RestartForgets { .. } => Some(Cause::IndexInMemory),
        TtlFinding::Expiry(_)
        | TtlFinding::TooFewProbes { .. }
        | TtlFinding::ResolutionTooCoarse { .. }
        | TtlFinding::TwoValues { .. }
        | TtlFinding::ResourcesExpireApart { .. }
        | TtlFinding::HitsDoNotProlong { .. }
        | TtlFinding::AgeGoesOnOverRestart { .. }
        | TtlFinding::RestartMayProlong { .. } => None,
    }
}

fn of_persistence(finding: &PersistenceFinding) -> Option<Cause> {
    match finding {
        PersistenceFinding::LostAfterKill { .. } => Some(Cause::IndexInMemory),
        PersistenceFinding::WrongAfterKill { .. } => Some(Cause::WrittenInPlace),
        PersistenceFinding::NoCacheFiles { .. } => Some(Cause::CacheInMemory),
        PersistenceFinding::ReboundLate { .. } => Some(Cause::PortNotReusable),
        PersistenceFinding::OddNameLost { .. } => Some(Cause::NamesOfFiles),
        PersistenceFinding::KeptAfterKill { .. }
        | PersistenceFinding::DidNotStartAgain { .. }
        | PersistenceFinding::ExpiredBeforeReread { .. }
        | PersistenceFinding::WholeAfterKill { .. }
        | PersistenceFinding::CacheFiles { .. }
        | PersistenceFinding::ReboundAtOnce { .. }
        | PersistenceFinding::OddNamesKept { .. } => None,
    }
}

fn of_concurrency(finding: &ConcurrencyFinding) -> Option<Cause> {
    match finding {
        ConcurrencyFinding::FastWaited { .. } | ConcurrencyFinding::NotInsideAtOnce { .. } => {
            Some(Cause::ServedOneByOne)
        }
        ConcurrencyFinding::NotOwnAnswer { wrong, .. } => of_wrong(wrong),
        ConcurrencyFinding::FastOvertook { .. }
        | ConcurrencyFinding::SlowWentWrong { .. }
        | ConcurrencyFinding::InsideAtOnce { .. }
        | ConcurrencyFinding::OwnAnswers { .. }
        | ConcurrencyFinding::ClientKindsServed { .. }
        | ConcurrencyFinding::ClientKindUnserved { .. }
        | ConcurrencyFinding::ColdKey { .. } => None,
    }
}

fn of_integrity(finding: &IntegrityFinding) -> Option<Cause> {
    match finding {
        IntegrityFinding::WrongBody { wrong, .. } => of_wrong(wrong),
        IntegrityFinding::BodiesRight { .. } | IntegrityFinding::FewOfBackends { .. } => None,
    }
}

fn of_proxy(finding: &ProxyFinding) -> Option<Cause> {
    match finding {
        ProxyFinding::Died { .. } => Some(Cause::UnhandledEvent),
        ProxyFinding::Lived { .. } | ProxyFinding::StoppedByLimit { .. } => None,
    }
}

fn of_rotation(finding: &RotationFinding) -> Option<Cause> {
    match finding {
        RotationFinding::CycleBroken { pattern, .. } | RotationFinding::UnevenBatches { pattern, .. } => {
            match pattern {
                RotationPattern::Random => Some(Cause::PickedAtRandom),
                RotationPattern::Racy | RotationPattern::PerWorker => Some(Cause::UnlockedCounter),
                RotationPattern::PerConnection => Some(Cause::TurnPerConnection),
                RotationPattern::Sticky { .. } | RotationPattern::LeavesOut => Some(Cause::PartOfTheList),
                RotationPattern::Global | RotationPattern::Weighted | RotationPattern::Unknown => None,
            }
        }
        RotationFinding::TurnPerConnection { .. } => Some(Cause::TurnPerConnection),
        RotationFinding::BackendsLeftOut { .. } => Some(Cause::PartOfTheList),
        RotationFinding::DoubledAttempts { .. } => Some(Cause::SentTwice),
        RotationFinding::ExactCycle { .. }
        | RotationFinding::EvenWithinRotations { .. }
        | RotationFinding::NotForwarded { .. }
        | RotationFinding::EvenBatches { .. }
        | RotationFinding::RotationScope { .. }
        | RotationFinding::HitsAndTurns { .. } => None,
    }
}

fn of_exchange(finding: &ExchangeFinding) -> Option<Cause> {
    match finding {
        ExchangeFinding::WaitsForBackendsEnd { .. } | ExchangeFinding::ClientWaitsForClose { .. } => {
            Some(Cause::WaitsForClose)
        }
        ExchangeFinding::AtRest { .. } => Some(Cause::LeftNotNoticed),
        // What was amiss means one thing to one check and another to another: see `likely_cause` above.
        ExchangeFinding::AsAsked { .. }
        | ExchangeFinding::LeftSilentBackend { .. }
        | ExchangeFinding::CameBackToSilentBackend { .. }
        | ExchangeFinding::Amiss { .. }
        | ExchangeFinding::ClosesUnsaid { .. }
        | ExchangeFinding::ClosesAsSaid { .. }
        | ExchangeFinding::AddedToEach { .. }
        | ExchangeFinding::NotFoundKept { .. }
        | ExchangeFinding::NotFoundAskedAgain { .. } => None,
    }
}

fn of_config(finding: &ConfigFinding) -> Option<Cause> {
    match finding {
        ConfigFinding::ListIgnored { .. } | ConfigFinding::ListRefused { .. } => Some(Cause::ListInSource),
        ConfigFinding::PortIgnored { .. }
        | ConfigFinding::ListensElsewhere { .. }
        | ConfigFinding::DefaultPortUnused { .. } => Some(Cause::PortInSource),
        ConfigFinding::ListInForce { .. }
        | ConfigFinding::ListUnserved { .. }
        | ConfigFinding::PortInForce { .. }
        | ConfigFinding::DefaultPortUsed
        | ConfigFinding::WrittenIntoSource { .. }
        | ConfigFinding::NotHandedIn { .. }
        | ConfigFinding::DefaultPortNotTried { .. } => None,
    }
}

fn of_log(finding: &LogFinding) -> Option<Cause> {
    match finding {
        LogFinding::NotLogged { lack, .. } => Some(match lack {
            LogLack::Request => Cause::LogNotWritten,
            LogLack::Answer | LogLack::Method => Cause::HalfLogged,
            LogLack::Some { .. } | LogLack::TooOften { .. } => Cause::LogOfOneBranch,
        }),
        LogFinding::Logged { .. } | LogFinding::Written { .. } => None,
    }
}

/// So many bytes behind the end of an answer are no slip of one or two: they are those by which a text has more bytes than characters.
const BYTES_OF_LETTERS: u64 = 64;

/// What is no UTF-8 became U+FFFD, whose first byte is 0xef; or a length was counted in characters.
fn is_decoded(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::Damaged { how } if how.contains("is 0xef instead of"))
        || matches!(wrong, Wrong::ExtraBytes { extra } if *extra >= BYTES_OF_LETTERS)
}

fn of_wrong(wrong: &Wrong) -> Option<Cause> {
    match wrong {
        _ if is_decoded(wrong) => Some(Cause::TreatedAsText),
        Wrong::Foreign { .. } => Some(Cause::SharedState),
        Wrong::Damaged { .. } | Wrong::CutShort { .. } => Some(Cause::PassedOnIncompletely),
        Wrong::TimedOut | Wrong::NotConnected { .. } => Some(Cause::ServedOneByOne),
        Wrong::OfNobody
        | Wrong::ExtraBytes { .. }
        | Wrong::OfAHead
        | Wrong::Status { .. }
        | Wrong::NoAnswer
        | Wrong::Malformed { .. }
        | Wrong::FromBackend
        | Wrong::OldVersion => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use harness_model::plan::SourceLine;

    #[test]
    fn what_became_a_replacement_character_was_decoded() {
        let damaged = |how: &str| Wrong::Damaged { how: how.to_owned() };
        let cause = |how: &str| of_wrong(&damaged(how));
        assert_eq!(cause("byte 59 is 0xef instead of 0xff"), Some(Cause::TreatedAsText));
        assert_eq!(cause("byte 59 is 0x00 instead of 0xff"), Some(Cause::PassedOnIncompletely));
    }

    #[test]
    fn what_a_restart_lost_has_the_cause_of_the_files_that_were_never_written() {
        let failed = |check: CheckId, cause| Verdict {
            check,
            requirement: check.requirement(),
            kind: check.kind(),
            source: String::new(),
            outcome: Outcome::Fail,
            cause: Some(cause),
            grounds: None,
            explained_by: None,
            finding: Finding::NotReached,
            evidence: Vec::new(),
            line: SourceLine { file: "x.yaml".into(), line: 1, column: 1, text: String::new() },
        };
        let lost = failed(CheckId::PersistenceSurvivesKill, Cause::IndexInMemory);
        let no_files = failed(CheckId::PersistenceLocation, Cause::CacheInMemory);
        let causes = |mut verdicts: Vec<Verdict>| {
            agree(&mut verdicts);
            verdicts.iter().filter_map(|verdict| verdict.cause).collect::<Vec<_>>()
        };
        assert_eq!(
            causes(vec![lost.clone(), no_files.clone()]),
            [Cause::CacheInMemory, Cause::CacheInMemory]
        );
        assert_eq!(causes(vec![no_files]), [], "nothing was lost: it may lie in another folder");
        assert_eq!(
            causes(vec![lost]),
            [Cause::IndexInMemory],
            "files that are there were only not found again"
        );
    }
}
