//! One fan: a state machine that sees only what a browser sees.
//!
//! ```text
//!   arriving ──202──▶ waiting ──turn──▶ turn come ──cookie──▶ looking ──▶ choosing ──▶ paying ──▶ gone
//!      │ ▲ │             │                                       ▲           │  ▲ 409    │
//!      │ └── came back ──┤ went away                             │           └──┴────────┘ hold expired
//!      └──────200────────│───────────────────────────────────────┘
//!                        └── lost patience ──▶ gone
//! ```

mod cheat;
mod line;
mod plan;
mod shop;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Url;
use tokio::sync::watch;

pub use plan::{Absence, Pace, Plan};

use crate::client::{Answer, Client};
use crate::meter::Step;
use crate::random::Dice;
use crate::run::scenario::Errand;
use crate::stack::Payments;
use crate::story::{Asked, Drawn, Ending, SeenPlace, Story, Watch};
use crate::tally::{Papers, Tally};
use crate::ticket::{self, Told};

/// How long a fan goes on trying to reach a site that does not answer.
const TRIES_MAX: u32 = 80;
/// The shortest and the longest pause between two tries; each is chosen at random, so that a crowd whose edge
/// died does not come back in step.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// Longest time that an answer may tell the fan to stay away.
const TOLD_MAX: Duration = Duration::from_secs(60);

/// Where the fans go, and what is counted of them.
#[derive(Clone, Debug)]
pub struct Venue {
    /// The edges, as base addresses.
    pub edges: Arc<[Url]>,
    /// The room's id.
    pub room: String,
    /// The event's id.
    pub event: String,
    /// Who takes the money, which says what cards there are.
    pub payments: Payments,
    /// The run's clock.
    pub watch: Watch,
    /// The crowd's counts.
    pub tally: Arc<Tally>,
}

/// One fan.
#[derive(Debug)]
pub struct Fan {
    venue: Venue,
    plan: Plan,
    client: Client,
    dice: Dice,
    story: Story,
    connection: u32,
    /// Ticket and token, as they were when the fan was let in.
    papers: Option<(String, String)>,
    /// When the next thing was meant to be asked, whatever held it up.
    due: Instant,
    /// How long the last answer told the fan to stay away.
    told: Option<Duration>,
}

/// Where a fan stands; each state's method leads to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Opens the event's page.
    Arriving,
    /// In line.
    Waiting,
    /// Was told that the turn has come, and has to fetch the cookie.
    TurnCome,
    /// In the shop, and looks at the seats.
    Looking,
    /// Chooses seats, having met taken ones so many times.
    Choosing { misses: u32 },
    /// Tries to get in without a turn, before it waits for one.
    Cheating,
    /// Holds seats, and gives them back.
    GivingBack { reservation: String },
    /// Holds seats, and pays.
    Paying { reservation: String, misses: u32 },
    /// Gives the place or the session back.
    Leaving(Ending),
    /// Gone.
    Gone(Ending),
}

impl State {
    const fn is_in_the_shop(&self) -> bool {
        matches!(self, Self::Looking | Self::Choosing { .. } | Self::GivingBack { .. } | Self::Paying { .. })
    }
}

impl Fan {
    /// Fan `number`, who begins at the edge that the number chooses.
    pub fn new(venue: Venue, number: u32, plan: Plan, seed: u64) -> Result<Self> {
        let client = Client::new(Arc::clone(&venue.edges), number as usize)?;
        let story = Story { fan: number, ..Story::default() };
        let dice = Dice::nth(seed, number);
        Ok(Self {
            venue,
            plan,
            client,
            dice,
            story,
            connection: 0,
            papers: None,
            due: Instant::now(),
            told: None,
        })
    }

    /// The same fan, from an address of their own, who was meant to come at `due`.
    #[must_use]
    pub fn coming(self, from: Ipv4Addr, due: Instant) -> Self {
        Self { client: self.client.from_address(from), due, ..self }
    }

