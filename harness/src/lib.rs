//! The judge of proxies: puts any caching round-robin proxy between honest clients and misbehaving backends, and says
//! with evidence what it does.
//!
//! This crate is the program: the one who knows the order of a run (`conductor`), the page that shows it meanwhile (`live`), many
//! submissions judged by one rubric (`grade`), which part of a whole is one machine's (`shard`), the command line (`cli`). What they use lies in the crates beside it, which may use one another only in this
//! order: `platform`, `model`, `run` and `judge`, `tell`. Cargo keeps it so, ARCHITECTURE.md has the map.

pub mod conductor;

pub mod live;

pub mod grade;

mod shard;

pub mod cli;
