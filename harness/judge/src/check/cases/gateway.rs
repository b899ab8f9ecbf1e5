//! `gateway.admission`: only chosen addresses get in, and nobody reaches an instance but through the proxy.
//!
//! Who was let in is read from the journals of the backends, whatever a stranger was answered. Being refused by a status
//! and having the connection closed are both ways of not getting in.

use std::collections::BTreeMap;

use super::{AdmissionSeen, CaseFinding};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::Ledger;
use harness_model::history::Purpose;
use harness_model::plan::{CaseStep, CheckPlan, StepKind};

/// See the module.
pub(in crate::check) fn admission(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut seen = AdmissionSeen::default();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut evidence = Vec::new();
    for step in ledger.steps_of(check) {
        let StepKind::Case(CaseStep::Callers(callers)) = &step.kind else { continue };
        let asked = ledger.asked.iter().filter(|asked| asked.step == Some(step.index));
        for asked in asked {
            let Some(from) = callers.from.get(asked.exchange.number as usize) else { continue };
            let welcome = ledger.plan.proxy.allow.contains(from);
            match asked.exchange.purpose {
                Purpose::Caller if welcome => {
                    seen.welcome += 1;
                    seen.served += u64::from(asked.succeeded());
                    if !asked.succeeded() {
                        evidence.push(asked.line);
                    }
                }
                Purpose::Caller => {
                    seen.strangers += 1;
                    let reached = ledger.attempts_for(&asked.exchange.target).next();
                    seen.let_in += u64::from(reached.is_some() || asked.succeeded());
                    match asked.status() {
                        Some(status) => *statuses.entry(status).or_default() += 1,
                        None => seen.closed += 1,
                    }
                    if reached.is_some() {
                        evidence.push(asked.line);
                    }
                }
                Purpose::PastTheProxy => {
                    seen.past_the_proxy += 1;
                    let answered = asked.exchange.response.is_some();
                    seen.answered_past += u64::from(answered);
                    if answered {
                        evidence.push(asked.line);
                    }
                }
                _ => {}
            }
        }
    }
    if seen.welcome == 0 || seen.strangers == 0 {
        return Judged::not_reached();
    }
    seen.refused_with = statuses.into_iter().collect();
    let good = seen.served == seen.welcome && seen.let_in == 0 && seen.answered_past == 0;
    let finding = Finding::Case(CaseFinding::Admission(seen));
    if good { Judged::pass(finding) } else { Judged::fail(finding, evidence) }
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Outcome, evaluate};
    use harness_model::adapter::Setting;
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, ExchangeEnd, Purpose};
    use harness_model::plan::{Callers, CaseStep, StepKind};

    /// One request from a welcome address, one from a stranger, one past the proxy.
    fn judged(welcome: &Ask, stranger: &Ask, past: &Ask) -> Outcome {
        let mut kit = Kit::new(1);
        kit.capabilities().settings = vec![Setting::Allow];
        let from = ["127.0.0.2", "127.0.0.3"].map(|address| address.parse().unwrap()).to_vec();
        kit.record.plan.proxy.allow = vec![from[0]];
        let callers = Callers { from, path: "/{n}".into(), requests: 1, past_the_proxy: true };
        kit.step(0.0, StepKind::Case(CaseStep::Callers(callers)));
        for (number, ask) in [(0, welcome), (1, stranger), (1, past)] {
            kit.ask(ask.clone());
            let exchange = kit.record.events.iter_mut().rev().find_map(|event| match &mut event.event {
                EventKind::Exchange(exchange) => Some(exchange),
                _ => None,
            });
            exchange.unwrap().number = number;
        }
        kit.check(CheckId::GatewayAdmission);
        evaluate(&kit.record).remove(0).outcome
    }

    fn welcome() -> Ask {
        Ask::get(Purpose::Caller, "/1", 10.0).by("b1")
    }

    fn refused() -> Ask {
        Ask::get(Purpose::Caller, "/2", 20.0).with_status(403)
    }

    fn reset() -> Ask {
        Ask::get(Purpose::PastTheProxy, "/3", 30.0).ending(ExchangeEnd::ClosedWithoutAnswer)
    }

    #[test]
    fn the_welcome_get_in_and_strangers_do_not() {
        assert_eq!(judged(&welcome(), &refused(), &reset()), Outcome::Pass);
    }

    #[test]
    fn a_stranger_inside_or_past_the_proxy_and_a_welcome_one_outside_are_caught() {
        let inside = Ask::get(Purpose::Caller, "/2", 20.0).by("b1");
        assert_eq!(judged(&welcome(), &inside, &reset()), Outcome::Fail);
        let past = Ask::get(Purpose::PastTheProxy, "/3", 30.0).by("b1");
        assert_eq!(judged(&welcome(), &refused(), &past), Outcome::Fail);
        assert_eq!(judged(&welcome().with_status(403), &refused(), &reset()), Outcome::Fail);
    }
}
