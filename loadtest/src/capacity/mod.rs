//! How much an on-sale needs: proxies, Redis, database and shops, and what breaks first. Pure arithmetic from costs that
//! were measured; `docs/capacity.md` has its tables.
//!
//! - [`measured`] are the costs, each with where it comes from.
//! - [`model`] turns an [`Ask`] into [`model::Needs`]; [`limits`] says what breaks first, and at how many fans.
//! - [`sizes`] are what AWS offers and `terraform/` uses.
//! - [`table`] shows it, [`command`] is `loadtest capacity`.

pub mod command;
pub mod limits;
pub mod measured;
pub mod model;
pub mod sizes;
pub mod table;

/// Most fans that are reckoned with.
pub const FANS_MAX: u64 = 10_000_000;

/// What an on-sale is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// How many fans come.
    pub fans: f64,
    /// In how many seconds they come.
    pub window_s: f64,
    /// How many times the mean come in the busiest second.
    pub peak: f64,
    /// Fans who are let in a minute.
    pub drain_per_minute: f64,
    /// Whether the order is drawn: then all wait for the opening, and each takes more memory.
    pub is_drawn: bool,
    /// Whether the edge ends TLS.
    pub is_tls: bool,
    /// The share of fans who hold a live connection; the others poll.
    pub sockets: f64,
    /// How many seats there are.
    pub seats: f64,
    /// Seats that a buyer takes.
    pub seats_each: f64,
    /// The share of fans who buy, while there are seats.
    pub buyers: f64,
    /// Requests of a fan in the shop, from the turn to the end.
    pub requests_each: f64,
    /// How long a fan stays in the shop, in seconds.
    pub stay_s: f64,
    /// What a request works at the shop, in milliseconds of a core; as measured with ours where nothing is said.
    pub shop_ms: f64,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            fans: 100_000.0,
            window_s: 300.0,
            peak: 2.0,
            drain_per_minute: 1500.0,
            is_drawn: false,
            is_tls: true,
            sockets: 1.0,
            seats: 20_000.0,
            seats_each: 2.0,
            buyers: 0.3,
            requests_each: 40.0,
            stay_s: 240.0,
            shop_ms: measured::SHOP_REQUEST.value / 1000.0,
        }
    }
}
