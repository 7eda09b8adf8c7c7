//! A path that a room protects, as written in its configuration.

use std::fmt;

use super::super::target::{self, Target};
use super::super::{is_edge_path, target::Case};

/// A path that a room protects.
///
/// - `/buy` is that page, with or without a slash at its end: most shops answer both alike.
/// - `/buy/*` is everything below it.
/// - `/*/buy`, `/event-*`, `/shop/*/seats/*`: any other `*` stands for one or more characters that are no slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    written: String,
    /// The literal path, or the pattern, without a `/*` at its end.
    pub(super) key: String,
    pub(super) shape: Shape,
    /// Whether upper and lower case differ.
    pub(super) case: Case,
}

/// What a rule covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Everything below a path that matches a pattern.
    PatternBelow,
    /// Everything below a path.
    Below,
    /// The paths that match a pattern.
    Pattern,
    /// One path.
    Exact,
}

impl PathRule {
    /// Reads a path, compared without regard to case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_as(text, Case::Ignored)
    }

    /// Reads a path.
    pub fn parse_as(text: &str, case: Case) -> Option<Self> {
        let (whole, below) = match text.strip_suffix("/*") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if !text.starts_with('/') || text.contains("**") {
            return None;
        }
        let whole = if whole.is_empty() { "/" } else { whole };
        // A star is written where some letters are.
        let literal = whole.replace('*', "x");
        let (None, parsed) = target::parse(literal.as_bytes()).ok()? else { return None };
        let is_plain = parsed.path().len() == literal.len() || !literal.is_ascii();
        let is_unambiguous = parsed.query().is_none()
            && parsed.has_one_reading()
            && !literal.contains(['%', ';'])
            && !is_edge_path(parsed.plain())
            && !covers_the_edge(whole);
        if !is_plain || !is_unambiguous || (whole.len() > 1 && whole.ends_with('/')) {
            return None;
        }
        let key = match case {
            Case::Ignored => whole.to_lowercase(),
            Case::Kept => whole.to_owned(),
        };
        let key = if whole == "/" && below { String::new() } else { key };
        let shape = match (whole.contains('*'), below) {
            (true, true) => Shape::PatternBelow,
            (true, false) => Shape::Pattern,
            (false, true) => Shape::Below,
            (false, false) => Shape::Exact,
        };
        Some(Self { written: text.to_owned(), key, shape, case })
    }

    /// How much of a path it spells out, in bytes.
    pub(super) fn literal_length(&self) -> usize {
        self.key.len() - self.key.matches('*').count()
    }

    /// Whether the path with this key is one of those meant.
    pub(super) fn covers(&self, key: &str) -> bool {
        match self.shape {
            Shape::Exact => key.strip_prefix(self.key.as_str()).is_some_and(|rest| matches!(rest, "" | "/")),
            Shape::Below => key.strip_prefix(self.key.as_str()).is_some_and(|rest| rest.starts_with('/')),
            Shape::Pattern => match after_pattern(&self.key, key) {
                Some(rest) => matches!(rest, "" | "/"),
                None => false,
            },
            Shape::PatternBelow => after_pattern(&self.key, key).is_some_and(|rest| rest.starts_with('/')),
        }
    }

    /// Whether it covers the target, in its plain reading.
    pub fn covers_target(&self, target: &Target) -> bool {
        self.covers(target.plain_as(self.case))
    }

    /// Whether it covers the target however that is read: what is less strict than the room it belongs to must not
    /// be reached by a spelling that leads elsewhere.
    pub fn covers_both(&self, target: &Target) -> bool {
        self.covers_target(target) && target.others_as(self.case).all(|key| self.covers(key))
    }

    /// Whether it names exactly the page.
    pub(in super::super) fn is_exactly(&self, target: &Target) -> bool {
        self.shape == Shape::Exact && self.covers_target(target)
    }

    /// The first page that it means, as far as it is spelled out.
    pub fn first_page(&self) -> String {
        let spelled = self.written.split('*').next().unwrap_or_default();
        match self.shape {
            Shape::Exact | Shape::Below => spelled.to_owned(),
            Shape::Pattern | Shape::PatternBelow => {
                spelled.rsplit_once('/').map_or_else(|| "/".to_owned(), |(folder, _)| format!("{folder}/"))
            }
        }
    }
}

/// Whether a pattern could cover the edge's own paths, which no room protects.
fn covers_the_edge(pattern: &str) -> bool {
    let first = pattern.split('/').nth(1).unwrap_or_default();
    first.contains('*') && first.starts_with('.') && segment_matches(first, ".waiting-room")
}

