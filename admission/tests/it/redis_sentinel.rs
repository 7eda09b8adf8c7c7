//! The line on a primary that sentinels watch over: it dies, hangs, or is told to step back.

use std::time::Duration;

use admission::store::redis::RedisStore;
use redis::Value;
use tokio::time::sleep;

use crate::redis_fleet::{Watched, wait_for};
use crate::redis_load::Load;

async fn under_load(watched: &Watched) -> Load {
    let store = RedisStore::open(&watched.url()).unwrap();
    let load = Load::start(&store, "demo").await;
    load.go_on(100).await;
    load
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_dies_under_load_and_the_replica_goes_on() {
    let mut watched = Watched::start();
    let load = under_load(&watched).await;
    let resumed_at = load.resumed_at().await;
    watched.primary.outrun(&watched.replica, "demo");
    sleep(Duration::from_millis(300)).await;
    watched.primary.kill();
    watched.replica.go_on();
    load.fail().await;
    load.go_on(300).await;
    assert!(watched.replica.says("replication", "role:master"));
    assert!(load.resumed_at().await > resumed_at, "the line knows that another server went on with it");
    assert!(load.check().await > 0, "what the replica had not heard of is forgotten, and given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_hangs_is_left_for_the_one_that_took_over() {
    let watched = Watched::start();
    let load = under_load(&watched).await;
    watched.primary.stop();
    load.fail().await;
    load.go_on(300).await;
    assert!(watched.replica.says("replication", "role:master"));
    watched.primary.go_on();
    wait_for("the old one to step back", || watched.primary.says("replication", "role:slave"));
    load.go_on(100).await;
    load.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_told_to_step_back_is_left() {
    let watched = Watched::start();
    let load = under_load(&watched).await;
    watched.sentinels[0].ask::<Value>(&["SENTINEL", "FAILOVER", "main"]);
    wait_for("the old one to step back", || watched.primary.says("replication", "role:slave"));
    load.go_on(300).await;
    assert!(watched.replica.says("replication", "role:master"));
    load.check().await;
}
