//! The keys that the edge signs with, read again from their file when it changes: so they are changed without a restart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use admission::keyring::Keyring;
use arc_swap::{ArcSwap, Guard};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ConfigError;

/// How often the file is looked at. What changed is read when it stayed so until the next look: whoever writes a file takes
/// a moment.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The keys in force, and the file that they are from.
#[derive(Clone)]
pub struct EdgeKeys(Arc<Inner>);

struct Inner {
    in_force: ArcSwap<Keyring>,
    /// None where the environment has them, which a running process cannot read again.
    file: Option<PathBuf>,
}

/// What tells whether a file has changed.
type Stamp = Option<(u64, SystemTime)>;

impl EdgeKeys {
    /// These keys, from this file.
    pub fn new(keys: Keyring, file: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner { in_force: ArcSwap::from_pointee(keys), file }))
    }

    /// The keys in force.
    pub(crate) fn in_force(&self) -> Guard<Arc<Keyring>> {
        self.0.in_force.load()
    }

    /// Reads them again when their file changes, and on `SIGHUP`, until it is dropped. A file that is wrong changes nothing.
    pub(crate) async fn follow(self) {
        // By default the signal would end the shop.
        let mut hangup = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::error!(%error, "SIGHUP cannot be heard"))
            .ok();
        let mut settled = self.stamp();
        let mut seen = settled;
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                () = heard(hangup.as_mut()) => true,
            };
            let now = self.stamp();
            let is_calm = now == seen;
            seen = now;
            if asked || (is_calm && seen != settled) {
                settled = seen;
                self.reload(if asked { "SIGHUP" } else { "file" });
            }
        }
    }

    fn stamp(&self) -> Stamp {
        let data = std::fs::metadata(self.0.file.as_ref()?).ok()?;
        Some((data.len(), data.modified().ok()?))
    }

    fn reload(&self, via: &str) {
        let Some(file) = &self.0.file else {
            tracing::warn!(
                "the edge's keys come from the environment, which a running shop cannot read again"
            );
            return;
        };
        match read(file) {
            Ok(keys) => {
                let ids = keys.key_ids().join(", ");
                self.0.in_force.store(Arc::new(keys));
                tracing::info!(via, keys = ids, "the edge's keys are read again");
            }
            Err(error) => {
                tracing::error!(%error, "the edge's keys cannot be read again; those of before stay in force");
            }
        }
    }
}

/// Waits for the signal; for ever where it cannot be heard.
async fn heard(hangup: Option<&mut Signal>) {
    if let Some(hangup) = hangup
        && hangup.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn read(file: &Path) -> Result<Keyring, ConfigError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| ConfigError::new(format!("{}: cannot be read: {error}", file.display())))?;
    Keyring::parse(&text).map_err(|error| ConfigError::new(format!("{}: {error}", file.display())))
}

impl From<Keyring> for EdgeKeys {
    fn from(keys: Keyring) -> Self {
        Self::new(keys, None)
    }
}

/// By their ids.
impl fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.in_force().as_ref(), f)
    }
}
