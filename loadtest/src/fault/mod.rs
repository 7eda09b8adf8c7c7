//! A crowd before a system that fails: faults strike while the line moves, and what the fans saw is judged.
//!
//! - [`Fault`] is what can happen, `strike` makes it happen.
//! - [`old_papers`] try all the while whether a session that is over can be had again.
//! - [`run`] puts them together.

pub mod old_papers;
mod strike;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::check::Report;
use crate::checks::{Verdict, arrival, bound, capacity, entry, order, place, position, recovery, seats};
use crate::crowd::Crowd;
use crate::fan::{Plan, Venue};
use crate::lateness::Lateness;
use crate::stack::{Blueprint, Room, Sale, Stack, Store};
use crate::story::Watch;
use crate::tally::Tally;
use old_papers::OldPapersTried;
pub use strike::Fault;
use strike::Struck;

/// The first fans have come after so long.
const ARRIVALS: Duration = Duration::from_secs(3);
/// And the newcomers of a fault, who come before, while and after it happens.
const NEWCOMERS_EVERY: Duration = Duration::from_millis(200);
/// Which share of the fans are newcomers of some fault.
const NEWCOMERS_PER_MILLE: u32 = 250;
/// What fans may need beyond waiting: the shop, recoveries, a busy machine.
const SPARE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long after its answer a session that ended is over at every proxy, for certain.
const OVER_FOR_CERTAIN_MS: u64 = 1500;
/// How long before its end a fan has to be back, to be in time for the line that waits.
const IN_TIME_MS: u64 = 1000;
/// The sale.
const ROWS: u32 = 12;
const SEATS_PER_ROW: u32 = 25;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// What happens, one after another.
    pub faults: Vec<Fault>,
    /// How many fans come.
    pub fans: u32,
    /// How many proxies there are.
    pub proxies: usize,
    /// The room before the event `demo`.
    pub room: Room,
    /// How long a fault lasts that has a length.
    pub length: Duration,
    /// So many fans come first and stay in the shop for so long.
    pub stay: Option<(u32, Duration)>,
    /// The next fault comes when a good part of the fans got in since the last, and after so long at the latest.
    pub next_after: Duration,
    /// What the fans' behaviour follows from.
    pub seed: u64,
}

impl FaultPlan {
    /// The room before the event `demo`: fast, so that it is soon over; and what is short makes faults last longer
    /// than the store remembers who was there.
    pub fn room() -> Room {
        Room { presence_window_seconds: 4, recovery_grace_seconds: 4, ..Room::demo(900) }
    }

    /// `faults` before as many fans as it takes.
    pub fn new(faults: Vec<Fault>, seed: u64) -> Self {
        // Who came while Redis was away is ranked when they are back, and behind all whose turn has come by then. The
        // line before them is so long that all are back before.
        let line = if faults.contains(&Fault::RedisStopped) { 200 } else { 0 };
        Self {
            fans: line + 100 + 25 * u32::try_from(faults.len()).unwrap_or(u32::MAX).min(100),
            faults,
            proxies: 2,
            room: Self::room(),
            length: Duration::from_secs(8),
            stay: None,
            next_after: Duration::from_secs(10),
            seed,
        }
    }
}

