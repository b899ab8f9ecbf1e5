//! What a behaviour is told: the request, its number, and the dice it may throw.
//!
//! `server` makes one for each request. Everything that a behaviour decides follows from it, so a run with the same seed
//! decides the same; it holds no socket and no state.

use super::distribution::Random;
use crate::clock::{Moment, RunClock};
use crate::content::Secret;
use crate::stamp::Stamp;
use crate::wire::{Field, RequestHead, WireBytes};

/// A request that has come completely.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its head.
    pub head: RequestHead,
    /// Length of its body, without framing.
    pub body_bytes: u64,
    /// xxh3-64 of its body.
    pub body_hash: u64,
    /// The first bytes of its body, at most 4 KiB.
    pub body_start: WireBytes,
    /// All of its body, where the script has an application and it was not too long.
    pub body: Option<Vec<u8>>,
    /// Fields after its last chunk.
    pub trailers: Vec<Field>,
}

/// One request, to be replied to.
#[derive(Clone, Debug)]
pub struct Occasion<'a> {
    /// Which answer of which backend this will be.
    pub stamp: &'a Stamp,
    /// The how-manieth request of its route at this backend it is, from one.
    pub number_on_route: u64,
    /// The request.
    pub request: &'a Received,
    /// The version of the content asked for.
    pub version: u64,
    /// Numbers that depend on the seed, the backend and the number of the request, not on timing.
    pub random: Random,
    /// The clock of the run.
    pub clock: RunClock,
    /// The present moment.
    pub now: Moment,
    /// What answers of the run are proven by.
    pub secret: Secret,
    /// Whether generated bodies are text, whatever the plan says.
    pub in_text: bool,
}

impl Occasion<'_> {
    /// What the content is made for: path and query.
    pub fn key(&self) -> &str {
        self.request.head.path_and_query()
    }
}

/// Makes occasions for tests of behaviours.
#[cfg(test)]
pub(super) fn received(text: &str) -> Received {
    use crate::wire::{RequestEvent, RequestReader};
    let mut input = text.as_bytes();
    let Some(RequestEvent::Head(head)) = RequestReader::new(10_000).next(&mut input).unwrap() else {
        panic!("no head in {text:?}")
    };
    Received {
        head: *head,
        body_bytes: 0,
        body_hash: xxhash_rust::xxh3::xxh3_64(b""),
        body_start: WireBytes::default(),
        body: None,
        trailers: Vec::new(),
    }
}

/// The reply of a plan, written in JSON, to the n-th request of a path.
#[cfg(test)]
pub(super) fn reply_to(plan: &str, path: &str, number: u64) -> super::Reply {
    let plan: super::Plan = serde_json::from_str(plan).unwrap();
    let request = received(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    let stamp = Stamp { backend: "b1".into(), number };
    let clock = RunClock::start();
    let random = Random::new(number);
    let occasion = &mut Occasion {
        stamp: &stamp,
        number_on_route: number,
        request: &request,
        version: 1,
        random,
        clock,
        now: clock.now(),
        secret: Secret::NONE,
        in_text: false,
    };
    plan.reply(occasion)
}
