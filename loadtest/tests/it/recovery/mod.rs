//! Everything that may fail fails in the middle of a sale, and every promise is kept: judged from what the fans saw.
//!
//! Faults follow each other in one run where the second shows what the first did to what is remembered.

mod full;
mod proxies;
mod store_away;
mod store_lost;

use loadtest::checks::Promise;
use loadtest::fault::{FaultPlan, run};
use loadtest::random;

const ALL: [Promise; 8] = [
    Promise::Order,
    Promise::Rate,
    Promise::Capacity,
    Promise::Place,
    Promise::Recovery,
    Promise::Truth,
    Promise::NoEntry,
    Promise::OneSeat,
];

/// Runs `plan`; each of `promises` has to be judged, and kept.
async fn keeps(promises: &[Promise], plan: FaultPlan) {
    let seed = random::seed().unwrap();
    let report = run(&FaultPlan { seed, ..plan }).await.unwrap();
    println!("seed {seed}\n{report}");
    assert!(report.is_good(), "seed {seed}\n{report}");
    for promise in promises {
        assert!(report.verdicts.iter().any(|verdict| verdict.promise == *promise), "{promise}\n{report}");
    }
    for fan in report.stories.iter().filter(|story| story.admitted_ms.is_none()) {
        assert_eq!(fan.ending, loadtest::story::Ending::LeftLine, "{report}");
    }
}
