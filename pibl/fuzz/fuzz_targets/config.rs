//! See `pibl_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pibl_fuzz::config(data));
