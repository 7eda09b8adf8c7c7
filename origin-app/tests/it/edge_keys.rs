//! The edge's keys are changed while the shop runs.

use admission::edge_signature::{
    EdgeRequest, HEADER_REQUEST_ID, HEADER_ROOM, HEADER_SIGNATURE, HEADER_TICKET, HEADER_TIME, sign,
};
use admission::keyring::Keyring;
use reqwest::Client;

use crate::binary::Process;
use crate::support::{Database, KEYS, eventually};

const OTHER: &str = "k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

/// The status of a request that is signed with the first of these keys.
async fn asked(shop: &Process, keys: &str) -> u16 {
    let authority = shop.edge.address.to_string();
    let time = shop.edge.clock.now();
    let request = EdgeRequest {
        method: "GET",
        authority: &authority,
        path_and_query: "/api/events",
        room: "",
        ticket: "",
        time,
        request_id: "r1",
    };
    let signature = sign(&Keyring::parse(keys).unwrap(), &request);
    let request = Client::new()
        .get(format!("http://{authority}/api/events"))
        .header(HEADER_ROOM, "")
        .header(HEADER_TICKET, "")
        .header(HEADER_TIME, time.as_millis().to_string())
        .header(HEADER_REQUEST_ID, "r1")
        .header(HEADER_SIGNATURE, signature);
    request.send().await.unwrap().status().as_u16()
}

async fn answers(shop: &Process, keys: &str, status: u16) {
    eventually(&format!("it answers {status}"), async || (asked(shop, keys).await == status).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_read_again_when_the_file_changes_and_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge-keys");
    std::fs::write(&file, KEYS).unwrap();
    let database = Database::sqlite();
    let line = format!("edge_keys_file = \"{}\"\n", file.display());
    let shop = Process::start_with(&database, &line, &[]).await;
    assert_eq!((asked(&shop, KEYS).await, asked(&shop, OTHER).await), (200, 403));
    // The new one beside the old one, and then alone: nobody is refused in between.
    std::fs::write(&file, format!("{KEYS}\n{OTHER}\n")).unwrap();
    answers(&shop, OTHER, 200).await;
    assert_eq!(asked(&shop, KEYS).await, 200);
    std::fs::write(folder.path().join("next"), OTHER).unwrap();
    std::fs::rename(folder.path().join("next"), &file).unwrap();
    answers(&shop, KEYS, 403).await;
    assert_eq!(asked(&shop, OTHER).await, 200);
    // What is wrong changes nothing, whether it is found or sent for.
    std::fs::write(&file, "no keys at all").unwrap();
    shop.signal("HUP");
    eventually("the log says why", async || {
        shop.log().iter().any(|line| line.contains("those of before stay in force")).then_some(())
    })
    .await;
    assert_eq!(asked(&shop, OTHER).await, 200);
    std::fs::write(&file, KEYS).unwrap();
    shop.signal("HUP");
    answers(&shop, KEYS, 200).await;
    let log = shop.log().concat();
    assert!(log.contains("the edge's keys are read again"), "{log}");
    for secret in [&KEYS[3..], &OTHER[3..], "no keys at all"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_environment_stay() {
    let database = Database::sqlite();
    let shop = Process::start(&database, "").await;
    shop.signal("HUP");
    eventually("the log says so", async || {
        shop.log().iter().any(|line| line.contains("cannot read again")).then_some(())
    })
    .await;
    assert_eq!(asked(&shop, KEYS).await, 200);
}
