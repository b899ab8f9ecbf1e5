//! What a busy host may explain: failures that rest on nothing but time, where tasks waited for a CPU or the host stood still.
//!
//! `ours` asks about every failure, and the families that rest on time ask for the state of the host. A failure is left open only where
//! what is known of the host could have brought it about: something wrong, late or silent in the same moments was long for everybody.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::clock::Moment;

use super::integrity::{rests_on_time, wrong_answer};
use super::judged::Judged;
use super::ledger::{Asked, Ledger, ms, ms_between};
use super::seen::Wrong;
use super::{
    Amiss, ConcurrencyFinding, ExchangeFinding, Finding, HitsFinding, Http2Finding, HttpsFinding, Outcome,
    PersistenceFinding, RotationFinding,
};
use harness_model::history::{Cut, Event, EventKind, ExchangeEnd, HandshakeEnd};
use harness_model::plan::{CheckPlan, StepKind};

/// Share of the time in which tasks waited for a CPU from which on a host is busy.
pub(super) const BUSY: f64 = 0.4;
/// No proxy gives up sooner for want of time alone.
const LATE_MS: f64 = 1_000.0;
/// A time-out says little where others needed this share of the same time beyond their backends.
const COMPARABLE: f64 = 0.25;
/// The same where the host did nothing at all for so long.
const STOOD_STILL: f64 = 0.5;
/// Bytes of an answer beyond which it may be on its way for long.
pub(super) const UNDER_WAY: u64 = 256 * 1024;
/// What was asked so long before and after tells how it was in those moments.
const AROUND: Duration = Duration::from_secs(20);

/// How the host was during a try of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Host {
    /// Share of the time in which tasks waited for a CPU, where known.
    pub(super) pressure: Option<f64>,
    /// Longest time by which a sleep of ours was prolonged.
    pub(super) stood_still_ms: f64,
}

impl Host {
    /// During one try of a step.
    pub(super) fn during(ledger: &Ledger<'_>, step: usize, attempt: u32) -> Host {
        let mut current = None;
        let mut stood_still_ms = 0.0f64;
        for event in ledger.events.iter().filter(|event| event.step == Some(step)) {
            match &event.event {
                EventKind::StepStarted => current = Some(current.map_or(0, |n: u32| n + 1)),
                EventKind::HostNoise(noise) if current == Some(attempt) => {
                    stood_still_ms = stood_still_ms.max(ms(noise.worst_overshoot));
                }
                _ => {}
            }
        }
        Host { pressure: ledger.pressure_during(step, attempt), stood_still_ms }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.pressure.is_some_and(|share| share >= BUSY)
    }

    /// The busier of two.
    pub(super) fn or_busier(self, other: Host) -> Host {
        let pressure = self.pressure.into_iter().chain(other.pressure).reduce(f64::max);
        Host { pressure, stood_still_ms: self.stood_still_ms.max(other.stood_still_ms) }
    }

    /// What a check found there, left open.
    pub(super) fn leaves_open(self, judged: Judged) -> Judged {
        let finding = Finding::BusyHost {
            found: Box::new(judged.finding),
            pressure: self.pressure,
            stood_still_ms: self.stood_still_ms,
        };
        Judged { outcome: Outcome::Inconclusive, finding, evidence: judged.evidence }
    }
}

