//! Headers by which some servers and frameworks learn a target, a host or a method that the request line does not say.
//! What was decided for the one must not be served as the other.

use super::fields::Fields;
use http::Method;

/// Headers that some take a target or a host from. Proxies write them, for those behind them; nobody else has a use for
/// them. (All that begins with `X-Forwarded-` the edge writes itself.)
const PLACES: [&str; 9] = [
    "x-original-url",
    "x-original-uri",
    "x-original-host",
    "x-rewrite-url",
    "x-override-url",
    "x-envoy-original-path",
    "x-accel-redirect",
    "x-host",
    "x-http-host-override",
];
/// Headers that some take a method from. With `POST` that is their use: clients behind old proxies know no other way
/// to say `PUT` or `DELETE`.
const METHODS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Whether a header with this name, in lower case and with `-` for `_`, stays outside when a request is forwarded.
pub fn leads_elsewhere(name: &str, method: &Method) -> bool {
    name.starts_with("x-") && (PLACES.contains(&name) || *method != Method::POST && METHODS.contains(&name))
}

/// Whether a request may be served as if it had another method.
pub(super) fn may_have_another_method(method: &Method, headers: &Fields<'_>) -> bool {
    *method == Method::POST && headers.keys().any(|name| METHODS.contains(&name.replace('_', "-").as_str()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn only_a_post_may_stand_for_another_method() {
        let mut headers = HeaderMap::new();
        assert!(!may_have_another_method(&Method::POST, &Fields::of(&headers)));
        headers.insert("x_http_method_override", HeaderValue::from_static("DELETE"));
        assert!(may_have_another_method(&Method::POST, &Fields::of(&headers)));
        assert!(!may_have_another_method(&Method::GET, &Fields::of(&headers)));
        assert!(leads_elsewhere("x-http-method-override", &Method::GET));
        assert!(!leads_elsewhere("x-http-method-override", &Method::POST));
        assert!(leads_elsewhere("x-original-url", &Method::POST));
        assert!(!leads_elsewhere("x-kept", &Method::GET));
    }
}
