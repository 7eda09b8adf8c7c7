//! Scenarios, played by the real binaries.

use std::path::Path;

use loadtest::report::file;
use loadtest::run::record::OutcomeFacts;
use loadtest::run::scenario::Scenario;

use crate::support::{loadtest, text};

/// The folder of the scenarios that ship.
fn scenarios() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/loadtest"))
}

#[test]
fn every_scenario_that_ships_can_be_read() {
    let mut names = Vec::new();
    for file in std::fs::read_dir(scenarios()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let (scenario, _) = Scenario::read(&path).unwrap();
            assert_eq!(Some(scenario.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
            assert!(!scenario.arrivals(1).is_empty(), "{}", path.display());
            names.push(scenario.name);
        }
    }
    assert!(names.contains(&"smoke".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_small_sale_keeps_its_promises_and_leaves_a_record() {
    let out = tempfile::tempdir().unwrap();
    let output = loadtest()
        .args(["run", "--seed", "3", "--out"])
        .arg(out.path())
        .arg(scenarios().join("smoke.toml"))
        .output()
        .await
        .unwrap();
    let told = text(&output);
    assert!(output.status.success(), "{told}");
    let record = file::read(&out.path().join("run.json")).unwrap();
    assert_eq!(
        (record.scenario.name.as_str(), record.scenario.seed, record.scenario.crowds),
        ("smoke", 3, 2)
    );
    let came: u64 = record.seconds.iter().map(|second| second.arrived).sum();
    assert_eq!(came, record.scenario.fans);
    let ended: u64 = record.endings.iter().map(|(_, fans)| fans).sum();
    assert!(ended < came && ended > came / 2, "those who only browse have no story: {:?}", record.endings);
    for promise in ["P1 order", "P3 capacity", "P4 place", "P5 truth", "P9 one seat, one fan"] {
        let verdict = record.verdicts.iter().find(|verdict| verdict.promise == promise).unwrap();
        assert_eq!(verdict.outcome, OutcomeFacts::Kept, "{verdict:?}");
    }
    for kind in ["join", "WebSocket", "status", "refresh", "admission", "hold", "pay", "cancel", "browse"] {
        let latency = record.latencies.iter().find(|series| series.kind == kind);
        assert!(latency.is_some_and(|series| series.whole.count > 0), "{kind}");
    }
    for process in ["proxy-1", "proxy-2", "origin-app", "Redis", "crowd-1", "crowd-2"] {
        let series = record.processes.iter().find(|series| series.name == process).unwrap();
        assert!(series.samples.iter().any(|sample| sample.memory_bytes > 0 && sample.descriptors > 0));
    }
    assert!(std::fs::read_to_string(out.path().join("report.html")).unwrap().contains("smoke"));
}

#[tokio::test]
async fn who_comes_before_the_opening_is_drawn_and_the_draw_is_judged() {
    let out = tempfile::tempdir().unwrap();
    let scenario = scenarios().join("prequeue.toml");
    let output = loadtest()
        .args(["run", "--seed", "3", "--out"])
        .arg(out.path())
        .arg(scenario)
        .output()
        .await
        .unwrap();
    let told = text(&output);
    assert!(output.status.success(), "{told}");
    let record = file::read(&out.path().join("run.json")).unwrap();
    let opened_s = record.opened_s.unwrap();
    assert!(record.seconds.iter().take(opened_s as usize).all(|second| second.admitted == 0), "{opened_s}");
    for promise in ["P1 order", "P4 place", "P5 truth", "P8 presence", "P10 fair draw"] {
        let verdict = record.verdicts.iter().find(|verdict| verdict.promise == promise).unwrap();
        assert_eq!(verdict.outcome, OutcomeFacts::Kept, "{verdict:?}");
    }
    let recovery = record.verdicts.iter().find(|verdict| verdict.promise == "P4 recovery").unwrap();
    assert_eq!(recovery.outcome, OutcomeFacts::NotAsked, "{recovery:?}");
    let page = std::fs::read_to_string(out.path().join("report.html")).unwrap();
    assert!(page.contains("– not asked") && page.contains("were drawn"), "{told}");
}

#[tokio::test]
async fn a_scenario_with_a_mistake_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    let good = std::fs::read_to_string(scenarios().join("smoke.toml")).unwrap();
    std::fs::write(&file, good.replace("proxies = 2", "proxies = 99")).unwrap();
    let output = loadtest().arg("run").arg(&file).output().await.unwrap();
    let told = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("bad.toml:10: proxies: found 99; a whole number from 1 to 8 is needed"), "{told}");
}
