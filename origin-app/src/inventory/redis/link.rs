//! The connection to Redis, made when it is first needed and made again after it was lost. Whatever happens on the
//! way, a call ends within a bounded time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admission::clock::Timestamp;
use admission::store::redis::tls;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError,
    ServerErrorKind, Value,
};
use tokio::time::Instant;

/// How long a server may take to answer. Loading an event of a hundred thousand seats takes a few hundred
/// milliseconds; what takes longer than this is lost, and so is the connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after an attempt to connect that failed.
const PAUSE: Duration = Duration::from_millis(200);
/// How many calls may wait on the one connection; the others wait for room. The client's own 50 would make a crowd wait for
/// that room while Redis is idle.
const AT_ONCE: usize = 1024;

/// A script, and the name that servers know it by once they ran it.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }
}

/// One server. All who send to it share one connection.
pub(super) struct Link {
    server: ConnectionInfo,
    state: Mutex<State>,
    /// Held while connecting: who comes meanwhile waits for that one attempt.
    connecting: tokio::sync::Mutex<()>,
}

/// A connection, and the process at its other end: it leads to that one and to no other.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    /// The server's `run_id`, which is new whenever it was started.
    process: Arc<str>,
    generation: u64,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    /// Counts the connections, so that who lost one does not close the next.
    generation: u64,
    failed: Option<(String, Instant)>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server answered with an error of this code.
    Refused(String, String),
    /// It did not answer.
    Away(String),
}

impl Link {
    pub(super) fn to(url: &str) -> Result<Self, String> {
        let (url, tls) = tls::take(url)?;
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        if !matches!(scheme, "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix") {
            return Err("this is no URL of Redis".to_owned());
        }
        // What redis says of a URL names the part that is wrong, and not what stood there.
        let server = url.into_connection_info().map_err(|error| error.to_string())?;
        let server = match tls {
            Some(tls) => tls.secure(server).map_err(|error| error.to_string())?,
            None => server,
        };
        Ok(Self { server, state: Mutex::default(), connecting: tokio::sync::Mutex::default() })
    }

    /// Runs a script on the keys of one event, at `time` (else the server's), and tells it which process the connection leads
    /// to. Every verb may be repeated, so it is sent once more where the connection turns out to be broken, as it does when
    /// the server was restarted.
    pub(super) async fn run(
        &self,
        script: &Script,
        key: &str,
        time: Option<Timestamp>,
        arguments: &[Vec<u8>],
    ) -> Result<Value, Fault> {
        let command = |name: &str, script: &str, process: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key);
            match time {
                Some(time) => command.arg(format!("{process} {time}")),
                None => command.arg(process),
            };
            command.arg(arguments);
            command
        };
        match self.send_twice(|process| command("EVALSHA", &script.hash, process)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let answer = self.send_twice(|process| command("EVAL", script.source, process)).await;
                answer.map_err(|error| fault(&error))
            }
            answer => answer.map_err(|error| fault(&error)),
        }
    }

    /// Sends a command that may be repeated.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, Fault> {
        self.send_twice(|_| command.clone()).await.map_err(|error| fault(&error))
    }

    async fn send_twice(&self, command: impl Fn(&str) -> Cmd) -> Result<Value, RedisError> {
        match self.send(&command).await {
            Err(error) if is_broken(&error) && !error.is_timeout() => self.send(&command).await,
            answer => answer,
        }
    }

    async fn send(&self, command: impl Fn(&str) -> Cmd) -> Result<Value, RedisError> {
        let Open { mut connection, process, generation } = self.lease().await?;
        let answer = command(&process).query_async(&mut connection).await;
        if let Err(error) = &answer
            && (is_broken(error) || matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN")))
        {
            let mut state = self.state();
            if state.generation == generation {
                state.open = None;
            }
        }
        answer
    }

    async fn lease(&self) -> Result<Open, RedisError> {
        if let Some(lease) = self.open() {
            return Ok(lease);
        }
        let _only_one = self.connecting.lock().await;
        if let Some(lease) = self.open() {
            return Ok(lease);
        }
        if let Some((error, retry_at)) = &self.state().failed
            && Instant::now() < *retry_at
        {
            return Err(away(error.clone()));
        }
        let connected = tokio::time::timeout(CONNECTION_TIMEOUT, connect(self.server.clone())).await;
        let connected = connected.unwrap_or_else(|_| Err(away("cannot connect in time".to_owned())));
        let mut state = self.state();
        match connected {
            Ok((connection, process)) => {
                state.generation += 1;
                let open = Open { connection, process, generation: state.generation };
                state.open = Some(open.clone());
                state.failed = None;
                Ok(open)
            }
            Err(error) => {
                let said = tls::explain(&error).map_or_else(|| error.to_string(), str::to_owned);
                state.failed = Some((said, Instant::now() + PAUSE));
                Err(error)
            }
        }
    }

    fn open(&self) -> Option<Open> {
        self.state().open.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect(server: ConnectionInfo) -> Result<(MultiplexedConnection, Arc<str>), RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_pipeline_buffer_size(AT_ONCE);
    let mut connection = Client::open(server)?.get_multiplexed_async_connection_with_config(&config).await?;
    let facts: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let process = facts.lines().find_map(|line| line.strip_prefix("run_id:"));
    match process
        .map(str::trim)
        .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        Some(process) => Ok((connection, process.into())),
        None => Err(away("the server does not say which process it is".to_owned())),
    }
}

fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

fn away(what: String) -> RedisError {
    RedisError::from(std::io::Error::new(std::io::ErrorKind::NotConnected, what))
}

fn fault(error: &RedisError) -> Fault {
    match error.code() {
        Some(code) if !is_broken(error) => Fault::Refused(code.to_owned(), error.to_string()),
        _ => Fault::Away(tls::explain(error).map_or_else(|| error.to_string(), str::to_owned)),
    }
}
