//! The first screen in figures: how the run ended, what counts, what to mend first.
//!
//! Every page begins with it, so that terminal, Markdown and HTML can never disagree. It counts verdicts that others
//! made; it makes none.

use std::time::Duration;

use super::Source;
use super::wire::plain;
use crate::language::conduct_words::{
    adapted, listens_elsewhere, looked, not_back, port_given_up, put_off, restarted, went_on,
};
use crate::language::containment_words::only_partly_kept;
use crate::language::fleet_words::cannot_show;
use crate::language::profile_words::{profile, so_far};
use crate::language::report_words::{
    HeadlineFacts, declared_unsupported, exit_meaning, headline_of, hung_at_stop, optimal_failed,
};
use crate::language::{InWords as _, Language, Listed, Span, run_words, threshold_words};
use harness_judge::check::{Outcome, Summary, Verdict};
use harness_judge::compare::{Limited, Ruling, judge_run};
use harness_model::catalogue::CheckId;
use harness_model::exit_code::ExitCode;
use harness_model::history::{CutBy, Doubt, EventKind, HowLetGo, LetGo, NOT_OVER, NotKept, Purpose, Record};
use harness_model::plan::{CloudStep, FleetPlan, HostProfile, OnInconclusive, StepKind};

/// What the first screen says.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What the shell sees.
    pub exit: ExitCode,
    /// Why the record may not be what the run has written.
    pub doubts: Vec<Doubt>,
    /// The verdicts counted and named.
    pub summary: Summary,
    /// What would follow from the checks alone.
    pub checks: ExitCode,
    /// The thresholds, in the order of the scenario.
    pub thresholds: Vec<Limited>,
    /// How many checks there are of each outcome, in the order of [`OUTCOMES`], those with none left out.
    pub counts: Vec<(Outcome, usize)>,
    /// Length of the run.
    pub took: Duration,
    /// Requests of the clients that the ledger holds one by one.
    pub exchanges: usize,
    /// Requests that reached the backends.
    pub attempts: usize,
    /// Whether there were requests of which the backends kept no journal.
    pub some_uncounted: bool,
    /// Requests of load steps that are only counted.
    pub counted: u64,
    /// Starts of the proxy.
    pub launches: usize,
    /// Times it was killed.
    pub kills: usize,
    /// The signal that it did not end on, and how long it was waited for.
    pub hung_at_stop: Option<(String, Duration)>,
    /// Fleet steps whose run stands for more than itself.
    pub compressed: Vec<(String, FleetPlan)>,
    /// The profile, where it leaves something out.
    pub small: Option<HostProfile>,
    /// How often requests were left without an answer and it went on once every connection was closed.
    pub went_on: usize,
    /// How often it was started again because it no longer answered, or went on serving whoever had left.
    pub restarted: usize,
    /// Whether a restart was put off.
    pub put_off: bool,
    /// Whether the run went on when this was drawn.
    pub goes_on: bool,
    /// Why the run ended before its plan did, where it did.
    pub cut: Option<CutBy>,
    /// What this host could not keep a submission apart by.
    pub not_kept: Vec<NotKept>,
    /// What was done because of what the proxy did: first looks and adaptations, in their order.
    pub conduct: Vec<EventKind>,
}

/// All outcomes, the gravest first, as reports order them.
pub const OUTCOMES: [Outcome; 7] = [
    Outcome::Fail,
    Outcome::Inconclusive,
    Outcome::Blocked,
    Outcome::Skipped,
    Outcome::Unsupported,
    Outcome::Manual,
    Outcome::Pass,
];

