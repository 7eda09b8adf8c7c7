//! The values that a scenario file has: each knows its bounds, and says what would be right.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::rehearse::duration;

/// Longest text that a mistake repeats.
const QUOTED_MAX: usize = 40;

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole<const LEAST: u64, const MOST: u64>(pub(super) u64);

/// A number from 0 to `MOST`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Number<const MOST: u64>(pub(super) f64);

/// A percentage; here as a share of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Percent(pub(super) f64);

/// A time, such as `"90s"`, of `MOST` seconds at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Time<const MOST: u64>(pub(super) Duration);

/// A name of 1 to 32 characters out of a-z, 0-9 and `-`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

/// A text of at most 200 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

/// What was found, whatever it is.
enum Found {
    Whole(i128),
    Number(f64),
    Text(String),
    Other(&'static str),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => write!(f, "{whole}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{}\"", text.chars().take(QUOTED_MAX).collect::<String>()),
            Self::Other(what) => f.write_str(what),
        }
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Found, E> {
        Ok(Found::Whole(whole.into()))
    }

    fn visit_u64<E: Error>(self, whole: u64) -> Result<Found, E> {
        Ok(Found::Whole(whole.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Found, E> {
        Ok(Found::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Found, E> {
        Ok(Found::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Found, E> {
        Ok(Found::Other(if is { "true" } else { "false" }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Found, A::Error> {
        Ok(Found::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Found, A::Error> {
        Ok(Found::Other("a table, or a date"))
    }
}

/// Reads a value, and says what was `needed` where `take` takes none of it.
fn read<'de, T, D: Deserializer<'de>>(
    from: D,
    needed: &str,
    take: impl FnOnce(&Found) -> Option<T>,
) -> Result<T, D::Error> {
    let found = from.deserialize_any(Any)?;
    take(&found).ok_or_else(|| D::Error::custom(format!("found {found}; {needed} is needed")))
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, &format!("a whole number from {LEAST} to {MOST}"), |found| match found {
            Found::Whole(whole) => u64::try_from(*whole).ok().filter(|whole| (LEAST..=MOST).contains(whole)),
            _ => None,
        })
        .map(Self)
    }
}

fn number(found: &Found) -> Option<f64> {
    match found {
        Found::Whole(whole) => Some(*whole as f64),
        Found::Number(number) => Some(*number),
        _ => None,
    }
}

impl<'de, const MOST: u64> Deserialize<'de> for Number<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, &format!("a number from 0 to {MOST}"), |found| {
            number(found).filter(|number| (0.0..=MOST as f64).contains(number))
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, "a percentage from 0 to 100, such as 12.5,", |found| {
            number(found).filter(|number| (0.0..=100.0).contains(number)).map(|number| number / 100.0)
        })
        .map(Self)
    }
}

impl<'de, const MOST: u64> Deserialize<'de> for Time<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let needed = format!("a time such as \"500ms\", \"90s\" or \"5m\", {MOST} s at most,");
        read(from, &needed, |found| match found {
            Found::Text(text) => duration(text).filter(|time| *time <= Duration::from_secs(MOST)),
            _ => None,
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, "a name of 1 to 32 characters out of a-z, 0-9 and `-`", |found| match found {
            Found::Text(text) => {
                let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
                let is_name = (1..=32).contains(&text.len()) && text.chars().all(fits);
                is_name.then(|| text.clone())
            }
            _ => None,
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, "a text of at most 200 characters", |found| match found {
            Found::Text(text) => (text.chars().count() <= 200).then(|| text.clone()),
            _ => None,
        })
        .map(Self)
    }
}
