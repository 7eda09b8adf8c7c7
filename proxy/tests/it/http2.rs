//! HTTP/2 from clients, frame by frame where no well-behaved client would go.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use http::{Method, Request, StatusCode};
use tokio::net::TcpStream;

use crate::harness::{Edge, PATIENCE, STANDING, room};
use crate::shop::Shop;

/// An edge that speaks HTTP/2 without TLS, as behind a terminator.
fn start(shop: &Shop, limits: &str) -> Edge {
    let edge = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nhttp2 = true\n[upstream]\naddress = \"{}\"\n[limits]\n{limits}",
        shop.address
    );
    Edge::start_listening(&edge, &room(STANDING))
}

type Driver = tokio::task::JoinHandle<Result<(), h2::Error>>;

async fn connect(address: SocketAddr) -> (SendRequest<Bytes>, Driver) {
    let tcp = TcpStream::connect(address).await.unwrap();
    let (client, connection) = handshake(tcp).await.unwrap();
    (client, tokio::spawn(connection))
}

fn get(edge: &Edge, path: &str) -> Request<()> {
    Request::get(edge.url(path)).body(()).unwrap()
}

async fn status(client: &mut SendRequest<Bytes>, request: Request<()>) -> StatusCode {
    let (answer, _) = client.send_request(request, true).unwrap();
    tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap().status()
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_http1_is_understood_beside_it() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    let (client, _driver) = connect(edge.address).await;
    let mut client = client.ready().await.unwrap();
    let answers: Vec<_> =
        (0..50).map(|n| client.send_request(get(&edge, &format!("/many/{n}")), true).unwrap().0).collect();
    for answer in answers {
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    assert_eq!(status(&mut client, get(&edge, "/events/demo")).await, 429);
    let asked = shop.asked();
    assert_eq!(asked.len(), 50);
    assert!(asked.iter().all(|asked| asked.signed), "{asked:?}");
    for request in
        ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"]
    {
        let answer = crate::wire::http1::exchange(edge.address, request.as_bytes()).await;
        assert_eq!(crate::wire::http1::status(&answer), 200, "{answer}");
    }
}

#[tokio::test]
async fn an_authority_that_differs_from_the_host_is_ambiguous() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    let (mut client, _driver) = connect(edge.address).await;
    for (host, code) in [("evil.example", 400), ("127.0.0.1", 400)] {
        let mut request = get(&edge, "/");
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(status(&mut client, request).await, code, "{host}");
    }
    let mut request = get(&edge, "/");
    request.headers_mut().insert("host", edge.address.to_string().parse().unwrap());
    assert_eq!(status(&mut client, request).await, 200);
    assert_eq!(shop.asked().len(), 1);
    for path in ["//events//demo", "/x/../events/demo", "/%65vents/demo", "/EVENTS/demo"] {
        assert_eq!(status(&mut client, get(&edge, path)).await, 429, "{path}");
    }
    assert_eq!(status(&mut client, get(&edge, "/events%2fdemo")).await, 400);
}

#[tokio::test]
async fn requests_that_are_begun_and_given_up_end_the_connection() {
    let shop = Shop::start().await;
    let edge = start(&shop, "http2_requests = 50\nhttp2_given_up = 30");
    let (mut client, driver) = connect(edge.address).await;
    let mut begun = 0;
    let until = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < until, "{begun} requests were begun");
        let ready = tokio::time::timeout(Duration::from_secs(5), client.ready()).await;
        client = match ready {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => break error,
            Err(_) => panic!("stuck after {begun}"),
        };
        let Ok((answer, mut stream)) = client.send_request(get(&edge, "/late"), true) else { continue };
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        begun += 1;
        tokio::task::yield_now().await;
    };
    // A client that is still writing may meet the closed connection before it has read why.
    assert!(error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM) || error.is_io(), "{error}");
    drop(driver);
    assert!(begun < 2000, "{begun}");
    // Others are served.
    let (mut client, _driver) = connect(edge.address).await;
    assert_eq!(status(&mut client, get(&edge, "/")).await, 200);
}

