//! The peers: the same work by locks around a database, as one would write it with care. A pool of connections,
//! statements that are prepared once, indexes for each, rows with room to be updated in place, locks always taken in the
//! same order, PostgreSQL's own durability.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock as _, Random as _, SystemClock, SystemRandom};
use anyhow::{Context as _, Result, bail};
use redis::aio::MultiplexedConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, PgConnection, Row as _};

use super::asks::{Ask, Asks, PRICE, ROW};
use super::own::{HOLD, SEATS_MAX};
use super::round::{Outcome, Worker};

/// How long the lock is kept at most, should its holder die.
const LOCK_MILLIS: u64 = 5000;
/// The pause of who does not get the lock, from so many microseconds to twice as many.
const PAUSE_MICROS: u64 = 500;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS peer_holds (
    id TEXT PRIMARY KEY,
    peer INTEGER NOT NULL,
    event_id BIGINT NOT NULL,
    fan_id TEXT NOT NULL,
    seats INTEGER NOT NULL,
    amount_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS peer_holds_by_fan ON peer_holds (peer, event_id, fan_id);
CREATE TABLE IF NOT EXISTS peer_seats (
    peer INTEGER NOT NULL,
    event_id BIGINT NOT NULL,
    seat_id TEXT NOT NULL,
    price_cents BIGINT NOT NULL,
    hold_id TEXT,
    held_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (peer, event_id, seat_id)
) WITH (fillfactor = 50);
CREATE OR REPLACE FUNCTION peer_hold(
    which INTEGER, event BIGINT, asked TEXT[], hold TEXT, fan TEXT, most INTEGER, price BIGINT,
    moment BIGINT, until BIGINT
) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
DECLARE
    free BIGINT;
    has BIGINT;
BEGIN
    SELECT count(*) INTO free FROM (
        SELECT held_until FROM peer_seats
         WHERE peer = which AND event_id = event AND seat_id = ANY (asked) ORDER BY seat_id FOR UPDATE) AS locked
     WHERE held_until <= moment;
    IF free < cardinality(asked) THEN RETURN false; END IF;
    SELECT COALESCE(sum(seats), 0) INTO has FROM peer_holds
     WHERE peer = which AND event_id = event AND fan_id = fan AND expires_at > moment;
    IF has + cardinality(asked) > most THEN RETURN false; END IF;
    INSERT INTO peer_holds VALUES
        (hold, which, event, fan, cardinality(asked), price * cardinality(asked), 'EUR', moment, until);
    UPDATE peer_seats SET hold_id = hold, held_until = until
     WHERE peer = which AND event_id = event AND seat_id = ANY (asked);
    RETURN true;
END $$;";

const FILL: &str = "INSERT INTO peer_seats (peer, event_id, seat_id, price_cents)
    SELECT peer, event, 'R' || place / $3 || '-' || (place % $3 + 1), $4
      FROM generate_series(0, 2) AS peer, generate_series(0, $1 - 1) AS event, generate_series(0, $2 - 1) AS place
     ON CONFLICT DO NOTHING";

const LOOK: &str = "SELECT held_until FROM peer_seats
    WHERE peer = $1 AND event_id = $2 AND seat_id = ANY ($3) ORDER BY seat_id";

const LOOK_AND_LOCK: &str = "SELECT held_until FROM peer_seats
    WHERE peer = $1 AND event_id = $2 AND seat_id = ANY ($3) ORDER BY seat_id FOR UPDATE";

const HAS: &str = "SELECT COALESCE(sum(seats), 0) AS has FROM peer_holds
    WHERE peer = $1 AND event_id = $2 AND fan_id = $3 AND expires_at > $4";

const HOLD_THEM: &str = "INSERT INTO peer_holds VALUES ($1, $2, $3, $4, $5, $6, 'EUR', $7, $8)";

const TAKE_THEM: &str = "UPDATE peer_seats SET hold_id = $4, held_until = $5
    WHERE peer = $1 AND event_id = $2 AND seat_id = ANY ($3)";

/// Gives a lock back that is still one's own.
const UNLOCK: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// How seats are kept from others meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `SELECT … FOR UPDATE` on the asked seats; a statement for each step.
    Rows,
    /// The same in one function: one way there and back.
    Function,
    /// `SET NX PX` for the event, and the statements without locks.
    Lock,
}

/// A peer.
#[derive(Clone)]
pub(crate) struct Peer {
    way: Way,
    pool: PgPool,
    redis: MultiplexedConnection,
    pub(crate) asks: Arc<Asks>,
    /// How many events it has seats for.
    events: i64,
}

pub(crate) struct Locks {
    pool: PgPool,
    redis: MultiplexedConnection,
    asks: [Arc<Asks>; 3],
    events: i64,
}