impl Overview {
    /// Counts a run.
    pub fn of(source: &Source<'_>) -> Overview {
        let verdicts = source.verdicts;
        let count =
            |wanted: fn(&EventKind) -> bool| source.events().iter().filter(|e| wanted(&e.event)).count();
        let thresholds = source.thresholds();
        Overview {
            exit: exit_of(source.record, verdicts, &thresholds),
            doubts: source.record.doubts.clone(),
            summary: Summary::of(verdicts, source.plan().strict),
            checks: harness_judge::check::exit_code_of(verdicts, source.plan().strict),
            thresholds,
            counts: OUTCOMES
                .into_iter()
                .map(|outcome| (outcome, verdicts.iter().filter(|v| v.outcome == outcome).count()))
                .filter(|(_, number)| *number > 0)
                .collect(),
            took: Duration::from_nanos(source.end().0),
            // Of what is counted a few are kept one by one, too.
            exchanges: source
                .exchanges()
                .filter(|(line, exchange)| exchange.purpose != Purpose::Load || !is_counted(source, *line))
                .count(),
            attempts: source.attempts().count(),
            counted: source.events().iter().map(|event| counted_of(&event.event)).sum(),
            some_uncounted: source.events().iter().any(|event| {
                let step = event.step.and_then(|step| source.plan().steps.get(step));
                counted_of(&event.event) > 0 && step.is_some_and(|step| !step.kind.is_journalled())
            }),
            compressed: source
                .plan()
                .steps
                .iter()
                .filter_map(|step| match &step.kind {
                    StepKind::Cloud(CloudStep::Fleet(plan)) if plan.scale > 1.0 => {
                        let name = step.label.as_deref().unwrap_or("fleet");
                        Some((plain(name, 60), plan.clone()))
                    }
                    _ => None,
                })
                .collect(),
            launches: count(|event| matches!(event, EventKind::ProxyStarting { .. })),
            hung_at_stop: source.events().iter().rev().find_map(|event| match &event.event {
                EventKind::ProxyHungAtStop { signal, waited, .. } => Some((signal.clone(), *waited)),
                _ => None,
            }),
            not_kept: source
                .attachments
                .manifest
                .as_ref()
                .map(|manifest| manifest.facts.not_kept.clone())
                .unwrap_or_default(),
            goes_on: source.events().iter().rev().any(
                |event| matches!(&event.event, EventKind::Interrupted { reason, .. } if reason == NOT_OVER),
            ),
            went_on: count(|event| {
                matches!(event, EventKind::LetGo(LetGo { how: HowLetGo::Answered { .. }, .. }))
            }),
            restarted: count(|event| {
                matches!(event, EventKind::LetGo(LetGo { how: HowLetGo::Restarted { .. }, .. }))
            }),
            put_off: count(|event| {
                matches!(event, EventKind::LetGo(LetGo { how: HowLetGo::PutOff { .. }, .. }))
            }) > 0,
            cut: source.events().iter().find_map(|event| match event.event {
                EventKind::Interrupted { by, .. } => by,
                _ => None,
            }),
            conduct: source
                .events()
                .iter()
                .map(|event| &event.event)
                .filter(|event| is_conduct(event))
                .cloned()
                .collect(),
            small: source.plan().profile.clone().filter(HostProfile::is_small),
            kills: count(
                |event| matches!(event, EventKind::ProxySignalled { signal, .. } if signal == "SIGKILL"),
            ),
        }
    }

    /// The one sentence that matters.
    pub fn headline(&self, language: Language) -> String {
        if let Some(why) = self.doubted(language) {
            return run_words::record_doubted(language, &why);
        }
        let summary = &self.summary;
        if let Some(ruling) = self.decided_by_threshold() {
            let names = self.thresholds_ruled(ruling, language);
            return match ruling {
                Ruling::Fail => threshold_words::missed(language, &names),
                _ => threshold_words::open(language, &names),
            };
        }
        let facts = HeadlineFacts {
            exit: self.exit,
            passed: summary.passed,
            failed: &summary.failed,
            undecided: &summary.undecided,
            unsupported: &summary.unsupported,
        };
        headline_of(&facts, language)
    }

    /// What the exit code means for this run.
    pub fn meaning(&self, language: Language) -> String {
        match self.decided_by_threshold() {
            Some(Ruling::Fail) => threshold_words::missed_meaning(language),
            Some(_) => threshold_words::open_meaning(language),
            None => exit_meaning(self.exit, language),
        }
    }

    /// Why the record cannot be believed, where that is so.
    pub fn doubted(&self, language: Language) -> Option<String> {
        doubted(&self.doubts, language)
    }

