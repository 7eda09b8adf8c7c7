//! A place moves to another lane, or behind somebody else.

use admission::clock::Clock as _;
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::{Intent, Join, Joined, Relocated, Relocation, Standing};
use admission::ticket::Place;

use super::{SECOND, used_up};
use crate::support::{Kind, Line, lane, rules, ticket_id, two_lanes};

on_both_stores! {
    to_the_end_of_another_lane_is_as_if_they_had_come_there_now
    behind_somebody_is_right_behind_them_and_nobody_in_front_waits_longer
    who_was_passed_over_moves_too_and_waits_when_they_are_seen
    a_move_that_is_repeated_moves_nobody_again
    only_who_waits_moves_and_only_to_a_lane_that_there_is
    in_a_prequeue_nobody_moves
    a_reset_forgets_what_was_moved
}

async fn relocate(line: &Line, from: &Place, to: &str, behind: Option<Rank>) -> Option<Place> {
    let wanted = Relocation { from: from.clone(), lane: lane(to), behind, id: ticket_id() };
    line.desk().relocate(&line.room, &wanted).await.unwrap()
}

async fn two(kind: Kind) -> Line {
    used_up(kind, Rules { lanes: two_lanes(), ..rules() }).await
}

async fn to_the_end_of_another_lane_is_as_if_they_had_come_there_now(kind: Kind) {
    let line = two(kind).await;
    let general = line.fans(&lane("general"), 4).await;
    let member = line.fans(&lane("member"), 3).await;
    let there = relocate(&line, &general[1], "member", None).await.unwrap();
    assert!(there.rank > member[2].rank && there.id != general[1].id);
    assert_eq!(line.look(&there).await, Standing::Waiting { ahead: 3 });
    assert_eq!(line.look(&general[1]).await, Standing::Ended);
    assert_eq!(line.look(&general[3]).await, Standing::Waiting { ahead: 2 }, "those behind move up");
    let next = line.fans(&lane("member"), 1).await.remove(0);
    assert_eq!(line.look(&next).await, Standing::Waiting { ahead: 4 });
    let told = line.snapshot().await.by_hand.relocated;
    assert_eq!(told, [Relocated { from: general[1].clone(), to: there }]);
}

async fn behind_somebody_is_right_behind_them_and_nobody_in_front_waits_longer(kind: Kind) {
    let line = used_up(kind, rules()).await;
    let places = line.fans(&lane("general"), 700).await;
    let there = relocate(&line, &places[600], "general", Some(places[2].rank)).await.unwrap();
    let another = relocate(&line, &places[500], "general", Some(places[2].rank)).await.unwrap();
    for (place, ahead) in [(&places[2], 2), (&there, 3), (&places[3], 4), (&another, 5), (&places[699], 699)]
    {
        assert_eq!(line.look(place).await, Standing::Waiting { ahead });
    }
    // Behind somebody whose turn has come is behind all whose turn has.
    line.see(&places).await;
    line.see(&[there.clone(), another.clone()]).await;
    line.clock.advance(SECOND);
    let turns = line.drain().await;
    assert_eq!(turns[3].1, there.rank);
    let first = relocate(&line, &places[690], "general", Some(places[0].rank)).await.unwrap();
    assert_eq!(line.look(&first).await, Standing::Waiting { ahead: 0 });
    assert!(first.rank > turns.last().unwrap().1);
}

async fn who_was_passed_over_moves_too_and_waits_when_they_are_seen(kind: Kind) {
    let line = two(kind).await;
    let places = line.fans(&lane("general"), 2).await;
    line.pass(rules().presence_window + SECOND).await;
    line.see(&places[1..]).await;
    assert_eq!(line.drain().await.len(), 1);
    let there = relocate(&line, &places[0], "member", None).await.unwrap();
    line.clock.advance(SECOND);
    assert_eq!(line.drain().await, [], "nobody has seen them there");
    line.see(std::slice::from_ref(&there)).await;
    line.clock.advance(SECOND);
    assert_eq!(line.drain().await, [(lane("member"), there.rank)]);
}

async fn a_move_that_is_repeated_moves_nobody_again(kind: Kind) {
    let line = two(kind).await;
    let place = line.fans(&lane("general"), 1).await.remove(0);
    let wanted = Relocation { from: place, lane: lane("member"), behind: None, id: ticket_id() };
    let first = line.desk().relocate(&line.room, &wanted).await.unwrap();
    assert!(first.is_some());
    assert_eq!(line.desk().relocate(&line.room, &wanted).await.unwrap(), first);
    let snapshot = line.snapshot().await;
    assert_eq!((snapshot.waiting(), snapshot.by_hand.relocated.len()), (1, 1));
    let other = Relocation { id: ticket_id(), ..wanted };
    assert_eq!(line.desk().relocate(&line.room, &other).await.unwrap(), None, "the ticket of before is over");
}

async fn only_who_waits_moves_and_only_to_a_lane_that_there_is(kind: Kind) {
    let line = two(kind).await;
    let places = line.fans(&lane("general"), 2).await;
    assert_eq!(relocate(&line, &places[0], "nowhere", None).await, None);
    line.see(&places).await;
    line.clock.advance(SECOND / 10);
    assert_eq!(line.drain().await.len(), 1);
    assert_eq!(relocate(&line, &places[0], "member", None).await, None, "the turn has come");
    line.store.leave(&line.room, &places[1..]).await.unwrap();
    assert_eq!(relocate(&line, &places[1], "member", None).await, None);
}

async fn in_a_prequeue_nobody_moves(kind: Kind) {
    let line = Line::start(kind, rules()).await;
    let now = line.clock.now();
    let (prequeue_at, opens_at) = (Some(now), Some(now + 60 * SECOND));
    line.configure(Rules { prequeue_at, opens_at, lanes: two_lanes(), ..rules() }).await;
    let rank = Rank::new(Rank::first_of(now).get() + 7);
    let id = ticket_id();
    let join = Join { drawn: Some(rank), ..Join::new(lane("general"), id, Intent::Wait) };
    assert_eq!(line.store.join(&line.room, ticket_id(), &[join]).await.unwrap(), [Joined::Drawn]);
    let place = Place { lane: lane("general"), rank, id };
    assert_eq!(relocate(&line, &place, "member", None).await, None);
    line.clock.advance(61 * SECOND);
    line.snapshot().await;
    let there = relocate(&line, &place, "member", None).await.unwrap();
    assert_eq!(line.look(&there).await, Standing::Waiting { ahead: 0 });
}

async fn a_reset_forgets_what_was_moved(kind: Kind) {
    let line = two(kind).await;
    let place = line.fans(&lane("general"), 1).await.remove(0);
    relocate(&line, &place, "member", None).await.unwrap();
    line.reset().await.unwrap();
    assert_eq!(line.snapshot().await.by_hand.relocated, []);
}
