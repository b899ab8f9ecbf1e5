//! The matrix of the judge's judge: each defect, the scenario it is tried in, and the detectors that must see it.
//!
//! `examples/detection.rs` runs it whole and writes `docs/detection.md`; `tests/detection.rs` compares it with the catalogue
//! and with what was written. A new defect or a new check needs a row here.

use std::path::{Path, PathBuf};

/// In the place of a check: the run ended with the exit code of a proxy that did not start (3), before any check could look.
pub const DID_NOT_START: &str = "exit code 3";

/// A proxy with one defect, tried in one scenario of `tests/scenarios`.
pub struct Case {
    /// Which family: `guilty` (Rust), `pupil` (Python), `guilty-tls` and `guilty-http2` (Rust, behind TLS).
    pub subject: &'static str,
    /// Its defect, as its command line or environment names it.
    pub defect: &'static str,
    /// The fault of real proxies that it stands for; `–` where experience has not met it yet.
    pub fault: &'static str,
    /// The scenario: of `tests/scenarios`, or of those that everybody has.
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

/// Those behind TLS are tried in the scenarios that everybody has.
const fn tls(defect: &'static str, detector: &'static [&'static str]) -> Case {
    Case { subject: "guilty-tls", defect, fault: "–", scenario: "https", detectors: detector, power: 1.0 }
}

const fn http2(defect: &'static str, scenario: &'static str, detectors: &'static [&'static str]) -> Case {
    Case { subject: "guilty-http2", defect, fault: "–", scenario, detectors, power: 1.0 }
}

impl Case {
    /// Whether its family has a build of its own, with TLS, and nothing to do with courses.
    #[allow(dead_code, reason = "the table is shared, and only the example asks for it")]
    pub fn is_behind_tls(&self) -> bool {
        ["guilty-tls", "guilty-http2"].contains(&self.subject)
    }
}

/// Where a scenario lies.
pub fn file(scenario: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let brief = here.join("tests/scenarios").join(format!("{scenario}.yaml"));
    if brief.is_file() { brief } else { here.join("../scenarios").join(format!("{scenario}.yaml")) }
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
    case("latency-floor", "F-21", "turns", &["latency.overhead"]),
    case("get-and-post-only", "methods lost", "exact", &["forward.methods"]),
    case("first-segment-of-body", "F-1", "exact", &["forward.body_in_segments"]),
    case("length-in-one-spelling", "F-1", "exact", &["forward.body_in_segments"]),
    case("first-segment-of-head", "F-1", "exact", &["forward.head_in_segments"]),
    case("head-of-four-kilobytes", "F-1", "exact", &["forward.long_head"]),
    case("body-to204", "–", "exact", &["forward.no_body"]),
    case("passes-chunks-as-body", "–", "exact", &["forward.chunked_answer"]),
    case("until-close-never-ends", "F-10", "exact", &["forward.until_close"]),
    case("interim-for-final", "–", "exact", &["forward.informational"]),
    case("refuses-http10", "–", "exact", &["forward.http10"]),
    case("close-loses-the-tail", "–", "exact", &["connections.close"]),
    case("closes-always", "–", "exact", &["connections.persistent"]),
    case("closes-without-saying", "–", "exact", &["connections.says_close"]),
    case("forgets-what-was-pipelined", "keep-alive", "exact", &["connections.pipelined"]),
    case("spoils-images", "F-3", "exact", &["page.one_image", "page.many_images"]),
    case("refuses-a-burst", "four at once", "exact", &["page.many_images"]),
    case("cuts-at-half-a-megabyte", "F-3", "exact", &["page.large_file", "page.large_files"]),
    case("cuts-under-load", "F-13", "exact", &["page.large_files"]),
    case("malformed-stops-all", "–", "exact", &["connections.malformed"]),
    case("leaving-client-stops-all", "F-9", "exact", &["connections.client_leaves"]),
    case("dies-of-leaving-client", "F-9", "exact", &["proxy.alive"]),
    case("success-without-backend", "F-5", "ailing", &["failures.all_refuse"]),
    case("waits-for-hung-backend", "F-5", "hung", &["failures.hang"]),
    case("repeats-posts", "–", "ailing", &["failures.post_once"]),
    case("closes-without-answer", "F-5", "ailing", &["failures.reset"]),
    case("passes-truncated-as-whole", "F-5", "ailing", &["failures.truncated"]),
    case("passes-garbage", "F-5", "ailing", &["failures.garbage"]),
    case("stumbles-after-failure", "F-5", "ailing", &["failures.goes_on"]),
    case("never-asks-again", "F-5", "ailing", &["failures.recovery"]),
    case("doubles-what-is-stored-twice", "F-3", "stored", &["cache.rush"]),
    case("keeps-posts", "F-29", "stored", &["cache.post"]),
    case("keeps-heads", "F-29", "stored", &["cache.head"]),
    case("key-of-forty-characters", "F-17", "stored", &["cache.similar_paths"]),
    case("hit-of-another", "F-28", "crowd", &["concurrency.own_answers"]),
    case("keeps-not-found", "F-4", "stored", &["cache.not_found"]),
    case("keeps-not-found-as-found", "F-4", "stored", &["forward.status"]),
    case("caches-errors", "F-4", "stored", &["cache.errors"]),
    case("keeps-private", "–", "stored", &["cache.private"]),
    case("keeps-authorized", "–", "stored", &["cache.authorization"]),
    case("keeps-what-was-broken-off", "F-18", "stored", &["cache.aborted"]),
    case("passes-truncated-as-whole", "F-18", "stored", &["cache.truncated"]),
    case("no-log-file", "F-6", "logged", &["log.file"]),
    case("prints-nothing", "F-6", "logged", &["log.stdout"]),
    case("logs-only-requests", "F-6", "logged", &["log.file", "log.stdout"]),
    case("logs-only-answers", "F-6", "logged", &["log.file", "log.stdout"]),
    case("logs-at-the-end", "log at exit", "logged", &["log.file"]),
    case("logs-no-hits", "F-6", "logged", &["log.complete"]),
    case("logs-twice", "–", "logged", &["log.complete"]),
    case("floods-the-log", "–", "logged", &["log.volume"]),
    case("loses-lines-in-a-crowd", "log lines lost", "logged", &["log.complete"]),
    case("three-backends-at-most", "F-7", "told", &["config.backends", "rr.serial_cycle"]),
    case("three-backends-or-none", "F-7", "told", &["config.backends"]),
    case("one-of-two-backends", "F-7", "told", &["config.two_backends", "rr.serial_cycle"]),
    case("forgets-odd-names", "F-16", "told", &["persistence.odd_names"]),
    case("forgets-long-names", "F-16", "told", &["persistence.odd_names"]),
    case("default-port9090", "F-7", "told", &["config.default_port"]),
    case("keeps-its-first-port", "F-7", "told", &["config.port"]),
    case("always-port8080", "F-7", "told", &[DID_NOT_START]),
    case("does-not-start", "F-19", "age", &[DID_NOT_START]),
    case("answers-nothing", "F-19", "age", &[DID_NOT_START]),
    case("deletes-its-folder", "F-20", "stored", &["cache.hit"]),
    case("logs-without-bound", "F-20", "stored", &["proxy.alive"]),
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
    pupil("lower-case-key", "F-17", &["cache.keys"]),
    pupil("slash-to-underscore", "F-17", &["cache.similar_paths"]),
    pupil("keeps-everything", "F-4", &["cache.errors", "cache.no_store"]),
    pupil("dies-of-bare-connect", "F-22", &["proxy.alive", "connections.bare_connect"]),
    pupil("dies-of-dead-backend", "F-9", &["proxy.alive", "failures.one_refuses"]),
    pupil("no-retry", "F-5", &["failures.one_refuses"]),
    pupil("spins-after-leaving", "F-10", &["connections.at_rest"]),
    tls("cuts-over-tls", &["https.same_answers"]),
    tls("speaks-old-versions", &["https.versions"]),
    tls("without-tls12", &["https.versions"]),
    tls("without-tls13", &["https.versions"]),
    tls("chooses-what-it-cannot-speak", &["https.alpn"]),
    tls("insists-on-http2", &["https.alpn"]),
    tls("own-certificate", &["https.certificate"]),
    tls("leaf-alone", &["https.certificate"]),
    tls("never-renews", &["https.reload"]),
    tls("drops-clients-at-renewal", &["https.reload"]),
    http2("cuts-over-tls", "http2", &["http2.same_answers"]),
    http2("turn-per-connection", "http2", &["http2.streams"]),
    http2("connection-in-answers", "hops", &["http2.fields"]),
    http2("streams-one-by-one", "unread", &["http2.slow_reader"]),
    http2("stands-still-after-resets", "http2", &["http2.rapid_reset"]),
    http2("reads-heads-without-end", "http2", &["http2.continuation"]),
    http2("writes-down-as-it-is", "http2", &["http2.downgrade"]),
    http2("drops-clients-at-renewal", "http2", &["http2.drain"]),
];

/// Defects of policies, and of proxies in front of a fleet.
const OF_A_FLEET: &str = "tried by `tests/fleets.rs` with late and flapping policies, with a proxy that knows one instance and one that dies, not yet in the matrix";
/// Seen in records made by hand.
const OF_A_FORECAST: &str =
    "a finding that never counts; tried in check/cloud/fleet/tests.rs, and its distance in fleet/distance.rs";
/// Seen elsewhere.
const IN_CASES: &str =
    "tried by `tests/cases.rs` on an honest proxy and on one with a defect, not yet in the matrix";

/// Checks that no defect is made for, and why. A new check does not belong here: make a defect that trips it.
pub const WITHOUT_DEFECT: &[(&str, &str)] = &[
    (
        "concurrency.coalescing",
        "a finding that never counts; the honest proxies of both families do not coalesce either",
    ),
    ("fleet.lost_requests", OF_A_FLEET),
    ("fleet.even", OF_A_FLEET),
    ("fleet.latency", OF_A_FLEET),
    ("fleet.scaled", OF_A_FLEET),
    ("fleet.breaks", OF_A_FORECAST),
    ("fleet.simulation", OF_A_FORECAST),
    (
        "multiplexing.connections",
        "the proxies of both families open a backend connection for each request, which `tests/cases.rs` shows to be caught",
    ),
    ("balance.least_busy", IN_CASES),
    ("gateway.admission", IN_CASES),
    ("degradation.controlled", IN_CASES),
    ("worker.processed", IN_CASES),
    ("health.watched", IN_CASES),
    ("votes.counted", IN_CASES),
    ("votes.own", IN_CASES),
    ("delivery.expiry", IN_CASES),
    ("delivery.cors", IN_CASES),
    ("capacity.scaling", IN_CASES),
];

/// Defects that no detector is made for, and why.
#[allow(dead_code, reason = "the table is shared, and only the test asks for it")]
pub const WITHOUT_DETECTOR: &[(&str, &str)] = &[
    ("ignores-what-is-open", IN_CASES),
    ("lets-everybody-in", IN_CASES),
    ("one-bucket-for-all", IN_CASES),
    ("keeps-the-ill", IN_CASES),
    ("leaves-at-the-first", IN_CASES),
    ("ignores-origin", IN_CASES),
];
