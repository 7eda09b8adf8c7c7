//! The hot path of a sale beside its peers, in one run of many short rounds in turn: seats held in the shop's inventory,
//! in process and over HTTP, by row locks in PostgreSQL, and by a lock in Redis for each event. And a thousand buyers at
//! once for a hundred seats.
//!
//! What asks is a process of its own, `origin-app/examples/holds`: it has the shop's inventory inside, and this program
//! nothing of the shop.

mod driver;
mod report;
mod stage;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::cores::{allow_descriptors, worked};
use driver::{Driver, Seen};
pub use report::Report;
use report::{Crowd, Row, Turn};
use stage::{Shop, Stage};

/// Seats in a row of the house that is held.
const SEATS_A_ROW: u32 = 100;
/// Rows that nobody holds in a millisecond: of an inventory that is asked over HTTP, and of a peer.
const ROWS_A_MILLI: f64 = 0.6;
const PEERS_ROWS_A_MILLI: f64 = 0.2;
/// What the crowd wants: rows of seats.
const CROWD_ROWS: u32 = 2;
const CROWD_SEATS_A_ROW: u32 = 50;
/// What one seat costs.
const PRICE_CENTS: u64 = 4500;

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct ShopPlan {
    /// How often each row has its turn.
    pub rounds: usize,
    /// How long one turn takes.
    pub length: Duration,
    /// Asks at once.
    pub at_once: usize,
    /// Connections of the peers to PostgreSQL.
    pub connections: u32,
    /// How many buyers come at once for a hundred seats.
    pub buyers: u32,
}

/// What there is to be held: enough, and no more than takes long to fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct House {
    /// Rows of an event.
    pub(super) rows: u32,
    /// Events of the peers, half of them for each way to choose.
    pub(super) events: u32,
}

impl House {
    fn of(plan: ShopPlan) -> Self {
        let millis = plan.length.as_millis() as f64;
        let rows = (millis * ROWS_A_MILLI).ceil().clamp(10.0, 1000.0);
        let events = (millis * PEERS_ROWS_A_MILLI * plan.rounds as f64 / rows).ceil() * 2.0;
        Self { rows: rows as u32, events: events as u32 }
    }
}

/// Who holds seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Memory,
    Redis,
    Rows,
    Function,
    Lock,
    Shop(usize),
}

impl Who {
    const ALL: [Self; 7] =
        [Self::Redis, Self::Rows, Self::Function, Self::Lock, Self::Memory, Self::Shop(0), Self::Shop(1)];

    /// What people call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "inventory in memory",
            Self::Redis => "inventory in Redis",
            Self::Rows => "row locks in PostgreSQL",
            Self::Function => "row locks in one function",
            Self::Lock => "`SET NX` around PostgreSQL",
            Self::Shop(0) => "shop over HTTP, Redis and PostgreSQL",
            Self::Shop(_) => "shop over HTTP, memory and SQLite",
        }
    }
}

/// Whether those who ask are in each other's way.
pub(super) const APART: &str = "apart";
pub(super) const CROWDED: &str = "crowded";

/// Measures, until it is done or `interrupted`: nothing then.
///
/// # Errors
/// When something cannot be started, or does not answer as it should.
pub async fn run(plan: ShopPlan, interrupted: impl Future<Output = ()>) -> Result<Option<Report>> {
    allow_descriptors()?;
    tokio::select! {
        report = measure(plan) => report.map(Some),
        () = interrupted => Ok(None),
    }
}

