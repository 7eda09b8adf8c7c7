//! Paying for held seats, giving them back, and being done.

use std::sync::Arc;

use admission::clock::Timestamp;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::problem::no_address;
use super::see_other;
use super::views::{EventView, seat_name};
use crate::app::App;
use crate::checkout::{PaymentOutcome, PaymentRefused, RefundReason, is_in_browser};
use crate::http::{Cookies, Fields, PathId, Problem, QueryArgs, Reader, end_session, let_stripe_in};
use crate::ids::{EventId, FanId, ReservationId, SeatId};
use crate::notifications::{Contact, EmailAddress};
use crate::payments::Card;
use crate::reservations::{LIST_MAX, Release, Reservation, ReservationState, found, give_back, released};
use crate::{datetime, money};

/// How long a fan whose hold has ended may do nothing before their page leaves the room for them.
const LEAVES_AFTER_SECONDS: u32 = 120;

/// A reservation as the templates see it.
#[derive(Serialize)]
pub(super) struct ReservationView<'a> {
    id: &'a str,
    event: &'a str,
    state: ReservationState,
    refund_reason: Option<&'static str>,
    /// The card of the last attempt to pay.
    card: Option<&'a str>,
    amount: String,
    until: String,
    seconds_left: u64,
    seats: Vec<SeatView<'a>>,
}

#[derive(Serialize)]
struct SeatView<'a> {
    id: &'a str,
    name: String,
    price: String,
    ticket: Option<&'a str>,
}

impl<'a> ReservationView<'a> {
    pub(super) fn of(reservation: &'a Reservation, now: Timestamp, name: &dyn Fn(&SeatId) -> String) -> Self {
        let price = |cents| money::for_people(cents, &reservation.currency);
        Self {
            id: reservation.id.as_str(),
            event: reservation.event.as_str(),
            state: reservation.state_at(now),
            refund_reason: reservation.payment.refund_reason.map(RefundReason::as_str),
            card: reservation.card.as_deref(),
            amount: price(reservation.amount_cents),
            until: datetime::time_of_day(reservation.kept_until()),
            seconds_left: reservation.kept_until().since(now).as_secs(),
            seats: reservation
                .seats
                .iter()
                .map(|seat| SeatView {
                    id: seat.id.as_str(),
                    name: name(&seat.id),
                    price: price(seat.price_cents),
                    ticket: seat.ticket.as_deref(),
                })
                .collect(),
        }
    }
}

/// Why it is not paid yet.
struct Refused<'a> {
    problem: &'a Problem,
    /// What was given for an address, and is none.
    email: Option<&'a str>,
}

/// `GET /events/{event}/checkout/{reservation}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    PathId(id): PathId<ReservationId>,
    cookies: Cookies,
    reader: Reader,
) -> Result<Response, Problem> {
    let reservation = find(&app, &event, &id, known(&cookies)?).await?;
    page(&app, &reader, &cookies, &reservation, None).await
}

/// `POST /events/{event}/checkout/{reservation}/pay`
pub(super) async fn pay(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    PathId(id): PathId<ReservationId>,
    cookies: Cookies,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let fan = known(&cookies)?;
    let reservation = find(&app, &event, &id, fan).await?;
    let card = fields.all("card").next().unwrap_or_default();
    if let Some(email) = fields.all("email").next().filter(|email| !email.trim().is_empty()) {
        match EmailAddress::parse(email) {
            Ok(email) => {
                let contact = Contact { email, language: reader.language };
                app.checkout.tell_at(&id, fan, &contact).await?;
            }
            Err(error) => {
                let problem = no_address(&error);
                let refused = Refused { problem: &problem, email: Some(email) };
                return page(&app, &reader, &cookies, &reservation, Some(refused)).await;
            }
        }
    }
    match app.checkout.pay(&id, fan, card).await {
        Ok(PaymentOutcome::Confirmed(reservation)) => {
            app.events.claims_changed(&event);
            if app.reservations.has_bought_all(&reservation.event, fan).await? {
                // There is nothing more to buy, and the checkout lies where only the admitted may look.
                let mut response = see_other("/tickets")?;
                end_session(response.headers_mut());
                return Ok(response);
            }
            see_other(&address(&event, &id))
        }
        Ok(PaymentOutcome::Delayed(_)) => see_other(&address(&event, &id)),
        Err(PaymentRefused::Declined(held)) => {
            let problem = Problem::from(PaymentRefused::Declined(held.clone()));
            page(&app, &reader, &cookies, &held, Some(Refused { problem: &problem, email: None })).await
        }
        Err(PaymentRefused::Failed(held)) => {
            let problem = Problem::from(PaymentRefused::Failed(held.clone()));
            page(&app, &reader, &cookies, &held, Some(Refused { problem: &problem, email: None })).await
        }
        Err(PaymentRefused::Over(_)) => see_other(&address(&event, &id)),
        Err(refused) => Err(refused.into()),
    }
}

#[derive(Default, Deserialize)]
pub(super) struct CancelArgs {
    /// Whether the fan wants nothing else.
    leave: Option<String>,
}

