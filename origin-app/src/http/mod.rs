//! HTTP as the whole shop sees it: who may ask, what bounds a request, and how errors are told.

mod assets;
mod client;
mod codes;
mod cookie;
mod cross_site;
mod edge;
mod extract;
mod headers;
mod health;
mod load;
mod log;
mod openapi;
mod problem;
mod reader;
mod session;

pub(crate) use assets::{Assets, serve as serve_asset};
pub(crate) use client::Client;
#[cfg(test)]
pub(crate) use codes::CODES;
pub(crate) use cookie::{Cookies, guest_of, set_fan_cookie};
pub(crate) use cross_site::refuse_cross_site;
pub use edge::EdgeFacts;
pub(crate) use edge::require_edge;
pub(crate) use extract::{Fields, JsonBody, Organiser, PathId, QueryArgs};
pub(crate) use headers::{let_stripe_in, private, public, public_page, security_headers};
pub(crate) use load::{Gate, limit_load, limit_time};
pub(crate) use log::log_request;
#[cfg(test)]
pub(crate) use openapi::document;
pub(crate) use openapi::documented;
pub use problem::Problem;
pub(crate) use reader::{Reader, back_to};
pub(crate) use session::end_session;
