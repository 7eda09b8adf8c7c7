//! Sessions that the store told of: begun at other edges, or here before this process did. Should the store lose them,
//! it is told them by every edge that runs, also where their fans show nowhere.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use admission::clock::Timestamp;
use admission::store::{LiveSession, Stay};
use admission::ticket::TicketId;

use super::{SESSIONS_MAX, Sessions};

/// The sessions that the store told of, each some 40 bytes and no more than [`SESSIONS_MAX`]. They go when they end.
#[derive(Default)]
pub(super) struct Heard {
    live: HashMap<TicketId, Live>,
    /// Those that a store which lost data is still to be told.
    due: Vec<TicketId>,
}

/// By the line's clock.
struct Live {
    admitted_at: Timestamp,
    until: Timestamp,
}

impl Heard {
    pub(super) fn knows(&self, ticket: TicketId) -> bool {
        self.live.contains_key(&ticket)
    }

    pub(super) fn end(&mut self, tickets: &[TicketId]) {
        for ticket in tickets {
            self.live.remove(ticket);
        }
    }

    /// The sessions that began before, or at, a moment.
    pub(super) fn begun_by(&self, moment: Timestamp) -> impl Iterator<Item = TicketId> {
        self.live.iter().filter(move |(_, live)| live.admitted_at <= moment).map(|(ticket, _)| *ticket)
    }

    /// All have to be told.
    pub(super) fn all_are_due(&mut self) {
        self.due = self.live.keys().copied().collect();
    }

    /// These were not told.
    pub(super) fn are_due(&mut self, tickets: impl Iterator<Item = TicketId>) {
        self.due.extend(tickets);
    }

    /// Some of those that have to be told, at most so many; not those of which it is known here that they last at least
    /// as long. One that has run out since it was heard of is told as well: the store then knows that it is over, unless
    /// another edge tells of a later use.
    pub(super) fn take_due(
        &mut self,
        most: usize,
        store_now: Timestamp,
        is_known: impl Fn(TicketId, Timestamp) -> bool,
    ) -> Vec<Stay> {
        let mut stays = Vec::new();
        while stays.len() < most
            && let Some(ticket) = self.due.pop()
        {
            if let Some(Live { admitted_at, until }) = self.live.get(&ticket)
                && !is_known(ticket, *until)
            {
                let (stayed, keep_for) = (store_now.since(*admitted_at), until.since(store_now));
                stays.push(Stay { ticket, stayed, keep_for });
            }
        }
        stays
    }
}

impl Sessions {
    /// Takes in what the store tells of live sessions. That it does is no use of them: nobody stays longer for it.
    pub(in crate::room) fn hear(&self, told: &[LiveSession]) {
        let voided_before = self.voided_before();
        let is_live =
            |session: &&LiveSession| session.admitted_at > voided_before && !self.has_ended(session.ticket);
        let live: Vec<&LiveSession> = told.iter().filter(is_live).collect();
        let mut heard = self.heard.lock();
        // A store that lost it may have heard of an earlier end from another edge than is to be told from here.
        let is_telling = !heard.due.is_empty();
        for LiveSession { ticket, admitted_at, until } in live {
            let is_full = heard.live.len() >= SESSIONS_MAX;
            let mut news = Live { admitted_at: *admitted_at, until: *until };
            match heard.live.entry(*ticket) {
                Entry::Occupied(mut known) => {
                    if is_telling {
                        news.until = news.until.max(known.get().until);
                    }
                    *known.get_mut() = news;
                }
                Entry::Vacant(_) if is_full => {}
                Entry::Vacant(vacant) => {
                    vacant.insert(news);
                }
            }
        }
    }

    /// The store has told all there are: those that have run out are over, or it told of a later end.
    pub(in crate::room) fn heard_all(&self, store_now: Timestamp) {
        let mut heard = self.heard.lock();
        if heard.due.is_empty() {
            heard.live.retain(|_, live| live.until > store_now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn session(number: u8, left: Duration) -> LiveSession {
        let ticket = TicketId::from_bytes([number; 12]);
        LiveSession { ticket, admitted_at: NOW - MINUTE, until: NOW + left }
    }

    fn due(sessions: &Sessions, store_now: Timestamp) -> Vec<Stay> {
        let mut due = sessions.due_for_presence(MINUTE, MINUTE, store_now);
        due.sort_by_key(|stay| stay.ticket);
        due
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_heard_of_is_told_when_it_was_lost_and_lives_no_longer_for_it() {
        let sessions = Sessions::default();
        let told = [session(1, MINUTE), session(2, MINUTE), session(3, MINUTE), session(4, MINUTE / 4)];
        sessions.end(&[told[2].ticket], MINUTE);
        sessions.hear(&told);
        sessions.heard_all(NOW);
        assert_eq!(due(&sessions, NOW), [], "while nothing is lost");
        assert!(sessions.knows(told[0].ticket) && sessions.has_ended(told[2].ticket));
        sessions.end(&[told[1].ticket], MINUTE);
        sessions.all_are_due();
        let stay = |session: &LiveSession, keep_for| Stay {
            ticket: session.ticket,
            stayed: MINUTE + MINUTE / 2,
            keep_for,
        };
        let expected = [stay(&told[0], MINUTE / 2), stay(&told[3], Duration::ZERO)];
        let stays = due(&sessions, NOW + MINUTE / 2);
        assert_eq!(stays, expected);
        assert_eq!(due(&sessions, NOW), [], "once");
        sessions.presence_failed(&stays);
        assert_eq!(due(&sessions, NOW + MINUTE / 2), expected, "unless the store did not hear it");
        sessions.heard_all(NOW + MINUTE / 2);
        assert!(!sessions.knows(told[3].ticket), "it has run out");
        sessions.void(NOW - MINUTE, MINUTE);
        assert!(sessions.has_ended(told[0].ticket), "what is void is over");
        sessions.hear(&told);
        sessions.all_are_due();
        assert_eq!(due(&sessions, NOW), []);
    }
}
