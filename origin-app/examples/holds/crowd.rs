//! Many buyers at once for few seats. Each has a connection of their own, looks at the map, asks for a seat that looks
//! free, pays for it, or looks again until there is none left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use super::http::{Edge, Line, Request};

/// How long a buyer thinks before looking again, from so long to three times as long.
const THINKS: Duration = Duration::from_millis(50);
/// Longest time that the whole may take.
const PATIENCE: Duration = Duration::from_secs(120);
const JSON: &str = "content-type: application/json\r\n";

/// What became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Crowd {
    /// How many seats were bought.
    bought: usize,
    /// From the first buyer's start until the last seat was confirmed.
    last_seat_ms: u64,
    /// From the first buyer's start until everybody had their answer.
    last_answer_ms: u64,
    /// How many requests that took.
    requests: u64,
    sales: Value,
    ledger: Value,
}

struct Buyer {
    requests: u64,
    /// The seat, and when it was confirmed.
    bought: Option<(String, Instant)>,
}

pub(crate) async fn run(edge: &Arc<Edge>, shop: SocketAddr, event: &str, buyers: u32) -> Result<Crowd> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..buyers)
        .map(|nth| {
            let (edge, event) = (Arc::clone(edge), event.to_owned());
            tokio::spawn(async move { buy(&edge, shop, &event, nth).await })
        })
        .collect();
    let (mut seats, mut last_seat, mut requests) = (Vec::new(), begun, 0);
    for task in tasks {
        let buyer = task.await??;
        requests += buyer.requests;
        if let Some((seat, at)) = buyer.bought {
            seats.push(seat);
            last_seat = last_seat.max(at);
        }
    }
    let last_answer_ms = millis(begun.elapsed());
    let bought = seats.len();
    seats.sort_unstable();
    seats.dedup();
    ensure!(seats.len() == bought, "a seat was sold twice");
    Ok(Crowd {
        bought,
        last_seat_ms: millis(last_seat - begun),
        last_answer_ms,
        requests,
        sales: edge.sales(shop, event).await?,
        ledger: edge.ledger(shop).await?,
    })
}

async fn buy(edge: &Arc<Edge>, shop: SocketAddr, event: &str, nth: u32) -> Result<Buyer> {
    let begun = Instant::now();
    let mut line = edge.connect(shop).await?;
    let ticket = format!("{event}-{nth}");
    let path = format!("/api/events/{event}/seats");
    let mut buyer = Buyer { requests: 0, bought: None };
    // Everybody another, and the same in every run.
    let mut dice = u64::from(nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut below = |limit: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice).unwrap_or_default() % limit.max(1)
    };
    while begun.elapsed() < PATIENCE {
        let look = Request { method: "GET", path: &path, ticket: &ticket, headers: "", body: "" };
        buyer.requests += 1;
        let map = line.ask(&look).await?.json()?;
        let seats = map.get("seats").and_then(Value::as_array).context("a map without seats")?;
        let free: Vec<_> = seats
            .iter()
            .filter(|seat| seat.get("state").is_some_and(|state| state == "available"))
            .filter_map(|seat| seat.get("id")?.as_str())
            .collect();
        let Some(seat) = free.get(below(free.len())) else {
            return Ok(buyer);
        };
        let body = json!({"event": event, "seats": [seat]}).to_string();
        let hold = Request {
            method: "POST",
            path: "/api/reservations",
            ticket: &ticket,
            headers: JSON,
            body: &body,
        };
        buyer.requests += 1;
        let held = line.ask(&hold).await?;
        match held.status {
            201 => {
                let cookie = held.cookie.as_deref().context("a fan without a cookie")?;
                let headers = format!("{JSON}cookie: {cookie}\r\n");
                let held = held.json()?;
                let id = held.get("id").and_then(Value::as_str).context("a hold without an id")?;
                buyer.requests += pay(&mut line, id, &ticket, &headers).await?;
                buyer.bought = Some(((*seat).to_owned(), Instant::now()));
                return Ok(buyer);
            }
            409 => {}
            status => bail!("a hold: {status} {}", String::from_utf8_lossy(&held.body)),
        }
        let more = u32::try_from(below(200)).unwrap_or_default();
        tokio::time::sleep(THINKS + THINKS * more / 100).await;
    }
    bail!("the seats were not sold in time")
}

/// Pays, and gives how many requests it took.
async fn pay(line: &mut Line, id: &str, ticket: &str, headers: &str) -> Result<u64> {
    let path = format!("/api/reservations/{id}/payment");
    let body = json!({"card": "sandbox-ok"}).to_string();
    for requests in 1..1000 {
        let paid = line.ask(&Request { method: "POST", path: &path, ticket, headers, body: &body }).await?;
        match paid.status {
            200 => return Ok(requests),
            202 => tokio::time::sleep(THINKS).await,
            status => bail!("a payment: {status} {}", String::from_utf8_lossy(&paid.body)),
        }
    }
    bail!("a payment never ended")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
