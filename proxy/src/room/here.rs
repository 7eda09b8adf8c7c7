//! Fans whom this proxy holds.

use std::sync::Arc;

use admission::ticket::Place;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{RECONNECT_GRACE, Room};

impl Room {
    /// A fan opened a WebSocket; `bell` rings when there is something to tell.
    pub fn attach(&self, place: &Place, bell: &Arc<Notify>) -> bool {
        self.registry.lock().attach(place, bell, Instant::now())
    }

    /// A fan was shown this place before, maybe by another proxy: they are not shown a higher one. It is theirs to
    /// say, and concerns nobody else.
    pub fn was_shown(&self, place: &Place, position: u64) {
        self.registry.lock().show(place, position.saturating_sub(1));
    }

    /// A fan's WebSocket closed.
    pub fn detach(&self, place: &Place, bell: &Arc<Notify>) {
        self.registry.lock().detach(place, bell, RECONNECT_GRACE, Instant::now());
    }
}
