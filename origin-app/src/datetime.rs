//! Moments as text: RFC 3339 in UTC on the wire, and a form for people.
//!
//! The shop knows only whole milliseconds in UTC; a calendar library would be larger than the rest of it.

use admission::clock::Timestamp;

use crate::language::Language;

const DAY_SECONDS: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A text is not a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time such as `2027-06-01T19:30:00Z` is needed, between the years 1970 and 9999")]
pub(crate) struct DateTimeError;

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// `2027-06-01T19:30:00Z`; with milliseconds only where there are any.
pub(crate) fn to_rfc3339(at: Timestamp) -> String {
    let Civil { year, month, day, hour, minute, second } = civil(at);
    let millis = at.as_millis() % 1000;
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// `1 June 2027, 19:30 UTC`.
pub(crate) fn for_people(at: Timestamp) -> String {
    let Civil { year, month, day, hour, minute, .. } = civil(at);
    let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"?");
    format!("{day} {month} {year}, {hour:02}:{minute:02} UTC")
}

/// `1 June 2027, 19:30 UTC`, or `2027년 6월 1일 19:30 UTC`.
pub(crate) fn in_language(at: Timestamp, language: Language) -> String {
    match language {
        Language::En => for_people(at),
        Language::Ko => {
            let Civil { year, month, day, hour, minute, .. } = civil(at);
            format!("{year}년 {month}월 {day}일 {hour:02}:{minute:02} UTC")
        }
    }
}

/// `2027-06-01T19:30`, as a field for moments has it.
pub(crate) fn to_field(at: Timestamp) -> String {
    to_rfc3339(at).chars().take(16).collect()
}

/// `2027-06-01`, as a field for dates has it.
pub(crate) fn parse_day(text: &str) -> Result<Timestamp, DateTimeError> {
    parse_rfc3339(&format!("{text}T00:00:00Z"))
}

/// `19:30:05 UTC`.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    let Civil { hour, minute, second, .. } = civil(at);
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}

/// Reads an RFC 3339 time with any offset.
///
/// # Errors
/// When `text` is not one, or lies outside the years 1970 to 9999.
pub(crate) fn parse_rfc3339(text: &str) -> Result<Timestamp, DateTimeError> {
    parse(text).ok_or(DateTimeError)
}

fn parse(text: &str) -> Option<Timestamp> {
    if !text.is_ascii() {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let (millis, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, zone) = rest.split_at_checked(digits)?;
            if fraction.is_empty() || fraction.len() > 9 {
                return None;
            }
            (format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?, zone)
        }
        None => (0, rest),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let offset_seconds = match zone {
        "Z" | "z" => 0,
        _ => {
            let (sign, clock) = zone.split_at_checked(1)?;
            let [hours, minutes] = numbers(clock, ':', [2, 2])?;
            let size = (hours <= 23 && minutes <= 59).then_some(hours * 3600 + minutes * 60)?;
            match sign {
                "+" => size,
                "-" => -size,
                _ => return None,
            }
        }
    };
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    if !fits {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second
        - offset_seconds;
    u64::try_from(seconds * 1000 + millis).ok().map(Timestamp::from_millis)
}

/// The numbers of `text` between `separator`s, each with exactly so many digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut values = [0; N];
    for (value, digits) in values.iter_mut().zip(digits) {
        let part = parts.next()?;
        let well_formed = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *value = well_formed.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(values)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, by Howard Hinnant's `days_from_civil`: the year begins in March, so that the leap
/// day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_since_epoch`], with the time of day.
fn civil(at: Timestamp) -> Civil {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    let shifted = seconds / DAY_SECONDS + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let of_day = seconds % DAY_SECONDS;
    Civil { year, month, day, hour: of_day / 3600, minute: of_day / 60 % 60, second: of_day % 60 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_read_and_write() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696_000),
            ("2026-11-21T10:16:30.250Z", 1_795_256_190_250),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!(parse_rfc3339(text), Ok(Timestamp::from_millis(millis)), "{text}");
            assert_eq!(to_rfc3339(Timestamp::from_millis(millis)), text);
        }
        assert_eq!(parse_rfc3339("2027-06-01T21:30:00+02:00"), parse_rfc3339("2027-06-01T19:30:00Z"));
        assert_eq!(for_people(Timestamp::from_millis(951_827_696_000)), "29 February 2000, 12:34 UTC");
        let moment = Timestamp::from_millis(951_827_696_000);
        assert_eq!(in_language(moment, Language::En), for_people(moment));
        assert_eq!(in_language(moment, Language::Ko), "2000년 2월 29일 12:34 UTC");
        assert_eq!(parse_day("1970-01-02"), Ok(Timestamp::from_millis(86_400_000)));
        assert_eq!(time_of_day(Timestamp::from_millis(951_827_696_000)), "12:34:56 UTC");
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..146_097_u64 {
            let at = Timestamp::from_millis(day * 86_400_000);
            assert_eq!(parse_rfc3339(&to_rfc3339(at)), Ok(at));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "2027-06-01",
            "2027-06-01T19:30:00",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-06-01T24:00:00Z",
            "2027-06-01T19:30:00+2:00",
            "2027-06-01T19:30:00.Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "2027-06-01T19:30:00Zz",
            "+027-06-01T19:30:00Z",
            "２027-06-01T19:30:00Z",
        ] {
            assert_eq!(parse_rfc3339(text), Err(DateTimeError), "{text}");
        }
    }
}
