//! What the verdict of a check rests on: other checks, and something that must have been seen before an absence means anything.
//!
//! The one table of dependencies. The judge blocks by it, a part of a plan keeps what its checks rest on, and whoever orders a run may
//! leave out what has lost its ground. Nothing here looks at a record.

use super::CheckId;

/// What must have been seen in a run before the absence of something else in it proves anything.
///
/// A check that only proves an absence (nothing was kept, nothing was passed off) passes on every proxy that does nothing at all. Its
/// control is the positive counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// Something plain was answered from the cache.
    Hits,
    /// Plain requests were answered by backends, and not by the proxy in their place.
    Answers,
    /// Every backend that the proxy was told of was asked at some time, those that went down included.
    EveryBackend,
}

impl Control {
    /// The check that asks for it.
    pub const fn check(self) -> CheckId {
        match self {
            Control::Hits => CheckId::CacheHit,
            Control::Answers => CheckId::ForwardOnce,
            Control::EveryBackend => CheckId::RotationSerialCycle,
        }
    }
}

impl CheckId {
    /// The checks without whose success this one says nothing new: where one of them failed, a failure here would only repeat it.
    pub const fn depends_on(self) -> &'static [CheckId] {
        use CheckId::*;
        match self {
            TtlExpiry
            | PersistenceSurvivesKill
            | PersistenceNoTornBytes
            | PersistenceLocation
            | RotationHitsTakeTurn
            | CacheSizes
            | CacheRush => &[CacheHit],
            TtlSliding | TtlSecondValue | TtlPerResource | TtlAcrossRestart => &[CacheHit, TtlExpiry],
            PersistenceOddNames => &[CacheHit, PersistenceSurvivesKill],
            ForwardTarget
            | ForwardMethods
            | ForwardFields
            | ForwardBody
            | ForwardStatus
            | ForwardAnswerFields
            | ForwardAnswerBody
            | ForwardHeadMethod
            | ForwardNoBody
            | ForwardLongHead
            | ForwardHeadInSegments
            | ForwardChunkedAnswer
            | ForwardUntilClose
            | ForwardKeptOpen
            | ForwardInformational
            | ForwardHttp10
            | ConnectionsClose
            | ConnectionsPersistent
            | PageOneImage
            | PageManyImages
            | PageLargeFile
            | PageLargeFiles
            | FailuresOneRefuses
            | FailuresGoesOn
            | FailuresRecovery
            | LogFile
            | LogStdout
            | ConfigBackends
            | ConfigPort
            | ConfigDefaultPort => &[ForwardOnce],
            ForwardBodyInSegments | ForwardChunkedRequest => &[ForwardOnce, ForwardBody],
            ConfigTwoBackends => &[ForwardOnce, ConfigBackends],
            LogComplete => &[ForwardOnce, LogFile],
            ConnectionsPipelined => &[ForwardOnce, ConnectionsPersistent],
            _ => &[],
        }
    }

    /// What must have been seen before a pass of this check means anything; `None` where what it asks for is seen itself.
    ///
    /// Checks that prove an absence and are missing here bring their control along: `ttl.sliding` counts keys that were hit,
    /// `persistence.no_torn_bytes` answers from the cache after kills, `gateway.admission` those who got in, `fleet.lost_requests`
    /// requests, `concurrency.coalescing` the answers to its clients.
    pub const fn control(self) -> Option<Control> {
        use CheckId::*;
        match self {
            CacheKeys | CacheHead | CacheSimilarPaths | CacheErrors | CacheNotFound | CacheNoStore
            | CachePrivate | CacheAuthorization | CacheAborted | CacheTruncated | PrivacyTokens
            | PrivacyNeverShared => Some(Control::Hits),
            FailuresAllRefuse | FailuresHang | FailuresReset | FailuresTruncated | FailuresGarbage
            | IntegrityBodies => Some(Control::Answers),
            FailuresOneRefuses => Some(Control::EveryBackend),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CheckId;

    #[test]
    fn nothing_depends_on_itself_however_far_one_goes() {
        fn reaches(from: CheckId, wanted: CheckId) -> bool {
            from.depends_on().iter().any(|&on| on == wanted || reaches(on, wanted))
        }
        for &check in CheckId::ALL {
            assert!(!reaches(check, check), "{check}");
            assert!(check.control().is_none_or(|control| control.check() != check), "{check}");
        }
    }
}
