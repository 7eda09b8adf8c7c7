//! The shop is as full as it may be when the store forgets who is inside.

use std::time::Duration;

use loadtest::checks::Promise;
use loadtest::fault::{Fault, FaultPlan};
use loadtest::stack::Room;

use super::Scenario;

pub(super) fn who_is_inside_counts_though_the_store_forgot_them() -> Scenario {
    let inside = 25;
    let room = Room { max_active: u64::from(inside), drain_per_minute: 1200, ..FaultPlan::room() };
    let plan = FaultPlan {
        room,
        fans: 80,
        stay: Some((inside, Duration::from_secs(10))),
        next_after: Duration::from_secs(1),
        ..FaultPlan::new(vec![Fault::Flushall], 0)
    };
    // All who are inside stay until long after: nobody is done before the line is lost.
    Scenario::new("who is inside counts though the store forgot them", plan).without(Promise::NoEntry)
}
