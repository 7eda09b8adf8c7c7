//! What pages say, in words for people.

use std::time::Duration;

use super::status::{Eta, State, Status};

/// Heading and first sentence for a fan with this status.
pub(super) fn of(status: &Status) -> (&'static str, &'static str) {
    match status.state {
        State::Prequeue => (
            "You are here in time",
            "The order will be drawn when the line opens: all who are here by then have the same chance. Coming early \
             gives no advantage. One place is one draw, and refreshing changes nothing. Keep this page open.",
        ),
        State::Waiting => {
            ("You are in line", "Keep this page open. You will be let in as soon as it is your turn.")
        }
        State::Admitted => ("It is your turn", "You are being let in."),
        State::Paused => ("The line is paused", "Nobody is let in at the moment. Your place is kept."),
        State::Closed if status.opens_at.is_some() => {
            ("Not open yet", "Nobody is let in before the opening. Your place is kept.")
        }
        State::Closed => ("This is closed", "Nobody is let in any more."),
        State::Expired => ("Your place has passed", "Your turn came and went. You can stand in line again."),
    }
}

/// When the room opens, as the page without script says it.
pub(super) fn opens(status: &Status) -> Option<String> {
    let (at, left) = (status.opens_at.as_deref()?, status.opens_in?);
    Some(format!("{}, {}", moment(at), soon(left)))
}

/// `2027-01-31T12:00:00.250Z` as `12:00:00 UTC on 2027-01-31`.
pub(crate) fn moment(at: &str) -> String {
    let day = at.split('T').next().unwrap_or_default();
    format!("{} on {day}", time_of_day(at))
}

fn soon(left: Duration) -> String {
    let about = |count: u64, unit| format!("in about {count} {unit}{}", if count == 1 { "" } else { "s" });
    match left.as_secs() {
        0..60 => "in less than a minute".to_owned(),
        seconds @ 60..7200 => about((seconds + 30) / 60, "minute"),
        seconds @ 7200..172_800 => about((seconds + 1800) / 3600, "hour"),
        seconds => about((seconds + 43_200) / 86_400, "day"),
    }
}

/// The wait in words, as the page's script writes it too.
pub(super) fn wait(eta: Option<Eta>) -> String {
    let Some(eta) = eta else {
        return "not known yet".to_owned();
    };
    if eta.high < 60 {
        return "less than a minute".to_owned();
    }
    let (low, high) = (eta.low / 60, eta.high.div_ceil(60));
    if high < 120 { between(low, high, "minute") } else { between(low / 60, high.div_ceil(60), "hour") }
}

fn between(low: u64, high: u64, unit: &str) -> String {
    let plural = if high == 1 { "" } else { "s" };
    match low {
        0 => format!("up to {high} {unit}{plural}"),
        low if low >= high => format!("about {high} {unit}{plural}"),
        low => format!("{low} to {high} {unit}{plural}"),
    }
}

/// `2027-01-31T12:00:00.250Z` as `12:00:00 UTC`, for pages without script; with it, the browser's own clock is used.
pub(crate) fn time_of_day(moment: &str) -> String {
    let time = moment.split_once('T').and_then(|(_, time)| time.get(..8));
    time.map_or_else(|| moment.to_owned(), |time| format!("{time} UTC"))
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_written_for_people() {
        for (seconds, text) in [
            (0, "in less than a minute"),
            (60, "in about 1 minute"),
            (690, "in about 12 minutes"),
            (7200, "in about 2 hours"),
            (200_000, "in about 2 days"),
        ] {
            assert_eq!(soon(Duration::from_secs(seconds)), text);
        }
        assert_eq!(moment("2027-01-31T12:00:00.250Z"), "12:00:00 UTC on 2027-01-31");
    }

    #[test]
    fn numbers_and_waits_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(wait(None), "not known yet");
        for (low, high, text) in [
            (0, 30, "less than a minute"),
            (59, 59, "less than a minute"),
            (0, 60, "up to 1 minute"),
            (60, 60, "about 1 minute"),
            (20, 90, "up to 2 minutes"),
            (60, 61, "1 to 2 minutes"),
            (120, 120, "about 2 minutes"),
            (600, 1000, "10 to 17 minutes"),
            (3600, 7139, "60 to 119 minutes"),
            (3599, 7141, "up to 2 hours"),
            (3600, 7200, "1 to 2 hours"),
            (1200, 9000, "up to 3 hours"),
            (7200, 7200, "about 2 hours"),
            (7200, 9000, "2 to 3 hours"),
        ] {
            assert_eq!(wait(Some(Eta { low, high })), text, "{low} {high}");
        }
    }
}
