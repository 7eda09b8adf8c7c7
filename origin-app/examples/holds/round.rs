//! One round: so many at once, each asks again when it is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::asks::{Asked, Asks};
use super::{http, locks, own};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) asked: Asked,
    pub(crate) millis: u64,
    pub(crate) at_once: usize,
}

/// What an ask came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Held,
    Refused,
}

/// What a round came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Seen {
    held: u64,
    refused: u64,
    seconds: f64,
    p50_us: u64,
    p99_us: u64,
}

/// Who is asked.
#[derive(Clone)]
pub(crate) enum Worker {
    Own(own::Office),
    Lock(locks::Peer),
    Shop(Arc<http::Holds>),
}

impl Worker {
    fn asks(&self) -> &Asks {
        match self {
            Self::Own(office) => &office.asks,
            Self::Lock(peer) => &peer.asks,
            Self::Shop(holds) => &holds.asks,
        }
    }

    /// Asks until the time is over.
    async fn work(self, asked: Asked, until: Instant) -> Result<(Vec<u32>, u64)> {
        let (mut times, mut held) = (Vec::new(), 0);
        let mut line = match &self {
            Self::Shop(holds) => Some(holds.connect().await?),
            _ => None,
        };
        while Instant::now() < until {
            let ask = self.asks().next(asked);
            let begun = Instant::now();
            let outcome = match (&self, &mut line) {
                (Self::Own(office), _) => office.hold(ask).await?,
                (Self::Lock(peer), _) => peer.hold(ask).await?,
                (Self::Shop(holds), Some(line)) => holds.hold(line, ask).await?,
                (Self::Shop(_), None) => break,
            };
            times.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            held += u64::from(outcome == Outcome::Held);
        }
        Ok((times, held))
    }
}

pub(crate) async fn run(plan: Plan, worker: Worker) -> Result<Seen> {
    let begun = Instant::now();
    let until = begun + Duration::from_millis(plan.millis);
    let tasks: Vec<_> =
        (0..plan.at_once).map(|_| tokio::spawn(worker.clone().work(plan.asked, until))).collect();
    let (mut times, mut held) = (Vec::new(), 0);
    for task in tasks {
        let (mut more, some) = task.await??;
        times.append(&mut more);
        held += some;
    }
    let seconds = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).copied().map_or(0, u64::from)
    };
    let answers = times.len() as u64;
    Ok(Seen { held, refused: answers - held, seconds, p50_us: at(50), p99_us: at(99) })
}
