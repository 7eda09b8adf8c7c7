//! `proxy --explain`: what would happen to a request, and why.

use std::net::IpAddr;

use admission::clock::Timestamp;
use admission::name::RoomId;
use clap::Args;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proxy::config::Config;
use proxy::explain::{Known, Request, explain};
use proxy::server::Keys;

/// The request that is explained.
#[derive(Args)]
pub(crate) struct Explained {
    /// Say what would happen to a request to this room, and why, rule by rule.
    #[arg(long, value_name = "ROOM")]
    pub(crate) explain: Option<String>,
    /// With --explain: the method.
    #[arg(long, default_value = "GET", requires = "explain")]
    method: String,
    /// With --explain: the URL, or a path alone. [default: the room's first page]
    #[arg(long, requires = "explain", visible_alias = "path")]
    url: Option<String>,
    /// With --explain: a header, as `Name: value`; several times for several. [default: those of a browser that opens a page]
    #[arg(long, requires = "explain", value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// With --explain: from where the connection comes.
    #[arg(long, default_value = "203.0.113.1", requires = "explain", value_name = "ADDRESS")]
    client: IpAddr,
}

impl Explained {
    /// The explanation.
    ///
    /// # Errors
    /// When the room or the request is none.
    pub(crate) fn tell(&self, config: &Config, keys: &Keys, now: Timestamp) -> Result<String, String> {
        let name = self.explain.as_deref().unwrap_or_default();
        let Some(room) = config.rooms.iter().find(|room| room.id.as_str() == name) else {
            let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
            return Err(format!("found the room \"{name}\"; there are: {}", rooms.join(", ")));
        };
        let first_host = room.hosts.first().map_or("shop.example", String::as_str);
        let request = self.request(&room.first_page(), first_host)?;
        let room: RoomId = room.id.clone();
        Ok(explain(
            config,
            &room,
            Known { line: &keys.line.in_force.load(), cdn: keys.cdn.as_ref() },
            &request,
            now,
        ))
    }

    fn request(&self, first_page: &str, first_host: &str) -> Result<Request, String> {
        let method: Method =
            self.method.parse().map_err(|_| format!("--method: {:?} is none", self.method))?;
        let url = self.url.as_deref().unwrap_or(first_page);
        let (host, target) = match url.split_once("://") {
            Some((_, rest)) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (host, target) = rest.split_at(end);
                (host, if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
            }
            None => (first_host, url.to_owned()),
        };
        let mut headers = HeaderMap::new();
        for line in &self.header {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| format!("--header: found {line:?}; \"Name: value\" is needed"))?;
            let name: HeaderName =
                name.trim().parse().map_err(|_| format!("--header: {name:?} is no name of a header"))?;
            let value = HeaderValue::from_str(value.trim())
                .map_err(|_| format!("--header: the value of {name} cannot stand in a header"))?;
            headers.append(name, value);
        }
        if self.header.is_empty() {
            headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        }
        if !headers.contains_key(HOST) {
            let host = HeaderValue::from_str(host).map_err(|_| format!("--url: {host:?} is no host"))?;
            headers.insert(HOST, host);
        }
        Ok(Request { method, target, headers, peer: self.client })
    }
}
