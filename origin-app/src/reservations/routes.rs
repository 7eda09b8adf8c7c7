//! Reservations and their payment over HTTP.

use std::sync::Arc;

use admission::clock::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::LIST_MAX;
use super::model::{Reservation, ReservationState, ReservedSeat};
use super::service::{Found, Wanted};
use super::store::Release;
use crate::app::App;
use crate::checkout::{PaymentOutcome, RefundReason};
use crate::datetime;
use crate::http::{
    Cookies, EdgeFacts, JsonBody, PathId, Problem, QueryArgs, end_session, private, set_fan_cookie,
};
use crate::ids::{EventId, FanId, ReservationId, SeatId, SectionId};
use crate::language::Language;
use crate::notifications::{Contact, EmailAddress};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, hold)).routes(routes!(detail, release)).routes(routes!(pay))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewReservation)]
struct HoldBody {
    event: EventId,
    /// Places by name.
    #[serde(default)]
    seats: Vec<SeatId>,
    /// A section where nobody sits, of which any `quantity` places are wanted.
    section: Option<SectionId>,
    quantity: Option<u32>,
}

/// How a fan pays.
#[derive(Deserialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentBody {
    card: String,
    /// Where a guest is told what becomes of the payment. Who has an account is told at its address, unless another is given.
    #[schema(value_type = Option<String>, example = "fan@example.com")]
    email: Option<EmailAddress>,
    /// In which language; that of `Accept-Language` where nothing is said.
    language: Option<Language>,
    /// Whether the fan wants nothing more, so that the place in the shop is free.
    #[serde(default)]
    finish: bool,
}

#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReleaseArgs {
    /// Whether the fan wants nothing more, so that the place in the shop is free.
    #[serde(default)]
    finish: bool,
}

/// A reservation on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Reservation)]
struct ReservationBody<'a> {
    id: &'a ReservationId,
    event: &'a EventId,
    seats: Vec<&'a SeatId>,
    state: ReservationState,
    /// Why the money goes back, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_reason: Option<&'static str>,
    /// The payment, once there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<String>,
    /// Until when the seats are held, or kept for a payment that is delayed.
    expires_at: String,
    amount_cents: i64,
    currency: &'a str,
    tickets: Vec<TicketBody<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
struct TicketBody<'a> {
    code: &'a str,
    seat: &'a SeatId,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Reservations)]
struct ListBody<'a> {
    reservations: Vec<ReservationBody<'a>>,
    /// What to send as `after` for the next page.
    next: Option<&'a ReservationId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    after: Option<ReservationId>,
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<u32>,
}

impl<'a> ReservationBody<'a> {
    /// `reservation` as it is at `now`.
    fn of(reservation: &'a Reservation, now: Timestamp) -> Self {
        let ticket =
            |seat: &'a ReservedSeat| seat.ticket.as_deref().map(|code| TicketBody { code, seat: &seat.id });
        Self {
            id: &reservation.id,
            event: &reservation.event,
            seats: reservation.seats.iter().map(|seat| &seat.id).collect(),
            state: reservation.state_at(now),
            refund_reason: reservation.payment.refund_reason.map(RefundReason::as_str),
            payment: (reservation.attempt > 0).then(|| reservation.payment_key()),
            expires_at: datetime::to_rfc3339(reservation.kept_until()),
            amount_cents: reservation.amount_cents,
            currency: &reservation.currency,
            tickets: reservation.seats.iter().filter_map(ticket).collect(),
        }
    }
}

fn answer(app: &App, status: StatusCode, reservation: &Reservation) -> Response {
    let body = ReservationBody::of(reservation, app.clock.now());
    let mut response = (status, Json(body)).into_response();
    private(response.headers_mut());
    response
}

