//! A PostgreSQL of one's own, as it is by default: in a folder under `/tmp`, on a socket in that folder and no port.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::UnixStream;

use super::process::{Process, Program, children};
use super::{files, tool};

/// How long it may take to get ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// What no value has in it.
const BETWEEN_COLUMNS: char = '\t';
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Its socket, beside the data.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";

/// A PostgreSQL server. Dropping it stops it.
#[derive(Debug)]
pub struct PostgresServer {
    process: Process,
    folder: TempDir,
}

impl PostgresServer {
    /// Makes an empty one and starts it.
    pub async fn start() -> Result<Self> {
        // A socket's path must be short, and the account of the server must reach it.
        let folder = tempfile::Builder::new().prefix("stanchion-pg-").tempdir_in("/tmp")?;
        let server = folder.path().join("server");
        fs::create_dir(&server)?;
        let account = account()?;
        if let Some(account) = &account {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
            let chown = std::process::Command::new(tool("chown")?).arg(account).arg(&server).status()?;
            ensure!(chown.success(), "{} cannot be given to {account}", server.display());
        }
        let binaries = binaries()?;
        let data = server.join("data");
        let mut made = Process::start(as_account(
            account.as_deref(),
            Program {
                name: "initdb".to_owned(),
                executable: binaries.join("initdb"),
                args: ["--username=shop", "--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata"]
                    .map(Into::into)
                    .into_iter()
                    .chain([data.clone().into()])
                    .collect(),
                env: Vec::new(),
                log: files::file(folder.path(), "initdb.log"),
            },
        )?)?;
        let until = Instant::now() + READY_MAX;
        let made_it = loop {
            match made.ended() {
                Some(status) => break status.success(),
                None if Instant::now() > until => break false,
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        ensure!(made_it, "PostgreSQL could not be made:\n{}", made.log_tail());
        let process = Process::start(as_account(
            account.as_deref(),
            Program {
                name: "postgres".to_owned(),
                executable: binaries.join("postgres"),
                args: vec![
                    "-D".into(),
                    data.into(),
                    "-k".into(),
                    server.clone().into(),
                    "-c".into(),
                    "listen_addresses=".into(),
                ],
                env: Vec::new(),
                log: files::file(folder.path(), "postgres.log"),
            },
        )?)?;
        let mut this = Self { process, folder };
        while !this.answers().await {
            this.process.check_running()?;
            ensure!(Instant::now() < until, "PostgreSQL did not get ready");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(this)
    }

    /// Whether somebody listens.
    async fn answers(&self) -> bool {
        UnixStream::connect(self.folder.path().join("server").join(SOCKET)).await.is_ok()
    }

    /// Ends it without warning. Its other processes notice, and end by themselves.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after it was killed, with all that it had written.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> Result<()> {
        let until = Instant::now() + READY_MAX;
        self.process.restart()?;
        loop {
            if self.process.ended().is_some() {
                // Its other processes have not all noticed yet, and it does not share what they hold.
                ensure!(Instant::now() < until, "PostgreSQL did not come back:\n{}", self.process.log_tail());
                self.process.restart()?;
            }
            if self.answers().await {
                return Ok(());
            }
            ensure!(Instant::now() < until, "PostgreSQL did not get ready:\n{}", self.process.log_tail());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops it where it is. Its connections stay open, and new ones are answered by nobody.
    pub fn freeze(&mut self) {
        self.process.freeze();
        signal_children(self.id(), Signal::STOP);
    }

    /// Lets it go on after [`PostgresServer::freeze`].
    pub fn thaw(&mut self) {
        signal_children(self.id(), Signal::CONT);
        self.process.thaw();
    }

    /// Where its database is.
    pub fn url(&self) -> String {
        url(&self.socket())
    }

    /// The folder with its socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    /// The rows that answer a question, each column as text; asked by PostgreSQL's own client.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(&self, question: &str) -> Result<Vec<Vec<String>>> {
        let beside = binaries()?.join("psql");
        let psql = if beside.is_file() { beside } else { tool("psql")? };
        let asked = tokio::process::Command::new(psql)
            .args(["--no-psqlrc", "--no-align", "--tuples-only", "--username=shop", "--dbname=postgres"])
            .arg(format!("--field-separator={BETWEEN_COLUMNS}"))
            .arg("--host")
            .arg(self.socket())
            .args(["--command", question])
            .kill_on_drop(true)
            .output();
        let answer =
            tokio::time::timeout(READY_MAX, asked).await.context("PostgreSQL did not answer in time")??;
        ensure!(answer.status.success(), "PostgreSQL: {}", String::from_utf8_lossy(&answer.stderr));
        let text = String::from_utf8_lossy(&answer.stdout);
        let rows = text.lines().filter(|line| !line.is_empty());
        Ok(rows.map(|row| row.split(BETWEEN_COLUMNS).map(ToOwned::to_owned).collect()).collect())
    }

    /// Its process id; its other processes are children of that one.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Where the database is whose socket is in a folder.
pub(super) fn url(socket: &Path) -> String {
    format!("postgres://shop@localhost/postgres?host={}", socket.display())
}

/// The processes that it started for its connections and its chores.
fn signal_children(id: u32, signal: Signal) {
    for child in children(id) {
        let child = i32::try_from(child).ok().and_then(Pid::from_raw);
        let _gone_meanwhile = child.map(|child| kill_process(child, signal));
    }
}

/// The folder with the server's programs: in the path, or where Debian puts them.
fn binaries() -> Result<PathBuf> {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&in_path)
        .chain(debian.map(|version| version.path().join("bin")))
        .find(|folder| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file()))
        .context("PostgreSQL's server is not installed; install it with: make tools")
}

/// The account for the server where we are root, which PostgreSQL refuses.
fn account() -> Result<Option<String>> {
    if fs::metadata("/proc/self").context("who we are is unknown")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").context("the accounts are unknown")?;
    for name in ["postgres", "nobody"] {
        if accounts.lines().any(|line| line.split(':').next() == Some(name)) {
            return Ok(Some(name.to_owned()));
        }
    }
    bail!("there is no account to run PostgreSQL under; install it with: make tools")
}

fn as_account(account: Option<&str>, program: Program) -> Result<Program> {
    let Some(account) = account else { return Ok(program) };
    let Program { executable, args, .. } = program;
    // What a change of account forgets is asked for again: to end with us.
    let before = ["--reuid", account, "--regid", account, "--clear-groups", "--pdeathsig", "KILL", "--"];
    let mut all: Vec<_> = before.map(Into::into).to_vec();
    all.push(executable.into_os_string());
    all.extend(args);
    Ok(Program { executable: tool("setpriv")?, args: all, ..program })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_starts_and_leaves_nothing() {
        let mut server = PostgresServer::start().await.unwrap();
        let (id, folder) = (server.id(), server.folder.path().to_owned());
        let rows = server.ask("SELECT 1, 'two' UNION ALL SELECT 3, NULL").await.unwrap();
        assert_eq!(rows, [["1", "two"], ["3", ""]]);
        assert!(Path::new(&format!("/proc/{id}")).exists() && server.url().starts_with("postgres://shop@"));
        server.kill();
        server.restart().await.unwrap();
        assert!(server.answers().await && server.id() != id);
        server.freeze();
        server.thaw();
        let id = server.id();
        drop(server);
        assert!(!Path::new(&format!("/proc/{id}")).exists() && !folder.exists());
    }
}
