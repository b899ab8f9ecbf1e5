//! Which request an attempt belongs to, where its target did not arrive as it was sent.
//!
//! The ledger asks once, and every check finds attempts by the target that was asked for. Where a proxy drops or rewrites that, the
//! stamp of the answer names the attempt all the same. By time alone an attempt is only matched where nothing at all arrives as it was
//! sent, and one request alone was under way: anywhere else it may be a look of the proxy at its backends.

use std::collections::{HashMap, HashSet};

use super::ledger::{Arrived, Asked, origin_form};

/// By line of the attempt: the target of the request that it came of, where it arrived with another one.
pub(super) fn linked<'a>(asked: &[Asked<'a>], arrived: &[Arrived<'a>]) -> HashMap<usize, &'a str> {
    let by_stamp: HashMap<(&str, u64), Arrived<'a>> =
        arrived.iter().map(|one| ((one.attempt.backend.as_str(), one.attempt.number), *one)).collect();
    let named = |one: &Asked<'a>| {
        let stamp = one.exchange.response.as_ref()?.stamp.as_ref()?;
        let attempt = by_stamp.get(&(stamp.backend.as_str(), stamp.number)).copied()?;
        let meanwhile =
            attempt.attempt.arrived >= one.sent() && attempt.attempt.arrived <= one.exchange.finished;
        (meanwhile && is_another(one, &attempt)).then_some((attempt.line, one.exchange.target.as_str()))
    };
    let mut linked: HashMap<usize, &'a str> = asked.iter().filter_map(named).collect();
    if nothing_arrives_as_sent(asked, arrived) {
        for (attempt, alone) in while_one_was_asked(asked, arrived) {
            if is_another(&alone, &attempt) {
                linked.entry(attempt.line).or_insert(alone.exchange.target.as_str());
            }
        }
    }
    linked
}

fn is_another(asked: &Asked<'_>, arrived: &Arrived<'_>) -> bool {
    origin_form(&arrived.attempt.target) != origin_form(&asked.exchange.target)
}

/// Whether backends were asked, and never for what a client had asked for; `/` is what is left of any target without its path.
fn nothing_arrives_as_sent(asked: &[Asked<'_>], arrived: &[Arrived<'_>]) -> bool {
    let sent: HashSet<&str> = asked.iter().map(|one| origin_form(&one.exchange.target)).collect();
    let as_sent = |one: &Arrived<'_>| {
        let target = origin_form(&one.attempt.target);
        target != "/" && sent.contains(target)
    };
    !arrived.is_empty() && !arrived.iter().any(as_sent)
}

/// Attempts that arrived while one request alone was under way, with that; the first one of each.
fn while_one_was_asked<'a>(asked: &[Asked<'a>], arrived: &[Arrived<'a>]) -> Vec<(Arrived<'a>, Asked<'a>)> {
    let (mut next, mut under_way, mut taken) = (0, Vec::<Asked<'a>>::new(), HashSet::new());
    let mut found = Vec::new();
    for attempt in arrived {
        while let Some(one) = asked.get(next).filter(|one| one.sent() <= attempt.attempt.arrived) {
            under_way.push(*one);
            next += 1;
        }
        under_way.retain(|one| one.exchange.finished >= attempt.attempt.arrived);
        if let [alone] = under_way[..]
            && alone.succeeded()
            && alone.exchange.method == attempt.attempt.method
            && taken.insert(alone.line)
        {
            found.push((*attempt, alone));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::ledger::{Ledger, Origin};
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Amiss, ExchangeFinding, Finding, Outcome};
    use harness_model::catalogue::CheckId;
    use harness_model::history::Purpose;
    use harness_model::plan::{ClientKind, Connections, Serial, StepKind, samples};

    #[test]
    fn an_answer_to_a_request_that_arrived_with_another_target_came_from_a_backend() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/a", 10.0).by("b1").arriving_as("/"));
        kit.ask(Ask::get(Purpose::Serial, "/b", 20.0).with_stamp("b1", 1));
        let ledger = Ledger::new(&kit.record);
        let [first, second] = &ledger.asked[..] else { panic!() };
        let Some(Origin::Backend(arrived)) = ledger.origin(first) else { panic!() };
        assert_eq!((arrived.attempt.target.as_str(), arrived.attempt.backend.as_str()), ("/", "b1"));
        assert!(ledger.is_from_cache(second), "the answer of another request, given again");
    }

    /// Plain requests, then a series that goes round the backends; the answers say whence they came, or not.
    fn without_paths(stamps: bool) -> Kit {
        let mut kit = Kit::new(3);
        let ask = |kit: &mut Kit, purpose: Purpose, n: usize, at: f64| {
            let ask =
                Ask::get(purpose, &format!("/p/{at}"), at).by(&format!("b{}", n % 3 + 1)).arriving_as("/");
            kit.ask(ask);
        };
        kit.step(0.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/p/{n}", 3)));
        (0..3).for_each(|n| ask(&mut kit, Purpose::Exact, n, 10.0 + n as f64 * 10.0));
        let serial = Serial {
            requests: 12,
            method: "GET".into(),
            path: "/p/{n}".into(),
            body_bytes: 0,
            connections: Connections::Each,
            client: ClientKind::Raw,
        };
        kit.step(100.0, StepKind::Serial(serial));
        (0..12).for_each(|n| ask(&mut kit, Purpose::Serial, n, 110.0 + n as f64 * 10.0));
        if !stamps {
            kit.without_stamps();
        }
        kit
    }

    #[test]
    fn what_reached_a_backend_with_another_target_reached_it() {
        for stamps in [true, false] {
            let mut kit = without_paths(stamps);
            let verdict = kit.judge(CheckId::ForwardOnce);
            let Finding::Exchange(ExchangeFinding::Amiss {
                amiss: Amiss::Target { arrived }, count: 3, ..
            }) = verdict.finding
            else {
                panic!("{:?}", verdict.finding)
            };
            assert_eq!(arrived, "/");
            // Whose turn it was is another question, and was answered rightly.
            for check in [CheckId::RotationSerialCycle, CheckId::ConfigBackends] {
                let verdict = kit.judge(check);
                assert_eq!(verdict.outcome, Outcome::Pass, "{check}: {:?}", verdict.finding);
            }
        }
    }

    #[test]
    fn a_look_of_the_proxy_at_its_backends_is_no_request_of_a_client() {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Fill, "/a", 10.0).by("b1"));
        kit.ask(Ask::get(Purpose::Confirm, "/a", 20.0).by("b1").arriving_as("/").with_stamp("b1", 1));
        let ledger = Ledger::new(&kit.record);
        assert!(ledger.is_from_cache(&ledger.asked[1]));
    }
}
