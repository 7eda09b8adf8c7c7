//! The real binary: how it starts, stops, and says what is wrong.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Database, Edge, KEYS, ORGANISER_TOKEN, elsewhere, eventually};

/// A shop in a process of its own, killed when it is dropped.
pub(crate) struct Process {
    pub(crate) edge: Edge,
    child: Mutex<Child>,
    log: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_origin-app"));
    command.env_clear().stdin(Stdio::null());
    command
}

impl Process {
    /// Starts the shop on a free port; `sections` are further lines of its configuration.
    pub(crate) async fn start(database: &Database, sections: &str) -> Self {
        Self::start_with(database, sections, &[("STANCHION_EDGE_KEYS", KEYS)]).await
    }

    /// The same, with these secrets in its environment.
    pub(crate) async fn start_with(database: &Database, sections: &str, secrets: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("shop.toml");
        std::fs::write(&config, format!("listen = \"127.0.0.1:0\"\n{sections}")).unwrap();
        let mut child = command()
            .arg("--config")
            .arg(&config)
            .env("STANCHION_SHOP_DATABASE", database.url())
            .env("STANCHION_SHOP_INVENTORY", database.inventory())
            .envs(secrets.iter().copied())
            .env("STANCHION_ORGANISER_TOKEN", ORGANISER_TOKEN)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let written = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().unwrap().push(line);
            }
        });
        let child = Mutex::new(child);
        let address: SocketAddr = eventually("the shop listens", async || {
            if let Some(status) = child.lock().unwrap().try_wait().unwrap() {
                panic!("the shop ended with {status}: {:?}", log.lock().unwrap());
            }
            let log = log.lock().unwrap();
            let entry = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            entry
                .filter(|entry| entry["message"] == "listening")
                .find_map(|entry| entry["address"].as_str()?.parse().ok())
        })
        .await;
        Self { edge: elsewhere(address), child, log, _folder: folder }
    }

    /// The lines of its log until now.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.lock().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    async fn exit_code(&self) -> Option<i32> {
        eventually("the shop stops", async || self.child.lock().unwrap().try_wait().unwrap()).await.code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Output, String) {
    let output =
        command().args(arguments).envs(environment.iter().copied()).stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, text)
}

/// Runs a command of the binary; gives its exit code and all that it says.
pub(crate) fn origin_app(arguments: &[&str]) -> (Option<i32>, String) {
    let (output, mut said) = run(arguments, &[("STANCHION_EDGE_KEYS", KEYS)]);
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    (output.status.code(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_finishes_what_it_does() {
    for signal in ["TERM", "INT"] {
        let database = Database::sqlite();
        let shop = Process::start(&database, "[payments]\nsandbox_latency_ms = 1500\n").await;
        shop.edge.create_demo(&[("A", 1)]).await;
        let fan = shop.edge.fan();
        let id = fan.held(&["A-1"]).await;
        let begun = Instant::now();
        let stopping = async {
            eventually("the payment is under way", async || (fan.state(&id).await == "paying").then_some(()))
                .await;
            shop.signal(signal);
        };
        let (paid, ()) = tokio::join!(fan.pay(&id, "sandbox-ok"), stopping);
        assert_eq!(paid.status, 200, "{}", paid.text);
        assert_eq!(shop.exit_code().await, Some(0), "{signal}");
        assert!(begun.elapsed() < Duration::from_secs(15), "it waited for nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_one_json_line_a_request_without_the_fan() {
    let database = Database::sqlite();
    let shop = Process::start(&database, "").await;
    shop.edge.create_demo(&[("A", 1)]).await;
    let fan = shop.edge.fan();
    let held = fan.hold(&["A-1"]).await;
    let id = held.json()["id"].as_str().unwrap().to_owned();
    let cookie = held.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    assert_eq!(cookie.len(), 32);
    fan.state(&id).await;
    let lines = eventually("the requests are logged", async || {
        let log = shop.log.lock().unwrap().clone();
        (log.iter().filter(|line| line.contains("\"request\"")).count() == 3).then_some(log)
    })
    .await;
    for line in &lines {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
        for secret in [cookie.as_str(), &id, ORGANISER_TOKEN, &KEYS[3..], "127.0.0.1:0"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(last["route"], "/api/reservations/{reservation}");
    assert_eq!((&last["method"], &last["status"]), (&"GET".into(), &200.into()));
    assert_eq!(last["request_id"], "test-request");
}

#[test]
fn what_is_wrong_is_said_and_has_an_exit_code() {
    let keys = ("STANCHION_EDGE_KEYS", KEYS);
    let (output, text) = run(&["--database", "sqlite::memory:"], &[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text.contains("STANCHION_EDGE_KEYS"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("shop.toml");
    std::fs::write(&config, "[holds]\nseconds = -1\n").unwrap();
    let (output, text) = run(&["--config", config.to_str().unwrap()], &[keys]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text.contains("shop.toml:2: holds.seconds"), "{text}");

    let (output, _) = run(&["--no-such-flag"], &[keys]);
    assert_eq!(output.status.code(), Some(64));
    let (output, text) = run(&["--config", "/nowhere/shop.toml"], &[keys]);
    assert_eq!((output.status.code(), text.contains("/nowhere/shop.toml")), (Some(64), true));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (output, text) = run(&["--listen", &address, "--database", "sqlite::memory:"], &[keys]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains(&address), "{text}");

    let database = "postgres://shop:s3cret@127.0.0.1:1/shop";
    let (output, text) = run(&["--listen", "127.0.0.1:0", "--database", database], &[keys]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("127.0.0.1:1/shop") && !text.contains("s3cret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_can_be_put_on_sale() {
    let database = Database::sqlite();
    let keys = ("STANCHION_EDGE_KEYS", KEYS);
    let said = || String::from_utf8(run(&["--database", &database.url(), "seed"], &[keys]).0.stdout).unwrap();
    assert!(said().contains("events with") && said().starts_with("0 events"), "again nothing is new");
    let shop = Process::start(&database, "").await;
    let fan = shop.edge.fan();
    let events = fan.get("/api/events").await.json();
    assert!(events["events"].as_array().unwrap().len() >= 30);
    // The house of the largest: its picture, and its places where nobody sits.
    let arena = fan.get("/events/aurora-1").await;
    assert_eq!(arena.status, 200);
    assert!(arena.text.contains("data-seat=\"A.A-1\"") && arena.text.contains("data-section=\"FL\""));
}

#[test]
fn the_configuration_can_be_checked_and_printed() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/shop.toml");
    let keys = ("STANCHION_EDGE_KEYS", KEYS);
    let (output, text) = run(&["--config", shipped, "--check"], &[keys]);
    assert_eq!((output.status.code(), text.as_str()), (Some(0), ""));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("the configuration is good; ") && said.lines().count() == 1, "{said}");
    let secret = ["--config", shipped, "--database", "postgres://shop:s3cret@db/shop", "--check"];
    let said = String::from_utf8(run(&secret, &[keys]).0.stdout).unwrap();
    assert!(said.contains("@db/shop") && !said.contains("s3cret"), "{said}");
    let (output, _) = run(&["--config", shipped, "--print-config"], &[keys]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("seats_per_fan_max = 4") && !printed.contains(&KEYS[3..]), "{printed}");
}
