//! Which room protects which path.

mod rule;

use std::cmp::Reverse;
use std::collections::HashMap;

use super::target::{Case, Target};
pub use rule::PathRule;
use rule::Shape;

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
        let (path, others) = (&self.path, &other.path);
        self.host == other.host
            && (&path.key, path.shape, path.case) == (&others.key, others.shape, others.case)
    }

    /// How precisely it says what it means: the most precise route wins.
    fn precision(&self) -> (usize, Shape, bool, bool) {
        let path = &self.path;
        (path.literal_length(), path.shape, path.case == Case::Kept, self.host.is_some())
    }
}

/// Routes without a pattern, by case and shape, then by key.
type Tables = [HashMap<String, usize>; 4];

/// All routes. Literal paths are looked up, so that a request costs the same however many rooms there are; only
/// patterns are tried one after the other.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// The most precise first.
    routes: Vec<Route>,
    /// Routes without a pattern, by host.
    by_host: HashMap<String, Tables>,
    /// Those for any host.
    any_host: Tables,
    /// Routes with a pattern.
    patterns: Vec<usize>,
    is_case_kept: bool,
}

impl Routes {
    /// Orders the routes: the longest path wins, then the exact one, then the one that names the host.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| Reverse(route.precision()));
        let mut all = Self {
            is_case_kept: routes.iter().any(|route| route.path.case == Case::Kept),
            ..Self::default()
        };
        for (index, route) in routes.iter().enumerate() {
            match table(route.path.case, route.path.shape) {
                Some(table) => {
                    let tables = match &route.host {
                        Some(host) => all.by_host.entry(host.clone()).or_default(),
                        None => &mut all.any_host,
                    };
                    if let Some(table) = tables.get_mut(table) {
                        table.entry(route.path.key.clone()).or_insert(index);
                    }
                }
                None => all.patterns.push(index),
            }
        }
        all.routes = routes;
        all
    }

    /// The room for a host and a path, by its key without regard to case and by its key as it is.
    fn find(&self, host: &str, ignored: &str, kept: &str) -> Option<usize> {
        let literal =
            [self.by_host.get(host), Some(&self.any_host)].into_iter().flatten().flat_map(|tables| {
                let kept = self.is_case_kept.then_some((Case::Kept, kept));
                [Some((Case::Ignored, ignored)), kept].into_iter().flatten().flat_map(move |(case, key)| {
                    let look = move |shape, key: &str| tables.get(table(case, shape)?)?.get(key).copied();
                    let exact =
                        look(Shape::Exact, key).or_else(|| look(Shape::Exact, key.strip_suffix('/')?));
                    // From the longest: everything before a slash.
                    let below =
                        key.rmatch_indices('/').find_map(|(at, _)| look(Shape::Below, key.get(..at)?));
                    [exact, below]
                })
            });
        let matches = |index: &usize| {
            self.routes.get(*index).is_some_and(|route| {
                let key = if route.path.case == Case::Kept { kept } else { ignored };
                route.host.as_deref().is_none_or(|wanted| wanted == host) && route.path.covers(key)
            })
        };
        let pattern = self.patterns.iter().copied().find(matches);
        // The routes are in order, so the lowest index is the most precise.
        let best = literal.flatten().chain(pattern).min()?;
        self.routes.get(best).map(|route| route.room)
    }

    /// The room for a target, or an error when its readings lead to different rooms.
    pub(super) fn find_both(&self, host: &str, target: &Target) -> Result<Option<usize>, ()> {
        let plain = self.find(host, target.plain(), target.plain_as(Case::Kept));
        let is_other = |(ignored, kept): (&str, &str)| self.find(host, ignored, kept) != plain;
        if target.others().any(is_other) { Err(()) } else { Ok(plain) }
    }
}

