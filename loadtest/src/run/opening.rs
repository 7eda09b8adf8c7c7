//! A room that opens in the middle of the run: who comes before gathers in its pre-queue, and is drawn.
//!
//! The room is told of its opening when everything else is ready, as an operator announces a sale: the rooms' file is
//! written anew, and the edges follow. Then somebody reads what they publish of the draw, from before the first fan.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::{Method, Url};
use tokio::time::{Instant, sleep};

use super::scenario::Scenario;
use crate::checks::draw::Draw;
use crate::client::{Answer, Client};
use crate::clock::monotonic;
use crate::published::{Reader, now};
use crate::stack::{Room, Stack, moment_text};
use crate::story::Watch;

/// So long before its pre-queue a room is told of it. Edges follow within a second, on a machine that does nothing else.
const TOLD_BEFORE_MS: u64 = 8000;
/// So long after its beginning the first fans come: every edge has heard of it by then.
const SETTLES_MS: u64 = 2000;
/// When the processes of fans are told of the beginning, at the latest.
const READY_BEFORE_MS: u64 = 300;
/// How often the opening is announced anew, later each time, where edges were too slow to hear of it.
const TRIES: u32 = 4;
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long it may take at the end until the seed was read.
const SEED_MAX: Duration = Duration::from_secs(10);

/// An opening that is to come.
#[derive(Debug)]
pub struct Opening {
    zero_us: u64,
    opened_ms: u64,
    reader: Reader,
}

impl Opening {
    /// Announces that the scenario's room opens `after` the run began, and waits until its pre-queue has begun.
    ///
    /// # Errors
    /// When the edges do not follow.
    pub async fn announce(stack: &Stack, scenario: &Scenario, after: Duration) -> Result<Self> {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..TRIES {
            let from = now() + TOLD_BEFORE_MS;
            let prequeue_at = from.next_multiple_of(1000);
            let zero = prequeue_at + SETTLES_MS;
            let mut rooms = scenario.blueprint.rooms.clone();
            let Some(room) = rooms.first_mut() else { bail!("there is no room that could open") };
            room.draw = Some((prequeue_at, zero + after_ms));
            let room = room.clone();
            stack.change_rooms(&rooms)?;
            if let Some(opening) = Self::follow(&stack.edges(), &room, zero, after_ms).await? {
                return Ok(opening);
            }
        }
        bail!(
            "the edges did not hear of the opening of `{}` in time: nobody may join before they publish the commitment",
            scenario.sale.id
        )
    }

    /// Waits until all edges have told of this pre-queue before it began, and of its beginning before `zero`; nothing where
    /// they do not.
    async fn follow(edges: &Arc<[Url]>, room: &Room, zero: u64, after_ms: u64) -> Result<Option<Self>> {
        let Some((prequeue_at, opens_at)) = room.draw else { return Ok(None) };
        let moment = moment_text(prequeue_at);
        let is_told = |answer: &Answer| {
            let same = answer.text("prequeue_at").is_some_and(|told| same_second(told, &moment));
            same && answer.text("commitment").is_some()
        };
        let path = format!("/.waiting-room/{}", room.id);
        if !all_say(edges, &format!("{path}/draw"), is_told, prequeue_at).await? {
            return Ok(None);
        }
        let zero_us = monotonic() + zero.saturating_sub(now()) * 1000;
        let reader = Reader::start(edges, &room.id, (prequeue_at, opens_at), Watch::at(zero_us))?;
        let has_begun = |answer: &Answer| answer.text("state") == Some("prequeue");
        let begun = all_say(edges, &path, has_begun, zero.saturating_sub(READY_BEFORE_MS)).await?;
        Ok(begun.then_some(Self { zero_us, opened_ms: after_ms, reader }))
    }

    /// When the run begins, by the machine's clock.
    pub const fn zero_us(&self) -> u64 {
        self.zero_us
    }

    /// When the room opens, on the run's clock.
    pub const fn opened_ms(&self) -> u64 {
        self.opened_ms
    }

    /// What was published of the draw, once the seed is among it; or what there is, where it does not come.
    pub async fn published(self) -> Draw {
        let until = Instant::now() + SEED_MAX;
        while !self.reader.has_seed() && Instant::now() < until {
            sleep(LOOK_EVERY).await;
        }
        // On the run's clock, which the reader's did not have before its beginning.
        Draw { opened_ms: self.opened_ms, ..self.reader.stop() }
    }
}

/// Whether two moments in RFC 3339 are in the same second.
fn same_second(one: &str, other: &str) -> bool {
    one.get(..19).is_some_and(|second| other.get(..19) == Some(second))
}

/// Asks every edge until its answer `is` right, or it is `until`, in milliseconds since 1970.
async fn all_say(edges: &Arc<[Url]>, path: &str, is: impl Fn(&Answer) -> bool, until: u64) -> Result<bool> {
    for at in 0..edges.len() {
        let client = Client::new(Arc::clone(edges), at)?;
        while !client.call(Method::GET, path, None).await.is_ok_and(|answer| is(&answer)) {
            if now() >= until {
                return Ok(false);
            }
            sleep(LOOK_EVERY).await;
        }
    }
    Ok(now() < until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_compared_by_their_second() {
        let moment = moment_text(1_763_803_815_000);
        assert!(same_second(&moment, "2025-11-22T09:30:15.000Z"), "{moment}");
        assert!(!same_second(&moment, "2025-11-22T09:30:16.000Z"));
        assert!(!same_second("", ""));
    }
}