/// `POST /events/{event}/checkout/{reservation}/cancel`
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    PathId(event): PathId<EventId>,
    PathId(id): PathId<ReservationId>,
    QueryArgs(args): QueryArgs<CancelArgs>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let fan = known(&cookies)?;
    find(&app, &event, &id, fan).await?;
    match give_back(&app, &id, fan).await? {
        // Paid: then it is the tickets that go back.
        Release::Confirmed | Release::Returned => {
            app.checkout.cancel(&id, fan).await?;
            see_other(&address(&event, &id))
        }
        release => {
            released(release)?;
            if args.leave.is_some() {
                // Who wants nothing makes room for the next in line.
                let mut response = see_other("/")?;
                end_session(response.headers_mut());
                return Ok(response);
            }
            see_other(&format!("/events/{event}"))
        }
    }
}

#[derive(Default, Deserialize)]
pub(super) struct FinishArgs {
    /// Whether it was the page that pressed the button, for nobody did anything.
    away: Option<String>,
}

/// `POST /events/{event}/finish`
pub(super) async fn finish(
    State(app): State<Arc<App>>,
    PathId(_): PathId<EventId>,
    QueryArgs(args): QueryArgs<FinishArgs>,
    cookies: Cookies,
) -> Result<Response, Problem> {
    // A page that was left open knows nothing of seats that the same fan is about to pay elsewhere.
    if args.away.is_some()
        && let Some(open) = open_of(&app, &cookies).await?
    {
        return see_other(&address(&open.event, &open.id));
    }
    let mut response = see_other("/tickets")?;
    end_session(response.headers_mut());
    Ok(response)
}

/// The newest of the fan's reservations that is not paid and not over.
async fn open_of(app: &App, cookies: &Cookies) -> Result<Option<Reservation>, Problem> {
    use ReservationState::{Held, Paying, PaymentDelayed};
    let Some(fan) = cookies.fan() else { return Ok(None) };
    let now = app.clock.now();
    let mut all = app.reservations.of_fan(fan, LIST_MAX).await?.into_iter();
    Ok(all.find(|one| matches!(one.state_at(now), Held | Paying | PaymentDelayed)))
}

async fn page(
    app: &App,
    reader: &Reader,
    cookies: &Cookies,
    reservation: &Reservation,
    refused: Option<Refused<'_>>,
) -> Result<Response, Problem> {
    let (texts, now) = (app.templates.texts(), app.clock.now());
    let detail = app.events.detail(&reservation.event).await?;
    let detail = detail.ok_or_else(Problem::event_not_found)?;
    let name = |seat: &SeatId| seat_name(&detail, seat, texts, reader.language);
    let account = match cookies.session() {
        Some(session) => app.accounts.account(session).await?,
        None => None,
    };
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.problem.status);
    let typed = refused.as_ref().and_then(|refused| refused.email);
    let told_at = app.stores.contacts.find(&reservation.id).await?.map(|contact| contact.email);
    let card = |card: &Card| {
        let name =
            texts.find(reader.language, "checkout", &format!("card_{}", card.id)).unwrap_or(card.label);
        context! { id => card.id, name }
    };
    let paying = matches!(reservation.state_at(now), ReservationState::Held) || is_in_browser(reservation);
    let stripe = app.checkout.provider().browser_key().filter(|_| paying).map(|key| {
        let currency = reservation.currency.to_lowercase();
        context! { key, currency, amount => reservation.amount_cents }
    });
    let has_stripe = stripe.is_some();
    let kept_until = app.checkout.kept_until(reservation);
    let view = ReservationView {
        until: datetime::time_of_day(kept_until),
        seconds_left: kept_until.since(now).as_secs(),
        ..ReservationView::of(reservation, now, &name)
    };
    let rooms = detail.sales.iter().map(|sale| &sale.waiting_room).chain([&detail.event.waiting_room]);
    let leaves = view.state == ReservationState::Expired && rooms.flatten().next().is_some();
    let context = context! {
        stripe,
        leaves_after => leaves.then_some(LEAVES_AFTER_SECONDS),
        event => EventView::of(&detail.event, 0, reader.language),
        reservation => view,
        account => account.as_ref().map(|account| account.email.expose()),
        told_at => typed.or(told_at.as_ref().map(EmailAddress::expose)),
        cards => app.checkout.provider().cards().iter().map(card).collect::<Vec<_>>(),
        may_cancel => reservation.state == ReservationState::Confirmed && app.checkout.may_cancel(reservation).await?,
        problem => refused.map(|refused| {
            let (title, detail) = texts.problem(reader.language, refused.problem);
            context! { title, detail }
        }),
    };
    let mut response = app.templates.page(reader, status, "checkout.html", context)?;
    if has_stripe {
        let_stripe_in(&mut response);
    }
    Ok(response)
}

async fn find(app: &App, event: &EventId, id: &ReservationId, fan: &FanId) -> Result<Reservation, Problem> {
    let reservation = found(app.reservations.find(id, fan).await?)?;
    if reservation.event == *event { Ok(reservation) } else { Err(Problem::reservation_not_found()) }
}

fn known(cookies: &Cookies) -> Result<&FanId, Problem> {
    cookies.fan().ok_or_else(Problem::reservation_not_found)
}

fn address(event: &EventId, id: &ReservationId) -> String {
    format!("/events/{event}/checkout/{id}")
}
