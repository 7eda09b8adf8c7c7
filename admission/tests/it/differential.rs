//! Random operations on both stores at once: every answer has to be the same.
//!
//! Set `STANCHION_SEED` to repeat a run; a failure prints its seed.

use std::time::Duration;

use admission::clock::{Clock, SystemClock, Timestamp};
use admission::rank::Rank;
use admission::rules::{AdaptiveDrain, Mode, Rules};
use admission::store::{Intent, InvitationUse, Join, Joined, Memory, Presence, Relocation, Standing, Stay};
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

fn some_rules(dice: &mut Dice, now: Timestamp) -> Rules {
    let mode = [Mode::Auto, Mode::Auto, Mode::Always, Mode::Always, Mode::Paused, Mode::Closed]
        [dice.below(6) as usize];
    let drain_per_minute = [0, 60, 600, 6000][dice.below(4) as usize];
    let soon = |dice: &mut Dice, within| now + Duration::from_millis(dice.below(within));
    let times = match dice.below(6) {
        0 => {
            let prequeue_at = soon(dice, 5000);
            (Some(prequeue_at), Some(prequeue_at + Duration::from_secs(40)), None)
        }
        1 => (None, Some(soon(dice, 10_000)), None),
        2 => (None, None, Some(soon(dice, 30_000))),
        _ => (None, None, None),
    };
    let adaptive = (drain_per_minute > 0 && dice.below(4) == 0)
        .then(|| AdaptiveDrain { min: 30 + dice.below(100), max: 600 });
    Rules {
        mode,
        prequeue_at: times.0,
        opens_at: times.1,
        closes_at: times.2,
        adaptive,
        drain_per_minute,
        burst: Rules::default_burst(drain_per_minute.max(600)) + dice.below(3),
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
    rules: Rules,
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

    fn some_join(&self, dice: &mut Dice) -> Join {
        let now = self.memory.clock.now();
        let rules = self.rules.clone();
        // From few numbers, so that some are drawn twice.
        let drawn = rules.prequeue_at.map(|at| Rank::new(Rank::first_of(at).get() + dice.below(60)));
        let arrived_at = (dice.below(6) == 0).then(|| now - Duration::from_millis(dice.below(20_000)));
        let invitation = (dice.below(6) == 0).then(|| {
            let number = dice.below(4) as u8;
            let uses = 1 + u32::from(number) % 3;
            InvitationUse {
                id: TicketId::from_bytes([number; 12]),
                uses,
                good_for: Duration::from_secs(3600),
            }
        });
        let id = match &invitation {
            Some(InvitationUse { id, uses: 1, .. }) => *id,
            _ => dice.ticket_id(),
        };
        Join {
            lane: lane(["general", "member", "nowhere"][[0, 0, 0, 1, 1, 2][dice.below(6) as usize]]),
            id,
            intent: [Intent::EnterOrWait, Intent::EnterOnly, Intent::Wait][dice.below(3) as usize],
            drawn,
            arrived_at,
            invitation,
        }
    }

    async fn join(&mut self, dice: &mut Dice) {
        let joins: Vec<Join> = (0..=dice.below(12)).map(|_| self.some_join(dice)).collect();
        let batch = dice.ticket_id();
        let mut answers = Vec::new();
        for line in self.lines() {
            answers.push(line.store.join(&line.room, batch, &joins).await.unwrap());
            answers.push(line.store.join(&line.room, batch, &joins).await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        for (join, joined) in joins.iter().zip(&answers[0]) {
            let rank = match joined {
                Joined::Entered { rank, .. } | Joined::Waiting { rank, .. } => Some(*rank),
                Joined::Drawn => join.drawn,
                _ => None,
            };
            if let Some(rank) = rank {
                self.places.push(Place { lane: join.lane.clone(), rank, id: join.id });
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
                let stay = |place: &Place| Stay {
                    ticket: place.id,
                    stayed: Duration::from_millis(dice.0 % 90_000),
                    keep_for: Duration::from_millis(dice.0 % 50_000),
                };
                let active = self.some_places(&mut Dice(dice.0), 4).iter().map(stay).collect();
                let seen =
                    Presence { waiting: self.some_places(dice, 60), gone: self.some_places(dice, 3), active };
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
            19 if dice.below(4) == 0 => {
                let earlier = Duration::from_millis(dice.below(20_000));
                let before = (dice.below(2) == 0).then(|| self.memory.clock.now() - earlier);
                let memory = self.memory.store.void(&self.memory.room, before).await.unwrap();
                assert_eq!(memory, self.redis.store.void(&self.redis.room, before).await.unwrap());
            }
            19 if dice.below(3) == 0 => {
                let places = self.some_places(dice, 3);
                let (memory, redis) = (self.memory.desk(), self.redis.desk());
                let here = memory.admit(&self.memory.room, &places).await.unwrap();
                assert_eq!(here, redis.admit(&self.redis.room, &places).await.unwrap(), "{places:?}");
            }
            19 if dice.below(4) == 0 => {
                let id = TicketId::from_bytes([dice.below(4) as u8; 12]);
                let until = self.memory.clock.now() + Duration::from_millis(dice.below(20_000));
                let mut told = Vec::new();
                for line in self.lines() {
                    line.desk().withdraw(&line.room, &[(id, until)]).await.unwrap();
                    told.push(line.desk().invitations(&line.room, 10).await.unwrap());
                }
                assert_eq!(told[0], told[1]);
            }
            19 if dice.below(2) == 0 => {
                let lane = lane(["general", "member", "nowhere"][dice.below(3) as usize]);
                let behind = self.some_places(dice, 2).first().map(|place| place.rank);
                let id = dice.ticket_id();
                if let Some(from) = self.some_places(dice, 2).pop() {
                    let wanted = Relocation { from, lane, behind, id };
                    let (memory, redis) = (self.memory.desk(), self.redis.desk());
                    let here = memory.relocate(&self.memory.room, &wanted).await.unwrap();
                    assert_eq!(here, redis.relocate(&self.redis.room, &wanted).await.unwrap(), "{wanted:?}");
                    self.places.extend(here);
                }
            }
            19 if dice.below(12) == 0 => {
                let since = self.memory.clock.now() - Duration::from_millis(dice.below(20_000));
                let (memory, redis) = (self.memory.desk(), self.redis.desk());
                let here = memory.reset(&self.memory.room, since).await.unwrap();
                assert_eq!(here, redis.reset(&self.redis.room, since).await.unwrap());
            }
            15 if dice.below(3) == 0 => {
                self.rules = some_rules(dice, self.memory.clock.now());
                for line in self.lines() {
                    line.configure(self.rules.clone()).await;
                }
            }
            16 if dice.below(20) == 0 => {
                self.rules = some_rules(dice, self.memory.clock.now());
                let memory = match dice.below(2) {
                    0 => Memory::default(),
                    _ => Memory::of(&self.memory.snapshot().await),
                };
                self.memory.lose_all_data_but(self.rules.clone(), &memory).await;
                self.redis.lose_all_data_but(self.rules.clone(), &memory).await;
                self.ended_mark = 0;
            }
            18 if dice.below(20) == 0 => {
                let replicas = [self.memory.replica(), self.redis.replica()];
                self.lines().iter().for_each(|line| line.clock.advance(Duration::from_millis(1500)));
                let [memory, redis] = replicas;
                self.memory.fail_over(memory);
                self.redis.fail_over(redis);
                // The one in memory knows at once; the server finds out when it is first asked.
                self.redis.snapshot().await;
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
        let rules = some_rules(&mut dice, Timestamp::from_millis(1_800_000_000_000));
        let mut pair = Pair {
            memory: Line::start(Kind::Memory, rules.clone()).await,
            redis: Line::start(Kind::Redis, rules.clone()).await,
            rules,
            places: vec![],
            ended_mark: 0,
        };
        for _ in 0..STEPS {
            pair.step(&mut dice).await;
        }
    }
}
