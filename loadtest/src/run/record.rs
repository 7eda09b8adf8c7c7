//! What a run leaves behind. Written as JSON for machines; the report and the comparison of two runs are made from it and
//! from nothing else.
//!
//! Times named `…_s` are seconds since the run began, rates are per second unless the name says otherwise.

use serde::{Deserialize, Serialize};

/// The format of [`RunRecord`]; a reader refuses any other.
pub const FORMAT: u32 = 1;

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// What was played.
    pub scenario: ScenarioFacts,
    /// On what.
    pub machine: Machine,
    /// How late this machine was at most: nothing that was seen is more exact. Milliseconds.
    pub late_ms: u64,
    /// When the room opened, where fans came before: those were drawn.
    #[serde(default)]
    pub opened_s: Option<f64>,
    /// The phases, in order.
    pub phases: Vec<Stretch>,
    /// What was done to the system meanwhile.
    pub faults: Vec<Stretch>,
    /// What happened in each second, in order and without gaps.
    pub seconds: Vec<Second>,
    /// The rate that was configured, each time it changed: from when, and fans a minute.
    pub configured: Vec<(f64, f64)>,
    /// Most fans who may be inside, where that is known.
    #[serde(default)]
    pub max_active: Option<u64>,
    /// How long fans waited, by the second in which they came.
    pub waits: Vec<Waits>,
    /// How long answers took, by kind of request.
    pub latencies: Vec<LatencySeries>,
    /// What each process used.
    pub processes: Vec<ProcessSeries>,
    /// How fans ended, in words for people, and how many did; most first.
    pub endings: Vec<(String, u64)>,
    /// What went wrong for fans, in words for people, and how often; most first.
    pub errors: Vec<(String, u64)>,
    /// What became of each promise.
    pub verdicts: Vec<VerdictFacts>,
}

/// What was played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFacts {
    /// The scenario's name.
    pub name: String,
    /// What it is about, in a sentence.
    pub about: String,
    /// The whole file, for who wants to see what was asked for.
    pub file: String,
    /// The command that plays it again, with the seed.
    pub command: String,
    /// What the crowd follows from.
    pub seed: u64,
    /// How many fans were to come.
    pub fans: u64,
    /// How many proxies there were.
    pub proxies: usize,
    /// How many processes the fans lived in.
    pub crowds: usize,
    /// Where line and inventory lived, and the database: such as `Redis 7.0, PostgreSQL 15`.
    pub stores: String,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// When the run began, RFC 3339.
    pub began_at: String,
    /// Which processor.
    pub processor: String,
    /// How many cores were there for all processes together, the crowd's included.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Which kernel.
    pub kernel: String,
    /// Whether the programs were built for speed.
    pub release_build: bool,
    /// The load of the machine when the run began.
    pub load_before: f64,
}

/// A named stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its name, short enough for a plot.
    pub name: String,
    /// What there is to say of it, in a sentence.
    pub about: String,
    /// From when.
    pub from_s: f64,
    /// Until when.
    pub to_s: f64,
}

/// What happened in one second, over all fans.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Fans who were to come in this second.
    pub intended: u64,
    /// Fans who came.
    pub arrived: u64,
    /// Fans who were told that their turn had come.
    pub admitted: u64,
    /// Fans who held seats.
    pub held: u64,
    /// Fans who bought.
    pub bought: u64,
    /// Fans who left the line, or were sent away.
    pub left: u64,
    /// Requests that were answered.
    pub answers: u64,
    /// Requests that were not answered, or with what no fan should see.
    pub errors: u64,
    /// Fans in line at its end.
    pub waiting: u64,
    /// Fans in the shop at its end.
    pub inside: u64,
    /// Live connections at its end.
    pub sockets: u64,
}

/// How long the fans waited who came in one second and were admitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// When they came.
    pub arrived_s: f64,
    /// How many of them were admitted.
    pub fans: u64,
    /// The shortest wait, in seconds.
    pub least_s: f64,
    /// The median.
    pub median_s: f64,
    /// The longest.
    pub most_s: f64,
}

/// How long answers to one kind of request took, from the moment the request was meant to be sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySeries {
    /// Which requests, for people: `join`, `status`, `event page`, `hold`, `pay`, `turn told` …
    pub kind: String,
    /// Over the whole run.
    pub whole: Percentiles,
    /// By time; seconds without an answer are left out.
    pub points: Vec<LatencyPoint>,
}

/// Percentiles of one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyPoint {
    /// When.
    pub at_s: f64,
    /// What was seen.
    pub seen: Percentiles,
}

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Of how many.
    pub count: u64,
    /// Half were faster.
    pub p50_ms: f64,
    /// Nine of ten were.
    pub p90_ms: f64,
    /// 99 of a hundred were.
    pub p99_ms: f64,
    /// The slowest.
    pub most_ms: f64,
}

/// What one process used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessSeries {
    /// Which, for people: `proxy-1`, `shop`, `Redis`, `PostgreSQL`, `crowd-1` …
    pub name: String,
    /// Samples, oldest first.
    pub samples: Vec<ProcessSample>,
}

/// What one process used at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessSample {
    /// When.
    pub at_s: f64,
    /// How many cores it kept busy since the sample before.
    pub cores: f64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

/// What became of one promise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VerdictFacts {
    /// Which: `P1 order`.
    pub promise: String,
    /// What it says, in a sentence for who does not know it.
    pub says: String,
    /// Whether it was kept.
    pub outcome: OutcomeFacts,
    /// What was seen, or the shortest stories of how it was broken, or why nothing can be said.
    pub told: Vec<String>,
}

/// Whether a promise was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeFacts {
    /// It was.
    Kept,
    /// It was not.
    Broken,
    /// The run was not about it: nothing failed, there was no draw, nothing was tried.
    NotAsked,
    /// Too little was seen to tell.
    #[default]
    Unjudged,
}
