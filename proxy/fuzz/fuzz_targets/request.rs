//! Attacks what is decided about a request.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy_fuzz::attacks::request(data));
