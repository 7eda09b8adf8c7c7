//! What an organiser takes back: tickets of one payment, or a whole event. Each is asked about on a page of its own, and done
//! when a box on it was ticked.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::organiser::{Told, page};
use super::see_other;
use super::views::{EventView, seat_name};
use crate::app::App;
use crate::events::{EventDetail, EventStatus};
use crate::http::{Fields, Organiser, PathId, Problem, QueryArgs, Reader};
use crate::ids::{EventId, PaymentId, SeatId};
use crate::money;
use crate::reservations::Reservation;

/// `GET /organiser/events/{event}/call-off`
pub(super) async fn ask_call_off(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    reader: Reader,
) -> Result<Response, Problem> {
    let detail = detail(&app, &id).await?;
    if detail.event.status != EventStatus::Published {
        return see_other(&address(&id));
    }
    call_off_page(&app, &reader, &detail, true).await
}

/// `POST /organiser/events/{event}/call-off`
pub(super) async fn call_off(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let detail = detail(&app, &id).await?;
    if detail.event.status == EventStatus::Published {
        if !is_sure(&fields) {
            return call_off_page(&app, &reader, &detail, false).await;
        }
        app.checkout.call_off(&id).await?;
        tracing::warn!(event = %id, "event called off");
    }
    see_other(&address(&id))
}

async fn call_off_page(
    app: &App,
    reader: &Reader,
    detail: &EventDetail,
    first: bool,
) -> Result<Response, Problem> {
    let event = &detail.event;
    let sales = app.stores.events.sales(&event.id, app.clock.now()).await?;
    let sales = sales.ok_or_else(Problem::event_not_found)?;
    let context = context! {
        event => EventView::of(event, 0, reader.language),
        tickets => sales.tickets,
        amount => money::for_people(sales.tickets_cents, &event.currency),
        unsure => !first,
    };
    app.templates.page(reader, status(first), "organiser_call_off.html", context)
}

#[derive(Deserialize)]
pub(super) struct SeatArgs {
    seat: String,
}

/// `GET /organiser/events/{event}/refund`
pub(super) async fn ask_refund(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    QueryArgs(SeatArgs { seat }): QueryArgs<SeatArgs>,
    reader: Reader,
) -> Result<Response, Problem> {
    let detail = detail(&app, &id).await?;
    let found = match SeatId::parse(seat.trim()) {
        Ok(seat) => app.checkout.of_seat(&id, &seat).await?,
        Err(_) => None,
    };
    match found {
        Some(reservation) => refund_page(&app, &reader, &detail, &reservation, true),
        None => {
            let word = app.templates.texts().word(reader.language, "organiser", "no_ticket", &[]);
            page(&app, &reader, StatusCode::NOT_FOUND, &detail, Told::Problem(word)).await
        }
    }
}

/// `POST /organiser/events/{event}/refund`
pub(super) async fn refund(
    State(app): State<Arc<App>>,
    _: Organiser,
    PathId(id): PathId<EventId>,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let payment = fields.all("payment").next().and_then(PaymentId::parse);
    let payment = payment.ok_or_else(Problem::payment_not_found)?;
    let found = app.stores.checkout.find(&payment.reservation).await?;
    let found = found.filter(|found| found.event == id).ok_or_else(Problem::payment_not_found)?;
    if !is_sure(&fields) {
        return refund_page(&app, &reader, &detail(&app, &id).await?, &found, false);
    }
    let reservation = app.checkout.refund(&payment.reservation, payment.attempt).await?;
    tracing::info!(reservation = %reservation.id, state = reservation.state.as_str(), "the organiser refunds");
    see_other(&format!("{}?done=refund", address(&id)))
}

fn refund_page(
    app: &App,
    reader: &Reader,
    detail: &EventDetail,
    reservation: &Reservation,
    first: bool,
) -> Result<Response, Problem> {
    let texts = app.templates.texts();
    let name = |seat: &SeatId| seat_name(detail, seat, texts, reader.language);
    let context = context! {
        event => EventView::of(&detail.event, 0, reader.language),
        payment => reservation.payment_key(),
        seats => reservation.seats.iter().map(|seat| name(&seat.id)).collect::<Vec<_>>(),
        amount => money::for_people(reservation.amount_cents, &reservation.currency),
        unsure => !first,
    };
    app.templates.page(reader, status(first), "organiser_refund.html", context)
}

async fn detail(app: &App, id: &EventId) -> Result<EventDetail, Problem> {
    app.events.detail_now(id).await?.ok_or_else(Problem::event_not_found)
}

fn is_sure(fields: &Fields) -> bool {
    fields.all("sure").any(|sure| sure == "yes")
}

/// Of a page that is shown again because its box was not ticked.
const fn status(first: bool) -> StatusCode {
    if first { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

fn address(event: &EventId) -> String {
    format!("/organiser/events/{event}")
}
