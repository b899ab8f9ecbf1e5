//! The likely cause of a finding in the program of such a proxy, as a code.
//!
//! The mending loop groups failures by it and the language room explains it. A cause is a guess that experience with
//! real proxies suggests, never a part of the verdict.

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::seen::{Difference, LatePattern, RotationPattern, Wrong};

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
}

impl Finding {
    /// The mistake that most likely explains this finding, where it is a failure and experience suggests one.
    pub fn likely_cause(&self) -> Option<Cause> {
        match self {
            Finding::NoHits { .. } => Some(Cause::NothingCached),
            Finding::HitDiffers { difference: Difference::End { wrong }, .. } => of_wrong(wrong),
            Finding::HitDiffers { .. } => Some(Cause::StoredIncompletely),
            Finding::PostFromCache { .. } => Some(Cause::MethodNotInKey),
            Finding::ServedPastTtl { pattern, .. } => match pattern {
                LatePattern::NeverExpires => Some(Cause::TtlNeverCompared),
                LatePattern::TwiceTheTtl | LatePattern::Late => Some(Cause::TtlMiscounted),
                LatePattern::Mixed => Some(Cause::CacheEmptiedAtOnce),
            },
            Finding::ExpiredEarly { .. } => Some(Cause::TtlMiscounted),
            Finding::OneAgeForTwoValues { .. } => Some(Cause::TtlConstant),
            Finding::ResourcesExpireTogether { .. } => Some(Cause::CacheEmptiedAtOnce),
            Finding::HitsProlong { .. } => Some(Cause::HitRenewsEntry),
            Finding::RestartProlongs { .. } => Some(Cause::ClockRestarted),
            Finding::RestartForgets { .. } | Finding::LostAfterKill { .. } => Some(Cause::IndexInMemory),
            Finding::WrongAfterKill { .. } => Some(Cause::WrittenInPlace),
            Finding::NoCacheFiles { .. } => Some(Cause::CacheInMemory),
            Finding::ReboundLate { .. } => Some(Cause::PortNotReusable),
            Finding::FastWaited { .. } | Finding::NotInsideAtOnce { .. } => Some(Cause::ServedOneByOne),
            Finding::NotOwnAnswer { wrong, .. } | Finding::WrongBody { wrong, .. } => of_wrong(wrong),
            Finding::CycleBroken { pattern, .. } | Finding::UnevenBatches { pattern, .. } => match pattern {
                RotationPattern::Random => Some(Cause::PickedAtRandom),
                RotationPattern::Racy | RotationPattern::PerWorker => Some(Cause::UnlockedCounter),
                RotationPattern::PerConnection => Some(Cause::TurnPerConnection),
                RotationPattern::Sticky { .. } | RotationPattern::LeavesOut => Some(Cause::PartOfTheList),
                _ => None,
            },
            Finding::BackendsLeftOut { .. } => Some(Cause::PartOfTheList),
            Finding::DoubledAttempts { .. } => Some(Cause::SentTwice),
            Finding::Died { .. } => Some(Cause::UnhandledEvent),
            _ => None,
        }
    }
}

fn of_wrong(wrong: &Wrong) -> Option<Cause> {
    match wrong {
        Wrong::Foreign { .. } => Some(Cause::SharedState),
        Wrong::Damaged { .. } | Wrong::CutShort { .. } | Wrong::ExtraBytes { .. } => {
            Some(Cause::PassedOnIncompletely)
        }
        Wrong::TimedOut | Wrong::NotConnected { .. } => Some(Cause::ServedOneByOne),
        _ => None,
    }
}
