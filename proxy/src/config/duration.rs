//! Durations as people write them: `250ms`, `30s`, `10m`, `2h`, `1d`, and sums of those (`1m30s`).

use std::time::Duration;

/// What a duration looks like, for error messages.
pub(super) const NEEDED: &str = "a time such as \"250ms\", \"30s\", \"10m\", \"2h\" or \"1d\" is needed";

/// Reads a duration.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let number: u64 = number.parse().ok()?;
        let unit_ms: u64 = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(unit_ms)?))?;
        rest = after.trim_start();
    }
    Some(total)
}

/// Writes a duration so that [`parse`] reads it.
pub(super) fn show(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    for (unit_ms, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")] {
        if ms != 0 && ms.is_multiple_of(unit_ms) {
            return format!("{}{unit}", ms / unit_ms);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms, back) in [
            ("250ms", 250, "250ms"),
            ("30s", 30_000, "30s"),
            ("10m", 600_000, "10m"),
            ("1m30s", 90_000, "90s"),
            ("1m 30s", 90_000, "90s"),
            ("2h", 7_200_000, "2h"),
            ("1d", 86_400_000, "1d"),
            ("0s", 0, "0ms"),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(ms), "{text}");
            assert_eq!(show(duration), back);
            assert_eq!(parse(back), Some(duration));
        }
        for bad in ["", "10", "m", "10 minutes", "-1s", "1.5s", "99999999999999999999s", "9999999999999999d"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
