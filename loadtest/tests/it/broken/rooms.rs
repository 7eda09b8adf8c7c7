//! One system with a room for each promise of the line, and a crowd in front of each.

use std::sync::Arc;
use std::time::Duration;

use loadtest::checks::{Evidence, Setting, judge_all};
use loadtest::crowd::Crowd;
use loadtest::fan::Venue;
use loadtest::lateness::Lateness;
use loadtest::published::{Reader, now};
use loadtest::stack::link::Link;
use loadtest::stack::{Blueprint, Payments, RedisServer, Sale, Stack, Store};
use loadtest::story::Watch;
use loadtest::tally::Tally;
use reqwest::Url;

use super::cases::{self, Case, Hand};
use super::wrong;

/// The pre-queue of the draw begins when everything runs, for certain, and lasts as long as one has to.
const BEFORE_THE_DRAW: u64 = 15_000;
const PREQUEUE: u64 = 35_000;
/// As many systems as there are promises share a machine that does other things, and each promise is broken by far: so much
/// later may be heard of all of it.
const GRANTED_MS: u64 = 3000;
/// Wires changed by somebody are of so many edges.
const EDGES: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_of_the_line_that_is_broken_is_called_broken() {
    let prequeue_at = now() + BEFORE_THE_DRAW;
    let cases = cases::all((prequeue_at, prequeue_at + PREQUEUE));
    let rooms = cases.iter().map(|case| case.room.clone()).collect();
    let blueprint = Blueprint { store: Store::Redis, proxies: EDGES, rooms, ..Blueprint::default() };
    let mut stack = Stack::start(&blueprint).await.unwrap();
    for case in &cases {
        let id = case.room.id.clone();
        let sale = Sale { waiting_room: Some(id.clone()), id, ..Sale::demo(1, 10) };
        stack.open_sale(&sale).await.unwrap();
    }
    let (edges, watch, lateness) = (stack.edges(), Watch::start(), Lateness::start());
    let redis: &RedisServer = stack.redis().unwrap();
    let stage = Stage { edges, redis, watch, lateness: &lateness };
    let played = futures_util::future::join_all(cases.into_iter().map(|case| stage.play(case))).await;
    let wrong: Vec<String> = played.into_iter().flatten().collect();
    println!("{} ms late at most", lateness.most_ms());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    stack.stop().await;
}

struct Stage<'a> {
    edges: Arc<[Url]>,
    redis: &'a RedisServer,
    watch: Watch,
    lateness: &'a Lateness,
}

impl Stage<'_> {
    /// Sends the crowd of a case, breaks the promise, and tells what is wrong with the verdicts.
    async fn play(&self, case: Case) -> Option<String> {
        let room = case.room.id.clone();
        let links: Vec<Link> = match &case.hand {
            Hand::OnTheWire(edit) => {
                let link = |edge: &Url| Link::editing(edge.port().unwrap(), Arc::clone(edit)).unwrap();
                self.edges.iter().map(link).collect()
            }
            Hand::InTheStore { .. } => Vec::new(),
        };
        let wires = links.iter().map(|link| format!("http://127.0.0.1:{}/", link.port()).parse().unwrap());
        let edges: Arc<[Url]> = if links.is_empty() { Arc::clone(&self.edges) } else { wires.collect() };
        let draw = case.room.draw;
        let reader = draw.map(|draw| Reader::start(&edges, &room, draw, self.watch).unwrap());
        if let Some((prequeue_at, _)) = draw {
            let wait = Duration::from_millis(prequeue_at.saturating_sub(now()) + 1000);
            tokio::time::sleep(wait).await;
        }
        let venue = Venue {
            edges,
            room: room.clone(),
            event: room.clone(),
            payments: Payments::Sandbox,
            watch: self.watch,
            tally: Arc::new(Tally::default()),
        };
        let before = self.redis.totals(&room).await.unwrap();
        let crowd = async {
            let mut crowd = Crowd::new(venue, 7);
            for nth in 0..case.fans {
                crowd.send(|dice| (case.plan)(nth, dice)).unwrap();
                tokio::time::sleep(case.arrivals / case.fans).await;
            }
            crowd.gather(case.within).await
        };
        let (stories, ()) = tokio::join!(crowd, self.tamper(&case));
        let after = self.redis.totals(&room).await.unwrap();
        let late_ms = self.lateness.most_ms() + GRANTED_MS;
        let evidence = Evidence {
            stories,
            setting: Some(Setting {
                opened_ms: reader.as_ref().map(Reader::opened_ms),
                ..Setting::of(&case.room)
            }),
            draw: reader.map(Reader::stop),
            line: Some(after.since(before)),
            late_ms,
            ..Evidence::default()
        };
        let verdicts = judge_all(&evidence);
        for verdict in &verdicts {
            println!("{room}: {verdict}");
        }
        wrong(&verdicts, case.promise, case.told, case.also)
    }

    async fn tamper(&self, case: &Case) {
        let Hand::InTheStore { from, until, every, script } = case.hand else { return };
        let began = tokio::time::Instant::now();
        tokio::time::sleep(from).await;
        loop {
            self.redis.script(script, &[&format!("wr:{{{}}}", case.room.id)]).await.unwrap();
            if began.elapsed() >= until {
                return;
            }
            tokio::time::sleep(every).await;
        }
    }
}
