//! The TTL checks: expiry at the age given, a second value, an age per resource, use that prolongs nothing, restarts.
//!
//! `evaluate` calls one function per check. A violation counts only where the bounds of an age prove it, and a pass needs
//! probes on both sides of the TTL: a check that cannot fail is none.

mod in_use;

#[cfg(test)]
mod tests;

pub(super) use in_use::sliding;

use fake_backends::clock::Moment;

use super::judged::Judged;
use super::ledger::{Ledger, ms, ms_between};
use super::probes::{Bracket, Probed, bracket, probed};
use super::seen::{ExpirySeen, LatePattern, Samples};
use super::{Finding, TtlFinding};
use harness_model::history::Purpose;
use harness_model::plan::{CheckPlan, StepKind};
use in_use::earliest_renewal;

/// Probes needed surely beyond the TTL, and as many surely before it.
const PROBES_ON_EACH_SIDE: u64 = 10;

/// Keys that must have outlived an expired one before each resource is said to have an age of its own.
const OUTLIVING_KEYS: u64 = 10;

/// Ages lie so far apart, in milliseconds, that no clock and no correction of one explains both.
const APART_MS: f64 = 50.0;

/// `ttl.expiry`: entries of the first TTL of the run.
pub(super) fn expiry(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    if let Some(coarse) = too_coarse(ledger, check) {
        return coarse;
    }
    let probes: Vec<Probed<'_>> = probed(ledger, check).into_iter().filter(|p| p.restarts == 0).collect();
    let Some(ttl) = first_ttl(&probes, ledger, check) else { return Judged::not_reached() };
    let probes = of_ttl(&probes, ttl);
    judge(ledger, &at(ledger, &probes, ttl), |seen| Finding::Ttl(TtlFinding::Expiry(seen)))
}

/// `ttl.second_value`: entries of another TTL, handed over at a later start.
pub(super) fn second_value(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    if let Some(coarse) = too_coarse(ledger, check) {
        return coarse;
    }
    let probes: Vec<Probed<'_>> = probed(ledger, check).into_iter().filter(|p| p.restarts == 0).collect();
    let Some(ttl) = first_ttl(&probes, ledger, check) else { return Judged::not_reached() };
    let Some(second_ttl) = probes.iter().map(|p| p.ttl_ms).find(|other| (other - ttl).abs() > 1.0) else {
        return Judged::not_reached();
    };
    let (of_first, of_second) = (of_ttl(&probes, ttl), of_ttl(&probes, second_ttl));
    let (first, second) = (at(ledger, &of_first, ttl), at(ledger, &of_second, second_ttl));
    let same_age = match (middle(&first.seen), middle(&second.seen)) {
        (Some(one), Some(other)) => (one - other).abs() < 0.25 * (ttl - second_ttl).abs(),
        _ => false,
    };
    let wrong = !second.late.is_empty() || !second.early.is_empty();
    if wrong && same_age {
        let evidence = second.late.iter().chain(&second.early).flat_map(|p| p.evidence.clone()).collect();
        return Judged::fail(
            Finding::Ttl(TtlFinding::OneAgeForTwoValues { first: first.seen, second: second.seen }),
            evidence,
        );
    }
    let seen = first.seen.clone();
    judge(ledger, &second, |second| Finding::Ttl(TtlFinding::TwoValues { first: seen, second }))
}

