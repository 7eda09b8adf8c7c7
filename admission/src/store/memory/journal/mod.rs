//! What the line in memory writes to survive a restart of its process.
//!
//! One file: the state of every line at some moment, then each verb that changed it since ([`record`]). To read it
//! is to do the verbs again ([`replay`]): every verb is a function of the line, of what it is asked and of the
//! time, and all three are in the file. A thread of its own writes ([`writer`]), some milliseconds behind the
//! verbs; when the verbs have become many it writes the state anew and begins again.
//!
//! No verb ever waits for the disk. A disk that fails, is full or too slow costs the ability to survive a
//! restart, is logged, and is tried again.

#[cfg(test)]
mod dice;
mod frame;
mod image;
mod queue;
mod record;
mod replay;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Lines;
use super::line::Line;
use crate::clock::{Clock, Timestamp};

use self::frame::{Header, VERSION};
use self::queue::Queue;
use self::record::Record;
pub(super) use self::record::{Configuration, Entry, Gathered, Verb};
use self::replay::{Damage, Told};
use self::writer::Writer;

/// Longest wait for the disk when the process ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest file that is read: some 200 million fans.
const FILE_MAX: u64 = 4 << 30;

/// A journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error(
        "another process keeps its line in {0}: stop that one first, or name another file (one line, one process)"
    )]
    Taken(PathBuf),
    /// The file is something else.
    #[error("{0} is not a line's journal: name another file, or move this one away")]
    Foreign(PathBuf),
    /// The folder that it is to be in is not there.
    #[error(
        "the folder {0} is not there: make it, or mount what belongs there, before the line begins empty"
    )]
    NoFolder(PathBuf),
    /// Something is there that is no file.
    #[error("{0} is not a file: name one, which is made where it is not there yet")]
    NotAFile(PathBuf),
    /// A later version of the program wrote it.
    #[error(
        "{path} is of format {found}, and this program reads formats up to {VERSION}: start the newer program that \
         wrote it, or move the file away to begin an empty line"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        found: u32,
    },
    /// The disk or its permissions.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
}

/// An open journal.
pub(super) struct Journal {
    queue: Arc<Queue>,
    lines: Arc<Mutex<Lines>>,
    /// Locked until the journal is closed, or the process ends.
    lock: File,
}

impl Journal {
    /// Reads the journal at `path` and goes on with it: the lines that it told of, and itself.
    pub(super) fn open(
        path: &Path,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Arc<Mutex<Lines>>, Self), JournalError> {
        let lock = lock(path)?;
        let now = clock.now();
        let mut told = read(path)?;
        told.wake(now);
        if let Some(damage) = told.damage {
            report(path, damage, now)?;
        }
        if told.lines.is_empty() {
            tracing::info!(path = %path.display(), "an empty line begins");
        } else {
            tracing::info!(
                path = %path.display(),
                rooms = told.lines.len(),
                waiting = told.lines.values().map(Line::waiting).sum::<u64>(),
                verbs = told.verbs,
                known_until = told.known_until.as_millis(),
                is_complete = told.is_closed,
                "the line goes on where its last process left it"
            );
        }
        let lines = Arc::new(Mutex::new(told.lines));
        let queue = Arc::new(Queue::default());
        let writer = Writer::start(path.to_owned(), clock.clone(), lines.clone(), queue.clone());
        let thread = std::thread::Builder::new().name("journal".into()).spawn(|| writer.run());
        thread.map_err(|error| JournalError::Io { what: "start to write", path: path.to_owned(), error })?;
        Ok((lines.clone(), Self { queue, lines, lock }))
    }

    /// Notes what a verb did. The caller holds the lock of the lines.
    pub(super) fn note(&self, entry: Entry<'_>) {
        self.queue.push(entry.at, &Record::Entry(entry));
    }

    /// Whether to note that time passed, because nothing else was for a while.
    pub(super) fn is_silent(&self, now: Timestamp) -> bool {
        self.queue.is_silent(now)
    }

    /// Waits until everything so far is on the disk, for some seconds at most. Whether it is.
    pub(super) fn flush(&self) -> bool {
        self.queue.flush(PATIENCE)
    }

    /// Whether verbs are over.
    pub(super) fn is_closing(&self) -> bool {
        self.queue.is_closing()
    }

    /// Ends the verbs, and writes what is left of them. From then on another process may go on with the file.
    pub(super) fn close(&self) {
        {
            let _lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            self.queue.close();
        }
        if !self.queue.finish(PATIENCE) {
            tracing::error!(
                "the disk did not take the end of the line in time: the last moments may be lost"
            );
            // Whoever goes on with the file would write over what is still being written.
            return;
        }
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the line cannot be handed to another process before this one ends");
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// A file's name with something added.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

/// Makes a rename outlive a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let file = beside(path, "lock");
    let failed = |error| JournalError::Io { what: "write", path: file.clone(), error };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A folder that is missing is a typing error or a volume that is not there: the line would begin empty.
    if !folder.is_dir() {
        return Err(JournalError::NoFolder(folder.to_owned()));
    }
    if path.exists() && !path.is_file() {
        return Err(JournalError::NotAFile(path.to_owned()));
    }
    let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).clone();
    let lock = options.open(&file).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::Taken(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(JournalError::Io { what: "lock", path: file, error }),
    }
}

fn read(path: &Path) -> Result<Told, JournalError> {
    let failed = |error| JournalError::Io { what: "read", path: path.to_owned(), error };
    let bytes = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Told::default()),
        Err(error) => return Err(failed(error)),
        Ok(about) if about.len() > FILE_MAX => return Err(failed(io::ErrorKind::FileTooLarge.into())),
        Ok(_) => std::fs::read(path).map_err(failed)?,
    };
    match frame::read_header(&bytes) {
        Header::Version(VERSION) => Ok(replay::read(&bytes)),
        Header::Version(found) => Err(JournalError::Newer { path: path.to_owned(), found }),
        Header::Torn => Ok(Told { damage: Some(Damage::Torn(0)), ..Told::default() }),
        Header::Foreign => Err(JournalError::Foreign(path.to_owned())),
    }
}

/// Says what is wrong with the file; keeps a copy unless only its end was being written.
fn report(path: &Path, damage: Damage, now: Timestamp) -> Result<(), JournalError> {
    match damage {
        Damage::Torn(at) => {
            tracing::warn!(path = %path.display(), at, "the end of the line's journal was cut: left out");
        }
        Damage::Corrupt(at) => {
            let copy = beside(path, &format!("corrupt-{now}"));
            let kept = std::fs::hard_link(path, &copy).or_else(|_| std::fs::copy(path, &copy).map(drop));
            kept.map_err(|error| JournalError::Io {
                what: "keep a copy of the damaged",
                path: copy.clone(),
                error,
            })?;
            tracing::error!(
                path = %path.display(), at, copy = %copy.display(),
                "the line's journal is damaged: the line goes on from what comes before the damage, and the file is \
                 kept; tickets that it told of are taken back from the fans who hold them"
            );
        }
    }
    Ok(())
}
