//! Configuration: the form on disk, and the checked form that the rest of the crate sees.
//!
//! Each file has a wire form that serde reads and a checked form that has no invalid value. Going from one to
//! the other destructures the wire form, so that a new field does not compile until it is handled.

pub mod advice;
pub mod cdn;
pub mod duration;
pub mod edge;
mod error;
mod explain;
pub mod keys;
pub(crate) mod moment;
pub mod pages;
pub mod quick;
pub mod rooms;
mod show;
mod show_upstream;
pub(crate) mod text;
mod values;

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub use edge::EdgeConfig;
pub use error::ConfigError;
pub use rooms::RoomConfig;
pub use show::{show, show_edge, show_rooms};
use text::read;

/// Everything that is in force at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `edge.toml`.
    pub edge: EdgeConfig,
    /// The text of `edge.toml`.
    pub edge_text: String,
    /// `rooms.toml`.
    pub rooms: Vec<RoomConfig>,
    /// When `rooms.toml` was last changed, in milliseconds since the Unix epoch: newer rules win.
    pub revision: u64,
    /// The text of `rooms.toml`.
    pub rooms_text: String,
    /// Where that is read, if it is in a file.
    pub rooms_file: Option<PathBuf>,
}

/// Reads both files.
///
/// # Errors
/// When one cannot be read or is wrong.
pub fn load(edge_file: &Path, rooms_file: &Path) -> Result<Config, ConfigError> {
    let edge_text = read(edge_file)?;
    let edge = edge::parse(edge_file, &edge_text)?;
    let rooms_text = read(rooms_file)?;
    let rooms = rooms::parse(rooms_file, &rooms_text)?;
    let modified = std::fs::metadata(rooms_file).and_then(|data| data.modified()).unwrap_or(UNIX_EPOCH);
    let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let revision = admission::clock::millis(since_epoch);
    Ok(Config { edge, edge_text, rooms, revision, rooms_text, rooms_file: Some(rooms_file.to_owned()) })
}

/// Reads `rooms.toml` alone.
///
/// # Errors
/// When it cannot be read or is wrong.
pub fn load_rooms(rooms_file: &Path) -> Result<Vec<RoomConfig>, ConfigError> {
    rooms::parse(rooms_file, &read(rooms_file)?)
}
