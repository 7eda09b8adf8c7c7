//! One normalised view of the request target: what decides is what is forwarded.
//!
//! A path has three forms here.
//! - The *forwarded* form goes to the shop: percent-encoded where needed, nothing encoded that need not be,
//!   no empty segments, no dot segments.
//! - The *plain* key is the forwarded form decoded and in lower case. Routes are looked up by it.
//! - The *readings* are the keys under which lenient servers may look for it (`super::readings`). Where one of them
//!   leads to another room than the plain key, the request could be read in two ways, and is refused.

use std::fmt::Write as _;

pub use super::key::Case;
use super::key::Key;
use super::readings::readings;

/// Longest target that is looked at, in bytes.
const LENGTH_MAX: usize = 16 * 1024;

/// The normalised target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    path: String,
    query: Option<String>,
    /// The plain key; nothing where it is the path as it is.
    plain: Option<Key>,
    /// Other readings of the path than the plain one.
    others: Vec<Key>,
}

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Longer than anything a browser sends.
    #[error("the request target is too long")]
    TooLong,
    /// Neither a path nor an absolute URL.
    #[error("the request target is not a path")]
    Form,
    /// A byte that has no place in a target, raw or encoded.
    #[error("the request target holds a character that is not allowed")]
    Character,
    /// A `%` that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the request target is not encoded well")]
    Encoding,
}

impl Target {
    /// The path as forwarded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as forwarded.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Path and query as forwarded.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The key by which routes are looked up.
    pub fn plain(&self) -> &str {
        self.plain_as(Case::Ignored)
    }

    /// The plain key, in lower case or as it is.
    pub fn plain_as(&self, case: Case) -> &str {
        self.plain.as_ref().map_or(&self.path, |plain| plain.as_case(case))
    }

    /// Whether everybody reads the path in the same way.
    pub fn has_one_reading(&self) -> bool {
        self.others.is_empty()
    }

    /// The keys of the other readings: each in lower case and as it is.
    pub fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        self.others.iter().map(|key| (key.as_case(Case::Ignored), key.as_case(Case::Kept)))
    }

    /// The keys of the other readings, in lower case or as they are.
    pub fn others_as(&self, case: Case) -> impl Iterator<Item = &str> {
        self.others.iter().map(move |key| key.as_case(case))
    }
}

/// Reads a request target. The authority comes back when the target is in absolute form.
///
/// # Errors
/// When it could be read in more than one way, or in none.
pub fn parse(raw: &[u8]) -> Result<(Option<&[u8]>, Target), BadTarget> {
    if raw.len() > LENGTH_MAX {
        return Err(BadTarget::TooLong);
    }
    let (authority, rest) = split_authority(raw)?;
    let mut halves = rest.splitn(2, |byte| *byte == b'?');
    let path = halves.next().unwrap_or_default();
    let query = halves.next().map(clean_query).transpose()?;
    let path = match simple(path) {
        Some(path) => path.to_owned(),
        None => normal_path(if path.is_empty() { b"/" } else { path })?,
    };
    if is_simple(path.as_bytes()) {
        return Ok((authority, Target { path, query, plain: None, others: Vec::new() }));
    }
    let plain = Key::new(plain_key(&path));
    let mut others = Vec::new();
    for reading in readings(&path)? {
        let key = Key::new(plain_key(&reading));
        if key != plain && !others.contains(&key) {
            others.push(key);
        }
    }
    Ok((authority, Target { path, query, plain: Some(plain), others }))
}

/// Whether there is but one reading of a path in its forwarded form: small letters, digits, and what no server reads as
/// anything else. Most paths are like that, and need no readings worked out.
fn is_simple(path: &[u8]) -> bool {
    path.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/'))
}

/// A path that is in its forwarded form as it came, where that is plain to see: it has but one reading, and no empty
/// segment.
fn simple(path: &[u8]) -> Option<&str> {
    let has_empty = path.windows(2).any(|pair| pair == b"//");
    let is_forwarded = path.first() == Some(&b'/') && is_simple(path) && !has_empty;
    str::from_utf8(path).ok().filter(|_| is_forwarded)
}

fn split_authority(raw: &[u8]) -> Result<(Option<&[u8]>, &[u8]), BadTarget> {
    if raw.first() == Some(&b'/') {
        return Ok((None, raw));
    }
    let scheme_length = ["http://", "https://"]
        .iter()
        .map(|scheme| scheme.len())
        .find(|length| {
            raw.get(..*length).is_some_and(|start| {
                start.eq_ignore_ascii_case(b"http://") || start.eq_ignore_ascii_case(b"https://")
            })
        })
        .ok_or(BadTarget::Form)?;
    let rest = raw.get(scheme_length..).unwrap_or_default();
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).ok_or(BadTarget::Form)?;
    if authority.is_empty() || authority.contains(&b'@') {
        return Err(BadTarget::Form);
    }
    Ok((Some(authority), rest))
}

fn clean_query(raw: &[u8]) -> Result<String, BadTarget> {
    let mut query = String::with_capacity(raw.len());
    for &byte in raw {
        match byte {
            0..=0x20 | 0x7f | b'#' => return Err(BadTarget::Character),
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                encode(byte, &mut query);
            }
            _ => query.push(char::from(byte)),
        }
    }
    Ok(query)
}

