//! The place that a waiting page shows, as somebody without script reads it.

/// What stands before its number in the page's markup.
const BEFORE: &[u8] = b"id=\"position\" data-number=\"";
/// Most digits that a place has.
const DIGITS_MAX: usize = 9;

/// The place that `page` shows; nothing where it shows none, as before an opening.
pub(super) fn shown(page: &[u8]) -> Option<u64> {
    let at = page.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let rest = page.get(at..)?;
    let digits = rest.iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits > DIGITS_MAX || rest.get(digits) != Some(&b'"') {
        return None;
    }
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_and_no_place_is_none() {
        let page = |number: &str| {
            format!(
                "<section id=\"place\"><p class=\"position\" id=\"position\" data-number=\"{number}\">1,235</p>"
            )
        };
        assert_eq!(shown(page("1235").as_bytes()), Some(1235));
        for none in ["", "none", "-1", "12a", "1234567890"] {
            assert_eq!(shown(page(none).as_bytes()), None, "{none}");
        }
        assert_eq!(shown(b"a page of the shop"), None);
        assert_eq!(shown(b"id=\"position\" data-number=\"12"), None, "broken off");
    }
}
