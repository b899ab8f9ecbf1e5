//! All tests of the program from outside, in one binary: those that wait do so beside each other, and they are linked once.
//!
//! `cargo test -p fake-backends --test integration answers` runs the tests of one file. A new file is a line here, which `tidy` asks for.

mod answers;
mod command_line;
mod faults;
mod manners;
mod properties;
mod requests;
mod testkit;
