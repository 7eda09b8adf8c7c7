//! The log: what happened, in order, until it is acknowledged.

use origin_app::inventory::{HoldingState, LogEntry, READ_TURN};

use super::{Stage, fan, on_both_inventories};

on_both_inventories!(
    the_log_tells_in_order_until_it_is_acknowledged,
    one_reader_at_a_time,
    what_is_over_is_forgotten_once_the_database_knows,
    an_entry_can_be_put_aside_and_written_again,
    the_backlog_is_told,
);

fn told(entries: &[LogEntry]) -> Vec<HoldingState> {
    entries.iter().map(|entry| entry.holding.as_ref().unwrap().state).collect()
}

async fn read(stage: &Stage, limit: u32) -> Vec<LogEntry> {
    stage.inventory.read(&stage.event, "one", limit).await.unwrap().unwrap()
}

async fn the_log_tells_in_order_until_it_is_acknowledged(stage: Stage) {
    assert_eq!(read(&stage, 10).await, []);
    let (one, other) = (fan(), fan());
    let sold = stage.held(&one, &["A-1"]).await;
    let given_back = stage.held(&other, &["A-2"]).await;
    stage.inventory.keep(&stage.event, &sold.id, &one).await.unwrap();
    stage.inventory.sell(&stage.event, &sold.id).await.unwrap();
    stage.inventory.release(&stage.event, &given_back.id, &other).await.unwrap();
    stage.held(&other, &["A-3"]).await;
    stage.pass(180);
    stage.inventory.lapse(&stage.event, 10).await.unwrap();
    stage.inventory.free(&stage.event, &sold.id).await.unwrap();
    use HoldingState::{Expired, Freed, Held, Released, Sold};
    let all = [Held, Held, Sold, Released, Held, Expired, Freed];
    // Delivered and not acknowledged, they are delivered again.
    for _ in 0..2 {
        assert_eq!(told(&read(&stage, 3).await), all[..3]);
    }
    let entries = read(&stage, 3).await;
    assert_eq!(entries[0].holding.as_ref().unwrap(), &sold);
    stage.inventory.acknowledge(&stage.event, &entries).await.unwrap();
    let rest = read(&stage, 10).await;
    assert_eq!(told(&rest), all[3..]);
    stage.inventory.acknowledge(&stage.event, &rest).await.unwrap();
    assert_eq!(read(&stage, 10).await, []);
}

async fn one_reader_at_a_time(stage: Stage) {
    stage.held(&fan(), &["A-1"]).await;
    assert_eq!(read(&stage, 10).await.len(), 1);
    assert_eq!(stage.inventory.read(&stage.event, "other", 10).await.unwrap(), None);
    stage.clock.advance(READ_TURN);
    tokio::time::sleep(READ_TURN).await;
    // The first is silent: what it had is the other's now.
    let taken_over = stage.inventory.read(&stage.event, "other", 10).await.unwrap().unwrap();
    assert_eq!(taken_over.len(), 1);
    assert_eq!(stage.inventory.read(&stage.event, "one", 10).await.unwrap(), None);
    stage.inventory.acknowledge(&stage.event, &taken_over).await.unwrap();
    stage.clock.advance(READ_TURN);
    tokio::time::sleep(READ_TURN).await;
    assert_eq!(read(&stage, 10).await, []);
}

async fn what_is_over_is_forgotten_once_the_database_knows(stage: Stage) {
    let fan = fan();
    let hold = stage.held(&fan, &["A-1"]).await;
    stage.inventory.release(&stage.event, &hold.id, &fan).await.unwrap();
    let entries = read(&stage, 10).await;
    stage.inventory.acknowledge(&stage.event, &entries[..1]).await.unwrap();
    assert_eq!(stage.state(&hold.id).await, Some(HoldingState::Released));
    assert_eq!(stage.inventory.of_fan(&stage.event, &fan).await.unwrap().len(), 1);
    stage.inventory.acknowledge(&stage.event, &entries[1..]).await.unwrap();
    assert_eq!(stage.state(&hold.id).await, None);
    assert_eq!(stage.inventory.of_fan(&stage.event, &fan).await.unwrap(), []);
}

async fn an_entry_can_be_put_aside_and_written_again(stage: Stage) {
    let first = stage.held(&fan(), &["A-1"]).await;
    stage.held(&fan(), &["A-2"]).await;
    let entries = read(&stage, 10).await;
    stage.inventory.bury(&stage.event, &entries[0], "the database said no").await.unwrap();
    let rest = read(&stage, 10).await;
    assert_eq!(rest, entries[1..]);
    let dead = stage.inventory.dead(&stage.event, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "the database said no"));
    assert_eq!(dead[0].entry.holding, Ok(first.clone()));
    assert!(stage.inventory.unbury(&stage.event, &dead[0].mark, true).await.unwrap());
    assert!(!stage.inventory.unbury(&stage.event, &dead[0].mark, true).await.unwrap());
    stage.inventory.acknowledge(&stage.event, &rest).await.unwrap();
    let again = read(&stage, 10).await;
    assert_eq!((again.len(), &again[0].holding), (1, &Ok(first)));
    stage.inventory.bury(&stage.event, &again[0], "no").await.unwrap();
    let dead = stage.inventory.dead(&stage.event, 10).await.unwrap();
    assert!(stage.inventory.unbury(&stage.event, &dead[0].mark, false).await.unwrap());
    let backlog = stage.inventory.backlog(&stage.event).await.unwrap();
    assert_eq!((backlog.entries, backlog.dead), (0, 0));
}

async fn the_backlog_is_told(stage: Stage) {
    let backlog = stage.inventory.backlog(&stage.event).await.unwrap();
    assert_eq!((backlog.entries, backlog.oldest, backlog.dead), (0, None, 0));
    let written = stage.now();
    stage.held(&fan(), &["A-1"]).await;
    stage.pass(7);
    stage.held(&fan(), &["A-2"]).await;
    let backlog = stage.inventory.backlog(&stage.event).await.unwrap();
    assert_eq!((backlog.entries, backlog.oldest), (2, Some(written)));
    assert_eq!(backlog.now, stage.now());
}
