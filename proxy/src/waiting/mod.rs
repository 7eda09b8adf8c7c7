//! What a fan sees while they wait: pages, status JSON, cookies, cache headers. Plain data in, bytes out.

pub mod body;
mod checksum;
pub mod cookies;
pub mod draw;
pub mod look;
mod mould;
pub mod moving;
pub mod notice;
mod own;
pub mod page;
mod parcel;
pub mod reader;
pub mod refusal;
pub mod reply;
pub mod samples;
pub(crate) mod sheets;
pub mod status;
pub mod texts;
pub mod time;
pub(crate) mod told;
pub(crate) mod words;
