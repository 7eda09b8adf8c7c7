//! Places that operators moved. Their fans come with the ticket of before, and follow.

use std::collections::HashMap;

use admission::store::Relocated;
use admission::ticket::{Order, Place, Ticket, TicketId};
use parking_lot::RwLock;
use tokio::time::Instant;

use super::registry::Stage;
use super::{OpenTicket, Room, RoomError};

/// Most places that are followed here; of more, those go that the line does not tell of any more.
const KNOWN_MAX: usize = 10_000;
/// Most times that one place is followed on.
const HOPS_MAX: usize = 16;

/// Where the tickets of before lead.
#[derive(Default)]
pub(super) struct Relocations(RwLock<HashMap<TicketId, Place>>);

impl Relocations {
    /// Takes in what the line tells. What is news.
    fn learn(&self, told: &[Relocated]) -> Vec<Place> {
        let is_news =
            |known: &HashMap<TicketId, Place>, one: &&Relocated| known.get(&one.from.id) != Some(&one.to);
        {
            let known = self.0.read();
            if !told.iter().any(|one| is_news(&known, &one)) {
                return Vec::new();
            }
        }
        let mut known = self.0.write();
        let news: Vec<Relocated> = told.iter().filter(|one| is_news(&known, one)).cloned().collect();
        if known.len() + news.len() > KNOWN_MAX {
            known.retain(|from, _| told.iter().any(|one| one.from.id == *from));
        }
        known.extend(news.iter().map(|one| (one.from.id, one.to.clone())));
        news.into_iter().map(|one| one.from).collect()
    }

    fn of(&self, ticket: TicketId) -> Option<Place> {
        let known = self.0.read();
        if known.is_empty() {
            return None;
        }
        let mut found = known.get(&ticket)?;
        for _ in 0..HOPS_MAX {
            match known.get(&found.id) {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(found.clone())
    }
}

impl Room {
    /// Takes in which places operators moved. Their fans hear at once that the old ticket is over, and ask for the new one.
    pub(crate) fn hear_of_relocations(&self, told: &[Relocated]) {
        for from in self.relocations.learn(told) {
            self.sessions.end(&[from.id], self.token_life());
            self.registry.lock().learn(&from, Stage::Expired, Instant::now());
        }
    }

    /// The ticket that this one leads to, where its place was moved.
    pub(super) fn follow(&self, ticket: &Ticket) -> Option<OpenTicket> {
        let place = self.relocations.of(ticket.id)?;
        let ticket = Ticket {
            lane: place.lane.clone(),
            id: place.id,
            order: Order::Ranked(place.rank),
            ..ticket.clone()
        };
        Some(OpenTicket { ticket, place, is_relocated: true })
    }

    /// An id for a ticket that nobody has yet.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn new_ticket_id(&self) -> Result<TicketId, RoomError> {
        self.random_id()
    }

    /// A link that brings a place that was moved to whoever opens it, below the address of the site.
    pub fn link_to(&self, place: &Place) -> String {
        let ticket = Ticket {
            room: self.id.clone(),
            lane: place.lane.clone(),
            id: place.id,
            order: Order::Ranked(place.rank),
            issued_at: self.ports.clock.now(),
        };
        let open = OpenTicket { ticket, place: place.clone(), is_relocated: false };
        format!("/.waiting-room/{}/take?code={}", self.id, self.transfer(&open))
    }
}

#[cfg(test)]
mod tests {
    use admission::name::LaneId;
    use admission::rank::Rank;

    use super::*;

    fn place(id: u8) -> Place {
        Place { lane: LaneId::general(), rank: Rank::new(u64::from(id)), id: TicketId::from_bytes([id; 12]) }
    }

    #[test]
    fn a_place_that_moved_twice_is_followed_to_its_end_and_news_are_told_once() {
        let relocations = Relocations::default();
        let moved = |from, to| Relocated { from: place(from), to: place(to) };
        assert_eq!(relocations.of(place(1).id), None);
        assert_eq!(relocations.learn(&[moved(1, 2)]), [place(1)]);
        assert_eq!(relocations.learn(&[moved(1, 2), moved(2, 3)]), [place(2)]);
        assert_eq!(relocations.learn(&[moved(1, 2), moved(2, 3)]), []);
        assert_eq!(relocations.of(place(1).id), Some(place(3)));
        assert_eq!(relocations.of(place(3).id), None);
    }
}
