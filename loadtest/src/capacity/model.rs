//! From what an on-sale is like to what it needs.

use super::Ask;
use super::measured as cost;
use super::sizes::{DATABASES, Database, EDGES_MAX, EDGES_MIN, FULL, NODES, Node, SHOPS_MIN, TASKS, Task};

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;
/// Snapshots that an edge asks for in a second: one at each tick.
const SNAPSHOTS_A_SECOND: f64 = 4.0;
/// Calls to the store at each tick.
const CALLS_A_TICK: f64 = 5.0;

/// What happens, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Most fans in line.
    pub waiting: f64,
    /// When the last one is let in, in seconds after the first came.
    pub gone_after_s: f64,
    /// When no seat is left; nothing where all who would buy can.
    pub sold_out_s: Option<f64>,
    /// Fans who come in the busiest second.
    pub joins: f64,
    /// Fans with a live connection.
    pub sockets: f64,
    /// Messages a second while most wait.
    pub messages: f64,
    /// Polls a second then.
    pub polls: f64,
    /// Fans in the shop.
    pub inside: f64,
    /// Requests a second that are passed on.
    pub passed: f64,
    /// Holds a second.
    pub holds: f64,
    /// Purchases a second.
    pub purchases: f64,
    /// Bytes a second to fans, at most.
    pub bytes: f64,
}

/// What is needed for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// What happens.
    pub load: Load,
    /// Cores that all edges keep busy, at most.
    pub edge_cores: f64,
    /// The size of an edge.
    pub edge: Task,
    /// How many edges.
    pub edges: f64,
    /// Memory of one edge at most, in MiB.
    pub edge_mib: f64,
    /// Descriptors of one edge at most.
    pub edge_descriptors: f64,
    /// Bits a second that one edge sends at most.
    pub edge_bits: f64,
    /// Memory of the line in MiB.
    pub line_mib: f64,
    /// Calls a second to the line.
    pub line_calls: f64,
    /// How much of one core the line takes.
    pub line_busy: f64,
    /// The smallest node for the line that is enough; none is where nothing is.
    pub line: Option<Node>,
    /// How much of one core the inventory takes.
    pub inventory_busy: f64,
    /// Cores that shops keep busy.
    pub shop_cores: f64,
    /// How many shops of one core.
    pub shops: f64,
    /// How much of a database of two cores is used.
    pub database_busy: f64,
    /// The smallest database that is enough; none is where nothing is.
    pub database: Option<Database>,
}

/// Messages a second to `waiting` fans of whom `let_in` a second leave the front.
///
/// A fan at place q is told when it is better by [`cost::STEP`]: every `STEP·q / let_in` seconds, but not more often than
/// every tick nor more rarely than the silence allows. Summed over all places.
pub fn messages(waiting: f64, let_in: f64) -> f64 {
    if waiting <= 0.0 {
        return 0.0;
    }
    let step = cost::STEP.value / 100.0;
    let place = |every: f64| (every * let_in / step).min(waiting);
    let (often, rarely) = (place(cost::TICK.value), place(cost::SILENCE.value));
    let between = if often > 0.0 { let_in / step * (rarely / often).ln() } else { 0.0 };
    often / cost::TICK.value + between + (waiting - rarely) / cost::SILENCE.value
}

/// Redis' work for one snapshot, in milliseconds.
pub fn snapshot_ms(waiting: f64) -> f64 {
    let tens = (waiting.max(1000.0) / 1e6).log10();
    (cost::SNAPSHOT.value + cost::SNAPSHOT_GROWS.value * tens).max(0.3)
}

