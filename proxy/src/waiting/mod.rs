//! What a fan sees while they wait: pages, status JSON, cookies, cache headers. Plain data in, bytes out.

pub mod cookies;
pub mod draw;
pub mod page;
pub mod reply;
pub mod status;
pub mod time;
pub(crate) mod words;
