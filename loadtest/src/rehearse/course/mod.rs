//! How a rehearsal goes: the line of `admission` and a clock that jumps from tick to tick.
//!
//! What an edge does is done here: fans join as they come, those near the front are reported as present, somebody
//! drains every tick, whose turn has come claims it, sessions that are used slide, and the rate adapts to the shop.

mod clock;
mod events;
mod shopping;

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use admission::adaptive::LoadReport;
use admission::clock::{Timestamp, millis};
use admission::name::LaneId;
use admission::rank::Rank;
use admission::rules::Phase;
use admission::store::memory::MemoryStore;
use admission::store::{Memory, Presence, QueueStore as _};
use admission::ticket::Place;
use anyhow::Result;

use self::clock::VirtualClock;
use self::events::Due;
use super::Plan;
use super::crowd::Fan;
use super::shop::{Shop, ShopStep};
use super::tally::{LaneTally, Sample, Tally};
use crate::random::Dice;

/// How often an edge looks at the line.
const TICK: Duration = Duration::from_millis(250);
/// Samples are so many ticks apart.
const SAMPLE_EVERY: u64 = 4;
/// How long before the first fan the line is there, so that its first permits have gathered.
const LEAD: Duration = Duration::from_secs(60);
/// After so many ticks, or so many things that happened to fans, whoever wants to interrupt gets a chance.
const YIELD_EVERY: u64 = 4096;

/// Lets the fans come, and counts what becomes of them.
///
/// # Errors
/// When the line refuses what an edge asks of it.
pub async fn run(plan: &Plan, fans: Vec<Fan>, opening: Timestamp) -> Result<Tally> {
    let first = fans.first().map_or(opening, |fan| fan.comes_at).min(opening);
    let last = fans.last().map_or(opening, |fan| fan.comes_at).max(opening);
    let mut course = Course::new(plan, fans, opening);
    course.clock.set(first - LEAD);
    course.store.configure(&plan.room, &plan.rules, 1, &Memory::default()).await?;
    let until = last + plan.afterwards;
    let (mut now, mut ticks, mut yielded_at) = (first - TICK, 0_u64, 0_u64);
    course.clock.set(now);
    course.store.drain(&plan.room).await?;
    while now < until && !course.is_over(now) {
        let next = course.next_tick(now);
        if next > now + TICK {
            // What happened until here is not to be counted as of then.
            course.sample(now).await?;
        }
        now = next;
        course.tick(now).await?;
        ticks += 1;
        if ticks.is_multiple_of(SAMPLE_EVERY) {
            course.sample(now).await?;
        }
        if ticks + course.dues >= yielded_at + YIELD_EVERY {
            yielded_at = ticks + course.dues;
            tokio::task::yield_now().await;
        }
    }
    course.sample(now).await?;
    Ok(course.end(now))
}

struct Course<'a> {
    plan: &'a Plan,
    clock: Arc<VirtualClock>,
    store: MemoryStore,
    fans: Vec<Fan>,
    /// The next of them to come.
    next: usize,
    due: BinaryHeap<Due>,
    /// How many were ever due, so that what is due at one time happens in order.
    dues: u64,
    lanes: Vec<LaneId>,
    /// Who waits and is there, by lane.
    here: Vec<BTreeMap<Rank, usize>>,
    reported_at: Timestamp,
    shop: Shop,
    /// Fans in the shop.
    shopping: u64,
    report: LoadReport,
    rate: u64,
    ended_mark: u64,
    dice: Dice,
    tally: Tally,
    /// What happened since the last sample.
    sample: Sample,
}

impl<'a> Course<'a> {
    fn new(plan: &'a Plan, fans: Vec<Fan>, opening: Timestamp) -> Self {
        let clock = Arc::new(VirtualClock::default());
        let lanes: Vec<LaneId> = plan.rules.lanes.iter().map(|lane| lane.name.clone()).collect();
        let tally = Tally { opening, lanes: vec![LaneTally::default(); lanes.len()], ..Tally::default() };
        Self {
            plan,
            store: MemoryStore::new(clock.clone()),
            clock,
            fans,
            next: 0,
            due: BinaryHeap::new(),
            dues: 0,
            here: vec![BTreeMap::new(); lanes.len()],
            lanes,
            reported_at: Timestamp::default(),
            shop: Shop::new(plan.shop),
            shopping: 0,
            report: LoadReport::default(),
            rate: plan.rules.first_rate(),
            ended_mark: 0,
            dice: Dice::nth(plan.seed, 1),
            tally,
            sample: Sample::default(),
        }
    }

