//! The matrix of the judge's judge: each defect, the scenario it is tried in, and the detectors that must see it.
//!
//! `examples/detection.rs` runs it whole and writes `docs/detection.md`; `tests/detection.rs` compares it with the catalogue
//! and with what was written. A new defect or a new check needs a row here.

/// A proxy with one defect, tried in one scenario of `tests/scenarios`.
pub struct Case {
    /// Which family: `guilty` (Rust) or `pupil` (Python).
    pub subject: &'static str,
    /// Its defect, as its command line or environment names it.
    pub defect: &'static str,
    /// The fault of real proxies that it stands for; `–` where experience has not met it yet.
    pub fault: &'static str,
    /// The scenario.
    pub scenario: &'static str,
    /// The checks that are meant to see it.
    pub detectors: &'static [&'static str],
    /// Chance of seeing it in one run that was stated before it was tried, where it is left to chance.
    pub power: f64,
}

const fn case(
    defect: &'static str,
    fault: &'static str,
    scenario: &'static str,
    detectors: &'static [&'static str],
) -> Case {
    Case { subject: "guilty", defect, fault, scenario, detectors, power: 1.0 }
}

const fn racy(
    defect: &'static str,
    fault: &'static str,
    scenario: &'static str,
    detectors: &'static [&'static str],
    power: f64,
) -> Case {
    Case { subject: "guilty", defect, fault, scenario, detectors, power }
}

/// The family in Python is tried in one scenario.
const fn pupil(defect: &'static str, fault: &'static str, detectors: &'static [&'static str]) -> Case {
    Case { subject: "pupil", defect, fault, scenario: "bytes", detectors, power: 1.0 }
}

/// The whole matrix.
pub const CASES: &[Case] = &[
    case("never-expires", "F-2", "age", &["ttl.expiry"]),
    case("expires-at-twice-ttl", "F-2", "age", &["ttl.expiry"]),
    case("ttl-in-minutes", "F-2", "age", &["ttl.expiry"]),
    case("ttl-constant", "F-2", "values", &["ttl.second_value"]),
    case("stale-once", "stale once", "age", &["ttl.expiry"]),
    case("sliding", "sliding TTL", "age", &["ttl.sliding"]),
    racy("swept-at-once", "sweep", "apart", &["ttl.per_resource"], 0.5),
    case("restart-renews", "restart", "age", &["ttl.across_restart"]),
    case("never-expires", "F-2", "seen", &["freshness.delivered"]),
    case("random-balancing", "F-14", "turns", &["rr.serial_cycle", "rr.spread"]),
    racy("racy-counter", "F-13", "turns", &["rr.spread"], 0.95),
    case("always-first", "F-14", "turns", &["rr.serial_cycle"]),
    case("skips-last", "F-7", "turns", &["rr.serial_cycle"]),
    case("weighted-by-one", "weights", "turns", &["rr.serial_cycle", "rr.scope"]),
    case("asks-twice", "F-14", "turns", &["rr.serial_cycle"]),
    case("hit-takes-turn", "F-14", "turns", &["rr.hits_take_turn"]),
    case("no-cache", "F-15", "age", &["cache.hit"]),
    case("writes-never-reads", "F-15", "age", &["cache.hit"]),
    case("memory-only", "F-15", "crash", &["persistence.survives_kill", "persistence.location"]),
    case("forgets-after-sigkill", "F-16", "crash", &["persistence.survives_kill"]),
    case("wipes-at-start", "wiped", "crash", &["persistence.survives_kill"]),
    racy("torn-file-after-sigkill", "F-18", "crash", &["persistence.no_torn_bytes"], 0.9),
    case("no-reuseaddr", "F-8", "crash", &["persistence.rebind"]),
    case("answers-post-from-cache", "F-4", "age", &["cache.post"]),
    case("drops-query-from-key", "F-17", "keys", &["integrity.bodies"]),
    case("keys-collide", "F-17", "keys", &["integrity.bodies"]),
    case("hit-has-one-byte-more", "F-3", "age", &["cache.hit"]),
    case("stores-four-kilobytes", "F-3", "age", &["cache.hit"]),
    case("stores-up-to-nul", "F-3", "age", &["cache.hit"]),
    case("hit-without-content-type", "hit", "age", &["cache.hit"]),
    case("shares-tokens", "–", "tokens", &["privacy.tokens", "privacy.never_shared"]),
    case("serial-accept", "F-13", "crowd", &["concurrency.slow_fast", "concurrency.overlap"]),
    case("four-at-once", "four at once", "crowd", &["concurrency.overlap"]),
    racy("shared-buffer", "F-13", "crowd", &["concurrency.own_answers"], 0.95),
    case("chokes-on-lower-case", "–", "crowd", &["concurrency.client_kinds"]),
    case("deadlocks-after-hundreds", "deadlock", "turns", &["rr.spread"]),
    case("dies-after-hundreds", "F-9", "turns", &["proxy.alive"]),
    case("latency-floor", "F-21", "pace", &["latency.thresholds"]),
    pupil("one-after-the-other", "F-13", &["connections.silent_client"]),
    pupil("body-up-to-a-buffer", "F-1", &["forward.body"]),
    pupil("first-recv-only", "F-1", &["forward.body"]),
    pupil("ignores-chunked-requests", "F-1", &["forward.chunked_request"]),
    pupil("pads-with-nul", "F-11", &["forward.once"]),
    pupil("drops-query-on-the-way", "query lost", &["forward.target"]),
    pupil("drops-fields", "fields lost", &["forward.fields"]),
    pupil("drops-answer-fields", "duplicate fields lost", &["forward.answer_fields"]),
    pupil("status-always-200", "F-5", &["forward.status"]),
    pupil("cut-at-64k", "F-3", &["forward.answer_body"]),
    pupil("body-to-head", "HEAD with a body", &["forward.head_method"]),
    pupil("waits-for-close", "F-12", &["forward.kept_open"]),
    pupil("stores-four-kilobytes", "F-3", &["cache.sizes"]),
    pupil("one-byte-more", "F-3", &["cache.sizes"]),
    pupil("drops-query", "F-17", &["cache.keys"]),
    pupil("slash-to-underscore", "F-17", &["cache.similar_paths"]),
    pupil("keeps-everything", "F-4", &["cache.errors", "cache.no_store"]),
    pupil("dies-of-bare-connect", "F-22", &["proxy.alive", "connections.bare_connect"]),
    pupil("dies-of-dead-backend", "F-9", &["failures.one_refuses"]),
    pupil("no-retry", "F-5", &["failures.one_refuses"]),
    pupil("spins-after-leaving", "F-10", &["connections.at_rest"]),
];

