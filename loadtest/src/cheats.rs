//! Attempts to get in without a turn: forged, edited, foreign and expired tokens, other spellings of protected
//! paths, and the shop's own door.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::checks::entry::{Attempt, Due};
use crate::client::Client;
use crate::random::secret;
use crate::ticket;

/// How long to wait for a turn, and for a token to end.
const TURN_MAX: Duration = Duration::from_secs(60);
const END_MAX: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How long a raw connection may take.
const RAW_MAX: Duration = Duration::from_secs(10);
/// How much of an answer is read to find its status.
const HEAD_MAX: usize = 64;

const PROTECTED_CALL: &str = "/api/reservations";
const PROTECTED_PAGE: &str = "/events/demo";
const BRIEF_PAGE: &str = "/brief/encounter";

/// Other spellings of [`PROTECTED_PAGE`]. Each has to be held up like it, or refused.
const SPELLINGS: [&str; 13] = [
    "//events/demo",
    "/events//demo",
    "/./events/demo",
    "/x/../events/demo",
    "/%65vents/demo",
    "/events/%64emo",
    "/events%2fdemo",
    "/events/demo%00",
    "/events/demo;a=b",
    "/events/demo/",
    "/events/demo?a=b",
    "/Events/Demo",
    "/events\\demo",
];

/// Tries everything against the rooms `demo` and `brief`, and tells how each attempt was answered.
pub async fn attempts(edges: Arc<[Url]>, shop: &Url) -> Result<Vec<Attempt>> {
    let honest = Client::new(Arc::clone(&edges), 0)?;
    let token = admission_token(&honest, "demo").await?;
    let sealed = honest.ticket("demo").context("the fan has no ticket for `demo`")?;
    let brief = admission_token(&Client::new(Arc::clone(&edges), 0)?, "brief").await?;

    let cheat = Cheat { edges: Arc::clone(&edges) };
    let mut attempts = vec![
        cheat.page("the fan's own token", Due::Entry, PROTECTED_PAGE, &token).await?,
        cheat.page("the fan's own token for another room", Due::Entry, BRIEF_PAGE, &brief).await?,
        cheat.reserve("no token", &[]).await?,
    ];
    for (what, forged) in forgeries(&token)? {
        attempts.push(cheat.reserve(what, &[("WR-Admission", &forged)]).await?);
        let cookie = format!("wr-admission-demo={forged}");
        attempts.push(cheat.reserve(&format!("{what}, in a cookie"), &[("Cookie", &cookie)]).await?);
    }
    attempts.push(cheat.reserve("a token for another room", &[("WR-Admission", &brief)]).await?);
    attempts.push(cheat.reserve("a ticket as a token", &[("WR-Admission", &sealed)]).await?);
    let better = ticket::with_rank(&sealed, 1).context("the ticket cannot be edited")?;
    attempts.push(cheat.status("a ticket with an edited rank", &better).await?);
    attempts.push(cheat.status("a ticket that was made up", "v1.AAAA.AAAA").await?);
    let edge = edges.first().context("there is no edge")?;
    for spelling in SPELLINGS {
        attempts.push(raw_get(edge, spelling).await?);
    }
    attempts.push(raw_get(edge, &format!("{}events/demo", edge.as_str())).await?);
    attempts.extend(at_the_shop(shop).await?);

    attempts.push(cheat.until_refused("an expired token", BRIEF_PAGE, &brief).await?);
    honest.call(Method::DELETE, "/.waiting-room/demo/ticket", None).await?;
    attempts.push(
        cheat.until_refused("the token of a session that was given back", PROTECTED_PAGE, &token).await?,
    );
    Ok(attempts)
}

/// Waits in line for `room` without a browser, and returns the token.
async fn admission_token(client: &Client, room: &str) -> Result<String> {
    let path = format!("/.waiting-room/{room}/ticket");
    let joined = client.call(Method::POST, &path, None).await?;
    if !matches!(joined.status, 200 | 201) {
        bail!("joining room `{room}` was answered with {}", joined.summary());
    }
    let deadline = Instant::now() + TURN_MAX;
    loop {
        let answer = client.call(Method::GET, &path, None).await?;
        if let Some(token) = answer.text("admission_token") {
            return Ok(token.to_owned());
        }
        if Instant::now() > deadline {
            bail!("the turn in room `{room}` did not come within {} s: {}", TURN_MAX.as_secs(), answer.body);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Tokens that nobody issued, made from one that somebody did.
fn forgeries(token: &str) -> Result<Vec<(&'static str, String)>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        bail!("the admission token is not a JWT");
    };
    let later = edited(payload, |claims| {
        let exp = claims.get("exp").and_then(Value::as_u64).unwrap_or_default();
        claims.insert("exp".to_owned(), json!(exp + 86_400));
    })?;
    let none = edited(header, |fields| {
        fields.insert("alg".to_owned(), json!("none"));
    })?;
    let other_algorithm = edited(header, |fields| {
        fields.insert("alg".to_owned(), json!("HS512"));
    })?;
    let unknown_key = edited(header, |fields| {
        fields.insert("kid".to_owned(), json!("nobody"));
    })?;
    let own_signature = URL_SAFE_NO_PAD.encode(secret::<32>()?);
    Ok(vec![
        ("a token that was made up", "e30.e30.e30".to_owned()),
        ("an edited token", format!("{header}.{later}.{signature}")),
        ("a token with a signature of one's own", format!("{header}.{payload}.{own_signature}")),
        ("a token without a signature", format!("{header}.{payload}.")),
        ("a token with the algorithm `none`", format!("{none}.{payload}.")),
        ("a token with another algorithm", format!("{other_algorithm}.{payload}.{signature}")),
        ("a token with an unknown key", format!("{unknown_key}.{payload}.{signature}")),
    ])
}

fn edited(part: &str, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).context("the admission token is not base64url")?;
    let mut fields = serde_json::from_slice(&bytes).context("the admission token is not JSON")?;
    edit(&mut fields);
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&fields)?))
}

