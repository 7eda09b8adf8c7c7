//! Random operations on both inventories at once: every answer has to be the same.
//!
//! Set `STANCHION_SEED` to repeat a run; a failure prints its seed.

use std::time::Duration;

use admission::clock::{Clock, SystemClock};
use origin_app::ids::FanId;
use origin_app::inventory::{Ask, Held, HeldSeat, Holding, HoldingState, LogEntry};

use super::{Stage, fan, general, seat};

const RUNS: u64 = 12;
const STEPS: u64 = 400;
const READER: &str = "reader";

/// SplitMix64 (Steele, Lea and Flood 2014): small, and good enough to pick operations with.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len().max(1) as u64) as usize)
    }
}

/// Two inventories that live through the same.
struct Pair {
    memory: Stage,
    redis: Stage,
    fans: Vec<FanId>,
    holdings: Vec<Holding>,
}

/// Asks both, and gives the answer that both gave.
macro_rules! both {
    ($pair:expr, $stage:ident => $ask:expr) => {{
        let here = {
            let $stage = &$pair.memory;
            $ask.await
        };
        let there = {
            let $stage = &$pair.redis;
            $ask.await
        };
        assert_eq!(here, there);
        here
    }};
}

/// Entries without their marks, which each store makes its own way.
fn told(entries: &[LogEntry]) -> Vec<(u64, Holding)> {
    entries.iter().map(|entry| (entry.at.as_millis(), entry.holding.clone().unwrap())).collect()
}

impl Pair {
    fn some_ask(&self, dice: &mut Dice) -> Ask {
        let fan = dice.of(&self.fans).unwrap().clone();
        let mut ask = self.memory.ask(&fan, &[]);
        let first = 1 + dice.below(30);
        ask.seats = (first..first + dice.below(4)).map(|number| seat(&format!("A-{number}"))).collect();
        if dice.below(2) == 0 {
            ask.general.push(general("GA", 1 + dice.below(3) as u32, 10));
        }
        if dice.below(6) == 0 {
            ask.general.push(general("HALL", 1 + dice.below(3) as u32, 5));
        }
        if dice.below(5) == 0 {
            let number = 1 + dice.below(10);
            ask.seats.push(HeldSeat { general: true, ..seat(&format!("GA-{number}")) });
        }
        if ask.quantity() == 0 {
            ask.seats.push(seat("A-1"));
        }
        ask.ticket = (dice.below(2) == 0).then(|| format!("t{}", dice.below(4)));
        ask.duration = Duration::from_secs(5 + dice.below(30));
        ask
    }

