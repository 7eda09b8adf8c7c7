//! Checks that every section needs: numbers in a range, durations, moments, addresses.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use admission::clock::Timestamp;
use toml::{Spanned, Value};

use super::error::{ConfigError, Source};
use super::{duration, moment};

/// A wire value that may be left out.
pub(super) type Maybe<T> = Option<Spanned<T>>;

impl Source<'_> {
    /// A whole number within `range`, or `default`.
    pub(super) fn number(
        &self,
        field: &str,
        value: &Maybe<i64>,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        match u64::try_from(*value.get_ref()) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let needed = format!("a whole number from {} to {} is needed", range.start(), range.end());
                Err(self.error(&value.span(), field, value.get_ref(), needed))
            }
        }
    }

    /// A duration within `range`, or `default`.
    pub(super) fn duration(
        &self,
        field: &str,
        value: &Maybe<String>,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        let found = format!("\"{}\"", value.get_ref());
        let Some(parsed) = duration::parse(value.get_ref()) else {
            return Err(self.error(&value.span(), field, found, duration::NEEDED));
        };
        if range.contains(&parsed) {
            return Ok(parsed);
        }
        let needed = format!(
            "a time from {} to {} is needed",
            duration::show(*range.start()),
            duration::show(*range.end())
        );
        Err(self.error(&value.span(), field, found, needed))
    }

    /// A moment, if one is named.
    pub(super) fn moment(&self, field: &str, value: &Maybe<Value>) -> Result<Option<Timestamp>, ConfigError> {
        let Some(value) = value else { return Ok(None) };
        let found = value.get_ref();
        moment::parse(found).map(Some).ok_or_else(|| self.error(&value.span(), field, found, moment::NEEDED))
    }

    /// An address to listen on, or `default`.
    pub(super) fn address(
        &self,
        field: &str,
        value: &Maybe<String>,
        default: SocketAddr,
    ) -> Result<SocketAddr, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        value.get_ref().parse().map_err(|_| {
            let found = format!("\"{}\"", value.get_ref());
            let needed = "an IP address and a port are needed, such as \"127.0.0.1:8080\" or \"[::]:8080\"";
            self.error(&value.span(), field, found, needed)
        })
    }
}
