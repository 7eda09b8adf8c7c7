//! What a room wants in a word.

use admission::binding::BindTo;

use crate::config::error::{ConfigError, Source};
use crate::config::values::Maybe;

/// How `bind_tokens` says that tokens are good for whoever has them.
const NONE: &str = "none";

/// What becomes of visitors of a room while the store is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStoreFailure {
    /// Nobody is admitted; when they came is noted.
    #[default]
    Wait,
    /// Each proxy lets fans in at a pace of its own.
    Open,
}

impl OnStoreFailure {
    /// As in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Open => "open",
        }
    }
}

pub(super) fn check_on_store_failure(
    source: &Source<'_>,
    value: &Maybe<String>,
) -> Result<OnStoreFailure, ConfigError> {
    let Some(value) = value else { return Ok(OnStoreFailure::default()) };
    [OnStoreFailure::Wait, OnStoreFailure::Open]
        .into_iter()
        .find(|known| known.as_str() == value.get_ref())
        .ok_or_else(|| {
            let needed = "\"wait\" or \"open\" is needed";
            source.error(&value.span(), "room.on_store_failure", format!("\"{}\"", value.get_ref()), needed)
        })
}

/// As in configuration.
pub(super) fn bind_tokens_as_str(bind: Option<BindTo>) -> &'static str {
    bind.map_or(NONE, BindTo::as_str)
}

pub(super) fn check_bind_tokens(
    source: &Source<'_>,
    value: &Maybe<String>,
) -> Result<Option<BindTo>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    if value.get_ref() == NONE {
        return Ok(None);
    }
    let found = BindTo::ALL.into_iter().find(|known| known.as_str() == value.get_ref());
    found.map(Some).ok_or_else(|| {
        let needed = "\"none\", \"network\", \"browser\" or \"network-and-browser\" is needed";
        source.error(&value.span(), "room.bind_tokens", format!("\"{}\"", value.get_ref()), needed)
    })
}
