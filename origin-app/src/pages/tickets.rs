//! What a fan has bought and holds.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::checkout::ReservationView;
use super::views::{EventView, seat_name};
use crate::app::App;
use crate::events::EventDetail;
use crate::http::{Cookies, Problem, QueryArgs, Reader};
use crate::ids::{EventId, ReservationId, SeatId};
use crate::reservations::{LIST_MAX, Reservation, ReservationState};

#[derive(Deserialize)]
pub(super) struct ListArgs {
    after: Option<ReservationId>,
}

/// `GET /tickets`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    cookies: Cookies,
    QueryArgs(ListArgs { after }): QueryArgs<ListArgs>,
    reader: Reader,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let reservations = match cookies.fan() {
        Some(fan) => app.reservations.page_of_fan(fan, after.as_ref(), LIST_MAX).await?,
        None => Vec::new(),
    };
    let is_full = reservations.len() >= LIST_MAX as usize;
    let next = reservations.last().filter(|_| is_full).map(|last| last.id.as_str());
    let mut events: HashMap<EventId, Arc<EventDetail>> = HashMap::new();
    for reservation in &reservations {
        if !events.contains_key(&reservation.event)
            && let Some(detail) = app.events.detail(&reservation.event).await?
        {
            events.insert(reservation.event.clone(), detail);
        }
    }
    let in_state = |states: &[ReservationState]| -> Vec<_> {
        reservations
            .iter()
            .filter(|reservation| states.contains(&reservation.state_at(now)))
            .filter_map(|reservation: &Reservation| {
                let detail = events.get(&reservation.event)?;
                let name = |seat: &SeatId| seat_name(detail, seat, app.templates.texts(), reader.language);
                let event = EventView::of(&detail.event, 0, reader.language);
                Some(context! { event, reservation => ReservationView::of(reservation, now, &name) })
            })
            .collect()
    };
    let context = context! {
        bought => in_state(&[ReservationState::Confirmed]),
        open => in_state(&[ReservationState::Held, ReservationState::Paying, ReservationState::PaymentDelayed]),
        next,
        returned => in_state(&[ReservationState::RefundDue, ReservationState::Refunded]),
    };
    app.templates.page(&reader, StatusCode::OK, "tickets.html", context)
}
