//! The line itself: tickets, order, drain, tokens, and the stores that hold it. No HTTP.
//!
//! The words are those of a ticket counter. A [room](name::RoomId) has [lanes](name::LaneId); a fan who joins
//! gets a [ticket](ticket::Ticket) with a [rank](rank::Rank); the [drain](store::QueueStore::drain) gives turns
//! to the lowest ranks that are present, at the rate of the [rules](rules::Rules); a fan who claims their turn
//! gets an [admission token](token::Admission). Who stands where is computed from a
//! [snapshot](store::Snapshot) by [`position`], how long it takes by [`wait`].
//!
//! # Map
//!
//! - Values: [`name`], [`rank`], [`ticket`], [`invitation`], [`transfer`], [`work`], [`draw`], [`token`], [`rules`]. They
//!   parse, check and sign; they do no I/O and are told the time.
//! - Computations: [`position`], [`wait`], [`adaptive`].
//! - Ports: [`clock`] (time and randomness), [`store`] (the line), with their adapters beside them.
//! - [`invariants`]: the promises, as predicates over what fans saw; for tests and records, not for serving.
//! - [`keyring`] signs; [`edge_signature`] is what edge and shop agree on.

pub mod adaptive;
pub mod binding;
pub mod bypass;
pub mod clock;
pub mod draw;
pub mod edge_signature;
pub mod invariants;
pub mod invitation;
pub mod keyring;
pub mod name;
pub mod position;
pub mod rank;
pub mod rules;
mod sealed;
pub mod signed_cookie;
pub mod store;
pub mod ticket;
pub mod token;
pub mod transfer;
pub mod wait;
pub mod work;
