//! The line in Redis: sorted sets and sets of ranks, one Lua script per verb, the server's clock.
//!
//! All keys of a room share the hash tag `{room}`, so a room lives in one slot of a cluster and rooms spread
//! over it. `lua/prelude.lua` and `lua/waiting.lua` list the keys; an operator reads the line with `redis-cli`:
//!
//! ```text
//! HGETALL  wr:{demo}                             rules, counters, cursors, how many wait in each lane
//! ZRANGE   wr:{demo}:waiting:general 0 0         the first chunk of the line: its base
//! SMEMBERS wr:{demo}:waiting:general:<base>      the ranks in it, less the base
//! ZRANGE   wr:{demo}:active 0 -1 WITHSCORES      who has a session, and until when
//! ```

mod by_hand;
mod connection;
mod decode;
mod fleet;
mod scripts;
pub mod tls;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use redis::{FromRedisValue, Value};

use crate::adaptive::{History, INTERVAL, LoadInterval, LoadReport};
use crate::clock::{Clock, Timestamp, millis};
use crate::name::RoomId;
use crate::rules::Rules;
use crate::ticket::{Place, TicketId};

use self::connection::{Call, Connection, Script};
pub use self::connection::{UrlError, check_url};
use self::decode::Reply;
use self::scripts::Scripts;
use super::{
    BatchId, Drained, ENDED_PER_SNAPSHOT_MAX, Intent, InvitationUse, JOIN_MEMORY, Join, Joined, Memory,
    PageMark, Presence, PresenceAnswer, QueueStore, SESSIONS_PER_PAGE, SessionPage, Snapshot, Standing, Stay,
    StoreError, TURNS_PER_DRAIN_MAX, Voided,
};

/// The line of every room, in Redis. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<Connection>,
    shared: Arc<Shared>,
}

struct Shared {
    scripts: Scripts,
    /// Only tests pass a clock: without one the scripts take the server's.
    clock: Option<Arc<dyn Clock>>,
    /// The rules last told for each room, so that they cross the wire only when they change.
    rules: Mutex<HashMap<RoomId, (u64, Arc<Rules>)>>,
}

impl RedisStore {
    /// A store at `url`: one server (`redis://127.0.0.1:6379/0`), a cluster (`redis+cluster://a:6379,b:6379`),
    /// or the primary that sentinels name (`redis+sentinel://a:26379,b:26379/service`). Connects when first
    /// used, and again whenever a connection is lost.
    ///
    /// # Errors
    /// When `url` is not one of Redis.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::with_clock(url, None)
    }

    /// A store whose scripts go by `clock` instead of the server's. For tests: callers whose clocks differ
    /// would admit too many or too few.
    ///
    /// # Errors
    /// When `url` is not one of Redis.
    pub fn with_clock(url: &str, clock: Option<Arc<dyn Clock>>) -> Result<Self, StoreError> {
        let connection = Connection::open(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let shared = Shared { scripts: Scripts::new(), clock, rules: Mutex::default() };
        Ok(Self { connection: Arc::new(connection), shared: Arc::new(shared) })
    }

    /// Begins a call of `script`: the room's key and the time.
    fn call<'a>(&self, script: &'a Script, room: &RoomId) -> Call<'a> {
        let mut call = script.call(room.as_str());
        call.arg(self.time());
        call
    }

    /// What the scripts are told of the time: nothing, but in tests.
    fn time(&self) -> u64 {
        self.shared.clock.as_ref().map_or(0, |clock| clock.now().as_millis())
    }

    async fn run<T: FromRedisValue>(&self, room: &RoomId, call: &Call<'_>) -> Result<T, StoreError> {
        let answer = self.connection.run(call).await.map_err(|fault| match fault.code() {
            Some("UNKNOWNROOM") => StoreError::UnknownRoom(room.clone()),
            _ => StoreError::Unavailable(fault.to_string()),
        })?;
        T::from_redis_value(answer).map_err(|error| StoreError::Unreadable(error.to_string()))
    }

    async fn standings(
        &self,
        script: &Script,
        room: &RoomId,
        places: &[Place],
    ) -> Result<Vec<Standing>, StoreError> {
        let mut call = self.call(script, room);
        add_places(&mut call, places);
        decode::standings(self.run(room, &call).await?, places.len())
    }

    fn rules_known(&self, room: &RoomId) -> Option<(u64, Arc<Rules>)> {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).get(room).cloned()
    }

    fn remember_rules(&self, room: &RoomId, revision: u64, json: &str) -> Result<Arc<Rules>, StoreError> {
        let rules: Rules = serde_json::from_str(json)
            .map_err(|error| StoreError::Unreadable(format!("the rules of the room: {error}")))?;
        let rules = Arc::new(rules);
        let mut known = self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(room.clone(), (revision, Arc::clone(&rules)));
        Ok(rules)
    }
}