/// `ttl.across_restart`: entries stored before a start of the proxy and asked for after it.
pub(super) fn across_restart(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let probes: Vec<Probed<'_>> = probed(ledger, check).into_iter().filter(|p| p.restarts > 0).collect();
    let Some(ttl) = probes.first().map(|p| p.ttl_ms) else { return Judged::not_reached() };
    let probes = of_ttl(&probes, ttl);
    let bracket = at(ledger, &probes, ttl);
    let seen = bracket.seen.clone();
    if let Some(worst) = bracket.late.first() {
        let finding = Finding::Ttl(TtlFinding::RestartProlongs {
            target: worst.target.to_owned(),
            age_ms: worst.least_age_ms,
            count: bracket.late.len() as u64,
            seen,
        });
        return Judged::fail(finding, evidence(&bracket.late));
    }
    if let Some(worst) = bracket.early.first() {
        let finding = Finding::Ttl(TtlFinding::RestartForgets {
            target: worst.target.to_owned(),
            age_ms: worst.most_age_ms,
            count: bracket.early.len() as u64,
            seen,
        });
        return Judged::fail(finding, evidence(&bracket.early));
    }
    if let Some(few) = too_few(&bracket.seen) {
        return few;
    }
    let restarts = probes.iter().map(|p| p.restarts).max().unwrap_or(0);
    // One whose age had begun anew would have lived on.
    let earliest = ttl - seen.early_ms;
    let is_no_new_age = |p: &&Probed<'_>| {
        let started = ledger.launch_before(p.seen_at);
        !p.served && started.is_some_and(|started| ms_between(started, p.seen_at) < earliest)
    };
    if !probes.iter().any(|p| is_no_new_age(&p)) {
        return Judged::inconclusive(Finding::Ttl(TtlFinding::RestartMayProlong { seen, restarts }))
            .with_evidence(around(&probes));
    }
    Judged::pass(Finding::Ttl(TtlFinding::AgeGoesOnOverRestart { seen, restarts }))
        .with_evidence(around(&probes))
}

/// `ttl.per_resource`: entries stored at different instants must not expire together.
pub(super) fn per_resource(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let probes: Vec<Probed<'_>> = probed(ledger, check)
        .into_iter()
        .filter(|p| p.restarts == 0)
        .filter(|p| spread_fill(ledger, p))
        .collect();
    let Some(ttl) = probes.first().map(|p| p.ttl_ms) else { return Judged::not_reached() };
    let probes = of_ttl(&probes, ttl);
    let keys = probes.len() as u64;
    let stored_apart_ms = match (probes.iter().map(|p| p.stored).min(), probes.iter().map(|p| p.stored).max())
    {
        (Some(first), Some(last)) => ms_between(first, last),
        _ => 0.0,
    };
    let Some(first_gone) = probes.iter().filter(|p| !p.served).min_by_key(|p| p.seen_at) else {
        return Judged::too_few(Samples::Keys, keys, OUTLIVING_KEYS);
    };
    let capabilities = &ledger.plan.adapter.capabilities;
    // A clock of whole seconds is a second early or a second late, and never both.
    let blur_ms = ms(capabilities.ttl_resolution.early.max(capabilities.ttl_resolution.late));
    let contradiction = no_age_explains(&probes, blur_ms);
    // No instant at which everything went explains these: others lay in the cache all the time in which they went.
    let lives = lives_of(&probes);
    let (apart, together): (Vec<&Probed<'_>>, Vec<&Probed<'_>>) =
        probes.iter().filter(|p| !p.served).partition(|gone| is_within_one(&lives, gone));
    // Outlived: still served after one that was stored before it had been found gone.
    let outlived: Vec<&Probed<'_>> = probes
        .iter()
        .filter(|p| p.served && p.stored > first_gone.stored && p.seen_at > first_gone.seen_at)
        .collect();
    let each_its_own = contradiction.is_none() || apart.len() as u64 >= OUTLIVING_KEYS;
    if outlived.len() as u64 >= OUTLIVING_KEYS && each_its_own {
        let outlived_keys = outlived.len() as u64;
        let finding =
            Finding::Ttl(TtlFinding::ResourcesExpireApart { keys, stored_apart_ms, outlived: outlived_keys });
        return Judged::pass(finding)
            .with_evidence(evidence(&outlived[..1]))
            .with_evidence(first_gone.evidence.clone());
    }
    let spread = stored_apart_ms > blur_ms + 500.0;
    if let Some((young, old)) = contradiction.filter(|_| apart.is_empty() && spread) {
        let finding = Finding::Ttl(TtlFinding::ResourcesExpireTogether {
            keys: together.len() as u64,
            stored_apart_ms,
            youngest_ms: young.most_age_ms,
            oldest_ms: old.least_age_ms,
        });
        return Judged::fail(finding, evidence(&[young, old]));
    }
    Judged::too_few(Samples::Keys, outlived.len() as u64, OUTLIVING_KEYS)
}

