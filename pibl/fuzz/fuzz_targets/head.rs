//! See `pibl_fuzz::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pibl_fuzz::head(data));
