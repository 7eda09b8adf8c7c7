//! Stripe, by its public HTTP API: payment intents, idempotency keys, refunds, signed webhooks.
//!
//! An attempt to pay is one payment intent, made with the attempt's key and confirmed in a second step. An intent takes
//! money once, however often it is confirmed, and never after it was cancelled; so once the intent is known, everything
//! else about the attempt can be found out and ended, whatever answer was lost.
//!
//! ```text
//!   charge   POST /v1/payment_intents                 Idempotency-Key: <key>.create
//!            POST /v1/payment_intents/{id}/confirm    Idempotency-Key: <key>.confirm
//!   close    the intent of <key>, as it stands now; POST …/cancel where it can still be confirmed
//!   refund   POST /v1/refunds                         Idempotency-Key: <key>.refund
//! ```
//!
//! Where a publishable key is configured, the fan's browser confirms the intent with Stripe's own script, and this shop hears
//! nothing of the card: the intent is made without a payment method, and only looked at from then on.

mod client;
mod intent;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock;
use async_trait::async_trait;

use super::provider::{
    Card, ChargeError, ChargeRequest, Closed, HandOver, IN_BROWSER, NoAnswer, PaymentProvider, RefundRequest,
};
use crate::config::{Secret, StripeSettings};
use client::{Answer, Client};
use intent::{Intent, Status};
pub use webhook::{SIGNATURE_HEADER, WebhookError, WebhookNews, verified_news};

/// Stripe forgets a key after a day at the earliest. From this age on the intent is looked for by what it carries.
const KEYS_LAST: Duration = Duration::from_secs(23 * 3600);
/// Longest name of a payment method.
const METHOD_LENGTH_MAX: usize = 64;

/// What the page offers while Stripe is in its test mode.
const TEST_CARDS: &[Card] = &[
    Card { id: "pm_card_visa", label: "Stripe test card that pays" },
    Card { id: "pm_card_chargeCustomerFail", label: "Stripe test card that is declined" },
];

/// Charges by Stripe.
pub struct Stripe {
    client: Client,
    clock: Arc<dyn Clock>,
    cards: &'static [Card],
    publishable_key: Option<String>,
}

/// What there is under a key.
enum Opened {
    /// An intent, as it stands.
    Intent(Intent),
    /// No intent, and no later call will find or make one under this key.
    Nothing(ChargeError),
}

