//! Several real servers of a test's own, that watch each other: a cluster, or a primary with sentinels. On free
//! ports, gone with the test.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use redis::{FromRedisValue, RedisResult, Value};
use tempfile::TempDir;

/// Longest wait for anything that servers do by themselves.
const PATIENCE: Duration = Duration::from_secs(30);
/// After how long a node counts as gone.
const NODE_TIMEOUT: &str = "2000";
/// Nodes of a cluster talk to each other on the port this much higher.
const BUS: u16 = 10_000;
/// Ports that no outgoing connection is given; the buses of these are such, too.
const PORTS: std::ops::Range<u16> = 10_240..22_000;

/// A running server. It is killed when this is dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) port: u16,
    /// Where it speaks TLS, if it does.
    pub(crate) tls_port: Option<u16>,
    _folder: TempDir,
}

/// A port that is free, as is the one of its bus.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    // Tests run in processes of their own: each begins elsewhere.
    let begin = (std::process::id() % u32::from(count)) as u16;
    for _ in 0..count {
        let step = NEXT.fetch_add(1, Ordering::SeqCst);
        let port = PORTS.start + ((u32::from(begin) * 97 + u32::from(step)) % u32::from(count)) as u16;
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + BUS) {
            return port;
        }
    }
    panic!("no port is free");
}

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

impl Node {
    fn server(more: &[&str]) -> Self {
        let quick = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"];
        Self::start("redis-server", &[], &[&quick, more].concat())
    }

    /// One that speaks TLS too, on a port of its own and with other nodes, and shows this certificate. It is asked for by
    /// tests without.
    pub(crate) fn over_tls(certificate: &Certificate, more: &[&str]) -> Self {
        let tls_port = free_port();
        let (file, key) = (certificate.file.to_str().unwrap(), certificate.key.to_str().unwrap());
        let port = tls_port.to_string();
        let options =
            ["--tls-port", &port, "--tls-cert-file", file, "--tls-key-file", key, "--tls-ca-cert-file", file];
        let mut node = Self::server(&[&options, more].concat());
        node.tls_port = Some(tls_port);
        node
    }

    fn sentinel(primary: &Self) -> Self {
        let lines = [
            format!("sentinel monitor main 127.0.0.1 {} 2", primary.port),
            "sentinel down-after-milliseconds main 1000".to_owned(),
            "sentinel failover-timeout main 5000".to_owned(),
        ];
        Self::start("redis-sentinel", &lines, &[])
    }

    fn start(program: &str, lines: &[String], more: &[&str]) -> Self {
        for _ in 0..5 {
            let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
            let file = folder.path().join("redis.conf");
            std::fs::write(&file, lines.join("\n")).unwrap();
            let child = Command::new(program)
                .arg(&file)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .arg("--dir")
                .arg(folder.path())
                .args(more)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{program} cannot be started ({error}); run `make tools`"));
            let mut node = Self { child, port, tls_port: None, _folder: folder };
            let mut is_gone = false;
            wait_for("a server to come up", || {
                is_gone = node.child.try_wait().unwrap().is_some();
                is_gone || node.try_ask::<String>(&["PING"]).is_ok()
            });
            if !is_gone {
                return node;
            }
        }
        panic!("{program} did not come up on any of five free ports");
    }

    pub(crate) fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(2))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection)
    }

    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap_or_else(|error| panic!("{}: {words:?}: {error}", self.port))
    }

    /// Whether it answers, and `INFO` has this line.
    pub(crate) fn says(&self, section: &str, line: &str) -> bool {
        self.try_ask::<String>(&["INFO", section]).is_ok_and(|info| info.lines().any(|one| one == line))
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Makes it hang: it keeps its connections, and answers nothing.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Makes `replica` miss everything that this one, its primary, does from now on: it is stopped, and what
    /// waits for it in between is more than the way holds.
    pub(crate) fn outrun(&self, replica: &Self, hash_tag: &str) {
        replica.stop();
        let filler = "x".repeat(32 << 20);
        self.ask::<Value>(&["SET", &format!("filler:{{{hash_tag}}}"), &filler]);
    }
}

/// A certificate for `names` that vouches for itself.
pub(crate) struct Certificate {
    pub(crate) file: PathBuf,
    pub(crate) key: PathBuf,
    _folder: TempDir,
}

