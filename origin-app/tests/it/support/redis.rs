//! A real `redis-server` of a test's own: free port, gone with the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server. It is killed when this is dropped.
pub(crate) struct RedisServer {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    durable: bool,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_start(false) {
                return server;
            }
        }
        panic!("redis-server did not come up on any of five free ports");
    }

    /// A server that keeps its data in files, so that it has them again when it is killed and started anew.
    pub(crate) fn start_durable() -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_start(true) {
                return server;
            }
        }
        panic!("redis-server did not come up on any of five free ports");
    }

    /// Ends it without warning, and starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        for _ in 0..200 {
            self.child = Self::spawn(self.port, self.folder.path(), self.durable);
            if self.is_up() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server did not come up again");
    }

    /// Starts it again after it was killed, with what is in its files.
    pub(crate) fn spawn_again(&mut self) {
        self.child = Self::spawn(self.port, self.folder.path(), self.durable);
    }

    /// Removes its files.
    pub(crate) fn lose(&self) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        }
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn is_up(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.command(&["PING"]).is_some_and(|reply| reply.starts_with("+PONG")) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn spawn(port: u16, folder: &Path, durable: bool) -> Child {
        let appendonly = if durable { "yes" } else { "no" };
        Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                appendonly,
            ])
            .args(["--appendfsync", "no"])
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server cannot be started ({error}); run `make tools`"))
    }

    fn try_start(durable: bool) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let child = Self::spawn(port, folder.path(), durable);
        let mut server = Self { child, port, folder, durable };
        server.is_up().then_some(server)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Sends one command in the plain form and gives what comes back first.
    pub(crate) fn command(&self, words: &[&str]) -> Option<String> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(format!("{}\r\n", words.join(" ")).as_bytes()).ok()?;
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).ok()?;
        String::from_utf8(buffer[..length].to_vec()).ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
