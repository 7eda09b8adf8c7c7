//! Starts the real binary on free ports, and stops it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::shop::Shop;

pub(crate) const KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub(crate) const EDGE_KEYS: &str = "e1:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

/// The tokens of operators: ben looks, anna runs the sale, root may do all.
pub(crate) const VIEWER: &str = "ben-ben-ben-ben-ben-ben-ben-ben-ben";
pub(crate) const OPERATOR: &str = "anna-anna-anna-anna-anna-anna-anna";
pub(crate) const ADMIN: &str = "root-root-root-root-root-root-root";

/// Long enough for the slowest machine; only a failure takes it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A room `demo` like the one that ships, with `rules` on top.
pub(crate) fn room(rules: &str) -> String {
    format!(
        "[[room]]\nid = \"demo\"\npaths = [\"/events/demo\", \"/events/demo/*\", \"/api/reservations\", \
         \"/api/reservations/*\"]\ntitle = \"The Show\"\n{rules}\n"
    )
}

/// A line that stands, so that places stay what they are.
pub(crate) const STANDING: &str = "mode = \"paused\"";

/// How many fans are let in at once, in tests that have fans let in at once.
const PERMITS: u64 = 5;

/// A running edge. Killed when dropped.
pub(crate) struct Edge {
    child: Child,
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn files(folder: &TempDir, edge: &str, rooms: &str) -> (PathBuf, PathBuf) {
    let (edge_file, rooms_file) = (folder.path().join("edge.toml"), folder.path().join("rooms.toml"));
    std::fs::write(&edge_file, edge).unwrap();
    std::fs::write(&rooms_file, rooms).unwrap();
    (edge_file, rooms_file)
}

/// The binary, with a clean environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxy"));
    command.env_clear().env("STANCHION_KEYS", KEYS).env("STANCHION_EDGE_KEYS", EDGE_KEYS);
    let tokens = format!("ben:viewer:{VIEWER} anna:operator:{OPERATOR} root:admin:{ADMIN}");
    command.env("STANCHION_ADMIN_TOKENS", tokens);
    command
}

impl Edge {
    /// Starts an edge before `shop`, with this `rooms.toml`.
    pub(crate) fn start(shop: &Shop, rooms: &str) -> Self {
        Self::start_with(&format!("[upstream]\naddress = \"{}\"", shop.address), rooms)
    }

    /// Starts an edge with these files. Ports are free ones.
    pub(crate) fn start_with(edge: &str, rooms: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let edge = format!("listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n{edge}\n");
        files(&folder, &edge, rooms);
        Self::spawn(folder, None).wait_for_permits()
    }

    /// Starts an edge whose file says itself where it listens.
    pub(crate) fn start_listening(edge: &str, rooms: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        files(&folder, &format!("admin_listen = \"127.0.0.1:0\"\n{edge}\n"), rooms);
        Self::spawn(folder, None).wait_for_permits()
    }

    /// A line that begins has no permits; they gather at its rate. Where fans are let in at once, tests begin when
    /// [`PERMITS`] are there, by the rate that the room has or the default one.
    fn wait_for_permits(self) -> Self {
        let rooms = std::fs::read_to_string(self.folder.path().join("rooms.toml")).unwrap();
        let rate = rooms.lines().find_map(|line| line.strip_prefix("drain_per_minute = "));
        let rate: u64 = rate.map_or(600, |rate| rate.trim().parse().unwrap());
        if !rooms.contains("mode =") && !rooms.contains("opens_at =") && rate > 0 {
            std::thread::sleep(Duration::from_millis(PERMITS * 60_000 / rate + 1));
        }
        self
    }

    /// Starts an edge with the files that are in `folder`.
    pub(crate) fn start_in(folder: TempDir) -> Self {
        Self::spawn(folder, None)
    }

    fn spawn(folder: TempDir, listen: Option<SocketAddr>) -> Self {
        let mut command = Self::command_in(folder.path());
        if let Some(listen) = listen {
            command.arg("--listen").arg(listen.to_string());
        }
        Self::run(folder, command)
    }

    /// Starts another process with the same files that takes over from this one.
    pub(crate) fn upgrade(&self) -> Self {
        let mut command = Self::command_in(self.folder.path());
        command.arg("--upgrade");
        Self::run(tempfile::tempdir().unwrap(), command)
    }

    fn command_in(folder: &std::path::Path) -> Command {
        let mut command = command();
        command.arg("--config").arg(folder.join("edge.toml"));
        command.arg("--rooms").arg(folder.join("rooms.toml"));
        command
    }

    /// Runs a command that starts an edge, and waits until it is up.
    pub(crate) fn run(folder: TempDir, mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (up, is_up) = mpsc::channel();
        let lines = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str::<Value>(&line)
                    && event["message"] == "the edge is up"
                {
                    let address = |field: &str| event[field].as_str().unwrap().parse().unwrap();
                    let _ = up.send((address("listen"), address("admin_listen")));
                }
                lines.lock().unwrap().push(line);
            }
        });
        let Ok((address, admin)) = is_up.recv_timeout(PATIENCE) else {
            panic!("the edge did not come up: {:?}", log.lock().unwrap());
        };
        Self { child, folder, address, admin, log }
    }

    /// Kills the process without warning and starts another in its place.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let address = self.address;
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        drop(self);
        Self::spawn(folder, Some(address))
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").arg(format!("-{name}")).arg(id).status().unwrap();
        assert!(status.success());
    }

    /// Waits until the log says `word`.
    pub(crate) async fn until_logged(&self, word: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.log().iter().any(|line| line.contains(word)) {
            assert!(Instant::now() < until, "{word}: {:?}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the edge does not end: {:?}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A fan's browser: keeps cookies, follows nothing.
pub(crate) fn browser() -> reqwest::Client {
    reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        // A connection from before a restart would fail once more than a new one.
        .pool_max_idle_per_host(0)
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// Asks for a page, as a browser does.
pub(crate) async fn navigate(browser: &reqwest::Client, url: &str) -> reqwest::Response {
    browser.get(url).header("accept", "text/html,*/*;q=0.8").send().await.unwrap()
}

/// All values of a header.
pub(crate) fn all<'a>(answer: &'a reqwest::Response, name: &str) -> Vec<&'a str> {
    answer.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

/// The value that a `Set-Cookie` header gives to the cookie `name`.
pub(crate) fn set_cookie(answer: &reqwest::Response, name: &str) -> Option<String> {
    all(answer, "set-cookie").iter().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.split(';').next()?.to_owned())
    })
}

/// What keeps an answer out of shared caches.
pub(crate) fn assert_private(answer: &reqwest::Response) {
    assert_eq!(all(answer, "cache-control"), ["private, no-store"]);
    assert_eq!(all(answer, "cdn-cache-control"), ["no-store"]);
    assert_eq!(all(answer, "surrogate-control"), ["no-store"]);
}

/// Polls until the ticket's status is `state`.
pub(crate) async fn until_state(browser: &reqwest::Client, edge: &Edge, state: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = browser.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap();
        let code = answer.status();
        let status: Value = answer.json().await.unwrap();
        if status["state"] == state {
            return status;
        }
        assert!(Instant::now() < until, "still {code} {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
