//! What only a Redis can do: be killed, and come back with what it wrote to its files.

use std::time::Duration;

use origin_app::inventory::redis::RedisInventory;
use origin_app::inventory::{HoldingState, Inventory, InventoryError, InventoryLog, Loaded};

use super::{Stage, event, fan};
use crate::support::{RedisServer, eventually};

#[tokio::test]
async fn another_process_must_be_loaded_and_still_has_the_log() {
    let mut redis = RedisServer::start_durable();
    let inventory = RedisInventory::open(&redis.url()).unwrap();
    let (event, buyer) = (event(), fan());
    inventory.load(&event, &[]).await.unwrap();
    let ask = Stage::in_memory().await.ask(&buyer, &["A-1"]);
    inventory.hold(&event, &ask).await.unwrap();
    redis.restart();
    // What happened last may not be in its files, so nobody sells by them.
    assert_eq!(inventory.hold(&event, &ask).await, Err(InventoryError::NotLoaded));
    assert_eq!(inventory.all(&event).await, Err(InventoryError::NotLoaded));
    let entries = inventory.read(&event, "reader", 10).await.unwrap().unwrap();
    let told = entries[0].holding.clone().unwrap();
    assert_eq!((told.id.clone(), told.state), (ask.id.clone(), HoldingState::Held));
    assert_eq!(inventory.load(&event, &[told]).await.unwrap(), Loaded::Now);
    assert_eq!(inventory.look(&event, &ask.id).await.unwrap().unwrap().fan, buyer);
    assert_eq!(inventory.backlog(&event).await.unwrap().entries, 1);
}

#[tokio::test]
async fn a_redis_that_is_away_is_said_to_be() {
    let mut redis = RedisServer::start();
    let inventory = RedisInventory::open(&redis.url()).unwrap();
    inventory.load(&event(), &[]).await.unwrap();
    redis.kill();
    let ask = Stage::in_memory().await.ask(&fan(), &["A-1"]);
    for _ in 0..3 {
        assert!(matches!(inventory.hold(&event(), &ask).await, Err(InventoryError::Unavailable(_))));
    }
    redis.restart();
    eventually("it is reached again", async || inventory.ping().await.ok()).await;
    assert_eq!(inventory.hold(&event(), &ask).await, Err(InventoryError::NotLoaded));
}

#[tokio::test]
async fn one_shop_at_a_time_has_the_turn_to_load() {
    let redis = RedisServer::start();
    let inventory = RedisInventory::open(&redis.url()).unwrap();
    let turn = Duration::from_millis(800);
    let begin = async |shop| inventory.begin_load(&event(), shop, turn).await.unwrap();
    assert!(begin("one").await);
    assert!(!begin("other").await && begin("one").await);
    // Who is silent loses it.
    eventually("it is the other's", async || begin("other").await.then_some(())).await;
    assert!(!begin("one").await);
}

#[tokio::test]
async fn what_was_to_go_and_is_loaded_again_stays() {
    let redis = RedisServer::start();
    let inventory = RedisInventory::open(&redis.url()).unwrap();
    inventory.load(&event(), &[]).await.unwrap();
    let ask = Stage::in_memory().await.ask(&fan(), &["A-1"]);
    inventory.hold(&event(), &ask).await.unwrap();
    assert!(!inventory.retire(&event(), Duration::from_secs(1000)).await.unwrap());
    let lasts = |key: &str| redis.command(&["TTL", key]).unwrap() == ":-1\r\n";
    for key in ["shop:{demo}", "shop:{demo}:log"] {
        assert!(!lasts(key), "{key}");
    }
    // As another process would find it.
    assert_eq!(redis.command(&["HDEL", "shop:{demo}:fans", "server"]).unwrap(), ":1\r\n");
    assert_eq!(inventory.load(&event(), &[]).await.unwrap(), Loaded::Now);
    for key in ["shop:{demo}", "shop:{demo}:log"] {
        assert!(lasts(key), "{key}");
    }
}
