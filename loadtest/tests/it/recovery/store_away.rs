//! The store cannot be reached for a while, or hardly.

use std::time::Duration;

use loadtest::checks::Promise;
use loadtest::fault::{Fault, FaultPlan};

use super::{Scenario, keeps};

/// Longer than fans count as there after the last that was heard of them.
const AWAY: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_or_is_slow_stops_the_line_and_nothing_else() {
    let away = |fault| FaultPlan { length: AWAY, ..FaultPlan::new(vec![fault], 0) };
    keeps(vec![
        Scenario::new("a Redis that hangs", away(Fault::RedisStopped)).with(Promise::Passage),
        Scenario::new("a Redis that is slow", away(Fault::RedisSlow)).with(Promise::Passage),
    ])
    .await;
}
