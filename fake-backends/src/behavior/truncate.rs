//! `truncate`: announces more than it sends, then closes in good order.
//!
//! With `Content-Length` bytes are missing, with chunks the last chunk is. A cache that keeps such an answer poisons
//! itself. With a body that ends at the end of the connection the cut cannot be seen, by anyone.

use serde::{Deserialize, Serialize};

use super::quantity::Size;
use super::reply::{Cut, CutHow, CutPlace, Reply};
use super::{Occasion, Plan};

/// Settings of `truncate`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Truncate {
    /// Bytes of the body that are sent; half of it where nothing is said.
    pub after: Option<Size>,
    /// The answer that is cut.
    pub then: Box<Plan>,
}

impl Truncate {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = self.then.reply(occasion);
        let after = self.after.map_or(reply.body.size() / 2, |size| size.0);
        reply.cut = Some(Cut { place: CutPlace::InBody(after), how: CutHow::Close });
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::*;

    #[test]
    fn half_of_the_body_is_sent_unless_told_otherwise() {
        let place = |plan| reply_to(plan, "/", 1).cut.unwrap().place;
        assert_eq!(place(r#"{"truncate": {}}"#), CutPlace::InBody(512));
        assert_eq!(place(r#"{"truncate": {"after": "0B"}}"#), CutPlace::InBody(0));
    }
}