#[tokio::test]
async fn people_who_leave_pages_now_and_then_are_not_sent_away() {
    let shop = Shop::start().await;
    let edge = start(&shop, "http2_given_up = 10");
    let (mut client, _driver) = connect(edge.address).await;
    for n in 0..60 {
        client = client.ready().await.unwrap();
        let (answer, mut stream) = client.send_request(get(&edge, "/late"), true).unwrap();
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        assert_eq!(status(&mut client, get(&edge, "/")).await, 200, "{n}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_and_a_connection_that_is_idle_are_bounded() {
    let shop = Shop::start().await;
    let edge = start(&shop, "head_bytes = 4096\nidle = \"1s\"");
    let (mut client, driver) = connect(edge.address).await;
    let mut request = get(&edge, "/");
    request.headers_mut().insert("x-long", "x".repeat(5000).parse().unwrap());
    assert_eq!(status(&mut client, request).await, 431);
    assert!(shop.asked().is_empty());
    tokio::time::timeout(PATIENCE, driver).await.expect("an idle connection stays open").unwrap().unwrap();
}

#[tokio::test]
async fn a_body_that_stops_is_given_up_and_others_go_on() {
    let shop = Shop::start().await;
    let edge = start(&shop, "body_idle = \"1s\"");
    let (mut client, _driver) = connect(edge.address).await;
    let request = Request::builder().method(Method::POST).uri(edge.url("/upload")).body(()).unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    body.send_data(Bytes::from_static(b"the beginning"), false).unwrap();
    let ended = tokio::time::timeout(PATIENCE, answer).await.expect("still waited for");
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(status(&mut client, get(&edge, "/")).await, 200);
}

#[tokio::test]
async fn a_request_that_is_refused_may_have_a_body_and_the_connection_goes_on() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    let (mut client, _driver) = connect(edge.address).await;
    for _ in 0..3 {
        let request =
            Request::builder().method(Method::POST).uri(edge.url("/api/reservations")).body(()).unwrap();
        let (answer, mut body) = client.send_request(request, false).unwrap();
        let _ = body.send_data(Bytes::from(vec![b'x'; 100_000]), true);
        assert_eq!(tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap().status(), 429);
    }
    let upload = Request::builder().method(Method::POST).uri(edge.url("/upload")).body(()).unwrap();
    let (answer, mut body) = client.send_request(upload, false).unwrap();
    body.send_data(Bytes::from(vec![b'x'; 40_000]), false).unwrap();
    body.send_data(Bytes::new(), true).unwrap();
    assert_eq!(tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap().status(), 200);
    assert_eq!(shop.asked().pop().unwrap().body_bytes, 40_000);
}

#[tokio::test]
async fn under_load_nothing_fails() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    for path in ["/", "/events/demo"] {
        let output = tokio::process::Command::new("h2load")
            .args(["-n", "2000", "-c", "20", "-m", "10", &edge.url(path)])
            .output()
            .await
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(report.contains("2000 done, ") && report.contains(" 0 errored, 0 timeout"), "{report}");
        let expected =
            if path == "/" { "2000 2xx, 0 3xx, 0 4xx, 0 5xx" } else { "0 2xx, 0 3xx, 2000 4xx, 0 5xx" };
        assert!(report.contains(expected), "{report}");
    }
}

/// What the edge answers itself goes another way than what the library has to look at. Nobody can tell by the answers.
#[tokio::test]
async fn both_ways_answer_alike() {
    let shop = Shop::start().await;
    let edge = start(&shop, "");
    let ticket = crate::live::join(&edge).await;
    let (client, _driver) = connect(edge.address).await;
    let mut client = client.ready().await.unwrap();
    for (method, path, accept, wanted) in [
        (Method::GET, "/events/demo", "text/html", 202),
        (Method::HEAD, "/events/demo", "text/html", 202),
        (Method::GET, "/events/demo", "*/*", 429),
        (Method::GET, "/.waiting-room/demo", "*/*", 200),
        (Method::GET, "/.waiting-room/demo/ticket", "*/*", 200),
        (Method::GET, "/.waiting-room/demo/live", "*/*", 426),
        (Method::GET, "/.waiting-room/none", "*/*", 404),
        (Method::GET, "/events%2fdemo", "*/*", 400),
        (Method::GET, "/passed", "*/*", 200),
    ] {
        let mut answers = Vec::new();
        for length in [None, Some("0")] {
            let mut request = Request::builder().method(&method).uri(edge.url(path));
            request = request.header("accept", accept).header("wr-ticket", &ticket);
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
            let (mut head, mut body) =
                tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap().into_parts();
            for varies in ["date", "x-request-id", "content-length", "retry-after"] {
                assert!(
                    head.headers.remove(varies).is_some() || varies == "retry-after" || path == "/passed"
                );
            }
            let mut text = String::new();
            while let Some(piece) = body.data().await {
                let piece = piece.unwrap();
                body.flow_control().release_capacity(piece.len()).unwrap();
                text.push_str(&String::from_utf8_lossy(&piece));
            }
            assert_eq!(head.status, wanted, "{method} {path}");
            let body = text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
            answers.push((head.headers, if path == "/passed" { String::new() } else { body }));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    assert_eq!(shop.asked().len(), 2);
}