async fn measure(plan: ShopPlan) -> Result<Report> {
    let stage = Stage::start().await?;
    let house = House::of(plan);
    let mut driver = Driver::start(&stage, plan.connections, house).await?;
    let asked = [APART, CROWDED];
    let mut rows: Vec<Row> =
        asked.iter().flat_map(|asked| Who::ALL.map(|who| Row::new(asked, who))).collect();
    let mut crowds: Vec<_> = stage.shops.iter().map(|shop| Crowd::new(shop.name)).collect();
    let mut ceiling = Vec::new();
    for nth in 1..=plan.rounds {
        for (shop, asked) in stage.shops.iter().flat_map(|shop| asked.map(|asked| (shop, asked))) {
            driver.open(shop, &format!("{asked}-{nth}"), house.rows, SEATS_A_ROW).await?;
        }
        for row in &mut rows {
            let context = || format!("round {nth}, {}, {}", row.asked, row.who.name());
            let turn =
                turn(plan, &stage, &mut driver, (row.asked, row.who), &format!("{}-{nth}", row.asked)).await;
            let turn = turn.with_context(context)?;
            row.turns.push(turn);
        }
        for (shop, crowd) in stage.shops.iter().zip(&mut crowds) {
            let event = format!("crowd-{nth}");
            driver.open(shop, &event, CROWD_ROWS, CROWD_SEATS_A_ROW).await?;
            let seen = driver.crowd(shop, &event, plan.buyers).await?;
            checked(&seen).with_context(|| format!("round {nth}, the crowd at {}", shop.name))?;
            crowd.add(&seen)?;
        }
        ceiling.push(stage.redis_alone(plan.at_once).await?);
        eprintln!("round {nth} of {}", plan.rounds);
    }
    driver.stop().await;
    Ok(Report { plan, machine: stage::machine(), rows, crowds, ceiling })
}

/// One turn of one row.
async fn turn(
    plan: ShopPlan,
    stage: &Stage,
    driver: &mut Driver,
    (asked, who): (&'static str, Who),
    event: &str,
) -> Result<Turn> {
    let whom = match who {
        Who::Memory => json!("memory"),
        Who::Redis => json!("redis"),
        Who::Rows => json!("rows"),
        Who::Function => json!("function"),
        Who::Lock => json!("lock"),
        Who::Shop(nth) => json!({"shop": [stage.shop(nth)?.address, event]}),
    };
    let before = work(stage, driver)?;
    let seen: Seen = driver.hold(&whom, asked, plan.length, plan.at_once).await?;
    let worked = work(stage, driver)?.saturating_sub(before);
    ensure!(seen.held > 0, "nobody got a seat");
    if let Who::Shop(nth) = who {
        // What is held is written down, before others have their turn.
        driver.sales(stage.shop(nth)?, event).await?;
    }
    Ok(Turn::new(&seen, worked))
}

/// How long all processes have worked that take part.
fn work(stage: &Stage, driver: &Driver) -> Result<Duration> {
    let mut all = worked(driver.id())?;
    for process in stage.processes()? {
        // A process of PostgreSQL that ended meanwhile has not.
        all += worked(process).unwrap_or_default();
    }
    Ok(all)
}

/// Every seat once, and the money adds up.
fn checked(crowd: &Value) -> Result<()> {
    let seats = u64::from(CROWD_ROWS * CROWD_SEATS_A_ROW);
    let of = |path: &str| crowd.pointer(path).and_then(Value::as_u64);
    for (path, wanted) in [
        ("/bought", seats),
        ("/sales/sold", seats),
        ("/sales/tickets", seats),
        ("/sales/tickets_cents", seats * PRICE_CENTS),
        ("/sales/charges_cents", seats * PRICE_CENTS),
        ("/sales/double_sold", 0),
        ("/ledger/unbalanced", 0),
        ("/ledger/contradictions", 0),
    ] {
        ensure!(of(path) == Some(wanted), "{path} should be {wanted}: {crowd}");
    }
    Ok(())
}

/// Where a shop is asked.
impl Driver {
    async fn open(&mut self, shop: &Shop, event: &str, rows: u32, seats: u32) -> Result<()> {
        let task =
            json!({"task": "open", "shop": shop.address, "event": event, "rows": rows, "seats": seats});
        self.do_it(&task).await.map(drop)
    }

    async fn sales(&mut self, shop: &Shop, event: &str) -> Result<Value> {
        self.do_it(&json!({"task": "sales", "shop": shop.address, "event": event})).await
    }

    async fn crowd(&mut self, shop: &Shop, event: &str, buyers: u32) -> Result<Value> {
        self.do_it(&json!({"task": "crowd", "shop": shop.address, "event": event, "buyers": buyers})).await
    }

    async fn hold(&mut self, who: &Value, asked: &str, length: Duration, at_once: usize) -> Result<Seen> {
        let millis = u64::try_from(length.as_millis())?;
        let task = json!({"task": "hold", "who": who, "asked": asked, "millis": millis, "at_once": at_once});
        serde_json::from_value(self.do_it(&task).await?).context("the driver's figures cannot be read")
    }
}
