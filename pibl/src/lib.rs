//! pibl: a caching, load-balancing HTTP/1.1 reverse proxy.
//!
//! The rooms are declared in the order in which they may use each other: each one may use only what
//! stands above it. `ARCHITECTURE.md` tells the life of a request through them.

#![forbid(unsafe_code)]

pub mod http;

pub mod clock;

pub mod platform;

pub mod wire;

pub mod config;

pub mod balancer;
pub mod cache;

pub mod upstream;

pub mod exchange_log;

pub mod admission;

pub mod exchange;

pub mod connection;

pub mod listener;

pub mod handover;

pub mod admin;

pub mod shutdown;

mod run;

pub mod cli;

pub use run::{Ending, Listeners, run};
