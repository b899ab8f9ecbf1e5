//! The list of backends that the proxy was handed, against the backends that it asked.
//!
//! `evaluate` calls [`judged`] for the checks of the configuration. A list is in force from the start of the proxy that was told of
//! it; what counts are the journals of the backends, and whether the proxy started at all.

use std::collections::{BTreeMap, BTreeSet};

use super::fairness::per_connection;
use super::integrity::wrong_answer;
use super::judged::Judged;
use super::ledger::{Arrived, Asked, Ledger};
use super::seen::Wrong;
use super::strain::Host;
use super::{ConfigFinding, Finding, Outcome};
use harness_model::adapter::Setting;
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, Purpose, StepProblem};
use harness_model::plan::{CheckPlan, Connections, Step, StepKind};

/// `config.backends`, `config.two_backends`.
///
/// Nobody but those on a list may be asked; that all of them are is shown by whatever was asked while it was in force, since one
/// connection may have one backend for all its requests.
pub(super) fn judged(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let two = check.id == CheckId::ConfigTwoBackends;
    let mut lists: BTreeMap<usize, Shown<'_>> = BTreeMap::new();
    for step in &ledger.plan.steps {
        let told = ledger.plan.backends_at(step.index);
        if (told == 2) != two {
            continue;
        }
        if let Some(problem) = refused(ledger, step) {
            let backends = told as u64;
            let finding = Finding::Config(ConfigFinding::ListRefused { backends, problem });
            return slow_start(ledger, step.index, Judged::fail(finding, Vec::new()));
        }
        let visits = visits_of(ledger, step.index);
        let list = lists.entry(told).or_default();
        if !ledger.under_first_list(step) {
            let asked = ledger.requests_of(step.index, Purpose::Serial);
            list.asked += asked.len();
            list.unserved.extend(asked.iter().filter(|asked| unserved(asked)).map(|asked| asked.line));
        }
        if let StepKind::Serial(plan) = &step.kind {
            list.serial += visits.len();
            list.changed_connections |= plan.connections == Connections::Each;
        }
        list.visits.extend(visits);
    }
    // A list that is not served is told as that, and not as one of which somebody was left out.
    if let Some((told, list)) = lists.iter().find(|(_, list)| 2 * list.unserved.len() > list.asked) {
        let (backends, requests) = (*told as u64, list.asked as u64);
        let finding = Finding::Config(ConfigFinding::ListUnserved {
            backends,
            unserved: list.unserved.len() as u64,
            requests,
        });
        return Judged::fail(finding, list.unserved.clone());
    }
    // What came from the cache, and too few for a whole round, say nothing.
    lists.retain(|told, list| list.serial >= 2 * told);
    let a_turn_per_connection = per_connection(ledger).is_some();
    let (mut in_force, mut requests, mut line) = (Vec::new(), 0u64, None);
    for (told, list) in &lists {
        let names: BTreeSet<String> = (1..=*told).map(|number| format!("b{number}")).collect();
        let seen: BTreeSet<String> = list.visits.iter().map(|visit| visit.attempt.backend.clone()).collect();
        let may_not_change = a_turn_per_connection && !list.changed_connections && seen.is_subset(&names);
        if seen != names && may_not_change {
            continue;
        }
        if seen != names {
            let finding = Finding::Config(ConfigFinding::ListIgnored {
                told: names.into_iter().collect(),
                visited: seen.into_iter().collect(),
                requests: list.visits.len() as u64,
            });
            return Judged::fail(finding, list.visits.iter().map(|visit| visit.line).collect());
        }
        in_force.push(*told as u64);
        requests += list.visits.len() as u64;
        line = line.or_else(|| list.visits.first().map(|visit| visit.line));
    }
    if in_force.is_empty() {
        return Judged::not_reached();
    }
    if let Some(open) = written_into_source(ledger, "backends") {
        return open;
    }
    Judged::pass(Finding::Config(ConfigFinding::ListInForce { lists: in_force, requests }))
        .with_evidence(line)
}

/// What the backends got of the requests of a step.
fn visits_of<'a>(ledger: &Ledger<'a>, step: usize) -> Vec<Arrived<'a>> {
    let of_step = ledger.asked.iter().filter(|asked| asked.step == Some(step));
    // Where the same is asked for by several at once, an attempt belongs to each of them.
    let visits = of_step.flat_map(|asked| ledger.attempts_during(asked)).map(|visit| (visit.line, visit));
    visits.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// What was asked while a list was in force.
