//! `[telemetry]`: where traces go.

use http::Uri;
use serde::Deserialize;
use toml::{Spanned, Table};

use super::super::error::{ConfigError, Source};
use super::super::values::Maybe;

/// The variables of OpenTelemetry that come before the file.
const ENDPOINT_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The share of requests that are traced.
const RATIO_VARIABLE: &str = "OTEL_TRACES_SAMPLER_ARG";

const ENDPOINT_NEEDED: &str = "the address of a collector that takes OTLP over HTTP is needed, such as \
                               \"http://127.0.0.1:4318\"; one beside the edge sends it on by TLS";
const RATIO_NEEDED: &str = "a share from 0 to 1 is needed: 0.01 traces one request in a hundred";

/// Where traces go, and of how many requests.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetryConfig {
    /// The collector; none, and nothing is traced.
    pub endpoint: Option<String>,
    /// Which share of the requests is traced, unless a trusted proxy has decided.
    pub sample_ratio: f64,
}

impl Eq for TelemetryConfig {}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { endpoint: None, sample_ratio: 0.01 }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTelemetry {
    endpoint: Maybe<String>,
    sample_ratio: Maybe<f64>,
}

pub(super) fn check(source: &Source<'_>, wire: WireTelemetry) -> Result<TelemetryConfig, ConfigError> {
    let WireTelemetry { endpoint, sample_ratio } = wire;
    let mut config = TelemetryConfig::default();
    if let Some(value) = endpoint {
        let endpoint = endpoint_of(value.get_ref()).ok_or_else(|| {
            let found = format!("\"{}\"", value.get_ref());
            source.error(&value.span(), "telemetry.endpoint", found, ENDPOINT_NEEDED)
        })?;
        config.endpoint = Some(endpoint);
    }
    if let Some(value) = &sample_ratio {
        config.sample_ratio = ratio_of(*value.get_ref()).ok_or_else(|| {
            source.error(&value.span(), "telemetry.sample_ratio", Spanned::get_ref(value), RATIO_NEEDED)
        })?;
    }
    Ok(config)
}

impl TelemetryConfig {
    /// What the environment says comes first.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn take_environment(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let wrong = |name: &str, value: &str, needed: &str| {
            ConfigError::whole(std::path::Path::new(name), format!("found \"{value}\"; {needed}"))
        };
        if let Some(value) = said(ENDPOINT_VARIABLE) {
            let endpoint = endpoint_of(&value);
            self.endpoint = Some(endpoint.ok_or_else(|| wrong(ENDPOINT_VARIABLE, &value, ENDPOINT_NEEDED))?);
        }
        if let Some(value) = said(RATIO_VARIABLE) {
            let ratio = value.parse().ok().and_then(ratio_of);
            self.sample_ratio = ratio.ok_or_else(|| wrong(RATIO_VARIABLE, &value, RATIO_NEEDED))?;
        }
        Ok(())
    }
}

/// The address without a slash at its end.
fn endpoint_of(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let is_good = uri.scheme_str() == Some("http") && uri.host().is_some() && uri.query().is_none();
    is_good.then(|| text.trim_end_matches('/').to_owned())
}

fn ratio_of(ratio: f64) -> Option<f64> {
    (0.0..=1.0).contains(&ratio).then_some(ratio)
}

/// As it is in the file.
pub(in crate::config) fn show(config: &TelemetryConfig) -> Table {
    let TelemetryConfig { endpoint, sample_ratio } = config;
    let mut table = Table::new();
    if let Some(endpoint) = endpoint {
        table.insert("endpoint".to_owned(), endpoint.clone().into());
    }
    table.insert("sample_ratio".to_owned(), (*sample_ratio).into());
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<TelemetryConfig, String> {
        let source = Source { file: Path::new("edge.toml"), text };
        let wire = source.parse().map_err(|error| error.to_string())?;
        check(&source, wire).map_err(|error| error.to_string())
    }

    #[test]
    fn a_collector_is_named_and_a_share_is_a_share() {
        assert_eq!(read("").unwrap(), TelemetryConfig::default());
        let config = read("endpoint = \"http://collector:4318/\"\nsample_ratio = 1.0").unwrap();
        assert_eq!(config.endpoint.as_deref(), Some("http://collector:4318"));
        for (text, complaint) in [
            (
                "endpoint = \"https://c:4318\"",
                "edge.toml:1:12: `telemetry.endpoint`: found \"https://c:4318\"; the address",
            ),
            (
                "\nendpoint = \"collector\"",
                "edge.toml:2:12: `telemetry.endpoint`: found \"collector\"; the address",
            ),
            (
                "sample_ratio = 1.5",
                "edge.toml:1:16: `telemetry.sample_ratio`: found 1.5; a share from 0 to 1",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(complaint), "{error}");
        }
    }

    #[test]
    fn the_environment_comes_first() {
        let mut config = read("endpoint = \"http://file:4318\"").unwrap();
        let said = |name: &str| match name {
            ENDPOINT_VARIABLE => Some("http://environment:4318".to_owned()),
            RATIO_VARIABLE => Some("0.5".to_owned()),
            _ => None,
        };
        config.take_environment(said).unwrap();
        assert_eq!(config.endpoint.as_deref(), Some("http://environment:4318"));
        assert!((config.sample_ratio - 0.5).abs() < f64::EPSILON);
        let error = config.take_environment(|_| Some("nonsense".to_owned())).unwrap_err().to_string();
        assert!(error.starts_with(ENDPOINT_VARIABLE), "{error}");
    }
}
