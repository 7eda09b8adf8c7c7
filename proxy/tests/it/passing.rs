//! What passes through the edge, and what does not.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Edge, PATIENCE, all, assert_private, browser, navigate, room, set_cookie};
use crate::shop::Shop;
use crate::wire::http1::{exchange, status};

#[tokio::test]
async fn what_only_the_edge_may_say_does_not_come_from_outside() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    let answer = browser()
        .get(edge.url("/open?q=1"))
        .header("x-waiting-room-ticket", "forged")
        .header("x-waiting-room-room", "demo")
        .header("x-waiting-room-signature", "forged")
        .header("x-waiting-room-other", "forged")
        .header("x_waiting_room_ticket", "forged")
        .header("x-forwarded-for", "6.6.6.6")
        .header("forwarded", "for=6.6.6.6")
        .header("x-request-id", "forged")
        .header("wr-admission", "secret")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("cookie", "a=1; wr-ticket-demo=secret; wr-admission-demo=secret; b=2")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    // What the shop says to the edge stays there, and an open path is cached as the shop says.
    assert!(all(&answer, "x-waiting-room-load").is_empty() && all(&answer, "cache-control").is_empty());
    let asked = shop.asked().pop().unwrap();
    assert!(asked.signed, "{asked:?}");
    assert!(
        !format!("{asked:?}").contains("forged") && !format!("{asked:?}").contains("secret"),
        "{asked:?}"
    );
    for (name, value) in [
        ("x-waiting-room-room", ""),
        ("x-waiting-room-ticket", ""),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("cookie", "a=1; b=2"),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert_eq!(asked.header("x-forwarded-host"), asked.header("host"));
}

#[tokio::test]
async fn a_room_that_is_off_lets_everybody_pass_as_the_shop_can_see() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"off\""));
    let answer = browser().post(edge.url("/events/demo")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let asked = shop.asked().pop().unwrap();
    assert!(asked.signed, "{asked:?}");
    assert_eq!(asked.header("x-waiting-room-room"), Some("demo"));
    assert_eq!(asked.header("x-waiting-room-ticket"), Some("off"));
}

#[tokio::test]
async fn protected_answers_stay_out_of_shared_caches() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("drain_per_minute = 6000\nburst = 100"));
    let fan = browser();
    assert_private(&navigate(&fan, &edge.url("/events/demo/public")).await);
    let answer = navigate(&fan, &edge.url("/events/demo/private")).await;
    assert_eq!(all(&answer, "cache-control"), ["private, max-age=5"]);
    let answer = navigate(&fan, &edge.url("/public")).await;
    assert_eq!(all(&answer, "cache-control"), ["public, max-age=60"]);
    assert!(all(&answer, "set-cookie").is_empty());
}

#[tokio::test]
async fn a_session_that_the_shop_ends_frees_its_place_at_once() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("max_active = 1\ndrain_per_minute = 6000\nburst = 100"));
    let (first, second) = (browser(), browser());
    let entered = navigate(&first, &edge.url("/events/demo")).await;
    let token = set_cookie(&entered, "wr-admission-demo").unwrap();
    let answer = navigate(&second, &edge.url("/events/demo")).await;
    assert_eq!(answer.status(), 202);
    let answer = navigate(&first, &edge.url("/events/demo/extend")).await;
    assert!(set_cookie(&answer, "wr-admission-demo").is_some_and(|token| !token.is_empty()));
    let answer = navigate(&first, &edge.url("/events/demo/end")).await;
    assert_eq!(answer.status(), 200);
    assert!(all(&answer, "x-waiting-room-session").is_empty());
    assert_eq!(set_cookie(&answer, "wr-admission-demo").as_deref(), Some(""));
    assert_eq!(set_cookie(&answer, "wr-ticket-demo").as_deref(), Some(""));
    let old = reqwest::Client::new().get(edge.url("/events/demo")).header("wr-admission", token);
    assert_eq!(old.send().await.unwrap().status(), 429);
    crate::harness::until_state(&second, &edge, "admitted").await;
    assert_eq!(navigate(&second, &edge.url("/events/demo")).await.status(), 200);
}

