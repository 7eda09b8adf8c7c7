//! Every promise is broken on purpose, by what only tests can reach: a hand in the store, a wire that changes what it
//! carries, a fault that nobody declared, an edge that was set up otherwise than agreed. The verdict on that promise has to
//! say so and how, and the others have to stay as they are.

mod cases;
mod faults;
mod rooms;
mod shop;

use loadtest::check::{CheckPlan, run};
use loadtest::checks::{Outcome, Promise, Verdict};
use loadtest::stack::Store;

use crate::support::{check, text};

/// What is wrong with the verdicts on a run in which `promise` was broken, and which tell of it like `told`; `also` names
/// what is broken by the same.
fn wrong(verdicts: &[Verdict], promise: Promise, told: &str, also: &[Promise]) -> Option<String> {
    let mut wrong = Vec::new();
    for verdict in verdicts {
        let broken = match &verdict.outcome {
            Outcome::Broken(stories) => Some(stories.join("\n")),
            _ => None,
        };
        match broken {
            None if verdict.promise == promise => wrong.push(format!("not noticed: {verdict}")),
            Some(stories) if verdict.promise == promise && !stories.contains(told) => {
                wrong.push(format!("not told of as `{told}`: {verdict}"));
            }
            Some(_) if verdict.promise != promise && !also.contains(&verdict.promise) => {
                wrong.push(format!("broken, too: {verdict}"));
            }
            _ => {}
        }
    }
    (!wrong.is_empty()).then(|| format!("{promise} was broken on purpose:\n{}", wrong.join("\n")))
}

#[tokio::test]
async fn a_system_that_breaks_its_promise_fails_the_check() {
    tokio::join!(
        two_proxies_without_a_common_store(),
        a_proxy_with_another_rate_than_agreed(400),
        a_proxy_with_another_rate_than_agreed(900)
    );
}

/// Two proxies that share no store have two lines, each with the whole rate.
async fn two_proxies_without_a_common_store() {
    let args = ["--fans", "200", "--proxies", "2", "--store", "memory", "--drain-per-minute", "400"];
    let output = check(&args).await;
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let rate = text.lines().find(|line| line.starts_with("P2")).unwrap_or_default();
    assert!(rate.contains("BROKEN") && rate.contains("configured were 400 a minute"), "{text}");
    assert!(text.contains("not kept."), "{text}");
}

/// It lets in 600 a minute: more than were agreed, or fewer.
async fn a_proxy_with_another_rate_than_agreed(agreed: u64) {
    let plan = CheckPlan {
        fans: 150,
        proxies: 1,
        store: Store::Memory,
        drain_per_minute: 600,
        expect_drain_per_minute: Some(agreed),
        crash: false,
        seed: 1,
    };
    let report = run(&plan).await.unwrap();
    let told = format!("configured were {agreed} a minute");
    assert_eq!(wrong(&report.verdicts, Promise::Rate, &told, &[]), None);
    assert!(!report.is_good());
}