/// A failure of which every single part came late or not at all, in moments in which the host was slow for others too, left open.
pub(super) fn explained(ledger: &Ledger<'_>, check: &CheckPlan, judged: Judged) -> Judged {
    if judged.outcome != Outcome::Fail {
        return judged;
    }
    if let Some(host) = stored_late(ledger, check, &judged).or_else(|| asked_again(ledger, &judged)) {
        return host.leaves_open(judged);
    }
    let hosts: Option<Vec<Host>> = match rests_on(&judged.finding) {
        RestsOn::Proof => None,
        RestsOn::Exchanges { count } => {
            let named = |asked: &&Asked<'_>| judged.evidence.contains(&asked.line);
            let wrong = ledger.asked.iter().filter(named).filter(|asked| wrong_answer(asked).is_some());
            let wrong: Vec<&Asked<'_>> = wrong.collect();
            let all_are_known = wrong.len() as u64 >= count;
            all_are_known
                .then(|| wrong.iter().map(|asked| may_be_the_hosts(ledger, asked)).collect())
                .flatten()
        }
        RestsOn::Waiting => {
            let waits = judged.evidence.iter().filter_map(|&line| Wait::of_event(ledger, line));
            waits
                .map(|wait| {
                    (ms_between(wait.from, wait.until) >= LATE_MS).then(|| wait.host(ledger)).flatten()
                })
                .collect()
        }
    };
    match hosts.and_then(|hosts| hosts.into_iter().reduce(Host::or_busier)) {
        Some(host) => host.leaves_open(judged),
        None => judged,
    }
}

/// The host where a crowd left some answers unkept, on a busy one, and most were kept: who stores once its clients have theirs is late there.
fn stored_late(ledger: &Ledger<'_>, check: &CheckPlan, judged: &Judged) -> Option<Host> {
    let Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::NotKeptInCache, count, .. }) =
        &judged.finding
    else {
        return None;
    };
    let crowds = ledger.steps_of(check).filter(
        |step| matches!(&step.kind, StepKind::Exact(exact) if exact.asks == check.id && exact.at_once > 1),
    );
    if 2 * count > crowds.count() as u64 {
        return None;
    }
    let of_evidence = ledger.asked.iter().filter(|asked| judged.evidence.contains(&asked.line));
    let hosts = of_evidence.map(|asked| Some(Host::during(ledger, asked.step?, asked.attempt_of_step)));
    hosts
        .map(|host| host.filter(Host::is_busy))
        .collect::<Option<Vec<Host>>>()?
        .into_iter()
        .reduce(Host::or_busier)
}

/// The host where a backend was asked again only after the first one had kept the proxy waiting for a second or more, on a busy one: the
/// backends are ours and wait for a CPU as well.
fn asked_again(ledger: &Ledger<'_>, judged: &Judged) -> Option<Host> {
    let count = match &judged.finding {
        Finding::Exchange(ExchangeFinding::Amiss { amiss: Amiss::SentTwice { .. }, count, .. })
        | Finding::Rotation(RotationFinding::DoubledAttempts { count, .. }) => *count,
        _ => return None,
    };
    let mut times: BTreeMap<&str, Vec<(Moment, Option<usize>)>> = BTreeMap::new();
    for arrived in ledger.arrived.iter().filter(|arrived| judged.evidence.contains(&arrived.line)) {
        let at = (arrived.attempt.arrived, ledger.events[arrived.line].step);
        times.entry(arrived.attempt.target.as_str()).or_default().push(at);
    }
    let hosts = times.into_values().map(|times| {
        let (first, again) = (times.first()?, times.get(1)?);
        let late = ms_between(first.0, again.0) >= LATE_MS;
        let host = Host::during(ledger, first.1?, 0);
        (late && (host.is_busy() || host.stood_still_ms >= LATE_MS * STOOD_STILL)).then_some(host)
    });
    let hosts = hosts.collect::<Option<Vec<Host>>>()?;
    (hosts.len() as u64 >= count).then_some(hosts)?.into_iter().reduce(Host::or_busier)
}

/// Whether something amiss is no proof by itself: it came late, not at all, or from a backend that a cache would have spared.
pub(super) fn is_uncertain(amiss: &Amiss) -> bool {
    match amiss {
        Amiss::Answer { wrong } | Amiss::NoAnswer { wrong } | Amiss::NotForwarded { wrong: Some(wrong) } => {
            rests_on_time(wrong)
        }
        Amiss::NotKeptInCache | Amiss::NotForwarded { wrong: None } => true,
        _ => false,
    }
}

