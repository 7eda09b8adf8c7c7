//! Who stands where, from a snapshot.

use admission::rank::Rank;
use admission::store::Standing;

use super::SECOND;
use crate::support::{Kind, Line, lane, rules};

on_both_stores! {
    positions_come_from_the_snapshot
    positions_are_true_in_a_long_line_with_gaps
}

async fn positions_come_from_the_snapshot(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 2500).await;
    line.store.leave(&line.room, &places[1000..1100]).await.unwrap();
    let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
    let told = snapshot.lane(&lane("general")).unwrap();
    assert_eq!((told.ladder.waiting(), snapshot.waiting()), (2400, 2400));
    assert_eq!((told.horizon, told.cursor), (Rank::MAX, Rank::ZERO));
    assert!(told.next_rank > places[2499].rank);
    let waiting = places[..1000].iter().chain(&places[1100..]);
    for (ahead, place) in (0_u64..).zip(waiting) {
        let off = told.ladder.ahead(place.rank).abs_diff(ahead);
        assert!(off <= (ahead / 100).max(1) && (ahead >= 100 || off == 0), "P5 at {ahead}: off by {off}");
    }
}

async fn positions_are_true_in_a_long_line_with_gaps(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let mut places = Vec::new();
    for _ in 0..140 {
        places.extend(line.fans(&lane("general"), 500).await);
        line.clock.advance(SECOND / 3);
    }
    // A stretch of the line leaves whole, and every seventh fan of the rest.
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for (index, place) in places.into_iter().enumerate() {
        let leaves = index % 7 == 3 || (20_000..23_000).contains(&index);
        if leaves { leaving.push(place) } else { staying.push(place) }
    }
    for places in leaving.chunks(admission::store::BATCH_MAX) {
        line.store.leave(&line.room, places).await.unwrap();
    }
    for _ in 0..3 {
        let snapshot = line.store.snapshot(&line.room, 0).await.unwrap();
        let told = snapshot.lane(&lane("general")).unwrap();
        assert_eq!(told.ladder.waiting(), staying.len() as u64);
        assert!(told.ladder.rungs().len() < 2500);
        assert!(told.horizon >= staying[4080].rank && told.horizon < staying[6000].rank);
        for (ahead, place) in (0_u64..).zip(&staying) {
            let off = told.ladder.ahead(place.rank).abs_diff(ahead);
            assert!(off <= (ahead / 100).max(1) && (ahead >= 100 || off == 0), "P5 at {ahead}: off by {off}");
        }
        for ahead in [0, 1, 99, 5000, 40_000] {
            assert_eq!(line.look(&staying[ahead]).await, Standing::Waiting { ahead: ahead as u64 });
        }
        // The same again after the front has moved and what was cached is out of date.
        line.see(&staying[..10]).await;
        let given = line.drain().await.len();
        staying.drain(..given);
        line.clock.advance(SECOND);
    }
}
