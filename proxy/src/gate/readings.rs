//! A path as lenient servers read it.
//!
//! Servers decode, cut and resolve in different orders: one takes `;parameters` off before it decodes, another
//! afterwards, a third maps letters in between. So no single reading is the most lenient one. Here every step is done
//! to the outcome of every other, until nothing new comes out.

use super::target::{BadTarget, decode};

/// Most readings of one path that are followed. No path that a site uses has more than a few.
const READINGS_MAX: usize = 100;
/// Most bytes of all readings of one path together: what a client can make the edge work for it.
const BYTES_MAX: usize = 64 * 1024;

/// The readings of a path in its forwarded form besides itself.
///
/// # Errors
/// When one of them holds what has no place in a path, or there are more than anybody has a use for.
pub(super) fn readings(path: &str) -> Result<Vec<String>, BadTarget> {
    if has_one(path) {
        return Ok(Vec::new());
    }
    let mut all = vec![path.to_owned()];
    let (mut at, mut bytes) = (0, path.len());
    while let Some(path) = all.get(at).cloned() {
        let decoded = decoded(&path)?;
        let others = [plain_letters, merged, resolved, without_parameters, trimmed, until_query, slashes];
        for read in others.iter().filter_map(|step| step(&path)).chain(decoded) {
            if !all.contains(&read) {
                bytes += read.len();
                if all.len() >= READINGS_MAX || bytes > BYTES_MAX {
                    return Err(BadTarget::Encoding);
                }
                all.push(read);
            }
        }
        at += 1;
    }
    all.swap_remove(0);
    Ok(all)
}

/// Whether a path in its forwarded form is read in one way by everybody: nothing in it is encoded, and nothing is cut
/// off. Most are like that.
fn has_one(path: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~' | b'@' | b':' | b'+' | b',')
    };
    let bytes = path.as_bytes();
    let ends_in_dot =
        |at: usize| bytes.get(at) == Some(&b'.') && matches!(bytes.get(at + 1), None | Some(b'/'));
    bytes.iter().copied().all(is_plain) && !(path.contains('.') && (0..bytes.len()).any(ends_in_dot))
}

/// Decoded once, where that changes anything. What becomes of it has to be text without control characters, and hold no
/// encoding that only some know.
fn decoded(path: &str) -> Result<Option<String>, BadTarget> {
    if !path.contains('%') {
        return Ok(None);
    }
    let bytes = decode(path, |_| true);
    if bytes.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Err(BadTarget::Character);
    }
    let text = String::from_utf8(bytes).map_err(|_| BadTarget::Encoding)?;
    let is_strange = |at: usize| {
        let code = text.as_bytes().get(at + 2..at + 6);
        text.as_bytes().get(at + 1).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'u'))
            && code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    };
    if text.match_indices('%').any(|(at, _)| is_strange(at)) {
        return Err(BadTarget::Encoding);
    }
    Ok((text != path).then_some(text))
}

/// With the letters and signs in ASCII that compatibility mappings make of their look-alikes, and without those that
/// nobody sees.
fn plain_letters(path: &str) -> Option<String> {
    if path.is_ascii() {
        return None;
    }
    let mut plain = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '\u{ff01}'..='\u{ff5e}' => plain.extend(char::from_u32(u32::from(letter) - 0xfee0)),
            '\u{2044}' | '\u{2215}' => plain.push('/'),
            '\u{2216}' | '\u{29f5}' | '\u{fe68}' => plain.push('\\'),
            '\u{2024}' | '\u{3002}' | '\u{ff61}' => plain.push('.'),
            '\u{2025}' => plain.push_str(".."),
            '\u{017f}' => plain.push('s'),
            '\u{212a}' => plain.push('k'),
            '\u{00ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
            other => plain.push(other),
        }
    }
    Some(plain)
}

/// Without empty segments.
fn merged(path: &str) -> Option<String> {
    let is_merged = path.starts_with('/') && !path.contains("//");
    (!is_merged).then(|| {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        format!(
            "/{}{}",
            segments.join("/"),
            if path.ends_with('/') && !segments.is_empty() { "/" } else { "" }
        )
    })
}

/// Without dot segments. An empty segment counts as one, as it does for those who do not merge first.
fn resolved(path: &str) -> Option<String> {
    path.contains("/.").then(|| {
        let mut segments: Vec<&str> = Vec::new();
        for segment in path.split('/').skip(1) {
            match segment {
                "." => {}
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        format!("/{}", segments.join("/"))
    })
}

/// Without what follows a `;` in each segment.
fn without_parameters(path: &str) -> Option<String> {
    path.contains(';').then(|| names(path, |segment| segment.split(';').next().unwrap_or_default()))
}

/// Without the dots and blanks at the end of each segment, which Windows does not see, and those at its begin.
fn trimmed(path: &str) -> Option<String> {
    (path.contains(['.', ' ']) || !path.is_ascii()).then(|| {
        names(path, |segment| {
            let name = segment.trim();
            match name.trim_end_matches(['.', ' ']) {
                "" => name,
                name => name,
            }
        })
    })
}

/// As it ends for whoever decodes before they look for the query.
fn until_query(path: &str) -> Option<String> {
    path.find(['?', '#']).and_then(|at| path.get(..at)).map(ToOwned::to_owned)
}

/// With `/` for `\`.
fn slashes(path: &str) -> Option<String> {
    path.contains('\\').then(|| path.replace('\\', "/"))
}

fn names(path: &str, name: impl Fn(&str) -> &str) -> String {
    let names: Vec<&str> = path.split('/').map(name).collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_seen_through_in_any_order() {
        for (path, read) in [
            ("/a;x/b", "/a/b"),
            ("/a%2Fb", "/a/b"),
            ("/a%5Cb", "/a/b"),
            ("/a%252Fb", "/a/b"),
            ("/x/..;/a", "/a"),
            ("/x%2F..%2Fa", "/a"),
            ("/a%20/b", "/a/b"),
            ("/a./b", "/a/b"),
            ("/a%3Fb/c", "/a"),
            ("/a%2523b", "/a"),
            ("/%EF%BD%81%EF%BC%8Fb", "/a/b"),
            ("/x/%EF%BC%852e%EF%BC%8E/a", "/a"),
            ("/a%E2%80%8B", "/a"),
            // Parameters are cut off before anything is decoded, or afterwards.
            ("/a;%2F../b", "/a/b"),
            ("/a;%2F../b", "/b"),
            // Empty segments are merged before dots are resolved, or not.
            ("/a/x%2F%2F../b", "/a/b"),
            ("/a/x%2F%2F../b", "/a/x/b"),
        ] {
            assert!(readings(path).unwrap().contains(&read.to_owned()), "{path}: {:?}", readings(path));
        }
        for path in ["/", "/a", "/a/b.css", "/A_b/~c-d/", "/.a/b"] {
            assert_eq!(readings(path), Ok(Vec::new()), "{path}");
        }
    }

    #[test]
    fn what_nobody_needs_is_refused() {
        for path in ["/a%2500", "/a%25c0%25af", "/a%25u002fb"] {
            assert!(readings(path).is_err(), "{path}");
        }
        // However often it is encoded, or however many ways there are: the work is bounded.
        for path in [format!("/%{}65", "25".repeat(7000)), "/..%2F;%5C%3F%252e%20.".repeat(400)] {
            assert_eq!(readings(&path), Err(BadTarget::Encoding), "{}", path.len());
        }
        assert!(readings(&format!("/{}%20", "x".repeat(10_000))).is_ok());
    }
}
