//! The load engine: requests at a given pace over many connections, every answer checked, every latency recorded.
//!
//! `pace` says when, `requests` what, `connection` how, `tally` what came of it; `worker` joins them in one epoll loop
//! per thread. It is a generator and a recorder: it starts no proxy and gives no verdict.

mod connection;
mod pace;
mod requests;
mod tally;
mod worker;

pub use connection::Ended;
pub use pace::{Schedule, Spacing, Stage};
pub use requests::{Keys, Mix, RequestKind, Zipf};
pub use tally::{Fate, HIGHEST_NS, TagTally, Times};
pub use worker::{Assignment, Pace, Report, run};
