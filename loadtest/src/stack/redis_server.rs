//! A Redis of the stack's own, and what can happen to one: it is killed, stopped, restored, replaced.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::process::{Process, Program};
use super::{files, find, on_free_port, ready};
use crate::checks::LineTotals;

/// How long it may take to answer a command.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long a replica may take until it has everything.
const SYNC_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The file that Redis reads when it starts.
const DUMP: &str = "dump.rdb";

/// A Redis server.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    folder: PathBuf,
    port: u16,
}

impl RedisServer {
    /// Starts an empty one, with its files in `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let (process, port) =
            on_free_port("Redis", None, async |port| spawn(folder, port, &[]).await).await?;
        Ok(Self { process, folder: folder.to_owned(), port })
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub(super) const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it where it is. Its connections stay open, and say nothing.
    pub fn freeze(&mut self) {
        self.process.freeze();
    }

    /// Lets it go on after [`RedisServer::freeze`].
    pub fn thaw(&mut self) {
        self.process.thaw();
    }

    /// Starts it again after it was killed, with what it saved last, if anything.
    pub async fn restart(&mut self) -> Result<()> {
        self.process = spawn(&self.folder, self.port, &[]).await?;
        Ok(())
    }

    /// Starts it again after it was killed, with nothing.
    pub async fn restart_empty(&mut self) -> Result<()> {
        let dump = self.folder.join(DUMP);
        if dump.exists() {
            fs::remove_file(&dump).with_context(|| format!("{} cannot be removed", dump.display()))?;
        }
        self.restart().await
    }

    /// Saves everything, for the next start.
    pub async fn save(&self) -> Result<()> {
        self.command(&["SAVE"]).await.map(drop)
    }

    /// Forgets everything.
    pub async fn flush_all(&self) -> Result<()> {
        self.command(&["FLUSHALL"]).await.map(drop)
    }

    /// A replica that has everything. Its files are in a folder of this name.
    pub async fn replica(&self, name: &str) -> Result<Self> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let of = ["--replicaof".to_owned(), "127.0.0.1".to_owned(), self.port.to_string()];
        let (process, port) =
            on_free_port("the replica", None, async |port| spawn(&folder, port, &of).await).await?;
        let replica = Self { process, folder, port };
        let until = Instant::now() + SYNC_MAX;
        while !replica.command(&["INFO", "replication"]).await?.contains("master_link_status:up") {
            if Instant::now() > until {
                bail!("the replica has not got everything after {} s", SYNC_MAX.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(replica)
    }

    /// A replica hears no more of its primary, and takes writes.
    pub async fn promote(&self) -> Result<()> {
        self.command(&["REPLICAOF", "NO", "ONE"]).await.map(drop)
    }

    /// Listens on `port`, which must be free, instead of its own.
    pub async fn move_to(&mut self, port: u16) -> Result<()> {
        self.command(&["CONFIG", "SET", "port", &port.to_string()]).await?;
        self.port = port;
        Ok(())
    }

    /// Runs a script, as an operator does by hand; what it returns has to be a text or a number.
    ///
    /// # Errors
    /// When it fails, or Redis does not answer.
    pub async fn script(&self, script: &str, keys: &[&str]) -> Result<String> {
        let count = keys.len().to_string();
        let words: Vec<&str> = ["EVAL", script, &count].into_iter().chain(keys.iter().copied()).collect();
        Ok(self.command(&words).await?.trim_start_matches(':').to_owned())
    }

    /// What the line of a room counted since it began.
    ///
    /// # Errors
    /// When Redis does not answer, or has no such room.
    pub async fn totals(&self, room: &str) -> Result<LineTotals> {
        const SCRIPT: &str = "return (redis.call('HGET', KEYS[1], 'admitted_total') or '0') .. ' ' .. \
                              (redis.call('HGET', KEYS[1], 'lapsed_total') or '0')";
        let told = self.script(SCRIPT, &[&format!("wr:{{{room}}}")]).await?;
        let numbers = told.split_once(' ').and_then(|(admitted, lapsed)| {
            Some(LineTotals { admitted: admitted.parse().ok()?, lapsed: lapsed.parse().ok()? })
        });
        numbers.with_context(|| format!("the totals of the room `{room}` cannot be read: {told}"))
    }

    /// Sends one command; its answer as text.
    async fn command(&self, words: &[&str]) -> Result<String> {
        let answer = tokio::time::timeout(ANSWER_MAX, command(self.port, words)).await;
        answer.context("Redis did not answer in time")?.with_context(|| format!("Redis did not do {words:?}"))
    }
}

async fn command(port: u16, words: &[&str]) -> Result<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let line = line.trim_end();
    if let Some(length) = line.strip_prefix('$') {
        let length: usize = length.parse().context("Redis said nothing")?;
        let mut text = vec![0; length.min(ANSWER_BYTES_MAX)];
        stream.read_exact(&mut text).await?;
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
    match line.strip_prefix('-') {
        Some(error) => bail!("{error}"),
        None if line.is_empty() => bail!("the connection was closed"),
        None => Ok(line.to_owned()),
    }
}

async fn spawn(folder: &Path, port: u16, more: &[String]) -> Result<Process> {
    // Replicas get everything at once, not after the time that Redis waits for more of them.
    let fixed =
        ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"];
    let mut args: Vec<OsString> = fixed.map(Into::into).to_vec();
    args.extend(["--dir".into(), folder.into(), "--port".into(), port.to_string().into()]);
    args.extend(more.iter().map(Into::into));
    let mut redis = Process::start(Program {
        name: "redis-server".to_owned(),
        executable: find::tool("redis-server")?,
        args,
        env: Vec::new(),
        log: files::file(folder, "redis.log"),
    })?;
    ready::pongs(&mut redis, port).await?;
    Ok(redis)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn set(redis: &RedisServer, value: &str) {
        redis.command(&["SET", "key", value]).await.unwrap();
    }

    async fn key(redis: &RedisServer) -> Option<String> {
        redis.command(&["GET", "key"]).await.ok()
    }

    #[tokio::test]
    async fn it_comes_back_empty_or_with_what_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let mut redis = RedisServer::start(folder.path()).await.unwrap();
        set(&redis, "first").await;
        redis.save().await.unwrap();
        set(&redis, "second").await;
        redis.kill();
        redis.restart().await.unwrap();
        assert_eq!(key(&redis).await.as_deref(), Some("first"));
        redis.kill();
        redis.restart_empty().await.unwrap();
        assert_eq!(key(&redis).await, None);
        set(&redis, "third").await;
        redis.flush_all().await.unwrap();
        assert_eq!(key(&redis).await, None);
    }

    #[tokio::test]
    async fn a_replica_that_was_cut_off_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut primary = RedisServer::start(folder.path()).await.unwrap();
        set(&primary, "first").await;
        let mut replica = primary.replica("replica").await.unwrap();
        replica.promote().await.unwrap();
        set(&primary, "second").await;
        let port = primary.port();
        primary.kill();
        replica.move_to(port).await.unwrap();
        assert_eq!(key(&replica).await.as_deref(), Some("first"));
        replica.kill();
        replica.restart_empty().await.unwrap();
        assert_eq!((key(&replica).await, replica.port()), (None, port));
    }
}
