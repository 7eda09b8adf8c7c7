//! One kept connection that asks the same over and over: as little work on this side as can be, for both sides share
//! the machine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// What one connection saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Answers with the status that was wanted.
    pub(super) good: u64,
    /// Answers with another one.
    pub(super) other: u64,
    /// How long each took.
    pub(super) times: Vec<Duration>,
}

/// Sends `request` to `address` again and again until `end`, each time when the answer to the one before has come.
pub(super) async fn ask(address: SocketAddr, request: &[u8], wanted: u16, end: Instant) -> Result<Seen> {
    let mut stream = TcpStream::connect(address).await.context("the edge cannot be reached")?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8192);
    let mut seen = Seen::default();
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(request).await?;
        let status = tokio::time::timeout(ANSWER_TIME, read_answer(&mut stream, &mut buffer))
            .await
            .context("no answer came in time")??;
        seen.times.push(sent.elapsed());
        if status == wanted { seen.good += 1 } else { seen.other += 1 }
    }
    Ok(seen)
}

/// Reads one answer whose length is told in its head; gives its status.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the edge closed the connection");
        }
        if let Some((status, length)) = head(buffer)? {
            while buffer.len() < length {
                if stream.read_buf(buffer).await? == 0 {
                    bail!("the edge closed the connection in the middle of an answer");
                }
            }
            return Ok(status);
        }
        if buffer.len() > ANSWER_BYTES_MAX {
            bail!("an answer has no end");
        }
    }
}

/// The status of an answer and how long it is in all; nothing while its head is not complete.
fn head(buffer: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
    let status =
        text.get(9..12).and_then(|status| status.parse().ok()).context("an answer without a status")?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())?;
    Ok(Some((status, (end + 4 + length).min(ANSWER_BYTES_MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_and_length() {
        assert_eq!(head(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n").unwrap(), None);
        let whole = b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(head(whole).unwrap(), Some((201, whole.len())));
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }
}
