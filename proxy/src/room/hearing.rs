//! An edge reads from the store which sessions live, in rounds, a page a tick: those that began at other edges, and those
//! from before its own start. What it has not read yet it does not know, as if it had never been told.

use std::time::Duration;

use admission::store::{PageMark, StoreError};
use tokio::time::Instant;

use super::{Room, bounded};

/// The time from the beginning of one round to that of the next, at least. What begins meanwhile at an edge that is
/// killed before another has read it is known to the store alone.
const ROUND_EVERY: Duration = Duration::from_secs(5);

/// How far the reading has come.
#[derive(Default)]
pub(super) struct Hearing {
    /// The next page of a round that is under way.
    next: Option<PageMark>,
    began_at: Option<Instant>,
}

impl Hearing {
    /// Reads the next page, if one is due.
    pub(super) async fn read(&mut self, room: &Room) -> Result<(), StoreError> {
        let from = match (self.next, self.began_at) {
            (Some(mark), _) => mark,
            (None, Some(began_at)) if began_at.elapsed() < ROUND_EVERY => return Ok(()),
            (None, _) => {
                self.began_at = Some(Instant::now());
                PageMark::default()
            }
        };
        let page = match bounded(room.ports.store.sessions(&room.id, from)).await {
            // It lost its data just now; the next tick tells it what there was.
            Err(StoreError::UnknownRoom(_)) => return Ok(()),
            answer => answer?,
        };
        room.sessions.hear(&page.sessions);
        self.next = page.next;
        if let (None, Some(store_now)) = (self.next, room.view.load().store_now()) {
            room.sessions.heard_all(store_now);
        }
        Ok(())
    }
}
