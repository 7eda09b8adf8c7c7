//! What a CDN says of the client counts, and what anybody else says does not.

use reqwest::header::HeaderMap;

use crate::harness::{Edge, browser, room};
use crate::shop::Shop;

fn edge(shop: &Shop, cdn: &str) -> Edge {
    Edge::start_with(
        &format!("[upstream]\naddress = \"{}\"\n[cdn]\n{cdn}", shop.address),
        &room("mode = \"off\""),
    )
}

async fn seen_client(shop: &Shop, edge: &Edge, headers: &[(&'static str, &str)]) -> (u16, String) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let answer = browser().get(edge.url("/")).headers(map).send().await.unwrap();
    let status = answer.status().as_u16();
    let client = if status == 200 {
        shop.last().header("x-forwarded-for").unwrap_or_default().to_owned()
    } else {
        String::new()
    };
    (status, client)
}

#[tokio::test]
async fn an_address_is_taken_from_a_trusted_proxy_and_from_the_right() {
    let shop = Shop::start().await;
    let edge = edge(
        &shop,
        "trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\naddress_header = \"X-Forwarded-For\"",
    );
    for (value, client) in [
        ("198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("nonsense", "127.0.0.1"),
    ] {
        let found = seen_client(&shop, &edge, &[("x-forwarded-for", value)]).await;
        assert_eq!(found, (200, client.to_owned()), "{value}");
    }
}

#[tokio::test]
async fn nobody_else_is_believed_and_their_headers_do_not_reach_the_shop() {
    let shop = Shop::start().await;
    let edge = edge(&shop, "trusted_proxies = [\"10.0.0.0/8\"]\naddress_header = \"CF-Connecting-IP\"");
    let spoofed = [
        ("x-forwarded-for", "6.6.6.6"),
        ("cf-connecting-ip", "6.6.6.6"),
        ("true-client-ip", "6.6.6.6"),
        ("fastly-client-ip", "6.6.6.6"),
        ("cloudfront-viewer-address", "6.6.6.6:1"),
        ("x-real-ip", "6.6.6.6"),
        ("x-client-ip", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
    ];
    assert_eq!(seen_client(&shop, &edge, &spoofed).await, (200, "127.0.0.1".to_owned()));
    let seen = shop.last();
    for (name, _) in spoofed {
        assert!(!seen.header(name).unwrap_or_default().contains("6.6.6.6"), "{name}");
    }
}

#[tokio::test]
async fn a_header_for_one_address_holds_one() {
    let shop = Shop::start().await;
    let edge =
        edge(&shop, "trusted_proxies = [\"127.0.0.0/8\"]\naddress_header = \"CloudFront-Viewer-Address\"");
    let name = "cloudfront-viewer-address";
    assert_eq!(seen_client(&shop, &edge, &[(name, "198.51.100.7:4711")]).await.1, "198.51.100.7");
    let v6 = "2001:db8:0:0:0:0:0:7:4711";
    assert_eq!(seen_client(&shop, &edge, &[(name, v6)]).await.1, "2001:db8::7");
    assert_eq!(
        seen_client(&shop, &edge, &[]).await.1,
        "127.0.0.1",
        "the proxy itself, as in its health checks"
    );
    let twice = [(name, "198.51.100.7:4711"), (name, "6.6.6.6:1")];
    assert_eq!(seen_client(&shop, &edge, &twice).await.0, 400);
    assert_eq!(seen_client(&shop, &edge, &[(name, "nonsense")]).await.0, 400);
}

#[tokio::test]
async fn who_goes_around_the_cdn_is_refused() {
    let shop = Shop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "a-secret-of-some-length, the-one-before-this-one\n").unwrap();
    let cdn = format!("secret_header = \"X-Edge-Secret\"\nsecret_file = \"{}\"", file.display());
    let edge = edge(&shop, &cdn);
    for (headers, status) in [
        (&[("x-edge-secret", "a-secret-of-some-length")][..], 200),
        (&[("x-edge-secret", "the-one-before-this-one")], 200),
        (&[("x-edge-secret", "a-secret-of-some-lengtH")], 403),
        (&[("x-edge-secret", "a-secret-of-some-length"), ("x-edge-secret", "a-secret-of-some-length")], 403),
        (&[], 403),
    ] {
        assert_eq!(seen_client(&shop, &edge, headers).await.0, status, "{headers:?}");
    }
    let _ = seen_client(&shop, &edge, &[("x-edge-secret", "a-secret-of-some-length")]).await;
    assert_eq!(shop.last().header("x-edge-secret").unwrap_or_default(), "", "the secret stays here");
    let facts = browser().get(edge.url("/.waiting-room/demo")).send().await.unwrap();
    assert_eq!(facts.status(), 403);
}
