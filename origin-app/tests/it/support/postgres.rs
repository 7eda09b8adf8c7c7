//! A PostgreSQL server of the test's own: in a temporary folder, on a socket in that folder and no port, so
//! that no other server is in its way, and stopped when it is dropped.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

pub(crate) struct PostgresServer {
    folder: TempDir,
    binaries: PathBuf,
    account: Option<(u32, u32)>,
    options: Vec<String>,
    server: Child,
}

impl PostgresServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| vec!["-c".to_owned(), "listen_addresses=".to_owned()]).await
    }

    /// One that takes connections on a port too, over TLS, where it shows this certificate.
    pub(crate) async fn over_tls(port: u16, certificate: &Path, key: &Path) -> Self {
        let prepare = |folder: &Path, account: Option<(u32, u32)>| {
            let copies = [(certificate, "server.pem"), (key, "server.key")].map(|(from, name)| {
                let copy = folder.join(name);
                fs::copy(from, &copy).unwrap();
                fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
                if let Some((user, group)) = account {
                    chown(&copy, Some(user), Some(group)).unwrap();
                }
                copy.display().to_string()
            });
            let settings = [
                "listen_addresses=127.0.0.1".to_owned(),
                format!("port={port}"),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={}", copies[0]),
                format!("ssl_key_file={}", copies[1]),
            ];
            settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
        };
        Self::start_with(prepare).await
    }

    async fn start_with(prepare: impl FnOnce(&Path, Option<(u32, u32)>) -> Vec<String>) -> Self {
        let binaries = binaries();
        let account = account();
        // Under /tmp, and not under a TMPDIR that may be closed to the server's account. A socket's path must
        // be short, too.
        let folder = tempfile::Builder::new().prefix("shop-pg-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let data = folder.path().join("data");
        let made = command(&binaries, "initdb", account)
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=shop", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let options = prepare(folder.path(), account);
        let server = serve(folder.path(), &binaries, account, &options);
        let mut this = Self { folder, binaries, account, options, server };
        this.wait_until_ready().await;
        this
    }

    /// Ends it at once, as a crash does; what was committed is there when it starts again.
    pub(crate) fn stop(&mut self) {
        let stopped = command(&self.binaries, "pg_ctl", self.account)
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.folder.path().join("data"))
            .stdout(Stdio::null())
            .status();
        assert!(stopped.unwrap().success());
        self.server.wait().unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        self.server = serve(self.folder.path(), &self.binaries, self.account, &self.options);
        self.wait_until_ready().await;
    }

    pub(crate) fn url(&self) -> String {
        let port = self.options.iter().find_map(|option| option.strip_prefix("port=")).unwrap_or("5432");
        format!("postgres://shop@localhost:{port}/postgres?host={}", self.folder.path().display())
    }

    /// Ends it without warning, every process of it.
    pub(crate) fn kill(&mut self) {
        let id = self.server.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let _ = self.server.kill();
        let ids: Vec<&str> = children.split_whitespace().collect();
        if !ids.is_empty() {
            let _ = Command::new("kill").arg("-KILL").args(ids).stderr(Stdio::null()).status();
        }
        let _ = self.server.wait();
    }

    /// Starts it again after it was killed.
    pub(crate) fn spawn_again(&mut self) {
        self.server = serve(self.folder.path(), &self.binaries, self.account, &self.options);
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.server.try_wait().unwrap().is_none()
    }

    async fn wait_until_ready(&mut self) {
        for _ in 0..600 {
            if PgConnection::connect(&self.url()).await.is_ok() {
                return;
            }
            if let Some(status) = self.server.try_wait().unwrap() {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("postgres ended with {status}:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("postgres did not answer within a minute");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // `immediate` ends the server's own processes too; the kill is for when that fails.
        let _ = command(&self.binaries, "pg_ctl", self.account)
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.folder.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(folder: &Path, binaries: &Path, account: Option<(u32, u32)>, options: &[String]) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    command(binaries, "postgres", account)
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(options)
        // The data is gone in a minute anyway.
        .args(["-c", "fsync=off", "-c", "max_connections=50", "-c", "shared_buffers=16MB"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn command(binaries: &Path, name: &str, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(binaries.join(name));
    // Whatever points to another server must not reach this one's tools.
    for variable in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE"] {
        command.env_remove(variable);
    }
    command.current_dir("/");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}

/// The folder with `initdb`, `postgres` and `pg_ctl`: in the path, or where Debian puts them.
fn binaries() -> PathBuf {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&in_path)
        .chain(debian.map(|version| version.path().join("bin")))
        .find(|folder| ["initdb", "postgres", "pg_ctl"].iter().all(|name| folder.join(name).is_file()))
        .expect("PostgreSQL's server is not installed; run `make tools`")
}

/// The account for the server where the test runs as root, which PostgreSQL refuses.
fn account() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let account = find("postgres").or_else(|| find("nobody"));
    Some(account.expect("there is no account `postgres` to run the server under; run `make tools`"))
}
