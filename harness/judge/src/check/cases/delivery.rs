//! `delivery.*`: the end of a token and the origin of a browser hold through the proxy and its cache too.
//!
//! When a token was issued is known from the login that it came from, to within a second: it ends at a whole one. Between the two moments
//! at which it may end nothing is concluded. What was made for one origin must not be given to another (RFC 9111 §4.1), and an answer to
//! OPTIONS is nothing that may be kept (RFC 9110 §9.3.7).

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::wire::{lines_of, split_field};

use super::{CaseFinding, CorsSeen, TokenEndSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, Origin, ms};
use crate::check::seen::Samples;
use harness_model::history::Purpose;
use harness_model::plan::{CaseStep, CheckPlan, CloudStep, Origins, StepKind};

/// A token is issued and ends at whole seconds.
const WHOLE_SECOND: Duration = Duration::from_secs(1);
/// Requests with a token that is good, with one that is not, and with the successor of one; fewer show nothing.
const LEAST_OF_EACH: u64 = 5;
/// Answers to browsers, and preflights.
const LEAST_ANSWERS: u64 = 10;

/// `delivery.expiry`: who has a token is served until its end and not after it.
pub(in crate::check) fn expiry(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut seen, mut evidence) = (TokenEndSeen::default(), Vec::new());
    let mut refused_with: BTreeMap<u16, u64> = BTreeMap::new();
    for step in ledger.steps_of(check) {
        let StepKind::Cloud(CloudStep::Deliveries(plan)) = &step.kind else { continue };
        let Some(lifetime) = plan.lifetime else { continue };
        seen.lifetime_ms = ms(lifetime);
        let logins: BTreeMap<u32, (Moment, Moment)> = ledger
            .requests_of(step.index, Purpose::Login)
            .iter()
            .map(|asked| (asked.exchange.number, (asked.sent(), asked.exchange.finished)))
            .collect();
        let with_token =
            [Purpose::Register, Purpose::Look].map(|purpose| ledger.requests_of(step.index, purpose));
        for asked in with_token.iter().flatten().filter(|asked| asked.exchange.group > 0) {
            let (Some((before, after)), Some(status)) = (logins.get(&asked.exchange.group), asked.status())
            else {
                continue;
            };
            if let Some(Origin::Backend(arrived)) = ledger.origin(asked)
                && arrived.attempt.status.is_some_and(|given| given != status && given != 304)
            {
                seen.changed += 1;
                evidence.push(asked.line);
            }
            if asked.sent() >= *after + lifetime {
                seen.ended += 1;
                if asked.succeeded() {
                    seen.outlived += 1;
                    evidence.push(asked.line);
                } else {
                    *refused_with.entry(status).or_default() += 1;
                }
            } else if asked.exchange.finished < *before + lifetime.saturating_sub(WHOLE_SECOND) {
                seen.good += 1;
                // The first two logins are those of the beginning.
                seen.renewed += u64::from(asked.exchange.group > 2);
                if !asked.succeeded() {
                    seen.refused_good += 1;
                    evidence.push(asked.line);
                }
            }
        }
    }
    if seen.good + seen.ended == 0 {
        return Judged::not_reached();
    }
    seen.refused_with = refused_with.into_iter().collect();
    let fails = seen.outlived + seen.refused_good + seen.changed > 0;
    let fewest = seen.good.min(seen.ended).min(seen.renewed);
    if !fails && fewest < LEAST_OF_EACH {
        return Judged::too_few(Samples::Requests, fewest, LEAST_OF_EACH);
    }
    let finding = Finding::Case(CaseFinding::Expiry(seen));
    if fails { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

/// `delivery.cors`: each browser gets what was made for its origin, and preflights are answered by an instance.
pub(in crate::check) fn cors(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut seen, mut evidence) = (CorsSeen::default(), Vec::new());
    for step in ledger.steps_of(check) {
        let StepKind::Case(CaseStep::Origins(plan)) = &step.kind else { continue };
        for asked in ledger.requests_of(step.index, Purpose::CrossOrigin) {
            seen.answers += 1;
            seen.from_cache += u64::from(ledger.is_from_cache(&asked));
            let (of_another, no_vary) = (!is_for_its_origin(&asked, plan), !varies_by_origin(&asked));
            seen.of_another += u64::from(of_another);
            seen.without_vary += u64::from(no_vary);
            if of_another || no_vary {
                evidence.push(asked.line);
            }
        }
        for asked in ledger.requests_of(step.index, Purpose::Preflight) {
            seen.preflights += 1;
            let expected = if plan.lets_in(asked.exchange.number) { 204 } else { 403 };
            let is_wrong = asked.status() != Some(expected) || !is_for_its_origin(&asked, plan);
            let of_options =
                ledger.attempts_during(&asked).any(|arrived| arrived.attempt.method == "OPTIONS");
            seen.wrong_preflights += u64::from(is_wrong);
            seen.kept_preflights += u64::from(asked.status().is_some() && !of_options);
            if is_wrong || !of_options {
                evidence.push(asked.line);
            }
        }
    }
    if seen.answers + seen.preflights == 0 {
        return Judged::not_reached();
    }
    let fails = seen.of_another + seen.without_vary + seen.wrong_preflights + seen.kept_preflights > 0;
    let fewest = seen.answers.min(seen.preflights);
    if !fails && fewest < LEAST_ANSWERS {
        return Judged::too_few(Samples::Requests, fewest, LEAST_ANSWERS);
    }
    let finding = Finding::Case(CaseFinding::Cors(seen));
    if fails { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

/// Values of a field of a complete answer.
pub(super) fn values(asked: &Asked<'_>, name: &str) -> Vec<String> {
    let head =
        asked.exchange.response.as_ref().map(|response| response.head.0.as_slice()).unwrap_or_default();
    let lines = lines_of(head).skip(1).filter_map(split_field);
    let of_name = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
    of_name.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// Whether the answer lets in its own origin, where that is let in, and nobody where it is not.
fn is_for_its_origin(asked: &Asked<'_>, plan: &Origins) -> bool {
    let number = asked.exchange.number;
    let expected: Vec<&str> = plan.of(number).filter(|_| plan.lets_in(number)).into_iter().collect();
    values(asked, "access-control-allow-origin") == expected
}

/// Whether whoever keeps it further on is told that it depends on the origin.
fn varies_by_origin(asked: &Asked<'_>) -> bool {
    let named = |value: &String| {
        value.split(',').any(|name| matches!(name.trim(), "*") || name.trim().eq_ignore_ascii_case("origin"))
    };
    values(asked, "vary").iter().any(named)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Outcome, evaluate};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, Purpose, WireBytes};
    use harness_model::plan::{CaseStep, CloudStep, Deliveries, Origins, StepKind};

    /// A token of 3 s from the beginning on, another one after 4 s, and a look every 100 ms with each; this says its status.
    fn expiry(status: impl Fn(u32, f64) -> (u16, bool)) -> Outcome {
        let mut kit = Kit::new(2);
        kit.step(
            0.0,
            StepKind::Cloud(CloudStep::Deliveries(Deliveries {
                login: "/token".into(),
                register: "/r".into(),
                look: vec!["/pedidos".into()],
                look_openly: Vec::new(),
                orders: 0,
                every: Duration::from_secs(1),
                look_every: Duration::from_millis(100),
                duration: Duration::from_secs(6),
                lifetime: Some(Duration::from_secs(3)),
            })),
        );
        kit.ask_as(1, Ask::get(Purpose::Login, "/token", 0.0).by("b1"));
        kit.ask_as(3, Ask::get(Purpose::Login, "/token", 4_000.0).by("b1"));
        for look in 1..60 {
            let at = f64::from(look) * 100.0;
            for token in [1, 3] {
                if token == 3 && at <= 4_000.0 {
                    continue;
                }
                kit.group = token;
                let (status, from_backend) = status(token, at);
                let ask = Ask::get(Purpose::Look, "/pedidos", at + f64::from(token)).with_status(status);
                kit.ask(if from_backend { ask.by("b1") } else { ask });
            }
        }
        kit.check(CheckId::DeliveryExpiry);
        evaluate(&kit.record).remove(0).outcome
    }

    #[test]
    fn a_token_is_good_until_its_end_and_its_successor_after_it() {
        let good = |token, at| if token == 1 && at > 2_500.0 { (403, true) } else { (200, true) };
        assert_eq!(expiry(good), Outcome::Pass);
        assert_eq!(expiry(|_, _| (200, false)), Outcome::Fail, "an answer that was kept outlives its token");
        assert_eq!(
            expiry(|_, at| if at > 2_500.0 { (403, true) } else { (200, true) }),
            Outcome::Fail,
            "a refusal hits the successor"
        );
        assert_eq!(expiry(|_, _| (403, true)), Outcome::Fail, "nobody is let in");
    }

    /// The last exchange was answered with these fields.
    fn set_head(kit: &mut Kit, fields: &str) {
        let last = kit.record.events.last_mut().map(|event| &mut event.event);
        if let Some(EventKind::Exchange(exchange)) = last
            && let Some(response) = &mut exchange.response
        {
            response.head = WireBytes(format!("HTTP/1.1 200 X\r\n{fields}\r\n").into());
        }
    }

    /// Two origins and none ask in turn; this says for whom the answer was made and whether a preflight came to an instance.
    fn cors(made_for: impl Fn(u32) -> u32, vary: &str, preflights_arrive: bool) -> Outcome {
        let mut kit = Kit::new(1);
        let plan = Origins {
            path: "/p".into(),
            allowed: vec!["https://a".into()],
            strangers: vec!["https://b".into()],
            rounds: 10,
        };
        kit.step(0.0, StepKind::Case(CaseStep::Origins(plan.clone())));
        let allow = |number| {
            let origin = plan.of(number).filter(|_| plan.lets_in(number));
            origin.map(|origin| format!("Access-Control-Allow-Origin: {origin}\r\n")).unwrap_or_default()
        };
        let mut at = 0.0;
        for _ in 0..10 {
            for number in 0..=2 {
                if number > 0 {
                    at += 10.0;
                    let status = if plan.lets_in(number) { 204 } else { 403 };
                    let preflight =
                        Ask::get(Purpose::Preflight, "/p", at).with_method("OPTIONS").with_status(status);
                    kit.ask_as(number, if preflights_arrive { preflight.by("b1") } else { preflight });
                    set_head(&mut kit, &allow(number));
                }
                at += 10.0;
                kit.ask_as(number, Ask::get(Purpose::CrossOrigin, "/p", at).by("b1"));
                set_head(&mut kit, &format!("{}Vary: {vary}\r\n", allow(made_for(number))));
            }
        }
        kit.check(CheckId::DeliveryCors);
        evaluate(&kit.record).remove(0).outcome
    }

    #[test]
    fn an_answer_for_another_origin_a_lost_vary_and_a_kept_preflight_are_caught() {
        assert_eq!(cors(|number| number, "Origin", true), Outcome::Pass);
        assert_eq!(cors(|number| number, "Accept-Encoding, origin", true), Outcome::Pass);
        assert_eq!(cors(|_| 1, "Origin", true), Outcome::Fail, "all get what was made for one");
        assert_eq!(cors(|number| number, "Accept", true), Outcome::Fail, "who keeps it is not told");
        assert_eq!(cors(|number| number, "Origin", false), Outcome::Fail, "nobody was asked");
    }
}
