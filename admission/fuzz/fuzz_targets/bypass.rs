//! Attacks the parser of links that lead past a line.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| admission_fuzz::bypass(data));
