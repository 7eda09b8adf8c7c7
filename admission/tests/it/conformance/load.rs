//! What the proxies report of the shop's load, and the rate that follows.

use std::time::Duration;

use admission::adaptive::{History, INTERVAL, LoadReport};
use admission::rules::{AdaptiveDrain, Rules};

use super::SECOND;
use crate::support::{Kind, Line, lane, rules};

on_both_stores! {
    reports_add_up_and_one_proxy_decides
    a_decision_that_comes_too_late_changes_nothing
    the_rate_stays_within_its_bounds_and_is_what_drains
    a_room_that_does_not_adapt_takes_no_reports
}

fn adaptive() -> Rules {
    Rules { adaptive: Some(AdaptiveDrain { min: 60, max: 1200 }), burst: 20, ..rules() }
}

fn report(answered: u64, failed: u64, load: f64) -> LoadReport {
    let mut report = LoadReport::default();
    for number in 0..answered {
        report.record(Duration::from_millis(40), number < failed, Some(load));
    }
    report
}

async fn reports_add_up_and_one_proxy_decides(kind: Kind) {
    let line = Line::start(kind, adaptive()).await;
    let tell = async |report| line.store.report_load(&line.room, &report).await.unwrap();
    assert!(tell(report(5, 0, 0.1)).await.is_none(), "the first report begins the first interval");
    line.fans(&lane("general"), 30).await;
    assert_eq!(line.drain().await.len(), 20);
    line.clock.advance(SECOND);
    assert!(tell(report(10, 2, 0.4)).await.is_none());
    line.clock.advance(SECOND);
    let (interval, history) = tell(report(7, 1, 0.3)).await.unwrap();
    assert_eq!((interval.length, interval.rate, interval.admitted), (INTERVAL, 600, 20));
    assert_eq!(history, History::default());
    assert_eq!((interval.report.answered(), interval.report.failed()), (17, 3));
    assert_eq!(interval.report.load(), Some(0.4));
    assert!(tell(report(1, 0, 0.2)).await.is_none(), "one proxy decides about an interval");
    line.clock.advance(INTERVAL);
    let (next, _) = tell(LoadReport::default()).await.unwrap();
    assert_eq!((next.number, next.report.answered()), (interval.number + 1, 1));
}

async fn a_decision_that_comes_too_late_changes_nothing(kind: Kind) {
    let line = Line::start(kind, adaptive()).await;
    let tell = async || line.store.report_load(&line.room, &report(9, 0, 0.1)).await.unwrap();
    let set = async |number, rate| {
        line.store.set_rate(&line.room, number, rate, &History::default()).await.unwrap()
    };
    tell().await;
    line.clock.advance(INTERVAL);
    let (first, _) = tell().await.unwrap();
    line.clock.advance(INTERVAL);
    let (second, _) = tell().await.unwrap();
    assert!(!set(first.number, 60).await);
    assert_eq!(line.snapshot().await.rate, 600);
    assert!(set(second.number, 900).await);
    assert_eq!(line.snapshot().await.rate, 900);
}

async fn the_rate_stays_within_its_bounds_and_is_what_drains(kind: Kind) {
    let line = Line::start(kind, adaptive()).await;
    let places = line.fans(&lane("general"), 200).await;
    let tell = async || line.store.report_load(&line.room, &report(9, 0, 0.1)).await.unwrap();
    tell().await;
    for (wanted, in_force) in [(5000, 1200), (1, 60)] {
        line.clock.advance(INTERVAL);
        let (interval, _) = tell().await.unwrap();
        assert!(line.store.set_rate(&line.room, interval.number, wanted, &History::default()).await.unwrap());
        assert_eq!(line.snapshot().await.rate, in_force);
        line.see(&places).await;
        line.drain().await;
        line.clock.advance(SECOND);
        line.see(&places).await;
        assert_eq!(line.drain().await.len() as u64, in_force / 60);
    }
    // Rules that name another rate to begin with begin with it; others leave the rate where it is.
    line.configure(Rules { max_active: 7, ..adaptive() }).await;
    assert_eq!(line.snapshot().await.rate, 60);
    line.configure(Rules { drain_per_minute: 300, ..adaptive() }).await;
    assert_eq!(line.snapshot().await.rate, 300);
}

async fn a_room_that_does_not_adapt_takes_no_reports(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    for _ in 0..3 {
        assert!(line.store.report_load(&line.room, &report(9, 9, 9.0)).await.unwrap().is_none());
        line.clock.advance(INTERVAL);
    }
    assert!(!line.store.set_rate(&line.room, 0, 60, &History::default()).await.unwrap());
    assert_eq!(line.snapshot().await.rate, 600);
}