    async fn tick(&mut self, now: Timestamp) -> Result<()> {
        self.happen(now).await?;
        self.clock.set(now);
        self.report_presence(now).await?;
        self.drain(now).await?;
        self.serve(now).await
    }

    /// The time of the next tick; where nobody is there, the next at which anything happens.
    fn next_tick(&self, now: Timestamp) -> Timestamp {
        let next = now + TICK;
        if self.somebody_waits() || !self.due.is_empty() {
            return next;
        }
        let comes = self.fans.get(self.next).map_or(next, |fan| fan.comes_at);
        let ticks = millis(comes.since(next)) / millis(TICK);
        next + Duration::from_millis(ticks * millis(TICK))
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let nobody_comes = self.next >= self.fans.len() && self.due.is_empty();
        nobody_comes && (!self.somebody_waits() || self.plan.rules.phase(now) == Phase::Closed)
    }

    fn somebody_waits(&self) -> bool {
        self.here.iter().any(|lane| !lane.is_empty())
    }

    fn place(&self, fan: &Fan) -> Place {
        let lane = self.lanes.get(fan.lane).cloned().unwrap_or_else(LaneId::general);
        Place { lane, rank: fan.rank, id: fan.id }
    }

    /// Reports who is there, as often as an edge does; but only so many as can have their turn before the next report,
    /// where an edge reports all in front: nobody else's presence matters yet.
    async fn report_presence(&mut self, now: Timestamp) -> Result<()> {
        let every = (self.plan.rules.presence_window / 3).max(TICK);
        if now.since(self.reported_at) < every {
            return Ok(());
        }
        self.reported_at = now;
        let rules = &self.plan.rules;
        let turns = rules.rate_max() as f64 / 60.0 * every.as_secs_f64() + rules.burst as f64;
        let count = (turns * 2.0) as usize + 200;
        let mut presence = Presence::default();
        for lane in &self.here {
            let front = lane.values().take(count).filter_map(|fan| self.fans.get(*fan));
            presence.waiting.extend(front.map(|fan| self.place(fan)));
        }
        if !presence.waiting.is_empty() {
            self.store.report_presence(&self.plan.room, &presence).await?;
        }
        Ok(())
    }

    async fn drain(&mut self, now: Timestamp) -> Result<()> {
        if self.somebody_waits() && self.plan.rules.phase(now) == Phase::Open {
            self.tally.due += self.rate as f64 / 60.0 * TICK.as_secs_f64();
        }
        let drained = self.store.drain(&self.plan.room).await?;
        self.tally.turns += drained.turns.len() as u64;
        for (name, rank) in drained.turns {
            let lane = self.lanes.iter().position(|lane| *lane == name);
            let fan = lane.and_then(|lane| self.here.get_mut(lane)).and_then(|lane| lane.remove(&rank));
            if let Some(fan) = fan {
                self.turn(fan, now);
            }
        }
        Ok(())
    }

    async fn sample(&mut self, now: Timestamp) -> Result<()> {
        let snapshot = self.store.snapshot(&self.plan.room, self.ended_mark).await?;
        self.ended_mark = snapshot.ended_mark;
        let active = snapshot.active + snapshot.turns;
        self.tally.lapsed = snapshot.lapsed_total;
        if self.somebody_waits() && snapshot.drains() {
            self.tally.waiting_seconds += 1;
            self.tally.full_seconds += u64::from(active >= self.plan.rules.max_active);
        }
        let sample = std::mem::take(&mut self.sample);
        let at = self.tally.seconds(now);
        self.tally.samples.push(Sample {
            at,
            waiting: snapshot.waiting(),
            active,
            rate: snapshot.rate,
            ..sample
        });
        Ok(())
    }

    fn saw_the_shop(&mut self, step: ShopStep) {
        self.sample.asked += step.asked;
        self.sample.failed += step.failed;
        self.sample.latency_ms = self.sample.latency_ms.max(step.latency * 1000.0);
    }

    fn end(mut self, now: Timestamp) -> Tally {
        self.tally.is_cut_short = !self.is_over(now);
        self.tally.ended_at = now;
        for (tally, here) in self.tally.lanes.iter_mut().zip(&self.here) {
            tally.still_waiting = here.len() as u64;
        }
        self.tally
    }
}
