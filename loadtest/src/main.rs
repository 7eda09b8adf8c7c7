//! `loadtest`: the crowd.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use loadtest::away::{self, AwayPlan};
use loadtest::bench::edge::{self, EdgePlan};
use loadtest::bench::fans::hold::{self, HoldPlan};
use loadtest::bench::fans::{self, FansPlan};
use loadtest::bench::joins::{self, JoinsPlan};
use loadtest::bench::shop::{self, ShopPlan};
use loadtest::check::{self, CheckPlan, Report};
use loadtest::demo::{self, DemoPlan};
use loadtest::fault::{self, Fault, FaultPlan};
use loadtest::random;
use loadtest::rehearse::options::RehearseArgs;
use loadtest::stack::{Room, Store};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

/// Most fans of one row of `bench fans`.
const FANS_MAX: usize = 1_000_000;

/// The crowd before the ticket shop: a demo to stand in line with, and checks of what the waiting room promises.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run edge, shop and an endless crowd on this machine, until Ctrl-C.
    #[command(
        after_help = "Each option may be given by the environment instead: DEMO_PORT, DEMO_FANS, DEMO_DRAIN_PER_MINUTE."
    )]
    Demo {
        /// The port to open in a browser.
        #[arg(long, env = "DEMO_PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// Simulated fans who stand in line at any time.
        #[arg(long, env = "DEMO_FANS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5000))]
        fans: u32,
        /// Fans admitted a minute.
        #[arg(long, env = "DEMO_DRAIN_PER_MINUTE", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=60_000))]
        drain_per_minute: u64,
    },
    /// Start a stack of its own, send a crowd, and judge every promise from what the fans saw.
    Check {
        /// How many fans come.
        #[arg(long, default_value_t = 200)]
        fans: u32,
        /// How many proxies there are.
        #[arg(long, default_value_t = 2)]
        proxies: usize,
        /// Where the line lives. In memory every proxy has a line of its own: with several, promises break.
        #[arg(long, value_enum, default_value_t = Store::Redis)]
        store: Store,
        /// Fans to admit a minute.
        #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=600_000))]
        drain_per_minute: u64,
        /// Kill a proxy on the way and start it again; no rate is judged then.
        #[arg(long)]
        crash: bool,
        /// What happens while the line moves, one after another; everything else is chosen to fit. No rate is judged
        /// from below then.
        #[arg(long, value_enum, value_delimiter = ',', conflicts_with_all = ["fans", "proxies", "store", "drain_per_minute", "crash"])]
        fault: Vec<Fault>,
        /// How long `redis-stopped` and `redis-slow` last.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600), requires = "fault")]
        fault_seconds: u64,
        /// Repeats the fans of an earlier run.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Measure the real binaries beside their peers, on this machine alone. Build with --release.
    #[command(subcommand)]
    Bench(Bench),
    /// Take the store away from fans who are inside, and see that they go on: two stacks beside each other, of one of
    /// which Redis hangs, then is dead, then comes back.
    StoreAway {
        /// How long it is away, in seconds.
        #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(2..=86_400))]
        seconds: u64,
        /// How long it is measured before and afterwards, in seconds.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
        around: u64,
        /// How many fans are inside.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
        fans: u16,
        /// The pause between two requests of a fan, in milliseconds.
        #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=60_000))]
        pause_ms: u64,
    },
    /// Play a room's configuration through with a crowd that does not exist, in virtual time: how long do they wait, how
    /// full does the shop get, what does not fit? Build with --release: 100,000 fans then take seconds.
    Rehearse(Box<RehearseArgs>),
    /// Send a crowd to edges that run already, and judge what the fans saw.
    Fans {
        /// The edges.
        #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:8080/")]
        edge: Vec<Url>,
        /// The room before the event.
        #[arg(long, default_value = "demo")]
        room: String,
        /// The event that the fans want to see.
        #[arg(long, default_value = "demo")]
        event: String,
        /// How many fans come.
        #[arg(long, default_value_t = 50)]
        fans: u32,
        /// Judge the rate: fans admitted a minute, where nobody else stands in that line.
        #[arg(long)]
        drain_per_minute: Option<u64>,
        /// How long the last fan may take, in seconds.
        #[arg(long, default_value_t = 600)]
        patience: u64,
        /// Repeats the fans of an earlier run.
        #[arg(long)]
        seed: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
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
    /// descriptors of one. Over TLS each fan takes a handshake first: a hundred thousand take minutes to come.
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
        #[arg(long)]
        edge: SocketAddr,
        #[arg(long)]
        room: String,
        #[arg(long)]
        fans: usize,
        #[arg(long)]
        certificate: Option<PathBuf>,
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
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let interrupted = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    };
    match command {
        Command::Demo { port, fans, drain_per_minute } => {
            let plan = DemoPlan { port, fans: fans as usize, drain_per_minute };
            demo::run(plan, interrupted).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { fault, fault_seconds, seed, .. } if !fault.is_empty() => {
            let seed = seed.map_or_else(random::seed, Ok)?;
            let plan =
                FaultPlan { length: Duration::from_secs(fault_seconds), ..FaultPlan::new(fault, seed) };
            println!("{} fans, {} proxies, seed {seed}", plan.fans, plan.proxies);
            tokio::select! {
                report = fault::run(&plan) => Ok(judged(&report?)),
                () = interrupted => Ok(ExitCode::FAILURE),
            }
        }
        Command::Check { fans, proxies, store, drain_per_minute, crash, seed, .. } => {
            let seed = seed.map_or_else(random::seed, Ok)?;
            let expect_drain_per_minute = None;
            let plan =
                CheckPlan { fans, proxies, store, drain_per_minute, expect_drain_per_minute, crash, seed };
            println!(
                "{fans} fans, {proxies} proxies, store {store:?}, {drain_per_minute} admissions a minute, seed {seed}"
            );
            tokio::select! {
                report = check::run(&plan) => Ok(judged(&report?)),
                () = interrupted => Ok(ExitCode::FAILURE),
            }
        }
        Command::Bench(Bench::Edge { rounds, millis, connections, only }) => {
            let length = Duration::from_millis(millis);
            let plan = EdgePlan { rounds: rounds.into(), length, connections: connections.into(), only };
            let Some(report) = edge::run(plan, interrupted).await? else { return Ok(ExitCode::FAILURE) };
            println!("{report}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(Bench::Fans { plain, tls, seconds }) => {
            let sizes =
                |sizes: Vec<usize>| sizes.into_iter().filter(|fans| (1..=FANS_MAX).contains(fans)).collect();
            let length = Duration::from_secs(seconds);
            let plan = FansPlan { plain: sizes(plain), tls: sizes(tls), length };
            let Some(report) = fans::run(plan, interrupted).await? else { return Ok(ExitCode::FAILURE) };
            println!("{report}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(Bench::Hold { edge, room, fans, certificate }) => tokio::select! {
            held = hold::run(HoldPlan { edge, room, fans, certificate }) => held.map(|()| ExitCode::SUCCESS),
            () = interrupted => Ok(ExitCode::FAILURE),
        },
        Command::Bench(Bench::Shop { rounds, millis, at_once, connections, buyers, json }) => {
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
        Command::Bench(Bench::Joins { connections, seconds }) => {
            let plan = JoinsPlan { connections: connections.into(), length: Duration::from_secs(seconds) };
            tokio::select! {
                outcome = joins::run(plan) => outcome.map(|()| ExitCode::SUCCESS),
                () = interrupted => Ok(ExitCode::FAILURE),
            }
        }
        Command::Rehearse(args) => tokio::select! {
            figures = args.run() => {
                println!("{}", figures?);
                Ok(ExitCode::SUCCESS)
            }
            () = interrupted => Ok(ExitCode::FAILURE),
        },
        Command::StoreAway { seconds, around, fans, pause_ms } => {
            let plan = AwayPlan {
                away: Duration::from_secs(seconds),
                around: Duration::from_secs(around),
                fans: fans.into(),
                pause: Duration::from_millis(pause_ms),
            };
            tokio::select! {
                report = away::run(plan) => {
                    let report = report?;
                    println!("{report}");
                    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
                }
                () = interrupted => Ok(ExitCode::FAILURE),
            }
        }
        Command::Fans { edge, room, event, fans, drain_per_minute, patience, seed } => {
            let seed = seed.map_or_else(random::seed, Ok)?;
            let expected = drain_per_minute.map(|drain| Room::demo(drain).expected());
            let patience = Duration::from_secs(patience);
            let edges: Arc<[Url]> = edge.into();
            let first = edges.first().context("--edge names no edge")?;
            println!("{fans} fans to {first} and {} more, seed {seed}", edges.len() - 1);
            tokio::select! {
                report = check::visit(Arc::clone(&edges), (&room, &event), (fans, seed), expected, patience) => {
                    Ok(judged(&report?))
                }
                () = interrupted => Ok(ExitCode::FAILURE),
            }
        }
    }
}

fn judged(report: &Report) -> ExitCode {
    println!("{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
