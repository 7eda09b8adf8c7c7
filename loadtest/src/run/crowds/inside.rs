//! A process of fans.

use std::io::BufRead as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tokio::time::{interval_at, sleep_until};

use super::passing::Passing;
use super::{Beat, Order, Told, Writer, address};
use crate::clock::monotonic;
use crate::crowd::Crowd;
use crate::fan::{Plan, Venue};
use crate::lateness::Lateness;
use crate::random::Dice;
use crate::run::scenario::arrivals::Arrival;
use crate::run::scenario::{Errand, Scenario};
use crate::story::Watch;
use crate::tally::Tally;

/// Lives as a process of fans, until they are gone.
///
/// # Errors
/// When it is told nonsense, or what the fans saw cannot be written.
pub async fn run() -> Result<()> {
    let (said, hears) = mpsc::channel(4);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if said.blocking_send(line).is_err() {
                break;
            }
        }
    });
    tokio::task::spawn_blocking(move || {
        // One thread for each process: several on two cores would only be in each other's way.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(live(hears))
    })
    .await?
}

async fn live(mut hears: mpsc::Receiver<String>) -> Result<()> {
    let order = hears.recv().await.context("there is no order")?;
    let order: Order = serde_json::from_str(&order).context("the order cannot be read")?;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("descriptors are refused")?;
    let mut process = Process::new(&order)?;
    process.prepare().await?;
    println!("ready");
    let zero = hears.recv().await.context("there is no beginning")?;
    process.play(zero.trim().parse().context("the beginning is no number")?, hears).await
}

struct Process {
    scenario: Scenario,
    seed: u64,
    /// Those who come here, each with their number among all, in order.
    arrivals: Vec<(u32, Arrival)>,
    edges: Arc<[reqwest::Url]>,
    tally: Arc<Tally>,
    writer: Writer,
    told: u64,
    passing: Passing,
}

impl Process {
    fn new(order: &Order) -> Result<Self> {
        let scenario = Scenario::parse(&order.scenario, &order.folder)
            .map_err(|mistake| anyhow::anyhow!("the scenario: {mistake}"))?;
        let all = scenario.arrivals(order.seed);
        let mine = all.into_iter().enumerate().filter(|(number, _)| number % order.of.max(1) == order.nth);
        let arrivals = mine.filter_map(|(number, arrival)| Some((u32::try_from(number).ok()?, arrival)));
        let edges: Arc<[reqwest::Url]> = order
            .edges
            .iter()
            .map(|edge| edge.parse())
            .collect::<Result<_, _>>()
            .context("an edge is no address")?;
        Ok(Self {
            arrivals: arrivals.collect(),
            scenario,
            seed: order.seed,
            passing: Passing::new(&edges),
            edges,
            tally: Arc::new(Tally::default()),
            writer: Writer::create(&order.stories)?,
            told: 0,
        })
    }

    /// Has those come in beforehand who are inside when the run begins.
    async fn prepare(&mut self) -> Result<()> {
        if self.scenario.kinds.iter().any(|kind| kind.errand == Errand::Reserve) {
            self.passing.let_regulars_in().await?;
        }
        Ok(())
    }

    async fn play(&mut self, zero_us: u64, mut hears: mpsc::Receiver<String>) -> Result<()> {
        let watch = Watch::at(zero_us);
        let zero = Instant::now() + Duration::from_micros(zero_us.saturating_sub(monotonic()));
        let lateness = Lateness::start();
        let event = "demo".to_owned();
        let (edges, tally) = (Arc::clone(&self.edges), Arc::clone(&self.tally));
        let payments = self.scenario.blueprint.payments;
        let venue = Venue { payments, edges, room: event.clone(), event, watch, tally };
        let mut crowd = Crowd::new(venue, self.seed);
        let enough = zero + self.scenario.length() + self.scenario.patience;
        let mut ticks = interval_at((zero + Duration::from_secs(1)).into(), Duration::from_secs(1));
        let (mut next, mut second, mut before, mut is_over) = (0, 0, Beat::default(), false);
        loop {
            let coming = self.arrivals.get(next).copied().filter(|_| !is_over);
            let at = coming.map(|(_, arrival)| zero + Duration::from_micros(arrival.at_us));
            tokio::select! {
                () = sleep_until(at.unwrap_or(zero).into()), if at.is_some() => {
                    if let Some(((number, arrival), due)) = coming.zip(at) {
                        self.send(&mut crowd, number, arrival, due)?;
                        next += 1;
                    }
                }
                _ = ticks.tick() => {
                    self.write_gone(&mut crowd)?;
                    let mut beat = self.beat(&mut before, second);
                    beat.late_ms = lateness.most_ms();
                    println!("{}", serde_json::to_string(&beat)?);
                    second += 1;
                    let all_came = is_over || next >= self.arrivals.len();
                    if all_came && crowd.here() == 0 && self.passing.is_idle() && Instant::now() >= zero + self.scenario.length() {
                        break;
                    }
                }
                heard = hears.recv(), if !is_over => if heard.is_none() {
                    is_over = true;
                    crowd.send_home();
                },
                () = sleep_until(enough.into()), if !is_over => {
                    is_over = true;
                    crowd.send_home();
                }
            }
            if is_over && hears.is_closed() && crowd.here() == 0 {
                break;
            }
        }
        self.write_gone(&mut crowd)?;
        for attempt in self.tally.attempts.take() {
            self.writer.write(&Told::Attempt(attempt))?;
        }
        let (fans, writer) = (self.told, &mut self.writer);
        writer.finish(fans)
    }

    fn send(&self, crowd: &mut Crowd, number: u32, arrival: Arrival, due: Instant) -> Result<()> {
        let Some(kind) = self.scenario.kinds.get(arrival.kind) else { return Ok(()) };
        // Other dice than those by which the fan lives.
        let mut dice = Dice::nth(!self.seed, number);
        if !kind.has_a_story() {
            self.tally.arrived.add(1);
            self.passing.send(kind.errand, &self.tally, &mut dice, due);
            return Ok(());
        }
        crowd.send_from(number, Plan::of(kind, &mut dice), address(number, self.scenario.networks), due)
    }

    fn write_gone(&mut self, crowd: &mut Crowd) -> Result<()> {
        while let Some(story) = crowd.next_gone() {
            self.told += 1;
            self.writer.write(&Told::Story(Box::new(story)))?;
        }
        Ok(())
    }

    /// What happened since the beat before, of which the sums are kept in `sums`.
    fn beat(&self, sums: &mut Beat, second: usize) -> Beat {
        let tally = &self.tally;
        let since = |sum: &mut u64, now: u64| now - std::mem::replace(sum, now);
        Beat {
            second,
            arrived: since(&mut sums.arrived, tally.arrived.get()),
            admitted: since(&mut sums.admitted, tally.admitted.get()),
            held: since(&mut sums.held, tally.held.get()),
            bought: since(&mut sums.bought, tally.bought.get()),
            left: since(&mut sums.left, tally.left.get()),
            waiting: tally.waiting.get(),
            inside: tally.shopping.get(),
            sockets: tally.live.get(),
            counted: tally.meter.take(),
            late_ms: 0,
        }
    }
}
