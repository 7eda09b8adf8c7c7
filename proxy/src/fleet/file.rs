//! `rooms.toml` as the newest author of the configuration: what changed in it, with what others changed since.

use std::path::Path;
use std::time::UNIX_EPOCH;

use admission::clock::millis;
use admission::store::{AuditEntry, Basis, Configuration, RoomsFile, StoreError};

use super::merge::{Merged, Newest, merge};
use super::{Author, Begun, Change, ChangeError, Fleet, bounded, changes, check};
use crate::config::{ConfigError, EdgeConfig, text};

/// How often the change of a file is tried again when another change came first.
const TRIES: usize = 100;
/// How far the time that a file has may lie behind the one at which it was written, in milliseconds.
const TICK_OF_FILES: u64 = 20;

/// What is in force when a process starts with a file, where the store `kept` something: the file's changes since it was
/// taken last, if it was written since; else what is kept.
pub(super) fn at_start(
    edge: &EdgeConfig,
    file: Option<&Path>,
    mut begun: Begun,
    kept: Configuration,
) -> Begun {
    let of_file = &begun.configuration;
    let is_same = kept.file.as_ref().is_some_and(|known| known.text == of_file.text);
    let is_older = match &kept.file {
        Some(known) => of_file.revision < known.written,
        None => of_file.revision <= kept.revision,
    };
    if !is_same && !is_older {
        let newest = newest(of_file.revision, kept.revision);
        let merged = kept.file.as_ref().and_then(|known| {
            merge(&known.text, &of_file.text, &kept.text, newest).filter(|merged| merged.text != of_file.text)
        });
        begun.configuration.revision = of_file.revision.max(kept.revision + 1);
        let Some(Merged { text, lost }) = merged else { return begun };
        return match check(edge, file, &text) {
            Ok((configs, pages)) => {
                let told = changes(&begun.configs, &configs).join("; ");
                tracing::warn!(
                    changes = told,
                    lost = lost.join("; "),
                    "rooms.toml was changed while this edge was not running; what was changed over the API and not in the \
                     file stays in force"
                );
                Begun { configs, pages, configuration: Configuration { text, ..begun.configuration } }
            }
            Err(error) => {
                tracing::error!(
                    %error,
                    "rooms.toml is in force as it is, for it does not go together with what was changed over the API"
                );
                begun
            }
        };
    }
    match check(edge, file, &kept.text) {
        Ok((configs, pages)) => {
            let told = changes(&begun.configs, &configs).join("; ");
            let (in_force, written) = (kept.revision, of_file.revision);
            if is_same && !told.is_empty() {
                tracing::warn!(
                    in_force,
                    changes = told,
                    "what was changed over the API since rooms.toml was taken stays in force; to take it back, PUT the file \
                     to /api/v1/configuration"
                );
            } else if !told.is_empty() {
                tracing::warn!(
                    in_force,
                    file = written,
                    changes = told,
                    "rooms that were configured after rooms.toml was written are in force; if the file should be, save it \
                     again (`touch` it) or send SIGHUP, which makes its changes the newest"
                );
            }
            Begun { configs, pages, configuration: kept }
        }
        Err(error) => {
            tracing::error!(
                in_force = kept.revision, %error,
                "the configuration that the fleet shares is of no use here; rooms.toml is in force on this proxy"
            );
            begun
        }
    }
}

/// The text of a file.
pub(super) async fn read(path: &Path) -> Result<String, ConfigError> {
    let file = path.to_owned();
    let read = tokio::task::spawn_blocking(move || text::read(&file)).await;
    read.unwrap_or_else(|error| Err(ConfigError::whole(path, format!("cannot be read: {error}"))))
}

/// Which is the newest, a file or what is in force since a revision.
const fn newest(written: u64, revision: u64) -> Newest {
    if written + TICK_OF_FILES >= revision { Newest::File } else { Newest::InForce }
}

impl Fleet {
    /// Takes what was changed in the file since it was taken last.
    pub(super) async fn take_file(&self, via: &str) -> Result<(), ChangeError> {
        let Some(path) = &self.file else { return Ok(()) };
        let text = read(path).await?;
        let written = std::fs::metadata(path).and_then(|data| data.modified()).ok();
        let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, millis);
        check(&self.edge, Some(path), &text)?;
        let file = RoomsFile { text, written };
        let mut outrun = 0;
        for _ in 0..TRIES {
            // Whatever is wrong with the news: it is what the change is made to.
            if let Err(error @ ChangeError::Store(_)) = self.catch_up().await {
                return Err(error);
            }
            let (_, kept) = bounded(self.store.configuration(0)).await?;
            let kept =
                kept.ok_or_else(|| StoreError::Unavailable("it has lost the configuration".to_owned()))?;
            let known = kept.file.clone();
            let known = known.unwrap_or_else(|| RoomsFile { text: self.read_at_start.clone(), written: 0 });
            if file.text == known.text {
                self.problems.lock().other = None;
                if via == "signal" {
                    tracing::info!("rooms.toml is as it was when it was taken last, so it changes nothing");
                }
                return Ok(());
            }
            // Whoever sends a signal means this file; what changed by itself is as new as it was written.
            let is_signal = via == "signal";
            if written < known.written && !is_signal {
                return Err(ChangeError::Outrun(known.written));
            }
            let newest = if is_signal { Newest::File } else { newest(written, kept.revision) };
            match self.take(path, &file, &known, &kept, newest, via).await {
                Err(ChangeError::Outrun(revision)) => outrun = revision,
                outcome => return outcome,
            }
        }
        Err(ChangeError::Outrun(outrun))
    }

    /// Takes what is otherwise in `file` than in `known`, for the newest.
    async fn take(
        &self,
        path: &Path,
        file: &RoomsFile,
        known: &RoomsFile,
        kept: &Configuration,
        newest: Newest,
        via: &str,
    ) -> Result<(), ChangeError> {
        let text = file.text.as_str();
        let merged = match super::merge::say_the_same(&known.text, &kept.text) {
            true => None,
            false => merge(&known.text, text, &kept.text, newest),
        };
        let Merged { text: merged, lost } =
            merged.unwrap_or_else(|| Merged { text: text.to_owned(), lost: Vec::new() });
        let entry = AuditEntry { action: "configure".to_owned(), ..AuditEntry::default() };
        let change = Change {
            basis: Basis::From(kept.revision),
            text: &merged,
            file: Some(file.clone()),
            lost,
            author: Author { actor: &self.host, via },
        };
        match self.put_in_force(change, entry).await {
            Ok(_) => Ok(()),
            // The line is one of a text that nobody sees.
            Err(ChangeError::Wrong(error)) if merged != text => {
                let error = if error.file == path { error.by_its_room(&merged, None) } else { error };
                let problem = format!(
                    "{error}. The file is good by itself, but not together with what was changed over the API since; make \
                     them agree, or PUT the file to /api/v1/configuration, which takes that back",
                );
                Err(ChangeError::Wrong(ConfigError::whole(path, problem)))
            }
            Err(error) => Err(error),
        }
    }
}
