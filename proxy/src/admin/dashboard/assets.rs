//! The files of the page. They hold nothing secret, so they need no token; all that they show they ask of the API.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};

use crate::admin::Desk;

/// What every answer of the listener tells browsers: nothing but our own files runs or is asked, nothing is framed, no
/// form goes anywhere, and scripts make no HTML of words.
pub(in crate::admin) const GUARDS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("../../../assets/dashboard/", $name)))
    };
}

/// Each with what it is.
const FILES: [(&str, &str, &str); 14] = [
    file!("dashboard.css", CSS),
    file!("icon.svg", PICTURE),
    file!("main.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("audit.js", SCRIPT),
    file!("changes.js", SCRIPT),
    file!("controls.js", SCRIPT),
    file!("dialogs.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("fan.js", SCRIPT),
    file!("figures.js", SCRIPT),
    file!("history.js", SCRIPT),
    file!("plots.js", SCRIPT),
    file!("words.js", SCRIPT),
];

fn answer(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

/// The page and what it loads.
pub(in crate::admin) fn routes() -> Router<Desk> {
    let (_, kind, page) = file!("index.html", HTML);
    let page = Router::new().route("/", get(move || async move { answer(kind, page) }));
    FILES.into_iter().fold(page, |router, (name, kind, text)| {
        router.route(&format!("/dashboard/{name}"), get(move || async move { answer(kind, text) }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_file_names_is_there_and_none_is_from_elsewhere() {
        let (_, _, page) = file!("index.html", HTML);
        let named = |text: &str, before: &str| -> Vec<String> {
            text.split(before).skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
        };
        let mut wanted = [named(page, "href=\"dashboard/"), named(page, "src=\"dashboard/")].concat();
        for (name, _, text) in FILES {
            assert!(!text.replace("http://www.w3.org/", "").contains("://"), "{name}");
            assert!(!text.contains("innerHTML") && !text.contains(".cookie"), "{name}");
            wanted.extend(named(text, "from \"./"));
        }
        for name in &wanted {
            assert!(FILES.iter().any(|(file, ..)| file == name), "{name}");
        }
        for (name, ..) in FILES {
            assert!(wanted.iter().any(|wanted| wanted == name), "nobody asks for {name}");
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/dashboard");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), FILES.len() + 1);
    }
}
