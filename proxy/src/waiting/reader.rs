//! Who reads a page: in which language, by which address, and whether it may come compressed.

use http::header;

use super::cookies::Scheme;
use super::texts::Languages;
use crate::gate::credentials::cookies;
use crate::gate::fields::Fields;

/// How long a chosen language is kept.
const KEPT_SECONDS: u64 = 365 * 24 * 3600;
/// Most languages that are looked at in `Accept-Language`.
const WISHES_MAX: usize = 16;

/// Who reads a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// The language that they chose.
    chosen: Option<String>,
    /// What their browser accepts.
    accepted: String,
    /// Whether the answer may be compressed with gzip.
    pub takes_gzip: bool,
    /// The address of the page, as a path with its query.
    pub page: String,
}

impl Reader {
    /// Reads what the request says. `page` is the path and query that it asks for.
    pub fn of(headers: &Fields<'_>, scheme: Scheme, page: impl Into<String>) -> Self {
        let chosen = cookies(headers, cookie_name(scheme)).next().map(ToOwned::to_owned);
        let mut accepted = String::new();
        for line in headers.get_all(header::ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok()) {
            if !accepted.is_empty() {
                accepted.push(',');
            }
            accepted.push_str(line);
        }
        let mut encodings = headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
        Self { chosen, accepted, takes_gzip: encodings.any(takes_gzip), page: page.into() }
    }

    /// Which of the languages is theirs.
    pub(super) fn choose(&self, languages: &Languages) -> usize {
        let closest = |wish: &str| {
            // `zh-TW` reads `zh` where there is no closer one.
            let mut tag = wish;
            loop {
                if let Some(index) = languages.index_of(tag) {
                    return Some(index);
                }
                (tag, _) = tag.rsplit_once('-')?;
            }
        };
        let chosen = self.chosen.as_deref().and_then(closest);
        chosen.or_else(|| wishes(&self.accepted).find_map(closest)).unwrap_or_default()
    }
}

/// The cookie that keeps a chosen language. It says nothing of who chose it.
const fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "wr-language",
        Scheme::Https => "__Host-wr-language",
    }
}

/// The `Set-Cookie` value that keeps a chosen language.
pub fn keep_language(scheme: Scheme, tag: &str) -> String {
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    format!("{}={tag}; Path=/; Max-Age={KEPT_SECONDS}; HttpOnly; SameSite=Lax{secure}", cookie_name(scheme))
}

/// The tags of an `Accept-Language`, the most wanted first.
fn wishes(value: &str) -> impl Iterator<Item = &str> {
    let mut wishes = [(0, ""); WISHES_MAX];
    for (place, part) in wishes.iter_mut().zip(value.split(',')) {
        let (tag, weight) = weighed(part);
        let is_tag =
            (1..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_tag {
            *place = (weight, tag);
        }
    }
    // The order among equals stays: browsers name the best one first.
    wishes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wishes.into_iter().take_while(|(weight, _)| *weight > 0).map(|(_, tag)| tag)
}

/// `de;q=0.8` as `de` and 800.
fn weighed(part: &str) -> (&str, u32) {
    let mut pieces = part.split(';').map(str::trim);
    let name = pieces.next().unwrap_or_default();
    let weight = pieces
        .find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")))
        .map_or(1.0, |q| q.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0));
    (name, (weight * 1000.0) as u32)
}

fn takes_gzip(value: &str) -> bool {
    let mut any = false;
    for part in value.split(',') {
        match weighed(part) {
            (name, weight) if name.eq_ignore_ascii_case("gzip") => return weight > 0,
            ("*", weight) => any = weight > 0,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn reader(list: &[(&'static str, &'static str)]) -> Reader {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Reader::of(&Fields::of(&headers), Scheme::Http, "/a")
    }

    fn chosen(list: &[(&'static str, &'static str)]) -> String {
        let languages = Languages::shipped().unwrap();
        languages.get(reader(list).choose(&languages)).tag.clone()
    }

    #[test]
    fn the_most_wanted_language_that_there_is_is_spoken() {
        for (wanted, spoken) in [
            ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
            ("it, de;q=0.5, fr;q=0.7", "fr"),
            ("zh-Hant-TW", "zh"),
            ("DE-at", "de"),
            ("ko;q=0, ja;q=0.1", "ja"),
            ("ko;q=nonsense, ja;q=0.1", "ja"),
            ("*", "en"),
            ("", "en"),
            ("it", "en"),
            ("<script>, es", "es"),
        ] {
            assert_eq!(chosen(&[("accept-language", wanted)]), spoken, "{wanted}");
        }
        assert_eq!(chosen(&[]), "en");
        assert_eq!(chosen(&[("cookie", "a=b; wr-language=fr"), ("accept-language", "de")]), "fr");
        assert_eq!(chosen(&[("cookie", "wr-language=none"), ("accept-language", "de")]), "de");
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (value, takes) in [
            ("gzip, deflate, br", true),
            ("GZIP;q=0.5", true),
            ("gzip;q=0, *", false),
            ("*", true),
            ("*;q=0", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(reader(&[("accept-encoding", value)]).takes_gzip, takes, "{value}");
        }
        assert!(!reader(&[]).takes_gzip);
    }

    #[test]
    fn a_choice_is_kept() {
        assert_eq!(
            keep_language(Scheme::Https, "ko"),
            "__Host-wr-language=ko; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
