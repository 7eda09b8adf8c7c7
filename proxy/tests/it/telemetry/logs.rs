//! What the log tells of a request, and what it does not.

use serde_json::Value;

use crate::harness::{Edge, STANDING, browser, room};
use crate::shop::Shop;

#[tokio::test]
async fn a_path_is_logged_without_what_may_be_private() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let secrets = ["anna@example.org", "+821012345678", "550e8400-e29b-41d4-a716-446655440000", "a-query"];
    for secret in secrets {
        let url = edge.url(&format!("/mine/{secret}/edit?of={secret}"));
        browser().get(url).send().await.unwrap();
    }
    browser().get(edge.url("/mine/plain")).send().await.unwrap();
    edge.until_logged("/mine/plain").await;
    let log = edge.log();
    let told = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let paths: Vec<String> = told
        .filter(|event| event["message"] == "request")
        .map(|event| event["path"].as_str().unwrap().to_owned())
        .collect();
    let mine = ["/mine/…/edit", "/mine/…/edit", "/mine/…/edit", "/mine/a-query/edit", "/mine/plain"];
    assert_eq!(paths, mine);
    let log = log.concat();
    assert!(secrets[..3].iter().all(|secret| !log.contains(secret)) && !log.contains("of="), "{log}");
}
