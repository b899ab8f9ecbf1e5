//! See `pibl_fuzz::cache_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pibl_fuzz::cache_record(data));
