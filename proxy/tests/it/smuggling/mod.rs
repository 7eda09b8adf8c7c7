//! Requests inside of requests: what the edge takes for a body must not be a request to the shop, and the other way
//! round. The shop reads by the letter and keeps every byte (`wire::origin`); what must never arrive there is a request
//! for `/smuggled`, or a byte that belongs to none.

mod http2;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Edge, PATIENCE, STANDING, room};
use crate::wire::http1::{exchange, status};
use crate::wire::origin::{Origin, Record};

const INNER: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

fn start(origin: &Origin) -> Edge {
    let edge = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nhttp2 = true\n[upstream]\naddress = \"{}\"\n[limits]\nbody_idle = \"1s\"",
        origin.address
    );
    Edge::start_listening(&edge, &room(STANDING))
}

/// Asserts that nothing reached the shop that was meant to slip in.
fn assert_clean(case: &str, record: &Record) {
    assert!(record.strays.is_empty(), "{case}: {record:?}");
    for seen in &record.requests {
        assert!(!seen.target().starts_with(b"/smuggled"), "{case}: {}", seen.text());
        let (lengths, codings) = (seen.all("content-length"), seen.all("transfer-encoding"));
        assert!(lengths.len() + codings.len() <= 1, "{case}: a length in two ways: {}", seen.text());
        assert!(codings.iter().all(|coding| coding == "chunked"), "{case}: {}", seen.text());
    }
}

/// Heads that say in two ways, or in none, how long the body is; and lines that some take for one thing and some for
/// another. `{}` in front of a line that is there to be seen through.
const REFUSED: &[&str] = &[
    // Two lengths.
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5, 6",
    "Content-Length: 5\r\ncontent-length: 0",
    // Lengths that are none.
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 0x5",
    "Content-Length: 5 5",
    "Content-Length: 5.0",
    "Content-Length: ",
    "Content-Length: 5,",
    "Content-Length: 99999999999999999999999",
    // Codings that are not `chunked`, or not it alone.
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: chunk",
    "Transfer-Encoding: ",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked\x00",
    "Transfer-Encoding:\x0cchunked",
    // Names that are not quite names.
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    "Content-Length : 5",
    "Content-Length\x0b: 5",
    " Transfer-Encoding: chunked",
    "X: y\r\n Transfer-Encoding: chunked",
    "X: y\r\n\tContent-Length: 5",
    "Transfer-Encoding:\r\n chunked",
    "Content-Length: 5\r\n 6",
    ": chunked",
    "Transfer-Encoding",
    "X: y\rTransfer-Encoding: chunked",
    "X: y\x00\r\nContent-Length: 5",
    // Both.
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Content-Length: 5\r\nTransfer-Encoding: xchunked",
];

#[tokio::test]
async fn a_body_whose_length_can_be_told_in_two_ways_is_refused() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let mut taken = Vec::new();
    for lines in REFUSED {
        for path in ["/", "/events/demo"] {
            let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n{INNER}");
            let answer = exchange(edge.address, request.as_bytes()).await;
            if !matches!(status(&answer), 0 | 400 | 501) || answer.matches("HTTP/1.1 ").count() > 1 {
                taken.push(format!("{path} {lines:?}: {answer}"));
            }
            let record = origin.take();
            assert_clean(lines, &record);
            if !record.requests.is_empty() {
                taken.push(format!("{path} {lines:?}: {}", record.requests[0].text()));
            }
        }
    }
    assert!(taken.is_empty(), "{} were taken:\n{}", taken.len(), taken.join("\n"));
}

#[tokio::test]
async fn lines_that_end_in_half_an_end_of_line_are_refused() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let mut taken = Vec::new();
    for request in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let answer = exchange(edge.address, request.as_bytes()).await;
        let record = origin.take();
        if !matches!(status(&answer), 0 | 400) || !record.requests.is_empty() || !record.strays.is_empty() {
            taken.push(format!("{request:?}: {answer} {record:?}"));
        }
    }
    assert!(taken.is_empty(), "{} were taken:\n{}", taken.len(), taken.join("\n"));
}

/// Bodies in pieces whose framing somebody could read in another way.
#[tokio::test]
async fn pieces_that_are_not_framed_as_they_should_be_are_refused() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let mut taken = Vec::new();
    for pieces in [
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5\r\nhell",
        "5\r\nhello\r\n",
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{pieces}{INNER}");
        let answer = exchange(edge.address, request.as_bytes()).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        let record = origin.take();
        // What is left of a request whose body broke off, and nothing else.
        let smuggled = |stray: &Vec<u8>| String::from_utf8_lossy(stray).contains("/smuggled");
        assert_clean(pieces, &Record { requests: record.requests.clone(), strays: Vec::new() });
        let is_clean = record.requests.is_empty() && !record.strays.iter().any(smuggled);
        // Where the length of a piece is missing the library reads the last one. Nothing more is read after it.
        let may_end_there =
            pieces.starts_with('\r') && record.requests.iter().all(|seen| seen.body.is_empty());
        let is_clean = is_clean || may_end_there && record.requests.len() == 1;
        if answers > 1 || status(&answer) == 200 && !may_end_there || !is_clean {
            taken.push(format!("{pieces:?}: {answer} {record:?}"));
        }
    }
    assert!(taken.is_empty(), "{} were taken:\n{}", taken.len(), taken.join("\n"));
}

