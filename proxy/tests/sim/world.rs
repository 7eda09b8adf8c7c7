//! A run: edges, fans, an operator and what goes wrong, in virtual time; and what came of it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use admission::clock::{Clock as _, Timestamp};
use admission::invariants::{
    Coverage, Seen, Setting, Span, Story, Violation, What, coverage, draw as draw_is_fair, judge,
};
use admission::invitation::Invitation;
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use admission::ticket::{TICKET_ID_BYTES, TicketId};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use proxy::config::RoomConfig;
use proxy::config::pages::PagesConfig;
use proxy::config::rooms::OnStoreFailure;
use tokio::time::{Instant, sleep};

use crate::dice::{BEGIN, Dice, SimClock};
use crate::edge::Edge;
use crate::fan::Fan;
use crate::house::{House, Wire};
use crate::mutants::Mutation;
use crate::plan::{Family, Plan, member};

/// How long the edges have for their first look at the line before the first fan comes.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);

/// Everything of a run.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) began: Instant,
    pub(crate) house: Arc<House>,
    keys: Arc<Keyring>,
    dice: Dice,
    pub(crate) slots: Vec<Slot>,
    names: AtomicU32,
    pub(crate) mutation: Option<Mutation>,
    stories: Mutex<Vec<Story>>,
    /// For the story of each ticket: its id, and when it counts as got.
    pub(crate) got: Mutex<Vec<(usize, TicketId, Timestamp)>>,
}

/// Where an edge runs.
pub(crate) struct Slot {
    pub(crate) wire: Arc<Wire>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) edge: Mutex<Option<Arc<Edge>>>,
}

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) plan: Plan,
    pub(crate) stories: Vec<Story>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) coverage: Coverage,
    pub(crate) setting: Setting,
}

impl Outcome {
    /// A number that is the same only when everybody saw the same at the same time.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for story in &self.stories {
            story.to_string().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The stories that a violation names.
    pub(crate) fn stories_of(&self, violation: &Violation) -> String {
        let told = self.stories.iter().filter(|story| violation.fans.contains(&story.name));
        told.map(ToString::to_string).collect()
    }
}

/// Runs the plan that follows from `seed`.
pub(crate) fn run(family: Family, seed: u64, mutation: Option<Mutation>) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let outcome = runtime.block_on(async {
        let plan = Plan::of(family, seed);
        let world = Arc::new(World::new(plan, Dice::new(seed ^ 0xA5A5), mutation));
        world.live().await
    });
    drop(runtime);
    outcome
}

impl World {
    fn new(plan: Plan, dice: Dice, mutation: Option<Mutation>) -> Self {
        let began = Instant::now();
        let house = Arc::new(House::new(began, mutation));
        let slots = plan.skews_ms.iter().enumerate().map(|(slot, skew)| {
            let clock = Arc::new(SimClock::new(began, *skew));
            let dice = dice.fork(1000 + slot as u64);
            let wire = Arc::new(Wire::new(house.clone(), slot, clock.clone(), dice, plan.latency));
            Slot { wire, clock, edge: Mutex::new(None) }
        });
        let slots = slots.collect();
        let keys = Arc::new(Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap());
        let names = AtomicU32::new(1);
        let (stories, got) = (Mutex::default(), Mutex::default());
        Self { plan, began, house, keys, dice, slots, names, mutation, stories, got }
    }

    async fn live(self: Arc<Self>) -> Outcome {
        for slot in 0..self.slots.len() {
            self.start(slot);
            sleep(self.dice.time(Duration::ZERO, self.plan.tick)).await;
        }
        sleep(WARM_UP).await;
        for number in 0..self.plan.fans {
            let fan = Fan::new(number, self.clone(), self.dice.fork(number as u64 + 1));
            tokio::spawn(fan.live());
        }
        for (at, event) in self.plan.events.clone() {
            tokio::spawn(self.clone().happens(at, event));
        }
        sleep(self.plan.length).await;
        let until = self.house.time.now();
        // What still runs is cut off in the middle; the run is judged by what was seen until now.
        let stories = std::mem::take(&mut *self.stories.lock());
        let draw = self.draw(&stories);
        for slot in &self.slots {
            if let Some(edge) = slot.edge.lock().take() {
                edge.crash();
            }
        }
        let setting = self.setting(until);
        let mut violations = judge(&stories, &setting);
        violations.extend(draw.iter().flat_map(draw_is_fair));
        violations.retain(|violation| self.plan.is_promised(violation.promise));
        let coverage = coverage(&stories, &setting);
        Outcome { plan: self.plan.clone(), stories, violations, coverage, setting }
    }

