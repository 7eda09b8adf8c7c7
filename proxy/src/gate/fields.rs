//! The header lines of a request, to be looked at.
//!
//! What decides asks for some thirty names, most of which are not there, and for a dozen cookies of its own. A map would
//! have to be filled for each request, with a hash for each line and for each question; here the lines stay where they were
//! read, and a name that is not there is mostly known by a bit. Whoever reads a request elsewhere has a map already, and
//! shows its lines in the same way: so everything is decided by one view.

use http::header::{self, HeaderMap, HeaderName};

/// Most cookies of the edge's own that are noted. A line with more is searched each time.
const OWN_MAX: usize = 64;

/// The header lines of a request, with names in lower case.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    lines: Vec<(&'a str, &'a [u8])>,
    /// A bit for each name that may be there.
    names: u64,
    /// The cookies of the edge's own; nothing where there are too many.
    own: Option<Vec<(&'a [u8], &'a [u8])>>,
    /// A bit for each of their names.
    own_names: u64,
}

/// The value of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(&'a [u8]);

/// A value that holds more than can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header holds more than visible characters")]
pub struct NotText;

impl<'a> Value<'a> {
    /// As it was sent.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// As text of visible characters, spaces and tabs.
    ///
    /// # Errors
    /// When there is anything else in it.
    pub fn to_str(self) -> Result<&'a str, NotText> {
        let is_text = self.0.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        str::from_utf8(self.0).ok().filter(|_| is_text).ok_or(NotText)
    }
}

/// The name of a header, in lower case.
pub trait Name {
    /// As text.
    fn text(&self) -> &str;
}

impl Name for HeaderName {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl Name for str {
    fn text(&self) -> &str {
        self
    }
}

impl<T: Name + ?Sized> Name for &T {
    fn text(&self) -> &str {
        (**self).text()
    }
}

/// The bit that a name sets: by its length and its ends, which tell most names apart.
fn bit(name: &[u8]) -> u64 {
    let [first, last] =
        [name.first(), name.last()].map(|byte| usize::from(byte.copied().unwrap_or_default()));
    1 << ((name.len() * 7 + first * 3 + last) % 64)
}

impl<'a> Fields<'a> {
    /// Room for so many lines.
    pub fn with_capacity(lines: usize) -> Self {
        Self { lines: Vec::with_capacity(lines), names: 0, own: Some(Vec::new()), own_names: 0 }
    }

    /// The lines of a map.
    pub fn of(map: &'a HeaderMap) -> Self {
        let mut fields = Self::with_capacity(map.len());
        map.iter().for_each(|(name, value)| fields.push(name.as_str(), value.as_bytes()));
        fields
    }

    /// One line more. Its name is in lower case.
    pub fn push(&mut self, name: &'a str, value: &'a [u8]) {
        self.names |= bit(name.as_bytes());
        self.lines.push((name, value));
        if name == header::COOKIE.as_str() {
            self.note_own(value);
        }
    }

    fn note_own(&mut self, line: &'a [u8]) {
        for pair in pairs(line) {
            let Some(own) = &mut self.own else { return };
            if is_own(pair)
                && let Some(equals) = memchr::memchr(b'=', pair)
                && let (Some(name), Some(value)) = (pair.get(..equals), pair.get(equals + 1..))
            {
                if own.len() == OWN_MAX {
                    self.own = None;
                    return;
                }
                own.push((name, value));
                self.own_names |= bit(name);
            }
        }
    }

    /// How many lines there are.
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.lines.iter().map(|(name, value)| (*name, Value(value)))
    }

