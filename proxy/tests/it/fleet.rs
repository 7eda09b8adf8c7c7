//! A thousand fans wait at three proxies of one line while its rate changes: by the file, by a signal, over the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::admin::{answer, call, get};
use crate::harness::{Edge, OPERATOR, PATIENCE, room};
use crate::live::open;
use crate::shop::Shop;
use crate::store_away::Redis;

const FANS: usize = 1000;
/// For how long the drain is measured after each change.
const MEASURED: Duration = Duration::from_secs(5);

/// What became of the WebSockets.
#[derive(Default)]
struct Tally {
    admitted: AtomicUsize,
    dropped: AtomicUsize,
}

fn rooms(rate: u64) -> String {
    room(&format!("mode = \"always\"\nmax_active = 5000\ndrain_per_minute = {rate}"))
}

async fn join(client: &reqwest::Client, edge: &Edge) -> String {
    let answer = client.post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["ticket"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Listens until the fan's turn has come, or the connection is lost.
async fn wait(
    mut socket: impl futures_util::Stream<Item = Result<Message, impl std::fmt::Debug>> + Unpin,
    tally: Arc<Tally>,
) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains("\"admitted\"") => {
                tally.admitted.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_))) => {}
            _ => {
                tally.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

/// How long it takes until the rate shows at every proxy.
async fn shows(edges: &[Edge], rate: u64, since: Instant) -> Duration {
    let client = reqwest::Client::new();
    for edge in edges {
        loop {
            let answer = client.get(edge.url("/.waiting-room/demo")).send().await.unwrap();
            if answer.json::<Value>().await.unwrap()["drain_per_minute"] == rate {
                break;
            }
            assert!(since.elapsed() < PATIENCE, "{rate} does not show: {:?}", edge.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    since.elapsed()
}

/// Turns given a minute, by the line's own count and clock.
async fn drain(edge: &Edge) -> (f64, f64) {
    let figures = async || {
        let view = get(edge, "/rooms/demo").await;
        (view["at"].as_u64().unwrap(), view["admitted_total"].as_u64().unwrap())
    };
    let (from, before) = figures().await;
    tokio::time::sleep(MEASURED).await;
    let (to, after) = figures().await;
    let (given, minutes) = ((after - before) as f64, (to - from) as f64 / 60_000.0);
    (given / minutes, minutes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_changes_at_three_proxies_under_a_thousand_fans_and_no_socket_drops() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let edge_file = format!("{}\n[limits]\njoins_per_minute = 0\n", redis.edge_file(&shop));
    let edges: [Edge; 3] = std::array::from_fn(|_| Edge::start_with(&edge_file, &rooms(60)));
    shows(&edges, 60, Instant::now()).await;
    let tally = Arc::new(Tally::default());
    let client = reqwest::Client::new();
    let mut fans = Vec::new();
    for first in (0..FANS).step_by(20) {
        let (edges, client) = (&edges, &client);
        let some = (first..first + 20).map(async move |fan| {
            let edge = &edges[fan % edges.len()];
            let ticket = join(client, edge).await;
            open(edge, &[("wr-ticket", &ticket)]).await.unwrap()
        });
        for socket in futures_util::future::join_all(some).await {
            fans.push(tokio::spawn(wait(socket, tally.clone())));
        }
    }
    let ways: [(&str, u64); 3] = [("file", 600), ("SIGHUP", 1200), ("API", 300)];
    for (at, (way, rate)) in ways.into_iter().enumerate() {
        let edge = &edges[at];
        let since = Instant::now();
        match way {
            "file" => edge.rewrite(&rooms(rate)),
            "SIGHUP" => {
                edge.rewrite(&rooms(rate));
                edge.signal("HUP");
            }
            _ => {
                let body = json!({ "drain_per_minute": rate });
                let (status, told) =
                    answer(call(edge, OPERATOR, Method::PATCH, "/rooms/demo").json(&body)).await;
                assert_eq!(status, 200, "{told}");
            }
        }
        let shown = shows(&edges, rate, since).await;
        // The burst of before may still be there.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (measured, minutes) = drain(&edges[2 - at]).await;
        println!(
            "by {way}: {rate} a minute shows at all three proxies after {} ms; measured {measured:.0} a minute",
            shown.as_millis()
        );
        // P2 for this stretch of time: at most the rate and a burst, which is half a second's worth.
        let burst = rate as f64 / 120.0 + 1.0;
        assert!(measured <= rate as f64 + burst / minutes, "{way}: {measured} of {rate}");
        assert!(measured >= rate as f64 * 0.7, "{way}: {measured} of {rate}");
    }
    let (admitted, dropped) = (tally.admitted.load(Ordering::Relaxed), tally.dropped.load(Ordering::Relaxed));
    println!("{admitted} of {FANS} fans were told of their turn, {dropped} sockets dropped");
    assert_eq!(dropped, 0);
    assert!((50..FANS).contains(&admitted), "{admitted}");
    fans.iter().for_each(tokio::task::JoinHandle::abort);
}
