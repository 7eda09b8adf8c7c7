//! One kept connection that asks the same over and over: as little work on this side as can be, for both sides share
//! the machine.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout_at;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long the last answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// What connections saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Answers with the status that was wanted.
    pub(super) good: u64,
    /// Answers with another one.
    pub(super) other: u64,
    /// How long each took.
    pub(super) times: Vec<Duration>,
}

impl Seen {
    /// Counts an answer that came just now.
    pub(super) fn count(&mut self, window: Window, sent: Instant, is_good: bool) {
        let now = Instant::now();
        if now < window.from || now > window.until {
            return;
        }
        self.times.push(now - sent);
        if is_good { self.good += 1 } else { self.other += 1 }
    }

    /// Takes in what another connection saw.
    pub(super) fn add(&mut self, other: Self) {
        self.good += other.good;
        self.other += other.other;
        self.times.extend(other.times);
    }
}

/// The time in which answers count. Before it, connections warm up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Its begin.
    pub(super) from: Instant,
    /// Its end, and that of the asking.
    pub(super) until: Instant,
}

impl Window {
    /// Opens after `warm_up`, for `length`.
    pub(super) fn after(warm_up: Duration, length: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self { from, until: from + length }
    }

    /// When every answer has to be there.
    pub(super) fn patience(self) -> tokio::time::Instant {
        (self.until + ANSWER_TIME).into()
    }
}

/// Sends `request` again and again while the window is open, each time when the answer to the one before has come.
pub(super) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    wanted: u16,
    window: Window,
) -> Result<Seen> {
    let asking = async {
        let mut buffer = Vec::with_capacity(32 * 1024);
        let mut seen = Seen::default();
        while Instant::now() < window.until {
            let sent = Instant::now();
            stream.write_all(request).await?;
            stream.flush().await?;
            let answer = read_answer(stream, &mut buffer).await?;
            seen.count(window, sent, answer.status == wanted);
        }
        Ok(seen)
    };
    timeout_at(window.patience(), asking).await.context("no answer came in time")?
}

/// One whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// How long its head is.
    pub(super) head: usize,
    /// How long it is in all.
    pub(super) length: usize,
}

/// Reads one answer whose length is told in its head into `buffer`.
pub(super) async fn read_answer(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<Answer> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        if let Some(answer) = head(buffer)? {
            while buffer.len() < answer.length {
                if stream.read_buf(buffer).await? == 0 {
                    bail!("the server closed the connection in the middle of an answer");
                }
            }
            return Ok(answer);
        }
        if buffer.len() > ANSWER_BYTES_MAX {
            bail!("an answer has no end");
        }
    }
}

/// The status of an answer and how long it is; nothing while its head is not complete.
fn head(buffer: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
    let status =
        text.get(9..12).and_then(|status| status.parse().ok()).context("an answer without a status")?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())?;
    let head = end + 4;
    Ok(Some(Answer { status, head, length: (head + length).min(ANSWER_BYTES_MAX) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_and_length() {
        assert_eq!(head(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n").unwrap(), None);
        let whole = b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello";
        let answer = Answer { status: 201, head: whole.len() - 5, length: whole.len() };
        assert_eq!(head(whole).unwrap(), Some(answer));
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn only_answers_inside_the_window_count() {
        let mut seen = Seen::default();
        let now = Instant::now();
        let hour = Duration::from_secs(3600);
        seen.count(Window { from: now + hour, until: now + hour * 2 }, now, true);
        assert_eq!((seen.good, seen.times.len()), (0, 0));
        seen.count(Window { from: now, until: now + hour }, now, true);
        seen.count(Window { from: now, until: now + hour }, now, false);
        assert_eq!((seen.good, seen.other, seen.times.len()), (1, 1, 2));
    }
}
