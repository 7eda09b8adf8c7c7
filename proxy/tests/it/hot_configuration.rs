//! The rooms change while fans wait: by the file, by a signal, at other proxies; and a bad change changes nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Edge, PATIENCE, STANDING, browser, files, navigate, room, until_state};
use crate::shop::Shop;
use crate::store_away::Redis;

impl Edge {
    pub(crate) fn rooms_file(&self) -> PathBuf {
        self.folder.path().join("rooms.toml")
    }

    /// Replaces the file as editors and configuration management do: whole.
    pub(crate) fn rewrite(&self, rooms: &str) {
        let fresh = self.folder.path().join("rooms.toml.new");
        std::fs::write(&fresh, rooms).unwrap();
        std::fs::rename(fresh, self.rooms_file()).unwrap();
    }
}

/// A folder with files of which `rooms.toml` was written long ago.
pub(crate) fn an_old_file(edge: &str, rooms: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let listen = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n";
    let (_, file) = files(&folder, &format!("{listen}{edge}"), rooms);
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    folder
}

async fn facts(edge: &Edge, room: &str) -> Value {
    let answer = browser().get(edge.url(&format!("/.waiting-room/{room}"))).send().await.unwrap();
    answer.json().await.unwrap_or_default()
}

/// Waits until the room's facts say so, at every edge.
async fn until(edges: &[Edge], what: &str, is_so: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    for edge in edges {
        loop {
            let facts = facts(edge, "demo").await;
            if is_so(&facts) {
                break;
            }
            assert!(Instant::now() < deadline, "not {what}: {facts} {:?}", edge.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn rate(per_minute: u64) -> impl Fn(&Value) -> bool {
    move |facts| facts["drain_per_minute"] == per_minute
}

#[tokio::test]
async fn a_change_of_one_file_is_in_force_at_every_proxy_and_at_those_that_start_later() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let rooms = |rate: u64| room(&format!("mode = \"always\"\ndrain_per_minute = {rate}"));
    let start = || Edge::start_with(&redis.edge_file(&shop), &rooms(60));
    let edges = [start(), start()];
    until(&edges, "as at start", rate(60)).await;
    edges[0].rewrite(&rooms(300));
    until(&edges, "as in the file", rate(300)).await;
    edges[1].until_logged("drain_per_minute 60 → 300").await;
    // One that starts with an older file learns what is in force, and says so.
    let old = an_old_file(&redis.edge_file(&shop), &rooms(60));
    let late = Edge::start_in(old);
    until(std::slice::from_ref(&late), "as everywhere", rate(300)).await;
    late.until_logged("rooms that were configured after rooms.toml was written are in force").await;
    // Who insists on the file says so by a signal.
    late.signal("HUP");
    until(&edges, "as in the file that was read again", rate(60)).await;
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing_and_the_log_says_what_and_where() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    navigate(&fan, &edge.url("/events/demo")).await;
    for (wrong, said) in [
        ("drain_per_minutes = 5", "drain_per_minute"),
        ("drain_per_minute = \"5\"", "rooms.toml"),
        ("[[room]]", "room"),
    ] {
        edge.rewrite(&room(&format!("mode = \"off\"\n{wrong}")));
        edge.until_logged("a new configuration is not put in force").await;
        edge.until_logged(said).await;
    }
    std::fs::remove_file(edge.rooms_file()).unwrap();
    edge.until_logged("cannot be read").await;
    assert_eq!(until_state(&fan, &edge, "paused").await["position"], 1);
    edge.rewrite(&room("mode = \"always\"\ndrain_per_minute = 600"));
    until_state(&fan, &edge, "admitted").await;
}

#[tokio::test]
async fn rooms_come_and_go() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 202);
    assert_eq!(navigate(&browser(), &edge.url("/other")).await.status(), 200);
    let other = format!("[[room]]\nid = \"other\"\npaths = [\"/other\"]\n{STANDING}\n");
    edge.rewrite(&other);
    edge.until_logged("demo: the room is gone").await;
    assert_eq!(navigate(&browser(), &edge.url("/other")).await.status(), 202);
    // Nobody has to wait for what needs no waiting any more.
    until_state(&fan, &edge, "admitted").await;
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    edge.rewrite(&format!("{}{other}", room(STANDING)));
    edge.until_logged("demo: a new room").await;
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 202);
    let status = until_state(&fan, &edge, "paused").await;
    assert_eq!(status["position"], 1, "the line is the one of before");
}

#[tokio::test]
async fn words_and_templates_change_while_fans_look_at_them() {
    let shop = Shop::start().await;
    let words = tempfile::tempdir().unwrap();
    let file = words.path().join("en.toml");
    std::fs::write(&file, "[page]\npaused_heading = \"Intermission\"").unwrap();
    let pages = format!("[pages]\ntexts = \"{}\"", words.path().display());
    let edge = format!("[upstream]\naddress = \"{}\"\n{pages}", shop.address);
    let edge = Edge::start_with(&edge, &room(STANDING));
    let page = async || navigate(&browser(), &edge.url("/events/demo")).await.text().await.unwrap();
    assert!(page().await.contains("Intermission"));
    std::fs::write(&file, "[page]\npaused_heading = \"Back at nine\"").unwrap();
    edge.until_logged("the pages were read again").await;
    assert!(page().await.contains("Back at nine"));
    std::fs::write(&file, "[page]\nno_such_word = \"x\"").unwrap();
    edge.until_logged("no_such_word").await;
    assert!(page().await.contains("Back at nine"));
}

#[tokio::test]
async fn what_the_store_forgets_it_is_told_again() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let rooms = |rate: u64| room(&format!("mode = \"always\"\ndrain_per_minute = {rate}"));
    let edge = Edge::start_with(&redis.edge_file(&shop), &rooms(60));
    edge.rewrite(&rooms(240));
    until(std::slice::from_ref(&edge), "as in the file", rate(240)).await;
    redis.command("FLUSHALL");
    let old = an_old_file(&redis.edge_file(&shop), &rooms(60));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let late = Edge::start_in(old);
    until(&[edge, late], "as before the loss", rate(240)).await;
}
