//! The inventory in Redis: hashes, a sorted set and a stream for each event, one Lua script per verb, the server's
//! clock. Several shops share it.
//!
//! All keys of an event share the hash tag `{event}`; `lua/head.lua` lists them. An operator reads a sale with
//! `redis-cli`:
//!
//! ```text
//! SMEMBERS shop:events               the events that are on sale
//! HGET     shop:{demo}:taken A-1     who has a seat
//! HGETALL  shop:{demo}:holds         every reservation that is known, one line each
//! XINFO    GROUPS shop:{demo}:log    how far the database is behind
//! ```

mod decode;
mod link;
mod log;
mod survey;

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, millis};
use async_trait::async_trait;
use redis::{FromRedisValue, ToRedisArgs, Value};

use self::link::{Fault, Link, Script};
use super::holding::join_words;
use super::{Ask, Held, Holding, Inventory, InventoryError, Keep, Loaded};
use crate::ids::{EventId, FanId, ReservationId};

/// Which events were loaded: a set of their ids.
const EVENTS: &str = "shop:events";

/// The inventory of every event, in Redis.
pub struct RedisInventory {
    link: Link,
    scripts: Scripts,
    /// Only tests pass a clock: without one the scripts take the server's.
    clock: Option<Arc<dyn Clock>>,
}

macro_rules! scripts {
    ($($verb:ident),+) => {
        struct Scripts {
            hold: Script,
            $($verb: Script,)+
        }

        impl Scripts {
            fn new() -> Self {
                Self {
                    // Makes the shared steps when it needs them, which is seldom: they would be half of its cost.
                    hold: Script::new(concat!(
                        include_str!("lua/head.lua"),
                        "\nlocal function steps()\n",
                        include_str!("lua/steps.lua"),
                        "\nreturn lapse, take_number, number_of, free_key\nend\n",
                        include_str!("lua/hold.lua")
                    )),
                    $($verb: Script::new(concat!(
                        include_str!("lua/head.lua"),
                        include_str!("lua/steps.lua"),
                        include_str!(concat!("lua/", stringify!($verb), ".lua"))
                    )),)+
                }
            }
        }
    };
}

scripts!(
    begin_load,
    load,
    release,
    keep,
    put_back,
    sell,
    free,
    lapse,
    look,
    of_fan,
    adopt,
    all,
    restore,
    survey,
    mend,
    retire,
    read,
    acknowledge,
    bury,
    dead,
    unbury,
    backlog
);

impl RedisInventory {
    /// An inventory at `url`, such as `redis://127.0.0.1:6379/0`. Connects when first used, and again whenever the
    /// connection is lost.
    ///
    /// # Errors
    /// When `url` is not one of Redis; the message never has its password.
    pub fn open(url: &str) -> Result<Self, InventoryError> {
        Self::with_clock(url, None)
    }

    /// An inventory whose scripts go by `clock` instead of the server's. For tests: holds would lapse too early or
    /// too late where shops' clocks differ.
    ///
    /// # Errors
    /// When `url` is not one of Redis.
    pub fn with_clock(url: &str, clock: Option<Arc<dyn Clock>>) -> Result<Self, InventoryError> {
        let link = Link::to(url).map_err(InventoryError::Unavailable)?;
        Ok(Self { link, scripts: Scripts::new(), clock })
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        event: &EventId,
        call: Call,
    ) -> Result<T, InventoryError> {
        // What the scripts are told of the time: nothing but in tests.
        let time = self.clock.as_ref().map(|clock| clock.now());
        let answer = self.link.run(script, &format!("shop:{{{event}}}"), time, &call.0).await;
        read(answer)
    }
}

fn read<T: FromRedisValue>(answer: Result<Value, Fault>) -> Result<T, InventoryError> {
    let answer = answer.map_err(|fault| match fault {
        Fault::Refused(code, _) if code == "NOTLOADED" => InventoryError::NotLoaded,
        Fault::Refused(_, text) | Fault::Away(text) => InventoryError::Unavailable(text),
    })?;
    T::from_redis_value(answer).map_err(|error| InventoryError::Unreadable(error.to_string()))
}

