//! `hang`: reads the request and never answers, or stops in the middle of the answer.
//!
//! The connection stays open until the other end gives up, the backend stops, or the time set here is over. Not reading
//! at all is `accept: hang` of the script's connections.

use serde::{Deserialize, Serialize};

use super::quantity::{Size, Span};
use super::reply::{Cut, CutHow, CutPlace, Reply};
use super::{Occasion, Plan};

/// Where an answer stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Before its first byte.
    #[default]
    BeforeHead,
    /// After the status line and a part of the fields.
    InHead,
    /// After this much of the body.
    InBody(Size),
}

impl Place {
    pub(super) fn cut(self, how: CutHow) -> Cut {
        let place = match self {
            Place::BeforeHead => CutPlace::BeforeHead,
            Place::InHead => CutPlace::InHead,
            Place::InBody(after) => CutPlace::InBody(after.0),
        };
        Cut { place, how }
    }
}

/// Settings of `hang`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hang {
    /// Where the answer stops.
    pub at: Place,
    /// The connection is closed after this time; never by us where nothing is said.
    pub give_up_after: Option<Span>,
    /// The answer that stops.
    pub then: Box<Plan>,
}

impl Hang {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = self.then.reply(occasion);
        reply.cut = Some(self.at.cut(CutHow::Hang(self.give_up_after.map(|span| span.0))));
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::*;
    use crate::journal::Outcome;

    #[test]
    fn an_answer_hangs_where_it_is_told_to() {
        let cut = |plan| reply_to(plan, "/", 1).cut.unwrap();
        assert_eq!(cut(r#"{"hang": {}}"#), Cut { place: CutPlace::BeforeHead, how: CutHow::Hang(None) });
        let in_body = r#"{"hang": {"at": {"in_body": "1KiB"}, "then": {"respond": {"body": "5KiB"}}}}"#;
        assert_eq!(cut(in_body).place, CutPlace::InBody(1024));
        assert_eq!(reply_to(in_body, "/", 1).intended_outcome(), Outcome::Hung);
    }
}
