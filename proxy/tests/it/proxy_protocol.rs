//! Connections that a balancer passes on as they are.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::certificates::{connect_over, make};
use crate::harness::{Edge, PATIENCE, STANDING, room};
use crate::shop::Shop;

fn start(shop: &Shop, trusted: &str, listener: &str) -> Edge {
    let edge = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\n{listener}\n[upstream]\naddress = \"{}\"\n\
         [cdn]\ntrusted_proxies = [\"{trusted}\"]",
        shop.address
    );
    Edge::start_listening(&edge, &room(STANDING))
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n";

/// Version 2, for 192.0.2.7 from port 12345.
fn version2() -> Vec<u8> {
    let body = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c", &body[..]].concat()
}

/// What is answered to these bytes until the connection is closed.
async fn exchange(edge: &Edge, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    for piece in pieces {
        let _ = stream.write_all(piece).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut answer = Vec::new();
    // A reset says the same as an end.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn the_client_is_who_the_balancer_says() {
    let shop = Shop::start().await;
    let edge = start(&shop, "127.0.0.0/8", "");
    let two = version2();
    for (pieces, client) in [
        (vec![&b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n"[..], REQUEST], "192.0.2.7"),
        (vec![b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n", REQUEST], "2001:db8::7"),
        (
            vec![
                b"PROXY TCP4 192.0.2.7 10.0.",
                b"0.1 12345 443\r",
                b"\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            ],
            "192.0.2.7",
        ),
        (vec![&two[..], REQUEST], "192.0.2.7"),
        (vec![&two[..9], &two[9..], REQUEST], "192.0.2.7"),
        (vec![b"PROXY UNKNOWN\r\n", REQUEST], "127.0.0.1"),
    ] {
        let answer = exchange(&edge, &pieces).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{client}: {answer}");
        assert_eq!(shop.asked().pop().unwrap().header("x-forwarded-for"), Some(client));
    }
}

#[tokio::test]
async fn without_a_header_and_from_anybody_else_nothing_is_served() {
    let shop = Shop::start().await;
    let edge = start(&shop, "127.0.0.0/8", "");
    for pieces in [
        vec![REQUEST],
        vec![&b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n"[..], REQUEST],
        vec![b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n", REQUEST],
        vec![&b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x00"[..], REQUEST],
    ] {
        assert_eq!(exchange(&edge, &pieces).await, "");
    }
    let edge = start(&shop, "192.0.2.0/24", "");
    assert_eq!(exchange(&edge, &[b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n", REQUEST]).await, "");
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn it_comes_before_tls() {
    let shop = Shop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = make(folder.path(), "edge");
    let edge = start(&shop, "127.0.0.1", &format!("certificate = {certificate:?}\nkey = {key:?}"));
    let mut tcp = TcpStream::connect(edge.address).await.unwrap();
    tcp.write_all(&version2()).await.unwrap();
    let mut stream = connect_over(tcp, &certificate, &["http/1.1"]).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(shop.asked().pop().unwrap().header("x-forwarded-for"), Some("192.0.2.7"));
    let tcp = TcpStream::connect(edge.address).await.unwrap();
    assert!(connect_over(tcp, &certificate, &["http/1.1"]).await.is_err());
}
