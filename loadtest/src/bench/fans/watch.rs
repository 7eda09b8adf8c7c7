//! When turns were given, seen in the store: the cursor of the lane has passed a rank.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::super::cores::monotonic;

/// How often the cursor is looked at: so exact is what is told.
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// Where the cursor was when, in microseconds; whenever it had moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Vec<(u64, u64)>);

impl Turns {
    /// Watches the cursor of `room` until this is dropped.
    pub(super) async fn watch(&mut self, redis: u16, room: &str) -> Result<()> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", redis)).await?);
        let question = format!("HGET wr:{{{room}}} cursor:general\r\n");
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            stream.write_all(question.as_bytes()).await?;
            let (mut length, mut answer) = (String::new(), String::new());
            stream.read_line(&mut length).await?;
            if length.trim_end() == "$-1" {
                continue;
            }
            stream.read_line(&mut answer).await?;
            let cursor = answer.trim_end().parse().context("the cursor is no number")?;
            if self.0.last().is_none_or(|(before, _)| *before < cursor) {
                self.0.push((cursor, monotonic()));
            }
        }
    }

    /// When the turn of this rank was given. Nothing where that was before the first look.
    pub(super) fn of(&self, rank: u64) -> Option<u64> {
        let at = self.0.partition_point(|(cursor, _)| *cursor < rank);
        (at > 0).then(|| self.0.get(at).map(|(_, at)| *at))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_given_when_the_cursor_has_passed() {
        let turns = Turns(vec![(10, 1000), (20, 2000), (35, 3000)]);
        assert_eq!([5, 10].map(|rank| turns.of(rank)), [None, None], "before the first look");
        assert_eq!([11, 20, 21, 35].map(|rank| turns.of(rank)), [2000, 2000, 3000, 3000].map(Some));
        assert_eq!(turns.of(36), None, "not yet");
    }
}
