//! `/healthz` (the process runs) and `/readyz` (every room's line can be reached), for orchestrators.

use axum::extract::State;
use http::StatusCode;

use super::Desk;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(desk): State<Desk>) -> (StatusCode, String) {
    if *desk.sights.load.closing().borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    let in_force = desk.fleet.in_force();
    let away: Vec<&str> =
        in_force.rooms.iter().filter(|room| !room.is_ready()).map(|room| room.id.as_str()).collect();
    if away.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("the line cannot be reached: {}\n", away.join(", ")))
    }
}
