//! Plans of steps as tests need them, so that each test writes down only what it is about.
//!
//! The tests of the modules below use them: checks, fleets, reports. Nothing here is part of the product.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Connections, Exact, Executor, FleetPlan, Level, Load, LoadShape, Policy, Stage};
use crate::adapter::{Adapter, CacheMedium, Capabilities, Program, Resolution, TtlSource};
use crate::catalogue::CheckId;

/// So many requests per second over so many seconds.
pub fn rate(rate_per_second: f64, seconds: u64) -> Executor {
    Executor::ConstantArrivalRate {
        rate_per_second,
        duration: Duration::from_secs(seconds),
        max_in_flight: 100,
    }
}

/// So many clients for so many seconds.
pub fn clients(vus: u32, seconds: u64) -> Executor {
    Executor::ConstantVus { vus, duration: Duration::from_secs(seconds), iterations: 0 }
}

/// A load of GETs on targets of their own, of which only numbers are kept.
pub fn load(tag: &str, executor: Executor) -> Load {
    Load {
        executor,
        method: "GET".into(),
        path: "/{n}".into(),
        keys: 0,
        warmup: Duration::ZERO,
        tag: tag.into(),
        timeout: Duration::from_secs(1),
        connections: Connections::One,
        shape: LoadShape::default(),
    }
}

/// The same with a journal at the backends.
pub fn load_with_journal(tag: &str, executor: Executor) -> Load {
    Load { shape: LoadShape { journal: true, ..LoadShape::default() }, ..load(tag, executor) }
}

/// Plain GETs, one after the other.
pub fn exact(asks: CheckId, path: &str, times: u32) -> Exact {
    Exact {
        asks,
        method: "GET".into(),
        path: path.into(),
        fields: Vec::new(),
        long_head_bytes: 0,
        body_bytes: 0,
        chunked: false,
        cut: Vec::new(),
        pause: Duration::ZERO,
        http10: false,
        times,
        at_once: 1,
        keep: false,
        pipelined: false,
        leaves_after: None,
        over: Default::default(),
        renews_certificate: false,
        misuse: None,
        beside: None,
        within: Duration::from_secs(5),
        keep_asking: None,
        keep_waiting: None,
    }
}

/// Two to six instances of 100 requests per second each; low, high and low again.
pub fn fleet(policies: Vec<Policy>) -> FleetPlan {
    FleetPlan {
        scale: 60.0,
        stands_for: None,
        least: 2,
        most: 6,
        start: None,
        provisioning: 120.0,
        places: 2,
        service: "exponential(20ms)".parse().unwrap(),
        period: 30.0,
        policies,
        load: [(60.0, 60.0), (60.0, 240.0), (260.0, 1200.0), (260.0, 600.0), (60.0, 60.0), (60.0, 3000.0)]
            .map(|(to_per_second, over)| Stage { to_per_second, over })
            .to_vec(),
        fails: Vec::new(),
        timeout: Duration::from_secs(5),
    }
}

/// The policies of the case for that fleet; occupancy must be high for so many seconds before anything is added.
pub fn fleet_policies(lasting: f64) -> Vec<Policy> {
    vec![
        Policy::Out { above: Level::Occupancy(0.65), lasting, add: 2, cooldown: 60.0 },
        Policy::In { below: Level::Occupancy(0.25), lasting: 600.0, remove: 1, cooldown: 120.0 },
    ]
}

/// The adapter of a proxy that caches on disk.
pub fn adapter() -> Adapter {
    Adapter {
        name: "test".to_owned(),
        title: "Test".to_owned(),
        origin: "built in".to_owned(),
        program: Program::Installed { name: "proxy".to_owned(), advice: None },
        version: Vec::new(),
        copy_from: None,
        build: Vec::new(),
        tls_features: Vec::new(),
        directories: Vec::new(),
        files: BTreeMap::new(),
        start: Vec::new(),
        environment: BTreeMap::new(),
        stdin: None,
        terminal: true,
        stop_signal: "SIGTERM".to_owned(),
        stop_within: Duration::from_secs(5),
        reload_signal: None,
        ready_within: Duration::from_secs(5),
        rebind_within: Duration::from_secs(5),
        fixed_port: None,
        fixed_host: None,
        touch: Vec::new(),
        rewrites: Vec::new(),
        backends: Default::default(),
        network: Default::default(),
        hosts: Default::default(),
        request: Default::default(),
        commands: Default::default(),
        limits: Default::default(),
        log_file: Some("proxy.log".to_owned()),
        cache_directory: None,
        wipe: Vec::new(),
        capabilities: Capabilities {
            cache: CacheMedium::Disk,
            ttl: TtlSource::Arguments,
            ttl_resolution: Resolution::default(),
            ttl_step: Duration::from_millis(1),
            rotations: 1,
            store_lag: Duration::ZERO,
            settings: Vec::new(),
            reference: None,
        },
    }
}
