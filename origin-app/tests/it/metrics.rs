//! The metrics are well formed, true, and those that the docs list.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use reqwest::{Client, Method};

use crate::support::{Database, Shop, eventually};

/// Kind and labels of each metric of the shop's own that a page tells.
fn told(metrics: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut told = BTreeMap::new();
    let mut last = String::new();
    for line in metrics.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            told.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            name.clone_into(&mut last);
        } else if let Some((labels, _)) = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')) {
            let labels = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            told.get_mut(&last).unwrap().1.extend(labels.filter(|label| *label != "le").map(str::to_owned));
        }
    }
    told.retain(|name, _| name.starts_with("shop_"));
    told
}

/// Kind and labels of each metric of the shop that the docs list.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `shop_")?.split('|').map(str::trim);
        let name = format!("shop_{}", cells.next()?.strip_suffix('`')?);
        let kind = cells.next()?.to_owned();
        let labels = cells.next()?.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        Some((name, (kind, labels)))
    };
    std::fs::read_to_string(path).unwrap().lines().filter_map(row).collect()
}

/// The shop's metrics that rules of alerts and panels of dashboards ask for, each with the labels that they ask it by, and where.
fn asked_for() -> Vec<(String, String, BTreeSet<String>)> {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../config");
    let files = ["alerts", "grafana"].into_iter().flat_map(|folder| {
        std::fs::read_dir(format!("{config}/{folder}")).unwrap().map(|entry| entry.unwrap().path())
    });
    let mut asked = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let begins = line.match_indices("shop_").map(|(at, _)| at);
            // Not within another word.
            let is_name = |at: &usize| {
                !line[..*at].ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_')
            };
            for at in begins.filter(is_name) {
                let rest = &line[at..];
                let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
                let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
                let of_histogram = ["_bucket", "_count", "_sum"];
                let name = of_histogram.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
                let selector =
                    after.strip_prefix('{').and_then(|after| after.split('}').next()).unwrap_or_default();
                let by = line[..at]
                    .rsplit_once("by (")
                    .and_then(|(_, by)| by.split(')').next())
                    .unwrap_or_default();
                let labels = selector
                    .split(',')
                    .filter_map(|label| label.split(['=', '!']).next())
                    .chain(by.split(','));
                let labels = labels.map(|label| label.trim().to_owned());
                let labels = labels.filter(|label| !label.is_empty() && label != "le").collect();
                asked.push((format!("{}: {line}", file.display()), name.to_owned(), labels));
            }
        }
    }
    asked
}

pub(crate) fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

pub(crate) async fn scrape(shop: &Shop) -> String {
    let answer = Client::new().get(format!("http://{}/metrics", shop.address)).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_as_prometheus_wants_them_documented_and_true() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 5)]).await;
    let (fan, other) = (shop.fan(), shop.fan());
    let id = fan.held(&["A-1"]).await;
    other.hold(&["A-1"]).await;
    other.submit("/events/demo/hold", &[("seat", "A-2")]).await;
    fan.pay(&id, "sandbox-declined").await;
    fan.pay(&id, "sandbox-ok").await;
    fan.get("/nowhere").await;
    let metrics = eventually("the requests are counted", async || {
        let metrics = scrape(&shop).await;
        let all = value(&metrics, "shop_requests_total{class=\"4xx\",method=\"GET\",route=\"unmatched\"}");
        (all == Some(1.0)).then_some(metrics)
    })
    .await;
    for (series, right) in [
        ("shop_requests_total{class=\"2xx\",method=\"POST\",route=\"/api/reservations\"}", 1.0),
        ("shop_requests_total{class=\"4xx\",method=\"POST\",route=\"/api/reservations\"}", 1.0),
        ("shop_request_duration_seconds_count{route=\"/api/reservations\"}", 2.0),
        ("shop_holds_total{outcome=\"held\"}", 2.0),
        ("shop_holds_total{outcome=\"seat_taken\"}", 1.0),
        ("shop_payments_total{outcome=\"charged\"}", 1.0),
        ("shop_payments_total{outcome=\"declined\"}", 1.0),
        ("shop_payments_total{outcome=\"no_answer\"}", 0.0),
        ("shop_promise_violations_total{promise=\"P9\"}", 0.0),
        ("shop_payment_circuit_open", 0.0),
        ("shop_outbox_messages", 0.0),
        ("shop_outbox_dead_messages", 0.0),
        ("shop_database_up", 1.0),
        ("shop_inventory_up{store=\"memory\"}", 1.0),
        ("shop_log_dead_letters{store=\"memory\"}", 0.0),
        ("shop_log_entries_total{outcome=\"put_aside\"}", 0.0),
        ("shop_inventory_repairs_total", 0.0),
        ("shop_requests_in_flight", 1.0),
        ("shop_requests_in_flight_limit", 1024.0),
    ] {
        assert_eq!(value(&metrics, series), Some(right), "{series} in {metrics}");
    }
    assert!(value(&metrics, "process_resident_memory_bytes") > Some(0.0), "{metrics}");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; run .ci/tools test"));
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(
        told(&metrics),
        documented(),
        "docs/metrics.md lists what there is: `make references` writes it"
    );
    let (known, asked) = (told(&metrics), asked_for());
    assert!(asked.len() >= 5, "{asked:?}");
    for (place, name, labels) in asked {
        let (_, has) = known.get(&name).unwrap_or_else(|| panic!("there is no {name}: {place}"));
        // Who it is asked of is Prometheus' own.
        let of_shop: BTreeSet<_> =
            labels.iter().filter(|label| !["instance", "job"].contains(&label.as_str())).cloned().collect();
        assert!(of_shop.is_subset(has), "{name} has {has:?}: {place}");
    }
    // Of a fan or a reservation there is nothing, and a fan gets nothing of it.
    assert!(!metrics.contains(&id) && !metrics.contains(&fan.cookie("shop-fan").unwrap()));
    let through = shop.forward(&Client::new(), Method::GET, "/metrics", "", "").send().await.unwrap();
    assert_eq!(through.status(), 404);
    shop.close().await;
}

/// A seat that was sold and has no ticket is seen, whoever did it.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_is_counted() {
    let database = Database::sqlite();
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 5)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
    shop.close().await;
    database.tamper("DELETE FROM tickets").await;
    let shop = Shop::open(&database).await;
    let seen = async |shop: &Shop, least: f64| {
        eventually("it is seen", async || {
            value(&scrape(shop).await, "shop_promise_violations_total{promise=\"P9\"}")
                .filter(|seen| *seen >= least)
        })
        .await
    };
    // What is wrong from before, at the start; what becomes wrong meanwhile, soon.
    let before = seen(&shop, 1.0).await;
    let other = shop.fan();
    let id = other.held(&["A-2"]).await;
    assert_eq!(other.pay(&id, "sandbox-ok").await.status, 200);
    database.tamper("DELETE FROM tickets").await;
    seen(&shop, before + 1.0).await;
    shop.close().await;
}
