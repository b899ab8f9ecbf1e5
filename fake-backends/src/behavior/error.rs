//! `error`: answers with an error, always, with a probability, or every n-th time.
//!
//! It is an application that fails while its server is well: the answer is complete and stamped. Broken connections are
//! `close`, `reset` and `hang`.

use serde::{Deserialize, Serialize};

use super::parts::{FieldLine, Status};
use super::quantity::Share;
use super::reply::{Reply, Source};
use super::sometimes::occurs;
use super::{Occasion, Plan};

/// Settings of `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorPlan {
    /// Status of the error.
    pub status: Status,
    /// How many requests get it.
    pub probability: Share,
    /// Only each n-th request of the route gets it.
    pub every: Option<u32>,
    /// More fields of the error, such as `Retry-After: 1`.
    pub fields: Vec<FieldLine>,
    /// What the others get.
    pub then: Box<Plan>,
}

impl Default for ErrorPlan {
    fn default() -> Self {
        let status = Status::try_from(503).unwrap_or(Status::OK);
        ErrorPlan { status, probability: Share(1.0), every: None, fields: Vec::new(), then: Box::default() }
    }
}

impl ErrorPlan {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        if !occurs(self.probability, self.every, occasion) {
            return self.then.reply(occasion);
        }
        let code = self.status.code();
        let mut reply = Reply::stamped(code, occasion);
        reply.field("Content-Type", "text/plain; charset=utf-8");
        for line in &self.fields {
            reply.field(&line.name, &line.value);
        }
        // The path is in the body, so that an error served for another URL shows.
        let text = format!("error {code} of {} for {}\n", occasion.stamp.backend, occasion.key());
        reply.body = Source::Bytes(text.into_bytes());
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;

    #[test]
    fn every_nth_request_fails_and_the_others_do_not() {
        let statuses: Vec<u16> =
            (1..=6).map(|n| reply_to(r#"{"error": {"status": 500, "every": 3}}"#, "/", n).status).collect();
        assert_eq!(statuses, [200, 200, 500, 200, 200, 500]);
    }

    #[test]
    fn a_probability_is_met_over_many_requests() {
        let plan = r#"{"error": {"probability": "10%"}}"#;
        let failed = (1..=2000).filter(|&n| reply_to(plan, "/", n).status == 503).count();
        assert!((150..=250).contains(&failed), "{failed} of 2000");
    }
}
