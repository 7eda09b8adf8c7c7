//! A process of fans, from the other side.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long it may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long fans may take to come: so long at least, and so long for each.
const COMING_MAX: (Duration, Duration) = (Duration::from_secs(60), Duration::from_millis(10));

/// A process of fans. It ends when this is dropped.
pub(super) struct Holder {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    fans: usize,
}

impl Holder {
    /// Has `fans` come to `edge`, and stand in line in `room`; without one they only connect.
    pub(super) fn start(
        edge: SocketAddr,
        room: Option<&str>,
        fans: usize,
        certificate: Option<&Path>,
    ) -> Result<Self> {
        let own = std::env::current_exe().context("the path of this executable is unknown")?;
        let mut command = Command::new(own);
        command.args(["bench", "hold", "--edge", &edge.to_string(), "--fans", &fans.to_string()]);
        if let Some(room) = room {
            command.args(["--room", room]);
        }
        if let Some(certificate) = certificate {
            command.arg("--certificate").arg(certificate);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("no fans came")?;
        let input = child.stdin.take().context("fans hear nothing")?;
        let output = BufReader::new(child.stdout.take().context("fans say nothing")?).lines();
        Ok(Self { _child: child, input, output, fans })
    }

    /// Waits until all of them stand in line.
    pub(super) async fn ready(&mut self) -> Result<()> {
        let (least, each) = COMING_MAX;
        let patience = least + each * u32::try_from(self.fans).unwrap_or(u32::MAX);
        let line =
            timeout(patience, self.output.next_line()).await.context("fans took too long to come")??;
        ensure!(line.as_deref() == Some("ready"), "fans could not stand in line");
        Ok(())
    }

    /// How many messages they got so far.
    pub(super) async fn messages(&mut self) -> Result<u64> {
        self.input.write_all(b"\n").await?;
        let line = timeout(ANSWER_MAX, self.output.next_line()).await.context("fans do not answer")??;
        line.context("the fans are gone")?.parse().context("fans count badly")
    }

    /// Sends them home: the ranks of those who heard of their turn, and when.
    pub(super) async fn told(self) -> Result<Vec<(u64, u64)>> {
        let Self { _child, input, mut output, .. } = self;
        drop(input);
        let mut told = Vec::new();
        while let Some(line) =
            timeout(ANSWER_MAX, output.next_line()).await.context("fans do not answer")??
        {
            let (rank, at) = line.split_once(' ').context("fans mumble")?;
            told.push((rank.parse()?, at.parse()?));
        }
        Ok(told)
    }
}
