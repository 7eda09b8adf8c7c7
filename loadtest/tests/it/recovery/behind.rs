//! What stands behind the line fails, and the wires between all of them.

use std::time::Duration;

use loadtest::fault::{Fault, FaultPlan};

use super::{Scenario, keeps};

const LENGTH: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_shop_without_its_stores_nor_an_edge_on_its_own_breaks_a_promise() {
    let plan = |faults| FaultPlan { length: LENGTH, next_after: LENGTH, ..FaultPlan::new(faults, 0) };
    keeps(vec![
        Scenario::new(
            "a shop that is killed, and has neither database nor provider for a while",
            plan(vec![Fault::ShopKilled, Fault::PostgresCutOff, Fault::PaymentsUnreachable]),
        ),
        Scenario::new(
            "an edge that hangs, and edges that find nothing where the line was",
            plan(vec![Fault::ProxyPaused, Fault::RedisUnreachable]),
        ),
    ])
    .await;
}
