//! A path as servers and frameworks may read it that mean well: those that decode twice, take `\` for `/`, cut
//! `;parameters`, or map letters that look alike. A second implementation, and a more liberal one, of what the edge
//! refuses by: if any way of reading a path leads somewhere, there is a server somewhere that goes there.

use std::collections::BTreeSet;

type Step = fn(&[u8]) -> Vec<u8>;

/// All the paths that a target may be read as; at most `most`.
pub fn readings(target: &[u8], most: usize) -> BTreeSet<Vec<u8>> {
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
            if all.len() < most && all.insert(read.clone()) {
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

/// Decoded once.
pub fn percent(path: &[u8]) -> Vec<u8> {
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
pub fn look_alikes(path: &[u8]) -> Vec<u8> {
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
    path.iter().copied().filter(|byte| *byte >= b' ' && *byte != 0x7f).collect()
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
