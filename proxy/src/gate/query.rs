//! Parameters of a query, and which of them may say where to go.

use std::fmt::Write as _;

use super::{is_edge_path, target};

/// The first value of the parameter `name`, decoded; nothing where it is not there or cannot be read.
pub fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// `text` as the value of a parameter.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            b'/' => encoded.push_str("%2F"),
            byte => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// A path of this site with its query, as it is forwarded; nothing for whatever a browser could take for another
/// site, or one server for another path than the next.
pub fn local_path(text: &str) -> Option<String> {
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !is_path || !is_plain {
        return None;
    }
    let (None, page) = target::parse(text.as_bytes()).ok()? else { return None };
    let is_one = page.has_one_reading() && !is_edge_path(page.plain()) && !page.path().starts_with("//");
    is_one.then(|| page.path_and_query())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Some("code=v1.a-b_c.d&to=%2Fevents%2Fdemo%3Fa%3D1&x&code=second&bad=%zz&low=%f");
        assert_eq!(parameter(query, "code").as_deref(), Some("v1.a-b_c.d"));
        assert_eq!(parameter(query, "to").as_deref(), Some("/events/demo?a=1"));
        for missing in ["x", "cod", "bad", "low", ""] {
            assert_eq!(parameter(query, missing), None, "{missing}");
        }
        assert_eq!(parameter(None, "code"), None);
    }

    #[test]
    fn what_is_encoded_is_decoded_to_itself() {
        let text = "/a?b=1&c=é%20+ \"<";
        let query = format!("to={}", encode(text));
        assert_eq!(parameter(Some(&query), "to").as_deref(), Some(text));
        assert_eq!(encode("/a b"), "%2Fa%20b");
    }

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for (text, led) in [
            ("/", Some("/")),
            ("/events/demo?a=1", Some("/events/demo?a=1")),
            ("/a/../b", Some("/b")),
            ("//evil.example/x", None),
            ("///evil.example/x", None),
            ("/\\evil.example", None),
            ("\\\\evil.example", None),
            ("https://evil.example/", None),
            ("http:/evil.example", None),
            ("javascript:alert(1)", None),
            ("events/demo", None),
            ("", None),
            ("/%2f%2fevil.example", None),
            ("/%5cevil.example", None),
            ("/a\r\nSet-Cookie: x=1", None),
            ("/a b", None),
            ("/.waiting-room/demo/ticket", None),
            ("/\u{e4}", None),
        ] {
            assert_eq!(local_path(text).as_deref(), led, "{text}");
        }
    }
}
