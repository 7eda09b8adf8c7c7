//! The store loses some of the line, or all of it.

use std::time::Duration;

use loadtest::fault::{Fault, FaultPlan};
use loadtest::stack::Room;

use super::{Scenario, keeps};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_forgets_costs_nobody_their_place() {
    // What gathers is much, and what a lost line waits is short: a line that began with all permits would give too
    // many turns.
    let room = Room { burst: 40, recovery_grace_seconds: 1, drain_per_minute: 600, ..FaultPlan::room() };
    let again = FaultPlan::new(vec![Fault::Flushall, Fault::Flushall], 0);
    keeps(vec![
        // The proxies start anew after they have told the new line who is done: only the line can know it then.
        Scenario::new(
            "a line that was flushed is put back by the proxies and lasts without them",
            FaultPlan::new(vec![Fault::Flushall, Fault::AllProxiesKilled], 0),
        ),
        Scenario::new(
            "a Redis that comes back empty",
            FaultPlan::new(vec![Fault::RedisRestartedEmpty, Fault::ProxyKilled], 0),
        ),
        Scenario::new(
            "a second that Redis or a replica has missed",
            FaultPlan::new(vec![Fault::RedisLostLastSecond, Fault::StaleReplica], 0),
        ),
        Scenario::new(
            "losing the line again and again gives nobody a permit",
            FaultPlan { room, fans: 180, next_after: Duration::from_secs(2), ..again },
        ),
    ])
    .await;
}
