//! Amounts of money, for people.

/// `€45.00`, or `45.00 SEK` where the currency has no well-known sign. Every currency the shop takes has two
/// decimals or none.
pub(crate) fn for_people(cents: i64, currency: &str) -> String {
    let amount = match currency {
        "JPY" | "KRW" => grouped(cents),
        _ => format!("{}.{:02}", grouped(cents / 100), (cents % 100).abs()),
    };
    match currency {
        "EUR" => format!("€{amount}"),
        "USD" => format!("${amount}"),
        "GBP" => format!("£{amount}"),
        "JPY" => format!("¥{amount}"),
        "KRW" => format!("₩{amount}"),
        _ => format!("{amount} {currency}"),
    }
}

/// Reads `45.00` or `45` as an organiser writes it; nothing where it is no amount of the currency.
pub(crate) fn parse(text: &str, currency: &str) -> Option<i64> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, cents) = match currency {
        "JPY" | "KRW" => return digits(text).then(|| text.parse().ok())?,
        _ => text.split_once('.').unwrap_or((text, "00")),
    };
    let fits = digits(whole) && digits(cents) && cents.len() == 2;
    fits.then(|| whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents.parse().ok()?))?
}

/// `1,234,567`
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        grouped.push(digit);
        if position % 3 == 0 && position != 0 && digit != '-' {
            grouped.push(',');
        }
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{for_people, parse};

    #[test]
    fn amounts_are_read_to_the_smallest_unit() {
        assert_eq!((parse("45.05", "EUR"), parse("45", "EUR")), (Some(4505), Some(4500)));
        assert_eq!((parse("45000", "KRW"), parse("45.00", "KRW")), (Some(45_000), None));
        for text in ["", "4,5", "4.5", "-1", "1e3", "99999999999999999999", ".50"] {
            assert_eq!(parse(text, "EUR"), None, "{text}");
        }
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(for_people(4500, "EUR"), "€45.00");
        assert_eq!(for_people(5, "USD"), "$0.05");
        assert_eq!(for_people(45_000, "KRW"), "₩45,000");
        assert_eq!(for_people(123_456, "SEK"), "1,234.56 SEK");
        assert_eq!(for_people(-123_456_789, "KRW"), "₩-123,456,789");
        assert_eq!(for_people(-12_345_678, "USD"), "$-123,456.78");
    }
}
