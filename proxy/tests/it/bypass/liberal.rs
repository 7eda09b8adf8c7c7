//! A request as servers and frameworks may read it that mean well: those that decode twice, take `\` for `/`, cut
//! `;parameters`, trust a header more than the request line, or map letters that look alike. If any way of reading it
//! leads to a protected path, there is a shop somewhere that would have served it.

use std::collections::BTreeSet;

use crate::wire::origin::Seen;

/// Most readings of one request that are followed.
const READINGS_MAX: usize = 5000;
/// Headers that some server or framework takes the target from.
const TARGET_HEADERS: [&str; 7] = [
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-override-url",
    "x-forwarded-uri",
    "x-envoy-original-path",
    "x-accel-redirect",
];
/// Headers that some server or framework takes the host from.
const HOST_HEADERS: [&str; 6] =
    ["host", "x-host", "x-forwarded-host", "x-original-host", "x-http-host-override", "x-forwarded-server"];
/// Headers that some framework takes the method from.
const METHOD_HEADERS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The protected paths of `demo`, and the host of which everything is protected.
pub(crate) const PAGES: [&[u8]; 2] = [b"/events/demo", b"/api/reservations"];
pub(crate) const HALL: &str = "hall.example";

/// The reading by which a request is for something protected, if there is one.
pub(crate) fn protected(seen: &Seen) -> Option<String> {
    let values = |names: &[&str]| -> Vec<Vec<u8>> {
        let fields = seen.fields().into_iter();
        // Servers that hand headers on as variables read `_` as `-`.
        let found = fields.filter(|(name, _)| names.contains(&name.replace('_', "-").as_str()));
        found.map(|(_, value)| value).collect()
    };
    let mut targets = values(&TARGET_HEADERS);
    targets.push(seen.target());
    let by_path = targets.iter().flat_map(|target| readings(target)).find(|path| is_page(path));
    let mut hosts = values(&HOST_HEADERS);
    hosts.extend(targets.iter().filter_map(|target| {
        let rest = target.splitn(2, |byte| *byte == b':').nth(1)?.strip_prefix(b"//")?;
        Some(rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?.to_vec())
    }));
    let by_host = hosts.iter().flat_map(|host| host_readings(host)).find(|host| host == HALL);
    let by_method = values(&METHOD_HEADERS).pop().filter(|_| !seen.head.starts_with(b"POST "));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    by_path.map(text).or(by_host).or(by_method.map(text))
}

fn is_page(path: &[u8]) -> bool {
    PAGES.iter().any(|page| path.strip_prefix(*page).is_some_and(|rest| matches!(rest, [] | [b'/', ..])))
}

/// The hosts that a header may be read as naming.
fn host_readings(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(&percent(value)).to_lowercase();
    let text = look_alikes(text.as_bytes());
    let text = String::from_utf8_lossy(&text).into_owned();
    text.split([',', ' ', '\t', '/', '@', '\\', '?', '#'])
        .map(|part| part.split(':').next().unwrap_or_default().trim_end_matches('.').to_owned())
        .collect()
}

type Step = fn(&[u8]) -> Vec<u8>;

/// All the paths that a target may be read as.
fn readings(target: &[u8]) -> BTreeSet<Vec<u8>> {
    let steps: [Step; 15] = [
        percent,
        percent_u,
        overlong,
        look_alikes,
        backslashes,
        without_parameters,
        |path| cut(path, b"?"),
        |path| cut(path, b"#"),
        |path| cut(path, b"\0"),
        |path| cut(path, b"\r\n"),
        without_controls,
        trimmed,
        merged,
        resolved,
        <[u8]>::to_ascii_lowercase,
    ];
    // Everybody agrees where a query begins that is not encoded.
    let mut all = BTreeSet::from([cut(&without_authority(target), b"?")]);
    let mut new: Vec<Vec<u8>> = all.iter().cloned().collect();
    while let Some(path) = new.pop() {
        for step in steps {
            let read = step(&path);
            if all.len() < READINGS_MAX && all.insert(read.clone()) {
                new.push(read);
            }
        }
    }
    all
}

