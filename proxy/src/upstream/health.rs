//! Looks after the instances: asks each one now and then how it is.

use std::sync::Arc;

use http::{Method, header};
use pingora::connectors::ConnectorOptions;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::protocols::http::client::HttpSession;
use pingora::{Error, ErrorType};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Instance, Upstream, Wanted};
use crate::config::edge::HealthConfig;

/// Looks after the instances until `stopped`, if that is wanted.
pub fn look_after(shop: &Arc<Upstream>, stopped: &watch::Receiver<bool>) {
    tokio::spawn(shop.clone().tidy(stopped.clone()));
    let Some(health) = &shop.config.health else { return };
    for index in 0..shop.instances.len() {
        tokio::spawn(look_after_one(shop.clone(), index, health.clone(), stopped.clone()));
    }
}

async fn look_after_one(
    shop: Arc<Upstream>,
    index: usize,
    health: HealthConfig,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(instance) = shop.instances.get(index) else { return };
    let ca = shop.config.tls.as_ref().and_then(|tls| tls.ca.as_ref());
    let mut options = ConnectorOptions::new(1);
    options.ca_file = ca.map(|file| file.display().to_string());
    let connector = Connector::new(Some(options));
    let mut in_a_row = 0;
    loop {
        let is_well =
            matches!(timeout(health.timeout, look(&shop, instance, &connector, &health)).await, Ok(Ok(())));
        if is_well == instance.is_up() {
            in_a_row = 0;
        } else {
            in_a_row += 1;
            if in_a_row >= if is_well { health.up_after } else { health.down_after } {
                in_a_row = 0;
                instance.set_up(is_well);
                if is_well {
                    tracing::info!(instance = %instance.address, "the instance is up again");
                } else {
                    tracing::warn!(instance = %instance.address, "the instance is down");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(health.every) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Asks once, over a connection of its own: an old one says little about new ones.
async fn look(
    shop: &Upstream,
    instance: &Instance,
    connector: &Connector,
    health: &HealthConfig,
) -> pingora::Result<()> {
    let address = instance.resolve(health.timeout).await;
    let address = address.ok_or_else(|| Error::explain(ErrorType::ConnectError, "the name leads nowhere"))?;
    let peer = shop.peer(address, Wanted::Answer);
    let (mut session, _) = connector.get_http_session(&peer).await?;
    let mut request = RequestHeader::build(Method::GET, health.path.as_bytes(), None)?;
    request
        .insert_header(header::HOST, shop.config.tls.as_ref().map_or(&instance.address, |tls| &tls.name))?;
    request.insert_header(header::USER_AGENT, "stanchion-health")?;
    session.write_request_header(Box::new(request)).await?;
    session.finish_request_body().await?;
    session.read_response_header().await?;
    let status = session.response_header().map(|answer| answer.status);
    if let HttpSession::H1(mut session) = session {
        session.shutdown().await;
    }
    match status {
        Some(status) if status.is_success() => Ok(()),
        _ => Error::e_explain(ErrorType::HTTPStatus(503), "the instance says that it is not well"),
    }
}
