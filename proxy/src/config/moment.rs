//! Moments as people write them: TOML's own date-times or texts in the same form, always with an offset.

use admission::clock::Timestamp;
use toml::Value;
use toml::value::{Datetime, Offset};

use crate::waiting::time::rfc3339;

/// What a moment looks like, for error messages.
pub(super) const NEEDED: &str = "a date and time with its offset is needed, such as 2027-05-01T10:00:00Z or \
                                 2027-05-01T12:00:00+02:00";

/// Latest year that is read: every rank is exact until then.
const YEARS: std::ops::RangeInclusive<u16> = 1970..=2200;

/// Reads a moment.
pub(crate) fn parse(value: &Value) -> Option<Timestamp> {
    let written: Datetime = match value {
        Value::Datetime(written) => *written,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let Datetime { date: Some(date), time: Some(time), offset: Some(offset) } = written else { return None };
    if !YEARS.contains(&date.year) {
        return None;
    }
    let offset_minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let minutes = days(date.year.into(), date.month.into(), date.day.into()) * 24 * 60
        + i64::from(time.hour) * 60
        + i64::from(time.minute)
        - offset_minutes;
    let seconds = minutes * 60 + i64::from(time.second.unwrap_or_default());
    let millis = i64::from(time.nanosecond.unwrap_or_default()) / 1_000_000;
    u64::try_from(seconds * 1000 + millis).ok().map(Timestamp::from_millis)
}

/// Writes a moment so that [`parse`] reads it.
pub(super) fn show(moment: Timestamp) -> Value {
    let text = rfc3339(moment).replace(".000Z", "Z");
    text.parse().map_or(Value::String(text), Value::Datetime)
}

/// Days from 1970-01-01 to a date. Counts in eras of 400 years that begin in March, so that the leap day is the
/// last of its year.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Option<u64> {
        let table: toml::Table = toml::from_str(&format!("at = {written}")).ok()?;
        parse(&table["at"]).map(Timestamp::as_millis)
    }

    #[test]
    fn moments_are_read_and_written() {
        for (written, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
            ("\"2023-11-14T22:13:20.123Z\"", 1_700_000_000_123),
            ("2023-11-15T00:13:20+02:00", 1_700_000_000_000),
            ("2023-11-14 17:43:20-04:30", 1_700_000_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2000-03-01T00:00:00Z", 951_868_800_000),
            ("2100-01-01T00:00:00Z", 4_102_444_800_000),
        ] {
            assert_eq!(read(written), Some(millis), "{written}");
            assert_eq!(parse(&show(Timestamp::from_millis(millis))).map(Timestamp::as_millis), Some(millis));
        }
    }

    #[test]
    fn what_names_no_moment_is_refused() {
        for bad in [
            "2027-05-01T10:00:00",
            "2027-05-01",
            "10:00:00",
            "\"tomorrow\"",
            "\"2027-13-01T10:00:00Z\"",
            "1969-12-31T00:00:00Z",
            "9999-01-01T00:00:00Z",
            "1700000000",
            "true",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
