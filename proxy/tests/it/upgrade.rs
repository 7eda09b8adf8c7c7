//! A new process takes over under load, and nobody notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Edge, PATIENCE, browser, room};
use crate::live;
use crate::shop::Shop;
use crate::store_away::Redis;

/// Asks without pause over `connections`, with and without keep-alive, and counts what is answered and what is not.
#[derive(Default)]
struct Crowd {
    answered: AtomicUsize,
    failures: std::sync::Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Crowd {
    async fn ask(self: Arc<Self>, address: SocketAddr, path: &'static str, keeps: bool) {
        let mut kept: Option<TcpStream> = None;
        while !self.is_over.load(Ordering::Relaxed) {
            match one(address, path, &mut kept, keeps).await {
                Ok(()) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                }
                Err(failure) => {
                    kept = None;
                    self.failures.lock().unwrap().push(failure);
                }
            }
        }
    }
}

/// One request; the connection is kept for the next one, unless the answer says otherwise.
async fn one(
    address: SocketAddr,
    path: &str,
    kept: &mut Option<TcpStream>,
    keeps: bool,
) -> Result<(), String> {
    let failed = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let is_used = kept.is_some();
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => TcpStream::connect(address).await.map_err(failed("connect"))?,
    };
    let close = if keeps { "" } else { "Connection: close\r\n" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{close}\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed("write"))?;
    let (mut text, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let count = timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .map_err(|_| "no answer")?
            .map_err(failed("read"))?;
        if count == 0 {
            return Err(format!("closed before the answer was whole; used before: {is_used}"));
        }
        text.extend_from_slice(&buffer[..count]);
        let found = String::from_utf8_lossy(&text).to_lowercase();
        let Some((head, body)) = found.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() < length.ok_or("no length")? {
            continue;
        }
        if !head.starts_with("http/1.1 200") {
            return Err(head.to_owned());
        }
        if !head.contains("connection: close") {
            *kept = Some(stream);
        }
        return Ok(());
    }
}

async fn takes_over(files: &str) {
    let edge = format!("upgrade_socket = \"upgrade.sock\"\nshutdown_grace = \"20s\"\n{files}");
    let mut old = Edge::start_with(&edge, &room("mode = \"always\"\ndrain_per_minute = 1\nburst = 1"));
    let address = old.address;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let ticket = live::join(&old).await;
        let mut socket = live::open(&old, &[("wr-ticket", &ticket)]).await.unwrap();
        let place = live::next(&mut socket).await["position"].as_u64();
        sockets.push((ticket, place, socket));
    }
    let crowd = Arc::new(Crowd::default());
    // What the edge answers itself goes another way than what the shop does.
    let paths = ["/load", "/.waiting-room/demo"];
    let asking = (0..8).map(|n| tokio::spawn(crowd.clone().ask(address, paths[n / 2 % 2], n % 2 == 0)));
    let asking: Vec<_> = asking.collect();
    let slow = tokio::spawn(browser().get(old.url("/slow")).send());
    tokio::time::sleep(Duration::from_millis(500)).await;

    let (old, new) = tokio::task::spawn_blocking(move || {
        let new = old.upgrade();
        assert_eq!(old.wait().code(), Some(0));
        (old, new)
    })
    .await
    .unwrap();
    assert_eq!(new.address, address);
    let before = crowd.answered.load(Ordering::Relaxed);
    let until = Instant::now() + PATIENCE;
    while crowd.answered.load(Ordering::Relaxed) < before + 100 {
        assert!(Instant::now() < until, "{:?}", crowd.failures.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    crowd.is_over.store(true, Ordering::Relaxed);
    for task in asking {
        task.await.unwrap();
    }
    let failures = crowd.failures.lock().unwrap().clone();
    assert!(failures.is_empty(), "{} of {before}: {failures:?}; {:?}", failures.len(), old.log());
    assert_eq!(slow.await.unwrap().unwrap().text().await.unwrap(), "slow but whole");

    for (ticket, place, mut socket) in sockets {
        let code = loop {
            match timeout(PATIENCE, socket.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(code, Some(1012));
        let mut again = live::open(&new, &[("wr-ticket", &ticket)]).await.unwrap();
        let until = Instant::now() + PATIENCE;
        // A place is not shown while the line is being put back together; then it is no worse than before.
        let now = loop {
            let status = live::next(&mut again).await;
            if status["state"] != "waiting" || status["position"].is_u64() {
                break status["position"].as_u64();
            }
            assert!(Instant::now() < until, "{status}");
        };
        assert!(now <= place, "{now:?} after {place:?}");
    }
    assert!(old.log().iter().any(|line| line.contains("\"requests_cut\":0")), "{:?}", old.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_line_in_a_file_nothing_is_refused_or_dropped() {
    let shop = Shop::start().await;
    let files =
        format!("[store]\nkind = \"memory\"\npath = \"line\"\n[upstream]\naddress = \"{}\"", shop.address);
    takes_over(&files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_redis_nothing_is_refused_or_dropped() {
    let shop = Shop::start().await;
    let redis = Redis::start(None);
    takes_over(&redis.edge_file(&shop)).await;
}

#[tokio::test]
async fn without_anybody_to_take_over_from_it_starts_as_ever() {
    let shop = Shop::start().await;
    let edge = format!("upgrade_socket = \"upgrade.sock\"\n[upstream]\naddress = \"{}\"", shop.address);
    let mut first = Edge::start_with(&edge, &room(""));
    first.terminate();
    assert_eq!(first.wait().code(), Some(0));
    // The door is still there, and nobody behind it.
    assert!(first.folder.path().join("upgrade.sock").exists());
    let second = first.upgrade();
    assert_eq!(browser().get(second.url("/")).send().await.unwrap().status(), 200);
}

/// Asks over one connection of HTTP/2 after the other until `is_over`; each request that the server took on has to be
/// answered. How many were, and over how many connections.
async fn ask_by_http2(address: SocketAddr, is_over: Arc<AtomicBool>) -> (usize, usize) {
    let (mut answered, mut connections) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        let tcp = TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(tcp).await.unwrap();
        let driver = tokio::spawn(connection);
        connections += 1;
        let mut client = client;
        while !is_over.load(Ordering::Relaxed) {
            // The server says that it takes on no more.
            let Ok(mut ready) = client.ready().await else { break };
            let request = http::Request::get(format!("http://{address}/load")).body(()).unwrap();
            let Ok((answer, _)) = ready.send_request(request, true) else { break };
            match timeout(PATIENCE, answer).await.unwrap() {
                Ok(answer) => assert_eq!(answer.status(), 200),
                // Sent after the server had said so: it was not taken on, and may be sent again.
                Err(error) if error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR) => break,
                Err(error) => panic!("{error:?} after {answered} answers"),
            }
            answered += 1;
            client = ready;
        }
        driver.abort();
    }
    (answered, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_speak_http2_are_told_to_connect_anew() {
    let shop = Shop::start().await;
    let edge = format!(
        "upgrade_socket = \"upgrade.sock\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nhttp2 = true\n[upstream]\naddress = \"{}\"",
        shop.address
    );
    let mut old = Edge::start_listening(&edge, &room(""));
    let is_over = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4).map(|_| tokio::spawn(ask_by_http2(old.address, is_over.clone()))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let _new = tokio::task::spawn_blocking(move || {
        let new = old.upgrade();
        assert_eq!(old.wait().code(), Some(0));
        new
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    is_over.store(true, Ordering::Relaxed);
    for task in asking {
        let (answered, connections) = task.await.unwrap();
        assert!(answered > 10 && connections >= 2, "{answered} over {connections}");
    }
}