    /// How thresholds were ruled, where they and no check are the reason for the exit code.
    fn decided_by_threshold(&self) -> Option<Ruling> {
        let any = |ruling| self.thresholds.iter().any(|one| one.ruling == ruling);
        match (self.exit, self.checks) {
            _ if !self.doubts.is_empty() => None,
            (ExitCode::Failed, ExitCode::Passed | ExitCode::Inconclusive) if any(Ruling::Fail) => {
                Some(Ruling::Fail)
            }
            (ExitCode::Inconclusive, ExitCode::Passed) => Some(Ruling::Inconclusive),
            _ => None,
        }
    }

    /// The thresholds of one ruling, as a list; they hold no words of a proxy.
    fn thresholds_ruled(&self, ruling: Ruling, language: Language) -> String {
        let ruled = self.thresholds.iter().filter(|one| one.ruling == ruling);
        let names: Vec<String> = ruled.map(|one| plain(&one.gate.text, 200)).collect();
        if names.is_empty() { String::new() } else { Listed(&names).in_words(language) }
    }

    /// What was done because of what the proxy did, a sentence each: it explains how everything else was asked.
    pub fn done_of_its_own_accord(&self, language: Language) -> Vec<String> {
        let sentence = |event: &EventKind| match event {
            EventKind::Look(look) => looked(language, look),
            EventKind::Adapted { adaptation, .. } => Some(adapted(language, *adaptation)),
            EventKind::ListensElsewhere { told, found } => Some(listens_elsewhere(language, *told, *found)),
            EventKind::PortGivenUp(given_up) => Some(port_given_up(language, given_up)),
            EventKind::LetGo(LetGo { how: HowLetGo::NotBack { problem, .. }, .. }) => {
                Some(not_back(language, &plain(&problem.in_words(language), 400)))
            }
            _ => None,
        };
        let mut notes: Vec<String> = self.conduct.iter().filter_map(sentence).collect();
        notes.extend(self.put_off.then(|| put_off(language)));
        notes.extend(went_on(language, self.went_on));
        notes.extend(restarted(language, self.restarted));
        notes
    }

    /// What the headline leaves unsaid and must be named all the same: optimal failures, and what is declared as unsupported.
    pub fn footnotes(&self, language: Language) -> Vec<String> {
        let names = |checks: &[CheckId]| {
            let names: Vec<&str> = checks.iter().map(|check| check.name()).collect();
            Listed(&names).in_words(language)
        };
        let mut notes = Vec::new();
        if self.goes_on {
            notes.push(so_far(language));
        }
        notes.extend(self.done_of_its_own_accord(language));
        for (ruling, said) in [
            (Ruling::Fail, threshold_words::missed_too as fn(Language, &str) -> String),
            (Ruling::Inconclusive, threshold_words::open_too),
        ] {
            let names = self.thresholds_ruled(ruling, language);
            if !names.is_empty() && self.decided_by_threshold() != Some(ruling) {
                notes.push(said(language, &names));
            }
        }
        if !self.summary.optimal_failed.is_empty() {
            notes.push(optimal_failed(language, &names(&self.summary.optimal_failed)));
        }
        if !self.summary.unsupported.is_empty() {
            notes.push(declared_unsupported(language, &names(&self.summary.unsupported)));
        }
        notes.extend(cannot_show(&self.compressed, language));
        if let Some(small) = &self.small {
            notes.push(profile(language, small));
        }
        if let Some((signal, waited)) = &self.hung_at_stop {
            notes.push(hung_at_stop(language, signal, Span(waited.as_secs_f64() * 1e3)));
        }
        if !self.not_kept.is_empty() {
            let missing: Vec<String> = self.not_kept.iter().map(|what| what.in_words(language)).collect();
            notes.push(only_partly_kept(language, &missing.join("; ")));
        }
        notes
    }
}

/// Requests that an event counts.
fn counted_of(event: &EventKind) -> u64 {
    match event {
        EventKind::LoadCounters { sent, .. } => *sent,
        EventKind::CapacityRung(rung) => rung.sent,
        _ => 0,
    }
}