/// The forwarded form of a path: canonical percent-encoding, then no empty and no dot segments.
fn normal_path(raw: &[u8]) -> Result<String, BadTarget> {
    let mut path = String::with_capacity(raw.len());
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let byte = match first {
            b'%' => {
                let (byte, after) = triple(after).ok_or(BadTarget::Encoding)?;
                rest = after;
                if byte < 0x20 || byte == 0x7f {
                    return Err(BadTarget::Character);
                }
                if is_unreserved(byte) {
                    path.push(char::from(byte));
                } else {
                    encode(byte, &mut path);
                }
                byte
            }
            0..=0x20 | 0x7f | b'\\' | b'#' => return Err(BadTarget::Character),
            byte if is_unreserved(byte) || b"/!$&'()*+,;=:@".contains(&byte) => {
                path.push(char::from(byte));
                byte
            }
            byte => {
                encode(byte, &mut path);
                byte
            }
        };
        decoded.push(byte);
    }
    // Overlong and broken encodings are how a `/` or a `.` is smuggled past one reader and into another.
    if std::str::from_utf8(&decoded).is_err() {
        return Err(BadTarget::Encoding);
    }
    Ok(resolve(&path))
}

/// Takes away empty segments and resolves dot segments. A path above the root stays at the root.
fn resolve(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_slash = true;
    for segment in path.split('/') {
        ends_in_slash = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut resolved = String::with_capacity(path.len());
    for segment in &segments {
        resolved.push('/');
        resolved.push_str(segment);
    }
    if resolved.is_empty() || ends_in_slash {
        resolved.push('/');
    }
    resolved
}

/// The decoded path; an encoded `/`, `\` or `%` stays encoded, for it is data here.
fn plain_key(path: &str) -> String {
    let decoded = decode(path, |byte| !matches!(byte, b'/' | b'\\' | b'%'));
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Decodes the triples whose byte `wanted` accepts; anything else stays as it is.
pub(super) fn decode(text: &str, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match triple(after) {
            Some((byte, after)) if first == b'%' && wanted(byte) => {
                decoded.push(byte);
                rest = after;
            }
            _ => decoded.push(first),
        }
    }
    decoded
}

/// Two hexadecimal digits, and what follows them.
fn triple(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = rest.split_at_checked(2)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u8::from_str_radix(digits, 16).ok()?, after))
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn encode(byte: u8, into: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(into, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// What is taken as simple would have had no other reading.
        #[test]
        fn a_simple_path_has_one_reading(raw in "/[a-c0-2_/-]{0,12}[a-z0-9._~/%;A-Z-]{0,2}[a-c/-]{0,6}") {
            let Ok(path) = normal_path(raw.as_bytes()) else { return Ok(()) };
            proptest::prop_assert!(simple(raw.as_bytes()).is_none_or(|simple| simple == path));
            if is_simple(path.as_bytes()) {
                let plain = Key::new(path.clone());
                proptest::prop_assert!(Key::new(plain_key(&path)) == plain);
                for reading in readings(&path).unwrap() {
                    proptest::prop_assert!(Key::new(plain_key(&reading)) == plain, "{reading}");
                }
            }
        }
    }

    #[test]
    fn one_path_for_each_spelling() {
        for (raw, path) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("//a//b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/../../a", "/a"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/.%2E/b", "/b"),
            ("/%61", "/a"),
            ("/%7Eme", "/~me"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%5cb", "/a%5Cb"),
            ("/é", "/%C3%A9"),
            ("/a|b", "/a%7Cb"),
            ("/a;b=c", "/a;b=c"),
            ("/a/.", "/a/"),
            ("http://h/a//b", "/a/b"),
            ("HTTP://h", "/"),
            ("https://h?x", "/"),
        ] {
            assert_eq!(parse(raw.as_bytes()).map(|(_, target)| target.path), Ok(path.to_owned()), "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_read_in_one_way_is_refused() {
        for raw in [
            "*",
            "a",
            "ftp://h/",
            "http://",
            "http:///a",
            "http://u@h/",
            "/a b",
            "/a\\b",
            "/a%00",
            "/%0d%0a",
            "/%zz",
            "/%2",
            "/%",
            "/a#b",
            "/%c0%af",
            "/%ff",
            "/%e0%80%af",
            "/a\x7f",
            "/a?b#c",
            "/a?b c",
            "http://h\\a/b",
        ] {
            assert!(parse(raw.as_bytes()).is_err(), "{raw}");
        }
        assert_eq!(parse(&[b'/', 0xff]), Err(BadTarget::Encoding));
        assert_eq!(parse(&vec![b'/'; LENGTH_MAX + 1]), Err(BadTarget::TooLong));
    }

    #[test]
    fn the_query_is_forwarded_as_it_is() {
        let (_, target) = parse("/a?x=%2e%2E&y=//../é".as_bytes()).unwrap();
        assert_eq!(target.path_and_query(), "/a?x=%2e%2E&y=//../%C3%A9");
        assert_eq!(parse(b"/a?").unwrap().1.path_and_query(), "/a?");
    }

    #[test]
    fn a_path_that_is_only_encoded_has_one_reading() {
        for raw in ["/a/b", "/caf%C3%A9", "/é", "/%EC%84%9C%EC%9A%B8", "/a%20b", "/a=b&c", "/A/B.html"] {
            assert!(parse(raw.as_bytes()).unwrap().1.has_one_reading(), "{raw}");
        }
        let (_, target) = parse(b"/a/..%2fB").unwrap();
        assert!(target.others().any(|(lower, kept)| (lower, kept) == ("/b", "/B")));
    }
}
