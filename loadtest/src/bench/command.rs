//! `loadtest bench`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use super::edge::{self, EdgePlan};
use super::fans::bare::{self, BarePlan};
use super::fans::hold::{self, HoldPlan};
use super::fans::{self, FansPlan};
use super::joins::{self, JoinsPlan};
use super::record::RecordArgs;
use super::shop::{self, ShopPlan};

/// Most fans of one row of `bench fans`.
const FANS_MAX: usize = 1_000_000;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// What a request costs: passed on, answered with the waiting page, refused; over HTTP/1.1, TLS and HTTP/2.
    ///
    /// Beside the edge: nginx, HAProxy where it is installed, and a plain Pingora proxy that is built alike. Each server
    /// has one core, load and shop have another, and all take turns, many times and shortly. Ratios are what counts:
    /// machines differ, and other work on this one meets all of them alike. Builds and tools:
    /// cargo build --release -p proxy -p loadtest --bins --examples; .ci/tools bench
    Edge {
        /// How often each row of the report has its turn.
        #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u8).range(1..=101))]
        rounds: u8,
        /// How long one turn takes, in milliseconds.
        #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
        millis: u64,
        /// Requests at once.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=512))]
        connections: u16,
        /// Only the rows that measure this, such as `--only 429 --only "429, TLS"`.
        #[arg(long)]
        only: Vec<String>,
    },
    /// What fans cost who wait on WebSockets while 50 a second leave the front: memory, work, how soon turns are told.
    ///
    /// Edges on one core, Redis and fans on another; several edges, and several processes of fans, for systems bound the
    /// descriptors of one. Over TLS each fan takes a handshake first: a hundred thousand take minutes to come. After each
    /// row without TLS the same messages are sent by processes that do nothing else: what the kernel takes by itself.
    Fans {
        /// How many fans, for each row of the report.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,50000,100000")]
        plain: Vec<usize>,
        /// The same over TLS.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,50000,100000")]
        tls: Vec<usize>,
        /// How long each row is measured, in seconds.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
    },
    /// Fans of `bench fans`, in a process of their own.
    #[command(hide = true)]
    Hold {
        /// The edge.
        #[arg(long)]
        edge: SocketAddr,
        /// The room; without one they only connect.
        #[arg(long)]
        room: Option<String>,
        /// How many of them.
        #[arg(long)]
        fans: usize,
        /// The certificate that vouches for the edge; no TLS without.
        #[arg(long)]
        certificate: Option<PathBuf>,
    },
    /// The peer of `bench fans`, in a process of its own: it sends, and nothing else.
    #[command(hide = true)]
    Bare {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// How many connections to wait for.
        #[arg(long)]
        fans: usize,
        /// How many frames a second.
        #[arg(long)]
        messages: usize,
    },
    /// Measure how many seats the shop can hold a second, beside row locks in PostgreSQL and a lock in Redis for each event,
    /// and how long a thousand buyers take for a hundred seats. Build with --release --bins --examples.
    ///
    /// Starts a Redis, a PostgreSQL and two shops of its own, and stops them afterwards. All have many short turns, one after
    /// another, with the same number of asks at once. Each ask is another fan's, for two seats beside each other: first
    /// everybody other seats ("apart"), then ten fans the same at the same time ("crowded"). Ratios are those of one
    /// round, and the median of them over the rounds.
    Shop {
        /// How often each row has its turn.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=50))]
        rounds: u16,
        /// How long one turn takes, in milliseconds.
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(50..=1000))]
        millis: u64,
        /// Asks at once.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=512))]
        at_once: u16,
        /// Connections of the peers to PostgreSQL.
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=64))]
        connections: u32,
        /// Buyers at once for a hundred seats.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=2000))]
        buyers: u32,
        /// Where to write every figure as JSON, too.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Measure how many fans can join a second, with edge, Redis and this crowd on one machine. Build with --release.
    ///
    /// Starts an edge and a Redis of its own on the loopback address, and stops them afterwards. Two rounds over the same
    /// kept connections: first everybody asks for the facts of the room, which cost the edge as much and the store
    /// nothing; then everybody joins, again and again, each time as a new fan. The table tells how many answers came a
    /// second, how long they took, and how many were others than wanted. Machines differ: the ratio of the two rounds
    /// tells more than either.
    Joins {
        /// Connections at once.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=2000))]
        connections: u16,
        /// How long each round takes, in seconds.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
        seconds: u64,
    },
    /// Measure everything that docs/benchmarks.md has figures of, one after another, describe the machine, and write the
    /// tables into it. Half an hour on a machine that has nothing else to do; figures of a busy one are worth little.
    Record(RecordArgs),
}

impl BenchCommand {
    /// Measures, until it is done or `interrupted`.
    ///
    /// # Errors
    /// When something cannot be started, or does not answer as it should.
    pub async fn run(self, interrupted: impl Future<Output = ()>) -> Result<ExitCode> {
        match self {
            Self::Edge { rounds, millis, connections, only } => {
                let length = Duration::from_millis(millis);
                let plan = EdgePlan { rounds: rounds.into(), length, connections: connections.into(), only };
                let Some(report) = edge::run(plan, interrupted).await? else { return Ok(ExitCode::FAILURE) };
                println!("{report}");
                Ok(ExitCode::SUCCESS)
            }
            Self::Fans { plain, tls, seconds } => {
                let sizes = |sizes: Vec<usize>| {
                    sizes.into_iter().filter(|fans| (1..=FANS_MAX).contains(fans)).collect()
                };
                let length = Duration::from_secs(seconds);
                let plan = FansPlan { plain: sizes(plain), tls: sizes(tls), length };
                let Some(report) = fans::run(plan, interrupted).await? else { return Ok(ExitCode::FAILURE) };
                println!("{report}");
                Ok(ExitCode::SUCCESS)
            }
            Self::Hold { edge, room, fans, certificate } => tokio::select! {
                held = hold::run(HoldPlan { edge, room, fans, certificate }) => held.map(|()| ExitCode::SUCCESS),
                () = interrupted => Ok(ExitCode::FAILURE),
            },
            Self::Bare { listen, fans, messages } => tokio::select! {
                sent = bare::send(BarePlan { listen, fans, messages }) => sent.map(|()| ExitCode::SUCCESS),
                () = interrupted => Ok(ExitCode::FAILURE),
            },
            Self::Shop { rounds, millis, at_once, connections, buyers, json } => {
                let length = Duration::from_millis(millis);
                let plan =
                    ShopPlan { rounds: rounds.into(), length, at_once: at_once.into(), connections, buyers };
                let Some(report) = shop::run(plan, interrupted).await? else { return Ok(ExitCode::FAILURE) };
                println!("{report}");
                if let Some(file) = json {
                    std::fs::write(&file, format!("{:#}\n", report.to_json()))
                        .with_context(|| format!("{} cannot be written", file.display()))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Joins { connections, seconds } => {
                let plan =
                    JoinsPlan { connections: connections.into(), length: Duration::from_secs(seconds) };
                tokio::select! {
                    outcome = joins::run(plan) => outcome.map(|()| ExitCode::SUCCESS),
                    () = interrupted => Ok(ExitCode::FAILURE),
                }
            }
            Self::Record(args) => args.run(interrupted).await,
        }
    }
}