/// What is odd and has one meaning reaches the shop in the plainest form.
#[tokio::test]
async fn what_has_one_meaning_is_told_in_one_way() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let mut odd = Vec::new();
    for (lines, body, wanted) in [
        ("Content-Length: 5", "hello", "hello"),
        ("content-length:5", "hello", "hello"),
        ("Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("transfer-encoding:chunked", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("Transfer-Encoding: chunked", "5;x=y\r\nhello\r\n0;z\r\n\r\n", "hello"),
        ("Transfer-Encoding: chunked", "5;x=\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ("Transfer-Encoding: chunked", "0005\r\nhello\r\n000\r\n\r\n", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n", "hello"),
        (
            "Transfer-Encoding: chunked",
            "5\r\nhello\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\nHost: b\r\n\r\n",
            "hello",
        ),
        ("Content-Length: 35", INNER, INNER),
        ("Transfer-Encoding: chunked", "5 \r\nhello\r\n0\r\n\r\n", "hello"),
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}");
        let answer = exchange(edge.address, request.as_bytes()).await;
        let record = origin.take();
        assert_clean(lines, &record);
        let got = record
            .requests
            .first()
            .map(|seen| (String::from_utf8_lossy(&seen.body).into_owned(), seen.all("host")));
        if status(&answer) != 200
            || record.requests.len() != 1
            || got != Some((wanted.to_owned(), vec!["a".to_owned()]))
        {
            odd.push(format!("{lines} {body:?}: {answer} {record:?}"));
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[tokio::test]
async fn an_old_version_of_http_has_no_pieces() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    for version in
        ["HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/1", "HTTP/1.1.1", "http/1.1", "ICY/1.1", ""]
    {
        let request =
            format!("POST / {version}\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}");
        let answer = exchange(edge.address, request.as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400 | 501 | 505), "{version}: {answer}");
        let record = origin.take();
        assert!(record.requests.is_empty() && record.strays.is_empty(), "{version}: {record:?}");
    }
}

#[tokio::test]
async fn what_follows_a_request_is_the_next_request_or_nothing() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    // The edge answers by itself, with the body there: it is read as the body, and the next request is the next one.
    let body = INNER.len();
    let refused = format!(
        "POST /api/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n\r\n{INNER}GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    );
    let answer = exchange(edge.address, refused.as_bytes()).await;
    assert_eq!(status(&answer), 429, "{answer}");
    let record = origin.take();
    assert_clean("a body that nobody needs", &record);
    assert!(record.requests.iter().all(|seen| seen.target() == b"/next"), "{record:?}");
    // A request to upgrade that the shop does not follow: what comes next is not the shop's to read.
    for upgrade in ["websocket", "h2c", "TLS/1.0", "other"] {
        let request = format!(
            "GET /open HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\n\
             HTTP2-Settings: AAMAAABkAAQAAP__\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \
             dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n{INNER}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        );
        let answer = exchange(edge.address, request.as_bytes()).await;
        assert!(!answer.contains(" 101 "), "{upgrade}: {answer}");
        let record = origin.take();
        assert_clean(upgrade, &record);
        assert!(record.requests.len() <= 1, "{upgrade}: {record:?}");
        let offered: Vec<String> = record.requests.iter().flat_map(|seen| seen.all("upgrade")).collect();
        assert!(offered.iter().all(|offer| offer == "websocket"), "{upgrade}: {offered:?}");
    }
    for request in [
        format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n{INNER}"),
        format!(
            "GET /events/demo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{INNER}"
        ),
        format!("OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n\r\n{INNER}"),
    ] {
        let answer = exchange(edge.address, request.as_bytes()).await;
        assert!(!matches!(status(&answer), 101 | 200), "{answer}");
        let record = origin.take();
        assert!(record.requests.is_empty() && record.strays.is_empty(), "{request}: {record:?}");
    }
}

/// Who asks whether to go on, and is answered early, may send the body all the same, or may not.
#[tokio::test]
async fn an_early_answer_leaves_nothing_behind() {
    let origin = Origin::start().await;
    let edge = start(&origin);
    let body = INNER.len();
    for target in ["/api/reservations", "/.waiting-room/demo/nothing"] {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\nExpect: 100-continue\r\n\r\n"
        );
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut buffer = [0; 4096];
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        let early = String::from_utf8_lossy(&buffer[..count]).into_owned();
        assert!(matches!(status(&early), 404 | 429), "{target}: {early}");
        assert!(early.to_lowercase().contains("connection: close"), "{target}: {early}");
        // Sent all the same, it is no request.
        let _ = stream.write_all(INNER.as_bytes()).await;
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("still open");
        assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1"), "{target}");
        let record = origin.take();
        assert!(record.requests.is_empty() && record.strays.is_empty(), "{target}: {record:?}");
    }
    for expect in ["100-continue, x", "200-ok", "100-Continue", "\"100-continue\""] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: {expect}\r\nContent-Length: {body}\r\nConnection: close\r\n\r\n{INNER}"
        );
        exchange(edge.address, request.as_bytes()).await;
        let record = origin.take();
        assert_clean(expect, &record);
        assert!(record.requests.len() <= 1, "{expect}: {record:?}");
    }
}
