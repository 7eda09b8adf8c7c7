//! The configuration as it is written in the file. Every value knows where it stands, so that an error can
//! name the line; nothing outside `config` sees these types.

use serde::Deserialize;
use toml::Spanned;

pub(super) type Field<T> = Option<Spanned<T>>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    pub(super) listen: Field<String>,
    pub(super) database: Field<String>,
    pub(super) edge_keys_file: Field<String>,
    pub(super) organiser_token_file: Field<String>,
    pub(super) ticket_keys_file: Field<String>,
    pub(super) require_edge: Field<bool>,
    #[serde(default)]
    pub(super) accounts: WireAccounts,
    #[serde(default)]
    pub(super) inventory: WireInventory,
    #[serde(default)]
    pub(super) holds: WireHolds,
    #[serde(default)]
    pub(super) payments: WirePayments,
    #[serde(default)]
    pub(super) cache: WireCache,
    #[serde(default)]
    pub(super) mail: WireMail,
    #[serde(default)]
    pub(super) limits: WireLimits,
    #[serde(default)]
    pub(super) telemetry: WireTelemetry,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireInventory {
    pub(super) store: Field<String>,
    pub(super) warm_up_seconds: Field<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireHolds {
    pub(super) seconds: Field<i64>,
    pub(super) offer_seconds: Field<i64>,
    pub(super) seats_per_fan_max: Field<i64>,
    pub(super) sweep_seconds: Field<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePayments {
    pub(super) provider: Field<String>,
    pub(super) timeout_ms: Field<i64>,
    pub(super) resume_after_seconds: Field<i64>,
    pub(super) keep_seats_seconds: Field<i64>,
    pub(super) breaker_percent: Field<i64>,
    pub(super) breaker_calls: Field<i64>,
    pub(super) breaker_seconds: Field<i64>,
    pub(super) cancel_until_hours: Field<i64>,
    pub(super) sandbox_latency_ms: Field<i64>,
    #[serde(default)]
    pub(super) stripe: WireStripe,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireStripe {
    pub(super) url: Field<String>,
    pub(super) key_file: Field<String>,
    pub(super) publishable_key: Field<String>,
    pub(super) webhook_secret_file: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireCache {
    pub(super) event_seconds: Field<i64>,
    pub(super) seats_ms: Field<i64>,
    pub(super) list_seconds: Field<i64>,
    pub(super) entries: Field<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireLimits {
    pub(super) body_bytes: Field<i64>,
    pub(super) request_seconds: Field<i64>,
    pub(super) head_seconds: Field<i64>,
    pub(super) connections: Field<i64>,
    pub(super) requests_in_flight: Field<i64>,
    pub(super) database_connections: Field<i64>,
    pub(super) shutdown_seconds: Field<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTelemetry {
    pub(super) endpoint: Field<String>,
    pub(super) sample_ratio: Field<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireMail {
    pub(super) server: Field<String>,
    pub(super) user: Field<String>,
    pub(super) password_file: Field<String>,
    pub(super) from: Field<String>,
    pub(super) site: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAccounts {
    pub(super) session_days: Field<i64>,
    #[serde(default)]
    pub(super) organisers: Vec<Spanned<String>>,
}
