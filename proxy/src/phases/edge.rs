//! What the phases share.

use std::sync::Arc;

use admission::clock::{Clock, Random};
use admission::keyring::Keyring;

use crate::config::EdgeConfig;
use crate::config::keys::CdnSecret;
use crate::gate::routes::Routes;
use crate::limits::PrefixLimit;
use crate::live::Load;
use crate::room::Room;
use crate::upstream::Upstream;
use crate::waiting::page::Pages;

/// The rooms and the ways to them.
pub struct Rooms {
    rooms: Vec<Arc<Room>>,
    /// Which room protects which path.
    pub routes: Routes,
}

impl Rooms {
    /// `routes` lead to `rooms` by index.
    pub fn new(rooms: Vec<Arc<Room>>, routes: Routes) -> Self {
        Self { rooms, routes }
    }

    /// The `index`th room.
    pub fn get(&self, index: usize) -> Option<&Arc<Room>> {
        self.rooms.get(index)
    }

    /// The room with this id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Room>> {
        self.rooms.iter().find(|room| room.id.as_str() == id)
    }

    /// All rooms.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.iter()
    }
}

/// The edge: decides per request, serves the waiting room, forwards the admitted.
pub struct Edge {
    /// As configured.
    pub config: EdgeConfig,
    /// The rooms.
    pub rooms: Arc<Rooms>,
    /// The keys of the signature to the shop.
    pub edge_keys: Keyring,
    /// What the CDN shows; nothing where it need not.
    pub cdn_secret: Option<CdnSecret>,
    /// How fast new places are given to one network, where that is bounded.
    pub joins: Option<PrefixLimit>,
    /// The shop.
    pub upstream: Arc<Upstream>,
    /// The pages.
    pub pages: Pages,
    /// How much is going on.
    pub load: Arc<Load>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}
