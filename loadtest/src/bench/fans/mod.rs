//! What waiting fans cost: memory and work for each WebSocket while the line moves all the time, and how soon they hear of
//! their turn.
//!
//! All edges of a row share one core and one line, in a Redis that is with the fans on another core. The fans are processes
//! of this program ([`hold`]), for one may not hold enough descriptors for all of them; for the same reason there are
//! several edges. When a turn is given is seen from outside: in Redis, where the cursor passes the fan's rank.

pub mod hold;
mod holder;
mod stage;
mod watch;

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use super::cores::on_the_core_of_the_load;
use stage::Stage;

/// How many fans one edge holds at most, and one process of fans: below what systems allow a process by default.
const FANS_PER_EDGE: usize = 16_700;

/// How fans are measured.
#[derive(Clone, Debug)]
pub struct FansPlan {
    /// How many, for each row.
    pub plain: Vec<usize>,
    /// The same over TLS.
    pub tls: Vec<usize>,
    /// How long each row is measured, once all are there.
    pub length: Duration,
}

/// What one row came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Row {
    fans: usize,
    is_tls: bool,
    edges: usize,
    /// Resident memory of all edges, beyond what they took before anybody came, for each fan.
    bytes_each: f64,
    /// Cores that the edges kept busy.
    cores: f64,
    redis_cores: f64,
    messages_a_second: f64,
    /// Fans who heard of their turn, and how long after it was given: of half of them, of 99 of 100, of all.
    told: usize,
    told_after: [Duration; 3],
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

/// Measures, until it is done or `interrupted`: nothing then.
///
/// # Errors
/// When something cannot be started, or fans are not let into the line.
pub async fn run(plan: FansPlan, interrupted: impl Future<Output = ()>) -> Result<Option<Report>> {
    on_the_core_of_the_load(interrupted, move |cores| async move {
        let rows =
            plan.plain.iter().map(|fans| (*fans, false)).chain(plan.tls.iter().map(|fans| (*fans, true)));
        let mut report = Report::default();
        for (fans, is_tls) in rows.collect::<Vec<_>>() {
            eprintln!("{fans} fans{}", if is_tls { ", TLS" } else { "" });
            let mut stage = Stage::start(cores, fans, is_tls).await?;
            report.rows.push(stage.measure(plan.length).await?);
            stage.stop().await;
        }
        Ok(report)
    })
    .await
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| fans | edges | KiB each | cores | of Redis | messages a second | turns told | p50 ms | p99 ms | last ms |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let Row {
                fans,
                is_tls,
                edges,
                bytes_each,
                cores,
                redis_cores,
                messages_a_second,
                told,
                told_after,
            } = row;
            let [p50, p99, last] = told_after.map(|time| time.as_secs_f64() * 1000.0);
            writeln!(
                f,
                "| {fans}{} | {edges} | {:.1} | {cores:.3} | {redis_cores:.3} | {messages_a_second:.0} | {told} | {p50:.0} | \
                 {p99:.0} | {last:.0} |",
                if *is_tls { ", TLS" } else { "" },
                bytes_each / 1024.0,
            )?;
        }
        Ok(())
    }
}
