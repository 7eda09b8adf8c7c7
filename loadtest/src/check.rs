//! A bounded run: a stack, a crowd, and a verdict on every promise.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::Url;
use tokio::time::Instant;

use crate::cheats;
use crate::checks::rate::Expected;
use crate::checks::{Effects, Evidence, LineTotals, Outcome, Setting, Strike, Verdict, judge_all};
use crate::client::Client;
use crate::crowd::Crowd;
use crate::fan::{Plan, Venue};
use crate::lateness::Lateness;
use crate::stack::{Blueprint, Payments, Room, Sale, Stack, Store};
use crate::story::{Ending, Story, Watch};
use crate::tally::Tally;

/// All fans have come after so long, whatever their number: much sooner than the drain lets them in.
const ARRIVALS: Duration = Duration::from_secs(3);
/// What fans may need beyond waiting: the shop, a recovery, a busy machine.
const SPARE: Duration = Duration::from_secs(90);
/// The sale: too small for everybody, so that the last fans meet a house that is nearly full.
const ROWS: u32 = 12;
const SEATS_PER_ROW: u32 = 25;
/// How long a fan may count as there after the last sign of them, in a room of which that is not known.
const PRESENCE_MAX_MS: u64 = 60_000;
/// How often to look whether it is time for the crash.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPlan {
    /// How many fans come.
    pub fans: u32,
    /// How many proxies there are.
    pub proxies: usize,
    /// Where the line lives.
    pub store: Store,
    /// How many fans the proxies are told to admit a minute.
    pub drain_per_minute: u64,
    /// How many the check expects, where that is something else.
    pub expect_drain_per_minute: Option<u64>,
    /// Kill the first proxy when a third of the fans are in, and start it again. No rate is judged then: a line
    /// that is rebuilt admits nobody for a while.
    pub crash: bool,
    /// What the fans' behaviour follows from.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What every fan saw.
    pub stories: Vec<Story>,
    /// One verdict per promise.
    pub verdicts: Vec<Verdict>,
    /// What was done to the stack meanwhile.
    pub faults: Vec<String>,
    /// How late this machine was at most: nothing that was seen is more exact.
    pub late_ms: u64,
}

impl Report {
    /// Whether all promises that the run was about were kept.
    pub fn is_good(&self) -> bool {
        self.verdicts.iter().all(|verdict| !verdict.outcome.is_bad())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<21} {}", "fans", endings(&self.stories))?;
        for fault in &self.faults {
            writeln!(f, "{:<21} {fault}", "fault")?;
        }
        for verdict in &self.verdicts {
            writeln!(f, "{verdict}")?;
        }
        writeln!(f, "{:<21} {} ms late at most", "machine", self.late_ms)?;
        let count =
            |is: fn(&Outcome) -> bool| self.verdicts.iter().filter(|verdict| is(&verdict.outcome)).count();
        match count(Outcome::is_bad) {
            0 => write!(f, "All {} promises that were judged were kept.", count(Outcome::is_kept)),
            1 => write!(f, "One promise was not kept."),
            more => write!(f, "{more} promises were not kept."),
        }
    }
}

/// Starts a stack, sends the crowd and the cheats, and judges.
pub async fn run(plan: &CheckPlan) -> Result<Report> {
    let room = Room::demo(plan.drain_per_minute);
    let expected = match plan.expect_drain_per_minute {
        Some(drain) => Room::demo(drain).expected(),
        None => room.expected(),
    };
    let setting = Setting::of(&room);
    let blueprint = Blueprint {
        store: plan.store,
        proxies: plan.proxies,
        rooms: vec![room, Room::brief()],
        ..Blueprint::default()
    };
    let mut stack = Stack::start(&blueprint).await?;
    stack.open_sale(&Sale::demo(ROWS, SEATS_PER_ROW)).await?;
    let attempts = cheats::attempts(stack.edges(), stack.shop_url()).await?;
    let before = totals(&mut stack, plan).await?;
    let (watch, lateness) = (Watch::start(), Lateness::start());
    let (crowd, tally) = send(stack.edges(), watch, "demo", "demo", plan.fans, plan.seed).await?;
    let mut strikes = Vec::new();
    if plan.crash {
        strikes.push(crash(&mut stack, watch, &tally, u64::from(plan.fans) / 3).await?);
    }
    let patience = Duration::from_secs(u64::from(plan.fans) * 60 / plan.drain_per_minute.max(1)) + SPARE;
    let stories = crowd.gather(patience).await;
    let late_ms = lateness.most_ms();
    let sales = stack.sales("demo").await?;
    let after = totals(&mut stack, plan).await?;
    let line = before.zip(after).map(|(before, after)| after.since(before));
    stack.stop().await;
    let faults = strikes.iter().map(|strike| strike.told.clone()).collect();
    let evidence = Evidence {
        stories,
        setting: Some(Setting { rates: vec![(0, expected)], ..setting }),
        strikes,
        attempts,
        sales: Some(sales),
        line,
        late_ms,
        ..Evidence::default()
    };
    let verdicts = judge_all(&evidence);
    Ok(Report { stories: evidence.stories, verdicts, faults, late_ms })
}