    /// Lives until the fan is gone, or `stop` says so, and tells what they saw.
    pub async fn live(mut self, mut stop: watch::Receiver<bool>) -> Story {
        let ending = tokio::select! {
            ending = self.go_on() => ending,
            _ = stop.wait_for(|stop| *stop) => Ending::Stopped,
        };
        if matches!(ending, Ending::ShutOut(_) | Ending::LeftLine) {
            self.venue.tally.left.add(1);
        }
        if matches!(ending, Ending::ShutOut(_)) {
            self.venue.tally.shut_out.add(1);
        }
        self.story.ending = ending;
        self.story
    }

    async fn go_on(&mut self) -> Ending {
        let tally = Arc::clone(&self.venue.tally);
        tally.arrived.add(1);
        let mut state = State::Arriving;
        loop {
            let _in_line = matches!(state, State::Waiting | State::TurnCome).then(|| tally.waiting.enter());
            let _in_shop = state.is_in_the_shop().then(|| tally.shopping.enter());
            state = match state {
                State::Arriving => self.arrive().await,
                State::Waiting => self.wait().await,
                State::TurnCome => self.fetch_cookie().await,
                State::Looking => self.look().await,
                State::Choosing { misses } => self.choose(misses).await,
                State::Cheating => self.cheat().await,
                State::GivingBack { reservation } => self.give_back(&reservation).await,
                State::Paying { reservation, misses } => self.pay(&reservation, misses).await,
                State::Leaving(ending) => self.leave(ending).await,
                State::Gone(ending) => return ending,
            };
        }
    }

    async fn arrive(&mut self) -> State {
        let path = format!("/events/{}", self.venue.event);
        let mut last = String::new();
        // Who comes first was meant to come at their time; who was away, when they are back.
        let due = if self.story.asked_ms.is_none() { self.due } else { Instant::now() };
        self.story.asked_ms.get_or_insert(self.venue.watch.ms());
        for attempt in 0..TRIES_MAX {
            let answer = self.client.open_page(&path).await;
            self.count(Step::Join, due, &answer);
            match answer {
                Ok(answer) if answer.status == 202 => {
                    return if self.note_place() {
                        self.story.answered_ms.get_or_insert(self.venue.watch.ms());
                        self.connection += 1;
                        if let Some(position) = answer.position {
                            self.note_shown(position, None);
                        }
                        match self.plan.errand {
                            Errand::Cheat | Errand::Share => State::Cheating,
                            _ => State::Waiting,
                        }
                    } else {
                        State::Gone(Ending::ShutOut("the waiting page came without a ticket".to_owned()))
                    };
                }
                Ok(answer) if answer.status == 200 => {
                    self.note_place();
                    self.note_told(false);
                    self.note_admitted();
                    return State::Looking;
                }
                Ok(answer) => last = answer.summary(),
                Err(error) => {
                    // It may have happened all the same.
                    self.story.joins_unanswered += u32::from(self.client.ticket(&self.venue.room).is_none());
                    last = format!("{error:#}");
                }
            }
            self.pause(attempt).await;
            self.client.move_on();
        }
        State::Gone(Ending::ShutOut(format!("{path}: {last}")))
    }

    async fn leave(&mut self, ending: Ending) -> State {
        let path = format!("/.waiting-room/{}/ticket", self.venue.room);
        self.begin_to_leave();
        // A fan who closes the tab tells nobody either: trying once is enough.
        let answer = self.client.call(reqwest::Method::DELETE, &path, None).await;
        if answer.is_ok_and(|answer| answer.status == 204) {
            self.leave_papers();
        }
        State::Gone(ending)
    }

    /// From here on the fan does not count as inside.
    fn begin_to_leave(&mut self) {
        if self.story.admitted_ms.is_some() {
            self.story.over_ms = Some(self.venue.watch.ms());
        }
    }

