//! A fan: comes, waits in one of several ways, is let in, uses the shop, goes; and writes down what they see. All
//! that they carry is a sealed ticket and a token.

use std::sync::Arc;
use std::time::Duration;

use admission::invariants::{Line, Told, What};
use admission::store::Intent;
use admission::wait::Wait;
use proxy::room::{OpenTicket, Pass};
use proxy::waiting::status::{State, Status};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::dice::Dice;
use crate::edge::{Edge, Place};
use crate::world::World;

/// How often someone with a live connection hears of their place, at least.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How a fan waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// By a live connection.
    Live,
    /// By asking one edge now and then.
    Asks,
    /// By asking any edge now and then.
    Roams,
}

/// What a fan does instead of waiting patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whim {
    /// Is gone for so long, and comes back.
    Away(Duration),
    /// Never comes back.
    Vanish,
    /// Gives the place up.
    Leave,
}

enum Turned {
    Session(Pass),
    Expired,
    Whim,
    /// The edge is gone.
    Alone,
}

pub(crate) struct Fan {
    number: usize,
    world: Arc<World>,
    dice: Dice,
    manner: Manner,
    whims: Vec<(Instant, Whim)>,
    /// Whether they take a turn that has come.
    claims: bool,
    story: usize,
}

impl Fan {
    pub(crate) fn new(number: usize, world: Arc<World>, dice: Dice) -> Self {
        let plan = &world.plan;
        let manner = dice.one_of(&[Manner::Live, Manner::Live, Manner::Asks, Manner::Roams]);
        let manner = if plan.family.is_a_crowd() { Manner::Live } else { manner };
        let restless = dice.percent(plan.restless);
        let mut whims = Vec::new();
        if restless {
            for _ in 0..dice.between(1, 2) {
                let at = world.began + dice.time(Duration::from_secs(2), plan.length);
                let whim = match dice.between(0, 9) {
                    0..=3 => Whim::Away(dice.time(Duration::from_millis(1), Duration::from_secs(4))),
                    4..=6 => Whim::Away(dice.seconds(4, 40)),
                    7..=8 => Whim::Vanish,
                    _ => Whim::Leave,
                };
                whims.push((at, whim));
            }
            whims.sort_by_key(|(at, _)| *at);
            whims.reverse();
        }
        let claims = !restless || dice.percent(85);
        Self { number, world, dice, manner, whims, claims, story: usize::MAX }
    }

    pub(crate) async fn live(mut self) {
        sleep(self.dice.time(Duration::ZERO, self.world.plan.arrivals)).await;
        let intent = if self.dice.percent(50) { Intent::EnterOrWait } else { Intent::Wait };
        for ticket in 1..=3 {
            self.story = usize::MAX;
            let Some(pass) = self.come(intent, ticket).await else { return };
            if let Some((sealed, ticket, pass)) = pass {
                self.use_the_shop(ticket, pass, &sealed).await;
                return;
            }
            // The ticket was worth nothing: once more from the beginning.
        }
    }

    fn see(&self, edge: &Edge, what: What) {
        self.world.see(self.story, edge.name, what);
    }

    /// An edge that runs; waits for one.
    async fn any_edge(&self) -> Arc<Edge> {
        loop {
            let edges = self.world.edges();
            if !edges.is_empty() {
                return self.dice.one_of(&edges);
            }
            sleep(self.dice.time(Duration::from_millis(100), Duration::from_secs(1))).await;
        }
    }

    /// Gets a ticket and waits with it, or is let in. None when the fan is gone for good; inside, nothing when the
    /// ticket was worth nothing.
    async fn come(&mut self, intent: Intent, nth: u32) -> Option<Option<(String, Option<OpenTicket>, Pass)>> {
        let name = format!("fan {}, ticket {nth}", self.number);
        loop {
            let edge = self.any_edge().await;
            match edge.join(intent).await {
                Ok(Place::Session(pass)) => {
                    self.story = self.world.open(name, &pass.admission.lane, None);
                    self.see(&edge, What::Entered);
                    return Some(Some((String::new(), None, pass)));
                }
                Ok(Place::Ticket(sealed, ticket)) => {
                    let place = &ticket.place;
                    self.story = self.world.open(name, &place.lane, Some(place.rank));
                    self.see(&edge, ticket_of(&ticket));
                    return self.wait(sealed, ticket, edge).await;
                }
                Ok(Place::None) | Err(_) => {
                    sleep(self.dice.time(Duration::from_millis(300), Duration::from_secs(3))).await;
                }
            }
        }
    }

