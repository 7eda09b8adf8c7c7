//! The promises are kept, on both stores.

use loadtest::stack::{Blueprint, Room, Sale, Stack, Store};

use crate::support::{check, loadtest, text};

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
async fn they_are_kept_by_one_proxy_with_the_line_in_memory_and_by_two_on_one_redis() {
    let one = ["--fans", "150", "--proxies", "1", "--store", "memory", "--drain-per-minute", "600"];
    let two = ["--fans", "200", "--proxies", "2", "--store", "redis", "--drain-per-minute", "600"];
    let (one, two) = tokio::join!(check(&one), check(&two));
    assert_kept(&one, &ALL);
    assert_kept(&two, &ALL);
}

/// Alone with the line in its memory, or beside another.
#[tokio::test]
async fn a_proxy_that_crashes_costs_nobody_their_place() {
    let alone =
        ["--fans", "90", "--proxies", "1", "--store", "memory", "--drain-per-minute", "400", "--crash"];
    let beside =
        ["--fans", "90", "--proxies", "2", "--store", "redis", "--drain-per-minute", "600", "--crash"];
    let (alone, beside) = tokio::join!(check(&alone), check(&beside));
    for output in [alone, beside] {
        assert_kept(&output, &["P1", "P4", "P5", "P6", "P9"]);
        assert!(text(&output).contains("proxy-1 was killed when"), "{}", text(&output));
    }
}

#[tokio::test]
async fn fans_can_be_sent_to_edges_that_run_already() {
    let blueprint =
        Blueprint { store: Store::Memory, proxies: 1, rooms: vec![Room::demo(1200)], ..Blueprint::default() };
    let stack = Stack::start(&blueprint).await.unwrap();
    stack.open_sale(&Sale::demo(10, 20)).await.unwrap();
    let edge = stack.edges()[0].to_string();
    let output = loadtest().args(["fans", "--edge", &edge, "--fans", "30"]).output().await.unwrap();
    assert_kept(&output, &["P1", "P4", "P5"]);
    assert!(stack.sales("demo").await.unwrap().sold > 0);
    stack.stop().await;
}
