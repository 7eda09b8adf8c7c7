//! By which name this listener is asked, and from which page. A browser near it asks whatever a page from anywhere tells it to
//! ask; a name that leads here though it is somebody else's (DNS rebinding) makes such a page one of this listener's own.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use super::Desk;
use super::problem::Problem;
use crate::gate::host::{self, Authority};

/// For everybody who can reach the listener, by whatever name.
const FOR_ALL: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foreign {
    /// The name is not this listener's.
    Name,
    /// The page is not.
    Page,
}

/// Refuses what comes by a foreign name, and changes that come from a foreign page.
pub(super) async fn guard(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let names = desk.fleet.admin_hosts();
    match check(request.uri(), request.headers(), is_safe, names) {
        Ok(()) => next.run(request).await,
        Err(Foreign::Name) => {
            let detail = "this listener is asked by an IP address, by localhost, or by a name in `admin_hosts` of edge.toml";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail).into_response()
        }
        Err(Foreign::Page) => {
            let detail = "a page from elsewhere (`Origin`) changes nothing here";
            Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response()
        }
    }
}

fn check(uri: &Uri, headers: &HeaderMap, is_safe: bool, names: &[String]) -> Result<(), Foreign> {
    if FOR_ALL.contains(&uri.path()) {
        return Ok(());
    }
    // A browser always says by which name. Who says none is no browser.
    let in_target = uri.authority().map(|authority| authority.as_str().as_bytes());
    let shown = headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes).chain(in_target);
    let mut asked = None;
    for name in shown {
        let name = host::parse(name).map_err(|_| Foreign::Name)?;
        if !is_own(&name, names) {
            return Err(Foreign::Name);
        }
        asked = Some(name);
    }
    if is_safe {
        return Ok(());
    }
    let own = |origin: &HeaderValue| {
        let page = origin.to_str().ok()?.split_once("://")?.1;
        Some(host::parse(page.as_bytes()).ok()? == asked.clone()?)
    };
    let is_foreign = |origin: &HeaderValue| own(origin) != Some(true);
    if headers.get_all(header::ORIGIN).iter().any(is_foreign) { Err(Foreign::Page) } else { Ok(()) }
}

/// Whether nobody else can have this name lead here: it is an address, this machine, or named by who runs the edge.
fn is_own(name: &Authority, names: &[String]) -> bool {
    let host = name.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<std::net::IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || names.iter().any(|own| own == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(host: &str, origin: &str, is_safe: bool) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        check(&Uri::from_static("/api/v1/rooms"), &headers, is_safe, &["ops.example".to_owned()])
    }

    #[test]
    fn only_names_that_lead_nowhere_else_are_answered() {
        for host in [
            "127.0.0.1:8081",
            "[::1]:8081",
            "10.1.2.3",
            "localhost:8081",
            "LOCALHOST",
            "edge.localhost",
            "Ops.example.:443",
            "",
        ] {
            assert_eq!(checked(host, "", false), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "ops.example.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "a b",
            "::1",
        ] {
            assert_eq!(checked(host, "", true), Err(Foreign::Name), "{host}");
        }
        let absolute = Uri::from_static("http://evil.example/api/v1/rooms");
        assert_eq!(check(&absolute, &HeaderMap::new(), true, &[]), Err(Foreign::Name));
        assert_eq!(
            check(&Uri::from_static("http://evil.example/metrics"), &HeaderMap::new(), true, &[]),
            Ok(())
        );
    }

    #[test]
    fn only_a_page_of_this_listener_changes_something() {
        let here = "127.0.0.1:8081";
        assert_eq!(checked(here, "http://127.0.0.1:8081", false), Ok(()));
        assert_eq!(
            checked("ops.example", "https://ops.example", false),
            Ok(()),
            "by who speaks TLS in front"
        );
        for origin in
            ["http://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:8081", "file://", "x"]
        {
            assert_eq!(checked(here, origin, false), Err(Foreign::Page), "{origin}");
            assert_eq!(checked(here, origin, true), Ok(()), "{origin} may ask, and cannot read the answer");
        }
        assert_eq!(checked("", "http://127.0.0.1:8081", false), Err(Foreign::Page));
    }
}
