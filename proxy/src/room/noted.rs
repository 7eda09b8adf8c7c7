//! Fans who came while the store was away: their tickets say when, and they get their place when it is back.

use std::collections::{HashMap, VecDeque};

use admission::ticket::{Order, Ticket, TicketId};
use parking_lot::Mutex;

use super::arriving::{Arrival, OpenTicket, Wish};
use super::{Room, RoomError};

/// Most tickets of which it is remembered that they have their place. Who comes again after that, with the old one,
/// gets a second place, and the first one is passed over when its turn comes.
const REMEMBERED_MAX: usize = 20_000;

/// Which provisional tickets were presented to this proxy, and what came of it: two tabs of one fan present the
/// same one.
#[derive(Default)]
pub(super) struct Noted {
    places: HashMap<TicketId, Option<OpenTicket>>,
    order: VecDeque<TicketId>,
}

impl Noted {
    /// What came of a ticket: nothing yet where the inner value is none. Where it is new, it counts as presented.
    fn present(&mut self, id: TicketId) -> Option<Option<OpenTicket>> {
        if let Some(found) = self.places.get(&id) {
            return Some(found.clone());
        }
        if self.order.len() >= REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
        self.order.push_back(id);
        self.places.insert(id, None);
        None
    }

    fn placed(&mut self, id: TicketId, open: &OpenTicket) {
        if let Some(place) = self.places.get_mut(&id) {
            *place = Some(open.clone());
        }
    }

    /// Nothing came of it: the next time counts as the first.
    fn forget_unplaced(&mut self, id: TicketId) {
        if self.places.get(&id).is_some_and(Option::is_none) {
            self.places.remove(&id);
            self.order.retain(|other| *other != id);
        }
    }
}

/// A ticket that is presented for the first time. Unless a place comes of it, also because whoever asked went away
/// meanwhile, the next time counts as the first.
struct Presented<'a> {
    noted: &'a Mutex<Noted>,
    id: TicketId,
}

impl Drop for Presented<'_> {
    fn drop(&mut self) {
        self.noted.lock().forget_unplaced(self.id);
    }
}

impl Room {
    /// Notes when a fan came, for the store is away. Whoever only wants in at once is not noted.
    pub(super) fn note(&self, wish: &Wish<'_>) -> Result<Arrival, RoomError> {
        if let Some(noted) = wish.noted {
            return Ok(Arrival::Noted(noted.clone()));
        }
        if wish.intent == admission::store::Intent::EnterOnly {
            return Ok(Arrival::NotFree);
        }
        let now = self.ports.clock.now();
        let arrived_at = self.view.load().store_now().unwrap_or(now);
        Ok(Arrival::Noted(Ticket {
            room: self.id.clone(),
            lane: self.lane_of(wish),
            id: self.id_of(wish, 0)?,
            order: Order::Provisional { arrived_at },
            issued_at: now,
        }))
    }

    /// A fan presents a provisional ticket: they get their place, once, if the store is back.
    pub(super) async fn settle(&self, wish: &Wish<'_>, noted: &Ticket) -> Result<Arrival, RoomError> {
        let known = self.noted.lock().present(noted.id);
        match known {
            Some(Some(open)) if !self.sessions.has_ended(open.ticket.id) => {
                return Ok(Arrival::Waiting(open));
            }
            Some(None) => return Ok(Arrival::Noted(noted.clone())),
            _ => {}
        }
        let presented = Presented { noted: &self.noted, id: noted.id };
        let arrival = self.take_in(wish).await;
        if let Ok(Arrival::Waiting(open)) = &arrival {
            self.noted.lock().placed(noted.id, open);
        }
        drop(presented);
        arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut noted = Noted::default();
        let id = |number: usize| {
            let mut bytes = [0; 12];
            bytes[4..].copy_from_slice(&(number as u64).to_be_bytes());
            TicketId::from_bytes(bytes)
        };
        for number in 0..REMEMBERED_MAX + 10 {
            assert!(noted.present(id(number)).is_none());
        }
        assert_eq!((noted.places.len(), noted.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert_eq!(noted.present(id(REMEMBERED_MAX)), Some(None), "under way");
        noted.forget_unplaced(id(REMEMBERED_MAX));
        assert_eq!((noted.places.len(), noted.order.len()), (REMEMBERED_MAX - 1, REMEMBERED_MAX - 1));
    }

    #[test]
    fn whoever_went_away_while_they_were_asked_about_may_come_again() {
        let (noted, id) = (Mutex::new(Noted::default()), TicketId::from_bytes([7; 12]));
        for _ in 0..2 {
            assert!(noted.lock().present(id).is_none());
            let presented = Presented { noted: &noted, id };
            assert_eq!(noted.lock().present(id), Some(None), "a second tab waits for the first");
            drop(presented);
        }
    }
}
