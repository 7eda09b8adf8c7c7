//! The line on a cluster: rooms on different nodes, a slot that moves, a primary that dies.

use std::collections::BTreeSet;
use std::time::Duration;

use admission::name::RoomId;
use admission::store::redis::RedisStore;
use admission::store::{QueueStore, Standing};
use redis::Value;
use tokio::time::sleep;

use crate::redis_fleet::{Cluster, wait_for};
use crate::redis_load::{Load, joins, open, places};
use crate::support::ticket_id;

/// Rooms of which each primary has at least one.
pub(crate) const NAMES: [&str; 9] =
    ["demo", "arena", "opera", "derby", "final", "tour-1", "tour-2", "encore", "matinee"];

/// The basics of a line: two fans come, one gets in and leaves.
pub(crate) async fn use_line(store: &RedisStore, room: &RoomId) {
    let joins = joins(2);
    let joined = store.join(room, ticket_id(), &joins).await.unwrap();
    let places = places(&joins, &joined);
    assert_eq!(
        store.look(room, &places).await.unwrap(),
        [Standing::Waiting { ahead: 0 }, Standing::Waiting { ahead: 1 }]
    );
    let mut turns = Vec::new();
    while turns.is_empty() {
        // A line begins without permits.
        sleep(Duration::from_millis(20)).await;
        turns = store.drain(room).await.unwrap().turns;
    }
    assert_eq!(turns[0].1, places[0].rank);
    assert!(matches!(store.claim(room, &places[..1]).await.unwrap()[0], Standing::Active { .. }));
    store.end(room, &[places[0].id]).await.unwrap();
    store.leave(room, &places[1..]).await.unwrap();
    assert_eq!(store.look(room, &places).await.unwrap()[0], Standing::Ended);
    let snapshot = store.snapshot(room, 0).await.unwrap();
    assert_eq!((snapshot.waiting(), snapshot.active, snapshot.joined_total), (0, 0, 2));
    assert!(snapshot.ended.contains(&places[0].id));
}

#[tokio::test]
async fn rooms_spread_over_the_nodes_and_every_verb_finds_its_own() {
    let cluster = Cluster::start(false);
    // One node is enough to find the others.
    let store =
        RedisStore::open(&format!("redis+cluster://127.0.0.1:{}", cluster.primaries[1].port)).unwrap();
    for name in NAMES {
        let room = open(&store, name).await;
        use_line(&store, &room).await;
    }
    let used: BTreeSet<usize> = NAMES.iter().map(|name| cluster.primary_of(name)).collect();
    assert_eq!(used.len(), 3, "rooms on all nodes");
    for (at, node) in cluster.primaries.iter().enumerate() {
        let keys: Vec<String> = node.ask(&["KEYS", "wr:*}"]);
        let expected = NAMES.iter().filter(|name| cluster.primary_of(name) == at).count();
        assert_eq!(keys.len(), expected, "{keys:?}");
    }
}

#[tokio::test]
async fn a_room_is_followed_to_another_node() {
    let cluster = Cluster::start(false);
    let store = RedisStore::open(&cluster.url()).unwrap();
    let room = open(&store, "demo").await;
    let at = cluster.primary_of("demo");
    let (from, to) = (&cluster.primaries[at], &cluster.primaries[(at + 1) % 3]);
    let (from_id, to_id): (String, String) = (from.ask(&["CLUSTER", "MYID"]), to.ask(&["CLUSTER", "MYID"]));
    let slot = from.ask::<u16>(&["CLUSTER", "KEYSLOT", "wr:{demo}"]).to_string();
    to.ask::<Value>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
    from.ask::<Value>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
    for key in from.ask::<Vec<String>>(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]) {
        from.ask::<Value>(&["MIGRATE", "127.0.0.1", &to.port.to_string(), &key, "0", "5000"]);
    }
    let before = store.snapshot(&room, 0).await.expect("the old node says whom to ask");
    to.ask::<Value>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
    from.ask::<Value>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
    use_line(&store, &room).await;
    assert_eq!(store.snapshot(&room, 0).await.unwrap().revision, before.revision);
}

/// A room on each primary, under load; with where it is.
async fn under_load(cluster: &Cluster) -> Vec<(usize, Load)> {
    let store = RedisStore::open(&cluster.url()).unwrap();
    let mut loads = Vec::new();
    for name in ["demo", "arena", "opera"] {
        loads.push((cluster.primary_of(name), Load::start(&store, name).await));
    }
    for (_, load) in &loads {
        load.go_on(100).await;
    }
    loads
}

/// The first room notices that its primary is away; the others go on, before and after a replica takes over.
async fn go_on_without(cluster: &Cluster, loads: &[(usize, Load)]) {
    let at = loads[0].0;
    loads[0].1.fail().await;
    for (_, load) in &loads[1..] {
        load.go_on(50).await;
    }
    assert!(cluster.replicas[at].says("replication", "role:slave"), "the others waited for the replica");
    wait_for("the replica to take over", || cluster.replicas[at].says("replication", "role:master"));
    for (_, load) in loads {
        load.go_on(300).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_dies_under_load_and_its_replica_goes_on() {
    let mut cluster = Cluster::start(true);
    let loads = under_load(&cluster).await;
    let (at, resumed_at) = (loads[0].0, loads[0].1.resumed_at().await);
    cluster.primaries[at].outrun(&cluster.replicas[at], "demo");
    sleep(Duration::from_millis(300)).await;
    cluster.primaries[at].kill();
    cluster.replicas[at].go_on();
    go_on_without(&cluster, &loads).await;
    assert!(loads[0].1.resumed_at().await > resumed_at, "the line knows that another server went on with it");
    for (other, load) in loads {
        let forgotten = load.check().await;
        assert_eq!(forgotten > 0, other == at, "{forgotten} forgotten on {other}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_hangs_is_left_for_its_replica() {
    let cluster = Cluster::start(true);
    let loads = under_load(&cluster).await;
    let at = loads[0].0;
    cluster.primaries[at].stop();
    go_on_without(&cluster, &loads).await;
    cluster.primaries[at].go_on();
    wait_for("the old one to step back", || cluster.primaries[at].says("replication", "role:slave"));
    loads[0].1.go_on(100).await;
    for (_, load) in loads {
        load.check().await;
    }
}
