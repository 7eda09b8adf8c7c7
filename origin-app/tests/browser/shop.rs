//! A shop in this process that anybody may ask, with a house of every kind of place.

use std::net::SocketAddr;
use std::sync::Arc;

use origin_app::app::{Running, Surroundings, start};
use origin_app::config::{Args, Settings};
use reqwest::Client;
use serde_json::{Value, json};

use crate::clock::ManualClock;
use crate::stripe::STRIPE_KEY;

pub(crate) const ORGANISER_TOKEN: &str = "an-organiser-token-for-tests";

/// What Stripe signs its messages with.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_of_the_tests";

pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    _running: Running,
}

/// Seats that somebody holds.
pub(crate) struct Taken {
    client: Client,
    id: String,
}

impl Shop {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with further sections of its configuration.
    pub(crate) async fn start_with(sections: &str) -> Self {
        Self::start_in(sections, Surroundings::default()).await
    }

    /// The same whose time is what `clock` says.
    pub(crate) async fn start_by(clock: Arc<ManualClock>) -> Self {
        Self::start_in("", Surroundings { clock, ..Surroundings::default() }).await
    }

    async fn start_in(sections: &str, surroundings: Surroundings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("shop.toml");
        let text = format!(
            "require_edge = false\nlisten = \"127.0.0.1:0\"\ndatabase = \"sqlite::memory:\"\n{sections}"
        );
        std::fs::write(&config, text).unwrap();
        let args = Args { config: Some(config), ..Args::default() };
        let environment = |name: &str| match name {
            "STANCHION_ORGANISER_TOKEN" => Some(ORGANISER_TOKEN.to_owned()),
            "STANCHION_STRIPE_KEY" => Some(STRIPE_KEY.to_owned()),
            "STANCHION_STRIPE_WEBHOOK_SECRET" => Some(WEBHOOK_SECRET.to_owned()),
            "STANCHION_TICKET_KEYS" => Some("t1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned()),
            _ => None,
        };
        let settings = Settings::load(&args, &environment).unwrap();
        let running = start(settings, surroundings).await.unwrap();
        let shop = Self { address: running.address(), _running: running };
        shop.create().await;
        shop
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Has somebody else hold seats.
    pub(crate) async fn hold(&self, seats: &[&str]) {
        self.take("arena", seats).await;
    }

    /// Has somebody else hold seats of an event; gives the hold and whose it is.
    pub(crate) async fn take(&self, event: &str, seats: &[&str]) -> Taken {
        let client = Client::builder().cookie_store(true).build().unwrap();
        let body = json!({"event": event, "seats": seats});
        let answer = client.post(self.url("/api/reservations")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let held: Value = answer.json().await.unwrap();
        Taken { client, id: held["id"].as_str().unwrap().to_owned() }
    }

    /// Has somebody else pay for what they hold.
    pub(crate) async fn pay(&self, taken: &Taken) {
        let url = self.url(&format!("/api/reservations/{}/payment", taken.id));
        let answer = taken.client.post(url).json(&json!({"card": "sandbox-ok"})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    pub(crate) async fn give_back(&self, taken: Taken) {
        let url = self.url(&format!("/api/reservations/{}", taken.id));
        assert_eq!(taken.client.delete(url).send().await.unwrap().status(), 204);
    }

    /// Has somebody else wait for seats of an event to come back.
    pub(crate) async fn waits(&self, event: &str, email: &str) -> Client {
        let client = Client::builder().cookie_store(true).build().unwrap();
        let url = self.url(&format!("/api/events/{event}/waitlist"));
        assert_eq!(client.post(url).json(&json!({"email": email})).send().await.unwrap().status(), 201);
        client
    }

    pub(crate) async fn leaves(&self, event: &str, who: Client) {
        let url = self.url(&format!("/api/events/{event}/waitlist"));
        assert_eq!(who.delete(url).send().await.unwrap().status(), 204);
    }

    async fn create(&self) {
        let row = |name: &str, seats: u32| json!({"name": name, "seats": seats});
        let body = json!({
            "id": "arena", "name": "Aurora Line — World Tour", "venue": "Hangang Arena", "city": "Seoul",
            "description": "Five voices, two hours, one river of light.\n\nDoors open at six.",
            "starts_at": "2031-06-01T10:30:00Z", "currency": "EUR", "waiting_room": null,
            "price_classes": [
                {"id": "front", "name": "Front", "price_cents": 9800},
                {"id": "rest", "name": "Rest", "price_cents": 6400},
                {"id": "floor", "name": "Standing", "price_cents": 7200},
            ],
            "sections": [
                {"id": "FL", "name": "Standing", "price_class": "floor", "capacity": 300},
                {"id": "ST", "name": "Stalls", "price_class": "rest", "rows": [
                    {"name": "A", "seats": 10, "price_class": "front"}, row("B", 12), row("C", 14), row("D", 14),
                ]},
            ],
            "sales": [
                {"id": "members", "name": "Members", "opens_at": "2020-01-01T09:00:00Z", "closes_at": "2020-01-02T09:00:00Z"},
                {"id": "all", "name": "General sale", "opens_at": "2020-01-02T09:00:00Z"},
            ],
        });
        self.organise(&body).await;
        let small = json!({
            "id": "lighthouse", "name": "The Silent Lighthouse", "venue": "Orpheum Theatre", "city": "London",
            "starts_at": "2031-07-01T18:00:00Z", "currency": "GBP", "waiting_room": null,
            "rows": [{"name": "A", "seats": 8, "price_cents": 4500}],
        });
        self.organise(&small).await;
    }

    /// Has the organiser make an event.
    pub(crate) async fn organise(&self, body: &Value) {
        let request = Client::new().post(self.url("/api/events")).bearer_auth(ORGANISER_TOKEN).json(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
}