#[derive(Default)]
struct Shown<'a> {
    visits: Vec<Arrived<'a>>,
    /// Of them, those of serial requests.
    serial: usize,
    /// Whether serial requests came over a connection each.
    changed_connections: bool,
    /// Serial requests under a list that is not the first.
    asked: usize,
    /// The lines of those that got no answer of a backend. What took too long is none of them: it may be the host's.
    unserved: Vec<usize>,
}

fn unserved(asked: &Asked<'_>) -> bool {
    let wrong = wrong_answer(asked);
    matches!(wrong, Some(Wrong::NoAnswer | Wrong::NotConnected { .. } | Wrong::Status { status: 500.. }))
}

/// `config.port`: started with another port, it gets ready there.
pub(super) fn port(ledger: &Ledger<'_>) -> Judged {
    let Some((_, first)) = starts(ledger, None).next() else { return Judged::not_reached() };
    for step in &ledger.plan.steps {
        let StepKind::Restart(restart) = &step.kind else { continue };
        if !restart.settings.as_ref().is_some_and(|settings| settings.another_port) {
            continue;
        }
        let Some((line, told)) = starts(ledger, Some(step.index)).next_back() else { continue };
        if let Some((line, found)) = elsewhere(ledger) {
            return Judged::fail(
                Finding::Config(ConfigFinding::ListensElsewhere { told, found }),
                vec![line],
            );
        }
        if let Some(problem) = ledger.problem_of(step.index) {
            let finding = Finding::Config(ConfigFinding::PortIgnored { told, problem: problem.to_owned() });
            return slow_start(ledger, step.index, Judged::fail(finding, vec![line]));
        }
        if let Some(open) = written_into_source(ledger, "port") {
            return open;
        }
        return Judged::pass(Finding::Config(ConfigFinding::PortInForce { first, second: told }))
            .with_evidence([line]);
    }
    Judged::not_reached()
}

/// Nothing is proven where the adapter patches the source with what should be told, as its templates call it, nor where its
/// start command edits the source before it starts it, or on its way to an interpreter.
fn written_into_source(ledger: &Ledger<'_>, setting: &str) -> Option<Judged> {
    // What is no template hands a constant over for another one.
    let names_it = |with: &str| {
        let mut words = with.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        with.contains("{{") && words.any(|word| word == setting)
    };
    let patches = ledger.plan.adapter.rewrites.iter().filter(|rewrite| rewrite.patch);
    let patch = patches.into_iter().find(|patch| patch.replace.iter().any(|piece| names_it(&piece.with)));
    let edited = ledger.events.iter().find_map(|event| match &event.event {
        EventKind::ProxyReady { edited, .. } => edited.first(),
        _ => None,
    });
    let not_handed_in = ledger.events.iter().find_map(|event| match &event.event {
        EventKind::ProxyReady { not_handed_in, .. } => not_handed_in.clone(),
        _ => None,
    });
    let finding = match patch.map(|patch| &patch.path).or(edited) {
        Some(file) => ConfigFinding::WrittenIntoSource { file: file.clone() },
        None => ConfigFinding::NotHandedIn { command: not_handed_in? },
    };
    Some(Judged::inconclusive(Finding::Config(finding)))
}

/// `config.default_port`: started without a port, it gets ready on 8080.
pub(super) fn default_port(ledger: &Ledger<'_>) -> Judged {
    let skipped = |problem| {
        let finding = Finding::Config(ConfigFinding::DefaultPortNotTried { problem });
        Judged { outcome: Outcome::Skipped, finding, evidence: Vec::new() }
    };
    let leaves_out = |step: &&Step| match &step.kind {
        StepKind::Restart(restart) => restart.settings.as_ref().is_some_and(|settings| settings.default_port),
        _ => false,
    };
    let Some(step) = ledger.plan.steps.iter().find(leaves_out) else { return Judged::not_reached() };
    let adapter = &ledger.plan.adapter;
    if adapter.fixed_port.is_some() || !adapter.capabilities.settings.contains(&Setting::DefaultPort) {
        return skipped(None);
    }
    let problem = ledger.problem_of(step.index).cloned();
    match (starts(ledger, Some(step.index)).next_back(), problem) {
        (Some((line, _)), None) => {
            Judged::pass(Finding::Config(ConfigFinding::DefaultPortUsed)).with_evidence([line])
        }
        (Some((line, _)), Some(problem)) => {
            let finding = Finding::Config(ConfigFinding::DefaultPortUnused { problem });
            slow_start(ledger, step.index, Judged::fail(finding, vec![line]))
        }
        // It was never started: the port is somebody else's on this host.
        (None, Some(problem)) => skipped(Some(problem)),
        (None, None) => Judged::not_reached(),
    }
}

