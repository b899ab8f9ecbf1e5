//! `application`: a program of this process answers, with state and rules of its own.
//!
//! Whoever starts backends hands over the applications by name; all backends of a run share them, as instances share a
//! database. Framing, stamps, the journal and the misbehaviour around it stay ours; an application never sees a socket.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::occasion::Received;
use super::reply::Reply;
use super::{Occasion, Source};
use crate::clock::RunClock;
use crate::content::Secret;
use crate::stamp::Stamp;

/// Longest body of a request that an application is given; longer ones are answered with 413.
pub const REQUEST_BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A program that answers requests.
pub trait Application: Send + Sync {
    /// Answers one request. Several may be asked at the same time; waiting must be asynchronous.
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a>;
}

/// An answer in the making.
pub type Working<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// What an application is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The request; its body is complete.
    pub request: &'a Received,
    /// Which backend asks, and the number of its answer.
    pub stamp: &'a Stamp,
    /// The clock of the run.
    pub clock: RunClock,
    /// What its answers are proven by.
    pub secret: Secret,
}

/// What an application answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Fields in order, without those of framing.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Source,
}

/// The applications of a run, by name.
#[derive(Clone, Default)]
pub struct Applications {
    by_name: HashMap<String, Arc<dyn Application>>,
}

/// Settings of `application`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationPlan {
    /// Its name; an unknown one is answered with 501.
    pub name: String,
}

impl ApplicationPlan {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = Reply::stamped(501, occasion);
        reply.body = Source::Bytes(format!("no application is called `{}`\n", self.name).into_bytes());
        reply.application = Some(self.name.clone());
        reply
    }
}

impl Answer {
    /// An answer with a body of JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Answer {
        let fields = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Answer { status, fields, body: Source::Bytes(body.to_string().into_bytes()) }
    }

    /// Puts it in the place of what the reply had.
    pub(crate) fn apply(self, reply: &mut Reply) {
        reply.status = self.status;
        for (name, value) in &self.fields {
            // A line end inside would be a field that the application did not mean.
            reply.field(name, value.replace(['\r', '\n', '\0'], " "));
        }
        reply.body = self.body;
    }
}

impl Applications {
    /// Adds one under a name; one that had the name before is replaced.
    pub fn add(&mut self, name: impl Into<String>, application: Arc<dyn Application>) {
        self.by_name.insert(name.into(), application);
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<Arc<dyn Application>> {
        self.by_name.get(name).cloned()
    }
}

impl fmt::Debug for Applications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
