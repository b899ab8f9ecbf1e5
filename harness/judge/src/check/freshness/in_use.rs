//! Entries in constant use: whether hits prolong their life, and at which age they are renewed.
//!
//! `evaluate` asks for the first, the expiry check for the second, because such entries are watched for longer than any
//! probe waits. Only what the bounds of an age prove is counted.

use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, Origin, ms, ms_between};
use crate::check::seen::Samples;
use crate::check::{Finding, TtlFinding};
use harness_model::history::Purpose;
use harness_model::plan::{CheckPlan, StepKind};

/// `ttl.sliding`: entries in constant use must expire as early as any.
pub(in crate::check) fn sliding(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let resolution = ledger.plan.adapter.capabilities.ttl_resolution;
    let (early_ms, late_ms) = (ms(resolution.early), ms(resolution.late));
    let mut keys = 0u64;
    let mut hits = 0u64;
    let mut oldest: f64 = 0.0;
    let mut prolonged: Vec<Life<'_>> = Vec::new();
    let mut ttl_ms = 0.0;
    for step in ledger.steps_of(check) {
        let StepKind::Sliding(plan) = &step.kind else { continue };
        ttl_ms = ms(plan.ttl);
        let requests = ledger.requests_of(step.index, Purpose::Slide);
        let mut targets: Vec<&str> = requests.iter().map(|asked| asked.exchange.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            let of_key: Vec<Asked<'_>> =
                requests.iter().filter(|a| a.exchange.target == target).copied().collect();
            let life = life_of(ledger, &of_key, ttl_ms - early_ms);
            // Only a key that was hit could have lived too long, and only if it was watched for longer than it may live, or
            // was fetched again while its last hit would still have kept it.
            let conclusive = life.watched_ms > ttl_ms + late_ms || life.renewed_in_use;
            if !conclusive || life.hits == 0 {
                continue;
            }
            keys += 1;
            hits += life.hits;
            oldest = oldest.max(life.oldest_ms);
            if life.oldest_ms > ttl_ms + late_ms {
                prolonged.push(life);
            }
        }
    }
    prolonged.sort_by(|a, b| b.oldest_ms.total_cmp(&a.oldest_ms));
    match prolonged.first() {
        Some(worst) => {
            let finding = Finding::Ttl(TtlFinding::HitsProlong {
                target: worst.target.to_owned(),
                age_ms: worst.oldest_ms,
                ttl_ms,
                hits: worst.hits_until_oldest,
                count: prolonged.len() as u64,
                keys,
            });
            Judged::fail(finding, worst.evidence.clone())
        }
        None if keys == 0 => Judged::too_few(Samples::Keys, 0, 1),
        None => {
            Judged::pass(Finding::Ttl(TtlFinding::HitsDoNotProlong { keys, hits, oldest_ms: oldest, ttl_ms }))
        }
    }
}

/// What became of a key that was asked for again and again.
struct Life<'a> {
    target: &'a str,
    hits: u64,
    /// Largest age at which it was proven to be served.
    oldest_ms: f64,
    hits_until_oldest: u64,
    /// Longest time from a storing to the last request for that entry or to its renewal.
    watched_ms: f64,
    /// Whether it was fetched again less than a TTL after a hit.
    renewed_in_use: bool,
    evidence: Vec<usize>,
}

/// `least_ttl_ms` is the shortest life that a hit would give an entry, if hits prolonged lives.
fn life_of<'a>(ledger: &Ledger<'a>, requests: &[Asked<'a>], least_ttl_ms: f64) -> Life<'a> {
    let target = requests.first().map_or("", |asked| asked.exchange.target.as_str());
    let lag = ms(ledger.plan.adapter.capabilities.store_lag);
    let mut life = Life {
        target,
        hits: 0,
        oldest_ms: 0.0,
        hits_until_oldest: 0,
        watched_ms: 0.0,
        renewed_in_use: false,
        evidence: Vec::new(),
    };
    let mut stored: Option<Asked<'a>> = None;
    let mut last_hit: Option<Asked<'a>> = None;
    let mut hits_of_entry = 0;
    for asked in requests.iter().filter(|asked| asked.succeeded()) {
        if let Some(filled) = &stored {
            life.watched_ms = life.watched_ms.max(ms_between(filled.exchange.finished, asked.sent()) - lag);
        }
        match (ledger.origin(asked), &stored) {
            (Some(Origin::Cache), Some(filled)) => {
                life.hits += 1;
                hits_of_entry += 1;
                last_hit = Some(*asked);
                let age = ms_between(filled.exchange.finished, asked.sent()) - lag;
                if age > life.oldest_ms {
                    life.oldest_ms = age;
                    life.hits_until_oldest = hits_of_entry;
                    life.evidence = vec![filled.line, asked.line];
                }
            }
            (Some(Origin::Backend(_)), _) => {
                let in_use = |hit: Asked<'_>| ms_between(hit.sent(), asked.exchange.finished) < least_ttl_ms;
                life.renewed_in_use |= last_hit.take().is_some_and(in_use);
                stored = Some(*asked);
                hits_of_entry = 0;
            }
            _ => {}
        }
    }
    life
}

/// The interval within which the earliest renewed entry in constant use expired: the age of its last hit, and the age at
/// which it was fetched again.
pub(super) fn earliest_renewal(ledger: &Ledger<'_>, step: usize) -> Option<(f64, f64)> {
    let mut stored: std::collections::HashMap<&str, Asked<'_>> = std::collections::HashMap::new();
    let mut last_hit: std::collections::HashMap<&str, f64> = std::collections::HashMap::new();
    let mut earliest: Option<(f64, f64)> = None;
    for asked in ledger.requests_of(step, Purpose::Slide) {
        let target = asked.exchange.target.as_str();
        match ledger.origin(&asked) {
            Some(Origin::Cache) => {
                if let Some(filled) = stored.get(target) {
                    last_hit.insert(target, ms_between(filled.exchange.finished, asked.sent()));
                }
            }
            Some(Origin::Backend(arrived)) => {
                let served = last_hit.remove(target).unwrap_or(0.0);
                if let Some(before) = stored.insert(target, asked) {
                    let gone = ms_between(before.sent(), arrived.attempt.arrived);
                    if earliest.is_none_or(|(_, least)| gone < least) {
                        earliest = Some((served, gone));
                    }
                }
            }
            None => {}
        }
    }
    earliest
}
