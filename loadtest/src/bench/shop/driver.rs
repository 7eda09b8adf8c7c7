//! The process that asks: told a task by a line, and answering with one.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::House;
use super::stage::Stage;
use crate::stack::binary;

/// Longest time for a task; filling the peers' tables takes a while.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a turn came to.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Seen {
    /// Asks that got their seats.
    pub(super) held: u64,
    /// Asks whose seats others had.
    pub(super) refused: u64,
    /// How long it took.
    pub(super) seconds: f64,
    /// Half of the asks took no longer, in microseconds.
    pub(super) p50_us: u64,
    /// 99 of 100 took no longer.
    pub(super) p99_us: u64,
}

/// The process that asks. Dropping it ends it.
pub(super) struct Driver {
    child: Child,
    tasks: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    pub(super) async fn start(stage: &Stage, connections: u32, house: House) -> Result<Self> {
        let mut child = Command::new(binary("examples/holds")?)
            .args(["--redis", &stage.redis_url(), "--postgres", &stage.postgres_url()])
            .args(["--connections", &connections.to_string()])
            .args(["--rows", &house.rows.to_string(), "--events", &house.events.to_string()])
            .envs(stage.secrets.of_shop())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the driver cannot be started")?;
        let tasks = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("the driver says nothing")?).lines();
        let mut this = Self { child, tasks, answers };
        this.answer().await?;
        Ok(this)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    pub(super) async fn do_it(&mut self, task: &Value) -> Result<Value> {
        let line = format!("{task}\n");
        let tasks = self.tasks.as_mut().context("the driver was stopped")?;
        tasks.write_all(line.as_bytes()).await.context("the driver does not listen")?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Value> {
        let line = timeout(PATIENCE, self.answers.next_line()).await.context("the driver takes too long")?;
        match line? {
            Some(line) => serde_json::from_str(&line).with_context(|| format!("the driver says {line}")),
            None => bail!("the driver ended; it said why"),
        }
    }

    /// Tells it that there is nothing more to do, and waits until it has ended.
    pub(super) async fn stop(mut self) {
        drop(self.tasks.take());
        if timeout(Duration::from_secs(5), self.child.wait()).await.is_err() {
            let _gone = self.child.kill().await;
        }
    }
}
