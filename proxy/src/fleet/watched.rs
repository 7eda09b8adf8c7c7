//! Files that may change while the process runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells whether a file has changed: its length and when it was written. A link that leads elsewhere shows by it.
type Stamp = Option<(u64, SystemTime)>;

/// Files, as they were when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct Watched {
    seen: Vec<(PathBuf, Stamp)>,
    /// As they were when they were last said to have changed.
    settled: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    /// From now on.
    pub(super) fn new(files: &[PathBuf]) -> Self {
        let seen = look(files);
        Self { settled: seen.clone(), seen }
    }

    /// Whether one of these files changed, and stayed so since the last look: whoever writes a file takes a moment.
    pub(super) fn have_changed(&mut self, files: &[PathBuf]) -> bool {
        let now = look(files);
        let is_calm = now == self.seen;
        self.seen = now;
        if !is_calm || self.seen == self.settled {
            return false;
        }
        self.settled = self.seen.clone();
        true
    }
}

/// Files and what is in folders, each with its stamp.
fn look(files: &[PathBuf]) -> Vec<(PathBuf, Stamp)> {
    let mut seen = Vec::new();
    for file in files {
        let data = fs::metadata(file).ok();
        let is_folder = data.as_ref().is_some_and(fs::Metadata::is_dir);
        seen.push((file.clone(), data.and_then(|data| Some((data.len(), data.modified().ok()?)))));
        if is_folder {
            seen.extend(within(file));
        }
    }
    seen
}

fn within(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut seen: Vec<(PathBuf, Stamp)> = entries
        .filter_map(Result::ok)
        .map(|entry| {
            let data = fs::metadata(entry.path()).ok();
            (entry.path(), data.and_then(|data| Some((data.len(), data.modified().ok()?))))
        })
        .collect();
    seen.sort();
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_when_the_file_is_calm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rooms.toml");
        fs::write(&file, "a").unwrap();
        let files = [file.clone(), folder.path().to_owned()];
        let mut watched = Watched::new(&files);
        assert!(!watched.have_changed(&files));
        fs::write(&file, "ab").unwrap();
        assert!(!watched.have_changed(&files), "it may still be written to");
        assert!(watched.have_changed(&files));
        assert!(!watched.have_changed(&files));
        fs::write(folder.path().join("ko.toml"), "").unwrap();
        watched.have_changed(&files);
        assert!(watched.have_changed(&files), "one that is new in a folder");
        fs::remove_file(&file).unwrap();
        watched.have_changed(&files);
        assert!(watched.have_changed(&files));
    }
}
