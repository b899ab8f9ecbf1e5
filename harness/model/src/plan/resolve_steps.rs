//! The steps of a plan from those of a scenario: labels looked up, repetitions unrolled, windows computed.
//!
//! Used by [`super::resolve`] alone. Every problem is collected; a step with one is left out, and the plan with it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::ground::{Source, settings};
use super::resolve_load::{resolve_capacity, resolve_load};
use super::{
    BackendChange, Batches, CaseStep, CloudStep, CrashLoad, Exact, Fill, FleetPlan, Handshakes, Load,
    Overlap, Overtake, Probe, ProbeTime, ProxySettings, Reread, Restart, Serial, Sliding, Step, StepKind,
};
use crate::adapter::{Adapter, CacheMedium, Capabilities, TtlSource};
use crate::catalogue::CheckId;
use crate::scenario::{
    BackendsStep, ExchangeStep, LoadStep, NameKind, Problem, ProxyFile, RereadKeys, StepFile, What, Which,
};
use crate::terms::Over;

/// Probes lie this far beyond the declared resolution on either side of the TTL.
const WINDOW: Duration = Duration::from_millis(400);
/// Between two segments of a request, where nothing is said: longer than any read that merely came late.
const SEGMENT_PAUSE: Duration = Duration::from_millis(150);
/// An exact request is answered within this time, where nothing is said.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// Most rounds of all `repeat`s together, those inside others multiplied: each is unrolled into the plan.
const MOST_ROUNDS: u32 = 10_000;
/// Most steps of a plan, which is held in memory and written into the record.
const MOST_STEPS: usize = 100_000;
/// Most requests of a step of batches.
const MOST_IN_BATCHES: u64 = 1_000_000;
/// Rounds of crashes for a proxy that declares no cache on disk.
const CRASHES_IN_MEMORY: u32 = 3;

/// Unrolls steps.
pub(super) struct Resolver<'a> {
    source: &'a Source,
    adapter: &'a Adapter,
    backends: usize,
    settings: ProxySettings,
    steps: Vec<Step>,
    labels: BTreeMap<String, usize>,
    problems: Vec<Problem>,
    rounds: u32,
}

