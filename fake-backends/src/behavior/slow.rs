//! `slow`: answers late, pauses between head and body, or trickles the body.
//!
//! Delays are drawn from a distribution; the same seed draws the same. It changes only when bytes go out, never which. The
//! runtime's timers round up: a delay is never shorter than drawn and usually about a millisecond longer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::quantity::{Rate, Span};
use super::reply::Reply;
use super::{Distribution, Occasion, Plan};

/// Settings of `slow`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slow {
    /// Time before the first byte of the answer.
    pub delay: Distribution,
    /// Time between the head and the body.
    pub body_delay: Distribution,
    /// Bytes of the body per second.
    pub rate: Option<Rate>,
    /// What is answered.
    pub then: Box<Plan>,
}

impl Default for Slow {
    fn default() -> Self {
        let none = Distribution::Constant(Span(Duration::ZERO));
        Slow { delay: none, body_delay: none, rate: None, then: Box::default() }
    }
}

impl Slow {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let delay = self.delay.draw(&mut occasion.random);
        let gap = self.body_delay.draw(&mut occasion.random);
        let mut reply = self.then.reply(occasion);
        reply.delay(delay);
        reply.gap += gap;
        // The slower of two rates counts when one slow plan holds another.
        reply.rate = [reply.rate, self.rate.map(|rate| rate.0)].into_iter().flatten().min();
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::super::reply::Before;
    use super::*;

    #[test]
    fn delays_come_before_the_head_and_before_the_body() {
        let plan = r#"{"slow": {"delay": "20ms", "body_delay": "5ms", "rate": "1KiB/s"}}"#;
        let reply = reply_to(plan, "/", 1);
        assert_eq!(reply.before, [Before::Wait(Duration::from_millis(20))]);
        assert_eq!((reply.gap, reply.rate), (Duration::from_millis(5), Some(1024)));
    }

    #[test]
    fn requests_draw_different_delays_and_the_same_ones_again() {
        let plan = r#"{"slow": {"delay": "exponential(20ms)"}}"#;
        let draw = |number| reply_to(plan, "/", number).before;
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
