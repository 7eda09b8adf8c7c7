//! Accounts over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Account, Role};
use super::password::{HashError, Password};
use super::service::{AccountRefused, LoggedIn};
use crate::app::App;
use crate::datetime;
use crate::http::{Client, Cookies, JsonBody, Problem, private};
use crate::language::Language;
use crate::notifications::EmailAddress;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(verify))
        .routes(routes!(log_in))
        .routes(routes!(log_out))
        .routes(routes!(account))
        .routes(routes!(forgot))
        .routes(routes!(reset))
        .routes(routes!(change_password))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SignUp)]
struct SignUpBody {
    #[schema(value_type = String, example = "fan@example.com")]
    email: EmailAddress,
    #[schema(value_type = String, format = Password)]
    password: Password,
    language: Option<Language>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = LinkToken)]
struct TokenBody {
    token: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = LogIn)]
struct LogInBody {
    #[schema(value_type = String, example = "fan@example.com")]
    email: EmailAddress,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = Forgot)]
struct ForgotBody {
    #[schema(value_type = String, example = "fan@example.com")]
    email: EmailAddress,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewPassword)]
struct ResetBody {
    token: String,
    #[schema(value_type = String, format = Password)]
    password: Password,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordChange)]
struct ChangeBody {
    #[schema(format = Password)]
    old_password: String,
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// An account on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
struct AccountBody<'a> {
    email: &'a str,
    role: Role,
    language: Language,
    created_at: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
struct StatusBody {
    status: &'static str,
}

const MAIL_SENT: StatusBody = StatusBody { status: "mail_sent" };

fn answer(account: &Account) -> Response {
    let body = AccountBody {
        email: account.email.expose(),
        role: account.role,
        language: account.language,
        created_at: datetime::to_rfc3339(account.created_at),
    };
    let mut response = Json(body).into_response();
    private(response.headers_mut());
    response
}

/// Opens an account: the rest comes by mail, whether there is one of this address or not.
#[utoipa::path(post, path = "/api/auth/signup", tag = "accounts", request_body = SignUpBody,
    responses((status = 202, description = "The rest comes by mail", body = StatusBody)))]
async fn sign_up(
    State(app): State<Arc<App>>,
    Client(network): Client,
    headers: HeaderMap,
    JsonBody(SignUpBody { email, password, language }): JsonBody<SignUpBody>,
) -> Result<(StatusCode, Json<StatusBody>), Problem> {
    let language = language.unwrap_or_else(|| Language::preferred(&headers));
    app.accounts.sign_up(email, password, language, network).await?;
    Ok((StatusCode::ACCEPTED, Json(MAIL_SENT)))
}

/// Opens the account that a mail's link is for.
#[utoipa::path(post, path = "/api/auth/verify", tag = "accounts", request_body = TokenBody,
    responses((status = 200, description = "The account is open", body = StatusBody)))]
async fn verify(
    State(app): State<Arc<App>>,
    JsonBody(TokenBody { token }): JsonBody<TokenBody>,
) -> Result<Json<StatusBody>, Problem> {
    app.accounts.open(&token).await?;
    Ok(Json(StatusBody { status: "verified" }))
}

/// Logs in, and gives the session's cookie.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", request_body = LogInBody, responses((status = 200, body = AccountBody<'static>)))]
async fn log_in(
    State(app): State<Arc<App>>,
    Client(network): Client,
    cookies: Cookies,
    JsonBody(LogInBody { email, password }): JsonBody<LogInBody>,
) -> Result<Response, Problem> {
    let password = Password::presented(&password);
    let logged_in = app.accounts.log_in(&email, password, cookies.guest().cloned(), network).await?;
    bring_along(&app, &cookies, &logged_in).await;
    let mut response = answer(&logged_in.account);
    cookies.log_in(&mut response, &logged_in.token, logged_in.lasts);
    Ok(response)
}

/// What the guest only holds, the inventory alone may know.
pub(crate) async fn bring_along(app: &App, cookies: &Cookies, logged_in: &LoggedIn) {
    if let Some(guest) = cookies.guest()
        && let Err(error) = app.office.adopt(guest, &logged_in.account.fan).await
    {
        tracing::warn!(error = %error, "what a guest held did not come along");
    }
}

