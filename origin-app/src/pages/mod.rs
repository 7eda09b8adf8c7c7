//! What a person sees: rendered here, whole without a script. The script only adds what changes by itself: live
//! seats, a sum, a countdown.

mod account;
mod checkout;
mod event;
mod events;
mod language;
mod mould;
mod organiser;
mod organiser_back;
mod organiser_form;
mod problem;
mod seatmap;
mod seats;
mod templates;
mod texts;
mod ticket;
mod tickets;
mod views;
mod waitlist;

use std::sync::Arc;

use axum::Router;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;
use crate::http::{Problem, private};

pub(crate) use problem::show_problems;
pub(crate) use seats::SeatMaps;
pub(crate) use templates::Templates;

/// The routes of the pages.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(events::list))
        .route("/language", post(language::choose))
        .route("/events/{event}", get(event::show))
        .route("/events/{event}/hold", post(event::hold))
        .route("/events/{event}/waitlist", post(waitlist::join))
        .route("/events/{event}/waitlist/leave", post(waitlist::leave))
        .route("/events/{event}/finish", post(checkout::finish))
        .route("/events/{event}/checkout/{reservation}", get(checkout::show))
        .route("/events/{event}/checkout/{reservation}/pay", post(checkout::pay))
        .route("/events/{event}/checkout/{reservation}/cancel", post(checkout::cancel))
        .route("/organiser", get(organiser::list))
        .route("/organiser/events/new", get(organiser::new))
        .route("/organiser/events", post(organiser::create))
        .route("/organiser/events/{event}", get(organiser::show).post(organiser::change))
        .route("/organiser/events/{event}/publish", post(organiser::publish))
        .route(
            "/organiser/events/{event}/call-off",
            get(organiser_back::ask_call_off).post(organiser_back::call_off),
        )
        .route(
            "/organiser/events/{event}/refund",
            get(organiser_back::ask_refund).post(organiser_back::refund),
        )
        .route("/account", get(account::show))
        .route("/account/login", get(account::show_login).post(account::log_in))
        .route("/account/logout", post(account::log_out))
        .route("/account/signup", get(account::show_signup).post(account::sign_up))
        .route("/account/verify", get(account::show_verify).post(account::verify))
        .route("/account/forgot", get(account::show_forgot).post(account::forgot))
        .route("/account/reset", get(account::show_reset).post(account::reset))
        .route("/account/password", get(account::show_password).post(account::change_password))
        .route("/tickets", get(tickets::show))
        .route("/tickets/{code}", get(ticket::show))
        .route("/tickets/{code}/calendar.ics", get(ticket::calendar))
}

/// Sends the browser on, so that reloading the next page repeats nothing.
fn see_other(address: &str) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(address).map_err(|error| Problem::internal(&error))?;
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    private(response.headers_mut());
    Ok(response)
}
