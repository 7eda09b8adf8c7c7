//! The store is away, and comes back without its data.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Edge, PATIENCE, browser, navigate, room, set_cookie, until_state};
use crate::live;
use crate::shop::Shop;

/// A Redis of our own, without persistence. Killed when dropped.
pub(crate) struct Redis {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Redis {
    pub(crate) fn start(address: Option<SocketAddr>) -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = address.unwrap_or_else(free);
        let port = address.port().to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let redis = Self { child, address };
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "redis-server does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        redis
    }

    /// Stops it in its tracks with `STOP`, and lets it go on with `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(format!("-{signal}")).arg(pid).status().unwrap().success());
    }

    /// Has it do something, and waits until it has.
    pub(crate) fn command(&self, line: &str) {
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 64]).unwrap() > 0);
    }

    /// The edge's configuration for this store.
    pub(crate) fn edge_file(&self, shop: &Shop) -> String {
        let (redis, shop) = (self.address, shop.address);
        format!("[store]\nkind = \"redis\"\nurl = \"redis://{redis}\"\n[upstream]\naddress = \"{shop}\"")
    }
}

pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_store_that_is_away_costs_nobody_anything_but_time() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let edge_file = redis.edge_file(&shop);
    // One may be in the shop, so whoever comes second waits.
    let rules =
        "mode = \"always\"\nmax_active = 1\ndrain_per_minute = 6000\nburst = 100\nrecovery_grace = \"2s\"";
    let edge = Edge::start_with(&edge_file, &room(rules));
    let admitted = browser();
    navigate(&admitted, &edge.url("/events/demo")).await;
    until_state(&admitted, &edge, "admitted").await;
    let (second, third) = (live::join(&edge).await, live::join(&edge).await);
    let status = async |ticket: &str| -> Value {
        let request = browser().get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", ticket);
        request.send().await.unwrap().json().await.unwrap()
    };
    until("two wait", async || status(&third).await["position"] == 2).await;

    let address = redis.address;
    drop(redis);
    until("the fans are told", async || {
        status(&second).await["message"].as_str().unwrap().contains("cannot reach the line")
    })
    .await;
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(navigate(&admitted, &edge.url("/events/demo")).await.status(), 200);
        assert!(began.elapsed() < Duration::from_secs(1), "an admitted request waited for the store");
    }
    let status_now = status(&third).await;
    assert_eq!((&status_now["state"], &status_now["position"]), (&"waiting".into(), &2.into()));
    let newcomer = navigate(&browser(), &edge.url("/events/demo")).await;
    assert_eq!(newcomer.status(), 202);
    assert!(newcomer.headers().contains_key("retry-after"));
    assert!(newcomer.text().await.unwrap().contains("is noted"));
    let ready = browser().get(format!("http://{}/readyz", edge.admin)).send().await.unwrap();
    assert_eq!(ready.status(), 503);

    // It comes back and remembers nothing. The admitted fan goes on; the others stand where they stood.
    let _redis = Redis::start(Some(address));
    until("the line is whole again", async || {
        assert_eq!(navigate(&admitted, &edge.url("/events/demo")).await.status(), 200);
        let (second, third) = (status(&second).await, status(&third).await);
        assert_ne!(third["state"], "admitted", "passed over the second");
        (&second["position"], &third["position"]) == (&1.into(), &2.into()) && second["message"] == ""
    })
    .await;
    // The shop is done with the first, so the second may enter.
    assert_eq!(navigate(&admitted, &edge.url("/events/demo/end")).await.status(), 200);
    until("the second enters", async || status(&second).await["state"] == "admitted").await;
    assert_eq!(status(&third).await["position"], 1);
}

/// How many commands the store has taken in all.
fn commands(redis: &Redis) -> u64 {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(redis.address).unwrap();
    stream.write_all(b"INFO stats\r\nQUIT\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("total_commands_processed:")).unwrap();
    line.trim().parse().unwrap()
}

/// Asks as somebody who is inside, again and again for a while; gives how long each answer took.
async fn ask(edge: &Edge, token: &str, time: Duration) -> Vec<Duration> {
    let until = Instant::now() + time;
    let asking = (0..4).map(|_| async {
        let client = reqwest::Client::new();
        let mut times = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let request = client.get(edge.url("/api/reservations")).header("wr-admission", token);
            assert_eq!(request.send().await.unwrap().status(), 200);
            times.push(began.elapsed());
        }
        times
    });
    let mut times = futures_util::future::join_all(asking).await.concat();
    times.sort_unstable();
    times
}

/// P7. What an admitted request costs the store is nothing, so it does not matter to it whether there is one.
#[tokio::test]
async fn who_is_inside_costs_the_store_nothing_and_does_not_notice_that_it_is_away() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    let edge = Edge::start_with(
        &format!("{}\n[limits]\nsession_requests_per_minute = 0", redis.edge_file(&shop)),
        &room("drain_per_minute = 6000\nburst = 100"),
    );
    let fan = browser();
    let mut token = None;
    until("a fan enters", async || {
        token = set_cookie(&navigate(&fan, &edge.url("/events/demo")).await, "wr-admission-demo");
        token.is_some()
    })
    .await;
    let token = token.unwrap();

    // The ticks ask the store a few things, whether anybody is there or not.
    let (time, before) = (Duration::from_secs(3), commands(&redis));
    tokio::time::sleep(time).await;
    let idle = commands(&redis) - before;
    let before = commands(&redis);
    let there = ask(&edge, &token, time).await;
    let busy = commands(&redis) - before;
    assert!(there.len() > 100, "{} requests", there.len());
    assert!(busy < idle * 2 + 20, "{idle} commands in silence, {busy} beside {} requests", there.len());

    // It hangs, then is dead. A request that asked it would wait until a call is given up, which takes more than a second.
    redis.signal("STOP");
    let hung = ask(&edge, &token, time).await;
    redis.signal("CONT");
    drop(redis);
    let dead = ask(&edge, &token, time).await;
    for (state, times) in [("hangs", &hung), ("is dead", &dead)] {
        let (median, usual) = (times[times.len() / 2], there[there.len() / 2]);
        assert!(times.len() > 100, "{} requests while it {state}", times.len());
        assert!(
            median < usual * 5 + Duration::from_millis(100),
            "{median:?} while it {state}, {usual:?} before"
        );
    }
    // The edge sees it so too: it counts where it does not keep this.
    let metrics = browser().get(format!("http://{}/metrics", edge.admin)).send().await.unwrap();
    let broken = "stanchion_promise_violations_total{promise=\"P7\",room=\"demo\"} 0\n";
    assert!(metrics.text().await.unwrap().contains(broken));
}
