//! The alert rules and the Grafana dashboard ask for what there is: a Prometheus that watches a running edge answers.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::metrics::told;
use super::{metrics_of, promtool, shipped};
use crate::harness::{Edge, PATIENCE, STANDING, browser, navigate, room};
use crate::shop::Shop;

/// A Prometheus that watches one edge by the rules that ship. Killed when dropped.
struct Prometheus {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(edge: &Edge) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\nscrape_configs:\n\
             - {{ job_name: stanchion, static_configs: [{{ targets: ['{}'] }}] }}\n",
            shipped("config/alerts/stanchion.yml").display(),
            edge.admin
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus: {error}; run .ci/tools test"));
        Self { child, url: format!("http://{address}/api/v1"), _folder: folder }
    }

    /// What it answers, once it does.
    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let url = reqwest::Url::parse_with_params(&format!("{}/{path}", self.url), query).unwrap();
        let answer = browser().get(url).send().await.ok()?;
        let text = answer.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// The names of metrics in a query, those of histograms without what is appended to them.
fn names(query: &str) -> BTreeSet<String> {
    let words = query.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let is_metric = |word: &&str| word.starts_with("stanchion_") || word.starts_with("process_");
    words
        .filter(is_metric)
        .map(|word| word.trim_end_matches("_bucket").trim_end_matches("_count").to_owned())
        .collect()
}

/// The queries of the dashboard, for all rooms.
fn queries() -> Vec<String> {
    let text = std::fs::read_to_string(shipped("config/grafana/stanchion.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(target["expr"].as_str().unwrap().replace("$room", ".+"));
        }
    }
    queries
}

#[test]
fn the_alert_rules_tell_of_what_they_are_for_and_of_nothing_else() {
    let rules = shipped("config/alerts/stanchion.yml");
    promtool(&["check", "rules", rules.to_str().unwrap()], "");
    promtool(&["test", "rules", shipped("config/alerts/stanchion_test.yml").to_str().unwrap()], "");
    let text = std::fs::read_to_string(rules).unwrap();
    let tests = std::fs::read_to_string(shipped("config/alerts/stanchion_test.yml")).unwrap();
    let alerts = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(tests.contains(&format!("  - name: {alert}\n")), "{alert} has no test");
    }
    let runbooks: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(text.matches("- alert: ").count(), runbooks.len());
    for runbook in runbooks {
        assert!(shipped(runbook).is_file(), "{runbook} is missing");
    }
}

#[tokio::test]
async fn every_query_of_rules_and_dashboard_is_answered_for_a_running_edge() {
    let shop = Shop::start().await;
    let shadow = "[[room]]\nid = \"fair\"\npaths = [\"/fair/*\"]\nmode = \"shadow\"\n";
    let edge = Edge::start(&shop, &format!("{}{shadow}", room(STANDING)));
    navigate(&browser(), &edge.url("/events/demo")).await;
    navigate(&browser(), &edge.url("/")).await;
    let known = told(&metrics_of(&edge).await);
    let queries = queries();
    assert!(queries.len() > 40, "{}", queries.len());
    let rules = std::fs::read_to_string(shipped("config/alerts/stanchion.yml")).unwrap();
    let rules =
        rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    for query in queries.iter().chain([&rules]) {
        let missing: Vec<_> = names(query).into_iter().filter(|name| !known.contains_key(name)).collect();
        assert!(missing.is_empty(), "there is no {missing:?}: {query}");
    }
    let shown: BTreeSet<String> = queries.iter().flat_map(|query| names(query)).collect();
    let prometheus = Prometheus::start(&edge);
    let deadline = Instant::now() + PATIENCE;
    for query in &queries {
        // What filters by a number may well find nothing.
        let may_be_empty = query.contains("> 0") || query.contains("histogram_quantile");
        loop {
            let answer = prometheus.ask("query", &[("query", query)]).await;
            match answer.as_ref().map(|answer| (&answer["status"], answer["data"]["result"].as_array())) {
                Some((status, Some(result)))
                    if status == "success" && (may_be_empty || !result.is_empty()) =>
                {
                    break;
                }
                Some((status, _)) if status == "error" => panic!("{query}: {answer:?}"),
                _ => assert!(Instant::now() < deadline, "nothing for {query}: {answer:?}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let unshown: Vec<_> =
        known.keys().filter(|name| name.starts_with("stanchion_") && !shown.contains(*name)).collect();
    assert_eq!(unshown, ["stanchion_room_phase"], "what the dashboard shows");
    loop {
        let rules = prometheus.ask("rules", &[]).await.unwrap_or_default();
        let groups = rules["data"]["groups"].as_array().cloned().unwrap_or_default();
        let states: Vec<&Value> = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap())
            .map(|rule| &rule["health"])
            .collect();
        assert!(!states.iter().any(|state| *state == "err"), "{rules}");
        if states.len() > 25 && states.iter().all(|state| *state == "ok") {
            break;
        }
        assert!(Instant::now() < deadline, "{rules}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
