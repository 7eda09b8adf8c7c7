//! A plain Pingora proxy: nothing but what the library does by itself. It is what `loadtest bench edge` compares the edge
//! with, so it is built alike: same profile, same allocator.
//!
//! `plain <listen> <upstream> [<certificate> <key>]`; with a certificate it speaks TLS and, where clients agree, HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::listeners::tls::TlsSettings;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, OrErr as _, Result};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Idle connections that are kept, as the edge does.
const KEEPALIVE: usize = 512;

struct Plain {
    upstream: String,
}

#[async_trait]
impl ProxyHttp for Plain {
    type CTX = ();

    fn new_ctx(&self) {}

    /// The edge has no modules either.
    fn init_downstream_modules(&self, _modules: &mut pingora::modules::http::HttpModules) {}

    async fn upstream_peer(&self, _session: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        let mut peer = HttpPeer::new(self.upstream.as_str(), false, String::new());
        peer.options.idle_timeout = Some(Duration::from_secs(50));
        Ok(Box::new(peer))
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listen, upstream, tls) = match arguments.as_slice() {
        [listen, upstream] => (listen, upstream, None),
        [listen, upstream, certificate, key] => (listen, upstream, Some((certificate, key))),
        _ => {
            return Error::e_explain(
                ErrorType::InternalError,
                "usage: plain <listen> <upstream> [<certificate> <key>]",
            );
        }
    };
    let config = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: KEEPALIVE,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, config);
    server.bootstrap();
    let plain = Plain { upstream: upstream.clone() };
    let mut service = http_proxy_service(&Arc::clone(&server.configuration), plain);
    match tls {
        None => service.add_tcp(listen),
        Some((certificate, key)) => {
            let mut settings = TlsSettings::intermediate(certificate, key)
                .or_err(ErrorType::InternalError, "the certificate")?;
            settings.enable_h2();
            service.add_tls_with_settings(listen, None, settings);
        }
    }
    server.add_service(service);
    server.run_forever()
}
