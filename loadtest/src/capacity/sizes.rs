//! What AWS offers and `terraform/` uses.

/// A task of the edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task {
    /// Cores.
    pub cores: f64,
    /// Memory in MiB.
    pub memory_mib: f64,
    /// `sockets_max`.
    pub sockets_max: f64,
}

/// From what production has by itself to what `terraform/` allows at most.
pub const TASKS: [Task; 3] = [
    Task { cores: 1.0, memory_mib: 2048.0, sockets_max: 30_000.0 },
    Task { cores: 2.0, memory_mib: 4096.0, sockets_max: 60_000.0 },
    Task { cores: 4.0, memory_mib: 8192.0, sockets_max: 100_000.0 },
];

/// Edges that run in any case, one in each zone.
pub const EDGES_MIN: f64 = 3.0;
/// `tasks_max` of the edge in production.
pub const EDGES_MAX: f64 = 60.0;
/// Shops that run in any case.
pub const SHOPS_MIN: f64 = 2.0;
/// `tasks_max` of the shop in production.
pub const SHOPS_MAX: f64 = 20.0;
/// How full tasks are on average, so that a zone may be lost.
pub const FULL: f64 = 0.6;

/// A Redis for the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: &'static str,
    /// Memory in MiB.
    pub memory_mib: f64,
    /// How much of its main thread may be busy: large nodes read and write on other cores.
    pub busy_max: f64,
}

/// Nodes, smallest first.
pub const NODES: [Node; 3] = [
    Node { name: "cache.r7g.large", memory_mib: 13_070.0, busy_max: 0.25 },
    Node { name: "cache.r7g.xlarge", memory_mib: 26_320.0, busy_max: 0.6 },
    Node { name: "cache.r7g.2xlarge", memory_mib: 52_820.0, busy_max: 0.7 },
];

/// A database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Database {
    /// Its name.
    pub name: &'static str,
    /// Cores.
    pub cores: f64,
}

/// Databases, smallest first.
pub const DATABASES: [Database; 3] = [
    Database { name: "db.r7g.large", cores: 2.0 },
    Database { name: "db.r7g.xlarge", cores: 4.0 },
    Database { name: "db.r7g.4xlarge", cores: 16.0 },
];

/// Requests a second that CloudFront answers an account that did not ask for more.
pub const CDN_REQUESTS: f64 = 250_000.0;
/// Numbers that a draw can give.
pub const DRAW_NUMBERS: f64 = 33_554_432.0;
