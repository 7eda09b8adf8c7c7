//! What no well-behaved client sends, and a shop that keeps every byte of what reaches it.

pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod origin;
