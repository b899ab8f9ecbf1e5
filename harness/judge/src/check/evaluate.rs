//! From the record of a run to one verdict per check of its plan.
//!
//! `conductor` and `harness report` call [`evaluate`]. It asks the families, then applies what no family can know alone:
//! what the adapter declares, which check depends on which, and steps that could not be carried out.

use super::cause::{agree, likely_cause};
use super::controls::controlled;
use super::explained::explain;
use super::fidelity::Rule;
use super::hypothesis::ground;
use super::judged::Judged;
use super::kept::by_the_first_look;
use super::lacking::{declared_missing, missing_for_every_step};
use super::ledger::Ledger;
use super::ours::excused;
use super::refuted::Run;
use super::{
    Amiss, ExchangeFinding, Finding, Outcome, TtlFinding, Verdict, alive, cases, cloud, concurrency, cut,
    fairness, fidelity, freshness, hits, http2, https, integrity, latency, listed, logged, overhead,
    persistence, unannounced,
};
use harness_model::catalogue::{CheckId, Control, Kind, Need};
use harness_model::history::{Record, StepProblem};
use harness_model::plan::{CheckPlan, Hints, Step};

/// Most lines of evidence that a verdict names.
const MOST_EVIDENCE: usize = 20;

/// One verdict per check of the plan, in the order of the plan.
pub fn evaluate(record: &Record) -> Vec<Verdict> {
    let ledger = Ledger::new(record);
    let mut verdicts: Vec<Verdict> =
        record.plan.checks.iter().map(|check| verdict(check, concluded(&ledger, record, check))).collect();
    apply_dependencies(&mut verdicts);
    let run = Run::of(&ledger, &verdicts);
    for verdict in &mut verdicts {
        verdict.cause = run.left_of(verdict);
    }
    agree(&mut verdicts);
    explain(&ledger, &mut verdicts);
    ground(&ledger, record, &mut verdicts);
    for verdict in &mut verdicts {
        if !record.plan.hints.names_lines() {
            verdict.grounds = None;
        }
        if record.plan.hints == Hints::None {
            verdict.cause = None;
        }
    }
    verdicts
}

