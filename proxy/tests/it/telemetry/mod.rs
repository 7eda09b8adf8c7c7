//! What the edge tells of itself.

mod dashboard;
mod logs;
mod metrics;
mod traces;

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::harness::{Edge, browser};

/// A file of the repository.
fn shipped(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs promtool, which has to be content and to say nothing else.
fn promtool(arguments: &[&str], input: &str) {
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; run .ci/tools test"));
    promtool.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let is_content = said.status.success() && said.stderr.is_empty();
    assert!(is_content, "{} {}\n{input}", text(&said.stdout), text(&said.stderr));
}

/// The metrics of an edge.
async fn metrics_of(edge: &Edge) -> String {
    let answer = browser().get(format!("http://{}/metrics", edge.admin)).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    answer.text().await.unwrap()
}

/// The value of a series, written as it is on the page.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}
