//! Tickets that were opened a moment ago. A page asks again every few seconds, with everything that belongs to it, and shows
//! the same ticket each time: the same text is the same ticket, so its signature is not worked out anew.
//!
//! Only what the signature says is kept. Whether its session ended, whether its place was moved, whether it is of this draw:
//! all that is asked each time. When the keys change, everything is forgotten.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use admission::ticket::Ticket;
use foldhash::quality::RandomState;
use parking_lot::Mutex;

/// How many are kept: those of one moment, for each takes a third of a kilobyte.
const SLOTS: usize = 1024;
/// How many locks they share.
const SHARDS: usize = 16;

type Slot = Option<(Box<str>, Ticket)>;

/// Tickets of one room, by their text. Each has one slot, and takes it from whoever had it.
pub(super) struct Opened {
    hasher: RandomState,
    shards: [Mutex<Vec<Slot>>; SHARDS],
    /// How often the keys changed.
    keys: AtomicU64,
}

impl Default for Opened {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::default(), shards, keys: AtomicU64::new(0) }
    }
}

impl Opened {
    /// The ticket with this text; where it is not known, `open` opens it by the keys in force.
    pub(super) fn get(&self, sealed: &str, open: impl FnOnce() -> Option<Ticket>) -> Option<Ticket> {
        let hash = self.hasher.hash_one(sealed) as usize;
        let (shard, slot) = (self.shards.get(hash % SHARDS)?, hash / SHARDS % (SLOTS / SHARDS));
        if let Some(Some((text, ticket))) = shard.lock().get(slot)
            && **text == *sealed
        {
            return Some(ticket.clone());
        }
        let keys = self.keys.load(Ordering::SeqCst);
        let ticket = open()?;
        let mut slots = shard.lock();
        // Where the keys changed meanwhile, the ones that opened it may be gone.
        if self.keys.load(Ordering::SeqCst) == keys {
            slots.resize_with(SLOTS / SHARDS, || None);
            if let Some(slot) = slots.get_mut(slot) {
                *slot = Some((sealed.into(), ticket.clone()));
            }
        }
        Some(ticket)
    }

    /// The keys changed.
    pub(super) fn forget(&self) {
        self.keys.fetch_add(1, Ordering::SeqCst);
        self.shards.iter().for_each(|shard| shard.lock().clear());
    }
}

#[cfg(test)]
mod tests {
    use admission::clock::Timestamp;
    use admission::name::{LaneId, RoomId};
    use admission::rank::Rank;
    use admission::ticket::{Order, TicketId};

    use super::*;

    fn ticket(id: u8) -> Ticket {
        Ticket {
            room: RoomId::parse("demo").unwrap(),
            lane: LaneId::general(),
            id: TicketId::from_bytes([id; 12]),
            order: Order::Ranked(Rank::new(1)),
            issued_at: Timestamp::from_millis(1),
        }
    }

    #[test]
    fn a_ticket_is_opened_once_until_the_keys_change() {
        let (opened, mut count) = (Opened::default(), 0);
        let mut get = |text: &str, id| {
            let ticket = opened.get(text, || {
                count += 1;
                Some(ticket(id))
            });
            (ticket.unwrap().id, count)
        };
        let id = |id| TicketId::from_bytes([id; 12]);
        assert_eq!([get("a", 1), get("a", 2)], [(id(1), 1); 2]);
        opened.forget();
        assert_eq!(get("a", 2), (id(2), 2));
        for nth in 0..10 * SLOTS as u32 {
            let text = nth.to_string();
            assert_eq!(get(&text, nth as u8).0, id(nth as u8));
            assert_eq!(get(&text, 0).0, id(nth as u8), "no other text has its slot");
        }
    }

    #[test]
    fn what_does_not_open_is_not_kept_and_neither_is_what_old_keys_opened() {
        let opened = Opened::default();
        assert!(opened.get("a", || None).is_none());
        let meanwhile = || {
            opened.forget();
            Some(ticket(1))
        };
        assert!(opened.get("a", meanwhile).is_some());
        assert_eq!(opened.get("a", || Some(ticket(2))).map(|ticket| ticket.id), Some(ticket(2).id));
    }
}
