//! The judge of proxies: puts any caching round-robin proxy between honest clients and misbehaving backends, and says
//! with evidence what it does.
//!
//! The rooms, in the order in which they may use one another (each only what stands above it):
//! exit codes and the catalogue of checks; the platform; statistics and the shared terms; what the user wrote and what
//! follows from it (`scenario`, `adapter`, `plan`); what happened (`history`); those who touch the world
//! (`proxy_under_test`, `traffic`, `fault`); functions of the record (`check`, `language`, `report`); the one who knows the
//! order (`conductor`). `tests/tidy.rs` keeps it so, ARCHITECTURE.md has the map.

pub mod exit_code;

pub mod catalogue;
pub mod platform;

pub mod statistics;
pub mod terms;

pub mod scenario;

pub mod adapter;

pub mod plan;

pub mod history;

pub mod fault;
pub mod fleet;
pub mod proxy_under_test;
pub mod traffic;

pub mod check;
pub mod compare;
pub mod language;
pub mod report;

pub mod conductor;

pub mod grade;

pub mod cli;
