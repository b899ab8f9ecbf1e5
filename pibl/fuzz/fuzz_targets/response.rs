//! See `pibl_fuzz::response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pibl_fuzz::response(data));
