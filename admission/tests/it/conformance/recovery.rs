//! A store that lost its data.

use admission::rank::Rank;
use admission::store::Standing;
use admission::ticket::Place;

use crate::support::{Kind, Line, lane, ranks, rules};

on_both_stores! {
    a_line_that_lost_everything_is_rebuilt_at_the_same_ranks
    no_rank_is_given_twice_across_a_loss
}

async fn a_line_that_lost_everything_is_rebuilt_at_the_same_ranks(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let places = line.fans(&lane("general"), 50).await;
    assert_eq!(line.drain().await.len(), 10);
    line.lose_all_data(rules()).await;
    let newcomers = line.fans(&lane("general"), 1).await;
    assert_eq!(line.look(&places[20]).await, Standing::Unknown);
    // They come back in no order, some of them twice.
    let mut returning: Vec<Place> = places[10..].to_vec();
    returning.rotate_left(17);
    returning.extend_from_slice(&places[12..14]);
    for standing in line.store.restore(&line.room, &returning).await.unwrap() {
        assert!(matches!(standing, Standing::Waiting { .. }));
    }
    assert!(line.drain().await.is_empty(), "nobody goes before those in front had time to return");
    assert_eq!(line.look(&newcomers[0]).await, Standing::Waiting { ahead: 40 }, "newcomers stand behind");
    line.clock.advance(rules().recovery_grace);
    line.see(&places[10..]).await;
    let turns: Vec<Rank> = line.drain().await.into_iter().map(|(_, rank)| rank).collect();
    assert_eq!(turns, ranks(&places[10..20]), "P4, P1: at their old ranks, in their old order");
}

async fn no_rank_is_given_twice_across_a_loss(kind: Kind) {
    let mut line = Line::start(kind, rules()).await;
    let before = line.fans(&lane("general"), 100).await;
    line.lose_all_data(rules()).await;
    let after = line.fans(&lane("general"), 100).await;
    assert!(after[0].rank > before[99].rank, "however soon");
}
