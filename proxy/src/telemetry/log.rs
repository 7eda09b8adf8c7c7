//! Where lines of log go: to standard error, some at a time. A call of the kernel for each line would take longer than to
//! put the line together, and whoever reads the other end slowly would hold up every request.
//!
//! What is gathered goes out as soon as a worker has nothing else to do: at once where there is little to do, and once for
//! some forty requests where there is much; after a tenth of a second at most. What is a warning or worse goes out at
//! once, behind what was said before it, and so does what is not said by a worker.

use std::cell::Cell;
use std::io::{self, Write};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits at most.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// How much is gathered at most: some hundred lines.
const GATHERED_MAX: usize = 32 * 1024;

/// What is gathered. The process has one standard error.
static GATHERED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// Told when something is gathered where nothing was.
static FIRST: Condvar = Condvar::new();

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// This thread writes what is gathered whenever it has nothing else to do.
pub fn this_is_a_worker() {
    IS_WORKER.set(true);
}

/// Writes what is gathered.
pub fn flush() {
    write_out(&mut GATHERED.lock());
}

/// Writes all of `gathered`, in its order: whoever holds it is alone. Nobody is left to be told where that fails.
fn write_out(gathered: &mut Vec<u8>) {
    if !gathered.is_empty() {
        let _ = io::stderr().write_all(gathered);
        gathered.clear();
    }
}

/// Takes lines of log.
#[derive(Clone, Copy, Debug)]
pub struct Log(());

impl Log {
    /// Has a thread of its own write what workers have no time for, as long as the process lives.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start() -> io::Result<Self> {
        std::thread::Builder::new().name("log".to_owned()).spawn(|| {
            loop {
                FIRST.wait_while(&mut GATHERED.lock(), |gathered| gathered.is_empty());
                std::thread::sleep(WAIT_MAX);
                flush();
            }
        })?;
        Ok(Self(()))
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { is_urgent: true }
    }

    fn make_writer_for(&self, of: &Metadata<'_>) -> Line {
        Line { is_urgent: *of.level() <= Level::WARN || !IS_WORKER.get() }
    }
}

/// One line, which is written whole.
#[derive(Debug)]
pub struct Line {
    is_urgent: bool,
}

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut gathered = GATHERED.lock();
        let is_first = gathered.is_empty();
        gathered.extend_from_slice(text);
        if self.is_urgent || gathered.len() >= GATHERED_MAX {
            write_out(&mut gathered);
        } else if is_first {
            FIRST.notify_one();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
