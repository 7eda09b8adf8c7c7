//! Attacks the parser of invitations.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| admission_fuzz::invitation(data));
