//! What the shop reads of Stripe's objects.

use serde::{Deserialize, Deserializer};

use crate::config::Secret;

/// A payment intent.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: Status,
    /// What lets a browser confirm it.
    #[serde(default, deserialize_with = "secret")]
    pub(super) client_secret: Option<Secret>,
    /// Whether it was looked at, and not just made.
    #[serde(skip)]
    pub(super) seen_before: bool,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref().map(Secret::new))
}

/// How far an intent got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    Canceled,
    Succeeded,
    #[serde(other)]
    Other,
}

/// The intents that a search found.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) data: Vec<Intent>,
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) status: Option<String>,
}
