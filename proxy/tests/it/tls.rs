//! TLS: both versions of HTTP, cookies that belong to it, WebSockets, and certificates that change.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::certificates::{connect, curl, make};
use crate::harness::{Edge, PATIENCE, STANDING, room};
use crate::live::{come_nearer, let_it_move, next, told_until_the_turn};
use crate::shop::Shop;

/// An edge that speaks TLS with the certificate `first.pem` of its folder.
struct Secured {
    edge: Edge,
    folder: tempfile::TempDir,
}

impl Secured {
    fn start(shop: &Shop, rooms: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = make(folder.path(), "first");
        let edge = Edge::start_listening(
            &format!(
                "[upstream]\naddress = \"{}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = {certificate:?}\n\
                 key = {key:?}",
                shop.address
            ),
            rooms,
        );
        Self { edge, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.edge.address.port())
    }

    /// The ticket of a fan who just came.
    async fn join(&self) -> String {
        let certificate = self.path("first.pem");
        let output = curl(&certificate, &["-X", "POST", &self.url("/.waiting-room/demo/ticket")]).await;
        let joined: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        joined["ticket"].as_str().unwrap().to_owned()
    }

    /// The WebSocket of one more.
    async fn stands_in_line(&self) -> WebSocketStream<TlsStream<TcpStream>> {
        let ticket = self.join().await;
        let stream = connect(self.edge.address, &self.path("first.pem"), &["http/1.1"]).await.unwrap();
        let host = format!("localhost:{}", self.edge.address.port());
        let request = http::Request::builder()
            .uri(format!("wss://{host}/.waiting-room/demo/live"))
            .header("host", &host)
            .header("origin", format!("https://{host}"))
            .header("cookie", format!("__Host-wr-ticket-demo={ticket}"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap();
        client_async(request, stream).await.unwrap().0
    }

    /// Puts the certificate `name` where the edge looks for it.
    fn replace(&self, name: &str) {
        for ending in ["key", "pem"] {
            std::fs::copy(self.path(&format!("{name}.{ending}")), self.path(&format!("first.{ending}")))
                .unwrap();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_and_cookies_are_secure() {
    let shop = Shop::start().await;
    let secured = Secured::start(&shop, &room(STANDING));
    let certificate = secured.path("first.pem");
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let arguments = [
            flag,
            "-D",
            "-",
            "-H",
            "Accept: text/html",
            "-w",
            "\n%{http_version}",
            &secured.url("/events/demo"),
        ];
        let output = curl(&certificate, &arguments).await;
        let answer = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(answer.ends_with(&format!("\n{version}")), "{answer}");
        assert!(answer.contains(" 202"), "{answer}");
        let cookie =
            answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie: __host-wr-ticket-demo="));
        assert!(cookie.is_some_and(|line| line.contains("; Secure")), "{answer}");
    }
    let arguments = ["--http2", &secured.url("/open?x=1")];
    let output = curl(&certificate, &arguments).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let asked = shop.asked().pop().unwrap();
    assert!(asked.signed, "{asked:?}");
    assert_eq!(asked.target, "/open?x=1");
    assert_eq!(asked.header("x-forwarded-proto"), Some("https"));
    assert_eq!(asked.header("host"), Some(format!("localhost:{}", secured.edge.address.port()).as_str()));
}

#[tokio::test]
async fn under_load_every_request_over_tls_is_answered_in_both_versions_of_http() {
    let shop = Shop::start().await;
    let secured = Secured::start(&shop, &room(STANDING));
    let (all_good, all_refused) = ("2000 2xx, 0 3xx, 0 4xx, 0 5xx", "0 2xx, 0 3xx, 2000 4xx, 0 5xx");
    for (protocol, path, expected) in [
        ("h2", "/", all_good),
        ("h2", "/events/demo", all_refused),
        ("http/1.1", "/", all_good),
        ("http/1.1", "/events/demo", all_refused),
    ] {
        // Over HTTP/1.1 a second request before the first answer would be dropped with the connection.
        let how = if protocol == "h2" { ["-m", "10"].as_slice() } else { &["-m", "1", "--h1"] };
        let output = tokio::process::Command::new("h2load")
            .args(["-n", "2000", "-c", "20"])
            .args(how)
            .arg(secured.url(path))
            .output()
            .await
            .unwrap();
        let report = text(&output.stdout);
        assert!(report.contains(&format!("Application protocol: {protocol}")), "{report}");
        assert!(report.contains("2000 done, ") && report.contains(" 0 errored, 0 timeout"), "{report}");
        assert!(report.contains(expected), "{report}");
    }
}

#[tokio::test]
async fn old_versions_of_tls_and_plain_requests_are_refused() {
    let shop = Shop::start().await;
    let secured = Secured::start(&shop, &room(STANDING));
    let certificate = secured.path("first.pem");
    let url = secured.url("/");
    assert!(curl(&certificate, &["--tlsv1.2", "--tls-max", "1.2", &url]).await.status.success());
    assert!(curl(&certificate, &["--tlsv1.3", &url]).await.status.success());
    assert!(!curl(&certificate, &["--tls-max", "1.1", "--tlsv1.0", &url]).await.status.success());
    let plain =
        crate::wire::http1::exchange(secured.edge.address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
    assert!(!plain.contains("HTTP/1.1"), "{plain}");
}

#[tokio::test]
async fn a_fan_is_told_by_websocket_over_tls() {
    let shop = Shop::start().await;
    let secured = Secured::start(&shop, &room(STANDING));
    let mut socket = secured.stands_in_line().await;
    assert_eq!(next(&mut socket).await["position"], 1);
}

#[tokio::test]
async fn a_line_that_moves_is_told_over_tls() {
    let shop = Shop::start().await;
    let secured = Secured::start(&shop, &room(STANDING));
    for _ in 0..20 {
        secured.join().await;
    }
    let mut socket = secured.stands_in_line().await;
    let_it_move(&secured.edge);
    assert!(come_nearer(&told_until_the_turn(&mut socket).await));
}

/// Whether a new connection meets the certificate in `file`.
async fn meets(secured: &Secured, file: &Path) -> bool {
    connect(secured.edge.address, file, &["http/1.1"]).await.is_ok()
}

#[tokio::test]
async fn a_new_certificate_comes_into_force_without_a_restart_and_a_bad_one_does_not() {
    let shop = Shop::start().await;
    let secured = Secured::start(&shop, &room(STANDING));
    // What clients trust, kept apart from what the edge reads.
    let before = secured.path("before.pem");
    std::fs::copy(secured.path("first.pem"), &before).unwrap();
    let (second, second_key) = make(secured.folder.path(), "second");
    assert!(meets(&secured, &before).await && !meets(&secured, &second).await);
    let kept = connect(secured.edge.address, &before, &["http/1.1"]).await.unwrap();

    // A key of another certificate, then no certificate at all: said, and nothing changes.
    std::fs::copy(&second_key, secured.path("first.key")).unwrap();
    secured.edge.signal("HUP");
    secured.edge.until_logged("is not the key of").await;
    assert!(meets(&secured, &before).await);
    std::fs::write(secured.path("first.pem"), "no certificate").unwrap();
    secured.edge.signal("HUP");
    secured.edge.until_logged("holds no certificate in PEM").await;
    assert!(meets(&secured, &before).await);

    // Without a signal: the files are looked at.
    secured.replace("second");
    let until = Instant::now() + PATIENCE;
    while !meets(&secured, &second).await {
        assert!(Instant::now() < until, "{:?}", secured.edge.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!meets(&secured, &before).await);
    // Whoever was connected stays so.
    let (mut reader, mut writer) = tokio::io::split(kept);
    writer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
