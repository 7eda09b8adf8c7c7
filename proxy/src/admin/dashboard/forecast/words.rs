//! What is foreseen, in words.

use std::time::Duration;

use admission::rules::{Mode, Phase};

use super::{Effect, Limit, Now, Terms};

/// How long, in words.
fn time(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..90 => format!("{whole} s"),
        90..5_400 => format!("{} min", (whole + 30) / 60),
        _ => {
            let minutes = (whole + 30) / 60;
            match minutes % 60 {
                0 => format!("{} h", minutes / 60),
                rest => format!("{} h {rest} min", minutes / 60),
            }
        }
    }
}

fn range(low: f64, high: f64) -> String {
    // In one unit.
    let low = if (90.0..5400.0).contains(&high) { format!("{:.0} min", low / 60.0) } else { time(low) };
    let high = time(high);
    match (low.split_once(' '), high.split_once(' ')) {
        _ if low == high => format!("about {low}"),
        (Some((low, unit)), Some((_, other))) if unit == other => format!("{low} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// A number as people write it.
pub(in crate::admin::dashboard) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn fans(count: u64) -> String {
    if count == 1 { "1 fan".to_owned() } else { format!("{} fans", number(count)) }
}

/// What comes of terms, in a sentence or two.
pub(in crate::admin::dashboard) fn words(now: &Now, mode: Mode, terms: &Terms, effect: &Effect) -> String {
    let waiting = now.waiting;
    let keep = match waiting {
        0 => String::new(),
        1 => " The one who waits keeps the place.".to_owned(),
        _ => format!(" The {} who wait keep their places.", number(waiting)),
    };
    match (terms.phase, effect.limit, effect.last) {
        (Phase::Off, ..) if mode == Mode::Shadow => {
            "Everybody passes, and the room tells who would have waited, and for how long.".to_owned()
        }
        (Phase::Off, ..) => {
            let too = if waiting > 0 {
                format!(", and so do the {} who wait", number(waiting))
            } else {
                String::new()
            };
            format!("The room protects nothing: whoever comes goes straight to the shop{too}.")
        }
        (Phase::Closed, ..) => format!("Nobody joins and nobody gets in.{keep}"),
        (Phase::Paused, ..) => format!("Nobody gets in until the room is resumed.{keep}"),
        (_, Limit::Nobody, _) => format!(
            "Nobody gets in at {} a minute with {} places.{keep}",
            number(terms.rate),
            number(terms.places)
        ),
        (_, limit, Some((low, high))) if waiting > 0 => {
            let of = if waiting == 1 {
                "the fan who waits".to_owned()
            } else {
                format!("the last of the {} who wait", fans(waiting))
            };
            let why = match limit {
                Limit::Places => format!(
                    "With {} places, of which about {} a minute become free, {of}",
                    number(terms.places),
                    number(effect.per_minute.round() as u64)
                ),
                _ => format!("At {} a minute {of}", number(terms.rate)),
            };
            format!("{why} waits {} more.", range(low, high))
        }
        _ if terms.opens_in > Duration::ZERO => {
            format!("The room opens in {}.", time(terms.opens_in.as_secs_f64()))
        }
        _ if mode == Mode::Always => {
            format!(
                "Nobody waits. Everybody who comes stands in line, and {} a minute get in.",
                number(terms.rate)
            )
        }
        _ => format!(
            "Nobody waits. There is a line as soon as more than {} a minute come, or all {} places are taken.",
            number(terms.rate),
            number(terms.places)
        ),
    }
}
