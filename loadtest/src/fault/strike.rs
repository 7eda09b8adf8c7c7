//! What can happen to a system in the middle of a sale, and how to make it happen.

use std::time::Duration;

use anyhow::Result;

use crate::stack::Stack;
use crate::story::Watch;

/// How old the data is that a Redis comes back with, or that a replica has.
const STALE: Duration = Duration::from_secs(1);
/// How long something stays dead.
const DEAD: Duration = Duration::from_millis(500);
/// A slow Redis does nothing for so long at a time, and then works for a moment.
const SLOW_STOP: Duration = Duration::from_millis(700);
const SLOW_WORK: Duration = Duration::from_millis(50);

/// Calls of the store that a proxy makes one after another, from one drain to the next at most.
const CALLS_PER_TICK: u32 = 8;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// Redis is told to forget everything.
    Flushall,
    /// Redis is killed, and comes back with nothing.
    RedisRestartedEmpty,
    /// Redis is killed, and comes back with what it knew a second before.
    RedisLostLastSecond,
    /// A replica that was cut off a second ago takes the place of a Redis that is killed.
    StaleReplica,
    /// Redis does not answer; its connections stay open.
    RedisStopped,
    /// Redis answers late, and seldom in time.
    RedisSlow,
    /// One proxy is killed, and started again.
    ProxyKilled,
    /// All proxies are killed at once, and started again.
    AllProxiesKilled,
    /// All proxies and Redis are killed at once; Redis comes back with nothing.
    PowerCut,
}

impl Fault {
    /// Whether fans no longer hear of turns that came just before: the store lost them, or does not answer.
    const fn stops_news(self) -> bool {
        match self {
            Self::Flushall
            | Self::RedisRestartedEmpty
            | Self::RedisLostLastSecond
            | Self::StaleReplica
            | Self::RedisStopped
            | Self::PowerCut => true,
            Self::RedisSlow | Self::ProxyKilled | Self::AllProxiesKilled => false,
        }
    }

    /// How much later fans hear of turns meanwhile: each edge only when it has been through all calls of a tick.
    fn news_late(self) -> Duration {
        if self == Self::RedisSlow { SLOW_STOP * CALLS_PER_TICK } else { Duration::ZERO }
    }

    /// Whether somebody remembers afterwards which sessions are over.
    pub(super) const fn keeps_who_ended(self) -> bool {
        !matches!(self, Self::PowerCut)
    }
}

/// What happened, and when.
#[derive(Clone, Debug)]
pub(super) struct Struck {
    /// From when.
    pub(super) from_ms: u64,
    /// Until everything ran again.
    pub(super) to_ms: u64,
    /// For the report.
    pub(super) told: String,
    /// Which edges were killed.
    pub(super) edges_killed: std::ops::Range<usize>,
    /// Whether fans heard no more of turns that came just before.
    pub(super) news_stopped: bool,
    /// How much later fans heard of turns meanwhile.
    pub(super) news_late_ms: u64,
    /// Whether the store was there and did not answer, so that newcomers have to get a provisional ticket.
    pub(super) was_away: bool,
    /// Whether all fans were cut off, and the line waits until they are back.
    pub(super) line_waited: bool,
}

/// Makes `fault` happen, and waits until everything runs again.
pub(super) async fn strike(
    stack: &mut Stack,
    fault: Fault,
    length: Duration,
    watch: Watch,
) -> Result<Struck> {
    let mut from_ms = watch.ms();
    let proxies = stack.edges().len();
    let mut edges_killed = 0..0;
    let what = match fault {
        Fault::Flushall => {
            stack.redis()?.flush_all().await?;
            "Redis was told to forget everything".to_owned()
        }
        Fault::RedisRestartedEmpty => {
            let redis = stack.redis()?;
            redis.kill();
            tokio::time::sleep(DEAD).await;
            redis.restart_empty().await?;
            "Redis was killed and came back empty".to_owned()
        }
        Fault::RedisLostLastSecond => {
            let redis = stack.redis()?;
            redis.save().await?;
            tokio::time::sleep(STALE).await;
            from_ms = watch.ms();
            redis.kill();
            redis.restart().await?;
            "Redis was killed and came back without its last second".to_owned()
        }
        Fault::StaleReplica => {
            let redis = stack.redis()?;
            let mut replica = redis.replica(&format!("replica-{from_ms}")).await?;
            replica.promote().await?;
            tokio::time::sleep(STALE).await;
            from_ms = watch.ms();
            redis.kill();
            replica.move_to(redis.port()).await?;
            stack.replace_redis(replica);
            "Redis was killed and a replica took its place that had missed the last second".to_owned()
        }
        Fault::RedisStopped => {
            let redis = stack.redis()?;
            redis.freeze();
            tokio::time::sleep(length).await;
            redis.thaw();
            format!("Redis did not answer for {} s", length.as_secs())
        }
        Fault::RedisSlow => {
            let redis = stack.redis()?;
            let end = watch.ms() + millis(length);
            while watch.ms() < end {
                redis.freeze();
                tokio::time::sleep(SLOW_STOP).await;
                redis.thaw();
                tokio::time::sleep(SLOW_WORK).await;
            }
            format!("Redis answered {} ms late for {} s", SLOW_STOP.as_millis(), length.as_secs())
        }
        Fault::ProxyKilled => {
            edges_killed = 0..1;
            stack.kill_proxy(0)?;
            tokio::time::sleep(DEAD).await;
            stack.mend().await?;
            "one proxy was killed".to_owned()
        }
        Fault::AllProxiesKilled | Fault::PowerCut => {
            edges_killed = 0..proxies;
            for nth in edges_killed.clone() {
                stack.kill_proxy(nth)?;
            }
            let mut what = "all proxies were killed".to_owned();
            if fault == Fault::PowerCut {
                let redis = stack.redis()?;
                redis.kill();
                redis.restart_empty().await?;
                what.push_str(", and Redis came back empty");
            }
            tokio::time::sleep(DEAD).await;
            stack.mend().await?;
            what
        }
    };
    let to_ms = watch.ms();
    let told = format!("at {}.{:01} s {what}", from_ms / 1000, from_ms % 1000 / 100);
    let (news_stopped, line_waited) = (fault.stops_news(), fault == Fault::PowerCut);
    let was_away = fault == Fault::RedisStopped;
    let news_late_ms = millis(fault.news_late());
    Ok(Struck { from_ms, to_ms, told, edges_killed, news_stopped, news_late_ms, was_away, line_waited })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