/// The times during which some entry that was served later surely lay in the cache, those that overlap as one, in their order.
fn lives_of(probes: &[Probed<'_>]) -> Vec<(Moment, Moment)> {
    let mut lives: Vec<(Moment, Moment)> =
        probes.iter().filter(|p| p.served).map(Probed::surely_there).collect();
    lives.sort_unstable();
    let mut joined: Vec<(Moment, Moment)> = Vec::new();
    for (from, until) in lives {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

fn is_within_one(lives: &[(Moment, Moment)], gone: &Probed<'_>) -> bool {
    lives.iter().any(|&(from, until)| from <= gone.stored && gone.seen_at <= until)
}

/// An entry that was gone and one that was served at a higher age: whatever the age at which entries expire, it is not the same for
/// all of them.
fn no_age_explains<'p, 'a>(
    probes: &'p [Probed<'a>],
    blur_ms: f64,
) -> Option<(&'p Probed<'a>, &'p Probed<'a>)> {
    let mut gone: Vec<&Probed<'a>> = probes.iter().filter(|p| !p.served).collect();
    gone.sort_by(|a, b| a.most_age_ms.total_cmp(&b.most_age_ms));
    let old = probes.iter().filter(|p| p.served).max_by(|a, b| a.least_age_ms.total_cmp(&b.least_age_ms))?;
    // One of them may have been lost for a reason of its own.
    let young = gone.get(1).filter(|_| gone.len() as u64 >= OUTLIVING_KEYS)?;
    (young.most_age_ms + blur_ms + APART_MS < old.least_age_ms).then_some((young, old))
}

fn judge(
    ledger: &Ledger<'_>,
    bracket: &Bracket<'_, '_>,
    passed: impl FnOnce(ExpirySeen) -> Finding,
) -> Judged {
    let seen = bracket.seen.clone();
    if let Some(worst) = bracket.late.first() {
        let finding = Finding::Ttl(TtlFinding::ServedPastTtl {
            target: worst.target.to_owned(),
            age_ms: worst.least_age_ms,
            past_ms: worst.least_age_ms - seen.ttl_ms,
            count: bracket.late.len() as u64,
            pattern: late_pattern(ledger, bracket),
            seen,
        });
        return Judged::fail(finding, evidence(&bracket.late));
    }
    if let Some(worst) = bracket.early.first() {
        let finding = Finding::Ttl(TtlFinding::ExpiredEarly {
            target: worst.target.to_owned(),
            age_ms: worst.most_age_ms,
            short_ms: seen.ttl_ms - worst.most_age_ms,
            count: bracket.early.len() as u64,
            seen,
        });
        return Judged::fail(finding, evidence(&bracket.early));
    }
    too_few(&seen).unwrap_or_else(|| Judged::pass(passed(seen)))
}

/// What serving past the TTL looks like, from the probes and from the entries in constant use, which are watched longer.
fn late_pattern(ledger: &Ledger<'_>, bracket: &Bracket<'_, '_>) -> LatePattern {
    let seen = &bracket.seen;
    let Some(served) = seen.last_served_ms else { return LatePattern::Late };
    if let Some(gone) = seen.first_expired_ms
        && (gone < seen.ttl_ms + seen.late_ms || gone < served - 200.0)
    {
        return LatePattern::Mixed;
    }
    let in_use = ledger.plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Sliding(plan) if (ms(plan.ttl) - seen.ttl_ms).abs() < 1.0 => {
            earliest_renewal(ledger, step.index)
        }
        _ => None,
    });
    let in_use = in_use.min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((low, high)) = seen.first_expired_ms.map(|gone| (served, gone)).or(in_use) else {
        return LatePattern::NeverExpires;
    };
    let (twice, blur) = (2.0 * seen.ttl_ms, 0.05 * seen.ttl_ms);
    if low - blur <= twice && twice <= high + blur { LatePattern::TwiceTheTtl } else { LatePattern::Late }
}

