//! Who goes past a room's line by a rule of the operator: health checks, the organiser's office, a partner's server.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method};
use ipnet::IpNet;
use subtle::ConstantTimeEq as _;

use super::elsewhere::may_have_another_method;
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
    pub headers: &'a HeaderMap,
}

impl BypassRule {
    /// Whether the request goes past the line by this rule.
    pub fn covers(&self, asked: &Asked<'_>) -> bool {
        let Self { name: _, paths, methods, networks, headers } = self;
        let any = paths.is_empty() && methods.is_empty() && networks.is_empty() && headers.is_empty();
        !any && (paths.is_empty() || paths.iter().any(|path| path.covers_both(asked.target)))
            && (methods.is_empty() || is_one_of(methods, asked))
            && (networks.is_empty() || asked.client.is_some_and(|client| contains(networks, client)))
            && headers.iter().all(|(name, value)| shows(asked.headers, name, value))
    }
}

fn is_one_of(methods: &[Method], asked: &Asked<'_>) -> bool {
    methods.contains(asked.method) && !may_have_another_method(asked.method, asked.headers)
}

fn contains(networks: &[IpNet], client: IpAddr) -> bool {
    let client = client.to_canonical();
    networks.iter().any(|network| network.contains(&client))
}

/// Whether the header comes once, with this value. It may be a secret, so it is compared in constant time.
fn shows(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(only), None) => only.as_bytes().ct_eq(value.as_bytes()).into(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
        };
        let covers =
            |rule: &BypassRule, path: &str, method, client: Option<&str>, values: &[&'static str]| {
                let (_, target) = target::parse(path.as_bytes()).unwrap();
                let mut headers = HeaderMap::new();
                for value in values {
                    headers.append("x-partner", HeaderValue::from_static(value));
                }
                let client = client.map(|client| client.parse().unwrap());
                rule.covers(&Asked { target: &target, method: &method, client, headers: &headers })
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
