//! Ages: for every probe of a cached entry, the bounds of its age that the record proves, and whether it was still served.
//!
//! The TTL checks judge by them and the report draws the S-curve from them. An entry's clock starts somewhere between the
//! instant its request was sent and the instant its answer was complete (RFC 9111 §4.2.3 counts the delay), so an age is
//! always an interval; no midpoint is ever taken.

use fake_backends::clock::Moment;
use serde::Serialize;

use super::ledger::{Asked, Ledger, Origin, ms, ms_between};
use super::seen::ExpirySeen;
use harness_model::catalogue::CheckId;
use harness_model::history::{Purpose, Record};
use harness_model::plan::{CheckPlan, Probe, StepKind};

/// Share by which the kernel may make the wall clock, by which caches count, run faster or slower than the monotonic clock
/// of the ledger while it is being corrected (`adjtimex(2)`: 500 parts per million). No proxy is blamed for that.
const MOST_STEERED: f64 = 500e-6;

/// How far the time of modification of a file lags behind the clock that programs read, in milliseconds: a tick of the kernel,
/// which is 10 ms where it ticks 100 times a second (time(7), "The software clock, HZ, and jiffies"). Who takes the age of an
/// entry from its file, which is no mistake, is that much early.
const FILE_CLOCK_MS: f64 = 10.0;

/// One request for an entry of known age.
#[derive(Clone, Debug)]
pub(super) struct Probed<'a> {
    pub(super) target: &'a str,
    /// Lines of the filling exchange, of the probing one, and of the attempt that it caused, where it did.
    pub(super) evidence: Vec<usize>,
    /// Whether the cache answered.
    pub(super) served: bool,
    /// The entry was at least this old when it was served, or when it was found gone.
    pub(super) least_age_ms: f64,
    /// The entry was at most this old.
    pub(super) most_age_ms: f64,
    /// The TTL in force.
    pub(super) ttl_ms: f64,
    /// When its filling request was sent.
    pub(super) stored: Moment,
    /// When it surely lay in the cache.
    pub(super) kept: Moment,
    /// When it was asked for again, or when that request reached a backend.
    pub(super) seen_at: Moment,
    /// Starts of the proxy in between.
    pub(super) restarts: u64,
}

impl Probed<'_> {
    /// The time during which an entry that was served lay in the cache.
    pub(super) fn surely_there(&self) -> (Moment, Moment) {
        (self.kept, self.seen_at)
    }
}

/// A point of the S-curve of a TTL: the age of an entry and whether it was served.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Target.
    pub target: String,
    /// It was at least this old.
    pub least_age_ms: f64,
    /// It was at most this old.
    pub most_age_ms: f64,
    /// Whether the cache answered.
    pub served: bool,
    /// The TTL in force.
    pub ttl_ms: f64,
    /// Starts of the proxy in between.
    pub restarts: u64,
}

/// The S-curve of every TTL of a run: one point a probe, in the order of sending.
pub fn expiry_curve(record: &Record) -> Vec<CurvePoint> {
    let ledger = Ledger::new(record);
    let check = record.plan.checks.iter().find(|check| check.id == CheckId::TtlExpiry);
    let probes = match check {
        Some(check) => probed(&ledger, check),
        None => record.plan.steps.iter().flat_map(|step| probed_in(&ledger, step.index)).collect(),
    };
    probes
        .into_iter()
        .map(|probe| CurvePoint {
            target: probe.target.to_owned(),
            least_age_ms: probe.least_age_ms,
            most_age_ms: probe.most_age_ms,
            served: probe.served,
            ttl_ms: probe.ttl_ms,
            restarts: probe.restarts,
        })
        .collect()
}

/// Every probe that a check may judge by.
pub(super) fn probed<'a>(ledger: &Ledger<'a>, check: &'a CheckPlan) -> Vec<Probed<'a>> {
    let steps: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    steps.into_iter().flat_map(|step| probed_in(ledger, step)).collect()
}