    pub(crate) fn start(&self, slot: usize) {
        let name = self.names.fetch_add(1, Ordering::Relaxed);
        let Slot { wire, clock, edge } = &self.slots[slot];
        let dice = self.dice.fork(5000 + u64::from(name));
        let started = Edge::start(
            name,
            self.config(),
            Arc::new(ArcSwap::new(self.keys.clone())),
            clock.clone(),
            wire.clone(),
            dice,
            self.plan.tick,
        );
        *edge.lock() = Some(Arc::new(started));
        // Before it was there it could not know anything.
        self.house.record.lock().cut_off.push((name, Span::new(Timestamp::default(), self.house.time.now())));
    }

    fn config(&self) -> RoomConfig {
        RoomConfig {
            pages: PagesConfig::default(),
            id: room(),
            hosts: Vec::new(),
            public_paths: vec![],
            bypass: vec![],
            case: proxy::gate::target::Case::Ignored,
            paths: Vec::new(),
            title: String::new(),
            message: String::new(),
            bind_tokens: None,
            on_store_failure: OnStoreFailure::Wait,
            open_per_minute: 0,
            work_bits: None,
            rules: self.plan.rules.clone(),
        }
    }

    /// The edges that can be reached.
    pub(crate) fn edges(&self) -> Vec<Arc<Edge>> {
        let listening = |slot: &Slot| slot.edge.lock().clone().filter(|edge| edge.listens());
        self.slots.iter().filter_map(listening).collect()
    }

    /// Opens the story of a ticket.
    pub(crate) fn open(&self, name: String, lane: &LaneId, rank: Option<Rank>, came: Option<Span>) -> usize {
        let mut stories = self.stories.lock();
        stories.push(Story { name, lane: lane.clone(), rank, came, seen: Vec::new() });
        stories.len() - 1
    }

    /// A fan saw something.
    pub(crate) fn see(&self, story: usize, edge: u32, what: What) {
        let at = self.house.time.now();
        if let Some(story) = self.stories.lock().get_mut(story) {
            story.seen.push(Seen { at, edge, what });
        }
    }

    /// A fan got a ticket.
    pub(crate) fn got(&self, story: usize, ticket: TicketId, at: Timestamp) {
        self.got.lock().push((story, ticket, at));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.house.time.now()
    }

    /// When a fan came of whom an edge that cannot ask the line has noted a moment: as far off as its clock may be.
    pub(crate) fn about(&self, came: Span, noted: Timestamp) -> Span {
        let Span { from, to } = came;
        let skew = self.skew();
        Span::new(from.min(noted.max(from - skew)), to.max(noted.min(to + skew)))
    }

    /// An invitation to the other lane: for one, for a few, or for all.
    pub(crate) fn invite(&self, dice: &Dice) -> String {
        let (id, uses) = match dice.between(0, 3) {
            0 => ([1; TICKET_ID_BYTES], 3),
            1 => ([2; TICKET_ID_BYTES], 1000),
            _ => (std::array::from_fn(|_| dice.next() as u8), 1),
        };
        let invitation = Invitation {
            room: room(),
            lane: member(),
            id: TicketId::from_bytes(id),
            uses,
            expires_at: BEGIN + self.plan.length * 10,
        };
        invitation.seal(&self.keys)
    }
}

pub(crate) fn room() -> RoomId {
    RoomId::parse("demo").unwrap()
}