/// A start that did not get ready in time, left open where the host was busy; one that ended is a failure on any host.
fn slow_start(ledger: &Ledger<'_>, step: usize, judged: Judged) -> Judged {
    let ended = ledger.events.iter().any(|event| {
        event.step == Some(step) && matches!(&event.event, EventKind::ProxyExited(exit) if !exit.expected)
    });
    let host = Host::during(ledger, step, ledger.tries_of(step).saturating_sub(1));
    if host.is_busy() && !ended { host.leaves_open(judged) } else { judged }
}

/// Where the proxy listened at another port than it was told.
fn elsewhere(ledger: &Ledger<'_>) -> Option<(usize, std::net::SocketAddr)> {
    ledger.events.iter().enumerate().find_map(|(line, event)| match &event.event {
        EventKind::ListensElsewhere { told, found } if told.port() != found.port() => Some((line, *found)),
        _ => None,
    })
}

/// The starts of a step, each with its line and the port at which the proxy was expected.
fn starts<'a>(
    ledger: &Ledger<'a>,
    step: Option<usize>,
) -> impl DoubleEndedIterator<Item = (usize, u16)> + use<'a> {
    ledger.events.iter().enumerate().filter_map(move |(line, event)| match &event.event {
        EventKind::ProxyStarting { listen, .. } if event.step == step => Some((line, listen.port())),
        _ => None,
    })
}

