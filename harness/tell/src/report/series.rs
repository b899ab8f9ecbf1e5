//! Series over a run that several pages show: the attempts that rotation is judged on, the life and the resources of the proxy.
//!
//! `plot` and `html` read them from here. They are taken from the record as they are; nothing is judged.

use std::collections::HashMap;

use fake_backends::journal::Attempt;

use super::Source;
use harness_model::history::{EventKind, HostNoise, Purpose, ResourceSample};
use harness_model::plan::StepKind;

/// A phase of a run in which the rotation is judged: requests of one kind, asked while the proxy was told of one list of backends.
#[derive(Clone, Debug)]
pub(super) struct RotationPhase<'a> {
    /// Whether they were asked in batches, many at once.
    pub(super) in_batches: bool,
    /// How many backends the proxy was told of.
    pub(super) told: usize,
    /// What reached them, in the order of arrival.
    pub(super) attempts: Vec<&'a Attempt>,
}

/// The phases of a run in which rotation is judged, in their order: over several lists, or of series and batches together, a share says
/// nothing.
pub(super) fn rotation_phases<'a>(source: &Source<'a>) -> Vec<RotationPhase<'a>> {
    let plan = source.plan();
    let phase_of = |step: usize| {
        let in_batches = match plan.steps.get(step).map(|step| &step.kind)? {
            StepKind::Serial(_) => false,
            StepKind::Batches(_) => true,
            _ => return None,
        };
        Some((in_batches, plan.backends_at(step)))
    };
    let step_at = |line: usize| source.events().get(line).and_then(|event| event.step);
    let mut targets: HashMap<&str, Vec<(bool, usize)>> = HashMap::new();
    for (line, exchange) in source.exchanges() {
        let is_judged =
            matches!(exchange.purpose, Purpose::Serial | Purpose::Batch) && exchange.method == "GET";
        if let Some(phase) = step_at(line).and_then(phase_of).filter(|_| is_judged) {
            targets.entry(exchange.target.as_str()).or_default().push(phase);
        }
    }
    let mut phases: Vec<RotationPhase<'a>> = Vec::new();
    for (line, attempt) in source.attempts() {
        let Some(asked) = targets.get(attempt.target.as_str()) else { continue };
        // What was recorded when the step was over belongs to the only one that asked; under another list it belongs to none.
        let (step, only) = (step_at(line), asked.iter().all(|phase| *phase == asked[0]).then_some(asked[0]));
        let at_its_step = step.and_then(phase_of).filter(|phase| asked.contains(phase));
        let under_it = |phase: &(bool, usize)| step.is_none_or(|step| plan.backends_at(step) == phase.1);
        let Some((in_batches, told)) = at_its_step.or(only.filter(under_it)) else { continue };
        match phases.iter_mut().find(|phase| (phase.in_batches, phase.told) == (in_batches, told)) {
            Some(phase) => phase.attempts.push(attempt),
            None => phases.push(RotationPhase { in_batches, told, attempts: vec![attempt] }),
        }
    }
    for phase in &mut phases {
        phase.attempts.sort_by_key(|attempt| attempt.arrived);
    }
    phases
}

/// One start of the proxy, seconds since the start of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lifetime {
    pub(super) launch: u32,
    pub(super) started: f64,
    /// When it had answered; `None` where it never did.
    pub(super) ready: Option<f64>,
    /// When it ended; the end of the run where nobody saw it end.
    pub(super) ended: f64,
    pub(super) killed: bool,
    /// It ended although nobody had told it to.
    pub(super) died: bool,
}

/// All starts of the proxy, in order.
pub(super) fn lifetimes(source: &Source<'_>) -> Vec<Lifetime> {
    let end = source.end().0 as f64 / 1e9;
    let mut all: Vec<Lifetime> = Vec::new();
    for event in source.events() {
        let at = event.at.0 as f64 / 1e9;
        let of = |all: &mut Vec<Lifetime>, launch: u32| all.iter().rposition(|life| life.launch == launch);
        match &event.event {
            EventKind::ProxyStarting { launch, .. } => {
                all.push(Lifetime {
                    launch: *launch,
                    started: at,
                    ready: None,
                    ended: end,
                    killed: false,
                    died: false,
                });
            }
            EventKind::ProxyReady { launch, .. } => {
                if let Some(index) = of(&mut all, *launch) {
                    all[index].ready = Some(at);
                }
            }
            EventKind::ProxySignalled { launch, signal } if signal == "SIGKILL" => {
                if let Some(index) = of(&mut all, *launch) {
                    all[index].killed = true;
                    all[index].ended = at;
                }
            }
            EventKind::ProxyExited(exit) => {
                if let Some(index) = of(&mut all, exit.launch) {
                    if !all[index].killed {
                        all[index].ended = at;
                    }
                    all[index].died = !exit.expected;
                }
            }
            _ => {}
        }
    }
    all
}

/// Resource samples with their second.
pub(super) fn resources(source: &Source<'_>) -> Vec<(f64, ResourceSample)> {
    source
        .events()
        .iter()
        .filter_map(|event| match &event.event {
            EventKind::Resources(sample) => Some((event.at.0 as f64 / 1e9, *sample)),
            _ => None,
        })
        .collect()
}

/// Host noise samples.
pub(super) fn noise(source: &Source<'_>) -> Vec<HostNoise> {
    source
        .events()
        .iter()
        .filter_map(|event| if let EventKind::HostNoise(noise) = &event.event { Some(*noise) } else { None })
        .collect()
}

/// Use of the CPU between samples, in percent of one core; a start in between begins anew.
pub(super) fn cpu_percent(samples: &[(f64, ResourceSample)]) -> Vec<(f64, f64)> {
    samples
        .windows(2)
        .filter_map(|pair| {
            let ((from, before), (to, after)) = (pair[0], pair[1]);
            let used = after.cpu.checked_sub(before.cpu)?.as_secs_f64();
            (to > from).then(|| (to, used / (to - from) * 100.0))
        })
        .collect()
}

/// At most `most` of many points, the largest of each stretch kept: peaks matter.
pub(super) fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most || most == 0 {
        return points.to_vec();
    }
    points
        .chunks(points.len().div_ceil(most))
        .filter_map(|stretch| stretch.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{cpu_percent, lifetimes, resources, thinned};
    use crate::report::testkit::RunBuilder;

    #[test]
    fn a_kill_ends_a_life_and_the_next_start_begins_another() {
        let run = RunBuilder::new("crash").ready().crashes(2).build();
        let lives = lifetimes(&run.source());
        assert_eq!(lives.len(), 3);
        assert!(lives[0].killed && lives[1].killed && !lives[2].killed);
        assert!(
            lives[0].ended <= lives[1].started && lives.iter().all(|life| !life.died && life.ready.is_some())
        );
    }

    #[test]
    fn cpu_is_the_difference_between_samples() {
        let run = RunBuilder::new("load").ready().load("steady", 100, 0).build();
        let cpu = cpu_percent(&resources(&run.source()));
        assert_eq!(cpu.len(), 4);
        assert!(cpu.iter().all(|(_, percent)| (8.9..9.1).contains(percent)), "{cpu:?}");
    }

    #[test]
    fn thinning_keeps_the_peaks() {
        let points: Vec<(f64, f64)> =
            (0..1000).map(|i| (f64::from(i), if i == 777 { 9.0 } else { 1.0 })).collect();
        let thin = thinned(&points, 50);
        assert!(thin.len() <= 50 && thin.contains(&(777.0, 9.0)));
    }
}
