//! Who goes past a room's line by a rule of the operator: health checks, the organiser's office, a partner's server.

use std::net::IpAddr;

use admission::clock::Timestamp;
use admission::signed_cookie::CookieKeys;
use http::{HeaderName, Method};
use ipnet::IpNet;
use subtle::ConstantTimeEq as _;

use super::credentials::{TRIES_MAX, cookies};
use super::elsewhere::may_have_another_method;
use super::fields::Fields;
use super::routes::PathRule;
use super::target::Target;

/// A rule. All that it names has to hold; a list holds when one of its entries does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BypassRule {
    /// Its name, by which it is counted.
    pub name: String,
    /// Paths; empty for any of the room.
    pub paths: Vec<PathRule>,
    /// Methods; empty for any.
    pub methods: Vec<Method>,
    /// Where the client is; empty for anywhere.
    pub networks: Vec<IpNet>,
    /// Headers and their values, each of which has to come exactly so.
    pub headers: Vec<(HeaderName, String)>,
    /// A cookie that somebody signed.
    pub cookie: Option<CookieRule>,
}

/// A cookie that has to come, signed and current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieRule {
    /// Its name.
    pub name: String,
    /// The name of the keys that may have signed it.
    pub key: String,
    /// What it has to say: claims and their values.
    pub claims: Vec<(String, String)>,
}

/// What is known of a request when a rule is looked for.
pub struct Asked<'a> {
    /// The target.
    pub target: &'a Target,
    /// The method.
    pub method: &'a Method,
    /// Who asks; nothing where that is not known.
    pub client: Option<IpAddr>,
    /// The headers.
    pub headers: &'a Fields<'a>,
    /// The keys that signed cookies are checked with.
    pub cookie_keys: &'a CookieKeys,
    /// The time.
    pub now: Timestamp,
}

impl BypassRule {
    /// Whether the request goes past the line by this rule.
    pub fn covers(&self, asked: &Asked<'_>) -> bool {
        self.failing(asked).is_none()
    }

    /// Whether it holds for whoever asks for the right thing: it names paths and methods alone.
    pub fn is_for_anybody(&self) -> bool {
        self.networks.is_empty() && self.headers.is_empty() && self.cookie.is_none()
    }

    /// The first thing that the rule names and that does not hold; nothing where all of it does.
    pub fn failing(&self, asked: &Asked<'_>) -> Option<&'static str> {
        let Self { name: _, paths, methods, networks, headers, cookie } = self;
        let lists = paths.len() + methods.len() + networks.len() + headers.len();
        if lists == 0 && cookie.is_none() {
            return Some("it names nothing");
        }
        if !paths.is_empty() && !paths.iter().any(|path| path.covers_both(asked.target)) {
            return Some("none of its paths is asked for");
        }
        if !methods.is_empty() && !is_one_of(methods, asked) {
            return Some("the method is none of its methods");
        }
        if !networks.is_empty() && !asked.client.is_some_and(|client| contains(networks, client)) {
            return Some("the client is in none of its networks");
        }
        if !headers.iter().all(|(name, value)| shows(asked.headers, name, value)) {
            return Some("a header that it asks for does not come, or not with its value");
        }
        let is_shown = cookie.as_ref().is_none_or(|cookie| cookie.is_shown(asked));
        (!is_shown).then_some("the cookie that it asks for does not come signed, current and with its claims")
    }
}

fn is_one_of(methods: &[Method], asked: &Asked<'_>) -> bool {
    methods.contains(asked.method) && !may_have_another_method(asked.method, asked.headers)
}

impl CookieRule {
    /// Whether the cookie comes, signed, current, and with its claims. The dearest of all questions, so it is asked last.
    fn is_shown(&self, asked: &Asked<'_>) -> bool {
        cookies(asked.headers, &self.name)
            .take(TRIES_MAX)
            .any(|cookie| asked.cookie_keys.opens(&self.key, cookie, &self.claims, asked.now))
    }
}

fn contains(networks: &[IpNet], client: IpAddr) -> bool {
    let client = client.to_canonical();
    networks.iter().any(|network| network.contains(&client))
}

/// Whether the header comes once, with this value. It may be a secret, so it is compared in constant time.
fn shows(headers: &Fields<'_>, name: &HeaderName, value: &str) -> bool {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(only), None) => only.as_bytes().ct_eq(value.as_bytes()).into(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::super::target;
    use super::*;

    #[test]
    fn all_that_a_rule_names_has_to_hold() {
        let rule = BypassRule {
            name: "partner".to_owned(),
            paths: vec![PathRule::parse("/buy/*").unwrap(), PathRule::parse("/health").unwrap()],
            methods: vec![Method::GET],
            networks: vec!["198.51.100.0/24".parse().unwrap()],
            headers: vec![(HeaderName::from_static("x-partner"), "0123456789".to_owned())],
            cookie: None,
        };
        let covers =
            |rule: &BypassRule, path: &str, method, client: Option<&str>, values: &[&'static str]| {
                let (_, target) = target::parse(path.as_bytes()).unwrap();
                let mut headers = HeaderMap::new();
                for value in values {
                    headers.append("x-partner", HeaderValue::from_static(value));
                }
                let client = client.map(|client| client.parse().unwrap());
                let (cookie_keys, now) = (&CookieKeys::default(), Timestamp::default());
                rule.covers(&Asked {
                    target: &target,
                    method: &method,
                    client,
                    headers: &Fields::of(&headers),
                    cookie_keys,
                    now,
                })
            };
        let good = &["0123456789"][..];
        let here = Some("198.51.100.9");
        assert!(covers(&rule, "/buy/x", Method::GET, here, good));
        assert!(covers(&rule, "/health", Method::GET, Some("::ffff:198.51.100.9"), good));
        assert!(!covers(&rule, "/buy", Method::GET, here, good));
        assert!(!covers(&rule, "/buy/..%2fpay", Method::GET, here, good), "a lenient server reads /pay");
        assert!(!covers(&rule, "/buy/x", Method::POST, here, good));
        assert!(!covers(&rule, "/buy/x", Method::GET, Some("203.0.113.9"), good));
        assert!(!covers(&rule, "/buy/x", Method::GET, None, good));
        for bad in [&[][..], &["012345678"], &["0123456789", "0123456789"], &["other", "0123456789"]] {
            assert!(!covers(&rule, "/buy/x", Method::GET, here, bad), "{bad:?}");
        }
        let nothing = BypassRule::default();
        assert!(
            !covers(&nothing, "/buy/x", Method::GET, here, good),
            "a rule that names nothing covers nobody"
        );
    }
}