/// Somebody without cookies, fresh for every attempt.
struct Cheat {
    edges: Arc<[Url]>,
}

impl Cheat {
    fn fresh(&self) -> Result<Client> {
        Client::new(Arc::clone(&self.edges), 0)
    }

    /// Tries to hold a seat: an attempt that leaves a trace in the shop when it succeeds.
    async fn reserve(&self, what: &str, headers: &[(&str, &str)]) -> Result<Attempt> {
        let body = json!({"event": "demo", "seats": ["A-1"]});
        let answer = self.fresh()?.call_with(Method::POST, PROTECTED_CALL, Some(&body), headers).await;
        Ok(attempt(what, Due::Wait, answer.ok().map(|answer| answer.status)))
    }

    async fn page(&self, what: &str, due: Due, path: &str, token: &str) -> Result<Attempt> {
        let headers = [("WR-Admission", token)];
        let answer = self.fresh()?.call_with(Method::GET, path, None, &headers).await;
        Ok(attempt(what, due, answer.ok().map(|answer| answer.status)))
    }

    async fn status(&self, what: &str, sealed: &str) -> Result<Attempt> {
        let headers = [("WR-Ticket", sealed)];
        let path = "/.waiting-room/demo/ticket";
        let answer = self.fresh()?.call_with(Method::GET, path, None, &headers).await;
        Ok(attempt(what, Due::Refusal, answer.ok().map(|answer| answer.status)))
    }

    /// Goes on trying until the token opens nothing any more, or much longer than it may.
    async fn until_refused(&self, what: &str, path: &str, token: &str) -> Result<Attempt> {
        let deadline = Instant::now() + END_MAX;
        loop {
            let attempt = self.page(what, Due::Wait, path, token).await?;
            if attempt.status == Some(429) || Instant::now() > deadline {
                return Ok(attempt);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

async fn at_the_shop(shop: &Url) -> Result<Vec<Attempt>> {
    let client = Client::new(Arc::new([shop.clone()]), 0)?;
    let made_up = [
        ("X-Waiting-Room-Room", "demo"),
        ("X-Waiting-Room-Ticket", "AAAAAAAAAAAAAAAA"),
        ("X-Waiting-Room-Time", "4102444800000"),
        ("X-Waiting-Room-Signature", "v1.run.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("X-Request-Id", "1"),
    ];
    let body = json!({"event": "demo", "seats": ["A-1"]});
    let mut attempts = Vec::new();
    for (what, headers) in [("unsigned", &[][..]), ("with a made-up signature", &made_up[..])] {
        for (method, path, body) in [
            (Method::GET, PROTECTED_PAGE, None),
            (Method::GET, "/api/events", None),
            (Method::POST, PROTECTED_CALL, Some(&body)),
        ] {
            let what = format!("{method} {path} at the shop itself, {what}");
            let answer = client.call_with(method, path, body, headers).await;
            attempts.push(attempt(&what, Due::EdgeOnly, answer.ok().map(|answer| answer.status)));
        }
    }
    Ok(attempts)
}

/// Sends `target` as it is; an HTTP library would tidy it.
async fn raw_get(edge: &Url, target: &str) -> Result<Attempt> {
    let address = (edge.host_str().unwrap_or_default(), edge.port_or_known_default().unwrap_or(80));
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {}:{}\r\nAccept: application/json\r\nSec-Fetch-Mode: cors\r\n\
         Connection: close\r\n\r\n",
        address.0, address.1
    );
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        stream.take(HEAD_MAX as u64).read_to_end(&mut head).await?;
        Ok::<_, std::io::Error>(head)
    };
    let head = tokio::time::timeout(RAW_MAX, exchange).await.ok().and_then(Result::ok).unwrap_or_default();
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    Ok(attempt(&format!("GET {target}"), Due::Refusal, status))
}

fn attempt(what: &str, due: Due, status: Option<u16>) -> Attempt {
    Attempt { what: what.to_owned(), due, status }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forgery_differs_from_the_token() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let header = r#"{"typ":"JWT","alg":"HS256","kid":"k1"}"#;
        let token = format!("{}.{}.{}", part(header), part(r#"{"aud":"demo","exp":100}"#), part("tag"));
        let forged = forgeries(&token).unwrap();
        assert!(forged.len() >= 7);
        assert!(forged.iter().all(|(_, forged)| *forged != token));
        assert!(forgeries("no token").is_err());
    }
}
