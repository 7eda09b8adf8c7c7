//! What is wrong with a change, told to whoever made it: by the line where they wrote the text, by the room where they did not.

use std::path::Path;

use admission::store::StoreError;

use super::Fleet;
use crate::config::{ConfigError, text};

/// What a text is called that came over the API.
const SENT: &str = "the text sent";

/// A change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is wrong.
    #[error(transparent)]
    Wrong(#[from] ConfigError),
    /// What others changed cannot be in force here, so that nothing can be changed from here.
    #[error("the configuration that the fleet shares is of no use at this edge: {0}")]
    Shared(ConfigError),
    /// Somebody else changed the configuration first, which is of this revision now.
    #[error("somebody else changed the configuration first: it is of revision {0} now")]
    Outrun(u64),
    /// The store cannot be reached.
    #[error("{0}; nothing was changed")]
    Store(#[from] StoreError),
}

impl Fleet {
    pub(super) fn rooms_file(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new("rooms.toml"))
    }

    /// The error of a change of `room`, of which `text` came: whoever asked for it has not seen the text.
    pub fn of_a_change(&self, error: ChangeError, text: &str, room: &str) -> ChangeError {
        self.replaced(error, |error| error.by_its_room(text, Some(room)))
    }

    /// The text of bytes that were sent as a whole.
    ///
    /// # Errors
    /// When they are none.
    pub fn text_sent(bytes: &[u8]) -> Result<String, ChangeError> {
        Ok(text::of_bytes(Path::new(SENT), bytes)?)
    }

    /// The error of a text that was sent as a whole.
    pub fn of_a_text_sent(&self, error: ChangeError) -> ChangeError {
        self.replaced(error, |error| ConfigError { file: SENT.into(), ..error })
    }

    /// What is wrong with a `text` that others put in force: nobody here wrote it.
    pub(super) fn shared(&self, error: ConfigError, text: &str) -> ChangeError {
        ChangeError::Shared(if error.file == self.rooms_file() {
            error.by_its_room(text, None)
        } else {
            error
        })
    }

    /// What is wrong with a page is in a file of its own, which is named as it is.
    fn replaced(&self, error: ChangeError, told: impl FnOnce(ConfigError) -> ConfigError) -> ChangeError {
        match error {
            ChangeError::Wrong(error) if error.file == self.rooms_file() => ChangeError::Wrong(told(error)),
            error => error,
        }
    }
}
