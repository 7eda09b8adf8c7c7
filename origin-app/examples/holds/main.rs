//! What `loadtest bench shop` measures the hot path of a sale with: it holds seats as fast as it is answered, in the
//! shop's own inventory or over HTTP, and does the same work with locks in a database, as shops do that have no such
//! inventory. One line of JSON on standard input is one round, and is answered with one line.
//!
//! `holds --redis <url> --postgres <url>`; the shop's keys come from its environment. The code that is compared is the
//! library's own (`origin_app::inventory`); the peers are in `locks`.

#![expect(clippy::print_stdout, reason = "it answers there")]

mod asks;
mod crowd;
mod http;
mod locks;
mod own;
mod round;

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use clap::Parser;
use serde::Deserialize;
use serde_json::json;

use asks::Asked;
use round::{Plan, Worker};

#[derive(Parser)]
struct Args {
    /// A Redis, whose data is lost.
    #[arg(long)]
    redis: String,
    /// A database of PostgreSQL, which gets tables.
    #[arg(long)]
    postgres: String,
    /// Connections to PostgreSQL.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Rows of a house, of a hundred seats each.
    #[arg(long, default_value_t = 300)]
    rows: u64,
    /// Events that the peers have seats for.
    #[arg(long, default_value_t = 6)]
    events: u64,
}

#[derive(Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
enum Task {
    /// Holds as many seats as it can.
    Hold { who: Who, asked: Asked, millis: u64, at_once: usize },
    /// Puts an event on sale, and waits until it is ready.
    Open { shop: SocketAddr, event: String, rows: u32, seats: u32 },
    /// What the shop's figures of an event are, once its database knows all holds.
    Sales { shop: SocketAddr, event: String },
    /// A crowd buys what there is.
    Crowd { shop: SocketAddr, event: String, buyers: u32 },
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    /// The inventory in memory.
    Memory,
    /// The inventory in Redis.
    Redis,
    /// Rows locked in PostgreSQL.
    Rows,
    /// Rows locked in PostgreSQL by one function.
    Function,
    /// A lock for the event in Redis around the work in PostgreSQL.
    Lock,
    /// A shop, over HTTP, and an event of which nobody has held a seat.
    Shop(SocketAddr, String),
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let own = own::Own::open(&args.redis, args.rows)?;
    let locks =
        locks::Locks::open((&args.postgres, &args.redis), args.connections, (args.rows, args.events)).await?;
    let edge = http::Edge::from_environment()?;
    println!("{}", json!({"ready": true}));
    // Nothing else happens while it waits for a task.
    for line in std::io::stdin().lines() {
        let line = line?;
        let task: Task = serde_json::from_str(&line).with_context(|| format!("a task: {line}"))?;
        let answer = match task {
            Task::Hold { who, asked, millis, at_once } => {
                let plan = Plan { asked, millis, at_once };
                let seen = match who {
                    Who::Memory => round::run(plan, own.memory()).await?,
                    Who::Redis => round::run(plan, own.redis().await?).await?,
                    Who::Rows => round::run(plan, locks.worker(locks::Way::Rows)).await?,
                    Who::Function => round::run(plan, locks.worker(locks::Way::Function)).await?,
                    Who::Lock => round::run(plan, locks.worker(locks::Way::Lock)).await?,
                    Who::Shop(address, event) => {
                        let holds = http::Holds::at(edge.clone(), address, event, args.rows);
                        round::run(plan, Worker::Shop(holds)).await?
                    }
                };
                serde_json::to_value(seen)?
            }
            Task::Open { shop, event, rows, seats } => {
                edge.open(shop, &event, rows, seats).await?;
                json!({})
            }
            Task::Sales { shop, event } => edge.sales(shop, &event).await?,
            Task::Crowd { shop, event, buyers } => {
                serde_json::to_value(crowd::run(&edge, shop, &event, buyers).await?)?
            }
        };
        println!("{answer}");
    }
    Ok(())
}