impl Certificate {
    /// As openssl makes it.
    pub(crate) fn of(names: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=redis", "-addext", &format!("subjectAltName={names}")])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&file)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { file, key, _folder: folder }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster of three primaries with a replica each, or none.
pub(crate) struct Cluster {
    pub(crate) primaries: Vec<Node>,
    /// Of the primaries, in their order.
    pub(crate) replicas: Vec<Node>,
}

impl Cluster {
    pub(crate) fn start(with_replicas: bool) -> Self {
        Self::of(with_replicas, Node::server)
    }

    /// A cluster of primaries that speak TLS with each other and with others.
    pub(crate) fn over_tls(certificate: &Certificate) -> Self {
        let secure = ["--tls-cluster", "yes", "--tls-replication", "yes", "--tls-auth-clients", "no"];
        Self::of(false, |options| Node::over_tls(certificate, &[&secure, options].concat()))
    }

    fn of(with_replicas: bool, start: impl Fn(&[&str]) -> Node) -> Self {
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            NODE_TIMEOUT,
            "--cluster-require-full-coverage",
            "no",
        ];
        let start = |count: usize| (0..count).map(|_| start(&options)).collect::<Vec<_>>();
        let cluster = Self { primaries: start(3), replicas: start(if with_replicas { 3 } else { 0 }) };
        for (at, (node, slots)) in
            cluster.primaries.iter().zip([(0, 5460), (5461, 10922), (10923, 16383)]).enumerate()
        {
            node.ask::<Value>(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
            node.ask::<Value>(&["CLUSTER", "ADDSLOTSRANGE", &slots.0.to_string(), &slots.1.to_string()]);
        }
        for node in cluster.nodes().skip(1) {
            let first = &cluster.primaries[0];
            let port = first.tls_port.unwrap_or(first.port).to_string();
            node.ask::<Value>(&["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
        let count = cluster.nodes().count();
        let all_say = |line: &str| {
            cluster
                .nodes()
                .all(|node| node.ask::<String>(&["CLUSTER", "INFO"]).lines().any(|one| one == line))
        };
        wait_for("the nodes to meet", || all_say(&format!("cluster_known_nodes:{count}")));
        for (primary, replica) in cluster.primaries.iter().zip(&cluster.replicas) {
            let id: String = primary.ask(&["CLUSTER", "MYID"]);
            wait_for("a replica to be taken", || {
                replica.try_ask::<Value>(&["CLUSTER", "REPLICATE", &id]).is_ok()
            });
        }
        for replica in &cluster.replicas {
            wait_for("a replica to follow", || replica.says("replication", "master_link_status:up"));
        }
        wait_for("the cluster to be complete", || {
            all_say("cluster_state:ok") && all_say("cluster_slots_ok:16384")
        });
        cluster
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.primaries.iter().chain(&self.replicas)
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Which of the primaries, as they were at the start, has the room of this name.
    pub(crate) fn primary_of(&self, room: &str) -> usize {
        let slot: u16 = self.primaries[0].ask(&["CLUSTER", "KEYSLOT", &format!("wr:{{{room}}}")]);
        usize::from(slot > 5460) + usize::from(slot > 10922)
    }
}

/// A primary, a replica, and three sentinels that watch over them.
pub(crate) struct Watched {
    pub(crate) primary: Node,
    pub(crate) replica: Node,
    pub(crate) sentinels: Vec<Node>,
}

impl Watched {
    pub(crate) fn start() -> Self {
        let primary = Node::server(&[]);
        let replica = Node::server(&["--replicaof", &format!("127.0.0.1 {}", primary.port)]);
        wait_for("the replica to follow", || replica.says("replication", "master_link_status:up"));
        let sentinels: Vec<Node> = (0..3).map(|_| Node::sentinel(&primary)).collect();
        for sentinel in &sentinels {
            wait_for("the sentinels to find each other and the replica", || {
                let seen: HashMap<String, String> = sentinel.ask(&["SENTINEL", "MASTER", "main"]);
                seen["num-other-sentinels"] == "2" && seen["num-slaves"] == "1"
            });
        }
        Self { primary, replica, sentinels }
    }

    pub(crate) fn url(&self) -> String {
        let addresses: Vec<String> =
            self.sentinels.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+sentinel://{}/main", addresses.join(","))
    }
}
