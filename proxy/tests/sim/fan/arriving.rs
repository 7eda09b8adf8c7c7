//! A fan comes: asks for a place until they have one, or are let in.

use std::time::Duration;

use admission::clock::Timestamp;
use admission::invariants::{Span, What};
use admission::store::Intent;
use admission::ticket::Order;
use proxy::room::OpenTicket;
use tokio::time::sleep;

use super::{End, Fan, Guest};
use crate::edge::Place;

/// Between two tries.
const AGAIN: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(3));

/// What a fan carries who came while the line was away.
struct Note {
    sealed: String,
    came: Span,
}

impl Fan {
    /// Gets a ticket and waits with it, or is let in.
    pub(super) async fn come(&mut self, intent: Intent, nth: u32) -> End {
        let name = format!("fan {}, ticket {nth}", self.number);
        let mut note: Option<Note> = None;
        let mut first_asked: Option<Timestamp> = None;
        loop {
            let edge = self.any_edge().await;
            let now = self.world.now();
            let noted = note.as_ref().map(|note| note.sealed.as_str());
            let answer = edge.join(intent, self.invitation.as_deref(), noted).await;
            // With an invitation for one, an answer that was lost has given the place all the same.
            let asked = if self.invitation.is_some() { *first_asked.get_or_insert(now) } else { now };
            match answer {
                Ok(Place::Session(pass)) => {
                    self.story = self.world.open(name, &pass.admission.lane, None, None);
                    self.see(&edge, What::Entered);
                    return End::LetIn(Box::new(Guest { sealed: String::new(), ticket: None, pass }));
                }
                Ok(Place::Ticket(sealed, ticket)) => {
                    let came = note.map_or(Span::new(asked, self.world.now()), |note| note.came);
                    self.open(name, &ticket, came);
                    self.see(&edge, super::waiting::ticket_of(&ticket));
                    return self.wait(sealed, ticket, edge).await;
                }
                Ok(Place::Noted(sealed, arrived_at)) if note.is_none() => {
                    let came = self.world.about(Span::new(asked, self.world.now()), arrived_at);
                    note = Some(Note { sealed, came });
                }
                Ok(Place::NoteWorthless) => note = None,
                Ok(Place::InvitationUsed) => self.invitation = None,
                Ok(Place::Noted(..) | Place::None) | Err(_) => {}
            }
            sleep(self.dice.time(AGAIN.0, AGAIN.1)).await;
        }
    }

    fn open(&mut self, name: String, ticket: &OpenTicket, came: Span) {
        let is_drawn = matches!(ticket.ticket.order, Order::Drawn(_));
        let place = &ticket.place;
        let decides = Some(came).filter(|_| !is_drawn);
        self.story = self.world.open(name, &place.lane, Some(place.rank), decides);
        // Whoever may have come before the opening, or after it, is given the benefit of the doubt.
        self.world.got(self.story, place.id, if is_drawn { came.from } else { came.to });
    }
}
