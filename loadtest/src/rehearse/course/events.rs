//! What happens to single fans between two ticks, each at its own moment.

use std::cmp::Ordering;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::draw::{self, Seed};
use admission::rank::Rank;
use admission::store::{Intent, Join, Joined, Presence, QueueStore as _, Standing};
use anyhow::Result;

use super::Course;
use crate::rehearse::crowd::ticket_id;

/// How long an edge takes somebody who closed the page for somebody who reloads it.
const RECONNECT_GRACE: Duration = Duration::from_secs(3);
/// How long a page with a script takes from the turn to the shop, at least and at most.
const TAKES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// How long one without a script may be about to ask again.
const ASKS_AGAIN: Duration = Duration::from_secs(20);
/// How many ticket ids are tried for a draw number that nobody has.
const TRIES: usize = 16;

/// What happens to a fan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// They have closed the page, and the edge has noticed.
    Gone,
    /// They take their turn.
    Claim,
    /// They ask something of the shop, and their session slides. They were let in at this moment.
    Use(Timestamp),
    /// They are through.
    Finish,
}

/// When it happens, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    at: Timestamp,
    number: u64,
    fan: usize,
    event: Event,
}

// The earliest is the greatest, for a heap gives the greatest first.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Course<'_> {
    pub(super) fn later(&mut self, at: Timestamp, fan: usize, event: Event) {
        self.dues += 1;
        self.due.push(Due { at, number: self.dues, fan, event });
    }

    /// Everything that happens until `now`, in order.
    pub(super) async fn happen(&mut self, now: Timestamp) -> Result<()> {
        loop {
            let comes = self.fans.get(self.next).map(|fan| fan.comes_at).filter(|at| *at <= now);
            let due = self.due.peek().map(|due| due.at).filter(|at| *at <= now);
            match (comes, due) {
                (Some(comes), due) if due.is_none_or(|due| comes <= due) => {
                    self.clock.set(comes);
                    self.join(self.next, comes).await?;
                    self.next += 1;
                }
                (_, Some(_)) => {
                    let Some(Due { at, fan, event, .. }) = self.due.pop() else { return Ok(()) };
                    self.clock.set(at);
                    match event {
                        Event::Gone => self.gone(fan).await?,
                        Event::Claim => self.claim(fan, at).await?,
                        Event::Use(admitted_at) => self.keep_session(fan, admitted_at, at).await?,
                        Event::Finish => self.finish(fan).await?,
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    async fn join(&mut self, index: usize, now: Timestamp) -> Result<()> {
        let Some(mut fan) = self.fans.get(index).copied() else { return Ok(()) };
        let Some(lane) = self.lanes.get(fan.lane).cloned() else { return Ok(()) };
        self.sample.came += 1;
        let mut joined = Joined::Taken;
        for _ in 0..TRIES {
            let join =
                Join { drawn: self.drawn(&fan), ..Join::new(lane.clone(), fan.id, Intent::EnterOrWait) };
            let drawn = join.drawn;
            let answer = self.store.join(&self.plan.room, fan.id, &[join]).await?;
            joined = answer.first().copied().unwrap_or(Joined::Closed);
            if joined != Joined::Taken {
                fan.rank = drawn.unwrap_or_default();
                break;
            }
            fan.id = ticket_id(&mut self.dice);
        }
        let comes = |tally: &mut crate::rehearse::tally::Tally| {
            if let Some(lane) = tally.lanes.get_mut(fan.lane) {
                lane.came += 1;
            }
        };
        match joined {
            Joined::Full => self.tally.full += 1,
            Joined::Entered { .. } => {
                comes(&mut self.tally);
                self.let_in(index, now);
            }
            Joined::Waiting { .. } | Joined::Drawn => {
                comes(&mut self.tally);
                if let Joined::Waiting { rank, .. } = joined {
                    fan.rank = rank;
                }
                if let Some(place) = self.fans.get_mut(index) {
                    *place = fan;
                }
                self.wait(index);
                if let Some(after) = fan.leaves_after {
                    self.later(now + after + RECONNECT_GRACE, index, Event::Gone);
                }
            }
            _ => self.tally.turned_away += 1,
        }
        Ok(())
    }

    /// The rank that the draw gives this fan. The seed is not that of any real draw.
    fn drawn(&self, fan: &crate::rehearse::crowd::Fan) -> Option<Rank> {
        let prequeue_at = self.plan.rules.prequeue_at.filter(|_| fan.comes_at < self.tally.opening)?;
        let mut seed = [0; draw::SEED_BYTES];
        for (byte, of) in seed.iter_mut().zip(self.plan.seed.to_le_bytes()) {
            *byte = of;
        }
        Some(draw::rank(prequeue_at, Seed::from_bytes(seed).number(fan.id)))
    }

    fn wait(&mut self, index: usize) {
        let Some(fan) = self.fans.get(index) else { return };
        if let Some(lane) = self.here.get_mut(fan.lane) {
            lane.insert(fan.rank, index);
        }
    }

    async fn gone(&mut self, index: usize) -> Result<()> {
        let Some(fan) = self.fans.get(index).copied() else { return Ok(()) };
        let here = self.here.get_mut(fan.lane).and_then(|lane| lane.remove(&fan.rank));
        if here.is_some() {
            let presence = Presence { gone: vec![self.place(&fan)], ..Presence::default() };
            self.store.report_presence(&self.plan.room, &presence).await?;
            if let Some(lane) = self.tally.lanes.get_mut(fan.lane) {
                lane.left += 1;
            }
        }
        Ok(())
    }

    /// The fan's turn has come.
    pub(super) fn turn(&mut self, index: usize, now: Timestamp) {
        let Some(fan) = self.fans.get(index).copied() else { return };
        if fan.is_no_show {
            if let Some(lane) = self.tally.lanes.get_mut(fan.lane) {
                lane.no_shows += 1;
            }
            return;
        }
        let takes = if fan.has_script {
            self.dice.between(TAKES.0, TAKES.1)
        } else {
            self.dice.between(Duration::ZERO, ASKS_AGAIN)
        };
        self.later(now + takes, index, Event::Claim);
    }

    async fn claim(&mut self, index: usize, now: Timestamp) -> Result<()> {
        let Some(fan) = self.fans.get(index).copied() else { return Ok(()) };
        let standings = self.store.claim(&self.plan.room, &[self.place(&fan)]).await?;
        match standings.first() {
            Some(Standing::Active { .. }) => self.let_in(index, now),
            Some(Standing::Waiting { .. }) => {
                if let Some(lane) = self.tally.lanes.get_mut(fan.lane) {
                    lane.late += 1;
                }
                self.wait(index);
            }
            _ => {
                if let Some(lane) = self.tally.lanes.get_mut(fan.lane) {
                    lane.lost += 1;
                }
            }
        }
        Ok(())
    }
}
