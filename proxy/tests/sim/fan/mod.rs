//! A fan: comes, waits in one of several ways, is let in, uses the shop, goes; and writes down what they see. All
//! that they carry is a sealed ticket and a token.

mod arriving;
mod inside;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use admission::invariants::What;
use admission::store::Intent;
use proxy::room::{OpenTicket, Pass};
use tokio::time::{Instant, sleep};

use crate::dice::Dice;
use crate::edge::Edge;
use crate::mutants::Mutation;
use crate::world::World;

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

/// Someone who is let in, and what they carry.
struct Guest {
    /// The sealed ticket; empty where they had none.
    sealed: String,
    ticket: Option<OpenTicket>,
    pass: Pass,
}

/// What came of a place in the line.
enum End {
    LetIn(Box<Guest>),
    /// The ticket was worth nothing.
    Worthless,
    /// The fan is gone for good.
    Gone,
}

pub(crate) struct Fan {
    number: usize,
    world: Arc<World>,
    dice: Dice,
    manner: Manner,
    whims: Vec<(Instant, Whim)>,
    /// Whether they take a turn that has come.
    claims: bool,
    /// What opens a lane to them, sealed.
    invitation: Option<String>,
    /// The place they were shown last, with this ticket: browsers carry it in a cookie.
    shown: Option<u64>,
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
        let lot = dice.fork(1);
        let claims = (!restless || dice.percent(85)) && !lot.percent(plan.unclaimed);
        let invitation = lot.percent(plan.members).then(|| world.invite(&lot));
        Self { number, world, dice, manner, whims, claims, invitation, shown: None, story: usize::MAX }
    }

    pub(crate) async fn live(mut self) {
        sleep(self.dice.time(Duration::ZERO, self.world.plan.arrivals)).await;
        let intent = if self.dice.percent(50) { Intent::EnterOrWait } else { Intent::Wait };
        for ticket in 1..=3 {
            (self.story, self.shown) = (usize::MAX, None);
            match self.come(intent, ticket).await {
                End::LetIn(guest) => return self.use_the_shop(*guest).await,
                End::Gone => return,
                // Once more from the beginning. An invitation for one leads to the place that is over.
                End::Worthless => self.invitation = None,
            }
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

    /// What the fan tells that they were shown.
    fn carries(&self) -> Option<u64> {
        self.shown.filter(|_| self.world.mutation != Some(Mutation::ForgetsWhatWasShown))
    }
}
