//! How an instance is connected to.

use std::net::SocketAddr;
use std::time::Duration;

use http::header;
use pingora::upstreams::peer::HttpPeer;

use super::{Sending, Upstream};
use crate::config::edge::UpstreamConfig;
use crate::gate::fields::Fields;

/// Requests at once on one connection over HTTP/2.
const STREAMS: usize = 100;
/// How often a connection over HTTP/2 is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);

/// What is wanted of the shop, as far as it matters for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An answer.
    Answer,
    /// An answer that goes on, with silence in between.
    EventStream,
    /// A connection that is no longer HTTP. It may be silent for as long as it likes.
    Upgrade,
}

impl Wanted {
    /// What a request wants.
    pub fn of(is_upgrade: bool, headers: &Fields<'_>) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match is_upgrade {
            true => Self::Upgrade,
            false if accept.contains("text/event-stream") => Self::EventStream,
            false => Self::Answer,
        }
    }
}

impl Sending {
    /// Where the request goes to; nothing when the name of the instance leads nowhere.
    pub async fn resolve(&self) -> Option<SocketAddr> {
        let instance = self.shop.instances.get(self.index)?;
        instance.resolve(self.shop.config.connect_timeout).await
    }
}

impl Upstream {
    /// An instance at this address, as the library is to connect to it.
    pub fn peer(&self, address: SocketAddr, wanted: Wanted) -> HttpPeer {
        let UpstreamConfig { http2, tls, connect_timeout, keepalive_timeout, write_timeout, .. } =
            &self.config;
        let name = tls.as_ref().map(|tls| tls.name.clone()).unwrap_or_default();
        let mut peer = HttpPeer::new(address, tls.is_some(), name);
        let options = &mut peer.options;
        options.connection_timeout = Some(*connect_timeout);
        options.total_connection_timeout = Some(*connect_timeout);
        options.read_timeout = match wanted {
            Wanted::Answer => Some(self.config.read_timeout),
            Wanted::EventStream => Some(self.config.stream_timeout),
            Wanted::Upgrade => None,
        };
        options.write_timeout = (wanted != Wanted::Upgrade).then_some(*write_timeout);
        options.idle_timeout = Some(*keepalive_timeout);
        // A connection of many requests cannot become one of a WebSocket.
        if *http2 && wanted != Wanted::Upgrade {
            options.set_http_version(2, 2);
            options.max_h2_streams = STREAMS;
            options.h2_ping_interval = Some(PING);
        }
        peer
    }
}
