//! What the proxies share, in memory; in a file beside the journal, where there is one.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::MemoryStore;
use crate::store::StoreError;
use crate::store::fleet::{
    AUDIT_MAX, AuditEntry, Basis, Configuration, FleetStore, Proposed, RoomsFile, check_length, revision,
};

/// The configuration and the audit log. Both change when people do something, so all of it is written each time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Fleet {
    configuration: Option<Configuration>,
    /// Newest first.
    audit: VecDeque<AuditEntry>,
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl Fleet {
    /// What is kept beside the journal at `path`. A file that cannot be read is left as it is, and nothing is kept.
    pub(super) fn open(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".configuration");
        let file = PathBuf::from(name);
        match read(&file) {
            Ok(fleet) => Self { file: Some(file), ..fleet },
            Err(error) => {
                tracing::error!(
                    file = %file.display(), %error,
                    "the configuration that was kept cannot be read, so rooms.toml is in force, and changes over the \
                     API last until the next start; repair the file or move it away, and start again"
                );
                Self::default()
            }
        }
    }

    fn revision(&self) -> u64 {
        self.configuration.as_ref().map_or(0, |configuration| configuration.revision)
    }

    fn note(&mut self, entry: AuditEntry) {
        self.audit.push_front(entry);
        self.audit.truncate(AUDIT_MAX);
    }

    /// Takes the place of what was kept, on the disk first.
    fn replace_with(&mut self, next: Self) -> Result<(), StoreError> {
        if let Some(file) = &self.file {
            let unwritten = |error: io::Error| {
                StoreError::Unavailable(format!("{} cannot be written: {error}", file.display()))
            };
            let text = serde_json::to_vec(&next).map_err(|error| unwritten(error.into()))?;
            write(file, &text).map_err(unwritten)?;
        }
        *self = next;
        Ok(())
    }
}

fn read(file: &Path) -> io::Result<Fleet> {
    match fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Fleet::default()),
        Err(error) => Err(error),
    }
}

/// Writes it whole or not at all.
fn write(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut fresh = file.as_os_str().to_owned();
    fresh.push(".new");
    // What is in it is as secret as rooms.toml.
    let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    written.write_all(text)?;
    written.sync_all()?;
    fs::rename(&fresh, file)
}

impl MemoryStore {
    fn change<T>(&self, change: impl FnOnce(&mut Fleet) -> T) -> Result<T, StoreError> {
        // A std mutex, for the length of one change by a person.
        let mut fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = fleet.clone();
        let answer = change(&mut next);
        fleet.replace_with(next)?;
        Ok(answer)
    }

    /// A copy, which is written nowhere.
    pub(super) fn fleet(&self) -> Fleet {
        let fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        Fleet { file: None, ..fleet.clone() }
    }
}

#[async_trait]
impl FleetStore for MemoryStore {
    async fn configuration(&self, knows: u64) -> Result<(u64, Option<Configuration>), StoreError> {
        let fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let news = fleet.configuration.as_ref().filter(|kept| kept.revision != knows);
        Ok((fleet.revision(), news.cloned()))
    }

    async fn propose(
        &self,
        basis: Basis,
        text: &str,
        file: Option<&RoomsFile>,
        entry: AuditEntry,
    ) -> Result<Proposed, StoreError> {
        [Some(text), file.map(|file| file.text.as_str())].into_iter().flatten().try_for_each(check_length)?;
        let (now, kept) = (self.clock.now(), self.fleet().revision());
        if revision(basis, kept, now).is_none() {
            return Ok(Proposed::Refused(kept));
        }
        self.change(|fleet| match revision(basis, fleet.revision(), now) {
            Some(revision) => {
                let known = fleet.configuration.take();
                let file = file.cloned().or_else(|| known.as_ref()?.file.clone());
                if let Some(same) = known.filter(|known| known.text == text) {
                    // Nothing changes but the number, where the caller has a newer one in force: all have to end up with one.
                    let revision = if matches!(basis, Basis::Newer(_)) { revision } else { same.revision };
                    fleet.configuration = Some(Configuration { revision, file, ..same });
                    return Proposed::Kept(revision);
                }
                fleet.configuration = Some(Configuration { revision, text: text.to_owned(), file });
                fleet.note(AuditEntry { at: now, revision, ..entry.bounded() });
                Proposed::Kept(revision)
            }
            None => Proposed::Refused(fleet.revision()),
        })
    }

    async fn note(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let at = self.clock.now();
        self.change(|fleet| fleet.note(AuditEntry { at, revision: 0, ..entry.bounded() }))
    }

    async fn audit(&self, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.fleet().audit.iter().take(most.clamp(1, AUDIT_MAX)).cloned().collect())
    }
}
