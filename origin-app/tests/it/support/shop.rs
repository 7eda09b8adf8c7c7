//! A shop in this process, on a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, SystemClock};
use admission::edge_signature::{
    EdgeRequest, HEADER_REQUEST_ID, HEADER_ROOM, HEADER_SIGNATURE, HEADER_TICKET, HEADER_TIME, sign,
};
use admission::keyring::Keyring;
use origin_app::app::{Running, Surroundings, start};
use origin_app::config::{
    Accounts, CacheSettings, DatabaseUrl, EdgeTrust, Holds, Inventory, InventoryStore, Limits, Mail,
    OrganiserToken, Payments, Provider, Settings, Telemetry,
};
use origin_app::inventory::redis::RedisInventory;
use origin_app::payments::{BreakerRules, PaymentProvider};
use origin_app::tickets::TicketKeys;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Database, Fan, ManualClock};

pub(crate) const KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
/// One seed, of 32 times 7.
pub(crate) const TICKET_KEYS: &str = "t1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
pub(crate) const ORGANISER_TOKEN: &str = "an-organiser-token-for-tests";

/// Where a shop is, and how to ask it as its edge would. The shop may run in this process or in another.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Edge {
    /// A request as the edge forwards it for a fan admitted to `room` with `ticket`.
    pub(crate) fn forward(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        room: &str,
        ticket: &str,
    ) -> RequestBuilder {
        let authority = self.address.to_string();
        let time = self.clock.now();
        let request = EdgeRequest {
            method: method.as_str(),
            authority: &authority,
            path_and_query: path,
            room,
            ticket,
            time,
            request_id: "test-request",
        };
        let signature = sign(&Keyring::parse(KEYS).unwrap(), &request);
        client
            .request(method, format!("http://{authority}{path}"))
            .header(HEADER_ROOM, room)
            .header(HEADER_TICKET, ticket)
            .header(HEADER_TIME, time.as_millis().to_string())
            .header(HEADER_REQUEST_ID, "test-request")
            .header(HEADER_SIGNATURE, signature)
    }

    pub(crate) async fn organiser(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.forward(&Client::new(), method, path, "", "").bearer_auth(ORGANISER_TOKEN);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The status of an answer that may have no body.
    pub(crate) async fn organiser_status(&self, method: Method, path: &str) -> u16 {
        let request = self.forward(&Client::new(), method, path, "", "").bearer_auth(ORGANISER_TOKEN);
        request.send().await.unwrap().status().as_u16()
    }

    /// Puts the event `demo` on sale behind the room `demo`: rows of `seats` seats, 45.00 each.
    pub(crate) async fn create_demo(&self, rows: &[(&str, u32)]) {
        self.create_event("demo", rows).await;
    }

    /// The same for another event, behind the same room.
    pub(crate) async fn create_event(&self, id: &str, rows: &[(&str, u32)]) {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, seats)| json!({"name": name, "seats": seats, "price_cents": 4500}))
            .collect();
        let body = json!({
            "id": id, "name": "Demo", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z",
            "currency": "EUR", "waiting_room": "demo", "rows": rows,
        });
        let (status, answer) = self.organiser(Method::POST, "/api/events", Some(&body)).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub(crate) async fn sales(&self) -> Value {
        let (status, sales) = self.organiser(Method::GET, "/api/sales/demo", None).await;
        assert_eq!(status, 200, "{sales}");
        sales
    }

    pub(crate) fn fan(&self) -> Fan {
        Fan::new(self.clone())
    }
}

pub(crate) struct Shop {
    pub(crate) edge: Edge,
    pub(crate) clock: Arc<ManualClock>,
    running: Running,
}

impl std::ops::Deref for Shop {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.edge
    }
}

/// Settings with short times, for a shop on `database`.
pub(crate) fn settings(database: &Database) -> Settings {
    Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        database: DatabaseUrl::parse(&database.url()).unwrap(),
        edge: EdgeTrust::Required(Keyring::parse(KEYS).unwrap().into()),
        organiser_token: Some(OrganiserToken::new(ORGANISER_TOKEN).unwrap()),
        ticket_keys: Some(TicketKeys::parse(TICKET_KEYS).unwrap()),
        accounts: Accounts::default(),
        inventory: Inventory {
            store: InventoryStore::parse(&database.inventory()).unwrap(),
            warm_up: Duration::from_secs(600),
        },
        holds: Holds {
            duration: Duration::from_secs(180),
            offer: Duration::from_secs(1800),
            seats_per_fan_max: 4,
            sweep_every: Duration::from_millis(50),
        },
        payments: Payments {
            provider: Provider::Sandbox { latency: Duration::ZERO },
            timeout: Duration::from_secs(10),
            resume_after: Duration::from_secs(10),
            keep_seats: Duration::from_secs(300),
            breaker: BreakerRules {
                percent: 50,
                least: 10,
                window: Duration::from_secs(30),
                pause: Duration::from_secs(30),
            },
            cancel_until: Duration::from_secs(48 * 3600),
        },
        cache: CacheSettings {
            event: Duration::from_secs(5),
            seats: Duration::from_secs(1),
            list: Duration::from_secs(5),
            entries: 1000,
        },
        mail: Mail::default(),
        limits: Limits {
            body_bytes: 131_072,
            request: Duration::from_secs(60),
            head: Duration::from_secs(60),
            connections: 2048,
            requests_in_flight: 1024,
            database_connections: 16,
            shutdown: Duration::from_secs(20),
        },
        telemetry: Telemetry::default(),
    }
}

/// A Redis that goes by the test's clock, where the settings name one.
pub(crate) fn inventory(
    settings: &Settings,
    clock: &Arc<ManualClock>,
) -> Option<Arc<dyn origin_app::inventory::Inventory>> {
    let url = settings.inventory.store.redis_url()?;
    Some(Arc::new(RedisInventory::with_clock(url, Some(clock.clone())).unwrap()))
}

impl Shop {
    pub(crate) async fn open(database: &Database) -> Self {
        Self::open_with(settings(database), Arc::new(ManualClock::new()), None).await
    }

    pub(crate) async fn open_with(
        settings: Settings,
        clock: Arc<ManualClock>,
        provider: Option<Arc<dyn PaymentProvider>>,
    ) -> Self {
        let inventory = inventory(&settings, &clock);
        Self::open_around(settings, clock, provider, inventory).await
    }

    /// A shop whose inventory is the test's own.
    pub(crate) async fn open_around(
        settings: Settings,
        clock: Arc<ManualClock>,
        provider: Option<Arc<dyn PaymentProvider>>,
        inventory: Option<Arc<dyn origin_app::inventory::Inventory>>,
    ) -> Self {
        let surroundings =
            Surroundings { clock: clock.clone(), provider, inventory, ..Surroundings::default() };
        let running = start(settings, surroundings).await.unwrap();
        Self { edge: Edge { address: running.address(), clock: clock.clone() }, clock, running }
    }

    pub(crate) async fn close(self) {
        self.running.stop().await.unwrap();
    }
}

/// A shop in another process.
pub(crate) fn elsewhere(address: SocketAddr) -> Edge {
    Edge { address, clock: Arc::new(SystemClock) }
}
