//! The templates, in the binary. What goes into them is escaped by default.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, Value};

use crate::http::{Assets, Problem, private};

const TEMPLATES: [(&str, &str); 6] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("events.html", include_str!("../../templates/events.html")),
    ("event.html", include_str!("../../templates/event.html")),
    ("checkout.html", include_str!("../../templates/checkout.html")),
    ("tickets.html", include_str!("../../templates/tickets.html")),
    ("problem.html", include_str!("../../templates/problem.html")),
];

/// All templates, parsed.
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Parses the templates; the pages refer to `assets`.
    pub(crate) fn new(assets: &Assets) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        // A name that is misspelt is an error, not a gap on the page.
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        for (name, file) in [("css", "shop.css"), ("icon", "shop.svg"), ("js", "shop.js")] {
            environment.add_global(name, Value::from_safe_string(assets.address(file)));
        }
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// The page `name`, for this visitor only.
    pub(super) fn page(&self, status: StatusCode, name: &str, context: Value) -> Result<Response, Problem> {
        let html = self
            .0
            .get_template(name)
            .and_then(|template| template.render(context))
            .map_err(|error| Problem::internal(&error))?;
        let mut response = (status, Html(html)).into_response();
        private(response.headers_mut());
        Ok(response)
    }
}
