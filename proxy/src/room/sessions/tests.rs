use admission::name::LaneId;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn keys() -> Keyring {
    Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
}

fn room() -> RoomId {
    RoomId::parse("demo").unwrap()
}

fn admission(number: u8) -> Admission {
    Admission {
        room: room(),
        ticket: TicketId::from_bytes([number; 12]),
        lane: LaneId::general(),
        admitted_at: NOW,
        began_at: NOW,
        issued_at: NOW,
        expires_at: NOW + MINUTE,
        binding: None,
    }
}

fn token(number: u8) -> String {
    admission(number).mint(&keys(), TicketId::from_bytes([9; 12])).unwrap()
}

fn admit(sessions: &Sessions, token: &str, now: Timestamp) -> Option<Admission> {
    sessions.admit(&keys(), &room(), token, now, |_| true)
}

#[tokio::test]
async fn a_token_of_somebody_else_leaves_no_trace() {
    let sessions = Sessions::default();
    assert_eq!(sessions.admit(&keys(), &room(), &token(1), NOW, |_| false), None);
    assert!(!sessions.knows(admission(1).ticket), "a thief does not keep the session going");
    assert!(admit(&sessions, &token(1), NOW).is_some());
}

#[tokio::test]
async fn a_verified_token_still_expires_and_still_ends() {
    let (sessions, token) = (Sessions::default(), token(1));
    for _ in 0..2 {
        assert_eq!(admit(&sessions, &token, NOW), Some(admission(1)));
    }
    assert_eq!(admit(&sessions, &token, NOW + MINUTE), None);
    sessions.end(&[admission(1).ticket], MINUTE);
    assert_eq!(admit(&sessions, &token, NOW), None);
    assert!(sessions.knows(admission(1).ticket));
    sessions.revive(admission(1).ticket);
    assert!(admit(&sessions, &token, NOW).is_some());
}

#[tokio::test(start_paused = true)]
async fn sessions_in_use_are_reported_now_and_then() {
    let sessions = Sessions::default();
    let every = Duration::from_secs(5);
    let due = || {
        let mut due = sessions.due_for_presence(every, MINUTE, NOW + every);
        due.sort_by_key(|stay| stay.ticket);
        due
    };
    let stay = |number, keep_for| Stay { ticket: admission(number).ticket, stayed: every, keep_for };
    sessions.touch(&admission(1), None);
    sessions.touch(&admission(2), Some(MINUTE * 10));
    assert_eq!(due(), [stay(1, MINUTE), stay(2, MINUTE * 10)]);
    assert!(due().is_empty());
    tokio::time::advance(every).await;
    assert!(due().is_empty(), "nobody was there");
    sessions.touch(&admission(1), None);
    assert_eq!(due(), [stay(1, MINUTE)]);
    tokio::time::advance(every).await;
    sessions.all_are_due();
    assert_eq!(
        due(),
        [stay(1, MINUTE - every), stay(2, MINUTE * 10 - every * 2)],
        "told again, but it lives no longer for that"
    );
    tokio::time::advance(MINUTE).await;
    let kept = stay(2, MINUTE * 9 - every * 2);
    assert_eq!(due(), [kept], "kept as the shop asked");
    sessions.presence_failed(&[kept]);
    assert_eq!(due(), [kept]);
}

#[tokio::test(start_paused = true)]
async fn who_is_done_is_remembered_as_long_as_the_store_remembers_it() {
    let sessions = Sessions::default();
    sessions.end(&[admission(1).ticket], MINUTE);
    tokio::time::advance(ENDED_MEMORY - MINUTE).await;
    sessions.tidy();
    sessions.all_are_due();
    assert_eq!(sessions.due_to_end_again(), [admission(1).ticket], "long after its token expired");
    tokio::time::advance(MINUTE).await;
    sessions.tidy();
    assert!(!sessions.knows(admission(1).ticket));
}

#[tokio::test]
async fn ended_sessions_are_told_again_to_a_store_that_lost_them() {
    let sessions = Sessions::default();
    sessions.end(&[admission(1).ticket], MINUTE);
    assert!(sessions.due_to_end_again().is_empty());
    sessions.all_are_due();
    assert_eq!(sessions.due_to_end_again(), [admission(1).ticket]);
    assert!(sessions.due_to_end_again().is_empty(), "once");
}

#[tokio::test]
async fn a_stay_has_an_end() {
    let sessions = Sessions::default();
    sessions.touch(&admission(1), None);
    // Admitted again by a second tab, which does not count.
    sessions.touch(&Admission { admitted_at: NOW + MINUTE, ..admission(1) }, None);
    assert_eq!(sessions.admitted_at(admission(1).ticket), Some(NOW));
    assert!(sessions.overstayed(NOW + MINUTE - Duration::from_millis(1), MINUTE).is_empty());
    assert_eq!(sessions.overstayed(NOW + MINUTE, MINUTE), [admission(1).ticket]);
}

#[tokio::test]
async fn what_was_voided_opens_nothing_and_what_came_later_does() {
    let sessions = Sessions::default();
    let later = Admission { began_at: NOW + Duration::from_millis(1), ..admission(3) };
    let later_token = later.mint(&keys(), TicketId::from_bytes([9; 12])).unwrap();
    // One that was used here, and one that was not yet.
    assert!(admit(&sessions, &token(1), NOW).is_some());
    assert!(sessions.void(NOW, MINUTE), "news");
    assert!(!sessions.void(NOW, MINUTE) && !sessions.void(NOW - MINUTE, MINUTE), "told again");
    assert_eq!(sessions.voided_before(), NOW);
    assert!(
        sessions.due_for_presence(MINUTE, MINUTE, NOW).is_empty(),
        "their sessions are not reported any more"
    );
    for number in [1, 2] {
        assert_eq!(admit(&sessions, &token(number), NOW), None);
        assert!(sessions.has_ended(admission(number).ticket), "nor is the ticket good for anything");
    }
    let mut told = sessions.due_to_end_again();
    told.sort();
    assert_eq!(told, [admission(1).ticket, admission(2).ticket], "the store may not know them");
    assert_eq!(admit(&sessions, &later_token, NOW), Some(later));
    // Who stood in line again with the ticket of a voided session, and has another one, is not put out by the old token.
    sessions.revive(admission(1).ticket);
    let again = Admission { began_at: NOW + MINUTE, ..admission(1) };
    sessions.touch(&again, None);
    assert_eq!(admit(&sessions, &token(1), NOW), None);
    assert!(!sessions.has_ended(again.ticket));
}
