//! Where the line lives in a run, and the wires that lead there: what is slow, cut, lost, or forgotten.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use admission::adaptive::{History, LoadInterval, LoadReport};
use admission::clock::{Clock, Timestamp};
use admission::invariants::{self, InForce, Span};
use admission::name::RoomId;
use admission::rules::Rules;
use admission::store::{
    BatchId, Drained, Join, Joined, Memory, PageMark, Presence, PresenceAnswer, QueueStore, SessionPage,
    Snapshot, Standing, StoreError, Voided,
};
use admission::ticket::{Place, TicketId};
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::dice::{Dice, SimClock};
use crate::mutants::{Mutant, Mutation};

/// A call that hangs is answered after so long, by when nobody listens any more.
const HANG: Duration = Duration::from_secs(30);
/// A call that takes longer is one during which the edge could not reach the line.
const LONG: Duration = Duration::from_millis(150);

/// Where the line lives.
pub(crate) struct House {
    /// The store's own clock, which is right; and the time by which everything is judged.
    clock: Arc<SimClock>,
    pub(crate) time: Arc<SimClock>,
    mutation: Option<Mutation>,
    stores: Mutex<Vec<Arc<Mutant>>>,
    pub(crate) record: Mutex<Record>,
    /// The rules that the operator wants, and which revision they are.
    pub(crate) operator: Mutex<Option<(Rules, u64)>>,
}

/// What a run is judged by, besides what the fans saw.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) rules: Vec<InForce>,
    set: Option<Rules>,
    revision: Option<u64>,
    pub(crate) cut_off: Vec<(u32, Span)>,
    pub(crate) lost: Vec<Timestamp>,
    pub(crate) voided: Vec<invariants::Voided>,
    /// Batches of joins that happened and whose answer nobody heard, and how many joins each has.
    pub(crate) ghosts: HashMap<BatchId, u64>,
}

impl Record {
    /// These rules are in force from now on; where the room has yet to open, nobody is admitted before.
    fn put_in_force(&mut self, rules: &Rules, now: Timestamp) {
        self.rules.retain(|rule| rule.since <= now);
        let open = InForce::of(rules, now);
        match rules.opens_at.filter(|opens_at| *opens_at > now) {
            Some(since) => {
                self.rules.extend([InForce { per_minute: 0, ..open }, InForce { since, ..open }]);
            }
            None => self.rules.push(open),
        }
        self.set = Some(rules.clone());
    }

    /// Nobody is admitted until there are rules again.
    fn no_rules(&mut self, now: Timestamp) {
        self.rules.retain(|rule| rule.since <= now);
        let last = self.rules.last().copied();
        self.rules.extend(last.map(|rules| InForce { since: now, per_minute: 0, ..rules }));
    }
}

impl House {
    pub(crate) fn new(began: Instant, mutation: Option<Mutation>) -> Self {
        let clock = Arc::new(SimClock::new(began, 0));
        let stores = Mutex::new(Mutant::all(mutation, &clock, 0));
        let time = Arc::new(SimClock::new(began, 0));
        Self { clock, time, mutation, stores, record: Mutex::default(), operator: Mutex::default() }
    }

    /// Everything in the store is gone.
    pub(crate) fn lose_everything(&self) {
        let now = self.time.now();
        let mut record = self.record.lock();
        record.lost.push(now);
        record.revision = None;
        record.no_rules(now);
        *self.stores.lock() = Mutant::all(self.mutation, &self.clock, record.lost.len());
    }

    /// What a replica knows now.
    pub(crate) fn replica(&self) -> Replica {
        let stores = self.stores.lock().iter().map(|store| store.copy()).collect();
        let record = self.record.lock();
        let losses = record.lost.len();
        Replica { stores, losses, revision: record.revision, rules: record.set.clone() }
    }

    /// The replica takes over: what happened since it last heard never happened.
    pub(crate) fn fail_over(&self, replica: &Replica) {
        let now = self.time.now();
        let mut record = self.record.lock();
        if record.lost.len() != replica.losses {
            // It would have heard of the loss as well.
            return;
        }
        record.lost.push(now);
        record.revision = replica.revision;
        if let Some(rules) = &replica.rules {
            record.put_in_force(rules, now);
        }
        *self.stores.lock() = replica.stores.iter().map(|store| Arc::new(store.take_over())).collect();
    }

    /// The operator's rules, straight to the store.
    pub(crate) async fn operate(&self, room: &RoomId, rules: &Rules, revision: u64) {
        let stores = self.stores.lock().clone();
        for store in stores {
            if store.configure(room, rules, revision, &Memory::default()).await.is_ok() {
                self.configured(rules, revision);
            }
        }
    }

    /// The operator voids all admissions up to a moment, straight at the store; up to now where none is named.
    pub(crate) async fn void(&self, room: &RoomId, before: Option<Timestamp>) {
        let stores = self.stores.lock().clone();
        for store in stores {
            if let Ok(Voided { before, .. }) = store.void(room, before).await {
                let since = self.time.now();
                self.record.lock().voided.push(invariants::Voided { before, since });
            }
        }
    }

    /// Up to when admissions were voided, so far.
    pub(crate) fn voided_before(&self) -> Option<Timestamp> {
        self.record.lock().voided.iter().map(|voided| voided.before).max()
    }

    fn configured(&self, rules: &Rules, revision: u64) {
        let mut record = self.record.lock();
        if record.revision.is_none_or(|before| before < revision) {
            record.revision = Some(revision);
            record.put_in_force(rules, self.time.now());
        }
    }

