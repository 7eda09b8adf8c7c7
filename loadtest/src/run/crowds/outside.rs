//! The processes of fans, from the one that started them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use reqwest::Url;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Beat, Order};

/// How long a process may take to get ready.
const READY_MAX: Duration = Duration::from_secs(60);

/// All of them. They end when this is dropped.
pub struct Crowds {
    members: Vec<Member>,
    beats: mpsc::Receiver<Heard>,
}

struct Member {
    child: Child,
    input: Option<ChildStdin>,
    stories: PathBuf,
}

/// What comes from them.
#[derive(Debug)]
pub enum Heard {
    /// A second of one.
    Beat(Box<Beat>),
    /// One has nothing more to say.
    Silent(usize),
}

impl Crowds {
    /// Starts `of` processes, and waits until they are ready. What their fans saw goes to files in `folder`.
    ///
    /// # Errors
    /// When one cannot be started, or does not get ready.
    pub async fn start(
        of: usize,
        scenario: (&str, &Path),
        seed: u64,
        edges: &[Url],
        folder: &Path,
    ) -> Result<Self> {
        let own = std::env::current_exe().context("the path of this executable is unknown")?;
        let (tell, beats) = mpsc::channel(64);
        let mut members = Vec::new();
        let mut outputs = Vec::new();
        for nth in 0..of {
            let stories = folder.join(format!("stories-{}", nth + 1));
            let order = Order {
                scenario: scenario.0.to_owned(),
                folder: scenario.1.to_owned(),
                seed,
                nth,
                of,
                edges: edges.iter().map(ToString::to_string).collect(),
                stories: stories.clone(),
            };
            let mut child = Command::new(&own)
                .arg("crowd")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                // Ctrl-C in a terminal reaches a whole group; whoever started them ends them.
                .process_group(0)
                .spawn()
                .context("no fans came")?;
            let mut input = child.stdin.take().context("fans hear nothing")?;
            let line = serde_json::to_string(&order)? + "\n";
            input.write_all(line.as_bytes()).await.context("fans hear nothing")?;
            outputs.push(BufReader::new(child.stdout.take().context("fans say nothing")?));
            members.push(Member { child, input: Some(input), stories });
        }
        for (nth, mut output) in outputs.into_iter().enumerate() {
            let mut line = String::new();
            let read = timeout(READY_MAX, output.read_line(&mut line));
            read.await.context("fans took too long to get ready")??;
            ensure!(line.trim() == "ready", "fans did not get ready");
            tokio::spawn(listen(nth, output, tell.clone()));
        }
        Ok(Self { members, beats })
    }

    /// The run begins at this moment of the machine's clock.
    ///
    /// # Errors
    /// When one of them hears nothing.
    pub async fn begin(&mut self, zero_us: u64) -> Result<()> {
        for member in &mut self.members {
            let input = member.input.as_mut().context("fans hear nothing")?;
            input.write_all(format!("{zero_us}\n").as_bytes()).await.context("fans hear nothing")?;
        }
        Ok(())
    }

    /// What they are called, and their process ids.
    pub fn processes(&self) -> Vec<(String, u32)> {
        let ids = self.members.iter().enumerate();
        ids.filter_map(|(nth, member)| Some((format!("crowd-{}", nth + 1), member.child.id()?))).collect()
    }

    /// The next that comes from any of them; nothing when all have ended.
    pub async fn next(&mut self) -> Option<Heard> {
        self.beats.recv().await
    }

    /// Waits for their end, and tells where what their fans saw is.
    ///
    /// # Errors
    /// When one ended badly: what its fans saw is lost.
    pub async fn ended(self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (nth, mut member) in self.members.into_iter().enumerate() {
            drop(member.input.take());
            let status = timeout(READY_MAX, member.child.wait()).await.context("fans do not end")??;
            ensure!(status.success(), "crowd-{} ended badly ({status})", nth + 1);
            files.push(member.stories);
        }
        Ok(files)
    }
}

/// Passes on what one of them says.
async fn listen(nth: usize, output: BufReader<ChildStdout>, tell: mpsc::Sender<Heard>) {
    let mut lines = output.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let beat = serde_json::from_str(&line).map_err(|error| anyhow!("{error}"));
        let Ok(beat) = beat else { break };
        if tell.send(Heard::Beat(Box::new(beat))).await.is_err() {
            return;
        }
    }
    let _nobody_asks = tell.send(Heard::Silent(nth)).await;
}
