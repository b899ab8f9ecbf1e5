//! A reply before it is sent: what will go out, when, and where it breaks off.
//!
//! Behaviours make it and change each other's, `server` turns it into bytes and performs it. It is a description: it
//! neither waits nor writes.

use std::time::Duration;

use super::flaw::Flaw;
use super::occasion::Occasion;
use super::parts::{Persistence, ResponseFraming};
use crate::content::Content;
use crate::journal::Outcome;
use crate::wire::push_field;

/// What will be done about one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What happens before the first byte of the head, in order.
    pub before: Vec<Before>,
    /// An application of this name makes status, fields and body.
    pub application: Option<String>,
    /// Bytes that are sent instead of a response.
    pub raw: Option<Vec<u8>>,
    /// Status.
    pub status: u16,
    /// Field lines, each with its line end; those of framing and `Connection` are added when it is sent.
    pub lines: Vec<u8>,
    /// The body.
    pub body: Source,
    /// How its end is marked.
    pub framing: ResponseFraming,
    /// Time between head and body.
    pub gap: Duration,
    /// Bytes of the body per second.
    pub rate: Option<u64>,
    /// Pauses within the body.
    pub pauses: Option<Pauses>,
    /// Where it breaks off.
    pub cut: Option<Cut>,
    /// What is wrong with its framing.
    pub flaw: Option<Flaw>,
    /// What becomes of the connection.
    pub persistence: Persistence,
}

/// What happens before the head.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    /// Time passes.
    Wait(Duration),
    /// Others are waited for.
    Meet {
        /// Name of the barrier.
        barrier: String,
        /// How many must be inside.
        wanted: u32,
        /// How long the first of them waits at most.
        deadline: Duration,
    },
    /// A place is waited for and worked at; a full line makes the answer a 503.
    Occupy {
        /// Name of the places.
        name: String,
        /// How many there are.
        places: u32,
        /// How long the work takes.
        service: Duration,
        /// Most requests that wait.
        most_waiting: Option<u32>,
    },
    /// Bytes are sent: interim responses.
    Send(Vec<u8>),
}

/// Where the bytes of a body come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// They are here.
    Bytes(Vec<u8>),
    /// They are generated.
    Content(Content),
}

/// Pauses within a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// After each this many bytes.
    pub every_bytes: u64,
    /// So long.
    pub pause: Duration,
}

/// Where and how a reply breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where.
    pub place: CutPlace,
    /// How.
    pub how: CutHow,
}

/// Where a reply breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutPlace {
    /// Before its first byte.
    BeforeHead,
    /// After the status line and a part of the fields.
    InHead,
    /// After this many bytes of its body.
    InBody(u64),
}

/// How a reply breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutHow {
    /// The connection is closed in good order (FIN).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// Nothing more comes, and the connection stays open; closed after this long, where there is a limit.
    Hang(Option<Duration>),
}

impl Reply {
    /// A stamped reply without a body.
    pub fn stamped(status: u16, occasion: &Occasion<'_>) -> Reply {
        let mut reply = Reply::bare(status);
        occasion.stamp.push_lines(&mut reply.lines, occasion.secret);
        reply
    }

    /// A reply without a body and without a stamp.
    pub fn bare(status: u16) -> Reply {
        Reply {
            before: Vec::new(),
            application: None,
            raw: None,
            status,
            // One allocation holds the usual head.
            lines: Vec::with_capacity(192),
            body: Source::Bytes(Vec::new()),
            framing: ResponseFraming::ContentLength,
            gap: Duration::ZERO,
            rate: None,
            pauses: None,
            cut: None,
            flaw: None,
            persistence: Persistence::KeepOpen,
        }
    }

    /// Adds a field line.
    pub fn field(&mut self, name: &str, value: impl AsRef<[u8]>) {
        push_field(&mut self.lines, name, value);
    }

    /// Makes it wait before everything else that happens before the head.
    pub fn delay(&mut self, delay: Duration) {
        if delay > Duration::ZERO {
            self.before.insert(0, Before::Wait(delay));
        }
    }

    /// What the journal will say when it has been performed as described.
    pub fn intended_outcome(&self) -> Outcome {
        match self.cut {
            Some(Cut { place: CutPlace::BeforeHead, how: CutHow::Close }) => Outcome::Refused,
            Some(Cut { how: CutHow::Close, .. }) => Outcome::Truncated,
            Some(Cut { how: CutHow::Reset, .. }) => Outcome::Reset,
            Some(Cut { how: CutHow::Hang(_), .. }) => Outcome::Hung,
            None if self.raw.is_some() || self.flaw.is_some() => Outcome::AnsweredWrongly,
            None => Outcome::Answered,
        }
    }
}

impl Source {
    /// Length in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Content(content) => content.size(),
        }
    }

    /// Appends the bytes from `offset` on, at most `count`; says how many.
    pub fn append(&self, offset: u64, count: usize, out: &mut Vec<u8>) -> usize {
        match self {
            Source::Content(content) => content.append(offset, count, out),
            Source::Bytes(bytes) => {
                let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = begin.saturating_add(count).min(bytes.len());
                out.extend_from_slice(&bytes[begin..end]);
                end - begin
            }
        }
    }
}
