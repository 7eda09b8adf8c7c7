//! Proxies are killed, alone and together with the store.

use loadtest::checks::Promise;
use loadtest::fault::{Fault, FaultPlan};

use super::{Scenario, full, keeps};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_is_killed_takes_anything_with_them() {
    keeps(vec![
        Scenario::new(
            "proxies that are killed take nothing with them",
            FaultPlan::new(vec![Fault::ProxyKilled, Fault::AllProxiesKilled], 0),
        ),
        // Nobody is left who remembers anything but the fans: the line waits until those in front are back. Who was
        // done is forgotten with everything else.
        Scenario::new(
            "a line that only the fans remember lets nobody overtake who is back in time",
            FaultPlan::new(vec![Fault::PowerCut], 0),
        )
        .without(Promise::NoEntry),
        full::who_is_inside_counts_though_the_store_forgot_them(),
    ])
    .await;
}