/// What follows the segments that match those of the pattern; nothing where they do not match.
fn after_pattern<'a>(pattern: &str, key: &'a str) -> Option<&'a str> {
    let mut rest = key;
    for wanted in pattern.split('/').skip(1) {
        let inside = rest.strip_prefix('/')?;
        let end = inside.find('/').unwrap_or(inside.len());
        let (segment, after) = inside.split_at_checked(end)?;
        if !segment_matches(wanted, segment) {
            return None;
        }
        rest = after;
    }
    Some(rest)
}

/// Whether a segment matches a pattern in which each star stands for one character or more. Stars take as little as
/// they can, which finds a match where there is one, for all but the last piece may be found as early as possible.
fn segment_matches(pattern: &str, segment: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = segment.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        // The star before the piece stands for at least one character.
        let Some(length) = rest.chars().next().map(char::len_utf8) else { return false };
        let Some(after) = rest.get(length..) else { return false };
        if pieces.peek().is_none() {
            return after.ends_with(piece);
        }
        let Some(at) = after.find(piece) else { return false };
        rest = after.get(at + piece.len()..).unwrap_or_default();
    }
    true
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_plain_paths() {
        for good in [
            "/",
            "/*",
            "/a",
            "/a/*",
            "/Events/Demo",
            "/a/b.html",
            "/é",
            "/a-b_c~d",
            "/a*",
            "/a/*/b",
            "/*/buy",
            "/event-*-sale/*",
            "/*.html",
        ] {
            assert!(PathRule::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "*",
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
            "/**",
            "/a/**",
            "/a**b",
            "/.waiting*",
            "/.w*/*",
        ] {
            assert!(PathRule::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn stars_stand_for_characters_that_are_no_slash() {
        for (rule, key, covered) in [
            ("/shop/*/buy", "/shop/a/buy", true),
            ("/shop/*/buy", "/shop/a/buy/", true),
            ("/shop/*/buy", "/shop/a/b/buy", false),
            ("/shop/*/buy", "/shop//buy", false),
            ("/shop/*/buy", "/shop/a/buyer", false),
            ("/shop/*/seats/*", "/shop/a/seats/1/2", true),
            ("/shop/*/seats/*", "/shop/a/seats", false),
            ("/event-*", "/event-1", true),
            ("/event-*", "/event-", false),
            ("/event-*", "/event-1/x", false),
            ("/*.html", "/a.html", true),
            ("/*.html", "/.html", false),
            ("/*.html", "/a.html.html", true),
            ("/a*b*c", "/abbbc", true),
            ("/a*b*c", "/axbxc", true),
            ("/a*b*c", "/abc", false),
            ("/a*b*c", "/axbx", false),
            ("/é*", "/éé", true),
            ("/Event-*", "/event-1", true),
        ] {
            assert_eq!(PathRule::parse(rule).unwrap().covers(key), covered, "{rule} {key}");
        }
    }

    #[test]
    fn a_spelling_that_leads_elsewhere_is_covered_in_one_reading_only() {
        let of = |text: &str| target::parse(text.as_bytes()).unwrap().1;
        let assets = PathRule::parse("/buy/assets/*").unwrap();
        for (path, covered, both) in [
            ("/buy/assets/a.css", true, true),
            ("/buy/assets/a%2fb.css", true, true),
            ("/buy/assets/..%2fpay", true, false),
            ("/buy/assets/..%5cpay", true, false),
            ("/buy/pay", false, false),
        ] {
            let target = of(path);
            assert_eq!(
                (assets.covers_target(&target), assets.covers_both(&target)),
                (covered, both),
                "{path}"
            );
        }
    }

    #[test]
    fn the_first_page_is_a_page() {
        for (rule, page) in
            [("/buy", "/buy"), ("/buy/*", "/buy/"), ("/*", "/"), ("/shop/*/buy", "/shop/"), ("/event-*", "/")]
        {
            assert_eq!(PathRule::parse(rule).unwrap().first_page(), page, "{rule}");
        }
    }

    #[test]
    fn case_is_kept_where_the_room_says_so() {
        let of = |text: &str| target::parse(text.as_bytes()).unwrap().1;
        let kept = PathRule::parse_as("/Buy", Case::Kept).unwrap();
        assert!(kept.covers_target(&of("/Buy")) && !kept.covers_target(&of("/buy")));
        let ignored = PathRule::parse("/Buy").unwrap();
        assert!(ignored.covers_target(&of("/Buy")) && ignored.covers_target(&of("/bUY")));
    }
}