fn without_authority(target: &[u8]) -> Vec<u8> {
    let at = target.windows(3).position(|window| window == b"://").filter(|at| *at < 8);
    let Some(at) = at else { return target.to_vec() };
    let rest = &target[at + 3..];
    rest.iter().position(|byte| *byte == b'/').map_or(b"/".to_vec(), |slash| rest[slash..].to_vec())
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn percent(path: &[u8]) -> Vec<u8> {
    let (mut decoded, mut at) = (Vec::new(), 0);
    while let Some(byte) = path.get(at) {
        let code = path.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(hexadecimal);
        decoded.push(code.map_or(*byte, |code| u8::try_from(code).unwrap()));
        at += if code.is_some() { 3 } else { 1 };
    }
    decoded
}

fn percent_u(path: &[u8]) -> Vec<u8> {
    let (mut decoded, mut at) = (Vec::new(), 0);
    while let Some(byte) = path.get(at) {
        let is_u = path.get(at..at + 2).is_some_and(|start| start.eq_ignore_ascii_case(b"%u"));
        let code = path.get(at + 2..at + 6).filter(|_| is_u).and_then(hexadecimal).and_then(char::from_u32);
        match code {
            Some(code) => decoded.extend_from_slice(code.to_string().as_bytes()),
            None => decoded.push(*byte),
        }
        at += if code.is_some() { 6 } else { 1 };
    }
    decoded
}

/// UTF-8 that spends two or three bytes on what fits in one, as lenient decoders take it.
fn overlong(path: &[u8]) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::new(), path);
    loop {
        rest = match rest {
            [] => return decoded,
            [0xc0 | 0xc1, low, ..] => {
                decoded.push((rest[0] & 1) << 6 | low & 0x3f);
                &rest[2..]
            }
            [0xe0, middle @ (0x80 | 0x81), low, ..] => {
                decoded.push((middle & 1) << 6 | low & 0x3f);
                &rest[3..]
            }
            [byte, ..] => {
                decoded.push(*byte);
                &rest[1..]
            }
        };
    }
}

/// Letters that compatibility mappings turn into ASCII.
fn look_alikes(path: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(path) else { return path.to_vec() };
    let mut mapped = String::new();
    for letter in text.chars() {
        match letter {
            '\u{ff01}'..='\u{ff5e}' => mapped.extend(char::from_u32(u32::from(letter) - 0xfee0)),
            '\u{2044}' | '\u{2215}' => mapped.push('/'),
            '\u{fe68}' | '\u{29f5}' | '\u{2216}' => mapped.push('\\'),
            '\u{3002}' | '\u{ff61}' | '\u{2024}' => mapped.push('.'),
            '\u{2025}' => mapped.push_str(".."),
            '\u{017f}' => mapped.push('s'),
            '\u{212a}' => mapped.push('k'),
            '\u{00ad}' | '\u{200b}'..='\u{200d}' | '\u{feff}' => {}
            _ => mapped.push(letter),
        }
    }
    mapped.into_bytes()
}

fn backslashes(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .map(|segment| segment.split(|byte| *byte == b';').next().unwrap_or_default())
        .collect();
    segments.join(&b'/')
}

fn cut(path: &[u8], at: &[u8]) -> Vec<u8> {
    path.split(|byte| at.contains(byte)).next().unwrap_or_default().to_vec()
}

fn without_controls(path: &[u8]) -> Vec<u8> {
    path.iter().copied().filter(|byte| *byte > b' ' && *byte != 0x7f).collect()
}

/// Windows does not see dots and blanks at the end of a name.
fn trimmed(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .map(|segment| {
            let name = segment.trim_ascii();
            let dots = name.iter().rev().take_while(|byte| matches!(byte, b'.' | b' ')).count();
            if dots == name.len() { name } else { &name[..name.len() - dots] }
        })
        .collect();
    segments.join(&b'/')
}

fn merged(path: &[u8]) -> Vec<u8> {
    let mut merged: Vec<u8> = Vec::new();
    for byte in path {
        if *byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(*byte);
        }
    }
    if merged.first() != Some(&b'/') {
        merged.insert(0, b'/');
    }
    merged
}

fn resolved(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        match segment {
            b"." => {}
            b".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    [b"/".as_slice(), &segments.join(&b'/')].concat()
}

#[test]
fn the_shop_is_as_liberal_as_any() {
    let asked = |head: &str| Seen { head: format!("{head}\r\n\r\n").into_bytes(), body: Vec::new() };
    for head in [
        "GET /events/demo HTTP/1.1",
        "GET //EVENTS//demo/x HTTP/1.1",
        "GET /x/..%252fevents%5cdemo;a=b HTTP/1.1",
        "GET /%c0%ae/events/demo%00.css HTTP/1.1",
        "GET /%ef%bd%85vents/demo. HTTP/1.1",
        "GET /events/demo%253f HTTP/1.1",
        "GET / HTTP/1.1\r\nX-Original-URL: /events/demo",
        "GET / HTTP/1.1\r\nX_Rewrite_URL: /x/../events/demo",
        "GET / HTTP/1.1\r\nHost: HALL.example.:80",
        "GET http://hall.example/ HTTP/1.1\r\nHost: other.example",
    ] {
        assert!(protected(&asked(head)).is_some(), "{head}");
    }
    for head in ["GET /events/demos HTTP/1.1\r\nHost: a", "GET /?/events/demo HTTP/1.1\r\nHost: a"] {
        assert_eq!(protected(&asked(head)), None, "{head}");
    }
}