    async fn step(&mut self, dice: &mut Dice) {
        let some = dice.of(&self.holdings).cloned();
        match (dice.below(20), some) {
            (0..6, _) | (_, None) => {
                let ask = self.some_ask(dice);
                let held = both!(self, stage => stage.inventory.hold(&stage.event, &ask));
                if let Ok(Held::Held(holding)) = held {
                    self.holdings.push(holding);
                }
            }
            (6..8, Some(some)) => {
                both!(self, stage => stage.inventory.release(&stage.event, &some.id, &some.fan)).unwrap();
            }
            (8..10, Some(some)) => {
                let stranger = dice.below(8) == 0;
                let fan = if stranger { fan() } else { some.fan.clone() };
                both!(self, stage => stage.inventory.keep(&stage.event, &some.id, &fan)).unwrap();
            }
            (10, Some(some)) => {
                both!(self, stage => stage.inventory.put_back(&stage.event, &some.id)).unwrap();
            }
            (11, Some(some)) => {
                both!(self, stage => stage.inventory.sell(&stage.event, &some.id)).unwrap();
            }
            (12, Some(some)) => {
                both!(self, stage => stage.inventory.free(&stage.event, &some.id)).unwrap();
            }
            (13, _) => {
                let limit = dice.below(4) as u32;
                both!(self, stage => stage.inventory.lapse(&stage.event, limit)).unwrap();
            }
            (14, Some(mut some)) => {
                let state = [HoldingState::Held, HoldingState::Kept, HoldingState::Sold];
                some.state = *dice.of(&state).unwrap();
                some.expires_at = self.memory.now() + Duration::from_secs(dice.below(20));
                both!(self, stage => stage.inventory.restore(&stage.event, &some)).unwrap();
            }
            (17, _) if dice.below(4) == 0 => {
                let guest = dice.of(&self.fans).unwrap().clone();
                let fan = dice.of(&self.fans).unwrap();
                if guest != *fan {
                    both!(self, stage => stage.inventory.adopt(&stage.event, &guest, fan)).unwrap();
                }
            }
            (15, _) if dice.below(10) == 0 => {
                let mut known = self.memory.inventory.all(&self.memory.event).await.unwrap();
                known.sort_by(|one, other| one.id.cmp(&other.id));
                known.truncate(dice.below(10) as usize);
                self.memory.lose_everything();
                self.redis.lose_everything();
                let ask = self.some_ask(dice);
                both!(self, stage => stage.inventory.hold(&stage.event, &ask)).unwrap_err();
                both!(self, stage => stage.inventory.load(&stage.event, &known)).unwrap();
            }
            (16, _) => {
                let limit = 1 + dice.below(12) as u32;
                let one =
                    self.memory.inventory.read(&self.memory.event, READER, limit).await.unwrap().unwrap();
                let other =
                    self.redis.inventory.read(&self.redis.event, READER, limit).await.unwrap().unwrap();
                assert_eq!(told(&one), told(&other));
                let upto = dice.below(one.len() as u64 + 1) as usize;
                self.memory.inventory.acknowledge(&self.memory.event, &one[..upto]).await.unwrap();
                self.redis.inventory.acknowledge(&self.redis.event, &other[..upto]).await.unwrap();
            }
            _ => {
                let most = [50, 1000, 10_000][dice.below(3) as usize];
                let ahead = Duration::from_millis(dice.below(most));
                self.memory.clock.advance(ahead);
                self.redis.clock.advance(ahead);
            }
        }
        self.compare(dice).await;
    }

    async fn compare(&self, dice: &mut Dice) {
        let mut one = self.memory.inventory.all(&self.memory.event).await.unwrap();
        let mut other = self.redis.inventory.all(&self.redis.event).await.unwrap();
        one.sort_by(|one, other| one.id.cmp(&other.id));
        other.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(one, other);
        let mut seats: Vec<_> = one.iter().flat_map(|holding| &holding.seats).map(|seat| &seat.id).collect();
        seats.sort();
        assert!(seats.windows(2).all(|pair| pair[0] != pair[1]), "a seat has two owners: {one:#?}");
        let fan = dice.of(&self.fans).unwrap();
        both!(self, stage => stage.inventory.of_fan(&stage.event, fan)).unwrap();
        if let Some(some) = dice.of(&self.holdings) {
            both!(self, stage => stage.inventory.look(&stage.event, &some.id)).unwrap();
        }
        // Whatever happened, nobody changed anything from outside.
        let sections = [("GA".to_owned(), 10), ("HALL".to_owned(), 5)];
        assert_eq!(both!(self, stage => stage.inventory.mend(&stage.event, &sections)), Ok(0));
        let backlog = both!(self, stage => stage.inventory.backlog(&stage.event)).unwrap();
        assert_eq!(backlog.dead, 0);
    }
}

#[tokio::test]
async fn both_inventories_give_the_same_answers() {
    let first = std::env::var("STANCHION_SEED").ok().and_then(|seed| seed.parse().ok());
    let runs = if first.is_some() { 1 } else { RUNS };
    let first: u64 = first.unwrap_or_else(|| SystemClock.now().as_millis());
    for seed in first..first + runs {
        println!("STANCHION_SEED={seed}");
        let mut dice = Dice(seed);
        let mut pair = Pair {
            memory: Stage::in_memory().await,
            redis: Stage::in_redis().await,
            fans: (0..6).map(|_| fan()).collect(),
            holdings: Vec::new(),
        };
        for _ in 0..STEPS {
            pair.step(&mut dice).await;
        }
    }
}
