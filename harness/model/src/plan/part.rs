//! A part of a plan: only some of its checks, and of its steps only those that these checks need.
//!
//! `cli` asks for it (`--only`, `--failed`), so that one check repeats in seconds. It leaves out what no chosen check reads, keeps
//! what brings the proxy into the state that the rest needs, and changes no step that it keeps.

use super::{CheckPlan, Plan, Step, StepKind, estimate};
use crate::catalogue::{CheckId, Control, Reads};

impl Plan {
    /// This plan with only these checks. Steps keep their order and are numbered anew; where a check reads everything, so
    /// does the part.
    #[must_use]
    pub fn only(&self, checks: &[CheckId]) -> Plan {
        let mut part = self.clone();
        part.checks.retain(|check| checks.contains(&check.id));
        // Figures of a part are others than those of the whole.
        part.thresholds.clear();
        let read = |step: &Step| {
            let state = |check: &CheckPlan| step.kind.changes_state() && reads(check.id, &step.kind);
            part.checks.iter().any(|check| check.reads(step) || state(check))
        };
        let mut kept: Vec<bool> = self.steps.iter().map(read).collect();
        self.add_controls(&part.checks, &mut kept);
        add_failures_seen(&self.steps, &mut kept);
        add_what_is_referred_to(&self.steps, &mut kept);
        add_state(&self.steps, &mut kept);
        let mut places = vec![0; self.steps.len()];
        let mut next = 0;
        for (place, kept) in kept.iter().enumerate() {
            places[place] = next;
            next += usize::from(*kept);
        }
        part.steps =
            self.steps.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(s, _)| s.clone()).collect();
        for step in &mut part.steps {
            step.index = places[step.index];
            match &mut step.kind {
                StepKind::Probe(probe) => probe.of = places[probe.of],
                StepKind::Reread(reread) => reread.of = places[reread.of],
                _ => {}
            }
        }
        part.estimated = estimate::of(&part);
        part
    }

    /// What only proves an absence needs its positive counterpart in the same run: the first step that can show it.
    fn add_controls(&self, checks: &[CheckPlan], kept: &mut [bool]) {
        for control in checks.iter().filter_map(|check| check.id.control()) {
            let shows = |step: &&Step| match (control, &step.kind) {
                (Control::Hits, StepKind::Fill(fill)) => fill.confirm > 0,
                (Control::Answers | Control::EveryBackend, StepKind::Exact(exact)) => {
                    exact.asks == CheckId::ForwardOnce
                }
                (Control::EveryBackend, StepKind::Serial(serial)) => {
                    serial.requests >= self.backends.count as u32
                }
                _ => false,
            };
            if let Some(step) = self.steps.iter().find(shows) {
                kept[step.index] = true;
            }
        }
    }
}

impl CheckPlan {
    /// Whether it looks at what is asked in a step.
    pub fn reads(&self, step: &Step) -> bool {
        let labels = &self.parameters.steps;
        let confined = labels.is_empty() || step.label.as_ref().is_some_and(|label| labels.contains(label));
        confined && !step.kind.changes_state() && reads(self.id, &step.kind)
    }
}

/// Whether a check may look at a step of this kind. What changes the state is kept for those that look at exchanges.
fn reads(check: CheckId, kind: &StepKind) -> bool {
    let reads = check.reads();
    if let StepKind::Exact(exact) = kind {
        let of_the_log = reads == Reads::ExchangesOfTheLog && exact.asks.is_about_the_log();
        return exact.asks == check || of_the_log || reads == Reads::Everything;
    }
    match reads {
        Reads::Everything | Reads::AnyStep => true,
        Reads::OwnExchanges | Reads::ExchangesOfTheLog => kind.changes_state(),
        Reads::Steps(names) => names.contains(&kind.name()),
    }
}