impl Locks {
    pub(crate) async fn open(
        (postgres, redis): (&str, &str),
        connections: u32,
        (rows, events): (u64, u64),
    ) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .connect_with(PgConnectOptions::from_str(postgres)?)
            .await
            .context("no database")?;
        pool.execute(TABLES).await?;
        sqlx::query(FILL)
            .bind(i64::try_from(events)?)
            .bind(i64::try_from(rows * ROW)?)
            .bind(i64::try_from(ROW)?)
            .bind(PRICE)
            .execute(&pool)
            .await?;
        for tidy in ["VACUUM ANALYZE peer_seats", "VACUUM ANALYZE peer_holds", "CHECKPOINT"] {
            pool.execute(tidy).await?;
        }
        let redis = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
        let asks = [(); 3].map(|()| Arc::new(Asks::in_rows(rows)));
        Ok(Self { pool, redis, asks, events: i64::try_from(events)? })
    }

    pub(crate) fn worker(&self, way: Way) -> Worker {
        let [rows, function, lock] = &self.asks;
        let asks = match way {
            Way::Rows => rows,
            Way::Function => function,
            Way::Lock => lock,
        };
        let (pool, redis) = (self.pool.clone(), self.redis.clone());
        Worker::Lock(Peer { way, pool, redis, asks: Arc::clone(asks), events: self.events })
    }
}

/// What is written of one hold.
struct Hold {
    peer: i32,
    event: i64,
    seats: Vec<String>,
    id: String,
    fan: String,
    now: i64,
    until: i64,
}

impl Peer {
    pub(crate) async fn hold(&self, ask: Ask) -> Result<Outcome> {
        let peer = match self.way {
            Way::Rows => 0,
            Way::Function => 1,
            Way::Lock => 2,
        };
        let now = SystemClock.now();
        let hold = Hold {
            peer,
            event: i64::try_from(ask.event)?,
            seats: ask.seats().into(),
            id: random_id()?,
            fan: random_id()?,
            now: i64::try_from(now.as_millis())?,
            until: i64::try_from((now + HOLD).as_millis())?,
        };
        if hold.event >= self.events {
            bail!("the peers have no more seats");
        }
        let is_held = match self.way {
            Way::Rows => self.by_statements(&hold, LOOK_AND_LOCK).await?,
            Way::Function => self.by_function(&hold).await?,
            Way::Lock => self.by_lock(&hold).await?,
        };
        Ok(if is_held { Outcome::Held } else { Outcome::Refused })
    }

    async fn by_statements(&self, hold: &Hold, look: &'static str) -> Result<bool> {
        let mut transaction = self.pool.begin().await?;
        if !hold.is_allowed(&mut transaction, look).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        let quantity = i32::try_from(hold.seats.len())?;
        sqlx::query(HOLD_THEM)
            .bind(&hold.id)
            .bind(hold.peer)
            .bind(hold.event)
            .bind(&hold.fan)
            .bind(quantity)
            .bind(PRICE * i64::from(quantity))
            .bind(hold.now)
            .bind(hold.until)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(TAKE_THEM)
            .bind(hold.peer)
            .bind(hold.event)
            .bind(&hold.seats)
            .bind(&hold.id)
            .bind(hold.until)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn by_function(&self, hold: &Hold) -> Result<bool> {
        let held = sqlx::query_scalar("SELECT peer_hold($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind(hold.peer)
            .bind(hold.event)
            .bind(&hold.seats)
            .bind(&hold.id)
            .bind(&hold.fan)
            .bind(i32::try_from(SEATS_MAX)?)
            .bind(PRICE)
            .bind(hold.now)
            .bind(hold.until)
            .fetch_one(&self.pool)
            .await?;
        Ok(held)
    }

    async fn by_lock(&self, hold: &Hold) -> Result<bool> {
        let (key, mut redis) = (format!("lock:{}", hold.event), self.redis.clone());
        loop {
            let mut lock = redis::cmd("SET");
            lock.arg(&key).arg(&hold.id).arg("NX").arg("PX").arg(LOCK_MILLIS);
            if lock.query_async::<Option<String>>(&mut redis).await?.is_some() {
                break;
            }
            let mut byte = [0];
            SystemRandom.fill(&mut byte)?;
            let more = PAUSE_MICROS * u64::from(byte[0]) / 256;
            tokio::time::sleep(Duration::from_micros(PAUSE_MICROS + more)).await;
        }
        let held = self.by_statements(hold, LOOK).await;
        let mut unlock = redis::cmd("EVAL");
        unlock.arg(UNLOCK).arg(1).arg(&key).arg(&hold.id);
        unlock.query_async::<i64>(&mut redis).await?;
        held
    }
}

impl Hold {
    /// Whether the seats are free, and the fan may have them.
    async fn is_allowed(&self, connection: &mut PgConnection, look: &'static str) -> Result<bool> {
        let seats = sqlx::query(look)
            .bind(self.peer)
            .bind(self.event)
            .bind(&self.seats)
            .fetch_all(&mut *connection)
            .await?;
        let mut free = 0;
        for seat in &seats {
            free += usize::from(seat.try_get::<i64, _>("held_until")? <= self.now);
        }
        if free < self.seats.len() {
            return Ok(false);
        }
        let has: i64 = sqlx::query(HAS)
            .bind(self.peer)
            .bind(self.event)
            .bind(&self.fan)
            .bind(self.now)
            .fetch_one(connection)
            .await?
            .try_get("has")?;
        Ok(has + i64::try_from(free)? <= i64::from(SEATS_MAX))
    }
}

fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
