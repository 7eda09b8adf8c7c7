//! `[inventory]`: where it is kept which seats are free.

use std::fmt;
use std::time::Duration;

use super::ConfigError;
use super::check::Source;
use super::wire::WireInventory;
use crate::inventory::redis::check_url;

const RIGHT: &str = "`memory` is right, or the URL of one Redis such as `redis://127.0.0.1:6379/0` or `unix:///run/redis.sock`";

const WARM_UP_SECONDS: u64 = 600;

/// Where it is kept which seats are free, and from when on.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// In this process, or in a Redis that several shops share.
    pub store: InventoryStore,
    /// How long before a sale opens it is loaded.
    pub warm_up: Duration,
}

/// In this process, or in a Redis that several shops share; a password is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InventoryStore(Option<String>);

impl InventoryStore {
    /// Takes `memory`, or a URL of Redis.
    ///
    /// # Errors
    /// When it is neither: what would be right.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        match text.trim() {
            "memory" => Ok(Self(None)),
            url => match check_url(url) {
                Ok(()) => Ok(Self(Some(url.to_owned()))),
                // The text itself may hold a password, so it is not repeated.
                Err(error) => Err(ConfigError::new(format!("{error}; {RIGHT}"))),
            },
        }
    }

    /// What it is, in one word.
    pub const fn kind(&self) -> &'static str {
        if self.0.is_some() { "redis" } else { "memory" }
    }

    /// The URL with its password, for connecting; none, where it is in this process.
    pub fn redis_url(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for InventoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(url) = &self.0 else { return f.write_str("memory") };
        let shown = url.split_once('?').map_or(url.as_str(), |(shown, _)| shown);
        match shown.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
            Some((scheme, host)) => write!(f, "{scheme}://…@{host}"),
            None => f.write_str(shown),
        }
    }
}

impl fmt::Debug for InventoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn check(
    source: &Source<'_>,
    given: Option<&str>,
    wire: &WireInventory,
) -> Result<Inventory, ConfigError> {
    let store = match (given, &wire.store) {
        (Some(text), _) => {
            InventoryStore::parse(text).map_err(|error| ConfigError::new(format!("--inventory: {error}")))?
        }
        (None, Some(field)) => InventoryStore::parse(field.get_ref()).map_err(|error| {
            ConfigError::new(format!("{}: inventory.store: {error}", source.place(field)))
        })?,
        (None, None) => InventoryStore::default(),
    };
    let warm_up =
        source.seconds("inventory.warm_up_seconds", &wire.warm_up_seconds, WARM_UP_SECONDS, 0..=86_400)?;
    Ok(Inventory { store, warm_up })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (text, shown) in [
            ("memory", "memory"),
            ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
            ("redis://u:hunter2@h:1/2", "redis://…@h:1/2"),
            ("unix:///run/redis.sock?pass=hunter2", "unix:///run/redis.sock"),
        ] {
            assert_eq!(InventoryStore::parse(text).unwrap().to_string(), shown);
        }
        let error = InventoryStore::parse("http://u:hunter2@h").unwrap_err().to_string();
        assert!(error.contains(RIGHT) && !error.contains("hunter2"), "{error}");
    }
}
