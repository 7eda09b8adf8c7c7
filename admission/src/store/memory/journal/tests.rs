//! Random verbs, and journals cut, doubled and damaged wherever that can happen.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::dice::{Dice, ManualClock, START};
use super::*;
use crate::name::{LaneId, RoomId};
use crate::rank::Rank;
use crate::rules::{AdaptiveDrain, LaneRule, Mode, Rules};
use crate::store::memory::MemoryStore;
use crate::store::{
    ByHandStore as _, Intent, InvitationUse, Join, Joined, Memory, Presence, QueueStore as _, Relocation,
    Snapshot, Standing, Stay,
};
use crate::ticket::{Place, TicketId};

/// Equal lines, equal telling.
#[derive(Clone, Debug, Default, PartialEq)]
struct Telling(Vec<Vec<u8>>);

impl image::Sink for Telling {
    type Error = Infallible;

    fn take(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        self.0.push(postcard::to_allocvec(record).unwrap());
        Ok(())
    }
}

/// But for the permits that gathered: a drain that gives nothing is not written down.
fn telling(lines: &Lines) -> Telling {
    let mut lines = lines.clone();
    for line in lines.values_mut() {
        line.units = 0;
        line.gathered_at = Timestamp::default();
    }
    let mut telling = Telling::default();
    let Ok(()) = image::tell(&lines, &mut telling);
    telling
}

/// A store whose journal is a vector, and what it was after each verb.
struct Recorder {
    store: MemoryStore,
    queue: Arc<Queue>,
    clock: Arc<ManualClock>,
    room: RoomId,
    rules: Rules,
    revision: u64,
    places: Vec<Place>,
    bytes: Vec<u8>,
    frames: u64,
    /// The line after so many bytes.
    was: Vec<(usize, Telling)>,
}

impl Recorder {
    fn start(dice: &mut Dice) -> Self {
        let clock = Arc::new(ManualClock(AtomicU64::new(START)));
        let queue = Arc::new(Queue::default());
        let lines = Arc::new(Mutex::new(Lines::new()));
        // Nothing writes, so nothing has to be waited for at the end.
        queue.tell_finished();
        let journal =
            Journal { queue: queue.clone(), lines: lines.clone(), lock: tempfile::tempfile().unwrap() };
        let store =
            MemoryStore { clock: clock.clone(), lines, journal: Some(journal), fleet: Mutex::default() };
        let mut bytes = frame::header().to_vec();
        let whole = postcard::to_allocvec(&Record::Whole(clock.now())).unwrap();
        frame::write(&mut bytes, 0, &whole);
        let room = RoomId::parse("demo").unwrap();
        let rules = some_rules(dice, clock.now());
        let was = vec![(bytes.len(), Telling::default())];
        Self { store, queue, clock, room, rules, revision: 0, places: vec![], bytes, frames: 1, was }
    }

    /// Takes down what the last verb left.
    fn take_down(&mut self) {
        let batch = std::mem::take(&mut self.queue.lock().batch);
        for record in batch.records() {
            frame::write(&mut self.bytes, self.frames, record);
            self.frames += 1;
        }
        let telling = telling(&self.store.lines());
        let count = batch.records().count();
        let is_same = self.was.last().is_some_and(|(_, was)| *was == telling);
        assert!(count == 1 || count == 0 && is_same, "a verb is noted once, if it changed anything");
        self.was.push((self.bytes.len(), telling));
    }

    fn some_places(&self, dice: &mut Dice, most: u64) -> Vec<Place> {
        let count = self.places.len().max(1) as u64;
        (0..dice.below(most)).filter_map(|_| self.places.get(dice.below(count) as usize).cloned()).collect()
    }

    fn some_join(&self, dice: &mut Dice) -> Join {
        let now = self.clock.now();
        let drawn = self.rules.prequeue_at.map(|at| Rank::new(Rank::first_of(at).get() + dice.below(60)));
        let invitation = (dice.below(6) == 0).then(|| {
            let number = dice.below(4) as u8;
            let good_for = Duration::from_secs(1 + dice.below(100));
            InvitationUse {
                id: TicketId::from_bytes([number; 12]),
                uses: 1 + u32::from(number) % 3,
                good_for,
            }
        });
        Join {
            lane: LaneId::parse(["general", "member", "nowhere"][dice.below(3) as usize]).unwrap(),
            id: invitation.as_ref().filter(|used| used.uses == 1).map_or_else(|| dice.id(), |used| used.id),
            intent: [Intent::EnterOrWait, Intent::EnterOnly, Intent::Wait][dice.below(3) as usize],
            drawn,
            arrived_at: (dice.below(6) == 0).then(|| now - Duration::from_millis(dice.below(20_000))),
            invitation,
        }
    }