/// Ends this login.
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", responses((status = 204, description = "Nobody is logged in")))]
async fn log_out(State(app): State<Arc<App>>, cookies: Cookies) -> Result<Response, Problem> {
    if let Some(token) = cookies.session_token() {
        app.accounts.log_out(token).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookies.log_out(&mut response);
    Ok(response)
}

/// Whose login this is.
#[utoipa::path(get, path = "/api/auth/account", tag = "accounts", security(("session" = [])), responses((status = 200, body = AccountBody<'static>)))]
async fn account(State(app): State<Arc<App>>, cookies: Cookies) -> Result<Response, Problem> {
    let session = cookies.session().ok_or_else(login_needed)?;
    let account = app.accounts.account(session).await?.ok_or_else(login_needed)?;
    Ok(answer(&account))
}

/// Asks for a mail with which to set a new password.
#[utoipa::path(post, path = "/api/auth/forgot", tag = "accounts", request_body = ForgotBody,
    responses((status = 202, description = "The rest comes by mail", body = StatusBody)))]
async fn forgot(
    State(app): State<Arc<App>>,
    Client(network): Client,
    JsonBody(ForgotBody { email }): JsonBody<ForgotBody>,
) -> Result<(StatusCode, Json<StatusBody>), Problem> {
    app.accounts.forgot(&email, network).await?;
    Ok((StatusCode::ACCEPTED, Json(MAIL_SENT)))
}

/// Sets a new password, by the link of such a mail.
#[utoipa::path(post, path = "/api/auth/reset", tag = "accounts", request_body = ResetBody,
    responses((status = 200, description = "The password is set", body = StatusBody)))]
async fn reset(
    State(app): State<Arc<App>>,
    JsonBody(ResetBody { token, password }): JsonBody<ResetBody>,
) -> Result<Json<StatusBody>, Problem> {
    app.accounts.reset(&token, password).await?;
    Ok(Json(StatusBody { status: "password_set" }))
}

/// Sets a new password, by the old one, and ends every other login.
#[utoipa::path(post, path = "/api/auth/password", tag = "accounts", request_body = ChangeBody, security(("session" = [])),
    responses((status = 200, description = "The password is set, and every other login has ended", body = StatusBody)))]
async fn change_password(
    State(app): State<Arc<App>>,
    Client(network): Client,
    cookies: Cookies,
    JsonBody(ChangeBody { old_password, password }): JsonBody<ChangeBody>,
) -> Result<Json<StatusBody>, Problem> {
    let who = cookies.session_token().zip(cookies.session()).ok_or_else(login_needed)?;
    let old = Password::presented(&old_password);
    app.accounts.change_password(who, old, password, network).await?;
    Ok(Json(StatusBody { status: "password_set" }))
}

/// Only for who is logged in.
fn login_needed() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "login_needed", "You are not logged in", "Log in, and try again.")
}

impl From<AccountRefused> for Problem {
    fn from(refused: AccountRefused) -> Self {
        match refused {
            AccountRefused::TooOften(after) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_often",
                "Too many attempts",
                "This was tried too often. Please wait, then try again.",
            )
            .retry_after(u32::try_from(after.0.as_secs().saturating_add(1)).unwrap_or(u32::MAX)),
            AccountRefused::LoginFailed => Self::new(
                StatusCode::UNAUTHORIZED,
                "login_failed",
                "The login failed",
                "Address and password do not go together. If the account is new, follow the link in our mail first.",
            ),
            AccountRefused::NotLoggedIn => login_needed(),
            AccountRefused::WrongPassword => Self::new(
                StatusCode::FORBIDDEN,
                "wrong_password",
                "This is not your password",
                "The old password is another. Nothing was changed.",
            ),
            AccountRefused::NoLink => Self::new(
                StatusCode::GONE,
                "link_over",
                "The link works no more",
                "It was used, or its time is over, or it is not whole. Ask for a new one.",
            ),
            AccountRefused::Hash(HashError::Busy) => Self::busy(),
            AccountRefused::Hash(error) => Self::internal(&error),
            AccountRefused::Store(error) => error.into(),
            AccountRefused::Random(error) => Self::internal(&error),
        }
    }
}