/// What a failure rests on, by which a busy host may explain it.
enum RestsOn {
    /// What is so on any host, or what is excused elsewhere.
    Proof,
    /// So many exchanges that went wrong, each among the evidence.
    Exchanges { count: u64 },
    /// That something had not come yet, on connections among the evidence.
    Waiting,
}

/// Every family has its arm, and those that see connections of their own one for each finding: a new one is asked here whether time alone
/// brings it about.
fn rests_on(finding: &Finding) -> RestsOn {
    match finding {
        // Bytes that prove themselves wrong are wrong on any host.
        Finding::Exchange(ExchangeFinding::Amiss {
            amiss: Amiss::Differs { .. } | Amiss::Kept | Amiss::PassedOffAsWhole { .. },
            ..
        }) => RestsOn::Proof,
        Finding::Exchange(ExchangeFinding::Amiss { count, .. })
        | Finding::Hits(
            HitsFinding::HitDiffers { count, .. } | HitsFinding::PostNotForwarded { count, .. },
        )
        | Finding::Concurrency(
            ConcurrencyFinding::NotOwnAnswer { count, .. }
            | ConcurrencyFinding::ClientKindUnserved { count, .. },
        )
        | Finding::Rotation(RotationFinding::NotForwarded { count, .. })
        | Finding::Persistence(
            PersistenceFinding::LostAfterKill { lost: count, .. }
            | PersistenceFinding::OddNameLost { lost: count, .. },
        ) => RestsOn::Exchanges { count: *count },
        Finding::Concurrency(ConcurrencyFinding::SlowWentWrong { .. }) => RestsOn::Exchanges { count: 1 },
        Finding::Https(finding) => of_https(finding),
        Finding::Http2(finding) => of_http2(finding),
        // The other findings of these families are proven, rest on counts, or ask for the state of the host by themselves.
        Finding::Exchange(_)
        | Finding::Hits(_)
        | Finding::Concurrency(_)
        | Finding::Rotation(_)
        | Finding::Persistence(_)
        | Finding::Ttl(_)
        | Finding::Integrity(_)
        | Finding::Proxy(_)
        | Finding::Config(_)
        | Finding::Log(_)
        | Finding::Cloud(_)
        | Finding::Case(_)
        | Finding::Latencies { .. } => RestsOn::Proof,
        // These are no failures, or have been excused already.
        Finding::DependsOn { .. }
        | Finding::NoControl { .. }
        | Finding::DeclaredUnsupported { .. }
        | Finding::Attached
        | Finding::ForAPerson
        | Finding::NotReached
        | Finding::StepProblem { .. }
        | Finding::NotSent { .. }
        | Finding::CutOffByUs { .. }
        | Finding::CutShort { .. }
        | Finding::TooFew { .. }
        | Finding::PassedOnSecondTry { .. }
        | Finding::BusyHost { .. } => RestsOn::Proof,
    }
}

fn of_https(finding: &HttpsFinding) -> RestsOn {
    match finding {
        // Whoever closes in a handshake, or after it, may have waited longer than it does.
        HttpsFinding::VersionRefused { end, .. } | HttpsFinding::OfferRefused { end, .. } => match end {
            HandshakeEnd::Refused { alert: None } => RestsOn::Waiting,
            HandshakeEnd::Refused { alert: Some(_) }
            | HandshakeEnd::Made { .. }
            | HandshakeEnd::Failed(_) => RestsOn::Proof,
        },
        HttpsFinding::ProtocolNotSpoken { .. } | HttpsFinding::CertificateNotRenewed { .. } => {
            RestsOn::Waiting
        }
        HttpsFinding::OutdatedSpoken { .. }
        | HttpsFinding::ProtocolInvented { .. }
        | HttpsFinding::CertificateForeign { .. }
        | HttpsFinding::ChainIncomplete { .. }
        | HttpsFinding::CertificateDistrusted { .. }
        | HttpsFinding::VersionsRight { .. }
        | HttpsFinding::ProtocolsRight { .. }
        | HttpsFinding::CertificateRight { .. }
        | HttpsFinding::CertificateRenewed { .. }
        | HttpsFinding::LeftOpen { .. } => RestsOn::Proof,
    }
}

