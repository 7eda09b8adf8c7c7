//! Fans whom this proxy holds.

use std::num::NonZeroU64;
use std::sync::Arc;

use admission::ticket::Place;
use tokio::time::Instant;

use super::{RECONNECT_GRACE, Room};
use crate::wire::Wire;

impl Room {
    /// A fan opened a WebSocket; over `wire` they hear what there is to tell. Whether there is room for it.
    pub fn attach(&self, place: &Place, wire: &Arc<Wire>) -> bool {
        // Where there is no tick any more, nobody would tell them anything.
        !self.is_over() && self.registry.lock().attach(place, wire, Instant::now())
    }

    /// A fan was shown this place before, maybe by another proxy: they are not shown a higher one. It is theirs to
    /// say, and concerns nobody else.
    pub fn was_shown(&self, place: &Place, position: u64) {
        if let Some(position) = NonZeroU64::new(position) {
            self.registry.lock().was_shown(place, position);
        }
    }

    /// A fan's WebSocket closed.
    pub fn detach(&self, place: &Place, wire: &Arc<Wire>) {
        self.registry.lock().detach(place, wire, RECONNECT_GRACE, Instant::now());
    }
}
