//! A scenario is played: the system is started, the fans are sent, what is to fail fails, and all of it is judged.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::crowds::outside::{Crowds, Heard};
use super::crowds::{self, Beat};
use super::facts;
use super::gather::{self, Gathered};
use super::machine::{Sampler, machine};
use super::needs::{Needs, descriptors};
use super::opening::Opening;
use super::record::{FORMAT, RunRecord};
use super::scenario::{Errand, Kind, Scenario};
use crate::cheats;
use crate::checks::{Evidence, Setting, Strike, judge_all};
use crate::clock::monotonic;
use crate::fault::strike;
use crate::report::live::Live;
use crate::stack::{Blueprint, Stack};
use crate::story::{Story, Watch};

/// From when the processes are told the beginning until it is.
const AHEAD_US: u64 = 300_000;

/// Processes by name.
type Processes = Vec<(String, u32)>;

/// Plays `scenario`, which was read from a `text` in a folder, and tells what came of it.
///
/// # Errors
/// When something cannot be started, does not come back after a fault, or what fans saw is lost.
pub async fn play(scenario: &Scenario, text: (&str, &Path), seed: u64) -> Result<RunRecord> {
    let arrivals = scenario.arrivals(seed);
    let room = scenario.room().map_or("", |room| &room.id);
    let mut record = RunRecord { format: FORMAT, machine: machine(), ..RunRecord::default() };
    let needs = Needs::of(scenario, &arrivals, descriptors()?)?;
    let blueprint = Blueprint { proxies: needs.proxies, ..scenario.blueprint.clone() };
    let mut stack = Stack::start(&blueprint).await?;
    stack.open_sale(&scenario.sale).await?;
    let mut attempts = Vec::new();
    if scenario.kinds.iter().any(|kind| kind.errand == Errand::Cheat) {
        attempts.extend(cheats::attempts(stack.edges(), stack.shop_url()).await?);
    }
    let of = needs.crowds;
    let edges = stack.edges();
    let mut crowds = Crowds::start(of, text, seed, &edges, stack.folder()).await?;
    record.scenario = facts::scenario(scenario, text.0, seed, arrivals.len(), needs);

    let opening = match scenario.opens_after {
        Some(after) => Some(Opening::announce(&stack, scenario, after).await?),
        None => None,
    };
    let counted = stack.line_totals(room).await?;
    let zero = opening.as_ref().map_or_else(|| monotonic() + AHEAD_US, Opening::zero_us);
    let watch = Watch::at(zero);
    let begin = Instant::now() + Duration::from_micros(zero.saturating_sub(monotonic()));
    let mut running = stack.processes();
    running.extend(crowds.processes());
    crowds.begin(zero).await?;
    let running = Mutex::new(running);
    let crowd = crowds.processes();
    let notes = Mutex::new(Vec::new());
    let mut gathered = Gathered::new(&arrivals);
    let mut sampler = Sampler::default();
    let faults = suffer(scenario, &mut stack, begin, watch, |strike, now: Processes| {
        notes.lock().push(strike.told.clone());
        *running.lock() = now.into_iter().chain(crowd.clone()).collect();
    });
    let watching = look_on(scenario, &mut crowds, begin, of, &mut gathered, &mut sampler, &running, &notes);
    let (strikes, ()) = tokio::try_join!(faults, watching)?;

    let mut stories: Vec<Story> = Vec::new();
    for file in crowds.ended().await? {
        let (more, tried) = crowds::read(&file)?;
        stories.extend(more);
        attempts.extend(tried);
    }
    stories.sort_unstable_by_key(|story| story.fan);
    let line = match counted.filter(|_| !strikes.iter().any(|strike| strike.effects.line_lost)) {
        // Where the line was lost, it began to count anew.
        Some(before) => stack.line_totals(room).await?.map(|line| line.since(before)),
        None => None,
    };
    let sales = Some(stack.sales(&scenario.sale.id).await?);
    let books = Some(stack.books(&scenario.sale.id).await?);
    let opened_ms = opening.as_ref().map(Opening::opened_ms);
    let draw = match opening {
        Some(opening) => Some(opening.published().await),
        None => None,
    };
    stack.stop().await;

    let (setting, late_ms) = (setting(scenario, opened_ms), gathered.late_ms());
    record.late_ms = late_ms;
    record.opened_s = opened_ms.map(|opened_ms| opened_ms as f64 / 1000.0);
    record.phases = facts::phases(scenario);
    record.faults = strikes.iter().map(facts::stretch).collect();
    record.seconds = gathered.seconds();
    record.configured = facts::configured(scenario, record.opened_s);
    record.max_active = scenario.room().map(|room| room.max_active);
    record.waits = gather::waits(&stories);
    record.latencies = gathered.latencies();
    record.processes = sampler.into_series();
    record.endings = gather::endings(&stories);
    record.errors = gathered.wrong();
    let evidence = Evidence { stories, setting, strikes, attempts, sales, books, draw, line, late_ms };
    record.verdicts = judge_all(&evidence).iter().map(Into::into).collect();
    Ok(record)
}

/// Lets everything fail that is to fail, each at its time or when the one before is over.
async fn suffer(
    scenario: &Scenario,
    stack: &mut Stack,
    begin: Instant,
    watch: Watch,
    mut tell: impl FnMut(&Strike, Processes),
) -> Result<Vec<Strike>> {
    let mut strikes = Vec::new();
    for planned in &scenario.faults {
        sleep_until(begin + planned.at).await;
        let struck = strike(stack, planned.fault, planned.lasts, watch).await;
        let struck = struck.with_context(|| format!("{:?} could not be brought about", planned.fault))?;
        tell(&struck, stack.processes());
        strikes.push(struck);
    }
    Ok(strikes)
}

/// Takes in what comes from the fans, looks at what the processes use, and shows it, until all fans are gone.
#[expect(clippy::too_many_arguments, reason = "all of them are what is looked at")]
async fn look_on(
    scenario: &Scenario,
    crowds: &mut Crowds,
    begin: Instant,
    of: usize,
    gathered: &mut Gathered,
    sampler: &mut Sampler,
    running: &Mutex<Processes>,
    notes: &Mutex<Vec<String>>,
) -> Result<()> {
    let mut live = Live::new(scenario.length().as_secs());
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut shown, mut silent) = (0, 0);
    while silent < of {
        tokio::select! {
            heard = crowds.next() => match heard {
                Some(Heard::Beat(beat)) => take_in(&beat, gathered),
                Some(Heard::Silent(_)) => silent += 1,
                None => break,
            },
            _ = ticks.tick() => {
                let at = Instant::now().saturating_duration_since(begin).as_secs_f64();
                let processes = running.lock().clone();
                sampler.sample(&processes, at);
                notes.lock().drain(..).for_each(|note| live.note(&note));
                while let Some(second) = gathered.whole(shown, of - silent) {
                    live.second(second, &sampler.last());
                    shown += 1;
                }
            }
        }
    }
    live.finish();
    Ok(())
}

fn take_in(beat: &Beat, gathered: &mut Gathered) {
    gathered.add(beat);
}

/// What was set for the room, where nobody else stood in its line: of those who have no story nobody knows when their turn
/// came, or whether they were there.
fn setting(scenario: &Scenario, opened_ms: Option<u64>) -> Option<Setting> {
    let others = |kind: &Kind| matches!(kind.errand, Errand::Join | Errand::Reserve);
    let room = scenario.room().filter(|_| !scenario.kinds.iter().any(others))?;
    Some(Setting { opened_ms, ..Setting::of(room) })
}
