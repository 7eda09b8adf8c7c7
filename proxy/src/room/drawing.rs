//! What a room tells of its draw: the commitment before the opening, the seed after it.

use admission::draw::Seed;
use admission::ticket::{Order, Ticket};

use super::Room;
use crate::waiting::draw::{DrawFacts, DrawNote, HOW};
use crate::waiting::time::rfc3339;

impl Room {
    /// What anyone is told of the draw; nothing where the rules name no pre-queue. The seed is told only when the
    /// store has said that the room is open: this proxy's own clock does not count.
    pub fn draw(&self) -> Option<DrawFacts> {
        let draw = self.draw_id()?;
        let seed = Seed::derive(&self.ports.keys, &self.config.id, &draw)?;
        let view = self.view.load();
        let opens_at = view.rules(&self.config.rules).opens_at?;
        let has_opened = view.snapshot().is_some_and(|snapshot| opens_at <= snapshot.at);
        Some(DrawFacts {
            room: self.config.id.to_string(),
            prequeue_at: rfc3339(draw.prequeue_at()),
            opens_at: rfc3339(opens_at),
            state: if has_opened { "revealed" } else { "committed" },
            commitment: seed.commitment().to_string(),
            seed: has_opened.then(|| seed.reveal()),
            how: HOW,
        })
    }

    /// What the page of a fan with this ticket says of the draw: nothing where it has none.
    pub fn draw_note(&self, ticket: &Ticket) -> Option<DrawNote> {
        let Order::Drawn(draw) = &ticket.order else { return None };
        let seed = Seed::derive(&self.ports.keys, &self.config.id, draw)?;
        Some(DrawNote { commitment: seed.commitment().to_string(), ticket: ticket.id.to_string() })
    }
}
