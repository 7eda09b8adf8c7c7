//! `loadtest`: the crowd.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use loadtest::away::{self, AwayPlan};
use loadtest::bench::command::BenchCommand;
use loadtest::capacity::command::CapacityArgs;
use loadtest::check::{self, CheckPlan, Report};
use loadtest::demo::{self, DemoPlan};
use loadtest::fault::{self, Fault, FaultPlan};
use loadtest::random;
use loadtest::rehearse::options::RehearseArgs;
use loadtest::report::command::{CompareArgs, ReportArgs};
use loadtest::run::command::RunArgs;
use loadtest::run::crowds;
use loadtest::stack::{self, Room, Store};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

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
    Bench(BenchCommand),
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
    /// Play a whole on-sale by a scenario file: start the system, send its fans, let things fail, judge every promise, and
    /// write down what happened. Build with --release. Scenarios are in config/loadtest/.
    Run(RunArgs),
    /// Fans of `run`, in a process of their own.
    #[command(hide = true)]
    Crowd,
    /// Reckon what an on-sale needs: proxies, Redis, shops and database, and what breaks first. Arithmetic from costs that
    /// were measured; docs/capacity.md says how.
    Capacity(CapacityArgs),
    /// Make the page of a run anew, from its record.
    Report(ReportArgs),
    /// Put two runs beside each other: what differs in what was played and on what, the promises, the figures. Fails when
    /// the second run broke a promise that the first did not.
    Compare(CompareArgs),
    /// Who takes the money in a run, in a process of its own.
    #[command(hide = true)]
    Provider {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        books: PathBuf,
    },
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
        Command::Bench(command) => command.run(interrupted).await,
        Command::Rehearse(args) => tokio::select! {
            figures = args.run() => {
                say(figures?);
                Ok(ExitCode::SUCCESS)
            }
            () = interrupted => Ok(ExitCode::FAILURE),
        },
        Command::Run(args) => args.run(interrupted).await,
        Command::Crowd => tokio::select! {
            lived = crowds::inside::run() => lived.map(|()| ExitCode::SUCCESS),
            () = interrupted => Ok(ExitCode::FAILURE),
        },
        Command::Capacity(args) => {
            say(args.run().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Report(args) => {
            say(args.run()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Compare(args) => {
            let comparison = args.run()?;
            say(&comparison);
            Ok(if comparison.is_worse() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Command::Provider { port, books } => tokio::select! {
            served = stack::serve_payments(port, &books) => served.map(|()| ExitCode::SUCCESS),
            () = interrupted => Ok(ExitCode::SUCCESS),
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
                    say(&report);
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
    say(report);
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints it. Who has read enough and closes the pipe is no error.
fn say(what: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{what}");
}
