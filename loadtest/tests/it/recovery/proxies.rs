//! Proxies are killed, alone and together with the store.

use loadtest::checks::Promise;
use loadtest::fault::{Fault, FaultPlan};

use super::{ALL, keeps};

#[tokio::test]
async fn proxies_that_are_killed_take_nothing_with_them() {
    keeps(&ALL, FaultPlan::new(vec![Fault::ProxyKilled, Fault::AllProxiesKilled], 0)).await;
}

/// Nobody is left who remembers anything but the fans: the line waits until those in front are back. Who was done
/// is forgotten with everything else.
#[tokio::test]
async fn a_line_that_only_the_fans_remember_lets_nobody_overtake_who_is_back_in_time() {
    let judged: Vec<Promise> = ALL.into_iter().filter(|promise| *promise != Promise::NoEntry).collect();
    keeps(&judged, FaultPlan::new(vec![Fault::PowerCut], 0)).await;
}
