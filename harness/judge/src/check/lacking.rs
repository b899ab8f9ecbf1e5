//! What a check or a step needs of the proxy and the adapter says it lacks.
//!
//! `evaluate` asks before it judges: what was never promised is unsupported and no failure. Only the adapter is read here,
//! never what happened.

use harness_model::adapter::{Adapter, AddressPlan, CacheMedium, Setting, TtlSource};
use harness_model::catalogue::CheckId;
use harness_model::plan::{CloudStep, Plan, StepKind};

/// Whether a check starts or ends the proxy, or looks at its files or processes.
pub(super) fn needs_its_life(check: CheckId) -> bool {
    use CheckId::*;
    matches!(
        check,
        ProxyAlive
            | ConnectionsAtRest
            | TtlSecondValue
            | TtlAcrossRestart
            | PersistenceSurvivesKill
            | PersistenceNoTornBytes
            | PersistenceLocation
            | PersistenceRebind
            | ConfigPort
            | ConfigDefaultPort
    )
}

/// What the adapter says the proxy lacks for a check.
pub(super) fn declared_missing(check: CheckId, adapter: &Adapter) -> Option<String> {
    use CheckId::*;
    let capabilities = &adapter.capabilities;
    let no_cache = || "cache: none".to_owned();
    let lacks = |setting: Setting| {
        (!capabilities.settings.contains(&setting)).then(|| format!("settings: [{}]", setting.name()))
    };
    match check {
        ConfigBackends | ConfigTwoBackends => {
            matches!(adapter.backends, AddressPlan::Fixed(_)).then(|| "backends: fixed".to_owned())
        }
        ConfigPort => adapter.fixed_port.map(|port| format!("fixed_port: {port}")),
        LogFile | LogComplete => adapter.log_file.is_none().then(|| "log_file: none".to_owned()),
        CacheHit | CacheSizes | CacheRush | RotationHitsTakeTurn | ConcurrencyCoalescing => {
            (capabilities.cache == CacheMedium::None).then(no_cache)
        }
        TtlExpiry | TtlPerResource | TtlSliding | TtlSecondValue | TtlAcrossRestart => {
            if capabilities.cache == CacheMedium::None {
                return Some(no_cache());
            }
            match capabilities.ttl {
                TtlSource::None => Some("ttl: none".to_owned()),
                TtlSource::Fixed { ttl } if check == TtlSecondValue => {
                    Some(format!("ttl: fixed({})", humantime::format_duration(ttl)))
                }
                _ if check == TtlAcrossRestart && capabilities.cache == CacheMedium::Memory => {
                    Some("cache: memory".to_owned())
                }
                _ => None,
            }
        }
        FleetLostRequests | FleetEven | FleetLatency | FleetScaled | FleetBreaks | FleetSimulation => {
            reload_missing(adapter)
        }
        PersistenceSurvivesKill | PersistenceOddNames | PersistenceNoTornBytes | PersistenceLocation => {
            match capabilities.cache {
                CacheMedium::None => Some(no_cache()),
                CacheMedium::Memory => Some("cache: memory".to_owned()),
                CacheMedium::Disk => None,
            }
        }
        BalanceLeastBusy => lacks(Setting::LeastConnections),
        DegradationControlled => lacks(Setting::Throttle),
        GatewayAdmission => lacks(Setting::Allow),
        _ => None,
    }
}

/// What the adapter says the proxy lacks for the steps, where it lacks something for every one of them: such a proxy was never
/// asked anything. The first of what is missing is named.
pub(super) fn missing_for_every_step(plan: &Plan) -> Option<String> {
    let missing: Option<Vec<String>> =
        plan.steps.iter().map(|step| missing_for(&step.kind, &plan.adapter)).collect();
    missing?.into_iter().next()
}

/// What the adapter says the proxy lacks for a step.
fn missing_for(step: &StepKind, adapter: &Adapter) -> Option<String> {
    match step {
        StepKind::Cloud(CloudStep::Fleet(_)) => reload_missing(adapter),
        _ => None,
    }
}

/// Instances that come and go are made known by a reload.
fn reload_missing(adapter: &Adapter) -> Option<String> {
    adapter.reload_signal.is_none().then(|| "reload: none".to_owned())
}
