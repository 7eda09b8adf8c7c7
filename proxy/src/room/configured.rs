//! A room's configuration while it runs, and its end.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::Guard;
use tokio::task::AbortHandle;

use super::Room;
use crate::config::RoomConfig;

/// A room's configuration, and which one that is.
#[derive(Clone, Debug)]
pub struct Configured {
    pub(super) config: RoomConfig,
    pub(super) revision: u64,
}

impl Deref for Configured {
    type Target = RoomConfig;

    fn deref(&self) -> &RoomConfig {
        &self.config
    }
}

impl Room {
    /// As configured now.
    pub fn config(&self) -> Guard<Arc<Configured>> {
        self.configured.load()
    }

    /// Goes on by another configuration. What of it concerns the line is put in force at the next tick.
    pub fn reconfigure(&self, config: RoomConfig, revision: u64) {
        let said = |config: &RoomConfig| (config.message.clone(), config.title.clone());
        let is_news = said(&self.config()) != said(&config);
        self.configured.store(Arc::new(Configured { config, revision }));
        if is_news {
            self.registry.lock().ring_all();
        }
    }

    /// The room is no longer configured: its fans are told that they need not wait.
    pub fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
        self.registry.lock().ring_all();
    }

    /// Whether its background tasks have ended.
    pub fn is_over(&self) -> bool {
        self.tick.get().is_some_and(AbortHandle::is_finished)
    }
}