/// Whether the requests of the step of an event are counted.
fn is_counted(source: &Source<'_>, line: usize) -> bool {
    let step = source.events().get(line).and_then(|event| event.step);
    source.events().iter().any(|event| event.step == step && counted_of(&event.event) > 0)
}

/// Whether an event says what was done because of what the proxy did; each of them is worth a sentence.
fn is_conduct(event: &EventKind) -> bool {
    use EventKind::{Adapted, ListensElsewhere, Look, PortGivenUp};
    let not_back = matches!(event, EventKind::LetGo(LetGo { how: HowLetGo::NotBack { .. }, .. }));
    not_back || matches!(event, Look(_) | Adapted { .. } | ListensElsewhere { .. } | PortGivenUp(_))
}

/// The exit code of a run as its record tells it.
///
/// A run that was interrupted is that before all else; a proxy that never got ready leaves nothing to judge; otherwise the
/// verdicts and the thresholds decide, the gravest of them. A bug of the harness leaves no verdicts and never comes here.
pub fn exit_code(record: &Record, verdicts: &[Verdict]) -> ExitCode {
    exit_of(record, verdicts, &judge_run(record))
}

fn exit_of(record: &Record, verdicts: &[Verdict], thresholds: &[Limited]) -> ExitCode {
    let any = |wanted: fn(&EventKind) -> bool| record.events.iter().any(|event| wanted(&event.event));
    if any(|event| matches!(event, EventKind::Interrupted { by: Some(CutBy::Time), .. })) {
        ExitCode::TimeOver
    } else if any(|event| matches!(event, EventKind::Interrupted { .. })) {
        ExitCode::Interrupted
    } else if !any(|event| matches!(event, EventKind::ProxyReady { .. })) {
        ExitCode::ProxyNotReady
    } else {
        let of_checks = harness_judge::check::exit_code_of(verdicts, record.plan.strict);
        let of_thresholds = thresholds.iter().map(|one| match (one.ruling, record.plan.on_inconclusive) {
            (Ruling::Fail, _) => ExitCode::Failed,
            (Ruling::Inconclusive, OnInconclusive::Fail) => ExitCode::Inconclusive,
            (Ruling::Inconclusive, OnInconclusive::Warn) | (Ruling::Pass, _) => ExitCode::Passed,
        });
        // What cannot be believed has not passed.
        let doubted = record.doubts.iter().map(|_| ExitCode::Inconclusive);
        ExitCode::of_many(of_thresholds.chain([of_checks]).chain(doubted))
    }
}