/// What happens.
pub fn load(ask: &Ask) -> Load {
    let let_in = ask.drain_per_minute / 60.0;
    let gone_after_s = (ask.fans / let_in).max(ask.window_s) + if ask.is_drawn { ask.window_s } else { 0.0 };
    let meanwhile = if ask.is_drawn { 0.0 } else { let_in * ask.window_s };
    let waiting = (ask.fans - meanwhile).max(0.0);
    let (sockets, joins) = (waiting * ask.sockets, ask.fans / ask.window_s * ask.peak);
    let polls = (waiting - sockets) / cost::POLL.value;
    let messages = messages(waiting, let_in) * ask.sockets;
    let passed = let_in * ask.requests_each;
    let purchases = let_in * ask.buyers;
    let sells_out = ask.fans * ask.buyers * ask.seats_each > ask.seats;
    let sold_out_s = sells_out.then(|| ask.seats / (purchases * ask.seats_each));
    Load {
        waiting,
        gone_after_s,
        sold_out_s,
        joins,
        sockets,
        messages,
        polls,
        inside: (let_in * ask.stay_s).min(ask.fans),
        passed,
        holds: let_in,
        purchases,
        bytes: messages * cost::MESSAGE_BYTES.value
            + polls * cost::POLL_BYTES.value
            + joins * cost::PAGE_BYTES.value
            + passed * cost::ANSWER_BYTES.value,
    }
}

/// What is needed.
pub fn needs(ask: &Ask) -> Needs {
    let load = load(ask);
    let message = cost::MESSAGE.value * if ask.is_tls { cost::MESSAGE_TLS.value } else { 1.0 };
    let arrival = cost::PAGE.value + cost::JOIN.value + if ask.is_tls { cost::HANDSHAKE.value } else { 0.0 };
    let edge_cores = (load.messages * message
        + load.polls * cost::POLL_WORK.value
        + load.joins * arrival
        + load.passed * cost::PASS.value)
        / 1e6;
    let fan_kib = cost::SOCKET.value + if ask.is_tls { cost::FAN_TLS.value } else { cost::FAN.value };
    let (edge, edges) = edges(&load, edge_cores);
    let sockets_each = load.sockets / edges / FULL;
    let rank = if ask.is_drawn { cost::RANK_DRAWN.value } else { cost::RANK.value };
    let let_in = ask.drain_per_minute / 60.0;
    let line_busy = edges * (SNAPSHOTS_A_SECOND * snapshot_ms(load.waiting) + cost::EDGE_AT_REDIS.value)
        / 1e3
        + load.joins * cost::JOIN_AT_REDIS.value / 1e6
        + let_in * cost::TURN_AT_REDIS.value / 1e6;
    let line_mib = 1.0 + load.waiting * rank / MIB;
    let shop_cores = load.passed * ask.shop_ms / 1e3;
    let database_busy = load.purchases / cost::PURCHASES.value;
    Needs {
        load,
        edge_cores,
        edge,
        edges,
        edge_mib: cost::EDGE_EMPTY.value + sockets_each * fan_kib * KIB / MIB,
        edge_descriptors: sockets_each + 2.0 * load.passed / edges * PASSED_FOR_S + DESCRIPTORS,
        edge_bits: load.bytes * 8.0 / edges,
        line_mib,
        line_calls: edges * SNAPSHOTS_A_SECOND * CALLS_A_TICK + load.joins.min(edges * JOIN_CALLS),
        line_busy,
        line: NODES.into_iter().find(|node| line_busy <= node.busy_max && line_mib <= node.memory_mib / 2.0),
        inventory_busy: load.holds * cost::HOLD_AT_REDIS.value / 1e6,
        shop_cores,
        shops: (shop_cores / FULL).ceil().max(SHOPS_MIN),
        database_busy,
        database: DATABASES.into_iter().find(|database| database_busy * 2.0 / database.cores <= FULL),
    }
}

/// How long a request is on its way at the edge, generously: it has a connection to the fan and one to the shop.
const PASSED_FOR_S: f64 = 1.0;
/// Descriptors of an edge that has nothing to do.
const DESCRIPTORS: f64 = 200.0;
/// Calls with joins that an edge makes in a second at most: those that come meanwhile go together.
const JOIN_CALLS: f64 = 1000.0;

