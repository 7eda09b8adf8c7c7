//! What a fan has bought and holds.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;

use super::checkout::ReservationView;
use super::event::EventView;
use crate::app::App;
use crate::events::EventOnSale;
use crate::http::{Cookies, Problem};
use crate::ids::EventId;
use crate::reservations::{LIST_MAX, Reservation, ReservationState};

/// `GET /tickets`
pub(super) async fn show(State(app): State<Arc<App>>, cookies: Cookies) -> Result<Response, Problem> {
    let now = app.clock.now();
    let reservations = match cookies.fan() {
        Some(fan) => app.stores.reservations.of_fan(fan, LIST_MAX).await?,
        None => Vec::new(),
    };
    let mut events: HashMap<EventId, EventOnSale> = HashMap::new();
    for reservation in &reservations {
        if !events.contains_key(&reservation.event)
            && let Some(event) = app.stores.events.find(&reservation.event, now).await?
        {
            events.insert(reservation.event.clone(), event);
        }
    }
    let in_state = |states: &[ReservationState]| -> Vec<_> {
        reservations
            .iter()
            .filter(|reservation| states.contains(&reservation.state_at(now)))
            .filter_map(|reservation: &Reservation| {
                let event = EventView::from(events.get(&reservation.event)?);
                Some(context! { event, reservation => ReservationView::of(reservation, now) })
            })
            .collect()
    };
    let context = context! {
        bought => in_state(&[ReservationState::Confirmed]),
        open => in_state(&[ReservationState::Held, ReservationState::Paying]),
        returned => in_state(&[ReservationState::RefundDue, ReservationState::Refunded]),
    };
    app.templates.page(StatusCode::OK, "tickets.html", context)
}