fn of_http2(finding: &Http2Finding) -> RestsOn {
    match finding {
        Http2Finding::HeadTaken { .. } => RestsOn::Waiting,
        // Who was asked is a matter of counting, and what arrived has arrived.
        Http2Finding::StreamsUneven { .. }
        | Http2Finding::PseudoFieldArrived { .. }
        | Http2Finding::SecondArrived { .. }
        | Http2Finding::StreamsInTurn { .. }
        | Http2Finding::StreamsApart { .. }
        | Http2Finding::ResetsBorne { .. }
        | Http2Finding::HeadEnded { .. }
        | Http2Finding::HeadUnderWay { .. }
        | Http2Finding::TwoRefused { .. }
        | Http2Finding::TwoTakenForOne { .. }
        | Http2Finding::TwoLeftOpen { .. } => RestsOn::Proof,
    }
}

/// A time in which the proxy kept somebody waiting, with its line in the record.
struct Wait {
    line: usize,
    step: usize,
    attempt_of_step: u32,
    from: Moment,
    until: Moment,
    /// Whether what was waited for has no body.
    bodiless: bool,
}

impl Wait {
    fn of_exchange(asked: &Asked<'_>) -> Option<Wait> {
        Some(Wait {
            line: asked.line,
            step: asked.step?,
            attempt_of_step: asked.attempt_of_step,
            from: asked.exchange.intended,
            until: asked.exchange.finished,
            bodiless: asked.succeeded() && !has_body(asked),
        })
    }

    /// That of a handshake or a misuse; where the proxy had been told of another certificate before the handshake, since then.
    fn of_event(ledger: &Ledger<'_>, line: usize) -> Option<Wait> {
        let event = ledger.events.get(line)?;
        let step = event.step?;
        let of_step = || ledger.events[..line].iter().filter(|event| event.step == Some(step));
        let (from, until) = match &event.event {
            EventKind::Handshake(handshake) => {
                let told = |event: &Event| matches!(event.event, EventKind::ProxyReloaded { .. });
                let told = of_step().rfind(|event| told(event)).map(|event| event.at);
                (told.map_or(handshake.began, |told| told.min(handshake.began)), handshake.ended)
            }
            EventKind::Misused(misused) => (misused.began, misused.ended),
            _ => return None,
        };
        let tries = of_step().filter(|event| matches!(event.event, EventKind::StepStarted)).count();
        let attempt_of_step = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        Some(Wait { line, step, attempt_of_step, from, until, bodiless: false })
    }

    /// The host meanwhile, where it may be the reason that it took so long.
    fn host(&self, ledger: &Ledger<'_>) -> Option<Host> {
        let took = ms_between(self.from, self.until);
        let host = Host::during(ledger, self.step, self.attempt_of_step);
        let slow_for_others = || slowest_around(ledger, self) >= took * COMPARABLE;
        let may_be = host.stood_still_ms >= took * STOOD_STILL || host.is_busy() && slow_for_others();
        may_be.then_some(host)
    }
}

/// The host at the time of an exchange that came late or not at all, where it may be the reason.
fn may_be_the_hosts(ledger: &Ledger<'_>, asked: &Asked<'_>) -> Option<Host> {
    let took = ms_between(asked.exchange.intended, asked.exchange.finished);
    let for_want_of_time = match wrong_answer(asked)? {
        Wrong::TimedOut => true,
        Wrong::NotConnected { .. } | Wrong::NoAnswer | Wrong::Status { status: 500.. } => took >= LATE_MS,
        // A stream of HTTP/2 that was ended before its answer is what a close without one is elsewhere.
        Wrong::CutShort { how: Cut::Said(_), .. } => asked.exchange.response.is_none() && took >= LATE_MS,
        _ => false,
    };
    Wait::of_exchange(asked).filter(|_| for_want_of_time)?.host(ledger)
}

