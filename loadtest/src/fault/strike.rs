//! Making it happen, and what follows from it for what fans can see.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::kinds::{Fault, Harm, Part};
use crate::checks::{Effects, Strike};
use crate::stack::Stack;
use crate::stack::link::Weather;
use crate::stack::links::Between;
use crate::story::Watch;

/// How old the data is that a Redis comes back with, or that a replica has.
const STALE: Duration = Duration::from_secs(1);
/// How long something stays dead, where the fault has no length.
const DEAD: Duration = Duration::from_millis(500);
/// A slow Redis does nothing for so long at a time, and then works for a moment.
const SLOW_STOP: Duration = Duration::from_millis(700);
const SLOW_WORK: Duration = Duration::from_millis(50);
/// What a slow wire does.
const LATENCY: Duration = Duration::from_millis(200);
const BYTES_PER_SECOND: u64 = 256 * 1024;
/// Calls of the store that a proxy makes one after another, from one drain to the next at most.
const CALLS_PER_TICK: u32 = 8;

/// Makes `fault` happen, for `length` where it has one, and waits until everything runs again.
///
/// # Errors
/// When it cannot be brought about, or not everything runs again afterwards.
pub async fn strike(stack: &mut Stack, fault: Fault, length: Duration, watch: Watch) -> Result<Strike> {
    let mut from_ms = watch.ms();
    let (part, harm) = fault.what();
    let seconds = length.as_secs_f64();
    let what = match (part, harm) {
        (Part::Redis | Part::Inventory, Harm::Forgetful) | (Part::ProxiesAndRedis, _) => {
            forget(stack, fault, watch, &mut from_ms).await?
        }
        (Part::Redis, Harm::Slow) => {
            let redis = stack.redis()?;
            let end = watch.ms() + millis(length);
            while watch.ms() < end {
                redis.freeze();
                tokio::time::sleep(SLOW_STOP).await;
                redis.thaw();
                tokio::time::sleep(SLOW_WORK).await;
            }
            format!("Redis answered {} ms late for {seconds} s", SLOW_STOP.as_millis())
        }
        (_, Harm::Killed) => {
            let dead = if matches!(part, Part::Proxy | Part::Proxies) { DEAD } else { length };
            save(stack, part).await?;
            from_ms = watch.ms();
            kill(stack, part)?;
            tokio::time::sleep(dead).await;
            start(stack, part).await?;
            format!("{} was killed and started again {} s later", part.name(), dead.as_secs_f64())
        }
        (_, Harm::Paused) => {
            pause(stack, part, true)?;
            tokio::time::sleep(length).await;
            pause(stack, part, false)?;
            format!("{} did not answer for {seconds} s", part.name())
        }
        (_, Harm::Slow) => {
            let weather = Weather::Slow { latency: LATENCY, bytes_per_second: BYTES_PER_SECOND };
            on_wire(stack, part, weather, length).await?;
            format!("{} was {} ms away for {seconds} s", wire(part), LATENCY.as_millis())
        }
        (_, Harm::CutOff) => {
            on_wire(stack, part, Weather::Refused, length).await?;
            format!("{} was refused for {seconds} s", wire(part))
        }
        (_, Harm::Unreachable) => {
            on_wire(stack, part, Weather::Unreachable, length).await?;
            format!("{} was cut for {seconds} s", wire(part))
        }
        (_, Harm::Forgetful) => bail!("{} has nothing to forget", part.name()),
    };
    let to_ms = watch.ms();
    let told = format!("at {}.{:01} s {what}", from_ms / 1000, from_ms % 1000 / 100);
    let effects = effects(fault, stack.edges().len());
    Ok(Strike { name: fault.to_string(), told, from_ms, to_ms, effects })
}

/// What follows from it for what fans can see.
fn effects(fault: Fault, proxies: usize) -> Effects {
    let (part, harm) = fault.what();
    let all: Vec<usize> = (0..proxies).collect();
    let hit = match (part, harm) {
        (Part::Proxy, _) => vec![0],
        (Part::Proxies | Part::ProxiesAndRedis, _) => all,
        // Each edge finds back by itself.
        (Part::Redis, Harm::CutOff | Harm::Unreachable) => all,
        _ => Vec::new(),
    };
    let of_the_line = matches!(part, Part::Redis | Part::ProxiesAndRedis);
    let line_lost = of_the_line && harm != Harm::Slow;
    let runs_on = matches!(harm, Harm::CutOff | Harm::Unreachable | Harm::Slow);
    let late = match (part, harm) {
        (Part::Redis, Harm::Slow) => SLOW_STOP * CALLS_PER_TICK,
        // There and back, for each call.
        (Part::Proxy, Harm::Slow) => LATENCY * 2 * CALLS_PER_TICK,
        _ => Duration::ZERO,
    };
    let is_killed = harm == Harm::Killed || part == Part::ProxiesAndRedis;
    Effects {
        edges_killed: if is_killed { hit.clone() } else { Vec::new() },
        edges_down: if runs_on { Vec::new() } else { hit.clone() },
        edges_away: if matches!(harm, Harm::Paused | Harm::CutOff | Harm::Unreachable) {
            hit
        } else {
            Vec::new()
        },
        news_stopped: line_lost,
        news_late_ms: millis(late),
        line_away: part == Part::Redis && !matches!(harm, Harm::Slow | Harm::Forgetful),
        line_lost,
        line_waited: part == Part::ProxiesAndRedis,
        line_failed: of_the_line || (part == Part::Proxy && runs_on),
        shop_failed: matches!(part, Part::Shop | Part::Inventory | Part::Postgres | Part::Payments),
    }
}