/// Which of a host's tables holds such routes; none holds patterns.
const fn table(case: Case, shape: Shape) -> Option<usize> {
    Some(match (case, shape) {
        (Case::Ignored, Shape::Exact) => 0,
        (Case::Ignored, Shape::Below) => 1,
        (Case::Kept, Shape::Exact) => 2,
        (Case::Kept, Shape::Below) => 3,
        (_, Shape::Pattern | Shape::PatternBelow) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::target;
    use super::*;

    fn rule(text: &str) -> PathRule {
        PathRule::parse(text).unwrap()
    }

    fn find(routes: &Routes, host: &str, path: &str) -> Option<usize> {
        routes.find_both(host, &target::parse(path.as_bytes()).unwrap().1).unwrap()
    }

    #[test]
    fn the_longest_match_wins() {
        let routes = Routes::new(vec![
            Route::new(None, rule("/*"), 0),
            Route::new(None, rule("/events/*"), 1),
            Route::new(None, rule("/events/demo"), 2),
            Route::new(Some("a.example".to_owned()), rule("/events/demo"), 3),
            Route::new(None, rule("/events/demo/*"), 4),
            Route::new(None, rule("/events/*/seats"), 5),
            Route::new(None, rule("/events/*-late/*"), 6),
            Route::new(Some("a.example".to_owned()), rule("/"), 7),
        ]);
        for (host, path, room) in [
            ("x", "/", Some(0)),
            ("x", "/events", Some(0)),
            ("x", "/events/", Some(1)),
            ("x", "/events/other", Some(1)),
            ("x", "/events/other/seats", Some(5)),
            ("x", "/events/a-late/seats", Some(5)),
            ("x", "/events/a-late/x", Some(6)),
            ("x", "/events/demo", Some(2)),
            ("a.example", "/events/demo", Some(3)),
            ("a.example", "/events/demo/", Some(3)),
            ("x", "/events/demo/x", Some(4)),
            ("x", "/EVENTS/demo/x", Some(4)),
            ("x", "/eventsdemo", Some(0)),
            ("a.example", "/", Some(7)),
            ("a.example", "/x", Some(0)),
        ] {
            assert_eq!(find(&routes, host, path), room, "{host}{path}");
        }
        assert_eq!(find(&Routes::default(), "x", "/"), None);
    }

    #[test]
    fn a_slash_at_the_end_leads_to_the_same_room() {
        let routes = Routes::new(vec![Route::new(None, rule("/buy"), 0)]);
        assert_eq!(find(&routes, "x", "/buy/"), Some(0));
        assert_eq!(find(&routes, "x", "/buy/x"), None);
        assert_eq!(find(&routes, "x", "/buyer"), None);
    }

    #[test]
    fn a_room_that_keeps_case_stands_beside_one_that_does_not() {
        let kept = PathRule::parse_as("/Buy/*", Case::Kept).unwrap();
        let routes = Routes::new(vec![Route::new(None, kept, 0), Route::new(None, rule("/*"), 1)]);
        assert_eq!(find(&routes, "x", "/Buy/x"), Some(0));
        assert_eq!(find(&routes, "x", "/buy/x"), Some(1));
        // A lenient reading keeps case too.
        let both = target::parse(b"/x/..%2fBuy/y").unwrap().1;
        assert_eq!(routes.find_both("x", &both), Err(()));
    }

    /// The tables find what trying one rule after the other finds.
    #[test]
    fn looking_up_is_trying_all() {
        let paths = ["/*", "/", "/a", "/a/*", "/a/b", "/a/b/*", "/*/b", "/a/*/c", "/a*", "/a/b/c/*", "/A/b"];
        let mut routes = Vec::new();
        for (room, path) in paths.iter().enumerate() {
            for (host, shift) in [(None, 0), (Some("h"), 100)] {
                let case = if path.contains('A') { Case::Kept } else { Case::Ignored };
                let path = PathRule::parse_as(path, case).unwrap();
                routes.push(Route::new(host.map(str::to_owned), path, room + shift));
            }
        }
        let routes = Routes::new(routes);
        for host in ["h", "other"] {
            for path in [
                "/", "/a", "/a/", "/a/b", "/a/b/", "/a/x/c", "/a/b/c", "/a/b/c/d", "/ab", "/A/b", "/A/B",
                "/q/b",
            ] {
                let (_, target) = target::parse(path.as_bytes()).unwrap();
                let tried = routes.routes.iter().find(|route| {
                    route.host.as_deref().is_none_or(|wanted| wanted == host)
                        && route.path.covers_target(&target)
                });
                assert_eq!(find(&routes, host, path), tried.map(|route| route.room), "{host}{path}");
            }
        }
    }
}
