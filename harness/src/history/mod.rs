//! The append-only record of everything that happened in a run.
//!
//! `conductor`, `traffic`, `fault` and `proxy_under_test` write events, the writer puts them into `events.jsonl`, and
//! the checks and reports read them back. Nothing is ever changed or removed, and nothing is judged here.

mod event;

pub use event::{
    Anomaly, BodySeen, ConfigurationFile, ContentSeen, Event, EventKind, Exchange, ExchangeEnd, HostNoise, ProxyExit, Purpose,
    ResourceSample, ResponseSeen, WireBytes,
};
