//! The whole system on this machine, with a crowd that never ends: for a person to stand in line with.

mod panel;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Url;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::panel::{Panel, View};
use crate::client::Client;
use crate::crowd::Crowd;
use crate::fan::{Plan, Venue};
use crate::random;
use crate::stack::{Blueprint, Payments, Room, Sale, Stack, Store, free_port, is_free};
use crate::story::Watch;
use crate::tally::Tally;

/// A house large enough that the crowd, which leaves a share of the seats alone, never fills it, and small
/// enough that a person finds a seat on the map.
const ROWS: u32 = 120;
const SEATS_PER_ROW: u32 = 20;
/// How often fans come, at most so many at a time; the first fill the line within a few seconds.
const ARRIVALS_EVERY: Duration = Duration::from_millis(250);
const ARRIVALS_MAX: usize = 10;
/// How often the figures are read, and how often they are printed where nobody can watch them change.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PRINT_EVERY: Duration = Duration::from_secs(5);
/// Shop and proxy may be down for a moment: figures are waited for no longer than this.
const FIGURES_MAX: Duration = Duration::from_secs(2);

/// What the demo is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// The port of the edge.
    pub port: u16,
    /// How many simulated fans stand in line.
    pub fans: usize,
    /// How many fans are admitted a minute.
    pub drain_per_minute: u64,
}

/// Runs until `interrupted` is done, and stops everything.
pub async fn run(plan: DemoPlan, interrupted: impl Future<Output = ()>) -> Result<()> {
    tokio::pin!(interrupted);
    let mut out = Panel::new(io::stdout().is_terminal());
    let port = if is_free(plan.port) {
        plan.port
    } else {
        let other = free_port()?;
        out.say(&format!("Port {} is taken; using {other}. (DEMO_PORT chooses another.)", plan.port))?;
        other
    };
    out.say("Starting edge and shop…")?;
    let started = tokio::select! {
        stack = start(port, plan.drain_per_minute) => stack?,
        () = &mut interrupted => return Ok(()),
    };
    let mut demo = Demo::new(started, plan, out)?;
    let ended = tokio::select! {
        ended = demo.go_on() => ended,
        () = &mut interrupted => Ok(()),
    };
    // A terminal that is gone is no reason to leave processes behind.
    let _nobody_reads = demo.out.say("Stopping…");
    demo.crowd.disperse().await;
    demo.stack.stop().await;
    let _nobody_reads = demo.out.say("Stopped.");
    ended
}

async fn start(port: u16, drain_per_minute: u64) -> Result<Stack> {
    let blueprint = Blueprint {
        store: Store::Memory,
        proxies: 1,
        rooms: vec![Room::demo(drain_per_minute)],
        edge_port: Some(port),
        hold_seconds: 180,
        ..Blueprint::default()
    };
    let stack = Stack::start(&blueprint).await?;
    stack.open_sale(&Sale::demo(ROWS, SEATS_PER_ROW)).await?;
    Ok(stack)
}

struct Demo {
    stack: Stack,
    plan: DemoPlan,
    crowd: Crowd,
    tally: Arc<Tally>,
    watch: Watch,
    visitor: Client,
    out: Panel,
    view: View,
}

impl Demo {
    fn new(stack: Stack, plan: DemoPlan, out: Panel) -> Result<Self> {
        let (tally, watch) = (Arc::new(Tally::default()), Watch::start());
        let venue = Venue {
            payments: Payments::Sandbox,
            edges: stack.edges(),
            room: "demo".to_owned(),
            event: "demo".to_owned(),
            watch,
            tally: Arc::clone(&tally),
        };
        let crowd = Crowd::new(venue, random::seed()?);
        let visitor = Client::new(stack.edges(), 0)?;
        Ok(Self { stack, plan, crowd, tally, watch, visitor, out, view: View::default() })
    }

    async fn go_on(&mut self) -> Result<()> {
        self.explain()?;
        let mut arrivals = interval(ARRIVALS_EVERY);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        arrivals.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut printed = None;
        loop {
            tokio::select! {
                _ = arrivals.tick() => self.let_fans_come()?,
                _ = looks.tick() => {
                    self.mend().await?;
                    self.look().await;
                    if self.out.is_live() || printed.is_none_or(|at: Instant| at.elapsed() >= PRINT_EVERY) {
                        printed = Some(Instant::now());
                        self.out.show(&self.view)?;
                    }
                }
            }
        }
    }

    fn explain(&mut self) -> Result<()> {
        let edges = self.stack.edges();
        let edge = edges.first().context("there is no edge")?;
        let wait = self.plan.fans as u64 * 60 / self.plan.drain_per_minute.max(1);
        let ids = self.stack.ids();
        let (proxy, shop) =
            (ids.first().copied().unwrap_or_default(), ids.get(1).copied().unwrap_or_default());
        let operator = self.stack.write_operator_file()?;
        let admin = self.stack.admins().first().map_or("", Url::as_str);
        self.out.say(&format!(
            "\n  Open      {edge}\n\
             \x20           choose \"The Long Evening\", stand in line (about {wait} s), choose seats, pay, and find\n\
             \x20           the ticket under \"My tickets\"\n\
             \x20 Try       reload the page, close the tab and come back: the place stays yours\n\
             \x20           kill -9 {proxy}   (the edge)    or    kill -9 {shop}   (the shop): both come back\n\
             \x20 Look at   {edge}.waiting-room/demo   and the logs in {}\n\
             \x20 Operate   {admin} (as docs/runbooks/on-sale-day.md says, after `. {}`)\n\
             \x20 Stop      Ctrl-C\n",
            self.stack.folder().display(),
            operator.display()
        ))
    }

    /// Keeps as many in line as the plan says, whatever the drain takes away.
    fn let_fans_come(&mut self) -> Result<()> {
        self.crowd.forget_gone();
        let shopping = usize::try_from(self.tally.shopping.get()).unwrap_or(usize::MAX);
        let in_line = self.crowd.here().saturating_sub(shopping);
        for _ in 0..self.plan.fans.saturating_sub(in_line).min(ARRIVALS_MAX) {
            self.crowd.send(Plan::neighbour)?;
        }
        Ok(())
    }

    async fn mend(&mut self) -> Result<()> {
        for (name, id) in self.stack.mend().await? {
            self.out
                .say(&format!("{name} died and was started again, as process {id}; everybody goes on."))?;
        }
        Ok(())
    }

    /// Reads the figures; where nobody answers, the last ones stay.
    async fn look(&mut self) {
        let figures = async { tokio::join!(self.visitor.facts("demo"), self.stack.sales("demo")) };
        if let Ok((facts, sales)) = tokio::time::timeout(FIGURES_MAX, figures).await {
            if let Ok(facts) = facts {
                self.view.waiting = facts.waiting;
                self.view.active = facts.active;
                self.view.drain_per_minute = facts.drain_per_minute;
            }
            if let Ok(sales) = sales {
                self.view.sold = sales.sold;
                self.view.seats = sales.seats_total;
            }
        }
        let now = self.watch.ms();
        self.view.seconds = now / 1000;
        self.view.measured_per_minute = self.tally.admitted_per_minute(now);
        self.view.admitted = self.tally.admitted.get();
        self.view.rises = self.tally.rises.get();
        self.view.places_lost = self.tally.places_lost.get();
        self.view.shut_out = self.tally.shut_out.get();
    }
}
