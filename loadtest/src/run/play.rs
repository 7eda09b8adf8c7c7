//! A scenario is played: the system is started, the fans are sent, what is to fail fails, and all of it is judged.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::crowds::outside::{Crowds, Heard};
use super::crowds::{self, Beat};
use super::gather::{self, Gathered};
use super::machine::{Sampler, machine, version};
use super::record::{FORMAT, RunRecord, ScenarioFacts, Stretch, VerdictFacts};
use super::scenario::arrivals::Arrival;
use super::scenario::{Arrivals, Errand, Kind, Scenario};
use crate::cheats;
use crate::checks::books::Books;
use crate::checks::entry::Attempt;
use crate::checks::seats::Sales;
use crate::checks::{Evidence, Setting, Strike, judge_all};
use crate::clock::monotonic;
use crate::fault::strike;
use crate::report::live::Live;
use crate::stack::{Database, Stack, Store};
use crate::story::{Story, Watch};

/// How many fans with a story one process takes.
const FANS_PER_PROCESS: usize = 12_500;
/// Most processes.
const PROCESSES_MAX: usize = 16;
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
    let mut record = RunRecord { format: FORMAT, machine: machine(), ..RunRecord::default() };
    let mut stack = Stack::start(&scenario.blueprint).await?;
    stack.open_sale(&scenario.sale).await?;
    let mut attempts = Vec::new();
    if scenario.kinds.iter().any(|kind| kind.errand == Errand::Cheat) {
        attempts.extend(cheats::attempts(stack.edges(), stack.shop_url()).await?);
    }
    let of = scenario.processes.unwrap_or_else(|| processes(scenario, &arrivals));
    let edges = stack.edges();
    let mut crowds = Crowds::start(of, text, seed, &edges, stack.folder()).await?;
    record.scenario = facts(scenario, text.0, seed, arrivals.len(), of);

    let zero = monotonic() + AHEAD_US;
    let watch = Watch::at(zero);
    let begin = Instant::now() + Duration::from_micros(AHEAD_US);
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
    let sales = stack.sales(&scenario.sale.id).await?;
    let books = stack.books(&scenario.sale.id).await?;
    stack.stop().await;

    record.late_ms = gathered.late_ms();
    record.phases = phases(scenario);
    record.faults = strikes.iter().map(stretch).collect();
    record.seconds = gathered.seconds();
    record.configured = scenario.room().map(|room| (0.0, room.drain_per_minute as f64)).into_iter().collect();
    record.waits = gather::waits(&stories);
    record.latencies = gathered.latencies();
    record.processes = sampler.into_series();
    record.endings = gather::endings(&stories);
    record.errors = gathered.wrong();
    record.verdicts = judge(scenario, stories, strikes, attempts, (sales, books), record.late_ms);
    Ok(record)
}

/// How many processes the fans need.
fn processes(scenario: &Scenario, arrivals: &[Arrival]) -> usize {
    let has_a_story = |arrival: &&Arrival| scenario.kinds.get(arrival.kind).is_some_and(Kind::has_a_story);
    arrivals.iter().filter(has_a_story).count().div_ceil(FANS_PER_PROCESS).clamp(1, PROCESSES_MAX)
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

fn judge(
    scenario: &Scenario,
    stories: Vec<Story>,
    strikes: Vec<Strike>,
    attempts: Vec<Attempt>,
    (sales, books): (Sales, Books),
    late_ms: u64,
) -> Vec<VerdictFacts> {
    // Of those who have no story nobody knows when their turn came, or whether they were there.
    let others = |kind: &Kind| matches!(kind.errand, Errand::Join | Errand::Reserve);
    let alone = !scenario.kinds.iter().any(others);
    let evidence = Evidence {
        stories,
        setting: scenario.room().filter(|_| alone).map(Setting::of),
        strikes,
        attempts,
        sales: Some(sales),
        books: Some(books),
        late_ms,
        ..Evidence::default()
    };
    judge_all(&evidence).iter().map(Into::into).collect()
}

fn facts(scenario: &Scenario, text: &str, seed: u64, fans: usize, crowds: usize) -> ScenarioFacts {
    let blueprint = &scenario.blueprint;
    let mut stores = Vec::new();
    let redis = || format!("Redis {}", version("redis-server", "--version").unwrap_or_default());
    match blueprint.store {
        Store::Memory => stores.push("line in memory".to_owned()),
        Store::Redis => stores.push(format!("line in {}", redis())),
    }
    match blueprint.inventory {
        Store::Memory => stores.push("seats in memory".to_owned()),
        Store::Redis => stores.push("seats in another".to_owned()),
    }
    match blueprint.database {
        Database::Sqlite => stores.push("SQLite".to_owned()),
        Database::Postgres => {
            let version = version("postgres", "--version").unwrap_or_default();
            stores.push(format!("PostgreSQL {version}").trim().to_owned());
        }
    }
    ScenarioFacts {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        file: text.to_owned(),
        command: String::new(),
        seed,
        fans: fans as u64,
        proxies: blueprint.proxies,
        crowds,
        stores: stores.join(", "),
    }
}

fn phases(scenario: &Scenario) -> Vec<Stretch> {
    let mut from = 0.0;
    let mut stretches = Vec::new();
    for phase in &scenario.phases {
        let to = from + phase.length.as_secs_f64();
        let about = match &phase.arrivals {
            Arrivals::None => "nobody comes".to_owned(),
            Arrivals::Burst(fans, within) => format!("{fans} come within {} s", within.as_secs_f64()),
            Arrivals::Ramp(from, to) => format!("from {from} to {to} a second"),
            Arrivals::Poisson(rate) => format!("{rate} a second by chance"),
            Arrivals::Constant(rate) => format!("{rate} a second"),
            Arrivals::Recorded(counts) => format!("{} come as they were counted once", counts.total()),
        };
        stretches.push(Stretch { name: phase.name.clone(), about, from_s: from, to_s: to });
        from = to;
    }
    stretches
}

fn stretch(strike: &Strike) -> Stretch {
    Stretch {
        name: strike.name.clone(),
        about: strike.told.clone(),
        from_s: strike.from_ms as f64 / 1000.0,
        to_s: strike.to_ms as f64 / 1000.0,
    }
}