/// Whether a backend that is back is asked again shows only where somebody has met its failure: what is asked while it is down.
fn add_failures_seen(steps: &[Step], kept: &mut [bool]) {
    let is_about_it = |place: usize| {
        kept[place]
            && matches!(&steps[place].kind, StepKind::Exact(exact) if exact.asks == CheckId::FailuresRecovery)
    };
    let last = |before: usize, up: bool| {
        (0..before)
            .rev()
            .find(|&place| matches!(&steps[place].kind, StepKind::Backends(change) if change.up == up))
    };
    let ranges = (0..steps.len()).filter(|&place| is_about_it(place)).filter_map(|place| {
        let back = last(place, true)?;
        Some(last(back, false)?..back)
    });
    for between in ranges.collect::<Vec<_>>() {
        between.filter(|&place| !steps[place].kind.changes_state()).for_each(|place| kept[place] = true);
    }
}

/// Keys that are probed or read again must have been filled.
fn add_what_is_referred_to(steps: &[Step], kept: &mut [bool]) {
    for place in (0..steps.len()).rev().filter(|&place| kept[place]).collect::<Vec<_>>() {
        let of = match &steps[place].kind {
            StepKind::Probe(probe) => probe.of,
            StepKind::Reread(reread) => reread.of,
            _ => continue,
        };
        if let Some(kept) = kept.get_mut(of) {
            *kept = true;
        }
    }
}