/// Whether an answer came only because our patience was stretched, and the proxy itself had kept its client waiting: longer than was
/// planned beyond its backend, for less than a body that may be on its way for long, and in moments in which nothing else was slow.
pub(super) fn came_late(ledger: &Ledger<'_>, asked: &Asked<'_>) -> bool {
    let Some(patience) = asked.exchange.patience else { return false };
    let small = asked.exchange.response.as_ref().is_some_and(|response| response.body.bytes < UNDER_WAY);
    asked.exchange.end == ExchangeEnd::Complete
        && small
        && patience.given > patience.planned
        && beyond_its_backend(ledger, asked) > ms(patience.planned)
        && Wait::of_exchange(asked).and_then(|wait| wait.host(ledger)).is_none()
}

/// How long an answer took beyond its backend, in ms.
fn beyond_its_backend(ledger: &Ledger<'_>, asked: &Asked<'_>) -> f64 {
    let took = ms_between(asked.exchange.intended, asked.exchange.finished);
    let there = ledger
        .attempts_during(asked)
        .map(|arrived| ms_between(arrived.attempt.arrived, arrived.attempt.finished))
        .fold(0.0, f64::max);
    took - there
}

/// The longest that an answer of success took beyond its backend in the same moments. Answers without a body are held against those with
/// one: who waits for what a 204 never has waits each time, and one such wait does not excuse another.
fn slowest_around(ledger: &Ledger<'_>, wait: &Wait) -> f64 {
    let around = ms(AROUND);
    let near = |other: &&Asked<'_>| {
        let apart = ms_between(wait.until, other.exchange.finished).abs();
        let alike = !wait.bodiless || has_body(other);
        apart <= around && other.line != wait.line && other.succeeded() && alike
    };
    ledger.asked.iter().filter(near).map(|other| beyond_its_backend(ledger, other)).fold(0.0, f64::max)
}

