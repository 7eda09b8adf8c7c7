//! The edge beside its peers: what a request costs, passed on or answered, in one run of many short rounds in turn.
//!
//! Each server runs alone on one core; the load, the shop and this program are on another. All servers run all the time,
//! idle but for their own rounds, so what else goes on at the machine meets all of them alike. Ratios are those of one
//! round, and the median of them over the rounds.

mod files;
mod load;
mod origin;
mod report;
mod servers;
mod variants;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::certificate::Certificate;
use super::cores::{Cores, on_the_core_of_the_load, worked};
use load::Load;
pub(super) use load::connector;
pub use report::Report;
use report::{Round, Row};
use servers::{Ground, Servers};
use variants::{Variant, variants};

/// How long connections ask before it counts.
const WARM_UP: Duration = Duration::from_millis(60);

/// How often a turn is taken in which nobody was answered.
const TRIES: u32 = 5;

/// How the edge is measured.
#[derive(Clone, Debug)]
pub struct EdgePlan {
    /// How often each row has its turn.
    pub rounds: usize,
    /// How long one turn takes.
    pub length: Duration,
    /// Requests at once.
    pub connections: usize,
    /// Only these groups of rows; all where none is named.
    pub only: Vec<String>,
}

impl EdgePlan {
    fn has(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| group == only.trim())
    }
}

/// Measures, until it is done or `interrupted`: nothing then.
///
/// # Errors
/// When a server cannot be started, or does not answer as it should.
pub async fn run(plan: EdgePlan, interrupted: impl Future<Output = ()>) -> Result<Option<Report>> {
    on_the_core_of_the_load(interrupted, move |cores| async move {
        let restless = tokio::spawn(never_rest());
        let report = measure(plan, cores).await;
        restless.abort();
        report
    })
    .await
}

/// Keeps the load awake. On the loopback device whoever sends pays for waking who waits for it, which costs more than the
/// sending; across a network nobody does. And only who answers slower than the load asks would pay for it.
async fn never_rest() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn measure(plan: EdgePlan, cores: Cores) -> Result<Report> {
    let folder = tempfile::Builder::new()
        .prefix("stanchion-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .context("a temporary folder cannot be made")?;
    let certificate = Certificate::make(folder.path()).await?;
    let load = Load::new(&certificate.certificate)?;
    let shop = origin::start().await?;
    let servers =
        Servers::start(Ground { folder: folder.path(), cores, shop, certificate: &certificate }).await?;
    let mut variants = variants(&servers, shop, plan.connections).await?;
    variants.retain(|variant| plan.has(variant.group));
    ensure!(!variants.is_empty(), "no rows are called {:?}", plan.only);
    let mut rows: Vec<Row> = variants.iter().map(|variant| Row::new(variant.group, variant.who)).collect();
    for nth in 1..=plan.rounds {
        for (variant, row) in variants.iter().zip(&mut rows) {
            let context = || format!("round {nth}, {}, {}", variant.group, variant.who);
            row.rounds.push(turn(variant, &load, &plan).await.with_context(context)?);
        }
        eprintln!("round {nth} of {}", plan.rounds);
    }
    servers.stop().await;
    Ok(Report { plan, rows })
}

/// One turn of one row. Where the machine had no time at all for it, it is taken again.
async fn turn(variant: &Variant, load: &Load, plan: &EdgePlan) -> Result<Round> {
    let times = (WARM_UP, plan.length);
    for _ in 0..TRIES {
        let before = variant.process.map(worked).transpose()?;
        let seen = load.round(variant.server, variant.speech, &variant.asks, plan.connections, times).await?;
        let after = variant.process.map(worked).transpose()?;
        ensure!(
            seen.other == 0,
            "{} of {} answers were others than wanted",
            seen.other,
            seen.other + seen.good
        );
        if seen.good > 0 {
            // The work of the warm-up is in it, in the same proportion for everybody.
            let worked = before.zip(after).map(|(before, after)| after.saturating_sub(before));
            return Ok(Round::new(seen, plan.length, worked.map(|worked| worked.div_f64(share(plan)))));
        }
    }
    bail!("nobody was answered in {TRIES} turns")
}

/// How much longer the asking takes than what counts of it.
fn share(plan: &EdgePlan) -> f64 {
    (WARM_UP + plan.length).as_secs_f64() / plan.length.as_secs_f64()
}
