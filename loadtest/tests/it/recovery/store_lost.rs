//! The store loses some of the line, or all of it.

use std::time::Duration;

use loadtest::fault::{Fault, FaultPlan};
use loadtest::stack::Room;

use super::{ALL, keeps};

/// The proxies start anew after they have told the new line who is done: only the line can know it then.
#[tokio::test]
async fn a_line_that_was_flushed_is_put_back_by_the_proxies_and_lasts_without_them() {
    keeps(&ALL, FaultPlan::new(vec![Fault::Flushall, Fault::AllProxiesKilled], 0)).await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_costs_nobody_their_place() {
    keeps(&ALL, FaultPlan::new(vec![Fault::RedisRestartedEmpty, Fault::ProxyKilled], 0)).await;
}

#[tokio::test]
async fn a_second_that_redis_or_a_replica_has_missed_costs_nobody_their_place() {
    keeps(&ALL, FaultPlan::new(vec![Fault::RedisLostLastSecond, Fault::StaleReplica], 0)).await;
}

/// What gathers is much, and what a lost line waits is short: a line that began with all permits would give too
/// many turns.
#[tokio::test]
async fn losing_the_line_again_and_again_gives_nobody_a_permit() {
    let room = Room { burst: 40, recovery_grace_seconds: 1, ..Room::demo(600) };
    let faults = vec![Fault::Flushall, Fault::Flushall];
    let plan = FaultPlan { room, fans: 180, next_after: Duration::from_secs(2), ..FaultPlan::new(faults, 0) };
    keeps(&ALL, plan).await;
}
