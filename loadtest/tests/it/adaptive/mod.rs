//! The drain adapts to the shop: two edges on one Redis, before a shop that gets slow, fails, or says that it is full.

mod shop;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loadtest::client::{Client, Status};
use loadtest::stack::{Blueprint, Room, Stack, Store};
use reqwest::Url;
use serde_json::Value;
use shop::{Mood, Shop};
use tokio::task::JoinSet;

use crate::support::eventually;

const START: u64 = 300;
const LEAST: u64 = 100;
const MOST: u64 = 600;
/// Fans who want to get in at any time, in each room: more than the line lets in.
const FANS: usize = 50;
/// How long each stays in the shop, and how often they ask for something.
const STAY: Duration = Duration::from_secs(3);
const ASKS_EVERY: Duration = Duration::from_millis(250);
/// A shop that suffers has half of its fans after so many decisions, each two seconds after the one before.
const FAST: usize = 6;
/// A shop that is well is tried by so much more at a time, at most.
const STEP_UP_MAX: f64 = 0.04;

/// A decision, as an edge explained it in its log.
#[derive(Clone, Debug)]
struct Decision {
    at: String,
    from: u64,
    to: u64,
    reason: String,
}

/// What the edges decided about `room`, in order.
fn decisions(folder: &Path, room: &str) -> Vec<Decision> {
    let mut found = Vec::new();
    for log in ["proxy-1.log", "proxy-2.log"] {
        let text = std::fs::read_to_string(folder.join(log)).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for line in lines {
            let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            if field("message") == "the drain adapts" && field("room") == room {
                let reason = field("reason");
                let numbers: Vec<u64> =
                    reason.split([' ', ':']).filter_map(|word| word.parse().ok()).collect();
                let at = line["timestamp"].as_str().unwrap().to_owned();
                let [from, to, ..] = numbers[..] else { panic!("{reason}") };
                assert_eq!(line["rate"].as_u64(), Some(to), "{line}");
                found.push(Decision { at, from, to, reason });
            }
        }
    }
    found.sort_by(|one, other| one.at.cmp(&other.at));
    found
}

/// Comes as a new fan, waits, looks at the shop for a while, and goes.
async fn visit(edges: Arc<[Url]>, at: usize, room: &str) -> Option<()> {
    let client = Client::new(edges, at).ok()?;
    let path = format!("/{room}");
    if client.open_page(&path).await.ok()?.status == 202 {
        let mut live = client.live(room).await.ok()?;
        loop {
            let message = live.next().await.ok()??;
            let status: Status = serde_json::from_slice(&message).ok()?;
            if status.state == "admitted" {
                break;
            }
        }
        client.status(room).await.ok()?;
    }
    let until = tokio::time::Instant::now() + STAY;
    while tokio::time::Instant::now() < until {
        client.open_page(&path).await.ok()?;
        tokio::time::sleep(ASKS_EVERY).await;
    }
    Some(())
}

/// A room, what goes wrong behind it, and by which word the log says so.
struct Case {
    room: &'static str,
    well: Mood,
    trouble: Mood,
    told: &'static str,
}

fn cases() -> [Case; 3] {
    [
        Case {
            room: "slow",
            well: Mood::WELL,
            trouble: Mood { takes: Duration::from_millis(170), ..Mood::WELL },
            told: "answers took up to",
        },
        Case {
            room: "failing",
            well: Mood::WELL,
            trouble: Mood { status: 500, ..Mood::WELL },
            told: "failed",
        },
        Case {
            room: "full",
            well: Mood { load: Some(0.3), ..Mood::WELL },
            trouble: Mood { load: Some(3.0), ..Mood::WELL },
            told: "load",
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rate_falls_at_once_when_the_shop_suffers_and_rises_slowly_when_it_is_well() {
    let shop = Shop::open().await;
    let room = |case: &Case| Room {
        id: case.room.to_owned(),
        paths: vec![format!("/{}", case.room)],
        adaptive: Some((LEAST, MOST)),
        max_active: 10_000,
        ..Room::demo(START)
    };
    let blueprint = Blueprint {
        store: Store::Redis,
        proxies: 2,
        rooms: cases().iter().map(room).collect(),
        upstream: Some(shop.address),
        ..Blueprint::default()
    };
    let stack = Stack::start(&blueprint).await.unwrap();
    let mut fans = JoinSet::new();
    for case in cases() {
        shop.is(&format!("/{}", case.room), case.well);
        for number in 0..FANS {
            let edges = stack.edges();
            fans.spawn(async move {
                loop {
                    if visit(Arc::clone(&edges), number, case.room).await.is_none() {
                        tokio::time::sleep(ASKS_EVERY).await;
                    }
                }
            });
        }
    }
    let decided = |room: &str| decisions(stack.folder(), room);
    let rate = |room: &str| decided(room).last().map_or(START, |decision| decision.to);

    for case in cases() {
        eventually("a higher rate", async || (rate(case.room) > START).then_some(())).await;
    }
    let before: Vec<usize> = cases().iter().map(|case| decided(case.room).len()).collect();
    for case in cases() {
        shop.is(&format!("/{}", case.room), case.trouble);
    }
    for case in cases() {
        eventually("half the rate", async || (rate(case.room) <= START / 2).then_some(())).await;
    }
    let during: Vec<usize> = cases().iter().map(|case| decided(case.room).len()).collect();
    for case in cases() {
        shop.is(&format!("/{}", case.room), case.well);
    }
    for case in cases() {
        let is_raised = || {
            let last = decided(case.room).pop()?;
            (last.to > last.from).then_some(())
        };
        eventually("a higher rate again", async || is_raised()).await;
    }

    for (nth, case) in cases().into_iter().enumerate() {
        let all = decided(case.room);
        println!("{}: {all:#?}", case.room);
        assert_eq!(all[0].from, START);
        for pair in all.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "{pair:?}");
        }
        for Decision { from, to, reason, .. } in &all {
            assert!((LEAST..=MOST).contains(to), "{reason}");
            assert!(*to as f64 <= (*from as f64 * (1.0 + STEP_UP_MAX)).ceil(), "slowly: {reason}");
            assert!(reason.contains(": "), "it says why: {reason}");
        }
        let cuts = &all[before[nth]..during[nth]];
        let cuts: Vec<_> = cuts.iter().filter(|decision| decision.to < decision.from).collect();
        assert!(cuts[0].reason.contains(case.told), "{:?}", cuts[0]);
        let to_half = cuts.iter().position(|cut| cut.to <= START / 2).unwrap();
        assert!(to_half < FAST, "{cuts:#?}");
    }
    // What is told is what is in force, at either edge and to a fan.
    for (number, case) in cases().into_iter().enumerate() {
        let client = Client::new(stack.edges(), number).unwrap();
        client.open_page(&format!("/{}", case.room)).await.unwrap();
        eventually("the rate in force", async || {
            let told = client.status(case.room).await.ok()?.drain_per_minute;
            let facts = client.facts(case.room).await.ok()?.drain_per_minute;
            (told == facts && told == rate(case.room)).then_some(())
        })
        .await;
    }
    fans.shutdown().await;
    stack.stop().await;
}
