//! A crowd before a system that fails: faults strike while the line moves, and what the fans saw is judged.
//!
//! - [`Fault`] is what can happen, [`fn@strike`] makes it happen.
//! - [`old_papers`] try all the while whether a session that is over can be had again.
//! - [`run`] puts them together.

mod kinds;
pub mod old_papers;
mod strike;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::check::Report;
use crate::checks::{Evidence, Setting, Strike, judge_all};
use crate::crowd::Crowd;
use crate::fan::{Plan, Venue};
use crate::lateness::Lateness;
use crate::run::scenario::Waits;
use crate::stack::{Blueprint, Database, Payments, Room, Sale, Stack, Store};
use crate::story::Watch;
use crate::tally::Tally;
pub use kinds::{Fault, Harm, Part};
use old_papers::OldPapersTried;
pub use strike::strike;

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
        let is_away = |fault: &Fault| {
            let (part, harm) = fault.what();
            matches!(part, Part::Redis | Part::Proxy) && !matches!(harm, Harm::Forgetful | Harm::Slow)
        };
        let line = if faults.iter().any(is_away) { 200 } else { 0 };
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
    let needs = |part| plan.faults.iter().any(|fault| fault.what().0 == part);
    let blueprint = Blueprint {
        store: Store::Redis,
        proxies: plan.proxies,
        rooms: vec![plan.room.clone()],
        database: if needs(Part::Postgres) { Database::Postgres } else { Database::Sqlite },
        inventory: if needs(Part::Inventory) { Store::Redis } else { Store::Memory },
        payments: if needs(Part::Payments) { Payments::Provider } else { Payments::Sandbox },
        links: plan.faults.iter().any(|fault| fault.needs_links()),
        ..Blueprint::default()
    };
    let mut stack = Stack::start(&blueprint).await?;
    stack.open_sale(&Sale::demo(ROWS, SEATS_PER_ROW)).await?;
    let (watch, tally) = (Watch::start(), Arc::new(Tally::default()));
    let event = "demo".to_owned();
    let venue = Venue {
        payments: blueprint.payments,
        edges: stack.edges(),
        room: event.clone(),
        event,
        watch,
        tally: Arc::clone(&tally),
    };
    let mut show = Show { plan, crowd: Crowd::new(venue, plan.seed), tally, watch };
    let tried = OldPapersTried::start(&stack.edges(), watch)?;
    let lateness = Lateness::start();
    show.open().await?;
    let mut struck: Vec<Strike> = Vec::new();
    for fault in &plan.faults {
        show.wait_for_the_drain().await;
        let papers_from = struck.last().map_or(0, |last: &Strike| last.to_ms + OVER_FOR_CERTAIN_MS);
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
    let stories = crowd.gather(patience).await;
    let attempts = tried.stop().await;
    let sales = stack.sales("demo").await?;
    let books = Some(stack.books("demo").await?);
    let late_ms = lateness.most_ms();
    stack.stop().await;
    let faults = struck.iter().map(|struck| struck.told.clone()).collect();
    let evidence = Evidence {
        stories,
        setting: Some(Setting::of(&plan.room)),
        strikes: struck,
        attempts,
        sales: Some(sales),
        books,
        late_ms,
        ..Evidence::default()
    };
    let verdicts = judge_all(&evidence);
    Ok(Report { stories: evidence.stories, verdicts, faults, late_ms })
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
                    Plan { lingers, absences, patience: None, waits: Waits::Live, ..Plan::restless(dice) }
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
    async fn suffer(&mut self, stack: &mut Stack, fault: Fault) -> Result<Strike> {
        let (newcomers, watch, length) = (self.newcomers(), self.watch, self.plan.length);
        let admitted = self.tally.admitted.get();
        let arrive = async {
            for _ in 0..newcomers {
                self.crowd.send(Plan::restless)?;
                tokio::time::sleep(NEWCOMERS_EVERY).await;
            }
            Ok(())
        };
        let (struck, arrived) = tokio::join!(strike(stack, fault, length, watch), arrive);
        arrived.and(struck.with_context(|| format!("{fault:?} could not be brought about"))).map(|struck| {
            let told = format!("{} when {admitted} fans were in", struck.told);
            Strike { told, ..struck }
        })
    }
}
