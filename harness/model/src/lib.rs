//! What the harness is told and what it writes down: the vocabulary that all its other crates share.
//!
//! The modules, in the order in which they may use one another: exit codes and the catalogue of checks; statistics and the
//! shared terms; what the user wrote and what follows from it (`scenario`, `adapter`, `plan`); what happened (`history`); the
//! policies of a fleet, in real and in virtual time (`fleet`). Nothing here sends, starts or judges anything.

pub mod exit_code;

pub mod catalogue;

pub mod statistics;
pub mod terms;

pub mod scenario;

pub mod adapter;

pub mod plan;

pub mod history;

pub mod fleet;
