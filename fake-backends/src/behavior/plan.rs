//! The choice of a behaviour: what a route of a script does.
//!
//! Behaviours that only change how another one answers hold it in `then`, which is `respond` unless said otherwise; so
//! they can be combined. It only hands the question on.

use serde::{Deserialize, Serialize};

use super::hang::Place;
use super::quantity::Size;
use super::{
    ApplicationPlan, BarrierPlan, Close, Echo, ErrorPlan, Garbage, Hang, Informational, Misframe, Occasion,
    Occupied, Reply, Reset, Respond, Sequence, Slow, Sometimes, Streaming, Truncate,
};

/// What is done about a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Plan {
    /// Answers with what it saw of the request, as JSON.
    Echo(Echo),
    /// Answers with a status, fields and a body that proves itself.
    Respond(Respond),
    /// Answers late, or slowly.
    Slow(Slow),
    /// Answers with an error, always or now and then.
    Error(ErrorPlan),
    /// Closes the connection without an answer.
    Close(Close),
    /// Never answers, or stops answering in the middle.
    Hang(Hang),
    /// Resets the connection, at once or in the middle of the answer.
    Reset(Reset),
    /// Announces more than it sends, and closes.
    Truncate(Truncate),
    /// Answers with bytes that are not HTTP.
    Garbage(Garbage),
    /// Sends interim responses (1xx) before the answer.
    Informational(Informational),
    /// Answers with wrong framing.
    Misframe(Misframe),
    /// Works on a limited number of requests at a time.
    Occupied(Occupied),
    /// Sends a body in pieces with pauses.
    Streaming(Streaming),
    /// Holds requests until a number of them are inside at the same instant.
    Barrier(BarrierPlan),
    /// Does one thing now and then, and another otherwise.
    Sometimes(Sometimes),
    /// Does one thing after the other.
    Sequence(Sequence),
    /// Asks an application of this process.
    Application(ApplicationPlan),
}

impl Plan {
    /// The reply to one request.
    pub fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        match self {
            Plan::Echo(plan) => plan.reply(occasion),
            Plan::Respond(plan) => plan.reply(occasion),
            Plan::Slow(plan) => plan.reply(occasion),
            Plan::Error(plan) => plan.reply(occasion),
            Plan::Close(plan) => plan.reply(occasion),
            Plan::Hang(plan) => plan.reply(occasion),
            Plan::Reset(plan) => plan.reply(occasion),
            Plan::Truncate(plan) => plan.reply(occasion),
            Plan::Garbage(plan) => plan.reply(occasion),
            Plan::Informational(plan) => plan.reply(occasion),
            Plan::Misframe(plan) => plan.reply(occasion),
            Plan::Occupied(plan) => plan.reply(occasion),
            Plan::Streaming(plan) => plan.reply(occasion),
            Plan::Barrier(plan) => plan.reply(occasion),
            Plan::Sometimes(plan) => plan.reply(occasion),
            Plan::Sequence(plan) => plan.reply(occasion),
            Plan::Application(plan) => plan.reply(occasion),
        }
    }

    /// The plans directly inside it.
    pub fn inner(&self) -> Vec<&Plan> {
        match self {
            Plan::Slow(Slow { then, .. })
            | Plan::Error(ErrorPlan { then, .. })
            | Plan::Hang(Hang { then, .. })
            | Plan::Reset(Reset { then, .. })
            | Plan::Truncate(Truncate { then, .. })
            | Plan::Informational(Informational { then, .. })
            | Plan::Occupied(Occupied { then, .. })
            | Plan::Misframe(Misframe { then, .. })
            | Plan::Barrier(BarrierPlan { then, .. }) => vec![then],
            Plan::Sometimes(Sometimes { plan, otherwise, .. }) => vec![plan, otherwise],
            Plan::Sequence(Sequence { plans, .. }) => plans.iter().collect(),
            Plan::Echo(_)
            | Plan::Respond(_)
            | Plan::Close(_)
            | Plan::Garbage(_)
            | Plan::Streaming(_)
            | Plan::Application(_) => Vec::new(),
        }
    }

    /// Cuts every body that it or a plan inside it would send down to `most` bytes. The number of those that were longer.
    pub fn keep_bodies_within(&mut self, most: u64) -> usize {
        match self {
            Plan::Respond(respond) if respond.body.size.0 > most => {
                respond.body.size.0 = most;
                1
            }
            Plan::Streaming(stream) if stream.size.0.saturating_mul(u64::from(stream.pieces)) > most => {
                stream.size.0 = most / u64::from(stream.pieces.max(1));
                1
            }
            Plan::Slow(Slow { then, .. })
            | Plan::Error(ErrorPlan { then, .. })
            | Plan::Hang(Hang { then, .. })
            | Plan::Reset(Reset { then, .. })
            | Plan::Truncate(Truncate { then, .. })
            | Plan::Informational(Informational { then, .. })
            | Plan::Occupied(Occupied { then, .. })
            | Plan::Misframe(Misframe { then, .. })
            | Plan::Barrier(BarrierPlan { then, .. }) => then.keep_bodies_within(most),
            Plan::Sometimes(Sometimes { plan, otherwise, .. }) => {
                plan.keep_bodies_within(most) + otherwise.keep_bodies_within(most)
            }
            Plan::Sequence(Sequence { plans, .. }) => {
                plans.iter_mut().map(|plan| plan.keep_bodies_within(most)).sum()
            }
            Plan::Respond(_)
            | Plan::Echo(_)
            | Plan::Close(_)
            | Plan::Garbage(_)
            | Plan::Streaming(_)
            | Plan::Application(_) => 0,
        }
    }

    /// Why an answer that it, or a plan inside it, is to break off in its body would come whole: the body is not that long.
    pub fn never_broken_off(&self) -> Option<String> {
        let (name, after, then) = match self {
            Plan::Hang(Hang { at: Place::InBody(after), then, .. }) => ("hang", *after, then),
            Plan::Reset(Reset { at: Place::InBody(after), then }) => ("reset", *after, then),
            Plan::Truncate(Truncate { after: Some(after), then }) => ("truncate", *after, then),
            _ => return self.inner().into_iter().find_map(Plan::never_broken_off),
        };
        match then.longest_body() {
            Some(longest) if after.0 >= longest => Some(format!(
                "`{name}` after {after} would never happen, the body has {}: make it longer, or break off earlier",
                Size(longest)
            )),
            _ => then.never_broken_off(),
        }
    }

    /// Bytes of the longest body that it sends; `None` where they are not known before.
    fn longest_body(&self) -> Option<u64> {
        match self {
            Plan::Respond(Respond { text: Some(text), .. }) => Some(text.len() as u64),
            Plan::Respond(respond) => Some(respond.body.size.0),
            Plan::Streaming(stream) => Some(stream.size.0.saturating_mul(u64::from(stream.pieces))),
            Plan::Echo(_) | Plan::Application(_) | Plan::Error(_) | Plan::Garbage(_) => None,
            other => other
                .inner()
                .into_iter()
                .map(Plan::longest_body)
                .try_fold(0, |most, one| Some(most.max(one?))),
        }
    }

    /// Whether it, or a plan inside it, satisfies a condition.
    pub fn any(&self, condition: &dyn Fn(&Plan) -> bool) -> bool {
        condition(self) || self.inner().into_iter().any(|plan| plan.any(condition))
    }
}

