//! Origins that behave, and misbehave, exactly as told, and write down exactly what they saw.
//!
//! The modules, each using only those above it (ARCHITECTURE.md has the map):
//!
//! - [`clock`], [`platform`]: the time of a run, and where its sockets are made;
//! - [`content`], [`stamp`]: bodies that prove themselves, and who gave an answer;
//! - [`wire`]: a raw codec of HTTP/1.1 that can be wrong on purpose;
//! - [`journal`]: every connection and every request, in order;
//! - [`behavior`]: what a backend does with a request, as data;
//! - [`applications`]: programs with state and tokens, after four real systems;
//! - [`server`]: a backend that listens and does it;
//! - [`control`]: what a running program tells of its backends.
//!
//! The command line belongs to the program alone (`main.rs`, `cli/`), so that whoever embeds backends does not compile it.

pub mod applications;
pub mod behavior;
pub mod clock;
pub mod content;
pub mod control;
pub mod journal;
pub mod platform;
pub mod server;
pub mod stamp;
pub mod wire;
