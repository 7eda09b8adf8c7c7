//! What the payment provider knows: payment intents, what became of them, and what it answered to which key.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A payment intent that money was asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The shop's name for the attempt to pay.
    pub payment: String,
    /// For which reservation.
    pub reservation: String,
    /// How much.
    pub amount_cents: u64,
    /// What became of it.
    pub status: String,
    /// How often money was taken.
    pub taken: u32,
    /// Whether it was given back.
    pub refunded: bool,
}

/// A call that may have changed something: its key, what was asked, and what was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) key: Option<String>,
    pub(super) path: String,
    pub(super) form: BTreeMap<String, String>,
    pub(super) status: u16,
    pub(super) said: Value,
}

/// Status and body of an answer.
pub(super) type Said = (u16, Value);

fn error(status: u16, kind: &str, code: &str) -> Said {
    (status, json!({"error": {"type": kind, "code": code, "message": "as told"}}))
}

/// The books, and who stands before them.
#[derive(Debug, Default)]
pub(super) struct Desk {
    intents: BTreeMap<String, (Charge, String)>,
    keys: HashMap<String, Said>,
}

impl Desk {
    /// What a process before has written down: its calls are carried out once more.
    pub(super) fn left_in(text: &str) -> Self {
        let mut desk = Self::default();
        // Of the last line a process that was killed may have written a part; nobody heard of that.
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            desk.carry_out("POST", &line.path, &line.form);
            if let Some(key) = line.key {
                desk.keys.insert(key, (line.status, line.said));
            }
        }
        desk
    }

    pub(super) fn charges(&self) -> Vec<Charge> {
        self.intents.values().map(|(charge, _)| charge.clone()).collect()
    }

    /// What was answered to this key before.
    pub(super) fn known(&self, key: Option<&str>) -> Option<Said> {
        self.keys.get(key?).cloned()
    }

    /// Remembers what is answered to a key.
    pub(super) fn keep(&mut self, key: Option<&str>, said: &Said) {
        if let Some(key) = key {
            self.keys.insert(key.to_owned(), said.clone());
        }
    }

    pub(super) fn carry_out(&mut self, method: &str, path: &str, form: &BTreeMap<String, String>) -> Said {
        let steps: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, steps.as_slice()) {
            ("POST", ["payment_intents"]) => self.create(form),
            ("GET", ["payment_intents", "search"]) => self.search(form),
            ("GET", ["payment_intents", id]) => self.shown(id),
            ("POST", ["payment_intents", id, "confirm"]) => self.confirm(id),
            ("POST", ["payment_intents", id, "cancel"]) => self.cancel(id),
            ("POST", ["refunds"]) => self.refund(form),
            _ => error(404, "invalid_request_error", "resource_missing"),
        }
    }

    fn create(&mut self, form: &BTreeMap<String, String>) -> Said {
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let id = format!("pi_{}", self.intents.len() + 1);
        let charge = Charge {
            payment: field("metadata[payment]"),
            reservation: field("metadata[reservation]"),
            amount_cents: field("amount").parse().unwrap_or_default(),
            status: "requires_confirmation".to_owned(),
            taken: 0,
            refunded: false,
        };
        self.intents.insert(id.clone(), (charge, field("payment_method")));
        self.shown(&id)
    }

    fn shown(&self, id: &str) -> Said {
        match self.intents.get(id) {
            Some((charge, _)) => (200, object(id, charge)),
            None => error(404, "invalid_request_error", "resource_missing"),
        }
    }

    fn search(&self, query: &BTreeMap<String, String>) -> Said {
        let query = query.get("query").map_or("", String::as_str);
        let payment = query.trim_start_matches("metadata['payment']:'").trim_end_matches('\'');
        let found = self.intents.iter().filter(|(_, (charge, _))| charge.payment == payment);
        (200, json!({"data": found.map(|(id, (charge, _))| object(id, charge)).collect::<Vec<_>>()}))
    }

    fn confirm(&mut self, id: &str) -> Said {
        let Some((charge, method)) = self.intents.get_mut(id) else { return self.shown(id) };
        if charge.status != "requires_confirmation" {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state");
        }
        if method != "pm_card_visa" {
            charge.status = "requires_payment_method".to_owned();
            return error(402, "card_error", "card_declined");
        }
        charge.status = "succeeded".to_owned();
        charge.taken += 1;
        self.shown(id)
    }

    fn cancel(&mut self, id: &str) -> Said {
        let Some((charge, _)) = self.intents.get_mut(id) else { return self.shown(id) };
        if matches!(charge.status.as_str(), "succeeded" | "canceled") {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state");
        }
        charge.status = "canceled".to_owned();
        self.shown(id)
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> Said {
        let intent = form.get("payment_intent").and_then(|id| self.intents.get_mut(id));
        let Some((charge, _)) = intent else {
            return error(404, "invalid_request_error", "resource_missing");
        };
        if charge.refunded {
            return error(400, "invalid_request_error", "charge_already_refunded");
        }
        charge.refunded = true;
        (200, json!({"id": "re_1", "object": "refund", "status": "succeeded"}))
    }
}

fn object(id: &str, charge: &Charge) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": charge.amount_cents, "status": charge.status,
        "client_secret": format!("{id}_secret_of_a_run"),
        "metadata": {"payment": charge.payment, "reservation": charge.reservation},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(method: &str) -> BTreeMap<String, String> {
        [
            ("amount", "4500"),
            ("metadata[payment]", "p1"),
            ("metadata[reservation]", "r1"),
            ("payment_method", method),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn money_is_taken_once_and_given_back_once() {
        let mut desk = Desk::default();
        let none = BTreeMap::new();
        assert_eq!(desk.carry_out("POST", "/v1/payment_intents", &form("pm_card_visa")).0, 200);
        assert_eq!(desk.carry_out("POST", "/v1/payment_intents/pi_1/confirm", &none).0, 200);
        assert_eq!(desk.carry_out("POST", "/v1/payment_intents/pi_1/confirm", &none).0, 400);
        assert_eq!(desk.charges()[0].taken, 1);
        let refund = [("payment_intent".to_owned(), "pi_1".to_owned())].into();
        assert_eq!(desk.carry_out("POST", "/v1/refunds", &refund).0, 200);
        assert_eq!(desk.carry_out("POST", "/v1/refunds", &refund).0, 400);
        assert!(desk.charges()[0].refunded);
    }

    #[test]
    fn a_card_that_is_declined_costs_nothing() {
        let mut desk = Desk::default();
        desk.carry_out("POST", "/v1/payment_intents", &form("pm_card_chargeCustomerFail"));
        assert_eq!(desk.carry_out("POST", "/v1/payment_intents/pi_1/confirm", &BTreeMap::new()).0, 402);
        assert_eq!((desk.charges()[0].taken, desk.charges()[0].amount_cents), (0, 4500));
    }

    #[test]
    fn what_was_written_down_is_known_again() {
        let line = Line {
            key: Some("k".to_owned()),
            path: "/v1/payment_intents".to_owned(),
            form: form("pm_card_visa"),
            status: 200,
            said: json!({"id": "pi_1"}),
        };
        let text = format!("\n{}\n{{\"key\":", serde_json::to_string(&line).unwrap());
        let desk = Desk::left_in(&text);
        assert_eq!(desk.charges().len(), 1);
        assert_eq!(desk.known(Some("k")), Some((200, json!({"id": "pi_1"}))));
        assert_eq!(desk.known(Some("other")), None);
    }
}
