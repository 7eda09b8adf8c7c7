//! Figures as people read them.

/// A time as people say it.
pub(crate) fn time(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..600 if !whole.is_multiple_of(60) => format!("{} min {} s", whole / 60, whole % 60),
        60..3600 => format!("{} min", (whole + 30) / 60),
        _ => {
            let minutes = (whole + 30) / 60;
            match minutes % 60 {
                0 => format!("{} h", minutes / 60),
                rest => format!("{} h {rest} min", minutes / 60),
            }
        }
    }
}

/// A number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
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

/// A text whose numbers of five to nine digits have their thousands apart; longer ones are ranks and names.
pub(crate) fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find(|char: char| char.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let length = from.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = from.split_at(length);
        out.push_str(before);
        let in_a_word = |char: char| char.is_alphanumeric() || matches!(char, '.' | '_' | '-' | '/' | ':');
        let is_apart = !before.ends_with(in_a_word) && !after.starts_with(|char: char| char.is_alphabetic());
        match digits.parse() {
            Ok(whole) if is_apart && (5..=9).contains(&length) => out.push_str(&number(whole)),
            _ => out.push_str(digits),
        }
        rest = after;
    }
    out + rest
}

/// A number of which three digits tell enough.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size.fract() < 1e-9 => {
            let sign = if value <= -0.5 { "−" } else { "" };
            format!("{sign}{}", number(size.round() as u64))
        }
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.01 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Milliseconds, or seconds where there are many.
pub(crate) fn millis(millis: f64) -> String {
    if millis >= 10_000.0 { time(millis / 1000.0) } else { format!("{} ms", figure(millis)) }
}

/// Bytes.
pub(crate) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    for (unit, size) in [("TiB", 1024_f64.powi(4)), ("GiB", 1024_f64.powi(3)), ("MiB", 1024_f64.powi(2))] {
        if bytes >= size {
            return format!("{} {unit}", figure(bytes / size));
        }
    }
    format!("{} KiB", figure((bytes / 1024.0).ceil()))
}

/// A share as a percentage; small ones are not nothing.
pub(crate) fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    if part > 0.0 && percent < 0.01 {
        "less than 0.01 %".to_owned()
    } else {
        format!("{} %", figure(percent))
    }
}

/// So many of them: `1 fan`, `3 fans`.
pub(crate) fn many(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { several })
}

/// Words, one after another: `a`, `a and b`, `a, b and c`.
pub(crate) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// Text inside of HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_for_people() {
        let times = [0.4, 59.0, 60.0, 61.0, 3599.0, 9960.0, 57_600.0].map(time);
        assert_eq!(times, ["0 s", "59 s", "1 min", "1 min 1 s", "60 min", "2 h 46 min", "16 h"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        let told = "3620410 positions, 9000 a minute, rank 1838439239188482 at 12345.250 s, k-12345";
        assert_eq!(
            spaced(told),
            "3,620,410 positions, 9000 a minute, rank 1838439239188482 at 12,345.250 s, k-12345"
        );
        let figures = [0.0, 0.004, 0.25, 7.0, 12.34, 1234.5, -3.25].map(figure);
        assert_eq!(figures, ["0", "0.0040", "0.25", "7", "12.3", "1,235", "-3.25"]);
        assert_eq!([1.5, 12_000.0].map(millis), ["1.50 ms", "12 s"]);
        assert_eq!([0, 2048, 3 << 20, 5 << 30].map(bytes), ["0 KiB", "2 KiB", "3 MiB", "5 GiB"]);
        assert_eq!(share(1.0, 1_000_000.0), "less than 0.01 %");
        assert_eq!([share(1.0, 3.0), share(0.0, 0.0)], ["33.3 %", "0 %"]);
        assert_eq!(list(&["a", "b", "c"].map(str::to_owned)), "a, b and c");
        assert_eq!([many(1, "fan", "fans"), many(2, "fan", "fans")], ["1 fan", "2 fans"]);
    }
}
