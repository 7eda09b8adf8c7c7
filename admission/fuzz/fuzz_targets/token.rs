//! Attacks the parser of admission tokens.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| admission_fuzz::token(data));
