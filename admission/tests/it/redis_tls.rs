//! The line on servers that speak TLS: whom they have to be vouched for by, who they let in, and a cluster of them.

use admission::name::RoomId;
use admission::store::redis::RedisStore;
use admission::store::{QueueStore, StoreError};

use crate::redis_cluster::{NAMES, use_line};
use crate::redis_fleet::{Certificate, Cluster, Node};
use crate::redis_load::open;

const HERE: &str = "DNS:localhost,IP:127.0.0.1";
/// A login of its own, which may do what the line needs and nothing else.
const LOGIN: [&str; 8] = ["--user", "stanchion", "on", ">hunter2", "~wr:*", "+@all", "-@dangerous", "+info"];

fn store_at(node: &Node, more: &str) -> RedisStore {
    RedisStore::open(&format!("rediss://stanchion:hunter2@localhost:{}/0{more}", node.tls_port.unwrap()))
        .unwrap()
}

/// What somebody reads who cannot reach the line.
async fn refusal(store: &RedisStore) -> String {
    let refused = store.snapshot(&RoomId::parse("demo").unwrap(), 0).await.unwrap_err();
    let StoreError::Unavailable(said) = refused else { panic!("{refused:?}") };
    assert!(!said.contains("hunter2"), "{said}");
    said
}

#[tokio::test]
async fn a_server_is_reached_over_tls_with_a_login_of_its_own() {
    let certificate = Certificate::of(HERE);
    let node = Node::over_tls(&certificate, &[&["--tls-auth-clients", "no"], &LOGIN[..]].concat());
    let store = store_at(&node, &format!("?ca={}", certificate.file.display()));
    let room = open(&store, "demo").await;
    use_line(&store, &room).await;
}

#[tokio::test]
async fn who_is_not_vouched_for_or_has_another_name_is_refused_in_words() {
    let (certificate, stranger) = (Certificate::of("DNS:redis.example"), Certificate::of(HERE));
    let node = Node::over_tls(&certificate, &[&["--tls-auth-clients", "no"], &LOGIN[..]].concat());
    let strange = refusal(&store_at(&node, &format!("?ca={}", stranger.file.display()))).await;
    assert!(strange.contains("nobody who is trusted vouches for the server's certificate"), "{strange}");
    assert!(strange.contains("localhost:"), "{strange}");
    let system = refusal(&store_at(&node, "")).await;
    assert!(system.contains("`?ca=` in the URL names who does"), "{system}");
    let misnamed = refusal(&store_at(&node, &format!("?ca={}", certificate.file.display()))).await;
    assert!(misnamed.contains("another name than the host"), "{misnamed}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let certificate = Certificate::of(HERE);
    let node = Node::over_tls(&certificate, &[&["--tls-auth-clients", "yes"], &LOGIN[..]].concat());
    let (file, key) = (certificate.file.display(), certificate.key.display());
    refusal(&store_at(&node, &format!("?ca={file}"))).await;
    let store = store_at(&node, &format!("?ca={file}&cert={file}&key={key}"));
    let room = open(&store, "demo").await;
    use_line(&store, &room).await;
}

#[tokio::test]
async fn every_node_of_a_cluster_is_reached_over_tls() {
    let certificate = Certificate::of(HERE);
    let cluster = Cluster::over_tls(&certificate);
    let port = cluster.primaries[2].tls_port.unwrap();
    let url = format!("rediss+cluster://127.0.0.1:{port}?ca={}", certificate.file.display());
    let store = RedisStore::open(&url).unwrap();
    for name in NAMES {
        let room = open(&store, name).await;
        use_line(&store, &room).await;
    }
    for node in &cluster.primaries {
        assert!(!node.ask::<Vec<String>>(&["KEYS", "wr:*}"]).is_empty(), "rooms on all nodes");
    }
}
