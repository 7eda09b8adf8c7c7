//! `/metrics`, for Prometheus: what is known at the moment of the question. The cost is paid by who asks, not by fans.
//!
//! Labels are what is configured (rooms, lanes, instances of the shop) or one of a fixed list of words, so there is a bound
//! to how many series there are. `docs/telemetry.md` lists all of them, and a test holds it to that.

mod page;
mod process;
mod rooms;

use axum::extract::State;
use http::{StatusCode, header};

use super::Desk;
use page::Page;

fn gather(desk: &Desk) -> prometheus::Result<Vec<u8>> {
    let mut page = Page::default();
    rooms::tell(&mut page, desk);
    process::requests(&mut page, desk);
    process::store(&mut page, &desk.sights.calls);
    process::sockets(&mut page, &desk.sights.load);
    process::upstream(&mut page, &desk.sights.shop);
    process::program(&mut page, desk);
    page.text()
}

pub(super) async fn metrics(
    State(desk): State<Desk>,
) -> (StatusCode, [(header::HeaderName, &'static str); 1], Vec<u8>) {
    let kind = |kind| [(header::CONTENT_TYPE, kind)];
    match gather(&desk) {
        Ok(text) => (StatusCode::OK, kind(prometheus::TEXT_FORMAT), text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be gathered");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                kind("text/plain"),
                b"the metrics could not be gathered\n".to_vec(),
            )
        }
    }
}
