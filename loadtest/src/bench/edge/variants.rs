//! What is asked of which server, and what it is compared with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::files::Own;
use super::load::{Ask, Speech};
use super::servers::{Server, Servers, once};

/// How often a fan asks until they are let in.
const TRIES: u32 = 100;

impl Ask {
    /// A person opens a page.
    pub(super) fn navigation(path: &'static str, cookies: Option<&str>) -> Self {
        let wanted = if path == "/line" { 202 } else { 200 };
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        Self { path, headers: headers(accept, cookies), wanted }
    }

    /// A program asks for something.
    pub(super) fn api(path: &'static str) -> Self {
        Self { path, headers: headers("application/json", None), wanted: 429 }
    }
}

/// What a browser sends.
fn headers(accept: &str, cookies: Option<&str>) -> Vec<(&'static str, String)> {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    let cookies = match cookies {
        Some(cookies) => format!("theme=dark; basket=2f9c1b; {cookies}"),
        None => "theme=dark; basket=2f9c1b".to_owned(),
    };
    vec![
        ("user-agent", agent.to_owned()),
        ("accept", accept.to_owned()),
        ("accept-encoding", "gzip, deflate, br".to_owned()),
        ("accept-language", "en-US,en;q=0.9".to_owned()),
        ("cookie", cookies),
    ]
}

/// One row of the report.
pub(super) struct Variant {
    /// What is compared with each other.
    pub(super) group: &'static str,
    /// Who answers.
    pub(super) who: &'static str,
    pub(super) server: SocketAddr,
    pub(super) speech: Speech,
    pub(super) asks: Vec<Ask>,
    /// Whose work is counted; nobody's where it is this process.
    pub(super) process: Option<u32>,
}

pub(super) const PASSING: &str = "passing on";
pub(super) const PASSING_TLS: &str = "passing on, TLS";
pub(super) const PASSING_HTTP2: &str = "passing on, HTTP/2";
pub(super) const PASSING_LOGGED: &str = "passing on, with a line of log each";
pub(super) const PAGE: &str = "waiting page";
pub(super) const PAGE_TLS: &str = "waiting page, TLS";
pub(super) const PAGE_HTTP2: &str = "waiting page, HTTP/2";
pub(super) const REFUSED: &str = "429";
pub(super) const REFUSED_TLS: &str = "429, TLS";
pub(super) const REFUSED_HTTP2: &str = "429, HTTP/2";

pub(super) const DIRECT: &str = "no proxy";
pub(super) const NGINX: &str = "nginx";
pub(super) const HAPROXY: &str = "HAProxy";
pub(super) const PINGORA: &str = "plain Pingora";
pub(super) const EDGE_OPEN: &str = "edge, open path";
pub(super) const EDGE: &str = "edge";

/// All rows, with the fans that they need: `fans` who were let in, and as many who wait.
pub(super) async fn variants(servers: &Servers, shop: SocketAddr, fans: usize) -> Result<Vec<Variant>> {
    let Servers { edge, edge_logging, pingora, pingora_tls, nginx, nginx_logging, haproxy } = servers;
    let (admitted, waiting) = visitors(edge, fans).await?;
    let (admitted_there, _) = visitors(edge_logging, fans).await?;
    // Whoever passes on reads the same bytes as the edge; to know what they mean is its own affair.
    let open: Vec<Ask> = admitted.iter().map(|ask| Ask { path: "/open", ..ask.clone() }).collect();
    let page: Vec<Ask> =
        waiting.iter().map(|ask| Ask { path: "/page", wanted: 200, ..ask.clone() }).collect();
    let (line, refused) = (vec![Ask::api("/line")], vec![Ask::api("/refused")]);
    let id = |server: &Server| Some(server.process.id());
    let (there, none) = (id(edge), None);
    let mut all = Vec::new();
    let mut row = |group, who, server, speech, asks: &Vec<Ask>, process| {
        all.push(Variant { group, who, server, speech, asks: asks.clone(), process });
    };
    let plain = Speech::Plain;
    row(PASSING, DIRECT, shop, plain, &open, none);
    row(PASSING, NGINX, nginx.listen.plain, plain, &open, id(nginx));
    if let Some(haproxy) = haproxy {
        row(PASSING, HAPROXY, haproxy.listen.plain, plain, &open, id(haproxy));
    }
    row(PASSING, PINGORA, pingora.listen.plain, plain, &open, id(pingora));
    row(PASSING, EDGE_OPEN, edge.listen.plain, plain, &open, there);
    row(PASSING, EDGE, edge.listen.plain, plain, &admitted, there);
    row(PASSING_LOGGED, NGINX, *nginx_logging, plain, &open, id(nginx));
    row(PASSING_LOGGED, EDGE, edge_logging.listen.plain, plain, &admitted_there, id(edge_logging));
    row(PAGE, NGINX, nginx.listen.plain, plain, &page, id(nginx));
    row(PAGE, EDGE, edge.listen.plain, plain, &waiting, there);
    row(REFUSED, NGINX, nginx.listen.plain, plain, &refused, id(nginx));
    row(REFUSED, EDGE, edge.listen.plain, plain, &line, there);
    for (speech, passing, page_group, refused_group) in [
        (Speech::Tls, PASSING_TLS, PAGE_TLS, REFUSED_TLS),
        (Speech::Http2, PASSING_HTTP2, PAGE_HTTP2, REFUSED_HTTP2),
    ] {
        row(passing, NGINX, nginx.listen.tls, speech, &open, id(nginx));
        if let Some(haproxy) = haproxy {
            row(passing, HAPROXY, haproxy.listen.tls, speech, &open, id(haproxy));
        }
        row(passing, PINGORA, pingora_tls.listen.tls, speech, &open, id(pingora_tls));
        row(passing, EDGE, edge.listen.tls, speech, &admitted, there);
        row(page_group, NGINX, nginx.listen.tls, speech, &page, id(nginx));
        row(page_group, EDGE, edge.listen.tls, speech, &waiting, there);
        row(refused_group, NGINX, nginx.listen.tls, speech, &refused, id(nginx));
        row(refused_group, EDGE, edge.listen.tls, speech, &line, there);
    }
    Ok(all)
}

/// Fans who were let into the one room, and fans who wait before the other.
async fn visitors(edge: &Server, count: usize) -> Result<(Vec<Ask>, Vec<Ask>)> {
    let (mut admitted, mut waiting) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let cookies = until(edge, "/inside", 200).await?;
        admitted.push(Ask::navigation("/inside", Some(&cookies)));
        let cookies = until(edge, "/line", 202).await?;
        waiting.push(Ask::navigation("/line", Some(&cookies)));
    }
    Ok((admitted, waiting))
}

/// Asks as somebody new until the answer has this status; gives the cookies that came with it.
async fn until(edge: &Server, path: &'static str, wanted: u16) -> Result<String> {
    for _ in 0..TRIES {
        let answer = once(edge.listen.plain, &Ask::navigation(path, None)).await?;
        if answer.status == wanted {
            return Ok(cookies(&answer));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None.with_context(|| format!("the edge never answered {path} with {wanted}"))
}

/// The cookies of an answer, as they are sent back. What was cleared, or given again, counts as it was said last.
fn cookies(answer: &Own) -> String {
    let given = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let pairs = given.filter_map(|(_, value)| value.split(';').next()?.split_once('='));
    let jar: BTreeMap<&str, &str> = pairs.collect();
    jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}
