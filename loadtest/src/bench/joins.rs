//! How many fans can join a second, over HTTP: edge, Redis and the crowd beside each other on one machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;

use super::ceiling;
use super::pipe::{self, Seen, Window};
use crate::stack::{Blueprint, Room, Stack, Store};

/// Calls in one packet, where the line sends those that come together.
const TOGETHER: &str = "16";

/// How the joins are measured.
#[derive(Clone, Copy, Debug)]
pub struct JoinsPlan {
    /// Connections at once.
    pub connections: usize,
    /// How long each round takes.
    pub length: Duration,
}

/// What came of one round.
#[derive(Clone, Copy, Debug)]
struct Round {
    a_second: f64,
    other: u64,
    median: Duration,
    slowest: Duration,
}

/// Joins as fast as the answers come, and asks for the facts of the room likewise: the same edge and the same
/// connections, but no ticket and no store. Prints a table.
///
/// # Errors
/// When the stack cannot be started, or does not answer.
pub async fn run(plan: JoinsPlan) -> Result<()> {
    let room = Room { burst: 1000, max_active: 1_000_000, ..Room::demo(60) };
    let blueprint = Blueprint { store: Store::Redis, proxies: 1, rooms: vec![room], ..Blueprint::default() };
    let mut stack = Stack::start(&blueprint).await?;
    let edge = stack.edges().first().and_then(reqwest::Url::port).context("the edge has no port")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, edge));
    println!("| {} connections | a second | median ms | slowest ms | other answers |", plan.connections);
    println!("|---|---|---|---|---|");
    let facts = round(address, plan, "GET /.waiting-room/demo", 200).await?;
    show("facts of the room", facts);
    let joins = round(address, plan, "POST /.waiting-room/demo/ticket", 201).await?;
    show("joins", joins);
    println!("\njoins per facts: {:.2}", joins.a_second / facts.a_second);
    let redis = stack.redis()?.port();
    let empty: &[&str] = &["eval", "return 1", "0"];
    let (alone, together) = (
        ceiling::calls(redis, plan.connections, "1", empty).await?,
        ceiling::calls(redis, plan.connections, TOGETHER, empty).await?,
    );
    println!(
        "\n`redis-benchmark` alone, calls of EVAL \"return 1\" a second: {alone:.0}; {TOGETHER} at a time: {together:.0}"
    );
    stack.stop().await;
    Ok(())
}

async fn round(address: SocketAddr, plan: JoinsPlan, line: &str, wanted: u16) -> Result<Round> {
    let request = format!("{line} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    let window = Window::after(Duration::ZERO, plan.length);
    let tasks: Vec<_> = (0..plan.connections)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.context("the edge cannot be reached")?;
                stream.set_nodelay(true)?;
                pipe::ask(&mut stream, request.as_bytes(), wanted, window).await
            })
        })
        .collect();
    let mut all = Seen::default();
    for task in tasks {
        all.add(task.await??);
    }
    let a_second = all.good as f64 / plan.length.as_secs_f64();
    all.times.sort_unstable();
    let median = all.times.get(all.times.len() / 2).copied().unwrap_or_default();
    Ok(Round { a_second, other: all.other, median, slowest: all.times.last().copied().unwrap_or_default() })
}

fn show(what: &str, round: Round) {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "| {what} | {:.0} | {:.2} | {:.1} | {} |",
        round.a_second,
        millis(round.median),
        millis(round.slowest),
        round.other
    );
}