    async fn configure(&mut self, memory: &Memory) {
        self.revision += 1;
        let rules = self.rules.clone().check().unwrap();
        self.store.configure(&self.room, &rules, self.revision, memory).await.unwrap();
    }

    async fn snapshot(&self) -> Snapshot {
        self.store.snapshot(&self.room, 0).await.unwrap()
    }

    async fn step(&mut self, dice: &mut Dice) {
        let room = self.room.clone();
        match dice.below(20) {
            0..5 => {
                let joins: Vec<Join> = (0..dice.below(8)).map(|_| self.some_join(dice)).collect();
                let batch = dice.id();
                for _ in 0..1 + dice.below(2) {
                    let joined = self.store.join(&room, batch, &joins).await.unwrap();
                    for (join, joined) in joins.iter().zip(joined) {
                        let rank = match joined {
                            Joined::Entered { rank, .. } | Joined::Waiting { rank, .. } => Some(rank),
                            Joined::Drawn => join.drawn,
                            _ => None,
                        };
                        let place = rank.map(|rank| Place { lane: join.lane.clone(), rank, id: join.id });
                        self.places.extend(place);
                    }
                    self.take_down();
                }
            }
            5..8 => {
                let stay = |place: &Place| Stay {
                    ticket: place.id,
                    stayed: Duration::from_millis(1000),
                    keep_for: Duration::from_millis(dice.0 % 50_000),
                };
                let active = self.some_places(&mut Dice(dice.0), 4).iter().map(stay).collect();
                let (waiting, gone) = (self.some_places(dice, 40), self.some_places(dice, 3));
                let seen = Presence { waiting, gone, active };
                self.store.report_presence(&room, &seen).await.unwrap();
            }
            8..11 => drop(self.store.drain(&room).await.unwrap()),
            11 => drop(self.store.claim(&room, &self.some_places(dice, 20)).await.unwrap()),
            12 => drop(self.store.restore(&room, &self.some_places(dice, 20)).await.unwrap()),
            13 => self.store.leave(&room, &self.some_places(dice, 4)).await.unwrap(),
            14 => {
                let ended: Vec<TicketId> = self.some_places(dice, 4).iter().map(|place| place.id).collect();
                self.store.end(&room, &ended).await.unwrap();
            }
            15 if dice.below(3) == 0 => {
                self.rules = some_rules(dice, self.clock.now());
                let memory =
                    if dice.below(2) == 0 { Memory::of(&self.snapshot().await) } else { Memory::default() };
                self.take_down();
                self.configure(&memory).await;
            }
            16 => {
                let closed = self.store.report_load(&room, &Default::default()).await.unwrap();
                self.take_down();
                if let Some((interval, history)) = closed {
                    self.store
                        .set_rate(&room, interval.number, 30 + dice.below(600), &history)
                        .await
                        .unwrap();
                }
            }
            17 if dice.below(3) == 0 => {
                let earlier = Duration::from_millis(dice.below(20_000));
                let before = (dice.below(2) == 0).then(|| self.clock.now() - earlier);
                self.store.void(&room, before).await.unwrap();
            }
            17 => drop(self.snapshot().await),
            18 if dice.below(3) == 0 => {
                let behind = self.some_places(dice, 2).first().map(|place| place.rank);
                let id = dice.id();
                if let Some(from) = self.some_places(dice, 2).pop() {
                    let lane = LaneId::parse(["general", "member"][dice.below(2) as usize]).unwrap();
                    let wanted = Relocation { from, lane, behind, id };
                    self.places.extend(self.store.relocate(&room, &wanted).await.unwrap());
                }
                let until = self.clock.now() + Duration::from_secs(dice.below(100));
                self.take_down();
                self.store.withdraw(&room, &[(dice.id(), until)]).await.unwrap();
            }
            18 if dice.below(5) == 0 => {
                self.clock.0.fetch_sub(dice.below(3000), Ordering::SeqCst);
            }
            _ => {
                let most = [50, 1000, 10_000, 100_000][dice.below(4) as usize];
                self.clock.0.fetch_add(dice.below(most), Ordering::SeqCst);
            }
        }
        self.take_down();
    }