    async fn wait(
        &mut self,
        sealed: String,
        ticket: OpenTicket,
        mut edge: Arc<Edge>,
    ) -> Option<Option<(String, Option<OpenTicket>, Pass)>> {
        loop {
            let until = self.whims.last().map_or(Instant::now() + Duration::from_secs(3600), |(at, _)| *at);
            let turned = match self.manner {
                Manner::Live => self.hold(&sealed, &edge, until).await,
                Manner::Asks | Manner::Roams => self.ask(&sealed, &mut edge, until).await,
            };
            match turned {
                Turned::Session(pass) => return Some(Some((sealed, Some(ticket), pass))),
                Turned::Expired => return Some(None),
                Turned::Alone => {
                    sleep(self.dice.time(Duration::from_millis(50), Duration::from_secs(2))).await;
                }
                Turned::Whim => match self.whims.pop().map(|(_, whim)| whim) {
                    Some(Whim::Away(time)) => sleep(time).await,
                    Some(Whim::Leave) => {
                        let edge = self.any_edge().await;
                        if edge.leave(&ticket).await.is_ok() {
                            self.see(&edge, What::Left);
                            self.try_again(&sealed).await;
                        }
                        return None;
                    }
                    Some(Whim::Vanish) => return None,
                    None => {}
                },
            }
            if edge.is_dead() || self.dice.percent(70) {
                edge = self.any_edge().await;
            }
        }
    }

    /// Waits with a live connection.
    async fn hold(&mut self, sealed: &str, edge: &Arc<Edge>, until: Instant) -> Turned {
        self.see(edge, What::Came { live: true });
        // As in the handshake: the edge asks where the fan stands before it takes the connection.
        let ticket = match edge.present(sealed).await {
            Ok(Some((ticket, _))) => ticket,
            Ok(None) => {
                self.see(edge, told(Line::Expired));
                return Turned::Expired;
            }
            Err(_) => {
                self.see(edge, What::Went);
                return Turned::Alone;
            }
        };
        let bell = Arc::new(Notify::new());
        if !edge.room.attach(&ticket.place, &bell) {
            self.see(edge, What::Went);
            return Turned::Alone;
        }
        let turned = self.listen(&ticket, edge, &bell, until).await;
        if !edge.is_dead() {
            edge.room.detach(&ticket.place, &bell);
        }
        if !matches!(turned, Turned::Session(_) | Turned::Expired) {
            self.see(edge, What::Went);
        }
        turned
    }

    async fn listen(
        &mut self,
        ticket: &OpenTicket,
        edge: &Arc<Edge>,
        bell: &Notify,
        until: Instant,
    ) -> Turned {
        loop {
            let status = edge.status(ticket);
            self.hear(edge, &status);
            match status.state {
                State::Expired => return Turned::Expired,
                State::Admitted if self.claims => {
                    let after = self.dice.time(Duration::ZERO, Duration::from_millis(1500));
                    tokio::select! {
                        biased;
                        () = edge.died() => return Turned::Alone,
                        () = sleep(after) => {}
                    }
                    match edge.claim(ticket).await {
                        Ok(Some(pass)) => {
                            self.see(edge, What::Entered);
                            return Turned::Session(pass);
                        }
                        Ok(None) => {}
                        Err(_) if edge.is_dead() => return Turned::Alone,
                        Err(_) => sleep(Duration::from_millis(700)).await,
                    }
                }
                _ => {}
            }
            tokio::select! {
                biased;
                () = edge.died() => return Turned::Alone,
                () = sleep_until(until) => return Turned::Whim,
                _ = timeout(HEARTBEAT, bell.notified()) => {}
            }
        }
    }

