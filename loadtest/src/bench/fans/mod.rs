//! What waiting fans cost: memory and work for each WebSocket while the line moves all the time, and how soon they hear of
//! their turn.
//!
//! All edges of a row share one core and one line, in a Redis that is with the fans on another core. The fans are processes
//! of this program ([`hold`]), for one may not hold enough descriptors for all of them; for the same reason there are
//! several edges. When a turn is given is seen from outside: in Redis, where the cursor passes the fan's rank.

pub mod bare;
pub mod hold;
mod holder;
mod stage;
mod watch;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;

use super::cores::on_the_core_of_the_load;
use crate::stack::free_port;
use holder::Holder;
use stage::Stage;

/// How many fans one edge holds at most, and one process of fans: below what systems allow a process by default.
const FANS_PER_EDGE: usize = 16_700;
/// What happens once and is not measured: buffers are given back, the last who came are told where they stand.
const SETTLE: Duration = Duration::from_secs(3);

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
    /// How long the kernel alone works for such a message; not measured for TLS.
    bare: Option<Duration>,
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
            let mut row = stage.measure(plan.length).await?;
            stage.stop().await;
            if !is_tls {
                row.bare = Some(bare::measure(cores, &row, plan.length).await?);
            }
            report.rows.push(row);
        }
        Ok(report)
    })
    .await
}

impl Row {
    /// How long the edges worked for a message, with everything else that they did.
    fn each(&self) -> Duration {
        Duration::try_from_secs_f64(self.cores / self.messages_a_second).unwrap_or_default()
    }
}

/// How `fans` are shared out among so many.
fn shares(fans: usize, among: usize) -> impl Iterator<Item = usize> {
    let among = among.max(1);
    (0..among).map(move |nth| fans / among + usize::from(nth < fans % among))
}

/// A place to listen.
fn here() -> Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

/// How many messages all of these fans got so far.
async fn messages_of(holders: &mut [Holder]) -> Result<u64> {
    let mut sum = 0;
    for holder in holders {
        sum += holder.messages().await?;
    }
    Ok(sum)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| fans | edges | KiB each | cores | of Redis | messages a second | µs each | bare send, µs | by that | turns told | \
             p50 ms | p99 ms | last ms |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let Row { fans, edges, cores, redis_cores, messages_a_second, told, .. } = row;
            let micros = |time: Duration| time.as_secs_f64() * 1e6;
            let each = micros(row.each());
            let bare = row.bare.map(micros).filter(|bare| *bare > 0.0);
            let [bare, by_bare] = [bare, bare.map(|bare| each / bare)]
                .map(|figure| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.2}")));
            let [p50, p99, last] = row.told_after.map(|time| time.as_secs_f64() * 1000.0);
            writeln!(
                f,
                "| {fans}{} | {edges} | {:.1} | {cores:.3} | {redis_cores:.3} | {messages_a_second:.0} | {each:.1} | {bare} | \
                 {by_bare} | {told} | {p50:.0} | {p99:.0} | {last:.0} |",
                if row.is_tls { ", TLS" } else { "" },
                row.bytes_each / 1024.0,
            )?;
        }
        Ok(())
    }
}
