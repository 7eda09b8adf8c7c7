//! `[telemetry]`: where traces go.

use std::fmt;

use axum::http::Uri;

use super::ConfigError;
use super::check::Source;
use super::secrets::Environment;
use super::wire::WireTelemetry;

/// The variables of OpenTelemetry, which come before the file.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";

const ENDPOINT_RIGHT: &str = "the address of a collector that takes OTLP over HTTP is needed, such as \
                              `http://127.0.0.1:4318`; one beside the shop sends it on by TLS";
const RATIO_RIGHT: &str = "a share from 0.0 to 1.0 is right";

/// Where traces go.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// The collector; none, and nothing is traced.
    pub endpoint: Option<String>,
    /// Which share of the requests is traced that come without an edge. The edge decides about all others.
    pub sample_ratio: f64,
}

pub(super) fn check(
    source: &Source<'_>,
    wire: &WireTelemetry,
    environment: Environment<'_>,
) -> Result<Telemetry, ConfigError> {
    let WireTelemetry { endpoint, sample_ratio } = wire;
    let said = |name: &str| environment(name).filter(|value| !value.is_empty());
    let wrong = |name: &str, value: &str, right: &str| {
        ConfigError::new(format!("{name}: `{value}` is wrong; {right}"))
    };
    let endpoint = match (said(ENDPOINT), endpoint) {
        (Some(value), _) => Some(endpoint_of(&value).ok_or_else(|| wrong(ENDPOINT, &value, ENDPOINT_RIGHT))?),
        (None, Some(field)) => Some(
            endpoint_of(field.get_ref())
                .ok_or_else(|| source.wrong("telemetry.endpoint", field, ENDPOINT_RIGHT))?,
        ),
        (None, None) => None,
    };
    let is_share = |ratio: &f64| (0.0..=1.0).contains(ratio);
    let sample_ratio = match (said(RATIO), sample_ratio) {
        (Some(value), _) => {
            value.parse().ok().filter(is_share).ok_or_else(|| wrong(RATIO, &value, RATIO_RIGHT))?
        }
        (None, Some(field)) => Some(*field.get_ref())
            .filter(is_share)
            .ok_or_else(|| source.wrong("telemetry.sample_ratio", field, RATIO_RIGHT))?,
        (None, None) => 0.0,
    };
    Ok(Telemetry { endpoint, sample_ratio })
}

/// The address without a slash at its end.
fn endpoint_of(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let is_good = uri.scheme_str() == Some("http") && uri.host().is_some() && uri.query().is_none();
    is_good.then(|| text.trim_end_matches('/').to_owned())
}

/// As it is in the file.
impl fmt::Display for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, sample_ratio } = self;
        writeln!(f, "\n[telemetry]")?;
        if let Some(endpoint) = endpoint {
            writeln!(f, "endpoint = \"{endpoint}\"")?;
        }
        writeln!(f, "sample_ratio = {sample_ratio:?}")
    }
}