/// The arguments of a script, after what it is told of time and server.
#[derive(Default)]
struct Call(Vec<Vec<u8>>);

impl Call {
    fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.0);
        self
    }
}

/// Whether `url` says how to reach a Redis.
///
/// # Errors
/// When it does not: what is wrong, without the password.
pub fn check_url(url: &str) -> Result<(), String> {
    Link::to(url).map(drop)
}

#[async_trait]
impl Inventory for RedisInventory {
    async fn begin_load(
        &self,
        event: &EventId,
        loader: &str,
        turn: Duration,
    ) -> Result<bool, InventoryError> {
        let mut call = Call::default();
        call.arg(loader).arg(millis(turn));
        self.run(&self.scripts.begin_load, event, call).await
    }

    async fn load(&self, event: &EventId, holdings: &[Holding]) -> Result<Loaded, InventoryError> {
        // Named first: an event that is loaded and not named would have nobody who reads its log.
        let mut name = redis::cmd("SADD");
        name.arg(EVENTS).arg(event.as_str());
        read::<Value>(self.link.command(&name).await)?;
        let mut call = Call::default();
        for holding in holdings {
            call.arg(holding.id.as_str()).arg(holding.to_line());
        }
        let now: bool = self.run(&self.scripts.load, event, call).await?;
        Ok(if now { Loaded::Now } else { Loaded::Before })
    }

    async fn events(&self) -> Result<Vec<EventId>, InventoryError> {
        let mut names = redis::cmd("SMEMBERS");
        names.arg(EVENTS);
        let names: Vec<String> = read(self.link.command(&names).await)?;
        let mut events: Vec<_> = names.iter().filter_map(|name| EventId::parse(name).ok()).collect();
        events.sort();
        Ok(events)
    }

    async fn hold(&self, event: &EventId, ask: &Ask) -> Result<Held, InventoryError> {
        let Ask { id, fan, ticket, duration, seats_max, currency, seats, general } = ask;
        let mut words = format!("{currency} ");
        join_words(&mut words, seats);
        let alike = seats.iter().filter(|seat| seat.general).count();
        let mut call = Call::default();
        call.arg(id.as_str()).arg(fan.as_str()).arg(ticket.as_deref().unwrap_or("-")).arg(millis(*duration));
        call.arg(seats_max).arg(words).arg(alike).arg(general.len());
        for ask in general {
            call.arg(&ask.section).arg(ask.price_cents).arg(ask.place).arg(ask.quantity).arg(ask.capacity);
        }
        for seat in seats {
            call.arg(seat.id.as_str());
        }
        decode::held(ask, self.run(&self.scripts.hold, event, call).await?)
    }

    async fn release(
        &self,
        event: &EventId,
        id: &ReservationId,
        fan: &FanId,
    ) -> Result<Option<Holding>, InventoryError> {
        let mut call = Call::default();
        call.arg(id.as_str()).arg(fan.as_str());
        decode::line(id, self.run(&self.scripts.release, event, call).await?)
    }

    async fn keep(&self, event: &EventId, id: &ReservationId, fan: &FanId) -> Result<Keep, InventoryError> {
        let mut call = Call::default();
        call.arg(id.as_str()).arg(fan.as_str());
        decode::keep(decode::line(id, self.run(&self.scripts.keep, event, call).await?)?)
    }

