//! What touches the world during a run: proxies that are prepared, started, watched and killed, and the traffic sent to them.
//!
//! The conductor of the program calls both. `traffic` knows nothing of processes, `proxy_under_test` nothing of requests but
//! the one GET of its readiness; neither judges. The load engine lives here, so this crate is optimised in every profile.

pub mod proxy_under_test;
pub mod tls;
pub mod traffic;
pub mod watch;
