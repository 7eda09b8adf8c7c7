//! Real stacks that break a promise on purpose: the check has to say so, and to fail.

use loadtest::check::{CheckPlan, run};
use loadtest::checks::{Outcome, Promise};
use loadtest::stack::Store;

use crate::support::{check, text};

#[tokio::test]
async fn a_system_that_breaks_its_promise_fails_the_check() {
    tokio::join!(two_proxies_without_a_common_store(), a_proxy_with_another_rate_than_agreed());
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

async fn a_proxy_with_another_rate_than_agreed() {
    let plan = CheckPlan {
        fans: 150,
        proxies: 1,
        store: Store::Memory,
        drain_per_minute: 600,
        expect_drain_per_minute: Some(400),
        crash: false,
        seed: 1,
    };
    let report = run(&plan).await.unwrap();
    for verdict in &report.verdicts {
        let broken = matches!(verdict.outcome, Outcome::Broken(_));
        assert_eq!(broken, verdict.promise == Promise::Rate, "{verdict}");
    }
    assert!(!report.is_good());
}
