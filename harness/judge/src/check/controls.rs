//! Whether a run has shown what gives an absence its meaning: hits, answers of backends.
//!
//! `evaluate` asks before it believes a pass that only proves that something was not there. Which check needs which control stands in
//! the catalogue; what counts as seen is decided here, from the journals of the backends.

use super::integrity::given;
use super::judged::Judged;
use super::ledger::Ledger;
use super::{Finding, Outcome};
use harness_model::catalogue::{CheckId, Control};
use harness_model::history::ContentSeen;

/// A pass that proves an absence, unless its control was never seen.
pub(super) fn controlled(ledger: &Ledger<'_>, check: CheckId, judged: Judged) -> Judged {
    let missing = |control: &Control| !seen(ledger, *control);
    match check.control().filter(|_| judged.outcome == Outcome::Pass).filter(missing) {
        None => judged,
        Some(control) => Judged {
            outcome: Outcome::Blocked,
            finding: Finding::NoControl { check: control.check() },
            evidence: judged.evidence,
        },
    }
}

fn seen(ledger: &Ledger<'_>, control: Control) -> bool {
    match control {
        Control::Answers => given(ledger).is_enough(),
        Control::EveryBackend => {
            let told = ledger.plan.proxy.backends.unwrap_or(ledger.plan.backends.count);
            let visited = |name: &str| ledger.arrived.iter().any(|arrived| arrived.attempt.backend == name);
            (1..=told).all(|number| visited(&format!("b{number}")))
        }
        Control::Hits => hits_seen(ledger),
    }
}

/// Whether something plain was answered from the cache.
pub(super) fn hits_seen(ledger: &Ledger<'_>) -> bool {
    ledger.asked.iter().any(|asked| {
        let Some(response) = asked.exchange.response.as_ref() else { return false };
        // What no backend gave before is none of theirs, however often the proxy says it.
        let of_backend =
            response.stamp.is_some() || matches!(response.body.content, Some(ContentSeen::Whole { .. }));
        asked.exchange.method == "GET" && asked.succeeded() && of_backend && ledger.is_from_cache(asked)
    })
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, Outcome, Verdict, evaluate};
    use harness_model::catalogue::{CheckId, Control, Family};
    use harness_model::history::{EventKind, Purpose};
    use harness_model::plan::{StepKind, samples};

    /// Two GETs of a resource that every check of the cache is content with, and a plain one asked twice.
    fn run(check: CheckId, hit: bool, with_cache_hit: bool) -> Vec<Verdict> {
        let mut kit = Kit::new(3);
        let spread = std::time::Duration::ZERO;
        let fill = harness_model::plan::Fill { keys: 1, path: "/k/{key}".into(), vus: 1, confirm: 1, spread };
        kit.step(0.0, StepKind::Fill(fill));
        kit.ask(Ask::get(Purpose::Fill, "/k/0", 10.0).by("b1"));
        let second = Ask::get(Purpose::Confirm, "/k/0", 200.0);
        kit.ask(if hit { second } else { second.by("b2") });
        kit.step(300.0, StepKind::Exact(samples::exact(check, "/s", 2)));
        kit.ask(Ask::get(Purpose::Exact, "/s", 310.0).by("b1"));
        kit.ask(Ask::get(Purpose::Exact, "/s", 500.0).by("b2"));
        if with_cache_hit {
            kit.check(CheckId::CacheHit);
        }
        kit.check(check);
        evaluate(&kit.record)
    }

    #[test]
    fn where_nothing_is_ever_kept_no_check_passes_for_not_keeping() {
        let of_hits = |check: &&CheckId| check.control() == Some(Control::Hits);
        // Those of privacy look at other steps; their own tests ask the same.
        let of_cache = CheckId::ALL.iter().filter(of_hits).filter(|check| check.family() == Family::Cache);
        let mut asked = 0;
        for &check in of_cache {
            asked += 1;
            let verdict = run(check, true, true).remove(1);
            assert_eq!(verdict.outcome, Outcome::Pass, "{check}: {:?}", verdict.finding);
            let verdict = run(check, false, true).remove(1);
            assert_eq!(verdict.outcome, Outcome::Blocked, "{check}: {:?}", verdict.finding);
            assert_eq!(verdict.finding, Finding::DependsOn { check: CheckId::CacheHit });
            let verdict = run(check, false, false).remove(0);
            assert_eq!(verdict.outcome, Outcome::Blocked, "{check}: {:?}", verdict.finding);
            assert_eq!(verdict.finding, Finding::NoControl { check: CheckId::CacheHit });
        }
        assert_eq!(asked, 10);
    }

    #[test]
    fn what_a_proxy_makes_up_is_no_hit() {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::CacheNoStore, "/s", 2)));
        kit.ask(Ask::get(Purpose::Exact, "/s", 10.0).by("b1"));
        kit.ask(Ask::get(Purpose::Exact, "/s", 200.0).by("b2"));
        kit.ask(Ask::get(Purpose::Serial, "/never", 300.0).of_the_proxy_itself());
        assert_eq!(kit.judge(CheckId::CacheNoStore).outcome, Outcome::Blocked);
    }

    #[test]
    fn a_backend_that_is_never_asked_is_not_missed() {
        for (third, outcome) in [("b3", Outcome::Pass), ("b1", Outcome::Blocked)] {
            let mut kit = Kit::new(3);
            for (n, backend) in ["b1", "b2", third].into_iter().enumerate() {
                kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), n as f64 * 10.0).by(backend));
            }
            kit.event(50.0, EventKind::BackendDown { backend: "b3".into() });
            kit.step(60.0, StepKind::Exact(samples::exact(CheckId::FailuresOneRefuses, "/d", 1)));
            kit.ask(Ask::get(Purpose::Exact, "/d", 70.0).by("b1"));
            assert_eq!(kit.judge(CheckId::FailuresOneRefuses).outcome, outcome);
        }
    }

    #[test]
    fn a_proxy_that_answers_502_to_everything_passes_nothing_for_answering_502() {
        for check in [CheckId::FailuresAllRefuse, CheckId::FailuresReset, CheckId::FailuresTruncated] {
            for (answers, outcome) in [(false, Outcome::Blocked), (true, Outcome::Pass)] {
                let mut kit = Kit::new(3);
                kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/p/{n}", 3)));
                for n in 0..3 {
                    let ask = Ask::get(Purpose::Exact, &format!("/p/{n}"), 10.0 + f64::from(n) * 10.0);
                    kit.ask(if answers { ask.by("b1") } else { ask.with_status(502).of_the_proxy_itself() });
                }
                kit.step(100.0, StepKind::Exact(samples::exact(check, "/f", 1)));
                let error = Ask::get(Purpose::Exact, "/f", 110.0);
                // Whom nobody asks does not answer in part either.
                let reaches = answers && check != CheckId::FailuresAllRefuse;
                let error = if reaches { error.by("b1") } else { error };
                kit.ask(error.with_status(502).of_the_proxy_itself());
                let verdict = kit.judge(check);
                assert_eq!(verdict.outcome, outcome, "{check}: {:?}", verdict.finding);
            }
        }
    }
}