impl Default for Plan {
    fn default() -> Self {
        Plan::Respond(Respond::default())
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;

    #[test]
    fn a_place_beyond_the_end_of_a_body_is_found_wherever_it_is() {
        let why = |text: &str| serde_json::from_str::<Plan>(text).unwrap().never_broken_off();
        for text in [
            r#"{"reset": {"at": {"in_body": "10KiB"}}}"#,
            r#"{"truncate": {"after": "1KiB"}}"#,
            r#"{"sometimes": {"probability": "50%", "plan": {"hang": {"at": {"in_body": "3KiB"}, "then": {"slow": {"delay": "1ms", "then": {"respond": {"body": "2KiB"}}}}}}}}"#,
        ] {
            let said = why(text).expect(text);
            assert!(said.contains("would never happen, the body has"), "{said}");
        }
        for text in [
            r#"{"reset": {"at": {"in_body": "10KiB"}, "then": {"respond": {"body": "11KiB"}}}}"#,
            r#"{"truncate": {}}"#,
            r#"{"truncate": {"after": "1KiB", "then": {"echo": {}}}}"#,
            r#"{"reset": {"at": "in_head"}}"#,
        ] {
            assert_eq!(why(text), None, "{text}");
        }
    }

    #[test]
    fn bodies_are_cut_wherever_they_are_and_counted() {
        let text = r#"{"sequence": {"plans": [{"slow": {"delay": "1s", "then": {"respond": {"body": "9MiB"}}}}, {"respond": {"body": "text 2KiB"}}, {"streaming": {"pieces": 4, "size": "2MiB", "pause": "1ms"}}]}}"#;
        let mut plan: Plan = serde_json::from_str(text).unwrap();
        assert_eq!(plan.keep_bodies_within(5 << 20), 2);
        assert_eq!(plan.keep_bodies_within(5 << 20), 0);
        let cut = serde_json::to_string(&plan).unwrap();
        assert!(cut.contains("5MiB") && cut.contains("text 2KiB") && !cut.contains("9MiB"), "{cut}");
    }
}
