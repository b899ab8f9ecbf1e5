//! `informational`: sends interim responses (1xx) before the answer.
//!
//! RFC 9110 §15.2: a client must be able to read them, a proxy must forward those it did not ask for itself. 101 is not
//! among them: it changes the protocol.

use serde::{Deserialize, Serialize};

use super::parts::FieldLine;
use super::quantity::{BadQuantity, Span};
use super::reply::{Before, Reply};
use super::{Occasion, Plan};
use crate::wire::{Version, push_field, push_status_line, reason_of};

/// Status of an interim response: 100 to 199 without 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
pub struct InterimStatus(#[schemars(range(min = 100, max = 199))] u16);

impl TryFrom<u16> for InterimStatus {
    type Error = BadQuantity;

    fn try_from(code: u16) -> Result<InterimStatus, BadQuantity> {
        if (100..200).contains(&code) && code != 101 {
            return Ok(InterimStatus(code));
        }
        Err(BadQuantity(format!("{code} is not the status of an interim response (100 to 199 without 101)")))
    }
}

impl From<InterimStatus> for u16 {
    fn from(status: InterimStatus) -> u16 {
        status.0
    }
}

/// Settings of `informational`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Informational {
    /// Statuses in order.
    pub statuses: Vec<InterimStatus>,
    /// Fields of each of them.
    pub fields: Vec<FieldLine>,
    /// Time after each of them.
    pub gap: Span,
    /// The answer.
    pub then: Box<Plan>,
}

impl Default for Informational {
    fn default() -> Self {
        let early_hints = InterimStatus(103);
        Informational {
            statuses: vec![early_hints],
            fields: Vec::new(),
            gap: Span::default(),
            then: Box::default(),
        }
    }
}

impl Informational {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = self.then.reply(occasion);
        // RFC 9110 §15.2: never to a client of HTTP/1.0, which would take the first one for the answer.
        if occasion.request.head.version == Version::Http10 {
            return reply;
        }
        for status in &self.statuses {
            let mut bytes = Vec::new();
            push_status_line(&mut bytes, status.0, reason_of(status.0));
            for line in &self.fields {
                push_field(&mut bytes, &line.name, &line.value);
            }
            bytes.extend_from_slice(b"\r\n");
            reply.before.push(Before::Send(bytes));
            if !self.gap.0.is_zero() {
                reply.before.push(Before::Wait(self.gap.0));
            }
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::*;

    #[test]
    fn interim_responses_are_sent_before_the_head() {
        let plan = r#"{"informational": {"statuses": [102, 103], "fields": ["Link: </a>"]}}"#;
        let reply = reply_to(plan, "/", 1);
        assert_eq!(reply.before.len(), 2);
        assert_eq!(reply.before[1], Before::Send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec()));
        assert!(serde_json::from_str::<Plan>(r#"{"informational": {"statuses": [101]}}"#).is_err());
    }
}
