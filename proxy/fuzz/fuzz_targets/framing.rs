//! Attacks the framing of heads.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy_fuzz::attacks::framing(data));
