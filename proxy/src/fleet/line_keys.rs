//! The keys of tickets and admission tokens, read again from their file when it changes. No key crosses the API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admission::keyring::Keyring;
use admission::store::AuditEntry;
use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::Fleet;
use super::watched::Watched;
use crate::config::keys;

/// How often the file is looked at. What changed is read when it stayed so until the next look.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The keys cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is no file.
    #[error(
        "the keys come from the environment variable STANCHION_KEYS, which a running process cannot read again; name a file \
         (`keys_file` in edge.toml) and start with --upgrade"
    )]
    NoFile,
    /// A draw follows from the key that signs, and was committed to.
    #[error(
        "the room `{room}` is in its pre-queue, and its draw follows from the key that signs: put the new key behind that one \
         for now, and first when the room has opened"
    )]
    Draw {
        /// Of this room.
        room: String,
    },
    /// What is in it is wrong.
    #[error("{0}; the keys of before stay in force")]
    Wrong(String),
}

/// The keys in force, and where they come from.
pub struct LineKeys {
    keys: Arc<ArcSwap<Keyring>>,
    file: Option<PathBuf>,
    fleet: Arc<Fleet>,
}

impl LineKeys {
    /// These keys, read from this file, for the rooms of this fleet.
    pub fn new(keys: Arc<ArcSwap<Keyring>>, file: Option<PathBuf>, fleet: Arc<Fleet>) -> Self {
        Self { keys, file, fleet }
    }

    /// The ids of the keys, the one that signs first.
    pub fn ids(&self) -> Vec<String> {
        self.keys.load().key_ids().into_iter().map(str::to_owned).collect()
    }

    /// Whether they come from a file, so that they can change.
    pub fn is_from_a_file(&self) -> bool {
        self.file.is_some()
    }

    /// Reads them again. The ids, the one that signs first.
    ///
    /// # Errors
    /// When there is no file, or no keyring in it. Then nothing has changed.
    pub fn reload(&self) -> Result<Vec<String>, KeysError> {
        let file = self.file.as_deref().ok_or(KeysError::NoFile)?;
        let fresh = keys::load(keys::KEYS_VARIABLE, None, "keys_file", Some(file));
        let fresh = fresh.map_err(|error| KeysError::Wrong(error.to_string()))?;
        let in_force = self.fleet.in_force();
        let is_another = fresh.signing_key_id() != self.keys.load().signing_key_id();
        if let Some(room) = in_force.rooms.iter().find(|room| is_another && room.order_is_secret()) {
            return Err(KeysError::Draw { room: room.id.to_string() });
        }
        self.keys.store(Arc::new(fresh));
        in_force.rooms.iter().for_each(|room| room.rekeyed());
        Ok(self.ids())
    }

    /// Reads them again because something other than an operator's call says so, and notes what came of it.
    pub async fn reload_on(&self, via: &str) {
        let before = self.ids();
        match self.reload() {
            Ok(ids) if ids == before => {}
            Ok(ids) => {
                let detail = told(&ids);
                tracing::info!(via, keys = detail, "other keys are in force");
                let entry = AuditEntry {
                    actor: self.fleet.host().to_owned(),
                    via: via.to_owned(),
                    action: "keys".to_owned(),
                    detail,
                    ..AuditEntry::default()
                };
                if let Err(error) = self.fleet.note(entry).await {
                    tracing::warn!(%error, "the audit log could not be told of the keys");
                }
            }
            Err(KeysError::NoFile) => {}
            Err(error) => tracing::error!(%error, "the keys cannot be read again"),
        }
    }

    /// Follows the file until `stopped`.
    pub async fn follow(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut watched = Watched::new(self.file.as_slice());
        while self.file.is_some() {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            if watched.have_changed(self.file.as_slice()) {
                self.reload_on("file").await;
            }
        }
    }
}

/// The ids in words.
pub(crate) fn told(ids: &[String]) -> String {
    format!("{} signs; {} verify", ids.first().map_or("", String::as_str), ids.join(", "))
}
