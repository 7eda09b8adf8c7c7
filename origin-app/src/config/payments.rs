//! `[payments]`: who takes the money, and how long that may take.

use std::fmt;
use std::time::Duration;

use axum::http::Uri;
use toml::Spanned;

use super::ConfigError;
use super::check::Source;
use super::secrets::{self, Environment, Secret};
use super::wire::{WirePayments, WireStripe};
use crate::payments::BreakerRules;

const STRIPE_KEY: &str = "STANCHION_STRIPE_KEY";
const STRIPE_WEBHOOK_SECRET: &str = "STANCHION_STRIPE_WEBHOOK_SECRET";
const STRIPE_URL: &str = "https://api.stripe.com";
const URL_RIGHT: &str = "an address that begins with `https://` is right; `http://` only on a loopback address, for the \
                         key would travel in the clear";

/// How payments are made.
#[derive(Clone, Debug)]
pub struct Payments {
    /// Who takes the money.
    pub provider: Provider,
    /// How long the provider may take to answer.
    pub timeout: Duration,
    /// How long a payment stays unsettled before the shop asks the provider again.
    pub resume_after: Duration,
    /// How long the seats stay with a fan whose payment is delayed.
    pub keep_seats: Duration,
    /// When the provider is not asked for a while.
    pub breaker: BreakerRules,
    /// How long before an event its tickets can be cancelled.
    pub cancel_until: Duration,
}

/// Who takes the money.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Nobody: the card says what happens.
    Sandbox {
        /// How long it takes to answer.
        latency: Duration,
    },
    /// Stripe.
    Stripe(StripeSettings),
}

/// How Stripe is reached.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    /// Where its API is.
    pub url: String,
    /// The secret key.
    pub key: Secret,
    /// The public key by which Stripe's script in fans' browsers knows this shop. None, and no browser pays by itself.
    pub publishable_key: Option<String>,
    /// What its messages are signed with: one, or two while it is changed. None, and no message is taken.
    pub webhook_secrets: Vec<Secret>,
}

impl StripeSettings {
    /// Whether Stripe is in its test mode, where no money moves.
    pub fn is_test(&self) -> bool {
        ["sk_test_", "rk_test_"].iter().any(|kind| self.key.expose().starts_with(kind))
    }
}

pub(super) fn check(
    source: &Source<'_>,
    wire: &WirePayments,
    environment: Environment<'_>,
) -> Result<Payments, ConfigError> {
    let WirePayments {
        provider,
        timeout_ms,
        resume_after_seconds,
        keep_seats_seconds,
        breaker_percent,
        breaker_calls,
        breaker_seconds,
        cancel_until_hours,
        sandbox_latency_ms,
        stripe,
    } = wire;
    let timeout: u64 = source.number("payments.timeout_ms", timeout_ms, 3000, 10..=30_000)?;
    let latency: u64 = source.number("payments.sandbox_latency_ms", sandbox_latency_ms, 0, 0..=10_000)?;
    let pause = source.seconds("payments.breaker_seconds", breaker_seconds, 30, 1..=600)?;
    let hours: u64 = source.number("payments.cancel_until_hours", cancel_until_hours, 48, 0..=8760)?;
    let provider = match provider.as_ref().map(|field| (field, field.get_ref().as_str())) {
        None | Some((_, "sandbox")) => Provider::Sandbox { latency: Duration::from_millis(latency) },
        Some((_, "stripe")) => Provider::Stripe(stripe_of(source, stripe, environment)?),
        Some((field, _)) => {
            return Err(source.wrong("payments.provider", field, "`sandbox` or `stripe` is right"));
        }
    };
    Ok(Payments {
        provider,
        timeout: Duration::from_millis(timeout),
        resume_after: source.seconds("payments.resume_after_seconds", resume_after_seconds, 10, 1..=600)?,
        keep_seats: source.seconds("payments.keep_seats_seconds", keep_seats_seconds, 300, 1..=3600)?,
        breaker: BreakerRules {
            percent: source.number("payments.breaker_percent", breaker_percent, 50, 1..=100)?,
            least: source.number("payments.breaker_calls", breaker_calls, 10, 1..=1000)?,
            window: pause,
            pause,
        },
        cancel_until: Duration::from_secs(hours * 3600),
    })
}