/// Lets a Redis come back without all or some of what it knew.
async fn forget(stack: &mut Stack, fault: Fault, watch: Watch, from_ms: &mut u64) -> Result<String> {
    match fault {
        Fault::Flushall => {
            stack.redis()?.flush_all().await?;
            Ok("Redis was told to forget everything".to_owned())
        }
        Fault::RedisLostLastSecond => {
            let redis = stack.redis()?;
            redis.save().await?;
            tokio::time::sleep(STALE).await;
            *from_ms = watch.ms();
            redis.kill();
            redis.restart().await?;
            Ok("Redis was killed and came back without its last second".to_owned())
        }
        Fault::StaleReplica => {
            let redis = stack.redis()?;
            let mut replica = redis.replica(&format!("replica-{from_ms}")).await?;
            replica.promote().await?;
            tokio::time::sleep(STALE).await;
            *from_ms = watch.ms();
            redis.kill();
            replica.move_to(redis.port()).await?;
            stack.replace_redis(replica);
            Ok("Redis was killed and a replica took its place that had missed the last second".to_owned())
        }
        Fault::InventoryRestartedEmpty => {
            let redis = stack.inventory()?;
            redis.kill();
            tokio::time::sleep(DEAD).await;
            redis.restart_empty().await?;
            Ok("the Redis with the seats was killed and came back empty".to_owned())
        }
        Fault::PowerCut => {
            kill(stack, Part::Proxies)?;
            let redis = stack.redis()?;
            redis.kill();
            redis.restart_empty().await?;
            tokio::time::sleep(DEAD).await;
            start(stack, Part::Proxies).await?;
            Ok("all proxies were killed, and Redis came back empty".to_owned())
        }
        _ => {
            let redis = stack.redis()?;
            redis.kill();
            tokio::time::sleep(DEAD).await;
            redis.restart_empty().await?;
            Ok("Redis was killed and came back empty".to_owned())
        }
    }
}

/// Has a Redis write down what it knows, as one does that appends to a file.
async fn save(stack: &mut Stack, part: Part) -> Result<()> {
    match part {
        Part::Redis => stack.redis()?.save().await,
        Part::Inventory => stack.inventory()?.save().await,
        _ => Ok(()),
    }
}

fn kill(stack: &mut Stack, part: Part) -> Result<()> {
    match part {
        Part::Proxy => stack.kill_proxy(0)?,
        Part::Proxies => {
            for nth in 0..stack.edges().len() {
                stack.kill_proxy(nth)?;
            }
        }
        Part::Shop => stack.shop().kill(),
        Part::Redis => stack.redis()?.kill(),
        Part::Inventory => stack.inventory()?.kill(),
        Part::Postgres => stack.postgres()?.kill(),
        Part::Payments => stack.payments()?.process().kill(),
        Part::ProxiesAndRedis => bail!("{} are not killed like this", part.name()),
    }
    Ok(())
}

async fn start(stack: &mut Stack, part: Part) -> Result<()> {
    match part {
        Part::Redis => stack.redis()?.restart().await,
        Part::Inventory => stack.inventory()?.restart().await,
        Part::Postgres => stack.postgres()?.restart().await,
        Part::Payments => stack.payments()?.restart().await,
        _ => stack.mend().await.map(drop),
    }
}

fn pause(stack: &mut Stack, part: Part, stops: bool) -> Result<()> {
    let process = match part {
        Part::Redis => return freeze(stack.redis()?, stops),
        Part::Inventory => return freeze(stack.inventory()?, stops),
        Part::Postgres => {
            let postgres = stack.postgres()?;
            if stops {
                postgres.freeze();
            } else {
                postgres.thaw();
            }
            return Ok(());
        }
        Part::Proxy => stack.proxy(0)?,
        Part::Shop => stack.shop(),
        Part::Payments => stack.payments()?.process(),
        Part::Proxies | Part::ProxiesAndRedis => bail!("{} are not paused together", part.name()),
    };
    if stops {
        process.freeze();
    } else {
        process.thaw();
    }
    Ok(())
}

fn freeze(redis: &mut crate::stack::RedisServer, stops: bool) -> Result<()> {
    if stops {
        redis.freeze();
    } else {
        redis.thaw();
    }
    Ok(())
}

/// Which wire leads to whom.
fn between(part: Part) -> Result<Between> {
    Ok(match part {
        Part::Redis => Between::EdgesAndLine,
        Part::Proxy => Between::EdgeAndLine(0),
        Part::Shop => Between::EdgesAndShop,
        Part::Inventory => Between::ShopAndInventory,
        Part::Postgres => Between::ShopAndDatabase,
        Part::Payments => Between::ShopAndPayments,
        Part::Proxies | Part::ProxiesAndRedis => bail!("no wire leads to {}", part.name()),
    })
}

const fn wire(part: Part) -> &'static str {
    match part {
        Part::Redis => "the way from the edges to Redis",
        Part::Proxy => "the way from proxy-1 to Redis",
        Part::Shop => "the way from the edges to the shop",
        Part::Inventory => "the way from the shop to the Redis with the seats",
        Part::Postgres => "the way from the shop to PostgreSQL",
        Part::Payments => "the way from the shop to the payment provider",
        Part::Proxies | Part::ProxiesAndRedis => part.name(),
    }
}

async fn on_wire(stack: &Stack, part: Part, weather: Weather, length: Duration) -> Result<()> {
    let between = between(part)?;
    stack.links().set(between, weather).context("the stack was not started with links")?;
    tokio::time::sleep(length).await;
    stack.links().set(between, Weather::Fair)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
