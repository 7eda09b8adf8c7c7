//! Who stands where, from a snapshot.

use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::Standing;

use super::SECOND;
use crate::support::{Kind, Line, lane, rules};

on_both_stores! {
    positions_come_from_the_snapshot
    positions_are_true_in_a_long_line_with_gaps
    far_places_stay_true_while_the_line_moves
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

/// What a store remembers of places far from the front has to stay within the bound while fans are admitted, leave and
/// come, at the ends and in between.
async fn far_places_stay_true_while_the_line_moves(kind: Kind) {
    let fast = Rules { drain_per_minute: 600_000, burst: 5000, max_active: 1_000_000, ..rules() };
    let line = Line::start(kind, fast).await;
    let general = lane("general");
    let mut waiting = Vec::new();
    for _ in 0..240 {
        waiting.extend(line.fans(&general, 1000).await);
        line.clock.advance(SECOND / 100);
    }
    for step in 0..24_usize {
        let snapshot = line.snapshot().await;
        let told = &snapshot.lane(&general).unwrap().ladder;
        assert_eq!(told.waiting(), waiting.len() as u64);
        assert!(told.rungs().len() < 2500, "{}", told.rungs().len());
        for (ahead, place) in waiting.iter().enumerate().step_by(17) {
            let off = told.ahead(place.rank).abs_diff(ahead as u64);
            assert!(off <= (ahead as u64 / 100).max(1), "P5 in step {step} at {ahead}: off by {off}");
        }
        match step % 4 {
            // Many are admitted.
            0 | 2 => {
                line.clock.advance(SECOND / 2);
                line.see(&waiting[..6000]).await;
                let given = line.drain().await.len();
                assert!(given >= 4000);
                waiting.drain(..given);
            }
            // Some far behind leave, one here and one there; and now and then a whole stretch.
            1 => {
                let from = 90_000 + step * 1000;
                let stretch = if step % 8 == 1 { 900 } else { 30 };
                let leaving: Vec<_> = waiting.drain(from..from + stretch).collect();
                line.store.leave(&line.room, &leaving).await.unwrap();
                let one = waiting.remove(150_000);
                line.store.leave(&line.room, &[one]).await.unwrap();
            }
            // Many come.
            _ => waiting.extend(line.fans(&general, if step % 8 == 3 { 900 } else { 3000 }).await),
        }
    }
}