    /// The session is over: what the fan still holds is worth nothing.
    fn leave_papers(&mut self) {
        if let Some((ticket, token)) = self.papers.take() {
            let over_ms = self.venue.watch.ms();
            self.venue.tally.old_papers.keep(Papers { fan: self.story.fan, over_ms, ticket, token });
        }
    }

    /// Reads the ticket that the fan holds now; false when there is none. One that tells no rank is a place all the
    /// same.
    fn note_place(&mut self) -> bool {
        let Some(sealed) = self.client.ticket(&self.venue.room) else { return false };
        let place = match ticket::read(&sealed) {
            Some(Told::Ranked(place)) => place,
            Some(Told::Drawn { lane, id, prequeue_at }) => {
                let drawn = Drawn { at_ms: self.venue.watch.ms(), lane, id, prequeue_at };
                self.note_drawn(drawn);
                return true;
            }
            None => return true,
        };
        if self.story.place().is_some_and(|first| *first != place) {
            self.venue.tally.places_lost.add(1);
        }
        self.story.places.push(SeenPlace { at_ms: self.venue.watch.ms(), place });
        true
    }

    fn note_drawn(&mut self, drawn: Drawn) {
        let Some(first) = &self.story.drawn else {
            self.story.drawn = Some(drawn);
            return;
        };
        let is_known = |known: &Drawn| known.id == drawn.id && known.lane == drawn.lane;
        if !is_known(first) && !self.story.redrawn.iter().any(is_known) {
            self.venue.tally.places_lost.add(1);
            self.story.redrawn.push(drawn);
        }
    }

    fn note_told(&mut self, live: bool) {
        if self.story.told_ms.is_none() {
            let now = self.venue.watch.ms();
            self.story.told_ms = Some(now);
            self.story.told_live = live;
            self.venue.tally.note_admitted(now);
        }
    }

    fn note_admitted(&mut self) {
        self.story.admitted_ms.get_or_insert(self.venue.watch.ms());
        let room = &self.venue.room;
        self.papers = self.client.ticket(room).zip(self.client.admission(room));
    }

    /// Notes a request that was sent at `from_ms` with the admission, and what came of it.
    fn note_asked(&mut self, page: bool, from_ms: u64, answer: &Result<Answer>) {
        let (to_ms, edge) = (self.venue.watch.ms(), self.client.edge());
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let code = answer.as_ref().ok().and_then(|answer| answer.text("code")).map(ToOwned::to_owned);
        self.story.inside.push(Asked { from_ms, to_ms, edge, status, code, page });
    }

    /// Counts an answer to what was meant to be asked at `due`, or that there was none.
    fn count(&mut self, step: Step, due: Instant, answer: &Result<Answer>) {
        let refusal = answer.as_ref().ok().filter(|answer| matches!(answer.status, 429 | 503));
        self.told = refusal.and_then(|answer| answer.retry_after).map(|told| told.min(TOLD_MAX));
        let meter = &self.venue.tally.meter;
        match answer {
            Ok(answer) if answer.status < 500 => meter.answered(step, due),
            Ok(answer) => meter.wrong(step, &answer.summary()),
            Err(error) => meter.wrong(step, &error.root_cause().to_string()),
        }
    }

    /// Waits a moment before the next try; longer, the more have failed. Who was told when to come again does not come before
    /// that: the page that says so loads itself again then, and no sooner.
    async fn pause(&mut self, attempt: u32) {
        let most = PAUSE_MIN.saturating_mul(1 << attempt.min(5)).min(PAUSE_MAX);
        let pause = self.dice.between(PAUSE_MIN / 2, most);
        tokio::time::sleep(self.told.take().unwrap_or_default() + pause).await;
    }

    /// Takes the time that a person takes.
    async fn think(&mut self) {
        let pause = self.dice.between(self.plan.pace.low, self.plan.pace.high);
        self.due = Instant::now() + pause;
        tokio::time::sleep_until(self.due.into()).await;
    }
}
