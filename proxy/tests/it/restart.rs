//! An edge whose line is kept in a file is killed without warning, and another goes on with the file.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Edge, PATIENCE, browser, navigate, room};
use crate::shop::Shop;

const FANS: usize = 100;
/// Ten a second, so that a line stands while the edge is killed.
const RULES: &str = "mode = \"always\"\nmax_active = 1000\ndrain_per_minute = 600\nburst = 10\n\
                     recovery_grace = \"3s\"\nsession = \"10m\"";

struct Fan {
    ticket: String,
    token: Option<String>,
}

impl Fan {
    async fn join(edge: &Edge) -> Self {
        let answer = browser().post(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        Self { ticket: body["ticket"].as_str().unwrap().to_owned(), token: None }
    }

    /// Where they stand; takes the token when their turn has come.
    async fn poll(&mut self, client: &reqwest::Client, edge: &Edge) -> Value {
        let request = client.get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &self.ticket);
        let status: Value = request.send().await.unwrap().json().await.unwrap();
        if let Some(token) = status["admission_token"].as_str() {
            self.token = Some(token.to_owned());
        }
        status
    }

    /// What a page of the shop answers to somebody who shows all they have.
    async fn page(&self, edge: &Edge, path: &str) -> reqwest::Response {
        let token = self.token.as_deref().unwrap_or_default();
        let cookies = format!("wr-admission-demo={token}; wr-ticket-demo={}", self.ticket);
        let request = browser().get(edge.url(path)).header("cookie", cookies);
        request.header("accept", "text/html").send().await.unwrap()
    }

    async fn enters(&self, edge: &Edge, shop: &Shop) -> bool {
        let before = shop.log.lock().unwrap().len();
        let answer = self.page(edge, "/events/demo").await;
        answer.status() == 200 && shop.log.lock().unwrap().len() > before
    }
}

pub(crate) fn journaled(shop: &Shop) -> String {
    let store = "[store]\nkind = \"memory\"\npath = \"line\"";
    format!("tick = \"100ms\"\n{store}\n[upstream]\naddress = \"{}\"", shop.address)
}

/// Asks for everybody who waits, in rounds, until so many have been admitted. Who was in which round.
async fn until_admitted(edge: &Edge, fans: &mut [Fan], count: usize) -> Vec<Vec<usize>> {
    let (client, until, mut rounds) = (browser(), Instant::now() + PATIENCE, Vec::new());
    while fans.iter().filter(|fan| fan.token.is_some()).count() < count {
        assert!(Instant::now() < until, "the line stands: {rounds:?}");
        let mut round = Vec::new();
        for (number, fan) in fans.iter_mut().enumerate().filter(|(_, fan)| fan.token.is_none()) {
            if fan.poll(&client, edge).await["state"] == "admitted" {
                round.push(number);
            }
        }
        rounds.push(round);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_edge_goes_on_with_its_line() {
    let shop = Shop::start().await;
    let edge = Edge::start_with(&journaled(&shop), &room(RULES));
    let mut fans = Vec::new();
    for _ in 0..FANS {
        fans.push(Fan::join(&edge).await);
    }
    until_admitted(&edge, &mut fans, 20).await;
    let admitted: Vec<usize> = (0..FANS).filter(|&number| fans[number].token.is_some()).collect();
    // The shop is done with five of them.
    let (ended, active) = admitted.split_at(5);
    for &number in ended {
        assert_eq!(fans[number].page(&edge, "/events/demo/end").await.status(), 200);
    }
    // It is on its way to the disk, and no answer waits for that.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let edge = edge.kill_and_restart();
    for &number in ended {
        assert!(!fans[number].enters(&edge, &shop).await, "the token of an ended session opens nothing");
        let (client, token) = (browser(), fans[number].token.take());
        let status = fans[number].poll(&client, &edge).await;
        assert!(status["state"] != "admitted" && status["state"] != "waiting", "{status}");
        fans[number].token = token;
    }
    for &number in active {
        assert!(fans[number].enters(&edge, &shop).await, "whoever was in stays in");
    }
    fans.push(Fan::join(&edge).await);
    // Nobody who waits is admitted before those in front had time to be back.
    let client = browser();
    let mut waiting = 0;
    for fan in fans.iter_mut().filter(|fan| fan.token.is_none()) {
        let status = fan.poll(&client, &edge).await;
        assert!(status["state"] == "waiting" || status["state"] == "admitted", "{status}");
        waiting += u64::from(status["state"] == "waiting");
    }
    assert!(waiting > 50, "{waiting}");
    // Draining resumes by itself, in the order of before, the newcomer behind everybody. Who is admitted while all
    // are asked may be told a round later than one behind them, but not two.
    let rounds = until_admitted(&edge, &mut fans, FANS + 1).await;
    for (round, later) in rounds.iter().zip(rounds.iter().skip(2)) {
        assert!(round.iter().max() < later.iter().min().or(Some(&usize::MAX)), "{rounds:?}");
    }
    assert_eq!(rounds.iter().map(Vec::len).sum::<usize>() as u64, waiting, "everybody once");
    for &number in ended {
        assert!(!fans[number].enters(&edge, &shop).await, "ended stays ended");
    }
    let log = edge.log().join("\n");
    assert!(log.contains("goes on where its last process left it"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_was_asked_to_end_loses_nothing() {
    let shop = Shop::start().await;
    let mut edge = Edge::start_with(&journaled(&shop), &room(RULES));
    let mut fans = vec![Fan::join(&edge).await];
    until_admitted(&edge, &mut fans, 1).await;
    assert_eq!(fans[0].page(&edge, "/events/demo/end").await.status(), 200);
    // The shop's word goes to the store in the background; an edge that ends waits for that.
    edge.terminate();
    assert_eq!(edge.wait().code(), Some(0));
    let edge = edge.kill_and_restart();
    assert!(!fans[0].enters(&edge, &shop).await, "the token of an ended session opens nothing");
    let log = edge.log().join("\n");
    assert!(log.contains("\"is_complete\":true"), "{log}");
}

#[tokio::test]
async fn two_edges_do_not_share_a_file() {
    let shop = Shop::start().await;
    let edge = Edge::start_with(&journaled(&shop), &room(RULES));
    let mut second = crate::harness::command();
    second.arg("--config").arg(edge.folder.path().join("edge.toml"));
    let output = second.arg("--rooms").arg(edge.folder.path().join("rooms.toml")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("another process keeps its line in"), "{said}");
    assert_eq!(navigate(&browser(), &edge.url("/open")).await.status(), 200);
}
