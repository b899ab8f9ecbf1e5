//! All tests of the program from outside, in one binary: those that wait do so beside each other, and they are linked once.
//!
//! `cargo test -p harness --test integration guilty` runs the tests of one file. A new file is a line here, which `tidy` asks for.

mod adapters;
mod attach;
mod attacked_course;
mod browser;
mod by_hand;
mod cases;
mod cheats;
mod cloud;
mod compare;
mod confinement;
mod course;
mod detection;
mod devtools;
mod diff;
mod engine;
mod escapes;
mod fleets;
mod grade;
mod guard;
mod guilty;
mod guilty_proxy;
mod guilty_run;
mod handed_in;
mod hostile;
mod intake;
mod interruption;
mod known_server;
mod layouts;
mod live;
mod mending;
mod odd;
mod ordinary;
mod other_readers;
mod outputs;
mod problems;
mod proxy_under_test;
mod pupil;
mod resolve;
mod simulate;
mod steady;
mod subject;
mod trust;
mod untidy_conduct;
mod watching;
