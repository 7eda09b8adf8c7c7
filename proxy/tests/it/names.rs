//! Several certificates on one listener, and a listener that leads to another by TLS.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::certificates::{curl, make, make_for};
use crate::harness::{Edge, PATIENCE, STANDING, room};
use crate::shop::Shop;
use crate::wire::http1::{exchange, status};

struct Named {
    edge: Edge,
    folder: tempfile::TempDir,
}

impl Named {
    fn start(shop: &Shop) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (first, first_key) = make(folder.path(), "first");
        let (second, second_key) = make_for(folder.path(), "second", "DNS:second.example,DNS:*.wild.example");
        let (third, third_key) = make_for(folder.path(), "third", "DNS:third.example");
        let file = format!(
            "[upstream]\naddress = \"{}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = {first:?}\nkey = \
             {first_key:?}\n[[listen.certificates]]\ncertificate = {second:?}\nkey = {second_key:?}\n\
             [[listen.certificates]]\ncertificate = {third:?}\nkey = {third_key:?}",
            shop.address
        );
        Self { edge: Edge::start_listening(&file, &room(STANDING)), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whether a client that asks for `host` and trusts `certificate` alone is answered.
    async fn meets(&self, host: &str, certificate: &Path) -> bool {
        let port = self.edge.address.port();
        let (resolve, url) = (format!("{host}:{port}:127.0.0.1"), format!("https://{host}:{port}/"));
        curl(certificate, &["--resolve", &resolve, &url]).await.status.success()
    }
}

#[tokio::test]
async fn each_name_meets_its_certificate_and_any_other_the_first() {
    let shop = Shop::start().await;
    let named = Named::start(&shop);
    for (host, met) in [
        ("localhost", "first.pem"),
        ("second.example", "second.pem"),
        ("a.wild.example", "second.pem"),
        ("third.example", "third.pem"),
    ] {
        for file in ["first.pem", "second.pem", "third.pem"] {
            assert_eq!(named.meets(host, &named.path(file)).await, file == met, "{host} {file}");
        }
    }
    assert!(!named.meets("elsewhere.example", &named.path("third.pem")).await);
    // Who asks for a name that nobody has, or for none, is shown the first one.
    let port = named.edge.address.port().to_string();
    for arguments in [vec!["-servername", "elsewhere.example"], vec!["-noservername"]] {
        let output = tokio::process::Command::new("openssl")
            .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("CN = first"));
    }

    // Each of them is read again when it changes, and no other.
    let (new, _) = make_for(named.folder.path(), "new", "DNS:third.example");
    for ending in ["key", "pem"] {
        std::fs::copy(named.path(&format!("new.{ending}")), named.path(&format!("third.{ending}"))).unwrap();
    }
    let until = Instant::now() + PATIENCE;
    while !named.meets("third.example", &new).await {
        assert!(Instant::now() < until, "{:?}", named.edge.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(named.meets("second.example", &named.path("second.pem")).await);
}

#[tokio::test]
async fn a_listener_may_lead_to_the_same_page_by_tls_and_answers_nothing_else() {
    let shop = Shop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = make(folder.path(), "first");
    for (port, shown) in [(443, ""), (8443, ":8443")] {
        let file = format!(
            "[upstream]\naddress = \"{}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nredirect_to_https = {port}\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = {certificate:?}\nkey = {key:?}",
            shop.address
        );
        let edge = Edge::start_listening(&file, &room(STANDING));
        for (method, target, host, location) in [
            ("GET", "/events/demo?x=1", "Shop.Example:80", "shop.example{}/events/demo?x=1"),
            ("POST", "/api/reservations", "shop.example", "shop.example{}/api/reservations"),
            ("GET", "//evil.example/..//a", "shop.example", "shop.example{}/a"),
            ("GET", "/.waiting-room/demo", "shop.example", "shop.example{}/.waiting-room/demo"),
            ("HEAD", "http://shop.example/a", "shop.example", "shop.example{}/a"),
        ] {
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let answer = exchange(edge.address, request.as_bytes()).await;
            assert_eq!(status(&answer), 308, "{answer}");
            let wanted = format!("location: https://{}\r\n", location.replace("{}", shown));
            assert!(answer.to_lowercase().contains(&wanted), "{wanted}: {answer}");
            assert!(!answer.to_lowercase().contains("set-cookie"), "{answer}");
        }
        for bad in ["GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a@b\r\n"] {
            let answer = exchange(edge.address, format!("{bad}Connection: close\r\n\r\n").as_bytes()).await;
            assert!(matches!(status(&answer), 0 | 400), "{answer}");
        }
        assert!(shop.asked().is_empty());
    }
}
