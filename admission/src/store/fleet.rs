//! What the proxies of one fleet share besides the lines: the configuration of their rooms, and who changed what.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{ByHandStore, StoreError};
use crate::clock::Timestamp;

/// Longest text of a configuration, in bytes.
pub const CONFIGURATION_MAX: usize = 1 << 20;

/// Most entries that the audit log keeps; of more, the oldest go.
pub const AUDIT_MAX: usize = 1000;

/// Longest of the texts in an entry of the audit log, in bytes. Longer ones are cut.
pub const AUDIT_TEXT_MAX: usize = 4096;

/// A configuration that a fleet shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Which one: the higher is the newer. Milliseconds since the Unix epoch, where nothing newer stood in the way.
    pub revision: u64,
    /// The text, as its author wrote it.
    pub text: String,
    /// The file of which changes were taken last, as it was then. What is otherwise in `text` was changed over the API.
    #[serde(default)]
    pub file: Option<RoomsFile>,
}

/// A file with a configuration, as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomsFile {
    /// What is in it.
    pub text: String,
    /// When it was written, in milliseconds since the Unix epoch, by the clock of its host.
    pub written: u64,
}

/// When a proposed configuration may take the place of the one that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// If it is of this revision, and that is newer: what a proxy finds in its file at start, or knows when the store
    /// has forgotten it.
    Newer(u64),
    /// Whatever is kept, for it was written after it. Of this revision at least.
    Latest(u64),
    /// If it was made from this revision, and nobody was faster. Of the store's time at least.
    From(u64),
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// It is kept, as this revision.
    Kept(u64),
    /// Another is, of this revision, and stays.
    Refused(u64),
}

/// One thing that somebody did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When, by the store's clock.
    #[serde(default)]
    pub at: Timestamp,
    /// Which configuration came of it; 0 where none did.
    #[serde(default)]
    pub revision: u64,
    /// Who: the name of a token, or of a host whose file changed.
    pub actor: String,
    /// How: `file`, `signal`, `api`.
    pub via: String,
    /// To which room; empty where to several.
    pub room: String,
    /// What, in a word: `configure`, `pause`, `revoke`.
    pub action: String,
    /// What exactly, for people.
    pub detail: String,
}

impl AuditEntry {
    /// The same with texts of bounded length.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for text in [&mut self.actor, &mut self.via, &mut self.room, &mut self.action, &mut self.detail] {
            let end = (0..=AUDIT_TEXT_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or_default());
        }
        self
    }
}

/// The port to what a fleet shares, and to what its operators do by hand.
#[async_trait]
pub trait FleetStore: ByHandStore {
    /// The revision that is kept, 0 where none is; and the configuration, if it is another than the caller `knows`.
    ///
    /// # Errors
    /// When the store cannot be reached, or holds what it cannot have written.
    async fn configuration(&self, knows: u64) -> Result<(u64, Option<Configuration>), StoreError>;

    /// Keeps a configuration, and notes who made it; or nothing, where `basis` says so. `file` is where it comes from, if
    /// from one. A text that is kept already stays of its revision, and nobody is noted.
    ///
    /// # Errors
    /// When the store cannot be reached, or a text is longer than [`CONFIGURATION_MAX`].
    async fn propose(
        &self,
        basis: Basis,
        text: &str,
        file: Option<&RoomsFile>,
        entry: AuditEntry,
    ) -> Result<Proposed, StoreError>;

    /// Notes something that somebody did.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn note(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// What was done lately, newest first: so many entries at most.
    ///
    /// # Errors
    /// When the store cannot be reached, or holds what it cannot have written.
    async fn audit(&self, most: usize) -> Result<Vec<AuditEntry>, StoreError>;
}

/// Which revision a proposal gets, if it is accepted, where `kept` is kept.
pub(super) fn revision(basis: Basis, kept: u64, now: Timestamp) -> Option<u64> {
    match basis {
        Basis::Newer(revision) => (revision > kept).then_some(revision),
        Basis::Latest(least) => Some(least.max(kept + 1)),
        Basis::From(revision) => (revision == kept).then(|| now.as_millis().max(kept + 1)),
    }
}

pub(super) fn check_length(text: &str) -> Result<(), StoreError> {
    if text.len() <= CONFIGURATION_MAX {
        return Ok(());
    }
    Err(StoreError::Unreadable(format!(
        "a configuration of {} bytes; {CONFIGURATION_MAX} is the most that is kept",
        text.len()
    )))
}
