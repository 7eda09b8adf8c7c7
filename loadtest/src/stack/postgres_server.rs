//! A PostgreSQL of one's own, as it is by default: in a folder under `/tmp`, on a socket in that folder and no port.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::net::UnixStream;

use super::process::{Process, Program};
use super::{files, tool};

/// How long it may take to get ready.
const READY_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Its socket, beside the data.
const SOCKET: &str = ".s.PGSQL.5432";

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
        while UnixStream::connect(server.join(SOCKET)).await.is_err() {
            this.process.check_running()?;
            ensure!(Instant::now() < until, "PostgreSQL did not get ready");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(this)
    }

    /// Where its database is.
    pub fn url(&self) -> String {
        let socket = self.folder.path().join("server");
        format!("postgres://shop@localhost/postgres?host={}", socket.display())
    }

    /// Its process id; its other processes are children of that one.
    pub fn id(&self) -> u32 {
        self.process.id()
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
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn it_starts_and_leaves_nothing() {
        let server = PostgresServer::start().await.unwrap();
        let (id, folder) = (server.id(), server.folder.path().to_owned());
        assert!(Path::new(&format!("/proc/{id}")).exists() && server.url().starts_with("postgres://shop@"));
        drop(server);
        assert!(!Path::new(&format!("/proc/{id}")).exists() && !folder.exists());
    }
}