fn probed_in<'a>(ledger: &Ledger<'a>, step: usize) -> Vec<Probed<'a>> {
    let Some(StepKind::Probe(plan)) = ledger.plan.steps.get(step).map(|step| &step.kind) else {
        return Vec::new();
    };
    ledger.requests_of(step, Purpose::Probe).iter().filter_map(|probe| one(ledger, plan, probe)).collect()
}

/// A probe with the exchange that filled its entry; `None` where it proves nothing: no complete answer, no filling
/// request that reached a backend, or another request for the entry in between, which might have prolonged its life.
fn one<'a>(ledger: &Ledger<'a>, plan: &Probe, probe: &Asked<'a>) -> Option<Probed<'a>> {
    let target = probe.exchange.target.as_str();
    let before =
        ledger.requests_for(target).take_while(|asked| asked.exchange.id != probe.exchange.id).last()?;
    if before.exchange.purpose != Purpose::Fill || !before.succeeded() || !probe.succeeded() {
        return None;
    }
    let Some(Origin::Backend(filling)) = ledger.origin(&before) else { return None };
    let lag = ms(ledger.plan.adapter.capabilities.store_lag);
    let (sent, received) = (before.sent(), before.exchange.finished);
    let (served, seen_at, mut evidence) = match ledger.origin(probe)? {
        Origin::Cache => (true, probe.sent(), vec![before.line, probe.line]),
        Origin::Backend(arrived) => {
            (false, arrived.attempt.arrived, vec![before.line, probe.line, arrived.line])
        }
    };
    evidence.push(filling.line);
    let until = if served { probe.exchange.finished } else { seen_at };
    Some(Probed {
        target,
        evidence,
        served,
        least_age_ms: ms_between(received, if served { seen_at } else { probe.sent() }) - lag,
        most_age_ms: ms_between(sent, until),
        ttl_ms: ms(plan.at.ttl),
        stored: sent,
        kept: Moment(received.0.saturating_add((lag * 1e6) as u64)),
        seen_at,
        restarts: ledger.launches_between(sent, probe.sent()),
    })
}

/// What probes of one TTL saw, and those that prove a violation.
pub(super) struct Bracket<'p, 'a> {
    pub(super) seen: ExpirySeen,
    /// Served past the TTL, the oldest first.
    pub(super) late: Vec<&'p Probed<'a>>,
    /// Gone before the TTL, the youngest first.
    pub(super) early: Vec<&'p Probed<'a>>,
}

/// Brackets the age of expiry by probes that share a TTL.
pub(super) fn bracket<'p, 'a>(
    probes: &'p [Probed<'a>],
    ttl_ms: f64,
    early_ms: f64,
    late_ms: f64,
) -> Bracket<'p, 'a> {
    let steered_ms = ttl_ms * MOST_STEERED;
    let (soonest, latest) = (ttl_ms - early_ms - steered_ms - FILE_CLOCK_MS, ttl_ms + late_ms + steered_ms);
    let served = || probes.iter().filter(|p| p.served);
    let gone = || probes.iter().filter(|p| !p.served);
    let mut late: Vec<&Probed<'a>> = served().filter(|p| p.least_age_ms > latest).collect();
    let mut early: Vec<&Probed<'a>> = gone().filter(|p| p.most_age_ms < soonest).collect();
    late.sort_by(|a, b| b.least_age_ms.total_cmp(&a.least_age_ms));
    early.sort_by(|a, b| a.most_age_ms.total_cmp(&b.most_age_ms));
    let seen = ExpirySeen {
        ttl_ms,
        keys: probes.len() as u64,
        before: probes.iter().filter(|p| p.most_age_ms < soonest).count() as u64,
        after: probes.iter().filter(|p| p.least_age_ms > latest).count() as u64,
        last_served_ms: served().map(|p| p.least_age_ms).max_by(f64::total_cmp),
        first_expired_ms: gone().map(|p| p.most_age_ms).min_by(f64::total_cmp),
        early_ms,
        late_ms,
    };
    Bracket { seen, late, early }
}
