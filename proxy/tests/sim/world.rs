//! A run: edges, fans, an operator and what goes wrong, in virtual time; and what came of it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use admission::clock::{Clock as _, Timestamp};
use admission::invariants::{
    Coverage, Promise, Seen, Setting, Span, Story, Tolerance, Violation, What, coverage, judge,
};
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::rank::Rank;
use parking_lot::Mutex;
use proxy::config::RoomConfig;
use proxy::config::rooms::OnStoreFailure;
use tokio::time::{Instant, sleep, sleep_until};

use crate::dice::{Dice, SimClock};
use crate::edge::Edge;
use crate::fan::Fan;
use crate::house::{House, Wire};
use crate::mutants::Mutation;
use crate::plan::{Event, Family, Fault, Order, Plan};

/// How long the edges have for their first look at the line before the first fan comes.
const WARM_UP: Duration = Duration::from_secs(1);

/// Everything of a run.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) began: Instant,
    house: Arc<House>,
    keys: Arc<Keyring>,
    dice: Dice,
    slots: Vec<Slot>,
    names: AtomicU32,
    stories: Mutex<Vec<Story>>,
}

/// Where an edge runs.
struct Slot {
    wire: Arc<Wire>,
    clock: Arc<SimClock>,
    edge: Mutex<Option<Arc<Edge>>>,
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
        Self { plan, began, house, keys, dice, slots, names, stories: Mutex::default() }
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
        for slot in &self.slots {
            if let Some(edge) = slot.edge.lock().take() {
                edge.crash();
            }
        }
        let setting = self.setting(until);
        let mut violations = judge(&stories, &setting);
        violations.retain(|violation| self.is_promised(violation));
        let coverage = coverage(&stories, &setting);
        Outcome { plan: self.plan.clone(), stories, violations, coverage, setting }
    }

    fn start(&self, slot: usize) {
        let name = self.names.fetch_add(1, Ordering::Relaxed);
        let Slot { wire, clock, edge } = &self.slots[slot];
        let dice = self.dice.fork(5000 + u64::from(name));
        let started = Edge::start(
            name,
            self.config(),
            self.keys.clone(),
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
            id: room(),
            hosts: Vec::new(),
            paths: Vec::new(),
            title: String::new(),
            message: String::new(),
            on_store_failure: OnStoreFailure::Wait,
            rules: self.plan.rules.clone(),
        }
    }

    /// The edges that can be reached.
    pub(crate) fn edges(&self) -> Vec<Arc<Edge>> {
        let listening = |slot: &Slot| slot.edge.lock().clone().filter(|edge| edge.listens());
        self.slots.iter().filter_map(listening).collect()
    }

    /// Opens the story of a ticket.
    pub(crate) fn open(&self, name: String, lane: &LaneId, rank: Option<Rank>) -> usize {
        let mut stories = self.stories.lock();
        stories.push(Story { name, lane: lane.clone(), rank, seen: Vec::new() });
        stories.len() - 1
    }

    /// A fan saw something.
    pub(crate) fn see(&self, story: usize, edge: u32, what: What) {
        let at = self.house.time.now();
        if let Some(story) = self.stories.lock().get_mut(story) {
            story.seen.push(Seen { at, edge, what });
        }
    }

    fn was_cut_off(&self, edge: Option<u32>, from: Timestamp) {
        if let Some(edge) = edge {
            self.house.record.lock().cut_off.push((edge, Span::new(from, self.house.time.now())));
        }
    }

    fn name_of(&self, slot: usize) -> Option<u32> {
        self.slots[slot].edge.lock().as_ref().map(|edge| edge.name)
    }

    async fn happens(self: Arc<Self>, at: Duration, event: Event) {
        sleep_until(self.began + WARM_UP + at).await;
        match event {
            Event::Wrong(fault) => self.goes_wrong(fault).await,
            Event::Operator(order) => {
                let rules = {
                    let mut operator = self.house.operator.lock();
                    let (rules, revision) = operator.get_or_insert_with(|| (self.plan.rules.clone(), 1));
                    match order {
                        Order::Rate(rate) => {
                            rules.drain_per_minute = rate;
                            rules.burst = rules.burst.max(admission::rules::Rules::default_burst(rate));
                        }
                        Order::Mode(mode) => rules.mode = mode,
                        Order::MaxActive(most) => rules.max_active = most,
                    }
                    *revision += 1;
                    (rules.clone(), *revision)
                };
                self.house.operate(&room(), &rules.0, rules.1).await;
            }
        }
    }

    async fn goes_wrong(&self, fault: Fault) {
        let all: Vec<usize> = (0..self.slots.len()).collect();
        match fault {
            Fault::CutOff { edge, lasts, hangs } => self.cut(&[edge], lasts, hangs).await,
            Fault::AllCutOff { lasts, hangs } => self.cut(&all, lasts, hangs).await,
            Fault::Slow { edge, lasts } => {
                self.slots[edge].wire.slow();
                sleep(lasts).await;
                self.slots[edge].wire.mend();
            }
            Fault::Crash { edge, back_after } => self.crash(&[edge], back_after).await,
            Fault::AllCrash { back_after } => self.crash(&all, back_after).await,
            Fault::ClockJump { edge, by_ms } => self.slots[edge].clock.jump(by_ms),
            Fault::Loss => self.house.lose_everything(),
            Fault::StaleFailOver { behind } => {
                let replica = self.house.replica();
                sleep(behind).await;
                self.house.fail_over(&replica);
            }
        }
        if matches!(fault, Fault::Loss | Fault::StaleFailOver { .. }) {
            // The operator sees that the rules are the old ones again, and sets theirs once more.
            sleep(Duration::from_secs(2)).await;
            let again = self.house.operator.lock().clone();
            if let Some((rules, revision)) = again {
                self.house.operate(&room(), &rules, revision).await;
            }
        }
    }

    async fn cut(&self, slots: &[usize], lasts: Duration, hangs: bool) {
        let from = self.house.time.now();
        let names: Vec<Option<u32>> = slots.iter().map(|slot| self.name_of(*slot)).collect();
        for slot in slots {
            self.slots[*slot].wire.cut(hangs);
        }
        sleep(lasts).await;
        for (slot, name) in slots.iter().zip(names) {
            self.slots[*slot].wire.mend();
            self.was_cut_off(name, from);
            // One that was started meanwhile was cut off just as well.
            let now = self.name_of(*slot).filter(|now| Some(*now) != name);
            self.was_cut_off(now, from);
        }
    }

    async fn crash(&self, slots: &[usize], back_after: Duration) {
        let from = self.house.time.now();
        for slot in slots {
            if let Some(edge) = self.slots[*slot].edge.lock().take() {
                edge.crash();
                // Whatever it was about to tell nobody heard.
                let until = from + self.plan.length;
                self.house.record.lock().cut_off.push((edge.name, Span::new(from, until)));
            }
        }
        sleep(back_after).await;
        for slot in slots {
            if self.slots[*slot].edge.lock().is_none() {
                self.start(*slot);
            }
        }
    }

    fn setting(&self, until: Timestamp) -> Setting {
        let Plan { rules, tick, latency, .. } = &self.plan;
        let record = self.house.record.lock();
        let stale = *tick * 2 + *latency * 12 + Duration::from_millis(700);
        // After something went wrong, joins that nobody heard the answer to still count as there for a while.
        let calm_again = rules.presence_window + rules.recovery_grace + stale * 2;
        let begun = |span: &Span| span.from > Timestamp::default();
        let cuts = record.cut_off.iter().map(|(_, span)| *span).filter(begun);
        let losses = record.lost.iter().map(|at| Span::new(*at, *at));
        let troubled = cuts.chain(losses).map(|span| Span::new(span.from, span.to + calm_again)).collect();
        let jumps = self.plan.events.iter().filter_map(|(_, event)| match event {
            Event::Wrong(Fault::ClockJump { by_ms, .. }) => Some(by_ms.unsigned_abs()),
            _ => None,
        });
        Setting {
            until,
            rules: record.rules.clone(),
            cut_off: record.cut_off.clone(),
            lost: record.lost.clone(),
            ghosts: record.ghosts.values().sum(),
            troubled,
            tolerance: Tolerance {
                settle: stale,
                stale,
                linger: rules.presence_window + Duration::from_secs(9) + stale,
                skew: Duration::from_millis(4000 + jumps.sum::<u64>()),
            },
            shown_travels: SHOWN_TRAVELS,
            claim_window: rules.claim_window,
            return_window: rules.return_window,
            session: rules.session,
            session_max: rules.session_max,
        }
    }

    /// Whether the promise is one that can be kept, or is kept so far, under what went wrong.
    fn is_promised(&self, violation: &Violation) -> bool {
        let plan = &self.plan;
        match violation.promise {
            // A session that ended is known to the store and to the edges. When both are gone, nobody knows.
            Promise::NoTurnNoEntry => !(plan.loses_data() && plan.all_crash()),
            // An edge that crashed cannot tell that a fan has a session whom another one saw waiting before, and
            // puts back into the line: those behind read a place that is too high until the drain passes it over.
            Promise::Truth => !(plan.loses_data() && plan.crashes()),
            // After a takeover ranks run ahead of the clock; a line that begins anew learns by how much from the
            // edges' last snapshots, and does not count the fans who came since among those it forgot.
            Promise::Place => !(plan.fails_over() && self.house.record.lock().lost.len() > 1),
            _ => true,
        }
    }
}

/// What a fan was shown goes with them from edge to edge.
const SHOWN_TRAVELS: bool = false;

fn room() -> RoomId {
    RoomId::parse("demo").unwrap()
}
