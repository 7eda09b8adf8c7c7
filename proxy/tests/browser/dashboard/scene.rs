//! A sale that goes on while somebody looks: fans who come, wait, shop, give up, or never take their turn.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::Value;

use crate::harness::{Edge, browser as program, navigate};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A shop that takes its time, and fails now and then.
pub(super) async fn shop() -> SocketAddr {
    let router = Router::new().fallback(|uri: axum::http::Uri| async move {
        let number: u64 = uri.query().and_then(|query| query.parse().ok()).unwrap_or(0);
        let mut dice = Dice(number);
        let slow = if dice.below(12) == 0 { 300 } else { 30 };
        tokio::time::sleep(Duration::from_millis(25 + dice.below(slow))).await;
        if dice.below(60) == 0 { StatusCode::BAD_GATEWAY.into_response() } else { "the shop".into_response() }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// One fan's evening.
async fn fan(room: String, number: u64) {
    let (browser, mut dice) = (program(), Dice(number * 7919 + 13));
    navigate(&browser, &format!("{room}?{number}")).await;
    let base = room.replace("/events/demo", "");
    if number % 9 == 4 {
        // Who closes the tab at once.
        return;
    }
    let mut patience = if number % 13 == 5 { 5 } else { 600 };
    loop {
        tokio::time::sleep(Duration::from_millis(900 + dice.below(300))).await;
        let Ok(status) = browser.get(format!("{base}/.waiting-room/demo/ticket")).send().await else {
            return;
        };
        let status: Value = status.json().await.unwrap_or_default();
        if status["state"] == "admitted" {
            break;
        }
        patience -= 1;
        // Who goes while their turn is near, and does not take it.
        if patience == 0 {
            return;
        }
    }
    for page in 0..4 + dice.below(4) {
        let _ = navigate(&browser, &format!("{room}?{}", number * 100 + page)).await;
        tokio::time::sleep(Duration::from_millis(600 + dice.below(2400))).await;
    }
    let _ = browser.delete(format!("{base}/.waiting-room/demo/ticket")).send().await;
}

/// Fans come for so long, more of them at first.
pub(super) fn begin(edge: &Edge, seconds: u64) -> tokio::task::JoinHandle<()> {
    let room = edge.url("/events/demo");
    tokio::spawn(async move {
        let mut number = 0;
        for second in 0..seconds {
            let wave = 9 * (second.min(20)) / 20 + if second > 25 { 0 } else { 6 };
            for _ in 0..3 + wave {
                number += 1;
                tokio::spawn(fan(room.clone(), number));
                tokio::time::sleep(Duration::from_millis(1000 / (3 + wave))).await;
            }
        }
    })
}