/// What the line counted so far, where that can be read and nothing makes it begin anew.
async fn totals(stack: &mut Stack, plan: &CheckPlan) -> Result<Option<LineTotals>> {
    if plan.store == Store::Memory || plan.crash {
        return Ok(None);
    }
    stack.redis()?.totals("demo").await.map(Some)
}

/// Sends a crowd to edges that run already, and judges what can be seen from there. The rate is judged where
/// it is known that nobody else stands in that line.
pub async fn visit(
    edges: Arc<[Url]>,
    (room, event): (&str, &str),
    (fans, seed): (u32, u64),
    expected: Option<Expected>,
    patience: Duration,
) -> Result<Report> {
    // A clear word where the edge cannot be reached or has no such room.
    Client::new(Arc::clone(&edges), 0)?.facts(room).await?;
    let lateness = Lateness::start();
    let (crowd, _) = send(edges, Watch::start(), room, event, fans, seed).await?;
    let stories = crowd.gather(patience).await;
    let late_ms = lateness.most_ms();
    // Nothing but the rate is known of the room, and that only sometimes.
    let setting = expected.map(|expected| Setting {
        rates: vec![(0, expected)],
        max_active: u64::MAX,
        opened_ms: None,
        presence_window_ms: PRESENCE_MAX_MS,
        recovery_grace_ms: 0,
    });
    let evidence = Evidence { stories, setting, late_ms, ..Evidence::default() };
    let verdicts = judge_all(&evidence);
    Ok(Report { stories: evidence.stories, verdicts, faults: Vec::new(), late_ms })
}

/// Sends the fans at even intervals.
async fn send(
    edges: Arc<[Url]>,
    watch: Watch,
    room: &str,
    event: &str,
    fans: u32,
    seed: u64,
) -> Result<(Crowd, Arc<Tally>)> {
    let tally = Arc::new(Tally::default());
    let venue = Venue {
        payments: Payments::Sandbox,
        edges,
        room: room.to_owned(),
        event: event.to_owned(),
        watch,
        tally: Arc::clone(&tally),
    };
    let mut crowd = Crowd::new(venue, seed);
    for _ in 0..fans {
        crowd.send(Plan::restless)?;
        tokio::time::sleep(ARRIVALS / fans.max(1)).await;
    }
    Ok((crowd, tally))
}

/// Kills the first proxy once so many fans are in, and starts it again.
async fn crash(stack: &mut Stack, watch: Watch, tally: &Tally, after: u64) -> Result<Strike> {
    let deadline = Instant::now() + SPARE;
    while tally.admitted.get() < after {
        if Instant::now() > deadline {
            bail!("only {} of {after} fans were in when it was time for the crash", tally.admitted.get());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (admitted, from_ms) = (tally.admitted.get(), watch.ms());
    stack.kill_proxy(0)?;
    stack.mend().await?;
    let to_ms = watch.ms();
    let back = (to_ms - from_ms) as f64 / 1000.0;
    let told = format!("proxy-1 was killed when {admitted} fans were in, and was back {back:.1} s later");
    // Where it had the line in its memory, the line has to be put back.
    let (edges_killed, line_lost) = (vec![0], true);
    let effects = Effects { edges_down: edges_killed.clone(), edges_killed, line_lost, ..Effects::default() };
    Ok(Strike { name: "proxy-killed".to_owned(), told, from_ms, to_ms, effects })
}

fn endings(stories: &[Story]) -> String {
    let count = |is: fn(&Ending) -> bool| stories.iter().filter(|story| is(&story.ending)).count();
    let mut parts = vec![format!("{} came", stories.len())];
    for (fans, what) in [
        (count(|ending| *ending == Ending::Bought), "bought"),
        (count(|ending| *ending == Ending::LeftEarly), "looked and left"),
        (count(|ending| *ending == Ending::NoSeats), "found no seat"),
        (count(|ending| *ending == Ending::LeftLine), "left the line"),
        (count(|ending| matches!(ending, Ending::ShutOut(_))), "were shut out"),
        (count(|ending| matches!(ending, Ending::Stopped | Ending::None)), "were still there at the end"),
    ] {
        if fans > 0 {
            parts.push(format!("{fans} {what}"));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Promise;

    #[test]
    fn a_report_names_what_was_not_kept() {
        let story = |ending| Story { ending, ..Story::default() };
        let mut report = Report {
            stories: vec![story(Ending::Bought), story(Ending::Bought), story(Ending::Stopped)],
            verdicts: vec![Verdict::new(Promise::Order, Outcome::Kept("yes".to_owned()))],
            faults: vec!["a proxy was killed".to_owned()],
            late_ms: 12,
        };
        let text = report.to_string();
        assert!(
            text.contains("3 came, 2 bought, 1 were still there") && text.contains("a proxy was killed"),
            "{text}"
        );
        assert!(text.ends_with("were kept."), "{text}");
        assert!(report.is_good());
        report.verdicts.push(Verdict::new(Promise::FairDraw, Outcome::NotAsked("no draw".to_owned())));
        assert!(report.is_good());
        report.verdicts.push(Verdict::new(Promise::Rate, Outcome::Unjudged("too few".to_owned())));
        assert!(!report.is_good() && report.to_string().ends_with("One promise was not kept."));
    }
}
