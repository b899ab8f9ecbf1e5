//! The steps of cloud cases as written: users with tokens, deliveries that must be seen.
//!
//! `plan` resolves them. They say who asks what and how often; what must come of it is said by checks.

use fake_backends::behavior::Span;
use serde::Deserialize;

use super::values;

/// Users that log in and ask, all at the same time and then one after the other.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersStep {
    /// How many; they are called `u1`, `u2`, ...
    #[serde(deserialize_with = "values::count")]
    pub count: u32,
    /// Where a POST with name and password gives a token.
    #[serde(deserialize_with = "values::target")]
    pub login: String,
    /// Target, with `{kind}` for each way of sending careless caching headers, and `{n}` for the round.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// How often each kind is tried, each time with another resource.
    #[serde(default = "one", deserialize_with = "values::count")]
    pub rounds: u32,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// Orders that are registered while others look whether they can see them.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesStep {
    /// Where a POST with name and password gives a token.
    #[serde(deserialize_with = "values::target")]
    pub login: String,
    /// Where orders are registered.
    #[serde(deserialize_with = "values::target")]
    pub register: String,
    /// Where they must be seen by users with a token.
    #[serde(default, deserialize_with = "values::targets")]
    pub look: Vec<String>,
    /// Where they must be seen by anybody.
    #[serde(default, deserialize_with = "values::targets")]
    pub look_openly: Vec<String>,
    /// How many orders.
    #[serde(deserialize_with = "values::count")]
    pub orders: u32,
    /// Time between two orders.
    #[serde(deserialize_with = "values::pause")]
    pub every: Span,
    /// Time between two looks at a place.
    #[serde(deserialize_with = "values::pause")]
    pub look_every: Span,
    /// How long it is looked, from the beginning of the step.
    #[serde(rename = "for")]
    pub duration: Span,
    /// How long a token is good. The courier goes on with the one of its beginning; who looks takes a new one.
    #[serde(default)]
    pub lifetime: Option<Span>,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

fn one() -> u32 {
    1
}
