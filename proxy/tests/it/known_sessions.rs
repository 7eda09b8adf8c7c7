//! Edges know the sessions that they never saw a request of: when the store loses them all, nobody comes too many, and
//! nobody is admitted twice.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Edge, PATIENCE, browser, navigate, room};
use crate::live;
use crate::shop::Shop;
use crate::store_away::{Redis, until};

const RULES: &str = "mode = \"always\"\nmax_active = 3\ndrain_per_minute = 600\nburst = 10\nrecovery_grace = \"2s\"\n\
                     session = \"10m\"";
const INSIDE: usize = 3;

async fn status(edge: &Edge, ticket: &str) -> Value {
    let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", ticket);
    request.send().await.unwrap().json().await.unwrap()
}

/// How often an edge has asked the store which sessions live.
async fn times_asked(edge: &Edge) -> u64 {
    let answer = browser().get(format!("http://{}/metrics", edge.admin)).send().await.unwrap();
    let metrics = answer.text().await.unwrap();
    let count = "stanchion_store_call_duration_seconds_count{verb=\"sessions\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(count)).map_or(0, |count| count.parse().unwrap())
}

async fn has_asked_again(edge: &Edge) {
    let before = times_asked(edge).await;
    until("the edge asks which sessions live", async || times_asked(edge).await > before).await;
}

/// When the fan was admitted, by a token of theirs.
fn admitted_at(token: &str) -> u64 {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["auth_time"].as_u64().unwrap()
}

struct Sale {
    shop: Shop,
    redis: Redis,
    /// The tickets and tokens of those inside.
    inside: Vec<(String, String)>,
    waiting: Vec<String>,
}

impl Sale {
    /// Two edges; the shop is full with fans whom the first let in, and who do nothing more.
    async fn begin() -> (Self, Edge, Edge) {
        let (shop, redis) = (Shop::start().await, Redis::start(None));
        let file = format!("tick = \"100ms\"\n{}", redis.edge_file(&shop));
        let (first, second) = (Edge::start_with(&file, &room(RULES)), Edge::start_with(&file, &room(RULES)));
        let (mut inside, mut waiting) = (Vec::new(), Vec::new());
        for _ in 0..3 * INSIDE {
            waiting.push(live::join(&first).await);
        }
        let end = Instant::now() + PATIENCE;
        while inside.len() < INSIDE {
            assert!(Instant::now() < end, "the line stands");
            let mut left = Vec::new();
            for ticket in std::mem::take(&mut waiting) {
                match status(&first, &ticket).await["admission_token"].as_str() {
                    Some(token) => inside.push((ticket, token.to_owned())),
                    None => left.push(ticket),
                }
            }
            waiting = left;
        }
        (Self { shop, redis, inside, waiting }, first, second)
    }

    /// The store is emptied. Whoever is inside stays there, as they were, and nobody else comes in.
    async fn survives_the_loss(&self, edge: &Edge) {
        self.redis.command("FLUSHALL");
        until("the line is whole again", async || {
            let mut is_whole = true;
            for ticket in &self.waiting {
                is_whole &= status(edge, ticket).await["position"].is_u64();
            }
            is_whole && edge.log().iter().any(|line| line.contains("lost some of the line"))
        })
        .await;
        let end = Instant::now() + Duration::from_secs(4);
        while Instant::now() < end {
            for ticket in &self.waiting {
                assert_eq!(status(edge, ticket).await["state"], "waiting", "the shop is full");
            }
        }
        for (ticket, token) in &self.inside {
            let mut answer = Value::Null;
            until("their ticket says that they are inside", async || {
                answer = status(edge, ticket).await;
                answer["state"] == "admitted"
            })
            .await;
            let again = answer["admission_token"].as_str().unwrap();
            let (first, now) = (admitted_at(token), admitted_at(again));
            assert!(now <= first + 1, "admitted at {first}, and once more at {now}");
        }
        let facts: Value = {
            let answer = browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
            answer.json().await.unwrap()
        };
        assert_eq!(facts["active"], INSIDE);
        for (_, token) in &self.inside {
            let request = browser().get(edge.url("/events/demo")).header("wr-admission", token);
            assert_eq!(request.header("accept", "text/html").send().await.unwrap().status(), 200);
        }
        assert_eq!(self.shop.log.lock().unwrap().len(), INSIDE);
        assert_eq!(navigate(&browser(), &edge.url("/events/demo")).await.status(), 202);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_that_were_restarted_know_who_is_inside() {
    let (sale, first, second) = Sale::begin().await;
    let (first, second) = (first.kill_and_restart(), second.kill_and_restart());
    for edge in [&first, &second] {
        until("the edge asks which sessions live", async || times_asked(edge).await > 0).await;
    }
    sale.survives_the_loss(&second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_knows_whom_another_let_in_that_is_gone() {
    let (sale, first, second) = Sale::begin().await;
    // One that was under way may have asked before the last of them was let in.
    has_asked_again(&second).await;
    has_asked_again(&second).await;
    drop(first);
    sale.survives_the_loss(&second).await;
}