/// Starts a stack, sends the crowd, lets the faults strike, and judges.
pub async fn run(plan: &FaultPlan) -> Result<Report> {
    let blueprint = Blueprint {
        store: Store::Redis,
        proxies: plan.proxies,
        rooms: vec![plan.room.clone()],
        edge_port: None,
        upstream: None,
        hold_seconds: 60,
    };
    let mut stack = Stack::start(&blueprint).await?;
    stack.open_sale(&Sale::demo(ROWS, SEATS_PER_ROW)).await?;
    let (watch, tally) = (Watch::start(), Arc::new(Tally::default()));
    let event = "demo".to_owned();
    let venue = Venue { edges: stack.edges(), room: event.clone(), event, watch, tally: Arc::clone(&tally) };
    let mut show = Show { plan, crowd: Crowd::new(venue, plan.seed), tally, watch };
    let tried = OldPapersTried::start(&stack.edges(), watch)?;
    let lateness = Lateness::start();
    show.open().await?;
    let mut struck: Vec<Struck> = Vec::new();
    for fault in &plan.faults {
        show.wait_for_the_drain().await;
        let papers_from = struck.last().map_or(0, |last: &Struck| last.to_ms + OVER_FOR_CERTAIN_MS);
        let old =
            show.tally.old_papers.over_between(papers_from, watch.ms().saturating_sub(OVER_FOR_CERTAIN_MS));
        if fault.keeps_who_ended() {
            tried.take(old);
        } else {
            tried.forget();
        }
        struck.push(show.suffer(&mut stack, *fault).await?);
    }
    let Show { crowd, .. } = show;
    let patience = Duration::from_secs(u64::from(plan.fans) * 60 / plan.room.drain_per_minute.max(1)) + SPARE;
    let mut stories = crowd.gather(patience).await;
    let attempts = tried.stop().await;
    let sales = stack.sales("demo").await?;
    let late_ms = lateness.most_ms();
    stack.stop().await;
    stories.iter_mut().for_each(|story| story.machine_was_late(late_ms));
    let grace_ms = plan.room.recovery_grace_seconds * 1000;
    for struck in &struck {
        for story in &mut stories {
            for edge in struck.edges_killed.clone() {
                story.edge_was_killed(edge, struck.from_ms);
            }
            if struck.news_stopped {
                story.news_stopped(struck.from_ms);
            }
            if struck.news_late_ms > 0 {
                // What was late at the end of it is heard of so much after it.
                story.news_was_late(struck.from_ms, struck.to_ms + struck.news_late_ms, struck.news_late_ms);
            }
            if struck.line_waited {
                story.line_waited(struck.from_ms, (struck.to_ms + grace_ms).saturating_sub(IN_TIME_MS));
            }
        }
    }
    let away: Vec<_> = struck.iter().filter(|struck| struck.was_away).map(|s| s.from_ms..s.to_ms).collect();
    let mut verdicts: Vec<Verdict> = vec![
        order::judge(&stories),
        bound::judge(&stories, plan.room.expected().seen_late(late_ms)),
        capacity::judge(&stories, plan.room.max_active),
        place::judge(&stories),
        arrival::judge(&stories, &away, late_ms),
        recovery::judge(&stories),
        position::judge(&stories),
        seats::judge(&stories, Some(sales)),
    ];
    // Nobody to try may be left: all stayed inside until the fault, or it was one after which nobody knows who did.
    if !attempts.is_empty() {
        verdicts.push(entry::judge(&attempts));
    }
    let faults = struck.into_iter().map(|struck| struck.told).collect();
    Ok(Report { stories, verdicts, faults, late_ms })
}

/// The crowd, and how far it has got.
struct Show<'a> {
    plan: &'a FaultPlan,
    crowd: Crowd,
    tally: Arc<Tally>,
    watch: Watch,
}

impl Show<'_> {
    fn newcomers(&self) -> u32 {
        let faults = u32::try_from(self.plan.faults.len()).unwrap_or(1).max(1);
        (self.plan.fans * NEWCOMERS_PER_MILLE / 1000 / faults).max(1)
    }

    /// Sends the first fans.
    async fn open(&mut self) -> Result<()> {
        let faults = u32::try_from(self.plan.faults.len()).unwrap_or_default();
        let first = self.plan.fans.saturating_sub(self.newcomers() * faults).max(1);
        let stay = self.plan.stay;
        for nth in 0..first {
            self.crowd.send(|dice| match stay {
                Some((staying, lingers)) if nth < staying => {
                    let absences = Vec::new();
                    Plan { lingers, absences, patience: None, polls: false, ..Plan::restless(dice) }
                }
                _ => Plan::restless(dice),
            })?;
            tokio::time::sleep(ARRIVALS / first).await;
        }
        Ok(())
    }

    /// Waits until a good part of the fans got in since the last fault.
    async fn wait_for_the_drain(&self) {
        let wanted = self.tally.admitted.get() + u64::from(self.plan.fans / 5);
        let until = Instant::now() + self.plan.next_after;
        while self.tally.admitted.get() < wanted && Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Lets a fault strike while newcomers arrive.
    async fn suffer(&mut self, stack: &mut Stack, fault: Fault) -> Result<Struck> {
        let (newcomers, watch, length) = (self.newcomers(), self.watch, self.plan.length);
        let admitted = self.tally.admitted.get();
        let arrive = async {
            for _ in 0..newcomers {
                self.crowd.send(Plan::restless)?;
                tokio::time::sleep(NEWCOMERS_EVERY).await;
            }
            Ok(())
        };
        let (struck, arrived) = tokio::join!(strike::strike(stack, fault, length, watch), arrive);
        arrived.and(struck.with_context(|| format!("{fault:?} could not be brought about"))).map(|struck| {
            let told = format!("{} when {admitted} fans were in", struck.told);
            Struck { told, ..struck }
        })
    }
}