fn concluded(ledger: &Ledger<'_>, record: &Record, check: &CheckPlan) -> Judged {
    if check.kind == Kind::Manual {
        return Judged { outcome: Outcome::Manual, finding: Finding::ForAPerson, evidence: Vec::new() };
    }
    if record.plan.adapter.attached().is_some() && check.id.needs().contains(&Need::Life) {
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
    if matches!(
        judged.finding,
        Finding::NotReached | Finding::TooFew { .. } | Finding::Ttl(TtlFinding::TooFewProbes { .. })
    ) && let Some(problem) = first_problem(ledger, check)
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
    use CheckId::*;
    match check.id {
        ConcurrencySlowFast => concurrency::slow_fast(ledger, check),
        ConcurrencyOverlap => concurrency::overlap(ledger, check),
        ConcurrencyOwnAnswers => concurrency::own_answers(ledger, check),
        ConcurrencyClientKinds => concurrency::client_kinds(ledger, check),
        ConcurrencyCoalescing => concurrency::coalescing(ledger, check),
        LatencyThresholds => latency::thresholds(ledger, &record.histograms, check),
        IntegrityBodies => integrity::bodies(ledger),
        ProxyAlive => alive::alive(ledger),
        CachePost => hits::post(ledger, check),
        CacheHit => hits::hit(ledger, check),
        TtlExpiry => freshness::expiry(ledger, check),
        TtlSecondValue => freshness::second_value(ledger, check),
        TtlPerResource => freshness::per_resource(ledger, check),
        TtlSliding => freshness::sliding(ledger, check),
        TtlAcrossRestart => freshness::across_restart(ledger, check),
        PersistenceSurvivesKill => persistence::survives_kill(ledger),
        PersistenceOddNames => persistence::odd_names(ledger),
        ConfigBackends | ConfigTwoBackends => listed::judged(ledger, check),
        ConfigPort => listed::port(ledger),
        ConfigDefaultPort => listed::default_port(ledger),
        PersistenceNoTornBytes => persistence::no_torn_bytes(ledger),
        PersistenceLocation => persistence::location(ledger),
        PersistenceRebind => persistence::rebind(ledger),
        PrivacyTokens => cloud::tokens(ledger),
        PrivacyNeverShared => cloud::never_shared(ledger),
        FreshnessDelivered => cloud::delivered(ledger, check),
        FleetLostRequests => cloud::lost_requests(ledger, check),
        FleetEven => cloud::even(ledger, check),
        FleetLatency => cloud::fleet_latency(ledger, check),
        FleetScaled => cloud::scaled(ledger, check),
        FleetBreaks => cloud::breaks(ledger, check),
        FleetSimulation => cloud::simulation(ledger, check),
        BalanceLeastBusy => cases::least_busy(ledger, &record.histograms, check),
        GatewayAdmission => cases::admission(ledger, check),
        DegradationControlled => cases::degradation(ledger, &record.histograms, check),
        WorkerProcessed => cases::processed(ledger, check),
        HealthWatched => cases::watched(ledger, check),
        VotesCounted => cases::counted(ledger, check),
        VotesOwn => cases::own(ledger, check),
        DeliveryExpiry => cases::expiry(ledger, check),
        DeliveryCors => cases::cors(ledger, check),
        CapacityScaling => cases::scaling(ledger, check),
        MultiplexingConnections => cases::multiplexing(ledger, check),
        RotationSerialCycle => fairness::serial_cycle(ledger, check),
        RotationSpread => fairness::spread(ledger, check),
        RotationScope => fairness::scope(ledger, check),
        RotationHitsTakeTurn => fairness::hits_take_turn(ledger, check),
        LogFile | LogStdout | LogComplete => logged::judged(ledger, check),
        LogVolume => logged::volume(ledger, check),
        LatencyOverhead => overhead::overhead(ledger, check),
        ConnectionsAtRest => fidelity::at_rest(ledger),
        Http2Streams => http2::streams(ledger, check),
        Http2Fields => http2::fields(ledger, check),
        Http2SlowReader => http2::slow_reader(ledger, check),
        Http2RapidReset => http2::rapid_reset(ledger, check),
        Http2Continuation => http2::continuation(ledger, check),
        Http2Downgrade => http2::downgrade(ledger, check),
        Http2Drain => http2::drain(ledger, check),
        HttpsVersions => https::versions(ledger, check),
        HttpsAlpn => https::alpn(ledger, check),
        HttpsCertificate => https::certificate(ledger, check),
        HttpsReload => https::reload(ledger, check),
        ForwardKeptOpen => fidelity::kept_open(ledger, check),
        ConnectionsSaysClose => unannounced::says_close(ledger, check),
        ForwardOnce
        | ForwardTarget
        | ForwardMethods
        | ForwardFields
        | ForwardBody
        | ForwardBodyInSegments
        | ForwardHeadInSegments
        | ForwardChunkedRequest
        | ForwardLongHead
        | ForwardHeadMethod
        | ForwardNoBody
        | ForwardStatus
        | ForwardAnswerFields
        | ForwardAnswerBody
        | ForwardChunkedAnswer
        | ForwardUntilClose
        | ForwardInformational
        | ForwardHttp10
        | HttpsSameAnswers
        | Http2SameAnswers
        | ConnectionsClose => fidelity::judged(ledger, check, Rule::Faithful),
        ConnectionsPersistent | ConnectionsPipelined => {
            fidelity::judged(ledger, check, Rule::ServedOnOneConnection)
        }
        PageOneImage | PageManyImages | PageLargeFile | PageLargeFiles | ConnectionsSilent
        | ConnectionsBare | ConnectionsMalformed | FailuresOneRefuses | FailuresGoesOn | CacheKeys
        | CacheHead | CacheSimilarPaths => fidelity::judged(ledger, check, Rule::Served),
        FailuresRecovery => fidelity::judged(ledger, check, Rule::AskedAgain),
        ConnectionsClientLeaves | CacheAborted => fidelity::judged(ledger, check, Rule::ServedAfterwards),
        FailuresAllRefuse | FailuresHang | FailuresReset => fidelity::judged(ledger, check, Rule::AnError),
        FailuresPostOnce => fidelity::judged(ledger, check, Rule::TakenOnce),
        FailuresTruncated | FailuresGarbage => fidelity::judged(ledger, check, Rule::NothingPassedOff),
        CacheErrors | CacheNotFound | CacheNoStore | CachePrivate | CacheAuthorization => {
            fidelity::judged(ledger, check, Rule::NeverKept)
        }
        CacheTruncated => fidelity::judged(ledger, check, Rule::NeverKeptInPart),
        CacheSizes | CacheRush => fidelity::judged(ledger, check, Rule::Kept),
        // No run can prove it; whoever asks has answered before.
        ManualLanguage | ManualSockets | ManualServers | ManualCloud => Judged::not_reached(),
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
            && matches!(&verdict.finding, Finding::Exchange(ExchangeFinding::Amiss { count, exchanges, amiss, .. })
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
        if matches!(verdict.finding, Finding::Ttl(TtlFinding::ResourcesExpireTogether { .. })) {
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
                if means_nothing_without(verdict.check).is_some_and(|check| failed.contains(&check)) =>
            {
                means_nothing_without(verdict.check).unwrap_or(verdict.check)
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

/// What must have been seen before a check can come to a conclusion, where that is a check of its own.
fn means_nothing_without(check: CheckId) -> Option<CheckId> {
    match check {
        // Where nothing is served after a kill no wrong byte can be; one that is served is a failure, whatever else is lost.
        CheckId::PersistenceNoTornBytes => Some(CheckId::PersistenceSurvivesKill),
        _ => check.control().map(Control::check),
    }
}

/// What kept the first of the steps that a check may look at from being carried out.
fn first_problem(ledger: &Ledger<'_>, check: &CheckPlan) -> Option<StepProblem> {
    // A restart that comes later, or that another check's steps needed, has kept nothing of it from being asked.
    let own: Vec<usize> =
        ledger.plan.steps.iter().filter(|step| check.reads(step)).map(|step| step.index).collect();
    let before = |step: &Step| own.last().is_none_or(|&last| step.index < last);
    let changes = |step: &&Step| step.kind.changes_state() && before(step);
    let of_check = |step: &&Step| own.contains(&step.index) || changes(step);
    let problem = |step: &Step| ledger.problem_of(step.index).cloned();
    ledger.plan.steps.iter().filter(of_check).find_map(problem)
}