    /// Waits by asking now and then.
    async fn ask(&mut self, sealed: &str, edge: &mut Arc<Edge>, until: Instant) -> Turned {
        self.see(edge, What::Came { live: false });
        loop {
            match edge.present(sealed).await {
                Ok(None) => {
                    self.see(edge, told(Line::Expired));
                    return Turned::Expired;
                }
                Ok(Some((ticket, status))) => {
                    self.see(edge, ticket_of(&ticket));
                    self.hear(edge, &status);
                    if status.state == State::Admitted
                        && self.claims
                        && let Ok(Some(pass)) = edge.claim(&ticket).await
                    {
                        self.see(edge, What::Entered);
                        return Turned::Session(pass);
                    }
                }
                Err(_) => {}
            }
            if edge.is_dead() {
                self.see(edge, What::Went);
                return Turned::Alone;
            }
            let pause = self.dice.time(Duration::from_millis(1500), Duration::from_millis(3500));
            if Instant::now() + pause >= until {
                sleep_until(until).await;
                self.see(edge, What::Went);
                return Turned::Whim;
            }
            sleep(pause).await;
            if self.manner == Manner::Roams || edge.is_dead() {
                *edge = self.any_edge().await;
            }
        }
    }

    fn hear(&self, edge: &Edge, status: &Status) {
        let line = match status.state {
            State::Waiting => Line::Waiting,
            State::Admitted => Line::Turn,
            State::Expired => Line::Expired,
            _ => Line::Standing,
        };
        let wait = status
            .eta_seconds
            .map(|eta| Wait { low: Duration::from_secs(eta.low), high: Duration::from_secs(eta.high) });
        // The room has no words of its own in these runs: whatever is said is a note that something is wrong.
        let sure = status.message.is_empty();
        self.see(edge, What::Told(Told { line, position: status.position, wait, sure }));
    }

    /// Uses the shop for a while, through any edge, and goes.
    async fn use_the_shop(&mut self, ticket: Option<OpenTicket>, pass: Pass, sealed: &str) {
        let mut token = pass.token;
        let stays = self.dice.seconds(3, 25);
        let done_at = Instant::now() + stays;
        let says_so = self.dice.percent(70);
        let mut edge = self.any_edge().await;
        loop {
            let Some((admission, renewed)) = edge.visit(&token) else {
                self.see(&edge, What::Used { accepted: false });
                return;
            };
            self.see(&edge, What::Used { accepted: true });
            if let Some(renewed) = renewed {
                token = renewed.token;
            }
            if Instant::now() >= done_at {
                if says_so {
                    edge.room.end(admission.ticket);
                    self.see(&edge, What::Finished);
                    break;
                }
                if let Some(ticket) = ticket.as_ref().filter(|_| self.dice.percent(50))
                    && edge.leave(ticket).await.is_ok()
                {
                    self.see(&edge, What::Left);
                    break;
                }
                return;
            }
            sleep(self.dice.time(Duration::from_millis(500), Duration::from_secs(3))).await;
            if edge.is_dead() || self.dice.percent(30) {
                edge = self.any_edge().await;
            }
        }
        sleep(self.dice.seconds(2, 6)).await;
        let edge = self.any_edge().await;
        let accepted = edge.visit(&token).is_some();
        self.see(&edge, What::Used { accepted });
        if !sealed.is_empty() {
            self.try_again(sealed).await;
        }
    }

    /// Presents a ticket that should be worth nothing any more.
    async fn try_again(&mut self, sealed: &str) {
        for _ in 0..3 {
            sleep(self.dice.seconds(2, 8)).await;
            let edge = self.any_edge().await;
            if let Ok(Some((ticket, status))) = edge.present(sealed).await
                && status.state == State::Admitted
                && let Ok(Some(_)) = edge.claim(&ticket).await
            {
                self.see(&edge, What::Entered);
                return;
            }
        }
    }
}

fn told(line: Line) -> What {
    What::Told(Told { line, position: None, wait: None, sure: true })
}

fn ticket_of(ticket: &OpenTicket) -> What {
    What::Ticket { lane: ticket.place.lane.clone(), rank: ticket.place.rank }
}
