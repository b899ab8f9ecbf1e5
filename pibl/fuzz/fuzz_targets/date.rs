//! See `pibl_fuzz::date`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pibl_fuzz::date(data));