/// What only few joins have, in one word; empty where there is nothing.
fn extras(join: &Join) -> String {
    let Join { drawn, arrived_at, invitation, .. } = join;
    if drawn.is_none() && arrived_at.is_none() && invitation.is_none() {
        return String::new();
    }
    let (drawn, arrived_at) = (drawn.unwrap_or_default(), arrived_at.unwrap_or_default());
    match invitation {
        Some(InvitationUse { id, uses, good_for }) => {
            format!("{drawn} {arrived_at} {id} {uses} {}", millis(*good_for))
        }
        None => format!("{drawn} {arrived_at} - 0 0"),
    }
}

fn add_places(call: &mut Call<'_>, places: &[Place]) {
    for Place { lane, rank, id } in places {
        call.arg(lane.as_str()).arg(rank.get()).arg(id.to_string());
    }
}

#[async_trait]
impl QueueStore for RedisStore {
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        revision: u64,
        memory: &Memory,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(rules).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let lanes: Vec<String> =
            rules.lanes.iter().map(|lane| format!("{}={}", lane.name, lane.weight)).collect();
        let mut call = self.call(&self.shared.scripts.configure, room);
        let cursors: Vec<String> =
            memory.cursors.iter().map(|(lane, cursor)| format!("{lane}={cursor}")).collect();
        call.arg(revision).arg(json).arg(lanes.join(" "));
        call.arg(memory.next_rank.get()).arg(memory.lead).arg(memory.joined_total).arg(memory.admitted_total);
        call.arg(cursors.join(" "))
            .arg(memory.voided_before.as_millis())
            .arg(memory.reset.0.as_millis())
            .arg(memory.reset.1.get())
            .arg(memory.revealed.as_millis())
            .arg("mode")
            .arg(rules.mode.as_str());
        let moment = |moment: Option<Timestamp>| moment.unwrap_or_default().as_millis();
        for (field, value) in [
            ("prequeue_at", moment(rules.prequeue_at)),
            ("opens_at", moment(rules.opens_at)),
            ("closes_at", moment(rules.closes_at)),
            ("drain_per_minute", rules.drain_per_minute),
            ("adaptive", u64::from(rules.adaptive.is_some())),
            ("rate_min", rules.bounded_rate(0)),
            ("rate_max", rules.rate_max()),
            ("burst", rules.burst),
            ("max_active", rules.max_active),
            ("waiting_max", rules.waiting_max),
            ("session", millis(rules.session)),
            ("session_max", millis(rules.session_max)),
            ("claim_window", millis(rules.claim_window)),
            ("return_window", millis(rules.return_window)),
            ("presence_window", millis(rules.presence_window)),
            ("recovery_grace", millis(rules.recovery_grace)),
        ] {
            call.arg(field).arg(value);
        }
        self.run::<Value>(room, &call).await.map(|_| ())
    }

    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        if joins.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.call(&self.shared.scripts.join, room);
        call.arg(batch.to_string()).arg(millis(JOIN_MEMORY));
        for join in joins {
            let intent = match join.intent {
                Intent::EnterOrWait => "both",
                Intent::EnterOnly => "enter",
                Intent::Wait => "wait",
            };
            call.arg(join.lane.as_str()).arg(join.id.to_string()).arg(intent).arg(extras(join));
        }
        let reply: String = self.run(room, &call).await?;
        decode::joined(&reply, joins.len())
    }

    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.standings(&self.shared.scripts.look, room, places).await
    }

    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.standings(&self.shared.scripts.restore, room, places).await
    }

    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.standings(&self.shared.scripts.claim, room, places).await
    }

    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        let mut call = self.call(&self.shared.scripts.leave, room);
        add_places(&mut call, places);
        self.run::<Value>(room, &call).await.map(|_| ())
    }

    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        let mut call = self.call(&self.shared.scripts.end, room);
        for ticket in tickets {
            call.arg(ticket.to_string());
        }
        self.run::<Value>(room, &call).await.map(|_| ())
    }

    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError> {
        let mut call = self.call(&self.shared.scripts.void, room);
        call.arg(before.map_or_else(String::new, |before| before.to_string()));
        let (before, sessions) = self.run(room, &call).await?;
        Ok(Voided { before: Timestamp::from_millis(before), sessions })
    }

    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        let mut call = self.call(&self.shared.scripts.drain, room);
        call.arg(TURNS_PER_DRAIN_MAX);
        decode::drained(self.run(room, &call).await?)
    }

    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        let Presence { waiting, gone, active } = presence;
        let mut call = self.call(&self.shared.scripts.report_presence, room);
        call.arg(waiting.len()).arg(gone.len());
        for place in waiting.iter().chain(gone) {
            call.arg(place.lane.as_str()).arg(place.rank.get());
        }
        for Stay { ticket, stayed, keep_for } in active {
            call.arg(ticket.to_string()).arg(millis(*stayed)).arg(millis(*keep_for));
        }
        decode::presence(self.run(room, &call).await?, waiting)
    }

    async fn report_load(
        &self,
        room: &RoomId,
        report: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError> {
        let mut call = self.call(&self.shared.scripts.report_load, room);
        call.arg(millis(INTERVAL)).arg(report.to_numbers().to_vec());
        decode::load_interval(self.run(room, &call).await?)
    }

    async fn set_rate(
        &self,
        room: &RoomId,
        interval: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError> {
        let mut call = self.call(&self.shared.scripts.set_rate, room);
        call.arg(interval).arg(rate).arg(history.to_string());
        self.run(room, &call).await
    }

    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError> {
        let known = self.rules_known(room);
        let mut call = self.call(&self.shared.scripts.snapshot, room);
        call.arg(known.as_ref().map_or_else(String::new, |(revision, _)| revision.to_string()));
        call.arg(ended_mark).arg(ENDED_PER_SNAPSHOT_MAX);
        let mut reply = Reply::of(self.run(room, &call).await?)?;
        let at = reply.timestamp("now")?;
        let resumed_at = reply.timestamp("resumed_at")?;
        let forgotten = reply.rank_ranges("forgotten")?;
        let lead = reply.take("lead")?;
        let revision = reply.take("revision")?;
        let json: String = reply.take("rules")?;
        let rules = match known {
            Some((_, rules)) if json.is_empty() => rules,
            _ => self.remember_rules(room, revision, &json)?,
        };
        Ok(Snapshot {
            at,
            resumed_at,
            forgotten,
            lead,
            rules,
            revision,
            hold_until: reply.timestamp("hold_until")?,
            rate: reply.take("rate")?,
            active: reply.take("active")?,
            turns: reply.take("turns")?,
            joined_total: reply.take("joined_total")?,
            admitted_total: reply.take("admitted_total")?,
            lapsed_total: reply.take("lapsed_total")?,
            voided_before: reply.timestamp("voided_before")?,
            revealed: reply.timestamp("revealed")?,
            ended: reply.list("ended")?.ticket_ids()?,
            ended_mark: reply.take("ended mark")?,
            by_hand: reply.by_hand()?,
            lanes: reply.lanes()?,
        })
    }

    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError> {
        let mut call = self.call(&self.shared.scripts.sessions, room);
        call.arg(from.until.as_millis()).arg(from.told).arg(SESSIONS_PER_PAGE);
        let sessions = decode::live_sessions(self.run(room, &call).await?)?;
        Ok(SessionPage::of(sessions, from))
    }
}
