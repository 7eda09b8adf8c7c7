//! Waits, openings and moments, in words for people.

use std::time::Duration;

use super::status::{Eta, State, Status};
use super::texts::{Texts, fill};

/// Whether the room is closed because it opens later.
pub(super) fn is_early(status: &Status) -> bool {
    status.state == State::Closed && status.opens_at.is_some()
}

/// The keys of what the page says first of this status: its heading, and what that means.
pub(super) fn about(status: &Status) -> (&'static str, &'static str) {
    match status.state {
        _ if is_early(status) => ("early_heading", "early_lead"),
        State::Prequeue => ("prequeue_heading", "prequeue_lead"),
        State::Waiting => ("waiting_heading", "waiting_lead"),
        State::Admitted => ("admitted_heading", "admitted_lead"),
        State::Paused => ("paused_heading", "paused_lead"),
        State::Closed => ("closed_heading", "closed_lead"),
        State::Expired => ("expired_heading", "expired_lead"),
    }
}

/// When the room opens, as the page without script says it.
pub(super) fn opens(texts: &Texts, status: &Status) -> Option<String> {
    let (at, left) = (status.opens_at.as_deref()?, status.opens_in?);
    let values = [("moment", &*moment(texts, at)), ("soon", &*soon(texts, left))];
    Some(fill(texts.notice("opens"), &values))
}

/// `2027-01-31T12:00:00.250Z` as `12:00:00 UTC on 2027-01-31`.
pub(crate) fn moment(texts: &Texts, at: &str) -> String {
    let day = at.split('T').next().unwrap_or_default();
    fill(texts.notice("moment"), &[("time", clock(at)), ("date", day)])
}

fn soon(texts: &Texts, left: Duration) -> String {
    let (key, count) = match left.as_secs() {
        0..60 => ("soon_under_minute", 0),
        seconds @ 60..90 => ("soon_minute", seconds / 60),
        seconds @ 90..7200 => ("soon_minutes", (seconds + 30) / 60),
        seconds @ 7200..172_800 => ("soon_hours", (seconds + 1800) / 3600),
        seconds => ("soon_days", (seconds + 43_200) / 86_400),
    };
    fill(texts.notice(key), &[("n", &texts.number(count))])
}

/// The wait in words, as the page's script writes it too.
pub(super) fn wait(texts: &Texts, eta: Option<Eta>) -> String {
    let Some(eta) = eta else {
        return texts.page("wait_unknown").to_owned();
    };
    if eta.high < 60 {
        return texts.page("wait_under_minute").to_owned();
    }
    let (low, high) = (eta.low / 60, eta.high.div_ceil(60));
    let (low, high, is_hours) =
        if high < 120 { (low, high, false) } else { (low / 60, high.div_ceil(60), true) };
    let key = match (low, is_hours) {
        (0, false) if high == 1 => "wait_up_to_minute",
        (0, false) => "wait_up_to_minutes",
        (0, true) => "wait_up_to_hours",
        (low, false) if low >= high && high == 1 => "wait_minute",
        (low, false) if low >= high => "wait_about_minutes",
        (low, true) if low >= high => "wait_about_hours",
        (_, false) => "wait_minutes",
        (_, true) => "wait_hours",
    };
    fill(texts.page(key), &[("low", &texts.number(low)), ("high", &texts.number(high))])
}

/// `2027-01-31T12:00:00.250Z` as `12:00:00 UTC`, for pages without script; with it, the browser's own clock is used.
pub(super) fn time(texts: &Texts, moment: &str) -> String {
    fill(texts.notice("time"), &[("time", clock(moment))])
}

/// The time of day in a moment.
fn clock(moment: &str) -> &str {
    moment.split_once('T').and_then(|(_, time)| time.get(..8)).unwrap_or(moment)
}

/// A time of day in English, for programs.
pub(crate) fn time_of_day(moment: &str) -> String {
    format!("{} UTC", clock(moment))
}

/// Time that is left, as `4:59` or `1:00:00`.
pub(super) fn left(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts::Languages;
    use super::*;

    #[test]
    fn openings_are_written_for_people() {
        let languages = Languages::shipped().unwrap();
        for (seconds, text) in [
            (0, "in less than a minute"),
            (60, "in about 1 minute"),
            (690, "in about 12 minutes"),
            (7200, "in about 2 hours"),
            (200_000, "in about 2 days"),
        ] {
            assert_eq!(soon(languages.first(), Duration::from_secs(seconds)), text);
        }
        assert_eq!(moment(languages.first(), "2027-01-31T12:00:00.250Z"), "12:00:00 UTC on 2027-01-31");
        let korean = languages.get(languages.index_of("ko").unwrap());
        assert_eq!(moment(korean, "2027-01-31T12:00:00.250Z"), "2027-01-31 12:00:00(UTC)");
        assert_eq!(soon(korean, Duration::from_secs(690)), "약 12분 후");
        assert_eq!((left(299), left(3600)), ("04:59".to_owned(), "1:00:00".to_owned()));
    }

    #[test]
    fn waits_are_written_for_people() {
        let languages = Languages::shipped().unwrap();
        let wait = |eta| wait(languages.first(), eta);
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
        for (tag, text) in [("de", "10 bis 17 Minuten"), ("ja", "10～17分"), ("fr", "10 à 17 minutes")] {
            let texts = languages.get(languages.index_of(tag).unwrap());
            assert_eq!(super::wait(texts, Some(Eta { low: 600, high: 1000 })), text);
        }
    }
}
