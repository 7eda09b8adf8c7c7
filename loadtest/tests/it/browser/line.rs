//! A stack, and a line of simulated fans to stand behind.

use std::sync::Arc;

use loadtest::crowd::Crowd;
use loadtest::fan::{Plan, Venue};
use loadtest::run::scenario::Waits;
use loadtest::stack::{Blueprint, Payments, Room, Sale, Stack, Store};
use loadtest::story::Watch;
use loadtest::tally::Tally;
use reqwest::Url;

use crate::support::eventually;

pub(super) struct Line {
    stack: Stack,
    crowd: Crowd,
    tally: Arc<Tally>,
    edge: Url,
    event: Url,
}

impl Line {
    /// So many fans wait, of whom so many a minute are let in.
    pub(super) async fn of(fans: u32, drain_per_minute: u64) -> Self {
        let blueprint = Blueprint {
            store: Store::Memory,
            proxies: 1,
            rooms: vec![Room::demo(drain_per_minute)],
            hold_seconds: 180,
            ..Blueprint::default()
        };
        let stack = Stack::start(&blueprint).await.unwrap();
        stack.open_sale(&Sale::demo(6, 12)).await.unwrap();
        let tally = Arc::new(Tally::default());
        let venue = Venue {
            payments: Payments::Sandbox,
            edges: stack.edges(),
            room: "demo".to_owned(),
            event: "demo".to_owned(),
            watch: Watch::start(),
            tally: Arc::clone(&tally),
        };
        let edge = stack.edges()[0].clone();
        let mut crowd = Crowd::new(venue, 1);
        for _ in 0..fans {
            crowd.send(|dice| Plan { waits: Waits::Live, appetite: 0.0, ..Plan::neighbour(dice) }).unwrap();
        }
        let arrived = async || (tally.live.get() + tally.admitted.get() >= u64::from(fans)).then_some(());
        eventually("the line", arrived).await;
        let event = edge.join("/events/demo").unwrap();
        Self { stack, crowd, tally, edge, event }
    }

    pub(super) fn edge(&self) -> &Url {
        &self.edge
    }

    pub(super) fn front(&self) -> &str {
        self.edge.as_str()
    }

    pub(super) fn event(&self) -> &str {
        self.event.as_str()
    }

    /// Fans let in so far.
    pub(super) fn admitted(&self) -> u64 {
        self.tally.admitted.get()
    }

    pub(super) async fn stop(self) {
        self.crowd.disperse().await;
        self.stack.stop().await;
    }
}
