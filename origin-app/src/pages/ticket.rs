//! One ticket: to be shown at the entrance, printed, or put into a calendar.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::views::{EventView, seat_name};
use crate::app::App;
use crate::events::EventDetail;
use crate::http::{Cookies, Problem, Reader, private};
use crate::ids::SeatId;
use crate::tickets::{TicketClaims, calendar_entry, qr};

/// A ticket of this fan's.
struct Found {
    detail: Arc<EventDetail>,
    seat: SeatId,
    code: String,
}

/// `GET /tickets/{code}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(code): Path<String>,
    cookies: Cookies,
    reader: Reader,
) -> Result<Response, Problem> {
    let Found { detail, seat, code } = find(&app, &code, &cookies).await?;
    let token = app.settings.ticket_keys.as_ref().and_then(|keys| {
        TicketClaims::new(&code, &detail.event.id, &seat, detail.event.starts_at).sign(keys)
    });
    let context = context! {
        event => EventView::of(&detail.event, 0, reader.language),
        seat => seat_name(&detail, &seat, app.templates.texts(), reader.language),
        code,
        qr => token.as_deref().and_then(qr),
        token,
    };
    app.templates.page(&reader, StatusCode::OK, "ticket.html", context)
}

/// `GET /tickets/{code}/calendar.ics`
pub(super) async fn calendar(
    State(app): State<Arc<App>>,
    Path(code): Path<String>,
    cookies: Cookies,
    reader: Reader,
) -> Result<Response, Problem> {
    let Found { detail, seat, code } = find(&app, &code, &cookies).await?;
    let seat = seat_name(&detail, &seat, app.templates.texts(), reader.language);
    let entry = calendar_entry(&detail.event, &code, &seat, app.clock.now());
    let mut response = entry.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"ticket.ics\""));
    private(headers);
    Ok(response)
}

async fn find(app: &App, code: &str, cookies: &Cookies) -> Result<Found, Problem> {
    let fan = cookies.fan().ok_or_else(ticket_not_found)?;
    // By its code, and not among the fan's newest: whoever bought and held much since has it all the same.
    let found = app.stores.checkout.of_ticket(code).await?.filter(|found| found.fan == *fan);
    let reservation = found.ok_or_else(ticket_not_found)?;
    let seat = reservation.seats.iter().find(|seat| seat.ticket.as_deref() == Some(code));
    let seat = seat.ok_or_else(ticket_not_found)?.id.clone();
    let detail = app.events.detail(&reservation.event).await?.ok_or_else(ticket_not_found)?;
    Ok(Found { detail, seat, code: code.to_owned() })
}

fn ticket_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "ticket_not_found",
        "Ticket not found",
        "You have no ticket of this code. Tickets belong to the browser or the account that bought them.",
    )
}
