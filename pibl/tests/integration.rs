//! All tests of the program from outside, in one binary: those that wait do so beside each other, and they are linked once.
//!
//! `cargo test -p pibl --test integration answers` runs the tests of one file. A new file is a line here, which `tidy` asks for.

mod answers;
mod balancing;
mod caching;
mod chaos;
mod command_line;
mod corpora;
mod deploy;
mod draining;
mod forwarding;
mod http2;
mod http2_bounds;
mod https;
mod late_bytes;
mod limits;
mod ordinary_programs;
mod power;
mod promises;
mod refusals;
mod sigkill;
mod slow_disk;
mod store;
mod strangers;
mod testkit;
