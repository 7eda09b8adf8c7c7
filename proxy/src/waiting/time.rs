//! Moments as RFC 3339 in UTC, the form that every answer uses.

use admission::clock::Timestamp;

/// `2027-01-31T12:00:00.250Z`.
pub fn rfc3339(moment: Timestamp) -> String {
    let millis = moment.as_millis() % 1000;
    let seconds = moment.as_secs();
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    // Digit by digit, and by numbers that are known beforehand: it stands in whatever a fan is told.
    let digit = |number: u64| char::from(b'0' + (number % 10) as u8);
    let two = |number: u64| [digit(number / 10), digit(number)];
    let [hour, minute, second] = [second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60];
    let mut text = String::with_capacity(24);
    text.extend(two(year / 100));
    for (before, number) in [("", year), ("-", month), ("-", day), ("T", hour), (":", minute), (":", second)]
    {
        text.push_str(before);
        text.extend(two(number));
    }
    text.push('.');
    text.push(digit(millis / 100));
    text.extend(two(millis));
    text.push('Z');
    text
}

/// Year, month and day of the day that lies `days` after 1970-01-01. Counts in eras of 400 years that begin in
/// March, so that the leap day is the last of its year.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_millis(millis)), text);
        }
    }
}