    /// A line that lived through so many random verbs.
    fn live(seed: u64, steps: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut dice = Dice(seed);
            let mut recorder = Self::start(&mut dice);
            recorder.configure(&Memory::default()).await;
            recorder.take_down();
            for _ in 0..steps {
                recorder.step(&mut dice).await;
            }
            recorder
        })
    }

    /// Where the frames end, and the line then.
    fn by_frame(&self) -> HashMap<usize, &Telling> {
        self.was.iter().map(|(length, telling)| (*length, telling)).collect()
    }
}

fn some_rules(dice: &mut Dice, now: Timestamp) -> Rules {
    let modes = [Mode::Auto, Mode::Auto, Mode::Always, Mode::Always, Mode::Paused, Mode::Closed];
    let drain_per_minute = [60, 600, 6000][dice.below(3) as usize];
    let prequeue_at = (dice.below(6) == 0).then(|| now + Duration::from_millis(dice.below(5000)));
    let lane = |name: &str, weight| LaneRule { name: LaneId::parse(name).unwrap(), weight };
    Rules {
        mode: modes[dice.below(6) as usize],
        prequeue_at,
        opens_at: prequeue_at.map(|at| at + Duration::from_secs(40)),
        adaptive: (dice.below(2) == 0).then_some(AdaptiveDrain { min: 30, max: 600 }),
        drain_per_minute,
        burst: Rules::default_burst(6000),
        max_active: 1 + dice.below(30),
        waiting_max: 20 + dice.below(200),
        session: Duration::from_secs(5 + dice.below(60)),
        claim_window: Duration::from_secs(1 + dice.below(20)),
        return_window: Duration::from_secs(dice.below(60)),
        recovery_grace: Duration::from_secs(dice.below(5)),
        lanes: vec![lane("general", 1), lane("member", 3)],
        ..Rules::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_journal_tells_the_line_as_it_was_after_every_verb(seed: u64) {
        let recorder = Recorder::live(seed, 200);
        for (step, (length, was)) in recorder.was.iter().enumerate() {
            let told = replay::read(&recorder.bytes[..*length]);
            prop_assert_eq!(told.damage, None);
            prop_assert_eq!(&telling(&told.lines), was, "after {} verbs", step);
        }
    }

    #[test]
    fn an_image_tells_the_line_as_it_is(seed: u64) {
        let recorder = Recorder::live(seed, 300);
        let lines = recorder.store.lines().clone();
        let mut image = Telling::default();
        let Ok(()) = image::tell(&lines, &mut image);
        let mut bytes = frame::header().to_vec();
        let at = recorder.clock.now();
        image.0.push(postcard::to_allocvec(&Record::Whole(at)).unwrap());
        for (number, record) in image.0.iter().enumerate() {
            frame::write(&mut bytes, number as u64, record);
        }
        let told = replay::read(&bytes);
        prop_assert_eq!((told.damage, told.known_until, told.verbs), (None, at, 0));
        prop_assert_eq!(telling(&told.lines), telling(&lines));
    }

    #[test]
    fn a_torn_end_is_cut_and_a_doubled_one_counts_once(seed: u64) {
        let recorder = Recorder::live(seed, 60);
        let by_frame = recorder.by_frame();
        let mut ends: Vec<usize> = by_frame.keys().copied().collect();
        ends.sort_unstable();
        let from = ends[ends.len().saturating_sub(6)];
        let mut last = (from, by_frame[&from]);
        for cut in from..=recorder.bytes.len() {
            let told = replay::read(&recorder.bytes[..cut]);
            if let Some(was) = by_frame.get(&cut) {
                last = (cut, was);
            }
            prop_assert_eq!(told.damage, (cut != last.0).then_some(Damage::Torn(last.0)));
            prop_assert_eq!(&telling(&told.lines), last.1);
        }
        let doubled = [recorder.bytes.as_slice(), &recorder.bytes[from..]].concat();
        let told = replay::read(&doubled);
        prop_assert_eq!(told.damage, None);
        prop_assert_eq!(&telling(&told.lines), last.1);
        let zeroed = [recorder.bytes.as_slice(), &[0; 5000]].concat();
        prop_assert_eq!(replay::read(&zeroed).damage, Some(Damage::Torn(recorder.bytes.len())));
    }

    #[test]
    fn damage_anywhere_leaves_the_line_as_it_was_before_it(seed: u64, at: u64, bit in 0..8_u32) {
        let mut recorder = Recorder::live(seed, 60);
        let at = frame::HEADER + (at as usize) % (recorder.bytes.len() - frame::HEADER);
        recorder.bytes[at] ^= 1 << bit;
        let told = replay::read(&recorder.bytes);
        let before = recorder.was.iter().rev().find(|(length, _)| *length <= at);
        let expected = before.map_or(Telling::default(), |(_, was)| was.clone());
        prop_assert_eq!(telling(&told.lines), expected);
        let is_last = recorder.was.iter().filter(|(length, _)| *length > at).all(|(length, _)| {
            *length == recorder.bytes.len()
        });
        let is_torn = matches!(told.damage, Some(Damage::Torn(_)));
        prop_assert_eq!(is_torn, is_last, "damage that more follows is not taken for a torn end");
    }

    #[test]
    fn a_line_that_goes_on_keeps_its_promises(seed: u64, killed_at: u64, away in 0..200_000_u64) {
        let recorder = Recorder::live(seed, 200);
        // What the process did in its last moments, some seconds here, never reached the disk.
        let lost = recorder.was.len() - 1 - (killed_at as usize) % 8;
        let (length, _) = recorder.was[lost];
        let mut told = replay::read(&recorder.bytes[..length]);
        let (before, known_until) = (told.lines.clone(), told.known_until);
        let now = recorder.clock.now() + Duration::from_millis(away);
        told.wake(now);
        let (room, lines) = (&recorder.room, &told.lines);
        let (line, before, live) = (&lines[room], &before[room], &recorder.store.lines()[room]);

        prop_assert_eq!(line.units, 0, "no permit is left");
        prop_assert_eq!(line.hold_until, now + line.rules.recovery_grace);
        prop_assert!(line.resumed_at > live.resumed_at);
        for place in &recorder.places {
            prop_assert!(line.next_rank(now) > place.rank || line.lanes[&place.lane].next_rank > place.rank);
            let may_be_forgotten = line.may_have_forgotten(place.rank, now);
            let was_known = before.look(place, known_until);
            let is_noted = before.ended.contains(&place.id);
            if was_known == Standing::Ended && (is_noted || !may_be_forgotten) {
                prop_assert_eq!(line.look(place, now), Standing::Ended, "ended stays ended");
            }
            if let Standing::Active { .. } | Standing::Turn { .. } | Standing::Waiting { .. } = was_known {
                prop_assert_eq!(line.look(place, now), was_known, "with the same admitted_at, at the same rank");
            }
        }
        for lane in line.lanes.values() {
            let ranks: HashSet<Rank> = lane.waiting.iter().collect();
            prop_assert!(!lane.passed.iter().chain(lane.turns.iter()).any(|(rank, _)| ranks.contains(&rank)));
        }
        for (name, lane) in &before.lanes {
            for (rank, until) in lane.passed.iter() {
                let left = until.since(before.own_time(known_until));
                let found = line.lanes[name].passed.get(&rank).unwrap();
                prop_assert_eq!(found.since(line.own_time(now)), left, "time to return");
            }
        }
        let mut in_peace = recorder.bytes[..length].to_vec();
        let sequence = recorder.frames_before(length);
        frame::write(&mut in_peace, sequence, &postcard::to_allocvec(&Record::Closed(known_until)).unwrap());
        let mut told = replay::read(&in_peace);
        told.wake(now);
        let line = &told.lines[room];
        prop_assert_eq!((line.units, line.lead), (0, before.lead));
        prop_assert_eq!((&line.forgotten, line.resumed_at), (&before.forgotten, before.resumed_at));
    }
}

impl Recorder {
    fn frames_before(&self, length: usize) -> u64 {
        let (mut at, mut count) = (frame::HEADER, 0);
        while at < length {
            at += frame::read(&self.bytes[at..]).unwrap().size;
            count += 1;
        }
        count
    }
}
