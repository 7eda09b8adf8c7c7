//! A path as the most lenient server would read it.

use super::target::{BadTarget, decode, resolve};

/// Most times that a path is decoded.
const DECODINGS_MAX: usize = 4;

/// Decodes until nothing changes any more, and takes for a separator, an end or a letter whatever anybody does.
///
/// # Errors
/// When that brings forth a control character, or does not come to an end.
pub(super) fn loose_key(path: &str) -> Result<String, BadTarget> {
    let mut text = path.to_owned();
    let mut stable = false;
    for _ in 0..DECODINGS_MAX {
        let decoded = decode(&text, |_| true);
        if decoded.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
            return Err(BadTarget::Character);
        }
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        let decoded = if decoded.is_ascii() { decoded } else { plain_letters(&decoded) };
        if decoded == text {
            stable = true;
            break;
        }
        text = decoded;
    }
    if !stable {
        return Err(BadTarget::Encoding);
    }
    // Whoever decodes before they look for the query finds one here.
    let path = text.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
    let names: Vec<&str> = path.split('/').map(loose_name).collect();
    Ok(resolve(&names.join("/")))
}

/// A segment without its parameters, and without the dots and blanks at its end, which Windows does not see.
fn loose_name(segment: &str) -> &str {
    let name = segment.split(';').next().unwrap_or_default().trim();
    match name.trim_end_matches(['.', ' ']) {
        "" => name,
        name => name,
    }
}

/// The text with the letters and signs in ASCII that compatibility mappings make of their look-alikes, and without
/// those that nobody sees.
fn plain_letters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
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
    plain
}