fn too_few(seen: &ExpirySeen) -> Option<Judged> {
    (seen.before < PROBES_ON_EACH_SIDE || seen.after < PROBES_ON_EACH_SIDE).then(|| {
        Judged::inconclusive(Finding::Ttl(TtlFinding::TooFewProbes {
            before: seen.before,
            after: seen.after,
            needed: PROBES_ON_EACH_SIDE,
            ttl_ms: seen.ttl_ms,
        }))
    })
}

/// A declared resolution beyond what the scenario tolerates makes every measurement of the TTL meaningless to it.
fn too_coarse(ledger: &Ledger<'_>, check: &CheckPlan) -> Option<Judged> {
    let resolution = ledger.plan.adapter.capabilities.ttl_resolution;
    let declared = resolution.early.max(resolution.late);
    let at_most = check.parameters.at_most?;
    (declared > at_most).then(|| {
        Judged::fail(
            Finding::Ttl(TtlFinding::ResolutionTooCoarse {
                declared_ms: ms(declared),
                at_most_ms: ms(at_most),
            }),
            Vec::new(),
        )
    })
}

fn first_ttl(probes: &[Probed<'_>], ledger: &Ledger<'_>, check: &CheckPlan) -> Option<f64> {
    // The plan knows the first TTL even where its probes proved nothing.
    let planned = ledger.steps_of(check).find_map(|step| match &step.kind {
        StepKind::Probe(probe) => Some(ms(probe.at.ttl)),
        _ => None,
    });
    planned.or_else(|| probes.first().map(|p| p.ttl_ms))
}

fn of_ttl<'a>(probes: &[Probed<'a>], ttl_ms: f64) -> Vec<Probed<'a>> {
    probes.iter().filter(|p| (p.ttl_ms - ttl_ms).abs() <= 1.0).cloned().collect()
}

fn at<'p, 'a>(ledger: &Ledger<'_>, probes: &'p [Probed<'a>], ttl_ms: f64) -> Bracket<'p, 'a> {
    let resolution = ledger.plan.adapter.capabilities.ttl_resolution;
    bracket(probes, ttl_ms, ms(resolution.early), ms(resolution.late))
}

/// The age of expiry as far as it is known: between the last answer from the cache and the first renewed entry.
fn middle(seen: &ExpirySeen) -> Option<f64> {
    Some(f64::midpoint(seen.last_served_ms?, seen.first_expired_ms?))
}

fn spread_fill(ledger: &Ledger<'_>, probe: &Probed<'_>) -> bool {
    ledger.requests_for(probe.target).filter(|asked| asked.exchange.purpose == Purpose::Fill).any(|asked| {
        asked
            .step
            .and_then(|step| ledger.plan.steps.get(step))
            .is_some_and(|step| matches!(&step.kind, StepKind::Fill(fill) if !fill.spread.is_zero()))
    })
}

fn evidence(probes: &[&Probed<'_>]) -> Vec<usize> {
    probes.iter().flat_map(|probe| probe.evidence.clone()).collect()
}

/// The two probes between which entries expired.
fn around(probes: &[Probed<'_>]) -> Vec<usize> {
    let served = probes.iter().filter(|p| p.served).max_by(|a, b| a.least_age_ms.total_cmp(&b.least_age_ms));
    let gone = probes.iter().filter(|p| !p.served).min_by(|a, b| a.most_age_ms.total_cmp(&b.most_age_ms));
    served.into_iter().chain(gone).flat_map(|p| p.evidence.clone()).collect()
}
