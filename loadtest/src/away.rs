//! The store is away for minutes, and fans who are inside go on: no error, and no latency that they would not have had.
//!
//! Two stacks stand beside each other. The Redis of one hangs, then is dead, then comes back; that of the other is
//! well. Each fan asks both in turn, so whatever else the machine does happens to both, and the ratio of the two is
//! what the store's absence costs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::stack::{Blueprint, Room, Stack, Store};

/// What a fan inside asks for: protected, and answered from the shop's database.
const ASKED: &str = "/api/reservations";
/// How long a fan may take to get in.
const ENTRY: Duration = Duration::from_secs(60);
/// How long the last requests may take to be answered.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct AwayPlan {
    /// How long the store is away: the first half it hangs, the second it is dead.
    pub away: Duration,
    /// How long it is measured before, and afterwards.
    pub around: Duration,
    /// Fans who are inside.
    pub fans: usize,
    /// The pause between two requests of a fan.
    pub pause: Duration,
}

/// What the store is doing.
const STATES: [&str; 4] = ["well", "hung", "dead", "back"];

/// What was seen at one edge while the store was in one state.
#[derive(Clone, Debug, Default)]
struct Seen {
    times: Vec<Duration>,
    errors: Vec<String>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.errors.extend(other.errors);
    }

    fn at(&self, share: f64) -> f64 {
        let at = (self.times.len() as f64 * share) as usize;
        let time = self.times.get(at.min(self.times.len().saturating_sub(1))).copied().unwrap_or_default();
        time.as_secs_f64() * 1000.0
    }
}

/// What was seen: of each state, at the edge whose store was away, and at the other.
#[derive(Clone, Debug, Default)]
pub struct AwayReport {
    seen: [[Seen; 2]; STATES.len()],
}

impl AwayReport {
    /// Whether every request was answered as it had to be.
    pub fn is_good(&self) -> bool {
        self.seen.iter().flatten().all(|seen| seen.errors.is_empty() && !seen.times.is_empty())
    }
}

impl fmt::Display for AwayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| the store is | requests | errors | median ms | p99 ms | slowest ms | beside it: median ms | p99 ms | slowest ms | ratio of medians | of p99 |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        for (state, [away, beside]) in STATES.iter().zip(&self.seen) {
            let (requests, errors) = (away.times.len(), away.errors.len() + beside.errors.len());
            let of =
                |seen: &Seen| format!("{:.2} | {:.2} | {:.1}", seen.at(0.5), seen.at(0.99), seen.at(1.0));
            let ratio = |share| away.at(share) / beside.at(share);
            let (away, beside) = (of(away), of(beside));
            writeln!(
                f,
                "| {state} | {requests} | {errors} | {away} | {beside} | {:.2} | {:.2} |",
                ratio(0.5),
                ratio(0.99)
            )?;
        }
        for error in self.seen.iter().flatten().flat_map(|seen| &seen.errors).take(10) {
            writeln!(f, "error: {error}")?;
        }
        Ok(())
    }
}

/// Lets fans in at both stacks, takes the store of one away and brings it back, and tells what the fans saw.
///
/// # Errors
/// When a stack cannot be started, or a fan cannot get in.
pub async fn run(plan: AwayPlan) -> Result<AwayReport> {
    let room = Room { mode: "auto", burst: 1000, max_active: 1_000_000, ..Room::demo(60_000) };
    let blueprint = Blueprint { store: Store::Redis, proxies: 1, rooms: vec![room], ..Blueprint::default() };
    let mut away = Stack::start(&blueprint).await?;
    let beside = Stack::start(&blueprint).await?;
    let state = Arc::new(AtomicUsize::new(0));
    let mut fans = Vec::new();
    for _ in 0..plan.fans {
        fans.push([enter(&away).await?, enter(&beside).await?]);
    }
    let mut asking = JoinSet::new();
    for (nth, pair) in fans.into_iter().enumerate() {
        // Not all at the same moment.
        let offset =
            plan.pause * u32::try_from(nth).unwrap_or(0) / u32::try_from(plan.fans).unwrap_or(1).max(1);
        asking.spawn(ask(pair, plan.pause, offset, Arc::clone(&state)));
    }
    let next = |time| async move { tokio::time::sleep(time).await };
    next(plan.around).await;
    away.redis()?.freeze();
    state.store(1, Ordering::Release);
    next(plan.away / 2).await;
    away.redis()?.kill();
    state.store(2, Ordering::Release);
    next(plan.away / 2).await;
    away.redis()?.restart().await?;
    state.store(3, Ordering::Release);
    next(plan.around).await;
    state.store(STATES.len(), Ordering::Release);
    let mut report = AwayReport::default();
    let all = async {
        while let Some(seen) = asking.join_next().await {
            for (into, from) in report.seen.iter_mut().flatten().zip(seen?.into_iter().flatten()) {
                into.add(from);
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LAST_ANSWERS, all).await.context("the last requests were not answered")??;
    report.seen.iter_mut().flatten().for_each(|seen| seen.times.sort_unstable());
    away.stop().await;
    beside.stop().await;
    Ok(report)
}

/// A fan who is inside.
async fn enter(stack: &Stack) -> Result<Client> {
    let until = Instant::now() + ENTRY;
    let client = Client::new(stack.edges(), 0)?;
    loop {
        let answer = client.open_page("/events/demo").await?;
        if client.admission("demo").is_some() {
            return Ok(client);
        }
        if Instant::now() > until {
            bail!("a fan did not get in: {}", answer.summary());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One fan, who asks both edges again and again, until the last state is over.
async fn ask(
    pair: [Client; 2],
    pause: Duration,
    offset: Duration,
    state: Arc<AtomicUsize>,
) -> [[Seen; 2]; STATES.len()] {
    let mut all: [[Seen; 2]; STATES.len()] = Default::default();
    tokio::time::sleep(offset).await;
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0_usize.. {
        ticks.tick().await;
        // Which comes first changes, so that neither has it better.
        for which in [round % 2, (round + 1) % 2] {
            let now = state.load(Ordering::Acquire);
            let (Some(seen), Some(client)) = (all.get_mut(now), pair.get(which)) else { return all };
            let Some(seen) = seen.get_mut(which) else { return all };
            let began = Instant::now();
            match client.call(Method::GET, ASKED, None).await {
                Ok(answer) if answer.status == 200 => seen.times.push(began.elapsed()),
                Ok(answer) => seen.errors.push(answer.summary()),
                Err(error) => seen.errors.push(format!("{error:#}")),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_good_when_all_was_answered() {
        let mut report = AwayReport::default();
        assert!(!report.is_good(), "nothing was asked");
        report.seen.iter_mut().flatten().for_each(|seen| seen.times.push(Duration::from_millis(2)));
        assert!(report.is_good());
        assert!(
            report
                .to_string()
                .contains("| dead | 1 | 0 | 2.00 | 2.00 | 2.0 | 2.00 | 2.00 | 2.0 | 1.00 | 1.00 |")
        );
        report.seen[2][0].errors.push("503".to_owned());
        assert!(!report.is_good() && report.to_string().contains("error: 503"));
    }
}