/// What is still owed.
const NOT_YET: &str = "no defect is made for it yet, so it is not proven that it can fail";

/// Checks that no defect is made for, and why. A new check does not belong here: make a defect that trips it.
pub const WITHOUT_DEFECT: &[(&str, &str)] = &[
    (
        "concurrency.coalescing",
        "a finding that never counts; the honest proxies of both families do not coalesce either",
    ),
    ("forward.methods", NOT_YET),
    ("forward.body_in_segments", NOT_YET),
    ("forward.head_in_segments", NOT_YET),
    ("forward.long_head", NOT_YET),
    ("forward.no_body", NOT_YET),
    ("forward.chunked_answer", NOT_YET),
    ("forward.until_close", NOT_YET),
    ("forward.informational", NOT_YET),
    ("forward.http10", NOT_YET),
    ("connections.close", NOT_YET),
    ("connections.persistent", NOT_YET),
    ("connections.pipelined", NOT_YET),
    ("connections.client_leaves", NOT_YET),
    ("failures.all_refuse", NOT_YET),
    ("failures.hang", NOT_YET),
    ("failures.reset", NOT_YET),
    ("failures.truncated", NOT_YET),
    ("failures.garbage", NOT_YET),
    ("failures.goes_on", NOT_YET),
    ("failures.recovery", NOT_YET),
    ("cache.rush", NOT_YET),
    ("cache.not_found", NOT_YET),
    ("cache.private", NOT_YET),
    ("cache.authorization", NOT_YET),
    ("cache.aborted", NOT_YET),
    ("page.one_image", NOT_YET),
    ("page.many_images", NOT_YET),
    ("page.large_file", NOT_YET),
    ("page.large_files", NOT_YET),
];

/// Defects that no detector is made for, and why.
#[allow(dead_code, reason = "the table is shared, and only the test asks for it")]
pub const WITHOUT_DETECTOR: &[(&str, &str)] =
    &[("caches-errors", "seen by `cache.errors`, which is tried on the family in Python")];
