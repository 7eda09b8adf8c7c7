//! Attacks the headers that tell a client's address.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy_fuzz::attacks::client(data));