/// Why a record with these doubts cannot be believed.
pub(super) fn doubted(doubts: &[Doubt], language: Language) -> Option<String> {
    let name = |doubt: &Doubt| if let Doubt::Changed(name) = doubt { Some(name.clone()) } else { None };
    let changed: Vec<String> = doubts.iter().filter_map(name).collect();
    if doubts.is_empty() {
        None
    } else if changed.is_empty() {
        Some(run_words::record_incomplete(language))
    } else {
        Some(run_words::record_changed(language, &Listed(&changed).in_words(language)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Overview, exit_code};
    use crate::language::Language;
    use crate::report::groups;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::{Finding, Outcome};
    use harness_model::catalogue::CheckId;
    use harness_model::exit_code::ExitCode;
    use harness_model::history::{CapacityRung, EventKind, RungJudged};
    use harness_model::plan::samples::fleet;
    use harness_model::plan::{CloudStep, OnInconclusive, StepKind};

    #[test]
    fn the_failure_that_others_hang_on_is_mended_first() {
        let mut blocked = verdict(CheckId::TtlExpiry, Outcome::Blocked);
        blocked.finding = Finding::DependsOn { check: CheckId::CacheHit };
        let run = RunBuilder::new("ttl")
            .ready()
            .verdict(verdict(CheckId::CachePost, Outcome::Fail))
            .verdict(verdict(CheckId::CacheHit, Outcome::Fail))
            .verdict(blocked)
            .build();
        let overview = Overview::of(&run.source());
        assert_eq!(groups(run.source().verdicts, false)[0].failures[0], 1);
        assert_eq!(overview.exit, ExitCode::Failed);
        assert_eq!(overview.counts, vec![(Outcome::Fail, 2), (Outcome::Blocked, 1)]);
    }

    #[test]
    fn attempts_that_nobody_wrote_down_are_not_told_as_all_there_were() {
        for (run, in_part) in [
            (RunBuilder::new("fairness").ready().serial(12).build(), false),
            (RunBuilder::new("pace").ready().load("misses", 1_360, 0).build(), true),
        ] {
            assert_eq!(Overview::of(&run.source()).some_uncounted, in_part);
        }
    }

    #[test]
    fn searches_and_fleets_are_counted_and_what_is_compressed_says_so_on_the_first_screen() {
        let mut run = RunBuilder::new("pace").ready().load("day", 1_360, 0).build();
        let step = run.record.plan.steps.last_mut().expect("the load");
        step.kind = StepKind::Cloud(CloudStep::Fleet(fleet(Vec::new())));
        step.label = Some("day".into());
        let rung = CapacityRung {
            tag: "one".into(),
            rate_per_second: 100.0,
            good_per_second: 100.0,
            sent: 500,
            errors: 0,
            p50: None,
            at_quantile: None,
            send_lag: None,
            judged: RungJudged::Kept,
            proxy_cpu: None,
            places: Vec::new(),
        };
        let mut event = run.record.events.last().expect("an event").clone();
        event.event = EventKind::CapacityRung(Box::new(rung));
        run.record.events.push(event);
        let overview = Overview::of(&run.source());
        assert!(overview.counted == 1_860 && !overview.some_uncounted, "a small fleet has its journal");
        let notes = overview.footnotes(Language::En);
        let said = "Compressed time. day: 60 s of the case in one second, each request for 60 of the case: up to 15,600 requests a \
                    minute of the case are 260 a second in the run";
        assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
    }

    #[test]
    fn thresholds_decide_beside_the_checks_and_doubt_may_be_a_warning() {
        let with = |limits: &[&str], check: Outcome| {
            RunBuilder::new("pace")
                .ready()
                .load("steady", 2_000, 0)
                .limits(limits)
                .verdict(verdict(CheckId::IntegrityBodies, check))
                .build()
        };
        let met = with(&["steady: latency p(50) < 10s"], Outcome::Pass);
        assert_eq!(exit_code(&met.record, &met.verdicts), ExitCode::Passed);
        let missed = with(&["steady: latency p(50) < 500us"], Outcome::Pass);
        let overview = Overview::of(&missed.source());
        assert_eq!(overview.exit, ExitCode::Failed);
        assert!(overview.headline(Language::En).ends_with("not met: steady: latency p(50) < 500us"));
        let mut open = with(&["steady: latency{vs:nginx} p(50) < 2x"], Outcome::Pass);
        let overview = Overview::of(&open.source());
        assert_eq!(overview.exit, ExitCode::Inconclusive);
        assert!(overview.meaning(Language::En).contains("--on-inconclusive warn"));
        open.record.plan.on_inconclusive = OnInconclusive::Warn;
        let overview = Overview::of(&open.source());
        assert_eq!(overview.exit, ExitCode::Passed);
        assert_eq!(overview.footnotes(Language::En).len(), 1);
        let failed = with(&["steady: latency p(50) < 500us"], Outcome::Fail);
        let overview = Overview::of(&failed.source());
        assert!(overview.headline(Language::En).contains("required checks failed"));
        assert_eq!(
            overview.footnotes(Language::Es),
            ["Umbrales que no se cumplen: steady: latency p(50) < 500us"]
        );
    }

    #[test]
    fn an_interrupted_run_says_so_and_a_proxy_that_never_got_ready_too() {
        let run = RunBuilder::new("ttl")
            .ready()
            .interrupted()
            .verdict(verdict(CheckId::CacheHit, Outcome::Pass))
            .build();
        assert_eq!(exit_code(&run.record, &run.verdicts), ExitCode::Interrupted);
        let run = RunBuilder::new("ttl").build();
        assert_eq!(exit_code(&run.record, &run.verdicts), ExitCode::ProxyNotReady);
    }
}
