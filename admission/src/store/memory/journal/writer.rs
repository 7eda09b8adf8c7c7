//! The thread that writes: groups of verbs to the end of the file, and now and then the lines as a whole to a new
//! file that takes its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::store::memory::Lines;

use super::frame;
use super::image::{self, Sink};
use super::queue::{Batch, Queue, Work};
use super::record::Record;

/// Least time between two groups: what comes meanwhile goes with the next.
const GROUP: Duration = Duration::from_millis(5);
/// How long what is written may stay unsafe from a loss of power.
const SYNC_EVERY: Duration = Duration::from_millis(100);
/// How long after a failure the disk is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The verbs may take up so many bytes more than the lines before the lines are written anew.
const JOURNAL_MAX: u64 = 16 << 20;
/// Written at once.
const CHUNK: usize = 1 << 20;

/// A file that frames are appended to.
struct Out {
    file: File,
    sequence: u64,
    frames: Vec<u8>,
    bytes: u64,
}

impl Out {
    fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self { file, sequence: 0, frames: frame::header().to_vec(), bytes: 0 })
    }

    fn frame(&mut self, record: &[u8]) -> io::Result<()> {
        frame::write(&mut self.frames, self.sequence, record);
        self.sequence += 1;
        if self.frames.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.frames)?;
        self.bytes += self.frames.len() as u64;
        self.frames.clear();
        Ok(())
    }
}

impl Sink for Out {
    type Error = io::Error;

    fn take(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.frame(&postcard::to_allocvec(record).map_err(io::Error::other)?)
    }
}

/// Writes a journal.
pub(super) struct Writer {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    lines: Arc<Mutex<Lines>>,
    queue: Arc<Queue>,
    /// Nothing where the last attempt failed, and nothing is being written.
    out: Option<Out>,
    /// Length of the file when it held the lines only.
    image_bytes: u64,
    written: u64,
    is_dirty: bool,
    synced_at: Instant,
    /// While nothing is written: when to try again.
    retry_at: Option<Instant>,
}

impl Writer {
    /// A writer that replaces the file at `path` by one with the lines as they are.
    pub(super) fn start(
        path: PathBuf,
        clock: Arc<dyn Clock>,
        lines: Arc<Mutex<Lines>>,
        queue: Arc<Queue>,
    ) -> Self {
        let synced_at = Instant::now();
        let mut writer = Self {
            path,
            clock,
            lines,
            queue,
            out: None,
            image_bytes: 0,
            written: 0,
            is_dirty: false,
            synced_at,
            retry_at: None,
        };
        writer.begin_anew();
        writer
    }

    /// Writes until it is told to end.
    pub(super) fn run(mut self) {
        loop {
            let work = self.queue.wait(self.until_next());
            let is_closing = work.is_closing;
            let flush = work.flush;
            self.write(&work);
            if self.is_dirty && (flush || is_closing || self.synced_at.elapsed() >= SYNC_EVERY) {
                self.sync();
            }
            if is_closing {
                break;
            }
            if self.retry_at.is_some_and(|at| at <= Instant::now()) {
                self.begin_anew();
            }
            if !flush {
                std::thread::sleep(GROUP);
            }
        }
        self.close();
        self.queue.tell_finished();
    }

    fn until_next(&self) -> Duration {
        match self.retry_at {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None if self.is_dirty => SYNC_EVERY.saturating_sub(self.synced_at.elapsed()),
            None => RETRY_AFTER,
        }
    }

    fn write(&mut self, work: &Work) {
        if work.is_over {
            self.failed(&"the disk is slower than the line for too long");
        }
        let written = self.append(&work.batch);
        match written {
            Ok(true) => {
                self.written = work.taken;
                self.is_dirty = true;
            }
            Ok(false) => {}
            Err(error) => self.failed(&error),
        }
        let limit = self.image_bytes.saturating_mul(2).max(self.image_bytes + JOURNAL_MAX);
        if self.out.as_ref().is_some_and(|out| out.bytes > limit) {
            self.begin_anew();
        }
    }

    fn append(&mut self, batch: &Batch) -> io::Result<bool> {
        let Some(out) = &mut self.out else { return Ok(false) };
        for record in batch.records() {
            out.frame(record)?;
        }
        out.write().map(|()| !batch.is_empty())
    }

    fn sync(&mut self) {
        let Some(out) = &mut self.out else { return };
        match out.file.sync_data() {
            Ok(()) => {
                self.is_dirty = false;
                self.synced_at = Instant::now();
                self.queue.tell_safe(self.written);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Nothing is written until the lines can be written as a whole.
    fn failed(&mut self, error: &dyn std::fmt::Display) {
        if self.retry_at.is_none() {
            let path = self.path.display();
            tracing::error!(
                %error, %path,
                "the line cannot be written to the disk: it goes on in memory, and a restart would forget what \
                 happens from now on"
            );
        }
        self.queue.lock().pause();
        self.out = None;
        self.is_dirty = false;
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
    }

    /// Writes the lines to a new file, which takes the place of the old one when it is whole and safe.
    fn begin_anew(&mut self) {
        // What is queued when the lines are copied belongs to the old file, for the copy has it.
        let (copy, at, rest, taken) = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let mut queue = self.queue.lock();
            (image::copy(&mut lines), self.clock.now(), std::mem::take(&mut queue.batch), queue.resume())
        };
        let result = self.append(&rest).and_then(|_| self.replace(&copy, at));
        match result {
            Ok(out) => {
                if self.retry_at.take().is_some() {
                    tracing::warn!(path = %self.path.display(), "the line is written to the disk again");
                }
                self.image_bytes = out.bytes;
                self.out = Some(out);
                self.written = taken;
                self.is_dirty = false;
                self.synced_at = Instant::now();
                self.queue.tell_safe(taken);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn replace(&self, lines: &Lines, at: crate::clock::Timestamp) -> io::Result<Out> {
        let beside = super::beside(&self.path, "new");
        let mut out = Out::create(&beside)?;
        image::tell(lines, &mut out)?;
        out.take(&Record::Whole(at))?;
        out.write()?;
        out.file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        super::sync_folder(&self.path)?;
        Ok(out)
    }

    /// The last record says that nothing is missing.
    fn close(&mut self) {
        if self.out.is_none() {
            self.begin_anew();
        }
        let at = self.clock.now();
        let closed = self.out.as_mut().map(|out| {
            out.take(&Record::Closed(at))?;
            out.write()?;
            out.file.sync_data()
        });
        match closed {
            Some(Ok(())) => self.queue.tell_safe(self.written),
            Some(Err(error)) => self.failed(&error),
            None => {}
        }
    }
}
