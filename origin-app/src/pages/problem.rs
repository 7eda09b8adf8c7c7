//! Problems, for people: where a page was asked for, a page says what went wrong.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::Response;
use minijinja::context;

use crate::app::App;
use crate::http::{Problem, Reader};
use crate::notifications::NoAddress;

/// Addresses that programs ask for.
const NOT_PAGES: [&str; 4] = ["/api/", "/assets/", "/healthz", "/readyz"];

/// What was given for a mail address is none.
pub(super) fn no_address(error: &NoAddress) -> Problem {
    unusable("no_address", &error.to_string())
}

/// Something that was given cannot be used.
pub(super) fn unusable(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "This cannot be used", format!("{detail}."))
}

/// Turns a problem that answers a person into a page.
pub(crate) async fn show_problems(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let for_people = !NOT_PAGES.iter().any(|start| request.uri().path().starts_with(start));
    let reader = Reader::of(&request);
    let response = next.run(request).await;
    match response.extensions().get::<Arc<Problem>>().cloned() {
        // Whoever is refused here has not come through the edge, and is no fan.
        Some(problem) if for_people && problem.code != "edge_signature" => {
            page(&app, &reader, &problem, response)
        }
        _ => response,
    }
}

/// The same answer with a page for a body. If the page cannot be rendered, the answer stays as it is.
fn page(app: &App, reader: &Reader, problem: &Problem, response: Response) -> Response {
    let (title, detail) = app.templates.texts().problem(reader.language, problem);
    let context = context! {
        title,
        detail,
        status => problem.status.as_u16(),
    };
    let Ok(page) = app.templates.page(reader, problem.status, "problem.html", context) else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(kind) = page.headers().get(CONTENT_TYPE) {
        parts.headers.insert(CONTENT_TYPE, kind.clone());
    }
    Response::from_parts(parts, Body::new(page.into_body()))
}