/// A restart with other settings, and backends that come and go, concern every step after them; whoever is killed must be
/// started again. What nobody asks anything after is left out.
fn add_state(steps: &[Step], kept: &mut [bool]) {
    let asks_later = |kept: &[bool], from: usize| {
        (from..steps.len()).any(|place| kept[place] && !steps[place].kind.changes_state())
    };
    for place in 0..steps.len() {
        let needed = match &steps[place].kind {
            StepKind::Backends(_) => true,
            StepKind::Restart(restart) => restart.settings.is_some() || restart.wipe,
            _ => continue,
        };
        kept[place] |= needed && asks_later(kept, place);
    }
    // Between a kill and a start nothing is there to be asked: both, or neither.
    let mut killed: Option<usize> = None;
    for place in 0..steps.len() {
        match &steps[place].kind {
            StepKind::Crash(_) => killed = Some(place),
            StepKind::Restart(_) => {
                if let Some(crash) = killed.take() {
                    let both = kept[place] || kept[crash];
                    kept[place] = both;
                    kept[crash] = both;
                }
            }
            _ => {}
        }
    }
    // Waiting matters between two questions only.
    for place in 0..steps.len() {
        if matches!(steps[place].kind, StepKind::Wait { .. }) && kept[place] {
            let before = (0..place).any(|earlier| kept[earlier]);
            kept[place] = before && asks_later(kept, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crate::adapter::{self, built_in};
    use crate::catalogue::CheckId;
    use crate::plan::{Options, Plan, StepKind, resolve};

    fn plan(steps: &str, checks: &str) -> Plan {
        let text = format!(
            "name: part\ntitle: {{en: a, es: b}}\ncovers: [REQ-8]\nproxy: {{ttl: 1s}}\n\
             backends: {{count: 3, script: {{otherwise: {{respond: {{body: 1KiB}}}}}}}}\nsteps:\n{steps}checks:\n{checks}"
        );
        let own = built_in::text_of("pibl").unwrap();
        let adapter = adapter::resolve(&Arc::from(own), Path::new("pibl.yaml")).unwrap();
        resolve(&text, Path::new("part.yaml"), &adapter, &Options::default()).unwrap()
    }

    const STEPS: &str = "  - fill: {keys: 5, path: \"/a/{key}\", confirm: 5, as: a}\n  - probe: {of: a}\n\
                         \x20 - serial: {requests: 9, path: \"/s/{n}\"}\n  - wait: 1s\n  - crash: {after: {least: 1s, most: 1s}}\n  - restart: {}\n\
                         \x20 - restart: {stop: true, wipe: true, proxy: {ttl: 2s}}\n\
                         \x20 - fill: {keys: 5, path: \"/b/{key}\", as: b}\n  - probe: {of: b}\n";

    fn names(plan: &Plan) -> Vec<&'static str> {
        plan.steps
            .iter()
            .map(|step| match step.kind {
                StepKind::Fill(_) => "fill",
                StepKind::Probe(_) => "probe",
                StepKind::Serial(_) => "serial",
                StepKind::Crash(_) => "crash",
                StepKind::Restart(_) => "restart",
                StepKind::Wait { .. } => "wait",
                _ => "other",
            })
            .collect()
    }

    #[test]
    fn one_check_needs_its_own_steps_alone() {
        let whole = plan(STEPS, "  rr.serial_cycle:\n  ttl.expiry:\n  cache.hit:\n");
        let part = whole.only(&[CheckId::RotationSerialCycle]);
        assert_eq!(names(&part), ["serial"]);
        assert_eq!(part.steps[0].index, 0);
        assert!(part.estimated < whole.estimated);
        assert_eq!(part.checks.len(), 1);
    }

    #[test]
    fn what_proves_an_absence_keeps_its_control() {
        let asked = "  - exchange: {asks: cache.no_store, path: \"/s\", times: 2}\n\
                     \x20 - exchange: {asks: forward.once, path: \"/p\"}\n\
                     \x20 - exchange: {asks: failures.reset, path: \"/r\"}\n";
        let whole =
            plan(&format!("{STEPS}{asked}"), "  cache.no_store:\n  failures.reset:\n  forward.once:\n");
        let part = whole.only(&[CheckId::CacheNoStore]);
        assert_eq!(names(&part)[..1], ["fill"], "{:?}", names(&part));
        assert!(names(&part).contains(&"other"));
        let part = whole.only(&[CheckId::FailuresReset]);
        assert_eq!(names(&part).iter().filter(|name| **name == "other").count(), 2, "{:?}", names(&part));
    }

    #[test]
    fn who_is_asked_for_its_recovery_is_met_while_it_is_down() {
        let steps = "  - exchange: {asks: failures.one_refuses, path: \"/before\"}\n  - backends: {down: b2}\n\
                     \x20 - exchange: {asks: failures.one_refuses, path: \"/down\"}\n  - backends: {up: all}\n\
                     \x20 - exchange: {asks: failures.recovery, path: \"/up\", keep_asking: 9s}\n";
        let whole = plan(steps, "  failures.one_refuses:\n  failures.recovery:\n");
        let part = whole.only(&[CheckId::FailuresRecovery]);
        let paths = part.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Exact(exact) => Some(exact.path.as_str()),
            _ => None,
        });
        assert_eq!(paths.collect::<Vec<_>>(), ["/down", "/up"]);
    }

    #[test]
    fn a_check_of_a_page_keeps_the_exchanges_that_name_it_alone() {
        let asked = "  - exchange: {asks: page.one_image, path: \"/p\"}\n\
                     \x20 - exchange: {asks: forward.once, path: \"/f\"}\n";
        let whole =
            plan(&format!("{STEPS}{asked}"), "  page.one_image:\n  forward.once:\n  rr.serial_cycle:\n");
        let part = whole.only(&[CheckId::PageOneImage]);
        let asks = |name| names(&part).iter().filter(|step| **step == name).count();
        assert_eq!(
            (asks("fill"), asks("serial"), asks("probe"), asks("other")),
            (0, 0, 0, 1),
            "{:?}",
            names(&part)
        );
    }

    #[test]
    fn references_follow_the_steps_and_settings_stay() {
        let whole = plan(STEPS, "  rr.serial_cycle:\n  ttl.expiry:\n  cache.hit:\n");
        let part = whole.only(&[CheckId::TtlExpiry]);
        assert_eq!(names(&part), ["fill", "probe", "restart", "fill", "probe"]);
        let of: Vec<usize> = part
            .steps
            .iter()
            .filter_map(|step| if let StepKind::Probe(probe) = &step.kind { Some(probe.of) } else { None })
            .collect();
        assert_eq!(of, [0, 3]);
    }

    #[test]
    fn who_is_killed_is_started_again_and_a_check_that_reads_everything_keeps_everything() {
        let whole = plan(STEPS, "  persistence.rebind:\n  proxy.alive:\n");
        assert_eq!(names(&whole.only(&[CheckId::ProxyAlive])), names(&whole));
        assert!(names(&whole.only(&[CheckId::PersistenceRebind])).contains(&"crash"));
    }
}
