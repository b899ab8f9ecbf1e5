//! From the record of a run to one verdict per check of its plan.
//!
//! `conductor` and `harness report` call [`evaluate`]. It asks the families, then applies what no family can know alone:
//! what the adapter declares, which check depends on which, and steps that could not be carried out.

use super::cause::{agree, likely_cause};
use super::controls::controlled;
use super::explained::explain;
use super::hypothesis::ground;
use super::judged::Judged;
use super::kept::by_the_first_look;
use super::lacking::{declared_missing, missing_for_every_step, needs_its_life};
use super::ledger::Ledger;
use super::ours::excused;
use super::refuted::Run;
use super::{
    Amiss, Finding, Outcome, Verdict, alive, cases, cloud, concurrency, cut, fairness, fidelity, freshness,
    hits, integrity, latency, listed, logged, persistence, unannounced,
};
use harness_model::catalogue::{CheckId, Control, Kind};
use harness_model::history::Record;
use harness_model::plan::{CheckPlan, StepKind};

/// Most lines of evidence that a verdict names.
const MOST_EVIDENCE: usize = 20;

/// One verdict per check of the plan, in the order of the plan.
pub fn evaluate(record: &Record) -> Vec<Verdict> {
    let ledger = Ledger::new(record);
    let mut verdicts: Vec<Verdict> =
        record.plan.checks.iter().map(|check| verdict(check, concluded(&ledger, record, check))).collect();
    apply_dependencies(&mut verdicts);
    let run = Run::of(&ledger);
    for verdict in &mut verdicts {
        verdict.cause = verdict.cause.and_then(|suggested| run.left_of(verdict, suggested));
    }
    agree(&mut verdicts);
    explain(&ledger, &mut verdicts);
    ground(&ledger, record, &mut verdicts);
    verdicts
}

fn concluded(ledger: &Ledger<'_>, record: &Record, check: &CheckPlan) -> Judged {
    if check.kind == Kind::Manual {
        return Judged { outcome: Outcome::Manual, finding: Finding::ForAPerson, evidence: Vec::new() };
    }
    if record.plan.adapter.attached().is_some() && needs_its_life(check.id) {
        return Judged { outcome: Outcome::Unsupported, finding: Finding::Attached, evidence: Vec::new() };
    }
    if let Some(capability) = declared_missing(check.id, &record.plan.adapter) {
        let finding = Finding::DeclaredUnsupported { capability };
        return Judged { outcome: Outcome::Unsupported, finding, evidence: Vec::new() };
    }
    let judged = controlled(ledger, check.id, judge(ledger, record, check));
    let judged = by_the_first_look(ledger, check.id, judged);
    let judged = alive::outlived(ledger, check, judged);
    let judged = excused(ledger, check, judged);
    if matches!(judged.finding, Finding::NotReached | Finding::TooFew { .. } | Finding::TooFewProbes { .. })
        && let Some(problem) = first_problem(ledger, check)
    {
        if let Some(capability) = missing_for_every_step(&record.plan) {
            let finding = Finding::DeclaredUnsupported { capability };
            return Judged { outcome: Outcome::Unsupported, finding, evidence: Vec::new() };
        }
        return Judged::inconclusive(Finding::StepProblem { problem });
    }
    cut::left_of(ledger, check, judged)
}

fn judge(ledger: &Ledger<'_>, record: &Record, check: &CheckPlan) -> Judged {
    match check.id {
        CheckId::ConcurrencySlowFast => concurrency::slow_fast(ledger, check),
        CheckId::ConcurrencyOverlap => concurrency::overlap(ledger, check),
        CheckId::ConcurrencyOwnAnswers => concurrency::own_answers(ledger, check),
        CheckId::ConcurrencyClientKinds => concurrency::client_kinds(ledger, check),
        CheckId::ConcurrencyCoalescing => concurrency::coalescing(ledger, check),
        CheckId::LatencyThresholds => latency::thresholds(ledger, &record.histograms, check),
        CheckId::IntegrityBodies => integrity::bodies(ledger),
        CheckId::ProxyAlive => alive::alive(ledger),
        CheckId::CachePost => hits::post(ledger, check),
        CheckId::CacheHit => hits::hit(ledger, check),
        CheckId::TtlExpiry => freshness::expiry(ledger, check),
        CheckId::TtlSecondValue => freshness::second_value(ledger, check),
        CheckId::TtlPerResource => freshness::per_resource(ledger, check),
        CheckId::TtlSliding => freshness::sliding(ledger, check),
        CheckId::TtlAcrossRestart => freshness::across_restart(ledger, check),
        CheckId::PersistenceSurvivesKill => persistence::survives_kill(ledger),
        CheckId::PersistenceOddNames => persistence::odd_names(ledger),
        CheckId::ConfigBackends | CheckId::ConfigTwoBackends => listed::judged(ledger, check),
        CheckId::ConfigPort => listed::port(ledger),
        CheckId::ConfigDefaultPort => listed::default_port(ledger),
        CheckId::PersistenceNoTornBytes => persistence::no_torn_bytes(ledger),
        CheckId::PersistenceLocation => persistence::location(ledger),
        CheckId::PersistenceRebind => persistence::rebind(ledger),
        CheckId::PrivacyTokens => cloud::tokens(ledger),
        CheckId::PrivacyNeverShared => cloud::never_shared(ledger),
        CheckId::FreshnessDelivered => cloud::delivered(ledger, check),
        CheckId::FleetLostRequests => cloud::lost_requests(ledger, check),
        CheckId::FleetEven => cloud::even(ledger, check),
        CheckId::FleetLatency => cloud::fleet_latency(ledger, check),
        CheckId::FleetScaled => cloud::scaled(ledger, check),
        CheckId::FleetBreaks => cloud::breaks(ledger, check),
        CheckId::FleetSimulation => cloud::simulation(ledger, check),
        CheckId::BalanceLeastBusy => cases::least_busy(ledger, &record.histograms, check),
        CheckId::GatewayAdmission => cases::admission(ledger, check),
        CheckId::DegradationControlled => cases::degradation(ledger, &record.histograms, check),
        CheckId::WorkerProcessed => cases::processed(ledger, check),
        CheckId::CapacityScaling => cases::scaling(ledger, check),
        CheckId::MultiplexingConnections => cases::multiplexing(ledger, check),
        CheckId::RotationSerialCycle => fairness::serial_cycle(ledger, check),
        CheckId::RotationSpread => fairness::spread(ledger, check),
        CheckId::RotationScope => fairness::scope(ledger, check),
        CheckId::RotationHitsTakeTurn => fairness::hits_take_turn(ledger, check),
        CheckId::LogFile | CheckId::LogStdout | CheckId::LogComplete => logged::judged(ledger, check),
        CheckId::ConnectionsAtRest => fidelity::at_rest(ledger),
        CheckId::ForwardKeptOpen => fidelity::kept_open(ledger, check),
        CheckId::ConnectionsSaysClose => unannounced::says_close(ledger, check),
        _ => fidelity::judged(ledger, check).unwrap_or_else(Judged::not_reached),
    }
}