fn stripe_of(
    source: &Source<'_>,
    wire: &WireStripe,
    environment: Environment<'_>,
) -> Result<StripeSettings, ConfigError> {
    let WireStripe { url, key_file, publishable_key, webhook_secret_file } = wire;
    let file = source.path(key_file.as_ref());
    let Some(key) = secrets::read(STRIPE_KEY, file.as_deref(), environment)? else {
        return Err(ConfigError::new(format!(
            "there is no key for Stripe: set {STRIPE_KEY} to a secret key (`sk_…` or `rk_…`), or \
             `payments.stripe.key_file` in {}",
            source.name
        )));
    };
    let key = key.trim();
    if !["sk_", "rk_"].iter().any(|kind| key.starts_with(kind))
        || !key.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(ConfigError::new(format!(
            "{STRIPE_KEY}: this is no secret key of Stripe; those begin with `sk_` or `rk_`"
        )));
    }
    let file = source.path(webhook_secret_file.as_ref());
    let webhook_secrets =
        secrets::read(STRIPE_WEBHOOK_SECRET, file.as_deref(), environment)?.unwrap_or_default();
    let separators = |c: char| c == ',' || c.is_whitespace();
    let webhook_secrets =
        webhook_secrets.split(separators).filter(|one| !one.is_empty()).map(Secret::new).collect();
    let url = match url {
        Some(field) => url_of(field).ok_or_else(|| source.wrong("payments.stripe.url", field, URL_RIGHT))?,
        None => STRIPE_URL.to_owned(),
    };
    let settings = StripeSettings { url, key: Secret::new(key), publishable_key: None, webhook_secrets };
    let kind = if settings.is_test() { "pk_test_" } else { "pk_live_" };
    let publishable_key = match publishable_key {
        Some(field) if is_publishable(field.get_ref(), kind) => Some(field.get_ref().clone()),
        Some(field) => {
            let right = format!("a publishable key of the same mode as the secret one is right: `{kind}…`");
            return Err(source.wrong("payments.stripe.publishable_key", field, &right));
        }
        None if settings.is_test() => None,
        None => {
            return Err(ConfigError::new(format!(
                "{}: payments.stripe.publishable_key is missing: fans pay in their browsers, and Stripe's script there                  needs it (`pk_live_…`)",
                source.name
            )));
        }
    };
    Ok(StripeSettings { publishable_key, ..settings })
}