/// Holds seats: all of them, or none.
#[utoipa::path(post, path = "/api/reservations", tag = "reservations", request_body = HoldBody,
    responses((status = 201, body = ReservationBody<'static>)))]
async fn hold(
    State(app): State<Arc<App>>,
    edge: EdgeFacts,
    cookies: Cookies,
    JsonBody(HoldBody { event, seats, section, quantity }): JsonBody<HoldBody>,
) -> Result<Response, Problem> {
    app.waitlist.lets_choose(&event)?;
    let (fan, cookie) = cookies.fan_or_new(&app).map_err(|error| Problem::internal(&error))?;
    if section.is_none() && quantity.is_some() {
        return Err(Problem::invalid("`quantity`: say of which `section`."));
    }
    let wanted = Wanted { seats, any_of: section.map(|section| (section, quantity.unwrap_or(1))) };
    let reservation = app.reservations.hold(&event, wanted, &fan, &edge).await?;
    let mut response = answer(&app, StatusCode::CREATED, &reservation);
    set_fan_cookie(&mut response, cookie);
    Ok(response)
}

/// The fan's reservations, page by page.
#[utoipa::path(get, path = "/api/reservations", tag = "reservations", params(ListArgs),
    responses((status = 200, body = ListBody<'static>)))]
async fn list(
    State(app): State<Arc<App>>,
    cookies: Cookies,
    QueryArgs(ListArgs { after, limit }): QueryArgs<ListArgs>,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(LIST_MAX).clamp(1, LIST_MAX);
    let reservations = match cookies.fan() {
        Some(fan) => app.reservations.page_of_fan(fan, after.as_ref(), limit).await?,
        None => Vec::new(),
    };
    let is_full = reservations.len() >= limit as usize;
    let next = reservations.last().filter(|_| is_full).map(|last| &last.id);
    let now = app.clock.now();
    let bodies = reservations.iter().map(|reservation| ReservationBody::of(reservation, now)).collect();
    let mut response = Json(ListBody { reservations: bodies, next }).into_response();
    private(response.headers_mut());
    Ok(response)
}

/// One reservation of the fan's.
#[utoipa::path(get, path = "/api/reservations/{reservation}", tag = "reservations", params(("reservation" = String, Path, description = "Its id")),
    responses((status = 200, body = ReservationBody<'static>)))]
async fn detail(
    State(app): State<Arc<App>>,
    PathId(id): PathId<ReservationId>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let reservation = found(app.reservations.find(&id, known(&cookies)?).await?)?;
    Ok(answer(&app, StatusCode::OK, &reservation))
}

/// Gives a hold back.
#[utoipa::path(delete, path = "/api/reservations/{reservation}", tag = "reservations",
    params(("reservation" = String, Path, description = "Its id"), ReleaseArgs),
    responses((status = 204, description = "The seats are free"),
        (status = 200, description = "They were paid: the money goes back", body = ReservationBody<'static>)))]
async fn release(
    State(app): State<Arc<App>>,
    PathId(id): PathId<ReservationId>,
    QueryArgs(args): QueryArgs<ReleaseArgs>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let fan = known(&cookies)?;
    match give_back(&app, &id, fan).await? {
        // Paid: then it is the tickets that go back.
        Release::Confirmed | Release::Returned => {
            let back = app.checkout.cancel(&id, fan).await?;
            Ok(answer(&app, StatusCode::OK, &back))
        }
        release => {
            released(release)?;
            let mut response = StatusCode::NO_CONTENT.into_response();
            if args.finish {
                end_session(response.headers_mut());
            }
            Ok(response)
        }
    }
}

/// Gives the seats of a hold back, as the inventory says, and asks no database for that. A payment that the fan's browser was
/// to make, and has not, ends first.
pub(crate) async fn give_back(app: &App, id: &ReservationId, fan: &FanId) -> Result<Release, Problem> {
    match app.reservations.release(id, fan).await? {
        Release::Paying => {
            app.checkout.abandon(id, fan).await?;
            Ok(app.reservations.release(id, fan).await?)
        }
        release => Ok(release),
    }
}

/// The reservation, or what a fan is told where there is none.
pub(crate) fn found(found: Found) -> Result<Reservation, Problem> {
    match found {
        Found::There(reservation) => Ok(reservation),
        Found::Lost => Err(Problem::hold_lost()),
        Found::Missing => Err(Problem::reservation_not_found()),
    }
}

/// What a fan is told about seats that were to be given back.
pub(crate) fn released(release: Release) -> Result<(), Problem> {
    match release {
        Release::Released => Ok(()),
        Release::Missing => Err(Problem::reservation_not_found()),
        Release::Confirmed | Release::Returned => Err(already_paid()),
        Release::Paying => Err(payment_in_progress()),
    }
}

/// There is nothing to pay or to give back: the fan has tickets.
pub(crate) fn already_paid() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "already_confirmed",
        "The seats are paid",
        "These seats are paid and yours.",
    )
}

/// It is not known yet what becomes of the payment.
pub(crate) fn payment_in_progress() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "payment_in_progress",
        "A payment is under way",
        "The payment provider has been asked; its answer decides whether the seats are yours.",
    )
    .retry_after(2)
}

/// Pays a hold. The same payment again charges nothing again.
#[utoipa::path(post, path = "/api/reservations/{reservation}/payment", tag = "reservations", params(("reservation" = String, Path, description = "Its id")),
    request_body = PaymentBody, responses((status = 200, description = "Paid", body = ReservationBody<'static>),
        (status = 202, description = "The provider has not answered yet", body = ReservationBody<'static>)))]
async fn pay(
    State(app): State<Arc<App>>,
    PathId(id): PathId<ReservationId>,
    cookies: Cookies,
    headers: HeaderMap,
    JsonBody(PaymentBody { card, email, language, finish }): JsonBody<PaymentBody>,
) -> Result<Response, Problem> {
    let fan = known(&cookies)?;
    if let Some(email) = email {
        let language = language.unwrap_or_else(|| Language::preferred(&headers));
        app.checkout.tell_at(&id, fan, &Contact { email, language }).await?;
    }
    match app.checkout.pay(&id, fan, &card).await? {
        PaymentOutcome::Confirmed(reservation) => {
            app.events.claims_changed(&reservation.event);
            let mut response = answer(&app, StatusCode::OK, &reservation);
            if finish || app.reservations.has_bought_all(&reservation.event, fan).await? {
                end_session(response.headers_mut());
            }
            Ok(response)
        }
        // Not a failure: the shop goes on asking, and the reservation says `paying` until it knows.
        PaymentOutcome::Delayed(reservation) => {
            let mut response = answer(&app, StatusCode::ACCEPTED, &reservation);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
            Ok(response)
        }
    }
}

fn known(cookies: &Cookies) -> Result<&FanId, Problem> {
    cookies.fan().ok_or_else(Problem::reservation_not_found)
}
