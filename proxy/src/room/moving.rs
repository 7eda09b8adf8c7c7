//! A place moves to another device of its fan.

use std::time::Duration;

use admission::store::Standing;
use admission::ticket::{Place, Ticket, TicketId};
use admission::transfer::{Transfer, TransferError};
use tokio::time::Instant;

use super::{LOOK_EVERY, OpenTicket, Room, RoomError, bounded};

/// How long a place can be taken over with one link.
pub const TRANSFER_LIFE: Duration = Duration::from_secs(10 * 60);

/// What became of taking a place over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is here, with this ticket.
    Here(OpenTicket),
    /// Somebody took it before, or it is not in the line any more.
    Used,
}

impl Room {
    /// What takes the place of this ticket to another device.
    pub fn transfer(&self, open: &OpenTicket) -> String {
        let expires_at = self.now() + TRANSFER_LIFE;
        Transfer { ticket: open.ticket.clone(), expires_at }.seal(&self.ports.keys.load())
    }

    /// Opens a transfer.
    ///
    /// # Errors
    /// When it is none, not for this room, or not any more.
    pub fn open_transfer(&self, sealed: &str) -> Result<Transfer, TransferError> {
        Transfer::open(&self.ports.keys.load(), &self.id, sealed, self.now())
    }

    /// The place of `transfer` moves to `taker`, who names themselves the same each time. Whoever took it over may ask
    /// again, for the answer may have been lost.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn take_over(&self, transfer: &Transfer, taker: &str) -> Result<Taken, RoomError> {
        let (store, id, keys) = (&self.ports.store, &self.id, self.ports.keys.load_full());
        let Some(place) = transfer.ticket.place(&keys) else { return Ok(Taken::Used) };
        let mark = transfer.mark_of(taker);
        let ticket = transfer.taken_over(self.ports.clock.now());
        let open =
            OpenTicket { place: Place { id: ticket.id, ..place.clone() }, ticket, is_relocated: false };
        if self.order_is_secret() {
            // The store is not asked about a rank that nobody knows yet: it takes time. Who took the place over, all
            // edges hear within a tick.
            return match (self.sessions.has_ended(place.id), self.sessions.has_ended(mark)) {
                (true, false) => Ok(Taken::Used),
                (true, true) => Ok(Taken::Here(open)),
                (false, _) => self.hand_over(&place, mark).await.map(|()| Taken::Here(open)),
            };
        }
        let marked = Place { id: mark, ..place.clone() };
        let places = [place.clone(), marked];
        let mut standings = bounded(store.look(id, &places)).await?;
        if standings.first() == Some(&Standing::Unknown) {
            standings = bounded(store.restore(id, &places)).await?;
            self.line_is_put_back();
        }
        let [old, marked] = standings.as_slice() else { return Ok(Taken::Used) };
        match (old, marked) {
            (Standing::Ended, Standing::Ended) => {
                // Both are ended where this taker was here before; or the whole place is gone, and its rank with it.
                let standings = bounded(store.look(id, std::slice::from_ref(&open.place))).await?;
                let is_there = standings.first().is_some_and(|standing| *standing != Standing::Ended);
                return Ok(if is_there { Taken::Here(open) } else { Taken::Used });
            }
            // A session is bound to the id that it was given to.
            (Standing::Ended | Standing::Active { .. }, _) => return Ok(Taken::Used),
            _ => {}
        }
        self.hand_over(&place, mark).await?;
        Ok(Taken::Here(open))
    }

    /// One step: from now on the old ticket is worth nothing anywhere, and the new one stands at the same rank.
    async fn hand_over(&self, place: &Place, mark: TicketId) -> Result<(), RoomError> {
        bounded(self.ports.store.end(&self.id, &[place.id, mark])).await?;
        self.sessions.end(&[place.id, mark], self.token_life());
        self.registry.lock().forget(place);
        Ok(())
    }

    /// Whether the place of a ticket has moved, which this browser made a link for. The line still knows its rank, and
    /// what has ended is remembered here for some time only: so the store is asked, now and then.
    pub async fn has_moved(&self, sealed: &str, marked: &str) -> bool {
        let Some(id) = TicketId::parse(marked) else { return false };
        let Ok(ticket) = Ticket::open(&self.ports.keys.load(), &self.id, sealed) else { return false };
        if ticket.id != id {
            return false;
        }
        if self.sessions.has_ended(id) {
            return true;
        }
        let Some(place) = ticket.place(&self.ports.keys.load()) else { return false };
        let looked_at = self.registry.lock().known(&place).and_then(|known| known.looked_at);
        // Nor is the store asked while the order is secret, for that takes time.
        if self.order_is_secret() {
            return false;
        }
        if looked_at.is_some_and(|at| Instant::now().duration_since(at) < LOOK_EVERY) {
            return false;
        }
        let look = bounded(self.ports.store.look(&self.id, std::slice::from_ref(&place))).await;
        match look.as_deref() {
            Ok([Standing::Ended]) => {
                self.sessions.end(&[id], self.token_life());
                true
            }
            Ok([standing]) => {
                self.learn(&place, *standing);
                false
            }
            _ => false,
        }
    }

    /// The store's time, as well as it can be told from here.
    fn now(&self) -> admission::clock::Timestamp {
        self.view.load().store_now().unwrap_or_else(|| self.ports.clock.now())
    }
}
