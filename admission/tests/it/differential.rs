//! Random operations on both stores at once: every answer has to be the same.
//!
//! Set `STANCHION_SEED` to repeat a run; a failure prints its seed.

use std::time::Duration;

use admission::clock::{Clock, SystemClock};
use admission::rules::{Mode, Rules};
use admission::store::{Intent, Join, Joined, Presence, Standing};
use admission::ticket::{Place, TicketId};

use crate::support::{Kind, Line, lane, two_lanes};

const RUNS: u64 = 12;
const STEPS: u64 = 400;

/// SplitMix64 (Steele, Lea and Flood 2014): small, and good enough to pick operations with.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn ticket_id(&mut self) -> TicketId {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        TicketId::from_bytes(bytes)
    }
}

fn some_rules(dice: &mut Dice) -> Rules {
    let mode = [Mode::Auto, Mode::Auto, Mode::Always, Mode::Always, Mode::Paused, Mode::Closed]
        [dice.below(6) as usize];
    let drain_per_minute = [0, 60, 600, 6000][dice.below(4) as usize];
    Rules {
        mode,
        drain_per_minute,
        burst: Rules::default_burst(drain_per_minute) + dice.below(3),
        max_active: 1 + dice.below(30),
        waiting_max: 20 + dice.below(200),
        session: Duration::from_secs(5 + dice.below(60)),
        session_max: Duration::from_secs(3600),
        claim_window: Duration::from_secs(1 + dice.below(20)),
        return_window: Duration::from_secs(dice.below(60)),
        presence_window: Duration::from_secs(1 + dice.below(10)),
        recovery_grace: Duration::from_secs(dice.below(5)),
        lanes: two_lanes(),
    }
}

/// Two lines that live through the same.
struct Pair {
    memory: Line,
    redis: Line,
    places: Vec<Place>,
    ended_mark: u64,
}

impl Pair {
    fn lines(&self) -> [&Line; 2] {
        [&self.memory, &self.redis]
    }

    fn some_places(&self, dice: &mut Dice, most: u64) -> Vec<Place> {
        (0..dice.below(most))
            .filter_map(|_| self.places.get(dice.below(self.places.len().max(1) as u64) as usize).cloned())
            .collect()
    }

    async fn join(&mut self, dice: &mut Dice) {
        let joins: Vec<Join> = (0..=dice.below(12))
            .map(|_| Join {
                lane: lane(["general", "member", "nowhere"][[0, 0, 0, 1, 1, 2][dice.below(6) as usize]]),
                id: dice.ticket_id(),
                intent: [Intent::EnterOrWait, Intent::EnterOnly, Intent::Wait][dice.below(3) as usize],
            })
            .collect();
        let batch = dice.ticket_id();
        let mut answers = Vec::new();
        for line in self.lines() {
            answers.push(line.store.join(&line.room, batch, &joins).await.unwrap());
            answers.push(line.store.join(&line.room, batch, &joins).await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        for (join, joined) in joins.iter().zip(&answers[0]) {
            if let Joined::Entered { rank, .. } | Joined::Waiting { rank, .. } = joined {
                self.places.push(Place { lane: join.lane.clone(), rank: *rank, id: join.id });
            }
        }
    }

    async fn standings(&self, verb: u64, places: &[Place]) {
        let mut answers: Vec<Vec<Standing>> = Vec::new();
        for line in self.lines() {
            answers.push(match verb {
                0 => line.store.look(&line.room, places).await.unwrap(),
                1 => line.store.claim(&line.room, places).await.unwrap(),
                _ => line.store.restore(&line.room, places).await.unwrap(),
            });
        }
        assert_eq!(answers[0], answers[1], "verb {verb} on {places:?}");
    }

    async fn step(&mut self, dice: &mut Dice) {
        match dice.below(20) {
            0..4 => self.join(dice).await,
            4..7 => {
                let seen = Presence {
                    waiting: self.some_places(dice, 60),
                    active: self.some_places(dice, 4).iter().map(|place| place.id).collect(),
                };
                let memory = self.memory.store.report_presence(&self.memory.room, &seen).await.unwrap();
                let redis = self.redis.store.report_presence(&self.redis.room, &seen).await.unwrap();
                assert_eq!(memory, redis);
            }
            7..10 => {
                let memory = self.memory.store.drain(&self.memory.room).await.unwrap();
                assert_eq!(memory, self.redis.store.drain(&self.redis.room).await.unwrap());
            }
            10..13 => {
                let places = self.some_places(dice, 20);
                self.standings(dice.below(3), &places).await;
            }
            13 => {
                let places = self.some_places(dice, 5);
                for line in self.lines() {
                    line.store.leave(&line.room, &places).await.unwrap();
                }
            }
            14 => {
                let tickets: Vec<TicketId> = self.some_places(dice, 5).iter().map(|place| place.id).collect();
                for line in self.lines() {
                    line.store.end(&line.room, &tickets).await.unwrap();
                }
            }
            15 if dice.below(3) == 0 => {
                let rules = some_rules(dice);
                for line in self.lines() {
                    line.configure(rules.clone()).await;
                }
            }
            16 if dice.below(20) == 0 => {
                let rules = some_rules(dice);
                self.memory.lose_all_data(rules.clone()).await;
                self.redis.lose_all_data(rules).await;
                self.ended_mark = 0;
            }
            17 if dice.below(5) == 0 => {
                let back = Duration::from_millis(dice.below(3000));
                self.lines().iter().for_each(|line| line.clock.go_back(back));
            }
            _ => {
                let most = [50, 1000, 10_000][dice.below(3) as usize];
                let ahead = Duration::from_millis(dice.below(most));
                self.lines().iter().for_each(|line| line.clock.advance(ahead));
            }
        }
        let memory = self.memory.store.snapshot(&self.memory.room, self.ended_mark).await.unwrap();
        let redis = self.redis.store.snapshot(&self.redis.room, self.ended_mark).await.unwrap();
        // Sessions that end in one sweep end in the order of their ids' bytes here and of their text there.
        let (mut memory, mut redis) = (memory, redis);
        memory.ended.sort();
        redis.ended.sort();
        // Each cuts its ladder where it can; what they tell of any rank is within the same bound.
        for (memory, redis) in memory.lanes.iter_mut().zip(&mut redis.lanes) {
            for place in
                self.places.iter().filter(|place| place.lane == memory.name && place.rank < memory.next_rank)
            {
                let (told, also) = (memory.ladder.ahead(place.rank), redis.ladder.ahead(place.rank));
                assert!(told.abs_diff(also) <= (told / 100).max(1), "{told} and {also} before {place:?}");
            }
            assert_eq!(memory.ladder.waiting(), redis.ladder.waiting());
            memory.ladder = redis.ladder.clone();
        }
        assert_eq!(memory, redis);
        self.ended_mark = memory.ended_mark;
    }
}

#[tokio::test]
async fn both_stores_give_the_same_answers() {
    let first = std::env::var("STANCHION_SEED").ok().and_then(|seed| seed.parse().ok());
    let runs = if first.is_some() { 1 } else { RUNS };
    let first: u64 = first.unwrap_or_else(|| SystemClock.now().as_millis());
    for seed in first..first + runs {
        println!("STANCHION_SEED={seed}");
        let mut dice = Dice(seed);
        let rules = some_rules(&mut dice);
        let mut pair = Pair {
            memory: Line::start(Kind::Memory, rules.clone()).await,
            redis: Line::start(Kind::Redis, rules).await,
            places: vec![],
            ended_mark: 0,
        };
        for _ in 0..STEPS {
            pair.step(&mut dice).await;
        }
    }
}
