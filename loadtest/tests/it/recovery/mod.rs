//! Everything that may fail fails in the middle of a sale, and every promise is kept: judged from what the fans saw.
//!
//! Faults follow each other in one run where the second shows what the first did to what is remembered. Systems spend
//! these minutes waiting, so those of one test stand side by side.

mod behind;
mod full;
mod proxies;
mod store_away;
mod store_lost;

use loadtest::checks::{Promise, Verdict};
use loadtest::fault::{FaultPlan, run};
use loadtest::random;

const ALL: [Promise; 9] = [
    Promise::Order,
    Promise::Rate,
    Promise::Capacity,
    Promise::Place,
    Promise::Arrival,
    Promise::Recovery,
    Promise::Truth,
    Promise::NoEntry,
    Promise::OneSeat,
];

/// What happens to one system, and which promises are judged then.
struct Scenario {
    name: &'static str,
    judged: Vec<Promise>,
    plan: FaultPlan,
}

impl Scenario {
    fn new(name: &'static str, plan: FaultPlan) -> Self {
        Self { name, judged: ALL.to_vec(), plan }
    }

    /// The same where too little is left to judge this promise.
    fn without(mut self, promise: Promise) -> Self {
        self.judged.retain(|judged| *judged != promise);
        self
    }

    /// The same where there is enough to judge this promise as well.
    fn with(mut self, promise: Promise) -> Self {
        self.judged.push(promise);
        self
    }

    /// Runs it; what is wrong, if anything.
    async fn play(self) -> Result<(), String> {
        let seed = random::seed().unwrap();
        let report = run(&FaultPlan { seed, ..self.plan }).await.map_err(|error| format!("{error:#}"))?;
        let told = format!("{}: seed {seed}\n{report}\n", self.name);
        println!("{told}");
        let kept = |verdict: &&Verdict| verdict.outcome.is_kept();
        let is_judged = |promise: &Promise| {
            report.verdicts.iter().filter(kept).any(|verdict| verdict.promise == *promise)
        };
        if !report.is_good() {
            return Err(told);
        }
        if let Some(promise) = self.judged.iter().find(|promise| !is_judged(promise)) {
            return Err(format!("{promise} was not judged. {told}"));
        }
        Ok(())
    }
}

/// Plays all of them at once; every promise has to be kept in each.
async fn keeps(scenarios: Vec<Scenario>) {
    let played = futures_util::future::join_all(scenarios.into_iter().map(Scenario::play)).await;
    let broken: String = played.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "{broken}");
}
