//! What the fake Stripe knows: payment intents and what became of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// An intent, as the tests see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) payment: String,
    pub(crate) reservation: String,
    pub(crate) amount: i64,
    pub(crate) status: String,
    /// How often money was taken.
    pub(crate) taken: u32,
    pub(crate) refunded: bool,
}

#[derive(Default)]
pub(super) struct Books {
    intents: BTreeMap<String, (Charge, String)>,
}

/// Status and body of an answer.
pub(super) type Said = (u16, Value);

fn error(status: u16, kind: &str, code: &str, param: Option<&str>) -> Said {
    (status, json!({"error": {"type": kind, "code": code, "param": param, "message": "as told"}}))
}

impl Books {
    pub(super) fn charges(&self) -> Vec<Charge> {
        self.intents.values().map(|(charge, _)| charge.clone()).collect()
    }

    pub(super) fn answer(&mut self, method: &str, path: &str, form: &BTreeMap<String, String>) -> Said {
        let steps: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, steps.as_slice()) {
            ("POST", ["payment_intents"]) => self.create(form),
            ("GET", ["payment_intents", "search"]) => self.search(form),
            ("GET", ["payment_intents", id]) => self.shown(id),
            ("POST", ["payment_intents", id]) => self.with_method(id, &form["payment_method"]),
            ("POST", ["payment_intents", id, "confirm"]) => self.confirm(id),
            ("POST", ["payment_intents", id, "cancel"]) => self.cancel(id),
            ("POST", ["refunds"]) => self.refund(form),
            _ => error(404, "invalid_request_error", "resource_missing", None),
        }
    }

    fn create(&mut self, form: &BTreeMap<String, String>) -> Said {
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        assert_eq!(field("payment_method_types[]"), "card");
        let method = field("payment_method");
        if method == "pm_unknown" {
            return error(404, "invalid_request_error", "resource_missing", Some("payment_method"));
        }
        let id = format!("pi_{}", self.intents.len() + 1);
        let charge = Charge {
            payment: field("metadata[payment]"),
            reservation: field("metadata[reservation]"),
            amount: field("amount").parse().unwrap(),
            status: if method.is_empty() { "requires_payment_method" } else { "requires_confirmation" }
                .to_owned(),
            taken: 0,
            refunded: false,
        };
        self.intents.insert(id.clone(), (charge, method));
        self.shown(&id)
    }

    fn shown(&self, id: &str) -> Said {
        match self.intents.get(id) {
            Some((charge, _)) => (200, object(id, charge)),
            None => error(404, "invalid_request_error", "resource_missing", Some("intent")),
        }
    }

    fn search(&self, query: &BTreeMap<String, String>) -> Said {
        let payment = query["query"].trim_start_matches("metadata['payment']:'").trim_end_matches('\'');
        let found = self.intents.iter().filter(|(_, (charge, _))| charge.payment == payment);
        (200, json!({"data": found.map(|(id, (charge, _))| object(id, charge)).collect::<Vec<_>>()}))
    }

    /// What Stripe's script does in a browser, by the secret that the shop gave it.
    pub(super) fn confirm_in_browser(&mut self, secret: &str, method: &str) -> Said {
        let id = secret.split("_secret_").next().unwrap().to_owned();
        assert_eq!(secret, secret_of(&id));
        match self.with_method(&id, method) {
            (200, _) => self.confirm(&id),
            refused => refused,
        }
    }

    fn with_method(&mut self, id: &str, given: &str) -> Said {
        let Some((charge, method)) = self.intents.get_mut(id) else { return self.shown(id) };
        if !matches!(charge.status.as_str(), "requires_payment_method" | "requires_confirmation") {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state", None);
        }
        given.clone_into(method);
        charge.status = "requires_confirmation".to_owned();
        self.shown(id)
    }

    fn confirm(&mut self, id: &str) -> Said {
        let Some((charge, method)) = self.intents.get_mut(id) else { return self.shown(id) };
        if charge.status != "requires_confirmation" {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state", None);
        }
        match method.as_str() {
            "pm_card_visa" => {
                charge.status = "succeeded".to_owned();
                charge.taken += 1;
            }
            "pm_card_threeDSecureRequired" => charge.status = "requires_action".to_owned(),
            _ => {
                charge.status = "requires_payment_method".to_owned();
                return error(402, "card_error", "card_declined", None);
            }
        }
        self.shown(id)
    }

    fn cancel(&mut self, id: &str) -> Said {
        let Some((charge, _)) = self.intents.get_mut(id) else { return self.shown(id) };
        if matches!(charge.status.as_str(), "succeeded" | "canceled") {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state", None);
        }
        charge.status = "canceled".to_owned();
        self.shown(id)
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> Said {
        let Some((charge, _)) = self.intents.get_mut(&form["payment_intent"]) else {
            return error(404, "invalid_request_error", "resource_missing", Some("payment_intent"));
        };
        if charge.refunded {
            return error(400, "invalid_request_error", "charge_already_refunded", None);
        }
        assert_eq!((charge.status.as_str(), form["amount"].parse()), ("succeeded", Ok(charge.amount)));
        charge.refunded = true;
        (200, json!({"id": "re_1", "object": "refund", "status": "succeeded"}))
    }
}

fn secret_of(id: &str) -> String {
    format!("{id}_secret_of_the_tests")
}

fn object(id: &str, charge: &Charge) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": charge.amount, "status": charge.status,
        "client_secret": secret_of(id),
        "metadata": {"payment": charge.payment, "reservation": charge.reservation},
    })
}
