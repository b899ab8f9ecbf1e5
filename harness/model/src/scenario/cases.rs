//! The steps of cloud cases about the balancer itself, as written: callers, an overload, uploads to a worker.
//!
//! `plan` resolves them. They say who asks what from where and how often; what must come of it is said by checks.

use std::net::IpAddr;

use fake_backends::behavior::Span;
use serde::Deserialize;

use super::values;

/// Requests from several addresses, through the proxy and past it.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallersStep {
    /// Addresses that they come from; all of 127.0.0.0/8 is this machine.
    pub from: Vec<IpAddr>,
    /// Target, with `{n}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Requests of each.
    #[serde(deserialize_with = "values::count")]
    pub requests: u32,
    /// Whether they also try to reach every backend without the proxy.
    #[serde(default)]
    pub past_the_proxy: bool,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// Browsers of several origins that ask for the same, each with its preflight.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginsStep {
    /// What they ask for.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Origins that the application lets in, such as `https://shop.example`.
    pub allowed: Vec<String>,
    /// Origins that it does not.
    pub strangers: Vec<String>,
    /// How often all of them ask, one after the other.
    #[serde(deserialize_with = "values::count")]
    pub rounds: u32,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// Users that vote for videos at the same instant, while others look.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VotesStep {
    /// How many users; the first one uploads.
    #[serde(deserialize_with = "values::at_once")]
    pub users: u32,
    /// How many videos.
    #[serde(deserialize_with = "values::count")]
    pub videos: u32,
    /// How often each user votes for each video, all at the same instant.
    #[serde(deserialize_with = "values::at_once")]
    pub at_once: u32,
    /// Where a POST makes an account.
    #[serde(deserialize_with = "values::target")]
    pub signup: String,
    /// Where a POST with name and password gives a token.
    #[serde(deserialize_with = "values::target")]
    pub login: String,
    /// Where a POST uploads.
    #[serde(deserialize_with = "values::target")]
    pub upload: String,
    /// Where a POST votes, with `{key}` for the video.
    #[serde(deserialize_with = "values::target")]
    pub vote: String,
    /// Where the uploads of a user are listed with their state.
    #[serde(deserialize_with = "values::target")]
    pub list: String,
    /// What belongs to one user: the votes first, then the rest.
    #[serde(deserialize_with = "values::targets")]
    pub own: Vec<String>,
    /// The ranking, with `{n}` for how long it may be.
    #[serde(deserialize_with = "values::target")]
    pub ranking: String,
    /// What is for everybody, with `{key}` for a video.
    #[serde(deserialize_with = "values::targets")]
    pub open: Vec<String>,
    /// Time between two looks at all that is for everybody and all that is one's own.
    #[serde(deserialize_with = "values::pause")]
    pub look_every: Span,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// More than can be done for a while, by one of two clients.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverloadStep {
    /// Target, with `{n}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// What the backends can do, such as `400/s`.
    pub capacity: String,
    /// The client that asks for no more than its share, always.
    pub modest: ModestFile,
    /// The client that asks for far more for a while.
    pub greedy: GreedyFile,
    /// An answer that comes later is of no use.
    pub within: Span,
    /// Time before the overload.
    pub before: Span,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub duration: Span,
    /// Time after it.
    pub after: Span,
    /// Name that checks refer to, and the beginning of the tags of both clients.
    #[serde(rename = "as")]
    pub label: String,
}

/// See [`OverloadStep::modest`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModestFile {
    /// Its address.
    pub from: IpAddr,
    /// What it asks for, such as `60/s`.
    pub rate: String,
}

/// See [`OverloadStep::greedy`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GreedyFile {
    /// Its address.
    pub from: IpAddr,
    /// What it asks for before and after.
    pub rate: String,
    /// What it asks for in between.
    pub over: String,
}

/// Uploads to a queue with a worker behind it, until everything is processed.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadsStep {
    /// Where a POST makes an account.
    #[serde(deserialize_with = "values::target")]
    pub signup: String,
    /// Where a POST with name and password gives a token.
    #[serde(deserialize_with = "values::target")]
    pub login: String,
    /// Where a POST uploads.
    #[serde(deserialize_with = "values::target")]
    pub upload: String,
    /// Where the uploads of a user are listed with their state.
    #[serde(deserialize_with = "values::target")]
    pub list: String,
    /// Where the depth of the queue is told.
    #[serde(deserialize_with = "values::target")]
    pub queue: String,
    /// How many uploads.
    #[serde(deserialize_with = "values::count")]
    pub uploads: u32,
    /// Time between two of them.
    #[serde(deserialize_with = "values::pause")]
    pub every: Span,
    /// Time between two looks at list and queue.
    #[serde(deserialize_with = "values::pause")]
    pub look_every: Span,
    /// How long it is looked, from the beginning of the step.
    #[serde(rename = "for")]
    pub duration: Span,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}
