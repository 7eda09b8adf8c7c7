//! The languages that the shop speaks.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most wishes of a visitor that are read.
const WISHES_MAX: usize = 20;

/// A language of pages and mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ko];

    /// Its tag (RFC 5646).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language of this tag; `ko-KR` is Korean.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// What the visitor would rather read, by `Accept-Language`; English where that says nothing that we speak.
    pub fn preferred(headers: &HeaderMap) -> Self {
        let text = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Self::default());
        for wish in text.split(',').take(WISHES_MAX) {
            let mut parts = wish.split(';');
            let Some(language) = parts.next().and_then(|tag| Self::parse(tag.trim())) else { continue };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Ok(1.0), str::parse);
            if let Ok(weight) = weight
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_heaviest_wish_that_we_speak_counts() {
        for (wishes, language) in [
            ("", Language::En),
            ("ko", Language::Ko),
            ("ko-KR,ko;q=0.9,en;q=0.8", Language::Ko),
            ("en-US,ko;q=0.9", Language::En),
            ("fr, ko;q=0.3, en;q=0.2", Language::Ko),
            ("ko;q=0, en;q=0.1", Language::En),
            ("ko;q=nonsense", Language::En),
            ("*", Language::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(wishes).unwrap());
            assert_eq!(Language::preferred(&headers), language, "{wishes}");
        }
    }
}
