//! Invitations: how often they may be used, and what a lane of one's own does to the others.

use std::time::Duration;

use admission::clock::Clock as _;
use admission::rules::Rules;
use admission::store::{Intent, InvitationUse, Join, Joined};
use admission::ticket::{Place, TicketId};

use super::SECOND;
use crate::support::{Kind, Line, lane, rules, ticket_id, two_lanes};

on_both_stores! {
    an_invitation_for_many_counts_who_came
    an_invitation_for_one_gives_that_fan_the_same_place_again
    a_used_up_invitation_is_remembered_as_long_as_it_is_good
    whoever_comes_by_invitation_changes_no_place_in_another_lane
    one_that_is_withdrawn_leads_nowhere_and_who_came_by_it_stays
}

fn invited(id: TicketId, invitation: TicketId, uses: u32) -> Join {
    let invitation = InvitationUse { id: invitation, uses, good_for: Duration::from_secs(60) };
    Join { invitation: Some(invitation), ..Join::new(lane("member"), id, Intent::Wait) }
}

async fn start(kind: Kind) -> Line {
    Line::start(kind, Rules { lanes: two_lanes(), ..rules() }).await
}

async fn join(line: &Line, join: Join) -> Joined {
    line.store.join(&line.room, ticket_id(), &[join]).await.unwrap()[0]
}

async fn an_invitation_for_many_counts_who_came(kind: Kind) {
    let line = start(kind).await;
    let invitation = ticket_id();
    for ahead in 0..3 {
        let joined = join(&line, invited(ticket_id(), invitation, 3)).await;
        assert!(matches!(joined, Joined::Waiting { ahead: before, .. } if before == ahead), "{joined:?}");
    }
    assert_eq!(join(&line, invited(ticket_id(), invitation, 3)).await, Joined::InvitationUsed);
    let another = join(&line, invited(ticket_id(), ticket_id(), 3)).await;
    assert!(matches!(another, Joined::Waiting { ahead: 3, .. }));
}

async fn an_invitation_for_one_gives_that_fan_the_same_place_again(kind: Kind) {
    let line = start(kind).await;
    let id = ticket_id();
    let first = join(&line, invited(id, id, 1)).await;
    let Joined::Waiting { rank, .. } = first else { panic!("{first:?}") };
    line.clock.advance(SECOND);
    let again = join(&line, invited(id, id, 1)).await;
    assert_eq!(again, first, "an answer that was lost costs nothing");
    assert_eq!(line.snapshot().await.waiting(), 1);
    line.store.leave(&line.room, &[Place { lane: lane("member"), rank, id }]).await.unwrap();
    assert_eq!(join(&line, invited(id, id, 1)).await, Joined::InvitationUsed);
}

async fn a_used_up_invitation_is_remembered_as_long_as_it_is_good(kind: Kind) {
    let line = start(kind).await;
    let invitation = ticket_id();
    for _ in 0..2 {
        join(&line, invited(ticket_id(), invitation, 2)).await;
    }
    line.clock.advance(59 * SECOND);
    assert_eq!(join(&line, invited(ticket_id(), invitation, 2)).await, Joined::InvitationUsed);
}

async fn whoever_comes_by_invitation_changes_no_place_in_another_lane(kind: Kind) {
    let line = start(kind).await;
    let general = line.fans(&lane("general"), 5).await;
    let before: Vec<_> = line.store.look(&line.room, &general).await.unwrap();
    for _ in 0..4 {
        let id = ticket_id();
        join(&line, invited(id, id, 1)).await;
    }
    assert_eq!(line.store.look(&line.room, &general).await.unwrap(), before, "P5");
    let snapshot = line.snapshot().await;
    let ahead = |at: usize| snapshot.lane(&lane("general")).unwrap().ladder.ahead(general[at].rank);
    assert_eq!([ahead(0), ahead(4)], [0, 4]);
}

async fn one_that_is_withdrawn_leads_nowhere_and_who_came_by_it_stays(kind: Kind) {
    let line = start(kind).await;
    let [one, many, fresh] = [ticket_id(), ticket_id(), ticket_id()];
    let Joined::Waiting { rank, .. } = join(&line, invited(one, one, 1)).await else { panic!() };
    for _ in 0..2 {
        join(&line, invited(ticket_id(), many, 3)).await;
    }
    let until = line.clock.now() + 60 * SECOND;
    let list = async || line.desk().invitations(&line.room, 10).await.unwrap();
    let told = list().await;
    let used: Vec<_> = told.iter().map(|record| (record.id, record.used, record.is_withdrawn)).collect();
    assert!(
        used.contains(&(one, 1, false)) && used.contains(&(many, 2, false)) && used.len() == 2,
        "{told:?}"
    );
    assert!(told.iter().all(|record| record.until == until));
    let withdrawn = [(one, until), (many, until), (fresh, until + SECOND)];
    for _ in 0..2 {
        line.desk().withdraw(&line.room, &withdrawn).await.unwrap();
    }
    for (id, invitation, uses) in [(one, one, 1), (ticket_id(), many, 3), (fresh, fresh, 1)] {
        assert_eq!(join(&line, invited(id, invitation, uses)).await, Joined::InvitationUsed);
    }
    let told = list().await;
    assert_eq!((told.len(), told[0].id, told[0].used), (3, fresh, 0), "the one that is good longest first");
    assert!(told.iter().all(|record| record.is_withdrawn));
    assert_eq!(line.desk().invitations(&line.room, 1).await.unwrap(), told[..1]);
    let place = Place { lane: lane("member"), rank, id: one };
    assert!(matches!(line.look(&place).await, admission::store::Standing::Waiting { .. }));
    line.clock.advance(60 * SECOND);
    assert_eq!(list().await.len(), 1, "what is not good any more is forgotten");
    line.clock.advance(SECOND);
    assert_eq!(list().await, []);
}
