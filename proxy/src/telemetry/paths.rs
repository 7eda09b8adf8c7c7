//! Paths as they may be told to logs and traces: without the parts that look like somebody's address, number or token; pure.

use std::borrow::Cow;

/// Stands for what is not told.
const LEFT_OUT: &str = "…";
/// Longest path that is told, in bytes.
const TOLD_MAX: usize = 1000;
/// Fewest letters and digits of a token: what has fewer is guessed.
const TOKEN_MIN: usize = 16;
/// So many letters and digits without anything between them are no word.
const WORD_MAX: usize = 32;
/// Fewest digits in a row of somebody's telephone or card. A day has eight.
const NUMBER_MIN: usize = 9;

/// The path without what looks private: `/tickets/anna@example.org/edit` becomes `/tickets/…/edit`. Whoever makes up paths
/// may still have something in them that looks like a word.
pub fn told(path: &str) -> Cow<'_, str> {
    if path.len() <= TOLD_MAX && !path.split('/').any(is_private) {
        return Cow::Borrowed(path);
    }
    let mut told = String::new();
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            told.push('/');
        }
        if told.len() + segment.len() > TOLD_MAX {
            told.push_str(LEFT_OUT);
            break;
        }
        told.push_str(if is_private(segment) { LEFT_OUT } else { segment });
    }
    Cow::Owned(told)
}

/// Of what kind a character is; the letters and digits of a token change from one to another again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lower,
    Upper,
    Digit,
    Other,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Other,
        }
    }
}

fn is_private(segment: &str) -> bool {
    let (mut letters, mut digits, mut changes) = (0, 0, 0);
    let (mut run, mut digits_in_a_row, mut before) = (0, 0, Kind::Other);
    for byte in decoded(segment) {
        if byte == b'@' {
            return true;
        }
        let kind = Kind::of(byte);
        match kind {
            Kind::Digit => digits += 1,
            Kind::Lower | Kind::Upper => letters += 1,
            Kind::Other => {}
        }
        if kind != before && kind != Kind::Other && before != Kind::Other {
            changes += 1;
        }
        run = if kind == Kind::Other { 0 } else { run + 1 };
        digits_in_a_row = if kind == Kind::Digit { digits_in_a_row + 1 } else { 0 };
        if run >= WORD_MAX || digits_in_a_row >= NUMBER_MIN {
            return true;
        }
        before = kind;
    }
    // A name in capitals changes too, but by one letter in five; without any digit it takes more to be none.
    let all = letters + digits;
    all >= TOKEN_MIN && if digits > 0 { changes * 8 >= all } else { changes * 5 >= all * 2 }
}

/// The bytes that a segment stands for.
fn decoded(segment: &str) -> impl Iterator<Item = u8> {
    let mut rest = segment.as_bytes();
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high * 16 + low, after),
                _ => (b'%', rest.get(1..)?),
            },
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    })
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_word_or_a_number_of_something_stays() {
        for path in [
            "",
            "/",
            "/events/demo",
            "/events/the-great-concert-2027-in-berlin/seats",
            "/events/20270501/demo-show-20270501-1930",
            "/api/reservations/42/payment",
            "/assets/shop.css",
            "/assets/app.3f9a8b.js",
            "/GetTheReservationList",
            "/서울/공연",
            "/%EC%84%9C%EC%9A%B8",
            "/a%2Fb%zz%",
            "/.waiting-room/demo/ticket",
            "/iphone15promax",
        ] {
            assert!(matches!(told(path), Cow::Borrowed(told) if told == path), "{path}: {}", told(path));
        }
    }

    #[test]
    fn what_looks_like_an_address_a_number_or_a_token_is_left_out() {
        for (path, expected) in [
            ("/tickets/anna@example.org/edit", "/tickets/…/edit"),
            ("/u/anna%40example.org", "/u/…"),
            ("/u/@anna", "/u/…"),
            ("/call/+821012345678", "/call/…"),
            ("/card/4111111111111111/x", "/card/…/x"),
            ("/reset/550e8400-e29b-41d4-a716-446655440000", "/reset/…"),
            ("/reset/3f9a8b7c6d5e4f3a", "/reset/…"),
            ("/reset/3F9A8B7C6D5E4F3A2B1C", "/reset/…"),
            ("/t/v1.eyJyb29tIjoiZGVtbyJ9.kXy3_-Q9aZ", "/t/…"),
            ("/t/QmFzZTY0VGV4dA9kLx==", "/t/…"),
            ("/t/sRtqWnBvKxLpMzQdTyHg", "/t/…"),
            ("/t/%33%66%39%61%38%62%37%63%36%64%35%65%34%66%33%61", "/t/…"),
            ("/t/abcdefghijklmnopqrstuvwxyzabcdefgh", "/t/…"),
        ] {
            assert_eq!(told(path), expected);
        }
        let long = format!("/{}", "word-".repeat(1000));
        assert_eq!(told(&long), "/…");
        assert!(told(&"/word".repeat(1000)).len() <= TOLD_MAX + "/…".len());
    }
}
