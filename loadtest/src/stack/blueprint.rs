//! What to start: which store, how many proxies, which rooms, which sale.

use std::net::SocketAddr;

use serde::Serialize;

use crate::checks::rate::Expected;

/// What the event that the crowd wants to see is called.
const EVENT_NAME: &str = "The Long Evening";

/// Where the line lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// In the memory of each proxy: right for one proxy; several have several lines.
    Memory,
    /// In a Redis of the stack's own.
    Redis,
}

/// Where the shop keeps what is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Database {
    /// In a file of its own.
    #[default]
    Sqlite,
    /// In a PostgreSQL of the stack's own.
    Postgres,
}

/// Who takes the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payments {
    /// The shop itself, which keeps the books in its database.
    #[default]
    Sandbox,
    /// A process of its own, which speaks as Stripe does.
    Provider,
}

impl Payments {
    /// A card that pays, and one that is declined.
    pub const fn cards(self) -> [&'static str; 2] {
        match self {
            Self::Sandbox => ["sandbox-ok", "sandbox-declined"],
            Self::Provider => ["pm_card_visa", "pm_card_chargeCustomerFail"],
        }
    }
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: String,
    /// What its waiting page calls what the fans wait for.
    pub title: String,
    /// The paths it protects.
    pub paths: Vec<String>,
    /// Who has to wait.
    pub mode: &'static str,
    /// Fans admitted a minute.
    pub drain_per_minute: u64,
    /// Between which rates the drain adapts to the shop, where it does; it begins with the one above.
    pub adaptive: Option<(u64, u64)>,
    /// Permits that may gather.
    pub burst: u64,
    /// Most fans inside.
    pub max_active: u64,
    /// How long an admitted fan may stay without a request.
    pub session_seconds: u64,
    /// How long a fan counts as there after the last sign of them.
    pub presence_window_seconds: u64,
    /// How long nobody is admitted after the line was lost.
    pub recovery_grace_seconds: u64,
    /// When the pre-queue begins and the room opens, where those who come between are drawn: milliseconds since 1970.
    pub draw: Option<(u64, u64)>,
}

impl Room {
    /// The room `demo` over the event `demo`, where everybody has to wait.
    pub fn demo(drain_per_minute: u64) -> Self {
        let paths = ["/events/demo", "/events/demo/*", "/api/reservations", "/api/reservations/*"];
        Self {
            id: "demo".to_owned(),
            title: EVENT_NAME.to_owned(),
            paths: paths.map(ToOwned::to_owned).to_vec(),
            mode: "always",
            drain_per_minute,
            adaptive: None,
            burst: drain_per_minute.div_ceil(60).max(1),
            max_active: (drain_per_minute * 10).clamp(100, 1_000_000),
            session_seconds: 600,
            presence_window_seconds: 10,
            recovery_grace_seconds: 5,
            draw: None,
        }
    }

    /// The room `brief`, whose sessions are over in a moment: for tokens that have to expire.
    pub fn brief() -> Self {
        Self {
            id: "brief".to_owned(),
            paths: ["/brief", "/brief/*"].map(ToOwned::to_owned).to_vec(),
            drain_per_minute: 6000,
            burst: 100,
            session_seconds: 3,
            ..Self::demo(0)
        }
    }

    /// What the line of this room has to do.
    pub const fn expected(&self) -> Expected {
        Expected { drain_per_minute: self.drain_per_minute, burst: self.burst }
    }
}

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// Where the line lives.
    pub store: Store,
    /// How many proxies there are.
    pub proxies: usize,
    /// The rooms that each of them has.
    pub rooms: Vec<Room>,
    /// The port of the first proxy; any free one where nothing is asked for.
    pub edge_port: Option<u16>,
    /// What the edges forward to, where that is not the shop of the stack.
    pub upstream: Option<SocketAddr>,
    /// Where the shop keeps what is paid.
    pub database: Database,
    /// Where the shop keeps which seats are free: in its memory, or in a Redis that is not the line's.
    pub inventory: Store,
    /// Who takes the money.
    pub payments: Payments,
    /// Whether the processes speak with each other by way of links, which can be slow or cut.
    pub links: bool,
    /// How long the shop holds seats.
    pub hold_seconds: u64,
}

impl Default for Blueprint {
    /// One proxy and nothing to install; no room yet.
    fn default() -> Self {
        Self {
            store: Store::Memory,
            proxies: 1,
            rooms: Vec::new(),
            edge_port: None,
            upstream: None,
            database: Database::Sqlite,
            inventory: Store::Memory,
            payments: Payments::Sandbox,
            links: false,
            hold_seconds: 60,
        }
    }
}

/// A row of seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// How many seats it has.
    pub seats: u32,
    /// What each costs.
    pub price_cents: u64,
}

/// An event on sale, as the shop takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sale {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it takes place.
    pub venue: String,
    /// When, RFC 3339.
    pub starts_at: String,
    /// What its prices are in.
    pub currency: String,
    /// The room before it.
    pub waiting_room: Option<String>,
    /// Its seats.
    pub rows: Vec<Row>,
}

impl Sale {
    /// The event `demo` behind the room `demo`; the rows in front cost more.
    pub fn demo(rows: u32, seats_per_row: u32) -> Self {
        let row = |nth: u32| Row {
            name: row_name(nth),
            seats: seats_per_row,
            price_cents: match nth * 3 / rows.max(1) {
                0 => 8900,
                1 => 6500,
                _ => 4500,
            },
        };
        Self {
            id: "demo".to_owned(),
            name: EVENT_NAME.to_owned(),
            venue: "Harbour Hall".to_owned(),
            starts_at: "2030-06-21T19:30:00Z".to_owned(),
            currency: "EUR".to_owned(),
            waiting_room: Some("demo".to_owned()),
            rows: (0..rows).map(row).collect(),
        }
    }
}

/// A, B, … Z, AA, AB, …
fn row_name(nth: u32) -> String {
    let letter = |at: u32| char::from(b'A' + u8::try_from(at % 26).unwrap_or_default());
    match nth / 26 {
        0 => letter(nth).to_string(),
        more => format!("{}{}", letter(more - 1), letter(nth)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_as_in_a_theatre() {
        assert_eq!([0, 25, 26, 51, 52].map(row_name), ["A", "Z", "AA", "AZ", "BA"]);
        let sale = Sale::demo(60, 40);
        assert_eq!(sale.rows.iter().map(|row| row.seats).sum::<u32>(), 2400);
        assert!(sale.rows[0].price_cents > sale.rows[59].price_cents);
    }

    #[test]
    fn the_burst_of_a_room_is_one_second_of_its_drain() {
        assert_eq!(Room::demo(600).expected(), Expected { drain_per_minute: 600, burst: 10 });
        assert_eq!(Room::demo(1).burst, 1);
    }
}
