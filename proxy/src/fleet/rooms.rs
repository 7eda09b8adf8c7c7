//! The rooms of this proxy and the ways to them, and how they become others.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{RoomConfig, rooms::room_routes};
use crate::gate::routes::Routes;
use crate::room::{Ports, Room};
use crate::waiting::cookies::Scheme;

/// How long the fans of a room that is gone are told so, before nothing answers for it any more.
const FAREWELL: Duration = Duration::from_secs(60);
/// How long the store may take then to hear what it does not know yet.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What a room needs to start.
pub struct Opening {
    /// The process's.
    pub ports: Ports,
    /// By which fans come.
    pub scheme: Scheme,
    /// How often it asks the store.
    pub tick: Duration,
}

/// The rooms and the ways to them.
pub struct Rooms {
    rooms: Vec<Arc<Room>>,
    /// Rooms that are no longer configured, whose fans have yet to hear it.
    leaving: Vec<Arc<Room>>,
    /// Which room protects which path.
    pub routes: Routes,
}

impl Rooms {
    /// The rooms of a process that starts.
    pub fn open(configs: &[RoomConfig], revision: u64, opening: &Opening) -> Self {
        Self { rooms: Vec::new(), leaving: Vec::new(), routes: Routes::new(Vec::new()) }
            .with(configs, revision, opening)
    }

    /// These rooms as `configs` say: those that are there go on with their fans, others start, and those that are not
    /// named any more let their fans go.
    #[must_use]
    pub fn with(&self, configs: &[RoomConfig], revision: u64, opening: &Opening) -> Self {
        let routes = configs.iter().enumerate().flat_map(|(index, room)| room_routes(room, index)).collect();
        let rooms: Vec<Arc<Room>> = configs
            .iter()
            .map(|config| match self.rooms.iter().find(|room| room.id == config.id) {
                Some(room) => {
                    room.reconfigure(config.clone(), revision);
                    room.clone()
                }
                None => {
                    let Opening { ports, scheme, tick } = opening;
                    Room::start(config.clone(), revision, *scheme, ports.clone(), *tick)
                }
            })
            .collect();
        let is_gone = |room: &&Arc<Room>| configs.iter().all(|config| config.id != room.id);
        let mut leaving: Vec<Arc<Room>> =
            self.leaving.iter().filter(|room| !room.is_over()).filter(is_gone).cloned().collect();
        for room in self.rooms.iter().filter(is_gone) {
            room.retire();
            leaving.push(room.clone());
            let room = room.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FAREWELL).await;
                room.finish(Instant::now() + LAST_WORDS).await;
            });
        }
        Self { rooms, leaving, routes: Routes::new(routes) }
    }

    /// The `index`th room.
    pub fn get(&self, index: usize) -> Option<&Arc<Room>> {
        self.rooms.get(index)
    }

    /// The room with this id, also if it is on its way out.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Room>> {
        self.rooms.iter().chain(&self.leaving).find(|room| room.id.as_str() == id)
    }

    /// All rooms that are configured.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.iter()
    }
}
