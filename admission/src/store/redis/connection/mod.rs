//! How a script reaches the Redis that holds its room: one server, a cluster, or the primary that sentinels
//! name. Which of them it is, the URL says; what is above this folder cannot tell.
//!
//! Whatever happens on the way, a call ends within [`CALL_TIMEOUT`], and a server that could not answer is one
//! error, which says where and what.

mod cluster;
mod link;
mod sentinel;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, ToRedisArgs, Value};

use self::cluster::Cluster;
use self::link::Link;
use self::sentinel::Sentinels;
use self::url::Target;
pub use self::url::UrlError;
use super::tls::explain;

/// How long a whole call may take, with everything that is tried in between: a little less than callers wait,
/// so that it is noticed here when a server hangs.
const CALL_TIMEOUT: Duration = Duration::from_millis(1900);
/// How long a server may take to answer. Scripts at a million waiting take a few milliseconds; what takes
/// longer than this is lost, or will be, and so is the connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long connecting to a server may take.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// How long asking about the others may take: a sentinel, or a node of a cluster.
const ASK_TIMEOUT: Duration = Duration::from_millis(500);

/// A script, and the name that servers know it by once they ran it.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }

    /// Begins a call on the room of this name.
    pub(super) fn call(&self, room: &str) -> Call<'_> {
        Call { script: self, room: room.to_owned(), arguments: Vec::new() }
    }
}

/// A script with what it is asked. Its one key is the room's; its other keys share that one's hash tag.
pub(super) struct Call<'a> {
    script: &'a Script,
    room: String,
    arguments: Vec<Vec<u8>>,
}

impl Call<'_> {
    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(1).arg(format!("wr:{{{}}}", self.room)).arg(&self.arguments);
        command
    }
}

/// What went wrong, and where.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    at: Arc<str>,
    error: RedisError,
}

impl Fault {
    fn new(at: &Arc<str>, error: RedisError) -> Self {
        Self { at: Arc::clone(at), error }
    }

    fn timeout(at: &Arc<str>, what: &'static str) -> Self {
        let error = std::io::Error::new(std::io::ErrorKind::TimedOut, what);
        Self::new(at, RedisError::from(error))
    }

    /// The word that an answer of the server's begins with, if this is one.
    pub(super) fn code(&self) -> Option<&str> {
        self.error.code()
    }

    /// Whether the server did not know the script, and so did nothing.
    fn is_unknown_script(&self) -> bool {
        self.error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
    }

    /// Whether the connection is of no more use: it broke, or nothing came over it in time.
    fn is_broken(&self) -> bool {
        self.error.is_io_error() || self.error.is_unrecoverable_error()
    }

    /// Whether the server answered that it is not, or not now, the one to ask: a replica, one that still loads,
    /// one without its replicas or its cluster. Servers before 7 wrap what fails inside of a script.
    fn is_elsewhere(&self) -> bool {
        const WORDS: [&str; 5] = ["READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS", "CLUSTERDOWN"];
        let (code, detail) = (self.error.code().unwrap_or_default(), self.error.detail().unwrap_or_default());
        WORDS.iter().any(|word| code == *word || (code == "ERR" && detail.contains(&format!("-{word} "))))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match explain(&self.error) {
            Some(said) => write!(f, "{}: {said}", self.at),
            None => write!(f, "{}: {}", self.at, self.error),
        }
    }
}

/// The way to the servers. It connects when first used, and again whenever a connection is lost.
pub(super) struct Connection(Way);

enum Way {
    /// One server: the one of the address, or the primary that the sentinels name.
    One(Arc<Link>),
    /// As many as the cluster has; a room's slot says which.
    Cluster(Box<Cluster>),
}

impl Connection {
    pub(super) fn open(url: &str) -> Result<Self, UrlError> {
        Ok(Self(match Target::parse(url)? {
            Target::Server(server) => Way::One(Link::to(server)),
            Target::Sentinels { sentinels, service, manner } => {
                Way::One(Link::behind(Sentinels::new(sentinels, service, manner)))
            }
            Target::Cluster { nodes, manner } => Way::Cluster(Box::new(Cluster::new(nodes, manner))),
        }))
    }

    /// Runs a script. A server that took over and does not know it yet is given it.
    pub(super) async fn run(&self, call: &Call<'_>) -> Result<Value, Fault> {
        let answer = async {
            match self.send(&call.room, &call.command("EVALSHA", &call.script.hash)).await {
                Err(fault) if fault.is_unknown_script() => {
                    self.send(&call.room, &call.command("EVAL", call.script.source)).await
                }
                answer => answer,
            }
        };
        match tokio::time::timeout(CALL_TIMEOUT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::timeout(self.name(), "no answer in time")),
        }
    }

    async fn send(&self, room: &str, command: &Cmd) -> Result<Value, Fault> {
        match &self.0 {
            Way::One(link) => link.send_twice(command).await,
            Way::Cluster(cluster) => cluster.send(room, command).await,
        }
    }

    fn name(&self) -> &Arc<str> {
        match &self.0 {
            Way::One(link) => link.name(),
            Way::Cluster(cluster) => cluster.name(),
        }
    }
}

/// Whether `url` says how to reach a Redis.
///
/// # Errors
/// When it does not: what is wrong, and what would be right.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    Target::parse(url).map(|_| ())
}
