//! Attacks the cookies that a request carries.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy_fuzz::attacks::cookies(data));