impl<'a> Resolver<'a> {
    pub fn new(
        source: &'a Source,
        adapter: &'a Adapter,
        backends: usize,
        settings: ProxySettings,
    ) -> Resolver<'a> {
        Resolver {
            source,
            adapter,
            backends,
            settings,
            steps: Vec::new(),
            labels: BTreeMap::new(),
            problems: Vec::new(),
            rounds: 0,
        }
    }

    pub fn finish(self) -> (Vec<Step>, BTreeMap<String, usize>, Vec<Problem>) {
        (self.steps, self.labels, self.problems)
    }

    pub fn all(&mut self, steps: &[Spanned<StepFile>], cycle: u32) {
        for step in steps {
            self.one(step, cycle);
        }
    }

    fn one(&mut self, written: &Spanned<StepFile>, cycle: u32) {
        let (label, kind) = match &written.value {
            StepFile::Repeat(repeat) => {
                let crashes = repeat.steps.iter().any(|step| matches!(step.value, StepFile::Crash(_)));
                let on_disk = self.adapter.capabilities.cache == CacheMedium::Disk;
                // What a crash leaves of a cache in memory is known; what remains to be seen is whether it starts again.
                let times =
                    if crashes && !on_disk { repeat.times.min(CRASHES_IN_MEMORY) } else { repeat.times };
                for round in 0..times {
                    let before = self.problems.len();
                    self.rounds += 1;
                    if self.rounds > MOST_ROUNDS {
                        self.refuse(
                            written,
                            format!("{} rounds are too many: at most {MOST_ROUNDS}", self.rounds),
                        );
                        break;
                    }
                    self.all(&repeat.steps, round);
                    // The same problem once, not once a round.
                    if self.problems.len() > before {
                        break;
                    }
                }
                return;
            }
            StepFile::Fill(fill) => {
                let kind = StepKind::Fill(Fill {
                    keys: fill.keys,
                    path: fill.path.clone(),
                    vus: fill.vus.max(1),
                    confirm: fill.confirm.min(fill.keys),
                    spread: fill.spread.map_or(Duration::ZERO, |span| span.0),
                });
                (fill.label.clone(), Some(kind))
            }
            StepFile::Probe(probe) => {
                (probe.label.clone(), self.probe(written, &probe.of, probe.window.map(|w| w.0)))
            }
            StepFile::Slide(slide) => {
                let kind = self.ttl(written).map(|ttl| {
                    StepKind::Sliding(Sliding {
                        keys: slide.keys,
                        path: slide.path.clone(),
                        every: slide.every.0,
                        // Longer than the TTL and its resolution, or a prolonged life could not be seen.
                        duration: slide
                            .duration
                            .0
                            .max(ttl + self.adapter.capabilities.ttl_resolution.late + 3 * slide.every.0),
                        ttl,
                    })
                });
                (slide.label.clone(), kind)
            }
            StepFile::Reread(reread) => {
                let kind = self.filled(&reread.of).map(|of| {
                    StepKind::Reread(Reread {
                        of,
                        confirmed_only: reread.keys == RereadKeys::Confirmed,
                        crash_keys: reread.crash_keys,
                        vus: reread.vus.max(1),
                    })
                });
                (reread.label.clone(), kind)
            }
            StepFile::Serial(serial) => {
                let kind = StepKind::Serial(Serial {
                    requests: serial.requests,
                    method: serial.method.clone(),
                    path: serial.path.clone(),
                    body_bytes: serial.body.map_or(0, |size| size.0),
                    connections: serial.connections,
                    client: serial.client,
                });
                (serial.label.clone(), Some(kind))
            }
            StepFile::Batches(batches) => {
                let requests = u64::from(batches.count) * u64::from(batches.size);
                if requests > MOST_IN_BATCHES {
                    self.refuse(
                        written,
                        format!("{requests} requests are too many: at most {MOST_IN_BATCHES}"),
                    );
                    return;
                }
                let kind = StepKind::Batches(Batches {
                    count: batches.count,
                    size: batches.size.max(1),
                    path: batches.path.clone(),
                    connections: batches.connections,
                });
                (batches.label.clone(), Some(kind))
            }
            StepFile::Overlap(overlap) => {
                let (requests, path, deadline) = (overlap.requests, overlap.path.clone(), overlap.within.0);
                (None, Some(StepKind::Overlap(Overlap { requests, path, deadline })))
            }
            StepFile::Overtake(overtake) => {
                let kind = StepKind::Overtake(Overtake {
                    slow: overtake.slow.clone(),
                    fast: overtake.fast.clone(),
                    requests: overtake.requests,
                    slow_takes: overtake.takes.0,
                });
                (None, Some(kind))
            }
            StepFile::Load(load) => {
                let kind = match resolve_capacity(load) {
                    None => self.load(written, load).map(StepKind::Load),
                    Some(Ok(search)) => Some(StepKind::Capacity(search)),
                    Some(Err(why)) => {
                        self.refuse(written, why);
                        None
                    }
                };
                (Some(load.tag.clone()), kind)
            }
            StepFile::Crash(crash) => {
                let (least, most) = (crash.after.least.0, crash.after.most.0);
                if least > most {
                    let text = "`least` is longer than `most`".to_owned();
                    self.refuse(written, text);
                }
                let load = CrashLoad {
                    vus: crash.vus,
                    path: crash.path.clone(),
                    after_least: least,
                    after_most: most,
                };
                (None, Some(StepKind::Crash(load)))
            }
            StepFile::Restart(restart) => {
                restart.proxy.iter().for_each(|proxy| self.is_told(proxy));
                let changed = restart.proxy.as_ref().map(|proxy| self.other_settings(proxy));
                if let Some(changed) = &changed {
                    self.settings = changed.clone();
                }
                let kind = StepKind::Restart(Restart {
                    stop_first: restart.stop,
                    wipe: restart.wipe,
                    settings: changed,
                    downtime: restart.downtime.map_or(Duration::ZERO, |span| span.0),
                });
                (None, Some(kind))
            }
            StepFile::Backends(change) => (None, self.backends(change)),
            StepFile::Users(users) => {
                (users.label.clone(), Some(StepKind::Cloud(CloudStep::of_users(users))))
            }
            StepFile::Deliveries(deliveries) => {
                (deliveries.label.clone(), Some(StepKind::Cloud(CloudStep::of_deliveries(deliveries))))
            }
            StepFile::Fleet(fleet) => {
                let resolved = FleetPlan::of(fleet, self.backends);
                let kind = resolved
                    .map_err(|why| {
                        self.refuse(written, why);
                    })
                    .ok();
                (fleet.label.clone(), kind.map(|plan| StepKind::Cloud(CloudStep::Fleet(plan))))
            }
            StepFile::Callers(callers) => {
                (callers.label.clone(), Some(StepKind::Case(CaseStep::of_callers(callers))))
            }
            StepFile::Uploads(uploads) => {
                (uploads.label.clone(), Some(StepKind::Case(CaseStep::of_uploads(uploads))))
            }
            StepFile::Origins(origins) => {
                (origins.label.clone(), Some(StepKind::Case(CaseStep::of_origins(origins))))
            }
            StepFile::Votes(votes) => (votes.label.clone(), Some(StepKind::Case(CaseStep::of_votes(votes)))),
            StepFile::Overload(overload) => {
                let step = CaseStep::of_overload(overload).map_err(|why| {
                    self.refuse(written, why);
                });
                (Some(overload.label.clone()), step.ok().map(StepKind::Case))
            }
            StepFile::Exchange(exchange) => (exchange.label.clone(), self.exact(exchange)),
            StepFile::Handshakes(shakes) => {
                let kind = StepKind::Handshakes(Handshakes { path: shakes.path.clone() });
                (shakes.label.clone(), Some(kind))
            }
            StepFile::Wait(span) => (None, Some(StepKind::Wait { duration: span.0 })),
        };
        let Some(kind) = kind else { return };
        let index = self.steps.len();
        if index == MOST_STEPS {
            self.refuse(written, format!("{} steps are too many: at most {MOST_STEPS}", index + 1));
            return;
        }
        if let Some(label) = &label {
            self.labels.insert(label.clone(), index);
        }
        let line = self.source.line(&self.source.place(written));
        self.steps.push(Step { index, label, cycle, line, kind });
    }

    fn refuse(&mut self, written: &Spanned<StepFile>, why: String) {
        let mut place = self.source.place(written);
        // The value that the sentence begins with, where it stands there as it is.
        let value =
            why.strip_prefix('`').and_then(|rest| rest.split_once('`')).map_or("", |(value, _)| value);
        let rest = &place.text[place.bytes.start..];
        let whole = |at: &usize| !rest[..*at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let found = rest.match_indices(value).map(|(at, _)| at).find(whole);
        if let Some(at) = found.filter(|_| !value.is_empty()) {
            place.bytes = place.bytes.start + at..place.bytes.start + at + value.len();
        }
        self.problems.push(Problem::at(place, What::BadValue(why)));
    }

    fn probe(
        &mut self,
        written: &Spanned<StepFile>,
        of: &Spanned<String>,
        window: Option<Duration>,
    ) -> Option<StepKind> {
        let of = self.filled(of)?;
        let ttl = self.ttl(written)?;
        let Capabilities { ttl_resolution: resolution, store_lag, .. } = self.adapter.capabilities;
        // What is stored later may live as much longer.
        let late = resolution.late + store_lag;
        let window = window.unwrap_or(WINDOW);
        let before = (window + resolution.early).min(ttl);
        Some(StepKind::Probe(Probe {
            of,
            at: ProbeTime {
                ttl,
                before,
                after: window + late,
                undecided_before: resolution.early,
                undecided_after: late,
            },
        }))
    }

    /// The TTL in force at this step.
    fn ttl(&mut self, written: &Spanned<StepFile>) -> Option<Duration> {
        if self.settings.ttl.is_none() && self.adapter.capabilities.cache != CacheMedium::None {
            self.problems.push(Problem::at(self.source.place(written), What::NoTtl));
        }
        self.settings.ttl
    }

    fn filled(&mut self, label: &Spanned<String>) -> Option<usize> {
        let place = self.source.place(label);
        match self.labels.get(&label.value) {
            Some(&index) if matches!(self.steps[index].kind, StepKind::Fill(_) | StepKind::Sliding(_)) => {
                Some(index)
            }
            Some(_) => {
                self.problems.push(Problem::at(place, What::NotAFill(label.value.clone())));
                None
            }
            None => {
                let known = self.labels.keys().cloned().collect();
                let what = What::UnknownName { kind: NameKind::Label, name: label.value.clone(), known };
                self.problems.push(Problem::at(place, what));
                None
            }
        }
    }

    fn load(&mut self, written: &Spanned<StepFile>, load: &LoadStep) -> Option<Load> {
        match resolve_load(load) {
            Ok(load) => Some(load),
            Err(why) => {
                self.refuse(written, why);
                None
            }
        }
    }

    /// Settings of a later start. Another TTL that would be rounded up to the same one becomes the next that it can be told:
    /// the question is whether another value has another effect.
    fn other_settings(&self, proxy: &ProxyFile) -> ProxySettings {
        let mut changed = settings(proxy, self.adapter);
        let capabilities = &self.adapter.capabilities;
        let can_be_told = matches!(capabilities.ttl, TtlSource::Arguments | TtlSource::Configuration);
        let wanted = proxy.ttl.map(|ttl| ttl.0);
        if can_be_told && changed.ttl == self.settings.ttl && changed.ttl != wanted {
            changed.ttl = changed.ttl.map(|ttl| ttl + capabilities.ttl_step);
        }
        changed
    }

    fn exact(&mut self, written: &ExchangeStep) -> Option<StepKind> {
        let Ok(asks) = written.asks.value.parse() else {
            let known = CheckId::ALL.iter().map(|id| id.name().to_owned()).collect();
            let what = What::UnknownName { kind: NameKind::Check, name: written.asks.value.clone(), known };
            self.problems.push(Problem::at(self.source.place(&written.asks), what));
            return None;
        };
        if written.misuse.is_some() && written.over != Over::Http2 {
            let text = "`misuse` is something that is done with `over: http2`".to_owned();
            self.problems.push(Problem::at(self.source.place(&written.asks), What::BadValue(text)));
        }
        Some(StepKind::Exact(Exact {
            asks,
            method: written.method.clone(),
            path: written.path.clone(),
            fields: written.fields.iter().map(ToString::to_string).collect(),
            long_head_bytes: written.long_head.map_or(0, |size| size.0),
            body_bytes: written.body.map_or(0, |size| size.0),
            chunked: written.chunked,
            cut: written.cut.clone(),
            pause: written.pause.map_or(SEGMENT_PAUSE, |span| span.0),
            http10: written.http10,
            times: written.times,
            at_once: written.at_once.max(1),
            keep: written.keep,
            pipelined: written.pipelined,
            leaves_after: written.leaves_after.map(|size| size.0),
            over: written.over,
            renews_certificate: written.renews_certificate,
            misuse: written.misuse,
            beside: written.beside,
            within: written.within.map_or(ANSWERED_WITHIN, |span| span.0),
            keep_asking: written.keep_asking.map(|span| span.0),
            keep_waiting: written.keep_waiting.map(|span| span.0),
        }))
    }

    /// A proxy can be told of no more backends than there are.
    pub(super) fn is_told(&mut self, proxy: &ProxyFile) {
        if let Some(told) = proxy.backends.as_ref().filter(|told| told.value > self.backends) {
            let why = format!("`{}` is too many: at most {}", told.value, self.backends);
            self.problems.push(Problem::at(self.source.place(told), What::BadValue(why)));
        }
    }

    fn backends(&mut self, change: &BackendsStep) -> Option<StepKind> {
        let (names, up) = match change {
            BackendsStep::Down(names) => (names, false),
            BackendsStep::Up(names) => (names, true),
        };
        let Spanned { value: Which(text), .. } = names;
        if text == "all" {
            return Some(StepKind::Backends(BackendChange { which: (0..self.backends).collect(), up }));
        }
        let mut which = Vec::new();
        for name in text.split_whitespace() {
            match (0..self.backends).find(|index| format!("b{}", index + 1) == name) {
                Some(index) => which.push(index),
                None => {
                    let known = (1..=self.backends).map(|n| format!("b{n}")).chain(["all".into()]).collect();
                    let what = What::UnknownName { kind: NameKind::Backend, name: name.to_owned(), known };
                    self.problems.push(Problem::at(self.source.place(names), what));
                }
            }
        }
        (!which.is_empty()).then_some(StepKind::Backends(BackendChange { which, up }))
    }
}
