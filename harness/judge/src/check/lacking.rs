//! What a check or a step needs of the proxy and the adapter says it lacks.
//!
//! `evaluate` asks before it judges: what was never promised is unsupported and no failure. Only the adapter is read here,
//! never what happened.

use harness_model::adapter::{Adapter, AddressPlan, CacheMedium, Setting, TtlSource};
use harness_model::catalogue::{CheckId, Need};
use harness_model::plan::{CloudStep, Over, Plan, StepKind};

/// What the adapter says the proxy lacks for a check.
pub(super) fn declared_missing(check: CheckId, adapter: &Adapter) -> Option<String> {
    check.needs().iter().find_map(|&need| missing(need, adapter))
}

/// A need that the adapter says is not met, in the words of the adapter. Whether a proxy is in our hands is no matter of its
/// capabilities: see [`Need::Life`].
fn missing(need: Need, adapter: &Adapter) -> Option<String> {
    let capabilities = &adapter.capabilities;
    let lacks = |setting: Setting| {
        (!capabilities.settings.contains(&setting)).then(|| format!("settings: [{}]", setting.name()))
    };
    match need {
        Need::Life => None,
        Need::Backends => {
            matches!(adapter.backends, AddressPlan::Fixed(_)).then(|| "backends: fixed".to_owned())
        }
        Need::Port => adapter.fixed_port.map(|port| format!("fixed_port: {port}")),
        Need::LogFile => adapter.log_file.is_none().then(|| "log_file: none".to_owned()),
        Need::Cache => (capabilities.cache == CacheMedium::None).then(|| "cache: none".to_owned()),
        Need::CacheOnDisk => match capabilities.cache {
            CacheMedium::None => Some("cache: none".to_owned()),
            CacheMedium::Memory => Some("cache: memory".to_owned()),
            CacheMedium::Disk => None,
        },
        Need::Ttl => matches!(capabilities.ttl, TtlSource::None).then(|| "ttl: none".to_owned()),
        Need::TtlAtLaunch => match capabilities.ttl {
            TtlSource::Fixed { ttl } => Some(format!("ttl: fixed({})", humantime::format_duration(ttl))),
            _ => None,
        },
        Need::Reload => reload_missing(adapter),
        Need::LeastConnections => lacks(Setting::LeastConnections),
        Need::Throttle => lacks(Setting::Throttle),
        Need::Allow => lacks(Setting::Allow),
        Need::Tls => lacks(Setting::Tls),
        Need::Http2 => lacks(Setting::Http2),
        Need::HealthChecks => lacks(Setting::HealthChecks),
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
        kind if kind.over() == Over::Tls => missing(Need::Tls, adapter),
        kind if kind.over() == Over::Http2 => missing(Need::Http2, adapter),
        _ => None,
    }
}

/// Instances that come and go are made known by a reload.
fn reload_missing(adapter: &Adapter) -> Option<String> {
    adapter.reload_signal.is_none().then(|| "reload: none".to_owned())
}
