//! Which attempt belongs to a request whose target did not arrive as it was sent.
//!
//! The ledger asks once. An attempt is matched by its target; where a proxy drops or rewrites that, the stamp of the answer names the
//! attempt all the same. Without an answer nothing is linked here, and nothing is guessed from times.

use std::collections::HashMap;

use super::ledger::{Arrived, Asked, origin_form};

/// By line of the exchange: the attempt that its answer names, where that arrived meanwhile with another target.
pub(super) fn linked<'a>(asked: &[Asked<'a>], arrived: &[Arrived<'a>]) -> HashMap<usize, Arrived<'a>> {
    let by_stamp: HashMap<(&str, u64), Arrived<'a>> =
        arrived.iter().map(|one| ((one.attempt.backend.as_str(), one.attempt.number), *one)).collect();
    let named = |one: &Asked<'a>| {
        let stamp = one.exchange.response.as_ref()?.stamp.as_ref()?;
        let attempt = by_stamp.get(&(stamp.backend.as_str(), stamp.number)).copied()?;
        let meanwhile =
            attempt.attempt.arrived >= one.sent() && attempt.attempt.arrived <= one.exchange.finished;
        let other = origin_form(&attempt.attempt.target) != origin_form(&one.exchange.target);
        (meanwhile && other).then_some((one.line, attempt))
    };
    asked.iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::ledger::{Ledger, Origin};
    use crate::check::testkit::{Ask, Kit};
    use harness_model::history::Purpose;

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
}