/// Why a start with another list came to nothing, where it did.
fn refused(ledger: &Ledger<'_>, step: &Step) -> Option<StepProblem> {
    let StepKind::Restart(restart) = &step.kind else { return None };
    // What another port has kept from starting is no fault of the list.
    if restart.settings.as_ref().is_some_and(|settings| settings.another_port || settings.default_port) {
        return None;
    }
    let before = step.index.checked_sub(1).map_or(0, |before| ledger.plan.backends_at(before));
    let another = restart.settings.is_some() && ledger.plan.backends_at(step.index) != before;
    if another { ledger.problem_of(step.index).cloned() } else { None }
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{ConfigFinding, Finding, Outcome, RotationFinding};
    use harness_model::adapter::{Replacement, Rewrite};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, ExchangeEnd, Purpose};
    use harness_model::plan::{Batches, ClientKind, Connections, ProxySettings, Restart, Serial, StepKind};

    fn serial(kit: &mut Kit, at: f64, visits: &[&str]) {
        serial_over(kit, at, visits, Connections::Each);
    }

    fn serial_over(kit: &mut Kit, at: f64, visits: &[&str], connections: Connections) {
        let serial = Serial {
            requests: visits.len() as u32,
            method: "GET".into(),
            path: "/l/{n}".into(),
            body_bytes: 0,
            connections,
            client: ClientKind::Raw,
        };
        kit.step(at, StepKind::Serial(serial));
        for (place, backend) in visits.iter().enumerate() {
            let at = at + 1.0 + 10.0 * place as f64;
            kit.ask(Ask::get(Purpose::Serial, &format!("/l/{at}"), at).by(backend));
        }
    }

    fn restart(kit: &mut Kit, at: f64, backends: usize) {
        let settings = Some(ProxySettings { backends: Some(backends), ..ProxySettings::default() });
        let downtime = std::time::Duration::ZERO;
        kit.step(at, StepKind::Restart(Restart { stop_first: true, wipe: false, settings, downtime }));
    }

    #[test]
    fn each_list_must_be_asked_whole_and_nobody_else() {
        let mut kit = Kit::new(4);
        kit.record.plan.proxy.backends = Some(3);
        serial(&mut kit, 0.0, &["b1", "b2", "b3", "b1", "b2", "b3"]);
        restart(&mut kit, 100.0, 4);
        serial(&mut kit, 200.0, &["b1", "b2", "b3", "b4", "b1", "b2", "b3", "b4"]);
        let verdict = kit.judge(CheckId::ConfigBackends);
        assert_eq!(
            verdict.finding,
            Finding::Config(ConfigFinding::ListInForce { lists: vec![3, 4], requests: 14 })
        );
        assert_eq!(kit.judge(CheckId::ConfigTwoBackends).outcome, Outcome::Inconclusive);
        restart(&mut kit, 300.0, 2);
        serial(&mut kit, 400.0, &["b1", "b2", "b3", "b1"]);
        let Finding::Config(ConfigFinding::ListIgnored { visited, .. }) =
            kit.judge(CheckId::ConfigTwoBackends).finding
        else {
            panic!()
        };
        assert_eq!(visited, ["b1", "b2", "b3"]);
    }

    #[test]
    fn what_the_profile_writes_into_the_source_proves_nothing_of_a_configuration() {
        let outcome = |patch: bool, with: &str| {
            let mut kit = Kit::new(3);
            let replace = vec![Replacement { text: "127.0.0.1:7151".into(), with: with.into(), times: None }];
            kit.record.plan.adapter.rewrites.push(Rewrite {
                path: "constantes.py".into(),
                source: "constantes.py".into(),
                before: String::new(),
                encoding: Default::default(),
                patch,
                replace,
            });
            serial(&mut kit, 0.0, &["b1", "b2", "b3", "b1", "b2", "b3"]);
            kit.judge(CheckId::ConfigBackends).outcome
        };
        let list = "{% for b in backends %}{{ b.address }}{% endfor %}";
        assert_eq!(outcome(true, list), Outcome::Inconclusive);
        assert_eq!(outcome(false, list), Outcome::Pass, "that is its configuration");
        assert_eq!(outcome(true, "{{ port }}"), Outcome::Pass, "the list is told otherwise");
    }

    #[test]
    fn a_turn_per_connection_is_no_list_in_the_source() {
        for (each, outcome) in [("b3", Outcome::Pass), ("b1", Outcome::Fail)] {
            let mut kit = Kit::new(3);
            kit.connection = Some(1_000);
            serial_over(&mut kit, 0.0, &["b2"; 12], Connections::One);
            kit.connection = None;
            serial(&mut kit, 500.0, &["b1", "b2", each, "b1", "b2", each]);
            let verdict = kit.judge(CheckId::ConfigBackends);
            assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
            let verdict = kit.judge(CheckId::RotationSerialCycle);
            assert!(
                matches!(verdict.finding, Finding::Rotation(RotationFinding::TurnPerConnection { .. })),
                "{:?}",
                verdict.finding
            );
            // Of another list, one connection shows nothing.
            restart(&mut kit, 700.0, 2);
            kit.connection = Some(2_000);
            serial_over(&mut kit, 800.0, &["b2"; 8], Connections::One);
            assert_eq!(kit.judge(CheckId::ConfigTwoBackends).outcome, Outcome::Inconclusive);
        }
    }

    #[test]
    fn what_only_another_list_brings_about_is_a_finding_about_lists_alone() {
        let mut kit = Kit::new(3);
        serial(&mut kit, 0.0, &["b1", "b2", "b3", "b1", "b2", "b3"]);
        restart(&mut kit, 100.0, 2);
        serial(&mut kit, 200.0, &["b1", "b2"]);
        let batches = Batches { count: 1, size: 6, path: "/b/{n}".into(), connections: Connections::Each };
        for n in 2..8 {
            let ask = Ask::get(Purpose::Serial, &format!("/l/{n}"), 230.0 + f64::from(n));
            kit.ask(ask.ending(ExchangeEnd::ClosedWithoutAnswer));
        }
        kit.step(400.0, StepKind::Batches(batches));
        for n in 0..6 {
            let ask = Ask::get(Purpose::Batch, &format!("/b/{n}"), 410.0);
            kit.ask(ask.ending(ExchangeEnd::ClosedWithoutAnswer));
        }
        let verdict = kit.judge(CheckId::ConfigTwoBackends);
        assert_eq!(
            verdict.finding,
            Finding::Config(ConfigFinding::ListUnserved { backends: 2, unserved: 6, requests: 8 })
        );
        assert_eq!(verdict.outcome, Outcome::Fail);
        for other in [CheckId::ConcurrencyOwnAnswers, CheckId::ConcurrencyClientKinds] {
            assert_ne!(kit.judge(other).outcome, Outcome::Fail, "{other:?}");
        }
    }

    #[test]
    fn another_port_is_listened_on_or_the_start_says_what_kept_it() {
        let other = |kit: &mut Kit, at: f64| {
            let settings = Some(ProxySettings { another_port: true, ..ProxySettings::default() });
            let downtime = std::time::Duration::ZERO;
            kit.step(at, StepKind::Restart(Restart { stop_first: true, wipe: false, settings, downtime }));
        };
        let start = |kit: &mut Kit, at: f64, port: u16| {
            kit.event(
                at,
                EventKind::ProxyStarting {
                    launch: 2,
                    argv: Vec::new(),
                    listen: ([127, 0, 0, 1], port).into(),
                    configuration: Vec::new(),
                    patches: Vec::new(),
                    ttl: None,
                },
            );
        };
        let mut kit = Kit::new(3);
        assert_eq!(kit.judge(CheckId::ConfigPort).outcome, Outcome::Inconclusive);
        other(&mut kit, 100.0);
        start(&mut kit, 101.0, 20_002);
        let verdict = kit.judge(CheckId::ConfigPort);
        assert!(
            matches!(verdict.finding, Finding::Config(ConfigFinding::PortInForce { second: 20_002, .. })),
            "{:?}",
            verdict.finding
        );
        kit.event(110.0, EventKind::StepEnded { problem: Some("nothing listens there".into()) });
        let verdict = kit.judge(CheckId::ConfigPort);
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert!(
            matches!(verdict.finding, Finding::Config(ConfigFinding::PortIgnored { told: 20_002, .. })),
            "{:?}",
            verdict.finding
        );
        let settings = Some(ProxySettings { default_port: true, ..ProxySettings::default() });
        let downtime = std::time::Duration::ZERO;
        kit.step(200.0, StepKind::Restart(Restart { stop_first: true, wipe: false, settings, downtime }));
        let verdict = kit.judge(CheckId::ConfigDefaultPort);
        assert_eq!(verdict.outcome, Outcome::Skipped);
        assert_eq!(verdict.finding, Finding::Config(ConfigFinding::DefaultPortNotTried { problem: None }));
        kit.capabilities().settings = vec![harness_model::adapter::Setting::DefaultPort];
        kit.event(202.0, EventKind::StepEnded { problem: Some("8080 is taken".into()) });
        assert_eq!(kit.judge(CheckId::ConfigDefaultPort).outcome, Outcome::Skipped);
        start(&mut kit, 203.0, 8080);
        let verdict = kit.judge(CheckId::ConfigDefaultPort);
        assert!(
            matches!(verdict.finding, Finding::Config(ConfigFinding::DefaultPortUnused { .. })),
            "{:?}",
            verdict.finding
        );
        kit.record.plan.adapter.fixed_port = Some(8080);
        assert_eq!(kit.judge(CheckId::ConfigPort).outcome, Outcome::Unsupported);
    }

    #[test]
    fn a_fourth_backend_that_is_never_asked_and_a_start_that_fails_are_told_apart() {
        let mut kit = Kit::new(4);
        kit.record.plan.proxy.backends = Some(3);
        restart(&mut kit, 100.0, 4);
        serial(&mut kit, 200.0, &["b1", "b2", "b3", "b1", "b2", "b3", "b1", "b2"]);
        let finding = kit.judge(CheckId::ConfigBackends).finding;
        assert!(matches!(finding, Finding::Config(ConfigFinding::ListIgnored { .. })), "{finding:?}");
        restart(&mut kit, 300.0, 2);
        kit.event(310.0, EventKind::StepEnded { problem: Some("did not start".into()) });
        let finding = kit.judge(CheckId::ConfigTwoBackends).finding;
        assert_eq!(
            finding,
            Finding::Config(ConfigFinding::ListRefused { backends: 2, problem: "did not start".into() })
        );
    }
}
