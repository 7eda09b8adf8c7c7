//! An edge and a shop with a log each, and a fan who buys and has much to hide.

use std::path::PathBuf;

use loadtest::client::Client;
use loadtest::stack::{Process, Program, Secrets, answers_tcp, binary, free_port};
use reqwest::{Method, Url};
use serde_json::json;
use tempfile::TempDir;

use crate::support::eventually;

/// What the fan sends besides what they are given, and no log may show.
pub(super) const SECRETS_OF_A_FAN: [&str; 7] = [
    "ada.fan@example.org",
    "+49301234567",
    "203.0.113.77",
    "bearer-of-a-fan",
    "basket-of-a-fan",
    "SecretBrowser",
    "sandbox-ok",
];

const ORGANISER: &str = "an-organiser-token-for-tests";
const ROOMS: &str = "[[room]]\nid = \"demo\"\ntitle = \"The Show\"\nmode = \"always\"\ndrain_per_minute = 6000\n\
                     paths = [\"/events/demo\", \"/events/demo/*\", \"/api/reservations\", \"/api/reservations/*\"]\n";

/// An edge and a shop, and what the fan was given by them.
pub(super) struct Sale {
    processes: Vec<Process>,
    logs: [PathBuf; 2],
    edge: Url,
    given: Vec<String>,
    _folder: TempDir,
}

impl Sale {
    /// Starts both. Every request is traced if there is a collector at `endpoint`.
    pub(super) async fn start(endpoint: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (shop_port, edge_port, admin_port) =
            (free_port().unwrap(), free_port().unwrap(), free_port().unwrap());
        let keys = Secrets::make().unwrap().of_proxy();
        let edge_keys = keys.iter().filter(|(name, _)| *name == "STANCHION_EDGE_KEYS").cloned();
        // The edge by its environment, the shop by its file: both ways lead there.
        let telemetry =
            endpoint.map_or_else(String::new, |endpoint| format!("[telemetry]\nendpoint = \"{endpoint}\"\n"));
        let variables = endpoint.into_iter().flat_map(|endpoint| {
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned()),
                ("OTEL_TRACES_SAMPLER_ARG", "1".to_owned()),
            ]
        });
        let shop_file = format!(
            "listen = \"127.0.0.1:{shop_port}\"\ndatabase = \"sqlite://{}\"\n{telemetry}",
            at("shop.db").display()
        );
        let edge_file = format!(
            "listen = \"127.0.0.1:{edge_port}\"\nadmin_listen = \"127.0.0.1:{admin_port}\"\n\
             [upstream]\naddress = \"127.0.0.1:{shop_port}\"\n"
        );
        for (name, text) in
            [("shop.toml", shop_file.as_str()), ("edge.toml", edge_file.as_str()), ("rooms.toml", ROOMS)]
        {
            std::fs::write(at(name), text).unwrap();
        }
        let logs = [at("edge.log"), at("shop.log")];
        let program = |name: &str, args: &[&str], env: Vec<(&'static str, String)>| Program {
            name: name.to_owned(),
            executable: binary(name).unwrap(),
            args: args
                .iter()
                .map(|arg| if arg.starts_with("--") { arg.into() } else { at(arg).into() })
                .collect(),
            env,
            log: logs[usize::from(name != "proxy")].clone(),
        };
        let organiser = [("STANCHION_ORGANISER_TOKEN", ORGANISER.to_owned())];
        let shop = program("origin-app", &["--config", "shop.toml"], edge_keys.chain(organiser).collect());
        let edge_args = ["--config", "edge.toml", "--rooms", "rooms.toml"];
        let edge = program("proxy", &edge_args, keys.iter().cloned().chain(variables).collect());
        let mut processes = Vec::new();
        for (program, port) in [(shop, shop_port), (edge, edge_port)] {
            let mut process = Process::start(program).unwrap();
            answers_tcp(&mut process, ([127, 0, 0, 1], port).into()).await.unwrap();
            processes.push(process);
        }
        let edge = Url::parse(&format!("http://127.0.0.1:{edge_port}/")).unwrap();
        Self { processes, logs, edge, given: vec![ORGANISER.to_owned()], _folder: folder }
    }

    /// Puts an event on sale; then a fan waits for their turn, holds a seat and pays.
    pub(super) async fn buy(&mut self, traceparent: &str) {
        let fan = Client::new([self.edge.clone()].into(), 0).unwrap();
        let bearer = format!("Bearer {ORGANISER}");
        let event = json!({
            "id": "demo", "name": "Demo", "venue": "Hall", "starts_at": "2030-06-01T19:30:00Z", "currency": "EUR",
            "waiting_room": "demo", "rows": [{"name": "A", "seats": 5, "price_cents": 4500}],
        });
        let created =
            fan.call_with(Method::POST, "/api/events", Some(&event), &[("Authorization", &bearer)]).await;
        assert_eq!(created.unwrap().status, 201);
        let page = "/events/demo?email=ada.fan@example.org&phone=%2B49301234567&tel=+49301234567";
        eventually("the fan's turn", async || {
            let answer = fan.open_page(page).await.unwrap();
            (answer.status == 200).then_some(())
        })
        .await;
        let headers = [
            ("X-Forwarded-For", "203.0.113.77"),
            ("Authorization", "Bearer bearer-of-a-fan"),
            ("User-Agent", "SecretBrowser/1.0"),
            ("From", "ada.fan@example.org"),
            ("X-Basket", "basket-of-a-fan"),
            ("traceparent", traceparent),
        ];
        let post = async |path: &str, body: serde_json::Value| {
            fan.call_with(Method::POST, path, Some(&body), &headers).await.unwrap()
        };
        let held = post("/api/reservations", json!({"event": "demo", "seats": ["A-1"]})).await;
        assert_eq!(held.status, 201, "{}", held.body);
        self.given.extend([fan.ticket("demo").unwrap(), fan.admission("demo").unwrap()]);
        self.given.push(fan.cookie("shop-fan").unwrap());
        let id = held.text("id").unwrap();
        let path = format!("/api/reservations/{id}/payment?email=ada.fan@example.org");
        let paid = post(&path, json!({"card": "sandbox-ok", "finish": true})).await;
        assert_eq!(paid.status, 200, "{}", paid.body);
        let code = paid.body["tickets"][0]["code"].as_str().unwrap();
        self.given.push(code.to_owned());
    }

    /// Neither what the fan sent nor what they were given is in `text`, whole or by its secret part.
    #[track_caller]
    pub(super) fn assert_tells_nothing_of_the_fan(&self, what: &str, text: &str) {
        assert!(!text.is_empty(), "{what} is empty");
        let parts = self.given.iter().flat_map(|given| given.split('.')).filter(|part| part.len() > 8);
        for secret in SECRETS_OF_A_FAN.into_iter().chain(parts) {
            let at = text.find(secret);
            assert!(at.is_none(), "{secret} is in {what}: {}", &text[at.unwrap_or(0).saturating_sub(200)..]);
        }
    }

    /// Stops both.
    pub(super) async fn stop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            process.tell_to_stop();
            process.stopped().await;
        }
    }

    /// Stops both and reads the logs of edge and shop.
    pub(super) async fn stop_and_read(&mut self) -> (String, String) {
        self.stop().await;
        let [edge, shop] = &self.logs;
        (std::fs::read_to_string(edge).unwrap(), std::fs::read_to_string(shop).unwrap())
    }
}
