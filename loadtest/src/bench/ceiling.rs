//! What a Redis could do at most: asked by `redis-benchmark`, with nothing to think about.

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::stack::tool;

/// Calls in one round.
const CALLS: &str = "40000";

/// Calls a second of one command, so many asks at once, `pipeline` of them in one packet.
pub(super) async fn calls(port: u16, at_once: usize, pipeline: &str, command: &[&str]) -> Result<f64> {
    let output = Command::new(tool("redis-benchmark")?)
        .args(["-p", &port.to_string(), "-c", &at_once.to_string()])
        .args(["-n", CALLS, "-P", pipeline, "--csv"])
        .args(command)
        .kill_on_drop(true)
        .output()
        .await
        .context("redis-benchmark cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "redis-benchmark failed: {text}");
    // "name","requests a second",…
    let figure = text.lines().last().and_then(|line| line.split("\",\"").nth(1));
    figure.and_then(|figure| figure.trim_matches('"').parse().ok()).context("redis-benchmark says nothing")
}
