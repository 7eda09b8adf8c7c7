//! Amounts of money, for people.

/// `€45.00`, or `45.00 SEK` where the currency has no well-known sign. Every currency the shop takes has two
/// decimals or none.
pub(crate) fn for_people(cents: i64, currency: &str) -> String {
    let amount = match currency {
        "JPY" | "KRW" => cents.to_string(),
        _ => format!("{}.{:02}", cents / 100, (cents % 100).abs()),
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

#[cfg(test)]
mod tests {
    use super::for_people;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(for_people(4500, "EUR"), "€45.00");
        assert_eq!(for_people(5, "USD"), "$0.05");
        assert_eq!(for_people(45_000, "KRW"), "₩45000");
        assert_eq!(for_people(123_456, "SEK"), "1234.56 SEK");
    }
}
