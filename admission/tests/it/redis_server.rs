//! A real `redis-server` of a test's own: free port, no files, gone with the test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server. It is killed when this is dropped.
pub(crate) struct RedisServer {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_start(None) {
                return server;
            }
        }
        panic!("redis-server did not come up on any of five free ports");
    }

    /// A server with the data of another one, as [`RedisServer::dump`] gave it.
    pub(crate) fn start_with(dump: &[u8]) -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_start(Some(dump)) {
                return server;
            }
        }
        panic!("redis-server did not come up on any of five free ports");
    }

    /// All data, as a replica would have it at this moment.
    pub(crate) fn dump(&self) -> Vec<u8> {
        assert_eq!(self.command(&["SAVE"]).unwrap(), "+OK\r\n");
        std::fs::read(self.folder.path().join("dump.rdb")).unwrap()
    }

    fn try_start(dump: Option<&[u8]>) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        if let Some(dump) = dump {
            std::fs::write(folder.path().join("dump.rdb"), dump).unwrap();
        }
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server cannot be started ({error}); run `make tools`"));
        let mut server = Self { child, port, folder };
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if server.child.try_wait().unwrap().is_some() {
                return None;
            }
            if server.command(&["PING"]).is_some_and(|reply| reply.starts_with("+PONG")) {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
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