fn verdict(check: &CheckPlan, judged: Judged) -> Verdict {
    let mut evidence = judged.evidence;
    evidence.truncate(MOST_EVIDENCE);
    Verdict {
        check: check.id,
        requirement: check.id.requirement(),
        kind: check.kind,
        source: check.id.source().to_string(),
        outcome: judged.outcome,
        cause: if judged.outcome == Outcome::Fail { likely_cause(check.id, &judged.finding) } else { None },
        grounds: None,
        finding: judged.finding,
        explained_by: None,
        evidence,
        line: check.line.clone(),
    }
}

/// A check that did not pass is blocked where one that it depends on failed: one cause, one red line. A check without a
/// conclusion is blocked where the proxy died.
fn apply_dependencies(verdicts: &mut [Verdict]) {
    let failed: Vec<CheckId> =
        verdicts.iter().filter(|v| v.outcome == Outcome::Fail).map(|v| v.check).collect();
    // What an absence would need was never seen, and the check that asks for it says so, or that it was never promised.
    let lacks: Vec<CheckId> = verdicts
        .iter()
        .filter(|v| matches!(v.outcome, Outcome::Fail | Outcome::Unsupported | Outcome::Blocked))
        .map(|v| v.check)
        .collect();
    // Where not one of the plain requests came through, every failure elsewhere is this one again.
    let nothing_forwarded = verdicts.iter().any(|verdict| {
        verdict.check == CheckId::ForwardOnce
            && verdict.outcome == Outcome::Fail
            && matches!(&verdict.finding, Finding::Amiss { count, exchanges, amiss, .. }
                if count == exchanges && matches!(amiss, Amiss::NotForwarded { .. }))
    });
    let ground = |check: CheckId| -> &'static [CheckId] {
        match check {
            CheckId::ForwardOnce | CheckId::ProxyAlive => &[],
            _ if nothing_forwarded => &[CheckId::ForwardOnce],
            other => other.depends_on(),
        }
    };
    for verdict in verdicts {
        // That entries go together is seen from ages of any kind, and says why they are not those that were asked for.
        if matches!(verdict.finding, Finding::ResourcesExpireTogether { .. }) {
            continue;
        }
        let first_failed = ground(verdict.check).iter().find(|check| failed.contains(check));
        let cause = match (verdict.outcome, first_failed) {
            (Outcome::Fail | Outcome::Inconclusive, Some(&check)) => check,
            (Outcome::Blocked, _) => match verdict.finding {
                Finding::NoControl { check } if lacks.contains(&check) => check,
                _ => continue,
            },
            (Outcome::Inconclusive, None)
                if verdict.check.control().is_some_and(|control| failed.contains(&control.check())) =>
            {
                verdict.check.control().map_or(verdict.check, Control::check)
            }
            (Outcome::Inconclusive, None)
                if verdict.check != CheckId::ProxyAlive && failed.contains(&CheckId::ProxyAlive) =>
            {
                CheckId::ProxyAlive
            }
            _ => continue,
        };
        verdict.outcome = Outcome::Blocked;
        verdict.finding = Finding::DependsOn { check: cause };
        verdict.cause = None;
    }
}

/// What kept the first of the steps that a check may look at from being carried out.
fn first_problem(ledger: &Ledger<'_>, check: &CheckPlan) -> Option<String> {
    ledger
        .steps_of(check)
        .filter(|step| !matches!(step.kind, StepKind::Wait { .. }))
        .find_map(|step| ledger.problem_of(step.index).map(str::to_owned))
}
