//! The store cannot be reached for a while, or hardly.

use std::time::Duration;

use loadtest::fault::{Fault, FaultPlan};

use super::{ALL, keeps};

/// Longer than fans count as there after the last that was heard of them.
#[tokio::test]
async fn a_redis_that_hangs_or_is_slow_stops_the_line_and_nothing_else() {
    let faults = vec![Fault::RedisStopped, Fault::RedisSlow];
    keeps(&ALL, FaultPlan { length: Duration::from_secs(6), ..FaultPlan::new(faults, 0) }).await;
}