/// The smallest size of which no more are needed than production may have, and how many.
fn edges(load: &Load, cores: f64) -> (Task, f64) {
    let many = |task: &Task| {
        let by_sockets = load.sockets / (task.sockets_max * FULL);
        (by_sockets.max(cores / (task.cores * FULL)).ceil()).max(EDGES_MIN)
    };
    let [.., largest] = TASKS;
    let task = TASKS.into_iter().find(|task| many(task) <= edges_that_read_little(task)).unwrap_or(largest);
    (task, many(&task))
}

/// Each edge reads the line at every tick: rather fewer and larger ones than many.
fn edges_that_read_little(task: &Task) -> f64 {
    if task.cores < 2.0 { EDGES_MAX / 3.0 } else { EDGES_MAX / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, share: f64) {
        assert!((found - expected).abs() <= expected * share, "{found}, and {expected} was expected");
    }

    #[test]
    fn messages_are_those_that_were_counted() {
        // docs/benchmarks.md, fans who wait, 50 leaving a second.
        near(messages(100_000.0, 50.0), 17_586.0, 0.05);
        near(messages(10_000.0, 50.0), 9_065.0, 0.15);
        assert_eq!(messages(0.0, 50.0), 0.0);
        // A line that does not move says so now and then; one that rushes is told at every tick.
        near(messages(1500.0, 0.0), 100.0, 1e-9);
        near(messages(100.0, 1e6), 400.0, 1e-9);
    }

    #[test]
    fn a_snapshot_takes_what_was_measured() {
        near(snapshot_ms(1e6), cost::SNAPSHOT.value, 1e-9);
        near(snapshot_ms(1e7), cost::SNAPSHOT.value + cost::SNAPSHOT_GROWS.value, 1e-9);
        assert!(snapshot_ms(10.0) >= 0.3);
    }

    #[test]
    fn the_line_is_what_came_and_was_not_let_in() {
        let ask = Ask { fans: 10_000.0, window_s: 60.0, drain_per_minute: 600.0, ..Ask::default() };
        let load = load(&ask);
        near(load.waiting, 9400.0, 1e-9);
        near(load.gone_after_s, 1000.0, 1e-9);
        near(load.inside, 2400.0, 1e-9);
        let drawn = super::load(&Ask { is_drawn: true, ..ask });
        near(drawn.waiting, 10_000.0, 1e-9);
        let slow = super::load(&Ask { window_s: 6000.0, ..ask });
        assert_eq!(slow.waiting, 0.0, "who comes slower than they are let in never waits");
    }

    #[test]
    fn seats_run_out_or_not() {
        let ask =
            Ask { fans: 1000.0, buyers: 0.5, seats_each: 2.0, drain_per_minute: 600.0, ..Ask::default() };
        assert_eq!(load(&Ask { seats: 1000.0, ..ask }).sold_out_s, None);
        near(load(&Ask { seats: 500.0, ..ask }).sold_out_s.unwrap(), 50.0, 1e-9);
    }

    #[test]
    fn more_fans_never_need_less() {
        let mut before = needs(&Ask { fans: 1000.0, ..Ask::default() });
        for fans in [1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7] {
            let now = needs(&Ask { fans, ..Ask::default() });
            assert!(now.edge_cores >= before.edge_cores && now.line_mib >= before.line_mib, "{fans}");
            let sockets = |needs: &Needs| needs.edges * needs.edge.sockets_max;
            assert!(sockets(&now) >= sockets(&before), "{fans}");
            // All fit even where a zone is lost.
            assert!(now.load.sockets <= now.edges * now.edge.sockets_max * 2.0 / 3.0, "{fans}");
            assert!(now.edge_mib <= now.edge.memory_mib, "{fans}: {}", now.edge_mib);
            assert!(now.edge_descriptors <= now.edge.sockets_max * 4.0, "{fans}");
            before = now;
        }
    }

    #[test]
    fn who_polls_holds_no_connection() {
        let needs = needs(&Ask { sockets: 0.0, ..Ask::default() });
        assert_eq!((needs.load.sockets, needs.load.messages), (0.0, 0.0));
        near(needs.load.polls, needs.load.waiting / 10.0, 1e-9);
    }
}