    async fn put_back(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError> {
        let mut call = Call::default();
        call.arg(id.as_str());
        decode::line(id, self.run(&self.scripts.put_back, event, call).await?)
    }

    async fn sell(&self, event: &EventId, id: &ReservationId) -> Result<bool, InventoryError> {
        let mut call = Call::default();
        call.arg(id.as_str());
        self.run(&self.scripts.sell, event, call).await
    }

    async fn free(&self, event: &EventId, id: &ReservationId) -> Result<bool, InventoryError> {
        let mut call = Call::default();
        call.arg(id.as_str());
        self.run(&self.scripts.free, event, call).await
    }

    async fn lapse(&self, event: &EventId, limit: u32) -> Result<u32, InventoryError> {
        let mut call = Call::default();
        call.arg(limit);
        self.run(&self.scripts.lapse, event, call).await
    }

    async fn look(&self, event: &EventId, id: &ReservationId) -> Result<Option<Holding>, InventoryError> {
        let mut call = Call::default();
        call.arg(id.as_str());
        decode::line(id, self.run(&self.scripts.look, event, call).await?)
    }

    async fn of_fan(&self, event: &EventId, fan: &FanId) -> Result<Vec<Holding>, InventoryError> {
        let mut call = Call::default();
        call.arg(fan.as_str());
        let lines: Vec<String> = self.run(&self.scripts.of_fan, event, call).await?;
        decode::holdings(&lines)
    }

    async fn adopt(&self, event: &EventId, guest: &FanId, fan: &FanId) -> Result<u32, InventoryError> {
        let mut call = Call::default();
        call.arg(guest.as_str()).arg(fan.as_str());
        self.run(&self.scripts.adopt, event, call).await
    }

    async fn all(&self, event: &EventId) -> Result<Vec<Holding>, InventoryError> {
        let (now, lines): (u64, Vec<String>) = self.run(&self.scripts.all, event, Call::default()).await?;
        decode::having_seats(now, &lines)
    }

    async fn restore(&self, event: &EventId, holding: &Holding) -> Result<bool, InventoryError> {
        let mut call = Call::default();
        call.arg(holding.id.as_str()).arg(holding.to_line());
        self.run(&self.scripts.restore, event, call).await
    }

    async fn mend(&self, event: &EventId, sections: &[(String, u32)]) -> Result<u32, InventoryError> {
        let survey = self.run(&self.scripts.survey, event, Call::default()).await?;
        let doubts = survey::doubts(survey, sections)?;
        if doubts.is_empty() {
            return Ok(0);
        }
        // Nothing stood still meanwhile: the script looks again, and leaves alone what is right.
        let mut call = Call::default();
        call.arg(doubts.seats.len());
        for (seat, owner) in &doubts.seats {
            call.arg(seat).arg(owner);
        }
        for (section, capacity) in &doubts.sections {
            call.arg(section).arg(capacity);
        }
        self.run(&self.scripts.mend, event, call).await
    }

    async fn retire(&self, event: &EventId, after: Duration) -> Result<bool, InventoryError> {
        let mut call = Call::default();
        call.arg(millis(after));
        let is_gone: bool = self.run(&self.scripts.retire, event, call).await?;
        if is_gone {
            let mut name = redis::cmd("SREM");
            name.arg(EVENTS).arg(event.as_str());
            read::<Value>(self.link.command(&name).await)?;
        }
        Ok(is_gone)
    }

    async fn ping(&self) -> Result<(), InventoryError> {
        read::<Value>(self.link.command(&redis::cmd("PING")).await).map(drop)
    }
}

#[cfg(test)]
mod tests {
    /// The scripts repeat numbers that Rust code defines; this keeps them the same.
    #[test]
    fn the_scripts_agree_with_the_constants() {
        let head = include_str!("lua/head.lua");
        assert!(head.contains(&format!("local LAPSE_MAX = {}\n", crate::inventory::LAPSE_MAX)));
    }

    #[test]
    fn a_url_is_checked_and_its_password_not_told() {
        for url in [
            "redis://127.0.0.1:6379/0",
            "redis://:secret@h:1/2",
            "rediss://u:secret@h:1/2",
            "unix:///run/redis.sock?db=1",
        ] {
            assert_eq!(super::check_url(url), Ok(()), "{url}");
        }
        for url in
            ["", "http://u:hunter2@a:1", "redis://u:hunter2@a:port", "rediss://u:hunter2@a:1?ca=/nowhere"]
        {
            let error = super::check_url(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
