//! Attacks the parser of links that move a place.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| admission_fuzz::transfer(data));