fn has_body(asked: &Asked<'_>) -> bool {
    asked.exchange.response.as_ref().is_some_and(|response| response.body.bytes > 0)
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, Outcome};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{Cut, EventKind, ExchangeEnd, HostNoise, Patience, Purpose};
    use harness_model::plan::{StepKind, samples};

    /// A request that is not answered within 6 s, beside others, on such a host.
    fn outcome(pressure: f64, stood_still_ms: u64, others_took: f64, end: ExchangeEnd, took: f64) -> Outcome {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardTarget, "/p/{n}", 3)));
        kit.ask(Ask::get(Purpose::Exact, "/p/0", 10.0).taking(took).ending(end));
        if let Some(EventKind::Exchange(silent)) = kit.record.events.last_mut().map(|event| &mut event.event)
        {
            silent.response = None;
        }
        // Backend and way take nine tenths and one tenth in these records, so what is beyond the backend is given by its lack.
        kit.ask(Ask::get(Purpose::Exact, "/p/1", 1_000.0).by("b1").taking(others_took * 10.0));
        kit.event(
            30_000.0,
            EventKind::HostNoise(HostNoise {
                cpu_pressure: Some(pressure),
                worst_overshoot: std::time::Duration::from_millis(stood_still_ms),
                ..HostNoise::default()
            }),
        );
        let verdict = kit.judge(CheckId::ForwardTarget);
        if verdict.outcome == Outcome::Inconclusive {
            let Finding::BusyHost { pressure: Some(seen), .. } = verdict.finding else {
                panic!("{verdict:?}")
            };
            assert_eq!(seen, pressure);
        }
        verdict.outcome
    }

    #[test]
    fn a_time_out_on_a_host_that_was_slow_for_others_too_is_left_open() {
        let silent = || ExchangeEnd::TimedOut;
        assert_eq!(outcome(0.9, 0, 1_800.0, silent(), 6_000.0), Outcome::Inconclusive);
        assert_eq!(outcome(0.1, 0, 1_800.0, silent(), 6_000.0), Outcome::Fail, "the host had a CPU to spare");
        assert_eq!(outcome(0.9, 0, 300.0, silent(), 6_000.0), Outcome::Fail, "others had theirs long before");
        assert_eq!(outcome(0.1, 4_000, 300.0, silent(), 6_000.0), Outcome::Inconclusive, "it stood still");
    }

    /// An answer after 6 s on a busy host, which had given it more than the 3 s that were planned; others took so long.
    fn late(others_took: f64, backend_took: f64, pressure: HostNoise) -> Outcome {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardTarget, "/p/{n}", 3)));
        kit.ask(Ask::get(Purpose::Exact, "/p/0", 10.0).by("b1").taking(6_000.0));
        for event in &mut kit.record.events {
            match &mut event.event {
                EventKind::Attempt(attempt) => {
                    attempt.finished = crate::check::testkit::moment(10.0 + backend_took);
                }
                EventKind::Exchange(exchange) => {
                    let [planned, given] = [3_000, 8_000].map(std::time::Duration::from_millis);
                    exchange.patience = Some(Patience { planned, given });
                }
                _ => {}
            }
        }
        kit.ask(Ask::get(Purpose::Exact, "/p/1", 7_000.0).by("b2").taking(others_took * 10.0));
        kit.event(30_000.0, EventKind::HostNoise(pressure));
        kit.judge(CheckId::ForwardTarget).outcome
    }

    #[test]
    fn what_only_stretched_patience_waited_for_is_late_where_nothing_else_was_slow() {
        let busy = HostNoise { cpu_pressure: Some(0.9), ..HostNoise::default() };
        assert_eq!(late(5.0, 2.0, busy), Outcome::Fail, "the proxy waited");
        assert_eq!(late(1_800.0, 2.0, busy), Outcome::Pass, "others were slow as well");
        assert_eq!(late(5.0, 5_000.0, busy), Outcome::Pass, "its backend took the time");
    }

    #[test]
    fn one_wait_for_the_body_of_a_204_does_not_excuse_another() {
        let outcome = |other_bytes: u64| {
            let mut kit = Kit::new(3);
            kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardTarget, "/p/{n}", 3)));
            for (target, at, bytes) in [("/p/0", 10.0, 0), ("/p/1", 7_000.0, other_bytes)] {
                let mut ask = Ask::get(Purpose::Exact, target, at).by("b1").taking(5_000.0);
                (ask.bytes, ask.status) = (bytes, if bytes == 0 { 204 } else { 200 });
                kit.ask(ask);
            }
            for event in &mut kit.record.events {
                match &mut event.event {
                    EventKind::Attempt(attempt) => attempt.finished = attempt.arrived,
                    EventKind::Exchange(exchange) => {
                        let [planned, given] = [3_000, 8_000].map(std::time::Duration::from_millis);
                        exchange.patience = Some(Patience { planned, given });
                    }
                    _ => {}
                }
            }
            let busy = HostNoise { cpu_pressure: Some(0.9), ..HostNoise::default() };
            kit.event(60_000.0, EventKind::HostNoise(busy));
            kit.judge(CheckId::ForwardTarget).outcome
        };
        assert_eq!(outcome(0), Outcome::Fail);
        assert_ne!(outcome(1_000), Outcome::Fail, "what has a body was slow as well");
    }

    #[test]
    fn who_burns_the_cpus_itself_is_no_victim_of_the_host() {
        for (own_cpu, outcome) in [(None, Outcome::Inconclusive), (Some(0.8), Outcome::Fail)] {
            let mut kit = Kit::new(3);
            kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardTarget, "/p/{n}", 3)));
            kit.ask(Ask::get(Purpose::Exact, "/p/0", 10.0).taking(6_000.0).ending(ExchangeEnd::TimedOut));
            kit.ask(Ask::get(Purpose::Exact, "/p/1", 1_000.0).by("b1").taking(18_000.0));
            let noise = HostNoise { cpu_pressure: Some(0.9), own_cpu, ..HostNoise::default() };
            kit.event(30_000.0, EventKind::HostNoise(noise));
            assert_eq!(kit.judge(CheckId::ForwardTarget).outcome, outcome, "{own_cpu:?}");
        }
    }

    #[test]
    fn what_is_closed_at_once_is_no_matter_of_time_and_after_a_second_it_may_be() {
        let reset = ExchangeEnd::CutShort(Cut::Said("HTTP/2: CANCEL".into()));
        for closed in [ExchangeEnd::ClosedWithoutAnswer, reset] {
            assert_eq!(outcome(0.9, 0, 1_800.0, closed.clone(), 40.0), Outcome::Fail);
            assert_eq!(outcome(0.9, 0, 1_800.0, closed.clone(), 3_000.0), Outcome::Inconclusive);
            assert_eq!(outcome(0.1, 0, 1_800.0, closed, 3_000.0), Outcome::Fail, "at rest");
        }
    }

    #[test]
    fn a_crowd_whose_answer_was_stored_late_on_a_busy_host_is_left_open_where_most_were_kept() {
        let rushes = |pressure: f64, unkept: u32| {
            let mut kit = Kit::new(3);
            kit.ask(Ask::get(Purpose::Fill, "/k", 1.0).by("b1"));
            kit.ask(Ask::get(Purpose::Confirm, "/k", 5.0));
            for rush in 0..4u32 {
                let (from, target) = (100.0 + f64::from(rush) * 1_000.0, format!("/rush/{rush}"));
                let mut exact = samples::exact(CheckId::CacheRush, &target, 3);
                exact.at_once = 2;
                kit.step(from, StepKind::Exact(exact));
                for number in 0..3u32 {
                    let ask = Ask::get(Purpose::Exact, &target, from + f64::from(number * 100) + 10.0);
                    let asked_for = number == 0 || number == 2 && rush < unkept;
                    kit.ask_as(number, if asked_for { ask.by("b1") } else { ask });
                }
                let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
                kit.event(from + 500.0, EventKind::HostNoise(noise));
            }
            kit.judge(CheckId::CacheRush).outcome
        };
        assert_eq!(rushes(0.9, 0), Outcome::Pass);
        assert_eq!(rushes(0.9, 1), Outcome::Inconclusive);
        assert_eq!(rushes(0.1, 1), Outcome::Fail, "at rest");
        assert_eq!(rushes(0.9, 4), Outcome::Fail, "none is ever kept");
    }

    #[test]
    fn who_asks_another_backend_after_a_busy_one_of_ours_has_let_it_wait_is_left_open() {
        let asked_twice = |pressure: f64, apart: f64| {
            let mut kit = Kit::new(3);
            kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/p", 1)));
            // The second arrives a moment after the first in these records; the first is moved back.
            kit.ask(Ask::get(Purpose::Exact, "/p", 10.0 + apart).by("b1").by("b2"));
            kit.sent_earlier(apart);
            let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
            kit.event(20_000.0, EventKind::HostNoise(noise));
            kit.judge(CheckId::ForwardOnce).outcome
        };
        assert_eq!(asked_twice(0.9, 2_000.0), Outcome::Inconclusive);
        assert_eq!(asked_twice(0.1, 2_000.0), Outcome::Fail, "at rest");
        assert_eq!(asked_twice(0.9, 0.0), Outcome::Fail, "both at once");
    }
}
