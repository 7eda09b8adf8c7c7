//! The promises are kept, on both stores.

use crate::support::{check, text};

#[track_caller]
fn assert_kept(output: &std::process::Output, promises: &[&str]) {
    let text = text(output);
    assert!(output.status.success(), "{text}");
    for promise in promises {
        let line = text.lines().find(|line| line.starts_with(promise));
        assert!(line.is_some_and(|line| line.contains("kept:")), "{promise} in:\n{text}");
    }
    assert!(!text.contains("shut out"), "{text}");
}

const ALL: [&str; 6] = ["P1", "P2", "P4", "P5", "P6", "P9"];

#[tokio::test]
async fn one_proxy_with_the_line_in_memory_keeps_them() {
    let args = ["--fans", "150", "--proxies", "1", "--store", "memory", "--drain-per-minute", "600"];
    assert_kept(&check(&args).await, &ALL);
}

#[tokio::test]
async fn two_proxies_on_one_redis_keep_them_for_two_hundred_fans() {
    let args = ["--fans", "200", "--proxies", "2", "--store", "redis", "--drain-per-minute", "600"];
    assert_kept(&check(&args).await, &ALL);
}

#[tokio::test]
async fn a_proxy_that_crashes_with_the_line_in_its_memory_costs_nobody_their_place() {
    let args =
        ["--fans", "90", "--proxies", "1", "--store", "memory", "--drain-per-minute", "400", "--crash"];
    assert_kept(&check(&args).await, &["P1", "P4", "P5", "P6", "P9"]);
}

#[tokio::test]
async fn a_proxy_that_crashes_beside_another_costs_nobody_their_place() {
    let args = ["--fans", "90", "--proxies", "2", "--store", "redis", "--drain-per-minute", "600", "--crash"];
    assert_kept(&check(&args).await, &["P1", "P4", "P5", "P6", "P9"]);
}
