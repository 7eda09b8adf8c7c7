//! Which room protects which path.

use std::fmt;

use super::target::{self, Target};

/// A path that a room protects: exact, or everything below it. Compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    written: String,
    key: String,
    below: bool,
}

impl PathRule {
    /// Reads `/path` or `/path/*`.
    pub fn parse(text: &str) -> Option<Self> {
        let (literal, below) = match text.strip_suffix("/*") {
            Some(literal) => (literal, true),
            None => (text, false),
        };
        if !text.starts_with('/') {
            return None;
        }
        let whole = if literal.is_empty() { "/" } else { literal };
        let (None, parsed) = target::parse(whole.as_bytes()).ok()? else { return None };
        let is_plain = parsed.path().len() == whole.len() || !whole.is_ascii();
        let is_unambiguous = parsed.query().is_none()
            && parsed.plain() == parsed.loose()
            && !whole.contains(['*', '%', ';'])
            && !super::is_edge_path(parsed.plain());
        if !is_plain || !is_unambiguous || (whole.len() > 1 && whole.ends_with('/')) {
            return None;
        }
        let key = if whole == "/" && below { String::new() } else { parsed.plain().to_owned() };
        Some(Self { written: text.to_owned(), key, below })
    }

    /// Whether the path with this key is one of those meant. An exact path also means the same with a slash at
    /// its end: most shops answer both alike.
    fn covers(&self, key: &str) -> bool {
        match key.strip_prefix(self.key.as_str()) {
            Some(rest) if self.below => rest.starts_with('/'),
            Some(rest) => rest.is_empty() || rest == "/",
            None => false,
        }
    }

    /// Whether it names exactly the page with this key.
    pub(super) fn is_exactly(&self, key: &str) -> bool {
        !self.below && self.covers(key)
    }

    /// The first page that it means.
    pub fn first_page(&self) -> String {
        self.written.trim_end_matches('*').to_owned()
    }
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Leads from a host and a path to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    host: Option<String>,
    /// The path.
    pub path: PathRule,
    room: usize,
}

impl Route {
    /// A route to the `room`th room; on any host where `host` is nothing.
    pub fn new(host: Option<String>, path: PathRule, room: usize) -> Self {
        Self { host, path, room }
    }

    /// Whether the two routes mean the same requests.
    pub fn same_as(&self, other: &Self) -> bool {
        self.host == other.host && self.path.key == other.path.key && self.path.below == other.path.below
    }
}

/// All routes, the most specific first.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Orders the routes: the longest path wins, then the exact one, then the one that names the host.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| {
            let order = (route.path.key.len(), !route.path.below, route.host.is_some());
            std::cmp::Reverse(order)
        });
        Self(routes)
    }

    /// The room for a host and a path key.
    pub fn find(&self, host: &str, key: &str) -> Option<usize> {
        self.0
            .iter()
            .find(|route| route.host.as_deref().is_none_or(|wanted| wanted == host) && route.path.covers(key))
            .map(|route| route.room)
    }

    /// The room for a target, or an error when its two readings lead to different rooms.
    pub(super) fn find_both(&self, host: &str, target: &Target) -> Result<Option<usize>, ()> {
        let plain = self.find(host, target.plain());
        if plain == self.find(host, target.loose()) { Ok(plain) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> PathRule {
        PathRule::parse(text).unwrap()
    }

    #[test]
    fn rules_are_plain_paths() {
        for good in ["/", "/*", "/a", "/a/*", "/Events/Demo", "/a/b.html", "/é", "/a-b_c~d"] {
            assert!(PathRule::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "*",
            "/a*",
            "/a/*/b",
            "/a/",
            "//a",
            "/a/../b",
            "/a%20b",
            "/a?b",
            "/a#b",
            "/a;b",
            "/a b",
            "http://h/a",
            "/.waiting-room",
            "/.waiting-room/*",
            "/a/./b",
            "/a\\b",
        ] {
            assert!(PathRule::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_longest_match_wins() {
        let routes = Routes::new(vec![
            Route::new(None, rule("/*"), 0),
            Route::new(None, rule("/events/*"), 1),
            Route::new(None, rule("/events/demo"), 2),
            Route::new(Some("a.example".to_owned()), rule("/events/demo"), 3),
            Route::new(None, rule("/events/demo/*"), 4),
        ]);
        for (host, key, room) in [
            ("x", "/", Some(0)),
            ("x", "/events", Some(0)),
            ("x", "/events/", Some(1)),
            ("x", "/events/other", Some(1)),
            ("x", "/events/demo", Some(2)),
            ("a.example", "/events/demo", Some(3)),
            ("x", "/events/demo/seats", Some(4)),
            ("x", "/eventsdemo", Some(0)),
        ] {
            assert_eq!(routes.find(host, key), room, "{host}{key}");
        }
        assert_eq!(Routes::default().find("x", "/"), None);
    }

    #[test]
    fn a_slash_at_the_end_leads_to_the_same_room() {
        let routes = Routes::new(vec![Route::new(None, rule("/buy"), 0)]);
        assert_eq!(routes.find("x", "/buy/"), Some(0));
        assert_eq!(routes.find("x", "/buy/x"), None);
        assert_eq!(routes.find("x", "/buyer"), None);
    }
}
