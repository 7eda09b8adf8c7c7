//! Somebody who reads what a room publishes of its draw, from before the first fan comes until the seed is out.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use reqwest::{Method, Url};
use tokio::task::JoinHandle;

use crate::checks::draw::Draw;
use crate::client::Client;
use crate::story::Watch;

/// The time between two looks. Answers may be kept for a second.
const EVERY: Duration = Duration::from_millis(500);
/// Most answers that are kept.
const LOOKS_MAX: usize = 20_000;

/// Milliseconds since 1970.
pub fn now() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the programs that are told when a room opens go by the clock of the machine"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Reads until it is told to stop.
#[derive(Debug)]
pub struct Reader {
    task: JoinHandle<()>,
    seen: Arc<parking_lot::Mutex<Draw>>,
}

impl Reader {
    /// Begins with the draw of `room`, whose pre-queue begins and which opens at these milliseconds since 1970.
    ///
    /// # Errors
    /// When there is no edge to ask.
    pub fn start(
        edges: &Arc<[Url]>,
        room: &str,
        (prequeue_at, opens_at): (u64, u64),
        watch: Watch,
    ) -> Result<Self> {
        let opened_ms = (watch.ms() + opens_at).saturating_sub(now());
        let seen = Arc::new(parking_lot::Mutex::new(Draw { prequeue_at, opened_ms, ..Draw::default() }));
        let clients = (0..edges.len()).map(|at| Client::new(Arc::clone(edges), at));
        let clients = clients.collect::<Result<Vec<_>>>()?;
        clients.first().context("there is no edge to ask")?;
        let path = format!("/.waiting-room/{room}/draw");
        let task = tokio::spawn(read(clients, path, watch, Arc::clone(&seen)));
        Ok(Self { task, seen })
    }

    /// When the room opens.
    pub fn opened_ms(&self) -> u64 {
        self.seen.lock().opened_ms
    }

    /// Whether a seed was read.
    pub fn has_seed(&self) -> bool {
        !self.seen.lock().seeds.is_empty()
    }

    /// Stops, and tells what was read.
    pub fn stop(self) -> Draw {
        self.task.abort();
        self.seen.lock().clone()
    }
}

async fn read(clients: Vec<Client>, path: String, watch: Watch, seen: Arc<parking_lot::Mutex<Draw>>) {
    for client in clients.iter().cycle().take(LOOKS_MAX) {
        if let Ok(answer) = client.call(Method::GET, &path, None).await {
            let now = watch.ms();
            let mut seen = seen.lock();
            if let Some(commitment) = answer.text("commitment") {
                seen.commitments.push((now, commitment.to_owned()));
            }
            if let Some(seed) = answer.text("seed") {
                seen.seeds.push((now, seed.to_owned()));
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
