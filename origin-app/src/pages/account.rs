//! Signing up, logging in and out, a new password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::problem::{no_address, unusable};
use super::see_other;
use crate::accounts::{AccountRefused, Password, Role, bring_along};
use crate::app::App;
use crate::http::{Client, Cookies, Fields, Problem, QueryArgs, Reader, back_to};
use crate::notifications::EmailAddress;

/// A form of an account.
#[derive(Clone, Copy)]
enum View {
    LogIn,
    SignUp,
    Forgot,
    Verify,
    Reset,
    Password,
}

impl View {
    /// Its word, in its address and in the words of the pages.
    const fn as_str(self) -> &'static str {
        match self {
            Self::LogIn => "login",
            Self::SignUp => "signup",
            Self::Forgot => "forgot",
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::Password => "password",
        }
    }
}

/// What a form is shown with.
#[derive(Default, Deserialize)]
pub(super) struct Given {
    /// Where to go after logging in.
    #[serde(default)]
    next: String,
    /// What came by mail.
    #[serde(default)]
    token: String,
    #[serde(skip)]
    email: String,
}

/// `GET /account`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    reader: Reader,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let account = match cookies.session() {
        Some(session) => app.accounts.account(session).await?,
        None => None,
    };
    let account = account.map(|account| {
        context! { email => account.email.expose(), organiser => account.role == Role::Organiser }
    });
    app.templates.page(&reader, StatusCode::OK, "account.html", context! { account })
}

macro_rules! shown {
    ($($(#[$doc:meta])* $name:ident: $view:expr),+ $(,)?) => {
        $($(#[$doc])*
        pub(super) async fn $name(
            State(app): State<Arc<App>>,
            reader: Reader,
            QueryArgs(given): QueryArgs<Given>,
        ) -> Result<Response, Problem> {
            form(&app, &reader, $view, &given, None)
        })+
    };
}

shown! {
    /// `GET /account/login`
    show_login: View::LogIn,
    /// `GET /account/signup`
    show_signup: View::SignUp,
    /// `GET /account/forgot`
    show_forgot: View::Forgot,
    /// `GET /account/verify`: with a button, for programs that look at mails follow every link.
    show_verify: View::Verify,
    /// `GET /account/reset`
    show_reset: View::Reset,
}

/// `POST /account/login`
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    Client(network): Client,
    reader: Reader,
    cookies: Cookies,
    fields: Fields,
) -> Result<Response, Problem> {
    let given = given(&fields);
    // What is no address is nobody's, and no other answer.
    let Ok(email) = EmailAddress::parse(&given.email) else {
        return form(&app, &reader, View::LogIn, &given, Some(AccountRefused::LoginFailed.into()));
    };
    let password = Password::presented(field(&fields, "password"));
    match app.accounts.log_in(&email, password, cookies.guest().cloned(), network).await {
        Ok(logged_in) => {
            bring_along(&app, &cookies, &logged_in).await;
            let next = if given.next.is_empty() { "/account" } else { back_to(&given.next) };
            let mut response = see_other(next)?;
            cookies.log_in(&mut response, &logged_in.token, logged_in.lasts);
            Ok(response)
        }
        Err(refused) => form(&app, &reader, View::LogIn, &given, Some(refused.into())),
    }
}

/// `POST /account/logout`
pub(super) async fn log_out(State(app): State<Arc<App>>, cookies: Cookies) -> Result<Response, Problem> {
    if let Some(token) = cookies.session_token() {
        app.accounts.log_out(token).await?;
    }
    let mut response = see_other("/account")?;
    cookies.log_out(&mut response);
    Ok(response)
}

/// `POST /account/signup`
pub(super) async fn sign_up(
    State(app): State<Arc<App>>,
    Client(network): Client,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let given = given(&fields);
    let (email, password) = (EmailAddress::parse(&given.email), Password::new(field(&fields, "password")));
    let refused = match (email, password) {
        (Ok(email), Ok(password)) => {
            let done = app.accounts.sign_up(email, password, reader.language, network).await;
            done.map_err(Problem::from)
        }
        (Err(error), _) => Err(no_address(&error)),
        (_, Err(error)) => Err(unusable("no_password", &error.to_string())),
    };
    finished(&app, &reader, View::SignUp, &given, refused)
}

/// `POST /account/verify`
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let given = given(&fields);
    let done = app.accounts.open(&given.token).await.map_err(Problem::from);
    finished(&app, &reader, View::Verify, &given, done)
}

/// `POST /account/forgot`
pub(super) async fn forgot(
    State(app): State<Arc<App>>,
    Client(network): Client,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let given = given(&fields);
    let done = match EmailAddress::parse(&given.email) {
        Ok(email) => app.accounts.forgot(&email, network).await.map_err(Problem::from),
        Err(error) => Err(no_address(&error)),
    };
    finished(&app, &reader, View::Forgot, &given, done)
}

/// `POST /account/reset`
pub(super) async fn reset(
    State(app): State<Arc<App>>,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let given = given(&fields);
    let done = match Password::new(field(&fields, "password")) {
        Ok(password) => app.accounts.reset(&given.token, password).await.map_err(Problem::from),
        Err(error) => Err(unusable("no_password", &error.to_string())),
    };
    finished(&app, &reader, View::Reset, &given, done)
}

/// `GET /account/password`
pub(super) async fn show_password(
    State(app): State<Arc<App>>,
    reader: Reader,
    cookies: Cookies,
) -> Result<Response, Problem> {
    match cookies.session() {
        Some(_) => form(&app, &reader, View::Password, &Given::default(), None),
        None => see_other("/account/login?next=/account/password"),
    }
}

/// `POST /account/password`
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    Client(network): Client,
    cookies: Cookies,
    reader: Reader,
    fields: Fields,
) -> Result<Response, Problem> {
    let Some(who) = cookies.session_token().zip(cookies.session()) else {
        return see_other("/account/login?next=/account/password");
    };
    let old = Password::presented(field(&fields, "old"));
    let done = match Password::new(field(&fields, "password")) {
        Ok(new) => app.accounts.change_password(who, old, new, network).await.map_err(Problem::from),
        Err(error) => Err(unusable("no_password", &error.to_string())),
    };
    finished(&app, &reader, View::Password, &Given::default(), done)
}

/// The page that says that it was done, or the form again, with why not.
fn finished(
    app: &App,
    reader: &Reader,
    view: View,
    given: &Given,
    done: Result<(), Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => {
            let context = context! { view => view.as_str() };
            app.templates.page(reader, StatusCode::OK, "account_done.html", context)
        }
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => form(app, reader, view, given, Some(problem)),
    }
}

fn form(
    app: &App,
    reader: &Reader,
    view: View,
    given: &Given,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    if status.is_server_error() {
        return Err(problem.unwrap_or_else(Problem::not_found));
    }
    let problem = problem.map(|problem| {
        let (title, detail) = app.templates.texts().problem(reader.language, &problem);
        context! { title, detail }
    });
    let context = context! {
        view => view.as_str(),
        next => given.next,
        token => given.token,
        email => given.email,
        problem,
    };
    app.templates.page(reader, status, "account_form.html", context)
}

fn given(fields: &Fields) -> Given {
    let text = |name| field(fields, name).to_owned();
    Given { next: text("next"), token: text("token"), email: text("email") }
}

fn field<'a>(fields: &'a Fields, name: &'a str) -> &'a str {
    fields.all(name).next().unwrap_or_default()
}