    /// The names, each as often as it comes.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().map(|(name, _)| *name)
    }

    /// All values of a name, in their order.
    pub fn get_all(&self, name: impl Name) -> impl Iterator<Item = Value<'a>> {
        let wanted = bit(name.text().as_bytes());
        let lines = if self.names & wanted == 0 { &[] } else { self.lines.as_slice() };
        lines.iter().filter(move |(found, _)| *found == name.text()).map(|(_, value)| Value(value))
    }

    /// The first value of a name.
    pub fn get(&self, name: impl Name) -> Option<Value<'a>> {
        self.get_all(name).next()
    }

    /// Whether there is a line of this name.
    pub fn contains_key(&self, name: impl Name) -> bool {
        self.get(name).is_some()
    }

    /// The values of the cookies called `name`, as they were sent.
    pub(super) fn cookies(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let name = name.as_bytes();
        let own = self.own.as_deref().filter(|_| is_own(name));
        let own = own.map(|own| if self.own_names & bit(name) == 0 { &[] } else { own });
        let lines = if own.is_some() { None } else { Some(self.get_all(header::COOKIE)) };
        let named = move |pair: &'a [u8]| pair.strip_prefix(name)?.strip_prefix(b"=");
        let noted =
            own.into_iter().flatten().filter(move |(found, _)| *found == name).map(|(_, value)| *value);
        noted.chain(lines.into_iter().flatten().flat_map(|line| pairs(line.as_bytes())).filter_map(named))
    }

    /// A map of the lines that are `kept`.
    pub fn to_map(&self, kept: impl Fn(&str) -> bool) -> HeaderMap {
        let lines = self.lines.iter().filter(|(name, _)| kept(name));
        lines
            .filter_map(|(name, value)| {
                Some((name.parse().ok()?, http::HeaderValue::from_bytes(value).ok()?))
            })
            .fold(HeaderMap::new(), |mut map, (name, value): (HeaderName, _)| {
                map.append(name, value);
                map
            })
    }
}

/// The pairs of a `Cookie` line, without what stands before them.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
        rest = end.and_then(|end| line.get(end + 1..));
        line.get(..end.unwrap_or(line.len())).map(<[u8]>::trim_ascii_start)
    })
}

/// Whether a cookie, or its name, begins as those of the edge do.
fn is_own(cookie: &[u8]) -> bool {
    cookie.strip_prefix(b"__Host-").unwrap_or(cookie).starts_with(b"wr-")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    proptest::proptest! {
        /// What is found is what a map has.
        #[test]
        fn fields_are_those_of_the_map(
            lines in proptest::collection::vec(("[a-c]{1,3}|wr-ticket|accept|cookie", "[ -~]{0,12}"), 0..12),
            asked in "[a-c]{1,3}|wr-ticket|accept|cookie",
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in &lines {
                map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
            }
            let fields = Fields::of(&map);
            let found: Vec<_> = fields.get_all(asked.as_str()).map(Value::as_bytes).collect();
            let theirs: Vec<_> = map.get_all(&asked).iter().map(HeaderValue::as_bytes).collect();
            proptest::prop_assert_eq!(&found, &theirs);
            proptest::prop_assert_eq!(fields.contains_key(asked.as_str()), !found.is_empty());
            proptest::prop_assert_eq!((fields.len(), fields.is_empty()), (map.len(), map.is_empty()));
            proptest::prop_assert_eq!(fields.to_map(|_| true), map.clone());
        }

        /// Cookies of the edge's own are found as all others are.
        #[test]
        fn own_cookies_are_found_as_others_are(
            line in "(wr-a|__Host-wr-a|a| |=|;|\"|x){0,40}",
            many in proptest::bool::ANY,
        ) {
            let more = "; wr-b=1".repeat(if many { OWN_MAX } else { 0 });
            let line = format!("{line}{more}");
            let mut fields = Fields::with_capacity(1);
            fields.push("cookie", line.as_bytes());
            for name in ["wr-a", "__Host-wr-a", "wr-b", "a"] {
                let found: Vec<_> = fields.cookies(name).collect();
                let searched: Vec<_> = pairs(line.as_bytes())
                    .filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
                    .collect();
                proptest::prop_assert_eq!(found, searched, "{}", name);
            }
        }
    }

    #[test]
    fn text_is_what_can_be_seen() {
        assert_eq!(Value(b"a \tb~").to_str(), Ok("a \tb~"));
        for other in [&b"\x7f"[..], b"\n", b"\xc3\xa9", b"a\0"] {
            assert_eq!(Value(other).to_str(), Err(NotText));
        }
    }
}
