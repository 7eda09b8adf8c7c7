//! Fans whose session is over try again and again whether their old ticket and token still open anything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use reqwest::{Method, Url};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::checks::entry::{Attempt, Due};
use crate::client::Client;
use crate::story::Watch;
use crate::tally::Papers;

/// The time between two tries.
const EVERY: Duration = Duration::from_millis(60);
/// Whose papers are tried in turn.
const PAPERS_MAX: usize = 8;
/// Most attempts that are remembered.
const ATTEMPTS_MAX: usize = 10_000;
/// The protected call that the token opened.
const CALL: &str = "/api/reservations";
const STATUS: &str = "/.waiting-room/demo/ticket";

/// Tries old papers in the background.
#[derive(Debug)]
pub struct OldPapersTried {
    papers: Arc<Mutex<Vec<Papers>>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Vec<Attempt>>,
}

impl OldPapersTried {
    /// Begins, with nothing to try yet.
    pub fn start(edges: &Arc<[Url]>, watch: Watch) -> Result<Self> {
        let papers = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = watch::channel(false);
        let clients = (0..edges.len()).map(|at| Client::new(Arc::clone(edges), at));
        let clients = clients.collect::<Result<Vec<_>>>()?;
        let task = tokio::spawn(go_on(clients, Arc::clone(&papers), watch, stopped));
        Ok(Self { papers, stop, task })
    }

    /// Tries these as well.
    pub fn take(&self, more: Vec<Papers>) {
        let mut papers = self.papers.lock().unwrap_or_else(PoisonError::into_inner);
        papers.extend(more);
        papers.truncate(PAPERS_MAX);
    }

    /// Tries none of them any more.
    pub fn forget(&self) {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Ends it, and tells what was tried and answered.
    pub async fn stop(self) -> Vec<Attempt> {
        self.stop.send_replace(true);
        self.task.await.unwrap_or_default()
    }
}

async fn go_on(
    clients: Vec<Client>,
    papers: Arc<Mutex<Vec<Papers>>>,
    watch: Watch,
    mut stopped: watch::Receiver<bool>,
) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut turn = 0_usize;
    while attempts.len() < ATTEMPTS_MAX {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        let next = {
            let papers = papers.lock().unwrap_or_else(PoisonError::into_inner);
            papers.get(turn % papers.len().max(1)).cloned()
        };
        let Some(client) = clients.get(turn / PAPERS_MAX % clients.len().max(1)) else { break };
        turn += 1;
        if let Some(papers) = next {
            attempts.extend(attempt(client, &papers, watch).await);
        }
    }
    attempts
}

/// Asks for something protected, and for a turn.
async fn attempt(client: &Client, papers: &Papers, watch: Watch) -> [Attempt; 2] {
    let headers = [("WR-Ticket", papers.ticket.as_str()), ("WR-Admission", papers.token.as_str())];
    let what = |what: &str| {
        let at_ms = watch.ms();
        format!(
            "fan {} at {}.{:03} s at proxy-{}, {what}",
            papers.fan,
            at_ms / 1000,
            at_ms % 1000,
            client.edge() + 1
        )
    };
    let opened = client.call_with(Method::GET, CALL, None, &headers).await;
    let call = what("with the token of a session that was over");
    let asked = client.call_with(Method::GET, STATUS, None, &headers).await;
    let status = asked.ok().map(|answer| match answer.text("state") {
        Some("admitted") => 200,
        // Any other state is no entry.
        Some(_) => 202,
        None => answer.status,
    });
    [
        Attempt { what: call, due: Due::NoEntry, status: opened.ok().map(|answer| answer.status) },
        Attempt {
            what: what("with the ticket of a session that was over, for a turn"),
            due: Due::NoEntry,
            status: status.filter(|status| *status != 202),
        },
    ]
}