fn is_publishable(key: &str, kind: &str) -> bool {
    let rest = key.strip_prefix(kind).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn url_of(field: &Spanned<String>) -> Option<String> {
    let uri: Uri = field.get_ref().parse().ok()?;
    let host = uri.host()?;
    let is_loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let is_good = match uri.scheme_str()? {
        "https" => true,
        "http" => is_loopback,
        _ => false,
    };
    let is_bare = uri.query().is_none() && !uri.authority()?.as_str().contains('@');
    (is_good && is_bare).then(|| field.get_ref().trim_end_matches('/').to_owned())
}

/// As it is in the file.
impl fmt::Display for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, timeout, resume_after, keep_seats, breaker, cancel_until } = self;
        let BreakerRules { percent, least, window: _, pause } = breaker;
        let name = match provider {
            Provider::Sandbox { .. } => "sandbox",
            Provider::Stripe(_) => "stripe",
        };
        writeln!(f, "\n[payments]\nprovider = \"{name}\"\ntimeout_ms = {}", timeout.as_millis())?;
        writeln!(f, "resume_after_seconds = {}", resume_after.as_secs())?;
        writeln!(f, "keep_seats_seconds = {}", keep_seats.as_secs())?;
        writeln!(f, "breaker_percent = {percent}\nbreaker_calls = {least}")?;
        writeln!(f, "breaker_seconds = {}", pause.as_secs())?;
        writeln!(f, "cancel_until_hours = {}", cancel_until.as_secs() / 3600)?;
        match provider {
            Provider::Sandbox { latency } => writeln!(f, "sandbox_latency_ms = {}", latency.as_millis()),
            Provider::Stripe(StripeSettings { url, key: _, publishable_key, webhook_secrets }) => {
                writeln!(f, "\n[payments.stripe]\nurl = \"{url}\"")?;
                if let Some(key) = publishable_key {
                    writeln!(f, "publishable_key = \"{key}\"")?;
                }
                writeln!(f, "# key: set; webhook secrets: {}", webhook_secrets.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::read_with;
    use super::*;

    const STRIPE: &str = "[payments]\nprovider = \"stripe\"\n";

    fn with_key(name: &str) -> Option<String> {
        (name == STRIPE_KEY).then(|| "sk_test_s3cret".to_owned())
    }

    #[test]
    fn stripe_needs_a_key_and_shows_it_to_nobody() {
        let error = read_with(STRIPE, &|_| None).unwrap_err();
        assert!(error.contains(STRIPE_KEY) && error.contains("payments.stripe.key_file"), "{error}");
        let public = |name: &str| (name == STRIPE_KEY).then(|| "pk_live_s3cret".to_owned());
        let error = read_with(STRIPE, &public).unwrap_err();
        assert!(error.contains("`sk_`") && !error.contains("s3cret"), "{error}");
        let secrets = |name: &str| match name {
            STRIPE_WEBHOOK_SECRET => Some("whsec_new, whsec_old\n".to_owned()),
            _ => with_key(name),
        };
        let settings = read_with(STRIPE, &secrets).unwrap();
        for shown in [format!("{settings}"), format!("{settings:?}")] {
            assert!(!shown.contains("s3cret") && !shown.contains("whsec_"), "{shown}");
        }
        assert!(
            settings.to_string().contains("url = \"https://api.stripe.com\"\n# key: set; webhook secrets: 2")
        );
    }

    #[test]
    fn the_public_key_is_of_the_same_mode_and_a_live_shop_needs_one() {
        let live = |name: &str| (name == STRIPE_KEY).then(|| "rk_live_s3cret".to_owned());
        let with = |key: &str| format!("{STRIPE}[payments.stripe]\npublishable_key = \"{key}\"");
        assert!(read_with(&with("pk_test_1"), &with_key).unwrap().to_string().contains("\"pk_test_1\""));
        assert!(read_with(&with("pk_live_1"), &live).is_ok());
        for (key, environment) in
            [("pk_live_1", true), ("sk_test_1", true), ("pk_test_1", false), ("pk_live_", false)]
        {
            let read =
                if environment { read_with(&with(key), &with_key) } else { read_with(&with(key), &live) };
            assert!(
                read.unwrap_err().starts_with("shop.toml:4: payments.stripe.publishable_key: `"),
                "{key}"
            );
        }
        let error = read_with(STRIPE, &live).unwrap_err();
        assert!(error.contains("payments.stripe.publishable_key is missing"), "{error}");
    }

    #[test]
    fn no_key_travels_in_the_clear() {
        let with_url =
            |url: &str| read_with(&format!("{STRIPE}[payments.stripe]\nurl = \"{url}\""), &with_key);
        for good in
            ["https://api.stripe.com/", "http://127.0.0.1:8420", "http://localhost:1", "http://[::1]:1"]
        {
            assert!(with_url(good).is_ok(), "{good}");
        }
        for bad in
            ["http://api.stripe.com", "api.stripe.com", "ftp://127.0.0.1", "https://u:p@api.stripe.com"]
        {
            let error = with_url(bad).unwrap_err();
            assert!(error.starts_with("shop.toml:4: payments.stripe.url: `"), "{error}");
        }
        let error = read_with("[payments]\nprovider = \"paypal\"", &with_key).unwrap_err();
        assert_eq!(
            error,
            "shop.toml:2: payments.provider: `paypal` is wrong; `sandbox` or `stripe` is right"
        );
    }
}
