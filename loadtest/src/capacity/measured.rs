//! What things cost, as it was measured. Every figure of the model that is no arithmetic is here, with its source.

/// One cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What it is.
    pub name: &'static str,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// Where it was measured.
    pub source: &'static str,
}

const FANS: &str = "[Fans who wait](benchmarks.md#fans-who-wait)";
const LINE: &str = "[The line in Redis](benchmarks.md#the-line-in-redis)";
const EDGE: &str = "[The edge beside its peers](benchmarks.md#the-edge-beside-its-peers)";
const JOINS: &str = "[Joins](benchmarks.md#joins)";
const SPEED: &str = "[performance.md](performance.md#what-the-capacity-model-leans-on)";
const SEATS: &str = "[Holding seats](benchmarks.md#holding-seats)";

/// Memory of a waiting fan at the edge.
pub const FAN: Measured =
    Measured { name: "a live connection at the edge", value: 3.9, unit: "KiB", source: FANS };
/// The same over TLS.
pub const FAN_TLS: Measured = Measured { name: "the same over TLS", value: 13.3, unit: "KiB", source: FANS };
/// What the kernel takes for it.
pub const SOCKET: Measured =
    Measured { name: "the kernel's part of a connection", value: 3.8, unit: "KiB", source: SPEED };
/// Memory of an edge that has nothing to do.
pub const EDGE_EMPTY: Measured =
    Measured { name: "an edge that has nothing to do", value: 32.0, unit: "MiB", source: SPEED };
/// Work of a message to a fan.
pub const MESSAGE: Measured = Measured {
    name: "a message to a fan, with its share of the walk along all fans",
    value: 19.3,
    unit: "µs",
    source: FANS,
};
/// How much more it is over TLS.
pub const MESSAGE_TLS: Measured =
    Measured { name: "the same over TLS, times", value: 1.3, unit: "", source: FANS };
/// How much better a place gets before its fan is told.
pub const STEP: Measured =
    Measured { name: "a fan is told when their place is better by", value: 1.8, unit: "%", source: FANS };
/// How long nobody stays without a message.
pub const SILENCE: Measured = Measured {
    name: "and at least every",
    value: 15.0,
    unit: "s",
    source: "`heartbeat` in `config/edge.toml`",
};
/// How often at most.
pub const TICK: Measured = Measured { name: "and at most every", value: 0.25, unit: "s", source: "the tick" };
/// Bytes of a message.
pub const MESSAGE_BYTES: Measured = Measured {
    name: "a message on the wire",
    value: 400.0,
    unit: "B",
    source: "[cost.md](cost.md#an-on-sale)",
};
/// The pause between two polls of a fan who waits long.
pub const POLL: Measured = Measured {
    name: "who has no live connection polls every",
    value: 10.0,
    unit: "s",
    source: "`poll_after_ms`, for waits over 100 s",
};
/// Bytes of a poll.
pub const POLL_BYTES: Measured = Measured {
    name: "a poll's answer",
    value: 1200.0,
    unit: "B",
    source: "head and body of `GET …/ticket`, rounded up",
};
/// Work of a poll.
pub const POLL_WORK: Measured =
    Measured { name: "a poll, as a 429 costs: 7.5, and 0.8 for TLS", value: 8.3, unit: "µs", source: EDGE };
/// Work of the page.
pub const PAGE: Measured =
    Measured { name: "the waiting page: 10.2, and 2.7 for TLS", value: 12.9, unit: "µs", source: EDGE };
/// Bytes of the page.
pub const PAGE_BYTES: Measured = Measured {
    name: "the page and what belongs to it",
    value: 20_000.0,
    unit: "B",
    source: "[cost.md](cost.md#an-on-sale)",
};
/// Work of a join at the edge.
pub const JOIN: Measured =
    Measured {
        name: "a join, at most: Redis and who asks included", value: 55.0, unit: "µs", source: JOINS
    };
/// Work of a handshake.
pub const HANDSHAKE: Measured =
    Measured { name: "a handshake of TLS 1.3, P-256", value: 173.0, unit: "µs", source: SPEED };
/// Work of a request that is passed on.
pub const PASS: Measured =
    Measured { name: "a request passed on over TLS", value: 17.8, unit: "µs", source: EDGE };
/// Bytes of an answer of the shop.
pub const ANSWER_BYTES: Measured = Measured {
    name: "an answer of the shop",
    value: 15_000.0,
    unit: "B",
    source: "[cost.md](cost.md#an-on-sale)",
};
/// Memory of a fan in the line.
pub const RANK: Measured =
    Measured { name: "a fan in the line, in Redis", value: 6.3, unit: "B", source: LINE };
/// The same after a draw.
pub const RANK_DRAWN: Measured =
    Measured { name: "the same after a draw", value: 52.4, unit: "B", source: LINE };
/// Redis' work for a snapshot with a million in line.
pub const SNAPSHOT: Measured =
    Measured { name: "a snapshot at a million in line", value: 1.26, unit: "ms", source: LINE };
/// How much it grows with ten times as many.
pub const SNAPSHOT_GROWS: Measured =
    Measured { name: "and for ten times as many, more by", value: 0.3, unit: "ms", source: LINE };
/// Redis' other work for an edge, in a second.
pub const EDGE_AT_REDIS: Measured =
    Measured { name: "Redis' other work for an edge", value: 4.4, unit: "ms a second", source: FANS };
/// Redis' work for a join.
pub const JOIN_AT_REDIS: Measured = Measured {
    name: "Redis' work for a join, those that come together in one call",
    value: 5.5,
    unit: "µs",
    source: JOINS,
};
/// Redis' work for a turn, the claim and the end.
pub const TURN_AT_REDIS: Measured = Measured {
    name: "Redis' work for a fan from the turn to the end",
    value: 212.0,
    unit: "µs",
    source: FANS,
};
/// Work of a hold in Redis.
pub const HOLD_AT_REDIS: Measured =
    Measured { name: "a hold in the inventory, Redis and who asks", value: 25.0, unit: "µs", source: SEATS };
/// Work of a request at our shop.
pub const SHOP_REQUEST: Measured = Measured {
    name: "a request at the shop, on average over what a fan asks for in a house of 500 seats",
    value: 160.0,
    unit: "µs",
    source: SPEED,
};
/// Purchases that one shop and one PostgreSQL finish in a second.
pub const PURCHASES: Measured = Measured {
    name: "purchases a second on two cores, at least: paid, numbered, on the disk",
    value: 319.0,
    unit: "a second",
    source: SEATS,
};

/// All of them, in the order of the doc.
pub const TABLE: [Measured; 29] = [
    FAN,
    FAN_TLS,
    SOCKET,
    EDGE_EMPTY,
    MESSAGE,
    MESSAGE_TLS,
    STEP,
    SILENCE,
    TICK,
    MESSAGE_BYTES,
    POLL,
    POLL_BYTES,
    POLL_WORK,
    PAGE,
    PAGE_BYTES,
    JOIN,
    HANDSHAKE,
    PASS,
    ANSWER_BYTES,
    RANK,
    RANK_DRAWN,
    SNAPSHOT,
    SNAPSHOT_GROWS,
    EDGE_AT_REDIS,
    JOIN_AT_REDIS,
    TURN_AT_REDIS,
    HOLD_AT_REDIS,
    SHOP_REQUEST,
    PURCHASES,
];