    fn store(&self, edge: usize) -> Arc<Mutant> {
        let stores = self.stores.lock();
        stores[edge % stores.len()].clone()
    }
}

/// A copy of the store, and of what is known about it.
pub(crate) struct Replica {
    stores: Vec<Mutant>,
    losses: usize,
    revision: Option<u64>,
    rules: Option<Rules>,
}

/// How a wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Slow,
    Hangs,
    Refuses,
}

/// The connection of one edge to the store.
pub(crate) struct Wire {
    house: Arc<House>,
    slot: usize,
    /// The name by which the fans know the edge; another one after each start.
    edge: AtomicU32,
    edge_clock: Arc<SimClock>,
    dice: Dice,
    /// For the calls that only tell of sessions.
    aside: Dice,
    latency: Duration,
    state: Mutex<State>,
}

impl Wire {
    pub(crate) fn new(
        house: Arc<House>,
        slot: usize,
        edge_clock: Arc<SimClock>,
        dice: Dice,
        latency: Duration,
    ) -> Self {
        let state = Mutex::new(State::Good);
        let aside = dice.fork(1);
        Self { house, slot, edge: AtomicU32::new(slot as u32), edge_clock, dice, aside, latency, state }
    }

    pub(crate) fn rename(&self, edge: u32) {
        self.edge.store(edge, Ordering::Relaxed);
    }

    pub(crate) fn cut(&self, hangs: bool) {
        *self.state.lock() = if hangs { State::Hangs } else { State::Refuses };
    }

    pub(crate) fn slow(&self) {
        *self.state.lock() = State::Slow;
    }

    pub(crate) fn mend(&self) {
        *self.state.lock() = State::Good;
    }

    fn state(&self) -> State {
        *self.state.lock()
    }

    /// A call on its way: until it is answered, the edge may be out of reach.
    fn call(&self) -> Call<'_> {
        Call {
            wire: self,
            began: self.house.time.now(),
            edge: self.edge.load(Ordering::Relaxed),

            done: false,
        }
    }

    async fn travel(&self, dice: &Dice) -> Result<(), StoreError> {
        let away = || Err(StoreError::Unavailable("the wire is cut".to_owned()));
        let state = self.state();
        let latency = match state {
            State::Refuses => return away(),
            State::Hangs => HANG,
            State::Slow if dice.percent(10) => HANG,
            State::Slow => dice.time(Duration::ZERO, Duration::from_millis(900)),
            State::Good if dice.percent(50) => Duration::ZERO,
            State::Good => dice.time(Duration::ZERO, self.latency),
        };
        if !latency.is_zero() {
            sleep(latency).await;
        }
        match self.state() {
            State::Hangs | State::Refuses => away(),
            State::Good | State::Slow => Ok(()),
        }
    }

    async fn reach(&self) -> Result<Arc<Mutant>, StoreError> {
        self.travel(&self.dice).await?;
        if self.house.mutation == Some(Mutation::TurnsByTheEdgesClock) {
            self.house.clock.set_wrong(self.edge_clock.wrong_by_ms() * 4);
        }
        Ok(self.house.store(self.slot))
    }

    async fn back<T>(&self, answer: Result<T, StoreError>, mut call: Call<'_>) -> Result<T, StoreError> {
        self.travel(&self.dice).await?;
        call.done = true;
        answer
    }
}

struct Call<'a> {
    wire: &'a Wire,
    began: Timestamp,
    edge: u32,
    done: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let span = Span::new(self.began, self.wire.house.time.now());
        if !self.done || span.length() > LONG {
            self.wire.house.record.lock().cut_off.push((self.edge, span));
        }
    }
}

#[async_trait]
impl QueueStore for Wire {
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        revision: u64,
        memory: &Memory,
    ) -> Result<(), StoreError> {
        let call = self.call();
        let answer = self.reach().await?.configure(room, rules, revision, memory).await;
        self.house.configured(rules, revision);
        self.back(answer, call).await
    }

    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.join(room, batch, joins).await;
        // Until the answer arrives; another try under the same name may bring it.
        self.house.record.lock().ghosts.insert(batch, joins.len() as u64);
        let answer = self.back(answer, call).await;
        if answer.is_ok() {
            self.house.record.lock().ghosts.remove(&batch);
        }
        answer
    }

    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.look(room, places).await;
        self.back(answer, call).await
    }

    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.restore(room, places).await;
        self.back(answer, call).await
    }

    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.claim(room, places).await;
        self.back(answer, call).await
    }

    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        let call = self.call();
        let answer = self.reach().await?.leave(room, places).await;
        self.back(answer, call).await
    }

    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        let call = self.call();
        let answer = self.reach().await?.end(room, tickets).await;
        self.back(answer, call).await
    }

    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.void(room, before).await;
        self.back(answer, call).await
    }

    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.drain(room).await;
        self.back(answer, call).await
    }

    async fn report_load(
        &self,
        room: &RoomId,
        load: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.report_load(room, load).await;
        self.back(answer, call).await
    }

    async fn set_rate(
        &self,
        room: &RoomId,
        interval: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.set_rate(room, interval, rate, history).await;
        self.back(answer, call).await
    }

    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.report_presence(room, presence).await;
        self.back(answer, call).await
    }

    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError> {
        let call = self.call();
        let answer = self.reach().await?.snapshot(room, ended_mark).await;
        self.back(answer, call).await
    }

    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError> {
        let mut call = self.call();
        self.travel(&self.aside).await?;
        let answer = self.house.store(self.slot).sessions(room, from).await;
        self.travel(&self.aside).await?;
        call.done = true;
        answer
    }
}
