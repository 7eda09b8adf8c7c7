//! Attacks the parser of tickets.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| admission_fuzz::ticket(data));