impl Stripe {
    /// Stripe as configured, with the secret key `key`.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn new(settings: &StripeSettings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let key: &Secret = &settings.key;
        // What real customers pay with is made in their browsers, by Stripe's own script.
        let publishable_key = settings.publishable_key.clone();
        let cards = if settings.is_test() && publishable_key.is_none() { TEST_CARDS } else { &[] };
        Ok(Self { client: Client::new(&settings.url, key)?, clock, cards, publishable_key })
    }

    /// The intent of the request's key: made now, or before.
    async fn open(&self, request: &ChargeRequest) -> Result<Opened, NoAnswer> {
        if self.clock.now().since(request.begun_at) > KEYS_LAST {
            return Ok(match self.search(&request.key).await? {
                Some(intent) => Opened::Intent(intent),
                None => Opened::Nothing(ChargeError::Failed("no intent was made in time".into())),
            });
        }
        let mut form = vec![
            ("amount", request.amount_cents.to_string()),
            ("currency", request.currency.to_ascii_lowercase()),
            ("payment_method_types[]", "card".to_owned()),
            ("metadata[reservation]", request.reference.clone()),
            ("metadata[payment]", request.key.clone()),
        ];
        if request.card != IN_BROWSER {
            form.push(("payment_method", request.card.clone()));
        }
        let key = format!("{}.create", request.key);
        let answer = self.client.post("/v1/payment_intents", Some(&key), &form).await?;
        match answer.status {
            200 => {
                let made: Intent = answer.read()?;
                // An answer that is given again is how the intent was when it was made.
                let intent = if answer.replayed { self.look(&made.id).await? } else { made };
                Ok(Opened::Intent(intent))
            }
            402 => Ok(Opened::Nothing(ChargeError::Declined)),
            400 | 404 if answer.concerns("payment_method") => Ok(Opened::Nothing(ChargeError::Declined)),
            400 | 404 => {
                tracing::error!(
                    status = answer.status,
                    reason = answer.reason(),
                    "Stripe refuses the payment"
                );
                Ok(Opened::Nothing(ChargeError::Failed(answer.as_cause())))
            }
            // The first answer to this key, and its answer for ever. Nothing was ever confirmed without an intent.
            500..=599 if answer.replayed => Ok(Opened::Nothing(ChargeError::Failed(answer.as_cause()))),
            _ => Err(answer.as_no_answer()),
        }
    }

    async fn look(&self, id: &str) -> Result<Intent, NoAnswer> {
        let answer = self.client.get(&format!("/v1/payment_intents/{id}"), &[]).await?;
        if answer.status != 200 {
            return Err(answer.as_no_answer());
        }
        let intent: Intent = answer.read()?;
        Ok(Intent { seen_before: true, ..intent })
    }

    async fn search(&self, key: &str) -> Result<Option<Intent>, NoAnswer> {
        // Keys are made here, out of hexadecimal digits and a number: there is nothing to escape.
        let query = [("query", format!("metadata['payment']:'{key}'"))];
        let answer = self.client.get("/v1/payment_intents/search", &query).await?;
        if answer.status != 200 {
            return Err(answer.as_no_answer());
        }
        let found: intent::Found = answer.read()?;
        Ok(found.data.into_iter().next().map(|intent| Intent { seen_before: true, ..intent }))
    }

    async fn confirm(&self, intent: &Intent, key: Option<&str>) -> Result<String, ChargeError> {
        let answer =
            self.client.post(&format!("/v1/payment_intents/{}/confirm", intent.id), key, &[]).await?;
        match answer.status {
            200 => self.judge(answer.read()?).await,
            402 => Err(ChargeError::Declined),
            // It stood otherwise than it seemed: perhaps another call was faster.
            400 => match self.look(&intent.id).await? {
                now if now.status == Status::RequiresConfirmation => Err(answer.as_no_answer().into()),
                now => self.judge(now).await,
            },
            _ => Err(answer.as_no_answer().into()),
        }
    }

    /// What an intent says that was confirmed.
    async fn judge(&self, intent: Intent) -> Result<String, ChargeError> {
        match intent.status {
            Status::Succeeded => Ok(intent.id),
            Status::RequiresPaymentMethod => Err(ChargeError::Declined),
            Status::Canceled => Err(ChargeError::Failed("the payment intent is cancelled".into())),
            // A card that its owner must be asked about: this shop has no way to ask.
            Status::RequiresAction => match self.cancel(&intent.id).await? {
                Closed::Nothing => Err(ChargeError::Declined),
                Closed::Charged(id) => Ok(id),
            },
            Status::RequiresConfirmation | Status::Processing | Status::Other => {
                Err(NoAnswer::new("the payment intent is still under way").into())
            }
        }
    }

    async fn cancel(&self, id: &str) -> Result<Closed, NoAnswer> {
        let answer = self.client.post(&format!("/v1/payment_intents/{id}/cancel"), None, &[]).await?;
        let intent: Intent = match answer.status {
            200 => answer.read()?,
            // Too late, or done before: it says so itself.
            400 => self.look(id).await?,
            _ => return Err(answer.as_no_answer()),
        };
        match intent.status {
            Status::Canceled => Ok(Closed::Nothing),
            Status::Succeeded => Ok(Closed::Charged(intent.id)),
            _ => Err(NoAnswer::new("the payment intent could not be cancelled yet")),
        }
    }
}

