//! Every check that exists: its name in a scenario, the requirement it answers, its kind and where it comes from.
//!
//! One row a check. A new check is a row here, a function in the check room and its words in the language room; the
//! compiler asks for the last two.

use serde::{Deserialize, Serialize};

use super::Requirement;

/// How much a check counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A sentence of the assignment cannot be true without it: decides the exit code.
    Required,
    /// What an RFC or any user of a real proxy asks beyond the assignment: reported, named, never decides.
    Optimal,
    /// A finding worth knowing: never counted.
    Check,
    /// Cannot be proven here: printed with an empty box.
    Manual,
}

/// Where a check comes from, so that "where does the assignment say so?" has an answer beside each verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "from", content = "at")]
pub enum Source {
    /// A point of the assignment, such as `5.8c`.
    Assignment(&'static str),
    /// An RFC and its section, such as `RFC 9111 §4`.
    Rfc(&'static str),
    /// What users of real proxies rely on.
    Practice,
    /// A threshold or rule that the author of the scenario states.
    Scenario,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Assignment(point) => write!(f, "assignment {point}"),
            Source::Rfc(section) => f.write_str(section),
            Source::Practice => f.write_str("practice"),
            Source::Scenario => f.write_str("scenario"),
        }
    }
}

macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $requirement:ident, $kind:ident, $source:expr;)+) => {
        /// The identity of a check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum CheckId {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }
        impl CheckId {
            /// All of them, in the order of a report.
            pub const ALL: &'static [CheckId] = &[$(CheckId::$variant),+];
            /// The name that scenarios use, such as `ttl.expiry`.
            pub const fn name(self) -> &'static str { match self { $(CheckId::$variant => $name),+ } }
            /// The requirement it answers.
            pub const fn requirement(self) -> Requirement { match self { $(CheckId::$variant => Requirement::$requirement),+ } }
            /// How much it counts.
            pub const fn kind(self) -> Kind { match self { $(CheckId::$variant => Kind::$kind),+ } }
            /// Where it comes from.
            pub const fn source(self) -> Source { match self { $(CheckId::$variant => $source),+ } }
        }
    };
}

use Source::{Assignment, Practice, Rfc, Scenario};

checks! {
    /// A slow request does not hold up a fast one.
    ConcurrencySlowFast = "concurrency.slow_fast", Req3, Required, Assignment("5.3");
    /// k requests are inside the backends at the same instant.
    ConcurrencyOverlap = "concurrency.overlap", Req3, Required, Assignment("5.3");
    /// Every one of many parallel clients gets its own answer, complete and unmixed.
    ConcurrencyOwnAnswers = "concurrency.own_answers", Req3, Required, Assignment("5.3");
    /// Clients of different kinds (raw socket, library, curl) are all served.
    ConcurrencyClientKinds = "concurrency.client_kinds", Req3, Required, Assignment("5.3");
    /// Requests that miss on one cold key at once reach the backends once.
    ConcurrencyCoalescing = "concurrency.coalescing", Req8, Check, Practice;
    /// Latency percentiles stay within the thresholds of the scenario.
    LatencyThresholds = "latency.thresholds", Req3, Required, Scenario;
    /// No answer carries a wrong byte, another's content or a wrong length, over the whole run.
    IntegrityBodies = "integrity.bodies", Req6, Required, Assignment("5.6");
    /// The proxy process lives through the run, except where the scenario itself ends it.
    ProxyAlive = "proxy.alive", Req5, Required, Assignment("5.5");
    /// A POST always reaches a backend, also where a GET of the same target is cached.
    CachePost = "cache.post", Req5, Required, Assignment("5.5");
    /// The second GET of a resource reaches no backend and equals the first.
    CacheHit = "cache.hit", Req8, Required, Assignment("5.8");
    /// A cached resource expires at the age given at launch.
    TtlExpiry = "ttl.expiry", Req8c, Required, Assignment("5.8c");
    /// Another TTL at launch gives another age.
    TtlSecondValue = "ttl.second_value", Req8c, Required, Assignment("5.8c");
    /// Each resource has its own age: those stored at different instants expire at different instants.
    TtlPerResource = "ttl.per_resource", Req8c, Required, Assignment("5.8c");
    /// Hits do not prolong the life of what is cached.
    TtlSliding = "ttl.sliding", Req8c, Optimal, Rfc("RFC 9111 §4.2");
    /// A restart neither prolongs nor forgets the age of what is cached.
    TtlAcrossRestart = "ttl.across_restart", Req8c, Optimal, Rfc("RFC 9111 §4.2.3");
    /// What was served from the cache before SIGKILL is served after the restart with every backend down.
    PersistenceSurvivesKill = "persistence.survives_kill", Req8a, Required, Assignment("5.8a");
    /// After SIGKILL under write load no wrong byte is ever served.
    PersistenceNoTornBytes = "persistence.no_torn_bytes", Req8a, Required, Assignment("5.8a");
    /// The cache lies in files beneath the directory where the proxy runs.
    PersistenceLocation = "persistence.location", Req8b, Required, Assignment("5.8b");
    /// The proxy can bind its port again at once after SIGKILL.
    PersistenceRebind = "persistence.rebind", Req8a, Optimal, Practice;
    /// Serial requests visit the backends in an exact cycle.
    RotationSerialCycle = "rr.serial_cycle", Req9, Required, Assignment("5.9");
    /// After concurrent batches the counts per backend differ by no more than the rotations declared.
    RotationSpread = "rr.spread", Req9, Required, Assignment("5.9");
    /// An answer to a request with a token reaches another user only where the origin said so.
    PrivacyTokens = "privacy.tokens", Req6, Required, Rfc("RFC 9111 §3.5");
    /// An answer to a request with a token never reaches another user, whatever the origin says.
    PrivacyNeverShared = "privacy.never_shared", Req6, Check, Practice;
    /// What was registered is visible on every path within the time that its owner asks.
    FreshnessDelivered = "freshness.delivered", Req8c, Required, Scenario;
    /// What kind of rotation it is: per request, per connection, per worker, weighted, random.
    RotationScope = "rr.scope", Req9, Check, Practice;
    /// Whether an answer from the cache uses up a turn.
    RotationHitsTakeTurn = "rr.hits_take_turn", Req9, Check, Practice;
}

impl std::fmt::Display for CheckId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for CheckId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        CheckId::ALL.iter().copied().find(|check| check.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::CheckId;

    #[test]
    fn names_are_unique_and_read_back() {
        for check in CheckId::ALL {
            assert_eq!(check.name().parse::<CheckId>(), Ok(*check));
        }
    }
}
