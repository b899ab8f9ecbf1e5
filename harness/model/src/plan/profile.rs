//! How much a host can bear: the whole of a scenario, or a small profile of it.
//!
//! The command line and `grade` measure the host and ask [`HostProfile::choose`]; the plan keeps the answer with the figures
//! that decided, checks and reports read it there. What a check asks is never changed, only how large bodies are and
//! whether latencies are judged.

use serde::{Deserialize, Serialize};

use super::{Plan, StepKind};
use harness_platform::HostFacts;

/// With less memory than this the small profile is chosen: harness, proxy and system need about half of it.
pub const SMALL_BELOW_BYTES: u64 = 1 << 30;
/// With less than this many CPUs as well: times are then those of the quota, not of the proxy.
pub const SMALL_BELOW_CPUS: f64 = 1.0;
/// Longest body of the small profile.
pub const SMALL_BODY_BYTES: u64 = 5 << 20;

/// One of the profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProfileName {
    /// No body over 5 MiB, and no limit on a latency is judged.
    Small,
    /// Everything as the scenario has it.
    Standard,
}

/// The profile of a run, and why it is that one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostProfile {
    /// Which.
    pub name: ProfileName,
    /// Whether somebody asked for it; otherwise the figures decided.
    pub asked_for: bool,
    /// Memory that may be used, in bytes: the least of what is free and what the control group allows, where known.
    pub memory_bytes: Option<u64>,
    /// CPUs that may be used: the less of those allowed and the quota of the control group.
    pub cpus: f64,
    /// Bodies that were cut down to 5 MiB.
    pub bodies_cut: usize,
}

impl HostProfile {
    /// The profile that was asked for, or the one that fits the host.
    pub fn choose(asked_for: Option<ProfileName>, host: &HostFacts) -> HostProfile {
        let memory_bytes = [host.memory_available_bytes, host.memory_limit_bytes].into_iter().flatten().min();
        let cpus = host.cpu_quota.map_or(host.cores as f64, |quota| quota.min(host.cores as f64));
        let short = memory_bytes.is_some_and(|bytes| bytes < SMALL_BELOW_BYTES) || cpus < SMALL_BELOW_CPUS;
        let measured = if short { ProfileName::Small } else { ProfileName::Standard };
        HostProfile {
            name: asked_for.unwrap_or(measured),
            asked_for: asked_for.is_some(),
            memory_bytes,
            cpus,
            bodies_cut: 0,
        }
    }

    /// Whether it is the small one.
    pub fn is_small(&self) -> bool {
        self.name == ProfileName::Small
    }
}

impl Plan {
    /// The same within a profile.
    pub fn within(mut self, profile: &HostProfile) -> Plan {
        let mut profile = profile.clone();
        if profile.is_small() {
            profile.bodies_cut = self.cut_bodies();
        }
        self.profile = Some(profile);
        self
    }

    /// Whether limits on latencies are left unjudged.
    pub fn is_small(&self) -> bool {
        self.profile.as_ref().is_some_and(HostProfile::is_small)
    }

    fn cut_bodies(&mut self) -> usize {
        let scripts = self.backends.own.values_mut().chain([&mut self.backends.script]);
        let mut cut: usize = scripts.map(|script| script.keep_bodies_within(SMALL_BODY_BYTES)).sum();
        for step in &mut self.steps {
            let bytes = match &mut step.kind {
                StepKind::Serial(serial) => &mut serial.body_bytes,
                StepKind::Exact(exact) => &mut exact.body_bytes,
                _ => continue,
            };
            if *bytes > SMALL_BODY_BYTES {
                *bytes = SMALL_BODY_BYTES;
                cut += 1;
            }
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::{HostProfile, ProfileName};
    use harness_platform::HostFacts;

    fn host(available: u64, limit: Option<u64>, cores: usize, quota: Option<f64>) -> HostFacts {
        HostFacts {
            memory_available_bytes: Some(available << 20),
            memory_limit_bytes: limit.map(|limit| limit << 20),
            cores,
            cpu_quota: quota,
            ..HostFacts::default()
        }
    }

    #[test]
    fn the_least_of_what_is_allowed_decides_unless_somebody_asks() {
        for (facts, name) in [
            (host(8_000, None, 2, None), ProfileName::Standard),
            (host(8_000, Some(768), 2, None), ProfileName::Small),
            (host(900, None, 2, None), ProfileName::Small),
            (host(8_000, None, 2, Some(0.5)), ProfileName::Small),
            (host(8_000, Some(4_000), 1, Some(2.0)), ProfileName::Standard),
        ] {
            assert_eq!(HostProfile::choose(None, &facts).name, name, "{facts:?}");
        }
        let asked = HostProfile::choose(Some(ProfileName::Standard), &host(100, None, 1, Some(0.1)));
        assert!(!asked.is_small() && asked.asked_for);
        assert_eq!((asked.memory_bytes, asked.cpus), (Some(100 << 20), 0.1));
    }

    #[test]
    fn bodies_are_cut_and_counted() {
        let text = "name: a\ntitle: {en: a, es: a}\ncovers: [REQ-6]\nproxy: {ttl: 2s}\nbackends:\n  count: 1\n  script:\n    otherwise: {respond: {body: 100MiB}}\nsteps:\n  - exchange: {asks: forward.body, method: POST, path: /a, body: 9MiB}\nchecks:\n  forward.body:\n";
        let adapter = crate::adapter::resolve(
            &std::sync::Arc::from(crate::adapter::built_in::text_of("nginx").unwrap()),
            std::path::Path::new("nginx.yaml"),
        )
        .unwrap();
        let plan = crate::plan::resolve(
            text,
            std::path::Path::new("a.yaml"),
            &adapter,
            &crate::plan::Options::default(),
        )
        .unwrap();
        let small =
            plan.clone().within(&HostProfile::choose(Some(ProfileName::Small), &HostFacts::default()));
        assert!(small.is_small());
        assert_eq!(small.profile.unwrap().bodies_cut, 2);
        let standard = plan.within(&HostProfile::choose(Some(ProfileName::Standard), &HostFacts::default()));
        assert_eq!(standard.profile.unwrap().bodies_cut, 0);
    }
}