/// What an intent says that only the browser confirms. A card that was declined there may be followed by another.
fn browser_outcome(intent: &Intent) -> Result<String, ChargeError> {
    match intent.status {
        Status::Succeeded => Ok(intent.id.clone()),
        Status::Canceled => Err(ChargeError::Failed("the payment intent is cancelled".into())),
        Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction => {
            Err(ChargeError::Waiting)
        }
        Status::Processing | Status::Other => {
            Err(NoAnswer::new("the payment intent is still under way").into())
        }
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    /// A payment method, as Stripe's script in the fan's browser names it. Never a card's number.
    fn knows(&self, card: &str) -> bool {
        if card == IN_BROWSER {
            return self.publishable_key.is_some();
        }
        card.len() <= METHOD_LENGTH_MAX
            && card.strip_prefix("pm_").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
    }

    fn cards(&self) -> &'static [Card] {
        self.cards
    }

    fn browser_key(&self) -> Option<&str> {
        self.publishable_key.as_deref()
    }

    async fn hand_over(&self, request: &ChargeRequest) -> Result<HandOver, ChargeError> {
        match self.open(request).await? {
            Opened::Intent(intent) => match (browser_outcome(&intent), intent.client_secret) {
                (Err(ChargeError::Waiting), Some(secret)) => Ok(HandOver::Secret(secret.expose().to_owned())),
                (Err(ChargeError::Waiting), None) => {
                    Err(NoAnswer::new("the intent came without a secret").into())
                }
                _ => Ok(HandOver::Settled),
            },
            Opened::Nothing(why) => Err(why),
        }
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        let intent = match self.open(request).await? {
            Opened::Intent(intent) => intent,
            Opened::Nothing(why) => return Err(why),
        };
        if request.card == IN_BROWSER {
            return browser_outcome(&intent);
        }
        if intent.status != Status::RequiresConfirmation {
            return self.judge(intent).await;
        }
        // Confirming once more what was confirmed without an answer takes a fresh look, and needs no key: with the same
        // key a failure of the provider would be given again for ever.
        let key = (!intent.seen_before).then(|| format!("{}.confirm", request.key));
        self.confirm(&intent, key.as_deref()).await
    }

    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer> {
        match self.open(request).await? {
            Opened::Intent(intent) => match intent.status {
                Status::Succeeded => Ok(Closed::Charged(intent.id)),
                Status::Canceled => Ok(Closed::Nothing),
                Status::Processing => Err(NoAnswer::new("the payment intent is being processed")),
                _ => self.cancel(&intent.id).await,
            },
            Opened::Nothing(_) => Ok(Closed::Nothing),
        }
    }

    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer> {
        let key = format!("{}.refund", request.key);
        let form =
            [("payment_intent", request.charge_id.clone()), ("amount", request.amount_cents.to_string())];
        let answer: Answer = self.client.post("/v1/refunds", Some(&key), &form).await?;
        match answer.status {
            200 => match answer.read::<intent::Refund>()?.status.as_deref() {
                Some("failed" | "canceled") => {
                    tracing::error!(
                        payment = request.key,
                        "Stripe could not refund; somebody has to look at it there"
                    );
                    Err(NoAnswer::new("the refund failed"))
                }
                _ => Ok(()),
            },
            400 if answer.code() == Some("charge_already_refunded") => Ok(()),
            _ => Err(answer.as_no_answer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use admission::clock::SystemClock;

    use super::*;

    #[test]
    fn it_takes_payment_methods_and_never_the_number_of_a_card() {
        let settings = StripeSettings {
            url: "http://127.0.0.1:1".into(),
            key: Secret::new("sk_test_1"),
            publishable_key: None,
            webhook_secrets: Vec::new(),
        };
        let stripe = Stripe::new(&settings, Arc::new(SystemClock)).unwrap();
        for good in ["pm_card_visa", "pm_1Abc"] {
            assert!(stripe.knows(good), "{good}");
        }
        let long = format!("pm_{}", "a".repeat(62));
        for bad in ["", "pm_", "4242424242424242", "pm_a b", "pm_a/../b", "sandbox-ok", &long] {
            assert!(!stripe.knows(bad), "{bad}");
        }
        assert_eq!(stripe.cards().len(), 2);
    }
}
