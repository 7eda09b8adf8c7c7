//! Taking back every admission of a room, from outside the edges: straight at the store, which tells them all.

use std::sync::Arc;

use admission::clock::{Clock, SystemClock};
use admission::name::RoomId;
use admission::store::memory::JournalError;
use admission::store::{StoreError, Voided};

use super::{OpenStore, ServerError, open_store};
use crate::config::Config;
use crate::config::edge::StoreConfig;

/// The admissions of a room could not be voided.
#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    /// The line is in the memory of another process.
    #[error(
        "the edge that runs has the line to itself (`store.kind` in edge.toml is \"memory\"), and it goes on: ask it, by POST \
         /api/v1/rooms/<room>/void on its `admin_listen`"
    )]
    OutOfReach,
    /// The store cannot be opened.
    #[error(transparent)]
    Unopened(#[from] ServerError),
    /// The store cannot be asked.
    #[error("{0}; nothing may have happened: try again")]
    Store(StoreError),
    /// No edge has had this room yet.
    #[error("the store has no line of the room `{0}`: no edge has run with it yet, so nobody was admitted")]
    NoLine(RoomId),
    /// The disk did not take it.
    #[error("it could not be written down: {0}")]
    Unwritten(String),
}

/// Voids all admissions of `room` up to now.
///
/// # Errors
/// When the store cannot be reached from here.
pub fn void(config: &Config, room: &RoomId) -> Result<Voided, VoidError> {
    if matches!(config.edge.store, StoreConfig::Memory { path: None }) {
        return Err(VoidError::OutOfReach);
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServerError::from)?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let OpenStore { store, to_close, .. } =
            open_store(&config.edge.store, &clock).map_err(|error| match error {
                ServerError::Journal(JournalError::Taken(_)) => VoidError::OutOfReach,
                error => VoidError::Unopened(error),
            })?;
        let voided = store.void(room, None).await.map_err(|error| match error {
            StoreError::UnknownRoom(room) => VoidError::NoLine(room),
            error => VoidError::Store(error),
        })?;
        if let Some(store) = to_close {
            if !store.flush() {
                return Err(VoidError::Unwritten("the disk did not take it in time".to_owned()));
            }
            store.close();
        }
        Ok(voided)
    })
}