#[tokio::test]
async fn websockets_and_streams_of_the_shop_pass_untouched() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    let (mut socket, _) = connect_async(format!("ws://{}/ws", edge.address)).await.unwrap();
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        let echo = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(echo, Message::text(text));
    }
    let mut answer = browser().get(edge.url("/stream")).send().await.unwrap();
    let began = std::time::Instant::now();
    let first = answer.chunk().await.unwrap().unwrap();
    let after_first = began.elapsed();
    let mut whole = first.to_vec();
    while let Some(piece) = answer.chunk().await.unwrap() {
        whole.extend_from_slice(&piece);
    }
    assert_eq!(String::from_utf8(whole).unwrap(), "piece 0\npiece 1\npiece 2\n");
    assert!(after_first < began.elapsed(), "the first piece came before the last was made");
    let upload = browser().post(edge.url("/upload")).body(vec![b'x'; 1 << 20]).send().await.unwrap();
    assert_eq!(upload.status(), 200);
    assert_eq!(shop.asked().pop().unwrap().body_bytes, 1 << 20);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let shop = Shop::start().await;
    let limits =
        format!("[upstream]\naddress = \"{}\"\n[limits]\nhead_bytes = 4096\nbody_bytes = 1000", shop.address);
    let edge = Edge::start_with(&limits, &room(""));
    let long = "x".repeat(5000);
    let answer = browser().get(edge.url("/")).header("x-long", &long).send().await.unwrap();
    assert_eq!(answer.status(), 431);
    let answer = browser().get(edge.url(&format!("/{long}"))).send().await.unwrap();
    assert_eq!(answer.status(), 431);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nConnection: close\r\n\r\n{}",
        &long[..1001]
    );
    assert_eq!(status(&exchange(edge.address, request.as_bytes()).await), 413);
    let many: String = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}Connection: close\r\n\r\n");
    assert_eq!(status(&exchange(edge.address, request.as_bytes()).await), 431);
    assert!(shop.asked().is_empty());
}

#[tokio::test]
async fn a_head_that_drips_in_is_cut_off() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let shop = Shop::start().await;
    let limits =
        format!("[upstream]\naddress = \"{}\"\n[limits]\nhead_timeout = \"1s\"\nidle = \"2s\"", shop.address);
    let edge = Edge::start_with(&limits, &room(""));
    let stream = tokio::net::TcpStream::connect(edge.address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let drip = tokio::spawn(async move {
        for byte in "GET / HTTP/1.1\r\nHost: a\r\n".bytes().chain(std::iter::repeat_n(b'x', 10_000)) {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "still open");
    drip.abort();
}

#[tokio::test]
async fn a_shop_that_is_away_costs_nobody_their_session() {
    let shop = Shop::start().await;
    let address = shop.address.to_string();
    let edge = Edge::start(&shop, &room("drain_per_minute = 6000\nburst = 100"));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    drop(shop);
    let until = std::time::Instant::now() + PATIENCE;
    let answer = loop {
        let answer = navigate(&fan, &edge.url("/events/demo")).await;
        if answer.status() == 503 || answer.status() == 502 {
            break answer;
        }
        assert!(std::time::Instant::now() < until);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(answer.headers().contains_key("retry-after"));
    assert!(answer.text().await.unwrap().contains("not available right now"));
    let answer = fan.post(edge.url("/api/reservations")).send().await.unwrap();
    assert!(answer.status().is_server_error());
    assert_eq!(all(&answer, "content-type"), ["application/problem+json"]);
    let _back = Shop::start_at(&address).await;
    loop {
        let answer = navigate(&fan, &edge.url("/events/demo")).await;
        if answer.status() == 200 {
            break;
        }
        assert!(std::time::Instant::now() < until + PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_log_holds_no_secrets() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 600"));
    let fan = browser();
    let ticket = crate::live::join(&edge).await;
    let url = edge.url("/.waiting-room/demo/ticket?secret-query=1");
    fan.get(&url)
        .header("wr-ticket", &ticket)
        .header("cookie", "shop-fan=secret-cookie")
        .send()
        .await
        .unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    while edge.log().iter().filter(|line| line.contains("\"message\":\"request\"")).count() < 2 {
        assert!(std::time::Instant::now() < until);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let log = edge.log().join("\n");
    for secret in [ticket.as_str(), "secret", "AAECAwQF"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let requests = edge.log().into_iter().filter(|line| line.contains("\"message\":\"request\""));
    for line in requests {
        assert!(!line.contains("127.0.0.1"), "{line}");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(event["request_id"].is_string() && event["duration_ms"].is_number());
    }
}

#[tokio::test]
async fn nobody_stays_longer_than_anyone_may() {
    let shop = Shop::start().await;
    let rules = "drain_per_minute = 6000\nburst = 100\nsession = \"2s\"\nsession_max = \"3s\"";
    let edge = Edge::start(&shop, &room(rules));
    let fan = browser();
    let token = set_cookie(&navigate(&fan, &edge.url("/events/demo")).await, "wr-admission-demo").unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    let mut renewed = 0;
    loop {
        let answer = fan.get(edge.url("/api/reservations")).send().await.unwrap();
        let now = set_cookie(&answer, "wr-admission-demo");
        if now.is_some() && crate::line::ticket_in(now.as_deref()) != crate::line::ticket_in(Some(&token)) {
            break;
        }
        renewed += usize::from(now.is_some());
        assert!(std::time::Instant::now() < until);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // It slid while it was used, and ended all the same; what came then was a stay of its own.
    assert!(renewed >= 1);
}
