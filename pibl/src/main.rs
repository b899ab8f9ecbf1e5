//! The entry of the command `pibl`.

fn main() {}
