//! Keys and tokens, read again from their files when they change. None of them crosses the API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admission::keyring::Keyring;
use admission::store::AuditEntry;
use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::Fleet;
use super::watched::Watched;
use crate::admin::access::Tokens;
use crate::config::ConfigError;
use crate::config::keys::{self, EDGE_KEYS_VARIABLE, KEYS_VARIABLE};

/// How often the files are looked at. What changed is read when it stayed so until the next look.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The keys cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is no file.
    #[error(
        "all keys come from environment variables, which a running process cannot read again; name files (`keys_file`, \
         `edge_keys_file`, `admin_tokens_file` in edge.toml) and start with --upgrade"
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
    /// What is in one of them is wrong.
    #[error("{0}; the keys of before stay in force")]
    Wrong(#[from] ConfigError),
}

/// Something secret in force, and the file that it is from; none where the environment has it.
pub struct Secret<T> {
    /// It.
    pub in_force: Arc<ArcSwap<T>>,
    /// Its file.
    pub file: Option<PathBuf>,
}

impl<T> Secret<T> {
    /// This, from this file.
    pub fn new(value: T, file: Option<PathBuf>) -> Self {
        Self { in_force: Arc::new(ArcSwap::from_pointee(value)), file }
    }

    fn read(&self, read: impl FnOnce(&PathBuf) -> Result<T, ConfigError>) -> Result<Option<T>, ConfigError> {
        self.file.as_ref().map(read).transpose()
    }

    fn put_in_force(&self, fresh: Option<T>) {
        if let Some(fresh) = fresh {
            self.in_force.store(Arc::new(fresh));
        }
    }
}

/// All that may change while the process runs.
pub struct KeyFiles {
    /// The keys of tickets and admission tokens.
    pub line: Secret<Keyring>,
    /// The keys of the signature to the shop.
    pub edge: Secret<Keyring>,
    /// The tokens of operators.
    pub operators: Secret<Tokens>,
    /// The rooms that they are for.
    pub fleet: Arc<Fleet>,
}

impl KeyFiles {
    /// In words, by their ids and names.
    pub fn told(&self) -> String {
        let ring =
            |keys: &Keyring| format!("{} signs; {} verify", keys.signing_key_id(), keys.key_ids().join(", "));
        let (line, edge) = (ring(&self.line.in_force.load()), ring(&self.edge.in_force.load()));
        let operators = self.operators.in_force.load().names().join(", ");
        format!("tickets and tokens: {line}; to the shop: {edge}; operators: {operators}")
    }

    /// The files that are read again.
    pub fn files(&self) -> Vec<PathBuf> {
        [&self.line.file, &self.edge.file, &self.operators.file].into_iter().flatten().cloned().collect()
    }

    /// Reads them again, all or none.
    ///
    /// # Errors
    /// When there are no files, or something in one of them is wrong. Then nothing has changed.
    pub fn reload(&self) -> Result<(), KeysError> {
        if self.files().is_empty() {
            return Err(KeysError::NoFile);
        }
        let line = self.line.read(|file| keys::load(KEYS_VARIABLE, None, "keys_file", Some(file)))?;
        let edge =
            self.edge.read(|file| keys::load(EDGE_KEYS_VARIABLE, None, "edge_keys_file", Some(file)))?;
        let operators = self.operators.read(|file| keys::load_admin_tokens(None, Some(file)))?;
        let in_force = self.fleet.in_force();
        if let Some(fresh) = &line {
            let is_another = fresh.signing_key_id() != self.line.in_force.load().signing_key_id();
            if let Some(room) = in_force.rooms.iter().find(|room| is_another && room.order_is_secret()) {
                return Err(KeysError::Draw { room: room.id.to_string() });
            }
        }
        let is_rekeyed = line.is_some();
        self.line.put_in_force(line);
        self.edge.put_in_force(edge);
        self.operators.put_in_force(operators);
        if is_rekeyed {
            in_force.rooms.iter().for_each(|room| room.rekeyed());
        }
        Ok(())
    }

    /// Reads them again because something other than an operator's call says so, and notes what came of it.
    pub async fn reload_on(&self, via: &str) {
        let before = self.told();
        match self.reload() {
            Ok(()) => {}
            Err(KeysError::NoFile) => return,
            Err(error) => {
                tracing::error!(%error, "the keys cannot be read again");
                return;
            }
        }
        let detail = self.told();
        if detail == before {
            return;
        }
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

    /// Follows the files until `stopped`.
    pub async fn follow(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let files = self.files();
        let mut watched = Watched::new(&files);
        while !files.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            if watched.have_changed(&files) {
                self.reload_on("file").await;
            }
        }
    }
}
